import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cross_decomposition import CCA as Reference

from latentspace.models.paired.base import mean_reciprocal_rank
from latentspace.models.paired.cca import CCA
from latentspace.models.paired.contrastive import Contrastive
from latentspace.models.paired.sides import principal

QUICK = {"epochs": 30, "hidden": 32, "dims": 4, "batch_size": 64, "random_state": 0}


def as_rows(left, right):
    """Two sides as rows of either, and the names of their pairs."""
    n = len(left)
    cut = 1 + left.shape[1]
    rows = np.zeros((2 * n, cut + right.shape[1]), np.float32)
    rows[n:, 0] = 1
    rows[:n, 1:cut], rows[n:, cut:] = left, right
    return rows, [*range(n), *range(n)]


def common_cause(n, rng, noise=0.3):
    """Two sides that see the same three causes, each through a matrix of its own."""
    cause = rng.standard_normal((n, 3))
    left = cause @ rng.standard_normal((3, 6)) + noise * rng.standard_normal((n, 6))
    right = cause @ rng.standard_normal((3, 5)) + noise * rng.standard_normal((n, 5))
    return left.astype(np.float32), right.astype(np.float32)


@pytest.fixture
def sides():
    return common_cause(400, np.random.default_rng(0))


def test_canonical_correlations_are_scikit_learns(sides):
    left, right = sides
    rows, names = as_rows(left, right)
    model = CCA(dims=3, split=6, shrinkage=0).fit(rows, names)
    u, v = Reference(3, max_iter=2000, tol=1e-9).fit_transform(left, right)
    expected = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(3)]
    assert model.correlations_ == pytest.approx(expected, abs=1e-5)


def test_latents_of_partners_correlate_by_rho_and_with_nothing_else(sides):
    rows, names = as_rows(*sides)
    model = CCA(dims=5, split=6, shrinkage=0).fit(rows, names)
    z = model.transform(rows).astype(np.float64) / model.correlations_
    u, v = z[:400], z[400:]
    np.testing.assert_allclose(u.T @ v / 400, np.diag(model.correlations_), atol=1e-4)
    np.testing.assert_allclose(u.T @ u / 400, np.eye(5), atol=1e-4)


def test_canonical_correlations_reach_the_closed_form_of_a_gaussian():
    rng = np.random.default_rng(1)
    truth = np.array([0.9, 0.6, 0.2])
    u = rng.standard_normal((40_000, 3))
    v = truth * u + np.sqrt(1 - truth**2) * rng.standard_normal((40_000, 3))
    rows, names = as_rows(u @ rng.standard_normal((3, 3)), v @ rng.standard_normal((3, 3)))
    model = CCA(dims=3, split=3, shrinkage=0).fit(rows, names)
    assert model.correlations_ == pytest.approx(truth, abs=0.015)


@given(st.floats(0.1, 10), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_plain_cca_does_not_depend_on_a_sides_units(scale, seed):
    rng = np.random.default_rng(seed)
    left, right = common_cause(60, rng)
    mixing = scale * np.linalg.qr(rng.standard_normal((6, 6)))[0]
    found = [
        CCA(dims=3, split=6, shrinkage=0).fit(*as_rows(side, right)).correlations_ for side in (left, left @ mixing)
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def test_shrinkage_is_chosen_where_sides_have_more_features_than_pairs():
    rng = np.random.default_rng(2)
    left, right = common_cause(260, rng)
    wide = [np.hstack([side, rng.standard_normal((260, 300)).astype(np.float32)]) for side in (left, right)]
    train, held = [side[:200] for side in wide], [side[200:] for side in wide]
    ranks = []
    for shrinkage in (0, "auto"):
        model = CCA(dims=3, split=306, shrinkage=shrinkage, random_state=0).fit(*as_rows(*train))
        z = model.transform(as_rows(*held)[0])
        ranks.append(mean_reciprocal_rank(z[:60], z[60:]))
    assert model.shrinkage_ > 0
    assert ranks[1] > 2 * ranks[0]


@pytest.mark.parametrize("model", [CCA(dims=3, split=6), Contrastive(split=6, **QUICK)], ids=["cca", "contrastive"])
def test_held_out_partners_rank_high(model):
    left, right = common_cause(500, np.random.default_rng(0))
    model.fit(*as_rows(left[:400], right[:400]))
    z = model.transform(as_rows(left[400:], right[400:])[0])
    by_chance = np.mean(1 / np.arange(1, 101))
    assert mean_reciprocal_rank(z[:100], z[100:]) > 5 * by_chance


@pytest.mark.parametrize("model", [CCA(dims=3, split=6), Contrastive(split=6, **QUICK)], ids=["cca", "contrastive"])
def test_a_kept_model_encodes_as_before(model, sides):
    rows, names = as_rows(*sides)
    model.fit(rows, names)
    again = type(model).from_state(*model.get_state())
    np.testing.assert_array_equal(again.transform(rows), model.transform(rows))


def test_contrastive_training_is_the_same_again_and_leaves_torchs_chance_alone(sides):
    import torch

    rows, names = as_rows(*sides)
    before = torch.random.get_rng_state()
    first = Contrastive(split=6, **QUICK).fit(rows, names)
    assert torch.equal(torch.random.get_rng_state(), before)
    again = Contrastive(split=6, **QUICK).fit(rows, names)
    np.testing.assert_array_equal(first.transform(rows), again.transform(rows))
    np.testing.assert_allclose(np.linalg.norm(first.transform(rows), axis=1), 1, atol=1e-5)
    assert first.history_[-1]["loss"] < first.history_[0]["loss"]


def test_an_items_latent_does_not_depend_on_its_company_but_for_rounding(sides):
    rows, names = as_rows(*sides)
    model = Contrastive(split=6, **QUICK).fit(rows, names)
    np.testing.assert_allclose(model.transform(rows)[[3, 500]], model.transform(rows[[3, 500]]), atol=1e-6)


def test_principal_axes_whiten_either_way_round():
    rng = np.random.default_rng(0)
    for shape in ((50, 8), (8, 50)):
        x = rng.standard_normal(shape) * rng.uniform(0.5, 5, shape[1]) + 7
        h = principal(x).along(x)
        np.testing.assert_allclose(h.T @ h / len(x), np.eye(h.shape[1]), atol=1e-8)
    assert principal(x).axes.shape == (50, 7)  # 8 rows lose one dimension to their mean


def test_rows_without_a_partner_change_nothing(sides):
    rows, names = as_rows(*sides)
    alone = np.vstack([rows, rows[:5] + 3 * (np.arange(12) > 0)]).astype(np.float32)
    fits = [
        CCA(dims=3, split=6, shrinkage=0.1).fit(*given)
        for given in ((rows, names), (alone, [*names, "a", "b", "c", None, "d"]))
    ]
    np.testing.assert_array_equal(fits[0].left_, fits[1].left_)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, _: (x, None), "needs y"),
        (lambda x, y: (x, y[:-1]), "y has 799 names"),
        (lambda x, _: (x, [f"{i}" for i in range(800)]), "found 0 pairs"),
        (lambda x, y: (x + 0.5, y), "row 0 of X begins with 0.5"),
        (lambda x, y: (x * (np.arange(12) < 1), y), "all its rows are alike"),
    ],
)
def test_what_are_no_pairs_is_refused(sides, change, said):
    with pytest.raises(ValueError, match=said):
        CCA(dims=2, split=6).fit(*change(*as_rows(*sides)))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (CCA(dims=9, split=6), "dims=9 must be a whole number from 1 to 5"),
        (CCA(split=None), "split=None"),
        (CCA(split=6, shrinkage=2), "shrinkage=2"),
        (Contrastive(split=6, batch_size=1), "batch_size=1"),
        (Contrastive(split=6, dropout=1.0), "dropout=1.0"),
        (Contrastive(split=6, learning_rate=0), "learning_rate=0"),
        (Contrastive(split=6, weight_decay=-1), "weight_decay=-1"),
    ],
)
def test_parameters_out_of_range_are_refused(sides, model, said):
    with pytest.raises(ValueError, match=said):
        model.fit(*as_rows(*sides))
