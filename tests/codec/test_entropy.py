"""Integer entropy coding: what is written is read, in the bits that the tables say; bytes stay the same for ever."""

from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentspace.codec.entropy import (
    LaneDecoder,
    LaneEncoder,
    decode_numbers,
    decode_stream,
    encode_numbers,
    encode_stream,
)
from latentspace.codec.frequencies import TOTAL, Tables, ladder, ladder_scales, whole_frequencies
from latentspace.errors import CorruptFileError


def some_tables(rng: np.random.Generator, count: int = 4) -> Tables:
    sizes = rng.integers(1, 40, count)
    return Tables([whole_frequencies(rng.dirichlet(np.full(size, 0.1))) for size in sizes])


def some_symbols(rng: np.random.Generator, tables: Tables, shape) -> tuple[np.ndarray, np.ndarray]:
    """Symbols drawn from their own tables, so that their cost is their entropy."""
    index = rng.integers(0, len(tables), shape)
    return index, tables.symbols(index, rng.integers(0, TOTAL, shape))


# ---------------------------------------------------------------------- tables
@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=50))
def test_frequencies_sum_to_all_slots_and_leave_no_symbol_out(weights):
    f = whole_frequencies(np.array(weights))
    assert f.sum() == TOTAL
    assert f.min() >= 1


def test_frequencies_follow_the_weights():
    w = np.array([0.5, 0.25, 0.125, 0.125])
    np.testing.assert_allclose(whole_frequencies(w) / TOTAL, w, atol=1e-4)


@pytest.mark.parametrize("weights", [[], [1.0, np.nan], [1.0, -1.0], np.ones(TOTAL + 1)])
def test_weights_that_cannot_be_a_tables_are_refused(weights):
    with pytest.raises(ValueError, match="weights of shape"):
        whole_frequencies(np.array(weights))


def test_a_table_that_does_not_fill_its_slots_is_refused():
    with pytest.raises(ValueError, match="table 1 of 2"):
        Tables([np.array([TOTAL]), np.array([5, 5])])


def test_tables_come_back_from_their_state():
    tables = some_tables(np.random.default_rng(0))
    again = Tables.from_state(tables.state())
    for number in range(len(tables)):
        np.testing.assert_array_equal(again.frequencies(number), tables.frequencies(number))
    with pytest.raises(ValueError, match="slots"):
        Tables.from_state({"sizes": np.array([9]), "slots": np.zeros(8, np.uint16)})


@pytest.mark.parametrize("shape", ["logistic", "gaussian"])
def test_a_ladder_has_the_density_of_its_scale(shape):
    from scipy import stats

    tables, scales = ladder(shape), ladder_scales()
    law = stats.logistic if shape == "logistic" else stats.norm
    for number in (0, 20, 45, 63):
        m = (int(tables.sizes[number]) - 2) // 2
        edges = np.arange(-m, m + 2) - 0.5
        mass = np.diff(law.cdf(edges / scales[number]))
        f = tables.frequencies(number)
        np.testing.assert_allclose(f[:-1] / TOTAL, mass, atol=2 * (m + 1) / TOTAL + 1e-4)
        np.testing.assert_array_equal(f[:-1], f[:-1][::-1])


def test_a_ladder_without_scales_is_refused():
    with pytest.raises(ValueError, match="finest <= coarsest"):
        ladder("logistic", 4, "2", "1")


# ---------------------------------------------------------------------- lanes
@given(n=st.integers(0, 30), steps=st.integers(0, 40), seed=st.integers(0, 2**31))
def test_lanes_read_what_was_written_whatever_lanes_take_part(n, steps, seed):
    rng = np.random.default_rng(seed)
    tables = some_tables(rng)
    encoder, put = LaneEncoder(n), []
    for _ in range(steps):
        lanes = None if rng.random() < 0.3 else rng.permutation(n)[: rng.integers(0, n + 1)]
        index, symbols = some_symbols(rng, tables, n if lanes is None else len(lanes))
        zeros = rng.integers(1, TOTAL, len(symbols))
        bits = rng.integers(0, 2, len(symbols)).astype(bool)
        raw = rng.integers(0, 2**11, len(symbols))
        encoder.put_symbols(tables, index, symbols, lanes)
        encoder.put_bits(bits, zeros, lanes)
        encoder.put_raw(raw, 11, lanes)
        put.append((lanes, index, symbols, zeros, bits, raw))
    decoder = LaneDecoder(encoder.finish())
    for lanes, index, symbols, zeros, bits, raw in put:
        np.testing.assert_array_equal(decoder.get_symbols(tables, index, lanes), symbols)
        np.testing.assert_array_equal(decoder.get_bits(zeros, lanes), bits)
        np.testing.assert_array_equal(decoder.get_raw(11, len(raw), lanes), raw)
    decoder.finish()


def test_a_lane_takes_two_bytes_beyond_its_symbols_cost_and_an_expected_one_none():
    rng = np.random.default_rng(1)
    tables = some_tables(rng, 8)
    encoder, cost = LaneEncoder(500), np.zeros(500)
    for _ in range(100):
        index, symbols = some_symbols(rng, tables, 500)
        encoder.put_symbols(tables, index, symbols)
        cost += tables.bits(index, symbols)
    lengths = np.array([len(part) for part in encoder.finish()])
    over = lengths - cost / 8
    assert over.mean() < 2.25
    assert over.max() < 4
    sure = LaneEncoder(3)
    for _ in range(1000):
        sure.put_bits(np.zeros(3, bool), np.full(3, 65535))
    assert sure.finish() == [b"", b"", b""]


def test_one_item_among_others_has_the_bytes_that_it_has_alone():
    rng = np.random.default_rng(2)
    tables = some_tables(rng)
    index, symbols = some_symbols(rng, tables, (50, 7))
    together, alone = LaneEncoder(7), LaneEncoder(1)
    for i, s in zip(index, symbols, strict=True):
        together.put_symbols(tables, i, s)
        alone.put_symbols(tables, i[3:4], s[3:4])
    assert together.finish()[3] == alone.finish()[0]


@given(st.lists(st.integers(-(2**29), 2**29), min_size=1, max_size=20))
def test_numbers_of_any_size_come_back_from_lanes_and_from_a_stream(numbers):
    numbers = np.array(numbers)
    tables = ladder("gaussian", 8, "0.05", "20")
    index = np.arange(len(numbers)) % 8
    encoder = LaneEncoder(len(numbers))
    encoder.put_numbers(tables, index, numbers)
    decoder = LaneDecoder(encoder.finish())
    np.testing.assert_array_equal(decoder.get_numbers(tables, index), numbers)
    decoder.finish()
    np.testing.assert_array_equal(decode_numbers(encode_numbers(tables, index, numbers), tables, index), numbers)


def test_a_number_too_large_to_code_is_refused():
    with pytest.raises(ValueError, match=r"4,294,967,296 is too large"):
        LaneEncoder(1).put_numbers(ladder("gaussian", 2, "1", "2"), np.zeros(1, int), np.array([2**32]))


@given(parts=st.lists(st.binary(max_size=12), max_size=6), seed=st.integers(0, 2**31))
def test_any_bytes_are_read_to_an_end(parts, seed):
    rng = np.random.default_rng(seed)
    tables, numbers = some_tables(rng), ladder("logistic", 4, "0.1", "9")
    decoder = LaneDecoder(parts)
    for _ in range(20):
        index = rng.integers(0, 4, len(parts))
        symbols = decoder.get_symbols(tables, index)
        assert ((symbols >= 0) & (symbols < tables.sizes[index])).all()
        decoder.get_numbers(numbers, index)


def test_a_lane_that_was_cut_or_lengthened_is_known_as_damaged():
    rng = np.random.default_rng(3)
    tables = some_tables(rng)
    index, symbols = some_symbols(rng, tables, (200, 1))
    encoder = LaneEncoder(1)
    for i, s in zip(index, symbols, strict=True):
        encoder.put_symbols(tables, i, s)
    (part,) = encoder.finish()
    for bad in (part[:-2], part + b"\1\1", part[:9] + bytes([part[9] ^ 4]) + part[10:]):
        decoder = LaneDecoder([bad])
        for i in index:
            decoder.get_symbols(tables, i)
        with pytest.raises(CorruptFileError, match="item 0 of 1 is damaged"):
            decoder.finish()


# ---------------------------------------------------------------------- streams
@given(n=st.integers(0, 300), seed=st.integers(0, 2**31))
def test_a_stream_reads_what_was_written(n, seed):
    rng = np.random.default_rng(seed)
    tables = some_tables(rng)
    index, symbols = some_symbols(rng, tables, n)
    data = encode_stream(tables, index, symbols)
    np.testing.assert_array_equal(decode_stream(data, tables, index), symbols)
    assert len(data) <= tables.bits(index, symbols).sum() / 8 * 1.001 + 4


def test_constriction_keeps_integer_tables_exactly():
    """A stream's bytes must not hang on how a float was rounded: every slot belongs to the symbol that we say."""
    import constriction

    rng = np.random.default_rng(4)
    for size in (2, 3, 300):
        f = whole_frequencies(rng.dirichlet(np.full(size, 0.05)))
        model = constriction.stream.model.Categorical(f / TOTAL, perfect=True)
        edges = np.concatenate([[0], np.cumsum(f)]) << 8  # it counts in 2^-24
        for symbol in range(size):
            for slot in (edges[symbol], edges[symbol + 1] - 1):
                head = np.array([7, slot | 5 << 24, 9], dtype=np.uint32)
                assert constriction.stream.stack.AnsCoder(head).decode(model) == symbol


@given(data=st.binary(max_size=40))
def test_any_bytes_of_a_stream_are_symbols_or_an_error(data):
    tables = some_tables(np.random.default_rng(5))
    index = np.arange(30) % 4
    try:
        symbols = decode_stream(data, tables, index)
    except CorruptFileError:
        return
    assert encode_stream(tables, index, symbols) == data


# ---------------------------------------------------------------------- bytes for ever
def test_bytes_are_those_of_the_first_version():
    tables = Tables([whole_frequencies(np.array([5, 3, 2, 1])), whole_frequencies(np.array([1, 100]))])
    numbers = ladder("gaussian", 4, "0.3", "9")
    steps = np.arange(60).reshape(20, 3)
    index, symbols = steps % 2, (steps * 7 % 5) % 2 + 2 * (steps % 14 == 2)
    values = (steps * 37 % 101 - 50) * (1 + 20 * (steps % 17 == 0))
    encoder = LaneEncoder(3)
    for i, s, v in zip(index, symbols, values, strict=True):
        encoder.put_symbols(tables, i, s)
        encoder.put_numbers(numbers, v % 4, v)
    said = {
        "lanes": b"".join(encoder.finish()),
        "stream": encode_stream(tables, index, symbols),
        "numbers": encode_numbers(numbers, values % 4, values),
        "logistic": ladder("logistic", 9, "0.5", "20").state()["slots"].astype("<u2").tobytes(),
        "gaussian": ladder("gaussian", 9, "0.5", "20").state()["slots"].astype("<u2").tobytes(),
    }
    assert {name: blake2b(data, digest_size=8).hexdigest() for name, data in said.items()} == GOLDEN


GOLDEN = {
    "lanes": "ccaf295062080497",
    "stream": "a51ded7ce2d41a24",
    "numbers": "9a0470e7bc13a86b",
    "logistic": "375d21a9faba506c",
    "gaussian": "58bae716f0cf18dd",
}
