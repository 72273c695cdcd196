import json

import pytest

from latentspace.search.hits import Hits


def test_hits_iterate_as_pairs_of_id_and_score():
    hits = Hits(["a", "b"], [0.5, 0.25], metric="cosine")
    assert list(hits) == [("a", 0.5), ("b", 0.25)]
    assert len(hits) == 2
    assert hits[0] == ("a", 0.5)
    assert hits[-1] == ("b", 0.25)
    assert ("b", 0.25) in hits


def test_items_are_made_once_and_only_when_they_are_read():
    calls = []
    hits = Hits(["a", "b", "c"], [3, 2, 1], lambda: calls.append(1) or ["A", "B", "C"])
    part = hits[1:]
    assert part.ids == ["b", "c"]
    assert not calls
    assert part.items == ["B", "C"]
    assert hits.items == ["A", "B", "C"]
    assert len(calls) == 1


def test_hits_show_themselves_as_a_small_table():
    assert repr(Hits(["cats/1.png", "x"], [0.98, 0.5], metric="cosine")) == (
        "id          cosine\ncats/1.png  0.980\nx           0.500"
    )
    assert repr(Hits([], [])) == "Hits: none"
    assert repr(Hits([str(i) for i in range(50)], range(50))).endswith("... and 30 more")


def test_to_dict_is_json():
    hits = Hits(["a"], [0.5], metric="dot")
    assert json.loads(json.dumps(hits.to_dict())) == {
        "metric": "dot",
        "plan": "exact",
        "recall": 1.0,
        "hits": [{"id": "a", "score": 0.5}],
    }


def test_ids_and_scores_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"2 ids need as many scores; got an array of shape \(1,\)"):
        Hits(["a", "b"], [1.0])


def test_approximate_hits_say_how_many_of_the_true_ones_such_searches_find():
    hits = Hits(["a", "b"], [0.5, 0.4], metric="dot", recall=0.967, plan="lists")
    assert repr(hits[:1]).endswith("lists: such searches find 96.7% of the true nearest")
    assert "such searches" not in repr(Hits(["a"], [0.5]))
