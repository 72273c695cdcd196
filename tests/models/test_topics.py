"""Topic models: the network of topics, its prior, and what they find."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

import latentspace as ls
from latentspace.models import make
from latentspace.models.coherence import Coherence
from latentspace.models.networks import plan
from latentspace.models.networks.topics import MixtureDecoder, TopicDecoder
from latentspace.models.priors import PRIORS


def planted(n=400, topics=3, words=8, seed=0):
    """Counts (n, topics * words) of texts that are mostly of one topic, each with words of its own, and that topic."""
    rng = np.random.default_rng(seed)
    own = rng.integers(topics, size=n)
    shares = np.full((n, topics * words), 0.02)
    for row, topic in enumerate(own):
        shares[row, topic * words : (topic + 1) * words] = 1.0
    shares /= shares.sum(1, keepdims=True)
    return np.stack([rng.multinomial(30, share) for share in shares]).astype(np.float32), own


@pytest.fixture(scope="module", params=["prodlda", "topic-vae"])
def found(request):
    X, own = planted()
    return make(request.param, dims=3, epochs=40, batch_size=40, random_state=0, threads=1).fit(X), X, own


def test_planted_topics_are_found_each_by_one_dimension(found):
    model, X, own = found
    top = np.argsort(-model.topic_weights(), axis=1)[:, :8] // 8
    assert (top == top[:, :1]).all()
    assert sorted(top[:, 0]) == [0, 1, 2]
    assert np.mean(top[model.transform(X).argmax(1), 0] == own) > 0.95


def test_the_words_of_a_topic_of_counts_are_those_that_lift_its_shares_over_the_datas():
    X, _ = planted()
    model = make("prodlda", dims=3, epochs=2, batch_size=40, random_state=0, threads=1).fit(X)
    log_shares = model.network_.likelihood.shares(model.network_.decoder.topics()).detach()
    by_hand = log_shares.exp().numpy() * (log_shares.numpy() - np.log(X.sum(0) / X.sum()))
    np.testing.assert_allclose(model.topic_weights(), by_hand, atol=0.005)  # a tenth of the texts were held out


@pytest.mark.parametrize(("network", "kind"), [("topics", TopicDecoder), ("mixture", MixtureDecoder)])
def test_a_text_of_one_topic_alone_decodes_to_that_topic(network, kind):
    decoder = plan((6,), network, [4]).decoder(3, 1)
    assert isinstance(decoder, kind)
    decoder.settle(torch.Generator().manual_seed(0))
    outputs = decoder.eval()(100 * torch.eye(3))
    torch.testing.assert_close(outputs, decoder.topics())


def test_a_mixture_shares_a_texts_words_out_among_its_topics_as_z_says():
    decoder = plan((6,), "mixture", [4]).decoder(3, 1)
    decoder.settle(torch.Generator().manual_seed(0))
    z = torch.randn((5, 3), generator=torch.Generator().manual_seed(1))
    topics = decoder.topics().exp()
    torch.testing.assert_close(topics.mean(1), torch.ones(3))
    torch.testing.assert_close(decoder(z).exp(), torch.softmax(z, 1) @ topics)


def test_the_dirichlet_prior_has_the_variance_of_laplaces_approximation():
    assert PRIORS["dirichlet"](4, alpha=0.5).variance == pytest.approx(0.75 / 0.5)
    drawn = PRIORS["dirichlet"](5, alpha=2.0).sample(20_000, torch.Generator().manual_seed(0))
    assert drawn.var().item() == pytest.approx(0.4, rel=0.02)
    with pytest.raises(ValueError, match=r"alpha=0 must be a number from 0.001"):
        PRIORS["dirichlet"](4, alpha=0)


def test_a_model_of_counts_gets_counts_of_texts_and_fewer_words():
    texts = [f"tea milk {'honey ' * (i % 3)}" if i % 2 else f"dogs cats {'night ' * (i % 3)}" for i in range(60)]
    space = ls.fit(texts, kind="texts", model="prodlda", dims=2, epochs=5, batch_size=20, density="gaussian")
    assert space.modality.weights_ == "counts"
    counts = space.features(texts).data
    np.testing.assert_array_equal(counts, np.rint(counts))
    assert len(space.topics(3)) == 2
    assert ls.fit(texts, kind="texts", model="lsa", dims=2).modality.weights_ == "tfidf"


def test_only_a_fitted_model_of_topics_has_their_weights():
    with pytest.raises(AttributeError):
        make("prodlda").topic_weights()
    with pytest.raises(NotFittedError):
        make("nmf").topic_weights()


def _npmi_by_hand(there, i, j):
    n, both = len(there), (there[:, i] & there[:, j]).sum()
    if i == j or both == n:
        return 0.0
    return np.log(both * n / (there[:, i].sum() * there[:, j].sum())) / -np.log(both / n) if both else -1.0


def test_coherence_is_the_npmi_of_two_words_drawn_from_a_topic():
    x = torch.poisson(torch.full((30, 6), 0.7), generator=torch.Generator().manual_seed(0))
    x[:, 5] = 1  # in every text
    x[:, 4] = x[:, 3]
    parts = torch.rand((2, 6), generator=torch.Generator().manual_seed(1))
    parts /= parts.sum(1, keepdim=True)
    there, draws = x.numpy() > 0, parts.numpy().astype(float)
    for of_topic, part in zip(Coherence(x)(parts), draws, strict=True):
        pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
        chance = [part[i] * part[j] for i, j in pairs]
        expected = np.average([_npmi_by_hand(there, i, j) for i, j in pairs], weights=chance)
        assert float(of_topic) == pytest.approx(expected, abs=1e-5)


def test_words_that_are_always_together_are_coherent_and_those_that_never_are_are_not():
    x = torch.eye(2).repeat(10, 1).repeat_interleave(2, 1)
    together, apart = torch.tensor([[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0]])
    torch.testing.assert_close(Coherence(x)(torch.stack([together, apart])), torch.tensor([1.0, -1.0]))


def test_the_coherent_bound_counts_each_topics_coherence_so_many_times_and_keeps_no_pairs():
    X, _ = planted(n=60)
    losses = []
    for weight in (0.0, 10.0):
        bound = {"kind": "coherent", "weight": weight}
        model = make("topic-vae", dims=3, epochs=1, bound=bound, random_state=0, threads=1, validation=0.2).fit(X)
        row = model.history_[0]
        losses.append(row["validation_loss"] - row["validation_nll"])
        assert not hasattr(model.network_.bound, "coherence")
    assert losses[1] < losses[0] - 10 * 3 * 0.1


@pytest.mark.parametrize("options", [{"network": "dense"}, {"network": "mixture"}])
def test_a_model_without_topics_is_refused_their_coherence(options):
    likelihood = "multinomial" if options["network"] == "dense" else "poisson"
    with pytest.raises(
        ValueError, match=r"bound='coherent' is of topics.*network='mixture' or 'topics' and likelihood="
    ):
        ls.VAE(bound="coherent", likelihood=likelihood, dims=2, epochs=1, **options).fit(planted(n=40)[0])


@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")
@pytest.mark.parametrize("dims", [1, 3, 40])
def test_topics_begin_anywhere_from_one_text_or_rows_of_nothing(dims):
    for X in (planted(n=1)[0], np.zeros((25, 6), np.float32), planted(n=25)[0]):
        model = make("topic-vae", dims=dims, epochs=1, random_state=0, threads=1).fit(X)
        assert np.isfinite(model.topic_weights()).all()
        assert np.isfinite(model.inverse_transform(model.transform(X))).all()
