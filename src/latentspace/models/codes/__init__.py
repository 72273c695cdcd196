"""Discrete codes: latents that can take a finite number of values, so that an item is a few integers.

A coder stands where a posterior does: it reads the encoder's outputs and gives z, here the nearest value there is. z
stays float32 of shape (n, dims), so everything that works on latents works on these; `codes` and `decode` are the way
to integers and back. z falls into groups, each with a code of its own: what a grid of codes is to a picture, without
asking that the network keep a grid.
"""

from .coded import Coded, perplexity
from .scalar import ScalarCodes
from .vector import ResidualCodes, VectorCodes

CODES: dict[str, type] = {"vq": VectorCodes, "fsq": ScalarCodes, "residual-vq": ResidualCodes}

__all__ = ["CODES", "Coded", "perplexity"]
