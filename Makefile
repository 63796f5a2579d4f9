# What there is to do, one word each. Needs make, git and Python 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
SOURCES ?=
TORCH ?= 2.13.0
BENCH ?= .venv-bench
SHARED ?= ../shared
SIZES ?= 1000 10000 100000
USERS ?= 50
MINUTES ?= 10
BIN := $(VENV)/bin
INSTALL ?= $(BIN)/python -m pip install

.DEFAULT_GOAL := help
.PHONY: help setup run serve ingest test check format bench bench-full load lock clean

help: ## show this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(VENV)/.prepared ## create .venv and install everything into it

run: setup ## read the sample pages if nothing has been read yet, and open the chat
	@$(BIN)/python -c 'from knowledge.settings import load_settings as load; from knowledge.store import current_version; current_version(load().store)' 2>/dev/null || $(BIN)/python ingest.py
	@$(BIN)/python -m ui

serve: setup ## open the chat over what has been read
	@$(BIN)/python -m ui

ingest: setup ## read pages into the store: make ingest SOURCES="team.txt jobs.json"
	@$(BIN)/python ingest.py $(SOURCES)

test: setup ## run all tests, a file on each core at a time
	$(BIN)/python -m pytest -n auto --dist loadfile

check: setup ## look for mistakes in code, form and types, and change nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml assistant knowledge ui ingest.py
	$(BIN)/python .ci/audit.py

format: setup ## mend what can be mended without thinking
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(BENCH)/.installed ## time Candor beside other libraries, and as it grows, in a few minutes
	$(BENCH)/bin/python tests/benchmarks/peers.py --systems candor langchain llamaindex haystack txtai
	$(BENCH)/bin/python tests/benchmarks/growth.py

bench-full: $(BENCH)/.installed ## the same over real companies, into docs/performance.md: make bench-full SHARED=../shared SIZES="1000 1000000"
	$(BENCH)/bin/python tests/benchmarks/peers.py --shared $(SHARED) --rounds 3 --write docs
	$(BENCH)/bin/python tests/benchmarks/limit.py --shared $(SHARED) --write docs
	$(BENCH)/bin/python tests/benchmarks/growth.py --sizes $(SIZES) --server 100000 --minutes 120 --write docs

load: setup ## candidates by the dozen against one process: make load USERS=50 MINUTES=10
	@$(INSTALL) --quiet --constraint constraints.txt --editable '.[dev,load]'
	$(BIN)/python tests/load/run.py --users $(USERS) --minutes $(MINUTES)

# A dry run chooses versions for all extras and installs nothing. The local part of a version (+cpu)
# and the libraries that only some builds of torch need are left out: they depend on the machine.
lock: $(VENV)/.pip ## choose today's versions anew for constraints.txt
	$(BIN)/python -m pip install --dry-run --ignore-installed 'torch==$(TORCH)' -e '.[dev,llm,load,postgres,redis,telemetry,train]' >$(VENV)/lock.log
	sed -n 's/^Would install //p' $(VENV)/lock.log | tr ' ' '\n' | sed -E 's/-([^-]+)$$/==\1/; s/\+.*//' \
	  | grep -vE '^(candor|cuda|nvidia|triton)[=-]' | LC_ALL=C sort -f >$(VENV)/constraints.txt
	mv $(VENV)/constraints.txt constraints.txt

clean: ## remove .venv, caches and builds; the store stays
	rm -rf $(VENV) $(BENCH) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
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

# What a first answer would have to wait for. It is kept in the environment; an answer makes it where it is missing.
$(VENV)/.prepared: $(VENV)/.installed assistant/topics.toml assistant/intents.toml knowledge/places.py $(wildcard knowledge/adapter/*)
	$(BIN)/python -m assistant prepare
	@touch $@

# Some of the libraries beside us want older parts than ours, hence an environment of their own, without constraints.
$(BENCH)/.installed: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --upgrade 'pip>=25,<27'
	$(BENCH)/bin/python -m pip install 'torch==$(TORCH)' --editable '.[bench]'
	@touch $@
