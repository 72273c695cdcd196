"""Which recommender finds what people met next: models beside what is popular, item neighbours and EASE."""

import html
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .items import gather, name_of
from .models import adapter, make
from .progress import Progress
from .search import offline
from .search.offline import HOWS, Recommender, judge

BASELINES = ("popular", "item-neighbours", "ease")
_COLUMNS = ("recommender", "Recall@20", "95%", "NDCG@100", "95%", "things shown", "met by (median)")


def evaluate_recommenders(
    source: Any, models: Sequence[str] = ("latent-factors",), *, split: str = "auto", share: float = 0.2,
    min_users: int = 1, seed: int = 0, options: Mapping[str, Mapping[str, Any]] | None = None,
) -> "RecommenderReport":  # fmt: skip
    """Measures recommenders on interactions that are split in two: what was hidden is asked for.

    Parameters
    ----------
    source : path, frame, list of tuples, sparse matrix, or a LatentSpace of interactions
        As `fit` takes interactions: triplets `user, item[, rating][, time]`. Who met what counts, not the rating. Of a
        space, its own model is measured with its own options.
    models : sequence of str, default=("latent-factors",)
        Families or presets to stand beside the baselines "popular", "item-neighbours" and "ease".
    split : "time", "people", "leave-out" or "auto", default="auto"
        "time" hides the last of all interactions, as a recommender meets the future; "people" keeps users from the
        models and folds them in; "leave-out" hides some of each user's. "auto" is "time" where there are times, else
        "people".
    share : float, default=0.2
        How much is hidden.
    min_users : int, default=1
        Things that fewer users met are left out.
    seed : int, default=0
    options : {model: {option: value}}, optional
        The models' own: `{"latent-factors": {"dims": 32}}`.

    Returns
    -------
    RecommenderReport

    Raises
    ------
    ValueError
        If the source has no interactions, the split is not known or not possible, or a model is not known.

    References
    ----------
    Liang, Krishnan, Hoffman and Jebara, "Variational autoencoders for collaborative filtering", 2018 (people).
    Ji, Sun, Zhang and Li, "A critical study on data leakage in recommender system offline evaluation", 2023 (time).
    """
    if split not in (*HOWS, "auto"):
        raise ValueError(f"split={split!r} is not known; choose 'auto', {', '.join(map(repr, HOWS))}.")
    x, times, origin = _read(source, min_users)
    how = split if split != "auto" else "time" if times is not None else "people"
    parts = offline.split(x, how, times=times, share=share, seed=seed)  # type: ignore[arg-type]
    options = {**_own_options(source), **(options or {})}
    recommenders: dict[str, Recommender] = {name: partial(_baseline, name) for name in BASELINES}
    for name in dict.fromkeys(models):
        if name not in recommenders:
            make(name, **options.get(name, {}))  # a name or an option that is not known, before anything is fitted
            recommenders[name] = partial(_model, name, seed, dict(options.get(name, {})))
    rows = []
    with Progress("Recommending", len(recommenders)) as progress:
        for name, recommender in recommenders.items():
            rows += judge({name: recommender}, parts, seed=seed)
            progress.advance(1)
    facts = {
        "origin": origin, "split": how, "how": parts.how, "users": x.shape[0], "things": x.shape[1],
        "interactions": x.nnz, "asked": parts.seen.shape[0], "hidden": parts.hidden.nnz, "seed": seed,
    }  # fmt: skip
    return RecommenderReport(rows, facts)


class RecommenderReport:
    """How well recommenders found what was hidden; prints as a table and a verdict.

    Attributes
    ----------
    rows : list of dict
        One a recommender, as `search.offline.judge` gives them.
    facts : dict
        The split and its sizes.
    """

    def __init__(self, rows: list[dict[str, Any]], facts: Mapping[str, Any]):
        self.rows, self.facts = rows, dict(facts)

    @property
    def verdict(self) -> str:
        """The best by NDCG, and whether it is surely better than what is popular."""
        ordered = sorted(self.rows, key=lambda row: -row["ndcg"])
        best, popular = ordered[0], next(row for row in self.rows if row["recommender"] == "popular")
        if best is popular:
            return "Nothing is better than what is popular: these interactions tell little of taste."
        gain = best["ndcg"] / popular["ndcg"] - 1 if popular["ndcg"] else float("inf")
        close = [row["recommender"] for row in ordered[1:] if row["ndcg"] >= best["ndcg_low"]]
        beside = f", {' and '.join(close)} within its range" if close else ""
        return f"{best['recommender']} finds most{beside}; {gain:.0%} more NDCG than what is popular."

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON-able data."""
        return {**self.facts, "recommenders": self.rows, "verdict": self.verdict}

    def cells(self) -> list[list[str]]:
        """The table in words: a list of columns' names, and one a recommender, best first."""
        ordered = sorted(self.rows, key=lambda row: -row["ndcg"])
        return [list(_COLUMNS), *map(_cells, ordered)]

    def __repr__(self) -> str:
        lines = self.cells()
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([self._asked(), *table, self.verdict])

    def _asked(self) -> str:
        f = self.facts
        return (
            f"{f['interactions']:,} interactions of {f['users']:,} users with {f['things']:,} things; {f['how']}; "
            f"{f['asked']:,} users asked for {f['hidden']:,} more. Higher is better."
        )

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Writes the report as `.json` or as one self-contained `.html` page.

        Raises
        ------
        ValueError, FileExistsError
            If the ending is another one; if there is such a file and `overwrite` is false.
        """
        path = Path(path)
        if path.suffix not in (".json", ".html"):
            raise ValueError(f"{path}: a report is written as .json or .html, not as {path.suffix or 'a folder'!r}.")
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} is there already. Choose another path, or pass overwrite=True.")
        path.write_text(
            json.dumps(self.to_dict(), indent=2) if path.suffix == ".json" else self._page(), encoding="utf-8"
        )
        return path

    def _page(self) -> str:
        head, *rows = self.cells()
        cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
        return (
            "<!doctype html><meta charset='utf-8'><title>Recommenders</title>\n"
            "<style>body{font:16px sans-serif;margin:2em}td,th{padding:.3em 1em;text-align:left}</style>\n"
            f"<p>{html.escape(self._asked())}</p>\n<table><tr>{cells}</tr>\n{body}</table>\n"
            f"<p>{html.escape(self.verdict)}</p>\n"
        )


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["recommender"], f"{row['recall']:.3f}", f"{row['recall_low']:.3f} to {row['recall_high']:.3f}",
        f"{row['ndcg']:.3f}", f"{row['ndcg_low']:.3f} to {row['ndcg_high']:.3f}", f"{row['coverage']:.1%}",
        f"{row['popularity']:,.0f}",
    ]  # fmt: skip


def _own_options(source: Any) -> dict[str, Mapping[str, Any]]:
    model = getattr(source, "model", None)
    if model is None or getattr(model, "family", None) is None:
        return {}
    return {model.family: model.get_params(deep=False)}


# ---------------------------------------------------------------------- interactions
def _read(source: Any, min_users: int) -> tuple[csr_array, csr_array | None, str]:
    """Who met what as 1s, when (the same pattern) or None, and where from; users that met nothing are left out."""
    histories, times, origin = _histories(source)
    x = csr_array(histories)
    if not np.isfinite(x.data).all() or (x.data < 0).any():
        raise ValueError(f"{origin} holds values that are NaN, infinite or negative; remove those interactions first.")
    kept = np.bincount(x.indices, minlength=x.shape[1]) >= min_users
    if not kept.any():
        raise ValueError(f"no thing of {origin} was met by min_users={min_users} users. Lower min_users.")
    x, times = x[:, kept], None if times is None else times[:, kept]
    there = np.flatnonzero(np.diff(x.indptr))
    x, times = x[there], None if times is None else times[there]
    x.data = np.ones(len(x.data))
    return x, times, origin


def _histories(source: Any) -> tuple[csr_array, csr_array | None, str]:
    if hasattr(source, "modality") and hasattr(source, "latents"):
        if source.modality.kind != "interactions" or source._features is None:
            raise ValueError(f"{source!r} holds no interactions. Pass a space of interactions, or triplets of them.")
        return csr_array(source._features.whole()), None, repr(source)
    try:
        gathered = gather(source, "interactions")[1]
    except ValueError as error:
        if "does not fit" not in str(error):
            raise
        raise ValueError(
            f"{name_of(source)} holds no interactions. Pass triplets under names such as user, item, rating, time, a "
            "sparse matrix, or a space of interactions."
        ) from None
    return gathered.raw.values, gathered.raw.times, gathered.origin


# ---------------------------------------------------------------------- recommenders
def _baseline(name: str, train: csr_array, seen: csr_array) -> np.ndarray:
    from .models.factors.baselines import ItemNeighbours, Popular
    from .models.factors.ease import EASE

    model = {"popular": Popular, "item-neighbours": ItemNeighbours, "ease": EASE}[name]()
    return model.fit(train).scores(seen)


def _model(name: str, seed: int, options: dict[str, Any], train: csr_array, seen: csr_array) -> np.ndarray:
    from .features import dense

    model = make(name, **options)
    if "random_state" in model.get_params() and "random_state" not in options:
        model.set_params(random_state=seed)
    sparse = adapter.takes_sparse(model)
    fitted, asked = (rows.astype(np.float32) if sparse else dense(rows).astype(np.float32) for rows in (train, seen))
    model.fit(fitted)
    return np.asarray(model.inverse_transform(model.transform(asked)))
