# Mallbridge. `make help` says what there is; `make run` needs a Python of the range below and nothing else.
SHELL := /bin/sh
PYTHON ?= python3
OLDEST_PYTHON := 3.11.2
NEWEST_PYTHON := 3.13
BIN := .venv/bin
PHOTOS ?=
LINES ?=
AGAINST ?=
WORKERS ?= 3
SEEDS ?= 1000
TRIALS ?= 1
MEMBERS ?= 2000
MALL ?= demo
PYTHONS ?=
ROOM ?=
export OMP_NUM_THREADS ?= 1
unexport PYTHONDONTWRITEBYTECODE # a process that compiles every module anew starts a quarter slower

.DEFAULT_GOAL := help
.PHONY: help setup run test quick proof attacks simulation mutants lint format migrate contract shots bench bench-drawn bench-first-page bench-receipts bench-reading bench-unseen bench-pictures bench-ocr-speed train demo pages miniapp pythons clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

# Outside the range that `make pythons` tries, pinned packages may not exist, or lack a part of what they need.
define right_python
version=$$($(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null) || version="not to be found"; \
$(PYTHON) -c 'import sys; of = lambda text: tuple(map(int, text.split("."))); here = sys.version_info; \
    sys.exit(not (here[:3] >= of("$(OLDEST_PYTHON)") and here[:2] <= of("$(NEWEST_PYTHON)")))' 2>/dev/null || \
{ echo "Python $(OLDEST_PYTHON) to $(NEWEST_PYTHON) is needed, and $(PYTHON) is $$version: set PYTHON=/path/to/python$(NEWEST_PYTHON)."; exit 1; }
endef

.venv/.made: requirements.txt requirements-dev.txt
	@$(right_python)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: install python3-venv (Debian, Ubuntu) and try again."; exit 1; }
	@echo "· making the virtual environment .venv" >&2
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@touch .venv/.made

.venv/.ready: .venv/.made
	@echo "· installing the pinned packages (a few minutes the first time)" >&2
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps -r requirements.txt -r requirements-dev.txt || { echo "The packages could not be installed: check the network and the free space, then run make again."; exit 1; }
	@touch .venv/.ready

setup: .venv/.ready ## virtual environment and the reader's weights
	@$(BIN)/python -m deploy.requirements
	@$(BIN)/python -m ocr.models >&2 # standard output belongs to the measurements

run: setup ## set everything up and start every process of the Procfile
	@exec $(BIN)/python -m deploy.run

pages: .venv/.ready ## build the pages that changed: the shopper's h5 and the console (Node.js 20 of the machine, else of a package)
	@$(BIN)/python -m deploy.web_pages h5 console

miniapp: .venv/.ready ## the three builds of the mini-program, in var/web_pages: h5, mp-weixin, mp-alipay
	@$(BIN)/python -m deploy.web_pages h5 mp-weixin mp-alipay

# Node is looked for first, it may be a package. The pages are built beside the packages and the first tests; a test that needs them waits.
test: .venv/.made ## every test, on embedded servers and in a real Chromium
	@$(BIN)/python -m deploy.web_pages node || true
	@$(BIN)/python -m deploy.web_pages h5 console & pages=$$!; \
	{ $(BIN)/python -m deploy.chromium; $(BIN)/python -m deploy.nginx; } & found=$$!; \
	$(MAKE) --no-print-directory setup || { wait; exit 1; }; \
	wait $$found; \
	MALLBRIDGE_RECORD=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup; tests=$$?; \
	wait $$pages; exit $$tests

quick: .venv/.ready ## the tests that a change since the last `make test` can reach, within a minute and a half (docs/testing.md)
	@WORKERS=$(WORKERS) $(BIN)/python -m tests.impact.quick

proof: setup ## every test of faults at its full count, the simulation with 1,000 seeds; prints every figure (about an hour)
	@TRIALS=$(TRIALS) MALLBRIDGE_SEEDS=$(SEEDS) $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --proof

attacks: setup ## what insiders, two hands at once and drawn paper tried, at full counts, with a figure each (docs/controls.md)
	@TRIALS=$(TRIALS) $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --attacks

simulation: setup ## mixed events through both gateways, one seed one replay: SEEDS=1000; one again: MALLBRIDGE_SEED=123 .venv/bin/python -m pytest tests/simulation
	@MALLBRIDGE_SEEDS=$(SEEDS) $(BIN)/python -m pytest -n $(WORKERS) tests/simulation

mutants: .venv/.ready ## what could be wrong in the rules about value and whether the tests notice: ROOM=ledger (none: all)
	@$(BIN)/python -m tests.mutants $(ROOM)

lint: .venv/.ready ## ruff, mypy, import contracts, models against migrations; the longest functions and files
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m deploy.check

format: .venv/.ready ## put the source in order
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format .

migrate: .venv/.ready ## bring DATABASE_URL (as DATABASE_OWNER_URL) to the newest migration
	@$(BIN)/alembic upgrade head

contract: .venv/.ready ## refresh docs/openapi.json, docs/lifecycles.md and the drawing of docs/architecture.md
	@$(BIN)/python -m deploy.contract

bench: setup ## ledger, points, uploads, live streams, payments, proofs (about twenty minutes): JSON on standard output
	@$(BIN)/python -m bench

bench-receipts: setup ## accuracy and speed on a folder of labelled photos: PHOTOS=DIR
	@test -n "$(PHOTOS)" || { echo "Say which photos: make bench-receipts PHOTOS=DIR (a folder with labels.json or pairs.json)."; exit 1; }
	@$(BIN)/python -m bench.receipts $(PHOTOS)

bench-reading: setup ## how well fields are chosen among lines, shops apart: LINES=DIR of *.jsonl (AGAINST=FILE: and what changed)
	@test -n "$(LINES)" || { echo "Say which lines: make bench-reading LINES=DIR (docs/reading.md)"; exit 1; }
	@$(BIN)/python -m bench.reading $(LINES) $(if $(AGAINST),--against $(AGAINST)) $(if $(JSON),--json $(JSON))

train: setup ## make the ranker of totals again from lines: LINES=DIR of *.jsonl; the same lines, the same bytes
	@test -n "$(LINES)" || { echo "Say which lines: make train LINES=DIR (docs/reading.md)"; exit 1; }
	@$(BIN)/python -m ocr.ranker $(LINES)

bench-unseen: setup ## the reading rules on drawn slips of 72 layouts, text only: JSON on standard output
	@$(BIN)/python -m bench.unseen text --count 720 --seed 1

bench-pictures: setup ## what checking hostile and cut pictures costs, in time and memory: JSON on standard output
	@$(BIN)/python -m bench.pictures check

bench-drawn: setup ## made-up receipts against honest ones of forty shops, through the code that decides: JSON on standard output
	@$(BIN)/python -m bench.drawn

bench-ocr-speed: setup ## time against bare PaddleOCR, memory, two workers against one: PHOTOS=DIR
	@test -n "$(PHOTOS)" || { echo "Say which photos: make bench-ocr-speed PHOTOS=DIR."; exit 1; }
	@$(BIN)/python -m bench.ocr_speed $(PHOTOS)

demo: setup ## fill a demo mall: MEMBERS=1000000 MALL=big (make run does it on an empty database)
	@$(BIN)/python -m deploy.demo --members $(MEMBERS) --mall $(MALL)

shots: setup ## the README's pictures, drawn by a real Chromium: docs/images
	@$(BIN)/python -m deploy.chromium
	@SHOTS=1 $(BIN)/python -m pytest -n0 tests/browser/test_pictures.py
	@$(BIN)/python -m deploy.pictures

bench-first-page: setup ## the first pages on a thin line and a slow processor: JSON on standard output
	@$(BIN)/python -m bench.first_page

pythons: ## the oldest and the newest Python, each from an empty folder to a running mall: JSON; others: PYTHONS="PATH …"
	@$(right_python)
	@$(PYTHON) -m deploy.pythons --oldest $(OLDEST_PYTHON) --newest $(NEWEST_PYTHON) $(PYTHONS)

clean: ## remove what was made here: environment, data, caches
	@rm -rf .venv var .mypy_cache .ruff_cache .hypothesis
