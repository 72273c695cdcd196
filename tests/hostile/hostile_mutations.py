"""Ways to damage a file: blindly, or with what its format checks put right again, so that the damage gets in."""

import gzip
import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MOST = 1 << 20  # bytes that a mutation may make of a file
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
_WORDS = (
    b"NaN", b"inf", b"-1", b"0", b"1e999", b"9" * 40, b"-9223372036854775809", b"null", b"[]", b"{}", b'"', b"\0",
    b"\xff", b"../../etc/passwd", b"/etc/passwd", b"__import__('os')", b"\n", b",", b"\r\n", b"2020-13-45", b"[" * 3000,
)  # fmt: skip
_JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**63, 10**30, -0.0, 1e308, "", "os.system", "../../x", "\ud800", "a" * 5000, [], {},
    [[]], {"kind": "x"}, [1, "a", None],
)  # fmt: skip


def mutated(path: Path, others: list[Path], chance: random.Random) -> bytes:
    """One to four blind changes, or one of the format's own."""
    data = path.read_bytes()
    own = _inside_of(path)
    if own is not None and chance.random() < 0.6:
        return own(data, chance)
    return blindly(data, chance, others)


def blindly(data: bytes, chance: random.Random, others: list[Path] = ()) -> bytes:  # type: ignore[assignment]
    held = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        if others and chance.random() < 0.05:
            _splice(held, chance, chance.choice(others).read_bytes())
        else:
            chance.choice(BLIND)(held, chance)
        del held[MOST:]
    return bytes(held)


# ---------------------------------------------------------------------- blind
def _flip(held: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        if held:
            held[chance.randrange(len(held))] ^= 1 << chance.randrange(8)


def _flip_at_the_start(held: bytearray, chance: random.Random) -> None:
    if held:
        held[chance.randrange(min(64, len(held)))] = chance.randrange(256)


def _edge(held: bytearray, chance: random.Random) -> None:
    """A number as large or as odd as its field holds, of 1 to 8 bytes, of either order."""
    width, value = chance.choice((1, 2, 4, 8)), chance.choice(_EDGES)
    packed = (value & (1 << 8 * width) - 1).to_bytes(width, chance.choice(("little", "big")))
    at = chance.randrange(len(held) + 1)
    held[at : at + width] = packed


def _cut(held: bytearray, chance: random.Random) -> None:
    del held[chance.randrange(len(held) + 1) :]


def _take_out(held: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(held) + 1)
    del held[at : at + chance.choice((1, 4, 16, 256))]


def _double(held: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(held) + 1)
    piece = held[at : at + chance.choice((1, 8, 64, 512))]
    held[at:at] = piece * chance.choice((1, 2, 100))


def _put_in(held: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(held) + 1)
    held[at:at] = chance.randbytes(chance.choice((1, 4, 100)))


def _blank(held: bytearray, chance: random.Random) -> None:
    at, n = chance.randrange(len(held) + 1), chance.choice((4, 64, 1024))
    n = min(n, len(held) - at)
    held[at : at + n] = chance.choice((b"\0", b"\xff", b" ")) * n


def _word(held: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(held) + 1)
    held[at : at + chance.choice((0, 0, 3))] = chance.choice(_WORDS)


def _number(held: bytearray, chance: random.Random) -> None:
    """Another number where digits stand."""
    found = list(re.finditer(rb"\d+", held[:65536]))
    if found:
        one = chance.choice(found)
        held[one.start() : one.end()] = str(chance.choice(_EDGES)).encode()


def _splice(held: bytearray, chance: random.Random, other: bytes) -> None:
    at = chance.randrange(len(held) + 1)
    held[at:] = other[chance.randrange(len(other) + 1) :]


BLIND: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip, _flip_at_the_start, _edge, _edge, _cut, _take_out, _double, _put_in, _blank, _word, _number,
)  # fmt: skip


# ---------------------------------------------------------------------- with checks put right
def _inside_of(path: Path) -> Callable[[bytes, random.Random], bytes] | None:
    if path.suffix == ".npz":
        return _archive
    return {".png": _png, ".gz": _gzip, ".latent": _latent, ".lsz": _container}.get(path.suffix)


def _png(data: bytes, chance: random.Random) -> bytes:
    """Chunks changed, their check sums right; pixels changed under zlib's own check."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        chunks.append([data[at + 4 : at + 8], data[at + 8 : at + 8 + length]])
        at += 12 + length
    one = chance.choice(chunks)
    if one[0] == b"IDAT" and chance.random() < 0.7:
        one[1] = zlib.compress(blindly(zlib.decompress(one[1]), chance))
    elif chance.random() < 0.2:
        chunks.insert(
            chance.randrange(len(chunks)),
            [chance.choice((b"iCCP", b"tEXt", b"zTXt", b"acTL", b"eXIf", b"PLTE")), chance.randbytes(40)],
        )
    else:
        one[1] = blindly(one[1], chance)
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _gzip(data: bytes, chance: random.Random) -> bytes:
    return gzip.compress(blindly(gzip.decompress(data), chance), mtime=0)


def _archive(data: bytes, chance: random.Random) -> bytes:
    """A member changed, or named otherwise; the archive's own check sums right."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        hit = chance.choice(names)
        for name in names:
            body = old.read(name)
            if name == hit:
                body = blindly(body, chance)
                if chance.random() < 0.1:
                    name = chance.choice(("../x.npy", "/tmp/x.npy", "x.npy", "y.npy", "shape.npy", "a/b.npy", ""))
            new.writestr(name or "_", body)
    return out.getvalue()


def _latent(data: bytes, chance: random.Random) -> bytes:
    """A whole file, every check sum right, whose manifest, arrays or maps lie."""
    import tempfile

    from latentspace import store

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.latent"
        path.write_bytes(data)
        held = store.read(path)
        for _ in range(chance.choice((1, 1, 3))):
            _lie(held, chance)
        try:
            store.write(path, held, overwrite=True)
        except (ValueError, TypeError, OverflowError):  # the writer refuses what no file could hold
            return blindly(data, chance)
        return path.read_bytes()


def _lie(held: Any, chance: random.Random) -> None:
    part = chance.random()
    if part < 0.55:
        _change_json(held.manifest, chance)
    elif part < 0.9 and held.arrays:
        name = chance.choice(sorted(held.arrays))
        if chance.random() < 0.1:
            del held.arrays[name]
        else:
            held.arrays[name] = _changed_array(held.arrays[name], chance)
    elif held.maps:
        one = held.maps[chance.choice(sorted(held.maps))]
        if chance.random() < 0.5:
            _change_json(one["facts"], chance)
        elif one["arrays"]:
            name = chance.choice(sorted(one["arrays"]))
            one["arrays"][name] = _changed_array(one["arrays"][name], chance)


def _changed_array(x: np.ndarray, chance: random.Random) -> np.ndarray:
    x = x.copy()
    way = chance.randrange(8)
    if way == 0 and x.size:
        return x.reshape(-1)
    if way == 1:
        return x[: len(x) // 2] if x.ndim else x[None]
    if way == 2:
        return x.astype(chance.choice(("float64", "int8", "uint64", "bool", "float16")))
    if way == 3:
        return x[..., None]
    if way == 4:
        return np.zeros((0,) * max(1, x.ndim), x.dtype)
    if way == 5 and x.ndim:
        return np.concatenate([x, x])
    if x.size:
        edges = [0, 1, -1] + ([np.nan, np.inf, 1e38] if x.dtype.kind == "f" else [127])
        with np.errstate(all="ignore"):
            x.reshape(-1)[chance.randrange(x.size)] = np.array(chance.choice(edges)).astype(x.dtype)
    return x


def _change_json(value: Any, chance: random.Random) -> None:
    """Changes, drops or adds one value somewhere in a document."""
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        for key, child in pairs:
            places.append((node, key))
            if isinstance(child, dict | list):
                walk(child)

    walk(value)
    if not places:
        return
    node, key = chance.choice(places)
    if chance.random() < 0.15:
        del node[key]
    elif chance.random() < 0.5 and isinstance(node[key], int | float) and not isinstance(node[key], bool):
        node[key] = chance.choice((0, -1, 1, node[key] + 1, node[key] * 1000, 2**31, 10**18, 0.5))
    else:
        node[key] = chance.choice(_JUNK)


def _container(data: bytes, chance: random.Random) -> bytes:
    """A `.lsz` whose header, directories, model or payloads are changed under right check sums."""
    from latentspace.codec import framing

    stream = io.BytesIO(data)
    header, at = framing.read_prefix(stream)
    frames = []
    while True:
        frame = framing.unpack_frame(data[at : at + framing.FRAME_BYTES], len(frames), at)
        payload = frame.at + frame.directory
        frames.append([frame.tag, data[frame.at : payload], data[payload : frame.end], frame.items])
        at = frame.end
        if frame.tag == b"I":
            break
    part = chance.random()
    if part < 0.4:
        words = json.loads(header)
        _change_json(words, chance)
        header = json.dumps(words).encode() if chance.random() < 0.9 else blindly(header, chance)
    else:
        one = chance.choice(frames)
        if one[0] == b"M" and chance.random() < 0.8:
            one[2] = _model(one[2], chance)
            return _packed(header, frames)
        which = chance.choice((1, 2, 2, 3))
        one[which] = (
            min(max(0, one[3] + chance.choice((-1, 1, 1000))), 2**20) if which == 3 else blindly(one[which], chance)
        )
    return _packed(header, frames)


def _model(data: bytes, chance: random.Random) -> bytes:
    from latentspace.codec import state

    facts, arrays = state.unpacked_state(data)
    if arrays and chance.random() < 0.5:
        name = chance.choice(sorted(arrays))
        arrays[name] = _changed_array(arrays[name], chance)
    else:
        _change_json(facts, chance)
    return state.packed_state(facts, arrays)


def _packed(header: bytes, frames: list[list[Any]]) -> bytes:
    from latentspace.codec import framing

    out = bytearray(framing.pack_prefix(header))
    for number, (tag, directory, payload, items) in enumerate(frames):
        out += framing.pack_frame(tag, number, directory, payload, items) + directory + payload
    whole = framing.digest()
    whole.update(bytes(out))
    return bytes(out) + framing.pack_trailer(frames[-1][2], whole.digest())
