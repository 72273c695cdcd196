"""SparseAutoencoder: planted features come back, and dead ones are few, counted and warned of."""

import json
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentspace.errors import CollapseWarning
from latentspace.models.sparse_autoencoder import SparseAutoencoder, geometric_median

PLANTED, USED = 40, 3  # features there are, and how many an item uses


@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")  # a handful of items need few features
@parametrize_with_checks([SparseAutoencoder(dims=6, k=2, epochs=2, threads=1)])
def test_keeps_the_estimator_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def planted():
    """2,000 sums of 3 of 40 random directions in 24 columns, far from the origin, and the directions."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(PLANTED, 24))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    amounts = np.zeros((2000, PLANTED))
    for row in amounts:
        row[rng.permutation(PLANTED)[:USED]] = rng.uniform(0.5, 1.5, USED)
    return amounts @ directions + 0.02 * rng.normal(size=(2000, 24)) + 5, directions


@pytest.fixture(scope="module")
def model(planted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return SparseAutoencoder(dims=44, k=4, epochs=60, learning_rate=5e-3, random_state=0, threads=1).fit(planted[0])


def test_planted_directions_are_found(model, planted):
    found = model.dictionary_ / np.linalg.norm(model.dictionary_, axis=1, keepdims=True)
    cosine = (planted[1] @ found.T).max(axis=1)
    assert (cosine > 0.95).mean() >= 0.9


def test_items_are_rebuilt_from_few_features_far_better_than_by_their_mean(model, planted):
    X = planted[0]
    z = model.transform(X)
    assert (z >= 0).all()
    assert ((z > 0).sum(axis=1) <= model.k_).all()
    unexplained = np.sum((model.inverse_transform(z) - X) ** 2) / np.sum((X - X.mean(axis=0)) ** 2)
    assert unexplained < 0.1
    # The share that training reports is the same one, measured around the geometric median.
    assert model.history_[-1]["unexplained"] == pytest.approx(unexplained, rel=0.5)


def test_the_dictionary_is_what_inverse_transform_adds(model):
    z = np.random.default_rng(0).random((5, 44)).astype(np.float32)
    none = model.inverse_transform(np.zeros((1, 44), np.float32))
    np.testing.assert_allclose(model.inverse_transform(z), none + z @ model.dictionary_, rtol=1e-4)


def test_every_feature_adds_as_much_for_one_unit(model):
    sizes = np.linalg.norm(model.dictionary_, axis=1)
    np.testing.assert_allclose(sizes, sizes[0], rtol=0.01)  # one step from norm 1 at most


def test_usage_and_strength_are_counts_over_the_items(model, planted):
    z = model.transform(planted[0])
    np.testing.assert_allclose(model.usage_, (z > 0).mean(axis=0), atol=1e-6)
    used = z > 0
    np.testing.assert_allclose(model.strength_, z.sum(axis=0) / np.maximum(used.sum(axis=0), 1), rtol=1e-4)
    np.testing.assert_array_equal(model.active_dims_, model.usage_ > 0)
    assert (model.usage_ == 0).mean() <= 0.1


def test_features_beyond_what_the_data_needs_are_warned_of_with_a_number_that_fits():
    X = np.linspace(-1, 1, 300)[:, None] * np.ones((1, 4))
    with pytest.warns(CollapseWarning, match=r"SparseAutoencoder: \d+ of 64 features are dead.* Pass a smaller dims"):
        model = SparseAutoencoder(k=1, random_state=0, threads=1, epochs=60).fit(X)
    assert model.dims_ == 64
    assert np.mean((model.inverse_transform(model.transform(X)) - X) ** 2) < 0.05 * X.var()


def test_the_loss_of_the_dead_revives_features():
    import torch

    from latentspace.models.top_k import TopK

    x = torch.randn((512, 8), generator=torch.Generator().manual_seed(0))
    network = TopK((8,), 32, 2)
    network.initialise(torch.Generator().manual_seed(0))
    network.start(x, torch.Generator())
    network.idle[5:] = 1e9  # dead, though their directions could serve
    loss, terms = network.loss(x, torch.Generator(), 0.0)
    assert terms["dead"] == 27
    loss.backward()
    moved = network.encoder.weight.grad.abs().sum(1) > 0
    network.idle.zero_()
    network.zero_grad()
    network.loss(x, torch.Generator(), 0.0)[0].backward()
    used = (network.infer(x).mean > 0).any(0)
    assert moved[5:].all()
    assert moved.sum() >= used.sum()


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e5])
def test_the_unit_of_the_data_changes_nothing(planted, scale):
    X = planted[0][:300]
    fit = SparseAutoencoder(dims=16, k=2, epochs=5, random_state=0, threads=1).fit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        z, scaled = fit(X).transform(X), fit(X * scale).transform(X * scale)
    np.testing.assert_allclose(scaled, z, atol=0.02)


@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")
def test_a_state_gives_the_same_bits(planted):
    X = planted[0][:200].astype(np.float32)
    model = SparseAutoencoder(dims=20, k=3, epochs=3, random_state=0).fit(X)
    params, facts, arrays = model.get_state()
    again = SparseAutoencoder.from_state(json.loads(json.dumps(params)), json.loads(json.dumps(facts)), arrays)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    np.testing.assert_array_equal(again.dictionary_, model.dictionary_)
    np.testing.assert_array_equal(clone(model).fit(X).transform(X), model.transform(X))


@pytest.mark.parametrize("k", [0, 7, 2.5, "many", True])
def test_a_k_that_cannot_be_meant_is_refused(k):
    with pytest.raises(ValueError, match=r"k=.* must be an integer from 1 to dims=6, or 'auto'"):
        SparseAutoencoder(dims=6, k=k).fit(np.eye(30))


@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")
@pytest.mark.parametrize(
    "X", [np.ones((30, 3)), np.ones((1, 2)), np.eye(2), np.random.default_rng(0).random((25, 1, 4, 4))]
)
def test_edge_sizes_and_pictures_are_rebuilt_in_their_shape(X):
    model = SparseAutoencoder(dims=4, k=2, epochs=2, random_state=0).fit(X)
    x_hat = model.inverse_transform(model.transform(X))
    assert x_hat.shape == X.shape
    assert np.isfinite(x_hat).all()


def test_outliers_do_not_move_the_geometric_median():
    x = np.random.default_rng(0).normal(size=(500, 3))
    np.testing.assert_allclose(geometric_median(x), x.mean(axis=0), atol=0.1)
    x[:100] += 1000
    np.testing.assert_allclose(geometric_median(x), 0, atol=1)
    np.testing.assert_allclose(geometric_median(np.array([[0.0, 0], [0, 0], [9, 9]])), 0, atol=1e-4)  # the majority's
