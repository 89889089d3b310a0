"""The paper's numbers on WDBC among our runs: as run, as written, and with one difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from reluclf import formats
from reluclf.judging import paper, words
from reluclf.judging.evidence import OF_RUN, of_setting
from reluclf.record import Record
from reluclf.showing import origins, prose
from reluclf.showing.runs import with_both_heads
from reluclf.spec import CLASSES, N_SPLITS

#: Protocol and features of each kind of runs, by its name on the page.
KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "as run: one model, raw": ("carried", {"features": "raw"}),
    "one model, standardised": ("carried", {}),
    "new weights, raw": ("fresh", {"features": "raw"}),
    "as written: new weights, standardised": ("fresh", {}),
}

#: The two of them that the words of the pages name.
AS_RUN, *_, AS_WRITTEN = KINDS

#: A value with less than this share of the runs on a side of it is outside of their middle 95 %.
_TAIL = 0.025

#: Fewer runs than this have no such tails.
FEWEST = 40

#: Those of the paper's measures whose numbers are set among our runs.
_MEASURES = ("cv_accuracy", "cv_std", "test_accuracy", "test_loss")


class Place(NamedTuple):
    """How many runs lie below, at and above a number, in the digits that the paper prints."""

    below: int
    at: int
    above: int

    @property
    def n(self) -> int:
        """How many runs there are."""
        return self.below + self.at + self.above

    @property
    def inside(self) -> bool:
        """Whether the number lies in the middle 95 % of the runs."""
        return min(self.below, self.above) + self.at >= _TAIL * self.n


class Number(NamedTuple):
    """One of the paper's numbers on WDBC.

    Attributes
    ----------
    title : str
    measure : str
        What it is written as.
    value : float
    of : callable
        How a run has it.
    """

    title: str
    measure: str
    value: float
    of: Callable[[Record], float]

    def text(self, value: float) -> str:
        """Write a value of it."""
        return f"{value:.0f}" if self.measure == "count" else formats.number(value, self.measure)

    def place(self, runs: Sequence[Record]) -> Place:
        """Count the runs on either side of the paper's value."""
        signs = np.sign([round(float(self.of(run)) - float(self.value), 4) for run in runs])
        return Place(*(int(np.sum(signs == sign)) for sign in (-1, 0, 1)))


def numbers(head: str) -> list[Number]:
    """List the six numbers of a head that the paper gives, the hits of both classes among them."""
    network = ("wdbc", "ffnn", head)
    title, counts = paper.HEAD_TITLES[head], paper.matrix_of(*network).counts
    found = [
        Number(f"{title}: {paper.MEASURES[name]}", name, paper.result(*network)[name], OF_RUN[name])
        for name in _MEASURES
    ]
    for i, name in enumerate(CLASSES["wdbc"]):
        found.append(Number(f"{title}: {name} tumours found", "count", counts[i, i], _hits(i)))
    return found


def _hits(i: int) -> Callable[[Record], float]:
    return lambda run: run.test.confusion_matrix[i][i]


def runs(records: Sequence[Record], head: str, kind: str) -> list[Record]:
    """Select the runs of a head of one of :data:`KINDS`, those with all ten folds."""
    protocol, setting = KINDS[kind]
    network = {"dataset": "wdbc", "architecture": "ffnn", "head": head}
    found = of_setting(records, setting, protocol=protocol, **network)
    return [run for run in found if len(run.folds) == N_SPLITS]


@origins.traced
def table(records: Sequence[Record]) -> pd.DataFrame:
    """Set each of the paper's numbers beside the runs of every kind, as text.

    Of these the median and the middle 95 %; in bold where the paper's number lies outside.
    """
    rows = []
    for head in paper.HEADS:
        of_kind = {kind: runs(records, head, kind) for kind in KINDS}
        for number in numbers(head):
            row = {"number": number.title, "paper": number.text(number.value)}
            for kind, members in of_kind.items():
                text = middle([float(number.of(run)) for run in members], number.text)
                outside = len(members) >= FEWEST and not number.place(members).inside
                row[kind] = f"**{text}**" if outside else text
            rows.append(row)
    return pd.DataFrame(rows)


def middle(values: Sequence[float], write: Callable[[float], str]) -> str:
    """Write the median, and between which values the middle 95 % lie; a dash for too few."""
    if len(values) < FEWEST:
        return formats.NONE
    low, high = ends(values)
    return f"{write(float(np.median(values)))} [{write(low)}, {write(high)}]"


def ends(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Find the values between which the middle 95 % lie; they occur."""
    low = np.quantile(values, _TAIL, method="lower")
    return float(low), float(np.quantile(values, 1 - _TAIL, method="higher"))


def inside(records: Sequence[Record], kind: str) -> int | None:
    """Count the paper's numbers in the middle 95 % of the runs of a kind; None for too few runs."""
    places = [
        number.place(runs(records, head, kind)) for head in paper.HEADS for number in numbers(head)
    ]
    if min(place.n for place in places) < FEWEST:
        return None
    return sum(place.inside for place in places)


def said(records: Sequence[Record], kind: str) -> str:
    """Write :func:`inside` as prose has it."""
    found = inside(records, kind)
    if found is None:
        return formats.NOT_MEASURED
    every = sum(len(numbers(head)) for head in paper.HEADS)
    return {0: "none", every: "all"}.get(found, str(found))


def medians(records: Sequence[Record], kind: str) -> dict[str, str]:
    """Write the median accuracies of a kind, by head and ``cv`` or ``test``, as prose has them."""
    told = {}
    for head in paper.HEADS:
        members = runs(records, head, kind)
        told[f"{head}_cv"] = _median([run.cv_accuracy for run in members])
        told[f"{head}_test"] = _median([run.test.accuracy for run in members])
    return told


def _median(accuracies: Sequence[float]) -> str:
    return prose.percent(float(np.median(accuracies)) if accuracies else None)


def above(records: Sequence[Record], kind: str, fold: int, loss: float) -> str:
    """Count the softmax runs whose validation loss of a fold, counted from 1, is above a value."""
    members = runs(records, "softmax", kind)
    return prose.count([run.folds[fold - 1].validation.loss[-1] > loss for run in members])


def separated(records: Sequence[Record]) -> str:
    """Say what each difference between text and code does to the median test accuracies."""
    told, much, little = [], [], []
    for network in with_both_heads("wdbc", "ffnn"):
        of_kind = [runs(records, network.head, kind) for kind in KINDS]
        if min(map(len, of_kind)) < FEWEST:
            return words.say("wdbc-too-few", n=FEWEST)
        as_run, standardised, anew, as_written = (
            100 * float(np.median([run.test.accuracy for run in members])) for members in of_kind
        )
        told.append(
            words.say(
                "wdbc-separated",
                network=network.short,
                as_run=f"{as_run:.2f}\u00a0%",
                anew=f"{anew:.2f}\u00a0%",
                standardised=f"{standardised:.2f}\u00a0%",
                as_written=f"{as_written:.2f}\u00a0%",
            )
        )
        much.append(as_run - anew > 10)
        little.append(abs(standardised - as_written) < 1)
    if all(much) and all(little):
        told.append(words.say("wdbc-epochs"))
    return " ".join(told)
