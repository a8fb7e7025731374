# Everything a fresh machine needs is python3 (3.11 or newer), git and make; each target sets itself up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help setup demo check test soak bench screenshots lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

$(VENV)/.run: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(VENV)/.dev ## install the product and what its tests need

demo: $(VENV)/.run ## load a sandbox account by account and answer questions from SQL
	$(BIN)/insights demo

check: $(VENV)/.dev ## lint and types, over everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .

test: $(VENV)/.dev ## the tests
	$(BIN)/pytest -n 3 --dist loadfile

soak: $(VENV)/.dev ## the long repetitions: hundreds of kills
	$(BIN)/pytest -m soak

bench: $(VENV)/.dev ## the measurements kept in benchmarks/README.md
	$(BIN)/python -m benchmarks

screenshots: $(VENV)/.dev ## pictures of the status page into docs/screenshots (needs Chromium)
	$(BIN)/python -m tests.browser.screenshots

lock: ## resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q -o requirements.lock
	uv pip compile pyproject.toml --group dev -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q -o requirements-dev.lock

clean: ## remove what the targets made
	rm -rf $(VENV) build data .mypy_cache .ruff_cache .pytest_cache .hypothesis
