# What each command needs it sets up first, in a virtual environment of the project's own.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# All tests by a process for each core, of about 1 GB each, but eight at most. A file's tests are one process's, as they
# share what they build, and the long ones, which come first, begin first. Some tests (TESTS=) by one, which starts sooner.
TEST_PROCESSES ?= --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
TEST_EXTRAS ?= model,dev
REFERENCE_EXTRAS ?= reference
COMPILED = $(wildcard c4pipe/fast/*.pyx c4pipe/fast/*.pxi c4pipe/fast/*.h) build_tools/backend.py
PIP = $(BIN)/python -m pip install --quiet --constraint constraints.txt
APT = sudo apt-get install -y git make python3 python3-venv

.DEFAULT_GOAL := help
.PHONY: help demo test test-reference wheel-test lint types bench fuzz mutants twins check-python

help:  ## show this
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/demo  ## WET files to C4 shards to a pretrained T5: the whole road (WET=, CRAWL=, RESOURCES=, OUTPUT=, STEPS=)
	@PATH="$(abspath $(BIN)):$$PATH" WET="$(WET)" CRAWL="$(CRAWL)" RESOURCES="$(RESOURCES)" OUTPUT="$(OUTPUT)" STEPS="$(STEPS)" \
		bash examples/demo.sh

test: $(VENV)/test  ## run the tests, with no network (TESTS= for some)
	$(BIN)/python -m pytest $(or $(TESTS),$(TEST_PROCESSES))

test-reference: $(VENV)-reference/test  ## compare every rule with the reference's own code (TensorFlow, in its own environment)
	$(VENV)-reference/bin/python -m pytest -o addopts="-ra --strict-markers" tests/reference

wheel-test: $(VENV)/test  ## build the wheel, install it into an empty environment, and build a WET file with it
	$(BIN)/python build_tools/wheel_test.py

lint: $(VENV)/test  ## ruff
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/test  ## mypy, strict
	$(BIN)/mypy

bench: $(VENV)/bench  ## measure a build, plain against fast, as a table and a plot: some minutes (WET=, PAGES=, RESOURCES=, OUTPUT=)
	$(BIN)/python benchmarks/bench.py --wet "$(WET)" $(if $(PAGES),--pages $(PAGES)) \
		$(if $(RESOURCES),--resources "$(RESOURCES)") --output "$(or $(OUTPUT),bench)" \
		$(if $(wildcard $(VENV)-reference/test),--reference_python $(VENV)-reference/bin/python)

fuzz: $(VENV)/test  ## compiled code against plain code (ROOM=, SECONDS= for each, SEED=, WET=, RESOURCES=)
	$(BIN)/python -m tests.fuzz --room $(or $(ROOM),all) --seconds $(or $(SECONDS),60) --seed $(or $(SEED),0) \
		$(if $(WET),--wet "$(WET)") $(if $(RESOURCES),--resources "$(RESOURCES)")

mutants: $(VENV)/test  ## small faults, one at a time: which do the tests miss? (NUMBER=, SEED=, WORKERS=; goes on where it stopped)
	$(BIN)/python build_tools/mutants.py --number $(or $(NUMBER),60) --seed $(or $(SEED),1) --workers $(or $(WORKERS),2)

twins: $(VENV)/test  ## after a change of a plain room and its compiled twin alike: write down that they are equal again
	$(BIN)/python build_tools/twins.py

check-python:
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here. Install what this needs:  $(APT)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version) is too old: this needs Python 3.11 or newer; name one with PYTHON=python3.12 if you have it."; \
		echo "On Debian 12, Ubuntu 24.04 or newer:  $(APT)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv. Install what this needs:  $(APT)"; exit 1; }

$(VENV)/bin/python: | check-python
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo: pyproject.toml setup.py constraints.txt $(COMPILED) | $(VENV)/bin/python
	@echo "Installing c4pipe and what it needs into $(VENV): some minutes, once."
	$(PIP) --editable '.[model]'
	@touch $@

$(VENV)/test: pyproject.toml setup.py constraints.txt $(COMPILED) | $(VENV)/bin/python
	@echo "Installing c4pipe and what its tests need into $(VENV): some minutes, once."
	$(PIP) --editable '.[$(TEST_EXTRAS)]'
	@touch $@ $(VENV)/demo

$(VENV)/bench: pyproject.toml setup.py constraints.txt $(COMPILED) | $(VENV)/bin/python
	@echo "Installing c4pipe, and what it is measured beside, into $(VENV): some minutes, once."
	$(PIP) --editable '.[bench]'
	@touch $@

$(VENV)-reference/test: pyproject.toml setup.py $(COMPILED) | check-python
	@echo "Installing the reference into $(VENV)-reference: some minutes and 2 GB, once."
	$(PYTHON) -m venv $(VENV)-reference
	$(VENV)-reference/bin/python -m pip install --quiet --editable '.[$(REFERENCE_EXTRAS)]'
	@touch $@
