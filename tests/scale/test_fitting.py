"""Fits on blocks: equal to those in memory, resumed after a kill to the same bits, said before, refused why."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from pyarrow import parquet

import latentspace as ls
import processes
from latentspace.errors import SkippedItemsWarning, UnsupportedError
from latentspace.models.pca import PCA
from latentspace.scale import segments, statistics
from latentspace.scale.scaled import Scaled


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(6, 40))
    return (rng.normal(size=(4_000, 6)) @ basis + 0.1 * rng.normal(size=(4_000, 40)) + 100).astype(np.float32)


@pytest.fixture
def path(tmp_path, x):
    np.save(tmp_path / "x.npy", x)
    return tmp_path / "x.npy"


@pytest.fixture
def small_segments(monkeypatch):
    """Some dozens of segments, where there would be one."""
    monkeypatch.setattr(statistics, "SEGMENT", 2**15)
    monkeypatch.setattr(statistics, "GROUP", 2)
    monkeypatch.setattr(segments, "_AT_ONCE", 2**15)
    monkeypatch.setattr("latentspace.scale.statistics.chunk_rows", lambda _: 100)


def test_pca_of_segments_is_pca_in_memory(path, x, tmp_path, small_segments):
    done = ls.fit_blocks(path, tmp_path / "job", dims=6)
    whole = PCA(dims=6).fit(x)
    scale = float(np.abs(whole.transform(x)).max())
    np.testing.assert_allclose(np.asarray(done.latents), whole.transform(x), atol=1e-5 * scale)
    np.testing.assert_allclose(done.model.variances_, whole.variances_, rtol=1e-5)
    assert len(list((tmp_path / "job").glob("z-*.npy"))) > 10
    opened = Scaled.open(tmp_path / "job")
    np.testing.assert_array_equal(np.asarray(opened.latents), np.asarray(done.latents))


def test_a_job_that_stopped_anywhere_goes_on_to_the_same_bits(path, tmp_path, small_segments, monkeypatch):
    whole = ls.fit_blocks(path, tmp_path / "whole", dims=4)
    from latentspace.scale import work

    put, left = work.put, [0]

    def stops(target, write):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return put(target, write)

    for allowed in (0, 1, 3, 9, 17, 18, 25):
        folder = tmp_path / f"job{allowed}"
        left[0] = allowed
        for module in ("work", "segments", "keeping"):
            monkeypatch.setattr(f"latentspace.scale.{module}.put", stops)
        with pytest.raises(OSError, match="No space left"):
            ls.fit_blocks(path, folder, dims=4)
        for module in ("work", "segments", "keeping"):
            monkeypatch.setattr(f"latentspace.scale.{module}.put", put)
        again = ls.fit_blocks(path, folder, dims=4)
        np.testing.assert_array_equal(np.asarray(again.latents), np.asarray(whole.latents))
        np.testing.assert_array_equal(again.model.axes_, whole.model.axes_)


FIT = """
import sys, latentspace as ls
ls.fit_blocks(sys.argv[1], sys.argv[2], "vae", dims=3, threads=1, epochs=8, hidden=[32])
"""


def test_a_network_killed_while_it_trains_goes_on_to_the_same_bits(path, tmp_path):
    whole = ls.fit_blocks(path, tmp_path / "whole", "vae", dims=3, threads=1, epochs=8, hidden=[32])
    command = [sys.executable, "-c", FIT, str(path), str(tmp_path / "job")]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    state = tmp_path / "job" / "training.safetensors"
    until = time.monotonic() + 120
    while not state.exists() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "job" / "model.safetensors").exists()  # killed in the middle, or nothing is shown
    again = ls.fit_blocks(path, tmp_path / "job", "vae", dims=3, threads=1, epochs=8, hidden=[32])
    np.testing.assert_array_equal(np.asarray(again.latents), np.asarray(whole.latents))


def test_a_network_learns_from_blocks_as_from_memory(path, x, tmp_path):
    done = ls.fit_blocks(path, tmp_path / "job", "autoencoder", dims=6, epochs=12, hidden=[32])
    back = done.model.inverse_transform(np.asarray(done.latents))
    whole = ls.fit(x, "autoencoder", dims=6, epochs=12, hidden=[32], density="gaussian")
    kept = 1 - ((back - x) ** 2).mean() / x.var(axis=0).mean()
    assert kept > whole.info()["reconstruction"]["variance_kept"] - 0.02


def test_a_fit_of_a_file_takes_the_memory_that_was_said(tmp_path):
    code = """
import sys, numpy as np, resource, latentspace as ls
rows = np.lib.format.open_memmap(sys.argv[1], "w+", np.float32, (120_000, 512))
rng = np.random.default_rng(0)
for start in range(0, len(rows), 10_000):
    rows[start:start + 10_000] = rng.standard_normal((10_000, 512), dtype=np.float32)
rows.flush()
del rows
import os
if os.fork() == 0:
    from latentspace.progress import aloud
    with aloud():
        ls.fit_blocks(sys.argv[1], sys.argv[2], dims=8)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    sys.stdout.flush()
    os._exit(0)
os.wait()
"""
    command = [sys.executable, "-c", code, str(tmp_path / "x.npy"), str(tmp_path / "job")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = float(re.search(r"about ([0-9.]+) MB of memory", done.stderr)[1]) * 1e6
    peak = float(done.stdout)
    assert (tmp_path / "x.npy").stat().st_size == 128 + 120_000 * 512 * 4
    assert peak < 1.15 * said + 60e6  # the file itself is 246 MB


def test_another_jobs_folder_and_what_reads_no_blocks_are_refused(path, tmp_path, x):
    ls.fit_blocks(path, tmp_path / "job", dims=2)
    with pytest.raises(ValueError, match="belongs to another job: its parameters"):
        ls.fit_blocks(path, tmp_path / "job", dims=3)
    np.save(tmp_path / "other.npy", x[:100])
    with pytest.raises(ValueError, match="belongs to another job"):
        ls.fit_blocks(tmp_path / "other.npy", tmp_path / "job", dims=2)
    with pytest.raises(ValueError, match="holds other files"):
        ls.fit_blocks(path, tmp_path, dims=2)
    with pytest.raises(UnsupportedError, match="reads no blocks"):
        ls.fit_blocks(path, tmp_path / "nmf", "nmf", dims=2)
    with pytest.raises(ValueError, match="Known engines"):
        ls.fit_blocks(path, tmp_path / "spark", engine="spark")
    with pytest.raises(FileNotFoundError, match="no finished job"):
        Scaled.open(tmp_path / "nowhere")
    (tmp_path / "job" / "_job.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        ls.fit_blocks(path, tmp_path / "job", dims=2)


def test_a_space_of_blocks_searches_and_is_saved(tmp_path, x):
    holed = x.copy()
    holed[[5, 3_000], 2] = np.nan
    np.save(tmp_path / "x.npy", holed)
    done = ls.fit_blocks(tmp_path / "x.npy", tmp_path / "job", dims=5)
    space = Scaled.open(tmp_path / "job").space(tmp_path / "x.npy")
    assert len(space) == len(done) == 3_998
    assert [item.id for item in space.skipped] == ["5", "3000"]
    assert "5" not in space.ids
    assert space.search(holed[3_001], k=1).ids[0] == "3001"
    np.testing.assert_allclose(space.encode(holed[[7]]), space.latents[[space.ids.index("7")]], atol=1e-3)
    assert space.info()["reconstruction"]["variance_kept"] > 0.9
    space.save(tmp_path / "x.latent")
    again = ls.load(tmp_path / "x.latent")
    np.testing.assert_array_equal(again.latents, space.latents)
    with pytest.raises(ValueError, match="Pass the source that was fitted"):
        Scaled.open(tmp_path / "job").space(x + 50 * (np.arange(40) % 3 == 0))
    with pytest.raises(ValueError, match="Pass the source that was fitted"):
        Scaled.open(tmp_path / "job").space(x[:9])


def test_a_source_is_encoded_to_a_folder_and_goes_on(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "_AT_ONCE", 4 * 64 * 7)
    (photos / "broken.png").write_bytes(b"rubbish")
    with pytest.warns(SkippedItemsWarning):
        space = ls.fit(photos, dims=4)
    out = space.encode_to(photos, tmp_path / "z")
    assert [path.read_text().split("\t")[0] for path in out.glob("_skipped-*")] == ["broken.png"]
    names = sorted(out.glob("z-*.parquet"))
    assert len(names) == 9
    last = names[-1].read_bytes()
    names[-1].unlink()
    space.encode_to(photos, tmp_path / "z")
    assert names[-1].read_bytes() == last
    table = parquet.read_table(names)
    z = np.array(table["z"].to_pylist(), np.float32)
    place = {id_: row for row, id_ in enumerate(space.ids)}
    np.testing.assert_allclose(z, space.latents[[place[id_] for id_ in table["id"].to_pylist()]], atol=1e-5)
    with pytest.raises(ValueError, match="another job"):
        space.encode_to(photos, tmp_path / "z", form="npy")


def test_it_is_done_on_the_command_line(path, tmp_path):
    run = processes.latentspace
    first = run("fit-blocks", path, "-o", "job", "--dims", 3, "--save", "x.latent", "--json", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "takes about" in first.stderr
    assert '"rows": 4000' in first.stdout
    for model in ("job", "x.latent"):
        done = run("encode-blocks", model, path, "-o", f"z-{model}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    tables = [parquet.read_table(tmp_path / f"z-{model}") for model in ("job", "x.latent")]
    np.testing.assert_array_equal(tables[0]["z"].to_pylist(), tables[1]["z"].to_pylist())
    assert run("search", "x.latent", "--id", "7", "-k", 1, cwd=tmp_path).returncode in (0, 2)
    wrong = run("fit-blocks", path, "-o", "job", "--dims", 4, cwd=tmp_path)
    assert wrong.returncode == 1
    assert "another job" in wrong.stderr
