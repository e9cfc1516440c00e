# Each target starts from a bare checkout: it makes the virtual environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt

.PHONY: setup demo test check bench pictures clean help

help:
	@echo "make demo   train both models on the built-in corpus, then open the explorer"
	@echo "make test   the whole test suite       make check  static checks"
	@echo "make setup  environment only           make bench  speed ratios (bench.json)"
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
	$(BIN)/python -m pytest -n 2 -m 'not gpu and not soak'

check: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check README.md

bench: $(VENV)/.developed
	$(BIN)/python -m tests.bench

SHOT := $(BIN)/nliexplorer explore baseline ig-variance --db runs.db --svg
pictures: $(VENV)/.installed
	mkdir -p assets
	$(SHOT) --once examples --filter 'wrong fixed-by:ig-variance sleeping' --size 110x40 > assets/explorer.svg
	$(SHOT) --once compare --split flipped --size 110x40 > assets/compare.svg
	$(SHOT) --once calibration --split flipped --size 110x36 > assets/calibration.svg
	$(SHOT) --once attributions --size 116x38 > assets/attributions.svg

clean:
	rm -rf $(VENV) demo.db* bench.json
