"""Reports: what a verb found, as words, as plain data, and as one page that needs nothing else."""

from .blocks import Chart, Facts, Fold, Pictures, Prose, Table
from .report import Report, Section

__all__ = ["Chart", "Facts", "Fold", "Pictures", "Prose", "Report", "Section", "Table"]
