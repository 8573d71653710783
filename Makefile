# Every target says what it does. `make demo` and `make test` need Python 3.11 or newer, pip and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# On Linux, https://download.pytorch.org/whl/cpu here takes PyTorch's CPU build (see README).
TORCH_INDEX ?=
OUT    ?= demo
# Processes that run the tests, each a file at a time.
JOBS   ?= 2
# Sections and options of `make bench-log`, see benchmarks/README.md.
BENCH_LOG ?=
# The same of `make bench-training`.
BENCH_TRAINING ?=
# The same of `make bench-measures`.
BENCH_MEASURES ?=
# The same of `make bench-report`.
BENCH_REPORT ?=
# The same of `make bench-scale`.
BENCH_SCALE ?=
# Where `make bench-order` keeps its logs, and its table as order_cost.md.
BENCH_ORDER ?= runs/order_cost
# Where `make bench-labels` keeps its networks; run again, it goes on.
BENCH_LABELS ?= runs/labels
# Which of two rules it tests.
BENCH_LABELS_TRIAL ?= second

.PHONY: help setup demo test test-long test-faults check fmt bench bench-log bench-measures bench-report bench-training bench-order bench-labels bench-scale claims example clean

help:           ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(BIN)/.installed  ## create the virtual environment and install everything, pinned

$(BIN)/.installed: pyproject.toml constraints.txt
	@echo "== setup: a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "learnorder needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV)
	@echo "== setup: installing the pinned packages (PyTorch is the largest, some minutes)"
	@$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch --index-url $(TORCH_INDEX))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup     ## train two architectures on digits, compare them, write a report (OUT=demo)
	@echo "== demo: the whole walk on scikit-learn's digits into $(OUT)/"
	@$(BIN)/learnorder demo --out $(OUT)

test: setup     ## the whole test suite, by two processes (JOBS=2)
	@echo "== test: pytest (datasets in LEARNORDER_DATA=$(LEARNORDER_DATA))"
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile

test-long: setup  ## the tests of the benchmarks of training too
	@LEARNORDER_LONG=1 $(BIN)/python -m pytest -q tests/test_benchmarks_of_training.py tests/test_order_cost.py

test-faults: setup  ## the whole fault campaign: kills, failing disks, damage; ends with a table
	@echo "== test-faults: about 25 minutes on two free cores (\`make test\` has its quick form)"
	@LEARNORDER_FAULTS=long OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/faults tests/collection/test_ray.py tests/collection/test_slurm.py

check: setup    ## ruff, format, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

fmt: setup      ## mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup    ## time the measures in memory; medians and spread
	@$(BIN)/python -m pytest benchmarks -q --benchmark-enable --benchmark-only --benchmark-columns=min,median,max,iqr,rounds

bench-log: setup  ## time the log at ImageNet size against plain zarr/xarray (BENCH_LOG=--write keeps it)
	@$(BIN)/python -m benchmarks.log_at_scale $(BENCH_LOG)

bench-measures: setup  ## coverage of the intervals, and measures against plain numpy (BENCH_MEASURES="coverage --write")
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.measuring $(BENCH_MEASURES)

bench-report: setup  ## time, memory and size of the report, and its first paint (BENCH_REPORT=--write keeps it)
	@$(BIN)/python -m benchmarks.reporting $(BENCH_REPORT)

bench-training: setup  ## time the training engine against an ordinary PyTorch loop (BENCH_TRAINING="w1 --write")
	@$(BIN)/python -m benchmarks.training_speed $(BENCH_TRAINING)

bench-order: setup  ## what an order costs, on seeds the rule was not found on (about 20 minutes, kept in BENCH_ORDER)
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.order_cost --scratch $(BENCH_ORDER)

bench-labels: setup  ## planted label errors: who finds them (an hour, networks kept in BENCH_LABELS; BENCH_LABELS_TRIAL=first: two)
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.labels all --trial $(BENCH_LABELS_TRIAL) --scratch $(BENCH_LABELS) --write

bench-scale: setup  ## overhead of Ray and SLURM against the local pool, and 10,000 simulated replicates (BENCH_SCALE=--write)
	@$(BIN)/python -m benchmarks.scaling $(BENCH_SCALE)

claims: setup   ## pages and figures of the claims from docs/claims/results
	@$(BIN)/python -m learnorder.claims.pages docs/claims

example: setup  ## run examples/01_end_to_end.py
	@cd examples && ../$(BIN)/python 01_end_to_end.py

clean:          ## remove what demo and tests leave behind
	@rm -rf $(OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis
