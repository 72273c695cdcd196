"""Measures against closed forms, references and second roads; intervals against simulated truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.manifold import trustworthiness

from latentspace.datasets import shapes
from latentspace.evaluate import generation, intervals, shape
from latentspace.evaluate.calibration import calibration
from latentspace.evaluate.disentanglement import coded, disentanglement
from latentspace.evaluate.neighbourhoods import neighbourhoods
from latentspace.evaluate.probes import Products, Target, as_rows, cross_validated, fit_on, folds_of
from latentspace.evaluate.tasks import target_of, task_scores
from latentspace.search.exact import ExactIndex


# ---------------------------------------------------------------------- neighbours
def test_trustworthiness_and_continuity_are_scikit_learns_at_every_k():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 6))
    z = x[:, :2] + 0.3 * rng.normal(size=(90, 2))
    found = neighbourhoods(x, z, (3, 10, 40))
    for place, k in enumerate(found.ks):
        assert found.trustworthiness[place].mean() == pytest.approx(trustworthiness(x, z, n_neighbors=k))
        assert found.continuity[place].mean() == pytest.approx(trustworthiness(z, x, n_neighbors=k))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(0, 12), k=st.integers(1, 20), seed=st.integers(0, 99))
def test_neighbourhoods_of_few_items_are_shares(n, k, seed):
    x = np.random.default_rng(seed).normal(size=(n, 3))
    found = neighbourhoods(x, -x, [k])
    for of in (found.kept, found.trustworthiness, found.continuity):
        assert ((of >= 0) & (of <= 1)).all()
        assert (of == 1).all()


# ---------------------------------------------------------------------- shape
@pytest.mark.parametrize("dims", [1, 3])
def test_intrinsic_dimension_is_that_of_a_cube_however_it_is_turned_into_more(dims):
    rng = np.random.default_rng(1)
    cube = rng.uniform(size=(1500, dims)) @ np.linalg.qr(rng.normal(size=(10, 10)))[0][:dims]
    near = ExactIndex(cube).search(cube, 20, "euclidean", exclude=np.arange(1500)).scores
    for estimate in (shape.two_nn(near), shape.levina_bickel(near)):
        assert estimate.dims == pytest.approx(dims, rel=0.12)
        assert estimate.low < estimate.dims < estimate.high


def test_of_copies_or_few_points_no_intrinsic_dimension_is_told():
    for distances in (np.zeros((50, 20)), np.ones((50, 20)), np.zeros((0, 20))):
        assert np.isnan(shape.two_nn(distances).dims)
        assert np.isnan(shape.levina_bickel(distances).dims)


def test_a_repeated_dimension_is_foretold_and_apart_ones_are_not():
    z = np.random.default_rng(2).normal(size=(2000, 3))
    alone, twice = shape.redundancy(z), shape.redundancy(np.hstack([z, z[:, :1] + z[:, 1:2]]))
    assert np.nanmax(alone.foretold) < 0.01
    assert np.nanmin(twice.foretold[[0, 1, 3]]) > 0.999
    assert twice.foretold[2] < 0.01
    # A pair of correlation r shares -log(1 - r^2) / 2 nats.
    pair = z[:, :2] @ np.linalg.cholesky([[1, 0.6], [0.6, 1]]).T
    assert shape.redundancy(pair).total_correlation == pytest.approx(-0.5 * np.log(1 - 0.36), abs=0.03)


# ---------------------------------------------------------------------- probes
def test_folds_taken_from_sums_give_what_fitting_on_their_rows_gives():
    rng = np.random.default_rng(3)
    rows, y = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    target = Target(y, [0, 1, 2])
    folds = folds_of(target, 3)
    products = Products(rows, folds)
    used = np.array([True, False, True])
    one = next(fit_on(products, target, products.crossed(target.columns()), used, (0.1,)))
    own = Target(y[folds != 1], [0, 1, 2])
    alone = Products(rows[folds != 1], np.zeros((folds != 1).sum(), int))
    two = next(fit_on(alone, own, alone.crossed(own.columns()), np.array([True]), (0.1,)))
    np.testing.assert_allclose(one.weights, two.weights, rtol=1e-9)


def test_the_linear_probe_without_a_penalty_is_linear_discriminant_analysis():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rng = np.random.default_rng(4)
    y = rng.integers(0, 3, 200)
    rows = rng.normal(size=(200, 5)) + 0.7 * np.eye(3, 5)[y]
    target, folds = Target(y, [0, 1, 2]), None
    folds = folds_of(target)
    found, _, _ = cross_validated(Products(rows, folds), target, penalty=0.0)
    for fold in range(5):
        there = folds == fold
        model = LinearDiscriminantAnalysis(priors=[1 / 3] * 3).fit(rows[~there], y[~there])
        np.testing.assert_array_equal(found[there], model.predict(rows[there]))


def test_wide_and_sparse_rows_are_told_as_dense_ones():
    from scipy.sparse import csr_array, csr_matrix

    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 120)
    x = (rng.random((120, 2100)) < 0.02 + 0.06 * (y[:, None] * (np.arange(2100) < 40))).astype(np.float32)
    wide = as_rows(x)
    assert wide.shape[1] <= 120
    same = as_rows(csr_matrix(x))
    np.testing.assert_allclose(wide @ wide.T, same @ same.T, atol=2e-3)
    with pytest.raises(ValueError, match="pass at most"):
        as_rows(csr_matrix(csr_array((5000, 3000), dtype=np.float32)))


def test_constant_columns_and_far_offsets_change_nothing():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(50, 3)).astype(np.float32)
    more = np.hstack([x + np.float32(500), np.full((50, 2), 7, np.float32)])
    np.testing.assert_allclose(as_rows(more), as_rows(x), atol=1e-3)


def test_a_target_says_what_it_lacks():
    target, rows, left = target_of(["a"] * 12 + [None] + ["b"] * 15 + ["c"] * 2)
    assert target.names == ["a", "b"]
    assert left == ["c"]
    assert len(rows) == 27
    for values, words in ((["a"] * 30, "class"), ([1.5] * 40, "nothing to tell"), ([1.5, 2.5, None], "at least 10")):
        with pytest.raises(ValueError, match=words):
            target_of(values)


def test_a_nonlinear_probe_tells_what_a_linear_one_cannot():
    rng = np.random.default_rng(7)
    z = rng.normal(size=(400, 2)).astype(np.float32)
    inside = Target((np.linalg.norm(z, axis=1) < 1.1).astype(np.int64), ["out", "in"])
    told = task_scores({"z": z}, inside, permutations=3).told["z"]
    assert told.linear.value < 0.65
    assert told.nonlinear.low > 0.85


# ---------------------------------------------------------------------- intervals
def test_no_wrong_item_is_no_certainty_and_chance_has_no_ratio():
    right = np.ones(100)
    y = np.arange(100) % 2
    value, influence = intervals.balanced_accuracy(right, y, 2)
    score = intervals.share(value, intervals.variance_of(influence, 2), 100)
    assert score.value == 1
    assert 0.95 < score.low < 0.99
    guess = intervals.balanced_accuracy((np.arange(100) % 4 < 2).astype(float), y, 2)
    assert np.isnan(intervals.ratio((1.0, influence), guess, 0.5, 2).value)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(8)
    held = []
    for _ in range(400):  # without training, the plain case: 1.07 times as wide, 96.4%
        p, n = rng.uniform(0.3, 0.98), 200
        right = (rng.random(n) < p).astype(float)
        value, influence = intervals.balanced_accuracy(right, np.zeros(n, int), 1)
        score = intervals.share(value, intervals.variance_of(influence, 1), n)
        held.append(score.low <= p <= score.high)
    assert 0.93 <= np.mean(held) <= 0.99


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(("kind", "n"), [("classes", 150), ("near 1", 300), ("numbers", 200)])
def test_cross_validated_intervals_hold_in_93_to_97_of_100_cases(kind, n):
    from benchmarks.evaluation import covered

    for name, share in covered(kind, n, 1000, seed=0).items():
        assert 0.93 <= share <= 0.97, name


# ---------------------------------------------------------------------- generation
def test_frechet_distance_of_gaussians_is_its_closed_form():
    rng = np.random.default_rng(9)
    a = rng.normal(size=(4000, 3))
    a = (a - a.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(a.T))).T  # mean 0 and covariance 1, exactly
    scale, shift = np.array([1.0, 2.0, 0.5]), np.array([3.0, 0, 0])
    assert generation.frechet(a, a * scale + shift) == pytest.approx(9 + ((scale - 1) ** 2).sum())


def test_drawn_items_that_are_alike_that_copy_and_that_miss_a_kind_are_told_apart():
    rng = np.random.default_rng(10)
    real, alike = rng.normal(size=(2, 300, 4))
    half = np.where(rng.random((300, 1)) < 0.5, 8.0, 0.0) + rng.normal(size=(300, 4))
    found = generation.compare(real, alike)
    assert abs(found.kernel) < 0.1
    assert found.precision > 0.8
    assert found.recall > 0.8
    assert found.density == pytest.approx(1, abs=0.2)
    assert generation.compare(half, alike).recall < 0.7
    assert generation.compare(half, alike).coverage < 0.7
    assert generation.memorised(real, alike).nearer < 0.65
    copies = generation.memorised(real, real + 1e-3)
    assert copies.nearer > 0.99
    assert copies.copies > 0.99


class Exact:
    """x = z + noise of deviation 1 and prior N(0, 1): the posterior is N(x / 2, 1 / 2)."""

    def __init__(self, sure=1.0):
        self.sure = sure

    def infer(self, x):
        return x / 2, np.full_like(x, np.log(0.5 / self.sure))


def test_the_true_posterior_is_calibrated_and_one_that_is_too_sure_is_not():
    rng = np.random.default_rng(11)
    z = rng.normal(size=(3000, 2)).astype(np.float32)
    x = z + rng.normal(size=z.shape).astype(np.float32)
    active = np.ones(2, bool)
    true, sure = calibration(Exact(), z, x, active), calibration(Exact(4.0), z, x, active)
    assert abs(true.gap) < 0.01
    assert true.spread == pytest.approx(1, abs=0.03)
    assert sure.gap < -0.2
    assert sure.spread == pytest.approx(2, abs=0.06)


# ---------------------------------------------------------------------- factors
@pytest.fixture(scope="module")
def factors():
    drawn = shapes(1500, size=8, steps=5, seed=0).factors
    return drawn, np.stack([coded(name, values, 1500) for name, values in drawn.items()], axis=1).astype(float)


def test_factors_themselves_score_1(factors):
    drawn, codes = factors
    scores = disentanglement(codes, drawn).rescaled()
    sap = scores.pop("sap")  # of words a threshold on one dimension tells two of three apart, as its authors have it
    assert sap > 0.7
    assert min(scores.values()) > 0.93, scores


def test_noise_scores_0(factors):
    scores = disentanglement(np.random.default_rng(12).normal(size=(1500, 5)), factors[0]).rescaled()
    assert max(map(abs, scores.values())) < 0.1, scores


def test_turned_factors_are_all_there_and_not_apart(factors):
    drawn, codes = factors
    turn = np.linalg.qr(np.random.default_rng(13).normal(size=(5, 5)))[0]
    found = disentanglement((codes / codes.std(0)) @ turn, drawn)
    assert found.explicitness > 0.6
    assert found.mig < 0.2
    assert found.dci_disentanglement < 0.6


def test_factors_that_cannot_be_told_are_refused():
    z = np.zeros((60, 2))
    for values, words in ((["a"] * 60, "nothing can tell"), ([1.0] * 59, "59 values"), ([np.nan] * 60, "NaN")):
        with pytest.raises(ValueError, match=words):
            disentanglement(z, {"f": values})
    with pytest.raises(ValueError, match="50 items"):
        disentanglement(z[:10], {"f": list(range(10))})


def test_shapes_are_where_and_as_large_as_their_factors_say():
    drawn = shapes(size=32, steps=3)
    light = drawn.images.astype(float)
    across = (np.arange(32) + 0.5) / 16 - 1
    total = light.sum(axis=(1, 2))
    square = drawn.factors["shape"] == "square"
    x = (light.sum(axis=1) * across).sum(axis=1) / total
    np.testing.assert_allclose(x[square], 0.45 * drawn.factors["x"][square], atol=0.01)
    area = total[square] / 255 * (2 / 32) ** 2
    np.testing.assert_allclose(area, (1.6 * drawn.factors["scale"][square]) ** 2, rtol=0.06)
    assert len(np.unique(light.reshape(len(light), -1), axis=0)) == len(light)
