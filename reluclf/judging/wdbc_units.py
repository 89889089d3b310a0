"""Were the paper's WDBC measurements standardised? Where its numbers stand among those of runs on measurements that are, and that are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from reluclf import formats
from reluclf.judging import paper
from reluclf.judging.selection import of_setting
from reluclf.record import Record

#: What the network is fed: how a column is headed, and how the runs depart from the author's code.
_FED = {"standardised": {}, "in their own units": {"features": "raw"}}

#: A value with less than this share of the runs on one side of it, or at it, is outside of what they give.
_TAIL = 0.025

#: Fewer runs than this have no such tails.
_FEWEST = 40


@dataclass(frozen=True)
class Rank:
    """How many runs lie below, at and above one of the paper's numbers, at the precision that it is printed with."""

    below: int
    at: int
    above: int

    @property
    def inside(self) -> bool:
        """Whether the number lies in the middle 95 % of the runs."""
        return min(self.below, self.above) + self.at >= _TAIL * (self.below + self.at + self.above)

    def __str__(self) -> str:
        return f"{self.below} below, {self.at} at, {self.above} above"


def _numbers(head: str) -> list[tuple[str, str, float, Callable[[Record], float]]]:
    """The paper's numbers of a head: what it is called and measured as, the paper's value, and how a run has it."""
    published = paper.result("wdbc", "ffnn", head)
    counts = next(matrix.counts for matrix in map(paper.matrix, (10, 11)) if matrix.head == head)
    found = [
        (f"{paper.MEASURES[name]}", name, published[name], lambda run, of=of: of(run))
        for name, of in (
            ("cv_accuracy", lambda run: run.cv_accuracy),
            ("cv_std", lambda run: run.cv_std),
            ("test_accuracy", lambda run: run.test.accuracy),
            ("test_loss", lambda run: run.test.loss),
        )
    ]
    for i, name in enumerate(("malignant", "benign")):
        found.append((f"{name} tumours found", "count", counts[i, i], lambda run, i=i: run.test.confusion_matrix[i][i]))
    return found


def ranks(records: Sequence[Record]) -> list[tuple[str, str, dict[str, Rank]]]:
    """For each of the paper's numbers on WDBC its name, its value as text, and its rank among the ``carried`` runs, by what they are fed."""
    found = []
    for head in paper.HEADS:
        runs = {
            fed: [run for run in of_setting(records, setting, dataset="wdbc", architecture="ffnn", head=head, protocol="carried") if run.folds]
            for fed, setting in _FED.items()
        }
        for title, measure, value, of in _numbers(head):
            by_fed = {}
            for fed, members in runs.items():
                differences = [round(float(of(run)) - float(value), 4) for run in members]
                by_fed[fed] = Rank(sum(d < 0 for d in differences), sum(d == 0 for d in differences), sum(d > 0 for d in differences))
            text = str(int(value)) if measure == "count" else formats.number(value, measure)
            found.append((f"{paper.HEAD_TITLES[head]}: {title}", text, by_fed))
    return found


def table(records: Sequence[Record]) -> pd.DataFrame:
    """:func:`ranks` as text, a row for each number; a rank outside the middle 95 % of the runs is marked."""
    rows = []
    for title, value, by_fed in ranks(records):
        row = {"the paper's": title, "is": value}
        for fed, rank in by_fed.items():
            row[f"runs on measurements {fed}"] = str(rank) if rank.inside else f"**{rank}**"
        rows.append(row)
    return pd.DataFrame(rows)


def _inside(records: Sequence[Record]) -> dict[str, int] | None:
    """How many of the paper's numbers lie in the middle 95 % of the runs, by what these are fed; None if there are too few runs."""
    found = [by_fed for _, _, by_fed in ranks(records)]
    if any(rank.below + rank.at + rank.above < _FEWEST for by_fed in found for rank in by_fed.values()):
        return None
    return {fed: sum(by_fed[fed].inside for by_fed in found) for fed in _FED}


def unscaled(records: Sequence[Record]) -> bool:
    """Whether all of the paper's numbers on WDBC are what runs on measurements in their own units give, and not all what standardised ones do."""
    inside = _inside(records)
    return inside is not None and inside["in their own units"] == len(ranks(records)) > inside["standardised"]


def _lowest(records: Sequence[Record]) -> str:
    """How the paper's cross-validation of the softmax head stands to the lowest of ours on standardised measurements, and what it shows."""
    runs = [run.cv_accuracy for run in of_setting(records, dataset="wdbc", architecture="ffnn", head="softmax", protocol="carried") if run.folds]
    published = paper.result("wdbc", "ffnn", "softmax")["cv_accuracy"]
    as_low = sum(value <= published for value in runs)
    return (
        f"The author's code standardises; of our {len(runs)} runs that do, {as_low or 'none'} had a cross-validation accuracy with softmax as low as "
        f"the paper's {100 * published:.2f} % (the lowest: {100 * min(runs):.2f} %). Without it runs scatter so widely that they show only where the "
        f"paper's numbers could have come from, not what was done."
    )


def answer(records: Sequence[Record]) -> str:
    """What the ranks say, as sentences."""
    inside = _inside(records)
    if inside is None:
        return f"It takes {_FEWEST} runs of each to say where the paper's numbers stand among them."
    of = len(ranks(records))
    text = (
        f"Of the paper's {of} numbers on WDBC, {inside['standardised']} lie in the middle 95 % of the runs on standardised measurements, and "
        f"{inside['in their own units']} in that of the runs on measurements in their own units"
    )
    if unscaled(records):
        return f"{text}. {_lowest(records)}"
    return f"{text}, which does not settle it."
