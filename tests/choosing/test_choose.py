"""choose finds planted ranks, prefers the quicker of equals, goes on from where it was, and says what it cannot do."""

import json

import numpy as np
import pytest

import latentspace as ls
import processes
from latentspace.choosing.halving import Kept, Plan, better_half, rounds_of, run
from latentspace.choosing.picking import Trial


def planted(rank, noise, seed, n=500, p=30, weakest=1.0):
    rng = np.random.default_rng(seed)
    ways = rng.normal(size=(rank, p)) * np.geomspace(1, weakest, rank)[:, None]
    return (rng.normal(size=(n, rank)) @ ways + noise * rng.normal(size=(n, p))).astype(np.float32)


@pytest.mark.parametrize("rank", [1, 2, 3, 6, 9, 13])
@pytest.mark.parametrize("noise", [0.1, 0.5, 1.0])
def test_the_planted_dimension_is_found(rank, noise):
    for seed in range(2):
        choice = ls.choose(planted(rank, noise, seed), models=["pca"])
        assert abs(choice.dims - rank) <= 1
        assert "noise" in choice["why"] or rank == 1


@pytest.mark.parametrize(
    ("rank", "noise", "n", "p", "weakest"),
    [(6, 2.0, 500, 30, 1.0), (13, 1.0, 500, 30, 0.25), (9, 0.5, 300, 20, 0.25), (13, 0.1, 300, 20, 1.0)],
)
def test_it_is_found_in_much_noise_and_among_unlike_directions(rank, noise, n, p, weakest):
    # The last needs a look between the last two numbers asked for, 8 and 16: the noise begins within that step.
    assert abs(ls.choose(planted(rank, noise, 0, n, p, weakest), models=["pca"]).dims - rank) <= 1


def test_the_choice_fits_the_whole_source():
    x = planted(4, 0.3, 0)
    choice = ls.choose(x, models=["pca", "nmf"], items=200)
    space = choice.fit()
    assert (len(space), space.dims) == (500, choice.dims)
    assert "nmf" in " ".join(choice.verdict)  # which takes no negative numbers
    assert choice.to_dict()["model"] == "pca"
    assert "Take pca with" in str(choice)


def test_with_a_target_the_models_are_compared_by_it(tmp_path):
    rng = np.random.default_rng(0)
    x = planted(3, 0.05, 0, n=600)
    y = rng.integers(0, 2, 600)
    x[:, -1] += 0.5 * (2 * y - 1)  # a task in a direction of low variance
    labels = [str(value) for value in y]
    choice = ls.choose(x * np.float32(10), labels, models=["pca"], dims=[1, 2, 3, 4, 8])
    assert choice.dims == 4
    assert all(trial.task is not None for trial in choice.trials)
    choice.save(tmp_path / "choice.html")
    page = (tmp_path / "choice.html").read_text()
    assert "one standard error" in page
    assert "<svg" in page


def test_labels_follow_the_items_of_a_sample_and_into_the_fit():
    x = planted(3, 0.1, 0, n=900)
    labels = ["above" if value else "below" for value in x[:, 0] > 0]
    choice = ls.choose(x, labels, models=["pca", "lda"], dims=[1, 2], items=100)
    best = {trial.model: max(t.task or 0 for t in choice.trials if t.model == trial.model) for trial in choice.trials}
    assert best["lda"] > 0.9  # chance, 0.5, where labels were another item's
    assert {t.model: t.told for t in choice.trials if not t.failed} == {"pca": False, "lda": True}
    assert "told the target" in str(choice)
    assert choice.model == "lda"
    assert len(choice.fit()) == 900  # which takes no items without a target


def test_a_run_that_was_stopped_goes_on_to_the_same_answer(tmp_path):
    x, kept = planted(5, 0.3, 1), tmp_path / "trials.json"
    whole = ls.choose(x, models=["pca", "nmf"], dims=[2, 4, 8], resume=kept)
    held = json.loads(kept.read_text())
    first = {**held, "trials": held["trials"][:2]}
    kept.write_text(json.dumps(first))
    again = ls.choose(x, models=["pca", "nmf"], dims=[2, 4, 8], resume=kept)
    assert (again.model, again.dims) == (whole.model, whole.dims)
    assert [(t.model, t.dims, t.items) for t in again.trials] == [(t.model, t.dims, t.items) for t in whole.trials]
    assert again.trials[0] == whole.trials[0]  # its seconds too: it was not made again
    with pytest.raises(ValueError, match="trials of something else"):
        ls.choose(x + 1, models=["pca", "nmf"], dims=[2, 4, 8], resume=kept)
    kept.write_text("rubbish")
    with pytest.raises(ValueError, match="holds no trials"):
        ls.choose(x, models=["pca"], resume=kept)


def test_rounds_halve_the_dear_models_and_keep_the_quick_ones():
    assert rounds_of(9_000) == [1_000, 3_000, 9_000]
    assert rounds_of(700) == [700]
    good = {"a": 0.9, "b": 0.5, "c": 0.4, "quick": 0.1}

    def attempt(model, dims, items):
        return Trial(model, dims, items, neighbours=good[model], seconds=60.0, bytes=4 * dims, quick=model == "quick")

    plan = Plan(list(good), [2, 4], [1_000, 3_000, 9_000])
    out = run(plan, attempt, Kept(None, {}), 64, None)
    assert {t.model for t in out.last} == {"a", "quick"}
    assert {t.model for t in out.trials if t.items == 3_000} == {"a", "b", "quick"}
    assert better_half([Trial("a", 2, 9, failed="no")], 64) == ["a"]


def test_when_time_is_out_the_last_whole_round_answers():
    made = []

    def attempt(model, dims, items):
        made.append(items)
        return Trial(model, dims, items, neighbours=0.5, seconds=9.0, bytes=4 * dims)

    out = run(Plan(["a", "b"], [2, 4], [300, 900]), attempt, Kept(None, {}), 64, 1e-9)
    assert out.out_of_time
    assert set(made) == {300}
    assert len(out.last) == 4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"models": ["minilm"]}, "trained before"),
        ({"models": ["nonesuch"]}, "nonesuch"),
        ({"models": "pca"}, "pass a list"),
        ({"dims": [0]}, "whole numbers from 1"),
        ({"dims": [400]}, "at most"),
        ({"items": 3}, "at least 20"),
        ({"seconds": 0}, "above 0"),
        ({"target": "label"}, "label"),
        ({"target": ["a", *["b"] * 99]}, "among the 50 items that are held out"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, said):
    with pytest.raises((ValueError, TypeError), match=said):
        ls.choose(planted(3, 0.3, 0, n=100), **wrong)
    with pytest.raises(ValueError, match="20 items"):
        ls.choose(planted(3, 0.3, 0, n=12), models=["pca"])


def test_it_answers_on_the_command_line(tmp_path):
    np.save(tmp_path / "x.npy", planted(3, 0.3, 0, n=200))
    command = ["choose", "x.npy", "--models", "pca", "--json", "-o", "c.html"]
    done = processes.latentspace(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert abs(json.loads(done.stdout)["dims"] - 3) <= 1
    assert "1 models (pca)" in done.stderr or "pca" in done.stderr
    assert (tmp_path / "c.html").exists()
    assert processes.latentspace(*command, "-f", "--dims", "a", cwd=tmp_path).returncode == 2
