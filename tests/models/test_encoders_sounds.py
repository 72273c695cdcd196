"""Encoders that read sounds: any network of samples, and two encoders of speech."""

import numpy as np
import pytest
import torch
from encoders_made import write_sentence_encoder
from onnx_file import write_linear
from torch import nn

import latentspace as ls
from latentspace.errors import MissingExtraError
from latentspace.models.encoders import open_encoder
from latentspace.models.encoders.hearing import slaney_filters
from latentspace.models.encoders.voices import _begins


class Loudness(nn.Module):
    """Samples (1, t) to (1, 2, 3): two steps of three numbers."""

    def forward(self, x):
        halves = x[:, : x.shape[1] // 2 * 2].reshape(1, 2, -1)
        return torch.stack([halves.mean(2), halves.std(2), halves.abs().amax(2)], dim=2)


def voice(seconds: float, pitch: float) -> np.ndarray:
    """Nineteen partials that glide and beat, at 16,000 samples a second: enough like a voice to be heard as one."""
    t = np.arange(int(16_000 * seconds)) / 16_000
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.1 * np.sin(2 * np.pi * 3 * t))) / 16_000
    x = sum(np.sin(k * phase) / k for k in range(1, 20)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    return (0.2 * x / np.abs(x).max()).astype(np.float32)


def test_what_a_module_gives_for_steps_is_averaged():
    sounds = [voice(0.5, 120), voice(1.25, 90)]
    model = ls.Pretrained(Loudness(), input_rate=16_000)
    z = model.fit_transform(sounds)
    for sound, row in zip(sounds, z, strict=True):
        halves = sound.reshape(2, -1)
        expected = [sound.mean(), halves.std(1, ddof=1).mean(), np.abs(halves).max(1).mean()]
        np.testing.assert_allclose(row, expected, atol=1e-6)
    assert model.about_["reads"] == "audio"
    np.testing.assert_array_equal(model.transform(sounds[1:]), z[1:])


def test_an_onnx_file_of_one_length_hears_a_sound_in_pieces(tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; pip install 'latentspace[pretrained]'")
    weights = np.random.default_rng(0).normal(size=(4000, 5)).astype(np.float32)
    path = write_linear(tmp_path / "sounds.onnx", weights, (4000,))
    model = ls.Pretrained(f"onnx:{path}", input_rate=8_000)
    sound = voice(0.6, 100)  # 9,600 samples: two pieces and 1,600 of a third
    filled = np.zeros(12_000, np.float32)
    filled[:9600] = sound
    np.testing.assert_allclose(
        model.fit_transform([sound])[0], (filled.reshape(3, -1) @ weights).mean(0), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        (["words"], TypeError, "item 0 is str"),
        ([np.zeros((2, 9))], TypeError, r"item 0 is ndarray of shape \(2, 9\)"),
        ([np.zeros(9, int)], TypeError, "reads sounds, as samples at 16,000 a second, float of shape"),
        ([(voice(0.1, 90), 8_000)], ValueError, "item 0 has 8,000 samples a second, and .* reads 16,000"),
        ([np.array([0.1, np.nan])], ValueError, "item 0 holds NaN or infinite samples"),
    ],
)
def test_what_is_no_sound_is_refused(items, error, message):
    with pytest.raises(error, match=message):
        ls.Pretrained(Loudness(), input_rate=16_000).fit(items)


def test_a_rate_is_for_networks_of_samples_alone(tmp_path):
    folder = write_sentence_encoder(tmp_path)
    with pytest.raises(ValueError, match=r"input_rate=16000 is for a network that takes samples .* Leave it out"):
        ls.Pretrained(f"text:{folder}", input_rate=16_000).fit([voice(0.1, 90)])
    with pytest.raises(ValueError, match="input_rate=10 must be a whole number"):
        ls.Pretrained(Loudness(), input_rate=10).fit([voice(0.1, 90)])
    with pytest.raises(ValueError, match="cannot take 16,000 samples of sound"):
        ls.Pretrained(nn.Linear(3, 2), input_rate=16_000).fit([voice(0.1, 90)])


def test_mel_filters_have_one_area_and_cover_the_band():
    bank = slaney_filters(16_000, 2**16, 40)  # so fine that sums are integrals
    np.testing.assert_allclose(bank.sum(1) * 16_000 / 2**16, 1, rtol=1e-3)
    centres = bank.argmax(1) * 16_000 / 2**16
    steps = np.diff(centres)
    np.testing.assert_allclose(steps[centres[1:] < 950], steps[0], rtol=0.01)  # equal steps below 1,000 Hz
    np.testing.assert_allclose((centres[1:] / centres[:-1])[-8:], centres[-1] / centres[-2], rtol=0.01)  # then ratios


@pytest.mark.parametrize(("samples", "begins"), [(1, [0]), (25_600, [0]), (40_000, [0, 77]), (49_600, [0, 77, 154])])
def test_pieces_of_a_voice_overlap_by_half_and_a_last_short_one_is_left_out(samples, begins):
    assert _begins(samples) == begins


# ---------------------------------------------------------------------- real ones, where they are installed
# From VoiceEncoder.embed_utterance of resemblyzer 0.1.4 with librosa, the four largest; all 256 agreed to 2e-7.
GOLDEN = [
    {243: 0.292748, 20: 0.254402, 78: 0.198882, 202: 0.19845},
    {246: 0.189038, 93: 0.180817, 247: 0.17416, 175: 0.172298},
    {246: 0.23871, 120: 0.236658, 59: 0.228767, 240: 0.22117},
]


def installed(name: str):
    try:
        return open_encoder(name)
    except MissingExtraError:
        pytest.skip(f"{name} is not installed; pip install --no-deps {name}")


def test_the_voice_encoder_gives_what_its_authors_package_gives():
    encoder = installed("resemblyzer")
    rows = encoder.rows([voice(0.5, 120), voice(3.1, 200), voice(5, 90)])
    for row, golden in zip(rows, GOLDEN, strict=True):
        np.testing.assert_allclose(row[list(golden)], list(golden.values()), atol=2e-5)
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)
        assert row.min() >= 0


def test_a_voices_row_does_not_depend_on_its_company_and_silence_has_none():
    encoder = installed("resemblyzer")
    sounds = [voice(0.5, 120), np.zeros(16_000, np.float32), voice(3.1, 200)]
    rows = encoder.rows(sounds, threads=2)
    assert np.isnan(rows[1]).all()
    np.testing.assert_array_equal(encoder.rows(sounds[2:])[0], rows[2])
    quiet, quieter = encoder.rows([sounds[0] / 50, sounds[0] / 100])  # raised to one loudness
    np.testing.assert_allclose(quiet, quieter, atol=1e-4)


def test_wake_words_are_heard_in_any_length():
    encoder = installed("openwakeword")
    rows = encoder.rows([voice(0.2, 120), voice(2, 200), voice(2, 200)])
    assert rows.shape == (3, 96)
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows[1], rows[2])
    assert np.abs(rows[0] - rows[1]).max() > 0.1
