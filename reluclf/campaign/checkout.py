"""The git checkout of this project, if it has one of its own: what records and pages name."""

from __future__ import annotations

import functools
import os
import re
import subprocess
from pathlib import Path

from reluclf import paths

#: Variables that lead git to another repository.
_ELSEWHERE = (
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
)

#: The folders that the pages are made of.
_OF_PAGES = ("book", "reluclf", "results")


def commit() -> str:
    """Return the commit that is checked out; empty outside a checkout of this project."""
    return _git("rev-parse", "HEAD")[0] if _is_own() else ""


def modified(*folders: str) -> bool:
    """Say whether what git does not ignore in these folders differs from the commit.

    Without any, the folders are those that the pages are made of.
    """
    folders = folders or _OF_PAGES
    return _is_own() and bool(
        _git("status", "--porcelain", "--", *folders)[0] or _not_looked_at(*folders)
    )


def unfinished_merge() -> str:
    """Say in one sentence where a merge has left its marks in a file of the book; empty if none."""
    for file in sorted([*paths.BOOK.glob("*.ipynb"), *paths.BOOK.glob("*.yml")]):
        if mark := re.search(rb"^<{7} ", file.read_bytes(), re.MULTILINE):
            line = mark.string[: mark.start()].count(b"\n") + 1
            return (
                f"{file}, line {line}: a merge has left its marks (<<<<<<<) there; "
                "finish the merge, and run the command again."
            )
    return ""


def date() -> str:
    """Return the commit's date, in seconds since 1970; empty where :func:`commit` is."""
    return _git("log", "-1", "--format=%ct")[0] if _is_own() else ""


def _not_looked_at(*folders: str) -> list[str]:
    """List the files that git takes for unchanged without looking, each behind the letter why."""
    listed = _git("ls-files", "-v", "--", *folders)[0].splitlines()
    return [line for line in listed if line[0] == "S" or line[0].islower()]


def sparse() -> str:
    """Say in one sentence which files of the book git does not look at; empty if it does at all."""
    listed = _not_looked_at(*_OF_PAGES) if _is_own() else []
    for line in listed:
        letter, file = line.split(" ", 1)
        if letter.islower():
            return (
                f"git was told to take {file} for unchanged; "
                f"have it look there again with: git update-index --no-assume-unchanged {file}"
            )
    n = len(listed)
    told = (
        f"this checkout is sparse: git leaves out {n} file{'s' * (n != 1)} of the book, "
        "or does not look there; "
        "have them all with: git sparse-checkout disable"
    )
    return told if n else ""


def trouble() -> str:
    """Say in one sentence why what git tells of a checkout cannot be relied on; empty if it can."""
    if not (paths.ROOT / ".git").exists():
        return ""
    answer, error = _git("rev-parse", "--show-toplevel")
    if answer:
        return sparse()
    if "dubious ownership" in error:
        return (
            f"git does not trust {paths.ROOT}, which belongs to another user, "
            "so that no commit is named; "
            f"if you trust it: git config --global --add safe.directory {paths.ROOT.as_posix()}"
        )
    why = error or "it says nothing"
    return f"git does not tell the commit of {paths.ROOT}, so that none is named: {why}"


@functools.cache
def _is_own() -> bool:
    """Whether the root of the checkout is this project's, not that of a repository around it."""
    top = _git("rev-parse", "--show-toplevel")[0]
    return bool(top) and Path(top).samefile(paths.ROOT)


def _git(*arguments: str) -> tuple[str, str]:
    """Return what git answers about the folder of this project, and the first line of its error."""
    # In a hook git has set these for another repository; and its errors are told from each other in
    # English.
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    # A user's settings may add lines to an answer, or leave new files out of it.
    plain = ("-c", "log.showSignature=false", "-c", "status.showUntrackedFiles=normal")
    try:
        done = subprocess.run(
            ["git", *plain, *arguments],
            cwd=paths.ROOT,
            env=environment | {"LC_ALL": "C", "LANGUAGE": "C"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    except OSError as error:
        return "", f"git cannot be run ({error.strerror})"
    if done.returncode:
        return "", next(iter(done.stderr.splitlines()), "")
    return done.stdout.strip(), ""
