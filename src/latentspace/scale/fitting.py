"""A fit on rows that are more than memory: one call, one folder, which the same call goes on in after a crash."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import UnsupportedError
from ..items.blocks import BlockRows, blocks
from ..models import class_of, make
from ..progress import Progress, say
from . import encoding, keeping, plan, segments, statistics
from .engines import Engine, engine_of
from .scaled import Scaled
from .work import Work

_MODEL = "model.safetensors"
_CHECKPOINT = "training.safetensors"
_WIDEST = 8192  # features past which a covariance takes more than half a gigabyte and its axes minutes
_NARROW = 128  # features up to which float64 products cost no more


def fit_blocks(
    source: Any,
    work: str | Path,
    model: str | Any = "pca",
    *,
    dims: int | float | str | None = None,
    target: Any = None,
    engine: Any = None,
    workers: int | None = None,
    seed: int = 0,
    on_error: Literal["skip", "raise"] = "skip",
    callback: Callable[[dict[str, Any]], Any] | None = None,
    **options: Any,
) -> Scaled:
    """Fits a model on vectors that are more than memory, and encodes them.

    What it takes is said before it starts. Killed at any moment and called again with the same arguments, it goes on:
    PCA from the last 4 GB, a network from its last checkpoint, latents from the last segment; the result has the same
    bits as if it had never stopped.

    Parameters
    ----------
    source : what `latentspace.blocks` takes
        A folder of .npy or .parquet files, one or several, a mapped array, or an iterable of blocks (m, p).
    work : path
        The job's folder: what is finished so far, then the model and the latents.
    model : str or estimator, default="pca"
        "pca", or a neural family or preset.
    dims, seed, **options
        As for `latentspace.fit`.
    target : sequence, optional
        A label or number for each row, of networks.
    engine : "local" or "ray", optional
        This machine, the default, or a Ray cluster. PCA and latents have the same bits on both; a network trained by
        several workers differs as much as by another seed, or, where it draws no chance, by rounding.
    workers : int, optional
        With "ray": how many train together, by default one for each core.
    on_error : "skip" or "raise", default="skip"
        A row with NaN or infinity is left out and listed in `skipped`, or is an error that names it.
    callback : callable, optional
        As for `latentspace.fit`.

    Returns
    -------
    Scaled
        The model, and the latents on disk.

    Raises
    ------
    ValueError
        If the folder is another job's, the source is not understood, or an option is out of range.
    UnsupportedError
        If the model reads no blocks.
    MemoryError, OSError
        If memory or disk would not do; before any work.
    """
    if on_error not in ("skip", "raise"):
        raise ValueError(f"on_error={on_error!r} is not known; choose 'skip' or 'raise'.")
    engine = engine_of(engine, workers)
    estimator = _estimator(model, dims, seed, options)
    folder = Path(work)
    spool = folder.with_name(folder.name + ".blocks")  # of a stream: beside the job, whose folder knows its source
    rows = blocks(source, spool=spool)
    is_pca = getattr(estimator, "family", None) == "pca"
    if not is_pca and not hasattr(estimator, "fit_from"):
        raise UnsupportedError(
            f"model={model!r} reads no blocks. Those that do: 'pca', 'autoencoder', 'vae', 'sparse-autoencoder', 'gan' "
            "and their presets; or fit on a sample that memory holds."
        )
    if target is not None and (is_pca or len(target) != len(rows)):
        raise ValueError(
            "target= is for networks; PCA has none."
            if is_pca
            else f"target has {len(target):,} values, the source has {len(rows):,} rows. Give one a row."
        )
    job = Work(folder, _described(rows, estimator, target, on_error, engine))
    p = math.prod(rows.shape[1:])
    most = min(estimator.dims, p) if isinstance(getattr(estimator, "dims", None), int) else min(p, 64)
    spooled = not is_pca and _is_slow_at_random(rows)
    takes = plan.of_pca(len(rows), rows.shape[1:], most, True) if is_pca else plan.of_network(
        len(rows), rows.shape[1:], most, spooled
    )  # fmt: skip
    what = f"{type(estimator).__name__} on {len(rows):,} rows of {p:,} features"
    say(lambda: f"{rows.origin}: {what}, {4 * len(rows) * p / 1e9:.3g} GB as float32; {takes}")
    plan.check(takes, what, folder)
    if job.has(_MODEL):
        estimator = keeping.load(job.path(_MODEL))
    else:
        if is_pca:
            estimator = _fit_pca(estimator, rows, job, engine, on_error == "skip")
        else:
            read = _spooled(rows, job) if spooled else rows
            estimator = engine.train(estimator, read, target, job.path(_CHECKPOINT), callback, on_error)
            job.drop("rows-*.npy") if spooled else None
        keeping.save(job.path(_MODEL), estimator)
        job.drop("moments-*.npz")
    bounds = segments.bounds(len(rows), p)
    encoding.run(
        encoding.OfRows(estimator, rows, folder, "npy", on_error == "skip"), bounds, folder, "npy", engine
    )  # fmt: skip
    return Scaled(estimator, folder, len(bounds), rows)


def _estimator(model: Any, dims: Any, seed: int, options: dict[str, Any]) -> Any:
    if not isinstance(model, str):
        from sklearn.base import clone

        if options or dims is not None:
            raise TypeError("dims= and options are for a model's name; an estimator has its own. Set them there.")
        return clone(model)
    given = options | ({} if dims is None else {"dims": dims})
    if "random_state" in class_of(model)._get_param_names():  # type: ignore[attr-defined]
        given.setdefault("random_state", seed)
    return make(model, **given)


def _described(rows: BlockRows, estimator: Any, target: Any, on_error: str, engine: Any) -> dict[str, Any]:
    params = {name: repr(value) for name, value in sorted(estimator.get_params(deep=False).items())}
    silent = ("verbose", "threads", "device")
    params = {name: value for name, value in params.items() if name not in silent}
    together = engine.workers if engine.name == "ray" and hasattr(estimator, "fit_from") else 1
    return {
        "job": "fit", "source": rows.fingerprint(), "shape": list(rows.shape), "model": type(estimator).__name__,
        "parameters": params, "target": None if target is None else _digest(target), "on_error": on_error,
        "trained together": together,
    }  # fmt: skip


def _digest(target: Any) -> str:
    import hashlib

    return hashlib.blake2b(repr(list(target)).encode(), digest_size=16).hexdigest()


def _fit_pca(estimator: Any, rows: BlockRows, job: Work, engine: Engine, skip: bool) -> Any:
    p = math.prod(rows.shape[1:])
    if p > _WIDEST:
        raise UnsupportedError(
            f"{p:,} features are past the {_WIDEST:,} whose covariance is taken in one pass. Use "
            "latentspace.PCA(dims=...).fit_blocks(lambda: ...), which reads the rows five to nine times, on one "
            "machine."
        )
    cuts = statistics.groups(statistics.segments(len(rows), p))
    for dtype in (np.float64,) if p <= _NARROW else (np.float32, np.float64):
        total = _total(rows, cuts, dtype, job, engine, skip)
        if total.n == 0:
            raise ValueError(f"none of the {len(rows):,} rows holds finite numbers alone: there is nothing to fit.")
        estimator.fit_moments(total)
        if dtype is np.float64 or not estimator.is_coarse:
            break
    return estimator


def _total(rows: BlockRows, cuts: list, dtype: type, job: Work, engine: Engine, skip: bool) -> Any:
    """The moments of all rows; the sum of each group is kept once it is there."""
    names = [f"moments-{np.dtype(dtype).name}-{number:06d}.npz" for number in range(len(cuts))]
    missing = [place for place, name in enumerate(names) if not job.has(name)]
    made = engine.moments(rows, [cuts[place] for place in missing], dtype, skip)
    tree = statistics.Tree()
    with Progress("Summing up rows", len(rows)) as progress:
        for place, (name, cut) in enumerate(zip(names, cuts, strict=True)):
            if place in missing:
                moments = next(made)
                job.put_arrays(name, **statistics.to_arrays(moments))
            else:
                moments = statistics.from_arrays(job.arrays(name))
            tree.push(moments)
            progress.advance(cut[-1][1] - cut[0][0])
    return tree.total()


def _is_slow_at_random(rows: BlockRows) -> bool:
    """Whether a few rows cost as much as many, which are unpacked together."""
    return any(hasattr(part, "forget") for part in rows._parts)


def _spooled(rows: BlockRows, job: Work) -> BlockRows:
    """The same rows as .npy files in the job's folder, written once."""
    paths = []
    bounds = segments.bounds(len(rows), math.prod(rows.shape[1:]))
    with Progress("Unpacking rows to disk", len(rows)) as progress:
        for number, (start, stop) in enumerate(bounds):
            name = f"rows-{number:06d}.npy"
            if not job.has(name):
                block = rows[start:stop]
                job.put(name, lambda file, block=block: np.save(file, block))  # type: ignore[misc]
            paths.append(str(job.path(name)))
            progress.advance(stop - start)
    return blocks(paths)
