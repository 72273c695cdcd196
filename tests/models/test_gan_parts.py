"""What a GAN is made of: its losses, its slopes, its watch over what samples cover, and the average that is kept."""

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.errors import CollapseWarning
from latentspace.models.gan import GAN
from latentspace.models.gan_discriminator import Discriminator
from latentspace.models.gan_losses import ADVERSARIES, Hinge, Relativistic, WassersteinGP, slopes
from latentspace.models.gan_watch import Watch, coverage, distinct, verdict
from latentspace.models.networks import plan


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_the_relativistic_loss_is_log_two_where_nothing_is_told_apart():
    scores = _normal(8)
    assert Relativistic().of_discriminator(scores, scores).item() == pytest.approx(math.log(2))
    assert Relativistic().of_generator(scores, scores).item() == pytest.approx(math.log(2))


def test_the_hinge_asks_nothing_past_one():
    real, made = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, -7.0])
    assert Hinge().of_discriminator(real, made).item() == 0
    assert Hinge().of_discriminator(made, real).item() == (2 + 8) / 2 + (2 + 4) / 2
    assert Hinge().of_generator(real, made).item() == 4


def test_the_wasserstein_game_is_zero_sum():
    real, made = _normal(8), _normal(8, seed=1)
    game = WassersteinGP()
    assert game.of_generator(real, made) == -game.of_discriminator(real, made) == real.mean() - made.mean()


@pytest.mark.parametrize("name", ADVERSARIES)
def test_what_one_player_likes_the_other_does_not(name):
    real, made = _normal(8).requires_grad_(), _normal(8, seed=1).requires_grad_()
    adversary = ADVERSARIES[name]()
    (down,) = torch.autograd.grad(adversary.of_discriminator(real, made), made)
    (up,) = torch.autograd.grad(adversary.of_generator(real, made), made)
    assert (down * up <= 0).all()
    assert (up < 0).all()  # a generator always wants higher scores


@settings(deadline=None, max_examples=30)
@given(w=st.lists(st.floats(-5, 5), min_size=1, max_size=6), spread=st.floats(0.01, 100))
def test_a_linear_score_has_the_slope_of_its_weights_everywhere(w, spread):
    weights = torch.tensor(w)
    found = slopes(lambda x: x @ weights, _normal(3, len(w)), torch.tensor(spread))
    torch.testing.assert_close(found, (spread * weights.norm()).expand(3), atol=1e-4, rtol=1e-4)


def test_penalties_follow_the_slopes_and_their_centre():
    x, made, spread = _normal(4, 2), _normal(4, 2, seed=1), torch.tensor(2.0)
    generator = torch.Generator().manual_seed(0)
    expected = {"relativistic": (3 * 2) ** 2, "wgan-gp": (3 * 2 - 1) ** 2, "hinge": (3 * 2) ** 2}
    for name, value in expected.items():
        penalty = ADVERSARIES[name]().penalty(lambda x: 3 * x[:, 0], x, made, spread, generator)
        assert penalty.item() == pytest.approx(value, rel=1e-5)


def test_slopes_are_taken_where_each_paper_takes_them():
    real, made, generator = _normal(4, 2), _normal(4, 2, seed=1), torch.Generator().manual_seed(0)
    assert torch.equal(Relativistic().points(real, made, generator), torch.cat([real, made]))
    assert torch.equal(Hinge().points(real, made, generator), real)
    between = WassersteinGP().points(real, made, generator)
    share = (between - real) / (made - real)
    torch.testing.assert_close(share[:, 0], share[:, 1])
    assert ((share >= 0) & (share <= 1)).all()


def test_a_penalty_reaches_the_weights_of_every_layer():
    for shape, kind in (((6,), "dense"), ((2, 9, 8), "conv"), ((1, 16, 16), "residual"), ((3, 20), "gru")):
        discriminator = Discriminator(plan(shape, kind))
        for parameter in discriminator.parameters():  # away from the starting weights, some of which are zero
            parameter.data.copy_(0.3 * _normal(*parameter.shape))
        x = _normal(4, *shape)
        assert discriminator(x).shape == (4,)
        slopes(discriminator, x, torch.ones(())).square().mean().backward()
        moved = [p.grad is not None and bool(p.grad.any()) for p in discriminator.parameters() if p.dim() > 1]
        assert all(moved), kind


def test_items_are_scored_one_by_one():
    discriminator = Discriminator(plan((1, 8, 8)))
    discriminator.initialise(torch.Generator().manual_seed(0))
    x = _normal(6, 1, 8, 8)
    torch.testing.assert_close(discriminator(x)[:2], discriminator(x[:2]))


def test_samples_of_the_same_distribution_cover_31_in_32():
    covered = [coverage(_normal(400, 3, seed=i), _normal(400, 3, seed=i + 100)).item() for i in range(20)]
    assert sum(covered) / 20 == pytest.approx(31 / 32, abs=0.01)


def test_a_mode_that_is_left_out_is_missed_by_just_its_share():
    modes = torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    real = _normal(600, 2) + modes.repeat(200, 1)
    made = _normal(600, 2, seed=1) + modes[:2].repeat(300, 1)
    assert coverage(real, made).item() == pytest.approx(2 / 3, abs=0.03)


def test_samples_that_are_all_one_cover_nothing_and_are_not_distinct():
    real, made = _normal(200, 4), torch.zeros(200, 4)
    assert coverage(real, made).item() < 0.1
    assert distinct(real, made).item() == 0
    assert distinct(real, _normal(200, 4, seed=1)).item() > 0.8


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_handful_of_items_has_a_coverage(n):
    for real in (_normal(n, 2), torch.zeros(n, 2)):
        assert 0 <= coverage(real, _normal(n, 2)).item() <= 1
        assert 0 <= distinct(real, real).item() <= 1


def _row(epoch: int, covered: float) -> dict[str, float]:
    return {"epoch": epoch, "validation_coverage": covered, "validation_distinct": 1.0}


def test_a_collapse_is_said_once_and_only_after_it_was_well():
    watch = Watch(None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # early epochs cover little, and one bad epoch is chance
        for epoch, covered in enumerate([0.0, 0.1, 0.1, 0.1, 0.5, 0.1, 0.1, 0.6], 1):
            watch(_row(epoch, covered))
    watch(_row(9, 0.1))
    watch(_row(10, 0.1))
    with pytest.warns(CollapseWarning, match=r"since epoch 9 samples cover 12% of the held-out items"):
        watch(_row(11, 0.12))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watch(_row(12, 0.1))


def test_the_watch_passes_on_what_the_users_callback_answers():
    assert Watch(lambda row: row["epoch"] == 2)(_row(2, 0.5))
    assert not Watch(lambda row: row["epoch"] == 2)(_row(1, 0.5))


def test_a_verdict_names_both_shares_and_what_to_do():
    assert verdict(0.9, 0.9) is None
    assert "cover 10% of the real items and 90% of them are distinct" in verdict(0.1, 0.9)
    assert "Train for more epochs" in verdict(0.9, 0.0)


def test_what_is_kept_is_the_moving_average_of_the_players():
    model = GAN(dims=2, average=0.5)
    model.dims_, model.likelihood_ = 2, "gaussian"
    items = plan((3,), "dense", [4])
    game = model._learner(model._build(items), items)
    game.initialise(torch.Generator().manual_seed(0))
    weight, kept = game.players.encoder.layers[0].weight, game.averaged.encoder.layers[0].weight
    expected = weight.detach().clone()
    assert torch.equal(kept, expected)
    for step in range(1, 30):
        weight.data.add_(1.0)
        game.after_step()
        share = min(0.5, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * weight.detach()
        torch.testing.assert_close(kept, expected)
