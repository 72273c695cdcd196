"""Training in turns: each moves its own, all roll back together, and a killed run resumes to the same bits."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from latentspace.errors import TrainingWarning
from latentspace.models.divergences import density_ratio
from latentspace.models.turns import Turn, Turns
from latentspace.models.updates import NotFinite, Updates
from latentspace.models.vae import VAE


class _Game(nn.Module):
    """A weight that follows x, and a rival that follows the weight."""

    def __init__(self):
        super().__init__()
        self.weight, self.rival = (nn.Parameter(torch.zeros(3)) for _ in range(2))

    def loss(self, x, generator, progress):
        return ((self.weight - x.mean(0)) ** 2).sum() + (self.weight * self.rival).sum(), {
            "progress": progress * x[0, 0]
        }

    def rivals_loss(self, x, generator, progress):
        return ((self.rival - self.weight) ** 2).sum() + torch.rand(1, generator=generator).sum(), {}

    def turns(self):
        return [
            Turn("model", [self.weight], self.loss),
            Turn("rival", [self.rival], self.rivals_loss, rate=0.5, betas=(0.5, 0.9), weight_decay=0.0, repeats=2),
        ]


_ROWS = torch.ones(4, 3)


def test_a_turn_moves_its_own_parameters_alone_and_sees_what_earlier_ones_did():
    game = _Game()
    turns = Turns(game, weight_decay=0.1)
    said = turns.step(_ROWS, torch.Generator(), 0.5, 1e-2)
    # AdamW's first step is its rate against the gradient's sign, and the rival's two are at half of it.
    torch.testing.assert_close(game.weight.data, torch.full((3,), 0.01))
    assert (game.rival.data > 0).all()
    assert said.keys() == {"loss", "progress", "rival_loss"}
    assert said["loss"].item() == 3.0  # before it moved
    assert said["rival_loss"].item() < 1 + 3 * 0.01**2


@pytest.mark.parametrize("steps", [1, 7])
def test_turns_take_the_steps_of_optimisers_that_know_only_their_own_gradients(steps):
    game, twin = _Game(), _Game()
    turns, generators = Turns(game, weight_decay=0.1), [torch.Generator().manual_seed(3) for _ in range(2)]
    first = torch.optim.AdamW([twin.weight], lr=1e-2, weight_decay=0.1)
    second = torch.optim.AdamW([twin.rival], lr=5e-3, weight_decay=0.0, betas=(0.5, 0.9))
    for step in range(steps):
        turns.step(_ROWS, generators[0], step / steps, 1e-2)
        for optimizer, loss in ((first, twin.loss), (second, twin.rivals_loss), (second, twin.rivals_loss)):
            twin.zero_grad()
            loss(_ROWS, generators[1], step / steps)[0].backward()
            optimizer.step()
    torch.testing.assert_close(game.weight, twin.weight, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(game.rival, twin.rival, rtol=1e-4, atol=1e-6)
    assert torch.equal(generators[0].get_state(), generators[1].get_state())


def test_the_state_of_all_turns_comes_back_bit_by_bit():
    game = _Game()
    turns = Turns(game, weight_decay=0.1)
    generator = torch.Generator()
    turns.step(_ROWS, generator, 0.0, 1e-2)
    weights, state = {name: value.clone() for name, value in game.state_dict().items()}, turns.state()
    assert {"usual", "rival/usual", "0.mean", "rival/0.square"} <= state.keys()

    def go_on() -> dict[str, torch.Tensor]:
        for _ in range(3):
            turns.step(_ROWS, generator, 0.0, 1e-2)
        return {name: value.clone() for name, value in game.state_dict().items()}

    once = go_on()
    game.load_state_dict(weights)
    turns.restore(state)
    again = go_on()
    assert all(torch.equal(once[name], again[name]) for name in once)


def test_a_model_without_turns_takes_the_bits_of_a_single_optimiser():
    model, twin = (nn.Linear(3, 2) for _ in range(2))
    twin.load_state_dict(model.state_dict())
    model.loss = lambda x, *_: (model(x).square().sum(), {})
    turns, updates = Turns(model, weight_decay=0.1), Updates(twin.parameters(), weight_decay=0.1)
    for _ in range(5):
        turns.step(_ROWS, torch.Generator(), 0.0, 1e-2)
        updates.step(twin(_ROWS).square().sum(), 1e-2)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
    assert turns.state().keys() == updates.state().keys()  # so that checkpoints of before go on


def test_a_gradient_that_is_not_finite_in_a_later_turn_is_said():
    game = _Game()
    game.rivals_loss = lambda *_: (game.rival.sum() * float("nan"), {})
    with pytest.raises(NotFinite):
        Turns(game, weight_decay=0.0).step(_ROWS, torch.Generator(), 0.0, 1e-2)


_X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
_SMALL = {"dims": 2, "hidden": [16], "epochs": 12, "batch_size": 16, "random_state": 0, "threads": 1}
_CRITICS = {
    "factor": {"divergence": "factor"},
    "adversarial": {"divergence": "adversarial", "posterior": "point"},
    "feature-matching": {"likelihood": "feature-matching"},
}


def _weights(model: VAE) -> dict[str, np.ndarray]:
    return {name: value for name, value in model.get_state()[2].items() if name.startswith("network/")}


def _assert_same_run(a: VAE, b: VAE) -> None:
    for name, value in _weights(a).items():
        np.testing.assert_array_equal(value, _weights(b)[name], err_msg=name)
    losses = [[value for name, value in row.items() if "loss" in name] for row in a.history_]
    assert losses == [[value for name, value in row.items() if "loss" in name] for row in b.history_]


@pytest.mark.parametrize("name", _CRITICS)
def test_a_critic_learns_beside_the_model_and_the_same_seed_gives_the_same_bits(name):
    a, b = (VAE(**_SMALL, **_CRITICS[name]).fit(_X) for _ in range(2))
    _assert_same_run(a, b)
    critic = "discriminator_loss" if name == "feature-matching" else "critic_loss"
    assert all(0 < row[critic] < 5 for row in a.history_)
    assert not a.network_.judged


def test_a_critics_gradient_that_is_not_finite_rolls_model_and_critic_back_to_the_last_good_epoch(monkeypatch):
    usual, seen = density_ratio.two_class_loss, []

    def spoiled_once(score, first, second):
        seen.append(score)
        loss = usual(score, first, second)
        return loss * float("nan") if len(seen) == 18 else loss  # the sixth epoch of three steps

    monkeypatch.setattr(density_ratio, "two_class_loss", spoiled_once)
    model = VAE(**_SMALL, divergence="factor")
    with pytest.warns(TrainingWarning, match=r"not finite in epoch 6: back to epoch 5, going on at a learning rate"):
        model.fit(_X)
    assert model.history_[-1]["roll_backs"] == 1
    assert len(model.history_) == 12
    assert all(np.isfinite(value).all() for value in _weights(model).values())


_KILLED = """
import sys, time
sys.path.insert(0, sys.argv[2])
from test_turns import _CRITICS, _SMALL, _X
from latentspace.models.vae import VAE
def row(r):
    print(r["epoch"], flush=True)
    time.sleep(0.05)
VAE(**_SMALL, **_CRITICS[sys.argv[3]]).fit(_X, checkpoint=sys.argv[1], callback=row)
"""


@pytest.mark.parametrize("name", ["factor", pytest.param("feature-matching", marks=pytest.mark.slow)])
def test_a_killed_fit_with_a_critic_resumes_to_the_bits_of_one_that_was_not(tmp_path, name):
    path = tmp_path / "run.safetensors"
    command = [sys.executable, "-c", _KILLED, str(path), str(Path(__file__).parent), name]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while int(killed.stdout.readline()) < 6:
        pass
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert path.exists()
    rows = []
    resumed = VAE(**_SMALL, **_CRITICS[name]).fit(_X, checkpoint=path, callback=rows.append)
    assert 0 < len(rows) < 12
    _assert_same_run(resumed, VAE(**_SMALL, **_CRITICS[name]).fit(_X))
