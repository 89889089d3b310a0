"""Runs made on an accelerator beside runs of the same network made on a processor."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from reluclf.formats import cell, difference_cell
from reluclf.judging import paper
from reluclf.judging.design import Cell, cells_of, planned
from reluclf.judging.evidence import Evidence, measure
from reluclf.judging.statistics import unpaired
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins


def on_accelerator(record: Record) -> bool:
    """Tell whether a run was made on an accelerator, not on a processor."""
    return not record.provenance.device.startswith("CPU")


def table(records: Sequence[Record]) -> pd.DataFrame:
    """Compare test accuracies by device, for each cell of the design that has runs of both.

    Returns
    -------
    DataFrame of str
        A row for each network and condition: test accuracy on processors and on accelerators, the
        difference by Welch's test, and how many of the design's runs there are without the latter.
    """
    by_cell: dict[Cell, list[Record]] = {}
    for record in records:
        for one in cells_of(record.spec):
            by_cell.setdefault(one, []).append(record)
    rows, used = [], []
    for one, n in planned().items():
        runs = by_cell.get(one, [])
        fast = [run for run in runs if on_accelerator(run)]
        slow = [run for run in runs if not on_accelerator(run)]
        if not fast or not slow:
            continue
        used += runs
        ours, theirs = ([run.test.accuracy for run in kind] for kind in (fast, slow))
        row = {
            "network": paper.title(*one[:3]),
            "condition": one.condition,
            "processors, %": cell(measure(slow, "test_accuracy"), "test_accuracy"),
            "accelerators, %": cell(measure(fast, "test_accuracy"), "test_accuracy"),
            "accelerators − processors": difference_cell(unpaired(ours, theirs, MARGIN)),
            "without accelerators": f"{len(slow)} of {n}",
        }
        rows.append(row)
    return origins.rests_on(pd.DataFrame(rows), {"": used})


def resting(records: Sequence[Record]) -> str:
    """List the networks and conditions that are complete only with an accelerator's runs."""
    everything = Evidence(records)
    slow = Evidence(record for record in records if not on_accelerator(record))
    named = [
        f"{paper.title(*one[:3])} ({one.condition})"
        for one, n in planned().items()
        if len(everything.there(one)) == n > len(slow.there(one))
    ]
    return ", ".join(named) or "none"
