# `make` alone lists the commands.
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DOCKER_CONFIG := $(CURDIR)/.lab/docker-config

# Some machines set it. Half of ansible-core's start is compiling what was not kept.
unexport PYTHONDONTWRITEBYTECODE

LAB := .venv/bin/python -m lab
LOCAL := inventories/local
PYTHON_SOURCES := lab plugins tests molecule benchmarks docs

.PHONY: help setup setup-full local stop clean lint test lane-code lane-hosts test-all test-unit \
        test-backend test-frontend test-image test-molecule test-fleet bench

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv from the locked requirements
	@bin/setup

setup-full:
	@bin/setup --full

local: ## Boot three hosts on this machine and deploy Delight to them
	@bin/setup --apt
	@$(LAB) local $(LOCAL)

stop: setup ## Stop the hosts of `local` and keep their data
	@$(LAB) stop $(LOCAL)

clean: ## Remove the hosts of `local` with their data, the images and all else that was made
	@if [ -x .venv/bin/python ]; then $(LAB) clean $(LOCAL) && $(LAB) purge; fi
	rm -rf .venv backend/.venv frontend/node_modules frontend/.next frontend/coverage .cache .ansible .mypy_cache .pytest_cache .ruff_cache
	@rmdir .vault 2> /dev/null || true
	find . -name __pycache__ -prune -exec rm -rf {} +

lint: setup ## Check style and types
	black --check --quiet $(wildcard $(PYTHON_SOURCES))
	ruff check --quiet .
	mypy $(wildcard lab plugins tests docs benchmarks)
	yamllint --strict .
	ansible-lint --offline -q

# Steps that share no hosts stand in two lanes, side by side on two cores; what is measured under
# load, the stories, runs alone. A step that fails does not keep the others from being run.
test: ## Run everything that CI runs, in minutes
	@bin/step --begin
	@bin/step setup bin/setup --test --apt
	@$(MAKE) --no-print-directory --jobs=2 lane-code lane-hosts
	-@bin/step stories pytest -q tests/fleet/core
	@bin/step --table

lane-code:
	-@bin/step --grouped lint $(MAKE) --no-print-directory lint
	-@bin/step --grouped unit $(MAKE) --no-print-directory test-unit
	-@bin/step --grouped frontend frontend/check.sh --gate
	-@bin/step --grouped backend backend/check.sh --gate

lane-hosts:
	-@bin/step --grouped images $(LAB) images
	-@bin/step --grouped hosts .venv/bin/python -m tests.fleet.support.setup
	-@bin/step --grouped molecule molecule test
	-@bin/step --grouped image-edge pytest -q -m 'not full' tests/image tests/edge

test-all: ## Run every test there is: each role by itself, long stories, the audit; about 40 minutes
	@bin/step --begin
	@bin/step setup bin/setup --full --apt
	-@bin/step lint $(MAKE) --no-print-directory lint
	-@bin/step unit $(MAKE) --no-print-directory test-unit
	-@bin/step frontend $(MAKE) --no-print-directory test-frontend
	-@bin/step backend $(MAKE) --no-print-directory test-backend
	-@bin/step image-edge $(MAKE) --no-print-directory test-image
	-@STEP_SECONDS=2400 bin/step molecule $(MAKE) --no-print-directory test-molecule
	-@STEP_SECONDS=3600 bin/step stories $(MAKE) --no-print-directory test-fleet
	@bin/step --table

# Narrowing: `make test-fleet K=rollback`, `make test-unit K=schema`; K is pytest's -k.
K ?=
MATCHING = $(if $(K),-k '$(K)')

test-unit: setup ## The fast part: pure functions and golden renderings, no Docker
	pytest -q $(MATCHING) tests/unit tests/render

test-backend: setup-full ## The backend's own checks, against real PostgreSQL and Redis
	backend/check.sh $(MATCHING)

test-frontend: setup ## The pages' own checks, and all of them in a browser
	frontend/check.sh
	frontend/check.sh --e2e

test-image: setup ## Build and push to a real registry; the edge as the binary that hosts run
	@$(LAB) images
	pytest -q $(MATCHING) tests/image tests/edge

test-molecule: setup ## Each role on a real host, and all together: converge, idempotence, verify
	@$(LAB) images
	molecule test $(if $(K),-s $(K),--all)

test-fleet: setup ## Stories of deploys on two real hosts under load, short and long
	@$(LAB) images
	pytest -q $(MATCHING) tests/fleet

bench: setup ## Measure deploys, rollbacks and what they cost beside the bare engine
	@$(LAB) images
	.venv/bin/python -m benchmarks
