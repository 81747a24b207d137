PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: run test slow record lint

run: .venv/.runtime
	$(BIN)/python -m pages.parts.serve

test: .venv/.dev
	$(BIN)/python -m pytest -q

slow: .venv/.dev
	$(BIN)/python -m pytest -q -m slow

lint: .venv/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# Compute the shipped runs under examples/ again, after the weights changed.
record: .venv/.runtime
	$(BIN)/python -m gammaface record

.venv/.runtime: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --upgrade-strategy only-if-needed -r requirements.txt
	touch $@

.venv/.dev: requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --upgrade-strategy only-if-needed -r requirements-dev.txt
	touch .venv/.runtime $@
