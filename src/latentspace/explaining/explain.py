"""`space.explain()`: each dimension with its importance, extremes, effect, metadata, and a name that is earned."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..explain import dimensions as plain
from ..explain import naming
from ..explain.basis import Alignment, alignment, concentration
from ..explain.concepts import Concept, weighed_concepts
from ..explain.evidence import Column, Evidence, columns_of, evidence, sample_rows
from ..explain.rotations import Rotation, ica, varimax
from ..explain.sparse_features import SparseFeature, sparse_features
from ..progress import Progress
from ..reports import Report
from .ground import Ground

if TYPE_CHECKING:
    from ..verbs.state import State

MOST = 24  # dimensions told one by one, by importance: more are not read
_FEATURES = 8  # features told of a dimension
_TEXTS = 0.1  # share of the items that stand for an end, where words name it


@dataclass
class Dimension:
    """What is known of one dimension.

    Attributes
    ----------
    dimension : int
    name : str
        Or "no clear meaning", or "unused".
    clear : bool
    because : str
    share : float
        Of the latents' variance.
    kl : float or None
        Nats that it carries an item, where the model has a posterior and says so.
    effect : float or None
        Root mean square change of the decode by one standard deviation, as a share of the largest dimension's.
    bent : float or None
        0 to 1: how far that change differs from place to place; 0 in a linear model.
    low, high : list of int
        Rows of the items at its ends.
    goes_with : list of Evidence
        Metadata, the strongest first; those that chance explains are left out.
    features : list of (name, effect)
        Columns or words that it moves most, by one standard deviation, in the features' unit.
    """

    dimension: int
    name: str
    clear: bool
    because: str
    share: float
    kl: float | None
    effect: float | None
    bent: float | None
    low: list[int]
    high: list[int]
    goes_with: list[Evidence] = field(default_factory=list)
    features: list[tuple[str, float]] = field(default_factory=list)


@dataclass
class Explanation(Report):
    """What `space.explain()` returns: a report, and what it rests on as values.

    Attributes
    ----------
    dimensions : list of Dimension
        The most important first.
    basis_p : float
        Share of random rotations of the space whose axes fit the metadata as well; NaN where there is nothing to turn.
    effects : float32 array of shape (dims, ...) or None
        What one standard deviation of every dimension does to the features.
    rotations : list of Rotation
    concepts : list of Concept
    sparse : list of SparseFeature
    """

    dimensions: list[Dimension] = field(default_factory=list)
    basis_p: float = float("nan")
    effects: np.ndarray | None = None
    rotations: list[Rotation] = field(default_factory=list)
    concepts: list[Concept] = field(default_factory=list)
    sparse: list[SparseFeature] = field(default_factory=list)

    __repr__ = Report.__str__


def explain(
    space: "State", *, dims: Sequence[int] | None, k: int, how: str, rotations: bool,
    concepts: Mapping[str, Any] | None, sparse: int | None, seed: int,
) -> Explanation:  # fmt: skip
    """Explains a space; see `LatentSpace.explain`."""
    from .report import composed

    order = _checked(space, dims, k, how, sparse)
    ground = Ground(space, seed)
    z = space.latents
    rows = sample_rows(len(z), seed)
    with Progress("Explaining", 6) as progress:
        columns = columns_of(space.metadata, rows)
        told, aligned = evidence(z[rows], columns), alignment(z[rows], columns, seed)
        progress.advance()
        found = ground.drivers()
        effects = found.effects if found is not None else None
        progress.advance()
        ends = [plain.extremes(z, d, max(k, 8)) for d in order]
        effects_told: np.ndarray | None
        if how == "gradients":
            effects_told = ground.gradients(ends)
            source = "integrated gradients"
        else:
            effects_told = effects[order] if effects is not None else None
            source = found.how if found is not None else ""
        progress.advance()
        names = _names(ground, order, told, aligned, columns, effects, seed)
        shares, nats = plain.importance(z), _nats(space)
        largest = float(found.size.max(initial=0.0)) if found is not None else 0.0
        listed = [
            Dimension(
                d, *_of(names[at]), float(shares[d]), None if nats is None else float(nats[d]),
                None if found is None else float(found.size[d] / largest) if largest > 0 else 0.0,
                None if found is None else float(found.bent[d]),
                ends[at][0][:k], ends[at][1][:k], [one for one in told[d] if one.p_value <= 0.05],
                _features(ground, effects_told[at]) if effects_told is not None else [],
            )
            for at, d in enumerate(order)
        ]  # fmt: skip
        progress.advance()
        turned = _rotations(z[rows], effects, columns, seed) if rotations and space.dims > 1 else []
        progress.advance()
        ways = {name: axis.direction for name, axis in space._axes.items()}
        ways |= {name: getattr(way, "direction", way) for name, way in (concepts or {}).items()}
        tested = weighed_concepts(z[rows], ways, columns, ground.decode, seed)
        features = _sparse(space, sparse, k, seed)
        progress.advance()
    report = Explanation(
        title=_title(space), verdict=[], dimensions=listed, basis_p=aligned.p_value, effects=effects_told,
        rotations=turned, concepts=tested, sparse=features,
    )  # fmt: skip
    composed(report, ground, source)
    return report


def _checked(space: "State", dims: Sequence[int] | None, k: int, how: str, sparse: int | None) -> list[int]:
    if not len(space):
        raise ValueError("explain() needs items, and this space has none. Add some.")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"explain(k={k!r}) must be how many items to show at each end, from 1.")
    if how not in ("jacobian", "gradients"):
        raise ValueError(f"explain(how={how!r}) is not known; choose 'jacobian' or 'gradients'.")
    if sparse is not None and (isinstance(sparse, bool) or not isinstance(sparse, int) or sparse < 1):
        raise ValueError(f"explain(sparse={sparse!r}) must be how many sparse features to learn, from 1; or None.")
    if dims is None:
        return np.argsort(-plain.importance(space.latents), kind="stable")[:MOST].tolist()
    chosen = [int(d) for d in dims]
    for d in chosen:
        if not 0 <= d < space.dims:
            raise ValueError(f"explain(dims={chosen}) names dimension {d}; the space has 0 to {space.dims - 1}.")
    return list(dict.fromkeys(chosen))


def _title(space: "State") -> str:
    name = getattr(space.model, "family", type(space.model).__name__)
    where = space.path.name if space.path is not None else f"{len(space):,} {space.modality.kind}"
    return f"What {space.dims} dimensions of {where} mean ({name})"


def _nats(space: "State") -> np.ndarray | None:
    """Nats that each dimension carries, where the model measured them."""
    carried = getattr(space.model, "carried_", None)
    gaussian = getattr(space.model, "family", "") == "vae" and getattr(space.model, "posterior", "") == "gaussian"
    return np.asarray(carried) if gaussian and carried is not None and len(carried) == space.dims else None


# ---------------------------------------------------------------------- names
def _of(name: naming.Name) -> tuple[str, bool, str]:
    return name.words, name.clear, name.because


def _names(
    ground: Ground, order: Sequence[int], told: list[list[Evidence]], aligned: Alignment, columns: list[Column],
    effects: np.ndarray | None, seed: int,
) -> list[naming.Name]:  # fmt: skip
    groups = ground.groups()
    spread = ground.space.latents.std(axis=0)
    used = spread > 1e-6 * spread.max(initial=0.0)
    shares = sums = None
    p_features = float("nan")
    if groups is not None and effects is not None:
        flat = effects.reshape(len(effects), -1)
        if flat.shape[1] == len(groups[1]):
            shares, p_features = concentration(flat, groups[1], seed)
            sums = np.zeros(shares.shape)
            np.add.at(sums.T, groups[1], flat.T)
    names: list[naming.Name] = []
    for d in order:
        if not used[d]:
            names.append(naming.no_name([], 0.0, unused=True))
            continue
        name = naming.by_metadata(d, told[d], [column.name for column in columns], aligned)
        if name is None and shares is not None and sums is not None and ground.space.modality.kind != "texts":
            name = naming.by_features(shares[d], sums[d], groups[0] if groups else [], p_features)
        if name is None and ground.space.modality.kind == "texts" and p_features <= 0.05:
            name = _by_words(ground, d)
        names.append(name or naming.no_name(told[d], aligned.p_value))
    return names


def _by_words(ground: Ground, d: int) -> naming.Name | None:
    """Names a dimension of texts by the words that stand out among those at its ends."""
    from ..items.tokens import words_of
    from ..maps.naming import names_of

    texts = ground.space.metadata.get("text")
    if not texts:
        return None
    along = ground.space.latents[:, d]
    few = max(10, int(_TEXTS * len(along)))
    if len(along) < 4 * few:
        return None
    labels = np.full(len(along), -1)
    order = np.argsort(along, kind="stable")
    labels[order[:few]], labels[order[-few:]] = 0, 1
    low, high = names_of(labels, 2, {"text": texts}, words_of, by="text")
    if not high.words and not low.words:
        return None
    if not low.words:
        return naming.Name(high.words, f"at the high end: {high.evidence}", True)
    if not high.words:
        return naming.Name(f"{low.words} (falling)", f"at the low end: {low.evidence}", True)
    because = f"at the high end: {high.evidence}; at the low end: {low.evidence}"
    return naming.Name(f"{low.words} to {high.words}", because, True)


def _features(ground: Ground, effect: np.ndarray) -> list[tuple[str, float]]:
    """The features that a dimension moves most, where they have names."""
    names = ground.space.modality.feature_names if ground.own else None
    flat = effect.reshape(-1)
    if names is None or len(names) != len(flat):
        return []
    order = np.argsort(-np.abs(flat), kind="stable")[:_FEATURES]
    return [(names[place], float(flat[place])) for place in order.tolist() if flat[place]]


# ---------------------------------------------------------------------- other readings
def _rotations(
    z: np.ndarray, effects: np.ndarray | None, columns: Sequence[Column], seed: int
) -> list[Rotation]:  # fmt: skip
    if z.shape[1] > 128 or len(z) < 3:
        return []
    found = [ica(z, columns, seed)]
    if effects is not None:
        found.insert(0, varimax(z, effects, columns, seed))
    return [one for one in found if one is not None]


def _sparse(space: "State", sparse: int | None, k: int, seed: int) -> list[SparseFeature]:
    if getattr(space.model, "family", "") == "sparse-autoencoder":
        return sparse_features(space.latents, space.metadata, k)
    if sparse is None:
        return []
    from ..models import make

    model = make("sparse-autoencoder", dims=sparse, random_state=seed)
    return sparse_features(model.fit_transform(space.latents), space.metadata, k)


def plain_facts(report: Explanation, space: "State") -> dict[str, Any]:
    """What the report rests on as data."""

    def named(rows: list[int]) -> list[str]:
        return space.ids_at(rows)

    dims = []
    for one in report.dimensions:
        facts = asdict(one)
        facts["goes_with"] = [each._asdict() for each in one.goes_with]
        facts["features"] = [{"name": name, "effect": effect} for name, effect in one.features]
        dims.append(facts | {"low": named(one.low), "high": named(one.high)})
    turned = [
        {"name": r.name, "worth": r.worth(), "simplicity": r.simplicity, "parted": r.parted,
         "correlation": r.correlation, "leading": r.leading, "neighbours_kept": r.neighbours_kept, "stable": r.stable,
         "matrix": r.matrix}
        for r in report.rotations
    ]  # fmt: skip
    sparse = [{**one._asdict(), "top": named(one.top)} for one in report.sparse]
    return {
        "basis_p": report.basis_p, "dimensions": dims, "rotations": turned,
        "concepts": [one._asdict() for one in report.concepts], "sparse_features": sparse,
    }  # fmt: skip
