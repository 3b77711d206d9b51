# hubauth: `make test`, `make check`, `make demo`. Each sets up what it needs in .venv and does nothing twice.
# PYTHON names another interpreter (3.11 or newer); ARGS goes to pytest or to the demo: make test ARGS="tests/unit -x".
# JOBS is the number of processes that run tests (0: one, in the foreground, as a debugger wants it); three keep two cores
# busy, because browsers, hubs and tokens are waited for.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
ARGS ?=
JOBS ?= 3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
PACKAGES := pyproject.toml $(wildcard plugins/*/pyproject.toml) constraints.txt
EDITABLE := $(foreach folder,. $(PLUGINS),--editable $(folder))
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COUNTERPARTS := tests/counterparts

.PHONY: help test social-suite check format demo docs hubs counterparts social-source parts constraints clean

help:
	@echo "make test          set up .venv and run the tests (ARGS=... goes to pytest)"
	@echo "make social-suite  python-social-auth's own tests of its backends, with hubauth's strategy and storage"
	@echo "make check         formatting, lint, types"
	@echo "make format        format and mend what can be mended"
	@echo "make demo          a JupyterHub with demo identity providers on http://127.0.0.1:8000 (ARGS='--port 8001': there)"
	@echo "make docs          write the generated reference pages again"
	@echo "make parts         what the tests use if it is there: further hub versions, node programs, tests of python-social-auth"
	@echo "make constraints   pin what .venv holds now"
	@echo "make clean         remove all that these commands have made"

# in the order of the folders, browsers and hubs first: a file of few tests that take long must not come last
test: $(VENV)/.ready
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

social-suite: $(VENV)/.ready
	$(PIP) install --constraint constraints.txt --group social-suite
	$(BIN)/python plugins/social/tests/upstream/run.py $(ARGS)

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: $(VENV)/.demo
	@$(BIN)/hubauth demo $(ARGS)

docs: $(VENV)/.ready
	$(BIN)/python docs/generate.py

parts: hubs counterparts social-source

hubs: $(VENV)/.ready
	$(BIN)/python tests/hub_venvs.py

counterparts: $(COUNTERPARTS)/node_modules/.ready

social-source: $(VENV)/.ready
	$(BIN)/python plugins/social/tests/upstream/run.py --fetch

constraints: $(VENV)/.ready
	{ echo "# Versions that the tests ran with; \`make constraints\` writes this file."; \
	  $(PIP) list --format=freeze --exclude-editable --exclude setuptools; } > constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf $(VENV) .venvs $(COUNTERPARTS)/node_modules .cache demo-data build dist
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hubauth needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV) || { echo "On Debian: apt-get install python3-venv"; exit 1; }
	touch $@

# dependency groups need pip 25.1, so pip comes first
$(VENV)/.ready: $(VENV)/.created $(PACKAGES)
	$(PIP) install --constraint constraints.txt pip
	$(PIP) install --constraint constraints.txt $(EDITABLE) --group test --group lint
	touch $@

$(VENV)/.demo: $(VENV)/.created $(PACKAGES)
	$(PIP) install --constraint constraints.txt pip
	$(PIP) install --constraint constraints.txt --editable '.[demo]' $(foreach folder,$(PLUGINS),--editable $(folder))
	touch $@

$(COUNTERPARTS)/node_modules/.ready: $(COUNTERPARTS)/package.json
	cd $(COUNTERPARTS) && npm install --no-progress
	touch $@
