"""Faster networks: they train to the same end, and nothing of it is left on them."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from latentspace.models.acceleration import accelerated, resolve
from latentspace.models.autoencoder import Autoencoder

_OPTIONS = {"dims": 1, "epochs": 40, "random_state": 0, "hidden": [32], "threads": 1, "batch_size": 32}


def _curve() -> np.ndarray:
    t = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    return np.hstack([t, t**2, np.sin(3 * t)])


def test_bfloat16_trains_to_the_same_error_and_leaves_float32_behind():
    X = _curve()
    plain, small = Autoencoder(**_OPTIONS).fit(X), Autoencoder(**_OPTIONS).set_params(precision="bfloat16").fit(X)
    errors = [np.mean((model.inverse_transform(model.transform(X)) - X) ** 2) for model in (plain, small)]
    assert not np.array_equal(plain.transform(X), small.transform(X))
    assert max(errors) < 0.05 * X.var(axis=0).mean()
    assert {weight.dtype for weight in small.network_.state_dict().values()} == {torch.float32}
    assert plain.network_.state_dict().keys() == small.network_.state_dict().keys()
    again = pickle.loads(pickle.dumps(small))  # noqa: S301 (our own bytes)
    np.testing.assert_array_equal(again.transform(X), small.transform(X))


def test_networks_give_float32_within_the_block_and_are_as_before_after_an_error():
    model = Autoencoder(**_OPTIONS | {"epochs": 2}).fit(_curve()).network_
    x = torch.randn(4, 3)
    before = model.infer(x).mean

    def fail() -> None:
        with accelerated(model, x, dtype=torch.bfloat16, compiled=False):
            within = model.infer(x).mean
            assert within.dtype == torch.float32
            assert not torch.equal(within, before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert torch.equal(model.infer(x).mean, before)


def test_a_cpu_trains_in_float32_unless_asked():
    assert resolve("auto", torch.device("cpu")) == torch.float32
    with pytest.raises(ValueError, match=r"precision='half' is not known. Known precisions: auto, float32, bfloat16"):
        Autoencoder(**_OPTIONS).set_params(precision="half").fit(_curve())


_COMPILED = """
import warnings, sys, numpy as np
sys.path.insert(0, sys.argv[1])
from test_acceleration import _OPTIONS, _curve
from latentspace.models.autoencoder import Autoencoder
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    model = Autoencoder(**_OPTIONS | {"epochs": 3}).set_params(compile=True).fit(_curve())
print([str(w.message)[:60] for w in seen if "compile=True" in str(w.message)])
print(sorted(model.network_.state_dict())[0], model.history["loss"][-1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["there", "missing"])
def test_compiled_networks_keep_their_names_and_a_missing_compiler_is_warned_of(compiler, tmp_path):
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    if compiler == "missing":
        environment |= {"CXX": "/nowhere/c++", "PATH": str(tmp_path)}
    command = [sys.executable, "-c", _COMPILED, os.path.dirname(__file__)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    warned, result = done.stdout.splitlines()
    assert ("could not compile" in warned) == (compiler == "missing")
    name, loss = result.split()
    assert name == "decoder.layers.0.bias"
    plain = Autoencoder(**_OPTIONS | {"epochs": 3}).fit(_curve())
    assert float(loss) == pytest.approx(plain.history["loss"][-1], rel=1e-3)
