"""What is loaded before any work is asked for. Times are in benchmarks/startup.py; here it is what causes them."""

import json
import subprocess
import sys

import pytest

from latentspace.cli.app import app

HEAVY = {
    "PIL", "faiss", "llvmlite", "matplotlib", "mlxtend", "narwhals", "numba", "openTSNE", "pacmap", "pandas", "polars",
    "psutil", "pyarrow", "scipy", "sklearn", "torch", "umap",
}  # fmt: skip

VERBS = [command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands]


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has after some code, besides those that it started with."""
    script = (
        "import json, sys\n"
        "before = set(sys.modules)\n"
        f"try:\n    {code}\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "tops = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print('\\n' + json.dumps(sorted(tops)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1])) - set(sys.stdlib_module_names)


def test_importing_the_package_loads_no_more_than_numpy_does():
    assert loaded_by("import latentspace") <= loaded_by("import numpy") | {"latentspace"}


def test_asking_for_help_loads_nothing_heavy():
    loaded = loaded_by("from latentspace.cli import main; main(['--help'])")
    assert not loaded & HEAVY


@pytest.mark.parametrize("verb", VERBS)
def test_asking_a_verb_for_help_loads_nothing_heavy(verb):
    loaded = loaded_by(f"from latentspace.cli import main; main([{verb!r}, '--help'])")
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    "module", ["cli.app", "datasets", "generate.interpolate", "generate.traverse", "generate.sheet"]
)
def test_rooms_that_need_only_numpy_load_nothing_heavy(module):
    assert not loaded_by(f"import latentspace.{module}") & HEAVY


def test_linear_models_load_no_torch():
    code = "import latentspace as ls; ls.PCA(dims=1).fit([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0]])"
    # scikit-learn itself imports pandas where it is installed.
    assert not loaded_by(code) & {"torch", "matplotlib", "polars", "numba"}
