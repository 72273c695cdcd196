import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import latentspace as ls
from latentspace.errors import UnsupportedError

GENRES = ("space robots alien rockets", "love wedding letters paris", "murder detective fog london")


@pytest.fixture(scope="module")
def digits():
    bunch = load_digits()
    images = (bunch.images[:500] * 15.9).astype("uint8")
    popularity = {"label": bunch.target[:500].tolist(), "plays": list(range(500))}
    return ls.fit(images, model="pca", dims=12, metadata=popularity, density="gaussian")


def ratings(n=150, p=45, seed=0, others=0.04):
    """People of three tastes, in things of three kinds: mostly their own, and a few of the others."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n):
        for thing in range(p):
            share = 0.5 if thing % 3 == user % 3 else others
            if rng.random() < share:
                rows.append((f"u{user}", f"film {thing}", 5.0 if thing % 3 == user % 3 else 2.0))
    return pd.DataFrame(rows, columns=["user", "item", "rating"])


@pytest.fixture(scope="module")
def people():
    return ls.fit(ratings(), model="latent-factors", dims=6, seed=0, density="gaussian", ridge=2.0)


@pytest.fixture(scope="module")
def films():
    """The films as texts: kind, and a number of their own; the last three are in no history."""
    texts = [f"{GENRES[thing % 3]} film number{thing}" for thing in range(48)]
    names = [f"film {thing}" for thing in range(48)]
    return ls.fit(
        texts, model="lsa", dims=4, kind="texts", ids=names, metadata={"year": list(range(1950, 1998))},
        density="gaussian",
    )  # fmt: skip


def kind(name):
    return int(name.split()[1]) % 3


# ---------------------------------------------------------------------- by content
def labels(space, found):
    return [space.metadata["label"][space.position(id_)] for id_ in found.ids]


def test_what_is_recommended_is_of_the_kind_that_was_liked(digits):
    zeros = [id_ for id_, label in zip(digits.ids, digits.metadata["label"], strict=True) if label == 0][:3]
    assert labels(digits, digits.recommend(liked=zeros, k=15, diversity=0)).count(0) >= 14


def test_two_tastes_are_both_served(digits):
    of = {label: digits.metadata["label"].index(label) for label in (0, 4)}
    found = labels(digits, digits.recommend(liked=[digits.ids[row] for row in of.values()], k=20))
    assert min(found.count(0), found.count(4)) >= 2
    assert found.count(0) + found.count(4) >= 18


def test_what_is_like_the_disliked_comes_later(digits):
    label = digits.metadata["label"]
    eights, nines = ([digits.ids[row] for row in range(500) if label[row] == number] for number in (8, 9))
    before = labels(digits, digits.recommend(liked=nines[:1] + eights[:1], k=30, diversity=0)).count(8)
    after = labels(digits, digits.recommend(liked=nines[:1] + eights[:1], disliked=eights[1:4], k=30, diversity=0))
    assert after.count(8) < before


@settings(max_examples=25, deadline=None)
@given(
    good=st.lists(st.integers(0, 499), max_size=6), bad=st.lists(st.integers(0, 499), max_size=6),
    k=st.integers(1, 600), diversity=st.sampled_from([0.0, 0.3, 1.0]),
)  # fmt: skip
def test_what_was_given_is_never_recommended(digits, good, bad, k, diversity):
    told = {str(row) for row in good + bad}
    found = digits.recommend(
        liked=[str(row) for row in good], disliked=[str(row) for row in bad], k=k, diversity=diversity
    )
    assert not told & set(found.ids)
    assert len(found) == min(k, 500 - len(told)) == len(set(found.ids))


def test_an_item_from_outside_is_known_again(digits):
    image = digits.items[7]
    assert "7" not in digits.recommend(liked=[image], k=500).ids
    assert digits.recommend(liked=[image], k=5, diversity=0).ids == digits.recommend(liked="7", k=5, diversity=0).ids


def test_conditions_are_met_before_the_choice(digits):
    found = digits.recommend(liked="0", k=20, where={"label": 5})
    assert len(found) == 20
    assert set(labels(digits, found)) == {5}


def test_each_comes_with_its_reason(digits):
    found = digits.recommend(liked=["0", "1"], k=4)
    assert len(found.reasons) == 4
    for (_, _score), reason in zip(found, found.reasons, strict=True):
        assert reason.near in ("0", "1")
        assert f"{reason.near!r}, which you liked" in reason.text or f"{reason.near!r} is the nearest" in reason.text
        assert reason.text.endswith(f"shares axis {reason.axis}")
    assert "which you disliked" in digits.recommend(disliked="0", k=1).reasons[0].text
    assert "nothing is known" in digits.recommend(k=1).reasons[0].text


def test_the_axis_of_a_text_is_named_by_its_words(films):
    reason = films.recommend(liked="film 0", k=1).reasons[0]
    assert reason.near == "film 0"
    assert any(word in reason.text for word in GENRES[0].split())


def test_popularity_leans_to_what_is_popular_or_away_from_it(digits):
    def plays(weight):
        found = digits.recommend(liked="0", k=30, diversity=0, popularity=weight, popular="plays")
        return np.mean([digits.metadata["plays"][digits.position(id_)] for id_ in found.ids])

    assert plays(-2.0) < plays(0.0) < plays(2.0)


def test_items_come_along(digits):
    found = digits.recommend(liked="3", k=2)
    np.testing.assert_array_equal(found.items[0], digits.items[found.ids[0]])


@pytest.mark.parametrize("dims", [1, 3])
@pytest.mark.parametrize("x", [np.ones((4, 3)), np.arange(6.0).reshape(2, 3), np.zeros((1, 3))])
def test_small_and_flat_spaces_give_what_there_is(x, dims):
    space = ls.fit(np.vstack([x, x[:1]]), model="pca", dims=min(dims, len(x) + 1), density="gaussian")
    found = space.recommend(liked="0", k=10, diversity=0.5)
    assert sorted(found.ids) == space.ids[1:]
    assert np.isfinite(found.scores).all()
    assert len(found.reasons) == len(found)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"liked": "501x"}, ValueError, r"id='501x' is not in this space of 500 items\. Did you mean"),
        ({"liked": "0", "k": 0}, ValueError, r"k=0\) is not possible: ask for 1 item or more"),
        ({"liked": "0", "diversity": 1.5}, ValueError, r"diversity=1.5\) must be a number from 0 to 1"),
        ({"liked": "0", "popularity": "much"}, ValueError, r"popularity='much'\) must be a number from -10 to 10"),
        ({"liked": "0", "popularity": 1.0}, ValueError, r"needs popular=.* Columns of numbers here: label, plays"),
        ({"liked": "0", "popularity": 1.0, "popular": "x"}, ValueError, r"popular='x' is not a column of numbers"),
        ({"user": "7"}, UnsupportedError, r"user='7'\) needs a space of interactions, and this one holds"),
        ({"liked": "0", "content": 1}, UnsupportedError, r"content= goes with a space of interactions"),
        ({"liked": np.full(12, np.nan)}, ValueError, r"NaN or infinity in row 0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_value(digits, asked, error, message):
    with pytest.raises(error, match=message):
        digits.recommend(**asked)


# ---------------------------------------------------------------------- by users
def test_a_user_is_recommended_things_of_their_taste_that_they_have_not_met(people):
    history = set(people.modality.restore(people._features.rows([4]))[0])
    found = people.recommend(user="u4", k=5)
    assert [kind(name) for name in found.ids] == [1] * 5
    assert not history & set(found.ids)
    assert found.items[:] == found.ids


def test_somebody_new_is_folded_in(people):
    by_name = people.recommend(liked=["film 0", "film 3"], k=5)
    by_value = people.recommend(user={"film 0": 5.0, "film 3": 5.0}, k=5)
    assert by_name.ids == by_value.ids
    assert [kind(name) for name in by_name.ids] == [0] * 5
    assert "which you liked" in by_name.reasons[0].text
    assert "which you met" in by_value.reasons[0].text


@pytest.mark.parametrize(
    "model", [{"model": "latent-factors", "feedback": "explicit", "ridge": 0.1}, {"model": "pca"}], ids=str
)
def test_other_models_recommend_too(model):
    space = ls.fit(ratings(others=0.3), kind="interactions", dims=3, seed=0, density="gaussian", **model)
    found = space.recommend(liked=["film 0", "film 3", "film 6"], disliked=["film 1", "film 4"], k=4)
    assert [kind(name) for name in found.ids].count(0) >= 3
    assert all(reason.text for reason in found.reasons)


def test_what_is_like_the_turned_down_comes_later(people):
    before = people.recommend(liked=["film 0", "film 1"], k=10)
    after = people.recommend(liked=["film 0", "film 1"], disliked=["film 4", "film 7"], k=10)
    assert sum(kind(name) == 1 for name in after.ids) < sum(kind(name) == 1 for name in before.ids)
    assert not {"film 4", "film 7"} & set(after.ids)


def test_a_reason_names_what_speaks_most_for_it(people):
    for reason in people.recommend(user="u0", liked=["film 3"], k=5).reasons:
        assert reason.near in people.modality.items_
        assert 0 < reason.share <= 1
        assert f"because of {reason.near!r}" in reason.text


def test_nobody_known_gets_what_most_met(people):
    found = people.recommend(k=3)
    counts = ratings()["item"].value_counts()
    assert found.scores.tolist() == counts.head(3).tolist()
    assert found.reasons[0].text == f"met by {counts.iloc[0]} of {len(people)} users"


def test_conditions_on_things_are_met_before_the_choice(people, films):
    few = people.recommend(user="u0", k=50, where={"users": (None, 30)})
    counts = ratings()["item"].value_counts()
    assert len(few)
    assert all(counts[name] <= 30 for name in few.ids)
    old = people.recommend(user="u0", k=50, content=films, where={"year": (None, 1960)})
    assert {int(name.split()[1]) for name in old.ids} <= set(range(11))


def test_what_nobody_met_is_recommended_by_its_content(people, films):
    found = people.recommend(user="u1", k=48, content=films, diversity=0, blend=0.5)
    new = [name for name in found.ids if int(name.split()[1]) >= 45]
    assert len(new) == 3
    assert kind(new[0]) == 1  # of the new ones the one of the user's taste comes first
    assert found.ids.index(new[0]) < found.ids.index(new[1])
    assert "which you met" in found.reasons[found.ids.index(new[0])].text
    liked = people.recommend(liked=["film 46"], k=5, content=films)  # liked, though nobody in the space met it
    assert [kind(name) for name in liked.ids] == [1] * 5


def test_content_alone_recommends_by_content(people, films):
    found = people.recommend(liked=["film 2"], k=10, content=films, blend=1.0, diversity=0)
    assert {kind(name) for name in found.ids} == {2}
    assert found.items[0] == films.items[found.ids[0]]


def test_content_without_the_things_is_refused(people, digits):
    with pytest.raises(ValueError, match=r"content= holds none of the 45 things of this space: its ids are like '0'"):
        people.recommend(user="u0", content=digits)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"user": "u999"}, r"id='u999' is not in this space of 150 items"),
        ({"liked": "film 99"}, r"'film 99' is not one of the 45 things of this space\. Did you mean 'film 9'"),
        ({"liked": "film 1", "disliked": ["film 1"]}, r"'film 1' is in liked= and in disliked="),
        ({"liked": {"film 1": float("nan")}}, r"holds a value that is negative, NaN or infinite"),
        ({"user": "u0", "blend": 2}, r"blend=2\) must be a number from 0"),
        ({"user": "u0", "popular": "plays"}, r"popular='plays' is for spaces of items"),
    ],
)
def test_what_users_cannot_be_asked_is_refused(people, asked, message):
    with pytest.raises(ValueError, match=message):
        people.recommend(**asked)


def test_a_space_from_its_file_recommends_the_same(people, tmp_path):
    people.save(tmp_path / "people.latent")
    again = ls.load(tmp_path / "people.latent")
    for asked in ({"user": "u3", "k": 7}, {"liked": ["film 2"], "popularity": 0.5}, {"k": 2}):
        before, after = people.recommend(**asked), again.recommend(**asked)
        assert before.ids == after.ids
        assert list(map(str, before.reasons)) == list(map(str, after.reasons))
