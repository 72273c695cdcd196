import numpy as np
import pytest
from PIL import Image

import latentspace as ls
from latentspace import datasets
from latentspace.errors import CorruptFileError, SkippedItemsWarning, UnsupportedError
from latentspace.items.pairs import Pairs

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def described(digits):
    """Real digits and what a person would say of each."""
    images, labels = digits
    return [Image.fromarray(image) for image in images], [f"the digit {WORDS[label]}" for label in labels]


@pytest.fixture(scope="module")
def space(described):
    pictures, captions = described
    return ls.fit({"image": pictures[:300], "text": captions[:300]}, kind="pairs", model="cca", dims=8)


def test_every_item_of_either_side_is_an_item(space):
    assert len(space) == 600
    assert space.ids[:1] + space.ids[300:301] == ["image:0", "text:0"]
    assert space.metadata["side"] == ["image"] * 300 + ["text"] * 300
    assert space.metadata["pair"][5] == space.metadata["pair"][305] == "5"


def test_a_row_says_its_side_and_has_zeros_for_the_other(space):
    assert space.modality.shape == (65 + len(space.modality.modalities_[1].words_),)
    x = space._features.rows([0, 300])
    assert x[:, 0].tolist() == [0, 1]
    assert x[0, 1:65].any()
    assert not x[0, 65:].any()
    assert not x[1, 1:65].any()
    assert x[1, 65:].any()


def test_items_come_back_in_their_own_form(space, described):
    pictures, captions = described
    np.testing.assert_array_equal(np.asarray(space.items[7]), np.asarray(pictures[7]))
    assert space.items["text:7"] == captions[7]


def test_either_kind_finds_items_of_both(space, described):
    pictures, captions = described
    right = 0
    for picture, caption in zip(pictures[300:400], captions[300:400], strict=True):
        right += space.search(picture, k=1, where={"side": "text"}).items[0] == caption
    assert right >= 80  # of 100; by chance 10
    found = space.search("the digit seven", k=10, where={"side": "image"})
    seven = [captions[int(id_.removeprefix("image:"))] == "the digit seven" for id_ in found.ids]
    assert sum(seven) >= 8


def test_a_file_holds_both_sides(space, described, tmp_path):
    pictures, captions = described
    again = ls.load(space.save(tmp_path / "pairs.latent"))
    np.testing.assert_array_equal(again.encode(pictures[400]), space.encode(pictures[400]))
    assert again.search("the digit two", k=3).ids == space.search("the digit two", k=3).ids
    assert again.items["text:7"] == captions[7]
    added = again.add({"image": pictures[300:303], "text": captions[300:303]}, ids=["a", "b", "c"])
    assert added == ["image:a", "image:b", "image:c", "text:a", "text:b", "text:c"]
    assert ls.load(tmp_path / "pairs.latent").metadata["pair"][-6:] == ["a", "b", "c"] * 2


def test_one_side_alone_can_be_added_and_encoded(described):
    pictures, captions = described
    space = ls.fit((pictures[:40], captions[:40]), kind="pairs", model="cca", dims=3)
    assert space.modality.names_ == ("images", "texts")
    assert space.add({"texts": ["the digit nine"]}, ids=["new"]) == ["texts:new"]
    assert space.encode([pictures[41], pictures[42]]).shape == (2, 3)
    with pytest.raises(UnsupportedError):
        space.decode(space.latents[:1])


def test_a_map_of_pairs_is_drawn(described, tmp_path):
    pictures, captions = described
    space = ls.fit((pictures[:40], captions[:40]), kind="pairs", model="cca", dims=3)
    space.map("pca").save(tmp_path / "map.png", colour="side")
    space.map("pca").save(tmp_path / "map.html")
    assert (tmp_path / "map.html").stat().st_size > 1000


def test_a_bad_item_of_one_side_is_named_and_its_partner_stays(described):
    pictures, captions = described
    captions = [*captions[:39], "!"]
    with pytest.warns(SkippedItemsWarning, match="texts:39"):
        space = ls.fit((pictures[:40], captions), kind="pairs", model="cca", dims=3)
    assert "images:39" in space.ids
    assert "texts:39" not in space.ids
    assert all(len(column) == len(space) == 79 for column in space.metadata.values())


def test_two_sides_of_one_kind_are_first_and_second():
    rng = np.random.default_rng(0)
    left = rng.standard_normal((50, 4)).astype(np.float32)
    space = ls.fit((left, left[:, ::-1].copy()), kind="pairs", model="cca", dims=2)
    assert space.modality.names_ == ("first", "second")
    np.testing.assert_allclose(space.latents[:50], space.latents[50:], atol=1e-4)


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        (lambda p, c: (p[:9], c[:8]), {}, "have 9 and 8 items"),
        (lambda p, c: (p[:9], c[:9]), {"model": "pca"}, "kind='pairs' is for models of pairs"),
        (lambda p, c: (p[:2], c[:2]), {}, "found 2 pairs"),
        (lambda p, _: p[:9], {}, "kind='pairs' does not fit"),
        (lambda p, c: (p[:9], c[:9], c[:9]), {}, "kind='pairs' does not fit"),
        (lambda p, _: p[:9], {"kind": "images"}, "CCA is a model of pairs"),
        (lambda p, c: (p[:9], c[:9]), {"second": {"weights": "none"}}, "weights='none'"),
    ],
)
def test_what_makes_no_pairs_says_why(described, source, options, said):
    with pytest.raises(ValueError, match=said):
        ls.fit(source(*described), **{"kind": "pairs", "model": "cca", "dims": 2} | options)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"names": ["a"], "sides": []},
        {"names": ["a", "b"], "sides": [{"kind": "pairs", "facts": {}}] * 2},
        {"names": ["a", "b"], "sides": [{"kind": "os", "facts": {}}] * 2},
        {"names": [1, 2], "sides": [{"kind": "images", "facts": {}}] * 2},
    ],
)
def test_a_damaged_state_is_refused(facts):
    with pytest.raises(CorruptFileError):
        Pairs.from_state(facts, {})


def test_held_out_emoji_find_their_names():
    try:
        emoji = datasets.load("emoji")
    except datasets.UnavailableError as error:
        pytest.skip(str(error))
    order = np.random.default_rng(0).permutation(len(emoji.x))[:600]
    pictures = [Image.fromarray(emoji.x[i]).resize((16, 16)) for i in order]
    names = [emoji.metadata["name"][i].lower() for i in order]
    space = ls.fit(
        (pictures[:500], names[:500]), kind="pairs", model="cca", density="gaussian", second={"min_texts": 1}
    )
    held = [i for i in range(500, 600) if _known(space, names[i])]
    found = space.encode([pictures[i] for i in held])
    z = space.encode([names[i] for i in held])
    likeness = found @ z.T / np.linalg.norm(found, axis=1)[:, None] / np.linalg.norm(z, axis=1)
    rank = (likeness > np.diag(likeness)[:, None]).sum(axis=1)
    assert (rank < 10).mean() > 4 * 10 / len(held)


def _known(space, name):
    texts = space.modality.modalities_[1]
    return not any(batch.skipped for batch in texts.read(texts.gather_new([name])))
