# The targets a reader, a re-runner and CI call. Each makes the environment first, from requirements.txt, in .venv/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.DEFAULT_GOAL := help
.PHONY: help book test chapter experiments picture check-records verify lint requirements clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.x")'
	@echo "making the environment in $(VENV)/ (a few minutes, once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

book: $(READY)  ## build the HTML book strictly, from the records
	@rm -rf _build
	@$(BIN)/jupyter-book build . --all -W -n --keep-going --quiet
	@echo "the book: $(CURDIR)/_build/html/index.html"

test: $(READY)  ## run the tests
	@$(BIN)/python -m pytest

chapter: $(READY)  ## rerun one chapter: make chapter CHAPTER=wdbc seeds=2 epochs=8 [KEEP=1] [AFRESH=1]
	@$(BIN)/python -m reluclf chapter $(MAKEOVERRIDES)

experiments: $(READY)  ## train what has no record: [CHAPTER=mnist] [ONLY=cnn-relu] [WORKERS=2] [DASK=address]
	@$(BIN)/python -m reluclf experiments $(MAKEOVERRIDES)

verify: $(READY)  ## retrain a random sample of the records and compare: [SECONDS=600] [WORKERS=2] [SEED=1]
	@$(BIN)/python -m reluclf verify $(MAKEOVERRIDES)

picture: $(READY)  ## draw the README's picture anew from the records
	@$(BIN)/python -m reluclf picture

check-records: $(READY)  ## read every record and list all problems
	@$(BIN)/python -m reluclf check-records

lint: $(READY)  ## check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

requirements: $(READY)  ## pin anew what pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --universal --all-extras --generate-hashes --python-version 3.11 --no-emit-index-url --output-file requirements.txt pyproject.toml

clean:  ## delete what was built; records and the environment stay
	@rm -rf _build reruns .pytest_cache
