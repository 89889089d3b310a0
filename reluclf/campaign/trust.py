"""Which records can be trusted, and what is wrong with the others."""

from __future__ import annotations

from pathlib import Path

from reluclf import data, paths
from reluclf.campaign import runtime
from reluclf.record import Record
from reluclf.store import BACKENDS, ORIGINAL, RecordError, Store, copies, read_file


def read_all() -> tuple[list[Record], int, list[str]]:
    """Read every committed record, and those that ``$RELUCLF_RESULTS`` has.

    Returns
    -------
    list of Record
        Those that can be trusted, without those that compare backends and the original's.
    int
        How many can be trusted, with them.
    list of str
        What is wrong with the others, a sentence each.
    """
    folders = paths.RESULTS, paths.new_results()
    found, problems = by_file(*folders)
    within = [folder / name for folder in folders for name in (BACKENDS, ORIGINAL)]
    own = [
        record
        for file, record in found.items()
        if not any(file.is_relative_to(other) for other in within)
    ]
    return own, len(found), problems


def by_file(*folders: Path) -> tuple[dict[Path, Record], list[str]]:
    """Read every record of these folders; return what can be trusted, by file, and all problems."""
    found: dict[Path, Record] = {}
    problems = []
    stores = [
        store
        for folder in dict.fromkeys(folders)
        for store in (
            folder,
            *(folder / BACKENDS / name for name in runtime.BACKENDS),
            folder / ORIGINAL,
        )
    ]
    for folder in stores:
        records = {}
        try:
            files = list(Store(folder).files())
        except RecordError as error:
            problems.append(str(error))
            continue
        for file in files:
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
