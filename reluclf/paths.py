"""Every path of the project, named once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

#: The root of the checkout: the folder that holds ``reluclf/``, ``book/`` and ``results/``.
ROOT = Path(__file__).resolve().parent.parent

#: What is said where the package is installed without its checkout.
NO_CHECKOUT = (
    "reluclf works on a checkout of the book, with its chapters and records, "
    f"and there is none in {ROOT}; "
    "clone its repository and, in it, run: pip install --editable ."
)

#: The chapters and what they read.
BOOK = ROOT / "book"

#: The paper's published numbers and claims.
PAPER = BOOK / "paper.yml"

#: How many runs each verdict waits for.
DESIGN = BOOK / "design.yml"

#: The words of verdicts, and of what the rules find.
WORDS = BOOK / "verdicts.yml"

#: What was known at each change of the rules or the design.
RULES_LOG = BOOK / "rules-log.yml"

#: The committed records.
RESULTS = ROOT / "results"

#: What each framework makes of rows with zero outputs; ``python -m reluclf zero-rows`` measures it.
ZERO_ROWS = RESULTS / "zero-rows.json"

#: The CNN's first epochs, batch by batch; ``make steps`` measures it.
STEPS = RESULTS / "steps.jsonl"

#: What ``make bench`` measured.
BENCH = RESULTS / "bench.json"

#: How often each rule errs and decides in made-up worlds; ``python -m reluclf simulate`` asks.
SIMULATION = RESULTS / "simulation.json"


def chapters() -> list[Path]:
    """Return the notebooks of the book, without what macOS lays beside files on other disks."""
    return [file for file in BOOK.glob("*.ipynb") if not file.name.startswith(".")]


def new_results() -> Path:
    """Return the folder that new records go to: ``$RELUCLF_RESULTS``, else :data:`RESULTS`.

    ``make chapter`` points the variable at a scratch folder, so that a rerun leaves the committed
    records alone.
    """
    return _named("RELUCLF_RESULTS") or RESULTS


def user_cache() -> Path:
    """Return the user's cache folder of this project, for downloads and unfinished runs."""
    try:
        return Path(platformdirs.user_cache_dir("reluclf", appauthor=False))
    except RuntimeError:  # the system knows neither the user nor a home, as in some containers
        return Path(tempfile.gettempdir(), "reluclf")


def user_data() -> Path | None:
    """Return the folder of the images that ``$RELUCLF_DATA`` names; None where it is unset."""
    return _named("RELUCLF_DATA")


def _named(variable: str) -> Path | None:
    """Return the folder that a variable names, seen from where it was typed.

    That is the working folder. But a chapter's kernel works in ``book/``, wherever papermill or
    Jupyter was started: the shell's ``$PWD`` tells it where, and without a shell :data:`ROOT` is
    taken.
    """
    value = os.environ.get(variable)
    if not value:
        return None
    if len(value) > 1 and value[0] == value[-1] in "\"'":  # as Docker leaves them in an env-file
        value = value[1:-1]
    folder = Path(os.path.expanduser(value))
    if folder.is_absolute():
        return folder
    typed = Path.cwd()
    if typed == ROOT / "book":
        typed = Path(os.environ.get("PWD") or ROOT)
    return (typed if typed.is_dir() else ROOT) / folder
