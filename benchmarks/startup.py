"""How long a fresh process takes to import the package and to answer `--help`, beside `import numpy`."""

import subprocess
import sys
import time
from pathlib import Path

from .harness import alternate, machine, publish, table

_RUNS = 15
_NUMPY, _PACKAGE, _HELP = "import numpy", "import latentspace", "latentspace --help"


def _timed(command: list[str]) -> dict[str, float]:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - began}


def main() -> None:
    """Times whole processes, the interpreter's own start included, and publishes the table."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        _NUMPY: [sys.executable, "-c", "import numpy"],
        _PACKAGE: [sys.executable, "-c", "import latentspace"],
        _HELP: [str(Path(sys.executable).with_name("latentspace")), "--help"],
        "import torch": [sys.executable, "-c", "import torch"],
        "import sklearn.decomposition": [sys.executable, "-c", "import sklearn.decomposition"],
    }
    for command in commands.values():
        _timed(command)  # the first reads from disk and writes bytecode
    figures = alternate({name: lambda command=command: _timed(command) for name, command in commands.items()}, _RUNS)
    base = figures[_NUMPY]["seconds"]
    rows = [
        {
            "process": f"`{name}`",
            "median s": f["seconds"],
            "min s": f["seconds_min"],
            "over numpy s": f["seconds"] - base,
        }
        for name, f in figures.items()
    ]
    over = figures[_HELP]["seconds"] - base
    words = (
        f"Whole processes, {_RUNS} runs alternated. Asked for: `{_PACKAGE}` no slower than `{_NUMPY}` "
        f"(it takes {figures[_PACKAGE]['seconds'] / base:.2f} of its time), `{_HELP}` at most 0.15 s over it "
        f"({over:+.3f} s).\n\n"
        f"{table(rows, ['process', 'median s', 'min s', 'over numpy s'])}\n\n{machine('numpy', 'typer')}"
    )
    publish("Start-up", words)


if __name__ == "__main__":
    main()
