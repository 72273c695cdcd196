# Every target sets up its own .venv when there is none, and is quick when there is.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test slow lint format bench docs dist clean

demo: .venv/.test
	$(BIN)/latentspace demo -o demo-out --force

test: .venv/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal

slow: .venv/.test
	$(BIN)/python -m pytest -m slow

lint: .venv/.test .venv/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.bench
	$(BIN)/python -m benchmarks

docs: .venv/.docs
	$(BIN)/mkdocs build --strict

dist: .venv/.test
	$(BIN)/pip install -q build && $(BIN)/python -m build

clean:
	rm -rf .venv dist build site demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

# One stamp an extra: installing is skipped while neither the project nor the pins have changed.
.venv/.%: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$*]"
	@touch $@
