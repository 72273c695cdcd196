import json
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from store_samples import contents

from latentspace import store
from latentspace.errors import CorruptFileError


@pytest.mark.skipif(sys.platform != "linux", reason="limits its memory by /proc and RLIMIT_AS")
@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_copies_are_refused_or_right_and_never_crash_hang_or_execute(tmp_path, seed):
    space = contents(400)
    space.caches["graph"] = store.Cache({"k": 5}, {"positions": np.ones((400, 5), np.int32)}, np.arange(1, 400))
    store.write(tmp_path / "space.latent", space)
    script = Path(__file__).with_name("read_damaged.py")
    command = [sys.executable, str(script), str(tmp_path / "space.latent"), "121", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"a copy ended the reader with {done.returncode}: {done.stderr}"
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(outcomes) == 121
    kinds = Counter(outcome["error"] for outcome in outcomes)
    assert set(kinds) <= {None, "CorruptFileError", "UnsupportedError"}, kinds
    assert kinds["CorruptFileError"] > 60, kinds
    assert all(
        len(outcome["message"]) > 30 and "copy.latent" in outcome["message"] for outcome in outcomes if outcome["error"]
    )


@pytest.mark.parametrize(
    ("trace", "what"),
    [
        (lambda space: space.latents.tobytes()[8:40], "segment 0 of its latents does not match its check sum"),
        (lambda space: space.ids[20].encode(), "the ids of items 0 to 1,023 does not match its check sum|index"),
        (lambda space: space.thumbnails[49], "thumbnail at position 49"),
        (lambda space: space.arrays["model/axes_"].tobytes()[:64], "'array/model/axes_' does not match its check sum"),
        (lambda space: space.maps["pca"]["arrays"]["coordinates"].tobytes()[:64], "'map/pca/array/coordinates'"),
        (lambda _: b'"family":"pca"', "'manifest' does not match its check sum"),
        (lambda _: b'"rows_per_segment"', "'layout' does not match its check sum"),
        (lambda _: struct.pack(">d", 20 / 7), "metadata column 'price'"),
    ],
)
def test_one_flipped_bit_is_named(tmp_path, trace, what):
    path = tmp_path / "space.latent"
    space = contents(60)
    store.write(path, space)
    data = bytearray(path.read_bytes())
    at = data.find(trace(space))
    assert at > 0
    data[at + len(trace(space)) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(CorruptFileError, match=f"space.latent is damaged: .*({what})"):
        store.read(path)


def test_damage_in_one_part_leaves_the_others_readable(tmp_path):
    path = tmp_path / "space.latent"
    space = contents(60)
    store.write(path, space)
    data = bytearray(path.read_bytes())
    data[data.find(space.latents.tobytes()[8:40])] ^= 1
    path.write_bytes(data)
    with store.LatentFile(path) as file:
        with pytest.raises(CorruptFileError, match="latents"):
            file.latents()
        assert file.ids() == space.ids
        assert np.array_equal(file.features(), space.features)


def test_a_change_does_not_bless_damage_with_a_new_check_sum(tmp_path):
    path = tmp_path / "space.latent"
    space = contents(60)
    store.write(path, space)
    data = bytearray(path.read_bytes())
    data[data.find(space.latents.tobytes()[8:40])] ^= 1
    data[data.find(struct.pack(">d", 20 / 7)) + 7] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptFileError, match="latents"):
        store.append(path, ["x"], {}, np.ones((1, 6)), np.zeros((1, 1, 6, 5), np.uint8), [b""])
    with pytest.raises(CorruptFileError, match="price"):
        store.remove(path, [space.ids[0]])
    assert path.read_bytes() == bytes(data)
