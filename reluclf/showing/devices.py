"""Runs made on an accelerator beside runs of the same network made on a processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from reluclf.formats import NONE, cell, difference_cell
from reluclf.judging import paper
from reluclf.judging.design import Cell, Lacking, planned
from reluclf.judging.evidence import Evidence, accuracies, measure
from reluclf.judging.exceeding import OURS
from reluclf.judging.items import items
from reluclf.judging.robustness import QUESTIONS
from reluclf.judging.statistics import Difference, rejected, unpaired
from reluclf.judging.status import Status
from reluclf.judging.thresholds import MARGIN
from reluclf.judging.verdicts import Verdict
from reluclf.record import Record
from reluclf.showing import ledger, origins


class Pair(NamedTuple):
    """The runs of a cell of the design by where they were made, and how their accuracies differ."""

    cell: Cell
    slow: list[Record]
    fast: list[Record]
    difference: Difference | None


def on_accelerator(record: Record) -> bool:
    """Tell whether a run was made on an accelerator, not on a processor."""
    return not record.provenance.device.startswith("CPU")


def pairs(records: Sequence[Record]) -> list[Pair]:
    """Compare the test accuracies in each cell that has runs of both; None where one has one run.

    Of either kind the runs are those that a verdict on them alone would take.
    """
    on_fast = Evidence(run for run in records if on_accelerator(run))
    on_slow = Evidence(run for run in records if not on_accelerator(run))
    found = []
    for one in planned():
        fast, slow = on_fast.there(one), on_slow.there(one)
        if fast and slow:
            difference = unpaired(accuracies(fast), accuracies(slow), MARGIN)
            found.append(Pair(one, slow, fast, difference))
    return found


def table(records: Sequence[Record]) -> pd.DataFrame:
    """Show :func:`pairs` as text.

    Returns
    -------
    DataFrame of str
        A row for each network and condition: test accuracy on processors and on accelerators, the
        difference by Welch's test, and how many of the design's runs there are without the latter.
    """
    found = pairs(records)
    rows = [
        {
            "network": paper.title(*pair.cell[:3]),
            "condition": pair.cell.condition,
            "processors, %": cell(measure(pair.slow, "test_accuracy"), "test_accuracy"),
            "accelerators, %": cell(measure(pair.fast, "test_accuracy"), "test_accuracy"),
            "accelerators − processors": difference_cell(pair.difference),
            "without accelerators": f"{len(pair.slow)} of {planned()[pair.cell]}",
        }
        for pair in found
    ]
    return origins.rests_on(
        pd.DataFrame(rows), {"": [run for p in found for run in p.slow + p.fast]}
    )


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Write how many cells are compared, and in how many the two kinds are shown to differ."""
    tested = [pair.difference for pair in pairs(records) if pair.difference]
    p_values = [one.p for one in tested]
    return {
        "devices_tested": str(len(tested)),
        "devices_apart": str(sum(p < 1 - OURS.level for p in p_values) or "none"),
        "devices_apart_holm": str(sum(rejected(p_values)) or "none"),
    }


def otherwise(verdicts: Sequence[Verdict], records: Sequence[Record]) -> pd.DataFrame:
    """List the verdicts that processors' runs alone, however few, would not give.

    Returns
    -------
    DataFrame of str
        A row for each answer that does not wait: its status, and the one without the accelerators'
        runs, which waits where a cell then has fewer than two.
    """
    slow = Evidence(run for run in records if not on_accelerator(run)).before_complete()
    rows = []
    for verdict in verdicts:
        for question, name in QUESTIONS.items():
            answer, rule = getattr(verdict, name), getattr(items()[verdict.id], name)
            if answer is None or answer.status == Status.WAITING:
                continue
            try:
                status = rule(slow, OURS).status
            except Lacking:
                status = Status.WAITING
            if status != answer.status:
                row = {"item": verdict.id, "question": question, "verdict": str(answer.status)}
                rows.append(row | {"by the runs on processors alone": str(status)})
    nothing = dict.fromkeys(
        ("item", "question", "verdict", "by the runs on processors alone"), NONE
    )
    return origins.rests_on(pd.DataFrame(rows or [nothing]), ledger.records(verdicts))
