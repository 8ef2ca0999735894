# make run    install into .venv and train the default CNN on the built-in digits
# make test   install into .venv with the test extra and run the whole suite
# make test-levels  the tests that reach the kernels, at the levels that the widest hides
# make lint   formatting, types, the import arrow, docstrings
# make develop  build the engine for work on the sources
# make neon   the kernels of aarch64 against loops and against x86's, under qemu-user
# make sanitize  the engine under the sanitizers of addresses, undefined behaviour, threads
# make fuzz   a hundred thousand damaged files through every reader
# make bench  install what is compared, and time the engine beside it
# make bench-numpy  the NumPy backend beside the definition and a plain im2col

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BUILD  := build/meson
WITH_TOOLS := PATH="$(abspath $(BIN)):$$PATH"
SOURCE := pyproject.toml meson.build meson.options VERSION $(shell find native src -type f -not -name '*.pyc')
PYTEST_OPTIONS ?=
# A process a processor, and each takes one file of tests after the other; in the order of the
# folders, since with the files of most tests first, as pytest-xdist has it, a few slow tests are
# left to one process at the end. PYTEST_OPTIONS="-n 0" runs all in one.
SHARED_OUT := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
BENCH_OPTIONS ?=

.PHONY: run test test-levels lint fuzz bench bench-numpy develop neon sanitize clean

run: $(VENV)/.run
	$(BIN)/cnnpy train digits

test: $(VENV)/.test
	$(BIN)/python -m pytest $(SHARED_OUT) $(PYTEST_OPTIONS)

# Every level below the widest that this machine has: dispatch takes that one by itself.
NARROWER := from cnnpy.backends.native import engine; \
	print(*[level for level, here in engine.isa_levels().items() if here][1:])

test-levels: $(VENV)/.test
	set -e; levels=$$($(BIN)/python -c "$(NARROWER)"); for level in $$levels; do \
		echo "CNNPY_ISA=$$level"; \
		CNNPY_ISA=$$level $(BIN)/python -m pytest $(SHARED_OUT) $(PYTEST_OPTIONS) \
			tests/conformance tests/nn; \
	done

lint: $(VENV)/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/validate_docstrings.py

fuzz: $(VENV)/.test
	$(BIN)/python -m pytest tests/fuzz --profile slow

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
	test -d build/dev || $(WITH_TOOLS) meson setup build/dev -Dbuildtype=release
	$(WITH_TOOLS) ninja -C build/dev
	ln -sf $(abspath build/dev/native)/_native*.so src/cnnpy/backends/native/

# Of x86 the baseline level computes what neon's results are held against. Needs
# g++-aarch64-linux-gnu and qemu-user; the log is build/neon/levels.log.
neon: $(VENV)/.build-tools
	test -d build/tests || $(WITH_TOOLS) meson setup build/tests -Dbuildtype=release -Dnative_tests=true
	test -d build/neon || $(WITH_TOOLS) meson setup build/neon -Dbuildtype=release -Dnative_tests=true \
		--cross-file native/cross/aarch64-linux-gnu.ini
	$(WITH_TOOLS) ninja -C build/tests native/tests/levels
	$(WITH_TOOLS) ninja -C build/neon native/tests/levels
	build/tests/native/tests/levels --level baseline --write build/neon/baseline.bin > build/neon/levels.log
	qemu-aarch64 build/neon/native/tests/levels --check build/neon/baseline.bin >> build/neon/levels.log || \
		{ cat build/neon/levels.log; exit 1; }
	cat build/neon/levels.log

# The extension with sanitizers, among a copy of the Python rooms, through the tests that
# reach it; then what reaches it without Python. avx2 besides the widest level, since the
# masked stores of AVX-512 go unseen. What was found stands in build/asan/report.*
define SANITIZED
CNNPY_ISA=$(1) PYTHONPATH=build/asan/src LD_PRELOAD="$$(c++ -print-file-name=libasan.so) $$(c++ -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:log_path=$(abspath build/asan/report) \
	UBSAN_OPTIONS=print_stacktrace=1:log_path=$(abspath build/asan/report) \
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/conformance tests/nn tests/functional
endef
SANITIZED_BUILD := -Dbuildtype=debugoptimized -Doptimization=1 -Db_lundef=false -Dnative_tests=true

sanitize: $(VENV)/.test
	test -d build/asan || $(WITH_TOOLS) meson setup build/asan -Db_sanitize=address,undefined $(SANITIZED_BUILD)
	test -d build/tsan || $(WITH_TOOLS) meson setup build/tsan -Db_sanitize=thread $(SANITIZED_BUILD)
	$(WITH_TOOLS) ninja -C build/asan
	$(WITH_TOOLS) ninja -C build/tsan native/tests/threads
	rm -rf build/asan/src build/asan/report.* && cp -r src build/asan/src
	cp --remove-destination build/asan/native/_native*.so build/asan/src/cnnpy/backends/native/
	$(call SANITIZED,avx2)
	$(call SANITIZED)
	! cat build/asan/report.* 2>/dev/null
	UBSAN_OPTIONS=halt_on_error=1 build/asan/native/tests/levels --level avx2
	UBSAN_OPTIONS=halt_on_error=1 build/asan/native/tests/levels
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 build/asan/native/tests/threads
	TSAN_OPTIONS=die_after_fork=0 build/tsan/native/tests/threads

clean:
	rm -rf $(VENV) build

# One stamp an extra: installed again when a source or a requirement changes. The long name of
# the option, since -C is not known before pip 23.1 (Debian 12 has 23.0).
$(VENV)/.run: extra := cli
$(VENV)/.test: extra := test
$(VENV)/.lint: extra := lint
$(VENV)/.bench: extra := bench
$(VENV)/.run $(VENV)/.test $(VENV)/.lint $(VENV)/.bench: $(VENV)/.build-tools $(SOURCE)
	$(WITH_TOOLS) $(BIN)/python -m pip install --quiet --no-build-isolation --config-settings=build-dir=$(BUILD) ".[$(extra)]"
	touch $@

$(VENV)/.build-tools: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "meson-python>=0.17" "ninja>=1.11" "nanobind>=2.4"
	touch $@
