"""What every preset promises, over the whole table: it fits, decodes, samples, is kept, repeats, and refuses NaN."""

import functools
import inspect
import itertools
import json
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentspace as ls
from latentspace.errors import CollapseWarning
from latentspace.models import FAMILIES, class_of, make
from latentspace.models.bounds import BOUNDS
from latentspace.models.composition import Composition
from latentspace.models.divergences import DIVERGENCES
from latentspace.models.likelihoods import LIKELIHOODS
from latentspace.models.networks import plan
from latentspace.models.posteriors import POSTERIORS
from latentspace.models.presets import PRESETS
from latentspace.models.priors import PRIORS
from latentspace.models.turns import Turns

# A network that is small and trained for two epochs carries nothing yet, and it is right to say so.
pytestmark = pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")

OF_PICTURES = {"ms-ssim"}
OF_WORDS = {"prodlda", "topic-vae", "mult-vae"}
OF_STRINGS = {"string-vae"}
TINY = {"dims": 3, "hidden": [8], "epochs": 2, "batch_size": 32, "threads": 1, "random_state": 0}


def _tiny(name: str, **options):
    takes = inspect.signature(class_of(name)).parameters
    return make(name, **{option: value for option, value in (TINY | options).items() if option in takes})


def _items(name: str) -> np.ndarray:
    """Sixty items of rank 2: pictures, or columns whose deviations are from 1e-6 to 1e6."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 64))
    if name in OF_PICTURES:
        return np.clip(128 + 40 * x, 0, 255).astype(np.uint8).reshape(60, 1, 8, 8)
    if name in OF_WORDS:
        return rng.poisson(np.exp(x[:, :9] / 4)).astype(np.float32)
    if name in OF_STRINGS:
        return np.eye(4, dtype=np.float32)[rng.integers(0, 4, size=(60, 5))].transpose(0, 2, 1)
    return (x[:, :6] * np.logspace(-6, 6, 6) + 3).astype(np.float32)


@functools.cache
def _fitted(name: str):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no roll-back, whatever the columns' units
        warnings.simplefilter("ignore", CollapseWarning)
        return _tiny(name).fit(_items(name))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_columns_of_any_unit_and_gives_features_back(name):
    model, X = _fitted(name), _items(name)
    z = model.transform(X)
    x_hat = model.inverse_transform(z)
    assert (z.shape, z.dtype, x_hat.shape, x_hat.dtype) == ((60, model.dims_), np.float32, X.shape, np.float32)
    assert np.isfinite(z).all()
    assert np.isfinite(x_hat).all()
    assert all(np.isfinite(row["loss"]) for row in model.history_)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_samples_the_same_from_the_same_seed(name):
    model, X = _fitted(name), _items(name)
    drawn = model.sample(7, random_state=0)
    assert drawn.shape == (7, *X.shape[1:])
    assert np.isfinite(drawn).all()
    np.testing.assert_array_equal(model.sample(7, random_state=0), drawn)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_gives_the_same_bits_from_the_same_seed_and_others_from_another(name):
    X = _items(name)
    z = _fitted(name).transform(X)
    np.testing.assert_array_equal(_tiny(name).fit(X).transform(X), z)
    assert not np.array_equal(_tiny(name, random_state=1).fit(X).transform(X), z)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_refuses_nan_and_infinity_in_fit_and_after(name):
    X = _items(name).astype(np.float32)
    for value, word in ((np.nan, "NaN"), (np.inf, "inf")):
        bad = X.copy()
        bad.flat[7] = value
        with pytest.raises(ValueError, match=word):
            _tiny(name).fit(bad)
        with pytest.raises(ValueError, match=word):
            _fitted(name).transform(bad)


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in OF_STRINGS])  # as strings: test_strings.py
def test_every_preset_comes_back_from_its_file_as_it_was(name, tmp_path):
    takes = inspect.signature(class_of(name)).parameters
    options = {option: TINY[option] for option in ("hidden", "epochs", "batch_size", "threads") if option in takes}
    X = _items(name)
    space = ls.fit(X, model=name, dims=3, seed=0, **options)
    space.save(tmp_path / "a.latent")
    again = ls.load(tmp_path / "a.latent")
    np.testing.assert_array_equal(again.encode(X), space.encode(X))
    np.testing.assert_array_equal(np.stack(again.decode(space.latents)), np.stack(space.decode(space.latents)))
    np.testing.assert_array_equal(np.stack(again.sample(4, seed=1)), np.stack(space.sample(4, seed=1)))
    if hasattr(space.model, "score_samples"):
        np.testing.assert_array_equal(again.model.score_samples(X), space.model.score_samples(X))


# The checks' own data are rows of a table; families are checked as they are in tests of their own.
CHECKED = [name for name in PRESETS if name not in OF_PICTURES | OF_WORDS | OF_STRINGS and name not in FAMILIES]
# Every part that a preset names is in one of these; each preset by itself takes twice as long, and is among the slow.
TOGETHER: dict[str, dict[str, str]] = {
    "denoising": {"regulariser": "contractive"},
    "sparse": {},
    "vq": {"regulariser": "decoder-l2"},
    "fsq": {"regulariser": "decoder-gradient"},
    "residual-vq": {"regulariser": "decoder-spectral"},
    "disentangled-beta": {"prior": "vamp"},
    "beta-tc": {"likelihood": "feature-matching"},
    "factor": {"posterior": "planar"},
    "info": {},
    "wae-mmd": {},
    "aae": {},
    "vae-iaf": {"bound": "miwae"},
    "svae": {"bound": "iwae"},
    "poincare": {"bound": "ciwae"},
    "piwae": {},
    "wgan-gp": {},
    "hinge-gan": {},
}


def _smallest(name: str, **options):
    # A seed of our own: the check of sparse input draws none, and one epoch of a penalty can by chance run away.
    return _tiny(name, dims=2, hidden=[4], epochs=1, random_state=0, **options)


@parametrize_with_checks([_smallest(name, **options) for name, options in TOGETHER.items()])
def test_every_part_of_a_preset_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


def test_no_part_that_a_preset_names_is_left_out_of_those_checks():
    named = {pair for name in CHECKED for pair in _parts_of(PRESETS[name].options)}
    held = {pair for name, more in TOGETHER.items() for pair in _parts_of({**PRESETS[name].options, **more})}
    assert named <= held


def _parts_of(options):
    kinds = {name: value["kind"] if isinstance(value, dict) else value for name, value in options.items()}
    return {(name, kind) for name, kind in kinds.items() if isinstance(kind, str)}


@pytest.mark.slow
@parametrize_with_checks([_smallest(name) for name in CHECKED])
def test_every_preset_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_row_says_whose_it_is_and_makes_what_its_class_makes(name):
    preset = PRESETS[name]
    assert preset.paper[-4:].isdigit()
    assert preset.says.endswith(".")
    assert json.loads(json.dumps(dict(preset.options))) == dict(preset.options)
    model = class_of(name).from_preset(name, dims=5)
    assert model.dims == 5
    assert make(name).get_params() == class_of(name).from_preset(name).get_params()
    assert clone(model).get_params() == model.get_params()
    own = {option: value for option, value in preset.options.items() if option != "dims"}
    assert {option: model.get_params()[option] for option in own} == own


def test_the_table_prints_a_row_for_every_preset():
    lines = str(ls.presets()).splitlines()
    assert len(lines) == 1 + len(PRESETS)
    assert all(line.startswith(name) for line, name in zip(lines[1:], PRESETS, strict=True))
    assert list(ls.presets()) == list(PRESETS)


def test_a_preset_of_another_class_and_an_unknown_one_say_what_would_do():
    with pytest.raises(ValueError, match=r"'autoencoder' is not one of VAE, but of Autoencoder: Autoencoder\.from_pre"):
        ls.VAE.from_preset("autoencoder")
    with pytest.raises(ValueError, match=r"'beta-vea' is not known. Known presets: .*beta-tc"):
        ls.VAE.from_preset("beta-vea")
    with pytest.raises(ValueError, match=r"model='beta-vea' is not known. Known models: .*pca.* Presets: .*beta-tc"):
        ls.fit(np.eye(4), model="beta-vea")


def test_options_go_before_a_presets_own():
    assert make("beta", beta=2.0).beta == 2.0
    assert ls.VAE.from_preset("svae", prior="vamp").prior == "vamp"
    assert set(PRESETS) & set(FAMILIES) <= {name for name, preset in PRESETS.items() if preset.family == name}


COMBINATIONS = list(itertools.product(POSTERIORS, PRIORS, DIVERGENCES, BOUNDS))


def _composition(posterior: str, prior: str, divergence: str, bound: str, likelihood: str = "gaussian") -> Composition:
    model = Composition(
        plan((4,), "dense", [6]),
        2,
        posterior=POSTERIORS[posterior](2),
        prior=PRIORS[prior](2),
        divergence=DIVERGENCES[divergence](2),
        likelihood=LIKELIHOODS[likelihood]((4,)),
        bound=BOUNDS[bound](),
    )
    generator = torch.Generator().manual_seed(0)
    model.initialise(generator)
    model.start(torch.randn((20, 4), generator=generator), generator)
    return model.train()


def _composition_or_reason(*parts: str) -> tuple[Composition | None, str]:
    try:
        return _composition(*parts), ""
    except ValueError as error:
        return None, str(error)


def test_every_combination_of_parts_either_learns_or_is_refused_with_what_would_do():
    trained = refused = 0
    for combination in COMBINATIONS:
        model, reason = _composition_or_reason(*combination)
        if model is None:
            assert "Take " in reason, combination
            refused += 1
            continue
        generator = torch.Generator().manual_seed(1)
        said = Turns(model, weight_decay=0.0).step(torch.randn((20, 4), generator=generator), generator, 0.5, 0.01)
        assert all(torch.isfinite(value) for value in said.values()), combination
        assert all(torch.isfinite(parameter).all() for parameter in model.parameters()), combination
        trained += 1
    assert trained > 100
    assert trained + refused == len(COMBINATIONS)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"posterior": "vmf"}, r"prior='normal' lives in another space .* Take prior='sphere' or 'vamp'"),
        (
            {"prior": "poincare"},
            r"posterior='gaussian' \(euclidean\).* Take prior='normal', 'mixture', 'vamp' or 'flow'",
        ),
        ({"posterior": "point"}, r"divergence='kl' needs a density, which posterior='point' has not. Take"),
        (
            {"bound": "iwae", "divergence": "mmd"},
            r"no place for divergence='mmd'. Take divergence='kl', or bound='elbo'",
        ),
        ({"posterior": "iaf", "divergence": "tc"}, r"Take posterior='gaussian'; or divergence='factor'"),
        ({"posterior": "gausian"}, r"posterior='gausian' is not known. Known ones: .*gaussian"),
        ({"prior": {"kind": "vamp", "size": 3}}, r"prior='vamp' has no option 'size'. It takes: components"),
        ({"draws": 0}, r"draws=0 must be an integer from 1"),
    ],
)
def test_fit_refuses_what_cannot_be_put_together_and_says_what_can(parts, reason):
    with pytest.raises(ValueError, match=reason):
        ls.VAE(dims=3, **parts).fit(_items("vae"))


@pytest.mark.parametrize("name", [name for name in PRESETS if PRESETS[name].family == "vae"])
def test_scores_are_importance_weighted_for_every_posterior_that_has_a_density(name):
    model, X = _fitted(name), _items(name)
    if not model.network_.posterior.has_density:
        with pytest.raises(AttributeError) as refusal:
            model.score_samples(X)
        assert "posterior='gaussian'" in str(refusal.value.__cause__)
        return
    scores = model.score_samples(X)
    assert np.isfinite(scores).all()
    assert scores.shape == (60,)
    np.testing.assert_allclose(model.score_samples(X[9:10]), scores[9:10], rtol=1e-5)  # whatever stands beside it


@pytest.mark.parametrize("name", ["vae", "vae-iaf", "vamp", "poincare", "piwae", "factor"])
def test_presets_that_learn_more_than_one_dimension_learn_one_alone(name):
    t = np.random.default_rng(0).normal(size=(60, 1))
    model = _tiny(name, dims=2 if name == "factor" else 1).fit(np.hstack([t, t**2]))
    assert np.isfinite(model.sample(3, random_state=0)).all()
