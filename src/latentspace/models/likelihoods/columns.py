"""A likelihood for rows of a table: each column by its own kind, so that what is drawn is a row that could be."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from .base import Likelihood
from .marginals import Marginals, log_density, log_mass

_LEAST, _LARGEST = 0.1, 3.0  # scale of scores: below, one number that follows from z would outweigh all categories
_QUICK = 10  # steps of scales to those of weights: until they have settled, the divergence outweighs the numbers
_BARRED = -1e9  # logit of what fills up narrow categories
_KEYS = {"number": {"missing"}, "boolean": {"missing"}, "category": {"width", "bits"}}


class Columns(Likelihood):
    """p(x given z) = prod over columns: a normal score, a probit of ordered values, a softmax, or yes and no.

    - A number's score t (see `Marginals`) is N(t; a, s^2), a from the decoder and s the column's own, learned. Of few
      different values, each has the probability of its interval of scores: an ordered probit (McKelvey and Zavoina,
      1975).
    - A category of k features, one of which is 1, is a softmax of k logits. Behind it, `bits` features count only where
      its last feature, "another level", is 1.
    - A boolean is a logit. `missing` says that a feature follows which is 1 where the value is missing; then the value
      itself says nothing.

    Categories and booleans start from how often each is seen. The encoder sees scores in place of numbers. An item is
    drawn value by value (`draw`), not given as a mean: the mean of "red" and "blue" is no colour.

    Parameters
    ----------
    shape, scale
        As for every `Likelihood`; there is no scale to fix.
    columns : list of dict or None
        Blocks of features from left to right: {"kind": "number"} and {"kind": "boolean"}, each with "missing" true or
        not, and {"kind": "category", "width": k, "bits": b}. None takes every feature for a number.
    """

    name: ClassVar[str] = "columns"
    unit: ClassVar[str] = "mixed"
    # A row has few nats beside a picture, and a density fitted to the latents mends what the divergence leaves undone.
    # Planted: a category and its number, correlated at 1, were rebuilt at 0.94 with 1, 0.97 with 1/2, 0.98 with 1/4.
    # Penguins: drawn numbers lay 0.059 from real ones with 1/2, 0.049 with 1/4 (Xu et al., "CTGAN", 2019, take 1/2).
    eases: ClassVar[float] = 0.25

    base: Tensor
    numbers: Tensor  # where numbers lie, (numbers,); likewise:
    number_gates: Tensor  # what says that they are missing
    yes: Tensor  # booleans, bits, and what says that another is missing
    yes_gates: Tensor  # what each of them counts by,
    yes_wants: Tensor  # and what that must be
    groups: Tensor  # the features of each category, filled up with p to the widest

    def __init__(
        self, shape: tuple[int, ...], scale: float | None = None, *, columns: Sequence[Mapping[str, Any]] | None = None
    ):
        super().__init__(shape, scale)
        p = math.prod(shape)
        parts = _Parts()
        for block in columns if columns is not None else [{"kind": "number"}] * p:
            parts.add(_checked(block))
        if parts.width != p or len(self.shape) != 1:
            raise ValueError(
                f"likelihood='columns' got columns of {parts.width} features, but items have shape {self.shape}. Give "
                "blocks that cover all features of rows (n, p), or columns=None."
            )
        widest = max((len(group) for group in parts.categories), default=0)
        for name, places in (
            ("numbers", parts.numbers), ("number_gates", parts.number_gates), ("yes", parts.yes),
            ("yes_gates", parts.yes_gates), ("yes_wants", parts.yes_wants),
            ("groups", [[*group, *[p] * (widest - len(group))] for group in parts.categories]),
        ):  # fmt: skip
            self.register_buffer(name, torch.tensor(places, dtype=torch.long), persistent=False)
        self.marginals = Marginals(len(parts.numbers))
        self.log_scale = nn.Parameter(torch.zeros(len(parts.numbers)))
        self.register_buffer("base", torch.zeros(p))

    @torch.no_grad()
    def start(self, x: Tensor, generator: torch.Generator) -> None:
        """Learns each number's distribution, and how often each category and each yes is seen."""
        self.marginals.start(x[:, self.numbers], self._there(x))
        self.base.zero_()
        share = (x.double().sum(0) + 0.5) / (len(x) + 1)
        if len(self.groups):
            chosen = self.groups[self.groups < len(self.base)]
            self.base[chosen] = share[chosen].clamp_min(1e-12).log().float()
        if len(self.yes):
            counts = self._counts(x).double()
            yes = ((x[:, self.yes] * counts).sum(0) + 0.5) / (counts.sum(0) + 1)
            self.base[self.yes] = torch.logit(yes.clamp(1e-6, 1 - 1e-6)).float()

    def seen(self, x: Tensor) -> Tensor:
        """Rows (n, p) with normal scores in place of numbers, 0 where they are missing."""
        scored = torch.where(self._there(x), self.marginals.scores(x[:, self.numbers]), 0.0)
        return x.index_copy(1, self.numbers, scored)

    def nll(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Outputs and x of shape (n, p) to nats of shape (n,)."""
        outputs = outputs + self.base
        low, high = (
            (t - outputs[:, self.numbers]) / self._scale() for t in self.marginals.interval(x[:, self.numbers])
        )
        log_p = log_density(low) - self._scale().log()
        few = (self.marginals.sizes > 0).nonzero()[:, 0]
        if len(few):
            log_p = log_p.index_copy(1, few, log_mass(low[:, few], high[:, few]))
        nll = -torch.where(self._there(x), log_p, 0.0).sum(1)
        if len(self.groups):
            nll = nll - (_spread(x, self.groups, 0.0) * self._log_shares(outputs)).sum((1, 2))
        if len(self.yes):
            logits, truth = outputs[:, self.yes], x[:, self.yes]
            counted = self._counts(x)
            nll = nll - ((truth * logsigmoid(logits) + (1 - truth) * logsigmoid(-logits)) * counted).sum(1)
        return nll

    def mean(self, outputs: Tensor) -> Tensor:
        """Outputs to x (n, p): a number's median, and the probability of each category and of each yes."""
        outputs = outputs + self.base
        x = outputs.index_copy(1, self.numbers, self.marginals.values(outputs[:, self.numbers]))
        x = x.index_copy(1, self.yes, torch.sigmoid(outputs[:, self.yes]))
        return self._with_categories(x, self._log_shares(outputs).exp())

    def draw(self, outputs: Tensor, generator: torch.Generator) -> Tensor:
        """Outputs to rows (n, p) drawn from p(x given z): values that were seen, one level of each category."""
        outputs = outputs + self.base
        noise = torch.randn((len(outputs), len(self.numbers)), generator=generator)
        x = outputs.index_copy(1, self.numbers, self.marginals.values(outputs[:, self.numbers] + self._scale() * noise))
        chance = torch.rand((len(outputs), len(self.yes)), generator=generator)
        x = x.index_copy(1, self.yes, (chance < torch.sigmoid(outputs[:, self.yes])).to(x.dtype))
        # The largest of logits plus Gumbel noise is a draw from their softmax.
        uniform = torch.rand((len(outputs), *self.groups.shape), generator=generator).clamp(1e-20, 1 - 1e-7)
        chosen = (self._log_shares(outputs) - torch.log(-torch.log(uniform))).argmax(-1) if len(self.groups) else None
        one = torch.zeros_like(uniform) if chosen is None else nn.functional.one_hot(chosen, self.groups.shape[1])
        return self._with_categories(x, one.to(x.dtype))

    def _scale(self) -> Tensor:
        return (_QUICK * self.log_scale).clamp(math.log(_LEAST), math.log(_LARGEST)).exp()

    def _there(self, x: Tensor) -> Tensor:
        """Where numbers are not missing, bool (n, numbers)."""
        return _spread(x, self.number_gates, 0.0) < 0.5

    def _counts(self, x: Tensor) -> Tensor:
        """Where booleans and bits count, float (n, yes): their gate holds what it must."""
        gate = torch.where(self.yes_gates < x.shape[1], _spread(x, self.yes_gates, 0.0), self.yes_wants)
        return ((gate >= 0.5) == (self.yes_wants >= 0.5)).to(x.dtype)

    def _log_shares(self, outputs: Tensor) -> Tensor:
        """Outputs (n, p) to logarithms of the categories' probabilities, (n, categories, widest)."""
        if not len(self.groups):
            return outputs.new_zeros(len(outputs), 0, 0)
        return torch.log_softmax(_spread(outputs, self.groups, _BARRED), dim=-1)

    def _with_categories(self, x: Tensor, shares: Tensor) -> Tensor:
        if not len(self.groups):
            return x
        real = self.groups < x.shape[1]
        return x.index_copy(1, self.groups[real], shares[:, real])


def _spread(x: Tensor, places: Tensor, filling: float) -> Tensor:
    """Columns of x (n, p) at `places`, `filling` where the place is p: (n, *places.shape)."""
    return torch.cat([x, x.new_full((len(x), 1), filling)], dim=1)[:, places]


class _Parts:
    """Where each kind of column lies; p stands for "nowhere"."""

    def __init__(self) -> None:
        self.width = 0
        self.numbers: list[int] = []
        self.categories: list[list[int]] = []
        self.yes: list[int] = []
        self._number_gates: list[int | None] = []
        self._yes_gates: list[int | None] = []
        self.yes_wants: list[int] = []

    @property
    def number_gates(self) -> list[int]:
        return [self.width if gate is None else gate for gate in self._number_gates]

    @property
    def yes_gates(self) -> list[int]:
        return [self.width if gate is None else gate for gate in self._yes_gates]

    def add(self, block: Mapping[str, Any]) -> None:
        """Appends one block to the right."""
        at = self.width
        if block["kind"] == "category":
            last = at + block["width"] - 1
            self.categories.append(list(range(at, last + 1)))
            for bit in range(last + 1, last + 1 + block["bits"]):
                self._ask(bit, last, 1)
            self.width = last + 1 + block["bits"]
            return
        flag = at + 1 if block["missing"] else None
        if block["kind"] == "number":
            self.numbers.append(at)
            self._number_gates.append(flag)
        else:
            self._ask(at, flag, 0)
        if flag is not None:
            self._ask(flag, None, 0)
        self.width = at + 1 + (flag is not None)

    def _ask(self, place: int, gate: int | None, wants: int) -> None:
        """A yes or no that counts only where the gate is `wants`."""
        self.yes.append(place)
        self._yes_gates.append(gate)
        self.yes_wants.append(wants)


def _checked(block: Any) -> dict[str, Any]:
    """A block with its defaults, or ValueError."""
    known = isinstance(block, Mapping) and block.get("kind") in _KEYS and set(block) <= {"kind", *_KEYS[block["kind"]]}
    if known and block["kind"] == "category":
        width, bits = block.get("width"), block.get("bits", 0)
        if type(width) is int and type(bits) is int and width >= 1 and bits >= 0:
            return {"kind": "category", "width": width, "bits": bits}
    elif known and type(block.get("missing", False)) is bool:
        return {"kind": block["kind"], "missing": block.get("missing", False)}
    raise ValueError(
        f"columns= holds {block!r}, which is no block. Give {{'kind': 'number'}} or {{'kind': 'boolean'}} with "
        "'missing': True or False, or {'kind': 'category', 'width': k, 'bits': b}."
    )
