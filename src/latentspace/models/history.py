"""The history of a training run: every loss term, rate and count of active dimensions, epoch by epoch."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_HELD_OUT = "validation_"
_MEASURED = ("active_dims", "rate")  # columns that are drawn beside the losses


class History(Sequence):
    """Rows of a training run, one an epoch, as a table that can be printed and drawn.

    Losses are nats an item; lower is better. `validation_` before a name means: on the items held out.

    Parameters
    ----------
    rows : sequence of mappings
        `history_` of an estimator.

    Examples
    --------
    >>> history = History([{"epoch": 1, "loss": 3.0, "rate": 0.1}, {"epoch": 2, "loss": 2.5, "rate": 0.05}])
    >>> history["loss"]
    [3.0, 2.5]
    >>> print(history)
    epoch  loss  rate
    1      3     0.1
    2      2.5   0.05
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]]):
        self.rows = [dict(row) for row in rows]

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order in which they first come."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> Any:
        """A column by its name, None where an epoch has no such value; or a row, or several, by position.

        Raises
        ------
        KeyError
            If there is no such column; the message lists those there are.
        """
        if not isinstance(key, str):
            return self.rows[key]
        if key not in self.columns:
            raise KeyError(f"{key!r} is not in this history. Its columns: {', '.join(self.columns)}.")
        return [row.get(key) for row in self.rows]

    def to_dict(self) -> dict[str, list[Any]]:
        """Returns the columns by name, as a frame's constructor takes them."""
        return {name: self[name] for name in self.columns}

    def __str__(self) -> str:
        cells = [self.columns, *([_word(row.get(name)) for name in self.columns] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
        )

    def __repr__(self) -> str:
        return f"<History of {len(self)} epochs: {', '.join(self.columns)}>"

    def plot(self, path: str | Path | None = None, *, width: int = 1200) -> Any:
        """Draws a panel for every loss term, the active dimensions and the rate.

        Parameters
        ----------
        path : path, optional
            Where to write the picture; its ending says the format, such as .png.
        width : int, default=1200
            In pixels.

        Returns
        -------
        RGB PIL image

        Raises
        ------
        ValueError
            If there is no epoch to draw.
        """
        from .history_plot import Panel, draw

        if not self.rows:
            raise ValueError("This history is empty: no epoch was trained, so there is nothing to draw.")
        epochs = self["epoch"]
        panels = [
            Panel(title, epochs, {name: self[column] for name, column in lines.items()})
            for title, lines in self._lines().items()
        ]
        sheet = draw(panels, width)
        if path is not None:
            sheet.save(path)
        return sheet

    def _lines(self) -> dict[str, dict[str, str]]:
        """What to draw: a panel's title to its lines, named and found by column."""
        columns = self.columns
        # Before what is measured come the losses; after it, what the run costs.
        first = min((columns.index(name) for name in _MEASURED if name in columns), default=len(columns))
        terms = [name for name in columns[:first] if name != "epoch" and not name.startswith(_HELD_OUT)]
        panels = {
            name: {"training": name} | ({"held out": _HELD_OUT + name} if _HELD_OUT + name in columns else {})
            for name in terms
        }
        return panels | {name: {name: name} for name in _MEASURED if name in columns}


def of(model: Any) -> History:
    """Returns the history of a fitted model.

    Raises
    ------
    UnsupportedError
        If it was not trained in epochs.
    """
    from ..errors import UnsupportedError

    rows = getattr(model, "history_", None)
    if rows is None:
        raise UnsupportedError(
            f"{getattr(model, 'family', type(model).__name__)!r} was not trained in epochs, so it has no history. "
            "Neural models have one, such as model='vae'."
        )
    return History(rows)


def _word(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) and math.isfinite(value) else str(value)
