import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

import numpy as np
import pytest
from store_samples import assert_same, contents

from latentspace import store
from latentspace.store import build, replace


@pytest.fixture
def path(tmp_path):
    store.write(tmp_path / "space.latent", contents(40))
    return str(tmp_path / "space.latent")


def start(code: str, *arguments: str) -> subprocess.Popen:
    """Starts a process that runs `code` with the store imported; it prints "ready" when it is."""
    head = "import sys, time\nimport numpy as np\nfrom latentspace import store\npath = sys.argv[1]\n"
    process = subprocess.Popen(
        [sys.executable, "-c", head + textwrap.dedent(code), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen) -> str:
    """Returns what the process printed after "ready". Not communicate(): that loses what readline() had buffered."""
    out = process.stdout.read()
    assert process.wait(timeout=60) == 0
    return out


def rows(start, n=20):
    ids = [f"{start}-{i}" for i in range(n)]
    return ids, {}, np.full((n, 6), start, np.float32), np.zeros((n, 1, 6, 5), np.uint8), [b"p"] * n


READER = """
print("ready", flush=True)
seen = []
while True:
    found = store.read(path)
    steps = found.latents[40:, 0].astype(int).tolist()
    whole = [s for s in range(len(steps) // 20) for _ in range(20)]
    assert steps == whole and found.manifest["steps"] == len(steps) // 20, (steps, found.manifest)
    assert len(found.features) == len(found.thumbnails) == len(found.ids) == len(steps) + 40
    seen.append(found.manifest["steps"])
    if seen[-1] == 40:
        break
assert seen == sorted(seen)
print(len(set(seen)), flush=True)
"""


def test_readers_in_other_processes_see_whole_states_while_one_writes(path):
    store.put(path, manifest={"steps": 0})
    readers = [start(READER, path) for _ in range(2)]
    for step in range(40):
        store.append(path, *rows(step), manifest={"steps": step + 1})
        time.sleep(0.005)
    for reader in readers:
        assert int(finish(reader)) > 1, "the reader never read while the writer wrote"


def test_two_writing_processes_lose_nothing_of_each_other(path):
    code = """
    print("ready", flush=True)
    for i in range(25):
        store.append(path, [f"{sys.argv[2]}-{i}"], {}, np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b""])
    """
    writers = [start(code, path, name) for name in ("a", "b")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    found = store.read(path)
    assert set(found.ids[40:]) == {f"{name}-{i}" for name in ("a", "b") for i in range(25)}
    assert store.version(path) == 51


def test_a_second_writer_is_told_who_is_in_its_way(path):
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for change in (
        lambda: store.append(path, *rows(0), wait=0.1),
        lambda: store.remove(path, ["x"], wait=0.1),
        lambda: store.write(path, contents(1), overwrite=True, wait=0.1),
    ):
        with pytest.raises(TimeoutError, match=r"space\.latent is in use: another process"):
            change()
    holder.close()
    assert_same(store.read(path), contents(40))
    assert os.listdir(os.path.dirname(path)) == ["space.latent"]


def test_a_commit_waits_for_a_reader_and_gives_up_whole(path):
    with store.LatentFile(path) as file:
        with pytest.raises(TimeoutError, match="an open LatentFile"):
            store.append(path, *rows(0), wait=0.1)
        assert_same(file.contents(), contents(40))
        waiting = threading.Thread(target=store.append, args=(path, *rows(0)))
        waiting.start()
        time.sleep(0.1)
        assert_same(file.contents(), contents(40))
    waiting.join(timeout=30)
    assert len(store.read(path)) == 60


def test_other_reads_in_a_process_do_not_drop_the_lock_of_one_that_is_open(path):
    # POSIX drops all locks that a process has on a file when it closes any descriptor of it.
    with store.LatentFile(path) as file:
        with pytest.raises(TimeoutError):
            store.append(path, *rows(0), wait=0.05)
        store.version(path)
        store.read(path)
        code = """
        print("ready", flush=True)
        try:
            store.append(path, ["x"], {}, np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b""], wait=0.2)
        except TimeoutError:
            print("waited", flush=True)
        """
        assert finish(start(code, path)) == "waited\n"
        assert_same(file.contents(), contents(40))


def test_a_new_file_never_takes_the_place_of_one_that_came_while_it_was_written(tmp_path, path):
    def fill(connection):
        layout = build.fill(connection, contents(3), None)
        store.write(tmp_path / "late.latent", contents(5))  # another process, let us say
        return layout

    with pytest.raises(FileExistsError, match="overwrite=True"):
        replace.write_new(str(tmp_path / "late.latent"), fill, overwrite=False, wait=1)
    assert_same(store.read(tmp_path / "late.latent"), contents(5))
    assert sorted(os.listdir(tmp_path)) == ["late.latent", "space.latent"]


def test_an_append_that_waits_while_the_file_is_replaced_goes_to_the_new_file(tmp_path, path):
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    appender = start(
        """
        print("ready", flush=True)
        store.append(path, ["late"], {}, np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b""])
        """,
        path,
    )
    time.sleep(0.2)
    assert appender.poll() is None, "it waits for the holder"
    store.write(tmp_path / "other.latent", contents(10, seed=3))
    os.replace(tmp_path / "other.latent", path)
    holder.close()
    assert appender.wait(timeout=60) == 0
    assert store.read(path).ids == [*contents(10, seed=3).ids, "late"]


def test_a_reader_of_the_old_file_goes_on_when_it_is_replaced(path):
    with store.LatentFile(path) as file:
        # A write keeps other writers out of the old file, not readers.
        store.write(path, contents(3, seed=1), overwrite=True)
        assert_same(file.contents(), contents(40))
    assert_same(store.read(path), contents(3, seed=1))


KILLED = """
import os, sqlite3
connection = sqlite3.connect(path, isolation_level=None)
connection.execute("PRAGMA cache_size=1")  # so that half of the change is in the file already
connection.execute("BEGIN")
connection.execute("UPDATE latents SET data = zeroblob(length(data))")
connection.execute("UPDATE thumbnails SET data = zeroblob(90000)")
print("ready", flush=True)
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_writer_left_half_done_is_rolled_back_by_the_next_to_open(tmp_path, path):
    start(KILLED, path).wait(timeout=30)
    assert os.path.getsize(path + "-journal") > 0
    assert_same(store.read(path), contents(40))
    assert os.listdir(tmp_path) == ["space.latent"]


def test_a_journal_that_another_file_left_is_not_rolled_back_into_a_new_one(tmp_path, path):
    start(KILLED, path).wait(timeout=30)
    assert os.path.getsize(path + "-journal") > 0
    os.unlink(path)
    store.write(path, contents(5, seed=2))
    assert_same(store.read(path), contents(5, seed=2))
    assert os.listdir(tmp_path) == ["space.latent"]


def test_a_file_is_read_in_a_folder_that_cannot_be_written():
    # root may write anywhere, so the reader first drops what makes it root (and must find the folder: not in tmp_path)
    code = """
    import os, safetensors.numpy
    if os.getuid() == 0:
        os.setuid(65534)
    print("ready", flush=True)
    print(len(store.read(path)), flush=True)
    try:
        store.append(path, ["x"], {}, np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b""])
    except PermissionError as error:
        print(error, flush=True)
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "space.latent")
        store.write(path, contents(40))
        os.chmod(path, 0o444)
        os.chmod(folder, 0o555)
        lines = finish(start(code, path)).splitlines()
        assert os.listdir(folder) == ["space.latent"]
        os.chmod(folder, 0o755)
    assert lines[0] == "40"
    assert "space.latent cannot be written" in lines[1]


def test_a_half_done_change_in_a_folder_that_cannot_be_written_says_what_to_do():
    code = """
    import os
    if os.getuid() == 0:
        os.setuid(65534)
    print("ready", flush=True)
    try:
        store.read(path)
    except PermissionError as error:
        print(error, flush=True)
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "space.latent")
        store.write(path, contents(40))
        start(KILLED, path).wait(timeout=30)
        for one, mode in ((path, 0o444), (path + "-journal", 0o444), (folder, 0o555)):
            os.chmod(one, mode)
        said = finish(start(code, path))
        os.chmod(folder, 0o755)
    assert "space.latent has to be rolled back" in said
    assert "copy it, together with space.latent-journal" in said


def test_leftovers_of_a_writer_that_lives_are_not_swept_away(tmp_path, path):
    code = """
    from latentspace.store import replace
    with replace._beside(path) as temporary:
        open(temporary, "wb").close()
        print("ready", flush=True)
        sys.stdin.readline()
    """
    living = start(code, path)
    store.write(path, contents(2), overwrite=True)
    assert [name[-5:] for name in sorted(os.listdir(tmp_path))] == [".part", "atent"]
    living.kill()
    living.wait(timeout=30)
    store.write(path, contents(2), overwrite=True)
    assert os.listdir(tmp_path) == ["space.latent"]
