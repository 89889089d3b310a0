"""The book built from the records, strictly: as HTML or as a PDF, or to check its links.

Every build has a folder of its own until it is done, so that two at once do not spoil each other
and one that fails leaves the last good book.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import filelock
import psutil

from reluclf import paths
from reluclf.campaign import checkout

#: The name of the PDF, as ``_config.yml`` has it.
PDF = "relu-at-the-output.pdf"

TEX_PROGRAMS = ("latexmk", "xelatex", "fc-list", "pdftotext")
TEX_FONTS = ("FreeSerif", "FreeSans", "DejaVu Sans Mono")

#: Jupyter Book's own command line, run by this Python.
JUPYTER_BOOK = (sys.executable, "-c", "from jupyter_book.cli.main import main; main()")

#: Marks the folder of a build that has failed.
_FAILED = "failed"

#: An address that pages and citations can link to: without a user's name or token in it.
_ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?(/[\w.~-]+)+")

_EXECUTED = re.compile(r"[\w-]+\.ipynb: Executed notebook in [0-9.]+ seconds")
_WRONG = re.compile(r"WARNING|ERROR|CRITICAL|^!|Error:")

#: How MyST-NB writes a place in a notebook: the number of a cell, and, in four digits, its line
#: plus one.
_PLACE = re.compile(r"(?<=\.ipynb):(\d+)(\d{4}):")


class BuildError(RuntimeError):
    """A book that was not built; the message says why, and where all of the log is."""


def repository() -> str:
    """Return the address of the repository, from ``RELUCLF_REPOSITORY``; empty if it is unset.

    Raises
    ------
    BuildError
        If it is no https address: links would lead nowhere, and ``CITATION.cff`` be invalid.
    """
    given = os.environ.get("RELUCLF_REPOSITORY", "")
    if given and not _ADDRESS.fullmatch(given.rstrip("/")):
        raise BuildError(
            f"RELUCLF_REPOSITORY={given} is not the https address of a repository; "
            "set it to one like https://github.com/owner/name, or unset it"
        )
    return given.rstrip("/").removesuffix(".git")


def html(out: Path, say: Callable[[str], None]) -> Path:
    """Build the pages into ``_build/html`` below a folder, and return the first of them.

    Parameters
    ----------
    out : Path
    say : callable
        Is told how far it is.
    """
    _refuse_wrong_surroundings(say)
    build = out / "_build"
    scratch = _scratch(build, "html")
    _run(scratch, "html", say)
    _swap(scratch / "_build" / "html", build / "html", scratch)
    return build / "html" / "index.html"


def pdf(out: Path, say: Callable[[str], None]) -> Path:
    """Build the PDF into ``_build/pdf`` below a folder, and return it."""
    _refuse_wrong_surroundings(say)
    refuse_without_tex()
    build = out / "_build"
    scratch = _scratch(build, "pdf")
    _run(scratch, "pdflatex", say)
    latex = scratch / "_build" / "latex"
    for log in latex.glob("*.log"):
        missing = re.findall(
            r"Missing character.*", log.read_text(encoding="utf-8", errors="replace")
        )
        if missing:
            (scratch / _FAILED).touch()
            raise BuildError(
                "the fonts of the PDF lack characters:\n" + "\n".join(dict.fromkeys(missing))
            )
    made = scratch / "pdf"
    made.mkdir()
    for file in (latex / PDF, (latex / PDF).with_suffix(".log")):
        file.rename(made / file.name)
    (made / "commit").write_text(checkout.commit(), encoding="utf-8")
    _swap(made, build / "pdf", scratch)
    return build / "pdf" / PDF


def links(out: Path, say: Callable[[str], None]) -> Path:
    """Check the links to other sites, and return the list of them with what came of each."""
    _refuse_wrong_surroundings(say)
    scratch = out / "_build" / "links"
    scratch.mkdir(parents=True, exist_ok=True)
    _run(scratch, "linkcheck", say, strict=False)
    return scratch / "_build" / "linkcheck" / "output.txt"


def is_site(builder: Any) -> bool:
    """Say whether a builder of Sphinx's makes pages for a browser, with the files beside them.

    An EPUB's pages have the same format, but must be XML, and it has no such files.
    """
    return builder.format == "html" and builder.name != "epub"


def _refuse_wrong_surroundings(say: Callable[[str], None]) -> None:
    """Raise BuildError if nothing can be built here; say so if git tells no commit."""
    repository()
    if checkout.trouble():
        say(checkout.trouble())
    version = importlib.metadata.version("jupyter-book")
    if not version.startswith("1."):
        raise BuildError(
            f"jupyter-book {version} is installed, and this book is made with jupyter-book 1; "
            "install what it needs in an environment of its own: pip install -r requirements.txt"
        )


def refuse_without_tex() -> None:
    """Raise BuildError if a program or a font that the PDF needs is not installed."""
    missing = [program for program in TEX_PROGRAMS if not shutil.which(program)]
    fonts = ""
    if shutil.which("fc-list"):
        fonts = subprocess.run(["fc-list"], capture_output=True, text=True, check=False).stdout
    missing += [f"the font {font}" for font in TEX_FONTS if font not in fonts]
    if missing:
        packages = (paths.ROOT / ".ci" / "tex-packages").read_text(encoding="utf-8").strip()
        raise BuildError(
            f"the PDF needs {', '.join(missing)}. On Debian and Ubuntu:\n"
            f"apt-get install --no-install-recommends {packages}"
        )


def variables() -> dict[str, str]:
    """Return the environment of a build: a commit has one date, and so gives the same bytes."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not (given.isascii() and given.isdigit()):
        given = checkout.date() or str(int(time.time()))
    fixed = {
        "SOURCE_DATE_EPOCH": given,
        "PYTHONOPTIMIZE": "",  # at 2 the page of the package would lose its text
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "LATEXMKOPTS": "-xelatex -interaction=nonstopmode -halt-on-error",
    }
    return os.environ | fixed


def _run(scratch: Path, builder: str, say: Callable[[str], None], strict: bool = True) -> None:
    """Run Jupyter Book; keep its log in ``scratch``, and say which chapters have been executed."""
    options = ["--all", "--keep-going", *(["-W", "-n"] if strict else [])]
    command = [
        *JUPYTER_BOOK,
        "build",
        str(paths.ROOT),
        *options,
        "--builder",
        builder,
        "--path-output",
        str(scratch),
    ]
    say("building from the records (a few minutes); the chapters come first:")
    log = scratch / "log"
    with (
        log.open("w", encoding="utf-8") as kept,
        subprocess.Popen(
            command,
            cwd=paths.ROOT,
            env=variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                kept.write(line)
                if executed := _EXECUTED.search(line):
                    say(executed[0])
        except KeyboardInterrupt:
            _end(process)
            (scratch / _FAILED).touch()  # what cannot be deleted now goes with the next build
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    if process.returncode:
        (scratch / _FAILED).touch()
        raise BuildError("\n".join([*causes(log), f"it was not built; all of the log: {log}"]))


def _end(process: subprocess.Popen[str]) -> None:
    """End a build with the processes that read its chapters and the kernels that execute them."""
    family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    process.wait()


def causes(log: Path) -> list[str]:
    """Find in a log why a build failed: failed chapters, else warnings and errors, else its end."""
    lines = re.sub(r"\x1b\[[\d;]*m", "", log.read_text(encoding="utf-8")).splitlines()
    for number, line in enumerate(lines):
        if line.startswith("these chapters failed"):
            return _until_traceback(lines[number + 1 :])
    wrong = [
        _PLACE.sub(lambda place: f", cell {place[1]}, line {int(place[2]) - 1}:", line)
        for line in lines
        if _WRONG.search(line)
    ]
    return wrong[:40] or [line for line in lines if line.strip()][-20:]


def _until_traceback(lines: Iterable[str]) -> list[str]:
    told = []
    for line in lines:
        if line.startswith("Traceback") or not line.strip():
            break
        told.append(line)
    return told


def _scratch(build: Path, what: str) -> Path:
    """Make a folder for one build, and remove those in which one has failed."""
    build.mkdir(parents=True, exist_ok=True)
    for failed in build.glob(f"{what}-*/{_FAILED}"):
        shutil.rmtree(failed.parent, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{what}-", dir=build))


def _swap(made: Path, place: Path, scratch: Path) -> None:
    """Put what was made in the place of the last, which goes with the scratch folder."""
    with filelock.FileLock(place.parent / f".{place.name}.lock"):
        if place.exists():
            place.rename(scratch / "last")
        made.rename(place)
    shutil.rmtree(scratch, ignore_errors=True)
