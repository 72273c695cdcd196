"""The likelihood of table rows: sums over all rows against one, scipy's distributions, and draws that could be rows."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from latentspace.models.likelihoods import Columns
from latentspace.models.likelihoods.marginals import LEVELS, Marginals, log_mass
from latentspace.models.vae import VAE

NUMBER, BOOLEAN = {"kind": "number"}, {"kind": "boolean"}
NO_CHANCE = torch.Generator()


def _random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _columns(columns, x):
    likelihood = Columns((x.shape[1],), columns=columns)
    likelihood.start(x, NO_CHANCE)
    likelihood.log_scale.data.fill_(-0.03)
    return likelihood.requires_grad_(False).eval()


def _one_hot(codes, width):
    return torch.nn.functional.one_hot(torch.as_tensor(codes), width).float()


# Marginals


def _marginals(values, there=None):
    x = torch.as_tensor(np.asarray(values, dtype=np.float32))
    x = x[:, None] if x.ndim == 1 else x
    marginals = Marginals(x.shape[1])
    marginals.start(x, torch.ones_like(x, dtype=torch.bool) if there is None else there)
    return marginals, x


@given(st.lists(st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, 1.0]), min_size=1, max_size=120))
@settings(deadline=None, max_examples=40)
def test_values_come_back_from_their_scores(values):
    marginals, x = _marginals(values)
    back = marginals.values(marginals.scores(x))
    span = float(x.max() - x.min())
    # Between two knots values are interpolated: a gap of the data that lies there is met to within a knot.
    assert ((back - x).abs() <= 1e-5 * x.abs() + 1e-6 * span).all() or len(set(values)) > LEVELS or span < 1e-30


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60), st.floats(-100, 100, width=32))
@settings(deadline=None, max_examples=40)
def test_no_score_gives_a_value_out_of_range_and_scores_keep_the_order(values, score):
    marginals, x = _marginals(values)
    given = marginals.values(torch.tensor([[score]]))
    assert x.min() <= given <= x.max()
    scores = marginals.scores(x.sort(0).values)[:, 0]
    assert torch.isfinite(scores).all()
    assert (scores.diff() >= -1e-5).all()


@pytest.mark.parametrize("kind", ["heavy tails", "a third zeros", "five ratings", "two values"])
def test_normal_scores_give_values_as_they_were_spread(kind):
    rng = np.random.default_rng(0)
    values = {
        "heavy tails": lambda: np.exp(2 * rng.normal(size=4000)),
        "a third zeros": lambda: np.where(rng.random(4000) < 1 / 3, 0, rng.normal(5, 1, 4000)),
        "five ratings": lambda: rng.choice(5, 4000, p=[0.06, 0.11, 0.27, 0.34, 0.22]),
        "two values": lambda: rng.random(4000) < 0.03,
    }[kind]()
    marginals, x = _marginals(values)
    drawn = marginals.values(_random(4000, 1))[:, 0].numpy()
    assert stats.ks_2samp(drawn, x[:, 0].numpy(), method="asymp").pvalue > 0.01
    if kind != "heavy tails":
        assert (drawn == 0).mean() == pytest.approx((values == 0).mean(), abs=0.02)
    if kind in ("five ratings", "two values"):
        assert set(drawn) <= set(x[:, 0].numpy())


@given(st.floats(-40, 40), st.floats(1e-3, 30))
@settings(deadline=None)
def test_the_mass_between_two_scores_is_scipys_far_out_too(low, width):
    mine = float(log_mass(torch.tensor(low, dtype=torch.float64), torch.tensor(low + width, dtype=torch.float64)))
    a, b = (low, low + width) if low < 0 else (-low - width, -low)
    theirs = stats.norm.logcdf(b) + np.log1p(-np.exp(stats.norm.logcdf(a) - stats.norm.logcdf(b)))
    assert mine == pytest.approx(theirs, rel=1e-5, abs=1e-9)


# Probabilities


def test_the_probabilities_of_all_rows_sum_to_one():
    columns = [{"kind": "category", "width": 3}, BOOLEAN, NUMBER, {"kind": "number", "missing": True}]
    ratings, counts = [1.0, 2.0, 5.0, 9.0], [0.0, 3.0]
    rows = [
        [*np.eye(3)[level], yes, rating, *last]
        for level, yes, rating, last in itertools.product(
            range(3), (0, 1), ratings, [(count, 0) for count in counts] + [(0, 1)]
        )
    ]
    x = torch.tensor(rows, dtype=torch.float32)
    likelihood = _columns(columns, x.repeat(3, 1))
    for seed in range(3):
        outputs = 2 * _random(1, x.shape[1], seed=seed).expand(len(x), -1)
        assert torch.exp(-likelihood.nll(outputs, x)).sum().item() == pytest.approx(1, abs=1e-5)


def test_numbers_of_many_values_have_scipys_density_of_their_score():
    x = torch.from_numpy(np.random.default_rng(0).gamma(2, size=(500, 2)).astype(np.float32))
    likelihood = _columns(None, x)
    outputs = _random(500, 2)
    scores = likelihood.seen(x).numpy()
    expected = -stats.norm(outputs.numpy(), np.exp(-0.3)).logpdf(scores).sum(1)
    np.testing.assert_allclose(likelihood.nll(outputs, x).numpy(), expected, rtol=1e-4)
    ranks = (stats.rankdata(x, axis=0) - 0.5) / 500
    np.testing.assert_allclose(scores, stats.norm.ppf(ranks), atol=0.15)


def test_a_missing_number_says_nothing_but_that_it_is_missing():
    x = torch.tensor([[0.7, 0], [1.5, 0], [0.0, 1], [2.0, 0]] * 40)
    x[:, 0] += 0.01 * torch.arange(160) * (1 - x[:, 1])
    likelihood = _columns([{"kind": "number", "missing": True}], x)
    outputs = _random(3, 2)[:1].expand(3, -1)
    other = torch.tensor([[0.0, 1], [5.0, 1], [-3.0, 1]])
    nll = likelihood.nll(outputs, other)
    torch.testing.assert_close(nll, nll[:1].expand(3))
    share = torch.sigmoid(outputs[0, 1] + torch.logit(torch.tensor(40.5 / 161)))
    assert nll[0].item() == pytest.approx(-float(share.log()), rel=1e-4)
    assert (likelihood.seen(other)[:, 0] == 0).all()


def test_bits_count_only_where_the_last_level_is_it():
    columns = [{"kind": "category", "width": 3, "bits": 2}]
    x = torch.cat([_one_hot([0, 1, 2, 2, 2], 3), torch.tensor([[0.0, 0], [0, 0], [0, 0], [0, 1], [1, 0]])], 1)
    likelihood = _columns(columns, x)
    outputs = _random(1, 5).expand(2, -1)
    first = torch.tensor([[1.0, 0, 0, 0, 0], [1, 0, 0, 1, 1]])
    nll = likelihood.nll(outputs, first)
    assert nll[0] == nll[1]
    rest = torch.tensor([[0.0, 0, 1, *bits] for bits in itertools.product((0, 1), repeat=2)])
    total = torch.exp(-likelihood.nll(outputs[:1].expand(4, -1), rest)).sum()
    share = likelihood.mean(outputs[:1])[0, 2]
    assert float(total) == pytest.approx(float(share), rel=1e-5)


def test_it_starts_from_how_often_each_level_and_each_yes_is_seen():
    x = torch.cat([_one_hot([0] * 70 + [1] * 30, 2), (torch.arange(100) < 20).float()[:, None]], 1)
    likelihood = _columns([{"kind": "category", "width": 2}, BOOLEAN], x)
    np.testing.assert_allclose(likelihood.mean(torch.zeros(1, 3))[0], [0.7, 0.3, 0.2], atol=0.01)


# Draws


def test_draws_are_as_frequent_as_their_probabilities():
    columns = [{"kind": "category", "width": 3}, BOOLEAN, NUMBER, {"kind": "category", "width": 2}]
    n = 4000
    rng = np.random.default_rng(0)
    x = torch.cat([
        _one_hot(rng.integers(0, 3, n), 3), torch.from_numpy(rng.integers(0, 2, (n, 1))).float(),
        torch.from_numpy(rng.integers(1, 6, (n, 1))).float(), _one_hot(rng.integers(0, 2, n), 2),
    ], 1)  # fmt: skip
    likelihood = _columns(columns, x)
    outputs = _random(1, 7).expand(n, -1)
    drawn = likelihood.draw(outputs, torch.Generator().manual_seed(0))
    for group in ([0, 1, 2], [5, 6]):
        assert (drawn[:, group].sum(1) == 1).all()
    expected = likelihood.mean(outputs)[0]
    yes_or_no = [0, 1, 2, 3, 5, 6]
    counts = drawn[:, yes_or_no].sum(0)
    for count, share in zip(counts.tolist(), expected[yes_or_no].tolist(), strict=True):
        assert stats.binomtest(int(count), n, share).pvalue > 1e-3
    ratings = torch.arange(1.0, 6)
    rows = drawn[:1].repeat(5, 1)
    rows[:, 4] = ratings
    log_p = -likelihood.nll(outputs[:5], rows)
    p = torch.softmax(log_p, 0).double().numpy()
    seen = [int((drawn[:, 4] == rating).sum()) for rating in ratings]
    assert sum(seen) == n
    assert stats.chisquare(seen, n * p / p.sum()).pvalue > 1e-3


# Refusals, and in a model


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([NUMBER], r"columns of 1 features, but items have shape \(3,\)"),
        ([{"kind": "colour"}] * 3, "holds {'kind': 'colour'}, which is no block"),
        ([{"kind": "category", "width": 0}], "is no block"),
        ([{"kind": "category", "width": 3, "missing": True}], "is no block"),
        ([{"kind": "number", "missing": 1}, NUMBER], "is no block"),
        (["number"] * 3, "is no block"),
    ],
)
def test_columns_that_do_not_cover_the_features_or_are_unknown_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        Columns((3,), columns=columns)


def test_a_vae_draws_valid_rows_and_keeps_them_through_its_state():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 3, 400)
    X = np.concatenate(
        [np.eye(3)[level], (level + rng.integers(0, 2, 400))[:, None], rng.normal(level, 0.1)[:, None] * 1e3], 1
    ).astype(np.float32)
    columns = [{"kind": "category", "width": 3}, NUMBER, NUMBER]
    model = VAE(dims=2, likelihood={"kind": "columns", "columns": columns}, hidden=[32], epochs=40, random_state=0)
    model.fit(X)
    drawn = model.sample(500, random_state=1)
    assert set(np.unique(drawn[:, :3])) == {0, 1}
    assert (drawn[:, :3].sum(1) == 1).all()
    assert set(drawn[:, 3].round(5) + 0.0) == {0.0, 1.0, 2.0, 3.0}
    assert X[:, 4].min() - 1e-2 <= drawn[:, 4].min() < drawn[:, 4].max() <= X[:, 4].max() + 1e-2
    near = model.draw(model.transform(X), 2)
    assert np.corrcoef(near[:, :3].argmax(1), near[:, 4])[0, 1] > 0.85
    again = VAE.from_state(*model.get_state())
    np.testing.assert_array_equal(again.sample(20, random_state=1), model.sample(20, random_state=1))
    np.testing.assert_array_equal(again.draw(model.transform(X), 2), near)
