"""Sparse matrices as arrays: never dense, the same rows as dense ones, by the same names and columns."""

import io
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import latentspace as ls
from latentspace.errors import CorruptFileError
from latentspace.items import gather
from latentspace.items.arrays import Array

FORMATS = ("csr", "csc", "coo", "lil", "dok")


def matrix(n=30, p=40, density=0.1, seed=0, kind="csr", dtype=np.float32):
    values = sparse.random_array((n, p), density=density, rng=np.random.default_rng(seed), format="csr")
    values.data = np.ceil(values.data * 9)
    return values.astype(dtype).asformat(kind)


def read(modality, gathered, block=1024):
    return sparse.vstack([batch.x for batch in modality.read(gathered, block=block)], format="csr")


@given(
    n=st.integers(1, 20), p=st.integers(1, 20), density=st.floats(0, 1), seed=st.integers(0, 99),
    kind=st.sampled_from(FORMATS), dtype=st.sampled_from(["float32", "float64", "int32", "uint8", "bool"]),
    block=st.integers(1, 25),
)  # fmt: skip
def test_rows_come_back_with_their_values_and_their_type(n, p, density, seed, kind, dtype, block):
    given = matrix(n, p, density, seed, kind, dtype)
    gathered = Array.gather(given)
    modality = Array().learn(gathered)
    x = read(modality, gathered, block)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x.toarray(), given.toarray().astype(np.float32))
    modality = Array.from_state(*modality.state())
    back = modality.rebuild(x, {})
    assert sparse.issparse(back)
    assert back.dtype == given.dtype
    np.testing.assert_array_equal(back.toarray(), given.toarray())


def test_entries_that_come_twice_are_summed_and_the_callers_matrix_is_left_alone():
    rows = sparse.coo_array(([1.0, 2.0, 4.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 3))
    np.testing.assert_array_equal(read(Array().learn(Array.gather(rows)), Array.gather(rows)).toarray(), rows.toarray())
    assert rows.nnz == 3
    loose = sparse.csr_array((np.array([1.0, 2.0, 3.0]), np.array([2, 0, 0]), np.array([0, 3])), shape=(1, 3))
    before = loose.indices.copy()
    np.testing.assert_array_equal(read(Array().learn(Array.gather(loose)), Array.gather(loose)).toarray(), [[5, 0, 1]])
    np.testing.assert_array_equal(loose.indices, before)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_a_file_of_a_sparse_matrix_is_the_matrix(tmp_path, kind):
    given = matrix(kind=kind)
    sparse.save_npz(tmp_path / "x.npz", given)
    for source in (tmp_path / "x.npz", tmp_path):
        cls, gathered = gather(source)
        assert cls is Array
        assert gathered.ids == [str(row) for row in range(30)]
        assert abs(gathered.raw.matrix - matrix()).max() == 0


def test_a_file_of_another_format_says_how_to_write_it(tmp_path):
    sparse.save_npz(tmp_path / "x.npz", sparse.dia_array(np.eye(4)))
    with pytest.raises(ValueError, match=r"format 'dia'; read are csr, csc, coo. Write it as .*tocsr"):
        gather(tmp_path / "x.npz")


def _changed(path, **members):
    """The file with some members replaced, or left out where they are None."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    for name, array in members.items():
        if array is None:
            del held[f"{name}.npy"]
            continue
        stream = io.BytesIO()
        np.save(stream, array)
        held[f"{name}.npy"] = stream.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    "members",
    [
        {"indices": np.full(120, 10**6, np.int32)},  # points beyond the columns
        {"indices": np.full(120, -1, np.int32)},
        {"indptr": np.arange(31)[::-1].copy()},
        {"indptr": np.zeros(3, np.int32)},
        {"shape": np.array([30, 5])},
        {"shape": np.array([-1, 40])},
        {"shape": np.array([30, 2**40])},
        {"shape": np.array([30])},
        {"data": np.zeros((2, 2))},
        {"indices": np.zeros(120)},
        {"indptr": None},
    ],
)
def test_a_damaged_file_is_refused_before_its_places_are_followed(tmp_path, members):
    path = tmp_path / "x.npz"
    sparse.save_npz(path, matrix())
    assert matrix().nnz == 120
    _changed(path, **members)
    with pytest.raises(CorruptFileError, match="damaged"):
        gather(path)


def test_a_matrix_of_more_rows_than_memory_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    sparse.save_npz(path, matrix(kind="coo"))
    _changed(path, shape=np.array([2**50, 40]))
    with pytest.raises(MemoryError, match="rows of"):
        gather(path)


def test_a_bad_row_is_skipped_and_the_others_keep_their_ids():
    given = matrix(dtype=np.float64).tolil()
    given[3, 5], given[7, 2], given[8, 8] = np.nan, np.inf, 1e300
    big = given.tocsr()
    with pytest.warns(UserWarning, match="skipped 3 of 30"):
        space = ls.fit(big, dims=2, ids=[f"cell-{row}" for row in range(30)])
    assert len(space) == 27
    assert "cell-3" not in space.ids
    assert "cell-4" in space.ids
    assert [item.id for item in space.skipped] == ["cell-3", "cell-7", "cell-8"]
    assert "1 of 40 values are NaN" in space.skipped[0].reason
    assert "beyond" in space.skipped[2].reason
    np.testing.assert_array_equal(space.items["cell-4"], big[[4]].toarray()[0])


@pytest.mark.parametrize("model", ["pca", "lsa", "nmf"])
def test_linear_models_find_the_same_in_sparse_rows_and_in_dense_ones(model):
    given = matrix(80, 30, 0.2)
    one, other = ls.fit(given, model, dims=4), ls.fit(given.toarray(), model, dims=4)
    assert one.modality.stored_as == "sparse"
    assert one.modality.kind == other.modality.kind == "array"
    np.testing.assert_allclose(one.latents, other.latents, atol=2e-3)
    assert one.facts["reconstruction"]["mse"] == pytest.approx(other.facts["reconstruction"]["mse"], rel=1e-3)
    assert isinstance(one.decode(one.latents[:2]), np.ndarray)


def test_a_saved_space_has_its_rows_again_and_takes_more(tmp_path):
    given = matrix()
    ls.fit(given, dims=3).save(tmp_path / "x.latent")
    space = ls.load(tmp_path / "x.latent")
    assert abs(space.items[0:30] - given).max() == 0
    space.add(given[:2] * 2, ids=["a", "b"])
    np.testing.assert_array_equal(ls.load(tmp_path / "x.latent").items["b"], given[[1]].toarray()[0] * 2)
    np.testing.assert_allclose(space.encode(given.toarray()), space.latents[:30], atol=1e-5)
    assert space.search(given[[4]], k=1).ids == ["4"]


def test_columns_of_a_sparse_frame_are_found_by_name_and_rows_by_the_index():
    genes, cells = [f"gene-{column}" for column in range(40)], [f"cell-{row}" for row in range(30)]
    frame = pd.DataFrame.sparse.from_spmatrix(matrix(), index=cells, columns=genes)
    space = ls.fit(frame, "nmf", dims=3)
    assert space.ids == cells
    assert space.modality.feature_names == genes
    other_order = frame[[*reversed(genes)]].assign(more=pd.arrays.SparseArray(np.zeros(30), fill_value=0))
    np.testing.assert_allclose(space.encode(other_order), space.latents, atol=1e-6)
    np.testing.assert_allclose(space.encode(frame.sparse.to_dense()), space.latents, atol=1e-6)
    with pytest.raises(ValueError, match=r"lacks 1 of the columns that were fitted on: 'gene-7'"):
        space.encode(frame.drop(columns="gene-7"))


def test_a_matrix_is_of_users_and_items_only_where_the_model_or_the_user_says_so(tmp_path):
    given = matrix()
    sparse.save_npz(tmp_path / "x.npz", given)
    for source in (given, tmp_path / "x.npz"):
        assert ls.fit(source, dims=2).modality.kind == "array"
        assert ls.fit(source, "latent-factors", dims=2).modality.kind == "interactions"
        assert ls.fit(source, dims=2, kind="interactions").modality.kind == "interactions"


def test_damaged_facts_of_sparse_rows_are_refused():
    facts, arrays = Array().learn(Array.gather(matrix(3, 4))).state()
    for change in ({"sparse": 1}, {"names": ["a"]}, {"names": [1, 2, 3, 4]}, {"sparse": False, "names": list("abcd")}):
        with pytest.raises(CorruptFileError):
            Array.from_state(facts | {"learned": facts["learned"] | change}, arrays)


_CHILD = """
import resource, sys
import numpy as np
from scipy import sparse
import latentspace as ls

rng = np.random.default_rng(0)
n, p, values = 20_000, 50_000, 300_000
places = rng.integers(0, n, values), (rng.random(values) ** 4 * p).astype(int)
rows = sparse.coo_array((np.ones(values, np.float32), places), shape=(n, p)).tocsc()
sparse.save_npz("x.npz", rows)
ls.fit(rows[:100].tocsr()[:, :50], dims=2)  # so that what is imported on the way is there
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for source, model in ((rows, "pca"), ("x.npz", "lsa")):
    space = ls.fit(source, model, dims=2, density="gaussian")
    space.encode(rows.tocsr()[:50])
    assert abs(space.items[5:9] - rows.tocsr()[5:9]).max() == 0
    space.save(f"{model}.latent")
assert abs(ls.load("lsa.latent").items[5:9] - rows.tocsr()[5:9]).max() == 0  # read again from the source
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
def test_twenty_thousand_rows_of_fifty_thousand_columns_take_no_dense_copy(tmp_path):
    done = subprocess.run([sys.executable, "-c", _CHILD], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    megabytes = int(done.stdout)
    assert megabytes < 600, f"{megabytes} MB above; a dense copy takes 4,000"
    assert (tmp_path / "pca.latent").stat().st_size < 20 * 2**20
