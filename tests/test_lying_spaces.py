"""Files whose check sums are right and whose contents lie: an error names the file's damage, whatever it breaks."""

import numpy as np
import pytest

import latentspace as ls
from latentspace import store
from latentspace.errors import CorruptFileError


@pytest.fixture
def path(tmp_path):
    ls.fit(np.random.default_rng(0).normal(size=(20, 5)), "pca", dims=2).save(tmp_path / "x.latent")
    return tmp_path / "x.latent"


def forged(path, change):
    held = store.read(path)
    change(held)
    store.write(path, held, overwrite=True)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.manifest.update(facts=[1, 2]),
        lambda held: held.manifest.update(codec=["pictures"]),
        lambda held: held.manifest.update(model=None),
        lambda held: held.manifest["model"].update(family="os.system"),
        lambda held: held.manifest["density"].update(family="builtins.eval"),
        lambda held: held.manifest["modality"].update(kind="subprocess"),
        lambda held: held.manifest["model"]["facts"].update({"__class__": "x"}),
        lambda held: held.manifest["model"]["params"].update(nothing=1),
        lambda held: held.manifest["model"]["facts"].update(dims_=10**18),
        lambda held: held.manifest["facts"].update(vectors=[7]),
    ],
)
def test_a_manifest_that_is_none_is_refused_as_damage(path, change):
    with pytest.raises(CorruptFileError, match=r"x\.latent does not hold a whole space"):
        ls.load(forged(path, change))


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.manifest["model"]["facts"].update(n_features_in_="two"),
        lambda held: held.arrays.pop("model/mean_"),
        lambda held: held.arrays.update({"model/axes_": held.arrays["model/axes_"].reshape(-1)}),
    ],
)
def test_a_model_whose_state_does_not_hold_together_is_told_as_damage_when_it_is_used(path, change):
    space = ls.load(forged(path, change))
    with pytest.raises((CorruptFileError, ValueError)):
        space.encode(np.ones((3, 5)))
    assert len(space.search(id="3", k=2)) == 2  # what needs no model still works


def test_weights_that_are_not_finite_give_no_latents(path):
    def change(held):
        held.arrays["model/axes_"] = np.full_like(held.arrays["model/axes_"], np.nan)

    space = ls.load(forged(path, change))
    with pytest.raises(ValueError, match=r"overflow|NaN|finite"):
        space.encode(np.ones((3, 5)))
    with pytest.raises(ValueError, match=r"overflow|NaN|finite"):
        space.decode(space.latents[:2])


def test_a_users_own_estimator_fails_in_its_own_words():
    class Broken(ls.PCA):
        def transform(self, X):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ls.fit(np.random.default_rng(0).normal(size=(20, 5)), Broken(dims=2))
