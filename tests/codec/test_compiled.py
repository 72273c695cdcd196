"""What numba keeps of the coders' loops is good for one state of their files, or a coder writes what none can read."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from latentspace.codec import compiled

INNER = """
from .compiled import njit
STEP = {step}
@njit(cache=True)
def inner(x):
    return x + STEP
"""
OUTER = """
from .compiled import njit
from .inner import inner
@njit(cache=True)
def outer(x):
    return 10 * inner(x)
"""


def ran(where: Path) -> list[int]:
    code = (
        "from room.outer import outer; value = outer(1)\n"
        "stats = getattr(outer, 'stats', None)\n"
        "print(value, sum(stats.cache_hits.values()) if stats else 0)"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(where / "cache"), "PYTHONPATH": str(where)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_a_loop_is_compiled_again_where_what_it_calls_has_changed(tmp_path):
    pytest.importorskip("numba")
    room = tmp_path / "room"
    room.mkdir()
    (room / "__init__.py").touch()
    shutil.copy(compiled.__file__, room / "compiled.py")
    (room / "outer.py").write_text(OUTER)
    (room / "inner.py").write_text(INNER.format(step=1))
    assert ran(tmp_path) == [20, 0]
    assert ran(tmp_path) == [20, 1]  # kept
    (room / "inner.py").write_text(INNER.format(step=5))
    assert ran(tmp_path) == [60, 0]  # with numba's own decorator this is 20


def test_without_numba_a_function_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(compiled, "IS_COMPILED", False)
    assert compiled.njit(cache=True)(len) is len
