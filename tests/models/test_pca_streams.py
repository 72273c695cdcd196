import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace import PCA
from latentspace.models.covariance import CentredRows, Moments
from latentspace.models.eigen import by_features
from latentspace.models.rows import ArrayRows, chunk_rows

N = 5000  # more than the 2,000 rows up to which a stream is gathered


def _rows(n=N, p=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, p)) * 0.8 ** np.arange(p) @ rng.standard_normal((p, p)) + 20


def _same(ours, batch):
    np.testing.assert_allclose(ours.axes_, batch.axes_, atol=1e-5)
    np.testing.assert_allclose(ours.mean_, batch.mean_, rtol=1e-8)
    np.testing.assert_allclose(ours.variances_, batch.variances_, rtol=1e-6)
    np.testing.assert_allclose(ours.noise_variance_, batch.noise_variance_, rtol=1e-5, atol=1e-12)
    assert ours.n_samples_seen_ == batch.n_samples_seen_


@given(sizes=st.lists(st.integers(0, 900), min_size=1, max_size=8), seed=st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_blocks_of_any_size_give_the_fit_on_all_rows(sizes, seed):
    X = _rows(sum(sizes) + 4, seed=seed)
    blocks = np.split(X, np.cumsum(sizes))
    _same(PCA(3).fit_blocks(blocks), PCA(3).fit(X))


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6), seed=st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_partial_fits_give_the_fit_on_all_rows_however_small_the_first(sizes, seed):
    X = _rows(sum(sizes) + 4, seed=seed)
    pca = PCA(3)
    for block in np.split(X, np.cumsum(sizes)):
        pca.partial_fit(block)
    _same(pca, PCA(3).fit(X))


def test_partial_fit_has_as_many_axes_as_rows_until_there_are_enough():
    X, pca = _rows(10), PCA(4)
    assert [pca.partial_fit(X[i : i + 1]).dims_ for i in range(6)] == [1, 2, 3, 4, 4, 4]


def test_rows_that_partial_fit_refuses_leave_no_trace():
    X, pca = _rows(20_000), PCA(3)
    pca.partial_fit(X[:10])
    bad = X[10:].copy()
    bad[-1, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        pca.partial_fit(bad)
    _same(pca.partial_fit(X[10:]), PCA(3).fit(X))


def test_partial_fit_refuses_more_dims_than_features_at_once():
    with pytest.raises(
        ValueError, match=r"dims=13 is out of range: the data has n_features=12, so dims can be 1 to 12"
    ):
        PCA(13).partial_fit(_rows(5))


def test_partial_fit_goes_on_from_fit():
    X = _rows()
    _same(PCA(3).fit(X[:3000]).partial_fit(X[3000:]), PCA(3).fit(X))


def _one_buffer(X):
    buffer = np.empty((700, X.shape[1]), X.dtype)
    for start in range(0, len(X), 700):
        part = buffer[: len(X[start : start + 700])]
        part[:] = X[start : start + 700]
        yield part


@pytest.mark.parametrize("solver", ["auto", "krylov"])
@pytest.mark.parametrize("n", [1500, N])
def test_arrays_callables_and_generators_that_fill_one_buffer_give_the_same_axes(solver, n):
    X = _rows(n, p=200)
    batch = PCA(3, solver=solver, random_state=0).fit(X)
    for blocks in (lambda: _one_buffer(X), _one_buffer(X), [X[:10], X[10:]]):
        _same(PCA(3, solver=solver, random_state=0).fit_blocks(blocks), batch)


def test_a_generator_is_only_ever_advanced_in_the_thread_that_made_it():
    here, threads = threading.get_ident(), set()

    def blocks():
        for block in np.split(_rows(20_000, p=150), 20):
            threads.add(threading.get_ident())
            yield block

    PCA(3).fit_blocks(blocks())
    assert threads == {here}


def test_a_stream_can_mix_types_and_hold_empty_blocks():
    X = np.random.default_rng(0).integers(0, 9, size=(N, 6))
    pieces = [X[:0], X[:100].astype(np.float32), X[100:3000].astype(np.uint8), X[3000:].astype(np.float64)]
    _same(PCA(2).fit_blocks(pieces), PCA(2).fit(X.astype(np.float64)))


def test_streams_that_cannot_be_fitted_say_why():
    X = _rows()
    with pytest.raises(ValueError, match=r"fit_blocks\(\) got no rows: a minimum of 1 is required"):
        PCA(2).fit_blocks(iter([X[:0]]))
    with pytest.raises(ValueError, match="Block 2 has 5 features; the blocks before it have 12"):
        PCA(2).fit_blocks([X, X, X[:, :5]])
    with pytest.raises(
        ValueError, match=r"Block 1 has shape \(12,\) and dtype float64; each must be numbers, \(m, p\)"
    ):
        PCA(2).fit_blocks([X, X[0]])
    with pytest.raises(ValueError, match=r"dims=13 is out of range: .* so dims can be 1 to 12"):
        PCA(13).fit_blocks([X])
    bad = X.copy()
    bad[4321, 7] = np.nan
    with pytest.raises(ValueError, match="NaN: row 4321, column 7"):
        PCA(2).fit_blocks(np.array_split(bad, 9))


def test_a_callable_that_gives_fewer_rows_the_second_time_is_caught():
    X, passes = _rows(), []

    def blocks():
        passes.append(0)
        return np.array_split(X if len(passes) == 1 else X[:-1], 4)

    with pytest.raises(ValueError, match="read 5000 rows in its first pass and 4999 in a later one"):
        PCA(2, solver="krylov").fit_blocks(blocks)


@pytest.mark.parametrize("offset", [0, 100, 1000, 10_000])
def test_float32_products_lose_no_variance_however_far_the_mean(offset):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20_000, 64)) @ (rng.standard_normal((64, 64)) * np.arange(1, 65)[:, None] ** -0.5)
    x = (x + offset * x.std(axis=0)).astype(np.float32)
    covariance = np.cov(x, rowvar=False, dtype=np.float64)
    variances = np.linalg.eigvalsh(covariance)[::-1]
    rows = CentredRows(ArrayRows(x), np.float32, threads=2)
    found = by_features(rows, 8)
    q = np.linalg.qr(found.axes.T)[0]
    lost = variances[:8].sum() - np.trace(q.T @ covariance @ q)
    assert abs(lost) < 1e-9 * variances.sum()
    np.testing.assert_allclose(found.variances, variances[:8], rtol=1e-5)
    np.testing.assert_allclose(rows.mean, x.mean(axis=0, dtype=np.float64), rtol=1e-9, atol=1e-6)


def test_latents_far_from_zero_keep_their_digits():
    x = _rows().astype(np.float64)
    near = PCA(3).fit(x)
    far = (x + 2.0**20).astype(np.float32)
    pca = PCA(3).fit(far)
    expected = (far.astype(np.float64) - far.mean(axis=0, dtype=np.float64)) @ pca.axes_.T
    np.testing.assert_allclose(pca.transform(far), expected, atol=1e-5 * np.abs(expected).max())
    shifted = PCA(3).fit(x + 1e9)  # float64 rows are centred before they are rounded
    np.testing.assert_allclose(shifted.transform(x + 1e9), near.transform(x), atol=1e-4)


def test_an_outlier_first_row_costs_no_digits():
    x = _rows(20_000, p=10)
    x[0] = 1e5
    expected = PCA(3).fit(x)
    _same(PCA(3).fit_blocks([x[:1], x[1:]]), expected)


def test_small_variances_under_large_ones_are_resolved():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((16_000, 600), dtype=np.float32) * np.float32(10) ** -np.linspace(
        0, 4, 600, dtype=np.float32
    )
    pca = PCA(450).fit(x)  # more multiplications than are always done in float64
    np.testing.assert_allclose(
        pca.variances_, np.linalg.eigvalsh(np.cov(x.T.astype(np.float64)))[::-1][:450], rtol=1e-6
    )


def test_moments_with_only_a_diagonal_agree_with_the_full_ones():
    x = ArrayRows(_rows(3 * chunk_rows(12) + 5))
    full, diagonal = Moments(12).add(x, np.float64, 1), Moments(12, diagonal=True).add(x, np.float64, 2)
    np.testing.assert_allclose(diagonal.variances, full.variances, rtol=1e-12)
    np.testing.assert_allclose(full.covariance(), np.cov(x.x, rowvar=False), rtol=1e-9, atol=1e-12)


_FROM_FILE = """
import sys, numpy as np, psutil
from latentspace import PCA
x = np.load(sys.argv[1], mmap_mode="r")
PCA(4).fit(x[:5000])
before = psutil.Process().memory_info().rss
pca = PCA(4).fit(x)
z = pca.transform(x[::2])
print((psutil.Process().memory_info().rss - before) / 2**20, *pca.variances_)
"""


def test_a_file_larger_than_its_share_of_memory_does_not_stay_in_it(tmp_path):
    path = tmp_path / "rows.npy"
    n, p = 400_000, 80  # 128 MB
    x = np.lib.format.open_memmap(path, "w+", np.float32, (n, p))
    rng = np.random.default_rng(0)
    for start in range(0, n, 40_000):
        x[start : start + 40_000] = rng.standard_normal((40_000, p), dtype=np.float32) * np.arange(1, p + 1)
    expected = PCA(4).fit_blocks(x[s : s + 40_000] for s in range(0, n, 40_000)).variances_
    done = subprocess.run([sys.executable, "-c", _FROM_FILE, path], capture_output=True, text=True, check=True)
    extra, *variances = map(float, done.stdout.split())
    assert extra < 40
    np.testing.assert_allclose(variances, expected, rtol=1e-6)


def test_changes_to_a_copy_on_write_file_are_not_thrown_away(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, _rows())
    x = np.load(path, mmap_mode="c")
    x[:, 0] = np.arange(N)
    changed = np.array(x)
    PCA(2).fit(x)
    np.testing.assert_array_equal(x, changed)
