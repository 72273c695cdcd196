"""What is recommended from plain rows: never what is beaten everywhere; knees and floors by their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.choosing.picking import Trial, beats, knee_of, pick, signal_ends, size_of

share = st.one_of(st.none(), st.floats(-1, 1))
trial = st.builds(
    Trial, model=st.sampled_from("abc"), dims=st.integers(1, 30), items=st.just(100), reconstruction=share,
    neighbours=share, bytes=st.integers(1, 200), seconds=st.floats(0, 9), failed=st.sampled_from(["", "", "", "no"]),
)  # fmt: skip
told = st.builds(
    Trial, model=st.sampled_from("abc"), dims=st.integers(1, 30), items=st.just(100), task=st.floats(0, 1),
    error=st.floats(0, 0.1), reconstruction=share, neighbours=share, bytes=st.integers(1, 200), seconds=st.floats(0, 9),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.lists(trial, min_size=1, max_size=12), st.lists(told, min_size=1, max_size=12)))
def test_no_model_is_recommended_that_another_beats_in_every_column(trials):
    if all(each.failed for each in trials):
        with pytest.raises(ValueError, match="no model could be measured"):
            pick(trials, 40)
        return
    picked = pick(trials, 40)
    assert picked.trial in trials
    assert not picked.trial.failed
    assert not any(beats(other, picked.trial) for other in trials if not other.failed)
    assert picked.why


def test_what_cannot_be_measured_counts_least():
    blind = Trial("a", 4, 100, neighbours=0.5, bytes=16, seconds=1)
    seeing = Trial("b", 4, 100, neighbours=0.5, reconstruction=0.1, bytes=16, seconds=1)
    assert beats(seeing, blind)
    assert not beats(blind, seeing)


def test_the_fewest_dimensions_within_one_standard_error_are_taken():
    scores = {2: 0.70, 4: 0.89, 8: 0.905, 16: 0.91, 32: 0.90}
    trials = [Trial("m", dims, 100, task=score, error=0.01) for dims, score in scores.items()]
    assert size_of(trials, 64).trial.dims == 8  # 4 misses 0.91 - 0.01
    assert size_of(trials[:2], 64).trial.dims == 4


def test_where_only_noise_is_left_the_knee_before_it_is_told():
    kept = {1: 0.5, 2: 0.75, 4: 0.8, 8: 0.84, 16: 0.842, 64: 0.85}
    sized = size_of([Trial("m", dims, 100, reconstruction=share) for dims, share in kept.items()], 1_000)
    assert sized.trial.dims == 8
    assert "knee of the curve is at 2" in sized.why


def test_signal_ends_where_a_dimension_holds_what_any_other_of_the_rest_does():
    kept = [(dims, min(dims, 5) * 0.18 + max(dims - 5, 0) * 0.1 / 35) for dims in (1, 2, 4, 5, 8, 16, 40)]
    assert signal_ends(kept, 40) == 3
    assert signal_ends([(1, 0.2), (2, 0.4), (4, 0.8)], 40) is None
    assert signal_ends([(1, None), (2, 0.4)], 40) is None


def test_a_knee_lies_where_the_curve_bends_and_a_straight_one_has_none():
    assert knee_of([(1, 0.0), (4, 0.8), (8, 0.85), (16, 0.9)]) == 1
    assert knee_of([(d, d / 16) for d in (1, 4, 8, 16)]) is None
    assert knee_of([(d, 1 - d / 100) for d in (1, 4, 8)]) == 0
    assert np.isscalar(knee_of([(1, 0.5), (2, 0.5)]))
