"""Vectors in a file without a name: as any array, refused where the disk is too small, never half of an index."""

import os

import numpy as np
import pytest

from latentspace.search import index as room
from latentspace.search.index import Index
from latentspace.search.mapped import is_mapped, mapped


def test_a_mapped_array_is_an_array_of_zeros_that_leaves_nothing_behind(tmp_path):
    z = mapped((300, 7), tmp_path)
    assert os.listdir(tmp_path) == []
    assert type(z) is np.ndarray
    assert z.shape == (300, 7)
    assert z.dtype == np.float32
    assert not z.any()
    z[:] = np.arange(2100).reshape(300, 7)
    np.testing.assert_array_equal(z[-1], np.arange(2093, 2100))
    assert is_mapped(z)
    assert is_mapped(z[:20])
    assert not is_mapped(z.copy())
    assert mapped((0, 7)).shape == (0, 7)


def test_more_than_the_disk_holds_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(OSError, match=r"4096\.0 GiB of vectors in a file, and .* GiB left\. Make room"):
        mapped((2**40, 1), tmp_path)
    assert os.listdir(tmp_path) == []


def test_where_the_disk_fills_up_later_what_comes_and_goes_is_held_in_memory(monkeypatch):
    rng = np.random.default_rng(0)
    z = (3 * rng.normal(size=(20, 8))[rng.integers(20, size=2600)] + rng.normal(size=(2600, 8))).astype(np.float32)
    index = Index(z[:2500])
    index.build("euclidean", frugal=True)
    assert is_mapped(index.z)

    def full(*_):
        raise OSError("no room")

    monkeypatch.setattr(room, "mapped", full)
    np.testing.assert_array_equal(index.add(z[2500:]), z)
    np.testing.assert_array_equal(index.remove(np.arange(100)), z[100:])
    assert not is_mapped(index.z)
    assert (index.search(z[2500:], 1, "euclidean").positions[:, 0] == np.arange(2400, 2500)).all()
    index.tidy()
    assert index.report["euclidean"]["tail"] == 0
    assert (index.search(z[2500:], 1, "euclidean").positions[:, 0] == np.arange(2400, 2500)).mean() > 0.9
