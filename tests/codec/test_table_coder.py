"""The coder of tables: every row back, alone or together, whatever it holds; smaller than what else holds tables."""

import lzma
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from latentspace.codec import mixing, table_kernels
from latentspace.codec.compiled import IS_COMPILED
from latentspace.codec.state import packed_state
from latentspace.codec.table_plan import HOLE, learned
from latentspace.codec.tables import TableCoder, _room
from latentspace.codec.varints import write_varints
from latentspace.errors import CorruptFileError

WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
COLUMNS = [
    st.integers(0, 3),
    st.integers(-40, 300),
    st.sampled_from([0, 0, 0, 0, 5]),
    st.sampled_from([10**15, -(10**15), 7]),
    WHOLE,
    st.one_of(st.just(HOLE), st.integers(0, 9)),
]


@pytest.fixture(scope="module")
def digits_table():
    return load_digits().data.astype(np.int64)


@st.composite
def tables(draw):
    columns = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=5))
    n = draw(st.integers(0, 40))
    return np.array([[draw(column) for column in columns] for _ in range(n)], np.int64).reshape(n, len(columns))


def both_ways(coder, items):
    shapes = [np.shape(item) for item in items]
    together = coder.decode_block(coder.encode_block(items), shapes)
    alone = coder.decode(coder.encode(items), shapes)
    return together, alone


@settings(deadline=None, max_examples=60)
@given(tables(), st.booleans())
def test_all_rows_come_back_together_and_alone(values, learns):
    coder = TableCoder.fit(values if learns else [], columns=values.shape[1])
    for back in both_ways(coder, values):
        np.testing.assert_array_equal(np.array(back).reshape(values.shape), values)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.integers(-5, 5), st.binary(max_size=30), st.binary(max_size=12)), max_size=12), st.booleans()
)
def test_rows_with_texts_come_back(rows, learns):
    items = [np.array([number, len(a), len(b), *a, *b], np.int64) for number, a, b in rows]
    coder = TableCoder.fit(items if learns else [], columns=3, texts=[1, 2])
    for back in both_ways(coder, items):
        assert [one.tolist() for one in back] == [one.tolist() for one in items]


def test_columns_without_any_value_and_of_one_value_come_back():
    values = np.full((30, 4), HOLE)
    values[:, 1], values[3, 2] = 9, 5
    for back in both_ways(TableCoder.fit(values, columns=4), values):
        np.testing.assert_array_equal(np.array(back), values)


def test_long_texts_leave_few_examples_and_come_back():
    letters = np.random.default_rng(0).integers(97, 123, 40_000)
    items = [np.array([place, 40_000, *letters], np.int64) for place in range(20)]
    coder = TableCoder.fit(items, columns=2, texts=[1])
    assert 0 < len(coder.tails_) < len(items)
    back = coder.decode(coder.encode(items[:2]), [np.shape(item) for item in items[:2]])
    for one, other in zip(back, items, strict=False):
        np.testing.assert_array_equal(one, other)


def test_a_plan_that_would_unpack_to_more_than_its_columns_need_is_refused():
    plan = packed_state({"bits": [16, 16]}, {"kinds": np.zeros(2**24, np.int8)})
    assert len(plan) < 10_000
    with pytest.raises(CorruptFileError, match="are the most"):
        TableCoder(2).decode_block(write_varints([len(plan)]) + plan, [(2,)])


def test_values_that_no_example_had_come_back(digits_table):
    coder = TableCoder.fit(digits_table[:500], columns=64)
    strange = digits_table[500:520].copy()
    strange[3, 7], strange[4, 0], strange[5] = 2**62, HOLE, -(2**40)
    for back in both_ways(coder, strange):
        np.testing.assert_array_equal(np.array(back), strange)


def test_a_real_table_of_whole_numbers_is_smaller_than_in_xz(digits_table):
    best = len(lzma.compress(digits_table.astype(np.uint8).tobytes(), preset=9 | lzma.PRESET_EXTREME))
    size = len(TableCoder(64).encode_block(digits_table))
    assert size < 0.87 * best, (size, best)


def test_a_row_alone_is_told_by_examples(digits_table):
    coder = TableCoder.fit(digits_table[:1200], columns=64)
    rows = digits_table[1200:1300]
    real = 8 * sum(map(len, coder.encode(rows)))
    estimate = float(coder.bits(rows).sum())
    assert abs(real - estimate) < 10 * len(rows)  # a byte or so an item
    assert real < 8 * sum(len(lzma.compress(row.astype(np.uint8).tobytes())) for row in rows) / 2


def test_bytes_in_one_string_are_within_a_percent_of_what_they_say(digits_table):
    plan, cost = learned(digits_table), np.zeros(1)
    for job in (mixing.COST, mixing.ENCODE):
        state, out = mixing.start(), np.empty(10**6, np.uint8)
        table_kernels.walk(
            (job, False), True, plan.codes(digits_table), digits_table.copy(), plan.kernel(),
            mixing.Mixture(20).arrays(), mixing.odds_tables(), _room(cost), state, out,
        )  # fmt: skip
    size = 8 * len(mixing.ended(state, out))
    assert abs(size - cost[0]) < 0.01 * cost[0]


def test_what_it_learned_is_kept_and_read_again(digits_table):
    coder = TableCoder.fit(digits_table, columns=64)
    again = TableCoder.from_state(*coder.get_state())
    assert again.encode(digits_table[:9]) == coder.encode(digits_table[:9])


@pytest.mark.skipif(not IS_COMPILED, reason="numba is not installed: there is only plain Python to compare")
def test_plain_python_gives_the_same_bytes(digits_table):
    """A container that numba wrote is read where it is not installed."""
    rows = digits_table[:3, :9]
    program = (
        "import sys; sys.modules['numba'] = None\n"
        "import numpy as np\n"
        "from latentspace.codec.compiled import IS_COMPILED\n"
        "from latentspace.codec.tables import TableCoder\n"
        f"rows = np.array({rows.tolist()})\n"
        "assert not IS_COMPILED\n"
        "print(TableCoder(9).encode_block(rows).hex())"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == TableCoder(9).encode_block(rows).hex()


def test_mutated_strings_end_in_an_error_or_in_rows_of_the_shapes(digits_table):
    rng = np.random.default_rng(0)
    rows = digits_table[:40]
    texts = [np.concatenate([row[:3], [4], np.frombuffer(b"word", np.uint8)]).astype(np.int64) for row in rows]
    plain, worded = TableCoder.fit(rows, columns=64), TableCoder.fit(texts, columns=4, texts=[3])
    for coder, items in ((plain, rows), (worded, texts)):
        shapes = [np.shape(item) for item in items]
        whole, parts = coder.encode_block(items), coder.encode(items)
        for _ in range(250):
            data = bytearray(whole)
            for _ in range(rng.integers(1, 4)):
                data[rng.integers(len(data))] = rng.integers(256)
            data = bytes(data[: rng.integers(len(data) + 1)]) if rng.random() < 0.3 else bytes(data)
            try:
                back = coder.decode_block(data, shapes)
            except CorruptFileError:
                continue
            assert [np.shape(one) for one in back] == shapes
        for _ in range(250):
            part = rng.bytes(int(rng.integers(0, 30))) if rng.random() < 0.5 else parts[0][:-1]
            try:
                back = coder.decode([part], shapes[:1])
            except CorruptFileError:
                continue
            assert np.shape(back[0]) == shapes[0]


def test_odds_are_whole_numbers_on_both_sides_of_even():
    squash, stretch, pace = mixing.odds_tables()
    assert squash[mixing.REACH] == 32768
    assert (np.diff(squash) >= 0).all()
    assert stretch[32768] == 0
    np.testing.assert_array_equal(stretch[32769:], -stretch[32767:0:-1])
    assert pace[0] > pace[1] > pace[-1] > 0
