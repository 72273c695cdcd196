"""docs/models.md, which a newcomer chooses from: it names what there is, and shows it."""

import re
from pathlib import Path

from latentspace.models import FAMILIES, PRESETS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z][a-z0-9-]*)` \|", PAGE, re.MULTILINE)


def test_every_family_and_preset_has_one_row():
    assert sorted(ROWS) == sorted(FAMILIES.keys() | PRESETS.keys()), "docs/models.md: a row too many or too few"


def test_a_preset_stands_beside_its_own_paper():
    for name, preset in PRESETS.items():
        row = next((line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")), "")
        assert f"| {preset.paper} |" in row, f"docs/models.md: {name} needs a row with its paper, {preset.paper}"


def test_every_model_that_the_decisions_name_is_there():
    decisions = PAGE.split("## What do you want?")[1].split("```")[0]
    named = set(re.findall(r"`([a-z][a-z-]*)`", decisions))
    assert len(named) > 10
    assert named <= FAMILIES.keys() | PRESETS.keys()


def test_every_picture_of_a_preset_is_there_and_small():
    pictures = re.findall(r"\]\((pictures/models/[^)]+)\)", PAGE)
    sizes = [(ROOT / "docs" / picture).stat().st_size for picture in pictures]
    assert sum(sizes) < 2 * 2**20
