import json

import numpy as np
import pandas as pd
import pytest

import latentspace as ls
from latentspace.recommenders import evaluate_recommenders


def triplets(n=90, p=40, seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        (f"u{user}", f"t{thing}", float(rng.integers(1, 6)), int(rng.integers(1_000_000)))
        for user in range(n)
        for thing in range(p)
        if rng.random() < (0.5 if thing % 4 == user % 4 else 0.05)
    ]
    return pd.DataFrame(rows, columns=["user", "item", "rating", "time"])


@pytest.fixture(scope="module")
def report():
    options = {"latent-factors": {"dims": 6, "ridge": 2.0}}
    return evaluate_recommenders(triplets(), split="people", options=options)


def test_models_of_taste_beat_what_is_popular_where_there_is_taste(report):
    ndcg = {row["recommender"]: row["ndcg"] for row in report.rows}
    assert set(ndcg) == {"popular", "item-neighbours", "ease", "latent-factors"}
    assert min(ndcg[name] for name in ("item-neighbours", "ease", "latent-factors")) > 1.3 * ndcg["popular"]


def test_the_report_reads_as_words_and_is_written_as_a_page_or_as_json(report, tmp_path):
    words = repr(report).split("\n")
    assert words[0].startswith(f"{len(triplets()):,} interactions of 90 users with 40 things; 18 users kept from")
    assert words[1].startswith("recommender")
    assert words[-1] == report.verdict
    assert "more NDCG than what is popular" in report.verdict
    assert json.loads(report.save(tmp_path / "a.json").read_text()) == report.to_dict()
    page = report.save(tmp_path / "a.html").read_text()
    assert "<td>ease</td>" in page
    assert "http" not in page
    with pytest.raises(FileExistsError):
        report.save(tmp_path / "a.html")
    with pytest.raises(ValueError, match=r"written as \.json or \.html, not as '\.txt'"):
        report.save(tmp_path / "a.txt")


def test_times_are_used_where_there_are_such():
    assert evaluate_recommenders(triplets(), []).facts["split"] == "time"
    assert evaluate_recommenders(triplets().drop(columns="time"), []).facts["split"] == "people"
    dated = triplets().assign(time=lambda f: pd.to_datetime(f["time"], unit="s"))
    assert evaluate_recommenders(dated, []).rows == evaluate_recommenders(triplets(), []).rows


def test_a_space_is_measured_with_its_own_model(tmp_path):
    space = ls.fit(triplets(), model="latent-factors", dims=3, ridge=2.0, seed=0, density="gaussian")
    space.save(tmp_path / "a.latent")
    again = evaluate_recommenders(ls.load(tmp_path / "a.latent"), split="leave-out")
    own = evaluate_recommenders(
        triplets(), split="leave-out", options={"latent-factors": {"dims": 3, "ridge": 2.0, "random_state": 0}}
    )
    assert again.rows[-1]["ndcg"] == pytest.approx(own.rows[-1]["ndcg"])


def test_interactions_that_tell_nothing_get_that_as_their_verdict():
    rng = np.random.default_rng(0)
    weights = np.linspace(0.9, 0.02, 30)
    rows = [(f"u{u}", f"t{t}") for u in range(200) for t in range(30) if rng.random() < weights[t]]
    frame = pd.DataFrame(rows, columns=["user", "item"])
    assert evaluate_recommenders(frame, []).verdict.startswith("Nothing is better than what is popular")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"split": "always"}, r"split='always' is not known; choose 'auto', 'time'"),
        ({"models": ["svd++"]}, r"svd\+\+"),
        ({"min_users": 1000}, r"no thing of a frame was met by min_users=1000 users"),
    ],
)
def test_what_cannot_be_measured_is_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        evaluate_recommenders(triplets(), **asked)


def test_a_table_of_something_else_is_refused():
    with pytest.raises(ValueError, match=r"DataFrame of shape \(2, 1\) holds no interactions\. Pass triplets"):
        evaluate_recommenders(pd.DataFrame({"a": [1, 2]}))


def test_a_space_of_something_else_is_refused():
    with pytest.raises(ValueError, match="holds no interactions"):
        evaluate_recommenders(ls.fit(np.eye(5), model="pca", dims=1, density="gaussian"))
