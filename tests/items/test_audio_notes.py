"""Real notes of fifteen instruments keep their pitch, through the spectrogram alone and through a model."""

import numpy as np
import pytest
from pitch import cents, fundamental

from latentspace import datasets
from latentspace.items import sound_files
from latentspace.items.audio import Audio

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def notes():
    try:
        found = datasets.load("notes")
    except datasets.UnavailableError as error:
        pytest.skip(str(error))
    paths = found.metadata["path"]
    return Audio.gather([found.x / path for path in paths], ids=paths)


def features(audio, gathered):
    """x, and whose each row is."""
    batches = list(audio.read(gathered))
    owners = [path for batch in batches for path in batch.metadata.get("path", batch.ids)]
    return np.concatenate([batch.x for batch in batches]), owners


def kept(audio, gathered, x, owners):
    """The share of notes whose pitch lies within 50 cents of what it was, all their pieces together."""
    back = {}
    for path, (samples, _) in zip(owners, audio.restore(x), strict=True):
        back.setdefault(path, []).append(samples)
    within = []
    for path, pieces in back.items():
        decoded = np.concatenate(pieces)
        source = gathered.raw[gathered.ids.index(path)]
        original, _ = sound_files.read(source, audio.rate_, len(decoded) / audio.rate_)
        within.append(abs(cents(fundamental(decoded, audio.rate_), fundamental(original, audio.rate_))) < 50)
    return np.mean(within)


def test_notes_keep_their_pitch_through_the_spectrogram(notes):
    some = notes.select(range(0, len(notes), 4))
    audio = Audio().learn(some)
    assert kept(audio, some, *features(audio, some)) > 0.97


def test_nine_in_ten_held_out_notes_keep_their_pitch_through_128_components_of_windows(notes):
    from latentspace.models import make

    order = np.random.default_rng(0).permutation(len(notes))
    train, test = notes.select(order[72:].tolist()), notes.select(order[:72].tolist())
    audio = Audio(windows="window", seconds=0.7).learn(train)
    x, _ = features(audio, train)
    x_test, owners = features(audio, test)
    model = make("pca", dims=128).fit(x.reshape(len(x), -1))
    x_hat = model.inverse_transform(model.transform(x_test.reshape(len(x_test), -1))).reshape(x_test.shape)
    assert kept(audio, test, x_hat, owners) >= 0.9


def test_statistics_of_frames_tell_instruments_apart(notes):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    instruments = datasets.load("notes").labels
    x, _ = features(Audio(features="statistics").learn(notes), notes)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    assert cross_val_score(probe, x, instruments, cv=5).mean() > 0.7  # by chance 0.23, the pianos' share
