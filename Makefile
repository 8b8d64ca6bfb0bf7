# Two commands matter: `make up` starts Tidegate, `make test` proves it. `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
REAL := .venv-real
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=
MODEL ?=
COMMA := ,
# Presidio and spaCy (400 MB, half a minute) are for CI only; without them their tests are skipped and say so.
TESTED := embedded,raw,sim,test$(if $(CI),$(COMMA)names)

.DEFAULT_GOAL := help
.PHONY: help up test leaktest chaos test-real real-runtimes check docs bench bench-privacy clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

up: $(VENV)/.installed ## install, fetch the demo model, start on 127.0.0.1:4141 (MODEL=FILE, ARGS="--port 5000")
	@$(BIN)/tidegate up $(if $(MODEL),--model "$(MODEL)") $(ARGS)

test: $(VENV)/.tested $(if $(CI),real-runtimes) ## install what the tests need and run all of them (ARGS="-k name")
	@$(BIN)/python -m pytest $(if $(CI),--real) $(ARGS)

leaktest: $(VENV)/.tested ## 100,000 private requests with faults: none may reach the outside (ARGS="--seed 2")
	@$(BIN)/python -m tests.leaks $(ARGS)

chaos: $(VENV)/.tested ## half an hour of faults, kills and bad clients, 200 at once (ARGS="--minutes 2 --seed 2")
	@$(BIN)/python -m tests.chaos $(ARGS)

test-real: real-runtimes ## test against a real vLLM and transformers serve too; CI does so in `make test`
	@$(BIN)/python -m pytest --real tests/real $(ARGS)

real-runtimes: $(VENV)/.tested ## install them for CPUs into .venv-real, if pip has torch for CPUs (3.7 GB)
	@$(BIN)/python tests/real/runtimes/install.py $(REAL)

check: $(VENV)/.tested ## style, types and import contracts only
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright && $(BIN)/lint-imports

docs: $(VENV)/.tested ## write docs/reference anew
	@$(BIN)/python docs/generate.py

bench: $(VENV)/.tested ## measure the relay beside nginx and vllm-router (needs gcc and nginx)
	@$(BIN)/python benchmarks/relay.py $(ARGS)

bench-privacy: $(VENV)/.tested ## measure detection: recall, precision, speed; beside Presidio where `names` is installed
	@$(BIN)/python benchmarks/privacy.py $(ARGS)

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) $(REAL) .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Tidegate needs Python 3.11 or newer; say which: make up PYTHON=python3.11"; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python's venv module is incomplete; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing Tidegate into $(VENV) ..."
	@$(PIP) install --quiet --editable '.[embedded,raw,sim]'
	@touch $@

$(VENV)/.tested: pyproject.toml $(VENV)/.installed
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) install --quiet --editable '.[$(TESTED)]'
	@$(BIN)/python -c 'from tidegate.cli.up import fetch_model; fetch_model()'
	@$(BIN)/python -c 'from tidegate.cli.policy import fetch_sentence_model; fetch_sentence_model()'
	@touch $@
