"""Axes: what moves, what stays, what is said of them, and what is refused."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import latentspace as ls
from latentspace.errors import CorruptFileError
from latentspace.generate.learning_axes import axis_of_label, axis_of_number


def two_marks(n=600, seed=0):
    """Latents in which one label and one number lie along known directions, at a slant."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 6))
    label = rng.random(n) < 0.4
    z[label, 0] += 4
    return z.astype(np.float32), label, 3 * z[:, 1] + 2 * z[:, 2] + 0.1 * rng.normal(size=n)


def test_the_direction_of_a_label_is_the_one_that_was_planted():
    z, label, _ = two_marks()
    axis = axis_of_label("planted", "", z, label)
    assert axis.direction[0] > 0.99
    assert axis.evidence.along > 0.95 > axis.evidence.random
    assert axis.evidence.n == len(z)


def test_a_unit_takes_nine_of_ten_unseen_items_across_by_another_probe():
    z, label, _ = two_marks()
    new, new_label, _ = two_marks(seed=1)
    axis = axis_of_label("planted", "", z, label)
    probe = LogisticRegression().fit(new, new_label)
    before = probe.predict(new)
    after = probe.predict(new + np.where(before, -1, 1)[:, None] * axis.step)
    assert (after != before).mean() >= 0.9
    assert axis.evidence.moved >= 0.9


def test_the_direction_of_a_number_is_the_one_that_was_planted_and_its_unit_a_deviation():
    z, _, number = two_marks()
    axis = axis_of_number("planted", "", z, number)
    np.testing.assert_allclose(axis.direction[1:3], np.array([3, 2]) / np.hypot(3, 2), atol=0.08)
    gained = axis.read(z + axis.step) - axis.read(z)
    np.testing.assert_allclose(gained, number.std(), rtol=1e-4)
    assert axis.evidence.reading > 0.99
    assert axis.evidence.moved == pytest.approx(1, abs=0.1)


def test_noise_is_told_as_noise():
    rng = np.random.default_rng(0)
    z, label = rng.normal(size=(400, 4)), rng.random(400) < 0.5
    evidence = axis_of_label("noise", "", z, label).evidence
    assert abs(evidence.reading - 0.5) < 0.1
    assert axis_of_number("noise", "", z, rng.normal(size=400)).evidence.reading < 0.05


def test_an_orthogonal_axis_is_orthogonal_and_leaves_the_other_probe_alone():
    z, label, number = two_marks()
    first = axis_of_label("first", "", z, label)
    second = axis_of_number("second", "", z, number + 5 * label, avoid=[first])
    assert second.direction @ first.direction == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(first.read(z + 3 * second.step), first.read(z), atol=1e-3)
    assert second.orthogonal_to == ("first",)


def test_what_leaves_nothing_over_is_refused():
    z, label, _ = two_marks()
    axis = axis_of_label("a", "", z[:, :1], label)
    with pytest.raises(ValueError, match=r"nothing of it is left .* orthogonal to a in 1 dims"):
        axis_of_label("b", "", z[:, :1], label, avoid=[axis])


@pytest.fixture(scope="module")
def flowers():
    from sklearn.datasets import load_iris

    frame = load_iris(as_frame=True)
    x = frame.data.to_numpy(dtype=np.float32)
    names = [str(frame.target_names[each]) for each in frame.target]
    length = [None if row == 7 else float(value) for row, value in enumerate(x[:, 2])]
    return ls.fit(
        x, "pca", dims=3, metadata={"species": names, "long": length, "is_big": [bool(v > 5) for v in x[:, 0]]}
    )


@pytest.mark.parametrize(
    ("name", "source"),
    [("setosa", "species = setosa"), ("species=virginica", "species = virginica"), ("long", "number long"),
     ("is_big", "is_big = True")],
)  # fmt: skip
def test_a_name_alone_says_what_to_learn_from(flowers, name, source):
    assert flowers.axis(name).source == source
    assert name in flowers.axes
    assert name in str(flowers.axes)


def test_two_examples_are_enough_but_are_no_evidence(flowers):
    axis = flowers.axis("mine", positive=["0"], negative=["100"])
    difference = flowers.latents[0] - flowers.latents[100]
    np.testing.assert_allclose(axis.direction, difference / np.linalg.norm(difference), atol=1e-5)
    assert axis.evidence.reading is None
    assert flowers.axis("others", positive=["0", "1"]).source == "2 examples against all others"


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("x", {"where": {"species": "rose"}}, "lacks an example: 0 of 150"),
        ("x", {"where": {}}, "holds no condition"),
        ("x", {"number": "species"}, "holds 'setosa', which is no number"),
        ("x", {"number": "height"}, "no column of this space: species, long, is_big"),
        ("x", {"number": [1.0, 2.0]}, "2 values for 150 items"),
        ("x", {"number": [1.0] * 150}, "the same for all 150 items"),
        ("x", {"number": "long", "where": {"species": "setosa"}}, "it got where= and number="),
        ("x", {"negative": ["0"]}, "say with positive="),
        ("x", {"positive": []}, "positive= is empty"),
        ("x", {"positive": ["0"], "negative": ["0"]}, "both sides have the same mean"),
        ("x", {"where": {"species": "setosa"}, "orthogonal_to": ["x"]}, "orthogonal to itself"),
        ("species", {}, "a column of words; say which: species="),
        ("species=rose", {}, "no item's 'species' is 'rose'"),
        ("", {}, "1 to 200 printable"),
    ],
)
def test_what_is_no_axis_says_why_and_is_not_kept(flowers, name, given, message):
    with pytest.raises(ValueError, match=message):
        flowers.axis(name, **given)
    assert name not in flowers.axes


def test_axes_stay_in_the_file_while_items_come_and_go(flowers, tmp_path):
    path = flowers.save(tmp_path / "flowers.latent")
    space, other = ls.load(path), ls.load(path)
    axis = space.axis("kept", where={"species": "setosa"})
    other.add(np.ones((2, 4), np.float32), ids=["new", "newer"])
    other.remove(["3"])
    assert other.refresh() is False
    again = ls.load(path)
    assert len(again) == 151
    np.testing.assert_array_equal(again.axes["kept"].direction, axis.direction)
    assert json.dumps(again.axes["kept"].facts()) == json.dumps(axis.facts())
    again.save(tmp_path / "copy.latent")
    assert set(ls.load(tmp_path / "copy.latent").axes) == set(again.axes)


def test_a_file_whose_axes_do_not_fit_is_refused(flowers, tmp_path):
    from latentspace import store

    flowers.axis("setosa")
    path = flowers.save(tmp_path / "damaged.latent")
    store.put(path, arrays={"axes/directions": np.zeros((1, 2), np.float32)})
    with pytest.raises(CorruptFileError, match="does not hold a whole space"):
        ls.load(path)


def test_searching_along_an_axis_takes_its_name_or_itself(flowers):
    axis = flowers.axis("long")
    hits = flowers.search(id="60", more="long", k=5)
    here = axis.direction @ flowers.latents[60]
    assert all(flowers.latents[flowers.position(id_)] @ axis.direction > here for id_ in hits.ids)
    assert flowers.search(id="60", more=axis, k=5).ids == hits.ids


def test_a_named_axis_is_walked_in_its_own_units_and_two_make_a_grid(flowers):
    axis = flowers.axis("long")
    row = flowers.traverse("5", "long", steps=3, report=True).z
    np.testing.assert_allclose(row[2] - row[1], axis.step, atol=1e-5)
    grid = flowers.traverse("5", [1, "long"], steps=3, span=1, report=True).z.reshape(3, 3, -1)
    np.testing.assert_allclose(grid[1, 1], flowers.latents[5], atol=1e-5)
    np.testing.assert_allclose(grid[2, 1] - grid[1, 1], axis.step, atol=1e-5)
    np.testing.assert_allclose(np.diff(grid, axis=1)[..., 1], flowers.latents[:, 1].std(), rtol=1e-4)
