# `make` alone lists the commands.
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DOCKER_CONFIG := $(CURDIR)/.lab/docker-config

# Some machines set it. Half of ansible-core's start is compiling what was not kept.
unexport PYTHONDONTWRITEBYTECODE

LAB := .venv/bin/python -m lab
LOCAL := inventories/local
PYTHON_SOURCES := .ci bin/scan lab plugins tests molecule benchmarks docs

.PHONY: help setup setup-full install services dev cloud-dev local stop clean lint secrets audit report bench flamegraph \
        test lane-code lane-hosts check-setup check-secrets check-lint check-unit check-simulation check-frontend check-backend \
        check-images check-hosts check-molecule check-image-edge check-stories \
        test-all test-unit test-simulation test-backend test-frontend test-image test-dev test-local test-molecule test-fleet

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv from the locked requirements
	@bin/setup

setup-full:
	@bin/setup --full

install: ## Install all that developing needs (as root on Debian: also by apt-get)
	@bin/setup --test --apt
	@frontend/check.sh --install

services: ## Start PostgreSQL and Redis of `local` alone
	@bin/setup --apt
	@$(LAB) services $(LOCAL)

dev: install ## Run API, worker and pages with reload on those services, in one terminal
	@$(LAB) services --if-down $(LOCAL)
	@bin/dev .lab/local/services.env

cloud-dev: install ## The same on managed services: their URLs stand in backend/.env
	@bin/dev backend/.env

local: ## Boot three hosts on this machine and deploy Delight to them
	@bin/setup --apt
	@$(LAB) local $(LOCAL)

stop: setup ## Stop all hosts, of `local` and of the tests, and keep their data
	@$(LAB) stop

clean: ## Remove the hosts of `local` and of the tests with their data, the images and all else that was made
	@bin/clean

lint: setup ## Check style and types
	black --check --quiet $(wildcard $(PYTHON_SOURCES))
	ruff check --quiet .
	mypy $(wildcard lab plugins tests docs benchmarks) .ci/report.py .ci/outcome.py bin/scan
	yamllint --strict .
	ansible-lint --offline -q
	check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	check-jsonschema -q --builtin-schema vendor.dependabot .github/dependabot.yml
	zizmor --offline --quiet --no-progress .github

# Steps that share no hosts stand in two lanes, side by side on two cores; what is measured under
# load, the stories, runs alone. A step that fails does not keep the others from being run.
STEPS = env MAKEFLAGS= $(MAKE) --no-print-directory --keep-going

test: ## Run everything that CI runs, in minutes
	@bin/step --begin
	@$(STEPS) check-setup
	@$(MAKE) --no-print-directory --jobs=2 lane-code lane-hosts
	-@$(STEPS) check-stories
	-@$(STEPS) report > /dev/null
	@bin/step --table

# The shorter one, so that it has the steps of the pages and of all commits too.
lane-code:
	-@$(STEPS) check-lint check-unit check-backend check-secrets check-frontend

lane-hosts:
	-@$(STEPS) check-images check-hosts check-simulation check-molecule check-image-edge

secrets: setup ## Edit the secrets of an environment: make secrets ENV=staging
	@bin/secrets "$(ENV)"

audit: setup-full ## Look up known vulnerabilities of all locked packages; fails where no source can be reached
	@backend/.venv/bin/python backend/audit.py --strict backend/requirements-dev.txt requirements/dev.txt; \
		python=$$?; frontend/check.sh --audit && exit $$python

report: ## Write what the checks found, as Markdown, to .cache/checks/report.md
	@python3 .ci/report.py

# One target a step: CI runs these very ones, as jobs.
check-setup: ; @bin/step setup bin/setup --test --apt
check-secrets: ; @bin/step --grouped secrets .venv/bin/python bin/scan --history
check-lint: ; @bin/step --grouped lint $(MAKE) --no-print-directory lint
check-unit: ; @bin/step --grouped unit $(MAKE) --no-print-directory test-unit
check-simulation: ; @bin/step --grouped simulation pytest -q tests/simulation
check-frontend: ; @bin/step --grouped frontend frontend/check.sh --gate
check-backend: ; @bin/step --grouped backend backend/check.sh --gate --cov-report=xml:../.cache/checks/coverage.xml
check-images: ; @bin/step --grouped images $(LAB) images
check-hosts: ; @bin/step --grouped hosts .venv/bin/python -m tests.fleet.support.setup
check-molecule: ; @bin/step --grouped molecule molecule test
check-image-edge: ; @bin/step --grouped image-edge pytest -q -m 'not full' tests/image tests/edge
check-stories: ; @bin/step stories pytest -q tests/fleet/core

test-all: ## Run every test there is: each role by itself, long stories, the audit; half an hour
	@bin/step --begin
	@bin/step setup bin/setup --full --apt
	-@bin/step secrets .venv/bin/python bin/scan --history
	-@bin/step lint $(MAKE) --no-print-directory lint
	-@bin/step unit $(MAKE) --no-print-directory test-unit
	-@bin/step simulation env SIMULATE_ALL=1 $(MAKE) --no-print-directory test-simulation
	-@bin/step frontend $(MAKE) --no-print-directory test-frontend
	-@bin/step backend $(MAKE) --no-print-directory test-backend
	-@bin/step image-edge $(MAKE) --no-print-directory test-image
	-@bin/step dev $(MAKE) --no-print-directory test-dev
	-@STEP_SECONDS=1800 bin/step local $(MAKE) --no-print-directory test-local
	-@STEP_SECONDS=2400 bin/step molecule $(MAKE) --no-print-directory test-molecule
	-@STEP_SECONDS=3600 bin/step stories $(MAKE) --no-print-directory test-fleet
	@bin/step --table

# Narrowing: `make test-fleet K=rollback`, `make test-unit K=schema`; K is pytest's -k.
K ?=
MATCHING = $(if $(K),-k '$(K)')

test-unit: setup ## The fast part: pure functions and golden renderings, no Docker
	pytest -q $(MATCHING) tests/unit tests/render

test-simulation: setup ## The fleet without hosts: a run broken at each of its boundaries
	pytest -q $(MATCHING) tests/simulation

test-backend: setup-full ## The backend's own checks, against real PostgreSQL and Redis
	backend/check.sh $(MATCHING)

test-frontend: setup ## The pages' own checks, and all of them in a browser
	frontend/check.sh
	frontend/check.sh --e2e

test-image: setup ## Build and push to a real registry; the edge as the binary that hosts run
	@$(LAB) images
	pytest -q $(MATCHING) tests/image tests/edge

test-dev: setup ## `make services`, and the servers of `make dev`: they start, answer and reload
	pytest -q $(MATCHING) tests/dev

test-local: setup ## `make local`, what the pages have their reader type, and the workflow that deploys
	pytest -q $(MATCHING) tests/local

test-molecule: setup ## Each role on a real host, and all together: converge, idempotence, verify
	@$(LAB) images
	molecule test $(if $(K),-s $(K),--all)

test-fleet: setup ## Stories of deploys on two real hosts under load, short and long
	@$(LAB) images
	pytest -q $(MATCHING) tests/fleet

bench: setup ## Measure deploys, rollbacks and what they cost beside the bare engine
	@$(LAB) images
	.venv/bin/python -m benchmarks
	.venv/bin/python -m benchmarks.many

flamegraph: setup ## Where the controller's side of a deploy spends its time: .cache/flamegraph.svg
	@$(LAB) images
	.venv/bin/python -m benchmarks.flame
