"""Mutated files of every format that latentspace opens: no crash, no hang, nothing executed, errors in words."""

import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path

import hostile_campaign
import hostile_watch
import pytest
from hostile_batch import FORMATS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc and limits by RLIMIT_AS")
HERE = Path(__file__).parent


@pytest.fixture
def seeds(tmp_path):
    for extra in ("soundfile", "pandas", "pyarrow", "torch", "onnxruntime"):
        if importlib.util.find_spec(extra) is None:  # importing torch here would take seconds for nothing
            pytest.skip(f"needs {extra}")
    return tmp_path / "seeds"


def _nothing_wrong(campaign, files):
    assert len(campaign.told) == files
    assert not campaign.wrong, "\n".join(map(str, campaign.wrong))
    count = campaign.count()
    assert count["refused"] > files / 5, "the mutations do no damage"
    assert count["opened"] > files / 10, "nothing gets past the door"


def test_mutated_files_are_opened_or_refused_in_words(seeds, tmp_path):
    _nothing_wrong(hostile_campaign.run(seeds, tmp_path, 200, few=True), 200)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_10000_mutated_files_crash_hang_fill_and_execute_nothing(seeds, tmp_path):
    _nothing_wrong(hostile_campaign.run(seeds, tmp_path, 10_000, seed=1), 10_000)


@pytest.mark.slow
def test_small_files_that_stand_for_large_ones_take_little_memory_and_time(tmp_path):
    pytest.importorskip("pyarrow")
    done = subprocess.run(
        [sys.executable, str(HERE / "hostile_bombs.py"), str(tmp_path)], capture_output=True, text=True, check=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 11
    wrong = [row for row in rows if row["memory"] > hostile_campaign.MEMORY or row["seconds"] > hostile_watch.SECONDS]
    assert not wrong
    opened = [row["what"] for row in rows if row["outcome"] != "refused"]
    assert opened == ["a picture of 25 million equal pixels"]


def test_every_format_has_files_to_start_from():
    assert set(FORMATS) == {
        "picture", "sound", "table", "array", "text", "latent", "lsz", "onnx", "checkpoint", "vectors",
    }  # fmt: skip


# ---------------------------------------------------------------------- the watch itself
@pytest.mark.parametrize(
    "trap",
    [
        "unpickle", "run_text", "import_beside", "system", "process", "connect", "write_outside", "write_above",
        "remove_outside", "code",
    ],
)  # fmt: skip
def test_the_watch_ends_a_process_that_executes_connects_or_writes(trap, tmp_path):
    assert _sprung(trap, tmp_path).returncode == 99


@pytest.mark.parametrize(("trap", "by"), [("hang", signal.SIGPROF), ("wait", signal.SIGALRM)])
def test_the_clock_ends_a_process_that_works_or_waits_too_long(trap, by, tmp_path):
    assert _sprung(trap, tmp_path).returncode == -by


def test_the_watch_leaves_alone_what_writes_in_its_own_folder(tmp_path):
    done = _sprung("nothing", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_memory_that_was_given_back_is_measured():
    done = _run("measure")
    assert 190 <= int(done.stdout) <= 260


def _sprung(trap, tmp_path):
    (tmp_path / "outside").write_text("there before")
    (tmp_path / "folder").mkdir()
    return _run(trap, str(tmp_path / "folder"))


def _run(*arguments):
    command = [sys.executable, str(HERE / "hostile_traps.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
