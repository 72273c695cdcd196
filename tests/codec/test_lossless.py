"""Lossless images: what is written is read, exactly, on any number of threads, alone or together, for ever."""

import json
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentspace.codec.lossless import LosslessCoder
from latentspace.codec.lossless_context import MARGIN, OFFSETS, Canvas, between, steps
from latentspace.codec.lossless_trees import TREES, path
from latentspace.codec.protocol import CODERS
from latentspace.codec.state import packed_state, unpacked_state
from latentspace.errors import CorruptFileError

GOLDEN = Path(__file__).parent / "golden" / "lossless.json"


def drawn(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Images of flat parts, of slopes, of noise, of one value."""
    if kind == "constant":
        return np.full(shape, rng.integers(256), np.uint8)
    if kind == "noise":
        return rng.integers(0, 256, shape).astype(np.uint8)
    down, across = np.mgrid[: shape[0], : shape[1]]
    a, b, c = rng.integers(0, 9, 3)
    slope = down * a + across * b + c
    colours = rng.integers(0, 256, (4, *shape[2:]))
    if kind == "flat":
        return colours[slope // 16 % 4].astype(np.uint8)
    return (slope[(..., *[None] * (len(shape) - 2))] + colours[0]).clip(0, 255).astype(np.uint8)


def strokes(n: int, seed: int = 0) -> np.ndarray:
    """Bright strokes on black, 12 x 12: as digits are."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:12, :12]
    angle, offset = rng.uniform(0, np.pi, (2, n, 1, 1))
    away = np.abs((down - 6) * np.cos(angle) + (across - 6) * np.sin(angle) - offset)
    return (np.clip(1.8 - away, 0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def untaught() -> LosslessCoder:
    return LosslessCoder.fit([])


@pytest.fixture(scope="module")
def taught() -> LosslessCoder:
    pytest.importorskip("torch")
    colour = [drawn(np.random.default_rng(i), (12, 14, 3), kind) for i in range(30) for kind in ("flat", "slope")]
    return LosslessCoder.fit([*strokes(200), *colour], network=True, steps=12)


def given_back(coder: LosslessCoder, items: list[np.ndarray]) -> None:
    """Strings and a block of items say the items; the strings are those that each has alone."""
    shapes = [item.shape for item in items]
    parts = coder.encode(items)
    for back in (coder.decode(parts, shapes), coder.decode_block(coder.encode_block(items), shapes)):
        for item, again in zip(items, back, strict=True):
            assert again.dtype == np.uint8
            np.testing.assert_array_equal(again, item, strict=True)
    for item, part in list(zip(items, parts, strict=True))[:2]:
        assert coder.encode([item]) == [part]


@settings(max_examples=5)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 24), st.integers(1, 24), st.booleans()), max_size=5),
    kind=st.sampled_from(["constant", "noise", "flat", "slope"]),
    seed=st.integers(0, 2**31),
)
def test_images_of_any_sizes_come_back_from_a_coder_that_has_seen_none(untaught, sizes, kind, seed):
    rng = np.random.default_rng(seed)
    items = [drawn(rng, (h, w, 3) if colour else (h, w), kind) for h, w, colour in sizes for _ in range(2)]
    given_back(untaught, items)


@settings(max_examples=4)
@given(kind=st.sampled_from(["constant", "noise", "flat", "slope"]), h=st.integers(1, 20), seed=st.integers(0, 2**31))
def test_images_that_networks_have_never_seen_come_back_exactly(taught, kind, h, seed):
    rng = np.random.default_rng(seed)
    given_back(taught, [drawn(rng, (h, 9), kind), drawn(rng, (12, 12), kind), drawn(rng, (5, h, 3), kind)])


@pytest.mark.slow
def test_large_images_whose_rows_are_coded_at_once_come_back(untaught):
    rng = np.random.default_rng(0)
    given_back(
        untaught, [drawn(rng, (257, 131, 3), "flat"), drawn(rng, (3, 5000), "slope"), drawn(rng, (4100, 1), "flat")]
    )


def test_no_items_and_items_without_pixels_take_no_bytes(untaught):
    assert untaught.encode([]) == []
    assert untaught.encode_block([]) == b""
    assert untaught.decode_block(b"", []) == []
    given_back(untaught, [np.zeros((0, 5), np.uint8), np.zeros((3, 0, 3), np.uint8)])


@pytest.mark.parametrize(("h", "w"), [(1, 1), (7, 3), (70, 90), (5000, 1), (2, 3000)])
def test_every_pixel_is_coded_once_after_all_that_it_is_told_from(h, w):
    when = np.full((h, w), -1)
    for time, step in enumerate(steps(h, w)):
        assert (when[step.rows, step.columns] == -1).all()
        when[step.rows, step.columns] = time
    assert (when >= 0).all()
    padded = np.pad(when, ((MARGIN, 0), (MARGIN, MARGIN)), constant_values=-1)
    for down, right in OFFSETS[1]:
        earlier = padded[MARGIN + down : MARGIN + down + h, MARGIN + right : MARGIN + right + w]
        assert (earlier < when).all()


def test_no_neighbour_lies_beyond_the_margin():
    for channels, offsets in OFFSETS.items():
        assert np.abs(offsets).max() <= MARGIN
        canvas = Canvas(np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)[..., :channels].copy(), [9] * channels)
        near = canvas.near(canvas.places(np.array([0, 3]), np.array([0, 3])))
        assert (near[:, :, 0] == 9).all()  # nothing is above or left of the first


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=30))
def test_the_questions_of_a_tree_say_the_value(pairs):
    truth, guess = np.array(pairs).T
    for tree in TREES.values():
        nodes, columns, answers = path(tree, truth, guess)
        assert nodes.max() < tree.nodes
        said = {(int(c), int(n)): bool(a) for n, c, a in zip(nodes, columns, answers, strict=True)}
        assert len(said) == len(nodes)  # no question is asked twice

        def ask(nodes, columns, answers, said=said):
            return np.array([said[int(c), int(n)] for n, c in zip(nodes, columns, strict=True)], bool)

        np.testing.assert_array_equal(tree.walk(ask, len(truth), None, guess), truth)


def test_a_mixture_of_two_neighbours_is_told_from_its_first_channel():
    near = np.zeros((12, 3, 1), np.uint8)
    near[:] = np.array([[10], [200], [0]])
    near[0] = [[210], [0], [100]]
    known = np.array([[110], [0], [0]], np.uint8)
    assert between(near, known, 1)[0] == 100  # half way from 200 to 0


def test_networks_and_tables_take_fewer_bits_than_what_knows_nothing(taught, untaught):
    new = list(strokes(60, seed=1))
    tables = LosslessCoder.fit(list(strokes(200)), network=False)
    bits = [coder.bits(new).sum() for coder in (taught, tables, untaught)]
    assert max(bits[:2]) < bits[2]


def test_real_bytes_are_the_models_own_estimate(taught):
    new = list(strokes(500, seed=2))
    estimate = taught.bits(new).sum() / 8
    assert abs(len(taught.encode_block(new)) / estimate - 1) < 0.03  # 15 bytes an image here; 1% at 28 x 28
    assert sum(len(part) for part in taught.encode(new)) < estimate + 3 * len(new)


def test_noise_takes_no_more_than_its_pixels(taught):
    noise = np.random.default_rng(0).integers(0, 256, (9, 11)).astype(np.uint8)
    assert len(taught.encode([noise])[0]) <= noise.size


def test_a_coder_comes_back_from_its_state(taught, untaught):
    new = list(strokes(5, seed=3))
    for coder in (taught, untaught):
        again = CODERS["lossless"].from_state(*unpacked_state(packed_state(*coder.get_state())))
        assert again.encode(new) == coder.encode(new)
    assert taught.model_bytes() < 200_000


def test_a_state_that_cannot_be_is_refused(untaught, taught):
    facts, arrays = taught.get_state()
    spoiled = [
        (facts, {**arrays, "1/copies/weight0": arrays["1/copies/weight0"][:, :5]}),
        (facts, {**arrays, "1/flat": arrays["1/flat"][:3]}),
        (facts, {**arrays, "3/value1/rows": arrays["3/value1/rows"].astype(np.float32)}),
        ({**facts, "1": {**facts["1"], "grid": [10**9, 1]}}, arrays),
        ({**facts, "1": {**facts["1"], "tree": "os.system"}}, arrays),
        ({**facts, "1": {**facts["1"], "kind": "magic"}}, arrays),
        ({}, {}),
    ]
    for bad in spoiled:
        with pytest.raises((ValueError, KeyError, TypeError)):
            LosslessCoder.from_state(*bad)
    facts, arrays = untaught.get_state()
    with pytest.raises(ValueError, match="table 'copies'"):
        LosslessCoder.from_state(facts, {**arrays, "1/copies": arrays["3/copies"]})


@settings(max_examples=30)
@given(data=st.binary(max_size=60))
def test_any_bytes_end_in_an_image_or_in_an_error(untaught, data):
    for shape in ((6, 7), (3, 4, 3), (70, 61)):
        for decode in (lambda d, s: untaught.decode([d], [s]), lambda d, s: untaught.decode_block(d, [s])):
            try:
                (image,) = decode(data, shape)
            except CorruptFileError:
                continue
            assert image.shape == shape


def test_a_string_that_was_cut_is_known_as_damaged(taught):
    (part,) = taught.encode([strokes(1, seed=5)[0]])
    with pytest.raises(CorruptFileError):
        taught.decode([part + b"\1\1"], [(12, 12)])
    block = taught.encode_block(list(strokes(9)))
    with pytest.raises(CorruptFileError):
        taught.decode_block(block[:-1], [(12, 12)] * 9)


@pytest.mark.parametrize("item", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)])
def test_what_is_no_image_of_eight_bits_is_refused(untaught, item):
    with pytest.raises(ValueError, match=r"item 1 is .* takes images of 8 bits"):
        untaught.encode([np.zeros((2, 2), np.uint8), item])


def test_unknown_options_and_shapes_are_refused(untaught):
    with pytest.raises(ValueError, match="no option 'quality'"):
        LosslessCoder.fit([], quality=3)
    with pytest.raises(ValueError, match=r"shape \(4, 4, 4\) is neither"):
        untaught.decode([b""], [(4, 4, 4)])


def _golden_items() -> list[np.ndarray]:
    whole = np.arange(12 * 12 * 3).reshape(12, 12, 3)
    colour = (whole * whole // 7 % 256).astype(np.uint8)
    return [*strokes(3, seed=7), colour, (whole[..., 0] // 5).astype(np.uint8)]


def test_strings_of_the_first_version_are_read_for_ever():
    """The golden file holds a trained coder's state, strings and a block; running this file as a script makes it."""
    kept = json.loads(GOLDEN.read_text())
    coder = LosslessCoder.from_state(*unpacked_state(bytes.fromhex(kept["state"])))
    shapes = [tuple(shape) for shape in kept["shapes"]]
    for back in (
        coder.decode([bytes.fromhex(part) for part in kept["parts"]], shapes),
        coder.decode_block(bytes.fromhex(kept["block"]), shapes),
    ):
        assert [blake2b(image.tobytes(), digest_size=8).hexdigest() for image in back] == kept["images"]


def test_one_thread_two_threads_and_another_process_write_the_same(taught, tmp_path):
    (tmp_path / "state").write_bytes(packed_state(*taught.get_state()))
    code = (
        "import sys; sys.path.insert(0, 'tests/codec'); from test_lossless import *\n"
        f"coder = LosslessCoder.from_state(*unpacked_state(Path({str(tmp_path / 'state')!r}).read_bytes()))\n"
        "print(blake2b(b''.join(coder.encode(list(strokes(600, seed=9)))), digest_size=8).hexdigest())"
    )
    here = blake2b(b"".join(taught.encode(list(strokes(600, seed=9)))), digest_size=8).hexdigest()
    for threads in ("1", "2"):
        env = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PATH": ""}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == here


def _make_golden() -> None:
    colour = [drawn(np.random.default_rng(i), (12, 12, 3), kind) for i in range(20) for kind in ("flat", "slope")]
    coder = LosslessCoder.fit([*strokes(200), *colour], network=True, steps=30)
    items = _golden_items()
    said = {
        "state": packed_state(*coder.get_state()).hex(),
        "shapes": [item.shape for item in items],
        "parts": [part.hex() for part in coder.encode(items)],
        "block": coder.encode_block(items).hex(),
        "images": [blake2b(item.tobytes(), digest_size=8).hexdigest() for item in items],
    }
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    _make_golden()
