"""Which of the committed records can be trusted, and what is wrong with the others."""

from __future__ import annotations

from reluclf import data, paths
from reluclf.campaign import runtime
from reluclf.record import Record
from reluclf.store import BACKENDS, ORIGINAL, RecordError, Store, copies, read_file


def read_all() -> tuple[list[Record], int, list[str]]:
    """Read every committed record.

    Returns
    -------
    list of Record
        Those that can be trusted of the main store: without those that compare backends, and the original's.
    int
        How many can be trusted, with them.
    list of str
        What is wrong with the others, a sentence each.
    """
    found, problems = {}, []
    for folder in (paths.RESULTS, *(paths.RESULTS / BACKENDS / name for name in runtime.BACKENDS), paths.RESULTS / ORIGINAL):
        records = []
        for file in Store(folder).files():
            try:
                record = read_file(file)
            except RecordError as error:
                problems.append(str(error))
                continue
            if record.provenance.data == data.checksums(record.spec.dataset):
                records.append(record)
            else:
                problems.append(f"{file} was trained on other data than those whose checksums reluclf knows; delete it and retrain it.")
        for original, copy in copies(records):
            problems.append(f"{copy.spec} has the very measurements of {original.spec}: one is a copy; delete the wrong one and retrain it.")
        found[folder] = records
    return found[paths.RESULTS], sum(map(len, found.values())), problems
