"""Runs every benchmark, or those named: python -m benchmarks startup pca.

A benchmark is a module of this folder with a `main()`, which measures and publishes.
"""

import importlib
import pkgutil
import sys
import traceback

import benchmarks


def main(names: list[str]) -> int:
    """Runs the named benchmarks, or all; returns how many failed."""
    modules = [m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name not in ("__main__", "harness")]
    unknown = sorted(set(names) - set(modules))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(modules)}", file=sys.stderr)
        return len(unknown)
    failed = 0
    for name in names or modules:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        if not hasattr(benchmark, "main"):
            continue  # what several benchmarks share
        print(f"=== {name}", file=sys.stderr, flush=True)
        try:
            benchmark.main()
        except Exception:  # one table that cannot be made must not keep the others from being made
            traceback.print_exc()
            failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
