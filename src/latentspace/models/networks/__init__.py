"""Encoders and decoders: dense for vectors, convolutional for images and sequences, recurrent, transformer, your own.

An encoder maps x to a row of `outputs` numbers, from which a posterior is read; a decoder maps z to what a likelihood
reads: `heads` numbers for every feature. Neither knows of the other's meaning, so a new posterior or likelihood needs
no new network, and a new network needs no new model.

Items have the shape (p,) for vectors, (c, t) for sequences of t steps with c channels each (a signal's sensors, a
spectrogram's bands, or one channel a symbol, of which one is 1), and (c, h, w) for images.
"""

from ...optional import require

require("torch", "neural", "A neural network")

from .conv import ConvDecoder, ConvEncoder  # noqa: E402
from .dense import DenseDecoder, DenseEncoder  # noqa: E402
from .own import declare_network  # noqa: E402
from .plan import KINDS, Plan, blame, enough_steps, plan, plan_from, refuse_unsavable  # noqa: E402
from .starting import initialise  # noqa: E402

__all__ = [
    "KINDS",
    "ConvDecoder",
    "ConvEncoder",
    "DenseDecoder",
    "DenseEncoder",
    "Plan",
    "blame",
    "declare_network",
    "enough_steps",
    "initialise",
    "plan",
    "plan_from",
    "refuse_unsavable",
]
