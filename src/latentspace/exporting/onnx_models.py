"""A space's model as ONNX: encoder and decoder, from features to latents and back, checked in onnxruntime.

Linear models become one product: any transform that is affine is found out by its values at the axes. Networks are
traced by torch. What turns a picture or a row into features stays in Python: `features.json` says its shape and kind.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..errors import UnsupportedError
from ..models import adapter
from ..optional import require

if TYPE_CHECKING:
    from ..verbs.state import State

OPSET = 18
_AGREES = 1e-5  # of the largest value: what an export may differ by
_WIDEST = 2**27  # values of a product's matrix: 512 MB


def to_onnx(space: "State", folder: Path) -> None:
    """Writes encoder.onnx (`features` to `latents`), decoder.onnx where the model decodes, and features.json.

    Raises
    ------
    UnsupportedError
        If the model is neither affine nor a network of ours.
    ArithmeticError
        If onnxruntime gives another answer; nothing is written then.
    """
    require("onnx", "onnx", "export to ONNX")
    require("onnxruntime", "onnx", "the check of what is exported to ONNX")
    folder.mkdir()
    features = _some_features(space)
    z = np.ascontiguousarray(space.latents[: len(features)], dtype=np.float32)
    model = space.model
    _put(folder / "encoder.onnx", _encoder(model, features), features, model.transform, "features", "latents")
    if hasattr(model, "inverse_transform"):
        _put(folder / "decoder.onnx", _decoder(model, z, features), z, model.inverse_transform, "latents", "features")
    facts = {
        "latentspace": __version__, "kind": space.modality.kind, "features": list(features.shape[1:]),
        "dims": int(z.shape[1]), "model": getattr(model, "family", type(model).__name__),
    }  # fmt: skip
    (folder / "features.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _some_features(space: "State") -> np.ndarray:
    """Features as the model reads them, of some items."""
    if space._features is None:
        raise UnsupportedError("the items' features are not at hand to check an export with: bring the source back.")
    rows = np.linspace(0, len(space) - 1, min(64, len(space))).astype(np.int64)
    x = adapter._as_input(space.model, space._features.rows(rows))
    return np.ascontiguousarray(x, dtype=np.float32)


# ---------------------------------------------------------------------- to graphs
def _encoder(model: Any, x: np.ndarray) -> bytes:
    if hasattr(model, "network_") and hasattr(model, "unit_"):
        return _traced(_of_network(model, encodes=True), x, "features", "latents")
    return _product(*_affine(model.transform, x, "transform", model), "features", "latents", x.shape[1:], None)


def _decoder(model: Any, z: np.ndarray, x: np.ndarray) -> bytes:
    if hasattr(model, "network_") and hasattr(model, "unit_"):
        return _traced(_of_network(model, encodes=False), z, "latents", "features")
    found = _affine(model.inverse_transform, z, "inverse_transform", model)
    return _product(*found, "latents", "features", z.shape[1:], x.shape[1:])


def _affine(
    work: Callable[[np.ndarray], Any], some: np.ndarray, name: str, model: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (p, q) in float64 and offset (q,) of a map that is affine; refuses one that is not."""
    flat = some.reshape(len(some), -1)
    p = flat.shape[1]
    centre = flat.mean(axis=0, dtype=np.float64).astype(np.float32)
    at = np.asarray(work(centre[None].reshape(1, *some.shape[1:])), np.float64).reshape(-1)
    if p * len(at) > _WIDEST:
        raise UnsupportedError(f"{p:,} features to {len(at):,} values are too many for one product of ONNX.")
    step = np.float32(max(float(flat.std()), 1e-3))
    matrix = np.empty((p, len(at)))
    for start in range(0, p, 256):
        rows = np.repeat(centre[None], min(256, p - start), axis=0)
        own = np.arange(len(rows)), start + np.arange(len(rows))
        rows[own] += step
        moved = (rows.astype(np.float64) - centre)[own]
        there = np.asarray(work(rows.reshape(-1, *some.shape[1:])), np.float64).reshape(len(rows), -1)
        matrix[start : start + len(rows)] = (there - at) / moved[:, None]
    offset = at - centre.astype(np.float64) @ matrix
    wanted = np.asarray(work(some), np.float64).reshape(len(some), -1)
    scale = max(float(np.abs(wanted).max(initial=0)), 1e-30)
    if np.abs(flat.astype(np.float64) @ matrix + offset - wanted).max(initial=0) > 1e-3 * scale:
        raise UnsupportedError(
            f"{getattr(model, 'family', type(model).__name__)}'s {name} is neither affine nor a network of "
            "latentspace, and is not exported to ONNX. PCA and other linear models, autoencoders, VAEs and GANs are."
        )
    return matrix, offset


def _product(
    matrix: np.ndarray, offset: np.ndarray, given: str, gives: str, shape: tuple[int, ...],
    out_shape: tuple[int, ...] | None,
) -> bytes:  # fmt: skip
    """A graph of (x - centre) @ matrix in float64, so that a far origin costs no digits, and back to float32."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("Cast", [given], ["wide"], to=TensorProto.DOUBLE)]
    flat = "wide"
    constants = [numpy_helper.from_array(matrix, "matrix"), numpy_helper.from_array(offset, "offset")]
    if len(shape) > 1:
        constants.append(numpy_helper.from_array(np.array([-1, matrix.shape[0]], np.int64), "flat_shape"))
        nodes.append(helper.make_node("Reshape", ["wide", "flat_shape"], ["flat"]))
        flat = "flat"
    nodes.append(helper.make_node("MatMul", [flat, "matrix"], ["product"]))
    nodes.append(helper.make_node("Add", ["product", "offset"], ["sum"]))
    last = "sum"
    if out_shape is not None and len(out_shape) > 1:
        constants.append(numpy_helper.from_array(np.array([-1, *out_shape], np.int64), "out_shape"))
        nodes.append(helper.make_node("Reshape", ["sum", "out_shape"], ["shaped"]))
        last = "shaped"
    nodes.append(helper.make_node("Cast", [last], [gives], to=TensorProto.FLOAT))
    out = out_shape if out_shape is not None else (matrix.shape[1],)
    graph = helper.make_graph(
        nodes, "latentspace",
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info(gives, TensorProto.FLOAT, ["n", *out])],
        constants,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="latentspace")
    made.ir_version = 9
    return made.SerializeToString()


def _of_network(model: Any, encodes: bool) -> Any:
    """The network with its scaling, as one module."""
    import torch
    from torch import nn

    units = model._units()
    inverse = np.divide(1.0, units.scale, out=np.zeros_like(units.scale), where=units.scale > 0)

    def broadcast(values: np.ndarray) -> Any:
        return torch.from_numpy(values.astype(np.float64)).reshape((1, *model.shape_) if len(values) > 1 else (1,))

    class Exported(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = model.network_
            for name, values in (("shift", units.shift), ("scale", units.scale), ("inverse", inverse)):
                self.register_buffer(name, broadcast(values))

        def forward(self, x: Any) -> Any:
            if encodes:
                return self.network.infer(((x.double() - self.shift) * self.inverse).float()).mean
            return (self.network.decode(x).double() * self.scale + self.shift).float()

    return Exported().eval()


def _traced(module: Any, example: np.ndarray, given: str, gives: str) -> bytes:
    """A network as torch exports it, for any number of items."""
    import contextlib
    import io
    import logging
    import warnings

    import torch

    require("onnxscript", "onnx", "export of a network to ONNX")
    log = logging.getLogger("torch.onnx")
    level = log.level
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of torch, about itself
        log.setLevel(logging.ERROR)
        try:
            made = torch.onnx.export(
                module, (torch.from_numpy(example[:2]),), None, dynamo=True, input_names=[given], output_names=[gives],
                dynamic_shapes=({0: torch.export.Dim("n")},), opset_version=OPSET, verbose=False,
            )  # fmt: skip
        except torch.onnx.OnnxExporterError as error:
            reason = str(error.__cause__ or error).splitlines()[0]
            raise UnsupportedError(f"torch has no ONNX for what this network computes: {reason}") from None
        finally:
            log.setLevel(level)
    assert made is not None
    return made.model_proto.SerializeToString()


# ---------------------------------------------------------------------- the check
def _put(path: Path, graph: bytes, some: np.ndarray, work: Callable[[np.ndarray], Any], given: str, gives: str) -> None:
    """Writes a graph once onnxruntime has given the model's own answer, for several items and for one."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    for rows in (some, some[:1]):
        wanted = np.asarray(work(rows), np.float64)
        found = session.run([gives], {given: rows})[0]
        scale = max(float(np.abs(wanted).max(initial=0)), 1e-30)
        error = float(np.abs(found - wanted).max(initial=0)) / scale
        if found.shape != wanted.shape or not error <= _AGREES:
            raise ArithmeticError(
                f"{path.name}: onnxruntime gives shape {found.shape} and differs by {error:.2g} of the largest value, "
                f"the model has shape {wanted.shape}; at most {_AGREES:g} is allowed. Nothing was written."
            )
    path.write_bytes(graph)
