import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from latentspace import PCA
from latentspace.models.krylov import BlockKrylov
from latentspace.models.noise_rank import noise_edge, share_rank
from latentspace.models.workers import ordered, workers


class TestNoiseRank:
    def test_equal_variances_end_at_marchenko_and_pasturs_edge(self):
        for n, p in ((100_000, 10_000), (100_000, 400_000)):
            edge = noise_edge(np.full(p, 3.0), n)
            assert edge == pytest.approx(3 * (1 + np.sqrt(p / n)) ** 2, rel=5e-3)

    def test_the_largest_variance_of_noise_stays_below_the_edge_in_nineteen_samples_of_twenty(self):
        rng = np.random.default_rng(0)
        deviations = np.linspace(1, 3, 40)
        above = 0
        for _ in range(400):
            x = rng.standard_normal((200, 40)) * deviations
            above += np.linalg.svd(x, compute_uv=False)[0] ** 2 / 200 > noise_edge(deviations**2, 200)
        assert 4 <= above <= 36  # 20 expected; the law is a limit

    @given(
        rank=st.integers(1, 8),
        shape=st.sampled_from([(400, 40), (2000, 100), (80, 600)]),
        spread=st.floats(1, 300),
        uneven=st.booleans(),
        seed=st.integers(0, 2**31),
    )
    @settings(max_examples=40, deadline=None)
    def test_as_many_axes_as_were_planted_in_noise_are_kept(self, rank, shape, spread, uneven, seed):
        (n, p), rng = shape, np.random.default_rng(seed)
        noise = rng.standard_normal((n, p)) * (rng.uniform(0.5, 1.5, p) if uneven else 1)
        weakest = 4 * (1 + np.sqrt(p / n)) ** 2
        scores = rng.standard_normal((n, rank)) * np.sqrt(np.geomspace(weakest, weakest * spread, rank))
        x = scores @ np.linalg.qr(rng.standard_normal((p, rank)))[0].T + noise
        assert abs(PCA("auto").fit(x).dims_ - rank) <= 1  # one more or less in some samples of a hundred

    def test_axes_planted_without_noise_are_kept(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((300, 6)) * [100, 30, 10, 3, 1, 0.3] @ rng.standard_normal((6, 50))
        for dtype in (np.float32, np.float64):
            assert PCA("auto").fit(x.astype(dtype)).dims_ == 6

    def test_noise_alone_keeps_one_axis(self):
        x = np.random.default_rng(0).standard_normal((500, 30)) * np.geomspace(1, 100, 30)
        assert PCA("auto").fit(x).dims_ == 1

    def test_a_spectrum_without_a_step_keeps_no_more_than_95_percent_need(self, digits):
        images, _ = digits
        pca = PCA("auto").fit(images.reshape(len(images), -1))
        assert pca.variance_ratios_.sum() >= 0.95 > pca.variance_ratios_[:-1].sum()

    def test_rows_large_both_ways_keep_what_was_planted(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((2100, 2050), dtype=np.float32)
        x += (rng.standard_normal((2100, 7)) * 10) @ np.linalg.qr(rng.standard_normal((2050, 7)))[0].T
        pca = PCA("auto", random_state=0).fit(x)
        assert (pca.dims_, pca.solver_) == (7, "krylov")

    def test_a_share_is_counted_from_the_largest_variance(self):
        variances = np.array([5.0, 3, 1, 1])
        assert [share_rank(variances, 10, share) for share in (0.1, 0.5, 0.51, 0.8, 0.9, 1)] == [1, 1, 2, 2, 3, 4]
        assert share_rank(variances[:2], 10, 0.9) == 0


class TestBlockKrylov:
    def test_the_whole_space_has_the_whole_spectrum(self):
        rng = np.random.RandomState(0)
        matrix = np.cov(rng.standard_normal((20, 50)))
        space = BlockKrylov(lambda q: matrix @ q, 20, 6, rng)
        for _ in range(5):
            space.extend()
        values, axes = space.eigenpairs()
        np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix)[::-1], atol=1e-9)
        np.testing.assert_allclose(axes(0, 20) @ matrix @ axes(0, 20).T, np.diag(values), atol=1e-9)
        assert axes(3, 5).shape == (2, 20)

    def test_a_space_closed_under_the_covariance_goes_on_in_new_directions(self):
        matrix = np.diag([2.0] * 30 + [1.0] * 30 + [0.0] * 40)  # two multiplications reach all a block of 5 can see
        space = BlockKrylov(lambda q: matrix @ q, 100, 5, np.random.RandomState(0))
        for _ in range(20):
            space.extend()
        values, axes = space.eigenpairs()
        np.testing.assert_allclose(values, matrix.diagonal(), atol=1e-9)
        np.testing.assert_allclose(axes(0, 100) @ axes(0, 100).T, np.eye(100), atol=1e-9)


class TestWorkers:
    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_results_come_in_the_order_of_the_tasks(self, count):
        assert list(ordered(lambda x: x * x, iter(range(100)), count)) == [x * x for x in range(100)]

    @pytest.mark.parametrize("count", [1, 4])
    def test_the_first_bad_task_is_the_one_that_is_named(self, count):
        def work(x):
            if x in (7, 8, 9):
                raise ValueError(f"task {x}")

        with pytest.raises(ValueError, match="task 7"):
            list(ordered(work, range(50), count))

    def test_tasks_are_not_drawn_far_ahead(self):
        drawn = []
        results = ordered(lambda x: x, (drawn.append(x) or x for x in range(1000)), 2)
        next(results)
        results.close()
        assert len(drawn) < 10

    def test_blas_has_one_thread_within_and_its_own_again_after(self):
        def threads():
            return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

        before = threads()
        with workers() as outer:
            with workers() as inner:
                assert (inner, set(threads())) == (outer, {1})
            assert set(threads()) == {1}
        assert threads() == before
