"""Small sound files of every format that latentspace opens; mutations start from these."""

import gzip
import io
import json
import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

import latentspace as ls

RATE = 8000
TEXTS = [
    "The river rose after days of rain and the bridge was closed.",
    "Rain and wind tomorrow, with sun in the north.",
    "She baked bread with rye flour and a little honey.",
    "Honey, flour, butter: the cake needs nothing else.",
    "The bridge over the river is open again.",
    "Bread from yesterday makes the best toast with butter.",
]
NEURAL = ("vae", "vamp", "svae", "poincare", "vae-iaf", "fsq", "residual-vq", "gan")


def make(folder: Path, few: bool = False) -> dict[str, list[Path]]:
    """Writes the files; returns them by format. The formats are the names of `hostile_opening.OPEN`.

    `few` leaves out what takes a second to make, or torch to be imported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "picture": _pictures(folder, rng),
            "sound": _sounds(folder),
            "table": _tables(folder, rng),
            "array": _arrays(folder, rng),
            "text": _texts(folder),
            "latent": _spaces(folder, rng, few),
            "lsz": _containers(folder, rng, few),
            "vectors": _vectors(folder, rng),
            **({} if few else {"onnx": _networks(folder, rng), "checkpoint": _checkpoints(folder, rng)}),
        }


def pictures(rng: np.random.Generator, n: int = 12) -> list[Image.Image]:
    """Smooth colour pictures of 24 x 24."""
    small = rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
    return [Image.fromarray(one).resize((24, 24), Image.Resampling.BICUBIC) for one in small]


def tone(hertz: float) -> np.ndarray:
    return (0.2 * np.sin(2 * np.pi * hertz * np.arange(RATE // 4) / RATE)).astype(np.float32)


def tones() -> list[tuple[np.ndarray, int]]:
    return [(tone(200 * 2 ** (step / 12)), RATE) for step in range(12)]


# ---------------------------------------------------------------------- what users have
def _pictures(folder: Path, rng: np.random.Generator) -> list[Path]:
    one, two = pictures(rng, 2)
    kinds = {
        "a.png": (one, {}), "grey.png": (one.convert("L"), {}), "palette.png": (one.convert("P"), {}),
        "deep.png": (Image.fromarray(rng.integers(0, 2**16, (24, 24), dtype=np.uint16)), {}),
        "alpha.png": (one.convert("RGBA"), {}), "a.jpg": (one, {"quality": 80}),
        "progressive.jpg": (one, {"progressive": True}), "cmyk.jpg": (one.convert("CMYK"), {}),
        "a.webp": (one, {}), "exact.webp": (one, {"lossless": True}), "a.gif": (one, {}),
        "two.gif": (one, {"save_all": True, "append_images": [two]}), "a.bmp": (one, {}), "a.tif": (one, {}),
        "packed.tif": (one, {"compression": "tiff_lzw"}), "a.ppm": (one, {}),
    }  # fmt: skip
    for name, (image, options) in kinds.items():
        image.save(folder / name, **options)
    return [folder / name for name in kinds]


def _sounds(folder: Path) -> list[Path]:
    import soundfile

    kinds = {
        "a.wav": {}, "float.wav": {"subtype": "FLOAT"}, "u8.wav": {"subtype": "PCM_U8"}, "adpcm.wav":
        {"subtype": "MS_ADPCM"}, "a.flac": {}, "a.ogg": {}, "a.mp3": {}, "a.aiff": {},
    }  # fmt: skip
    for name, options in kinds.items():
        soundfile.write(folder / name, tone(440.0), RATE, **options)
    soundfile.write(folder / "slow.wav", tone(440.0), RATE // 2)  # one that has to be resampled
    return [folder / name for name in (*kinds, "slow.wav")]


def _frame(rng: np.random.Generator):
    import pandas as pd

    n = 20
    return pd.DataFrame(
        {
            "width": rng.normal(size=n).round(3),
            "count": rng.integers(0, 9, n),
            "colour": [("red", "green", "blue")[i % 3] for i in range(n)],
            "seen": pd.date_range("2020-01-01", periods=n).strftime("%Y-%m-%d"),
            "good": [i % 2 == 0 for i in range(n)],
            "note": ["", "a b", '"q", r', "ü", "x"] * 4,
        }
    )


def _tables(folder: Path, rng: np.random.Generator) -> list[Path]:
    frame = _frame(rng)
    frame.to_csv(folder / "a.csv", index=False)
    frame.to_csv(folder / "semicolon.csv", index=False, sep=";", decimal=",", encoding="latin-1")
    (folder / "wide.csv").write_text(frame.to_csv(index=False), encoding="utf-16")
    frame.to_csv(folder / "a.tsv", index=False, sep="\t")
    (folder / "a.csv.gz").write_bytes(gzip.compress(frame.to_csv(index=False).encode(), mtime=0))
    frame.to_json(folder / "a.jsonl", orient="records", lines=True)
    frame.to_parquet(folder / "a.parquet")
    frame.to_parquet(folder / "gzip.parquet", compression="gzip", row_group_size=7)
    nested = frame.assign(tags=[[i, i + 1] for i in range(len(frame))], when=np.datetime64("2021-02-03"))
    nested.to_parquet(folder / "nested.parquet", compression="none", use_dictionary=False)
    names = ["a.csv", "semicolon.csv", "wide.csv", "a.tsv", "a.csv.gz", "a.jsonl"]
    return [folder / name for name in (*names, "a.parquet", "gzip.parquet", "nested.parquet")]


def _arrays(folder: Path, rng: np.random.Generator) -> list[Path]:
    import scipy.sparse

    x = rng.normal(size=(20, 6)).astype(np.float32)
    np.save(folder / "a.npy", x)
    np.save(folder / "fortran.npy", np.asfortranarray(x.astype(np.float64)))
    np.save(folder / "bytes.npy", rng.integers(0, 256, (20, 5, 5), dtype=np.uint8))
    np.savez(folder / "a.npz", x=x, y=np.arange(20) % 3)
    np.savez_compressed(folder / "packed.npz", x=x, y=np.array(["a", "b"] * 10))
    scipy.sparse.save_npz(folder / "sparse.npz", scipy.sparse.random(20, 30, 0.2, "csr", rng=rng))
    idx = struct.pack(">IIII", 0x803, 20, 5, 5) + rng.integers(0, 256, 500, dtype=np.uint8).tobytes()
    (folder / "a-idx3-ubyte").write_bytes(idx)
    (folder / "b-idx3-ubyte.gz").write_bytes(gzip.compress(idx, mtime=0))
    names = ["a.npy", "fortran.npy", "bytes.npy", "a.npz", "packed.npz", "sparse.npz", "a-idx3-ubyte"]
    return [folder / name for name in (*names, "b-idx3-ubyte.gz")]


def _texts(folder: Path) -> list[Path]:
    (folder / "a.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    (folder / "a.md").write_text("# Weather\n\n" + "\n\n".join(TEXTS), encoding="utf-8")
    (folder / "latin.txt").write_bytes("\n".join([*TEXTS, "Käse, Öl"]).encode("latin-1"))
    return [folder / name for name in ("a.txt", "a.md", "latin.txt")]


def _vectors(folder: Path, rng: np.random.Generator) -> list[Path]:
    v = rng.normal(size=(12, 5)).astype(np.float32)
    np.savez(folder / "vectors.npz", ids=np.array([f"i{i}" for i in range(12)]), vectors=v)
    np.save(folder / "vectors.npy", v)
    rows = "\n".join(",".join([f"i{i}", *(f"{x:.4f}" for x in row)]) for i, row in enumerate(v))
    (folder / "vectors.csv").write_text("id,a,b,c,d,e\n" + rows)
    return [folder / f"vectors.{ending}" for ending in ("npz", "npy", "csv")]


# ---------------------------------------------------------------------- what latentspace wrote
def _spaces(folder: Path, rng: np.random.Generator, few: bool) -> list[Path]:
    import pandas as pd

    x = rng.normal(size=(30, 8)).astype(np.float32)
    likes = pd.DataFrame([(f"u{u}", f"t{t}", 1.0) for u in range(20) for t in range(12) if (u * t) % 5 < 2])
    spaces = {
        "pictures": ls.fit(pictures(rng), "pca", dims=4, kind="images", metadata={"n": list(range(12))}),
        "sounds": ls.fit(tones(), "pca", dims=3, kind="audio"),
        "table": ls.fit(_frame(rng), "pca", dims=3),
        "texts": ls.fit(TEXTS * 2, "lsa", dims=3, kind="texts"),
        "strings": ls.fit([f"CC{'O' * (i % 5)}N{'C' * (i % 3)}" for i in range(20)], dims=3, kind="strings"),
        "likes": ls.fit(likes.set_axis(["user", "item", "rating"], axis=1), kind="interactions", dims=3),
        "pairs": ls.fit({"image": pictures(rng), "text": TEXTS * 2}, kind="pairs", model="cca", dims=2),
        "factors": ls.fit(x, "factor-analysis", dims=2),
    }
    if not few:
        stack = np.stack([np.asarray(one) for one in pictures(rng)])
        spaces |= {
            "vq": ls.fit(stack, "vq", dims=4, epochs=1, density="gaussian"),
            "autoencoder": ls.fit(x, "autoencoder", dims=2, epochs=1, hidden=[8], density="mixture"),
            "flow": ls.fit(x, "pca", dims=2, density="flow"),
            **{name: ls.fit(x, name, dims=2, epochs=1, hidden=[8], density="gaussian") for name in NEURAL},
            **{name: ls.fit(np.abs(x), name, dims=2) for name in ("nmf", "ica")},
            "identity": ls.fit(x, "identity"),
            "sparse-autoencoder": ls.fit(x, "sparse-autoencoder", dims=4, epochs=1),
        }
        spaces["table"].map("tsne")
    spaces["pictures"].map("pca")
    spaces["pictures"].compress(quality=50)
    for name, space in spaces.items():
        space.save(folder / f"{name}.latent", overwrite=True)
    return [folder / f"{name}.latent" for name in spaces]


def _containers(folder: Path, rng: np.random.Generator, few: bool) -> list[Path]:
    images = pictures(rng)
    seen = ls.fit(images, "pca", dims=4, kind="images", metadata={"n": list(range(12))})
    made = {
        "lossy": seen.compress(quality=60, embed=True, coder="latents"),
        "solid": seen.compress(quality=60, random_access=False, embed=True, coder="latents"),
        "words": ls.fit(TEXTS * 2, "lsa", dims=3, kind="texts").compress(lossless=True, embed=True),
        "rows": ls.fit(_frame(rng), "pca", dims=3).compress(quality=70, embed=True),
        "cells": ls.fit(_frame(rng), "pca", dims=3).compress(lossless=True, embed=True),
        "table": ls.fit(_frame(rng), "pca", dims=3).compress(lossless=True, random_access=False),
    }
    if not few:
        heard = ls.fit(tones(), "pca", dims=3, kind="audio")
        made |= {
            "exact": seen.compress(images[:3], lossless=True, embed=True),
            "sounds": heard.compress(quality=60, embed=True, coder="latents"),
            "samples": heard.compress(lossless=True, embed=True),
            "waves": heard.compress(quality=60, embed=True, coder="sound"),
            "parts": ls.fit(rng.normal(size=(90, 8)), "pca", dims=4).compress(coder="pq", embed=True),
            "numbers": ls.fit(rng.normal(size=(30, 8)), "pca", dims=4).compress(quality=80, embed=True),
        }
    for name, blob in made.items():
        (folder / f"{name}.lsz").write_bytes(blob)
    return [folder / f"{name}.lsz" for name in made]


def _checkpoints(folder: Path, rng: np.random.Generator) -> list[Path]:
    target = folder / "a.checkpoint"

    def stop(row: dict) -> bool:
        if target.exists():
            (folder / "kept.checkpoint").write_bytes(target.read_bytes())
        return False

    x = rng.normal(size=(30, 8)).astype(np.float32)
    np.save(folder / "checkpoint-x.npy", x)
    model = ls.VAE(dims=2, epochs=3, hidden=[8], random_state=0)
    model.fit(x, checkpoint=target, callback=stop)
    trials = {"asked": {"source": "x", "items": 30}, "trials": [{"model": "pca", "asked": 2, "items": 30, "trial": {}}]}
    (folder / "trials.json").write_text(json.dumps(trials))
    return [path for path in (folder / "kept.checkpoint", folder / "trials.json") if path.exists()]


def _networks(folder: Path, rng: np.random.Generator) -> list[Path]:
    """One matrix product; the format is protocol buffers."""

    def field(number: int, body: bytes) -> bytes:
        return bytes([number << 3 | 2]) + _varint(len(body)) + body

    def number(at: int, value: int) -> bytes:
        return bytes([at << 3]) + _varint(value)

    def value(name: bytes, width: int) -> bytes:
        shape = field(1, field(2, b"n")) + field(1, number(1, width))
        return field(1, name) + field(2, field(1, number(1, 1) + field(2, shape)))

    weights = rng.normal(size=(8, 3)).astype("<f4")
    tensor = number(1, 8) + number(1, 3) + number(2, 1) + field(8, b"W") + field(9, weights.tobytes())
    node = field(1, b"x") + field(1, b"W") + field(2, b"h") + field(4, b"MatMul")
    graph = field(1, node) + field(2, b"g") + field(5, tensor) + field(11, value(b"x", 8)) + field(12, value(b"h", 3))
    model = number(1, 8) + field(7, graph) + field(8, number(2, 13))
    (folder / "a.onnx").write_bytes(model)
    return [folder / "a.onnx"]


def _varint(value: int) -> bytes:
    out = io.BytesIO()
    while value > 127:
        out.write(bytes([value & 127 | 128]))
        value >>= 7
    out.write(bytes([value]))
    return out.getvalue()
