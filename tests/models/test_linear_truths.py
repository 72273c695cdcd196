"""What the linear families find, beside scikit-learn and beside what was planted."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import cross_decomposition, decomposition
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis

from latentspace.models import family, make

X, Y = load_iris(return_X_y=True)
LABELS = np.array(["setosa", "versicolor", "virginica"])[Y].tolist()


def _same_up_to_sign(ours, theirs, tolerance=1e-5):
    signs = np.sign((ours * theirs).sum(axis=0))
    np.testing.assert_allclose(ours * signs, theirs, atol=tolerance * np.abs(theirs).max())


def test_lda_equals_scikit_learns_with_and_without_shrinkage():
    for shrinkage in (None, 0.3, "auto"):
        theirs = LinearDiscriminantAnalysis(solver="svd" if shrinkage is None else "eigen", shrinkage=shrinkage)
        expected = theirs.fit(X, Y).transform(X)[:, :2]
        ours = family("lda")(dims=2, shrinkage=shrinkage).fit(X, LABELS).transform(X)
        ours, expected = (
            ours - ours.mean(axis=0),
            expected - expected.mean(axis=0),
        )  # their eigen solver does not centre
        if shrinkage is None:  # by which count their svd solver divides depends on the version
            ours, expected = ours / ours.std(axis=0), expected / expected.std(axis=0)
        _same_up_to_sign(ours, expected)


def test_lda_gives_classes_a_covariance_of_one_within():
    z = family("lda")().fit(X, LABELS).transform(X).astype(np.float64)
    within = np.mean([np.cov(z[y == Y], rowvar=False, ddof=0) for y in range(3)], axis=0)
    np.testing.assert_allclose(within, np.eye(2), atol=1e-5)


@pytest.mark.parametrize("scale", [True, False])
def test_pls_equals_scikit_learns_on_numbers_and_on_classes(scale):
    wine = load_wine()
    for y, table in ((X[:, 3] * 1.01, X[:, :3]), (wine.target, wine.data)):
        target = y if table is not wine.data else (y[:, None] == np.arange(3)).astype(float)
        theirs = cross_decomposition.PLSRegression(2, scale=scale, tol=1e-12, max_iter=5000)
        if not scale:
            target = (target - target.mean(axis=0)) / target.std(axis=0, ddof=1)  # ours always gives targets variance 1
        expected = theirs.fit(table, target).transform(table)
        _same_up_to_sign(family("pls")(2, scale=scale).fit(table, y).transform(table), expected, 1e-3)


def test_pls_reads_several_numbers_an_item():
    y = X[:, 2:].copy()
    y[5] = np.nan
    model = family("pls")(2).fit(X[:, :2], y)
    assert model.classes_ is None
    rest = np.delete(np.arange(150), 5)
    np.testing.assert_allclose(model.encoder_, family("pls")(2).fit(X[rest, :2], y[rest]).encoder_, rtol=1e-9)


def test_pls_takes_the_fewest_dimensions_that_predict_as_well_as_more():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 10))
    y = x[:, 0] + 0.1 * rng.standard_normal(300)
    assert family("pls")(random_state=0).fit(x, y).dims_ <= 3


def test_lsa_of_sparse_texts_equals_truncated_svd():
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(1500, 0.05), size=8)
    words = np.array([rng.multinomial(60, rng.dirichlet(np.full(8, 0.3)) @ topics) for _ in range(900)])
    x = TfidfTransformer().fit_transform(sparse.csr_array(words))
    lsa = family("lsa")(dims=6, random_state=0).fit(x)
    theirs = decomposition.TruncatedSVD(6, algorithm="arpack", random_state=0).fit(x)
    _same_up_to_sign(lsa.transform(x), theirs.transform(x), 1e-4)
    np.testing.assert_allclose(lsa.singular_values_, theirs.singular_values_, rtol=1e-8)
    np.testing.assert_allclose(lsa.transform(x.toarray()), lsa.transform(x), atol=1e-6)
    for other in (x[:300], x.toarray(), x.toarray()[:300]):  # by products, by Lanczos on dense rows, and by SVD
        again = family("lsa")(dims=6, random_state=0).fit(other)
        expected = np.linalg.svd(other.toarray() if sparse.issparse(other) else other, compute_uv=False)[:6]
        np.testing.assert_allclose(again.singular_values_, expected, rtol=1e-8)


def test_lsa_names_a_bad_entry_of_sparse_rows():
    x = sparse.random_array((30, 20), density=0.2, format="csr", rng=np.random.default_rng(0))
    row = int(np.searchsorted(x.indptr, 5, side="right")) - 1
    x.data[5] = np.nan
    with pytest.raises(ValueError, match=f"row {row}.*column {x.indices[5]}"):
        family("lsa")(dims=2).fit(x)


def test_ica_unmixes_planted_sources():
    rng = np.random.default_rng(0)
    t = np.linspace(0, 40, 4000)
    sources = np.column_stack([np.sign(np.sin(3 * t)), t * 7 % 1, rng.laplace(size=4000)])
    x = sources @ rng.standard_normal((3, 5)) + 10
    z = family("ica")(dims=3, random_state=0).fit(x).transform(x)
    assert (np.abs(np.corrcoef(z.T, sources.T)[:3, 3:]).max(axis=1) > 0.99).all()
    assert len(set(np.abs(np.corrcoef(z.T, sources.T)[:3, 3:]).argmax(axis=1))) == 3
    np.testing.assert_allclose(np.cov(z, rowvar=False, ddof=0), np.eye(3), atol=1e-4)
    theirs = decomposition.FastICA(3, whiten="unit-variance", random_state=0, max_iter=500).fit_transform(x)
    assert (np.abs(np.corrcoef(z.T, theirs.T)[:3, 3:]).max(axis=1) > 0.9999).all()


def _caused(n=600, p=12, seed=0):
    rng = np.random.default_rng(seed)
    loadings, noise = rng.standard_normal((3, p)), rng.uniform(0.2, 3, p)
    return rng.standard_normal((n, 3)) @ loadings + noise * rng.standard_normal((n, p)) + 5, loadings, noise


def test_factor_analysis_equals_scikit_learns_and_knows_its_likelihood():
    x, loadings, noise = _caused()
    ours = family("factor-analysis")(3, tol=1e-9, max_iter=5000).fit(x)
    theirs = decomposition.FactorAnalysis(3, svd_method="lapack", tol=1e-9, max_iter=5000).fit(x)
    _same_up_to_sign(ours.transform(x), theirs.transform(x), 1e-3)
    np.testing.assert_allclose(ours.noise_variances_, theirs.noise_variance_, rtol=1e-3)
    np.testing.assert_allclose(ours.log_prob(x), theirs.score_samples(x), rtol=1e-4)
    np.testing.assert_allclose(ours.log_prob(x).mean(), ours.log_likelihood_, rtol=1e-10)
    truth = loadings.T @ loadings + np.diag(noise**2)
    minus_two = len(truth) * np.log(2 * np.pi) + np.linalg.slogdet(truth)[1]
    minus_two += np.einsum("ij,ij->i", (x - 5) @ np.linalg.inv(truth), x - 5)
    assert ours.log_likelihood_ > -minus_two.mean() / 2  # no less likely than what the items were drawn from
    np.testing.assert_allclose(np.sqrt(ours.noise_variances_), noise, rtol=0.25)


def test_factor_analysis_does_not_depend_on_units():
    x, _, _ = _caused()
    units = 10.0 ** np.linspace(-3, 3, x.shape[1])
    a, b = family("factor-analysis")().fit(x), family("factor-analysis")().fit(x * units)
    assert a.dims_ == b.dims_
    _same_up_to_sign(b.transform(x * units), a.transform(x), 1e-4)
    np.testing.assert_allclose(b.log_likelihood_, a.log_likelihood_ - np.log(units).sum(), rtol=1e-8)


def test_factor_analysis_says_when_it_did_not_settle():
    with pytest.warns(ConvergenceWarning, match="did not settle in max_iter=2 iterations"):
        family("factor-analysis")(3, max_iter=2).fit(_caused()[0])


def test_sparse_axes_equal_scikit_learns_and_grow_sparser_with_alpha():
    x, _, _ = _caused()
    size = np.linalg.norm(x - x.mean(axis=0)) / np.sqrt(x.shape[1])
    ours = family("sparse-pca")(3, alpha=0.1, random_state=0).fit(x)
    theirs = decomposition.SparsePCA(3, alpha=0.1 * size, method="cd", random_state=0).fit(x)
    assert (np.abs(ours.decoder_ @ theirs.components_.T).max(axis=1) > 0.9999).all()
    np.testing.assert_allclose(np.linalg.norm(ours.decoder_, axis=1), 1)
    zeros = [(family("sparse-pca")(3, alpha=a, random_state=0).fit(x).decoder_ == 0).sum() for a in (0.001, 0.1, 0.3)]
    assert zeros[0] < zeros[1] < zeros[2] < ours.decoder_.size
    with pytest.raises(ValueError, match="alpha=0 must be above 0"):
        family("sparse-pca")(3, alpha=0).fit(x)


def test_nmf_gives_back_no_worse_than_scikit_learns():
    x = load_digits().data[:400] / 16
    ours = family("nmf")(8, random_state=0).fit(x)
    theirs = decomposition.NMF(8, random_state=0, max_iter=2000).fit(x)
    parts = theirs.components_ / np.linalg.norm(theirs.components_, axis=1, keepdims=True)
    assert ((ours.decoder_ @ parts.T).max(axis=1) > 0.9999).all()
    z = ours.transform(x)
    assert z.min() >= 0
    assert np.sum((x - ours.inverse_transform(z)) ** 2) <= theirs.reconstruction_err_**2 * (1 + 1e-6)
    np.testing.assert_allclose(ours.transform(sparse.csr_array(x)), z, atol=1e-5)
    np.testing.assert_allclose(ours.transform(x[7:8]), z[7:8], atol=1e-6)  # whatever items stand beside it


def test_nmf_refuses_a_negative_feature_by_its_place_and_name():
    x = X.copy()
    x[3, 1] = -0.5
    with pytest.raises(ValueError, match=r"-0.5 in row 3, column 1\. .*scale the features"):
        family("nmf")(2).fit(x)
    with pytest.raises(ValueError, match=r"-0.5 in row 3, column 1\."):
        family("nmf")(2).fit(sparse.csr_array(x))
    with pytest.raises(ValueError, match=r"column 1 \('width'\)"):
        family("nmf")(2).fit(pd.DataFrame(x, columns=["length", "width", "c", "d"]))


def test_nmf_to_one_part_is_the_leading_singular_vector():
    model = family("nmf")(1).fit(X)
    np.testing.assert_allclose(model.decoder_[0], np.abs(np.linalg.svd(X)[2][0]), rtol=1e-9)


def test_nca_takes_the_steps_of_scikit_learns():
    x = (X - X.mean(axis=0)) / X.std(axis=0)
    begin = family("lda")(2).fit(x, Y).encoder_.T
    theirs = NeighborhoodComponentsAnalysis(2, init=begin, max_iter=4).fit(x, Y).transform(x)
    ours = family("nca")(2, max_iter=4).fit(X, LABELS).transform(X)
    gaps = [np.linalg.norm(z[:, None] - z, axis=2) for z in (ours, theirs)]
    np.testing.assert_allclose(gaps[0], gaps[1], rtol=1e-2, atol=1e-3 * gaps[1].max())


def _rings(n=400, seed=0):
    """Two classes as rings around one another in two of eight features; the others are noise three times as loud."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    angle, radius = rng.uniform(0, 2 * np.pi, n), 1 + y + 0.1 * rng.standard_normal(n)
    ring = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.hstack([ring, 3 * rng.standard_normal((n, 6))]), y


def test_nca_finds_the_plane_where_neighbours_share_their_class_and_lda_does_not():
    (x, y), (x_new, y_new) = _rings(), _rings(seed=1)
    right = {}
    for name, dims in (("nca", 2), ("pca", 2), ("lda", 1)):
        model = make(name, dims=dims, random_state=0).fit(x, y)
        knn = KNeighborsClassifier(5).fit(model.transform(x), y)
        right[name] = knn.score(model.transform(x_new), y_new)
    right["all features"] = KNeighborsClassifier(5).fit(x, y).score(x_new, y_new)
    assert right.pop("nca") > 0.95
    assert max(right.values()) < 0.75


def test_nca_draws_items_evenly_from_the_classes():
    y = ["rare"] * 4 + ["common"] * 146
    few = family("nca")(1, items=8, random_state=0).fit(X, y)
    assert few.transform(X).shape == (150, 1)
    with pytest.raises(ValueError, match="items=1 is not possible"):
        family("nca")(1, items=1).fit(X, y)
