"""A space's model card: what it is, what it was made of, what was measured, what it does not know; from facts alone.

Mitchell et al., "Model cards for model reporting", 2019. What only people can say (licence, purpose, harm) is asked for
and never made up.
"""

import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import __version__, caches, judging
from .reports.blocks import inert, shown
from .reports.report import plain

if TYPE_CHECKING:
    from .verbs.state import State

_NAME = "card"
_FEWEST = 20  # items that can be judged
_COMMON = 6  # values of a column that are told
_SHARED = 3  # items that have a value in common, for it to be told: a card is passed on
_LONGEST = 60  # characters of a value that is told: longer ones are items' own words
_PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "onnxruntime")


@dataclass(frozen=True)
class Card:
    """A model card.

    Attributes
    ----------
    markdown : str
    facts : dict
        What it was written from, as plain data.
    """

    markdown: str
    facts: dict[str, Any]

    def __str__(self) -> str:
        return self.markdown

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.markdown

    def to_dict(self) -> dict[str, Any]:
        """Returns the facts as data that JSON can hold."""
        return self.facts

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Writes it as Markdown.

        Raises
        ------
        ValueError
            If the path does not end in `.md`.
        FileExistsError
            If the file is there already and `overwrite` is false.
        """
        path = Path(path)
        if path.suffix.lower() != ".md":
            raise ValueError(f"a card is Markdown: end {str(path)!r} in .md.")
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} is there already. Choose another path, or pass overwrite=True.")
        path.write_text(self.markdown, encoding="utf-8")
        return path


def card(space: "State", target: str | None, again: bool, seed: int) -> Card:
    """The card that is kept, if it is of these items and this target; else one that is measured now, and kept."""
    kept = caches.find(space, _NAME)
    if kept is not None and not again and kept.is_of_all(len(space)):
        markdown, facts = kept.facts.get("markdown"), kept.facts.get("facts")
        if isinstance(markdown, str) and isinstance(facts, dict) and (target is None or facts.get("target") == target):
            return Card(markdown, facts)
    facts = _facts(space, target, seed)
    made = Card(_written(facts), facts)
    caches.keep(space, _NAME, {"markdown": made.markdown, "facts": made.facts}, {})
    return made


def _facts(space: "State", target: str | None, seed: int) -> dict[str, Any]:
    told = space.info()  # type: ignore[attr-defined]
    verdict, findings, left = ["Fewer than 20 items: nothing was measured."], [], {}
    if len(space) >= _FEWEST:
        report = judging.judge(space, target=target, quick=True, seed=seed)
        verdict, findings, left = list(report.verdict), report["findings"], report["not_measured"]
    model = space.model
    names = ("kind", "items", "features", "model", "dims", "active_dims", "density", "origin", "fingerprint", "skipped")
    parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    return plain({
        **{name: told[name] for name in names},
        "notes": list(told["notes"] or []),
        "fit_target": told["target"],
        "target": target,
        "seed": told["seed"],
        "seconds": told["seconds"],
        "reconstruction": told["reconstruction"],
        "encoder": told["encoder"],
        "parameters": {name: _in_words(value) for name, value in parameters.items() if value is not None},
        "columns": {name: _column(values) for name, values in space.metadata.items()},
        "verdict": verdict,
        "findings": findings,
        "not_measured": left,
        "maps": told["maps"],
        "versions": {"latentspace": __version__, "python": platform.python_version(), **_versions()},
    })  # fmt: skip


def _in_words(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict) else repr(value)


def _column(values: list) -> dict[str, Any]:
    there = [value for value in values if value is not None]
    numbers = [value for value in there if isinstance(value, int | float) and not isinstance(value, bool)]
    missing = len(values) - len(there)
    if there and len(numbers) == len(there) and len(set(numbers)) > _COMMON:
        return {"missing": missing, "low": min(numbers), "median": float(np.median(numbers)), "high": max(numbers)}
    counts = Counter(map(str, there))
    # Values that few items share, and texts, would tell of single items (mails, histories), not of the data.
    shared = {name: count for name, count in counts.most_common(_COMMON) if count >= _SHARED}
    if any(len(name) > _LONGEST for name in counts) or 2 * len(counts) > len(there):
        shared = {}
    return {"missing": missing, "values": len(counts), "common": shared}


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


# ---------------------------------------------------------------------- as Markdown
def _written(f: dict[str, Any]) -> str:
    lines = [
        f"# A latent space of {f['items']:,} items ({inert(str(f['kind']))})",
        "",
        f"`z = f(x)`: {f['model']} to {f['dims']} dimensions, by latentspace {f['versions']['latentspace']}.",
        "",
        "## What was measured",
        "",
        *(f"- {inert(sentence)}" for sentence in f["verdict"]),
    ]
    back = f["reconstruction"]
    if back:
        lines.append(
            f"- On {back['items']:,} of its own items, {back['variance_kept']:.1%} of the features' variance comes "
            f"back (mean squared error {shown(back['mse'])})."
        )
    lines += [
        "",
        "Measured quickly, on samples; `latentspace evaluate` measures on all, and says how each figure is meant.",
        "",
    ]
    lines += [
        "## What it was made of",
        "",
        f"- Source: {inert(str(f['origin']))}; {f['items']:,} items, {f['skipped']:,} skipped.",
    ]
    lines += [f"- Features: {' x '.join(map(str, f['features']))}.", *(f"- {inert(note)}." for note in f["notes"])]
    lines += [f"- `{name}`: {_of_column(column)}." for name, column in f["columns"].items()]
    lines += ["", "## How it was made", "", f"- Model: {f['model']}{_after(f['fit_target'], ', told the column ')}."]
    lines += [f"- `{name}`: {inert(str(value))}" for name, value in f["parameters"].items()]
    lines += [f"- Latents are drawn from: {f['density'] or 'nothing (no density was fitted)'}."]
    lines += [f"- Seed {f['seed']}; {shown(f['seconds'])} s; features' fingerprint {f['fingerprint']}."]
    lines += [f"- {name} {number}" for name, number in f["versions"].items()]
    lines += ["", "## What it does not know", ""]
    lines += [f"- Not measured, {name}: {inert(str(why))}" for name, why in f["not_measured"].items()]
    lines += [
        "- Items unlike those above: `space.encode` places them all the same. `latentspace outliers` and the page say "
        "how far an item lies from what was seen.",
        "- Whether the items stand for anything but themselves: that is nowhere in the data.",
        "",
        "## Left to you",
        "",
        "- Licence and source of the items:",
        "- What it is meant for, and what it must not be used for:",
        "- Whom it could harm:",
    ]
    return "\n".join(lines) + "\n"


def _after(value: Any, words: str) -> str:
    return f"{words}{inert(str(value))}" if value else ""


def _of_column(column: dict[str, Any]) -> str:
    missing = f"; {column['missing']:,} missing" if column["missing"] else ""
    if "low" in column:
        return f"{shown(column['low'])} to {shown(column['high'])}, median {shown(column['median'])}{missing}"
    if column["values"] and not column["common"]:
        return f"{column['values']:,} values, which are single items' own and not shown{missing}"
    common = ", ".join(f"{inert(name)} ({count:,})" for name, count in column["common"].items())
    left = column["values"] - len(column["common"])
    more = f" and {left:,} more" if left else ""
    return f"{column['values']:,} values: {common}{more}{missing}" if column["values"] else f"no values{missing}"
