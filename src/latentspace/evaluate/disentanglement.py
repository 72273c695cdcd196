"""Whether each known factor of the items has a dimension of its own, by the measures of the literature.

Each has a fixed point of 1 for latents that are the factors. What chance gives differs: `Disentanglement.rescaled`
sets it to 0. Reviewed in Carbonneau et al., "Measuring disentanglement: a review of metrics", 2022.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

BINS = 20
_MOST = 2_000  # items that trees and classifiers are trained on, and as many again that they are scored on


@dataclass(frozen=True, eq=False)
class Disentanglement:
    """Scores; higher is better, and 1 is best.

    Attributes
    ----------
    mig : float
        Mutual information gap: how much more one dimension tells of a factor than the next one does, as a share of the
        factor's entropy (Chen et al., 2018).
    sap : float
        Separated attribute predictability: the same gap for the accuracy of a classifier on one dimension (Kumar et
        al., 2018).
    dci_disentanglement, dci_completeness : float
        Whether a dimension matters for one factor only, and a factor needs one dimension only (Eastwood and Williams,
        2018).
    dci_informativeness : float
        Accuracy of trees that tell the factors from all dimensions, on items they have not seen; chance is
        `chance["dci_informativeness"]`.
    modularity : float
        Whether a dimension has information of one factor only (Ridgeway and Mozer, 2018).
    explicitness : float
        How well a linear classifier on all dimensions tells the factors: 2 AUC - 1 (the same).
    factor_vae, beta_vae : float
        Accuracy of telling which factor was held still among items (Kim and Mnih, 2018; Higgins et al., 2017).
    chance : dict of name to float
        What latents without any relation score.
    factors : list of str
    information : float64 array of shape (dims, factors)
        Mutual information of dimension and factor as a share of the factor's entropy.
    importance : float64 array of shape (dims, factors)
        How much each dimension matters for telling each factor; columns sum to 1.
    """

    mig: float
    sap: float
    dci_disentanglement: float
    dci_completeness: float
    dci_informativeness: float
    modularity: float
    explicitness: float
    factor_vae: float
    beta_vae: float
    chance: dict[str, float]
    factors: list[str]
    information: np.ndarray
    importance: np.ndarray

    def rescaled(self) -> dict[str, float]:
        """The scores with chance at 0 and the best at 1."""
        found = {}
        for name in NAMES:
            floor = self.chance.get(name, 0.0)
            found[name] = float((getattr(self, name) - floor) / (1 - floor)) if floor < 1 else 0.0
        return found


NAMES = (
    "mig", "sap", "dci_disentanglement", "dci_completeness", "dci_informativeness", "modularity", "explicitness",
    "factor_vae", "beta_vae",
)  # fmt: skip


def disentanglement(
    z: np.ndarray,
    factors: Mapping[str, Sequence[Any]],
    *,
    seed: int = 0,
    trees: Literal["forest", "boosting"] = "forest",
) -> Disentanglement:
    """Measures latents of items whose factors are known.

    Parameters
    ----------
    z : array of shape (n, dims)
    factors : mapping of name to n values
        Words or numbers. Of more than 20 different numbers, 20 bins of equal width are made.
    seed : int
        Draws the items that are trained on, and what is held still.
    trees : "forest" or "boosting", default="forest"
        What tells importance for DCI. Boosting is what the reference programs use; a forest takes a tenth of the time.

    Raises
    ------
    ValueError
        If there is no factor, one has another number of values than z or only one value, or there are fewer than 50
        items.
    """
    z = np.asarray(z, np.float64)
    codes = np.stack([coded(name, values, len(z)) for name, values in factors.items()]) if factors else np.zeros((0, 0))
    if not len(codes) or len(z) < 50:
        raise ValueError(
            f"{len(codes)} factors of {len(z)} items: disentanglement needs a factor and 50 items or more."
        )
    ordered = [np.asarray(list(values)).dtype.kind in "fiu" for values in factors.values()]
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(z))
    half = min(_MOST, len(z) // 2)
    train, test = order[:half], order[half : 2 * half]
    information = mutual_information(z, codes)
    entropies = np.array([_entropy(code) for code in codes])
    importance, informativeness = _importance(z, codes, train, test, trees, seed)
    held = _HeldStill(z, codes, rng)
    shares = np.array([np.bincount(code).max() / len(code) for code in codes])
    return Disentanglement(
        mig=mig(information, entropies),
        sap=sap(z[train], codes[:, train], z[test], codes[:, test], ordered),
        dci_disentanglement=dci_disentanglement(importance),
        dci_completeness=dci_completeness(importance),
        dci_informativeness=informativeness,
        modularity=modularity(_without_chance(z, codes, information, rng)),
        explicitness=_explicitness(z, codes, train, test),
        factor_vae=held.factor_vae(),
        beta_vae=held.beta_vae(),
        chance={
            "dci_informativeness": float(shares.mean()),
            "factor_vae": held.chance,
            "beta_vae": 1 / len(codes),
        },
        factors=list(factors),
        information=information / np.maximum(entropies, 1e-12),
        importance=importance,
    )


def coded(name: str, values: Sequence[Any], n: int) -> np.ndarray:
    """A factor as whole numbers from 0, int64 (n,)."""
    array = np.asarray(list(values))
    if len(array) != n:
        raise ValueError(f"factor {name!r} has {len(array)} values for {n} items: give one an item.")
    if array.dtype == object:
        if any(value is None for value in array):
            raise ValueError(f"factor {name!r} is missing for some items; every item needs its factors.")
        array = array.astype(str)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"factor {name!r} holds NaN or infinity; every item needs its factors.")
    kinds, codes = np.unique(array, return_inverse=True)
    if len(kinds) < 2:
        raise ValueError(
            f"factor {name!r} is {kinds[0] if len(kinds) else 'empty'} for all items: nothing can tell it."
        )
    if len(kinds) > BINS and array.dtype.kind in "fiu":
        return np.unique(binned(array.astype(np.float64)), return_inverse=True)[1]
    if len(kinds) > max(BINS, n // 10):
        raise ValueError(f"factor {name!r} has {len(kinds)} different words for {n} items: that is no factor.")
    return codes


def binned(values: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Numbers in bins of equal width over their range, from 1, int64 (n,)."""
    return np.digitize(values, np.histogram_bin_edges(values, bins)[:-1])


def mutual_information(z: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Nats of every dimension, in 20 bins, with every factor: float64 (dims, factors)."""
    found = np.zeros((z.shape[1], len(codes)))
    for d in range(z.shape[1]):
        along = np.unique(binned(z[:, d]), return_inverse=True)[1]
        for f, code in enumerate(codes):
            table = np.zeros((along.max() + 1, code.max() + 1))
            np.add.at(table, (along, code), 1)
            table /= len(z)
            outer = table.sum(1, keepdims=True) * table.sum(0)
            there = table > 0
            found[d, f] = (table[there] * np.log(table[there] / outer[there])).sum()
    return np.maximum(found, 0)


def _entropy(code: np.ndarray) -> float:
    shares = np.bincount(code) / len(code)
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def mig(information: np.ndarray, entropies: np.ndarray) -> float:
    """Chen et al., "Isolating sources of disentanglement in variational autoencoders", 2018, equation 6."""
    return float((_gap(information) / entropies).mean())


def sap(z: np.ndarray, codes: np.ndarray, z_test: np.ndarray, codes_test: np.ndarray, ordered: Sequence[bool]) -> float:
    """Kumar et al., "Variational inference of disentangled latent concepts", 2018, section 3.

    The squared correlation with each factor that is `ordered`, the accuracy of a linear classifier for the others.
    """
    from sklearn.svm import LinearSVC

    scores = np.zeros((z.shape[1], len(codes)))
    for d in range(z.shape[1]):
        for f, code in enumerate(codes):
            if ordered[f]:
                there = z[:, d].std() > 1e-6 and code.std() > 0
                scores[d, f] = np.corrcoef(z[:, d], code)[0, 1] ** 2 if there else 0.0
                continue
            classifier = LinearSVC(C=0.01, class_weight="balanced", random_state=0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it need not converge to rank dimensions
                classifier.fit(z[:, [d]], code)
            scores[d, f] = (classifier.predict(z_test[:, [d]]) == codes_test[f]).mean()
    return float(_gap(scores).mean())


def _gap(scores: np.ndarray) -> np.ndarray:
    """How far the first of each column (dims, factors) leads the second; of a single dimension, its whole score."""
    ordered = np.sort(scores, axis=0)[::-1]
    return ordered[0] - (ordered[1] if len(ordered) > 1 else 0)


def _importance(
    z: np.ndarray, codes: np.ndarray, train: np.ndarray, test: np.ndarray, trees: str, seed: int
) -> tuple[np.ndarray, float]:
    from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier

    importance, right = np.zeros((z.shape[1], len(codes))), []
    for f, code in enumerate(codes):
        if trees == "boosting":
            model: Any = GradientBoostingClassifier(random_state=seed)
        else:  # every split may choose among all dimensions: one that tells a factor is never passed over
            model = ExtraTreesClassifier(30, max_features=None, min_samples_leaf=3, random_state=seed)
        model.fit(z[train], code[train])
        importance[:, f] = model.feature_importances_
        right.append((model.predict(z[test]) == code[test]).mean())
    return importance, float(np.mean(right))


def dci_disentanglement(importance: np.ndarray) -> float:
    """Eastwood and Williams, "A framework for the quantitative evaluation of disentangled representations", 2018."""
    return _concentration(importance)


def dci_completeness(importance: np.ndarray) -> float:
    """The same of factors: 1 where each needs one dimension."""
    return _concentration(importance.T)


def _concentration(importance: np.ndarray) -> float:
    """1 - the entropy of each row's shares, in units of what equal shares have; rows weigh by their sum."""
    if importance.shape[1] == 1:
        return 1.0
    total = importance.sum(axis=1)
    shares = (importance + 1e-11) / (importance + 1e-11).sum(axis=1, keepdims=True)
    rows = 1 + (shares * np.log(shares)).sum(axis=1) / np.log(importance.shape[1])
    return float((rows * total).sum() / total.sum()) if total.sum() else 0.0


def _without_chance(z: np.ndarray, codes: np.ndarray, information: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Information less what shuffled items have: with many bins and few items, much is there by chance."""
    by_chance = [mutual_information(z[rng.permutation(len(z))], codes) for _ in range(3)]
    spread = np.std(by_chance, axis=0).max(initial=0.0)
    left = information - np.mean(by_chance, axis=0)
    return np.where(left > 4 * spread, left, 0)


def modularity(information: np.ndarray) -> float:
    """Ridgeway and Mozer, "Learning deep disentangled embeddings with the f-statistic loss", 2018, equation 2.

    Dimensions without any information are left out; where none has any, the score is 0.
    """
    top = information.max(axis=1)
    some = top > 0
    if not some.any():
        return 0.0
    if information.shape[1] == 1:
        return 1.0
    squares = information[some] ** 2
    off = (squares.sum(axis=1) - top[some] ** 2) / (top[some] ** 2 * (information.shape[1] - 1))
    return float((1 - off).mean())


def _explicitness(z: np.ndarray, codes: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Mean over factors and their values of 2 AUC - 1 of linear classifiers on all dimensions."""
    from scipy.stats import rankdata

    from .probes import Products, Target, fit_on

    mean, scale = z[train].mean(axis=0), z[train].std(axis=0)
    ready = (z - mean) / np.where(scale > 0, scale, 1)
    areas = []
    for code in codes:
        target = Target(code[train], list(range(code.max() + 1)))
        products = Products(ready[train], np.zeros(len(train), np.int64))
        probe = next(fit_on(products, target, products.crossed(target.columns()), np.array([True]), (1e-3,)))
        scores = probe.scores(ready[test])
        for value in range(scores.shape[1]):
            own = code[test] == value
            if own.any() and not own.all():
                ranks = rankdata(scores[:, value] - np.delete(scores, value, axis=1).max(axis=1))
                a, b = own.sum(), (~own).sum()
                areas.append((ranks[own].sum() - a * (a + 1) / 2) / (a * b))
    return float(2 * np.mean(areas) - 1) if areas else 0.0


class _HeldStill:
    """Draws items that agree in one factor."""

    together, times = 64, 800

    def __init__(self, z: np.ndarray, codes: np.ndarray, rng: np.random.Generator):
        spread = z.std(axis=0)
        self.z = z[:, spread > 0] / spread[spread > 0]
        self.codes, self.rng = codes, rng
        self.rows = [[np.flatnonzero(code == value) for value in range(code.max() + 1)] for code in codes]
        self.chance = 1 / len(codes)

    def _group(self, size: int) -> tuple[int, np.ndarray]:
        f = int(self.rng.integers(len(self.codes)))
        value = self.codes[f, self.rng.integers(len(self.z))]
        return f, self.rng.choice(self.rows[f][value], size)

    def factor_vae(self) -> float:
        """The dimension that varies least votes for the factor; Kim and Mnih, "Disentangling by factorising", 2018."""
        if not self.z.shape[1]:
            return self.chance
        votes = np.zeros((2, len(self.codes), self.z.shape[1]))
        for turn in range(2):
            for _ in range(self.times):
                f, rows = self._group(self.together)
                votes[turn, f, self.z[rows].var(axis=0, ddof=1).argmin()] += 1
        winner = votes[0].argmax(axis=0)
        return float(votes[1, winner, np.arange(self.z.shape[1])].sum() / self.times)

    def beta_vae(self) -> float:
        """A linear classifier tells the factor from mean absolute differences of pairs; Higgins et al., 2017."""
        from .probes import Products, Target, fit_on

        if not self.z.shape[1] or len(self.codes) < 2:
            return self.chance
        apart, held = np.zeros((2 * self.times, self.z.shape[1])), np.zeros(2 * self.times, np.int64)
        for turn in range(2 * self.times):
            f, a = self._group(self.together)
            b = np.array([self.rng.choice(self.rows[f][value]) for value in self.codes[f, a]])
            apart[turn], held[turn] = np.abs(self.z[a] - self.z[b]).mean(axis=0), f
        ready = (apart - apart.mean(axis=0)) / np.maximum(apart.std(axis=0), 1e-12)
        target = Target(held[: self.times], list(range(len(self.codes))))
        products = Products(ready[: self.times], np.zeros(self.times, np.int64))
        probe = next(fit_on(products, target, products.crossed(target.columns()), np.array([True]), (1e-3,)))
        return float((probe.predict(ready[self.times :], True) == held[self.times :]).mean())
