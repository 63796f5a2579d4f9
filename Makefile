# What there is to do, one word each. Needs make, git and Python 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
SOURCES ?=
TORCH ?= 2.13.0
BIN := $(VENV)/bin
INSTALL ?= $(BIN)/python -m pip install

.DEFAULT_GOAL := help
.PHONY: help setup run serve ingest test check format lock clean

help: ## show this list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.installed ## create .venv and install everything into it

run: setup ## read the sample pages if nothing has been read yet, and open the chat
	@$(BIN)/python -c 'from knowledge.settings import load_settings as load; from knowledge.store import current_version; current_version(load().store)' 2>/dev/null || $(BIN)/python ingest.py
	@$(BIN)/python -m ui

serve: setup ## open the chat over what has been read
	@$(BIN)/python -m ui

ingest: setup ## read pages into the store: make ingest SOURCES="team.txt jobs.json"
	@$(BIN)/python ingest.py $(SOURCES)

test: setup ## run all tests
	$(BIN)/python -m pytest

check: setup ## look for mistakes in code, form and types, and change nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## mend what can be mended without thinking
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# A dry run chooses versions for all extras and installs nothing. The local part of a version (+cpu)
# and the libraries that only some builds of torch need are left out: they depend on the machine.
lock: $(VENV)/.pip ## choose today's versions anew for constraints.txt
	$(BIN)/python -m pip install --dry-run --ignore-installed 'torch==$(TORCH)' -e '.[bench,dev,llm,postgres,redis,train]' >$(VENV)/lock.log
	sed -n 's/^Would install //p' $(VENV)/lock.log | tr ' ' '\n' | sed -E 's/-([^-]+)$$/==\1/; s/\+.*//' \
	  | grep -vE '^(candor|cuda|nvidia|triton)[=-]' | LC_ALL=C sort -f >$(VENV)/constraints.txt
	mv $(VENV)/constraints.txt constraints.txt

clean: ## remove .venv, caches and builds; the store stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The pip that comes with Python 3.11 needs minutes to choose versions, a newer one seconds.
$(VENV)/.pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed. Name one: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25,<27'
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.pip
	@echo 'Installing into $(VENV). The first time, this takes some minutes.'
	$(INSTALL) --constraint constraints.txt --editable '.[dev]'
	@touch $@
