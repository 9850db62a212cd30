# Each verb sets up what it needs, and only that. The second call finds it there.

PYTHON ?= python3
VENV ?= .venv
# Processes of the tests. Half of their time they wait for servers, so that three keep two cores busy.
JOBS ?= 3
ARGS ?=
SECONDS ?= 60

BIN := $(VENV)/bin
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
PIP := $(BIN)/python -m pip --quiet --no-input --disable-pip-version-check
INSTALL := $(PIP) install --require-hashes
# The tests start interpreters by the hundred, which compile everything anew where nothing may be kept compiled. Halves of
# the tests stay together, so that servers start once; who is done first takes over from the other.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
# The lock file has every dependency already, so nothing is looked up.
INSTALL_POSTROAD := $(PIP) install --no-deps --no-build-isolation --no-index

.PHONY: help demo test check bench soak fuzz wheel requirements clean

help:
	@echo 'make demo          send mail on this machine and watch it arrive (ARGS=--once ends by itself)'
	@echo 'make test          run the tests                   (ARGS="-k pattern", JOBS=1 for one process)'
	@echo 'make check         lint, format, types, layers'
	@echo 'make bench         measure beside the peers        (ARGS: names of rows)'
	@echo 'make soak          ten thousand messages to a bad server, many killed workers (POSTROAD_SOAK_MESSAGES, POSTROAD_KILL_ROUNDS)'
	@echo 'make fuzz          mutated input for SECONDS=60 a kind, then property tests (POSTROAD_FUZZ_EXAMPLES=5000 each)'
	@echo 'make wheel         build the wheel, install it into an environment of its own, import it'
	@echo 'make requirements  pin the dependencies anew       (ARGS=--upgrade for newer releases)'
	@echo 'make clean         remove what these verbs made'
	@echo
	@echo 'PYTHON=python3.13 chooses the Python (3.11 or newer), VENV=folder the environment.'

demo: $(RUN)
	@$(BIN)/postroad demo $(ARGS)

test: $(DEV)
	$(PYTEST) -n $(JOBS) --dist worksteal $(ARGS)

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV)
	@$(BIN)/python -m benchmarks $(ARGS)

soak: export POSTROAD_SOAK_MESSAGES ?= 10000
soak: export POSTROAD_KILL_ROUNDS ?= 500
soak: $(DEV)
	$(BIN)/python -m pytest -s -o faulthandler_timeout=14400 tests/soak tests/outbox/test_crash.py $(ARGS)

# SECONDS is for each kind of mutated input; the property tests end after so many examples.
fuzz: export POSTROAD_FUZZ_SECONDS = $(SECONDS)
fuzz: $(DEV)
	$(BIN)/python -m pytest -n $(JOBS) -o faulthandler_timeout=$$(($(SECONDS) + 600)) tests/fuzz $(ARGS)
	$(BIN)/python -m pytest -n $(JOBS) -m hypothesis --hypothesis-profile=fuzz -o faulthandler_timeout=3600 $(ARGS)

wheel: $(RUN)
	rm -rf build/wheel dist
	$(BIN)/python -m hatchling build --target wheel
	$(BIN)/python -m venv build/wheel
	build/wheel/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/run.txt
	build/wheel/bin/python -m pip --quiet --disable-pip-version-check install --no-deps --no-index dist/*.whl
	cd build && wheel/bin/postroad version

# The oldest Python asks for the most: what newer ones have built in is pinned for it.
requirements: requirements/lock.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo 'The pins are made with the oldest supported Python: make requirements PYTHON=python3.11' >&2; exit 1; }
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/lock.txt
	requirements/refresh build/lock/bin/pip-compile $(ARGS)

clean:
	rm -rf $(VENV) build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || \
		{ echo '$(PYTHON) is not installed. Name a Python 3.11 or newer: make PYTHON=python3.13 …' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "postroad needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
			'Name another: make PYTHON=python3.13 …' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || \
		{ echo '$(PYTHON) cannot make environments: its venv module is missing (Debian: apt install python3-venv).' >&2; \
			exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

$(RUN): $(BIN)/python requirements/build.txt requirements/run.txt pyproject.toml
	$(INSTALL) -r requirements/build.txt -r requirements/run.txt
	$(INSTALL_POSTROAD) --editable .
	@touch $@

$(DEV): $(RUN) requirements/dev.txt
	$(INSTALL) -r requirements/dev.txt
	@touch $@
