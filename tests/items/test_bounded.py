"""Many images are fitted in blocks: fifty thousand take no more memory than their features and a gigabyte."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import latentspace as ls
from latentspace import features
from latentspace.models import adapter
from latentspace.models.pca import PCA

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


def all_at_once(self, X, y=None):
    pytest.fail("all rows were asked for at once")


def test_bytes_that_would_grow_are_fitted_in_blocks_to_the_same_axes(monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 12, 10), dtype=np.uint8)
    pictures = [Image.fromarray(rows) for rows in images]
    whole = ls.fit(pictures, "pca", dims=5, density="gaussian")
    monkeypatch.setattr(adapter, "_IN_ONE_PIECE", 0)
    monkeypatch.setattr(features, "_BLOCK_VALUES", 7 * 120)
    monkeypatch.setattr(PCA, "fit", all_at_once)
    blocks = ls.fit(pictures, "pca", dims=5, density="gaussian")
    np.testing.assert_allclose(blocks.latents, whole.latents, atol=1e-4)
    assert [len(block) for block in blocks._features.blocks()] == [7, 7, 7, 7, 7, 5]
