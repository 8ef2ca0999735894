# make run    install into .venv and train the default CNN on the built-in digits
# make test   install into .venv with the test extra and run the whole suite
# make lint   formatting, types, the import arrow, docstrings
# make develop  build the engine for work on the sources
# make bench  install what is compared, and time the engine beside it
# make bench-numpy  the NumPy backend beside the definition and a plain im2col

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BUILD  := build/meson
SOURCE := pyproject.toml meson.build meson.options VERSION $(shell find native src -type f -not -name '*.pyc')
PYTEST_OPTIONS ?=

BENCH_OPTIONS ?=

.PHONY: run test lint bench bench-numpy develop clean

run: $(VENV)/.run
	$(BIN)/cnnpy train digits

test: $(VENV)/.test
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

lint: $(VENV)/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/validate_docstrings.py

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/peak.py $(BENCH_OPTIONS)
	$(BIN)/python benchmarks/convolutions.py $(BENCH_OPTIONS)
	$(BIN)/python benchmarks/networks.py $(BENCH_OPTIONS)
	$(BIN)/python benchmarks/inference.py $(BENCH_OPTIONS)
	$(BIN)/python benchmarks/install.py --size $(BENCH_OPTIONS)

bench-numpy: $(VENV)/.run
	$(BIN)/python benchmarks/numpy_backend.py

# The sources as they stand, with the engine built beside them: PYTHONPATH=src python ...
develop: $(VENV)/.build-tools
	test -d build/dev || PATH="$(abspath $(BIN)):$$PATH" meson setup build/dev -Dbuildtype=release
	PATH="$(abspath $(BIN)):$$PATH" ninja -C build/dev
	ln -sf $(abspath build/dev/native)/_native*.so src/cnnpy/backends/native/

clean:
	rm -rf $(VENV) build

# One stamp an extra: installed again when a source or a requirement changes.
$(VENV)/.run: extra := cli
$(VENV)/.test: extra := test
$(VENV)/.lint: extra := lint
$(VENV)/.bench: extra := bench
$(VENV)/.run $(VENV)/.test $(VENV)/.lint $(VENV)/.bench: $(VENV)/.build-tools $(SOURCE)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pip install --quiet --no-build-isolation -Cbuild-dir=$(BUILD) ".[$(extra)]"
	touch $@

$(VENV)/.build-tools: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "meson-python>=0.17" "ninja>=1.11" "nanobind>=2.4"
	touch $@
