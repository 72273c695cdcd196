"""The format is a promise: files of every past format open, and docs/format.md is enough to read one.

`LATENTSPACE_WRITE_GOLDEN=1 pytest tests/store/test_format.py` writes the golden file of the present format anew.
"""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from store_samples import assert_same, contents

from latentspace import store
from latentspace.store import schema

GOLDEN = Path(__file__).with_name("golden")
PAGE = Path(__file__).parents[2] / "docs" / "format.md"


def golden() -> store.Contents:
    """What the golden file holds; numbers that are exact whatever numpy's generators become."""
    space = contents(30)
    count = np.arange(30 * 6, dtype=np.float32)
    space.latents = (count / 8).reshape(30, 6)
    space.features = (
        count[:30].astype(np.uint8)[:, None, None, None] + np.arange(30, dtype=np.uint8).reshape(1, 1, 6, 5)
    ).copy()
    space.arrays = {
        name: np.arange(12).astype(kind) for name, kind in (("a", "f4"), ("b", "i8"), ("c", "?"), ("d", "u1"))
    }
    space.maps["pca"]["arrays"]["coordinates"] = (count[:60] / 4).reshape(30, 2)
    return space


def write_golden(path: Path) -> None:
    """Writes, appends and removes, so that unused positions and late columns are in it."""
    space = golden()
    store.write(path, space, overwrite=True)
    store.append(path, ["late"], {"later": [1.5]}, np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b"late"])
    store.remove(path, [space.ids[3], space.ids[29]], maps=space.maps)


@pytest.fixture(scope="module", autouse=True)
def _regenerate():
    if os.environ.get("LATENTSPACE_WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / f"format{schema.FORMAT}.latent").unlink(missing_ok=True)  # or its version would go on from there
        write_golden(GOLDEN / f"format{schema.FORMAT}.latent")


def expected() -> store.Contents:
    space = golden()
    keep = [i for i in range(30) if i not in (3, 29)]
    return store.Contents(
        manifest=space.manifest,
        arrays=space.arrays,
        ids=[space.ids[i] for i in keep] + ["late"],
        metadata={k: [v[i] for i in keep] + [None] for k, v in space.metadata.items()} | {"later": [None] * 28 + [1.5]},
        latents=np.concatenate([space.latents[keep], np.ones((1, 6), np.float32)]),
        features=np.concatenate([space.features[keep], np.zeros((1, 1, 6, 5), np.uint8)]),
        thumbnails=[space.thumbnails[i] for i in keep] + [b"late"],
        maps=space.maps,
        skipped=space.skipped,
    )


def test_the_file_of_format_1_opens():
    found = store.read(GOLDEN / "format1.latent")
    assert_same(found, expected())
    assert store.version(GOLDEN / "format1.latent") == 3


def test_what_is_written_today_is_still_format_1(tmp_path):
    write_golden(tmp_path / "now.latent")
    states = []
    for path in (GOLDEN / "format1.latent", tmp_path / "now.latent"):
        connection = sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        ]
        # zlib's and safetensors' bytes may change between their versions, and the check sums with them
        free = {"features": "segment", "blobs": "name, part", "item_checks": "chunk, items, crcs"}
        states.append(
            {
                name: connection.execute(f"SELECT {free.get(name, '*')} FROM {name} ORDER BY 1").fetchall()
                for name in tables
            }
        )
        states[-1]["schema"] = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()
        states[-1]["documents"] = connection.execute(
            "SELECT name, data FROM blobs WHERE name IN ('manifest', 'columns')"
        ).fetchall()
        connection.close()
    assert states[0] == states[1]


def test_the_page_has_the_very_schema():
    page = PAGE.read_text(encoding="utf-8")
    for sql in (*schema.CREATE, schema.ITEM_INDEX):
        assert sql in page.splitlines()


def test_the_example_of_the_page_reads_the_file_with_the_standard_library_alone():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", example, str(GOLDEN / "format1.latent")]
    done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("29 items, 6 dims, version 3 - columns: label, Label, price, odd, ")
    assert lines[1] == "photos/0/0000.png cat 0.000 0.125 0.250 0.375 0.500 0.625"
    assert lines[3] == "photos/0/0002.png None 1.500 1.625 1.750 1.875 2.000 2.125"
