"""The verb that says what `fit --model` takes: models."""

from ..models import FAMILIES, PRESETS
from . import arguments as a
from .app import app
from .printing import print_json, print_table


@app.command()
def models(json: a.Json = False) -> None:
    """List the families and presets that fit --model takes.

    latentspace models
    """
    if json:
        presets = [{"preset": name, **preset._asdict()} for name, preset in PRESETS.items()]
        print_json({"families": list(FAMILIES), "presets": presets})
        return
    print(f"families: {', '.join(FAMILIES)}\n")
    rows = [
        {"preset": name, "family": row.family, "paper": row.paper, "says": row.says} for name, row in PRESETS.items()
    ]
    print_table(rows)
