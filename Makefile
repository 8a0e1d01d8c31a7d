# SPDX-License-Identifier: AGPL-3.0-only
#
# The front door, and nothing else: each target calls a tool that can be called
# by hand too. Everything built goes to build/. `make help` lists the targets.

VENV := build/venv
PY := $(VENV)/bin/python
JOBS ?= 2
# More arguments for the command behind a target: make conformance ARGS="-k defer"
ARGS ?=

export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)

# Python starts some thousand times in a test run: what it compiles is kept.
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help deps apt dynamodb browser conformance mutants bench test lint format valgrind spec demo fuzz lock clean

help:
	@echo 'make conformance   judge both adapters; open build/conformance/report.html'
	@echo 'make demo          HTTP server and worker on port 8080, in memory; or PORT, REDIS_URL'
	@echo 'make test          everything that CI checks: lint, C, Python, conformance'
	@echo 'make mutants       SDKs that break one requirement each: which case finds it; ARGS=--quick'
	@echo 'make lint          clang-format, clang-tidy, ruff, mypy, licence lines'
	@echo 'make format        reformat the C and Python sources'
	@echo 'make bench         race against BullMQ and others; report in build/bench/; ARGS=--quick'
	@echo 'make valgrind      most tests of the C part under valgrind; takes minutes'
	@echo 'make deps          only the set-up: Debian packages, build/venv'
	@echo 'make dynamodb      DynamoDBLocal, for the tests and brrr-conformance run --store dynamodb'
	@echo 'make browser       chromium, for the tests of the report as a page'
	@echo 'make lock          refresh the requirements.lock of conformance/ and bench/'
	@echo 'make clean         remove build/'
	@echo 'make spec fuzz     not there yet'
	@echo
	@echo 'ARGS="..." goes to the command behind conformance, mutants, bench and lint.'

# ---- set-up -----------------------------------------------------------------

deps: apt $(VENV)/installed

# Looked at in each run (it takes 0.1 s), since packages can be removed.
apt:
ifndef BRRR_SKIP_APT
	@tools/setup-debian
endif

$(VENV)/installed: conformance/requirements.lock \
    $(wildcard conformance/pyproject.toml) tools/setup-python | apt
	@PYTHON='$(PYTHON)' tools/setup-python $(VENV)
	@touch $@

# Java, Maven and 50 MB of jars: for the tests of a DynamoDB store.
dynamodb: build/dynamodb

build/dynamodb: tools/dynamodb/pom.xml tools/setup-dynamodb
	@tools/setup-dynamodb $@
	@touch $@

# For the tests of the report's page only; 124 MB to download.
browser:
ifndef BRRR_SKIP_APT
	@tools/setup-debian chromium
endif

# ---- the main job -----------------------------------------------------------

conformance: deps
	@cmake --preset release >build/configure.log || { cat build/configure.log; exit 1; }
	@cmake --build --preset release --target brrr-adapter-c
	@mkdir -p build/conformance
	@$(VENV)/bin/brrr-conformance run adapters/c adapters/tiny \
	    --json build/conformance/report.json \
	    --junit build/conformance/report.xml \
	    --html build/conformance/report.html \
	    $(addprefix --mutants ,$(wildcard build/mutants/report.json)) $(ARGS)

# Report in build/mutants/. ARGS may be names of mutants, or of requirements.
mutants: deps dynamodb
	@PYTHONPATH=conformance/tests $(PY) -m mutants $(ARGS)

# Peers, and what draws the plot, go to build/bench/; SDKs take part where
# BRRR_PYTHON_SDK and BRRR_TYPESCRIPT_SDK say that they are there.
bench: deps
	@tools/setup-bench
	@cmake --preset bench >build/bench/configure.log || { cat build/bench/configure.log; exit 1; }
	@cmake --build --preset bench
	@PYTHONPATH=bench build/bench/venv/bin/python -m harness $(ARGS)

# An HTTP server on 127.0.0.1:8080 (or PORT), until Ctrl-C; see the README.
demo: deps
	@cmake --preset release >build/configure.log || { cat build/configure.log; exit 1; }
	@cmake --build --preset release --target brrr-demo
	@exec build/release/ref/demo/brrr-demo

test: deps dynamodb browser
	@$(PY) tools/run_tests.py

lint: deps
	@$(PY) tools/lint.py $(ARGS)

format: deps
	@$(PY) tools/lint.py --fix

valgrind: deps
	@tools/valgrind $(ARGS)

# ---- not there yet ----------------------------------------------------------

spec fuzz:
	@echo 'make $@: this part is not there yet (see CHANGELOG.md)' >&2; exit 1

# ---- upkeep -----------------------------------------------------------------

lock: deps
	@tools/lock-python

clean:
	rm -rf build
