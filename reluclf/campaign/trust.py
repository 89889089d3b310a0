"""Which of the committed records can be trusted, and what is wrong with the others."""

from __future__ import annotations

from pathlib import Path

from reluclf import data, paths
from reluclf.campaign import runtime
from reluclf.record import Record
from reluclf.store import BACKENDS, ORIGINAL, RecordError, Store, copies, read_file


def read_all() -> tuple[list[Record], int, list[str]]:
    """Read every committed record.

    Returns
    -------
    list of Record
        Those that can be trusted, without those that compare backends and the original's.
    int
        How many can be trusted, with them.
    list of str
        What is wrong with the others, a sentence each.
    """
    found, problems = by_file()
    others = paths.RESULTS / BACKENDS, paths.RESULTS / ORIGINAL
    own = [
        record
        for file, record in found.items()
        if not any(file.is_relative_to(other) for other in others)
    ]
    return own, len(found), problems


def by_file() -> tuple[dict[Path, Record], list[str]]:
    """Read every committed record; return what can be trusted, by file, and all problems."""
    found: dict[Path, Record] = {}
    problems = []
    for folder in (
        paths.RESULTS,
        *(paths.RESULTS / BACKENDS / name for name in runtime.BACKENDS),
        paths.RESULTS / ORIGINAL,
    ):
        records = {}
        for file in Store(folder).files():
            try:
                record = read_file(file)
            except RecordError as error:
                problems.append(str(error))
                continue
            if record.provenance.data == data.checksums(record.spec.dataset):
                records[file] = record
            else:
                problems.append(
                    f"{file} was trained on other data than those whose checksums reluclf knows; "
                    "delete it and retrain it."
                )
        for original, copy in copies(list(records.values())):
            problems.append(
                f"{copy.spec} has the very measurements of {original.spec}: one is a copy; "
                "delete the wrong one and retrain it."
            )
        found |= records
    return found, problems
