# The two commands that a newcomer types are `make demo` and `make test`.
#
#   make demo     install what the demonstration needs, and run it
#   make test     install everything, then lint, types and tests
#   make check    lint, types and formatting only
#   make format   rewrite the sources in the project's format
#   make fuzz     random programs, for a long time (FUZZ_EXAMPLES=20000)
#   make bench    the benchmarks (QUICK=1 in five minutes, CHECK=1 against the stored ratios, TORCH= without PyTorch)
#   make pages    write the pages of docs/ that show generated code, and what is said of mistakes
#   make clean    remove the virtual environment and everything built
#
# PYTHON chooses the interpreter, VENV the folder: make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
FUZZ_EXAMPLES ?= 20000
DEMO_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
QUICK ?=
CHECK ?=
# PyTorch for processors alone; what else goes by its name can bring gigabytes of CUDA along.
TORCH ?= torch==2.13.0+cpu

BIN := $(VENV)/bin
# A stamp newer than pyproject.toml says that its packages are there, so a second run starts at once.
READY := $(VENV)/.ready
DEMO_READY := $(VENV)/.ready-demo
TEST_READY := $(VENV)/.ready-test
BENCH_READY := $(VENV)/.ready-bench

PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test check format fuzz bench pages clean
.DELETE_ON_ERROR:

demo: $(DEMO_READY)
	@$(BIN)/autograph demo $(DEMO_ARGS)

test: check
	$(BIN)/python -m pytest -n $(JOBS) $(PYTEST_ARGS)

check: $(TEST_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(TEST_READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

fuzz: $(TEST_READY)
	AUTOGRAPH_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/python -m pytest -n $(JOBS) -m fuzz $(PYTEST_ARGS)

bench: $(BENCH_READY)
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(CHECK),--check) $(BENCH_ARGS)

pages: $(TEST_READY)
	$(BIN)/python docs/write_tensorflow_pages.py
	$(PIP) --editable '.[bench]'
	$(BIN)/python docs/write_errors_page.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis autograph-demo
	find $(wildcard src tests benchmarks examples) -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment outlives changes of pyproject.toml; only what is installed into it is brought up to date.
$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "AutoGraph needs Python 3.11 or newer, and %s is %s; name another with make PYTHON=..." % (sys.executable, sys.version.split()[0]))'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(DEMO_READY): pyproject.toml $(READY)
	@echo "Installing AutoGraph, JAX and the demonstration's packages into $(VENV) (once) ..."
	$(PIP) --editable '.[jax,demo]'
	@$(BIN)/python -m compileall -q src
	@touch $@

$(TEST_READY): pyproject.toml $(READY)
	@echo "Installing AutoGraph with everything that its tests need into $(VENV) (once) ..."
	$(PIP) --editable '.[dev]'
	@$(BIN)/python -m compileall -q src
	@touch $@ $(DEMO_READY)

$(BENCH_READY): pyproject.toml $(TEST_READY)
	@echo "Installing the peers that the benchmarks compare with into $(VENV) (once) ..."
	$(PIP) --editable '.[dev,bench]'
	@$(if $(TORCH),$(PIP) '$(TORCH)' || echo "There is no $(TORCH) here: the comparison names PyTorch as missing.")
	@touch $@
