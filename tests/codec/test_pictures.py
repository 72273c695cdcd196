"""The lossy coder of pictures: what is read is what was written, exactly; and it keeps what the step promises."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from latentspace.codec import pictures, pictures_coding, pictures_walk
from latentspace.codec.frequencies import TOTAL
from latentspace.codec.pictures import PictureCoder
from latentspace.codec.pictures_mixture import _INVERSE, _SIGMOID, _WEIGHT, Mixtures
from latentspace.codec.pictures_walk import Walk
from latentspace.errors import CorruptFileError
from latentspace.models.compressive import smoothing
from latentspace.models.compressive.blocks import step_features


def digits() -> np.ndarray:
    """1,797 digits of 8 x 8, uint8."""
    return (load_digits().images * 15.9375).astype(np.uint8)


@pytest.fixture(scope="module")
def grey() -> PictureCoder:
    """Trained on all but the last 397 digits."""
    return PictureCoder.fit(list(digits()[:1400]), steps=120, widths=(24, 6, 8))


@pytest.fixture(scope="module")
def colour() -> PictureCoder:
    """Hardly trained: it codes well nothing, and everything."""
    rng = np.random.default_rng(0)
    smooth = rng.random((8, 1, 1, 3)) * np.linspace(0, 255, 24)[:, None, None] * np.ones((24, 24, 1))
    return PictureCoder.fit(list(smooth.astype(np.uint8)), steps=8, widths=(8, 4, 8))


def psnr(x: np.ndarray, x_hat: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((x.astype(float) - x_hat) ** 2)))


def test_what_is_decoded_is_what_the_encoder_expected_alone_or_among_others(grey):
    x = digits()[1400:1440]
    parts = grey.encode(x, 30.0)
    shapes = [item.shape for item in x]
    together = grey.decode(parts, shapes, 30.0)
    np.testing.assert_array_equal(together, grey.approximate(x, 30.0))
    np.testing.assert_array_equal(grey.decode(parts[7:8], shapes[:1], 30.0)[0], together[7])
    np.testing.assert_array_equal(grey.decode_block(grey.encode_block(x, 30.0), shapes, 30.0), together)
    assert grey.encode(x[7:8], 30.0) == parts[7:8]


def test_a_finer_step_costs_more_and_keeps_more(grey):
    x = digits()[1400:1500]
    found = [(grey.bits(x, step).mean(), psnr(x, np.stack(grey.approximate(x, step)))) for step in (120, 60, 30, 10)]
    assert found == sorted(found)
    assert found[0][1] > 12
    assert found[-1][1] > 35


def test_held_out_digits_take_far_fewer_bits_than_before_training(grey):
    x = digits()[1400:]
    plain = PictureCoder.fit([])
    assert grey.bits(x, 40.0).mean() < 0.6 * plain.bits(x, 40.0).mean()


def test_one_stream_is_within_one_percent_of_its_own_estimate(grey):
    x = digits()
    assert 8 * len(grey.encode_block(x, 20.0)) == pytest.approx(grey.bits(x, 20.0).sum(), rel=0.01)


def test_a_string_of_one_picture_wastes_under_two_bytes_on_average(grey):
    x = digits()[:300]
    waste = 8 * np.array([len(part) for part in grey.encode(x, 20.0)]) - grey.bits(x, 20.0)
    assert waste.mean() < 16


@settings(max_examples=6, deadline=None)
@given(
    sides=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=3),
    tones=st.booleans(),
    flat=st.booleans(),
    step=st.floats(0.1, 300),
    seed=st.integers(0, 9),
)
def test_pictures_of_any_sizes_and_steps_come_back_as_expected(colour, sides, tones, flat, step, seed):
    rng = np.random.default_rng(seed)
    shapes = [(*side, 3) if tones and at % 2 else side for at, side in enumerate(sides)]
    items = [
        np.full(shape, rng.integers(256), np.uint8) if flat else rng.integers(0, 256, shape, dtype=np.uint8)
        for shape in shapes
    ]
    parts, expected = colour.encode(items, step), colour.approximate(items, step)
    block = colour.encode_block(items, step)
    for got in (colour.decode(parts, shapes, step), colour.decode_block(block, shapes, step)):
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == np.uint8


@pytest.mark.slow
def test_a_large_picture_of_odd_size_keeps_its_values(colour):
    y, x = np.mgrid[:131, :257]
    item = np.stack([y, x % 256, (x + y) % 256], axis=2).astype(np.uint8)
    (decoded,) = colour.decode(colour.encode([item], 6.0), [item.shape], 6.0)
    assert psnr(item, decoded) > 35


def test_a_perturbed_encoder_writes_what_the_plain_decoder_reads(grey):
    x = digits()[1400:1450]
    shaken = PictureCoder.from_state(*grey.get_state())
    shaken._blocks.float_axes = shaken._blocks.float_axes * np.float32(
        1 + 1e-4
    )  # another machine's arithmetic, and worse
    decoded = grey.decode(shaken.encode(x, 30.0), [item.shape for item in x], 30.0)
    assert abs(psnr(x, np.stack(decoded)) - psnr(x, np.stack(grey.approximate(x, 30.0)))) < 0.1


def test_one_thread_and_two_write_the_same_bytes(grey):
    x = digits()[:200]
    coded = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            coded.append(grey.encode(x, 25.0))
    assert coded[0] == coded[1]


@pytest.mark.parametrize("step", [6.0, 160.0])
def test_compiled_loops_and_numpy_give_and_read_the_same_bytes(grey, colour, monkeypatch, step):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((9, 5), (4, 4), (9, 5))]
    monkeypatch.setattr(pictures_walk, "_BLOCKS_A_LANE", 8)  # so that a picture has several
    large = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (20, 1))
    for coder, items in ((grey, [*digits()[1400:1412], *noise, large]), (colour, noise)):
        shapes, found, bits = [item.shape for item in items], [], []
        for worth in (0, 2**60):
            monkeypatch.setattr(pictures_coding, "_WORTH", worth)
            parts, block = coder.encode(items, step), coder.encode_block(items, step)
            found.append((parts, block, coder.decode(parts, shapes, step), coder.decode_block(block, shapes, step)))
            bits.append(coder.bits(items, step))
        np.testing.assert_allclose(bits[0], bits[1], rtol=1e-9)
        assert found[0][:2] == found[1][:2]
        for some in (found[0][2:], found[1][2:]):
            for decoded in some:
                for one, other in zip(decoded, coder.approximate(items, step), strict=True):
                    np.testing.assert_array_equal(one, other)


def test_pictures_parted_among_cores_have_the_same_bytes(grey, monkeypatch):
    x, found = digits()[:150], []
    for cores in (1, 2, 5):
        monkeypatch.setattr(pictures, "usable_cores", lambda cores=cores: cores)
        found.append((grey.encode(x, 25.0), grey.encode_block(x, 25.0)))
    assert found[0] == found[1] == found[2]


def test_compiled_loops_find_damage_too(grey, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(pictures_coding, "_WORTH", 0)
    x = digits()[:40]
    block = bytearray(grey.encode_block(x, 30.0))
    block[len(block) // 2] ^= 16
    with pytest.raises(CorruptFileError):
        grey.decode_block(bytes(block), [item.shape for item in x], 30.0)


def test_damage_is_an_error_or_pictures_of_the_right_shape(grey):
    x = digits()[:5]
    shapes = [item.shape for item in x]
    parts = grey.encode(x, 30.0)
    rng, found = np.random.default_rng(0), 0
    for _ in range(40):
        broken = list(parts)
        at = rng.integers(5)
        part = bytearray(broken[at])
        part[rng.integers(len(part))] ^= 1 << rng.integers(8)
        broken[at] = bytes(part[: rng.integers(len(part) + 1)]) if rng.random() < 0.3 else bytes(part)
        try:
            assert [p.shape for p in grey.decode(broken, shapes, 30.0)] == shapes
        except CorruptFileError:
            found += 1
    assert found > 30
    with pytest.raises(CorruptFileError):
        grey.decode_block(b"\xff" * 40, shapes, 30.0)


def test_a_colour_picture_is_refused_by_what_knows_grey_ones_only(grey):
    with pytest.raises(ValueError, match=r"item 0 is a colour picture .* fit on colour pictures"):
        grey.encode([np.zeros((4, 4, 3), np.uint8)], 30.0)


def test_smoothing_in_strips_is_smoothing_at_once(grey, monkeypatch):
    blocks = np.random.default_rng(0).normal(0, 60, (2, 23, 5, 16)).astype(np.float32)
    arrays = grey.get_state()[1]
    whole = smoothing.smoothed(blocks, 300, arrays)
    monkeypatch.setattr(smoothing, "_AT_ONCE", 1)
    np.testing.assert_allclose(smoothing.smoothed(blocks, 300, arrays), whole, rtol=1e-4, atol=1e-3)


def test_what_is_no_picture_is_refused(grey):
    with pytest.raises(ValueError, match=r"must be uint8 \(h, w\) or \(h, w, 3\), not float64 \(4, 4\)"):
        grey.encode([np.zeros((4, 4))], 30.0)


def test_a_state_with_sums_that_could_be_inexact_is_refused(grey):
    facts, arrays = grey.get_state()
    with pytest.raises(ValueError, match="too large for exact sums"):
        PictureCoder.from_state(facts, arrays | {"second": np.full_like(arrays["second"], 32767)})
    with pytest.raises(ValueError, match=r"third is .* not whole numbers"):
        PictureCoder.from_state(facts, arrays | {"third": arrays["third"][:, :4]})
    with pytest.raises(ValueError, match="smooth1"):
        PictureCoder.from_state(facts, arrays | {"smooth1": arrays["smooth1"][:4]})


# ---------------------------------------------------------------------- whole numbers
def test_the_context_in_float32_is_the_context_in_int64(grey):
    blocks, (_, arrays) = grey._blocks, grey.get_state()
    rng = np.random.default_rng(0)
    rings = rng.integers(-255, 256, (50, arrays["first"].shape[0]))
    rows, columns = rng.integers(0, 2, 50), rng.integers(0, 2, 50)
    wide = {name: value.astype(np.int64) for name, value in arrays.items() if value.dtype.kind == "i"}

    def shifted(h, name):
        power = blocks.powers[name]
        return np.clip((h + (1 << power >> 1)) >> power, 0, 1023)

    h = rings @ wide["first"] + wide["first_bias"] + wide["row"][rows] + wide["column"][columns]
    h = shifted(h + step_features(240) @ wide["step"], "first")
    h = shifted(h @ wide["second"] + wide["second_bias"], "second") @ wide["third"] + wide["third_bias"]
    got = blocks.hidden(rings.astype(np.float32), rows, columns, 240)
    np.testing.assert_array_equal(got, h.reshape(got.shape))


def mixtures(seed: int, n: int = 40, eighths: int = 200) -> Mixtures:
    rng = np.random.default_rng(seed)
    out = np.concatenate([rng.normal(0, 2, (n, 3)), rng.normal(0, 2, (n, 3)), rng.normal(-2, 3, (n, 3))], axis=1)
    return Mixtures(np.rint(out * 2**14).astype(np.int32), 8, eighths, -21, 30)


@pytest.mark.parametrize("seed", range(3))
def test_every_value_has_a_share_and_the_shares_fill_the_whole(seed):
    m = mixtures(seed)
    places = np.stack([m.low(np.full(40, k)) for k in range(-21, 32)])
    assert (places[0] == 0).all()
    assert (places[-1] == TOTAL).all()
    assert (np.diff(places, axis=0) >= 1).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_value_is_found_from_any_number_in_its_share(seed):
    m = mixtures(seed)
    slots = np.random.default_rng(seed).integers(0, TOTAL, 40)
    k, low, high = m.find(slots, np.arange(40), m.guess())
    assert ((low <= slots) & (slots < high)).all()
    np.testing.assert_array_equal(low, m.low(k))
    np.testing.assert_array_equal(high, m.low(k + 1))


def test_no_rounding_of_exp_can_change_the_tables():
    exact = [
        2.0**24 / (1 + np.exp(-np.arange(-2048, 2049) / 128)),
        2.0**12 * np.exp(-np.arange(256) / 16),
        2.0**23 / (64 * np.exp(np.arange(-112, 49) / 16)),
    ]
    for values, table in zip(exact, (_SIGMOID, _WEIGHT, _INVERSE), strict=True):
        assert len(values) == len(table)
        from_half = np.abs(values - np.floor(values) - 0.5)
        assert (from_half > 1e-12 * values).all()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (4, 1), (3, 7), (40, 30)])
def test_every_block_is_coded_once_after_those_that_it_sees(rows, columns):
    done = np.zeros((rows, columns), bool)
    for front in Walk(np.arange(2), rows, columns):
        for r, c in zip(front.rows, front.columns, strict=True):
            assert not done[r, c]
            assert c == 0 or done[r, c - 1]
            if r:
                assert done[r - 1, max(0, c - 1) : c + 2].all()
        done[front.rows, front.columns] = True
        pairs = np.concatenate(front.ranks)
        assert sorted(pairs) == list(range(2 * len(front.rows)))
        for rank in front.ranks:
            assert len(set(front.lanes[rank])) == len(rank)
    assert done.all()


def test_bytes_of_the_first_version_are_read_as_ever():
    """Weights drawn from whole numbers, a string written once: its values must not change."""
    rng = np.random.RandomState(5)

    def whole(*shape: int, most: int) -> np.ndarray:
        return rng.randint(-most, most + 1, size=shape).astype(np.int16)

    arrays = {
        "ground": np.array([3], np.int16), "axes": (np.eye(16) * 2**14).astype(np.int16),
        "first": whole(64, 6, most=30),
        "first_bias": whole(6, most=99), "row": whole(16, 6, most=99), "column": whole(16, 6, most=99),
        "step": whole(2, 6, most=20), "second": whole(6, 6, most=60), "second_bias": whole(6, most=99),
        "third": whole(6, 64, most=60), "third_bias": whole(64, most=99), "chain": whole(16, 64, most=20),
        "last": whole(16, 4, 9, most=20), "last_bias": whole(16, 9, most=9999),
        "smooth0": np.zeros((162, 2), np.int8), "smooth1": np.zeros((18, 2), np.int8),
        "smooth2": np.zeros((18, 16), np.int8),
    }  # fmt: skip
    for at, outputs in enumerate((2, 2, 16)):
        arrays |= {f"smooth{at}_{end}": np.zeros(outputs, np.float32) for end in ("scale", "bias")}
    powers = dict.fromkeys(("first", "second", "third", "last"), 6)
    coder = PictureCoder({"channels": 1, "widths": [6, 4, 2], "powers": powers}, arrays)
    x = rng.randint(0, 256, size=(9, 10)).astype(np.uint8)
    (part,) = coder.encode([x], 37.5)
    assert part.hex() == GOLDEN
    assert zlib.crc32(coder.decode([part], [x.shape], 37.5)[0].tobytes()) == GOLDEN_PICTURE


GOLDEN = (
    "0aa4131519500bb82aa475c16001feefb0cebd57d8f66bedf3ce132b8eab04062d6958c0af3cfeec"
    "7ffee45cf83388541d956be2e2b2cc5aa392710046680536724619ac9100141b87f99ffdf7d19c76"
)
GOLDEN_PICTURE = 2403430330
