import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import cross_decomposition, decomposition
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentspace as ls
from latentspace.errors import CollapseWarning
from latentspace.models import FAMILIES, family, make

NAMES = ["lsa", "nmf", "ica", "factor-analysis", "sparse-pca", "lda", "pls", "nca"]
WITH_TARGET = ["lda", "pls", "nca"]
WITHOUT = [name for name in NAMES if name not in WITH_TARGET]
X, Y = load_iris(return_X_y=True)
LABELS = np.array(["setosa", "versicolor", "virginica"])[Y].tolist()

each = pytest.mark.parametrize("name", NAMES)
each_with_target = pytest.mark.parametrize("name", WITH_TARGET)


@parametrize_with_checks([family(name)() for name in NAMES])
def test_keeps_the_estimator_contract(estimator, check):
    check(estimator)


@each
def test_encodes_and_decodes_in_float32_and_keeps_most_of_iris(name):
    model = make(name, dims=2, random_state=0).fit(X, LABELS)
    z = model.transform(X)
    x_hat = model.inverse_transform(z)
    assert (z.shape, z.dtype, x_hat.shape, x_hat.dtype) == ((150, 2), np.float32, X.shape, np.float32)
    assert (model.dims_, model.encoder_.shape, model.decoder_.shape) == (2, (4, 2), (2, 4))
    assert np.mean((X - x_hat) ** 2) < 0.15 * X.var(axis=0).mean()
    assert model.transform(X[:0]).shape == (0, 2)
    assert model.inverse_transform(z[:0]).shape == (0, 4)
    assert family(name).family == name
    np.testing.assert_array_equal(make(name, dims=2, random_state=0).fit(X, LABELS).transform(X), z)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "factor-analysis"])  # its posterior draws towards 0
def test_encoding_what_was_decoded_gives_the_latents_back(name):
    model = make(name, dims=2, random_state=0).fit(X, LABELS)
    z = model.transform(X)
    np.testing.assert_allclose(model.transform(model.inverse_transform(z)), z, atol=2e-4 * np.abs(z).max())


@each
def test_chooses_dims_by_itself(name):
    model = make(name, random_state=0).fit(X, LABELS)
    assert 1 <= model.dims_ <= 4
    assert model.encoder_.any(axis=0).all()


@each
def test_comes_back_from_its_state_bit_for_bit(name):
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = make(name, dims=2, random_state=0).fit(frame, LABELS)
    params, facts, arrays = model.get_state()
    params, facts = json.loads(json.dumps([params, facts]))
    assert all(array.dtype == np.float64 for array in arrays.values())
    back = family(name).from_state(params, facts, arrays)
    z = model.transform(frame)
    np.testing.assert_array_equal(back.transform(frame), z)
    np.testing.assert_array_equal(back.inverse_transform(z), model.inverse_transform(z))
    assert back.get_params() == model.get_params()
    assert getattr(back, "classes_", None) == getattr(model, "classes_", None)
    arrays["decoder_"] = arrays["decoder_"][:, 1:]
    with pytest.raises(ValueError, match="file is damaged"):
        family(name).from_state(params, facts, arrays)


@each
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_names_the_entry_that_is_no_number(name, value):
    x = X.copy()
    x[7, 2] = value
    with pytest.raises(ValueError, match=r"row 7.*column 2"):
        make(name).fit(x, LABELS)
    with pytest.raises(ValueError, match=r"row 7.*column 2"):
        make(name, dims=1).fit(X, LABELS).transform(x)


@each
@pytest.mark.parametrize("dims", [0, -1, 1.5, True, "many", None])
def test_refuses_dims_that_mean_nothing(name, dims):
    with pytest.raises(ValueError, match=f"dims={dims!r} is not possible"):
        make(name, dims=dims).fit(X, LABELS)


@each
def test_says_why_dims_are_too_many(name):
    most, because = (2, "3 classes and the data n_features=4") if name == "lda" else (4, "n_features=4")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)  # four features do not have four causes in common
        make(name, dims=most, random_state=0).fit(X, LABELS)
    with pytest.raises(ValueError, match=f"dims={most + 1} is out of range: .*{because}, so dims can be 1 to {most}"):
        make(name, dims=most + 1).fit(X, LABELS)


@each
def test_refuses_latents_of_another_width(name):
    with pytest.raises(ValueError, match=r"latents of shape \(5, 3\); this .* has dims=2"):
        make(name, dims=2, random_state=0).fit(X, LABELS).inverse_transform(np.zeros((5, 3)))


@each
def test_constant_columns_get_no_weight_and_come_back_exactly(name):
    x = np.insert(X, 1, 0.1, axis=1)
    model = make(name, dims=2, random_state=0).fit(x, LABELS)
    plain = make(name, dims=2, random_state=0).fit(X, LABELS)
    if model.centred:
        assert not model.encoder_[1].any()
        assert not model.decoder_[:, 1].any()
        assert (model.inverse_transform(model.transform(x))[:, 1] == np.float32(0.1)).all()
        np.testing.assert_allclose(np.abs(model.encoder_[[0, 2, 3, 4]]), np.abs(plain.encoder_), rtol=0.02, atol=0.02)
    else:
        np.testing.assert_allclose(model.inverse_transform(model.transform(x))[:, 1], 0.1, atol=0.1)


@pytest.mark.parametrize("name", WITHOUT)
@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_items_come_back(name, n):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)  # one item has no spread
        model = make(name, dims=1, random_state=0).fit(X[[0, 100]][:n])
    x_hat = model.inverse_transform(model.transform(X[[0, 100]][:n]))
    if n == 1:
        np.testing.assert_allclose(x_hat, X[:1], rtol=1e-6)
    else:
        assert np.mean((X[[0, 100]] - x_hat) ** 2) < 1.01 * X[[0, 100]].var(axis=0).mean()


@each_with_target
def test_one_or_two_items_are_too_few_to_tell_classes_or_just_enough(name):
    with pytest.raises(ValueError, match=r"y holds 1 class|n_samples=1"):
        make(name, dims=1).fit(X[:1], ["a"])
    if name == "lda":
        with pytest.raises(ValueError, match="no spread within classes"):
            make(name, dims=1).fit(X[[0, 100]], ["a", "b"])
        return
    model = make(name, dims=1).fit(X[[0, 100]], ["a", "b"])
    np.testing.assert_allclose(model.inverse_transform(model.transform(X[[0, 100]])), X[[0, 100]], rtol=1e-4)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("lsa", "nmf", "lda")])
def test_items_that_are_all_equal_are_warned_of(name):
    with pytest.warns(CollapseWarning, match="0 of 2 dimensions carry anything"):
        model = make(name, dims=2).fit(np.full((6, 3), 0.1), list("aabbab"))
    assert not model.transform(np.full((6, 3), 0.1)).any()
    np.testing.assert_array_equal(model.inverse_transform(np.ones((1, 2))), np.full((1, 3), np.float32(0.1)))


@pytest.mark.parametrize("name", ["lsa", "nmf"])
def test_features_that_are_all_zero_are_warned_of(name):
    for x in (np.zeros((6, 3)), sparse.csr_array((6, 3))):
        with pytest.warns(CollapseWarning, match="0 of 2 dimensions carry anything"):
            assert not make(name, dims=2).fit(x).transform(x).any()


@pytest.mark.parametrize("name", ["lsa", "ica", "factor-analysis", "sparse-pca", "pls", "nca"])
def test_dimensions_past_the_rank_stay_zero_and_are_warned_of(name):
    x = np.outer(X[:, 0] - 5, [1.0, 2.0, -1.0])
    with pytest.warns(CollapseWarning, match=r"1 of 3 dimensions carry anything.*Pass dims=1"):
        model = make(name, dims=3, random_state=0).fit(x, LABELS)
    z = model.transform(x)
    assert not z[:, 1:].any()
    if name != "sparse-pca":  # which draws its axes a little towards the features they hold most of
        np.testing.assert_allclose(model.inverse_transform(z), x, atol=1e-4)


# The task-aware ones


@each_with_target
@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_learns_the_encoder_from_labelled_items_and_the_decoder_from_all(name, missing):
    labels = [missing if i % 3 == 0 else label for i, label in enumerate(LABELS)]
    known = np.arange(len(X)) % 3 != 0
    model = make(name, dims=2, random_state=0).fit(X, labels)
    alone = make(name, dims=2, random_state=0).fit(X[known], np.array(LABELS)[known])
    np.testing.assert_allclose(model.encoder_, alone.encoder_, rtol=1e-3, atol=1e-3 * np.abs(alone.encoder_).max())
    np.testing.assert_allclose(model.mean_, X.mean(axis=0))
    z = model.transform(X).astype(np.float64)
    decoder = np.linalg.lstsq(z, X - X.mean(axis=0), rcond=None)[0]
    np.testing.assert_allclose(model.decoder_, decoder, atol=1e-4 * np.abs(decoder).max())
    assert model.classes_ == ["setosa", "versicolor", "virginica"]


@each_with_target
def test_does_not_depend_on_units(name):
    units = np.array([1e-3, 1, 100, 1e4])
    model = make(name, dims=2, random_state=0).fit(X, LABELS)
    scaled = make(name, dims=2, random_state=0).fit(X * units, LABELS)
    for column, other in zip(model.transform(X).T, scaled.transform(X * units).T, strict=True):
        assert abs(np.corrcoef(column, other)[0, 1]) > 0.999


@each_with_target
def test_refuses_a_target_that_tells_nothing(name):
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        make(name).fit(X)
    with pytest.raises(ValueError, match=r"no label at all|n_samples=0"):
        make(name).fit(X, [None] * 150)
    with pytest.raises(ValueError, match=r"1 class|all of them"):
        make(name).fit(X, ["a", None] * 75)
    with pytest.raises(ValueError, match="y has 149 values, but X has 150 rows"):
        make(name).fit(X, LABELS[1:])
    with pytest.raises(ValueError, match="must be finite"):
        make(name).fit(X, [np.inf, 1.0] * 75)


@pytest.mark.parametrize("name", ["lda", "nca"])
def test_refuses_fractions_as_classes(name):
    with pytest.raises(ValueError, match=r"y\[0\] is 5.1\. Bin such numbers, or use model='pls'"):
        make(name).fit(X, X[:, 0])


def test_true_is_another_class_than_one():
    assert family("lda")().fit(X, ["1" if y == 0 else True if y == 1 else 2 for y in Y]).classes_ == [2, True, "1"]


# Beside scikit-learn


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


# In a space


@each
def test_a_space_is_fitted_saved_and_loaded(name, tmp_path):
    space = ls.fit(X, model=name, target=LABELS if name in WITH_TARGET else None, dims=2)
    space.save(tmp_path / "iris.latent")
    back = ls.load(tmp_path / "iris.latent")
    np.testing.assert_array_equal(back.latents, space.latents)
    np.testing.assert_array_equal(back.encode(X[:3]), space.encode(X[:3]))
    np.testing.assert_array_equal(back.decode(space.latents[:3]), space.decode(space.latents[:3]))


@each_with_target
def test_a_table_is_fitted_with_one_of_its_columns_as_target(name, tmp_path):
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(species=LABELS)
    frame.loc[::10, "species"] = None
    space = ls.fit(frame, model=name, target="species", dims=2)
    assert space.model.n_features_in_ == 4
    space.save(tmp_path / "iris.latent")
    np.testing.assert_array_equal(ls.load(tmp_path / "iris.latent").encode(frame), space.latents)


def test_families_are_registered_under_their_own_names():
    assert set(NAMES) < set(FAMILIES)
    for name in NAMES:
        assert clone(make(name, random_state=3)).get_params()["random_state"] == 3
