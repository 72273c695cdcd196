"""What a user does with a file of each format: opens it, and uses what came of it."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_seeds
import numpy as np

import latentspace as ls
from latentspace.errors import SkippedItemsWarning

# What a file may lead to: an error that is the file's fault, in words. Anything else is a mistake of ours.
CLEAR = (ValueError, FileNotFoundError, IsADirectoryError)
SAYS_HOW_MUCH = "would take"  # a MemoryError that was foreseen

_SPACES: dict[str, Any] = {}


def _space(kind: str) -> Any:
    """A small space that new items of a kind are encoded by; fitted once."""
    if kind not in _SPACES:
        rng = np.random.default_rng(0)
        if kind == "picture":
            _SPACES[kind] = ls.fit(hostile_seeds.pictures(rng), "pca", dims=3, kind="images")
        else:
            _SPACES[kind] = ls.fit(hostile_seeds.tones(), "pca", dims=3, kind="audio")
    return _SPACES[kind]


def _finite(*arrays: Any) -> None:
    for x in arrays:
        assert np.isfinite(np.asarray(x, np.float64)).all(), "NaN or infinity came in silently"


def _encoded(kind: str) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        _finite(_space(kind).encode(path))

    return run


def _fitted(path: Path) -> None:
    space = ls.fit(path, "pca", dims=1)
    _finite(space.latents)
    space.search(space.ids[0], k=2)


def _read(path: Path) -> None:
    _finite(ls.fit(path, "lsa", dims=1, kind="texts").latents)


def _loaded(path: Path) -> None:
    """Every verb that reads what the file holds."""
    space = ls.load(path)
    _finite(space.latents)
    ids, _, _, _ = space.ids, space.metadata, repr(space), str(space.info())
    _use(lambda: space.search(id=ids[0], k=3))
    _use(lambda: space.items[0])
    _use(lambda: _finite(space.encode([space.items[0]])))
    _use(lambda: space.decode(space.latents[:2]))
    _use(lambda: space.sample(2, seed=0))
    _use(lambda: [space.maps[name].coordinates for name in list(space.maps)])
    _use(lambda: [space.axis(name) for name in list(space.axes)] if hasattr(space, "axes") else None)


def _use(verb: Callable[[], Any]) -> None:
    """A clear error of one verb does not keep the next from being tried."""
    try:
        verb()
    except CLEAR as error:
        _must_be_clear(error)


def _must_be_clear(error: BaseException) -> None:
    """A message that only a maintainer could read is a mistake of ours."""
    assert len(str(error)) > 25, f"no message to speak of: {error!r}"


def _container(path: Path) -> None:
    from latentspace.codec.container import Reader
    from latentspace.compressing.opening import decompress, opened
    from latentspace.compressing.unpacking import unpack

    try:
        with path.open("rb") as stream:
            decompress(stream)
    except CLEAR as error:
        _must_be_clear(error)
        with path.open("rb") as stream:
            _use(lambda: decompress(stream, on_damage="skip"))
    with path.open("rb") as stream:
        _use(lambda: Reader(stream).verify())
    with path.open("rb") as stream:
        it = opened(stream, None)
        table = it.reader.header.get("kind") not in ("images", "audio", "texts")
        out = path.parent / ("out.csv" if table else "out")
        unpack(it, out, overwrite=True)


def _network(path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    model = ls.Pretrained(encoder=f"onnx:{path}", decoder=None) if _pretrained() else None
    if model is not None:
        _finite(model.fit(x).transform(x))


def _pretrained() -> bool:
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        return False
    return True


def _resumed(path: Path) -> None:
    if path.suffix == ".json":
        from latentspace.choosing.halving import Kept

        Kept(path, {"source": "x", "items": 30})
        return
    x = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    original = Path(os.environ["HOSTILE_SEEDS"]) / "checkpoint-x.npy"
    if original.exists():
        x = np.load(original)
    model = ls.VAE(dims=2, epochs=3, hidden=[8], random_state=0).fit(x, checkpoint=path)
    _finite(model.transform(x))


def _beside(path: Path) -> None:
    from latentspace.vector_files import read_vectors

    x = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    space = ls.fit(x, None, ids=[f"i{i}" for i in range(12)], vectors=read_vectors(path), kind="array")
    _finite(space.latents)


OPEN: dict[str, Callable[[Path], None]] = {
    "picture": _encoded("picture"),
    "sound": _encoded("sound"),
    "table": _fitted,
    "array": _fitted,
    "text": _read,
    "latent": _loaded,
    "lsz": _container,
    "onnx": _network,
    "checkpoint": _resumed,
    "vectors": _beside,
}


def outcome_of(kind: str, path: Path) -> tuple[str, str]:
    """Opens a file and uses it: ("opened" or "refused", message), or ("mistake", message)."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            OPEN[kind](path)
    except CLEAR as error:
        text = str(error)
        if isinstance(error, UnicodeError) and not text:
            return "mistake", repr(error)
        return ("refused", text) if len(text) > 25 else ("mistake", f"no message to speak of: {error!r}")
    except MemoryError as error:
        return ("refused" if SAYS_HOW_MUCH in str(error) else "mistake"), f"MemoryError: {error}"
    except Exception as error:
        import traceback

        where = traceback.extract_tb(error.__traceback__)[-1]
        return "mistake", f"{type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})"
    left_out = [str(one.message) for one in said if issubclass(one.category, SkippedItemsWarning)]
    return ("refused", left_out[0]) if left_out else ("opened", "")
