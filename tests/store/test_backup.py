import os
import sqlite3
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from store_samples import assert_same, contents

from latentspace import store
from latentspace.errors import CorruptFileError

WRITER = """
import sys
import numpy as np
from latentspace import store
path = sys.argv[1]
print("ready", flush=True)
for step in range(1000):
    ids = [f"{step}-{i}" for i in range(20)]
    z = np.full((20, 6), step, np.float32)
    store.append(path, ids, {}, z, np.zeros((20, 1, 6, 5), np.uint8), [b"p"] * 20, manifest={"steps": step + 1})
"""


@pytest.fixture
def path(tmp_path):
    store.write(tmp_path / "space.latent", contents(40))
    return tmp_path / "space.latent"


def test_a_copy_has_the_same_contents_and_version(tmp_path, path):
    store.put(path, manifest={"second": "version"})
    assert store.backup(path, tmp_path / "copy.latent") == 2
    assert_same(store.read(tmp_path / "copy.latent"), store.read(path))
    assert store.verify(tmp_path / "copy.latent").whole
    assert sorted(os.listdir(tmp_path)) == ["copy.latent", "space.latent"]


def test_copies_made_while_another_process_writes_are_each_one_state(tmp_path, path):
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(WRITER), str(path)], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"ready\n"
    steps = []
    try:
        while len(steps) < 12 or len(set(steps)) < 3:
            assert writer.poll() is None
            copy = tmp_path / f"copy-{len(steps)}.latent"
            store.backup(path, copy)
            found = store.read(copy)
            step = found.manifest.get("steps", 0)
            assert found.latents[40:, 0].tolist() == [s for s in range(step) for _ in range(20)]
            assert len(found) == len(found.features) == len(found.thumbnails) == 40 + 20 * step
            steps.append(step)
            copy.unlink()
    finally:
        writer.kill()
        writer.wait()
    assert steps == sorted(steps)
    store.append(path, ["after"], {}, np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b""])


def test_nothing_is_replaced_unasked_and_never_the_file_itself(tmp_path, path):
    store.write(tmp_path / "other.latent", contents(3))
    with pytest.raises(FileExistsError, match="overwrite=True"):
        store.backup(path, tmp_path / "other.latent")
    os.symlink(path, tmp_path / "link.latent")
    with pytest.raises(FileExistsError, match="is the file itself"):
        store.backup(path, tmp_path / "link.latent", overwrite=True)
    assert_same(store.read(tmp_path / "other.latent"), contents(3))


def test_a_copy_over_a_file_of_a_later_version_is_seen_to_be_another(tmp_path, path):
    store.write(tmp_path / "old.latent", contents(3))
    for i in range(5):
        store.put(tmp_path / "old.latent", manifest={"i": i})
    assert store.backup(path, tmp_path / "old.latent", overwrite=True) == store.version(tmp_path / "old.latent") == 7
    assert_same(store.read(tmp_path / "old.latent"), contents(40))
    assert store.verify(tmp_path / "old.latent").whole


def test_a_file_whose_structure_is_damaged_leaves_no_copy(tmp_path, path):
    connection = sqlite3.connect(path)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'thumbnails'").fetchone()
    connection.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * 8192 : (page - 1) * 8192 + 100] = b"\x07" * 100
    path.write_bytes(data)
    with pytest.raises(CorruptFileError, match="structure is damaged"):
        store.backup(path, tmp_path / "copy.latent")
    assert os.listdir(tmp_path) == ["space.latent"]
