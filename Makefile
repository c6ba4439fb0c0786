# One target a habit. Everything is made below this folder; `make clean` takes it away again.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Openly licensed corpora, and other real input, beside the project; what needs it says when it is absent.
DATA ?= ../shared/data
# Versions of datasets that a release must load with, each in an environment of its own.
READERS := 2.19 3.6 4 5

.PHONY: all build test check fix bare readers prelabeller court_opinions web_pages bench bench-attention clean

all: check test

build: $(VENV)/.user  ## the main job on the embedded sample, into build/gonerd
	@mkdir -p build
	@cd build && ../$(BIN)/gonerd build

test: $(VENV)/.dev readers .venv-student/.made  ## the whole suite
	$(BIN)/python -m pytest -n 2 --dist loadgroup
	.venv-student/bin/python -m pytest -n 2 tests/student tests/test_teach.py

check: $(VENV)/.dev  ## look, change nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: $(VENV)/.dev  ## mend what can be mended by rule
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bare: $(VENV)/.dev  ## a wheel, installed alone, starts and builds
	@rm -rf .venv-bare build/bare dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv .venv-bare
	.venv-bare/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	@mkdir -p build/bare
	cd build/bare && ../../.venv-bare/bin/gonerd --help > help.txt && ../../.venv-bare/bin/gonerd build
	cd build/bare && ../../.venv-bare/bin/gonerd validate gonerd

prelabeller: $(VENV)/.dev  ## train the embedded pipeline anew on the corpora in $(DATA)/ner
	$(BIN)/python -m prelabeller.train --data $(DATA) --out gonerd/prelabel/embedded

court_opinions: $(VENV)/.user  ## opinions of the US Supreme Court, from $(DATA)
	@mkdir -p build
	cd build && ../$(BIN)/gonerd build ../builders/court_opinions.toml --from ../$(DATA)/long_text/scotus_opinions
	cd build && ../$(BIN)/gonerd validate court_opinions

web_pages: $(VENV)/.user  ## real pages from $(DATA), served on loopback while they are collected
	@mkdir -p build
	$(BIN)/python benchmarks/serve_pages.py $(DATA)/web/article_extraction_benchmark/html -- \
		sh -c 'cd build && ../$(BIN)/gonerd build ../builders/web_pages.toml && ../$(BIN)/gonerd validate web_pages'

bench: $(VENV)/.dev  ## measure `gonerd build` against a bare nlp.pipe; results in benchmarks/results
	$(BIN)/python benchmarks/build_speed.py --data $(DATA)

# One thread, and the processor's time of the process: what else the machine does counts little.
BENCH := OMP_NUM_THREADS=1 .venv-student/bin/gonerd bench --threads 1 --rounds 3

bench-attention: .venv-student/.made  ## measure attention against what transformers has; about an hour
	$(BENCH) --json benchmarks/results/attention.json
	$(BENCH) --training --lengths 4096,8192,16384 --longest-dense 8192 --json benchmarks/results/attention_training.json

readers: $(READERS:%=.venv-datasets-%/.made)

$(VENV)/.user: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[datasets]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[datasets,dev]'
	@touch $@ $(VENV)/.user

# torch makes spaCy start slowly wherever it is, and the main job must not need it: a place apart.
.venv-student/.made: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-student
	.venv-student/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,student]'
	@touch $@

.venv-datasets-%/.made: tests/readers/datasets-%.txt
	$(PYTHON) -m venv .venv-datasets-$*
	.venv-datasets-$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

clean:
	rm -rf $(VENV) .venv-bare .venv-student $(READERS:%=.venv-datasets-%) build dist work
