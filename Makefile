# `make` alone lists the commands.
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DOCKER_CONFIG := $(CURDIR)/.lab/docker-config

LAB := .venv/bin/python -m lab
LOCAL := inventories/local
PYTHON_SOURCES := lab plugins tests molecule benchmarks docs

.PHONY: help setup setup-test local stop clean lint test test-unit test-backend test-image \
        test-molecule test-fleet bench

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv from the locked requirements
	@bin/setup

setup-test:
	@bin/setup --test

local: ## Boot three hosts on this machine and deploy Delight to them
	@bin/setup --apt
	@$(LAB) local $(LOCAL)

stop: setup ## Stop the hosts of `local` and keep their data
	@$(LAB) stop $(LOCAL)

clean: ## Remove the hosts of `local` with their data, the images and all else that was made
	@if [ -x .venv/bin/python ]; then $(LAB) clean $(LOCAL) && $(LAB) purge; fi
	rm -rf .venv backend/.venv .cache .ansible .mypy_cache .pytest_cache .ruff_cache
	@rmdir .vault 2> /dev/null || true
	find . -name __pycache__ -prune -exec rm -rf {} +

lint: setup ## Check style and types
	black --check --quiet $(wildcard $(PYTHON_SOURCES))
	ruff check --quiet .
	mypy $(wildcard lab plugins tests docs benchmarks)
	yamllint --strict .
	ansible-lint --offline -q

test: setup-test ## Run everything that CI runs
	@bin/timed lint $(MAKE) --no-print-directory lint
	@bin/timed test-unit $(MAKE) --no-print-directory test-unit
	@bin/timed test-backend $(MAKE) --no-print-directory test-backend
	@bin/timed test-image $(MAKE) --no-print-directory test-image
	@bin/timed test-molecule $(MAKE) --no-print-directory test-molecule
	@bin/timed test-fleet $(MAKE) --no-print-directory test-fleet

test-unit: setup ## The fast part: pure functions and golden renderings, no Docker
	pytest -q tests/unit tests/render

test-backend: setup-test ## The backend's own checks, against real PostgreSQL and Redis
	backend/check.sh

test-image: setup ## Build and push to a real registry; the edge as the binary that hosts run
	@$(LAB) images
	pytest -q tests/image tests/edge

test-molecule: setup ## Each role on a real host: converge, idempotence, verify
	@$(LAB) images
	molecule test --all

test-fleet: setup ## Stories of deploys on two real hosts under load
	@$(LAB) images
	pytest -q tests/fleet

bench: setup ## Measure deploys, rollbacks and what they cost beside the bare engine
	@$(LAB) images
	.venv/bin/python -m benchmarks
