"""Sounds through a whole space: files in, files out, windows of long ones as items of their own."""

import numpy as np
import pytest

import latentspace as ls
from latentspace.writing import write_items

RATE = 8000


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """Forty decaying tones of two timbres as WAV files, one folder a timbre."""
    import soundfile

    folder = tmp_path_factory.mktemp("tones")
    t = np.arange(RATE) / RATE
    for timbre, partials in (("flute", [1, 0.1]), ("reed", [1, 0, 0.6, 0, 0.4])):
        (folder / timbre).mkdir()
        for step in range(20):
            hertz = 200 * 2 ** (step / 12)
            wave = sum(a * np.sin(2 * np.pi * hertz * (k + 1) * t) for k, a in enumerate(partials))
            soundfile.write(folder / timbre / f"{step:02d}.wav", 0.2 * wave * np.exp(-2 * t), RATE)
    return folder


def test_sounds_come_back_as_sounds_and_are_written_as_files(tones, tmp_path):
    space = ls.fit(tones, dims=24)
    assert space.modality.kind == "audio"
    assert set(space.metadata["label"]) == {"flute", "reed"}
    hits = space.search(tones / "reed" / "05.wav", k=3)
    assert hits.ids[0] == "reed/05.wav"
    samples, rate = space.decode(space.latents[3])[0]
    assert rate == RATE
    assert np.abs(samples).max() > 0.01
    space.save(tmp_path / "t.latent")
    again = ls.load(tmp_path / "t.latent")
    write_items(again, again.sample(3, seed=0), tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["00000.wav", "00001.wav", "00002.wav"]
    write_items(again, again.interpolate("flute/00.wav", "reed/00.wav", steps=3), tmp_path / "way.wav")
    write_items(again, again.items[:4], tmp_path / "spectrograms.png")
    assert again.encode(tmp_path / "new").shape == (3, 24)


def test_windows_of_a_file_are_items_with_their_place_in_it(tones):
    space = ls.fit(tones, dims=4, windows="window", seconds=0.25)
    assert len(space) > 2 * 40
    row = space.position(space.search(id=space.ids[0], k=1).ids[0])
    assert space.metadata["label"][row] == "flute"
    assert len(space.metadata["label"]) == len(space) == len(space.latents)


def test_other_items_are_not_written_as_sound(digits, tmp_path):
    space = ls.fit(digits[0][:10], dims=2)
    with pytest.raises(ValueError, match="cannot be written as"):
        write_items(space, space.items[:2], tmp_path / "x.wav")
