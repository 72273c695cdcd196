"""Small files that stand for large ones, made by hand. Run as `python hostile_bombs.py FOLDER`: a JSON line for each.

Each line has the file's bytes, what came of opening it, and the most memory and processor time that this took.
"""

import gzip
import json
import struct
import sys
import time
import zipfile
import zlib
from pathlib import Path

import hostile_opening
import hostile_seeds
import hostile_watch
import numpy as np


def _png(side: int, said: int) -> bytes:
    """RGBA of equal pixels, `side` of them a row, whose header says `said`."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer, packed = zlib.compressobj(9), b""
    for _ in range(side):
        packed += packer.compress(bytes(1 + 4 * side))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", said, said, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed + packer.flush()) + chunk(b"IEND", b"")


def _wide_gif() -> bytes:
    return b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\0\0" + bytes(6) + b"\x2c" + bytes(8) + b"\0\x02\0;"


def _long_wav() -> bytes:
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFE) + head + b"data" + struct.pack("<I", 0xFFFFFF00) + bytes(4000)


def _npz_of_zeros(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as file:
        file.write(_npy("(1000000000, 64)"))
        for _ in range(64):
            file.write(bytes(1 << 20))


def _parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    dictionary = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10_000_000, np.int32)), pa.array([1.5]))
    table = pa.table({"a": dictionary})
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(8):
            writer.write_table(table)


def _npy(shape: str) -> bytes:
    told = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\0v\0" + told.ljust(117) + b"\n"


def _wide_csv(columns: int) -> bytes:
    return b",".join(b"c%d" % i for i in range(columns)) + b"\n" + b"1," * (columns - 1) + b"1\n"


def make(folder: Path) -> dict[str, tuple[str, Path]]:
    """Writes the files: kind and path, by what they are."""
    with gzip.open(folder / "lines.csv.gz", "wb", compresslevel=9) as file:
        file.write(b"a,b\n")
        for _ in range(80):
            file.write(b"1,2\n" * (1 << 18))
    _npz_of_zeros(folder / "zeros.npz")
    _parquet(folder / "equal.parquet")
    files = {
        "a picture that says 900 million pixels": ("picture", "huge.png", _png(300, 30_000)),
        "a picture of 25 million equal pixels": ("picture", "large.png", _png(5000, 5000)),
        "a GIF that says 65,535 x 65,535": ("picture", "wide.gif", _wide_gif()),
        "a WAV that says 4 GB": ("sound", "long.wav", _long_wav()),
        "an array that says 4 TB": ("array", "long.npy", _npy("(1000000000000,)")),
        "a table of one line of 20 MB": ("table", "line.csv", b"a" * (20 << 20)),
        "a table of 300,000 columns": ("table", "wide.csv", _wide_csv(300_000)),
        "JSON 200,000 deep": ("table", "deep.jsonl", b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"),
    }
    for _, name, data in files.values():
        (folder / name).write_bytes(data)
    return {what: (kind, folder / name) for what, (kind, name, _) in files.items()} | {
        "80 MB of lines in a gzip": ("table", folder / "lines.csv.gz"),
        "an archive that says 256 GB": ("array", folder / "zeros.npz"),
        "80 million equal rows in Parquet": ("table", folder / "equal.parquet"),
    }


def main(folder: Path) -> None:
    rng = np.random.default_rng(0)
    made = (hostile_seeds._pictures(folder, rng), hostile_seeds._sounds(folder), hostile_seeds._tables(folder, rng))
    for kind, seeds in zip(("picture", "sound", "table"), made, strict=True):  # what opening imports is there before
        for one in (seeds[0], seeds[-1]):
            hostile_opening.outcome_of(kind, one)
    for what, (kind, path) in make(folder).items():
        before = hostile_watch.resident()
        hostile_watch.forget_peak()
        start = time.process_time()
        outcome, message = hostile_opening.outcome_of(kind, path)
        row = {"what": what, "bytes": path.stat().st_size, "outcome": outcome, "message": message[:200]}
        row |= {"memory": hostile_watch.peak() - before, "seconds": round(time.process_time() - start, 2)}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
