"""Contents that use every part of the format, and the comparison that the tests of the store share."""

import numpy as np

from latentspace.store import Contents


def contents(n: int = 40, seed: int = 0, dims: int = 6) -> Contents:
    """A small space with something in every part: all kinds of values, uint8 features, thumbnails, a map, a cache."""
    rng = np.random.default_rng(seed)
    odd = [None, True, 7, -1.5, "text", 2**80, "nul\0inside", "\udcff undecodable", -(2**63), "žluťoučký 🐎", ""]
    return Contents(
        manifest={"model": {"family": "pca", "dims": dims}, "seed": seed, "note": "\udc80 ≠ x", "scale": 1e-300},
        arrays={
            "model/axes_": rng.normal(size=(dims, 12)).astype(np.float32),
            "model/steps": np.array(17),
            "modality/mask": np.array([True, False, True]),
            "cache/neighbours": rng.integers(0, max(n, 1), size=(n, 3)),
        },
        ids=[f"photos/{seed}/{i:04d}.png" for i in range(n)],
        metadata={
            "label": [("cat", "dog", None)[i % 3] for i in range(n)],
            "Label": [i % 2 == 0 for i in range(n)],  # SQLite sees no difference between these two names
            "price": [i / 7 for i in range(n)],
            "odd": [odd[i % len(odd)] for i in range(n)],
            'a "quoted" \udcfe key': list(range(n)),
        },
        latents=rng.normal(size=(n, dims)).astype(np.float32),
        features=rng.integers(0, 9, size=(n, 1, 6, 5)).astype(np.uint8),
        thumbnails=[b"\x89PNG" + bytes([i % 256]) * (i % 50) for i in range(n)],
        maps={"pca": {"facts": {"seed": 0}, "arrays": {"coordinates": rng.normal(size=(n, 2)).astype(np.float32)}}},
        skipped=[("broken\udc80.png", "truncated"), ("empty.png", "0 bytes")],
    )


def assert_same(found: Contents, expected: Contents) -> None:
    """Everything equal, to the bit and to the type."""
    assert found.ids == expected.ids
    assert found.manifest == expected.manifest
    assert found.skipped == expected.skipped
    assert found.thumbnails == expected.thumbnails
    assert found.metadata == expected.metadata
    for name, column in expected.metadata.items():
        assert list(map(type, found.metadata[name])) == list(map(type, column)), name
    assert_equal(found.latents, expected.latents)
    assert (found.features is None) == (expected.features is None)
    if expected.features is not None:
        assert_equal(found.features, expected.features)
    assert_arrays(found.arrays, expected.arrays)
    assert list(found.maps) == list(expected.maps)
    for name, one in expected.maps.items():
        assert found.maps[name]["facts"] == one["facts"]
        assert_arrays(found.maps[name]["arrays"], one["arrays"])


def assert_arrays(found: dict, expected: dict) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert_equal(found[name], array)
        assert found[name].flags.writeable


def assert_equal(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype.newbyteorder("=")
    assert found.shape == expected.shape
    assert found.tobytes() == expected.astype(found.dtype).tobytes()
