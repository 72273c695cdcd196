"""Heads on z: a latent space keeps what a target needs, though the features barely show it."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

import latentspace as ls
from latentspace.errors import CollapseWarning
from latentspace.models import heads
from latentspace.models.autoencoder import Autoencoder
from latentspace.models.turns import Turn
from latentspace.models.vae import VAE

_QUICK = {"dims": 2, "epochs": 3, "random_state": 0, "threads": 1, "network": "dense", "hidden": [16]}
_N, _TRAIN = 2600, 2000


def _planted() -> tuple[np.ndarray, np.ndarray]:
    """20 features led by six axes of variance 4; a direction of variance a half, 0.7 to either side, is the label's."""
    rng = np.random.default_rng(0)
    side = rng.integers(0, 2, _N) * 2 - 1
    parts = np.hstack([2 * rng.normal(size=(_N, 6)), (0.7 * side + 0.15 * rng.normal(size=_N))[:, None]])
    turn = np.linalg.qr(rng.normal(size=(20, 20)))[0][:7]
    return parts @ turn + 0.05 * rng.normal(size=(_N, 20)), side


X, SIDE = _planted()
LABELS = np.where(SIDE > 0, "right", "left")
FAMILIES = {"autoencoder": Autoencoder, "vae": VAE}


def _fitted(family: str, y) -> Autoencoder | VAE:
    model = FAMILIES[family](dims=3, epochs=25, random_state=0, threads=1, hidden=[64])
    return model.fit(X[:_TRAIN], y)


def _probe(model) -> float:
    """The accuracy of a linear classifier of the side, on latents of items that nobody has seen."""
    z = model.transform(X)
    z /= z[:_TRAIN].std(axis=0)
    return LogisticRegression(C=100).fit(z[:_TRAIN], SIDE[:_TRAIN]).score(z[_TRAIN:], SIDE[_TRAIN:])


@pytest.mark.parametrize("family", FAMILIES)
def test_z_keeps_a_direction_that_decides_the_label_and_is_thrown_away_without_it(family):
    few = np.where(np.arange(_TRAIN) % 10 == 0, LABELS[:_TRAIN].astype(object), None)
    assert _probe(_fitted(family, None)) < 0.65
    labelled, tenth = _fitted(family, LABELS[:_TRAIN]), _fitted(family, few)
    assert _probe(labelled) > 0.98
    assert _probe(tenth) > 0.85
    assert np.mean(labelled.predict(X[_TRAIN:]) == LABELS[_TRAIN:]) > 0.98
    assert labelled.history["validation_target_accuracy"][-1] > 0.98
    # The reconstruction is not given up: of six equal axes, two are left of three.
    x_hat = labelled.inverse_transform(labelled.transform(X))
    assert np.mean((x_hat - X) ** 2) < 0.75 * X.var(axis=0).mean()


@pytest.mark.parametrize("family", FAMILIES)
def test_z_keeps_a_number_that_the_features_barely_show_in_its_own_unit(family):
    number = 1e6 + 300 * (X @ np.linalg.lstsq(X, SIDE, rcond=None)[0])
    model = _fitted(family, number[:_TRAIN])
    predicted = model.predict(X[_TRAIN:])
    assert not hasattr(model, "predict_proba")
    assert np.mean((predicted - number[_TRAIN:]) ** 2) < 0.1 * number.var()
    assert _probe(model) > 0.98


def _small(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(1).normal(size=(n, 5))
    return x, x[:, 0] > 0


def _quick(x, y, family=VAE, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        return family(**_QUICK | options).fit(x, y)


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (["a", "b"] * 30, "classes"),
        ([True, False] * 30, "classes"),
        ([0, 1, 2] * 20, "classes"),
        ([2, True, "1"] * 20, "classes"),
        (np.linspace(0, 1, 60), "numbers"),
        (list(range(60)), "numbers"),
        (np.linspace(0, 1, 120).reshape(60, 2), "numbers"),
    ],
)
def test_labels_are_told_from_numbers_by_their_kind(y, kind):
    x, _ = _small()
    model = _quick(x, y)
    assert hasattr(model, "classes_") == hasattr(model, "predict_proba") == (kind == "classes")
    predicted = model.predict(x)
    assert predicted.shape == np.shape(y)
    if kind == "classes":
        assert set(predicted.tolist()) <= set(model.classes_)
        p = model.predict_proba(x)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        assert predicted.tolist() == [model.classes_[best] for best in p.argmax(axis=1)]


def test_task_forces_what_y_is():
    x, _ = _small()
    assert not hasattr(_quick(x, [0, 1, 2] * 20, task="numbers"), "classes_")
    assert _quick(x, list(range(60)), task="classes").classes_ == list(range(60))


@pytest.mark.parametrize("options", [{}, {"target_weight": 0.0}])
def test_without_a_target_or_with_no_weight_on_it_nothing_is_changed(options):
    x, y = _small()
    plain, other = _quick(x, None), _quick(x, y if options else None, **options)
    np.testing.assert_array_equal(plain.transform(x), other.transform(x))
    assert not hasattr(other, "predict")
    assert not hasattr(other.fit(x), "target_")


def test_a_fit_without_a_target_forgets_the_one_before():
    x, y = _small()
    model = _quick(x, y)
    assert hasattr(model, "predict")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model.fit(x)
    assert not any(hasattr(model, name) for name in ("predict", "predict_proba", "classes_"))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a"] * 59, r"y has 59 values, but X has 60 rows"),
        ([None] * 60, r"needs a target of at least 2 classes; y holds no label at all"),
        (["a", None] * 30, r"at least 2 classes; y holds 1 class, 'a'"),
        ([0.5] * 60, r"target in which nothing differs: y holds 60 known numbers of n_samples=60, all \[0.5\]"),
        ([np.inf, 1.5] * 30, r"must be finite"),
        (np.zeros((60, 2, 2)), r"y should be a 1d array"),
    ],
)
def test_a_target_that_tells_nothing_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        VAE(**_QUICK).fit(_small()[0], y)


@pytest.mark.parametrize(
    ("options", "message"), [({"target_weight": -1}, "at least 0"), ({"task": "x"}, "Known tasks")]
)
def test_options_of_a_target_that_cannot_be_meant_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        VAE(**_QUICK | options).fit(*_small())


@pytest.mark.parametrize("known", [2, 5])
@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_handful_of_labels_among_many_items_is_enough_to_fit(known, missing):
    x = _small()[0]
    few = [label if i < known else missing for i, label in enumerate(["a", "b"] * 30)]
    model = _quick(x, few)
    assert model.classes_ == ["a", "b"]
    assert "target_loss" in model.history.columns


@pytest.mark.parametrize("preset", ["piwae", "factor"])
def test_the_head_goes_with_the_turn_that_moves_the_encoder(preset):
    x, y = _small()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model = VAE.from_preset(preset, **_QUICK | {"epochs": 40}).fit(x, y)
    assert model.history["target_loss"][-1] < 0.7 * model.history["target_loss"][0]


@pytest.mark.parametrize("family", FAMILIES.values())
def test_a_head_is_kept_with_its_model(family):
    x, y = _small()
    model = _quick(x, np.where(y, "yes", "no"), family)
    params, facts, arrays = model.get_state()
    back = family.from_state(*json.loads(json.dumps([params, facts])), arrays)
    np.testing.assert_array_equal(back.predict_proba(x), model.predict_proba(x))
    assert back.predict(x).tolist() == model.predict(x).tolist()
    for damaged in (3, [["a"], [], [], 1.0], [list(range(9)), [], [], 1.0], [None, [0.0], [1.0]]):
        with pytest.raises(ValueError, match="damaged"):
            family.from_state(params, facts | {"target_": damaged}, arrays)


def test_a_space_learns_a_column_of_its_table_and_keeps_what_predicts_it(tmp_path):
    frame = pd.DataFrame(X[:200], columns=[f"x{i}" for i in range(20)]).assign(side=LABELS[:200])
    frame.loc[::5, "side"] = None
    space = ls.fit(frame, model="vae", target="side", **_QUICK)
    space.save(tmp_path / "a.latent")
    back = ls.load(tmp_path / "a.latent")
    assert back.model.n_features_in_ == 20
    assert back.model.classes_ == ["left", "right"]
    x = back.features(frame)
    np.testing.assert_array_equal(back.model.predict_proba(x), space.model.predict_proba(x))
    assert back.history["target_loss"] == space.model.history["target_loss"]


@settings(deadline=None)  # the first example imports what is slow to import
@given(
    n=st.integers(2, 30), classes=st.integers(2, 5), seed=st.integers(0, 99), hidden=st.floats(0, 0.9)
)  # fmt: skip
def test_a_heads_loss_is_one_for_who_knows_only_the_shares_whatever_is_missing(n, classes, seed, hidden):
    rng = np.random.default_rng(seed)
    codes = np.r_[np.arange(classes), rng.integers(0, classes, n)].astype(object)
    codes[classes:][rng.random(n) < hidden] = None
    target, columns = heads.read(codes, len(codes), "VAE", "classes")
    y = heads.weighed(torch.from_numpy(columns), torch.arange(len(codes)))
    head = heads.Head(3, target)
    known = [code for code in codes if code is not None]
    with torch.no_grad():
        head.layer.weight.zero_()
        head.layer.bias.copy_(torch.tensor(np.bincount(known) / len(known)).log())
    loss, terms = head.judge(torch.randn(len(codes), 3), y)
    assert loss.item() == pytest.approx(1, abs=1e-5)
    assert float(terms["target_accuracy"]) == pytest.approx(np.bincount(known).max() / len(known), abs=1e-5)


def test_the_loss_of_numbers_is_one_for_who_knows_only_their_mean():
    y = np.random.default_rng(0).normal(1e5, 30, (50, 2))
    y[::7, 1] = np.nan
    target, columns = heads.read(y, 50, "VAE", "auto")
    head = heads.Head(3, target)
    torch.nn.init.zeros_(head.layer.weight)
    torch.nn.init.zeros_(head.layer.bias)
    weighed = heads.weighed(torch.from_numpy(columns), torch.arange(50))
    assert head.judge(torch.randn(50, 3), weighed)[0].item() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(
        heads.predictions(np.zeros((1, 2)), target)[0], np.nanmean(y[~np.isnan(y[:, 1])], axis=0)
    )


def test_turns_without_the_encoder_get_x_alone():
    x, y = _small(8)
    model = _quick(x, y).network_
    seen = []

    def critic_loss(x, generator, progress):
        seen.append(x)
        return torch.zeros(()), {}

    own = Turn("model", list(model.encoder.parameters()), model.loss)
    model.turns = lambda: [own, Turn("critic", [], critic_loss)]
    turns = heads.Supervised(model, 1.0).turns()
    assert {id(parameter) for parameter in model.head.parameters()} <= {id(p) for p in turns[0].parameters}
    batch = torch.zeros(4, 5), torch.ones(4, 2)
    turns[1].loss(batch, torch.Generator(), 0.0)
    assert seen[0] is batch[0]
    assert "target_loss" in turns[0].loss(batch, torch.Generator(), 0.0)[1]
