import json

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score

from latentspace import PCA
from latentspace.search.communities import MOST, communities, modularity, shared_links
from latentspace.search.graph import neighbour_graph
from latentspace.search.groups import Duplicates, Group, Groups
from latentspace.search.naming import names_of


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return neighbour_graph(PCA(dims=16).fit_transform(x), 15), y


def test_digits_are_told_apart_far_better_than_by_k_means(digits):
    graph, y = digits
    for n in (None, 10):
        groups = communities(graph, n)
        assert normalized_mutual_info_score(y, groups) > 0.82  # k-means with the right number: 0.74
    assert modularity(shared_links(graph), communities(graph)) > 0.889  # networkx's Louvain: 0.8890


def test_modularity_is_that_of_its_definition(digits):
    graph, y = digits
    links = shared_links(graph).toarray()
    strength, total = links.sum(axis=1), links.sum()
    pairs = (links - np.outer(strength, strength) / total)[y[:, None] == y[None]]
    assert modularity(shared_links(graph), y) == pytest.approx(pairs.sum() / total, abs=1e-12)


def test_links_weigh_the_share_of_neighbours_in_common():
    graph = neighbour_graph(np.random.default_rng(0).normal(size=(40, 3)), 5)
    links = shared_links(graph).toarray()
    sets = [{i, *row} for i, row in enumerate(graph.positions.tolist())]
    for i in range(40):
        for j in range(40):
            linked = i != j and (j in sets[i] or i in sets[j])
            expected = len(sets[i] & sets[j]) / len(sets[i] | sets[j]) if linked else 0
            assert links[i, j] == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 2, 7, 40, 150])
def test_as_many_groups_as_asked_for_the_largest_first(digits, n):
    groups = communities(digits[0], n)
    sizes = np.bincount(groups)
    assert len(sizes) == n
    assert (np.diff(sizes) <= 0).all()
    assert (sizes > 0).all()


def test_each_community_is_connected_and_a_seed_gives_the_same(digits):
    links = shared_links(digits[0])
    groups = communities(digits[0], seed=4)
    np.testing.assert_array_equal(groups, communities(digits[0], seed=4))
    for group in range(groups.max() + 1):
        rows = np.flatnonzero(groups == group)
        assert connected_components(links[rows][:, rows])[0] == 1


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_items_have_few_groups(n):
    groups = communities(neighbour_graph(np.arange(n, dtype=float)[:, None], 15))
    assert groups.tolist() == [0] * n
    z = np.concatenate([np.zeros((3, 1)), np.ones((3, 1))])
    assert len(set(communities(neighbour_graph(z, 2)).tolist())) == 2


def test_numbers_of_groups_that_cannot_be_are_refused(digits):
    for n in (0, -1, MOST + 1):
        with pytest.raises(ValueError, match=rf"n={n} groups .* 1 to 1,000"):
            communities(digits[0], n)
    with pytest.raises(ValueError, match="resolution=0"):
        communities(digits[0], resolution=0)


MORE = ("one", "two", "three", "four")
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])


def test_names_are_the_label_that_most_share_and_differ():
    metadata = {"label": ["cat", "cat", "cat", "dog", *["dog"] * 4, *["cat"] * 4], "row": [str(i) for i in range(12)]}
    names, column = names_of(LABELS, metadata, ["a", "b", "c"])
    assert (names, column) == (["cat (75%)", "dog", "cat #2"], "label")


def test_names_of_texts_are_the_words_that_set_them_apart():
    texts = [
        f"{a} {word}"
        for a in ("fish swim in a river, don't they", "stars shine on a river", "bread and butter")
        for word in MORE
    ]
    names, _ = names_of(LABELS, {"text": texts}, ["a", "b", "c"])
    assert set(names[0].split(", ")) == {"fish", "swim", "river"}
    assert set(names[1].split(", ")[:2]) == {"stars", "shine"}
    assert names[2].startswith("bread, butter")


def test_names_of_numbers_say_high_and_low_and_others_name_an_item():
    numbers = {"price": [1.5, 2.5, 1.5, 2.5, 5, 6, 5, 6, 9.5, 9, 8, 9], "noise": [0.5, 1.0] * 6}
    names, _ = names_of(LABELS, numbers, ["a", "b", "c"])
    assert names == ["price low", "like b", "price high"]
    assert names_of(LABELS, {}, ["a", "b", "c"])[0] == ["like a", "like b", "like c"]
    with pytest.raises(ValueError, match=r"by='colour' is not a column. Columns: noise, price"):
        names_of(LABELS, numbers, ["a", "b", "c"], by="colour")


def test_missing_values_name_nothing():
    names, _ = names_of(LABELS, {"label": ["x", None, "x", "x", *[None] * 4, "y", "y", "z", "y"]}, ["a", "b", "c"])
    assert names == ["x", "like b", "y (75%)"]


def test_groups_print_say_their_doubt_and_are_json():
    group = Group("cats", [f"{i}.png" for i in range(6)], np.arange(6, dtype=np.float32))
    found = Groups([group], np.zeros(6, int), "by hand", recall=0.985)
    assert repr(found) == (
        "1 group, by hand; the graph holds 98.5% of the true neighbours\n"
        "      6  cats  0.png, 1.png, 2.png, 3.png, and 2 more"
    )
    assert found.names == ["cats"] * 6
    assert json.loads(json.dumps(found.to_dict()))["groups"][0]["size"] == 6
    assert repr(Duplicates([], np.full(3, -1), "by hand")) == "Duplicates: none (by hand)."


def test_exact_duplicates_are_a_part_and_all_but_the_first_are_extra():
    groups = [Group("a", ["a", "b"], np.zeros(2)), Group("c", ["c", "d", "e"], np.zeros(3), exact=True)]
    found = Duplicates(groups, np.array([0, 0, 1, 1, 1, -1]), "by hand")
    assert found.extra == ["b", "d", "e"]
    assert found.exact.extra == ["d", "e"]
    assert found.exact.labels.tolist() == [-1, -1, 0, 0, 0, -1]
