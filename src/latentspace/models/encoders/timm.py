"""Models of timm, from local weights: a file, or what a Hugging Face cache already holds."""

from pathlib import Path
from typing import Any

from ...errors import UnsupportedError
from . import Pictures, package
from .module import ModuleEncoder


def open_timm(argument: str) -> ModuleEncoder:
    """Opens "timm:NAME", whose weights are in the Hugging Face cache, or "timm:NAME=FILE".

    Raises
    ------
    MissingExtraError
        If timm is not installed.
    UnsupportedError
        If the weights are not on this machine.
    """
    timm: Any = package("timm", "timm", f"timm:{argument}")
    name, _, file = argument.partition("=")
    if name.split(".")[0] not in timm.list_models():
        raise ValueError(f"encoder='timm:{argument}': timm {timm.__version__} has no model {name!r}.")
    path = local_file(file, f"timm:{argument}") if file else _cached(timm, name, argument)
    model = timm.create_model(name, pretrained=False, num_classes=0)
    model.load_state_dict(_without_classifier(timm, model, path, f"timm:{argument}"))
    config = timm.data.resolve_model_data_config(model)
    channels, size = config["input_size"][0], config["input_size"][-1]
    return ModuleEncoder(
        model,
        Pictures(size, tuple(config["mean"]), tuple(config["std"]), channels),
        {"weights": str(path)},
    )


def _without_classifier(timm: Any, model: Any, path: Path, encoder: str) -> dict[str, Any]:
    """A file's weights, of any number of classes, but for those that tell classes.

    Raises
    ------
    ValueError
        If they are of another network, or the file is damaged.
    """
    try:
        weights = timm.models.load_state_dict(str(path), weights_only=True)
    except Exception as error:  # whatever a damaged file makes the readers raise
        raise ValueError(f"encoder={encoder!r}: {path} cannot be read: {error}") from None
    heads = model.pretrained_cfg.get("classifier") or ()
    heads = (heads,) if isinstance(heads, str) else tuple(heads)
    own = {name: value for name, value in weights.items() if not name.startswith(tuple(f"{head}." for head in heads))}
    asked = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    strange = sorted(
        name for name in asked.keys() | own.keys() if name not in own or asked.get(name) != tuple(own[name].shape)
    )
    if strange:
        raise ValueError(
            f"encoder={encoder!r}: {path} holds weights of another network: {len(strange):,} of {len(asked):,} do not "
            f"fit, {strange[0]!r} first."
        )
    return own


def _cached(timm: Any, name: str, argument: str) -> Path:
    hub: Any = package("huggingface_hub", "huggingface-hub", f"timm:{argument}")
    config = timm.get_pretrained_cfg(name)
    repository = getattr(config, "hf_hub_id", None)
    for file in ("model.safetensors", "pytorch_model.bin"):
        found = hub.try_to_load_from_cache(repository, file) if repository else None
        if isinstance(found, str):
            return Path(found)
    raise UnsupportedError(
        f"encoder='timm:{argument}' needs the weights of {repository or name}, and nothing is downloaded unasked. They "
        f"are not in {hub.constants.HF_HUB_CACHE}. Get them with `hf download {repository or name}`, or name a file: "
        f"encoder='timm:{name}=weights.safetensors'."
    )


def local_file(file: str, encoder: str) -> Path:
    """Returns a file of weights.

    Raises
    ------
    UnsupportedError
        If it is not there.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        raise UnsupportedError(f"encoder={encoder!r} needs the file {str(path)!r}, which is not there.")
    return path
