"""`ls.check`, `space.backup` and their commands, over real digits."""

import json
import sqlite3

import numpy as np
import pytest
from PIL import Image

import latentspace as ls
from latentspace.cli import main
from latentspace.errors import CorruptFileError, UnsupportedError


@pytest.fixture(scope="module")
def made(tmp_path_factory, digits):
    """The bytes of a space of 150 digits with a map, and of its items compressed, the model embedded."""
    folder = tmp_path_factory.mktemp("made")
    for i in range(150):
        Image.fromarray(digits[0][i]).save(folder / f"{i:03d}.png")
    space = ls.fit(folder, dims=6)
    space.map("pca")
    path = space.save(folder / "digits.latent")
    return path.read_bytes(), space.compress(embed=True), space


@pytest.fixture
def path(tmp_path, made):
    (tmp_path / "digits.latent").write_bytes(made[0])
    return tmp_path / "digits.latent"


@pytest.fixture
def container(tmp_path, made):
    (tmp_path / "digits.lsz").write_bytes(made[1])
    return tmp_path / "digits.lsz"


@pytest.fixture
def run(capsys):
    def runs(*words, code=0):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, words)))
        told = capsys.readouterr()
        assert ended.value.code == code, told.err
        return told

    return runs


def change(path, sql, *values):
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(sql, values)
    connection.close()


def test_a_saved_space_is_whole(path):
    checked = ls.check(path)
    assert checked.whole, str(checked)
    assert checked.counts["items"] == 150
    assert str(checked).startswith(f"{path} is whole: 150 items, ")


def test_parts_that_are_whole_but_do_not_make_a_space_are_found(path, made):
    from latentspace import store

    found = store.read(path)
    found.latents = np.ascontiguousarray(found.latents[:, :5])
    store.write(path, found, overwrite=True)
    (finding,) = ls.check(path).findings
    assert finding.part == "space"
    assert "a model of 6 dims beside latents of 5" in finding.problem
    path.write_bytes(made[0])
    found = store.read(path)
    found.arrays.pop("model/axes_")
    store.write(path, found, overwrite=True)
    assert [one.part for one in ls.check(path).findings] == ["model"]


def test_a_thumbnail_that_is_no_picture_is_found(tmp_path):
    from latentspace import store

    space = ls.fit(np.eye(8, dtype=np.float32), dims=2)
    space.save(tmp_path / "eye.latent")
    found = store.read(tmp_path / "eye.latent")
    found.thumbnails = [b"no picture"] * 8
    store.write(tmp_path / "eye.latent", found, overwrite=True)
    (finding,) = ls.check(tmp_path / "eye.latent").findings
    assert (finding.part, finding.mend) == ("thumbnails", None)


def test_the_command_says_what_is_damaged_and_repairs_only_what_can_be_made_again(path, run):
    assert run("check", path).out.startswith(f"{path} is whole")
    change(path, "INSERT INTO blobs VALUES ('cache/lost/facts', 0, '{}', 1)")
    told = run("check", path, code=1)
    assert "a repair leaves it out" in told.out
    assert f"latentspace check {path} --repair" in told.err
    mended = json.loads(run("check", path, "--repair", "--json").out)
    assert mended["whole"]
    assert mended["repaired"] == ["cache/lost/facts was left out; nothing referred to it."]
    change(path, "UPDATE latents SET data = zeroblob(length(data))")
    before = path.read_bytes()
    told = run("check", path, "--repair", code=1)
    assert "latents: segment 0 of its latents does not match its check sum." in told.out
    assert path.read_bytes() == before


def test_a_container_is_whole_and_every_damaged_byte_is_found(container):
    checked = ls.check(container)
    assert checked.whole, str(checked)
    assert checked.counts["items"] == 150
    whole = container.read_bytes()
    for at in range(0, len(whole), len(whole) // 60):
        data = bytearray(whole)
        data[at] ^= 4
        container.write_bytes(data)
        try:
            assert not ls.check(container).whole, at
        except CorruptFileError:
            assert at < 2000, "only in the prefix"


@pytest.mark.parametrize("lost", [1, 12, 30, 40])
def test_a_container_whose_end_is_lost_gets_its_index_back(container, made, lost):
    container.write_bytes(made[1][:-lost])
    assert {one.mend for one in ls.check(container).findings} == {"rewrite"}
    checked = ls.check(container, repair=True)
    assert checked.whole, str(checked)
    assert container.read_bytes() == made[1], "the index is what it was, byte for byte"


def test_a_container_that_is_cut_within_a_block_is_left_as_it_is(container, made):
    cut = made[1][: -len(made[1]) // 8]
    container.write_bytes(cut)
    checked = ls.check(container, repair=True)
    assert not checked.whole
    assert container.read_bytes() == cut


def test_a_container_with_a_damaged_block_gets_no_index_that_calls_it_whole(container, made):
    data = bytearray(made[1][:-3])
    data[-300] ^= 1
    container.write_bytes(data)
    assert not ls.check(container, repair=True).whole
    assert container.read_bytes() == bytes(data)


def test_what_is_neither_is_refused_in_words(tmp_path, run):
    (tmp_path / "notes.latent").write_text("some notes\n")
    (tmp_path / "notes.lsz").write_text("some notes\n")
    for name in ("notes.latent", "notes.lsz", "none.latent", "none.lsz"):
        told = run("check", tmp_path / name, code=1)
        assert name.split(".")[0] in told.err
        assert "Traceback" not in told.err
        assert told.out == ""


def test_a_space_is_copied_while_it_is_open(path, tmp_path, run, made):
    space = ls.load(path)
    copy = space.backup(tmp_path / "copy.latent")
    assert space.path == path
    space.remove(space.ids[:10])
    assert len(ls.load(copy)) == 150
    with pytest.raises(FileExistsError, match="overwrite=True"):
        space.backup(copy)
    space.backup(copy, overwrite=True)
    assert len(ls.load(copy)) == 140
    assert "there already" in run("backup", path, "-o", copy, code=1).err
    facts = json.loads(run("backup", path, "-o", tmp_path / "another.latent", "--json").out)
    assert facts["version"] == 2
    assert ls.check(tmp_path / "another.latent").whole
    with pytest.raises(UnsupportedError, match=r"space\.save"):
        ls.fit(np.eye(5, dtype=np.float32), dims=2).backup(tmp_path / "x.latent")
