"""Spectra, mel bands and phases: what is exact, and what comes back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pitch import cents, fundamental

from latentspace.items import mel, phase, stft
from latentspace.items.mel import Mel
from latentspace.items.ramp import coloured


def sine(hertz, seconds=0.5, rate=22_050, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def whole(samples, hop):
    return np.pad(samples, (0, -len(samples) % hop))


# ---------------------------------------------------------------------- spectra
@given(frames=st.integers(1, 20), hop=st.integers(1, 60), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_samples_come_back_from_their_spectra(frames, hop, seed):
    samples = np.random.default_rng(seed).normal(size=frames * hop).astype(np.float32)
    spectra = stft.spectra(samples, hop)
    assert spectra.shape == (frames, 2 * hop + 1)
    assert spectra.dtype == np.complex64
    back = stft.samples_of(spectra, hop)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, samples, atol=1e-4)


def test_a_sine_of_amplitude_a_has_power_a_squared_in_its_bins():
    spectra = stft.spectra(whole(sine(1000, amplitude=0.3), 512), 512)[5]
    np.testing.assert_allclose(np.square(np.abs(spectra)).sum(), 0.3**2, rtol=1e-3)


# ---------------------------------------------------------------------- bands
def test_mels_are_those_of_the_formula_and_come_back():
    np.testing.assert_allclose(mel.to_mels([0, 700, 6300]), [0, 2595 * np.log10(2), 2595])
    hertz = np.geomspace(1, 20_000, 50)
    np.testing.assert_allclose(mel.to_hertz(mel.to_mels(hertz)), hertz)


def test_three_filters_are_the_triangles_drawn_by_hand():
    # Four equal steps of mels to 6,300 Hz, where 1 + f / 700 is 10, are at 700 (10 ** (k / 4) - 1) Hz.
    filters = mel.filters(rate=12_600, window=126, bands=3)  # a bin each 100 Hz
    edges = [0, 544.7956, 1513.5944, 3236.3893, 6300]
    np.testing.assert_allclose(mel.centres(12_600, 3), edges[1:4], rtol=1e-6)
    assert filters.shape == (3, 64)
    np.testing.assert_allclose(filters[0, 5], 500 / edges[1], rtol=1e-5)  # on the way up
    np.testing.assert_allclose(filters[0, 10], (edges[2] - 1000) / (edges[2] - edges[1]), rtol=1e-5)  # on the way down
    np.testing.assert_allclose(filters[1, 10], (1000 - edges[1]) / (edges[2] - edges[1]), rtol=1e-5)
    np.testing.assert_allclose(filters[2, 50], (6300 - 5000) / (6300 - edges[3]), rtol=1e-5)
    assert (filters[0, 16:] == 0).all()
    assert (filters[2, :16] == 0).all()


@pytest.mark.parametrize(("rate", "hop", "bands"), [(22_050, 512, 128), (8_000, 192, 96), (1_000, 24, 16)])
def test_filters_between_the_outer_centres_add_up_to_one(rate, hop, bands):
    bins = np.arange(2 * hop + 1) * rate / (4 * hop)
    centres = mel.centres(rate, bands)
    inner = (bins >= centres[0]) & (bins <= centres[-1])
    filters = mel.filters(rate, 4 * hop, bands)
    np.testing.assert_allclose(filters.sum(axis=0)[inner], 1, atol=1e-5)
    assert (filters.max(axis=1) > 0).all()


def test_with_the_most_bands_none_is_empty_and_soon_after_some_are():
    most = mel.most_bands(8_000, 768)
    assert (mel.filters(8_000, 768, most).max(axis=1) > 0).all()
    assert not (mel.filters(8_000, 768, 3 * most).max(axis=1) > 0).all()


def test_decibels_tell_the_amplitude_and_the_band_of_a_sine():
    measure = Mel(22_050, 512, 128)
    centre = mel.centres(22_050, 128)[60]
    loud, quiet = (measure.decibels(whole(sine(centre, amplitude=a), 512))[:, 10] for a in (1.0, 0.1))
    assert loud.argmax() == 60
    assert loud.max() == pytest.approx(0, abs=2)
    assert loud[60] - quiet[60] == pytest.approx(20, abs=0.01)


def test_silence_reads_as_140_decibels_below_full_scale():
    np.testing.assert_array_equal(Mel(8_000, 192, 32).decibels(np.zeros(192 * 4, np.float32)), np.float32(mel.QUIETEST))


# ---------------------------------------------------------------------- back
@given(frames=st.integers(1, 6), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_spread_spectrum_has_the_powers_that_were_asked_for(frames, seed):
    measure = Mel(16_000, 375, 64)
    noise = np.random.default_rng(seed).normal(size=frames * 375).astype(np.float32)
    power = np.power(10, measure.decibels(noise) / 10)
    spectrum = measure.spread(power)
    assert (spectrum >= 0).all()
    np.testing.assert_allclose(mel.filters(16_000, 1500, 64) @ spectrum.T, power, rtol=0.05)


@pytest.mark.parametrize("hertz", [41.2, 65.4, 110, 261.6, 440, 987.8, 2093, 4186])
def test_a_tone_keeps_its_pitch_within_twenty_cents(hertz):
    partials = [sine(hertz * k, 1.5, amplitude=0.4 / k) for k in range(1, 7) if hertz * k < 10_000]
    tone = whole(np.sum(partials, axis=0), 512)
    measure = Mel(22_050, 512, 128)
    back = phase.sound(np.power(np.float32(10), measure.decibels(tone) / 10), measure)
    assert back.dtype == np.float32
    assert back.shape == tone.shape
    assert abs(cents(fundamental(back, 22_050), fundamental(tone, 22_050))) < 20
    assert abs(cents(fundamental(tone, 22_050), hertz)) < 50
    assert 10 * np.log10(np.mean(back**2) / np.mean(tone**2)) == pytest.approx(0, abs=1)


def test_more_rounds_come_nearer_to_the_loudness_asked_for():
    rng = np.random.default_rng(0)
    sweep = np.sin(2 * np.pi * np.cumsum(np.linspace(100, 4000, 32_768)) / 22_050) + 0.05 * rng.normal(size=32_768)
    measure = Mel(22_050, 512, 128)
    wanted = measure.decibels(sweep.astype(np.float32))
    power = np.power(np.float32(10), wanted / 10)
    errors = [np.abs(measure.decibels(phase.sound(power, measure, rounds)) - wanted).mean() for rounds in (0, 8, 32)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1.5


def test_no_power_gives_silence():
    measure = Mel(8_000, 192, 64)
    np.testing.assert_array_equal(phase.sound(np.zeros((64, 5), np.float32), measure), 0)


# ---------------------------------------------------------------------- colours
def test_louder_is_lighter_all_along_the_ramp():
    colours = coloured(np.linspace(0, 1, 256)) / 255
    linear = np.where(colours > 0.04045, ((colours + 0.055) / 1.055) ** 2.4, colours / 12.92)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)
    steps = np.diff(lightness)
    assert (steps > 0).all()
    assert lightness[0] < 5
    assert lightness[-1] > 94
    np.testing.assert_allclose(lightness, np.linspace(lightness[0], lightness[-1], 256), atol=3)


def test_values_beyond_the_ramp_get_its_ends():
    np.testing.assert_array_equal(coloured(np.array([-1.0, 2.0])), coloured(np.array([0.0, 1.0])))
