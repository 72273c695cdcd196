"""What a space's dimensions mean and what of its items is odd: the rooms composed for `verbs`."""

from .explain import Dimension, Explanation, explain
from .outliers import Outlier, Outliers, outliers
from .why import why

__all__ = ["Dimension", "Explanation", "Outlier", "Outliers", "explain", "outliers", "why"]
