# Registre CQC — `make` lists what there is. A fresh machine needs `make run` or `make test`, nothing before it.
.DEFAULT_GOAL := help
PYTHON ?= python3
JOBS ?= $(shell nproc)
BIN := .venv/bin

# A program that the tests start again need not be compiled again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/run.stamp: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: install
install: .venv/run.stamp ## Create the environment in .venv from the lock file

.PHONY: run
run: install ## Serve web and worker on http://127.0.0.1:8080 with demonstration data
	@exec $(BIN)/python run.py

.PHONY: test
test: .venv/dev.stamp ## Run every test; says which parts of the machine were left out
	@$(BIN)/python tests/prepare.py
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder --ignore=tests/e2e --ignore=tests/faults $(ARGS)
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder tests/e2e tests/faults $(ARGS)

.PHONY: check
check: .venv/dev.stamp ## Lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: .venv/dev.stamp ## Put the code in its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv-bench/run.stamp: requirements-bench.lock
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

.PHONY: bench
bench: .venv/dev.stamp .venv-bench/run.stamp ## Run the benchmarks: ratios side by side, in one run (ARGS=--quick: a trial)
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: deadline
deadline: .venv/dev.stamp ## Run a deadline's day, base, queue and workers killed under it (FACTOR=1: all of its eight hours)
	nice -n 5 $(BIN)/python -m benchmarks.deadline --factor $(or $(FACTOR),0.03) --report docs/DEADLINE.md $(ARGS)

.PHONY: bench-lock
bench-lock: .venv/dev.stamp ## Write the lock file of the libraries we are measured against anew, without the product's own
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")' | $(BIN)/pip-compile -q --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --generate-hashes --strip-extras -o requirements-bench.lock -

.PHONY: papers
papers: .venv/dev.stamp ## Judge a thousand documents of every kind by the validators of PDF/A and PDF/UA
	PAPERS=1000 $(BIN)/python -m pytest -q -n $(JOBS) tests/paper/test_every_paper.py $(ARGS)

.PHONY: upgrade-drill
upgrade-drill: .venv/dev.stamp ## Follow « exploitation » on this machine, 20,000 requests sent while the version before is upgraded
	UPGRADE_REQUESTS=20000 $(BIN)/python -m pytest -q -s tests/upgrading/test_exploitation.py $(ARGS)

.PHONY: faults
faults: .venv/dev.stamp ## Live every fault at every door: singles, pairs, 2,000 random schedules (FAULT_SEED=…: one again)
	FAULTS=all $(BIN)/python -m pytest -q tests/faults/test_schedules.py $(ARGS)

.PHONY: calls
calls: .venv/dev.stamp ## Send a thousand calls of every kind made from the API's document
	CALLS=1000 $(BIN)/python -m pytest -q -n $(JOBS) tests/api/test_document_driven.py $(ARGS)

.PHONY: screenshots
screenshots: .venv/dev.stamp ## Take the README's screenshots from the real program
	$(BIN)/python -m tests.e2e.screenshots

.PHONY: rooms
rooms: .venv/dev.stamp ## Draw the map of the rooms from the import contracts
	$(BIN)/python docs/rooms.py

.PHONY: lock
lock: .venv/dev.stamp ## Write both lock files anew from pyproject.toml
	$(BIN)/pip-compile -q --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --generate-hashes --strip-extras -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --generate-hashes --strip-extras --extra dev --allow-unsafe -c requirements.lock -o requirements-dev.lock pyproject.toml

.PHONY: clean
clean: ## Remove the environment and the caches (the data stays)
	rm -rf .venv .venv-bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
