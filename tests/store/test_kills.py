import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL and fork are POSIX's")


@pytest.mark.parametrize(("kind", "moments"), [("changes", 60), ("write", 40)])
def test_a_writer_killed_at_any_moment_leaves_the_state_before_or_after(tmp_path, kind, moments):
    script = Path(__file__).with_name("kill_writer.py")
    done = subprocess.run(
        [sys.executable, str(script), kind, str(tmp_path), str(moments), "5"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["left"] == ["space.latent"], "what killed writers left is swept away by the next write"
    # Were the moments all between two writes, nothing would have been tried.
    assert seen["journals" if kind == "changes" else "leftovers"] > moments // 10, seen
    assert seen["steps"] > 0, seen
