# Each command first sets up its own requirements, in the project's virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# All tests run in one process for each core, at most eight, of about 1 GB each. The tests of a file share their builds,
# so they run in one process. Long tests come first. Some tests (TESTS=) run in one process, which starts sooner.
TEST_PROCESSES ?= --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
TEST_EXTRAS ?= model,dev
REFERENCE_EXTRAS ?= reference
COMPILED = $(wildcard c4pipe/fast/*.pyx c4pipe/fast/*.pxi c4pipe/fast/*.h) build_tools/backend.py
PIP = $(BIN)/python -m pip install --quiet --constraint constraints.txt
APT = sudo apt-get install -y git make python3 python3-venv

.DEFAULT_GOAL := help
.PHONY: help demo test test-reference wheel-test lint types bench fuzz mutants twins check-python

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/demo  ## WET files to C4 shards to a pretrained T5 (WET=, CRAWL=, RESOURCES=, OUTPUT=, STEPS=)
	@PATH="$(abspath $(BIN)):$$PATH" WET="$(WET)" CRAWL="$(CRAWL)" RESOURCES="$(RESOURCES)" OUTPUT="$(OUTPUT)" STEPS="$(STEPS)" \
		bash examples/demo.sh

test: $(VENV)/test  ## run the tests, without a network (TESTS= selects some)
	$(BIN)/python -m pytest $(or $(TESTS),$(TEST_PROCESSES))

test-reference: $(VENV)-reference/test  ## compare every rule with the reference's code (TensorFlow, in its own environment)
	$(VENV)-reference/bin/python -m pytest -o addopts="-ra --strict-markers" tests/reference

wheel-test: $(VENV)/test  ## build the wheel, install it into an empty environment, build C4 from a WET file with it
	$(BIN)/python build_tools/wheel_test.py

lint: $(VENV)/test  ## ruff
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/test  ## mypy, strict
	$(BIN)/mypy

bench: $(VENV)/bench  ## measure a build, plain and fast; write tables and a plot: some minutes (WET=, PAGES=, RESOURCES=, OUTPUT=)
	$(BIN)/python benchmarks/bench.py --wet "$(WET)" $(if $(PAGES),--pages $(PAGES)) \
		$(if $(RESOURCES),--resources "$(RESOURCES)") --output "$(or $(OUTPUT),bench)" \
		$(if $(wildcard $(VENV)-reference/test),--reference_python $(VENV)-reference/bin/python)

fuzz: $(VENV)/test  ## compare compiled code with plain code on random inputs (ROOM=, SECONDS= for each, SEED=, WET=, RESOURCES=)
	$(BIN)/python -m tests.fuzz --room $(or $(ROOM),all) --seconds $(or $(SECONDS),60) --seed $(or $(SEED),0) \
		$(if $(WET),--wet "$(WET)") $(if $(RESOURCES),--resources "$(RESOURCES)")

mutants: $(VENV)/test  ## find small faults that the tests miss, one at a time (NUMBER=, SEED=, WORKERS=; continues a stopped run)
	$(BIN)/python build_tools/mutants.py --number $(or $(NUMBER),60) --seed $(or $(SEED),1) --workers $(or $(WORKERS),2)

twins: $(VENV)/test  ## record that plain and compiled rooms are equal, after a change of both
	$(BIN)/python build_tools/twins.py

check-python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed. Install the requirements:  $(APT)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version) is too old. Install Python 3.11 or newer, or name one, such as PYTHON=python3.12."; \
		echo "On Debian 12, Ubuntu 24.04 or newer:  $(APT)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) lacks venv. Install the requirements:  $(APT)"; exit 1; }

$(VENV)/bin/python: | check-python
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo: pyproject.toml setup.py constraints.txt $(COMPILED) | $(VENV)/bin/python
	@echo "Installing c4pipe and its requirements into $(VENV): some minutes, once."
	$(PIP) --editable '.[model]'
	@touch $@

$(VENV)/test: pyproject.toml setup.py constraints.txt $(COMPILED) | $(VENV)/bin/python
	@echo "Installing c4pipe and the requirements of its tests into $(VENV): some minutes, once."
	$(PIP) --editable '.[$(TEST_EXTRAS)]'
	@touch $@ $(VENV)/demo

$(VENV)/bench: pyproject.toml setup.py constraints.txt $(COMPILED) | $(VENV)/bin/python
	@echo "Installing c4pipe and the tools it is compared with into $(VENV): some minutes, once."
	$(PIP) --editable '.[bench]'
	@touch $@

$(VENV)-reference/test: pyproject.toml setup.py $(COMPILED) | check-python
	@echo "Installing the reference into $(VENV)-reference: some minutes and 2 GB, once."
	$(PYTHON) -m venv $(VENV)-reference
	$(VENV)-reference/bin/python -m pip install --quiet --editable '.[$(REFERENCE_EXTRAS)]'
	@touch $@
