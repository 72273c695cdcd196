"""The history of a training run: as a table, as a picture, in TensorBoard."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import latentspace as ls
from latentspace.cli import main
from latentspace.errors import UnsupportedError
from latentspace.models.history import History
from latentspace.models.vae import VAE

_SMALL = {"dims": 2, "epochs": 6, "random_state": 0, "hidden": [16], "network": "dense", "batch_size": 32, "threads": 1}


@pytest.fixture(scope="module")
def curve() -> np.ndarray:
    t = np.random.default_rng(0).uniform(-2, 2, (200, 1))
    return np.hstack([t, t**2, np.sin(2 * t), np.cos(3 * t)])


@pytest.fixture(scope="module")
def model(curve) -> VAE:
    return VAE(**_SMALL | {"epochs": 15}).fit(curve, curve[:, 0] > 0)


def test_a_history_is_read_by_column_by_row_and_as_words(model):
    history = model.history
    assert history["loss"] == [row["loss"] for row in model.history_]
    assert history[-1] == model.history_[-1]
    assert list(history.to_dict()) == history.columns
    lines = str(history).splitlines()
    assert lines[0].split() == history.columns
    assert len(lines) == 1 + len(history) == 16
    with pytest.raises(KeyError, match=r"'lost' is not in this history. Its columns: epoch, loss, nll, kl"):
        history["lost"]


def test_a_term_that_some_epochs_lack_is_none_there():
    history = History([{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5, "extra": 3.0}])
    assert history["extra"] == [None, 3.0]
    assert history.plot().size[0] == 1200


def test_every_term_has_a_panel_of_its_own_and_its_line_beside_the_held_out_one(model):
    lines = model.history._lines()
    assert list(lines) == ["loss", "nll", "kl", "target_loss", "target_accuracy", "active_dims", "rate"]
    assert lines["kl"] == {"training": "kl", "held out": "validation_kl"}


def test_a_plot_shows_a_fall_as_a_fall(tmp_path):
    rows = [{"epoch": i + 1, "loss": 10.0 - i} for i in range(10)]
    History(rows).plot(tmp_path / "h.png", width=400)
    pixels = np.asarray(Image.open(tmp_path / "h.png").convert("RGB")).astype(int)
    blue = np.argwhere((abs(pixels - [38, 84, 160]) < 30).all(axis=2) & (np.arange(len(pixels)) > 44)[:, None])
    left, right = blue[blue[:, 1].argmin()], blue[blue[:, 1].argmax()]
    assert left[0] + 100 < right[0]  # rows of pixels count downwards
    assert right[1] - left[1] > 250


@settings(deadline=None)  # the first example imports what is slow to import
@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=6), st.integers(100, 700))
def test_any_finite_losses_can_be_drawn(losses, width):
    rows = [{"epoch": i + 1, "loss": loss, "active_dims": i, "rate": 1e-300} for i, loss in enumerate(losses)]
    assert History(rows).plot(width=width).size[0] == width


def test_an_empty_history_has_nothing_to_draw():
    with pytest.raises(ValueError, match="no epoch was trained"):
        History([]).plot()


def test_a_model_without_epochs_has_no_history(curve):
    with pytest.raises(UnsupportedError, match="'pca' was not trained in epochs"):
        _ = ls.fit(curve, dims=1).history
    with pytest.raises(UnsupportedError, match=r"checkpoint= is for models that train in epochs; PCA does not"):
        ls.fit(curve, dims=1, checkpoint="run.checkpoint")


def test_tensorboard_reads_back_what_a_fit_wrote(tmp_path, curve):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    model = VAE(**_SMALL).fit(curve, callback=ls.TensorBoard(tmp_path / "run"))
    events = accumulator.EventAccumulator(str(tmp_path / "run")).Reload()
    for tag, column in (("training/loss", "loss"), ("held out/kl", "validation_kl"), ("run/rate", "rate")):
        scalars = events.Scalars(tag)
        assert [event.step for event in scalars] == model.history["epoch"]
        np.testing.assert_allclose([event.value for event in scalars], model.history[column], rtol=1e-6)


def test_a_long_fit_is_kept_and_its_history_shown_from_the_command_line(tmp_path, curve, capsys):
    source, space, kept = tmp_path / "curve.npy", tmp_path / "curve.latent", tmp_path / "run.checkpoint"
    np.save(source, curve)
    options = {name: value for name, value in _SMALL.items() if name not in ("random_state", "hidden")}

    def fail(row):
        if row["epoch"] == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ls.fit(source, "autoencoder", checkpoint=kept, callback=fail, **options)
    assert kept.exists()
    words = [word for name, value in options.items() if name != "dims" for word in ("--set", f"{name}={value}")]
    _run(
        "fit",
        source,
        "-o",
        space,
        "-m",
        "autoencoder",
        "-d",
        "2",
        "--checkpoint",
        kept,
        "--tensorboard",
        tmp_path,
        *words,
    )
    assert not kept.exists()
    assert list(tmp_path.glob("events*"))
    capsys.readouterr()
    _run("info", space, "--history", "--plot", tmp_path / "h.png")
    assert len(capsys.readouterr().out.splitlines()) == 7
    assert Image.open(tmp_path / "h.png").size[0] == 1200
    rows = ls.load(space).history
    assert rows["loss"] == ls.fit(source, "autoencoder", **options).history["loss"]


def _run(*words) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == 0
