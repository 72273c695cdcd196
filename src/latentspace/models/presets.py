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
    "denoising": Preset("autoencoder", {"noise": "masking"}, "Vincent et al., 2008", "Fills what is missing in items."),
    "sparse": Preset("autoencoder", {"regulariser": "sparsity"}, "Ng, 2011", "Each dimension on for few items."),
    "contractive": Preset(
        "autoencoder", {"regulariser": "contractive"}, "Rifai et al., 2011", "Moves only along what varies in the data."
    ),
    "rae-l2": Preset(
        "autoencoder", {"regulariser": "decoder-l2"}, "Ghosh et al., 2020", "A smooth decoder, sampled well."
    ),
    "rae-gp": Preset(
        "autoencoder", {"regulariser": "decoder-gradient"}, "Ghosh et al., 2020", "The same by the decoder's slope."
    ),
    "rae-sn": Preset(
        "autoencoder", {"regulariser": "decoder-spectral"}, "Ghosh et al., 2020", "The same by bounds on its layers."
    ),
    # One large book for all pieces, its codes held tight: on digits, clusters of z agree with classes by half again as
    # much as with a book of 256 for each piece, and the error is lower.
    "vq": Preset(
        "autoencoder",
        {"codes": {"kind": "vq", "shared": True, "size": 1024, "commitment": 2.5}},
        "van den Oord et al., 2017",
        "Discrete codes from a learned codebook.",
    ),
    "fsq": Preset("autoencoder", {"codes": "fsq"}, "Mentzer et al., 2024", "Discrete codes by rounding, no codebook."),
    "residual-vq": Preset(
        "autoencoder", {"codes": "residual-vq"}, "Zeghidour et al., 2021", "Discrete codes in stages, coarse to fine."
    ),
    "vae": Preset("vae", {}, "Kingma and Welling, 2014", "A latent space that a normal prior fills."),
    # Divergences: what pulls latents towards the prior, and which of their habits are charged more.
    "beta": Preset("vae", {"beta": 4.0}, "Higgins et al., 2017", "Fewer, more independent dimensions."),
    "disentangled-beta": Preset(
        "vae", {"divergence": "capacity"}, "Burgess et al., 2018", "Dimensions come into use one after another."
    ),
    "beta-tc": Preset("vae", {"divergence": "tc"}, "Chen et al., 2018", "Independent dimensions, decoded well."),
    "factor": Preset("vae", {"divergence": "factor"}, "Kim and Mnih, 2018", "Independent dimensions, by a critic."),
    "info": Preset("vae", {"divergence": "info"}, "Zhao et al., 2019", "Tells more of x, and still fills the prior."),
    "wae-mmd": Preset(
        "vae",
        {"posterior": "point", "divergence": "mmd"},
        "Tolstikhin et al., 2018",
        "Sharp as an autoencoder; latents fill the prior together.",
    ),
    "aae": Preset(
        "vae",
        {"posterior": "point", "divergence": "adversarial"},
        "Makhzani et al., 2015",
        "The same, held by a critic of latents.",
    ),
    # Bounds: nearer to the likelihood, for several draws an item.
    "iwae": Preset("vae", {"bound": "iwae"}, "Burda et al., 2016", "A tighter bound, a richer posterior."),
    "miwae": Preset("vae", {"bound": "miwae"}, "Rainforth et al., 2018", "IWAE in groups: a steadier encoder."),
    "piwae": Preset("vae", {"bound": "piwae"}, "Rainforth et al., 2018", "Decoder on IWAE, encoder on MIWAE."),
    "ciwae": Preset("vae", {"bound": "ciwae"}, "Rainforth et al., 2018", "Half ELBO, half IWAE."),
    # Priors and posteriors: where latents live, and what shapes they take.
    "vamp": Preset("vae", {"prior": "vamp"}, "Tomczak and Welling, 2018", "A prior of learned examples, in groups."),
    "vae-iaf": Preset("vae", {"posterior": "iaf"}, "Kingma et al., 2016", "A posterior bent by autoregressive flows."),
    "vae-lin-nf": Preset("vae", {"posterior": "planar"}, "Rezende and Mohamed, 2015", "One bent by planar flows."),
    "svae": Preset(
        "vae", {"posterior": "vmf", "prior": "sphere"}, "Davidson et al., 2018", "Latents on a sphere: directions."
    ),
    "poincare": Preset(
        "vae", {"posterior": "poincare", "prior": "poincare"}, "Mathieu et al., 2019", "Hyperbolic latents: trees."
    ),
    # Likelihoods: what counts as alike.
    "ms-ssim": Preset("vae", {"likelihood": "ms-ssim"}, "Snell et al., 2017", "Pictures alike as the eye sees them."),
    "vae-gan": Preset(
        "vae", {"likelihood": "feature-matching"}, "Larsen et al., 2016", "Sharp pictures, judged by a discriminator."
    ),
    # Texts, what they are about, and histories, what goes on from them.
    "prodlda": Preset(
        "vae",
        {"likelihood": "multinomial", "network": "topics", "prior": "dirichlet"},
        "Srivastava and Sutton, 2017",
        "Topics of texts, as words that come together.",
    ),
    # The spherical topic model of that paper with the encoder and prior of `prodlda`, and topics that are asked to hold
    # together as Newman et al. (2011) ask it.
    "topic-vae": Preset(
        "vae",
        {
            "likelihood": "vmf",
            "network": "mixture",
            "prior": "dirichlet",
            "bound": "coherent",
            "learning_rate": 0.01,
        },
        "Reisinger et al., 2010",
        "Topics of texts that hold together.",
    ),
    # Held to small weights, or it learns the users of a small set by heart: on two splits of MovieLens 100k kept for
    # this, NDCG@100 0.534 for 0.521 with a weight decay of 0.01, and 0.507 for the paper's 600-200.
    "mult-vae": Preset(
        "vae",
        {
            "likelihood": {"kind": "multinomial", "direction": True},
            "bound": {"kind": "elbo", "noise": {"kind": "masking", "share": 0.5}},
            "network": "dense",
            "hidden": [],
            "dims": 128,
            "beta": 0.2,
            "learning_rate": 0.001,
            "warm_up": 0.5,
            "free_bits": 0.0,
            "weight_decay": 4.0,
        },
        "Liang et al., 2018",
        "What a user will meet next, from what they met.",
    ),
    "string-vae": Preset(
        "vae",
        {"likelihood": "categorical", "network": "dense", "hidden": [768, 512], "dims": 64, "beta": 0.1},
        "Bowman et al., 2016",
        "Names and other short strings, spelled back and anew.",
    ),
    # GANs with an encoder: sharp samples, and a way back.
    "gan": Preset("gan", {}, "Huang et al., 2024", "Sharp samples from a steady game, and an encoder."),
    "wgan-gp": Preset("gan", {"loss": "wgan-gp"}, "Gulrajani et al., 2017", "A GAN by Wasserstein distance: slower."),
    "hinge-gan": Preset("gan", {"loss": "hinge"}, "Lim and Ye, 2017", "A GAN by the hinge loss: quicker, less steady."),
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
