"""The loop: what it ends with, what it survives, and that it can be told to stop and go on."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from latentspace.errors import TrainingWarning
from latentspace.models import checkpoints, training
from latentspace.models.adamw import AdamW
from latentspace.models.threads import in_chunks, threads_worth, torch_threads
from latentspace.models.updates import NotFinite, Schedule, Updates
from latentspace.models.vae import VAE


def _digits(n: int = 200) -> np.ndarray:
    """Small pictures of two squares, whose places and sizes vary."""
    rng = np.random.default_rng(0)
    X = np.zeros((n, 1, 8, 8), np.float32)
    for image, (r, c, side) in zip(X, rng.integers(0, (5, 5, 4), (n, 3)), strict=True):
        image[0, r : r + 1 + side, c : c + 1 + side] = 1
    return X


def _weights(model: VAE) -> dict[str, np.ndarray]:
    return {name: value for name, value in model.get_state()[2].items() if name.startswith("network/")}


def _assert_same_weights(a: VAE, b: VAE) -> None:
    for name, value in _weights(a).items():
        np.testing.assert_array_equal(value, _weights(b)[name], err_msg=name)


def _fail_at_three(row):
    if row["epoch"] == 3:
        raise ZeroDivisionError


_SMALL = {"dims": 2, "epochs": 6, "random_state": 0, "hidden": [16], "network": "dense", "batch_size": 32}


def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    a, b = (VAE(**_SMALL).fit(_digits()) for _ in range(2))
    _assert_same_weights(a, b)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not np.array_equal(
        a.transform(_digits()), VAE(**_SMALL | {"random_state": 1}).fit(_digits()).transform(_digits())
    )


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_the_number_of_threads_does_not_change_what_is_learned(network):
    # To the bit on some processors; others share a product out in an order that rounds its last bit otherwise.
    options = _SMALL | {"network": network, "hidden": None, "epochs": 2}
    one, two = (_weights(VAE(**options, threads=count).fit(_digits())) for count in (1, 2))
    for name, value in one.items():
        np.testing.assert_allclose(value, two[name], rtol=1e-3, atol=1e-4, err_msg=name)


def test_the_threads_of_whoever_calls_are_as_before():
    before = torch.get_num_threads()
    VAE(**_SMALL | {"epochs": 1}, threads=before + 1).fit(_digits(30)).transform(_digits(3))
    assert torch.get_num_threads() == before


def test_the_history_has_a_row_an_epoch_that_json_keeps():
    rows = []
    model = VAE(**_SMALL).fit(_digits(), callback=rows.append)
    assert rows == model.history_ == json.loads(json.dumps(model.history_))
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[-1]["validation_loss"] < rows[0]["validation_loss"]
    assert {"loss", "nll", "kl", "active_dims", "rate", "threads", "seconds"} <= rows[0].keys()


def test_a_callback_ends_training():
    assert len(VAE(**_SMALL).fit(_digits(), callback=lambda row: row["epoch"] == 2).history_) == 2


def test_ctrl_c_keeps_the_best_epoch_so_far():
    def interrupt(row):
        if row["epoch"] == 3:
            signal.raise_signal(signal.SIGINT)

    model = VAE(**_SMALL)
    with pytest.warns(TrainingWarning, match=r"Stopped by Ctrl-C after 3 epochs; the best of them, 3, is kept"):
        model.fit(_digits(), callback=interrupt)
    assert len(model.history_) == 3
    assert np.isfinite(model.transform(_digits())).all()


def test_training_ends_early_when_nothing_gets_better():
    X = np.random.default_rng(0).normal(size=(60, 10))  # noise: soon there is nothing left to learn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it collapses, as it must
        model = VAE(dims=2, epochs=600, patience=3, random_state=0, hidden=[16], warm_up=0.01, batch_size=4).fit(X)
    assert len(model.history_) < 300
    assert model.history_[-1]["rate"] < 0.5 * model.learning_rate


def test_a_rate_that_gives_nan_is_rolled_back_until_one_trains():
    model = VAE(**_SMALL | {"learning_rate": 30.0, "epochs": 8})
    with pytest.warns(TrainingWarning, match=r"not finite in epoch \d: back to epoch \d, going on at a learning rate"):
        model.fit(_digits())
    assert model.history_[-1]["roll_backs"] > 0
    assert np.isfinite(model.transform(_digits())).all()


def test_a_rate_at_which_nothing_trains_is_an_error_that_says_so():
    with (
        pytest.warns(TrainingWarning),
        pytest.raises(FloatingPointError, match=r"at every rate from 1e\+30 down to .* Pass a smaller learning_rate"),
    ):
        VAE(**_SMALL | {"learning_rate": 1e30}).fit(_digits())


def test_a_gradient_that_is_not_finite_changes_nothing():
    weight = torch.nn.Parameter(torch.ones(3))
    updates = Updates([weight], weight_decay=0.1)
    with pytest.raises(NotFinite):
        updates.step((weight * torch.tensor([1.0, float("nan"), 1.0])).sum(), 0.1)
    assert torch.equal(weight.data, torch.ones(3))


def test_an_outlier_gradient_is_cut_to_what_is_usual():
    steps = []
    for outlier in (1.0, 1e6):
        weight = torch.nn.Parameter(torch.zeros(2))
        updates = Updates([weight], weight_decay=0.0, clip=2.0)
        for factor in [1.0] * 50 + [outlier] + [1.0] * 50:
            updates.step(factor * weight.sum(), 1e-3)
        steps.append(weight.detach()[0].item())
    assert steps[1] == pytest.approx(steps[0], rel=0.1)  # unclipped, a million would silence the steps that follow
    assert updates.usual == pytest.approx(2**0.5, rel=0.1)


def test_the_rate_rises_stays_and_falls_to_nothing():
    schedule = Schedule(1.0, 1000)
    rates = [schedule.rate(step) for step in range(1000)]
    assert rates[0] < 0.05
    assert rates[100:790] == [1.0] * 690
    assert rates[-1] < 0.01
    assert sorted(rates[800:], reverse=True) == rates[800:]
    schedule.fall_from(200, 100)
    assert schedule.steps == 300
    assert schedule.rate(299) < 0.01


@pytest.mark.parametrize(
    ("n", "batch", "steps", "epochs"), [(1, 128, 2400, 600), (4500, 128, 1200, 35), (10**6, 128, 2400, 10)]
)
def test_enough_epochs_follow_the_number_of_items(n, batch, steps, epochs):
    assert training.enough_epochs(n, batch, steps) == epochs


_KILLED = """
import sys, time, numpy as np
sys.path.insert(0, sys.argv[2])
from test_training import _SMALL, _digits, _few_labels
from latentspace.models.vae import VAE
def row(r):
    print(r["epoch"], flush=True)
    time.sleep(0.05)
y = _few_labels() if sys.argv[3] == "head" else None
VAE(**_SMALL | {"epochs": 40, "threads": 1}).fit(_digits(), y, checkpoint=sys.argv[1], callback=row)
"""


def _few_labels() -> list[str | None]:
    return [("dark" if x.mean() < 0.2 else "light") if i % 3 else None for i, x in enumerate(_digits())]


@pytest.mark.parametrize("what", ["plain", "head"])
def test_a_killed_fit_resumes_to_the_bits_of_one_that_was_not(tmp_path, what):
    path = tmp_path / "run.safetensors"
    y = _few_labels() if what == "head" else None
    whole = VAE(**_SMALL | {"epochs": 40, "threads": 1}).fit(_digits(), y)
    command = [sys.executable, "-c", _KILLED, str(path), str(Path(__file__).parent), what]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while int(killed.stdout.readline()) < 17:
        pass
    time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert path.exists()
    rows = []
    resumed = VAE(**_SMALL | {"epochs": 40, "threads": 1}).fit(_digits(), y, checkpoint=path, callback=rows.append)
    assert 0 < len(rows) < 40
    _assert_same_weights(resumed, whole)
    assert [row["loss"] for row in resumed.history_] == [row["loss"] for row in whole.history_]
    assert list(tmp_path.iterdir()) == []  # removed at the end, and nothing beside it


def test_a_fit_without_a_seed_resumes_with_the_one_it_had(tmp_path):
    path = tmp_path / "run.safetensors"
    options = _SMALL | {"random_state": None}
    with pytest.raises(ZeroDivisionError):
        VAE(**options).fit(_digits(), checkpoint=path, callback=_fail_at_three)
    assert checkpoints.read(path)[0]["step"] in (6, 12)
    assert len(VAE(**options).fit(_digits(), checkpoint=path).history_) == 6


@pytest.mark.parametrize("change", [{"beta": 2.0}, {"random_state": 1}, {"dims": 3}, "data", "target"])
def test_a_checkpoint_of_another_fit_is_refused(tmp_path, change):
    path = tmp_path / "run.safetensors"
    with pytest.raises(ZeroDivisionError):
        VAE(**_SMALL).fit(_digits(), checkpoint=path, callback=_fail_at_three)
    X = 1 - _digits() if change == "data" else _digits()
    y = _few_labels() if change == "target" else None
    options = _SMALL if isinstance(change, str) else _SMALL | change
    with pytest.raises(ValueError, match=r"belongs to another fit: its data or parameters differ"):
        VAE(**options).fit(X, y, checkpoint=path)


@pytest.mark.parametrize(
    "change", [lambda _, t: t.pop("generator"), lambda f, _: f.pop("step"), lambda f, _: f.update(history=7)]
)
def test_a_checkpoint_that_is_not_whole_is_named(tmp_path, change):
    path = tmp_path / "run.safetensors"
    with pytest.raises(ZeroDivisionError):
        VAE(**_SMALL).fit(_digits(), checkpoint=path, callback=_fail_at_three)
    facts, tensors = checkpoints.read(path)
    change(facts, tensors)
    checkpoints.write(path, facts, tensors)
    with pytest.raises(ValueError, match="does not hold the whole of this run"):
        VAE(**_SMALL).fit(_digits(), checkpoint=path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"\xff" * 8 + b"{}"])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content):
    path = tmp_path / "run.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is not a training checkpoint"):
        VAE(**_SMALL).fit(_digits(), checkpoint=path)


@pytest.mark.parametrize("fused", [True, False])
def test_our_adamw_takes_torchs_steps(fused):
    start = torch.randn((4, 3), generator=torch.Generator().manual_seed(0))
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    optimizer, reference = AdamW([ours], 0.1), torch.optim.AdamW([theirs], lr=0.05, weight_decay=0.1)
    optimizer.fused &= fused
    assert optimizer.fused == fused
    for _ in range(20):
        for weight in (ours, theirs):
            weight.grad = (weight.detach() - 1) ** 3
        optimizer.step(0.05)
        reference.step()
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_the_threads_of_a_step_follow_from_its_work_and_not_from_how_busy_the_cores_are():
    small, large = [torch.zeros(64, 8)], [torch.zeros(512, 784), torch.zeros(784, 512)]
    filters = [torch.zeros(64, 32, 3, 3)]
    with torch_threads(3):
        assert threads_worth(small, (64,), 128) == 1
        assert threads_worth(large, (784,), 128) == 3
        assert threads_worth(filters, (32, 1, 1), 128) == 1
        assert threads_worth(filters, (32, 64, 64), 128) == 3


@given(offset=st.integers(0, 15), n=st.integers(1, 40))
def test_every_chunk_begins_where_torch_aligns_its_memory(offset, n):
    # Kernels may round otherwise at other addresses, so the last bits of an item would depend on where numpy put it.
    memory = np.zeros(40 * 3 + 32, np.float32)
    x = torch.from_numpy(memory[offset : offset + 3 * n]).reshape(n, 3)
    begins = []
    in_chunks(lambda chunk: begins.append(chunk.data_ptr() % 64) or chunk, x, 16, 1)
    assert len(begins) == -(-n // 16)
    assert set(begins) == {0}
