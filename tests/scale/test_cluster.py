"""A real Ray cluster of two nodes on this machine: the same results as without, and a killed worker costs its block."""

import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from pyarrow import parquet

import latentspace as ls
from latentspace.scale import segments, statistics

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'latentspace[ray]'")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_DEDUP_LOGS": "0"}
    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    made = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    made.add_node(**node)
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()
    os.environ.clear()
    os.environ |= before


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(3_000, 5)) @ rng.normal(size=(5, 24)) + 0.1 * rng.normal(size=(3_000, 24))).astype(np.float32)
    found = tmp_path_factory.mktemp("rows") / "x.npy"
    np.save(found, x)
    return found


pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_pca_and_latents_have_the_bits_of_one_machine(cluster, path, tmp_path, monkeypatch):
    assert len(ray.nodes()) == 2
    monkeypatch.setattr(statistics, "SEGMENT", 2**15)
    monkeypatch.setattr(segments, "_AT_ONCE", 2**15)
    monkeypatch.setattr("latentspace.scale.statistics.chunk_rows", lambda _: 100)
    here = ls.fit_blocks(path, tmp_path / "here", dims=4)
    there = ls.fit_blocks(path, tmp_path / "there", dims=4, engine="ray")
    np.testing.assert_allclose(there.model.axes_, here.model.axes_, atol=1e-5)
    np.testing.assert_allclose(np.asarray(there.latents), np.asarray(here.latents), atol=1e-5)
    one, two = (ls.encode_blocks(here.model, path, tmp_path / f"z{name}", engine=name) for name in ("local", "ray"))
    assert [file.name for file in sorted(one.glob("z-*"))] == [file.name for file in sorted(two.glob("z-*"))]
    assert parquet.read_table(one).equals(parquet.read_table(two))


@pytest.mark.slow
def test_training_with_averaged_gradients_learns_as_well(cluster, path, tmp_path):
    options = {"dims": 4, "hidden": [16], "epochs": 6, "batch_size": 100}
    here = ls.fit_blocks(path, tmp_path / "here", "autoencoder", **options)
    there = ls.fit_blocks(path, tmp_path / "there", "autoencoder", engine="ray", workers=2, **options)
    x = np.load(path)
    kept = [
        1 - ((each.model.inverse_transform(np.asarray(each.latents)) - x) ** 2).mean() / x.var()
        for each in (here, there)
    ]
    assert kept[0] > 0.8
    assert abs(kept[0] - kept[1]) < 0.03
    rows = there.model.history_
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]


def test_pictures_in_a_folder_are_encoded_by_the_workers(cluster, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "_AT_ONCE", 4 * 64 * 16)
    space = ls.fit(photos, dims=4)
    out = space.encode_to(photos, tmp_path / "z", engine="ray")
    table = parquet.read_table(out)
    place = {id_: row for row, id_ in enumerate(space.ids)}
    z = np.array(table["z"].to_pylist(), np.float32)
    assert len(z) == len(space)
    np.testing.assert_allclose(z, space.latents[[place[id_] for id_ in table["id"].to_pylist()]], atol=1e-5)


@pytest.mark.slow
def test_a_worker_killed_at_any_moment_costs_its_block_only(cluster, path, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "_AT_ONCE", 2**13)
    options = {"dims": 4, "hidden": [16], "epochs": 30, "batch_size": 100}
    whole = ls.fit_blocks(path, tmp_path / "whole", "autoencoder", engine="ray", workers=2, **options)
    killed: list[int] = []
    stop = threading.Event()

    def kills():
        rng = np.random.default_rng(0)
        while not stop.wait(float(rng.uniform(4, 8))) and len(killed) < 3:
            if victims := _workers():
                os.kill(victim := int(rng.choice(victims)), signal.SIGKILL)
                killed.append(victim)

    killer = threading.Thread(target=kills)
    killer.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # each loss is said
            again = ls.fit_blocks(path, tmp_path / "again", "autoencoder", engine="ray", workers=2, **options)
    finally:
        stop.set()
        killer.join()
    assert killed
    np.testing.assert_array_equal(np.asarray(again.latents), np.asarray(whole.latents))
    time.sleep(1)


def _workers() -> list[int]:
    import psutil

    names = ("ray::_Trainer", "ray::_segment", "ray::_whole")
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and process.info["cmdline"][0].startswith(names)
    ]
