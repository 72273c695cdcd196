"""Presets: the papers' names for combinations of parts, each a family and the options that make it.

Only what a paper is about is named; all else is left to the family's defaults, which are better than most papers' own.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Preset(NamedTuple):
    """A combination by name.

    Attributes
    ----------
    family : str
        A name in `models.FAMILIES`.
    options : mapping
        Parameters of its class.
    paper : str
        Authors and year.
    says : str
        What it is for, in a line.
    """

    family: str
    options: Mapping[str, Any]
    paper: str
    says: str


PRESETS: dict[str, Preset] = {
    "autoencoder": Preset("autoencoder", {}, "Hinton and Salakhutdinov, 2006", "The shortest code that rebuilds x."),
    "vae": Preset("vae", {}, "Kingma and Welling, 2014", "A latent space that a normal prior fills."),
    "beta": Preset("vae", {"beta": 4.0}, "Higgins et al., 2017", "Fewer, more independent dimensions."),
    "iwae": Preset("vae", {"bound": "iwae"}, "Burda et al., 2016", "A tighter bound, a richer posterior."),
    "miwae": Preset("vae", {"bound": "miwae"}, "Rainforth et al., 2018", "IWAE in groups: a steadier encoder."),
    "piwae": Preset("vae", {"bound": "piwae"}, "Rainforth et al., 2018", "Decoder on IWAE, encoder on MIWAE."),
    "ciwae": Preset("vae", {"bound": "ciwae"}, "Rainforth et al., 2018", "Half ELBO, half IWAE."),
}


class Presets(Mapping[str, Preset]):
    """All presets by name; prints as a table."""

    def __getitem__(self, name: str) -> Preset:
        return PRESETS[name]

    def __iter__(self) -> Iterator[str]:
        return iter(PRESETS)

    def __len__(self) -> int:
        return len(PRESETS)

    def __repr__(self) -> str:
        rows = [("preset", "family", "paper", "says")]
        rows += [(name, preset.family, preset.paper, preset.says) for name, preset in PRESETS.items()]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
        )


def presets() -> Presets:
    """Returns the table of presets: what `fit(model=...)`, `from_preset` and `--model` take besides families.

    Examples
    --------
    >>> presets()["beta"].options
    {'beta': 4.0}
    """
    return Presets()


def from_preset(cls: type, name: str, overrides: Mapping[str, Any]) -> Any:
    """Makes an unfitted estimator of a class from a preset's name; `overrides` go before the preset's options.

    Raises
    ------
    ValueError
        If there is no such preset, or it is another class's; the message names that class.
    """
    from . import family

    if name not in PRESETS:
        raise ValueError(f"preset {name!r} is not known. Known presets: {', '.join(PRESETS)}.")
    preset = PRESETS[name]
    if (right := family(preset.family)) is not cls:
        raise ValueError(
            f"preset {name!r} is not one of {cls.__name__}, but of {right.__name__}: "
            f"{right.__name__}.from_preset({name!r})."
        )
    return cls(**{**preset.options, **overrides})
