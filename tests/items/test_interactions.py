import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import latentspace as ls
from latentspace.errors import BadItemError, CorruptFileError, SkippedItemsWarning
from latentspace.items import gather, gather_for
from latentspace.items.histories import columns_of
from latentspace.items.interactions import Interactions

TRIPLETS = [("ann", "tea", 5), ("ann", "jam", 2), ("bob", "tea", 4), ("cy", "rye", 1), ("bob", "rye", 3)]


def learned(source, **options):
    kind, gathered = gather(source)
    assert kind is Interactions
    return Interactions(**options).learn(gathered), gathered


def rows_of(modality, gathered):
    batches = list(modality.read(gathered))
    return sparse.vstack([batch.x for batch in batches]).toarray(), batches


def test_triplets_become_one_row_a_user():
    modality, gathered = learned(TRIPLETS)
    assert gathered.ids == ["ann", "bob", "cy"]
    assert modality.items_ == ["tea", "jam", "rye"]
    x, _ = rows_of(modality, gathered)
    np.testing.assert_array_equal(x, [[5, 2, 0], [4, 0, 3], [0, 0, 1]])


@pytest.mark.parametrize(
    "names", [("userId", "movieId", "rating"), ("user_id", "item id", "Score"), ("uid", "ASIN", "stars")]
)
def test_columns_are_found_by_the_names_that_people_use(names):
    frame = pd.DataFrame(TRIPLETS, columns=list(names))
    assert list(columns_of(frame.columns).values()) == list(names)
    modality, gathered = learned(frame)
    assert rows_of(modality, gathered)[0].sum() == 15


def test_a_table_without_users_and_items_stays_a_table():
    kind, _ = gather(pd.DataFrame({"user": [1, 2], "height": [1.5, 1.7], "rating": [1, 2]}))
    assert kind.kind == "table"


def test_without_values_a_pair_that_comes_twice_counts_two():
    modality, gathered = learned([("ann", "tea"), ("ann", "tea"), ("bob", "tea")])
    np.testing.assert_array_equal(rows_of(modality, gathered)[0], [[2], [1]])


def test_of_several_ratings_the_last_in_time_counts_and_the_report_says_so():
    frame = pd.DataFrame({"user": [1, 1, 2], "item": [7, 7, 7], "rating": [5.0, 1.0, 3.0], "time": [20, 10, 5]})
    modality, gathered = learned(frame)
    np.testing.assert_array_equal(rows_of(modality, gathered)[0], [[5], [3]])
    assert any("1 repeated pairs" in note for note in gathered.notes)


def test_a_rating_of_nought_is_kept_as_one():
    modality, gathered = learned([("ann", "tea", 0), ("ann", "jam", 3)])
    (batch,) = modality.read(gathered)
    assert batch.x.nnz == 2
    assert json.loads(batch.metadata["history"][0]) == {"tea": 0, "jam": 3}


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_files_of_triplets_are_read(tmp_path, ending):
    frame = pd.DataFrame(TRIPLETS, columns=["user", "item", "rating"])
    path = tmp_path / f"ratings.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    elif ending == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True)
    modality, gathered = learned(path)
    assert gathered.ids == ["ann", "bob", "cy"]
    assert rows_of(modality, gathered)[0].sum() == 15


histories = st.lists(
    st.dictionaries(st.text(min_size=1, max_size=5), st.integers(1, 5), min_size=1, max_size=6), min_size=1, max_size=8
)


@settings(max_examples=15, deadline=None)
@given(histories)
def test_histories_come_back_whole_through_metadata(given):
    triplets = [(f"u{row}", item, value) for row, history in enumerate(given) for item, value in history.items()]
    modality, gathered = learned(triplets)
    x, (batch,) = rows_of(modality, gathered)
    again = modality.from_metadata(batch.ids, batch.metadata)
    np.testing.assert_array_equal(rows_of(modality, again)[0], x)
    assert modality.rebuild(x, batch.metadata) == given
    assert modality.restore(x) == given  # fewer than 20 items each


def test_restore_gives_the_heaviest_items_first():
    modality, _ = learned(TRIPLETS)
    assert list(modality.restore(np.array([[0.1, 0.9, 0.0]]))[0].items()) == [
        ("jam", pytest.approx(0.9)), ("tea", pytest.approx(0.1)),
    ]  # fmt: skip


def test_new_users_come_as_dicts_lists_or_rows():
    modality, _ = learned(TRIPLETS)
    for source, expected in (
        ({"tea": 2}, [[2, 0, 0]]),
        (["rye", "tea"], [[1, 0, 1]]),
        ([["rye"], ["jam", "tea"]], [[0, 0, 1], [1, 1, 0]]),
        ([{"jam": 4}], [[0, 4, 0]]),
        (np.array([0.0, 1.0, 2.0]), [[0, 1, 2]]),
        (sparse.csr_array([[3.0, 0.0, 0.0]]), [[3, 0, 0]]),
    ):
        x, _ = rows_of(modality, gather_for(modality, source))
        np.testing.assert_array_equal(x, expected)


def test_bad_users_are_named_with_their_reasons_and_the_others_stay_aligned():
    modality, _ = learned(TRIPLETS)
    given = [{"tea": 1}, {"gin": 1}, {"tea": float("nan")}, {"jam": -1}, {"rye": float("inf")}, {"rye": 2}]
    gathered = gather_for(modality, given)
    (batch,) = modality.read(gathered)
    assert batch.ids == ["0", "5"]
    assert {item.id: item.reason for item in batch.skipped} == {
        "1": "none of the 1 items met is known here",
        "2": "a value is NaN or infinite",
        "3": "a value is negative",
        "4": "a value is NaN or infinite",
    }
    with pytest.raises(BadItemError, match=r"item '1' .* none of the 1 items met is known"):
        list(modality.read(gathered, on_error="raise"))


def test_rare_items_are_left_out_and_said_to_be():
    modality, _ = learned(TRIPLETS, min_users=2)
    assert modality.items_ == ["tea", "rye"]
    assert modality.notes == ["1 item met by fewer than 2 users left out"]
    with pytest.raises(ValueError, match=r"no item .* was met by min_users=9 users; the most met has 2"):
        learned(TRIPLETS, min_users=9)


def test_rows_of_empty_cells_are_left_aside_and_counted():
    frame = pd.DataFrame({"user": ["a", None, "b"], "item": ["x", "y", None], "rating": [1.0, 2.0, 3.0]})
    _, gathered = learned(frame)
    assert gathered.ids == ["a", "b"]
    assert any("2 rows without a user or an item" in note for note in gathered.notes)


def test_state_comes_back_and_damage_is_named():
    modality, gathered = learned(TRIPLETS)
    facts, arrays = modality.state()
    again = Interactions.from_state(json.loads(json.dumps(facts)), arrays)
    np.testing.assert_array_equal(rows_of(again, gathered)[0], rows_of(modality, gathered)[0])
    for broken in ({**facts, "items": "tea"}, {**facts, "items": []}, {**facts, "items": ["a", "a"]}, {}):
        with pytest.raises(CorruptFileError, match="interactions reader's state is damaged"):
            Interactions.from_state(broken, {})


@pytest.mark.parametrize("model", ["latent-factors", "lsa", "nmf", "pca"])
def test_a_space_of_users_lives_through_its_file(tmp_path, model):
    rng = np.random.default_rng(0)
    triplets = [
        (f"u{u}", f"i{i}", int(rng.integers(1, 6))) for u in range(30) for i in rng.choice(20, 6, replace=False)
    ]
    space = ls.fit(triplets, model=model, dims=3, density="gaussian")
    assert space.latents.shape == (30, 3)
    space.save(tmp_path / "users.latent")
    loaded = ls.load(tmp_path / "users.latent")
    assert loaded.items[0] == space.items[0]
    new = {"i1": 5, "i2": 1}
    np.testing.assert_array_equal(loaded.encode([new]), space.encode([new]))
    loaded.add([new], ids=["new"])
    assert ls.load(tmp_path / "users.latent").items["new"] == new
    assert len(loaded.search([{"i1": 5}], k=3)[0].ids) == 3
    with pytest.warns(SkippedItemsWarning, match="none of the 1 items met is known"):
        assert loaded.encode([{"never": 1}, new]).shape == (1, 3)


# ---------------------------------------------------------------------- what counts as met
STARS = [
    ("ann", "tea", 4.5), ("ann", "jam", 0.5), ("bob", "tea", 4.0), ("bob", "rye", 3.5), ("cy", "rye", 1.0),
    ("dee", "rye", 5.0),
]  # fmt: skip


def for_counts(source, **options):
    gathered = gather(source)[1]
    modality = Interactions(**options)
    modality.suit(counts=True, sparse=False)
    return modality.learn(gathered), gathered


def test_for_a_model_of_counts_ratings_become_what_was_liked():
    modality, gathered = for_counts(STARS)
    x, batches = rows_of(modality, gathered)
    assert modality.threshold_ == 4.0
    assert modality.items_ == ["tea", "rye"]
    np.testing.assert_array_equal(x, [[1, 0], [1, 0], [0, 1]])
    skipped = batches[0].skipped[0]
    assert (skipped.id, skipped.reason) == (
        "cy", "none of the 1 values reaches 4, from which they count (threshold)",
    )  # fmt: skip
    assert modality.notes == [
        "values from 4 on count as 1; 3 below are left out", "1 item valued so by nobody left out",
    ]  # fmt: skip


@pytest.mark.parametrize("threshold", [0.5, 0.1])
def test_any_interaction_counts_from_the_lowest_value_on(threshold):
    modality, gathered = for_counts(STARS, threshold=threshold)
    np.testing.assert_array_equal(rows_of(modality, gathered)[0], [[1, 1, 0], [1, 0, 1], [0, 0, 1], [0, 0, 1]])


def test_values_stay_where_they_are_counts_or_the_model_reads_values():
    assert learned(STARS)[0].threshold_ is None
    assert for_counts(STARS, threshold=None)[0].threshold_ is None
    plays = pd.DataFrame({"user": [1, 1, 2], "track": [7, 8, 7], "plays": [20, 1, 3]})
    modality, gathered = for_counts(plays)
    np.testing.assert_array_equal(rows_of(modality, gathered)[0], [[20, 1], [3, 0]])


def test_a_matrix_with_halves_is_of_ratings():
    rows = sparse.csr_array([[4.5, 0.5], [0, 5.0]])
    for dense, threshold in ((rows, 4.0), (rows * 2, None)):
        gathered = gather(dense, kind="interactions")[1]
        modality = Interactions()
        modality.suit(counts=True, sparse=False)
        assert modality.learn(gathered).threshold_ == threshold


@pytest.mark.parametrize("threshold", [0, -1, True, "four", float("nan"), float("inf")])
def test_a_threshold_that_nothing_could_mean_is_refused(threshold):
    with pytest.raises(ValueError, match=r"threshold=.* Give a number above 0, 'auto' or None"):
        learned(STARS, threshold=threshold)


def test_a_threshold_above_all_values_says_what_to_lower():
    with pytest.raises(ValueError, match=r"Lower min_users or threshold"):
        learned(STARS, threshold=6)


def test_mult_vae_learns_from_half_stars_and_takes_lists_of_items(tmp_path):
    """Half stars are no counts, which its likelihood is of."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": rng.integers(0, 60, 900), "item": rng.integers(0, 30, 900)}).drop_duplicates()
    frame["rating"] = rng.integers(1, 11, len(frame)) / 2
    space = ls.fit(frame, "mult-vae", dims=4, epochs=2)
    assert space.modality.threshold_ == 4.0
    liked = frame[(frame["user"] == int(space.ids[0])) & (frame["rating"] >= 4)]["item"].astype(str).tolist()
    np.testing.assert_allclose(space.encode([liked]), space.latents[:1], atol=1e-5)
    space.save(tmp_path / "x.latent")
    space = ls.load(tmp_path / "x.latent")
    space.add([liked], ids=["new"])
    again = ls.load(tmp_path / "x.latent")
    assert again.modality.threshold_ == 4.0
    assert set(again.items["new"]) == set(liked)
    np.testing.assert_allclose(again.encode([again.items["new"]]), space.latents[:1], atol=1e-5)
    assert again._features.rows([len(again) - 1]).toarray().sum() == len(liked)


@pytest.mark.parametrize("change", [{"counts_from": "4"}, {"counts_from": -1.0}, {"below": None}, {"below": 1.5}])
def test_damaged_facts_of_what_counts_are_refused(change):
    facts, arrays = for_counts(STARS)[0].state()
    with pytest.raises(CorruptFileError, match="values count from"):
        Interactions.from_state(facts | change, arrays)


def test_files_from_before_there_was_a_threshold_open():
    facts, arrays = learned(STARS)[0].state()
    for name in ("threshold", "counts_from", "below"):
        del facts[name]
    assert Interactions.from_state(facts, arrays).threshold_ is None
