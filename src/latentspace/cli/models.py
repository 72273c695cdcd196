"""The verb that says what `fit --model` takes: models."""

from ..models import FAMILIES, PRESETS
from ..models.encoders import ENCODERS
from . import arguments as a
from .app import app
from .printing import print_json, print_table


@app.command()
def models(json: a.Json = False) -> None:
    """List the families, presets and encoders trained before that fit --model takes.

    latentspace models
    """
    if json:
        encoders = [{"encoder": row.written, "reads": row.kind} for row in ENCODERS.values()]
        presets = [{"preset": name, **preset._asdict()} for name, preset in PRESETS.items()]
        print_json({"families": list(FAMILIES), "presets": presets, "encoders": encoders})
        return
    print(f"families: {', '.join(FAMILIES)}\n")
    print("encoders trained before, where they are installed:")
    print_table([{"encoder": row.written, "reads": row.kind} for row in ENCODERS.values()])
    print()
    rows = [
        {"preset": name, "family": row.family, "paper": row.paper, "says": row.says} for name, row in PRESETS.items()
    ]
    print_table(rows)
