"""The parts that explain is made of, against closed forms: rotations, drivers, gradients, concepts, sparse features."""

import numpy as np
import pytest

import latentspace as ls
from latentspace.explain.concepts import weighed_concepts
from latentspace.explain.dimensions import associations
from latentspace.explain.drivers import covariances, decoder_effects, integrated_gradients
from latentspace.explain.evidence import columns_of, evidence
from latentspace.explain.rotations import ica, varimax
from latentspace.explain.sparse_features import sparse_features
from latentspace.labels import MOST
from latentspace.maps.colours import PALETTE


def turned(seed=0, dims=3):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dims, dims)))[0]


def test_varimax_finds_axes_that_each_move_their_own_features():
    rng = np.random.default_rng(0)
    own = rng.normal(size=(2_000, 3)) * [3, 2, 1]
    simple = np.kron(np.eye(3), np.ones((1, 4)))  # each moves four features
    q = turned()
    z = own @ q
    effects = (q.T @ simple) * z.std(axis=0)[:, None]
    found = varimax(z, effects)
    rotated = found.apply(z)
    agreement = np.abs(np.corrcoef(rotated.T, own.T)[:3, 3:])
    assert agreement.max(axis=1).min() > 0.99
    assert found.neighbours_kept == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(found.matrix @ found.matrix.T, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(found.back(rotated), z, atol=1e-4)
    assert found.simplicity[1] > found.simplicity[0]
    assert found.worth()


def test_ica_finds_independent_causes_and_says_what_they_cost():
    rng = np.random.default_rng(0)
    own = rng.uniform(-1, 1, (3_000, 3))
    z = own @ np.array([[3, 1, 0], [0, 1, 0.5], [1, 0, 0.3]])
    found = ica(z)
    agreement = np.abs(np.corrcoef(found.apply(z).T, own.T)[:3, 3:])
    assert agreement.max(axis=1).min() > 0.97
    assert found.stable > 0.9
    assert found.neighbours_kept < 0.9
    np.testing.assert_allclose(found.back(found.apply(z)), z, atol=1e-3)


def test_gaussian_noise_has_no_independent_parts_worth_a_turn():
    for seed in range(3):
        assert ica(np.random.default_rng(seed).normal(size=(2_000, 4))) is None
    assert varimax(np.zeros((50, 3)), np.zeros((3, 4))) is None


def test_a_linear_decoder_s_effects_are_its_loadings_times_the_deviations():
    rng = np.random.default_rng(0)
    z, loadings = rng.normal(size=(300, 3)) * [2, 1, 0.5], rng.normal(size=(3, 7))
    for linear in (True, False):
        found = decoder_effects(lambda rows: rows @ loadings + 4, z, linear=linear)
        np.testing.assert_allclose(found.effects, loadings * z.std(axis=0)[:, None], atol=1e-4)
        np.testing.assert_allclose(found.bent, 0, atol=1e-3)
    bent = decoder_effects(lambda rows: np.sin(3 * rows), z)
    assert (bent.bent > 0.3).all()


def test_covariances_are_those_with_standardised_latents():
    rng = np.random.default_rng(0)
    z, x = rng.normal(size=(200, 2)) * [1, 5], rng.normal(size=(200, 6))
    found = covariances(z, [x[:150], x[150:]])
    wanted = np.cov(z.T, x.T, bias=True)[:2, 2:] / z.std(axis=0)[:, None]
    np.testing.assert_allclose(found.effects, wanted, atol=1e-5)


def test_integrated_gradients_add_up_to_what_the_latent_changes():
    pytest.importorskip("captum")
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (120, 6)).astype(np.float32)
    model = ls.Autoencoder(dims=2, epochs=3, random_state=0).fit(x)
    baseline = x.mean(axis=0)
    told = integrated_gradients(model, x[:10], baseline, [0, 1])
    assert told.shape == (2, 10, 6)
    change = model.transform(x[:10]) - model.transform(baseline[None])
    np.testing.assert_allclose(told.sum(axis=2).T, change, atol=0.02 * np.abs(change).max())


def test_a_concept_stands_where_random_directions_tell_less():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 8))
    way = np.eye(8)[2]
    columns = columns_of({"size": (z[:, 2] + 0.2 * rng.normal(size=400)).tolist()}, np.arange(400))
    stands, falls = weighed_concepts(z, {"size": way, "other": np.eye(8)[5]}, columns, decode=lambda rows: rows)
    assert stands.stands
    assert stands.strength > 0.9
    assert stands.along[0] == (2, pytest.approx(1))
    assert not falls.stands
    assert falls.p_value > 0.05
    with pytest.raises(ValueError, match="not all zero"):
        weighed_concepts(z, {"none": np.zeros(8)}, columns)


def test_random_concepts_stand_no_more_often_than_one_in_twenty():
    rng = np.random.default_rng(1)
    stood = 0
    for _ in range(60):
        z = rng.normal(size=(150, 5))
        columns = columns_of({"a": rng.normal(size=150).tolist()}, np.arange(150))
        stood += weighed_concepts(z, {"x": rng.normal(size=5)}, columns)[0].stands
    assert stood <= 8  # of 60 at 5%: more than 8 by chance once in 300


def test_a_sparse_feature_is_named_for_the_value_its_items_share():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, 400)
    z = np.zeros((400, 3), np.float32)
    z[:, 0] = np.where(label == 2, rng.uniform(1, 2, 400), 0)
    z[:, 1] = np.where(rng.random(400) < 0.2, 1, 0)  # used by chance
    named, plain = sparse_features(z, {"label": [str(one) for one in label]}, k=3)
    assert named.name == "label 2"
    assert named.top == np.argsort(-z[:, 0], kind="stable")[:3].tolist()
    assert named.usage == pytest.approx((label == 2).mean())
    assert plain.name == "no clear meaning"


def test_whole_numbers_that_are_labels_are_no_measure_for_page_and_report():
    # Digits in an order of their own along the dimension: their size says nothing of it, their kind nearly all.
    rng = np.random.default_rng(0)
    label = rng.integers(0, 5, 600)
    z = (np.array([2.0, 0, 4, 1, 3])[label] + 0.1 * rng.normal(size=600))[:, None]
    metadata = {"label": label.tolist(), "size": (10 * z[:, 0]).tolist()}
    columns = columns_of(metadata, np.arange(600))
    assert [column.groups is None for column in columns] == [False, True]
    by_report = {one.column: one for one in evidence(z, columns)[0]}
    by_page = {one.column: one for one in associations(z.astype(np.float32), metadata)[0]}
    for told in (by_report, by_page):
        assert told["label"].strength > 0.95
        assert told["label"].sign == 0
        assert told["size"].sign == 1
    assert (by_report["label"].low, by_report["label"].high) == ("1", "2")


def test_a_palette_has_a_colour_for_every_label():
    assert len(PALETTE) == MOST
