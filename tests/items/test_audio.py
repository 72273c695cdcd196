"""Sounds become spectrograms and come back: rates, lengths, channels, windows, and what is chosen from the data."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from pitch import cents, fundamental

import latentspace
from latentspace.errors import BadItemError, CorruptFileError, UnsupportedError
from latentspace.items import describe, gather
from latentspace.items.audio import Audio
from latentspace.items.clips import cut
from latentspace.items.sound_files import write_wav


def tone(hertz=440.0, seconds=1.0, rate=16_000, amplitude=0.5, partials=4):
    t = np.arange(round(seconds * rate)) / rate
    waves = [np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, partials + 1) if hertz * k < rate / 2]
    return (amplitude * np.sum(waves, axis=0)).astype(np.float32)


def learned(source, **options):
    return Audio(**options).learn(Audio.gather(source))


def read(modality, source, **options):
    """All features of a source, the ids, metadata and what was skipped."""
    batches = list(modality.read(modality.gather_new(source), **options))
    metadata = {name: [value for batch in batches for value in batch.metadata[name]] for name in batches[0].metadata}
    skipped = [item for batch in batches for item in batch.skipped]
    return (
        np.concatenate([batch.x for batch in batches]),
        [i for batch in batches for i in batch.ids],
        metadata,
        skipped,
    )


@pytest.fixture
def notes(tmp_path):
    """A folder of twelve tones in three sub-folders, in four formats."""
    for i, hertz in enumerate(np.geomspace(110, 880, 12)):
        folder = tmp_path / "notes" / ("low", "middle", "high")[i // 4]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{i:02d}.{('wav', 'flac', 'ogg', 'mp3')[i % 4]}"
        soundfile.write(path, tone(hertz, 0.5 + 0.05 * i, 44_100), 44_100)
    return tmp_path / "notes"


# ---------------------------------------------------------------------- round trips
@given(
    rate=st.integers(4_000, 48_000),
    channels=st.integers(1, 3),
    seconds=st.floats(0.03, 0.7),
    integers=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_a_sound_comes_back_with_its_rate_and_its_length(rate, channels, seconds, integers):
    samples = np.repeat(tone(300, seconds, rate)[:, None], channels, axis=1)
    samples = (samples * 32_767).astype(np.int16) if integers else samples
    modality = learned([(samples, rate)])
    x, _, metadata, skipped = read(modality, [(samples, rate)])
    assert (metadata["rate"], metadata["channels"], skipped) == ([rate], [channels], [])
    assert metadata["duration"] == [len(samples) / rate]
    ((back, same),) = modality.rebuild(x, metadata)
    assert same == rate
    assert back.dtype == np.float32
    assert back.shape == (len(samples),)
    assert np.isfinite(back).all()


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("hertz", [55, 220, 880])
def test_a_note_comes_back_with_its_pitch_and_loudness(rate, hertz):
    note = tone(hertz, 1.2, rate)
    modality = learned([(note, rate)])
    x, _, metadata, _ = read(modality, [(note, rate)])
    ((back, _),) = modality.rebuild(x, metadata)
    assert abs(cents(fundamental(back, rate), hertz)) < 50
    assert 10 * np.log10(np.mean(back**2) / np.mean(note**2)) == pytest.approx(0, abs=1)


def test_features_are_float32_from_silence_at_0_to_the_loudest_at_1(notes):
    x, *_ = read(learned(notes), notes)
    assert x.dtype == np.float32
    assert x.min() == 0
    assert x.max() == 1
    assert x.shape[1] == 1
    assert x.shape[2] % 8 == x.shape[3] % 8 == 0


def test_half_the_amplitude_is_6_decibels_less_and_comes_back_as_half():
    loud, soft = tone(amplitude=0.8), tone(amplitude=0.4)
    modality = learned([(loud, 16_000), (soft, 16_000)])
    x, *_ = read(modality, [(loud, 16_000), (soft, 16_000)])
    low, high = modality.range_
    strong = x[0] > 0.5
    np.testing.assert_allclose((x[0] - x[1])[strong] * (high - low), 20 * np.log10(2), atol=0.01)
    (first, _), (second, _) = modality.restore(x)
    assert np.std(first) / np.std(second) == pytest.approx(2, rel=0.05)


def test_a_short_sound_is_padded_with_silence_that_comes_back_as_silence():
    modality = learned([(tone(seconds=2), 16_000), (tone(seconds=0.5), 16_000)])
    x, *_ = read(modality, [(tone(seconds=0.5), 16_000)])
    assert (x[..., -8:] == 0).all()
    ((back, rate),) = modality.restore(x)
    assert len(back) == round(modality.seconds_ * rate)
    assert np.abs(back[rate:]).max() < 1e-3


def test_all_formats_and_channels_of_one_sound_read_alike(tmp_path):
    note = tone(330, 1, 22_050)
    written = ("a.wav", "b.flac", "c.aiff", "d.ogg", "e.au", "f.caf", "g.w64", "h.mp3")
    for name in written:
        soundfile.write(tmp_path / name, note, 22_050)
    for subtype in ("FLOAT", "DOUBLE", "PCM_24", "PCM_32", "ULAW"):
        soundfile.write(tmp_path / f"{subtype}.wav", note, 22_050, subtype=subtype)
    soundfile.write(tmp_path / "stereo.wav", np.stack([note * 1.5, note * 0.5], axis=1), 22_050)
    modality = learned(tmp_path)
    x, ids, _, skipped = read(modality, tmp_path)
    assert skipped == []
    assert len(ids) == 14
    loud = x[ids.index("a.wav")] > 0.6
    for row in x:
        assert np.abs(row - x[ids.index("a.wav")])[loud].mean() < 0.01


def test_integers_of_every_type_have_their_own_full_scale():
    note = tone(amplitude=0.25)
    modality = learned([(note, 16_000)])
    expected, *_ = read(modality, [(note, 16_000)])
    loud = expected > 0.5
    for dtype in (np.uint8, np.int16, np.int32):
        limits = np.iinfo(dtype)
        half = (limits.max - limits.min + 1) // 2
        samples = (np.round(note.astype(np.float64) * (half - 1)) + (limits.min + half)).astype(dtype)
        x, *_ = read(modality, [(samples, 16_000)])
        np.testing.assert_allclose(x[loud], expected[loud], atol=0.01)


@given(
    rate=st.sampled_from([None, 8_000, 16_000]),
    seconds=st.sampled_from([None, 0.25, 1, 1.7]),
    mels=st.sampled_from([None, 40, 64]),
    features=st.sampled_from(["spectrogram", "statistics"]),
    windows=st.sampled_from(["file", "window"]),
)
@settings(max_examples=25, deadline=None)
def test_a_reader_rebuilt_from_its_state_reads_the_same(rate, seconds, mels, features, windows):
    sources = [(tone(200, 0.9, 22_050), 22_050), (tone(700, 1.6, 11_025), 11_025)]
    modality = learned(sources, rate=rate, seconds=seconds, mels=mels, features=features, windows=windows)
    facts, arrays = modality.state()
    again = Audio.from_state(facts, arrays)
    x, ids, metadata, _ = read(modality, sources)
    other, other_ids, other_metadata, _ = read(again, sources)
    np.testing.assert_array_equal(x, other)
    assert (ids, metadata) == (other_ids, other_metadata)
    assert again.state() == (facts, arrays)
    assert x.shape[1:] == modality.shape == again.shape
    assert again.feature_names == modality.feature_names


# ---------------------------------------------------------------------- windows
def test_windows_follow_one_another_through_the_whole_of_a_file(notes):
    modality = learned(notes, windows="window", seconds=0.2)
    x, ids, metadata, _ = read(modality, notes)
    assert len(x) == len(ids) == len(set(ids))
    for path in set(metadata["path"]):
        mine = [i for i, other in enumerate(metadata["path"]) if other == path]
        starts, ends = ([metadata[name][i] for i in mine] for name in ("start", "end"))
        np.testing.assert_allclose(starts[1:], ends[:-1])
        assert starts[0] == 0
        assert ends[-1] >= soundfile.info(notes / path).duration - modality.seconds_ / 2
        assert [ids[i] for i in mine] == [f"{path}#{a:.2f}-{b:.2f}s" for a, b in zip(starts, ends, strict=True)]
        assert {metadata["label"][i] for i in mine} == {path.split("/")[0]}


def test_a_window_reads_as_the_same_piece_in_memory(notes):
    modality = learned(notes, windows="window", seconds=0.25, hop=0.1)
    x, ids, metadata, _ = read(modality, notes / "high" / "08.wav")
    samples, rate = soundfile.read(notes / "high" / "08.wav", dtype="float32")
    facts, arrays = modality.state()
    facts["options"].update(windows="file", hop=None)
    by_file = Audio.from_state(facts, arrays)
    for row, start, end in zip(x, metadata["start"], metadata["end"], strict=True):
        piece = samples[round(start * rate) : round(end * rate)]
        (expected,), *_ = read(by_file, (piece, rate))
        loud = expected > 0.5
        np.testing.assert_allclose(row[loud], expected[loud], atol=0.02)
    assert len(ids) == 7


def test_hop_moves_windows_apart_or_over_one_another():
    long = (tone(seconds=3), 16_000)
    counts = [len(read(learned(long, windows="window", seconds=0.5, hop=hop), long)[1]) for hop in (0.25, None, 1.0)]
    assert counts[0] > counts[1] > counts[2] == 3


@given(seconds=st.floats(0.1, 1), hop=st.floats(0.1, 1), duration=st.floats(0.2, 3))
@settings(max_examples=50, deadline=None)
def test_windows_begin_a_hop_apart_until_one_reaches_the_end(seconds, hop, duration):
    sounds = Audio.gather((tone(seconds=duration, rate=8_000), 8_000))
    clips = cut(sounds, seconds, hop).raw
    duration = len(sounds.raw[0][0]) / 8_000
    np.testing.assert_allclose([clip.start for clip in clips], np.arange(len(clips)) * hop)
    assert all(clip.end == pytest.approx(min(clip.start + seconds, duration)) for clip in clips)
    assert all(clip.seconds >= seconds / 2 - 1e-6 for clip in clips[1:])
    assert all(clip.end < duration for clip in clips[:-1])
    after = clips[-1].start + hop
    assert clips[-1].end == pytest.approx(duration) or duration - after < seconds / 2 + 1e-6


def test_a_decoded_window_is_one_window_again():
    long = (tone(seconds=2), 16_000)
    modality = learned(long, windows="window", seconds=0.5, hop=0.1)
    x, *_ = read(modality, long)
    decoded = modality.restore(x[:3])
    assert len(read(modality, decoded)[1]) == 3


def test_a_window_comes_back_at_its_own_length_and_rate():
    long = (tone(seconds=1.0, rate=44_100), 44_100)
    modality = learned(long, windows="window", seconds=0.3)
    x, _, metadata, _ = read(modality, long)
    for (samples, rate), start, end in zip(
        modality.rebuild(x, metadata), metadata["start"], metadata["end"], strict=True
    ):
        assert rate == 44_100
        assert len(samples) == round((end - start) * 44_100)


def test_files_that_were_not_cut_before_are_cut_while_they_are_read(notes):
    (notes / "low" / "cut.wav").write_bytes((notes / "low" / "00.wav").read_bytes()[:20_000])
    modality = learned(notes, windows="window", seconds=0.2)
    files = Audio.gather(notes)
    batches = list(modality.read(files, block=5))
    x, ids, _, _ = read(modality, notes)
    assert [id_ for batch in batches for id_ in batch.ids] == ids
    np.testing.assert_array_equal(np.concatenate([batch.x for batch in batches]), x)
    assert [item.id for batch in batches for item in batch.skipped] == ["low/cut.wav"]
    assert [item.id for item in modality.gather_new(notes).skipped] == ["low/cut.wav"]
    with pytest.raises(BadItemError, match=r"item 'low/cut.wav' of .*: cut off"):
        next(modality.read(files, on_error="raise"))


# ---------------------------------------------------------------------- statistics
def test_statistics_are_the_mean_spread_and_change_of_each_band():
    note = (tone(440, 1), 16_000)
    whole, *_ = read(learned(note, seconds=1), note)
    modality = learned(note, features="statistics")
    x, *_ = read(modality, note)
    frames = whole[0, 0, :, : int(16_000 / modality.step_)]  # the last frame of the whole holds padding
    assert x.shape == (1, 3 * modality.mels_)
    mean, spread, change = x.reshape(3, -1)
    np.testing.assert_allclose(mean, frames.mean(axis=1), atol=0.03)
    np.testing.assert_allclose(spread, frames.std(axis=1), atol=0.05)
    np.testing.assert_allclose(change, np.abs(np.diff(frames, axis=1)).mean(axis=1), atol=0.03)
    names = modality.feature_names
    assert len(names) == x.shape[1]
    loudest = int(mean.argmax())
    assert names[loudest].startswith("mean ")
    assert abs(float(names[loudest].split()[1]) - 440) < 40


def test_statistics_refuse_to_become_sound_and_name_what_does():
    modality = learned((tone(), 16_000), features="statistics")
    with pytest.raises(UnsupportedError, match="features='spectrogram'"):
        modality.restore(np.zeros((1, *modality.shape), np.float32))
    assert modality.picture(np.zeros(modality.shape, np.float32)) is None


# ---------------------------------------------------------------------- chosen from the data
@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ([8_000] * 3, 8_000),
        ([44_100, 44_100, 48_000], 22_050),
        ([48_000], 24_000),
        ([96_000], 24_000),
        ([16_000], 16_000),
        ([500], 1_000),
    ],
)
def test_the_rate_follows_the_data(rates, expected):
    assert learned([(tone(100, 0.3, rate), rate) for rate in rates]).rate_ == expected


def test_the_length_is_what_nine_in_ten_files_fit_in():
    sounds = [(tone(seconds=0.5), 16_000)] * 9 + [(tone(seconds=8), 16_000)]
    modality = learned(sounds)
    assert 0.5 <= modality.seconds_ < 1.5
    assert modality.frames_ % 8 == 0
    assert "10% of the files are longer" in modality.notes[0]
    assert learned([(tone(seconds=8), 16_000)]).frames_ == 128
    assert learned(sounds, seconds=5).seconds_ == pytest.approx(5, abs=0.2)


def test_silence_lies_80_decibels_down_or_at_the_quietest_there_is():
    rng = np.random.default_rng(0)
    low, high = learned((tone(), 16_000)).range_
    assert high - low == pytest.approx(80)
    noise = rng.normal(scale=0.1, size=16_000).astype(np.float32)
    low, high = learned((noise, 16_000)).range_
    assert 20 <= high - low < 60


def test_one_sound_at_a_broken_level_does_not_push_all_others_down():
    sounds = [(tone(100 + 20 * i), 16_000) for i in range(20)]
    _, high = learned(sounds).range_
    _, higher = learned([*sounds, (60 * tone(), 16_000)]).range_
    assert higher - high < 13


# ---------------------------------------------------------------------- sources
def test_sub_folders_are_labels_and_ids_are_relative_paths_in_sorted_order(notes):
    (notes / "low" / "readme.txt").write_text("hello")
    gathered = Audio.gather(notes)
    assert gathered.ids == sorted(gathered.ids)
    assert len(gathered) == 12
    assert gathered.metadata == {"label": [id_.split("/")[0] for id_ in gathered.ids]}
    assert gathered.notes == ["1 other files left aside"]


def test_ids_rows_and_metadata_stay_aligned_over_blocks(notes):
    modality = learned(notes)
    whole, *_ = read(modality, notes)
    blocks = list(modality.read(modality.gather_new(notes), block=5))
    assert [len(block) for block in blocks] == [5, 5, 2]
    np.testing.assert_array_equal(np.concatenate([block.x for block in blocks]), whole)
    for block in blocks:
        for id_, duration, row in zip(block.ids, block.metadata["duration"], block.x, strict=True):
            assert duration == pytest.approx(0.5 + 0.05 * int(id_.split("/")[1][:2]), abs=0.06)  # MP3 pads
            (alone,), *_ = read(modality, notes / id_)
            np.testing.assert_array_equal(row, alone)


def test_a_reader_may_be_left_half_way(notes):
    modality = learned(notes)
    reader = modality.read(modality.gather_new(notes), block=5)
    assert len(next(reader)) == 5
    reader.close()


def test_paths_and_sounds_in_memory_read_alike(notes):
    paths = sorted(notes.rglob("*.*"))
    modality = learned(notes)
    expected, *_ = read(modality, notes)
    sounds = [soundfile.read(path, dtype="float32") for path in paths]
    x, ids, _, _ = read(modality, paths)
    order = [ids.index(path.name) for path in paths]
    np.testing.assert_array_equal(x[order], expected[[sorted(map(str, paths)).index(str(p)) for p in paths]])
    np.testing.assert_allclose(read(modality, sounds)[0], x, atol=1e-4)  # MP3 decodes a little otherwise from a seek
    np.testing.assert_array_equal(read(modality, sounds[0])[0], x[:1])


def test_a_bare_array_is_a_sound_at_the_fitted_rate_for_a_fitted_reader():
    modality = learned((tone(), 16_000))
    np.testing.assert_array_equal(read(modality, tone())[0], read(modality, (tone(), 16_000))[0])
    assert Audio.gather(tone()) is None


def test_what_is_no_sound_is_left_to_other_kinds(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    for source in (tmp_path, tmp_path / "a.csv", np.zeros((3, 4)), [1, 2], ["text"], [], [(1, 2)], {"a": 1}, None):
        assert Audio.gather(source) is None


def test_a_file_without_a_suffix_is_known_by_its_first_bytes(notes, tmp_path):
    (tmp_path / "noname").write_bytes((notes / "low" / "00.wav").read_bytes())
    (tmp_path / "words").write_text("hello")
    assert len(Audio.gather(tmp_path / "noname")) == 1
    assert Audio.gather(tmp_path / "words") is None


# ---------------------------------------------------------------------- out again
def test_a_written_wav_reads_back_as_what_was_written(tmp_path):
    write_wav(tmp_path / "a.wav", tone(), 16_000)
    back, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == 16_000
    np.testing.assert_allclose(back, tone(), atol=1 / 32_767)


def test_what_is_louder_than_full_scale_is_clipped_and_nan_is_refused(tmp_path):
    write_wav(tmp_path / "a.wav", np.array([2.0, -2.0, 0.0]), 8_000)
    back, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    np.testing.assert_allclose(back, [1, -1, 0], atol=1e-4)
    with pytest.raises(ValueError, match="NaN or infinity"):
        write_wav(tmp_path / "b.wav", np.array([np.nan]), 8_000)


def test_a_picture_has_high_frequencies_above_and_light_where_it_is_loud():
    modality = learned((tone(440, 1, partials=1), 16_000))
    (x,), *_ = read(modality, (tone(440, 1, partials=1), 16_000))
    shown = np.asarray(modality.picture(x)).astype(int)
    assert shown.shape == (modality.mels_, modality.frames_, 3)
    brightness = shown.sum(axis=2)[:, 10]
    row = modality.mels_ - 1 - int(x[0, :, 10].argmax())
    assert brightness[row] == brightness.max()
    assert row > modality.mels_ / 2


# ---------------------------------------------------------------------- messages
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 10}, r"rate=10 must be a whole number of Hz"),
        ({"rate": 16_000.0}, r"rate=16000.0 must"),
        ({"mels": 4}, r"mels=4 must be a whole number, 8 to"),
        ({"mels": 900}, r"mels=900 is too many at 16,000 Hz.* At most \d+"),
        ({"seconds": 0}, r"seconds=0 must be a number of seconds"),
        ({"seconds": "1"}, r"seconds='1' must"),
        ({"hop": 1.0}, r"hop=1.0 .* needs windows='window'"),
        ({"features": "mfcc"}, r"features='mfcc' is not known: choose 'spectrogram' or 'statistics'"),
        ({"windows": "files"}, r"windows='files' is not known: choose 'file' or 'window'"),
    ],
)
def test_an_impossible_option_says_what_is_possible(options, message):
    with pytest.raises(ValueError, match=message):
        learned((tone(), 16_000), **options)


def test_rate_before_samples_is_told_the_order():
    with pytest.raises(ValueError, match=r"\(samples, rate\), in this order"):
        Audio.gather((16_000, tone()))


def test_features_of_another_shape_and_nan_are_no_sounds():
    modality = learned((tone(), 16_000))
    with pytest.raises(ValueError, match=r"shape \(1, 3, 8, 8\)"):
        modality.restore(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(ValueError, match="NaN or infinity"):
        modality.restore(np.full((1, *modality.shape), np.nan, np.float32))


def test_no_sounds_at_all_restore_to_none():
    modality = learned((tone(), 16_000))
    assert modality.restore(np.zeros((0, *modality.shape), np.float32)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.pop("learned"),
        lambda facts: facts["learned"].update(rate=10**9),
        lambda facts: facts["learned"].update(rate=True),
        lambda facts: facts["learned"].update(frames=10**9),
        lambda facts: facts["learned"].update(mels="64"),
        lambda facts: facts["learned"].update(mels=1000),
        lambda facts: facts["learned"].update(frames=0),
        lambda facts: facts["learned"].update(range=[0, float("nan")]),
        lambda facts: facts["learned"].update(range=[5, 5]),
        lambda facts: facts["learned"].update(cut=None),
        lambda facts: facts["options"].update(features="os.system"),
        lambda facts: facts["options"].update(more=1),
        lambda facts: facts.update(options=7),
    ],
)
def test_a_damaged_state_is_refused(change):
    facts, arrays = learned((tone(), 16_000)).state()
    change(facts)
    with pytest.raises(CorruptFileError, match="sound reader's state is damaged"):
        Audio.from_state(facts, arrays)


# ---------------------------------------------------------------------- among the other kinds
def test_a_folder_of_sounds_is_found_to_be_audio_and_described(notes):
    kind, gathered = gather(notes)
    assert kind is Audio
    assert describe("audio", gathered) == "12 sounds in 3 folders, labels: high 4, low 4, middle 4"
    assert gather((tone(), 16_000))[0] is Audio
    assert gather([(tone(), 16_000)] * 3)[0] is Audio
    assert gather(notes / "low" / "00.wav")[0] is Audio


def test_sounds_and_a_table_in_one_folder_have_to_be_chosen_between(notes):
    (notes / "labels.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"several kinds.*kind='audio' for 12 sounds \(high/08.wav, ...\)"):
        gather(notes)
    assert len(gather(notes, kind="audio")[1]) == 12


def test_a_space_of_sounds_gives_sounds_and_finds_the_nearest(notes, tmp_path):
    space = latentspace.fit(notes, dims=8)
    assert (space.metadata["rate"], len(space)) == ([44_100] * 12, 12)
    space.save(tmp_path / "notes.latent")
    again = latentspace.load(tmp_path / "notes.latent")
    ((samples, rate),) = again.decode(again.latents[3])
    assert abs(cents(fundamental(samples, rate), fundamental(*soundfile.read(notes / again.ids[3])))) < 50
    assert again.search(notes / again.ids[3], k=1).ids == [again.ids[3]]
