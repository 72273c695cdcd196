"""Search in all its forms, duplicates and groups, as verbs of a space of real digits."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import latentspace as ls


@pytest.fixture(scope="module")
def space():
    bunch = load_digits()
    images = (bunch.images[:600] * 15.9).astype("uint8")
    made = ls.fit(images, model="pca", dims=12, metadata={"label": bunch.target[:600]}, density="gaussian")
    made.map("pca")
    return made


def labels_of(space, hits):
    return [space.metadata["label"][space.position(id_)] for id_ in hits.ids]


def test_within_gives_all_that_is_near_and_k_bounds_it(space):
    many = space.search(id="7", within=0.8)
    assert len(many) > 10
    assert (many.scores >= 0.8).all()
    assert space.search(id="7", k=len(many) + 1)[len(many)][1] < 0.8
    assert space.search(id="7", within=0.8, k=3) == many[:3]
    assert len(space.search(id="7", within=0.8, where={"label": 7})) <= len(many)
    far = space.search(id="7", within=30.0, metric="euclidean")
    assert far.ids == space.search(id="7", k=len(far), metric="euclidean").ids


def test_several_examples_find_more_of_the_kind_and_never_themselves(space):
    label = space.metadata["label"]
    eights = [str(row) for row in np.flatnonzero(np.array(label) == 8)[:4]]
    ones = [str(row) for row in np.flatnonzero(np.array(label) == 1)[:4]]
    hits = space.search(like=eights, unlike=ones, k=20)
    assert not set(hits.ids) & {*eights, *ones}
    assert labels_of(space, hits).count(8) >= 15  # of 56 among 600
    by_latent = space.search(like=[space.latents[space.position(id_)] for id_ in eights], k=24)
    assert set(eights) <= set(by_latent.ids)  # given as latents, they are not known to be items


def test_a_region_of_a_map_is_searched_alone_and_with_a_query(space):
    spots = space.maps["pca"].coordinates
    box = (spots[7, 0] - 1, spots[7, 1] - 1, spots[7, 0] + 1, spots[7, 1] + 1)
    inside = {str(row) for row in np.flatnonzero((np.abs(spots - spots[7]) <= 1).all(axis=1))}
    hits = space.search(region=box)
    assert set(hits.ids) == inside
    assert hits.ids[0] == "7"
    assert hits.metric == "map distance"
    near = space.search(id="7", region=box, on="pca", k=500)
    assert set(near.ids) == inside - {"7"}
    assert len(space.search(region=box, k=1)) == 1


def test_more_is_further_along_the_axis_and_less_the_other_way(space):
    here = space.latents[7, 0]
    step = 0.499 * space.latents[:, 0].std()
    for hits, sign in ((space.search(id="7", more=0), 1), (space.search(id="7", less=0), -1)):
        along = np.array([space.latents[space.position(id_), 0] for id_ in hits.ids])
        assert (sign * (along - here) >= step).all()
    rest = np.delete(space.latents.astype(float), 0, axis=1)
    hits = space.search(id="7", more=np.eye(12)[0] * 3, metric="euclidean", k=1)
    further = np.flatnonzero(space.latents[:, 0] - here >= step)
    assert hits.ids[0] == str(further[np.linalg.norm(rest[further] - rest[7], axis=1).argmin()])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, r"what to look for: query, id=, vector= or like="),
        ({"id": "3", "like": ["4"]}, r"one of query, id=.* got id= and like="),
        ({"unlike": ["4"]}, r"say with like= what to look for"),
        ({"like": []}, r"like= is empty"),
        ({"like": ["3"], "metric": "manhattan"}, r"'manhattan' is not known"),
        ({"id": "3", "more": 1, "less": 2}, r"one of more= and less="),
        ({"id": "3", "more": 12}, r"axis 12 is out of range.*0 to 11"),
        ({"id": "3", "more": 1, "within": 0.5}, r"within= cannot be told together"),
        ({"vector": np.zeros((2, 12)), "more": 1}, r"compare with one item; the query holds 2"),
        ({"id": "3", "region": (1, 2, 3)}, r"neither a box"),
        ({"id": "3", "region": (0, 0, 1, 1), "on": "tsne"}, r"on='tsne' is no map of this space. Its maps: pca"),
        ({"id": "3", "on": "pca"}, r"say which region="),
        ({"id": "3", "within": -1, "metric": "euclidean"}, r"within=-1 is no distance"),
        ({"id": "3", "k": 0}, r"k=0"),
        ({"id": "3", "k": 0, "within": 0.5}, r"k=0"),
        ({"region": (0, 0, 1, 1), "k": -1}, r"k=-1"),
        ({"id": "3", "recall": 95}, r"recall=95 is out of range"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(space, asked, said):
    with pytest.raises(ValueError, match=said):
        space.search(**asked)


def test_what_should_be_a_number_and_is_none_is_refused(space):
    for call, said in (
        (lambda: space.search(id="3", k=2.5), r"k=2.5 is a float; expected a whole number"),
        (lambda: space.search(id="3", within="near"), r"within='near' is a str; expected a number"),
        (lambda: space.groups("ten"), r"n='ten' is a str"),
        (lambda: space.duplicates("none"), r"threshold='none' is a str"),
    ):
        with pytest.raises(TypeError, match=said):
            call()


def test_a_space_without_maps_says_how_to_draw_one():
    bare = ls.fit(np.eye(4), model="pca", dims=2, density="gaussian")
    with pytest.raises(ValueError, match=r"this space has: none. Draw one first: space.map\(\)"):
        bare.search(region=(0, 0, 1, 1))


def test_copies_are_found_told_exact_and_removed(space):
    bunch = load_digits()
    images = (bunch.images[:600] * 15.9).astype("uint8")
    made = ls.fit(images, model="pca", dims=12, density="gaussian")
    altered = np.clip(images[20:22].astype(int) - (images[20:22] > 100) * 2, 0, 255).astype("uint8")
    made.add(np.concatenate([images[3:6], altered]), ids=["a", "b", "c", "d", "e"])
    found = made.duplicates()
    assert [group.ids for group in found[:3]] == [["3", "a"], ["4", "b"], ["5", "c"]]
    assert sorted(group.ids for group in found[3:]) == [["20", "d"], ["21", "e"]]
    assert [group.exact for group in found[:5]] == [True] * 3 + [False] * 2
    assert found.exact.extra == ["a", "b", "c"]
    assert sorted(made.duplicates(0).extra) == ["a", "b", "c"]
    assert sorted(made.duplicates(metric="cosine").extra) == ["a", "b", "c", "d", "e"]
    made.remove(found.extra)
    assert len(made) == 600
    assert len(made.duplicates()) == 0
    with pytest.raises(ValueError, match="metric='dot' has no distances"):
        made.duplicates(metric="dot")


def test_a_large_threshold_reaches_past_the_nearest_fifteen(space):
    z = np.random.default_rng(0).normal(size=(200, 3))
    z[:40] = z[0] + np.random.default_rng(1).uniform(-0.01, 0.01, size=(40, 3))
    made = ls.fit(z, model=None, density="gaussian")
    assert [len(group) for group in made.duplicates(0.05)] == [40]


def test_groups_of_digits_are_named_by_their_label(space):
    found = space.groups(10)
    assert len(found) == 10
    assert sum(len(group) for group in found) == 600
    right = [name is not None and name.split()[0] == str(y) for name, y in zip(found.names, space.metadata["label"])]  # noqa: B905
    assert np.mean(right) > 0.8
    assert found.facts["named_by"] == "label"
    typical = space.position(found[0].ids[0])
    members = space.latents[[space.position(id_) for id_ in found[0].ids]]
    apart = np.linalg.norm(members - members.mean(axis=0), axis=1)
    np.testing.assert_allclose(found[0].distances, apart, rtol=1e-4)
    assert (np.diff(found[0].distances) >= 0).all()
    assert typical == space.position(found[0].ids[int(apart.argmin())])
    with pytest.raises(ValueError, match="n=601 groups"):
        space.groups(601)


@pytest.mark.parametrize("n", [1, 2])
def test_spaces_of_one_and_two_items_have_no_duplicates_and_one_group(n):
    made = ls.fit(np.eye(3)[:n] + 1, model=None, density="gaussian")
    assert len(made.duplicates()) == 0
    assert [len(group) for group in made.groups()] == [n]
