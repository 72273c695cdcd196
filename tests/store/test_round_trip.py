import os
import sqlite3

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from store_samples import assert_same, contents

from latentspace import store

texts = st.text(st.characters(), max_size=8)  # lone surrogates and NUL too
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
names = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
dtypes = st.sampled_from(["?", "i1", "<i2", "i4", ">i8", "u1", "u2", "u4", "u8", "f2", "<f4", ">f4", "f8"])
arrays = st.dictionaries(
    names, dtypes.flatmap(lambda d: npst.arrays(d, npst.array_shapes(min_dims=0, min_side=0, max_side=4))), max_size=3
)
finite = {"allow_nan": False, "allow_infinity": False, "width": 32}


@st.composite
def spaces(draw):
    ids = draw(st.lists(texts, unique=True, max_size=6))
    n, dims = len(ids), draw(st.integers(1, 4))
    shape = (n, *draw(npst.array_shapes(max_dims=3, max_side=3)))
    features = st.none() | npst.arrays("u1", shape) | npst.arrays("f4", shape, elements=st.floats(**finite))
    column = st.lists(values, min_size=n, max_size=n)
    maps = st.fixed_dictionaries({"facts": st.dictionaries(texts, json, max_size=2), "arrays": arrays})
    return store.Contents(
        manifest=draw(st.dictionaries(texts, json, max_size=3)),
        arrays=draw(arrays),
        ids=ids,
        metadata=draw(st.dictionaries(texts, column, max_size=4)),
        latents=draw(npst.arrays("f4", (n, dims), elements=st.floats(**finite))),
        features=draw(features),
        thumbnails=draw(st.none() | st.lists(st.binary(max_size=9), min_size=n, max_size=n)),
        maps=draw(st.dictionaries(names, maps, max_size=2)),
        skipped=draw(st.lists(st.tuples(texts, texts), max_size=2)),
    )


@given(space=spaces())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_a_space_comes_back_as_it_was_written(tmp_path, space):
    path = tmp_path / "space.latent"
    store.write(path, space, overwrite=True)
    assert_same(store.read(path), space)


@given(first=spaces(), more=spaces(), data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_appending_and_removing_equal_the_same_on_lists(tmp_path, first, more, data):
    path = tmp_path / "space.latent"
    first.features = more.features = first.thumbnails = more.thumbnails = None
    more.latents = np.resize(more.latents, (len(more), first.latents.shape[1]))
    fresh = [i for i, one in enumerate(more.ids) if one not in first.ids]
    store.write(path, first, overwrite=True)
    store.append(
        path,
        [more.ids[i] for i in fresh],
        {k: [v[i] for i in fresh] for k, v in more.metadata.items()},
        more.latents[fresh],
    )
    ids = first.ids + [more.ids[i] for i in fresh]
    gone = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    assert store.remove(path, gone) == len(gone)
    keep = [i for i, one in enumerate(ids) if one not in gone]
    metadata = {
        key: (first.metadata.get(key, [None] * len(first)))
        + ([more.metadata[key][i] for i in fresh] if key in more.metadata else [None] * len(fresh))
        for key in [*first.metadata, *(more.metadata if fresh else [])]
    }
    found = store.read(path)
    assert found.ids == [ids[i] for i in keep]
    assert found.metadata == {key: [column[i] for i in keep] for key, column in metadata.items()}
    assert np.array_equal(found.latents, np.concatenate([first.latents, more.latents[fresh]])[keep])


@pytest.mark.parametrize("name", ["plain", "with space", "what?#%41&x=1", "ü 漢字", 'it\'s "quoted"'])
def test_any_file_name_is_a_path(tmp_path, name):
    path = tmp_path / f"{name}.latent"
    store.write(path, contents(3))
    assert_same(store.read(str(path)), contents(3))
    assert os.listdir(tmp_path) == [f"{name}.latent"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no undecodable file names")
def test_a_path_with_undecodable_bytes_opens(tmp_path):
    path = os.path.join(tmp_path, os.fsdecode(b"caf\xe9.latent"))
    store.write(path, contents(3))
    assert store.version(path) == 1


def test_latents_and_features_that_fill_many_segments_come_back(tmp_path):
    path = tmp_path / "big.latent"
    space = contents(5000)
    rng = np.random.default_rng(1)
    space.latents = rng.normal(size=(5000, 200)).astype(np.float32)  # 4 MB in segments of 1 MiB
    space.features = rng.integers(0, 256, size=(5000, 3, 16, 16)).astype(np.uint8)
    store.write(path, space)
    assert_same(store.read(path), space)
    with store.LatentFile(path) as file:
        places = rng.permutation(5000)[:50]
        assert np.array_equal(file.features(places), space.features[places])
        assert file.features([]).shape == (0, 3, 16, 16)
        assert [file.thumbnail(int(i)) for i in places] == [space.thumbnails[i] for i in places]


def test_more_columns_than_one_sql_table_takes_come_back(tmp_path):
    path = tmp_path / "wide.latent"
    space = contents(4)
    space.metadata = {f"gene {g}": [g, None, g / 2, str(g)] for g in range(2300)}
    store.write(path, space)
    store.append(
        path, ["later"], {"gene 2299": [True], **{f"new {g}": [g] for g in range(400)}},
        np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b""],
    )  # fmt: skip
    store.remove(path, [space.ids[1]])
    with store.LatentFile(path) as file:
        assert file.metadata(["gene 7", "new 399"]) == {
            "gene 7": [7, 3.5, "7", None],
            "new 399": [None, None, None, 399],
        }
        assert len(file.metadata()) == 2700


def test_metadata_is_plain_sql(tmp_path):
    path = tmp_path / "space.latent"
    store.write(path, contents(9))
    connection = sqlite3.connect(path)
    query = "SELECT id FROM items WHERE label = 'cat' AND price > 0.5"
    assert connection.execute(query).fetchall() == [("photos/0/0006.png",)]
    assert connection.execute(
        "SELECT json_extract(data, '$.model.family') FROM blobs WHERE name = 'manifest'"
    ).fetchall() == [("pca",)]
    connection.close()


def test_an_array_of_several_parts_comes_back(tmp_path):
    path = tmp_path / "space.latent"
    space = contents(2)
    space.arrays["model/big"] = np.arange(9_000_000, dtype=np.float32)  # 36 MB; parts have 16 MiB
    store.write(path, space)
    assert_same(store.read(path), space)
