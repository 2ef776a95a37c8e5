# Every command a person needs; each sets up what it uses. `make` alone lists them.
# The first run installs into .venv (about a minute), later runs start at once.

PYTHON ?= python3
# NUMPY=lowest runs everything with the oldest NumPy that the pages promise to work with.
NUMPY ?= newest
SUFFIX := $(if $(filter lowest,$(NUMPY)),-lowest)
VENV ?= .venv$(SUFFIX)
READER ?= .venv-reader$(SUFFIX)
PY = $(VENV)/bin/python
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
export READER_PYTHON = $(abspath $(READER)/bin/python)
export PIP_NO_INPUT = 1

.DEFAULT_GOAL := help
.PHONY: help serve test site nightly update bench experiments parity lock clean browser-parts workflow-parts

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

serve: $(VENV)/.ready $(READER)/.ready browser-parts ## show the site on http://127.0.0.1:8000/, reload on change
	@$(PY) -m sitekit serve

test: $(VENV)/.ready $(READER)/.ready browser-parts workflow-parts ## run everything that fits ten minutes
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m pytest -n auto --no-loadscope-reorder

site: $(VENV)/.ready $(READER)/.ready browser-parts ## build the site into site/; fails if anything is unproven
	@$(PY) -m sitekit build

nightly: test bench .venv-parity/.ready ## run everything, the slow checks too
	$(PY) -m sitekit experiments --fresh
	$(PY) -m sitekit parity
	$(PY) -m tests.frameworks
	$(PY) -m pytest -n auto --no-loadscope-reorder tests/nightly

update: $(VENV)/.ready $(READER)/.ready ## rewrite shown outputs; review the difference
	$(PY) -m pytest -q docs README.md --update-outputs
	@git --no-pager diff --stat -- docs README.md

bench: $(VENV)/.ready $(READER)/.ready browser-parts ## measure speed, printed as ratios
	$(PY) benchmarks/build_time.py
	$(PY) benchmarks/edit_time.py
	$(PY) benchmarks/step_cost.py
	@$(PY) -m sitekit build .artifacts/bench && $(PY) benchmarks/first_run.py .artifacts/bench
	$(PY) benchmarks/search_time.py .artifacts/bench

experiments: $(VENV)/.ready ## run the experiments in full, on all cores; goes on where it was stopped
	@$(PY) -m sitekit experiments $(NAMES)

parity: $(VENV)/.ready $(READER)/.ready .venv-parity/.ready ## run the needs= blocks and the matrix where their packages are
	@$(PY) -m sitekit parity
	@$(PY) -m tests.implementations --store
	@$(PY) -m tests.frameworks

lock: ## regenerate requirements/ and package-lock.json
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	mkdir -p requirements
	for group in all reader workflows parity; do .cache/lock/bin/uv pip compile --quiet --universal --python-version 3.11 $(LOCK) --group $$group -o requirements/$$group.txt || exit 1; done
	.cache/lock/bin/uv pip compile --quiet --python-version 3.11 $(LOCK) --group lowest -o requirements/lowest.txt
	npm install --package-lock-only --ignore-scripts --no-audit --no-fund
LOCK = --upgrade --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml

clean: ## delete everything that was generated or installed here
	rm -rf .venv .venv-* .cache .artifacts site node_modules

# ---- set-up --------------------------------------------------------------------------------------

$(VENV)/.ready: requirements/all.txt $(if $(SUFFIX),requirements/lowest.txt)
	@$(call make_venv,$(VENV))
	@echo "installing the packages of requirements/all.txt, about a minute ..."
	@$(PY) $(PIP_INSTALL) -r requirements/all.txt || { $(no_packages); }
	@$(if $(SUFFIX),$(PY) $(PIP_INSTALL) -r requirements/lowest.txt || { $(no_packages); })
	@touch $@

$(READER)/.ready: requirements/$(if $(SUFFIX),lowest,reader).txt
	@$(call make_venv,$(READER))
	@echo "installing NumPy and Matplotlib alone, as a reader has them ..."
	@$(READER)/bin/python $(PIP_INSTALL) -r $< || { $(no_packages); }
	@touch $@

.venv-parity/.ready: requirements/parity.txt requirements/parity-torch.txt requirements/parity-vision.txt
	@$(call make_venv,.venv-parity)
	@echo "installing PyTorch, Keras, Flax and JAX for the CPU, some minutes ..."
	@.venv-parity/bin/python $(PIP_INSTALL) -r requirements/parity.txt || { $(no_packages); }
	@.venv-parity/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/parity-torch.txt || { $(no_packages); }
	@.venv-parity/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/parity-vision.txt || { $(no_packages); }
	@cp requirements/torchvision_without_operators.pth .venv-parity/lib/python3.*/site-packages/
	@touch $@

browser-parts: # Python for the page, and the accessibility rules
	@if ! command -v npm >/dev/null; then \
	  echo "npm is missing: no Run buttons, no accessibility checks (install Node.js, or ignore this)"; \
	elif [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then \
	  npm ci --ignore-scripts --no-audit --no-fund || echo "npm could not install: no Run buttons, no accessibility checks"; \
	fi

workflow-parts: requirements/workflows.txt # linters of the workflows; tests say so when they are missing
	@if [ ! -e .venv-workflows/.ready ] || [ $< -nt .venv-workflows/.ready ]; then \
	  { $(call make_venv,.venv-workflows); } && \
	  .venv-workflows/bin/python $(PIP_INSTALL) -r $< && touch .venv-workflows/.ready || \
	  echo "the linters could not be installed on this machine: the workflows are not checked"; \
	fi

define make_venv
command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer" >&2; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed; name one with make PYTHON=python3.12 ..." >&2; exit 1; }; \
rm -rf $(1); \
$(PYTHON) -m venv $(1) || { rm -rf $(1); echo "no virtual environment could be made (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
endef
no_packages = echo "the packages could not be installed: see above; without a network connection this cannot work the first time" >&2; exit 1
