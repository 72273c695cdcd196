"""Lossless sounds: every sample comes back, alone or among others, compiled or not, smaller than in FLAC."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.sounds import KINDS, drawn, flac_bytes, mutated, plucked, voices
from latentspace.codec import sound_lossless
from latentspace.codec.protocol import CODERS
from latentspace.codec.sound_bits import code_large, ended, odds, reader, writer
from latentspace.codec.sound_lossless import LosslessSoundCoder
from latentspace.errors import CorruptFileError

CODER = LosslessSoundCoder()


def given_back(items: list[np.ndarray]) -> None:
    shapes = [item.shape for item in items]
    parts = CODER.encode(items)
    for back in (CODER.decode(parts, shapes), CODER.decode_block(CODER.encode_block(items), shapes)):
        for item, again in zip(items, back, strict=True):
            assert again.dtype == np.int32
            np.testing.assert_array_equal(again, item)
    if items:  # any of them, alone
        np.testing.assert_array_equal(CODER.decode(parts[-1:], shapes[-1:])[0], items[-1])


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.sampled_from([0, 1, 7, 100, 700]), max_size=4),
    channels=st.sampled_from([1, 2, 5]),
    width=st.sampled_from([8, 16, 24]),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**31),
)
def test_every_sample_comes_back(lengths, channels, width, kind, seed):
    rng = np.random.default_rng(seed)
    given_back([drawn(rng, length, channels, width, kind) for length in lengths])


@pytest.mark.parametrize("width", [8, 16, 24])
@pytest.mark.parametrize("kind", KINDS)
def test_longer_sounds_and_many_come_back(width, kind):
    rng = np.random.default_rng(width)
    given_back([drawn(rng, 5000, channels, width, kind) for channels in (1, 2)])
    given_back([drawn(rng, 20, 1, width, kind) for _ in range(60)])


@pytest.mark.parametrize("width", [8, 16, 24])
def test_a_recorded_string_comes_back_and_is_smaller_than_in_flac(width):
    x = plucked(width)
    given_back([x, x[:, 0].copy()])
    assert len(CODER.encode([x])[0]) < flac_bytes(x, 11025, width)


def test_recorded_voices_are_smaller_than_in_flac_each_of_them():
    items = voices()
    ours, flac = [len(part) for part in CODER.encode(items)], [flac_bytes(item, 8000) for item in items]
    assert all(one < other for one, other in zip(ours, flac, strict=True))
    assert sum(ours) < 0.95 * sum(flac)
    assert len(CODER.encode_block(items)) < sum(ours)
    given_back(items[:2])


def test_bits_that_samples_do_not_use_take_no_bytes():
    x = plucked()
    plain = len(CODER.encode([x])[0])
    assert len(CODER.encode([x.astype(np.int32) << 8])[0]) == plain
    assert len(CODER.encode([np.full(100_000, 77, np.int16)])[0]) < 100


def test_a_channel_that_is_the_other_again_takes_next_to_nothing():
    x = plucked()[:, 0]
    alone, twice = CODER.encode([x, np.stack([x, x], axis=1)])
    assert len(twice) < 1.15 * len(alone)


def test_damaged_strings_end_in_an_error_or_in_an_array_of_that_shape():
    x = plucked()[:400]
    part, rng = CODER.encode([x])[0], np.random.default_rng(0)
    for _ in range(1000):
        wrong = mutated(rng, part)
        try:
            (back,) = CODER.decode([wrong], [x.shape])
            assert back.shape == x.shape
            assert np.abs(back.astype(np.int64)).max() <= 2**23
        except CorruptFileError as error:
            assert "sound" in str(error)  # noqa: PT017 - an error is one of two ways
    for _ in range(50):
        with pytest.raises(CorruptFileError):
            CODER.decode_block(mutated(rng, CODER.encode_block([x, x])) + b"1", [x.shape])


def test_a_short_string_of_a_huge_shape_ends_at_once():
    with pytest.raises(CorruptFileError, match="was read to byte"):
        CODER.decode([CODER.encode([plucked()])[0]], [(2**22, 2)])
    with pytest.raises(CorruptFileError, match="shape"):
        CODER.decode([b"\x10\x00"], [(3, 4, 5)])
    with pytest.raises(CorruptFileError, match="width"):
        CODER.decode([b"\xff\x00"], [(3,)])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(np.zeros(3), "whole numbers"), (np.zeros((2, 3, 4), np.int16), "whole numbers"),
     (np.zeros((2, 65), np.int16), "at most 64"), (np.array([2**23], np.int32), "24 bits hold")],
)  # fmt: skip
def test_what_is_no_sound_is_refused_with_what_would_be(wrong, words):
    with pytest.raises(ValueError, match=words):
        CODER.encode([wrong])


def test_one_thread_and_two_write_the_same(monkeypatch):
    items = [plucked()[start : start + 300] for start in range(0, 3000, 300)]
    found = []
    for cores in (1, 2):
        monkeypatch.setattr(sound_lossless, "usable_cores", lambda cores=cores: cores)
        found.append(CODER.encode(items))
    with ThreadPoolExecutor(2) as pool:
        found.append([part for (part,) in pool.map(lambda item: CODER.encode([item]), items)])
    assert found[0] == found[1] == found[2]


ELSEWHERE = """
import hashlib, json, sys
import numpy as np
from latentspace.codec.protocol import CODERS
t = np.arange(260)
x = np.stack([t * t % 977 * 31 - 9000, t * 123 % 2001 - 1000 + t * t % 55], axis=1).astype(np.int16)
coder = CODERS[sys.argv[1]].fit([])
parts = coder.encode([x, x[:40, 0].copy()], 20.0)
back = coder.decode(parts, [x.shape, (40,)], 20.0)
print(json.dumps([hashlib.sha256(b"".join(parts)).hexdigest(), int(np.abs(back[0] - x).max())]))
"""


@pytest.mark.parametrize("name", ["sound-lossless", "sound"])
def test_another_process_without_numba_writes_and_reads_the_same(name):
    def ran(**more):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, name], env={**os.environ, **more}, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    compiled, plain = ran(), ran(NUMBA_DISABLE_JIT="1")
    assert compiled == plain
    t = np.arange(260)
    x = np.stack([t * t % 977 * 31 - 9000, t * 123 % 2001 - 1000 + t * t % 55], axis=1).astype(np.int16)
    here = CODERS[name].fit([]).encode([x, x[:40, 0].copy()], 20.0)
    assert hashlib.sha256(b"".join(here)).hexdigest() == compiled[0]


@given(st.lists(st.integers(0, 2**39), max_size=20))
def test_large_numbers_come_back_from_their_bits(numbers):
    coder, data = writer(200)
    for number in numbers:
        code_large(np.int64(number), coder, data)
    coder, data = reader(ended(coder, data))
    assert [int(code_large(np.int64(0), coder, data)) for _ in numbers] == numbers


def test_tables_of_odds_are_those_that_were_published():
    squash, stretch, pace = odds()
    together = hashlib.blake2b(digest_size=8)
    for table in (squash, stretch, pace):
        together.update(table.astype("<i4").tobytes())
    assert together.hexdigest() == "81a878104b966777"
    assert (np.diff(squash) >= 0).all()
    assert (np.diff(stretch) >= 0).all()


def test_a_click_after_quiet_does_not_throw_the_filters_off():
    rng = np.random.default_rng(0)
    t = np.arange(6000)
    x = np.rint(3000 * np.sin(0.01 * t) + rng.normal(0, 2, len(t))).astype(np.int16)
    clicked = x.copy()
    clicked[3000] += 25_000
    plain, with_click = CODER.encode([x, clicked])
    assert len(with_click) < len(plain) + 1200  # 783 more; 1731 where errors were measured by what was heard alone


@pytest.mark.parametrize("value", [-(2**23), 2**23 - 1, -(2**22), -1, 0, 1])
def test_one_value_at_any_end_of_the_range_comes_back(value):
    given_back([np.full(n, value, np.int32) for n in (1, 300)])
