import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from latentspace import PCA

_NO_SUMS = {"check_fit_score_takes_y": "partial_fit after fit needs the covariance, which these solvers never form"}


@parametrize_with_checks(
    [PCA(), PCA(2, whiten=True, solver="exact"), PCA(0.9), PCA(1, solver="krylov"), PCA(1, solver="randomized")],
    expected_failed_checks=lambda pca: _NO_SUMS if pca.solver in ("krylov", "randomized") else {},
)
def test_keeps_the_estimator_contract(estimator, check):
    check(estimator)


def _falling(n, p, seed=0, fall=0.85):
    rng = np.random.default_rng(seed)
    k = min(n, p)
    return rng.standard_normal((n, k)) * fall ** np.arange(k) @ np.linalg.qr(rng.standard_normal((p, k)))[0].T


SETS = {
    "tall": lambda: _falling(3000, 40),
    "wide": lambda: _falling(40, 3000),
    "square": lambda: _falling(100, 100),
    "rank deficient": lambda: _falling(500, 8) @ np.random.default_rng(1).standard_normal((8, 60)),
    "rank deficient and wide": lambda: _falling(30, 8) @ np.random.default_rng(1).standard_normal((8, 600)),
    "far from zero": lambda: _falling(2000, 30) + 1e6 * np.arange(30),
    "scaled badly": lambda: _falling(2000, 30) * 10.0 ** np.linspace(-3, 3, 30),
    "constant columns": lambda: np.hstack([_falling(1000, 20), np.full((1000, 3), 1e6 + 0.1)]),
}


def _same_axes(ours, theirs, tolerance):
    signs = np.sign((ours * theirs).sum(axis=1))[:, None]
    np.testing.assert_allclose(ours * signs, theirs, atol=tolerance * np.abs(theirs).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SETS)
def test_equals_scikit_learns_full_solver(name, dtype):
    X = SETS[name]().astype(dtype)
    ours = PCA(8).fit(X)
    theirs = SklearnPCA(8, svd_solver="full").fit(X.astype(np.float64))
    _same_axes(ours.axes_, theirs.components_, 1e-6)
    np.testing.assert_allclose(ours.mean_, theirs.mean_, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.variances_, theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(ours.variance_ratios_, theirs.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(ours.singular_values_, theirs.singular_values_, rtol=1e-9)
    scale = ours.variances_[0]
    np.testing.assert_allclose(ours.noise_variance_, theirs.noise_variance_, rtol=1e-6, atol=1e-12 * scale)
    z, expected = ours.transform(X), theirs.transform(X.astype(np.float64))
    np.testing.assert_allclose(np.abs(z), np.abs(expected), rtol=1e-4, atol=1e-5 * np.sqrt(scale))
    x_hat, expected = ours.inverse_transform(z), theirs.inverse_transform(expected)
    np.testing.assert_allclose(x_hat, expected, rtol=1e-6, atol=1e-5 * np.sqrt(scale))


@pytest.mark.parametrize("solver", ["krylov", "randomized"])
def test_solvers_that_only_multiply_find_the_exact_axes_of_a_falling_spectrum(solver):
    X = (_falling(900, 300) + 50).astype(np.float32)
    exact, other = PCA(10, solver="exact").fit(X), PCA(10, solver=solver, random_state=0).fit(X)
    assert (exact.solver_, other.solver_) == ("exact", solver)
    np.testing.assert_allclose(other.variances_, exact.variances_, rtol=1e-5)
    _same_axes(other.axes_, exact.axes_, 1e-4)
    np.testing.assert_allclose(other.noise_variance_, exact.noise_variance_, rtol=1e-3)


def test_large_both_ways_is_left_to_krylov_which_finds_eigenvectors():
    rng = np.random.default_rng(0)
    X = (_falling(2100, 60) @ rng.standard_normal((60, 2050)) + 0.1 * rng.standard_normal((2100, 2050))) + 100
    pca = PCA(5, random_state=0).fit(X.astype(np.float32))
    assert pca.solver_ == "krylov"
    x, axes = X - X.mean(axis=0), pca.axes_.T.astype(np.float64)
    np.testing.assert_allclose(x.T @ (x @ axes) / (len(X) - 1), axes * pca.variances_, atol=1e-4 * pca.variances_[4])
    assert pca.variances_[4] > 100 * pca.noise_variance_


def test_equal_variances_are_all_found():
    rng = np.random.default_rng(0)
    scores = np.linalg.qr(rng.standard_normal((1000, 40)))[0]
    axes = np.linalg.qr(rng.standard_normal((500, 40)))[0]
    X = (scores - scores.mean(axis=0)) @ axes.T + 1e-4 * rng.standard_normal((1000, 500))
    pca = PCA(40, solver="krylov", random_state=0).fit(X)
    np.testing.assert_allclose(pca.variances_, PCA(40, solver="exact").fit(X).variances_, rtol=1e-4)


@pytest.mark.parametrize("solver", ["exact", "krylov", "randomized"])
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("shape", [(400, 90), (90, 400)])
def test_sparse_rows_equal_the_same_rows_made_dense(solver, make, shape):
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.1 * rng.gamma(0.3, 5, size=shape[1]), size=shape).astype(np.float32)
    dense = PCA(4, solver="exact").fit(counts)
    thin = PCA(4, solver=solver, random_state=0).fit(make(counts))
    tolerance = 1e-9 if solver == "exact" else 1e-3
    np.testing.assert_allclose(thin.variances_, dense.variances_, rtol=tolerance)
    np.testing.assert_allclose(thin.mean_, dense.mean_, atol=1e-12)
    np.testing.assert_allclose(thin.transform(make(counts)), thin.transform(counts), atol=1e-4)
    if solver == "exact":
        _same_axes(thin.axes_, dense.axes_, 1e-5)


def test_a_whitened_space_has_variance_one_and_goes_back():
    X = _falling(500, 12) + 3
    pca = PCA(6, whiten=True).fit(X)
    z = pca.transform(X)
    np.testing.assert_allclose(np.cov(z, rowvar=False), np.eye(6), atol=1e-4)
    np.testing.assert_allclose(
        pca.inverse_transform(z), PCA(6).fit(X).inverse_transform(PCA(6).fit_transform(X)), atol=1e-4
    )


def test_dimensions_without_variance_whiten_to_zero():
    X = np.outer(np.arange(10.0), [1, 2, 3])
    z = PCA(3, whiten=True).fit_transform(X)
    np.testing.assert_allclose(z.std(axis=0, ddof=1), [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(PCA(3, whiten=True).fit(X).inverse_transform(z), X, atol=1e-5)


@given(n=st.integers(1, 30), p=st.integers(1, 30), seed=st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost_when_dims_equals_the_rank(n, p, seed):
    X = np.random.default_rng(seed).normal(size=(n, p))
    pca = PCA(min(n, p)).fit(X)
    np.testing.assert_allclose(pca.axes_ @ pca.axes_.T, np.eye(min(n, p)), atol=1e-5)
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(X)), X, atol=1e-4)


@given(share=st.floats(0.01, 1.0), n=st.integers(2, 40), p=st.integers(1, 20), seed=st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_a_share_is_reached_and_with_no_axis_too_many(share, n, p, seed):
    X = np.random.default_rng(seed).normal(size=(n, p))
    pca = PCA(share).fit(X)
    assert pca.variance_ratios_.sum() >= share - 1e-9
    assert pca.variance_ratios_[:-1].sum() < share


def test_all_of_the_variance_is_held_by_as_many_axes_as_the_rank():
    assert PCA(1.0).fit(SETS["rank deficient"]()).dims_ == 8


def test_the_first_of_the_largest_loadings_is_positive():
    X = np.array([[0.0, 0], [1, -1], [2, -2.0000001], [5, -5]])
    assert PCA(1).fit(X).axes_[0, 0] > 0
    for pca in (PCA(8).fit(_falling(200, 20)), PCA(8).fit(-_falling(200, 20))):
        largest = np.abs(pca.axes_).argmax(axis=1)
        assert (pca.axes_[np.arange(8), largest] > 0).all()


@pytest.mark.parametrize("solver", ["exact", "krylov"])
def test_results_have_the_same_bits_on_one_thread_and_on_two(solver):
    X = _falling(20_000, 150).astype(np.float32)
    with threadpool_limits(1, user_api="blas"):
        one = PCA(5, solver=solver, random_state=0).fit(X)
        z = one.transform(X)
    with threadpool_limits(2, user_api="blas"):
        two = PCA(5, solver=solver, random_state=0).fit(X)
        np.testing.assert_array_equal(two.axes_, one.axes_)
        np.testing.assert_array_equal(two.variances_, one.variances_)
        np.testing.assert_array_equal(two.transform(X), z)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.int64, np.float16, np.float32, np.float64])
def test_every_numeric_type_gives_the_same_axes(dtype):
    X = np.random.default_rng(0).integers(0, 2, size=(200, 5)).astype(dtype)
    X[:, 0] = X[:, 1]
    expected = PCA(2).fit(X.astype(np.float64))
    pca = PCA(2).fit(X)
    np.testing.assert_allclose(pca.axes_, expected.axes_, atol=1e-6)
    z = pca.transform(X)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, expected.transform(X.astype(np.float64)), atol=1e-5)


def test_layout_does_not_matter_and_the_input_is_left_alone():
    X = _falling(300, 20)
    wide = np.zeros((600, 40))
    wide[::2, ::2] = X
    expected = PCA(3).fit(X)
    for view in (np.asfortranarray(X), wide[::2, ::2], X[::-1][::-1]):
        view.flags.writeable = False
        before = view.copy()
        np.testing.assert_allclose(PCA(3).fit(view).axes_, expected.axes_, atol=1e-6)
        np.testing.assert_array_equal(view, before)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
@pytest.mark.parametrize("shape", [(500, 20), (20, 500)])
@pytest.mark.parametrize("solver", ["exact", "krylov"])
def test_the_unit_does_not_matter(scale, shape, solver):
    X = _falling(*shape)
    expected = PCA(3, solver=solver, random_state=0).fit(X)
    pca = PCA(3, solver=solver, random_state=0).fit((X * scale).astype(np.float32))
    _same_axes(pca.axes_, expected.axes_, 1e-4)
    np.testing.assert_allclose(pca.variances_ / scale**2, expected.variances_, rtol=1e-5)


def test_values_whose_squares_overflow_are_refused():
    with pytest.raises(ValueError, match=r"values as large as 1e\+200, whose squares overflow"):
        PCA(1).fit(np.array([[0.0, 1], [1e200, 2], [0, 3]]))


class TestEdges:
    def test_no_rows_are_refused(self):
        with pytest.raises(ValueError, match=r"0 sample\(s\)"):
            PCA().fit(np.empty((0, 3)))

    def test_no_rows_to_encode_or_decode_give_no_rows(self):
        pca = PCA(2).fit(_falling(10, 4))
        assert pca.transform(np.empty((0, 4))).shape == (0, 2)
        assert pca.inverse_transform(np.empty((0, 2))).shape == (0, 4)

    @pytest.mark.parametrize("dims", [1, 0.5, "auto"])
    def test_one_row_is_its_own_mean(self, dims):
        row = np.array([[3.0, 4.0, 5.0]])
        pca = PCA(dims).fit(row)
        assert (pca.dims_, pca.variances_[0], pca.variance_ratios_[0], pca.noise_variance_) == (1, 0, 0, 0)
        np.testing.assert_array_equal(pca.transform(row), [[0]])
        np.testing.assert_array_equal(pca.inverse_transform([[0]]), row)

    def test_two_rows_lie_on_one_axis(self):
        pca = PCA().fit([[0.0, 0, 0], [0, 3, 4]])
        np.testing.assert_allclose(pca.axes_, [[0, 0.6, 0.8]], atol=1e-6)
        assert pca.variances_[0] == pytest.approx(12.5)

    @pytest.mark.parametrize("dims", [2, 0.9, "auto"])
    @pytest.mark.parametrize("shape", [(50, 4), (4, 50)])
    def test_equal_rows_have_no_variance(self, dims, shape):
        X = np.full(shape, 0.1)
        pca = PCA(dims).fit(X)
        assert pca.variances_.max() == 0
        np.testing.assert_allclose(pca.axes_ @ pca.axes_.T, np.eye(pca.dims_), atol=1e-6)
        np.testing.assert_allclose(pca.inverse_transform(pca.transform(X)), X, rtol=1e-6)

    def test_constant_columns_have_no_part_in_any_axis(self):
        pca = PCA(8).fit(SETS["constant columns"]())
        assert np.abs(pca.axes_[:, 20:]).max() == 0

    def test_one_feature_is_its_own_axis(self):
        pca = PCA().fit(np.arange(5.0)[:, None])
        assert (pca.axes_[0, 0], pca.dims_) == (1, 1)

    @pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("solver", ["auto", "exact", "krylov", "randomized"])
    def test_too_many_dims_says_how_many_are_possible(self, make, solver):
        with pytest.raises(ValueError, match=r"dims=9 .* n_samples=10 and n_features=4, so dims can be 1 to 4"):
            PCA(9, solver=solver).fit(make(np.ones((10, 4))))

    @pytest.mark.parametrize("dims", [0, -1, 0.0, 1.5, True, "many", None])
    def test_impossible_dims_are_refused_with_what_is_possible(self, dims):
        with pytest.raises(ValueError, match=r"dims=.* an int from 1, a share of variance in \(0, 1\], or 'auto'"):
            PCA(dims).fit(np.ones((5, 3)))

    def test_unknown_solvers_are_refused_with_those_there_are(self):
        with pytest.raises(ValueError, match="Known solvers: auto, exact, krylov, randomized"):
            PCA(solver="full").fit(np.ones((5, 3)))

    def test_the_randomized_solver_asks_for_a_number(self):
        with pytest.raises(ValueError, match=r"solver='randomized' needs dims as a number of axes, got dims=0\.9"):
            PCA(0.9, solver="randomized").fit(_falling(50, 10))

    def test_latents_of_other_dims_are_refused(self):
        with pytest.raises(ValueError, match=r"latents of shape \(3, 5\); this PCA has dims=2"):
            PCA(2).fit(_falling(10, 4)).inverse_transform(np.ones((3, 5)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(9000, 6), (5, 40)])
def test_a_value_that_is_no_number_is_refused_by_row_and_column(value, shape):
    X = _falling(*shape)
    row, column = shape[0] - 2, 3
    good = PCA(2).fit(X)
    bad = X.copy()
    bad[row, column] = value
    place = f"contains {'NaN' if np.isnan(value) else 'inf'}: row {row}, column {column}"
    for verb in (PCA(2).fit, PCA(2, solver="krylov").fit, PCA(2).partial_fit, good.transform):
        with pytest.raises(ValueError, match=place):
            verb(bad)
        with pytest.raises(ValueError, match=place):
            verb(bad.astype(np.float32))
    for verb in (PCA(2).fit, good.transform):
        with pytest.raises(ValueError, match=place):
            verb(sparse.csr_array(bad))


def test_columns_with_names_are_refused_by_name_and_axes_get_names():
    import pandas as pd

    frame = pd.DataFrame(_falling(20, 3), columns=["height", "width", "depth"])
    pca = PCA(2).set_output(transform="pandas").fit(frame)
    assert list(pca.transform(frame).columns) == ["pca0", "pca1"]
    frame.loc[4, "width"] = np.nan
    with pytest.raises(ValueError, match=r"row 4, column 1 \('width'\)"):
        PCA(2).fit(frame)


def test_a_state_of_json_and_arrays_gives_the_same_bits_back():
    X = _falling(300, 20) + 1000
    for pca in (PCA(3, whiten=True).fit(X), PCA(0.9, random_state=1).fit(X), PCA().partial_fit(X)):
        params, facts, arrays = pca.get_state()
        assert all(not name.startswith("_") for name in (*facts, *arrays))
        again = PCA.from_state(json.loads(json.dumps(params)), json.loads(json.dumps(facts)), arrays)
        np.testing.assert_array_equal(again.transform(X), pca.transform(X))
        np.testing.assert_array_equal(
            again.inverse_transform(pca.transform(X)), pca.inverse_transform(pca.transform(X))
        )
        with pytest.raises(ValueError, match="cannot go on from this model"):
            again.partial_fit(X)
