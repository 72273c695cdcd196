"""Fifty thousand images take no more memory than their features and a gigabyte, whatever reads, fits and saves them."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

FIT = """
import json, resource, sys
import latentspace as ls
space = ls.fit(sys.argv[1], "pca", dims=16, density="gaussian")
space.save(sys.argv[2])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"items": len(space), "shape": space.modality.shape, "peak": peak}))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_fifty_thousand_images_take_under_a_gigabyte_above_their_features(tmp_path):
    rng = np.random.default_rng(0)
    n, folder, drawn = 50_000, tmp_path / "many", tmp_path / "drawn"
    drawn.mkdir()
    for i in range(200):
        rows = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(rows).resize((64, 64), Image.Resampling.BICUBIC).save(drawn / f"{i:03}.png")
    for i in range(n):  # names of the same files: each is read as a file of its own
        inner = folder / f"{i % 10}"
        if i < 10:
            inner.mkdir(parents=True)
        os.link(drawn / f"{i % 200:03}.png", inner / f"{i:05}.png")
    done = subprocess.run(
        [sys.executable, "-c", FIT, str(folder), str(tmp_path / "many.latent")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    features = n * int(np.prod(found["shape"]))  # a byte each
    assert found["items"] == n
    assert found["peak"] - features < 2**30
