"""Making items: by condition, near an item, along geodesics and named axes; and where what was made comes from."""

import numpy as np
import pytest
from PIL import Image

import latentspace as ls
import processes


@pytest.fixture(scope="module")
def space(digits):
    images, labels = digits
    metadata = {"label": [str(label) for label in labels[:400]], "ink": images[:400].mean(axis=(1, 2)).tolist()}
    return ls.fit(images[:400], "pca", dims=10, metadata=metadata)


def test_samples_of_a_condition_are_near_items_that_fulfil_it(space):
    made = space.sample(40, where={"label": "0"}, report=True)
    near = [space.metadata["label"][space.position(ids[0])] for ids in made.nearest]
    assert np.mean([label == "0" for label in near]) > 0.9


def test_a_low_temperature_draws_nearer_to_the_middle(digits):
    space = ls.fit(digits[0][:200], "pca", dims=6, density="gaussian")
    middle = space.latents.mean(axis=0)
    cool, warm = (space.sample(200, temperature=t, report=True).z for t in (0.25, 1.0))
    assert np.linalg.norm(cool - middle, axis=1).mean() < 0.5 * np.linalg.norm(warm - middle, axis=1).mean()


def test_samples_near_an_item_are_nearer_to_it_than_others(space):
    z = space.latents[5]
    near = space.sample(50, near=space.ids[5], report=True).z
    anywhere = space.sample(50, report=True).z
    assert np.linalg.norm(near - z, axis=1).mean() < 0.6 * np.linalg.norm(anywhere - z, axis=1).mean()


def test_a_geodesic_keeps_to_the_data_where_a_straight_line_leaves_it():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 800)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    space = ls.fit(circle, "pca", dims=2)
    a, b = (int(np.argmin(np.abs(angle - at))) for at in (0.5, 0.5 + 0.8 * np.pi))
    off = {}
    for path in ("linear", "geodesic"):
        way = space.interpolate(str(a), str(b), steps=15, path=path)
        off[path] = np.abs(np.linalg.norm(way, axis=1) - 1).mean()
        np.testing.assert_allclose(way[[0, -1]], space.decode(space.latents[[a, b]]), atol=1e-5)
    assert off["geodesic"] < 0.25 * off["linear"]


def test_an_axis_of_a_label_moves_items_across_and_is_kept(space, tmp_path):
    axis = space.axis("label=0")
    assert np.linalg.norm(axis.direction) == pytest.approx(1, rel=1e-5)
    assert axis.evidence.reading > 0.9
    assert axis.evidence.along > axis.evidence.random
    others = np.array([label != "0" for label in space.metadata["label"]])
    moved = space.latents[others] + axis.step
    assert (axis.read(moved) > axis.read(space.latents[others])).all()
    path = space.save(tmp_path / "x.latent")
    again = ls.load(path)
    np.testing.assert_array_equal(again.axes["label=0"].direction, axis.direction)
    again.drop_axis("label=0")
    assert "label=0" not in ls.load(path).axes


def test_an_axis_of_a_number_changes_it_by_a_deviation_a_unit(space):
    axis = space.axis("ink")
    change = axis.read(space.latents + axis.step) - axis.read(space.latents)
    assert change.mean() == pytest.approx(np.std(space.metadata["ink"]), rel=0.2)


def test_an_orthogonal_axis_leaves_the_other_reading_alone(space):
    first = space.axis("label=0")
    second = space.axis("round", where={"label": "8"}, orthogonal_to="label=0")
    np.testing.assert_allclose(
        first.read(space.latents + second.step),
        first.read(space.latents),
        atol=1e-3 * np.abs(first.weights).max() * 100,
    )


def test_moves_analogies_and_blends_are_sums_of_latents(space):
    a, b, c = (space.latents[row] for row in range(3))
    ids = space.ids[:3]
    np.testing.assert_allclose(space.analogy(*ids, report=True).z[0], c + b - a, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(space.blend(ids, [1, 1, 2], report=True).z[0], (a + b + 2 * c) / 4, rtol=1e-4, atol=1e-3)
    axis = space.axis("label=0")
    np.testing.assert_allclose(space.move(ids[0], axis, 2, report=True).z[0], a + 2 * axis.step, rtol=1e-4, atol=1e-3)


def test_a_copy_of_an_item_is_told_and_what_lies_far_off_too(space):
    told = space.provenance(np.stack([space.latents[3], space.latents[3] + 1e4]))
    assert told.nearest[0][0] == space.ids[3]
    assert told.distances[0] == pytest.approx(0, abs=1e-3)
    assert list(told.unusual) == [False, True]


def test_names_that_mean_nothing_are_refused_with_those_that_do(space):
    with pytest.raises(ValueError, match="columns: label, ink"):
        space.axis("nonsense")
    with pytest.raises(ValueError, match="path="):
        space.interpolate("0", "1", path="teleport")


def test_a_way_becomes_a_moving_picture(space, tmp_path):
    space.save(tmp_path / "x.latent")

    def run(*words):
        return processes.latentspace(*words, cwd=tmp_path)

    done = run("interpolate", "x.latent", "0", "1", "--steps", "6", "-o", "way.gif")
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "way.gif").n_frames >= 6
    assert run("axis", "x.latent", "label=3").returncode == 0
    assert run("move", "x.latent", "0", "label=3", "-o", "moved.png").returncode == 0
    assert Image.open(tmp_path / "moved.png").width > 0
