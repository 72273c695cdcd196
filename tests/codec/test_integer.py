"""Integer networks: their answer is that of int64 arithmetic, always, and a trained one says what its training said."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentspace.codec.integer import LARGEST_SUM, IntegerNetwork, Layer


def a_network(rng: np.random.Generator, widths: list[int]) -> IntegerNetwork:
    return IntegerNetwork(
        [
            Layer(
                rng.integers(-127, 128, (b, a)).astype(np.int8),
                rng.integers(-(2**16), 2**16, b).astype(np.int32),
                int(rng.integers(0, 9)),
            )
            for a, b in pairwise(widths)
        ],
        extra=2**12,
    )


def in_int64(network: IntegerNetwork, x: np.ndarray, extra: np.ndarray) -> np.ndarray:
    for number, (weight, bias, shift) in enumerate(network.layers):
        sums = weight.astype(np.int64) @ x + bias.astype(np.int64)[:, None] + (extra if number == 0 else 0)
        x = (sums + ((1 << shift) >> 1)) >> shift
        if number < len(network.layers) - 1:
            x = np.clip(x, 0, 255)
    return x


@given(widths=st.lists(st.integers(1, 90), min_size=2, max_size=4), n=st.integers(0, 40), seed=st.integers(0, 2**31))
def test_the_answer_is_that_of_whole_numbers(widths, n, seed):
    rng = np.random.default_rng(seed)
    network = a_network(rng, widths)
    x = rng.integers(0, 256, (widths[0], n))
    extra = rng.integers(-(2**12), 2**12, (widths[1], n))
    got = network(x.astype(np.float32), extra.astype(np.float32))
    np.testing.assert_array_equal(got, in_int64(network, x, extra))


def test_weights_whose_sums_could_pass_what_float32_holds_are_refused():
    weight = np.full((1, 600), 127, np.int8)
    with pytest.raises(ValueError, match=r"a sum of 19,431,000; up to 16,777,215"):
        IntegerNetwork([Layer(weight, np.zeros(1, np.int32), 0)])
    assert LARGEST_SUM > 500 * 127 * 255
    IntegerNetwork([Layer(weight[:, :500], np.zeros(1, np.int32), 0)])


@pytest.mark.parametrize(
    "layer",
    [
        Layer(np.zeros((2, 3), np.float32), np.zeros(2, np.int32), 0),
        Layer(np.zeros((2, 3), np.int8), np.zeros(3, np.int32), 0),
        Layer(np.zeros((2, 3), np.int8), np.zeros(2, np.int32), 30),
    ],
)
def test_layers_that_are_none_are_refused(layer):
    with pytest.raises(ValueError, match="layer 0"):
        IntegerNetwork([layer])


def test_a_network_comes_back_from_its_state_and_others_are_refused():
    network = a_network(np.random.default_rng(0), [5, 7, 3])
    arrays = network.state("a/")
    again = IntegerNetwork.from_state(arrays, "a/", extra=2**12)
    x = np.random.default_rng(1).integers(0, 256, (5, 9)).astype(np.float32)
    np.testing.assert_array_equal(again(x), network(x))
    with pytest.raises(KeyError):
        IntegerNetwork.from_state(arrays, "b/")
    with pytest.raises(ValueError, match="weights of float64"):
        IntegerNetwork.from_state({**arrays, "a/weight1": np.zeros((3, 7))}, "a/")


def test_one_thread_two_threads_and_another_process_agree():
    code = (
        "import sys, hashlib; sys.path.insert(0, 'tests/codec')\n"
        "import numpy as np; from test_integer import a_network\n"
        "rng = np.random.default_rng(3); network = a_network(rng, [96, 200, 200, 64])\n"
        "x = rng.integers(0, 256, (96, 5000)).astype(np.float32)\n"
        "print(hashlib.sha256(network(x).astype('<i4').tobytes()).hexdigest())"
    )
    said = set()
    for threads in ("1", "2"):
        env = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PATH": ""}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        said.add(done.stdout)
    assert len(said) == 1


def test_a_trained_network_says_in_whole_numbers_what_it_said_in_training():
    torch = pytest.importorskip("torch")
    from latentspace.codec.integer_training import RoundedMLP

    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (400, 6), generator=generator).float()
    place = torch.randint(0, 4, (400,), generator=generator)
    target = (x[:, :1] - x[:, 1:2]).abs() / 64 + place[:, None] / 2  # 0 to 5.5
    torch.manual_seed(0)
    network = RoundedMLP([6, 24, 16, 1])
    places = torch.nn.Parameter(torch.zeros(4, 24))
    optimiser = torch.optim.Adam([*network.parameters(), places], lr=0.01)
    for step in range(400):
        network.rounds = step >= 250
        loss = ((network(x, places[place]) - target) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        network.clip()
    assert float(loss.detach()) < 0.1
    whole = network.to_integer(extra=4)
    steps = np.round(network.rounded_extra(places).detach().numpy().T * 32)
    extra = steps * 2.0**network.extra_shift
    got = whole(x.numpy().T.copy(), extra[:, place.numpy()].astype(np.float32))
    with torch.no_grad():
        said = network(x, places[place]).numpy().T * 2**network.output_step
    np.testing.assert_array_equal(got, said)
