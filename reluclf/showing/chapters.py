"""Chapters run through papermill: one with the caller's parameters, or all with training on.

The committed notebooks are never touched: an executed copy, and the records it made, go to ``reruns/``.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reluclf import paths
from reluclf.files import write_atomically

#: Executed notebooks and their records.
RERUNS = paths.ROOT / "reruns"

_NONE = type(None)

#: The parameters that say how is trained, not what.
_HOW = {"workers", "cluster", "only"}


class ParameterError(ValueError):
    """A chapter or parameter that does not exist, or a value of the wrong kind; the message names it and what is allowed."""


class BusyError(RuntimeError):
    """A chapter that is being rerun already."""


def names() -> list[str]:
    """All chapters, by the names of their notebooks."""
    return sorted(file.stem for file in paths.BOOK.glob("*.ipynb"))


def parameters(chapter: str) -> dict[str, Any]:
    """The parameters of a chapter with their defaults, as its ``parameters`` cell has them."""
    import nbformat

    file = paths.BOOK / f"{chapter}.ipynb"
    if not chapter:
        raise ParameterError(f"which chapter is not said; it is CHAPTER= one of {', '.join(names())}.")
    if not file.is_file():
        raise ParameterError(f"{chapter!r} is not a chapter; the chapters are {', '.join(names())}.")
    cells = nbformat.read(file, as_version=4).cells
    source = next((cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])), "")
    return {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(source).body if isinstance(node, ast.Assign)}


def parse(chapter: str, assignments: Mapping[str, str]) -> dict[str, Any]:
    """Turn texts into values for a chapter's parameters.

    Raises
    ------
    ParameterError
        If a parameter is unknown to the chapter, or its value is not of the kind of the default.
    """
    allowed = parameters(chapter)
    values = {}
    for name, text in assignments.items():
        if name not in allowed:
            raise ParameterError(f"{name!r} is not a parameter of chapter {chapter}; its parameters are {', '.join(allowed) or 'none'}.")
        values[name] = _value(name, text, allowed[name])
    return values


def run(chapter: str, values: Mapping[str, Any], folder: Path, results: Path | None = None, afresh: bool = False) -> Path:
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

    folder.mkdir(parents=True, exist_ok=True)
    executed = folder / f"{chapter}.ipynb"
    progress = folder / f".{chapter}.progress"
    surroundings = {"RELUCLF_PROGRESS": str(progress)}
    if results is not None:
        surroundings["RELUCLF_RESULTS"] = str(results)
    if afresh:
        surroundings["RELUCLF_AFRESH"] = "1"
    with tempfile.TemporaryDirectory() as home, _environment(kernel_environment(Path(home)) | surroundings), _shown(progress):
        papermill.execute_notebook(
            paths.BOOK / f"{chapter}.ipynb", executed, dict(values), cwd=paths.BOOK, progress_bar=False, log_output=False, kernel_name="python3"
        )
    notebook = nbformat.read(executed, as_version=4)
    for part in (notebook, *notebook.cells):
        part.metadata.pop("papermill", None)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
    nbformat.write(notebook, executed)
    return executed


def rerun(chapter: str, values: Mapping[str, Any], keep: bool = False, afresh: bool = False) -> Path:
    """Rerun one chapter into ``reruns/``; with ``keep``, copy the records it made into ``results/``.

    The records that earlier reruns left there are used, for their names have their parameters; ``afresh`` deletes them first, unless it goes on with
    a rerun of the same parameters that was interrupted.

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
        raise BusyError(f"chapter {chapter} is being rerun by another process; wait for it, or end it.") from None


def _rerun(chapter: str, values: Mapping[str, Any], keep: bool, afresh: bool) -> Path:
    folder = RERUNS / chapter
    unfinished = folder / ".unfinished"
    asked = json.dumps({name: value for name, value in values.items() if name not in _HOW} | {"afresh": afresh}, sort_keys=True)
    if afresh and not (unfinished.is_file() and unfinished.read_text(encoding="utf-8") == asked):
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished.write_text(asked, encoding="utf-8")
    executed = run(chapter, {"train": True, **values} if "train" in parameters(chapter) else values, folder, folder / "results", afresh)
    if keep:
        for file in sorted((folder / "results").rglob("seed-*.json")):
            write_atomically(paths.RESULTS / file.relative_to(folder / "results"), file.read_bytes())
    unfinished.unlink()
    return executed


#: The first cell of a :func:`portable` chapter.
_SET_UP = """\
# Fetch the book's code and records, and the libraries if they are missing: on Colab about two minutes.
import importlib.util
import os
import sys

if not os.path.isdir("../reluclf"):
    !git clone --quiet --depth 1 {repository} relu-at-the-output
    if importlib.util.find_spec("myst_nb") is None:
        %pip install --quiet --editable relu-at-the-output
    %cd -q relu-at-the-output/book
    sys.path.insert(0, os.path.abspath(".."))"""


def portable(chapter: str, repository: str) -> Any:
    """A chapter that runs where it is opened alone, as on Colab: a notebook whose first cell fetches the rest from the address of the repository."""
    import nbformat

    notebook = nbformat.read(paths.BOOK / f"{chapter}.ipynb", as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(_SET_UP.format(repository=repository), id="set-up"))
    return notebook


def kernel_environment(folder: Path) -> dict[str, str]:
    """What a chapter's kernel needs in its environment: ``reluclf`` to import, no log lines, and nothing of the user's own IPython set-up.

    Parameters
    ----------
    folder : Path
        Is made, and becomes the kernel's IPython folder.
    """
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text("c = get_config()\nc.IPKernelApp.log_level = 'CRITICAL'\nc.HistoryManager.enabled = False\n")
    path = os.pathsep.join(filter(None, [str(paths.ROOT), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, "IPYTHONDIR": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}


def _value(name: str, text: str, default: Any) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = {"true": True, "false": False, "none": None}.get(text.lower(), text)
    if isinstance(default, list):  # of names; the default has all that there are
        names = [item.strip(" '\"") for item in text.strip(" []()").split(",")]
        if not set(names) <= set(default):
            raise ParameterError(f"{name}={text} is not allowed; {name} is one or more of {', '.join(default)}, with commas between them.")
        return names
    if isinstance(default, str):
        return text
    allowed = {bool: (bool,), int: (int,), _NONE: (int, _NONE)}[type(default)]
    if type(value) not in allowed or (type(value) is int and value < 0):
        kind = {bool: "true or false", int: "a whole number, not negative", _NONE: "a whole number, not negative, or none"}[type(default)]
        raise ParameterError(f"{name}={text} is not allowed; {name} is {kind}.")
    return value


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _shown(progress: Path) -> Iterator[None]:
    """Copy to the terminal what the kernel's progress bar writes into a file: in the kernel itself it would end up on the page."""
    progress.write_text("")
    done = threading.Event()

    def follow() -> None:
        with progress.open(encoding="utf-8", newline="") as stream:
            while True:
                last = done.wait(0.5)
                sys.stderr.write(stream.read())
                sys.stderr.flush()
                if last:
                    return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        progress.unlink(missing_ok=True)
