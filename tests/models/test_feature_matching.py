"""What decoder and discriminator of feature matching learn from each other."""

import math

import numpy as np
import torch
from sklearn.datasets import load_digits

from latentspace import VAE
from latentspace.models.likelihoods import FeatureMatching
from latentspace.models.updates import Updates

_DIGITS = load_digits().data.astype(np.float32)[:300].reshape(-1, 1, 8, 8)


def test_the_discriminator_learns_to_tell_x_from_x_hat_and_its_turn_moves_nothing_else():
    likelihood = FeatureMatching((1, 8, 8))
    X = torch.from_numpy(_DIGITS / 16)
    made = X.flip(0) * 0.5
    (turn,) = likelihood.turns(_Rebuilt(made))
    assert {id(p) for p in turn.parameters} == {id(p) for p in likelihood.discriminator.parameters()}
    updates = Updates(turn.parameters, weight_decay=0.0, betas=turn.betas)
    for _ in range(20):
        loss, _ = turn.loss(X, torch.Generator(), 1.0)
        updates.step(loss, 1e-3)
    assert loss.item() < 0.95 * math.log(4)
    assert (likelihood.discriminator(X).mean() > likelihood.discriminator(made).mean()).item()


def test_the_decoder_learns_to_pass_for_real_what_it_makes_of_the_prior_and_stays_in_the_models_turn():
    options = {"dims": 2, "hidden": [8], "network": "dense", "epochs": 1, "random_state": 0}
    network = VAE(likelihood="feature-matching", **options).fit(_DIGITS).network_
    model, decoder_turn, discriminator_turn = network.turns()
    decoder = {id(parameter) for parameter in network.decoder.parameters()}
    assert {id(parameter) for parameter in decoder_turn.parameters} == decoder
    assert decoder <= {id(parameter) for parameter in model.parameters}
    assert not {id(parameter) for parameter in discriminator_turn.parameters} & {id(p) for p in model.parameters}
    updates = Updates(decoder_turn.parameters, weight_decay=0.0, betas=decoder_turn.betas)
    losses = []
    for _ in range(20):
        loss, _ = decoder_turn.loss(torch.from_numpy(_DIGITS / 16), torch.Generator().manual_seed(0), 1.0)
        updates.step(loss, 1e-3)
        losses.append(loss.item())
    assert losses[-1] < losses[0]


class _Rebuilt:
    """A model without a prior that gives these outputs whatever it is shown."""

    prior = None

    def __init__(self, made: torch.Tensor):
        self.made = made

    def infer(self, x):
        return self

    def rsample(self, generator):
        return self.made

    def outputs(self, z):
        return z
