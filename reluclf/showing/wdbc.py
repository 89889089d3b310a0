"""The paper's numbers on WDBC among our runs, as run, as written, and with one of the two differences between these at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reluclf import formats
from reluclf.judging import paper
from reluclf.judging.evidence import of_setting
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.spec import N_SPLITS

#: Protocol and features of each kind of runs, by its name on the page: as run, one of the two differences at a time, as written.
KINDS = {
    "as run: one model, raw": ("carried", {"features": "raw"}),
    "one model, standardised": ("carried", {}),
    "new weights, raw": ("fresh", {"features": "raw"}),
    "as written: new weights, standardised": ("fresh", {}),
}

#: The two of them that the words of the pages name.
AS_RUN, *_, AS_WRITTEN = KINDS

#: A value with less than this share of the runs on one side of it, or at it, is outside of their middle 95 %.
_TAIL = 0.025

#: Fewer runs than this have no such tails.
FEWEST = 40


@dataclass(frozen=True)
class Place:
    """Where one of the paper's numbers stands among runs: how many lie below, at and above it, in the digits that the paper prints."""

    below: int
    at: int
    above: int

    @property
    def n(self) -> int:
        """How many runs there are."""
        return self.below + self.at + self.above

    @property
    def inside(self) -> bool:
        """Whether it lies in the middle 95 % of the runs."""
        return min(self.below, self.above) + self.at >= _TAIL * self.n


@dataclass(frozen=True)
class Number:
    """One of the paper's numbers on WDBC: what it is, the measure that it is written as, its value, and how a run has it."""

    title: str
    measure: str
    value: float
    of: Callable[[Record], float]

    def text(self, value: float) -> str:
        """A value of it as the page writes it."""
        return f"{value:.0f}" if self.measure == "count" else formats.number(value, self.measure)

    def place(self, runs: Sequence[Record]) -> Place:
        """Where the paper's value stands among the runs."""
        differences = [round(float(self.of(run)) - float(self.value), 4) for run in runs]
        return Place(
            sum(d < 0 for d in differences),
            sum(d == 0 for d in differences),
            sum(d > 0 for d in differences),
        )


def numbers(head: str) -> list[Number]:
    """The six numbers of a head that the paper gives: cross-validation, its spread, test accuracy and loss, and the hits of both classes."""
    published = paper.result("wdbc", "ffnn", head)
    counts = paper.matrix_of("wdbc", "ffnn", head).counts
    title = paper.HEAD_TITLES[head]
    measures = {
        "cv_accuracy": lambda run: run.cv_accuracy,
        "cv_std": lambda run: run.cv_std,
        "test_accuracy": lambda run: run.test.accuracy,
        "test_loss": lambda run: run.test.loss,
    }
    found = [
        Number(f"{title}: {paper.MEASURES[name]}", name, published[name], of)
        for name, of in measures.items()
    ]
    for i, name in enumerate(("malignant", "benign")):
        found.append(
            Number(
                f"{title}: {name} tumours found",
                "count",
                counts[i, i],
                lambda run, i=i: run.test.confusion_matrix[i][i],
            )
        )
    return found


def runs(records: Sequence[Record], head: str, kind: str) -> list[Record]:
    """The runs of a head of one of :data:`KINDS`, those with all ten folds."""
    protocol, setting = KINDS[kind]
    found = of_setting(
        records, setting, dataset="wdbc", architecture="ffnn", head=head, protocol=protocol
    )
    return [run for run in found if len(run.folds) == N_SPLITS]


@origins.traced
def table(records: Sequence[Record]) -> pd.DataFrame:
    """Each of the paper's numbers beside the median and the middle 95 % of the runs of every kind, as text; in bold where it lies outside these."""
    rows = []
    for head in paper.HEADS:
        of_kind = {kind: runs(records, head, kind) for kind in KINDS}
        for number in numbers(head):
            row = {"number": number.title, "paper": number.text(number.value)}
            for kind, members in of_kind.items():
                text = middle([float(number.of(run)) for run in members], number.text)
                row[kind] = (
                    text if len(members) < FEWEST or number.place(members).inside else f"**{text}**"
                )
            rows.append(row)
    return pd.DataFrame(rows)


def middle(values: Sequence[float], write: Callable[[float], str]) -> str:
    """The median of the values and between which of them the middle 95 % lie; a dash where there are too few to say so."""
    if len(values) < FEWEST:
        return formats.NONE
    low, high = (
        np.quantile(values, share, method=method)
        for share, method in ((_TAIL, "lower"), (1 - _TAIL, "higher"))
    )
    return f"{write(float(np.median(values)))} [{write(low)}, {write(high)}]"


def inside(records: Sequence[Record], kind: str) -> int | None:
    """How many of the paper's numbers, of both heads, lie in the middle 95 % of the runs of a kind; None if there are too few runs."""
    found = [
        number.place(runs(records, head, kind)) for head in paper.HEADS for number in numbers(head)
    ]
    return (
        sum(place.inside for place in found) if min(place.n for place in found) >= FEWEST else None
    )


def said(records: Sequence[Record], kind: str) -> str:
    """:func:`inside` as prose has it."""
    found = inside(records, kind)
    return formats.NOT_MEASURED if found is None else str(found or "none")


def medians(records: Sequence[Record], kind: str) -> dict[str, str]:
    """The median accuracies of the runs of a kind, in cross-validation and test, as prose has them, by head and ``cv`` or ``test``."""
    found = {}
    for head in paper.HEADS:
        members = runs(records, head, kind)
        for name, of in (
            ("cv", lambda run: run.cv_accuracy),
            ("test", lambda run: run.test.accuracy),
        ):
            found[f"{head}_{name}"] = (
                f"{100 * np.median([of(run) for run in members]):.2f}\u00a0%"
                if members
                else formats.NOT_MEASURED
            )
    return found


def above(records: Sequence[Record], kind: str, fold: int, loss: float) -> str:
    """In how many of the softmax runs of a kind the loss on the validation rows of a fold, counted from 1, is above a value, as prose has it."""
    members = runs(records, "softmax", kind)
    high = sum(run.folds[fold - 1].validation.loss[-1] > loss for run in members)
    return f"{high or 'none'} of {len(members)}" if members else formats.NOT_MEASURED


def separated(records: Sequence[Record]) -> str:
    """What each of the two differences between the text and the code does to the median test accuracy of both heads, as sentences."""
    found = {
        (head, kind): [run.test.accuracy for run in runs(records, head, kind)]
        for head in paper.HEADS
        for kind in KINDS
    }
    if min(map(len, found.values())) < FEWEST:
        return f"It takes {FEWEST} runs of each kind to separate the two."
    told, much, little = [], [], []
    for head in paper.HEADS:
        as_run, standardised, anew, as_written = (
            100 * float(np.median(found[head, kind])) for kind in KINDS
        )
        told.append(
            f"On raw measurements FFNN-{paper.HEAD_TITLES[head]} has a median test accuracy of {as_run:.2f}\u00a0% as run and of {anew:.2f}\u00a0% "
            f"with new weights; on standardised ones, of {standardised:.2f}\u00a0% with one model and of {as_written:.2f}\u00a0% as written."
        )
        much.append(as_run - anew > 10)
        little.append(abs(standardised - as_written) < 1)
    if all(much) and all(little):
        told.append(
            "So raw measurements need the 320 epochs of one model; for standardised ones 32 epochs are enough."
        )
    return " ".join(told)
