"""Training as TensorBoard shows it: every epoch's row of the history as scalars in an event file."""

from pathlib import Path
from typing import Any

from ..optional import require


class TensorBoard:
    """A callback that writes the history of a fit where TensorBoard finds it: `fit(X, callback=TensorBoard("runs/a"))`.

    Losses come under "training/" and "held out/", all else under "run/". Rows are on disk as soon as their epoch ends.

    Parameters
    ----------
    folder : path
        One folder a run; it is made where it is missing.

    Raises
    ------
    MissingExtraError
        If tensorboard is not installed.
    """

    def __init__(self, folder: str | Path):
        require("tensorboard", "tensorboard", "TensorBoard")
        self.folder = Path(folder)
        self._writer: Any = None

    def __call__(self, row: dict[str, Any]) -> None:
        """Writes the row of an epoch."""
        from torch.utils.tensorboard import SummaryWriter

        if self._writer is None:
            self._writer = SummaryWriter(str(self.folder))
        losses = True  # until the first column that is none
        for name, value in row.items():
            losses = losses and name != "active_dims"
            if name != "epoch" and isinstance(value, int | float):
                self._writer.add_scalar(_tag(name, losses), value, row["epoch"])
        self._writer.flush()


def _tag(name: str, loss: bool) -> str:
    if name.startswith("validation_"):
        return f"held out/{name.removeprefix('validation_')}"
    return f"{'training' if loss else 'run'}/{name}"
