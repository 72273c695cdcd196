"""A process that loads, encodes, searches and decodes all day needs no more memory in the evening."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import latentspace as ls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")
SCRIPT = Path(__file__).with_name("hostile_leak.py")
SPARE = 8 << 20  # bytes; a leak of one array of latents a round is 90 MB in 1,000 of them


def told(tmp_path, times, model, **options):
    rows = np.random.default_rng(0).normal(size=(2000, 64))
    space = ls.fit(rows, model, dims=16, metadata={"n": list(range(2000))}, **options)
    space.save(tmp_path / "x.latent")
    command = [sys.executable, str(SCRIPT), str(tmp_path / "x.latent"), str(times)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def is_flat(rows):
    """No open file more, and next to no memory, from the third tenth on; what went before fills pools and tables."""
    memory, files = [row[0] for row in rows], [row[1] for row in rows]
    assert files[-1] <= files[2] + 1
    assert memory[-1] - memory[2] < SPARE, [one >> 10 for one in memory]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("model", "options"), [("pca", {}), ("autoencoder", {"epochs": 1, "hidden": [16]})])
def test_a_thousand_loads_encodes_and_searches_leave_memory_flat(tmp_path, model, options):
    if model != "pca":
        pytest.importorskip("torch")
    is_flat(told(tmp_path, 1000, model, **options))


def test_a_leak_of_one_latents_array_a_round_would_be_seen():
    leaking = [[(100 << 20) + i * 100 * 128_000, 9] for i in range(10)]  # 2,000 x 16 float32, 1,000 rounds
    with pytest.raises(AssertionError):
        is_flat(leaking)
