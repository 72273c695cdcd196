"""What every estimator adds to scikit-learn's conventions: a state of plain JSON and arrays, and what it can do."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from .presets import from_preset


class Stateful:
    """Keeps a fitted estimator as constructor parameters, JSON-able facts and arrays; never as a pickle.

    Every public attribute that ends in `_` is kept: ndarrays as arrays, the rest as facts. An estimator with networks
    overrides `get_state` and `_set_state` to add their weights.
    """

    family: ClassVar[str]  # the name in FAMILIES, which a file may name: "pca"
    takes_images: ClassVar[bool] = False  # True: fit takes (n, c, h, w) as it is; False: the space flattens to (n, p)
    reads_columns: ClassVar[bool] = False  # True: likelihood="auto" is "columns" where the items say which those are
    from_a_file: bool = False  # True where the state is what a file said, so that a failure may be the file's
    rebuilt: ClassVar[frozenset[str]] = frozenset()  # fitted attributes that `_set_state` makes anew from the others

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> Any:
        """Makes an unfitted estimator from a preset's name (see `latentspace.presets()`); options go before its own."""
        return from_preset(cls, name, overrides)

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
        """Returns `(params, facts, arrays)`; params and facts survive JSON unchanged.

        Raises
        ------
        TypeError
            If a parameter cannot be written as JSON; the message names it.
        """
        params = self.get_params(deep=False)  # type: ignore[attr-defined]
        for name, value in params.items():
            try:
                json.dumps(value)
            except TypeError:
                raise TypeError(
                    f"{type(self).__name__}({name}={value!r}) cannot be saved: parameters must be numbers, strings, "
                    "lists or None. Pass such a value, or an int as random_state."
                ) from None
        facts: dict[str, Any] = {}
        arrays: dict[str, np.ndarray] = {}
        for name, value in vars(self).items():
            if not name.endswith("_") or name.startswith("_") or name in self.rebuilt:
                continue
            if name == "feature_names_in_":  # an array of Python strings, which no array format keeps
                facts[name] = [str(column) for column in value]
            elif isinstance(value, np.ndarray):
                arrays[name] = value
            elif isinstance(value, np.generic):
                facts[name] = value.item()
            else:
                facts[name] = value
        return params, facts, arrays

    @classmethod
    def from_state(cls, params: Mapping[str, Any], facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        """Rebuilds a fitted estimator from what `get_state` gave."""
        model = cls(**params)
        model.from_a_file = True
        model._set_state(facts, arrays)
        return model

    def _set_state(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        for name, value in {**facts, **arrays}.items():
            if not name.endswith("_") or name.startswith("_"):
                raise ValueError(f"{type(self).__name__} has no fitted attribute {name!r}; the file is damaged.")
            setattr(self, name, np.array(value, dtype=object) if name == "feature_names_in_" else value)
