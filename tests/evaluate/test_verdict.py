"""The verdict where the answer is planted: each fault is called by its name, and silence where there is none."""

import json

import numpy as np
import pytest

import latentspace as ls
import processes

N = 600


@pytest.fixture(scope="module")
def classes():
    """Three classes about centres of their own in eight features, which all vary alike otherwise."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, N)
    centres = 5 * np.eye(3, 8)
    return (centres[labels] + rng.normal(size=(N, 8))).astype(np.float32), [f"class {label}" for label in labels]


def space_of(x, labels, dims, z=None):
    space = ls.fit(x, "pca", dims=dims, metadata={"label": list(labels)})
    if z is not None:
        space.latents = np.ascontiguousarray(z, dtype=np.float32)
    return space


def faults(report):
    return {finding["name"] for finding in report["findings"] if finding["wrong"]}


def test_a_space_that_keeps_everything_is_told_so_and_nothing_is_wrong(classes):
    report = space_of(*classes, dims=8).evaluate("label")
    assert faults(report) == set()
    assert "Keeps all" in report.verdict[0]


def test_a_space_of_noise_is_told_so(classes):
    noise = np.random.default_rng(1).normal(size=(N, 8))
    report = space_of(*classes, dims=8, z=noise).evaluate("label")
    assert "noise" in faults(report)


def test_a_class_that_is_lost_is_named(classes):
    x, labels = classes
    merged = x.copy()
    merged[:, 1] = merged[:, 2] = x[:, 1] + x[:, 2]  # what parts classes 1 and 2 is gone
    report = space_of(x, labels, dims=8, z=merged).evaluate("label")
    lost = [finding["sentence"] for finding in report["findings"] if finding["name"] == "loses-class"]
    assert lost
    assert "class 1" in lost[0] or "class 2" in lost[0]
    assert "class 0" not in lost[0]


def test_dimensions_that_collapsed_are_counted(classes):
    x, labels = classes
    half = ls.fit(x, "pca", dims=8).latents.copy()
    half[:, 4:] = 0
    report = space_of(x, labels, dims=8, z=half).evaluate("label")
    assert "collapsed" in faults(report)
    assert "4" in next(f["sentence"] for f in report["findings"] if f["name"] == "collapsed")


def test_a_task_that_lies_where_little_varies_is_told():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, N)
    wide, thin = 20 * rng.normal(size=(N, 4)), labels[:, None] + 0.1 * rng.normal(size=(N, 1))
    x = np.concatenate([wide, thin], axis=1).astype(np.float32)
    report = space_of(x, [f"side {label}" for label in labels], dims=4).evaluate("label")
    assert faults(report) & {"low-variance-task", "loses-target"}
    assert "low-variance-task" in {finding["name"] for finding in report["findings"]}


def test_a_number_is_told_as_well_as_a_label(classes):
    x, _ = classes
    space = ls.fit(x, "pca", dims=8, metadata={"size": (2 * x[:, 0] + x[:, 5]).tolist()})
    report = space.evaluate("size")
    assert faults(report) == set()


def test_what_cannot_be_judged_is_refused(classes):
    space = space_of(*classes, dims=3)
    with pytest.raises(ValueError, match="label"):
        space.evaluate("no such column")
    with pytest.raises(ValueError, match="20"):
        ls.fit(np.eye(5, dtype=np.float32), dims=2).evaluate()


def test_the_report_is_words_data_and_a_page_on_the_command_line(classes, tmp_path):
    space_of(*classes, dims=3).save(tmp_path / "x.latent")
    command = ["evaluate", "x.latent", "--target", "label", "--quick", "--json"]
    done = processes.latentspace(*command, "-o", "x.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"]
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "https://" not in page
    assert "<script src" not in page
