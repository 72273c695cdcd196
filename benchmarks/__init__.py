"""Benchmarks: each module prints its figures beside its peers' from the same run. `python -m benchmarks` runs all."""
