"""What a network is built from: a plan that a file can hold, chosen by the shape of an item."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn

from .conv import ConvDecoder, ConvEncoder, ResidualDecoder, ResidualEncoder
from .dense import DenseDecoder, DenseEncoder, Shape
from .own import DECLARED, Declared, Ready, constructors, own
from .sequence import RecurrentDecoder, RecurrentEncoder, TransformerDecoder, TransformerEncoder
from .topics import MixtureDecoder, TopicDecoder, TopicEncoder

_SMALLEST = 7  # pixels or steps: sides are halved while the shorter one is longer than this
_MOST_CHANNELS = 256
_MAX_LAYERS = 32
_READY = "ready"  # the kind of two modules as they are
_WIDTH = {"gru": (96,), "transformer": (64, 64), "topics": (128, 128), "mixture": (128, 128)}


class Kind(NamedTuple):
    """A built-in network: its two classes, and the items it is for, by their number of axes."""

    encoder: type[nn.Module]
    decoder: type[nn.Module]
    axes: tuple[int, ...]


KINDS: dict[str, Kind] = {
    "dense": Kind(DenseEncoder, DenseDecoder, (1, 2, 3)),
    "conv": Kind(ConvEncoder, ConvDecoder, (2, 3)),
    "residual": Kind(ResidualEncoder, ResidualDecoder, (2, 3)),
    "gru": Kind(RecurrentEncoder, RecurrentDecoder, (2,)),
    "transformer": Kind(TransformerEncoder, TransformerDecoder, (2,)),
    "topics": Kind(TopicEncoder, TopicDecoder, (1,)),
    "mixture": Kind(TopicEncoder, MixtureDecoder, (1,)),
}
_ITEMS = {1: "vectors (n, p)", 2: "sequences (n, c, t)", 3: "images (n, c, h, w)"}


class Plan(NamedTuple):
    """What a network is built from: JSON-able unless it is a pair of ready modules; a file can describe it, not code.

    Attributes
    ----------
    kind : str
        A name in KINDS, a declared network's name, or "ready".
    shape : tuple of int
        Of one item: (p,), (c, t) or (c, h, w).
    hidden : tuple of int
        Widths of the layers, or channels of the levels of a convolutional network, from x towards z.
    own : Declared, Ready or None
        A network that is not built in.
    """

    kind: str
    shape: Shape
    hidden: tuple[int, ...]
    own: Declared | Ready | None = None

    def encoder(self, outputs: int) -> nn.Module:
        """Builds f's network: x of shape (n, *shape) to (n, outputs)."""
        if self.own is not None:
            return self.own.encoder(self.shape, outputs)
        return KINDS[self.kind].encoder(self.shape, self.hidden, outputs)

    def decoder(self, dims: int, heads: int) -> nn.Module:
        """Builds g's network: z of shape (n, dims) to (n, heads * c, ...), an item's shape but for its first axis."""
        if self.own is not None:
            return self.own.decoder(self.shape, dims, heads)
        return KINDS[self.kind].decoder(self.shape, self.hidden, dims, heads)

    def architecture(self) -> dict[str, Any]:
        """Returns what a file keeps of it beside the shape; `plan_from` reads it."""
        facts: dict[str, Any] = {"kind": self.kind, "hidden": list(self.hidden)}
        return facts | {"declared": self.own.options} if isinstance(self.own, Declared) else facts


def plan(shape: Shape, network: Any = "auto", hidden: Sequence[int] | None = None) -> Plan:
    """Plans a network for items of a shape.

    Parameters
    ----------
    shape : (p,), (c, t) or (c, h, w)
        Of one item.
    network : str, dict or pair of modules, default="auto"
        A name in KINDS or of a declared network, alone or as a dict's "kind" with its options beside it; "auto":
        convolutional for sequences of at least 8 steps and images with sides of at least 8, dense for all else.
    hidden : sequence of int or None
        Widths of layers or channels of levels; None takes the defaults.

    Raises
    ------
    ValueError
        If the network is unknown, does not fit the shape, or `hidden` is not a list of positive widths.
    TypeError
        If `network` is something else.
    """
    mine = own(network)
    if mine is not None:
        kind = mine.name if isinstance(mine, Declared) else _READY
        if hidden is not None:
            raise ValueError(f"hidden={hidden!r} is for built-in networks; {mine} has sizes of its own. Pass None.")
        return Plan(kind, shape, (), mine)
    kind = network if isinstance(network, str) else network["kind"]
    if kind == "auto":
        kind = _chosen(shape)
    if kind not in KINDS:
        known = ", ".join(["auto", *sorted({*KINDS, *DECLARED})])
        raise ValueError(
            f"network={kind!r} is not known. Known networks: {known}. Declare one of your own with "
            "latentspace.declare_network."
        )
    if not isinstance(network, str) and len(network) > 1:
        extra = ", ".join(sorted(str(name) for name in network if name != "kind"))
        raise ValueError(f"network={kind!r} takes no options, but got {extra}. Its sizes are given by hidden=.")
    if len(shape) not in KINDS[kind].axes:
        items = " or ".join(_ITEMS[axes] for axes in KINDS[kind].axes)
        raise ValueError(
            f"network={kind!r} needs {items}, but the items have shape {shape}. Pass such items, or network='dense'."
        )
    return Plan(kind, shape, _defaults(kind, shape) if hidden is None else _checked(kind, shape, hidden))


def plan_from(shape: Shape, architecture: Mapping[str, Any]) -> Plan:
    """Plans what `Plan.architecture` described.

    Raises
    ------
    UnsupportedError
        If the network is not built in, and not declared in this process.
    """
    if "declared" not in architecture:
        if architecture["kind"] not in KINDS:
            raise ValueError(f"there is no network {architecture['kind']!r}")
        return plan(shape, architecture["kind"], architecture["hidden"])
    constructors(str(architecture["kind"]))
    return plan(shape, {**architecture["declared"], "kind": str(architecture["kind"])})


def refuse_unsavable(architecture: Mapping[str, Any]) -> None:
    """Raises TypeError for ready modules, whose code no file can name."""
    if architecture["kind"] == _READY:
        raise TypeError(
            "A model with network=(encoder, decoder) cannot be saved: a file keeps weights, never code. Declare what "
            "makes the two, latentspace.declare_network('mine', encoder=..., decoder=...), and fit with network='mine'."
        )


def blame(plan: Plan) -> str:
    """Says what may be wrong where a file's weights do not fit a plan."""
    if isinstance(plan.own, Declared):
        return f"Either {plan.own} is declared otherwise here than where it was fitted, or the file is damaged."
    return "The file is damaged."


def _chosen(shape: Shape) -> str:
    if len(shape) == 2 and shape[0] == shape[1] >= 8:
        raise ValueError(
            f"Items of shape {shape} can be grey pictures or sequences of {shape[1]} steps with {shape[0]} channels. "
            f"For pictures add an axis, X[:, None], of shape (n, 1, {shape[0]}, {shape[1]}); for sequences say "
            "network='conv'."
        )
    return "conv" if len(shape) > 1 and min(shape[1:]) >= 8 else "dense"


def _checked(kind: str, shape: Shape, hidden: Sequence[int]) -> tuple[int, ...]:
    widths = tuple(hidden)
    if not all(isinstance(width, int) and width > 0 for width in widths) or len(widths) > _MAX_LAYERS:
        raise ValueError(f"hidden={hidden!r} must be at most {_MAX_LAYERS} widths, each an integer of at least 1.")
    if kind in ("conv", "residual"):
        most = max(1, math.ceil(math.log2(max(1, min(shape[1:])))))
        if not 1 <= len(widths) <= most:
            size = f"images of {shape[1]} x {shape[2]} pixels" if len(shape) == 3 else f"sequences of {shape[1]} steps"
            raise ValueError(
                f"hidden={hidden!r} asks for {len(widths)} levels, but {size} can be halved 1 to {most} times. "
                "Pass so many channel counts."
            )
    if kind in ("gru", "transformer") and not widths:
        raise ValueError(f"hidden={hidden!r} has no width: network={kind!r} needs one a layer.")
    if kind == "transformer" and len(set(widths)) > 1:
        raise ValueError(f"hidden={hidden!r}: the layers of a transformer share one width. Repeat the same number.")
    return widths


def _defaults(kind: str, shape: Shape) -> tuple[int, ...]:
    if kind == "dense":
        return _widths(shape)
    return _WIDTH[kind] if kind in _WIDTH else _channels(shape)


def _widths(shape: Shape) -> tuple[int, ...]:
    """Two layers; the first as wide as the items need, within 64 to 512: a wider one costs time and wins little."""
    width = min(512, max(64, 2 ** round(math.log2(max(1, math.prod(shape))))))
    return (width, max(64, width // 2))


def _channels(shape: Shape) -> tuple[int, ...]:
    """Channels double while the sides halve, so a level of pictures costs half of the one before; 256 are enough.

    A sequence begins with more, for a level of it costs less: 32, or as many as the items have channels.
    """
    side, levels = min(shape[1:]), []
    channels = 16 if len(shape) == 3 else max(32, min(_MOST_CHANNELS, 2 ** round(math.log2(shape[0]))))
    while side > _SMALLEST:
        levels.append(min(channels, _MOST_CHANNELS))
        channels, side = channels * 2, -(-side // 2)
    return tuple(levels) or (channels,)


def enough_steps(plan: Plan) -> int:
    """Returns the steps after which a fit by defaults has most of what it will get.

    4,000 for a table's dense network, fewer where a step costs more: on 4,500 digits, 30 passes of 32 steps give a test
    error within a twentieth of what three times as many give.
    """
    if plan.kind in ("conv", "residual") or (plan.own is not None and len(plan.shape) == 3):
        return 900
    return max(1000, min(4000, round(4000 / math.sqrt(math.prod(plan.shape) / 128))))
