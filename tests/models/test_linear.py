import json
import warnings
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
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


@each
def test_values_that_float32_cannot_hold_are_refused_and_those_below_it_carry_nothing(name):
    with pytest.raises(ValueError, match=r"as large as 7\.9e\+200, but features come back as float32"):
        make(name, dims=2).fit(X * 1e200, LABELS)
    with pytest.warns(CollapseWarning, match="0 of 2 dimensions") if name != "lsa" else nullcontext():
        assert not make(name, dims=2).fit(X * 1e-200, LABELS).transform(X * 1e-200).any()


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
