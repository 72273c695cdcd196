"""Containers of every version of the format open for ever.

`LATENTSPACE_WRITE_GOLDEN=1 pytest tests/codec/test_golden_containers.py` writes those of the present version anew.
"""

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import latentspace as ls
from latentspace import compressing
from latentspace.codec.framing import VERSION
from latentspace.compressing.bare import bare_space
from latentspace.compressing.opening import decompress
from latentspace.store.schema import FORMAT

GOLDEN = Path(__file__).with_name("golden")
TEXTS = [f"The {place}th letter, ünïcødé, 漢字, {'again ' * place}" for place in range(20)]


def rows() -> np.ndarray:
    """Rows of rank 2, exact whatever numpy's generators become."""
    count = np.arange(40, dtype=np.float32)
    return np.stack([count % 7, count % 5, count % 7 + count % 5, 2 * (count % 7), count % 5 - 1], axis=1)


def table() -> pd.DataFrame:
    """A table of each sort of column."""
    count = np.arange(120)
    return pd.DataFrame(
        {
            "n": count % 11, "price": (count * 37 % 1000) / 100, "x": 1 / (count + 1.0), "kind": ["ab", "c", "d"] * 40,
            "title": TEXTS * 6, "gap": np.where(count % 7 == 0, np.nan, count), "day": pd.to_datetime("2020-02-28")
            + pd.to_timedelta(count, unit="D"),
        }
    )  # fmt: skip


def packed_table(random_access: bool) -> bytes:
    space, items = bare_space(table())
    words = {"quality": None, "psnr": None, "bpp": None, "max_bytes": None, "lossless": True}
    out = io.BytesIO()
    compressing.compress(space, items, compressing.asked_for(**words, random_access=random_access, embed=True), out)
    return out.getvalue()


@pytest.fixture(scope="module", autouse=True)
def _write():
    if os.environ.get("LATENTSPACE_WRITE_GOLDEN"):
        texts = ls.fit(TEXTS, "lsa", dims=2)
        (GOLDEN / f"version{VERSION}-texts.lsz").write_bytes(texts.compress(TEXTS, embed=True))
        numbers = ls.fit(rows(), dims=2, density="gaussian")
        (GOLDEN / f"version{VERSION}-latents.lsz").write_bytes(numbers.compress(embed=True, quality=95))
        (GOLDEN / f"version{VERSION}-rows.lsz").write_bytes(packed_table(True))
        (GOLDEN / f"version{VERSION}-table.lsz").write_bytes(packed_table(False))


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_the_containers_of_every_version_open(version):
    assert decompress((GOLDEN / f"version{version}-texts.lsz").read_bytes()) == TEXTS
    back = decompress((GOLDEN / f"version{version}-latents.lsz").read_bytes())
    np.testing.assert_allclose(np.asarray(back), rows(), atol=0.05)
    for name in ("rows", "table"):
        back = decompress((GOLDEN / f"version{version}-{name}.lsz").read_bytes())
        pd.testing.assert_frame_equal(back, table(), check_dtype=False)


def test_every_format_has_a_file_that_must_open_for_ever():
    spaces = Path(__file__).parents[1] / "store" / "golden"
    assert {path.name for path in spaces.glob("*.latent")} == {f"format{n}.latent" for n in range(1, FORMAT + 1)}
    containers = {path.name.split("-")[0] for path in GOLDEN.glob("*.lsz")}
    assert containers == {f"version{n}" for n in range(1, VERSION + 1)}
