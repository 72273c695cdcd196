"""Your own encoder and decoder: a declared constructor that a file can name, or a pair of modules as they are."""

import copy
import json
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.nn.parameter import is_lazy

from ...errors import UnsupportedError

Shape = tuple[int, ...]

_MOST_PARTS = 5_000  # modules and weights in one network: far past any, and a stop to what a file's options ask for
_TRIED_ON = 3  # items of the trial
_CLOSE = 1e-3  # of the largest output: what rounding may differ by between one item alone and among others


class Constructors(NamedTuple):
    """How a declared network is made."""

    encoder: Callable[..., nn.Module]
    decoder: Callable[..., nn.Module]


DECLARED: dict[str, Constructors] = {}  # by name, in this process; the only code that a file's network can reach


def declare_network(name: str, *, encoder: Callable[..., nn.Module], decoder: Callable[..., nn.Module]) -> None:
    """Declares a network of your own under a name, for `network=name` of every neural model.

    A file keeps the name, the options and the weights, never the code: declare the same network before loading it.
    Declaring a name again replaces it for what is fitted or loaded from then on.

    Parameters
    ----------
    name : str
        What `network=` says: `network="mine"`, or `network={"kind": "mine", "width": 64}` with options, which must
        be JSON.
    encoder : callable
        `encoder(shape, outputs, **options)` makes a module that maps x of shape (n, *shape) to (n, outputs).
        `shape` is an item's: (p,), (c, t) or (c, h, w). What the outputs mean is the posterior's business.
    decoder : callable
        `decoder(shape, dims, heads, **options)` makes a module that maps z of shape (n, dims) to (n, heads * shape[0],
        *shape[1:]): `heads` numbers for every feature, without a last activation, which is the likelihood's.

    Raises
    ------
    TypeError
        If the name is no string, or a constructor cannot be called.
    ValueError
        If the name is a built-in network's.

    Examples
    --------
    >>> from torch import nn
    >>> def encoder(shape, outputs, width=32):
    ...     return nn.Sequential(nn.Linear(shape[0], width), nn.GELU(), nn.Linear(width, outputs))
    >>> def decoder(shape, dims, heads, width=32):
    ...     return nn.Sequential(nn.Linear(dims, width), nn.GELU(), nn.Linear(width, heads * shape[0]))
    >>> declare_network("gelu", encoder=encoder, decoder=decoder)
    >>> from latentspace import Autoencoder
    >>> model = Autoencoder(dims=1, network={"kind": "gelu", "width": 8}, epochs=1).fit([[0.0, 1.0], [1.0, 0.0]])
    >>> model.inverse_transform([[0.0]]).shape
    (1, 2)
    """
    from .plan import KINDS

    if not isinstance(name, str) or not name:
        raise TypeError(f"declare_network() got the name {name!r}; it must be a string of at least one letter.")
    if name in KINDS or name in ("auto", "ready"):
        raise ValueError(
            f"declare_network() cannot take {name!r}, which is a built-in network's name. Choose another name."
        )
    for part, constructor in (("encoder", encoder), ("decoder", decoder)):
        if not callable(constructor) or isinstance(constructor, nn.Module):
            raise TypeError(
                f"declare_network({name!r}) got {part}={type(constructor).__name__}, which makes no module. Pass a "
                "function that does; two ready modules go to a model as network=(encoder, decoder)."
            )
    DECLARED[name] = Constructors(encoder, decoder)


class Declared(NamedTuple):
    """A declared network with its options: what a plan, and a file, say of it."""

    name: str
    options: dict[str, Any]

    def __str__(self) -> str:
        return f"network={self.name!r}"

    def encoder(self, shape: Shape, outputs: int) -> "Own":
        """Makes the encoder of items of a shape."""
        return Own(self, "encoder", shape, (outputs,), (shape, outputs))

    def decoder(self, shape: Shape, dims: int, heads: int) -> "Own":
        """Makes the decoder."""
        return Own(self, "decoder", (dims,), (heads * shape[0], *shape[1:]), (shape, dims, heads))

    def make(self, part: str, arguments: tuple[Any, ...]) -> nn.Module:
        """Calls the constructor that was declared."""
        with _counted(str(self)):
            return getattr(constructors(self.name), part)(*arguments, **self.options)


class Ready(NamedTuple):
    """Two modules as they are, with their weights, which may have been trained before. Copies of them are trained."""

    pair: tuple[nn.Module, nn.Module]

    def __str__(self) -> str:
        return "network=(encoder, decoder)"

    def __repr__(self) -> str:  # a checkpoint tells by it whether it belongs to the same start
        digest = 0
        for network in self.pair:
            for name, value in network.state_dict().items():
                digest = zlib.crc32(value.cpu().contiguous().view(-1).view(torch.uint8).numpy(), digest)
                digest = zlib.crc32(name.encode(), digest)
        return f"Ready({self.pair}, {digest})"

    def encoder(self, shape: Shape, outputs: int) -> "Own":
        """Copies the encoder."""
        return Own(self, "encoder", shape, (outputs,), ())

    def decoder(self, shape: Shape, dims: int, heads: int) -> "Own":
        """Copies the decoder."""
        return Own(self, "decoder", (dims,), (heads * shape[0], *shape[1:]), ())

    def make(self, part: str, arguments: tuple[Any, ...]) -> nn.Module:
        """Copies a module; nothing is built."""
        return copy.deepcopy(self.pair[part == "decoder"])


def constructors(name: str) -> Constructors:
    """Returns what was declared under a name.

    Raises
    ------
    UnsupportedError
        If nothing was, in this process; the message says how to.
    """
    if name not in DECLARED:
        known = ", ".join(sorted(DECLARED)) or "none"
        raise UnsupportedError(
            f"network={name!r} is not declared in this process (declared here: {known}). Call "
            f"latentspace.declare_network({name!r}, encoder=..., decoder=...) with the constructors that it was fitted "
            "with, then load again: a file keeps weights, never code."
        )
    return DECLARED[name]


def own(network: Any) -> Declared | Ready | None:
    """Reads a model's `network=`, or None where it names a built-in one.

    Raises
    ------
    TypeError
        If it is neither a name, a dict with a name, nor a pair of modules; or if options are not JSON.
    """
    if isinstance(network, str):
        return Declared(network, {}) if network in DECLARED else None
    if isinstance(network, Mapping) and isinstance(network.get("kind"), str):
        options = {name: value for name, value in network.items() if name != "kind"}
        try:
            kept = json.loads(json.dumps(options))
        except (TypeError, ValueError) as error:
            raise TypeError(f"network={network['kind']!r} has options that JSON cannot hold: {error}.") from None
        return Declared(network["kind"], kept) if network["kind"] in DECLARED else None
    if isinstance(network, tuple | list) and len(network) == 2 and all(isinstance(part, nn.Module) for part in network):
        return Ready((network[0], network[1]))
    raise TypeError(
        f"network={network!r} is none of: a name, a dict with the name as 'kind' and options beside it, a pair "
        "(encoder, decoder) of torch modules."
    )


class Own(nn.Module):
    """An own encoder or decoder, whose outputs are held to the shape that the rest of the model reads.

    Parameters
    ----------
    source : Declared or Ready
        Where the module comes from.
    part : "encoder" or "decoder"
    takes, gives : tuple of int
        Shapes in and out, without the items' axis.
    arguments : tuple
        For the constructor.
    """

    def __init__(self, source: Declared | Ready, part: str, takes: Shape, gives: Shape, arguments: tuple[Any, ...]):
        super().__init__()
        self.source, self.part, self.takes, self.gives, self.arguments = source, part, takes, gives, arguments
        self.network = self._made()

    def forward(self, x: Tensor) -> Tensor:
        try:
            y = self.network(x)
        except ValueError as error:
            if self.training and len(x) == 1:  # batch norm has no variance there
                raise ValueError(
                    f"The {self.part} of {self.source} cannot learn from a batch of one item ({error}). Pass more "
                    "items and a larger batch_size, or use a norm within an item, such as nn.GroupNorm."
                ) from error
            raise
        if not isinstance(y, Tensor) or y.shape != (len(x), *self.gives):
            found = f"shape {tuple(y.shape)}" if isinstance(y, Tensor) else f"type {type(y).__name__}"
            raise ValueError(
                f"The {self.part} of {self.source} gave an output of {found} for an input of shape {tuple(x.shape)}, "
                f"but {_READER[self.part]} {(len(x), *self.gives)}."
            )
        return y

    def begin(self, generator: torch.Generator) -> None:
        """Draws the starting weights as its constructor does, from the generator, and tries the network out.

        Raises
        ------
        ValueError
            If it fails on what it will get, or gives another shape, dtype, or no finite numbers; or if an item's
            output in eval mode depends on its batch or on chance.
        """
        seed = int(torch.randint(2**31, (), generator=generator))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            if isinstance(self.source, Declared):
                self.network.load_state_dict(self._made().state_dict())
            trial = copy.deepcopy(self)  # batch norm would learn from the trial
            x = torch.rand((_TRIED_ON, *self.takes))
            trial.train()._try(x)
            trial.eval()
            y = trial._try(x)
            apart = torch.cat([trial._try(item) for item in x.split(1)])
        if not torch.allclose(y, apart, rtol=0, atol=_CLOSE * (1 + float(y.abs().max()))):
            raise ValueError(
                f"The {self.part} of {self.source} gives an item another output beside other items, or at another "
                "time, in eval mode; latents would not be repeatable. Let dropout follow self.training, and batch norm "
                "keep running statistics."
            )

    def _made(self) -> nn.Module:
        network = self.source.make(self.part, self.arguments)
        if not isinstance(network, nn.Module):
            raise TypeError(
                f"The constructor of the {self.part} of {self.source} gave {type(network).__name__}, not a torch "
                "nn.Module."
            )
        if any(is_lazy(value) for value in network.state_dict(keep_vars=True).values()):
            raise ValueError(f"The {self.part} of {self.source} has lazy layers. Give all layers their sizes.")
        return network

    def _try(self, x: Tensor) -> Tensor:
        try:
            y = self(x)
        except (RuntimeError, IndexError) as error:
            raise ValueError(
                f"The {self.part} of {self.source} failed on an input of shape {tuple(x.shape)}: {error}. "
                f"{_READER[self.part].capitalize()} {(len(x), *self.gives)} from that."
            ) from error
        if y.dtype != torch.float32 or not torch.isfinite(y).all():
            found = f"{y.dtype}" if y.dtype != torch.float32 else "NaN or infinity"
            raise ValueError(
                f"The {self.part} of {self.source} gave {found} for numbers in [0, 1], where finite float32 is needed."
            )
        return y


_READER = {"encoder": "the posterior needs", "decoder": "the likelihood needs"}


@contextmanager
def _counted(what: str) -> Iterator[None]:
    """Stops a constructor that makes modules or weights without end, as options of a hostile file may ask for."""
    thread, left = threading.get_ident(), _MOST_PARTS

    def count(*_: Any) -> None:
        nonlocal left
        if threading.get_ident() == thread:
            left -= 1
            if left < 0:
                raise ValueError(f"{what} has more than {_MOST_PARTS:,} layers and weights")

    handles = [
        hooks.register_module_parameter_registration_hook(count),
        hooks.register_module_module_registration_hook(count),
        hooks.register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
