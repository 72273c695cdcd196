import numpy as np
import pytest
from store_samples import assert_same, contents

from latentspace import store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "space.latent"


def changed(**fields):
    """A good space but for these fields."""
    space = contents(4)
    for name, value in fields.items():
        setattr(space, name, value)
    return space


def holed(array, position, value):
    array = array.astype(np.float32)
    array[position].flat[-1] = value
    return array


z = contents(4).latents
METADATA = "metadata column 'x'"


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"latents": holed(z, 2, np.nan)}, ValueError, r"latents of item 'photos/0/0002\.png' hold nan"),
        ({"latents": holed(z, 0, -np.inf)}, ValueError, r"latents of item 'photos/0/0000\.png' hold -inf"),
        ({"latents": z.astype(np.float64) * 1e300}, ValueError, "hold -?inf"),
        ({"latents": z[:3]}, ValueError, r"latents have shape \(3, 6\); expected \(4, dims\)"),
        ({"latents": z[:, :0]}, ValueError, r"latents have shape \(4, 0\)"),
        ({"latents": z[0]}, ValueError, r"latents have shape \(6,\)"),
        ({"latents": z.astype(str)}, TypeError, "latents have dtype <U"),
        (
            {"features": holed(np.ones((4, 3)), 1, np.inf)},
            ValueError,
            r"features of item 'photos/0/0001\.png' hold inf",
        ),
        ({"features": np.ones((4, 3))}, TypeError, "features have dtype float64; .* float32, or uint8"),
        ({"features": np.ones((5, 3), np.uint8)}, ValueError, r"features have shape \(5, 3\); expected \(4, \.\.\.\)"),
        ({"features": np.ones(4, np.uint8)}, ValueError, r"features have shape \(4,\)"),
        ({"features": np.ones((4, 0), np.uint8)}, ValueError, r"features have shape \(4, 0\)"),
        ({"thumbnails": [b""] * 3}, ValueError, "3 thumbnails for 4 ids"),
        ({"thumbnails": [b"", None, b"", b""]}, TypeError, r"thumbnail of item 'photos/0/0001\.png' is a NoneType"),
        ({"ids": ["a", "b", "a", "c"]}, ValueError, "id 'a' occurs more than once"),
        ({"ids": ["a", "b", 3, "c"]}, TypeError, r"ids\[2\] is 3, a int; .* Pass '3'"),
        ({"metadata": {"x": [1, 2]}}, ValueError, f"{METADATA} has 2 values for 4 ids"),
        (
            {"metadata": {"x": [1.0, float("nan")] * 2}},
            ValueError,
            rf"{METADATA} holds nan for item .*1\.png'.* Use None",
        ),
        ({"metadata": {"x": [np.float32("inf"), 1] * 2}}, ValueError, f"{METADATA} holds inf"),
        ({"metadata": {"x": [1, [2], 3, 4]}}, TypeError, rf"{METADATA} holds a list for item 'photos/0/0001\.png'"),
        (
            {"metadata": {"x": [np.datetime64("2020-01-01")] * 4}},
            TypeError,
            f"{METADATA} holds a date.*as its ISO text",
        ),
        ({"metadata": {3: [1] * 4}}, TypeError, "metadata has the key 3; .* Pass '3'"),
        ({"metadata": {"x": [10**4000] * 4}}, ValueError, "more than 4,000 digits"),
        ({"metadata": {"x": ["é" * (33 << 20)] * 4}}, ValueError, "longer than 64 MiB"),
        ({"metadata": [1]}, TypeError, "metadata must be a dict, not list"),
        ({"manifest": {"a": [1, float("nan")]}}, ValueError, r"manifest\['a'\]\[1\] is nan"),
        ({"manifest": {"a": {"b": np.int64(1)}}}, TypeError, r"manifest\['a'\]\['b'\] is a int64"),
        ({"manifest": {"a": {1: 2}}}, TypeError, r"manifest\['a'\] has the key 1"),
        ({"manifest": "text"}, TypeError, "manifest must be a dict, not str"),
        ({"arrays": {"a": [1, 2]}}, TypeError, r"arrays\['a'\] is a list"),
        ({"arrays": {"a": np.array(["x"])}}, TypeError, r"arrays\['a'\] has dtype <U1"),
        ({"arrays": {"a": np.array([None])}}, TypeError, r"arrays\['a'\] has dtype object"),
        ({"arrays": {"": np.ones(1)}}, ValueError, "named ''"),
        ({"maps": {"a/b": {"facts": {}, "arrays": {}}}}, ValueError, "a map's name has no '/'"),
        ({"maps": {"a": {"facts": {}}}}, TypeError, "must be a dict with 'facts' and 'arrays'"),
        ({"skipped": ["x"]}, TypeError, r"skipped holds 'x'; expected pairs"),
    ],
)
def test_what_cannot_be_kept_is_named_and_leaves_no_file(path, fields, error, message):
    with pytest.raises(error, match=message):
        store.write(path, changed(**fields))
    assert list(path.parent.iterdir()) == []


def test_a_manifest_nested_too_deep_is_refused(path):
    deep: list = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ValueError, match="nested deeper than 64"):
        store.write(path, changed(manifest={"deep": deep}))


def test_numpy_scalars_become_what_they_hold(path):
    store.write(path, changed(metadata={"x": [np.int64(3), np.float32(0.5), np.bool_(True), np.str_("a")]}))
    values = store.read(path).metadata["x"]
    assert values == [3, 0.5, True, "a"]
    assert list(map(type, values)) == [int, float, bool, str]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ids": ["photos/0/0001.png"]}, ValueError, r"'photos/0/0001\.png' is in space\.latent already.*replace=True"),
        ({"latents": np.ones((1, 7))}, ValueError, r"latents have shape \(1, 7\); expected \(1, 6\)"),
        ({"latents": np.full((1, 6), np.nan)}, ValueError, "latents of item 'new' hold nan"),
        ({"features": None}, ValueError, "keeps features for its items, so new ones need them too"),
        ({"features": np.ones((1, 1, 6, 4), np.uint8)}, ValueError, r"expected \(1, 1, 6, 5\)"),
        ({"features": np.ones((1, 1, 6, 5), np.float32)}, TypeError, "dtype float32; this file keeps uint8"),
        ({"thumbnails": None}, ValueError, "keeps thumbnails for its items"),
        (
            {"maps": {"pca": {"facts": {"a": float("inf")}, "arrays": {}}}},
            ValueError,
            r"facts of map 'pca'\['a'\] is inf",
        ),
    ],
)
def test_an_append_that_does_not_fit_changes_nothing(path, arguments, error, message):
    store.write(path, contents(4))
    good = {
        "ids": ["new"], "metadata": {}, "latents": np.ones((1, 6)), "thumbnails": [b""],
        "features": np.ones((1, 1, 6, 5), np.uint8),
    }  # fmt: skip
    with pytest.raises(error, match=message):
        store.append(path, **{**good, **arguments})
    assert store.version(path) == 1
    assert_same(store.read(path), contents(4))


def test_a_file_without_features_takes_none(path):
    store.write(path, changed(features=None, thumbnails=None))
    with pytest.raises(ValueError, match="keeps no features"):
        store.append(path, ["new"], {}, np.ones((1, 6)), features=np.ones((1, 3), np.uint8))
    with pytest.raises(ValueError, match="keeps no thumbnails"):
        store.append(path, ["new"], {}, np.ones((1, 6)), thumbnails=[b""])
    store.append(path, ["new"], {}, np.ones((1, 6)))
    with store.LatentFile(path) as file:
        assert (file.features(), file.features([0]), file.thumbnail(0), file.thumbnails()) == (None, None, None, None)


def test_places_and_names_that_are_not_there_are_named(path):
    store.write(path, contents(4))
    with store.LatentFile(path) as file:
        for wrong in (4, -1):
            with pytest.raises(IndexError, match=f"no item at position {wrong}; the file has 4 items"):
                file.features([0, wrong])
        with pytest.raises(TypeError, match="sequence of integers"):
            file.features([0.5])
        with pytest.raises(ValueError, match=r"no map 'tsne'; the file has \['pca'\]"):
            file.map("tsne")
        with pytest.raises(ValueError, match="no metadata column 'colour'"):
            file.metadata(["colour"])


def test_a_closed_file_says_so(path):
    store.write(path, contents(4))
    file = store.LatentFile(path)
    file.close()
    file.close()
    with pytest.raises(ValueError, match=r"space\.latent is closed"):
        file.latents()
