"""Each kind's demo: on sets of data made small by default, on the real ones among the slow tests."""

import functools
import json

import numpy as np
import pandas as pd
import pytest

import latentspace as ls
from latentspace import demo
from latentspace.datasets import Dataset, UnavailableError, load
from latentspace.demo import data

FIGURES = {
    "images": {"test_mse", "test_mse_pca", "neighbours_same_label", "trustworthiness"},
    "audio": {"variance_kept", "neighbours_same_instrument"},
    "texts": {"neighbours_same_label", "by_chance"},
    "table": {"distance", "neighbours_same_label"},
    "interactions": {"recall_at_20", "recall_at_20_popular"},
}


def shown(kind, folder):
    """Runs a demo; checks that what it says it wrote is there and that its space opens; returns figures and report."""
    lines = []
    figures = demo.run(folder, kind=kind, say=lines.append)
    assert FIGURES[kind] | {"seconds_to_fit", "paths"} == set(figures)
    for path in figures["paths"].values():
        assert (folder / path).stat().st_size > 0
    space = ls.load(figures["paths"]["space"])
    assert space.modality.kind == ("images" if kind == "images" else kind)
    report = "\n".join(lines)
    assert all(path in report for path in figures["paths"].values())
    json.dumps(figures)
    return figures, report


@pytest.fixture
def nothing_fetched(monkeypatch):
    """As on a machine where no registry can be reached and nothing is cached."""

    def only_installed(name):
        if name in ("wine", "digits"):
            return load(name)
        raise UnavailableError(f"the package of {name} cannot be fetched.")

    monkeypatch.setattr(data, "load", only_installed)


@pytest.mark.parametrize(("kind", "named"), [("audio", "notes"), ("texts", "fortunes"), ("interactions", "movielens")])
def test_data_that_cannot_be_had_are_refused_by_name(nothing_fetched, tmp_path, kind, named):
    with pytest.raises(UnavailableError, match=rf"demo's data cannot be had here.*{named}: .*cannot be fetched"):
        demo.run(tmp_path, kind=kind, say=print)


def test_a_table_is_shown_by_an_installed_set_where_none_can_be_fetched(nothing_fetched, monkeypatch, tmp_path):
    monkeypatch.setattr(ls, "fit", functools.partial(ls.fit, epochs=25, density="gaussian"))
    figures, report = shown("table", tmp_path)
    assert "wine: 178 rows" in report
    assert figures["distance"] < 0.2
    assert figures["neighbours_same_label"] > 0.6
    real, drawn = (pd.read_csv(tmp_path / name) for name in ("real.csv", "drawn.csv"))
    assert list(real) == list(drawn)
    assert len(real) == len(drawn) == 178


def tastes(seed=0, people=300, films=160):
    """Ratings of films of four kinds, by people who each watch one kind, with titles that the demo asks for."""
    rng = np.random.default_rng(seed)
    titles = [f"Film {number} (1990)" for number in range(films)]
    titles[0:12:4] = ["Star Wars (1977)", "Alien (1979)", "Blade Runner (1982)"]
    titles[1:13:4] = ["Toy Story (1995)", "Lion King, The (1994)", "Aladdin (1992)"]
    rows = [
        (person, film, int(rng.integers(3, 6)), person)
        for person in range(people)
        for film in range(person % 4, films, 4)
        if rng.random() < 0.6
    ]
    frame = pd.DataFrame(rows, columns=["user", "item", "rating", "time"])
    metadata = {"title": [titles[film] for film in frame["item"]]}
    return Dataset("tastes", frame, None, "none", "made here", len(frame), metadata)


def test_films_are_recommended_that_people_of_that_taste_watch(monkeypatch, tmp_path):
    ratings = tastes()
    monkeypatch.setattr(data, "load", lambda _: ratings)
    figures, _ = shown("interactions", tmp_path)
    assert figures["recall_at_20"] > 0.9 > figures["recall_at_20_popular"]
    kind_of = dict(zip(ratings.metadata["title"], ratings.x["item"] % 4, strict=True))
    given = json.loads((tmp_path / "recommendations.json").read_text())
    for kind, taste in (("science fiction", 0), ("for children", 1)):
        assert len(given[kind]["history"]) == 3
        assert [kind_of[film] for film in given[kind]["recommended"]] == [taste] * 10
        assert not set(given[kind]["recommended"]) & set(given[kind]["history"])


def test_what_an_earlier_run_wrote_is_not_replaced_unasked(tmp_path):
    (tmp_path / "topics.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"topics.txt is there already.*--force"):
        demo.run(tmp_path, kind="texts")
    assert (tmp_path / "topics.txt").read_text() == "mine"


def test_an_unknown_kind_lists_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"kind='films' has no demo\. There are: 'images', 'audio', 'texts', 'table'"):
        demo.run(tmp_path / "out", kind="films")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", demo.KINDS)
@pytest.mark.filterwarnings("ignore::latentspace.errors.SkippedItemsWarning")  # mails hold some of no known word
def test_every_kind_is_shown_on_its_real_data(kind, tmp_path):
    try:
        figures, _ = shown(kind, tmp_path)
    except UnavailableError as error:
        pytest.skip(str(error))
    better, worse = {
        "images": ("test_mse_pca", "test_mse"),
        "audio": ("variance_kept", None),
        "texts": ("neighbours_same_label", "by_chance"),
        "table": ("neighbours_same_label", "distance"),
        "interactions": ("recall_at_20", "recall_at_20_popular"),
    }[kind]
    assert figures[better] > (0.8 if worse is None else 1.2 * figures[worse])
