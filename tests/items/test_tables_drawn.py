"""Rows that a model makes, of any table: the columns, order, types and categories of the real ones, and their range."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import latentspace as ls
from latentspace.items.columns import Number
from latentspace.items.frames import Cells

CELLS = {
    "size": st.floats(-1e4, 1e4, width=32),
    "count": st.integers(-50, 50),
    "kind": st.sampled_from(["red", "green", "blue, light"]),
    "sold": st.booleans(),
    "when": st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)).map(lambda when: when.replace(microsecond=0)),
    "mark": st.none() | st.integers(0, 5),
}


@st.composite
def tables(draw):
    columns = draw(st.permutations(list(CELLS)))[: draw(st.integers(2, len(CELLS)))]
    n = draw(st.integers(20, 40))
    frame = pd.DataFrame({name: draw(st.lists(CELLS[name], min_size=n, max_size=n)) for name in columns})
    types = {"kind": pd.CategoricalDtype(["blue, light", "green", "red"]), "mark": "Int64"}
    return frame.astype({name: type_ for name, type_ in types.items() if name in columns})


@pytest.mark.filterwarnings("ignore::latentspace.errors.CollapseWarning")  # an epoch teaches little, and rows are few
@pytest.mark.parametrize("model", ["pca", "vae"])
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(frame=tables(), seed=st.integers(0, 3))
def test_rows_that_are_made_could_be_real(model, frame, seed):
    varying = frame.loc[:, frame.nunique(dropna=False) > 1]
    if varying.shape[1] < 2 or ("mark" in varying and varying["mark"].isna().all()):
        return
    options = {"epochs": 1} if model == "vae" else {}
    space = ls.fit(varying, model, dims=1, seed=seed, density="gaussian", **options)
    made = [space.sample(30, seed=seed), space.decode(space.latents * 50)]
    for rows in made:
        assert list(rows.columns) == [name for name in varying if name in rows.columns]
        for name in rows:
            one, real = rows[name], varying[name]
            assert one.dtype == real.dtype, name
            assert set(one.isna()) <= set(real.isna()), name
            there = one.dropna()
            if name in ("kind", "sold"):
                assert set(there) <= set(real.dropna())
                continue
            if name in ("count", "mark"):
                assert (there.astype(float) % 1 == 0).all()
            if model == "vae" and space.modality.plan:  # of numbers alone, a Gaussian that knows no end
                assert there.empty or (real.min() <= there.min() and there.max() <= real.max()), name
            elif name != "when":
                assert np.isfinite(there.astype(float)).all()


@pytest.mark.parametrize("early", [1, 11, 21])
def test_seconds_over_a_year_stay_in_their_range_though_float32_cannot_tell_each(early):
    first, last = pd.Timestamp("2000-01-01"), pd.Timestamp("2001-01-01 00:00:07")
    cells = Cells(pd.Series([first] * early + [last] * (22 - early)))
    trend = Number.learn("when", cells)
    x = trend.encode(cells).x
    for side in (-np.inf, np.inf):  # a model that keeps to the range may still be a last bit past it
        counts, _ = trend.decode(np.nextafter(x, np.float32(side)))
        assert trend.origin <= counts.min()
        assert counts.max() <= trend.origin + trend.edges[1]
