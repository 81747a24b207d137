PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: run test browser slow record lint

run: .venv/.runtime
	$(BIN)/python -m pages.parts.serve

# One thread a worker: the tests' networks are tiny, and threads would only wait for each other.
test: .venv/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n logical --maxprocesses 4 --dist loadfile

# The long ways through the dashboard, in a real browser: minutes.
browser: .venv/.dev
	$(BIN)/python -m pytest -q -m slow tests/app

slow: .venv/.dev
	$(BIN)/python -m pytest -q -m slow

lint: .venv/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/bandit -q -c pyproject.toml -r gammaface pages app.py

# Compute the shipped runs under examples/ again, after the weights changed. Some look at labelled
# real faces: make record REAL="utkface=PATH celeba=PATH@left,top,right,bottom". One run alone, also
# without faces where it needs none: make record RUN=first-light.
record: .venv/.runtime
	$(BIN)/python -m gammaface record $(RUN) $(foreach each,$(REAL),--real $(each))

.venv/.runtime: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --upgrade-strategy only-if-needed -r requirements.txt
	touch $@

.venv/.dev: requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --upgrade-strategy only-if-needed -r requirements-dev.txt
	touch .venv/.runtime $@
