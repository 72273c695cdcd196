"""The one training loop: every neural family goes through it.

Data is one tensor in memory, shuffled by one draw an epoch, so there is no per-item loader. An epoch ends with a
validation; the best weights by it are what a fit keeps. A gradient that is not finite rolls the run back to the last
good epoch at half the rate. The state after an epoch is all there is (weights, moments, the generator's state), so a
run resumed from a checkpoint goes on bit by bit as if it had not been interrupted.

What the loop asks of a model (an nn.Module) is `Trainable`: `loss` and `activity`. What a model may add:

- `turns() -> list[Turn]` (see `turns`): several parameter groups, each with a loss of its own, taken one after another
  in every step, as a generator's and a critic's. Without it, all parameters follow `loss`. A `Composition` has it from
  its parts: a divergence or likelihood that learns a critic offers turns of its own.
- `after_step()`: called after all turns of a step; for moving averages of weights, which are buffers of the model and
  so kept, restored and resumed with it.
- `judged = False`: `loss` on held-out items does not tell which epoch is best, as in a game of two networks. Then the
  last weights are kept, the rate falls by the schedule alone, and a loss that runs away, yet is finite, is let be.

`loss` is called without gradients to judge, so what needs gradients of its own, as a gradient penalty, belongs in a
turn's loss, which need not be `model.loss`. All networks, critics too, are submodules, and all chance comes from the
generator that is passed: this alone makes roll-back and resume exact.
"""

import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ..errors import TrainingWarning
from ..progress import Progress
from . import checkpoints, parallel
from .block_items import BlockItems
from .sparse_items import Items
from .threads import threads_worth, torch_threads
from .turns import Turns
from .updates import NotFinite, Schedule

Row = dict[str, Any]  # of the history: one an epoch

_MOST_ROLL_BACKS = 6
_AT_ONCE = 512  # items in a validation batch
_PATIENT_STEPS = 300  # the least that patience means, where an epoch is a step or two
_PROBE = 256  # items that activity is measured on


class Trainable(Protocol):
    """What the loop asks of a model, which is an nn.Module too; x is a pair (x, y) where the fit has targets."""

    def loss(self, x: Any, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, Tensor]]: ...

    def activity(self, x: Tensor) -> tuple[Tensor, Tensor]: ...


class Targets(NamedTuple):
    """What stands beside items where a fit has a target: float tensors of shape (n, m) and (held out, m)."""

    items: Tensor
    held_out: Tensor


@dataclass(frozen=True)
class Settings:
    """How to train; the estimators' parameters of the same names say what each is."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int
    warm_up: float  # share of the steps in which nothing is judged, because the loss itself still changes
    threads: int | None
    device: str
    seed: int
    verbose: bool = False


def train(
    model: Any,
    x: Items,
    rows: Tensor,
    held_out: Items,
    settings: Settings,
    *,
    targets: Targets | None = None,
    generator: torch.Generator,
    callback: Callable[[Row], Any] | None = None,
    checkpoint: Path | None = None,
    described: dict[str, Any] | None = None,
) -> list[Row]:
    """Trains a model in place and leaves it with its best weights.

    Parameters
    ----------
    model : nn.Module that is Trainable
        With its starting weights, on the settings' device.
    x : float32 tensor of shape (n, ...), or SparseItems
        All items in the network's unit; on any device that holds them, batches are brought over.
    rows : int64 tensor
        Which of them to learn from.
    held_out : float32 tensor of shape (m, ...), or SparseItems
        What to judge by; with m = 0 the training loss is the judge.
    settings : Settings
    targets : Targets or None
        Where given, the model's loss gets pairs (x, y).
    generator : torch.Generator
        On the model's device. The one source of chance: order, draws of z.
    callback : callable or None
        Called with every epoch's row; a true answer ends training there.
    checkpoint : Path or None
        Written after epochs, resumed from where it exists, removed at the end.
    described : dict or None
        What else must be equal for a checkpoint to be this run's.

    Returns
    -------
    list of dict
        One row an epoch: epoch, loss and its terms, validation_loss and its terms, active_dims, rate, threads, seconds,
        roll_backs. Losses are nats an item.

    Raises
    ------
    FloatingPointError
        If not one epoch could be trained without NaN, at any of the rates that were tried.
    """
    run = _Run(model, x, rows, held_out, settings, targets, generator)
    own = (x,) if isinstance(x, Tensor) else x.tensors()
    run.mark = checkpoints.fingerprint(described or {}, *own, targets and targets.items) if checkpoint else ""
    if checkpoint and checkpoint.exists():
        run.resume(checkpoint)
    with Progress("training", run.schedule.steps) as progress:
        progress.done = run.step
        try:
            _loop(run, callback, checkpoint, progress)
        except KeyboardInterrupt:
            if not run.history:
                raise
            _warn(f"Stopped by Ctrl-C after {len(run.history)} epochs; the best of them, {run.best_epoch}, is kept.")
    model.load_state_dict(run.best)
    model.eval()
    if checkpoint:
        checkpoints.remove(checkpoint)
    return run.history


def _loop(run: "_Run", callback: Callable[[Row], Any] | None, checkpoint: Path | None, progress: Progress) -> None:
    written, cost = -math.inf, 0.0
    while not run.ended():
        try:
            row = run.epoch(progress)
        except NotFinite:
            run.roll_back()
            continue
        if run.settings.verbose:
            print(describe(row), file=sys.stderr)
        if callback is not None and callback(row):
            return
        # As often as it costs under a twentieth of the time.
        if checkpoint and (began := time.monotonic()) - written > 20 * cost:
            run.write(checkpoint)
            written = time.monotonic()
            cost = written - began


def enough_epochs(n: int, batch_size: int, steps: int) -> int:
    """Returns how many passes over n items make about so many steps, 10 to 600; early stopping cuts them short."""
    return min(600, max(10, math.ceil(steps / max(1, round(n / batch_size)))))


def seed_of(checkpoint: Path) -> int:
    """Returns the seed of the run that wrote a checkpoint."""
    return int(checkpoints.read(checkpoint)[0]["seed"])


def describe(row: Row) -> str:
    """Writes a row of the history as a line."""
    return "  ".join(
        f"{name} {value:.5g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()
    )


class _Run:
    """A training run between two epochs, and how to take it one epoch on."""

    def __init__(
        self, model: Any, x: Items, rows: Tensor, held_out: Items, settings: Settings, targets: Targets | None,
        generator: torch.Generator,
    ):  # fmt: skip
        self.model, self.x, self.rows, self.held_out, self.targets = model, x, rows, held_out, targets
        self.settings, self.generator = settings, generator
        self.batches = max(1, round(len(rows) / settings.batch_size))
        self.batch = min(settings.batch_size, len(rows) // self.batches)
        self.group = parallel.group()
        self.turns = Turns(model, settings.weight_decay, self.group)
        self.after_step = getattr(model, "after_step", None)
        self.judged = getattr(model, "judged", True)
        self.schedule = Schedule(settings.learning_rate, settings.epochs * self.batches)
        self.planned = self.schedule.steps
        self.mark = ""
        self.step = 0
        self.slower = 1.0  # what roll-backs left of the rate
        self.roll_backs = 0
        self.history: list[Row] = []
        self.best_loss, self.best_epoch = math.inf, 0
        self.threads = settings.threads or threads_worth(model.parameters(), x.shape[1:], self.batch)
        self.start = self._judge()["loss"]
        self.good = self._state(weights := self._weights())
        self.best = weights

    def ended(self) -> bool:
        return self.step >= self.schedule.steps

    def epoch(self, progress: Progress) -> Row:
        """Trains one epoch, judges it, and keeps it as the last good one."""
        began = time.monotonic()
        with torch_threads(self.threads):
            terms = self._learn(progress)
            judged = self._judge() if len(self.held_out) else terms
            _, active = self.model.activity(self._probe())
        # A loss far above the untrained model's is a run away, even where float32 still holds it.
        run_away = self.judged and judged["loss"] > self.start + 10 * (1 + abs(self.start))
        if run_away or not math.isfinite(judged["loss"]):
            raise NotFinite
        row: Row = {"epoch": len(self.history) + 1, **terms}
        if len(self.held_out):
            row |= {f"validation_{name}": value for name, value in judged.items()}
        row |= {
            "active_dims": int(active.sum()),
            "rate": self._rate(self.step - 1),
            "threads": self.threads,
            "seconds": round(time.monotonic() - began, 4),
            "roll_backs": self.roll_backs,
        }
        self.history.append(row)
        weights = self._weights()
        self._compare(judged["loss"], weights)
        self.good = self._state(weights)
        return row

    def _learn(self, progress: Progress) -> dict[str, float]:
        """Goes through the data once; returns the mean of the loss and of every term."""
        self.model.train()
        totals: dict[str, Tensor] = {}
        batches = self._batches()
        chance: torch.Generator | None = None
        for chosen, batch in batches:
            chance = chance or self.group.own_chance(self.generator)  # drawn after the order is
            x: Any = batch.to(self.settings.device)
            if self.targets is not None:
                x = x, self.targets.items[chosen].to(self.settings.device)
            said = self.turns.step(x, chance, self.step / self.planned, self._rate(self.step))
            if self.after_step is not None:
                self.after_step()
            self.step += 1
            for name, value in said.items():
                totals[name] = totals[name] + value if name in totals else value
            progress.advance()
        self.group.average(list(totals.values()))
        return {name: float(total) / self.batches for name, total in totals.items()}

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields an epoch's batches in a new random order: positions, and items in memory that the next one reuses."""
        if isinstance(self.x, BlockItems):
            yield from self.x.batches(self.rows, self.batches, self.batch, self.generator, self.group)
            return
        order = torch.randperm(len(self.rows), generator=self.generator, device=self.generator.device)
        order = self.rows[order.to(self.rows.device)]
        # One for all steps: new memory costs more than a copy.
        batch = self.x.new_empty((self.group.share(self.batch), *self.x.shape[1:]))
        for index in range(self.batches):
            chosen = self.group.part(order[index * self.batch : (index + 1) * self.batch])
            if isinstance(self.x, Tensor):
                torch.index_select(self.x, 0, chosen, out=batch)
            else:
                self.x.write(chosen, batch)
            yield chosen, batch

    @torch.no_grad()
    def _judge(self) -> dict[str, float]:
        """Returns the mean loss and terms on what is held out, with the same draws every time."""
        self.model.eval()
        generator = torch.Generator(self.generator.device).manual_seed(self.settings.seed)
        first = self.rows[: self.batch]
        held = len(self.held_out) > 0
        items: list[Any] = [self.held_out if held else self.x[first]]
        if self.targets is not None:
            items.append(self.targets.held_out if held else self.targets.items[first])
        totals: dict[str, float] = {}
        for parts in zip(*(tensor.split(_AT_ONCE) for tensor in items), strict=True):
            x, *y = [part.to(self.settings.device) for part in parts]
            loss, terms = self.model.loss((x, *y) if y else x, generator, 1.0)
            for name, value in (("loss", loss), *terms.items()):
                totals[name] = totals.get(name, 0.0) + float(value) * len(x) / len(items[0])
        return totals

    def _compare(self, loss: float, weights: dict[str, Tensor]) -> None:
        """Keeps the best weights, and lets the rate fall when nothing has become better for `patience` epochs."""
        epoch = len(self.history)
        if loss < self.best_loss or not self.judged:
            self.best, self.best_loss, self.best_epoch = weights, loss, epoch
        if not self.judged or self.schedule.falling(self.step) or self.step < self.settings.warm_up * self.planned:
            return
        judged_from = max(self.best_epoch, math.ceil(self.settings.warm_up * self.settings.epochs))
        if epoch - judged_from >= max(self.settings.patience, _PATIENT_STEPS // self.batches):
            self.model.load_state_dict(self.best)
            weights.update(self.best)
            self.schedule.fall_from(self.step, max(2, epoch // 4) * self.batches)

    def roll_back(self) -> None:
        """Returns to the last good epoch at half the rate; the draws go on, so the same path is not taken again."""
        self.roll_backs += 1
        if self.roll_backs > _MOST_ROLL_BACKS:
            if not self.history:
                raise FloatingPointError(
                    f"Training gave NaN or infinity in its first epoch at every rate from "
                    f"{self.settings.learning_rate:g} down to {self.settings.learning_rate * self.slower:g}. "
                    "Pass a smaller learning_rate, or look at the data's outliers."
                )
            _warn(f"Training kept giving NaN after epoch {len(self.history)}; epoch {self.best_epoch} is kept.")
            self.step = self.schedule.steps
            return
        slower = self.slower / 2
        self._restore(self.good)
        self.slower = slower
        _warn(
            f"A gradient or loss was not finite in epoch {len(self.history) + 1}: back to epoch {len(self.history)}, "
            f"going on at a learning rate of {self.settings.learning_rate * slower:.2g}."
        )

    def _rate(self, step: int) -> float:
        return self.slower * self.schedule.rate(step)

    def _probe(self) -> Tensor:
        items = self.held_out if len(self.held_out) >= 32 else self.x[self.rows[:_PROBE]]
        self.model.eval()
        return items[: min(_PROBE, max(1, 2**22 // items[0].numel()))].to(self.settings.device)

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def _state(self, weights: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """All that the next epoch depends on, as facts and tensors."""
        names = ("step", "slower", "roll_backs", "best_loss", "best_epoch")
        facts = {name: getattr(self, name) for name in names}
        facts |= {"history": list(self.history), "falls_at": self.schedule.falls_at, "steps": self.schedule.steps}
        tensors = {f"model/{name}": value for name, value in weights.items()}
        tensors |= {f"updates/{name}": value for name, value in self.turns.state().items()}
        return facts, tensors

    def _restore(self, state: tuple[dict[str, Any], dict[str, Tensor]]) -> None:
        facts, tensors = state
        for name in ("step", "slower", "best_loss", "best_epoch"):
            setattr(self, name, facts[name])
        self.history = list(facts["history"])
        self.schedule.falls_at, self.schedule.steps = facts["falls_at"], facts["steps"]
        self.model.load_state_dict(_under("model/", tensors))
        self.turns.restore(_under("updates/", tensors))

    def write(self, path: Path) -> None:
        facts, tensors = self.good
        best = {f"best/{name}": value.clone() for name, value in self.best.items()}  # may be the good ones too
        facts = facts | {"mark": self.mark, "seed": self.settings.seed}
        checkpoints.write(path, facts, tensors | best | {"generator": self.generator.get_state()})

    def resume(self, path: Path) -> None:
        """Takes up a run from its checkpoint.

        Raises
        ------
        ValueError
            If the checkpoint is another run's: other data, other parameters; or if it is not whole.
        """
        facts, tensors = checkpoints.read(path)
        if facts.get("mark") != self.mark:
            raise ValueError(
                f"checkpoint={str(path)!r} belongs to another fit: its data or parameters differ from these. "
                "Pass the same ones, delete it, or give another path."
            )
        try:
            self._restore((facts, tensors))
            self.roll_backs = facts["roll_backs"]
            self.best = _under("best/", tensors)
            self.generator.set_state(tensors["generator"])
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise ValueError(
                f"checkpoint={str(path)!r} is damaged: it does not hold the whole of this run ({error}). "
                "Delete it or give another path."
            ) from None
        self.good = self._state(self._weights())


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _warn(message: str) -> None:
    warnings.warn(message, TrainingWarning, stacklevel=2)
