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
    given = {"checkpoint_path": str(local_file(file, f"timm:{argument}"))} if file else _cached(timm, name, argument)
    model = timm.create_model(name, pretrained=False, num_classes=0, **given)
    config = timm.data.resolve_model_data_config(model)
    channels, size = config["input_size"][0], config["input_size"][-1]
    return ModuleEncoder(
        model,
        Pictures(size, tuple(config["mean"]), tuple(config["std"]), channels),
        {"weights": given["checkpoint_path"]},
    )


def _cached(timm: Any, name: str, argument: str) -> dict[str, str]:
    hub: Any = package("huggingface_hub", "huggingface-hub", f"timm:{argument}")
    config = timm.get_pretrained_cfg(name)
    repository = getattr(config, "hf_hub_id", None)
    for file in ("model.safetensors", "pytorch_model.bin"):
        found = hub.try_to_load_from_cache(repository, file) if repository else None
        if isinstance(found, str):
            return {"checkpoint_path": found}
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
