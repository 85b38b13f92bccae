# Two commands matter: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3
PORT ?= 8000
DATA ?= instance
VENV := .venv
BIN := $(VENV)/bin
APT := chromium fonts-noto-core postgresql pgbouncer nginx-light caddy faketime

.DEFAULT_GOAL := help
.PHONY: help run test check bench screenshots lock catalogue bundle sbom

help: ## This list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

run: $(VENV)/.runs ## Install what is needed and serve the course with demo people on http://127.0.0.1:8000 (PORT=, DATA=)
	@$(BIN)/elearn demo --port $(PORT) --data $(DATA)

test: $(VENV)/.tests ## Install what tests need and run all of them
	@sh tests/needs.sh $(APT)
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: $(VENV)/.tests ## Style, types and the course itself
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/elearn check content

bench: $(VENV)/.tests ## Measure against the budgets, as ratios within one run
	@$(BIN)/python -m bench

screenshots: $(VENV)/.tests ## Make the pictures of the README again
	@$(BIN)/python -m docs.screenshots

catalogue: $(VENV)/.tests ## Collect the labels of the interface for the translators
	@$(BIN)/python -m elearn.translations.collect

bundle: | $(BIN)/python ## Build dist/elearn-VERSION.tar.gz, which installs on a machine without a network
	@$(BIN)/python deploy/bundle.py

sbom: $(VENV)/.tests ## Write the bill of materials, dist/elearn.cdx.json, from the lock
	@$(BIN)/python deploy/sbom.py

lock: ## Write the hash-pinned lists of packages again (needs uv)
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements.txt
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra test pyproject.toml -o requirements-test.txt

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)

# The project itself is put in place by a .pth file and a one-line command: no build tools to download.
$(VENV)/.runs: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the system needs (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python deploy/link.py
	@touch $@

$(VENV)/.tests: requirements-test.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.txt
	@$(BIN)/python deploy/link.py
	@touch $@ $(VENV)/.runs
