# Two commands: `make demo` and `make test`. Both install into .venv first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PHOTOS ?=
CPUS   ?= 2

.PHONY: help install demo test lint check-format types contracts pytest format clean

help:           ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 16

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Tarnish needs Python 3.11 or newer and found {v.major}.{v.minor}; say make PYTHON=python3.11 demo")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	rm -rf $(VENV)/lib/python*/site-packages/training  # sam2's own trainer, which would shadow ours
	@touch $@

install: $(VENV)/installed  ## the virtual environment .venv with everything in it

demo: install   ## the main job end to end; PHOTOS=dir for your own photographs
	$(BIN)/tarnish demo --out runs/demo $(if $(PHOTOS),--photos '$(PHOTOS)')

test: check-format lint types contracts pytest  ## formatter, linter, type checker, import contracts, tests

check-format: install
	$(BIN)/ruff format --check .

lint: install
	$(BIN)/ruff check .

types: install
	$(BIN)/mypy

contracts: install
	$(BIN)/lint-imports

pytest: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

format: install ## rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:          ## remove the virtual environment and the runs
	rm -rf $(VENV) runs
