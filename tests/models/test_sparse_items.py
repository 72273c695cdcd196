"""Networks on sparse rows: written out a batch at a time, they learn bit by bit what dense rows teach."""

import numpy as np
import pytest
import torch
from scipy import sparse

import latentspace as ls
from latentspace.models import make, sparse_items
from latentspace.models.scaling import choose, learn
from latentspace.models.sparse_items import SparseItems


def rows(n=90, p=40, density=0.15, seed=0):
    x = sparse.random_array((n, p), density=density, rng=np.random.default_rng(seed), format="csr", dtype=np.float32)
    x.data = np.ceil(x.data * 5)
    return x


@pytest.fixture
def in_batches(monkeypatch):
    """Nothing is small enough to be written out at once."""
    monkeypatch.setattr(sparse_items, "WRITTEN_OUT", 0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("autoencoder", {}), ("vae", {}), ("vae", {"likelihood": "gaussian"}), ("beta-tc", {}),
        ("vae", {"likelihood": "bernoulli"}), ("mult-vae", {}), ("prodlda", {}), ("vae", {"dims": "auto"}),
        ("vae", {"likelihood": "negative-binomial"}), ("vae", {"bound": "iwae"}),
    ],
)  # fmt: skip
def test_batches_teach_what_the_whole_does(name, options, monkeypatch):
    x = rows()
    options = {"dims": 3, "epochs": 3, "random_state": 0, "threads": 1} | options
    whole = make(name, **options).fit(x.toarray())
    monkeypatch.setattr(sparse_items, "WRITTEN_OUT", 2**20)  # all that is looked at before training, no batches less
    monkeypatch.setattr("latentspace.models.neural.admitted", lambda X, _: X)
    model = make(name, **options).fit(x)
    for one, other in zip(model.history_, whole.history_, strict=True):
        assert {k: v for k, v in one.items() if k != "seconds"} == {k: v for k, v in other.items() if k != "seconds"}
    np.testing.assert_array_equal(model.transform(x), whole.transform(x.toarray()))


def test_small_rows_are_written_out_at_once(monkeypatch):
    monkeypatch.setattr("latentspace.models.neural.SparseItems", None)
    model = ls.VAE(dims=2, epochs=1, random_state=0).fit(rows())
    assert model.transform(rows()).shape == (90, 2)


@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")  # after an epoch, no wonder
@pytest.mark.usefixtures("in_batches")
@pytest.mark.parametrize("name", ["gan", "sparse-autoencoder"])
def test_families_that_need_all_rows_write_them_out(name):
    model = make(name, dims=4, epochs=1, random_state=0).fit(rows())
    assert model.transform(rows()).shape == (90, 4)


@pytest.mark.usefixtures("in_batches")
def test_a_value_that_is_no_count_is_named_before_training():
    x = rows()
    x.data[7] = 0.5
    row = int(np.searchsorted(x.indptr, 7, side="right")) - 1
    with pytest.raises(ValueError, match=rf"feature {x.indices[7]} of item {row} is 0.5"):
        make("prodlda", dims=2).fit(x)


@pytest.mark.usefixtures("in_batches")
def test_a_stopped_run_goes_on_from_its_checkpoint(tmp_path):
    options = {"dims": 2, "epochs": 6, "random_state": 0, "threads": 1}
    through = ls.VAE(**options).fit(rows())
    with pytest.raises(RuntimeError):
        ls.VAE(**options).fit(rows(), checkpoint=tmp_path / "run", callback=_fails_after(3))
    again = ls.VAE(**options).fit(rows(), checkpoint=tmp_path / "run")
    np.testing.assert_array_equal(again.transform(rows()), through.transform(rows()))
    with pytest.raises(RuntimeError):
        ls.VAE(**options).fit(rows(), checkpoint=tmp_path / "run", callback=_fails_after(3))
    with pytest.raises(ValueError, match="checkpoint"):
        ls.VAE(**options).fit(rows(seed=1), checkpoint=tmp_path / "run")


def _fails_after(epochs):
    def callback(row):
        if row["epoch"] == epochs:
            raise RuntimeError("power cut")

    return callback


@pytest.mark.parametrize("unit", ["unit", "standard", "counts", "mixed"])
def test_units_learned_from_sparse_rows_are_those_of_dense_ones(unit):
    x = rows()
    one, other = learn(x, unit), learn(x.toarray(), unit)
    np.testing.assert_array_equal(one.shift, other.shift)
    np.testing.assert_array_equal(one.scale, other.scale)
    for factor in (0.1, 1, 50, 1.5):
        assert choose(x * factor) == choose(x.toarray() * factor)


def test_items_are_chosen_as_from_a_tensor():
    x = rows()
    items, tensor = SparseItems(x, learn(x, "standard")), torch.from_numpy(learn(x, "standard").forward(x.toarray()))
    some = torch.tensor([5, 2, 2, 80])
    for chosen in (some, slice(3, 9), 4):
        assert torch.equal(items[chosen], tensor[chosen])
    assert torch.equal(torch.cat(list(items.subset(some).split(3))), tensor[some])
    batch = items.new_empty((4, 40))
    items.write(some, batch)
    assert torch.equal(batch, tensor[some])
    assert len(items) == 90
