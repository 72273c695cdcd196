import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentspace.models.factors import least_squares
from latentspace.models.factors.baselines import ItemNeighbours, Popular
from latentspace.models.factors.cold import predicted_factors
from latentspace.models.factors.ease import EASE
from latentspace.models.factors.latent_factors import LatentFactors
from latentspace.models.factors.least_squares import Plan, Problem, leading, solve


def planted(seed=0, n=120, p=80, groups=4, share=0.4):
    """Users of a few tastes, each of whom met some of the items of their own taste."""
    rng = np.random.default_rng(seed)
    taste, kind = rng.integers(groups, size=n), rng.integers(groups, size=p)
    met = (taste[:, None] == kind) & (rng.random((n, p)) < share)
    met[met.sum(1) < 2] |= (taste[:, None] == kind)[met.sum(1) < 2]
    return sparse.csr_array(met.astype(float)), taste, kind


@parametrize_with_checks(
    [LatentFactors(dims=2, max_iter=3), LatentFactors(dims=2, max_iter=3, feedback="explicit"), EASE()]
)
def test_keeps_the_estimator_contract(estimator, check):
    check(estimator)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 9), p=st.integers(1, 12), dims=st.integers(1, 5))
def test_each_row_is_solved_as_its_own_ridge_regression(seed, n, p, dims):
    rng = np.random.default_rng(seed)
    pattern = sparse.csr_array(sparse.random_array((n, p), density=0.5, rng=rng))
    weights = sparse.csr_array((rng.random(pattern.nnz) + 0.1, pattern.indices, pattern.indptr), pattern.shape)
    targets = sparse.csr_array((rng.normal(size=pattern.nnz), pattern.indices, pattern.indptr), pattern.shape)
    y, ridge = rng.normal(size=(p, dims)), rng.random(n) + 0.1
    x = solve(Problem(weights, targets, 0.7, ridge), y)
    for row in range(n):
        w, t = weights[[row]].toarray()[0], targets[[row]].toarray()[0]
        expected = np.linalg.solve(0.7 * y.T @ y + y.T @ (w[:, None] * y) + ridge[row] * np.eye(dims), y.T @ t)
        np.testing.assert_allclose(x[row], expected, atol=1e-7)


def objective(x, z, y, alpha, ridge):
    """Hu, Koren and Volinsky's equation 3, every pair counted."""
    x = x.toarray()
    return ((1 + alpha * x) * ((x > 0) - z @ y.T) ** 2).sum() + ridge * ((z**2).sum() + (y**2).sum())


def test_more_rounds_lower_the_papers_objective():
    x, _, _ = planted()
    losses = []
    for rounds in (1, 3, 10, 40):
        model = LatentFactors(dims=4, ridge=1.0, max_iter=rounds, random_state=0).fit(x)
        losses.append(objective(x, model.transform(x).astype(float), model.item_factors_.astype(float), 1.0, 1.0))
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("feedback", ["implicit", "explicit"])
def test_a_user_is_folded_in_as_if_alone(feedback):
    x, _, _ = planted()
    model = LatentFactors(dims=4, feedback=feedback, random_state=0).fit(x)
    together = model.transform(x[:20])
    alone = np.concatenate([model.transform(x[[row]]) for row in range(20)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_what_a_user_of_a_taste_has_not_met_yet_is_found():
    x, taste, kind = planted()
    model = LatentFactors(dims=8, ridge=2.0, random_state=0).fit(x[:100])
    scores = model.inverse_transform(model.transform(x[100:]))
    scores[x[100:].toarray() > 0] = -np.inf
    found = kind[scores.argsort(axis=1)[:, -3:]]
    assert (found == taste[100:, None]).mean() > 0.95


def test_explicit_factors_know_a_rating_from_the_other_side_of_its_mean():
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(200, 2)), rng.normal(size=(60, 2))
    ratings = 3 + u @ v.T + 0.1 * rng.normal(size=(200, 60))
    seen = rng.random(ratings.shape) < 0.5
    model = LatentFactors(dims=2, feedback="explicit", ridge=0.02, random_state=0).fit(sparse.csr_array(ratings * seen))
    predicted = model.inverse_transform(model.transform(sparse.csr_array(ratings * seen)))
    assert np.sqrt(((predicted - ratings)[~seen] ** 2).mean()) < 0.2  # the spread is 1.4, the noise 0.1


def test_a_stored_zero_is_a_rating_and_an_absent_one_is_not():
    rows = sparse.csr_array((np.array([0.0, 5.0, 0.0, 5.0]), ([0, 0, 1, 1], [0, 1, 0, 1])), shape=(2, 3))
    model = LatentFactors(dims=1, feedback="explicit", random_state=0).fit(rows)
    low, high, unrated = model.item_means_
    assert low < unrated < high


@pytest.mark.parametrize("n", [60, 6])  # by items, and by users where these are fewer
def test_ease_is_the_constrained_ridge_regression(n):
    x, _, _ = planted(n=n, p=15)
    b = EASE(ridge=3.0).fit(x).items_.astype(float)
    dense = x.toarray()
    for item in range(15):  # each column is a ridge regression on all other items
        others = np.arange(15) != item
        a = dense[:, others]
        expected = np.linalg.solve(a.T @ a + 3.0 * np.eye(14), a.T @ dense[:, item])
        np.testing.assert_allclose(b[others, item], expected, atol=1e-5)
    assert (np.diag(b) == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feedback": "thumbs"}, "feedback='thumbs' is not known: choose 'implicit' or 'explicit'"),
        ({"dims": 0}, "dims=0 is not possible: pass an int from 1"),
        ({"max_iter": True}, "max_iter=True is not possible"),
        ({"alpha": 0.0}, r"alpha=0.0 and ridge=None must be above 0"),
        ({"ridge": -1.0}, r"alpha=1.0 and ridge=-1.0 must be above 0"),
    ],
)
def test_an_impossible_option_is_refused_with_its_value(options, message):
    with pytest.raises(ValueError, match=message):
        LatentFactors(**options).fit(np.eye(3))


def test_a_negative_value_is_named_by_its_place():
    with pytest.raises(ValueError, match=r"Input X holds -2 in row 1, column 0"):
        LatentFactors().fit([[1.0, 0.0], [-2.0, 1.0]])


def test_nobody_having_met_anything_gives_factors_of_zero():
    model = LatentFactors(dims=2, random_state=0).fit(np.zeros((3, 4)))
    assert not model.transform(np.zeros((2, 4))).any()


def test_a_row_too_long_for_its_block_is_solved_from_its_matrix(monkeypatch):
    x, _, _ = planted()
    rng = np.random.default_rng(2)
    problem = Problem(x, 2 * x, 1.0, np.full(x.shape[0], 3.0))
    y = rng.normal(size=(x.shape[1], 5))
    usual = solve(problem, y)
    monkeypatch.setattr(least_squares, "_ENTRIES", 1)
    monkeypatch.setattr(least_squares, "_LONGEST", 4)
    np.testing.assert_allclose(solve(problem, y), usual, atol=1e-9)


def test_threads_change_no_bit_of_the_factors():
    x, _, _ = planted()
    plan = Plan(Problem(x, 2 * x, 1.0, np.full(x.shape[0], 3.0)))
    y = np.random.default_rng(3).normal(size=(x.shape[1], 6)).astype(np.float32)
    np.testing.assert_array_equal(plan.solve(y, threads=1), plan.solve(y, threads=3))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 30), p=st.integers(1, 30), dims=st.integers(1, 8))
def test_factors_begin_at_the_leading_singular_vectors(seed, n, p, dims):
    rng = np.random.default_rng(seed)
    low = (rng.normal(size=(n, 3)) @ rng.normal(size=(3, p))).astype(np.float32)
    users, items = leading(sparse.csr_array(low), dims, np.random.RandomState(seed % 1000))
    u, s, vt = np.linalg.svd(low.astype(float), full_matrices=False)
    kept = min(dims, len(s))
    np.testing.assert_allclose(users @ items.T, (u[:, :kept] * s[:kept]) @ vt[:kept], atol=1e-3 * (1 + s[0]))


def test_ten_rounds_from_singular_vectors_end_below_twenty_from_chance():
    x, _, _ = planted(n=300, p=150)
    model = LatentFactors(dims=6, ridge=1.0, random_state=0).fit(x)
    own = objective(x, model.transform(x).astype(float), model.item_factors_.astype(float), 1.0, 1.0)
    rng = np.random.default_rng(0)
    y = 0.01 * rng.normal(size=(x.shape[1], 6))
    for _ in range(20):
        z = solve(Problem(x, 2 * x, 1.0, np.ones(x.shape[0])), y)
        turned = x.T.tocsr()
        y = solve(Problem(turned, 2 * turned, 1.0, np.ones(x.shape[1])), z)
    assert own < objective(x, z, y, 1.0, 1.0) * 1.002


def test_what_was_turned_down_is_folded_in_as_a_preference_of_minus_one():
    x, _, _ = planted()
    model = LatentFactors(dims=4, ridge=2.0, random_state=0).fit(x)
    y = model.item_factors_.astype(float)
    good, bad = np.zeros((1, 80)), np.zeros((1, 80))
    good[0, :3], bad[0, 5:7] = 1, 1
    z = model.fold_in(good, bad)[0]
    confidence, target = 1 + (good + bad)[0], (good - bad)[0]
    expected = np.linalg.solve(y.T @ (confidence[:, None] * y) + 2 * np.eye(4), y.T @ (confidence * target))
    np.testing.assert_allclose(z, expected, atol=1e-5)
    np.testing.assert_allclose(model.fold_in(good, 0 * bad), model.transform(good), atol=1e-6)


@pytest.mark.parametrize("feedback", ["implicit", "explicit"])
def test_shares_add_up_to_the_score(feedback):
    x, _, _ = planted()
    model = LatentFactors(dims=4, feedback=feedback, random_state=0).fit(x)
    good, bad = np.zeros((1, 80)), np.zeros((1, 80))
    good[0, :3], bad[0, 5:7] = (3, 1, 2), 1
    items = np.array([10, 20, 79])
    shares = model.shares(good, bad, items)
    scores = model.inverse_transform(model.fold_in(good, bad))[0] - model.item_means_
    np.testing.assert_allclose(shares.sum(axis=1), scores[items], atol=1e-5)
    assert not shares[:, 8:].any()


def test_the_baselines_are_what_they_say():
    x, _, _ = planted(n=50, p=12)
    dense = x.toarray()
    np.testing.assert_array_equal(Popular().fit(x).scores(x)[0], dense.sum(axis=0))
    cosine = dense.T @ dense / np.sqrt(np.outer(dense.sum(0), dense.sum(0)).clip(1))
    np.fill_diagonal(cosine, 0)
    np.testing.assert_allclose(ItemNeighbours(12).fit(x).scores(x), dense @ cosine, atol=1e-5)
    nearest = np.where(cosine >= np.sort(cosine, axis=1)[:, -3, None], cosine, 0)
    np.testing.assert_allclose(ItemNeighbours(3).fit(x).scores(x), dense @ nearest.T, atol=1e-5)


def test_factors_of_what_nobody_met_come_from_its_content():
    rng = np.random.default_rng(0)
    content = rng.normal(size=(200, 6))
    factors = content @ rng.normal(size=(6, 3)) + 1.0 + 0.05 * rng.normal(size=(200, 3))
    known = np.arange(150)
    found = predicted_factors(content, known, factors[known], np.full(150, 40.0))
    error = ((found[150:] - factors[150:]) ** 2).mean()
    assert error < 0.01 * factors.var(axis=0).mean()
    noise = predicted_factors(rng.normal(size=(200, 6)), known, factors[known], np.full(150, 40.0))
    assert ((noise[150:] - factors[:150].mean(axis=0)) ** 2).mean() < 0.2  # content that says nothing is not heeded
    assert not predicted_factors(content, known[:0], factors[:0], known[:0]).any()
    assert np.isfinite(predicted_factors(content, known[:1], factors[:1], np.zeros(1))).all()
