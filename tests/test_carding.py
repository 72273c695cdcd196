"""The model card: true facts, kept in the file, measured anew when items change; nothing breaks out of Markdown."""

import numpy as np
import pytest

import latentspace as ls
import processes


@pytest.fixture(scope="module")
def path(digits, tmp_path_factory):
    images, labels = digits
    found = tmp_path_factory.mktemp("card") / "digits.latent"
    metadata = {"label": [str(label) for label in labels[:200]], "ink": images[:200].mean(axis=(1, 2)).tolist()}
    metadata["odd"] = ["# no heading", "a secret", *[None] * 198]
    ls.fit(images[:200], model="pca", dims=6, metadata=metadata).save(found)
    return found


def test_a_card_says_what_the_space_is_and_keeps_and_does_not_know(path):
    space = ls.load(path)
    card = space.card("label")
    assert card.facts["items"] == 200
    assert card.facts["columns"]["odd"] == {"missing": 198, "values": 2, "common": {}}
    assert card.facts["columns"]["label"]["values"] == 10
    assert sum(card.facts["columns"]["label"]["common"].values()) > 100
    low = min(space.metadata["ink"])
    assert card.facts["columns"]["ink"]["low"] == low
    text = str(card)
    assert "pca to 6 dimensions" in text
    assert "predicts label" in text
    assert "198 missing" in text
    assert "secret" not in text
    assert "- Licence and source of the items:" in text
    assert not [line for line in text.splitlines() if line.startswith("# ")][1:]
    whole = space.evaluate("label", quick=True)
    assert card.facts["verdict"] == whole.verdict


def test_it_is_kept_in_the_file_until_items_come_or_go(path, tmp_path):
    own = tmp_path / "own.latent"
    own.write_bytes(path.read_bytes())
    first = ls.load(own).card("label")
    opened = ls.load(own)
    assert opened.card().markdown == first.markdown  # with its target, as it is kept
    assert opened.card("ink").facts["target"] == "ink"
    opened.remove(opened.ids[:5])
    again = opened.card("label")
    assert again.facts["items"] == 195
    with pytest.raises(ValueError, match="nonesuch"):
        opened.card("nonesuch")


def test_what_single_items_say_never_enters_a_card_or_its_file(tmp_path):
    rng = np.random.default_rng(0)
    metadata = {
        "mail": [f"Dear {place}, this is between us: {place * 7}. {'Yours, ' * (place % 3)}" for place in range(60)],
        "twice": [f"name {place // 2}" for place in range(60)],
        "bed": ["# ward | <b>north</b>" if place % 2 else "south" for place in range(60)],
    }
    card = ls.fit(rng.normal(size=(60, 4)), model="pca", dims=2, metadata=metadata).card()
    assert "between us" not in repr(card.facts) + str(card)
    assert "name 1" not in repr(card.facts) + str(card)
    assert card.facts["columns"]["twice"] == {"missing": 0, "values": 30, "common": {}}
    assert card.facts["columns"]["bed"]["common"] == {"south": 30, "# ward | <b>north</b>": 30}
    assert "<b>" not in str(card)


def test_few_items_have_a_card_without_measures():
    card = ls.fit(np.random.default_rng(0).normal(size=(5, 3)), model="pca", dims=2).card()
    assert "nothing was measured" in str(card)


def test_it_is_written_on_the_command_line_and_never_over_another_file(path, tmp_path):
    command = ["card", path, "--target", "label", "-o"]
    done = processes.latentspace(*command, "card.md", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "card.md").read_text(encoding="utf-8").startswith("# A latent space of 200 items")
    assert processes.latentspace(*command, "card.md", cwd=tmp_path).returncode == 1
    assert processes.latentspace(*command, "card.html", cwd=tmp_path).returncode == 2
    card = ls.load(path).card()
    with pytest.raises(FileExistsError, match="overwrite"):
        card.save(tmp_path / "card.md")
    with pytest.raises(ValueError, match=r"\.md"):
        card.save(tmp_path / "card.txt")
