# Every target sets itself up first: `make run` on a fresh machine is enough.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
FLASK := $(BIN)/flask --app wsgi
SOURCES := billing config.py wsgi.py tests bench migrations/env.py
READY := .venv/ready
READY_DEV := .venv/ready-dev
READY_BENCH := .venv/bench/ready

# --- what people ask for -----------------------------------------------------------------------------
.PHONY: help run web worker sandbox migrate test check format demo shots soak bench pins

help: ## Explain every target
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

run: $(READY) ## The whole office with the sample clinic on 127.0.0.1 (PORT, SANDBOX_PORT); Ctrl-C ends it
	@exec $(FLASK) start

web: $(READY) ## The web process alone (PORT)
	@exec $(FLASK) start --only web

worker: $(READY) ## The worker alone
	@exec $(FLASK) start --only worker

sandbox: $(READY) ## The card processor's stand-in alone (SANDBOX_PORT)
	@exec $(FLASK) start --only sandbox

migrate: $(READY) ## Bring the database of DATABASE_URL to the newest schema
	@$(FLASK) db upgrade

test: $(READY_DEV) ## The tests, on SQLite, or on PostgreSQL with TEST_DATABASE_URL
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal $(ARGS)

check: $(READY_DEV) ## Format, lint, types, import contracts, architecture tests
	@$(BIN)/ruff format --check --quiet $(SOURCES) || { echo "Run 'make format', then look at the change."; exit 1; }
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | grep -E 'KEPT|BROKEN|kept|broken|->|not allowed' ; exit $${PIPESTATUS[0]}
	@$(BIN)/deptry --no-ansi .
	@$(BIN)/python -m pytest -q tests/architecture

format: $(READY_DEV) ## Let ruff lay out the code
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

demo: $(READY_DEV) ## A patient's whole journey on real processes; papers and books in var/demo
	@$(BIN)/python -m tests.scenarios.demo

shots: $(READY_DEV) ## A picture of every page that the browser tests look at, in var/shots
	@rm -rf var/shots && mkdir -p var/shots
	@SHOTS_DIR=$(CURDIR)/var/shots $(BIN)/python -m pytest -q -n 2 --dist worksteal tests/browser $(ARGS)
	@echo "$$(ls var/shots | wc -l) pictures are in var/shots/."

soak: $(READY_DEV) ## Any order of deeds and mishaps on real processes (SOAK_SECONDS, SOAK_SEED, SOAK_MACHINES)
	@$(BIN)/python -m tests.scenarios.soak

bench: $(READY_BENCH) ## Speed, each path against its peer in the same run (some rows: ARGS="quote webhook")
	@PYTHONPATH=.venv/bench $(BIN)/python -m bench $(ARGS)

pins: $(READY_DEV) ## Pin the newest versions that requirements*.in allow, with hashes
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install -q uv
	@$(BIN)/python -m uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command 'make pins' requirements.in -o requirements.txt
	@$(BIN)/python -m uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command 'make pins' requirements-dev.in -c requirements.txt -o requirements-dev.txt

# --- set-up ------------------------------------------------------------------------------------------
# A stamp is older than its requirements when these change, and then they are installed again.
$(READY): requirements.txt | .venv/bin/python
	@$(call install,requirements.txt)
	@touch $@

$(READY_DEV): requirements.txt requirements-dev.txt | .venv/bin/python
	@$(call install,requirements-dev.txt)
	@touch $@ $(READY)

# Peers stay out of the product's packages; without them their rows say so.
$(READY_BENCH): bench/requirements.txt $(READY_DEV)
	@($(call install,bench/requirements.txt --target .venv/bench)) && touch $@ || true

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name it with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: install a newer one, or name it with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing: install it (Debian, Ubuntu: apt-get install python3-venv), then try again." >&2; exit 1; }
	@echo "Setting up .venv (once; about half a minute)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

define install
{ $(BIN)/python -m pip install -q --disable-pip-version-check --retries 1 uv >/dev/null 2>&1 \
  && $(BIN)/python -m uv pip install -q --python $(BIN)/python --require-hashes -r $(1) 2>/dev/null; } \
|| $(BIN)/python -m pip install -q --disable-pip-version-check --retries 1 --require-hashes -r $(1) 2>.venv/install.log \
|| { echo "The packages could not be installed: is the package index reachable? Details are in .venv/install.log." >&2; exit 1; }
endef
