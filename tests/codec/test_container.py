"""The container: round trips, random access, damage of every byte, and what comes from strangers."""

import io
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.codec import container, directory, framing
from latentspace.codec.container import Reader, Writer
from latentspace.errors import CorruptFileError


def written(items=7, per_block=3, header=None, model=None, solid=False, names=None, metadata=None) -> bytes:
    """A container whose item i has i + 1 bytes of value i, and the shape (i, 2)."""
    stream = io.BytesIO()
    writer = Writer(stream, header or {"coder": "none", "embedded": model is not None}, model)
    names = names or [f"item {i}" for i in range(items)]
    for start in range(0, items, per_block):
        rows = range(start, min(items, start + per_block))
        parts = [bytes([i % 256]) * (i + 1) for i in rows]
        some = {name: [column[i] for i in rows] for name, column in (metadata or {}).items()}
        writer.block([names[i] for i in rows], [(i, 2) for i in rows], b"".join(parts) if solid else parts, some)
    assert writer.close() == len(stream.getvalue())
    return stream.getvalue()


def read_back(blob: bytes):
    reader = Reader(blob)
    return {
        name: part for block in reader.blocks() for name, part in zip(block.directory.names, block.parts(), strict=True)
    }


class Pipe(io.RawIOBase):
    """A stream that cannot seek."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def seekable(self):
        return False

    def readinto(self, into):
        piece = self._data.read(min(len(into), 7))
        into[: len(piece)] = piece
        return len(piece)


@given(
    names=st.lists(st.text(min_size=1), unique=True, max_size=20),
    per_block=st.integers(1, 7),
    note=st.one_of(
        st.none(), st.text(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False)
    ),
)
@settings(max_examples=40, deadline=None)
def test_items_names_in_any_script_and_metadata_come_back(names, per_block, note):
    metadata = {"note": [note] * len(names)} if names else {}
    blob = written(len(names), per_block, names=names or None, metadata=metadata)
    assert list(read_back(blob)) == names
    assert all(part == bytes([i]) * (i + 1) for i, part in enumerate(read_back(blob).values()))
    for block in Reader(blob).blocks():
        assert block.directory.metadata == {"note": [note] * len(block.directory.names)}
    assert Reader(blob).verify() == []


def test_a_thousand_items_are_counted_by_the_index_alone():
    blob = written(1_000, 100, names=[str(i) for i in range(1_000)])
    assert len(Reader(blob)) == 1_000
    assert read_back(blob)["999"] == bytes([999 % 256]) * 1_000


def test_names_that_count_up_take_no_room():
    counted, named = (
        directory.pack(directory.Directory(names, [(1,)] * 1_000, None, {}))
        for names in ([str(i) for i in range(1_000)], [f"{i:04d}" for i in range(1_000)])
    )
    assert len(counted) < 20 < len(named)


def test_a_pipe_gives_the_same_items_as_a_file():
    blob = written(9, 4, model=b"model")
    reader = Reader(Pipe(blob))
    assert reader.model == b"model"
    assert [block.parts() for block in reader.blocks()] == [block.parts() for block in Reader(blob).blocks()]
    assert reader.damage == []


def test_every_flipped_byte_is_found_and_named_and_the_other_blocks_read():
    blob = written(7, 3, model=b"what was learned", metadata={"label": [*"abcdefg"]})
    whole = read_back(blob)
    for place in range(len(blob)):
        damaged = bytearray(blob)
        damaged[place] ^= 1 << place % 8
        try:
            reader = Reader(bytes(damaged))
        except CorruptFileError:
            assert place < 60  # the prefix, without which nothing can be read
            continue
        found = {}
        for block in reader.blocks():
            try:
                found |= dict(zip(block.directory.names, block.parts(), strict=True))
            except CorruptFileError as error:
                reader.lost(block, error)
        reader.check_whole()
        assert reader.damage, f"byte {place} was flipped, and nobody noticed"
        assert all(str(damage) for damage in reader.damage)
        assert len(found) >= 4, f"byte {place}: {reader.damage}"  # one block of three at most is lost
        assert all(whole[name] == part for name, part in found.items())


def test_every_missing_end_is_found_and_the_blocks_before_it_read():
    blob = written(7, 3)
    whole = read_back(blob)
    for length in range(len(blob)):
        try:
            reader = Reader(blob[:length])
        except CorruptFileError:
            assert length < 60
            continue
        found = {}
        for block in reader.blocks():
            found |= dict(zip(block.directory.names, block.parts(), strict=True))
        assert reader.damage
        assert all(whole[name] == part for name, part in found.items())
    assert len(found) == 7  # of what lacks its last byte only


def test_every_missing_byte_within_is_found():
    blob = written(5, 2)
    for place in range(len(blob)):
        try:
            reader = Reader(blob[:place] + blob[place + 1 :])
        except CorruptFileError:
            continue
        assert reader.verify(), f"byte {place} is missing, and nobody noticed"


@pytest.mark.parametrize("seed", range(4))
def test_a_stranger_s_container_ends_in_a_clear_error_and_bounded_memory(seed):
    rng = np.random.default_rng(seed)
    blob = written(40, 10, model=b"m" * 50, metadata={"label": ["x"] * 40})
    reasons: list[str] = []
    tracemalloc.start()
    for _ in range(250):
        data = bytearray(blob)
        for place in rng.integers(0, len(data), rng.integers(1, 6)):
            data[place] = rng.integers(0, 256)
        if rng.random() < 0.3:
            start = int(rng.integers(0, len(data)))
            del data[start : start + int(rng.integers(1, 100))]
        try:
            reader = Reader(bytes(data))
            for block in reader.blocks():
                block.payload()
            reader.verify()
        except CorruptFileError as error:
            reasons.append(str(error))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20
    assert reasons
    assert all(reasons)


def sealed(header: bytes, frames: list[tuple[bytes, bytes, bytes, int]]) -> bytes:
    """A container with checksums that agree, whatever is in it: what an attacker writes."""
    data = framing.pack_prefix(header)
    places = []
    for number, (tag, packed, payload, items) in enumerate(frames):
        places.append((len(data), items))
        data += framing.pack_frame(tag, number, packed, payload, items) + packed + payload
    numbers = [len(places)]
    last = 0
    for at, items in places:
        numbers += [at - last, items]
        last = at
    index = container.write_varints(numbers)
    data += framing.pack_frame(b"I", len(frames), b"", index, 0) + index
    whole = framing.digest()
    whole.update(data)
    return data + framing.pack_trailer(index, whole.digest())


@pytest.mark.parametrize(
    ("packed", "items", "reason"),
    [
        (b"", 1, "not whole"),
        (b"\xff\xff\xff", 1, "cannot be unpacked"),
        (directory.pack(directory.Directory(["a"], [(1,)], None, {})), 2, "of 1 items, its frame of 2"),
        (directory.pack(directory.Directory(["a"], [(2**20, 2**20)], None, {})), 1, "more than 268,435,456 values"),
        (directory.pack(directory.Directory(["a"], [(1,) * 9], None, {})), 1, "9 dimensions"),
    ],
)
def test_a_directory_with_a_good_checksum_is_not_believed_either(packed, items, reason):
    reader = Reader(sealed(b"{}", [(b"B", packed, b"", items)]))
    assert list(reader.blocks()) == []
    assert reason in str(reader.damage[0])
    assert reader.damage[0].count == items


def test_a_directory_that_unpacks_to_gigabytes_is_refused_in_little_memory():
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(40)) + packer.flush()
    reader = Reader(sealed(b"{}", [(b"B", bomb, b"", 1)]))
    tracemalloc.start()
    assert list(reader.blocks()) == []
    assert tracemalloc.get_traced_memory()[1] < 2**27
    tracemalloc.stop()
    assert "would take over" in str(reader.damage[0])


@pytest.mark.parametrize(
    ("header", "reason"), [(b"[" * 100_000, "cannot be read"), (b"[]", "no object"), (b"{", "cannot be read")]
)
def test_a_header_that_is_no_object_is_refused(header, reason):
    with pytest.raises(CorruptFileError, match=reason):
        Reader(sealed(header, []))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x89LSZ\n\x1a\n", b"\x89LSZ\r\n\x1a\n"])
def test_what_is_no_container_is_told_so(data):
    with pytest.raises(CorruptFileError, match=r"begin|within its prefix"):
        Reader(data)


def test_a_newer_version_is_told_apart_from_damage():
    data = bytearray(framing.pack_prefix(json.dumps({}).encode()))
    data[8] = 9
    data[-4:] = framing._CRC.pack(framing.crc(bytes(data[:-4])))
    with pytest.raises(CorruptFileError, match="version 9"):
        Reader(bytes(data))
