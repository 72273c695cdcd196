import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from latentspace.search import copies
from latentspace.search.copies import copies_of


@given(n=st.integers(0, 40), dims=st.integers(1, 4), values=st.integers(1, 3), seed=st.integers(0, 2**31))
def test_rows_are_grouped_as_numpy_groups_them(n, dims, values, seed):
    rng = np.random.default_rng(seed)
    z = rng.integers(values, size=(n, dims)).astype(np.float32) * rng.choice(np.float32([-1, 1]), (n, dims))
    firsts, kinds = copies_of(z)
    assert (np.diff(firsts) > 0).all()
    np.testing.assert_array_equal(z[firsts[kinds]], z)
    assert len(firsts) == len(np.unique(z + np.float32(0), axis=0))


def test_rows_whose_sums_agree_by_chance_are_told_apart(monkeypatch):
    z = np.float32([[1, 2], [3, 4], [1, 2]])
    real = np.unique

    def collide(values, *args, **kwargs):
        return real(values * 0 if values.ndim == 1 else values, *args, **kwargs)

    monkeypatch.setattr(copies.np, "unique", collide)
    assert copies_of(z).kinds.tolist() == [0, 1, 0]
