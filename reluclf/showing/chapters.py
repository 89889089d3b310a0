"""Chapters run through papermill: one with the caller's parameters, or all with training on.

The committed notebooks are never touched: an executed copy, and the records it made, go to
``reruns/``.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reluclf import paths
from reluclf.campaign import surroundings
from reluclf.files import write_atomically
from reluclf.showing.parameters import ParameterError, checked, refuse_unknown

#: Executed notebooks and their records.
RERUNS = paths.ROOT / "reruns"

#: The parameters that say how is trained, not what.
_HOW = {"workers", "cluster", "only"}


#: Seconds from one line of the progress bar to the next where it fills a file.
_SECONDS_IN_A_LOG = "30"


class BusyError(RuntimeError):
    """A chapter that is being rerun already."""


def names() -> list[str]:
    """All chapters, by the names of their notebooks."""
    return sorted(file.stem for file in paths.chapters())


def parameters(chapter: str) -> dict[str, Any]:
    """Return a chapter's parameters with their defaults, as its ``parameters`` cell has them."""
    import papermill

    file = paths.BOOK / f"{chapter}.ipynb"
    if not chapter:
        raise ParameterError(f"which chapter is not said; it is one of {', '.join(names())}.")
    if not file.is_file():
        raise ParameterError(
            f"{chapter!r} is not a chapter; the chapters are {', '.join(names())}."
        )
    found = papermill.inspect_notebook(str(file))
    return {name: ast.literal_eval(parameter["default"]) for name, parameter in found.items()}


def parse(chapter: str, assignments: Mapping[str, str]) -> dict[str, Any]:
    """Turn texts into values for a chapter's parameters.

    Raises
    ------
    ParameterError
        If a parameter is unknown to the chapter, or its value is not of the right kind.
    """
    refuse_unknown(assignments, parameters(chapter), f"chapter {chapter}")
    return {name: checked(name, text) for name, text in assignments.items()}


def run(
    chapter: str,
    values: Mapping[str, Any],
    folder: Path,
    results: Path | None = None,
    afresh: bool = False,
) -> Path:
    """Execute a chapter through papermill and return the executed notebook.

    Parameters
    ----------
    chapter : str
    values : mapping
        Values for its parameters.
    folder : Path
        Where the executed notebook goes.
    results : Path, optional
        Where new records go; by default ``results/``.
    afresh : bool
        Look for no record but in ``results``.

    Raises
    ------
    papermill.PapermillExecutionError
        If a cell fails; the notebook is left in ``folder`` with the traceback in it.
    """
    import nbformat
    import papermill

    from reluclf.showing import kernels

    kernels.start_again()
    folder.mkdir(parents=True, exist_ok=True)
    executed = folder / f"{chapter}.ipynb"
    variables = {}
    if not sys.stderr.isatty():
        variables["TQDM_MININTERVAL"] = os.environ.get("TQDM_MININTERVAL", _SECONDS_IN_A_LOG)
    if results is not None:
        variables["RELUCLF_RESULTS"] = str(results)
    if afresh:
        variables["RELUCLF_AFRESH"] = "1"
    with (
        tempfile.TemporaryDirectory() as home,
        surroundings.environment(surroundings.of_kernel(Path(home)) | variables),
    ):
        papermill.execute_notebook(
            str(paths.BOOK / f"{chapter}.ipynb"),
            str(executed),
            dict(values),
            cwd=str(paths.BOOK),
            kernel_name="python3",
            progress_bar=False,
            stderr_file=sys.stderr,  # the kernel's progress bar, as it goes
        )
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata["mystnb"] = {
        "execution_mode": "off"
    }  # its page shows these outputs: a build would train again
    for part in (notebook, *notebook.cells):
        part.metadata.pop("papermill", None)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.write(notebook, executed)
    return executed


def rerun(
    chapter: str, values: Mapping[str, Any], keep: bool = False, afresh: bool = False
) -> Path:
    """Rerun one chapter into ``reruns/``; with ``keep``, copy its new records into ``results/``.

    The records that earlier reruns left there are used, for their names have their parameters;
    ``afresh`` deletes them first, unless it goes on with a rerun of the same parameters that was
    interrupted.

    Raises
    ------
    BusyError
        If another rerun of the chapter is under way: its records are not to be deleted.
    """
    import filelock

    RERUNS.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(RERUNS / f".{chapter}.lock", timeout=0):
            return _rerun(chapter, values, keep, afresh)
    except filelock.Timeout:
        raise BusyError(
            f"chapter {chapter} is being rerun by another process; wait for it, or end it."
        ) from None


def _rerun(chapter: str, values: Mapping[str, Any], keep: bool, afresh: bool) -> Path:
    folder = RERUNS / chapter
    unfinished = folder / ".unfinished"
    asked = json.dumps(
        {name: value for name, value in values.items() if name not in _HOW} | {"afresh": afresh},
        sort_keys=True,
    )
    if afresh and not (unfinished.is_file() and unfinished.read_text(encoding="utf-8") == asked):
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished.write_text(asked, encoding="utf-8")
    executed = run(
        chapter,
        {"train": True, **values} if "train" in parameters(chapter) else values,
        folder,
        folder / "results",
        afresh,
    )
    if keep:
        for file in sorted((folder / "results").rglob("seed-*.json")):
            write_atomically(
                paths.RESULTS / file.relative_to(folder / "results"), file.read_bytes()
            )
    unfinished.unlink()
    return executed


#: The first cell of a :func:`portable` chapter.
_SET_UP = """\
# Fetch the book as it was when this page was made, with its records and its versions of the
# libraries: on Colab a few minutes, once.
import importlib.metadata
import os
import sys

if not os.path.isdir("../reluclf"):
    if not os.path.isfile("relu-at-the-output/reruns/set-up"):
        !test -d relu-at-the-output || git clone --quiet {repository} relu-at-the-output
        !cd relu-at-the-output && git checkout -q {commit} && {{sys.executable}} .binder/install
    if not os.path.isfile("relu-at-the-output/reruns/set-up"):
        raise SystemExit(
            "the book was not set up: run this cell again; "
            "if that does not help, delete the folder relu-at-the-output first."
        )
    %cd -q relu-at-the-output/book
    sys.path.insert(0, os.path.abspath(".."))
for name in ("numpy", "pandas", "scipy", "matplotlib", "tensorflow", "keras"):
    if name in sys.modules and sys.modules[name].__version__ != importlib.metadata.version(name):
        raise SystemExit(
            f"another {{name}} is loaded than the book's: restart the session "
            "(Runtime, Restart session), and run this cell again."
        )"""


def portable(chapter: str, repository: str, commit: str) -> Any:
    """Return a chapter that runs alone, as on Colab: its first cell fetches the book."""
    import nbformat

    notebook = nbformat.read(paths.BOOK / f"{chapter}.ipynb", as_version=4)
    source = _SET_UP.format(repository=repository, commit=commit)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(source, id="set-up"))
    return notebook
