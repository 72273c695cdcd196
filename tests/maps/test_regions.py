import numpy as np
import pytest

from latentspace.items.tokens import words_of
from latentspace.maps.density import density_of
from latentspace.maps.regions import MOST, regions_of

CENTRES = np.array([[0, 0], [10, 0], [0, 10], [10, 10.0]])


def groups(each=60, seed=0):
    rng = np.random.default_rng(seed)
    which = np.repeat(np.arange(4), each)
    return CENTRES[which] + rng.normal(size=(4 * each, 2)), which


def found(metadata, by=None, each=60):
    xy, which = groups(each)
    regions = regions_of(density_of(xy), metadata(which), words_of, by)
    # In the order of the centres, so that names can be compared with what was put there.
    return sorted(regions, key=lambda region: int(np.linalg.norm(CENTRES - region.spot, axis=1).argmin()))


def test_four_groups_are_four_regions_that_hold_their_own_items():
    _, which = groups()
    regions = found(lambda _: {})
    assert len(regions) == 4
    for number, region in enumerate(regions):
        assert (which[region.rows] == number).all()
        assert 50 <= len(region) <= 60
        assert np.linalg.norm(region.spot - CENTRES[number]) < 1


def test_without_metadata_no_region_has_a_clear_name():
    regions = found(lambda _: {})
    assert {region.name for region in regions} == {"no clear name"}
    assert not any(region.clear for region in regions)
    assert regions[0].to_dict()["name"] is None


def test_a_label_names_its_region_with_its_shares():
    regions = found(lambda which: {"animal": [["cat", "dog", "hen", "cow"][group] for group in which]})
    assert [region.name for region in regions] == ["cat", "dog", "hen", "cow"]
    assert regions[0].evidence == "animal is cat for 100% here, 1% elsewhere"
    assert [region.source for region in regions] == ["animal"] * 4


def test_a_number_or_a_flag_as_label_is_named_with_its_column():
    assert [r.name for r in found(lambda which: {"cylinders": which.tolist()})][2] == "cylinders 2"
    assert [r.name for r in found(lambda which: {"label": which.tolist()})][2] == "2"
    names = [r.name for r in found(lambda which: {"vip": (which == 1).tolist()})]
    assert names[1] == "vip"


@pytest.mark.parametrize("seed", range(20))
def test_chance_names_nothing(seed):
    rng = np.random.default_rng(seed)
    words = np.array(["red", "green", "blue", "amber", "violet", "teal", "grey", "pink"])
    regions = found(
        lambda which: {
            "colour": words[rng.integers(8, size=len(which))].tolist(),
            "size": rng.normal(size=len(which)).tolist(),
            "text": [" ".join(words[rng.integers(8, size=5)]) for _ in which],
        }
    )
    assert [region.name for region in regions] == ["no clear name"] * 4


def test_words_that_stand_out_name_texts_and_those_that_stand_everywhere_do_not():
    own = ["tulip rose", "piston gearbox", "violin sonata", "galaxy nebula"]
    regions = found(lambda which: {"text": [f"the {own[group]} and the {i} of 2024" for i, group in enumerate(which)]})
    assert [set(region.name.split(", ")) for region in regions] == [set(words.split()) for words in own]
    assert "tulip in 100% of texts here, 1% elsewhere" in regions[0].evidence


def test_words_of_any_script_name_texts():
    own = ["東京タワー", "собака лает", "γάτα", "قطة صغيرة"]
    regions = found(lambda which: {"text": [own[group] + f" {i}" for i, group in enumerate(which)]})
    assert all(region.clear for region in regions)
    assert "собака" in regions[1].name


def test_labels_too_coarse_for_the_regions_give_way_to_words():
    own = ["tulip", "piston", "violin", "galaxy"]
    regions = found(
        lambda which: {
            "kind": ["spam" if group else "ham" for group in which],
            "text": [f"{own[group]} number {i}" for i, group in enumerate(which)],
        }
    )
    assert [region.name for region in regions] == own


def test_numbers_that_run_high_or_low_name_a_region():
    regions = found(lambda which: {"price": (10.5 * (which == 3) + np.arange(len(which)) / 100).tolist()})
    assert regions[3].name == "price high"
    assert "averages" in regions[3].evidence


def test_of_columns_that_say_the_same_the_first_names_and_others_keep_silent():
    def columns(which):
        size = 10.5 * (which == 3) + np.arange(len(which)) / 100
        return {"weight": (2 * size + 1).tolist(), "length": size.tolist(), "gap": [None, *(-size[1:]).tolist()]}

    assert found(columns)[3].name == "weight high"


def test_numbers_out_of_all_bounds_name_nothing_and_stop_nothing():
    regions = found(lambda which: {"huge": [1.7e308 * (-1) ** i for i in range(len(which))], "one": [2.5] * len(which)})
    assert not any(region.clear for region in regions)


def test_regions_of_one_label_are_told_apart_by_what_else_stands_out():
    regions = found(
        lambda which: {
            "animal": ["cat" if group < 2 else "dog" for group in which],
            "weight": [0.5 + 5.0 * (group % 2) + 1e-4 * i for i, group in enumerate(which)],
        }
    )
    assert [r.name for r in regions] == ["cat, weight low", "cat, weight high", "dog, weight low", "dog, weight high"]


def test_a_column_that_is_asked_for_names_alone():
    def columns(which):
        return {"animal": [f"kind-{group}" for group in which], "half": ["left" if g < 2 else "right" for g in which]}

    assert [region.name for region in found(columns, by="half")] == ["left", "left", "right", "right"]
    with pytest.raises(ValueError, match=r"by='breed'.*animal, half"):
        found(columns, by="breed")


def test_missing_values_and_mixed_columns_name_nothing_by_themselves():
    regions = found(lambda which: {"a": [None] * len(which), "b": [None if g else "x" for g in which]})
    assert not any(region.clear for region in regions)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_items_have_few_regions(n):
    xy = np.arange(2 * n, dtype=float).reshape(n, 2)
    assert len(regions_of(density_of(xy), {"label": list(range(n))}, words_of)) <= n


def test_there_are_never_more_names_than_can_be_read():
    xy = np.random.default_rng(0).normal(size=(4000, 2)) * 0.1 + np.stack(
        np.meshgrid(np.arange(10), np.arange(10)), axis=-1
    ).reshape(-1, 2).repeat(40, axis=0)
    assert len(regions_of(density_of(xy), {}, words_of)) <= MOST


def test_digits_that_were_never_labelled_in_training_are_named_by_their_label(digits):
    from sklearn.decomposition import PCA

    images, labels = digits
    xy = PCA(2).fit_transform(images[labels < 3].reshape(-1, 64))
    regions = regions_of(density_of(xy), {"label": labels[labels < 3].tolist()}, words_of)
    assert {region.name for region in regions} == {"0", "1", "2"}
