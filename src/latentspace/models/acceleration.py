"""Networks made faster while they train: matrix products in bfloat16, and torch's compiler.

Only the encoder and the decoder compute in the smaller type; what they give is float32 again, so likelihoods,
divergences and weights keep their precision. bfloat16 has float32's range, so no loss needs scaling; float16 has not,
and a gradient that overflows would roll an epoch back, so cards without bfloat16 train in float32.

Both are set on the networks themselves, while training lasts: names of weights, and what inference computes, stay.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import TrainingWarning

PRECISIONS = ("auto", "float32", "bfloat16")


def resolve(precision: str, device: torch.device) -> torch.dtype:
    """Returns the type that networks compute in; "auto" is bfloat16 on GPUs that have it, else float32.

    Raises
    ------
    ValueError
        If there is no such precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} is not known. Known precisions: {', '.join(PRECISIONS)}.")
    if precision == "auto":
        native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


@contextmanager
def accelerated(model: Any, example: Tensor, *, dtype: torch.dtype, compiled: bool) -> Iterator[None]:
    """Lets a model's networks compute in `dtype`, and compiled, within the block.

    Parameters
    ----------
    model : nn.Module
        With `encoder` and `decoder`, `infer` and `decode`.
    example : tensor of shape (n, ...)
        A few items on the model's device, to try the compiler on.
    dtype : torch.dtype
    compiled : bool
        Where the compiler does not work, a warning says why and training goes on without.
    """
    networks: list[nn.Module] = [model.encoder, model.decoder]
    if dtype != torch.float32:
        for network in networks:
            _compute_in(network, dtype, example.device.type)
    if compiled:
        _compile(model, networks, example)
    try:
        yield
    finally:
        for network in networks:
            network.__dict__.pop("forward", None)
            network._compiled_call_impl = None


def _compute_in(network: nn.Module, dtype: torch.dtype, device: str) -> None:
    forward = network.forward

    def in_smaller_type(x: Tensor) -> Tensor:
        with torch.autocast(device, dtype):
            return forward(x).float()

    network.forward = in_smaller_type  # on the instance, in front of the class's


def _compile(model: Any, networks: list[nn.Module], example: Tensor) -> None:
    for network in networks:
        network.compile()
    training = model.training
    try:
        with torch.no_grad():
            model.eval()
            model.decode(model.infer(example).mean)
    except Exception as error:  # whatever the compiler and its tools raise; the networks' own errors come back below
        for network in networks:
            network._compiled_call_impl = None
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        warnings.warn(
            f"compile=True: torch could not compile these networks here ({reason}). They train as they are.",
            TrainingWarning,
            stacklevel=2,
        )
    finally:
        model.train(training)


def device_of(name: str) -> torch.device:
    """Resolves "auto" to a GPU where there is one.

    Raises
    ------
    ValueError
        If torch knows no such device, or it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device={name!r} cannot be used ({reason}). Pass 'auto' or 'cpu'.") from None
