"""A folder of bad sounds: each is named with its reason, none stops the others, and nothing is made up."""

import gzip
import os
import re
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import latentspace as ls
from latentspace.errors import BadItemError, SkippedItemsWarning
from latentspace.items import sound_files
from latentspace.items.audio import Audio

RATE = 16_000
NOISE = np.random.default_rng(0).normal(scale=0.1, size=RATE).astype(np.float32)
NOTE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)


def wav(samples, **options):
    return written(samples, "WAV", **options)


def written(samples, format, rate=RATE, subtype=None):
    from io import BytesIO

    held = BytesIO()
    soundfile.write(held, samples, rate, format=format, subtype=subtype)
    return held.getvalue()


def patched(data, offset, layout, value):
    return data[:offset] + struct.pack(layout, value) + data[offset + struct.calcsize(layout) :]


def with_nan(count, value=np.nan):
    samples = NOTE.copy()
    samples[5 : 5 + count] = value
    return wav(samples, subtype="FLOAT")


def cut(data):
    return data[: len(data) * 6 // 10]


def claiming(frames):
    """A FLAC whose header says how many samples follow: 36 bits, of which the last 32 stand at byte 22."""
    data = written(NOTE, "FLAC")
    return data[:21] + bytes([(data[21] & 0xF0) | frames >> 32]) + struct.pack(">I", frames & 0xFFFFFFFF) + data[26:]


RUBBISH = {
    "bytes.wav": (b"", "empty: 0 bytes"),
    "cancels.wav": (wav(np.stack([NOTE, -NOTE], axis=1)), "silent once its 2 channels are mixed"),
    "channels.wav": (patched(wav(NOTE), 22, "<H", 0), "damaged|empty"),
    "click.wav": (wav(NOTE[:1]), r"too short: 1 sample, 0.06 ms \(at least 10\)"),
    "crowd.wav": (wav(np.zeros((400, 100), np.float32) + 0.1), r"100 channels \(limit 64\)"),
    "cut.aiff": (written(NOTE, "AIFF")[:9000], "cut off: its header says 32,008 bytes of sound, 8,954 are there"),
    "cut.au": (written(NOTE, "AU")[:9000], "cut off: its header says"),
    "cut.flac": (written(NOTE, "FLAC")[:7000], "cut off: its header says 16,000 samples"),
    "cut.mp3": (cut(written(np.tile(NOTE, 4), "MP3")), "cut off: its header says 64,000 samples, of which the last"),
    "cut.ogg": (cut(written(np.tile(NOISE, 4), "OGG")), "cut off: its last page is not whole"),
    "cut.w64": (written(NOTE, "W64")[:9000], "cut off: its header says"),
    "cut.wav": (wav(NOTE)[:9000], "cut off: its header says 32,000 bytes of sound, 8,956 are there"),
    "fast.wav": (patched(wav(NOTE), 24, "<I", 2_000_000_000), "a rate of 2,000,000,000|damaged"),
    "header.wav": (wav(NOTE)[:36], "damaged"),
    "hours.flac": (claiming(2**36 - 1), r"too long: its header says 1,193.0 hours \(limit 24\)"),
    "huge.wav": (with_nan(1, 1e30), r"its samples reach 1e\+30, where full scale is 1"),
    "infinite.wav": (with_nan(2, np.inf), "2 of [0-9,]+ samples are NaN or infinite"),
    "longer.flac": (claiming(RATE * 3600), "cut off: its header says 57,600,000 samples"),
    "nan.wav": (with_nan(3), "3 of [0-9,]+ samples are NaN or infinite"),
    "none.wav": (wav(np.zeros(0, np.float32)), "empty: 0 samples"),
    "picture.wav": (b"\x89PNG\r\n\x1a\n" + bytes(500), "not a sound that can be read: 508 bytes that begin"),
    "quiet.wav": (wav(NOTE * 1e-4), r"silent: its loudest sample is 8\d dB below full scale"),
    "silence.wav": (wav(NOTE * 0), "silent: its loudest sample is 0"),
    "stopped.wav": (patched(wav(NOTE), 24, "<I", 0), "a rate of 0|damaged"),
    "text.mp3": (b"hello there " * 50, "not a sound that can be read: 600 bytes that begin b'hello there "),
    "text.wav": (b"hello there " * 50, "not a sound that can be read"),
    "zeros.mp3": (bytes(5000), "not a sound that can be read"),
    "zipped.wav": (gzip.compress(wav(NOTE), mtime=0), "not a sound that can be read"),
}


@pytest.fixture
def folder(tmp_path):
    """The rubbish above, three things that are no files, and three good sounds between them."""
    for name, (data, _) in RUBBISH.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.wav").mkdir()
    os.symlink(tmp_path / "nowhere", tmp_path / "link.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    for name in ("a.wav", "m.wav", "z.wav"):
        (tmp_path / name).write_bytes(wav(NOTE))
    return tmp_path


@pytest.mark.parametrize("options", [{}, {"windows": "window", "seconds": 0.5}, {"features": "statistics"}])
def test_every_bad_sound_is_named_with_its_reason_and_the_good_ones_are_read(folder, options):
    gathered = Audio.gather(folder)
    modality = Audio(**options).learn(gathered)
    batches = list(modality.read(gathered, block=7))
    good = {"a.wav", "m.wav", "z.wav"}
    if "windows" in options:  # each has one bad window and one good one
        good |= {"huge.wav", "infinite.wav", "nan.wav"}
    assert {id_.split("#")[0] for batch in batches for id_ in batch.ids} == good
    assert all(np.isfinite(batch.x).all() for batch in batches)
    known = [] if "windows" in options else gathered.skipped  # cutting into windows hands these on
    reasons = {}
    for item in [*known, *(item for batch in batches for item in batch.skipped)]:
        reasons.setdefault(item.id.split("#")[0], item.reason)
    expected = {name: reason for name, (_, reason) in RUBBISH.items()}
    expected |= {"folder.wav": "a folder, not a file", "link.wav": "a broken link", "pipe.wav": "a pipe, socket or"}
    assert reasons.keys() == expected.keys()
    wrong = {name: reason for name, reason in reasons.items() if not re.match(expected[name], reason)}
    assert wrong == {}


def test_every_item_is_either_read_or_skipped(folder):
    gathered = Audio.gather(folder)
    modality = Audio().learn(gathered)
    batches = list(modality.read(gathered))
    read = [id_ for batch in batches for id_ in batch.ids]
    skipped = [item.id for batch in batches for item in batch.skipped]
    assert sorted(read + skipped) == gathered.ids
    assert len(gathered) + len(gathered.skipped) == len(RUBBISH) + 6


def test_a_space_of_a_folder_of_rubbish_holds_the_good_sounds_beside_their_ids(folder, tmp_path):
    count = len(RUBBISH) + 3
    with pytest.warns(SkippedItemsWarning, match=f"skipped {count} of {count + 3} "):
        space = ls.fit(folder, "pca", dims=2, density="gaussian")
    space = ls.load(space.save(tmp_path / "rubbish.latent"))
    assert space.ids == ["a.wav", "m.wav", "z.wav"]
    assert {item.id for item in space.skipped} == {*RUBBISH, "folder.wav", "link.wav", "pipe.wav"}
    np.testing.assert_allclose(space.encode([folder / id_ for id_ in space.ids]), space.latents, atol=1e-4)
    with pytest.raises(BadItemError, match=r"item '.*' of .*: "):
        ls.fit(folder, "pca", dims=2, on_error="raise")


def test_nothing_but_rubbish_is_an_error_that_says_why(folder):
    for name in ("a.wav", "m.wav", "z.wav"):
        (folder / name).unlink()
    with pytest.raises(ValueError, match=r"none of .* sounds of .* can be used \(.*: "):
        Audio().learn(Audio.gather(folder))
    with pytest.raises(ValueError, match=r"none of the 1 sounds of .* can be read \(text.wav: not a sound"):
        Audio().learn(Audio.gather(folder / "text.wav"))


def test_the_first_bad_item_is_an_error_on_request(folder):
    gathered = Audio.gather(folder)
    modality = Audio().learn(gathered)
    with pytest.raises(BadItemError, match=r"item 'bytes.wav' of .*: empty: 0 bytes"):
        list(modality.read(gathered, on_error="raise"))


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        ((np.zeros((2, 3, 4), np.float32), RATE), r"samples of shape \(2, 3, 4\)"),
        ((np.zeros((2, 16_000), np.float32), RATE), r"samples of shape \(2, 16000\).*transpose"),
        ((NOTE, 8_000.5), r"a rate of 8000.5 samples a second"),
        ((NOTE, -1), r"a rate of -1"),
        ((NOTE, float("nan")), r"a rate of nan"),
        ((np.full(RATE, 1e300), RATE), "NaN or infinite"),
        ((np.zeros(0, np.float32), RATE), "empty: 0 samples"),
        ((np.zeros(RATE, np.int16), RATE), "silent"),
        ((np.zeros((RATE, 0), np.int16), RATE), "empty"),
    ],
)
def test_a_bad_sound_in_memory_is_skipped_with_its_reason(sound, reason):
    sounds = [(NOTE, RATE), sound]
    (batch,) = Audio().learn(Audio.gather(sounds[:1])).read(Audio.gather(sounds))
    assert batch.ids == ["0"]
    assert [item.id for item in batch.skipped] == ["1"]
    assert re.search(reason, batch.skipped[0].reason)


def test_damage_just_behind_a_window_does_not_leak_into_it():
    samples = NOTE.copy()
    modality = Audio(windows="window", seconds=0.5).learn(Audio.gather((NOTE, RATE)))
    samples[round(modality.seconds_ * RATE) + 5] = np.nan
    (batch,) = modality.read(modality.gather_new((samples, RATE)))
    assert np.isfinite(batch.x).all()
    assert len(batch.skipped) >= 1


def test_a_file_that_does_not_know_its_length_because_it_was_piped_is_read(tmp_path):
    for unknown in (0xFFFFFFFF, 0x7FFFFFFF):
        (tmp_path / "piped.wav").write_bytes(patched(patched(wav(NOTE), 4, "<I", unknown), 40, "<I", unknown))
        samples, head = sound_files.read(tmp_path / "piped.wav", RATE, 2.0)
        assert head.frames == len(samples) == RATE
        np.testing.assert_allclose(samples, NOTE, atol=1e-4)


@pytest.mark.parametrize("format", ["WAV", "AIFF", "AU", "FLAC", "W64", "CAF", "OGG"])
def test_every_beginning_of_a_file_is_refused_or_read_whole(tmp_path, format):
    data = written(NOTE, format)
    path = tmp_path / f"part.{format.lower()}"
    for length in sorted({*range(0, 200, 7), *np.linspace(200, len(data) - 1, 40).astype(int).tolist()}):
        path.write_bytes(data[:length])
        try:
            samples, _ = sound_files.read(path, RATE, 2.0)
        except BadItemError:
            continue
        assert len(samples) >= RATE - 1 if format != "OGG" else len(samples) > 0  # a page's end is an end


@given(st.integers(0, 2**31), st.sampled_from(["WAV", "FLAC", "OGG", "AIFF", "CAF"]))
@settings(max_examples=60, deadline=None)
def test_flipped_bytes_give_finite_features_or_a_reason(tmp_path_factory, seed, format):
    rng = np.random.default_rng(seed)
    data = bytearray(written(NOTE, format))
    for place in rng.integers(0, min(len(data), 5000), size=rng.integers(1, 30)):
        data[place] = rng.integers(0, 256)
    path = tmp_path_factory.mktemp("flipped") / f"a.{format.lower()}"
    path.write_bytes(bytes(data))
    modality = Audio(seconds=1).learn(Audio.gather((NOTE, RATE)))
    (batch,) = modality.read(modality.gather_new(path))
    assert len(batch) + len(batch.skipped) == 1
    assert np.isfinite(batch.x).all()


def test_hours_in_a_header_take_no_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "hours.wav"
    path.write_bytes(patched(patched(wav(NOTE), 4, "<I", 2**32 - 100), 40, "<I", 2**32 - 200))
    tracemalloc.start()
    with pytest.raises(BadItemError, match="cut off: its header says 4,294,967,096 bytes"):
        sound_files.read(path, RATE, 600.0)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
