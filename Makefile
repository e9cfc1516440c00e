# Each target starts from a bare checkout: it makes the virtual environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt

.PHONY: docs setup demo test test-all check bench bench-gpu wheel soak pictures clean help

help:
	@echo "make demo   train both models on the built-in corpus, then open the explorer"
	@echo "make test   the tests, some minutes    make test-all  the slow ones too"
	@echo "make check  static checks              make bench  speed ratios (bench.json)"
	@echo "make bench-gpu  whether it is right on a GPU, and how fast (bench-gpu.json, 8 minutes)"
	@echo "make setup  environment only"
	@echo "make wheel  build sdist and wheel, check them, install each in an empty environment, train there"
	@echo "make soak   an hour at the explorer and at one database (NLI_SOAK_MINUTES=60)"
	@echo "make docs   the documentation as a site, in build/docs"
	@echo "make pictures          the README's screenshots, from runs.db"

$(VENV)/.installed: pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "nliexplorer needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(PIP) --editable '.[dev]'
	@touch $@

setup: $(VENV)/.developed

demo: $(VENV)/.installed
	$(BIN)/nliexplorer demo

test: $(VENV)/.developed
	$(BIN)/python -m pytest -n 2

test-all: $(VENV)/.developed
	$(BIN)/python -m pytest -n 2 -m 'not gpu and not soak'

check: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: $(VENV)/.developed
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q docs build/docs
	@echo "open build/docs/index.html"

bench: $(VENV)/.developed
	$(BIN)/python -m tests.bench

bench-gpu: $(VENV)/.developed
	$(BIN)/python -m tests.bench.gpu

wheel: $(VENV)/.developed
	PYTHON_NEW=$(PYTHON) .ci/check-release $(BIN)/python

NLI_SOAK_MINUTES ?= 60
soak: $(VENV)/.developed
	NLI_SOAK_MINUTES=$(NLI_SOAK_MINUTES) $(BIN)/python -m pytest -m soak -s

SHOT := $(BIN)/nliexplorer explore baseline ig-variance --db runs.db --svg
pictures: $(VENV)/.installed
	mkdir -p assets
	$(SHOT) --once examples --filter 'wrong fixed-by:ig-variance sleeping' --size 110x40 > assets/explorer.svg
	$(SHOT) --once compare --split flipped --size 110x40 > assets/compare.svg
	$(SHOT) --once calibration --split flipped --size 110x36 > assets/calibration.svg
	$(SHOT) --once attributions --size 116x38 > assets/attributions.svg
	copy=$$(mktemp) && cp runs.db $$copy && $(BIN)/python docs/record_tour.py $$copy assets/tour.svg && rm $$copy

clean:
	rm -rf build $(VENV) demo.db* bench.json bench-gpu.json
