# make demo    a talking portrait, in English and in Chinese, into out/
# make test    the tests, in two processes (some: make test ARGS=tests/stage; in one: PROCESSES=0)
# make test-train  the tests of the training kit (installs torch)
# make lint    ruff and mypy
# make bench   the speed table (make bench-long: also a film of ten minutes)
# make setup   only the environment, .venv (a named one: PYTHON=python3.12 make setup)
# make lock    compile the lock files anew
# make clean   remove what was made
#
# Needs python3 (3.11 to 3.13) with pip. Everything else comes from the lock files, checked by hash.

.DEFAULT_GOAL := setup
.PHONY: setup setup-dev demo test test-train lint format bench bench-long lock clean
SHELL := /bin/bash

VENV ?= .venv
TORCH ?= torch==2.13.0
PROCESSES ?= 2
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
INSTALL := scripts/install.sh $(VENV)
# The package's own version changes what an editable install says of itself, so it counts as an input.
PACKAGE := pyproject.toml src/mien/__init__.py

setup: $(VENV)/.core

setup-dev: $(VENV)/.dev

$(VENV)/.boot: requirements-build.lock scripts/find_python.sh
	@python=$$(scripts/find_python.sh "$(PYTHON)") && "$$python" -m venv "$(VENV)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

$(VENV)/.core: $(VENV)/.boot requirements.lock $(PACKAGE)
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core requirements-dev.lock
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

# Torch comes by pip, as the machine's own settings have it: builds for one kind of processor have their own versions.
$(VENV)/.train: $(VENV)/.dev
	@$(PY) -m pip install --quiet --disable-pip-version-check "$(TORCH)" "onnx>=1.17" "pocketsphinx>=5.1,<6"
	@touch $@

demo: setup
	@mkdir -p out
	@portrait=$$($(VENV)/bin/mien models path astronaut) && \
	$(VENV)/bin/mien make --portrait "$$portrait" --crop head --size 512 --text-file examples/english.txt --language en -o out/demo-en.mp4 && \
	$(VENV)/bin/mien make --portrait "$$portrait" --crop head --size 512 --text-file examples/chinese.txt --language zh -o out/demo-zh.mp4

test: setup-dev
	@$(PY) -m pytest --numprocesses $(PROCESSES) $(ARGS)

test-train: $(VENV)/.train
	@MIEN_TEST_TRAINING=1 $(PY) -m pytest tests/training

lint: setup-dev
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

format: setup-dev
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

bench: setup-dev
	@$(PY) -m benchmarks

bench-long: setup-dev
	@$(PY) -m benchmarks --long

COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

lock: $(VENV)/.boot
	$(COMPILE) requirements-build.in -o requirements-build.lock
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf "$(VENV)" out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
