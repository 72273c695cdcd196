"""Sounds with loss: the transform is orthogonal, errors follow the step, bytes are bounded, damage is told."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.sounds import KINDS, TYPES, drawn, mutated, plucked, voices
from latentspace.codec import sound, sound_transform
from latentspace.codec.sound import SoundCoder
from latentspace.errors import CorruptFileError

CODER = SoundCoder()


def squared_error(one: np.ndarray, other: np.ndarray) -> float:
    return float(((one.astype(np.float64) - other) ** 2).mean())


@given(frames=st.integers(1, 900), n=st.sampled_from([64, 128, 512]), seed=st.integers(0, 2**31))
def test_frequencies_go_back_to_samples_and_hold_their_energy(frames, n, seed):
    x = np.random.default_rng(seed).normal(size=frames)
    y = sound_transform.to_frequencies(x, n)
    assert y.shape == (sound_transform.moments_of(frames, n), n)
    np.testing.assert_allclose(sound_transform.to_samples(y, frames), x, atol=1e-9)
    np.testing.assert_allclose((y**2).sum(), (x**2).sum())


def test_a_sine_is_one_frequency_in_long_moments_and_a_click_few_in_short_ones():
    t = np.arange(16_384)
    click = np.zeros((1, 16_384))
    click[0, 5000] = 20_000
    swelling = 20_000 * np.hanning(len(t)) * np.sin(0.3 * t)
    assert sound_transform.suited_length(swelling[None], 100.0) >= 1024
    assert sound_transform.suited_length(click, 100.0) == 64


def test_two_channels_are_turned_to_where_most_of_the_sound_is():
    rng = np.random.default_rng(0)
    common, rest = rng.normal(size=(2, 500)) * [[100], [1]]
    x = np.stack([common + rest, common - rest])
    turned = sound_transform.turned(x, sound_transform.suited_angle(x))
    assert (turned[1] ** 2).sum() < 0.01 * (turned[0] ** 2).sum()
    np.testing.assert_allclose(sound_transform.turned(turned, sound_transform.suited_angle(x), back=True), x)


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.sampled_from([0, 1, 7, 300, 1100]), max_size=4),
    channels=st.sampled_from([1, 2, 5]),
    width=st.sampled_from([8, 16, 24]),
    kind=st.sampled_from(KINDS),
    step=st.sampled_from([0.5, 30.0, 3000.0, 16384.0]),
    seed=st.integers(0, 2**31),
)
def test_what_comes_back_is_what_was_approximated_and_within_its_step(lengths, channels, width, kind, step, seed):
    rng = np.random.default_rng(seed)
    items = [drawn(rng, length, channels, width, kind) for length in lengths]
    shapes, expected = [item.shape for item in items], CODER.approximate(items, step)
    parts = CODER.encode(items, step)
    for back in (CODER.decode(parts, shapes, step), CODER.decode_block(CODER.encode_block(items, step), shapes, step)):
        for item, mine, again in zip(items, expected, back, strict=True):
            assert again.dtype == np.int32
            np.testing.assert_array_equal(again, mine)
            if item.size:  # the largest error of a frequency is 0.64 of a step, and rounding adds half a sample
                size = step * 2.0 ** (width - 16)
                assert squared_error(item, again) <= (0.65 * size + 0.5) ** 2 * (1 + 128 / len(item))
    if items:
        np.testing.assert_array_equal(CODER.decode(parts[-1:], shapes[-1:], step)[0], expected[-1])


def test_a_finer_step_costs_more_and_keeps_more():
    items = [plucked(), plucked(24)]
    found = []
    for step in (4000.0, 400.0, 40.0, 4.0):
        back = CODER.decode(CODER.encode(items, step), [item.shape for item in items], step)
        found.append((CODER.bits(items, step).sum(), [squared_error(a, b) for a, b in zip(items, back, strict=True)]))
    bits, errors = [bit for bit, _ in found], np.array([error for _, error in found])
    assert bits == sorted(bits)
    assert (np.diff(errors, axis=0) < 0).all()
    assert errors[-1, 1] == pytest.approx(errors[-1, 0] * 2**16, rel=0.1)  # 24 bits of the same: the same in its unit


def test_recorded_voices_take_less_than_half_of_vorbis_at_the_same_error():
    soundfile = pytest.importorskip("soundfile")
    items, vorbis, error = voices(), 0, 0.0
    for item in items:
        file = io.BytesIO()
        soundfile.write(file, item, 8000, format="OGG", subtype="VORBIS", compression_level=0.3)
        vorbis += file.getbuffer().nbytes
        file.seek(0)
        error += float(((soundfile.read(file, dtype="int16")[0][: len(item)].astype(float) - item) ** 2).sum())
    for step in 20 * 1.15 ** np.arange(30, -1, -1):
        back = CODER.approximate(items, step)
        if sum(squared_error(a, b) * a.size for a, b in zip(items, back, strict=True)) <= error:
            break
    assert sum(map(len, CODER.encode(items, step))) < 0.5 * vorbis


def test_damaged_strings_end_in_an_error_or_in_an_array_of_that_shape():
    x = plucked()[:600]
    part, rng = CODER.encode([x], 100.0)[0], np.random.default_rng(0)
    for _ in range(1000):
        wrong = mutated(rng, part)
        try:
            (back,) = CODER.decode([wrong], [x.shape], 100.0)
            assert back.shape == x.shape
        except CorruptFileError as error:
            assert "sound" in str(error)  # noqa: PT017 - an error is one of two ways


def test_a_short_string_of_a_huge_shape_ends_at_once():
    part = CODER.encode([plucked()], 100.0)[0]
    with pytest.raises(CorruptFileError, match="was read to byte"):
        CODER.decode([part], [(2**22, 2)], 100.0)
    with pytest.raises(CorruptFileError, match="moments of"):
        CODER.decode([bytes([16, 6, 0, 128, 128])], [(7,)], 100.0)
    with pytest.raises(CorruptFileError, match="which no coder writes"):
        CODER.decode([bytes([17, 0, 0, 128, 128])], [(7,)], 100.0)


def test_one_thread_and_two_write_the_same(monkeypatch):
    items = [plucked()[start : start + 300] for start in range(0, 3000, 300)]
    found = []
    for cores in (1, 2):
        monkeypatch.setattr(sound, "usable_cores", lambda cores=cores: cores)
        found.append(CODER.encode(items, 50.0))
    assert found[0] == found[1]


def test_the_width_of_samples_is_their_types():
    assert [sound.width_of(np.zeros(1, kind)) for kind in TYPES.values()] == [8, 16, 24]
