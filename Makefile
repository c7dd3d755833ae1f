# Every target does its own set-up: a virtual environment in .venv, from wheels only.
# It is set up again when pyproject.toml changes.

VENV := .venv
BIN := $(VENV)/bin

# The first of these that runs and is 3.11 to 3.13 makes the environment.
PYTHON ?= python3.11 python3.12 python3.13 python3
# The version that the published numbers are from; others that work are in pyproject.toml.
# On Linux, PyPI's torch brings gigabytes of CUDA. Without an NVIDIA GPU the CPU build is taken;
# where its index cannot be reached, pip takes the build it finds. `TORCH_INDEX=` asks for PyPI's.
TORCH ?= torch~=2.13.0
TORCH_INDEX ?= $(if $(shell command -v nvidia-smi 2>/dev/null),,https://download.pytorch.org/whl/cpu)
CONFIG ?= quick
ARGS ?=

PIP := $(BIN)/python -m pip --disable-pip-version-check
# connection_pool, a hundred lines of Python that Snakemake needs, has no wheel.
WHEELS := --only-binary :all: --no-binary connection_pool
INSTALL := $(PIP) install --quiet $(WHEELS)
INSTALL_TORCH = $(INSTALL) --no-deps \
  $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX) --retries 1 --timeout 20) "$(TORCH)"

.DEFAULT_GOAL := help
.PHONY: help run test lowest lint docs reproduction mutation hostile real-files gpu-check reliability setup setup-dev clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: setup ## collisions to ROC curve: darkclr run --config quick (CONFIG=... for another)
	$(BIN)/darkclr run --config $(CONFIG) $(ARGS)

test: setup-dev ## all tests: tests, validation, doctests (ARGS="-m 'not slow'" for the fast ones)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal $(ARGS)

# What pyproject.toml asks for at least, in an environment of its own; uv finds these versions.
lowest: ## the fast tests with the lowest versions of all dependencies, in .venv-lowest
	@$(MAKE) --no-print-directory VENV=.venv-lowest .venv-lowest/.installed-lowest
	.venv-lowest/bin/python -m pytest -q -m "not slow" $(ARGS)

mutation: setup-dev ## whether the tests notice some hundred mistakes (an hour; ARGS="split.py" for a file)
	PYTHONPATH=tests/helpers $(BIN)/python tests/mutation/mutation.py $(ARGS)

hostile: setup-dev ## ten thousand damaged inputs (twenty minutes; HOSTILE_CASES=... for another number)
	$(BIN)/python -m pytest -q -m nightly tests/hostile

real-files: setup-dev ## files of Delphes and of CMS, which are fetched (30 MB), against their own jets
	$(BIN)/python -m pytest -q -m nightly validation/test_real_files.py

gpu-check: setup-dev ## the same numbers on a GPU as on the CPU, then its rates (minutes; ARGS="--run runs/quick")
	DARKCLR_TEST_DEVICE=cuda $(BIN)/python -m pytest -q tests/gpu
	$(BIN)/python benchmarks/gpu.py $(ARGS)

reliability: mutation hostile ## both, with their counts in docs/reliability.md

reproduction: setup-dev ## the page of docs/results/NAME/result.json: docs/reproduction.md
	$(BIN)/python -c 'from pathlib import Path; from darkclr.studies.reproduction.page import write_page; \
	  write_page(Path("docs/results"), Path("docs/reproduction.md"))'

lint: setup-dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-docs ## the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict $(ARGS)

setup: $(VENV)/.installed-run ## install what `make run` needs
setup-dev: $(VENV)/.installed-dev ## install what `make test` and `make lint` need

clean: ## remove the environment and caches; runs/ stays
	rm -rf $(VENV) .venv-lowest .pytest_cache .mypy_cache .ruff_cache .hypothesis site
	find . -path ./runs -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@for python in $(PYTHON); do \
	  if $$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	    >/dev/null 2>&1; then \
	    echo "environment in $(VENV): $$($$python --version)"; \
	    $$python -m venv --clear $(VENV) && touch $@; exit; \
	  fi; \
	done; \
	echo 'No Python 3.11 to 3.13 with venv found: install one, or give PYTHON=/path/to/python' >&2; \
	exit 2

$(VENV)/.installed-lowest: $(VENV)/.created pyproject.toml
	@echo "installing the lowest versions (once; some minutes)"
	@$(INSTALL) uv
	@$(INSTALL_TORCH)
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --resolution lowest-direct $(WHEELS) \
	  --editable ".[dev]"
	@touch $@

$(VENV)/.installed-%: $(VENV)/.created pyproject.toml
	@echo "installing darkclr[$*] (once; some minutes)"
	@$(INSTALL_TORCH)
	@$(INSTALL) --editable ".[$*]"
	@touch $@ $(if $(filter dev,$*),$(VENV)/.installed-run)
