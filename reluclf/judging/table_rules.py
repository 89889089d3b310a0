"""The rules for the paper's tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from reluclf import data, formats
from reluclf.judging import paper, selection
from reluclf.judging.judgement import FEWEST, Evidence, Finding, Status, Undecided, listed, minus
from reluclf.judging.statistics import Match, estimate, estimate_counts, slope
from reluclf.record import Record
from reluclf.showing import tables

#: So many numbers that cannot be told stand in a verdict with their intervals; more would hide what it says.
_FEW = 2


@dataclass(frozen=True)
class Compared:
    """One of the paper's numbers, compared with what one more run of ours would give.

    ``runs`` is how many would do, if more would; ``values`` the paper's value and the interval, as a page has them; ``head`` whose number it is,
    where both heads have one; ``apart`` by how much our mean exceeds the paper's value.
    """

    name: str
    match: Match
    runs: int | None = None
    values: str = ""
    head: str = ""
    apart: float = 0.0


def _agree(found: Sequence[Compared], what: str) -> Finding | None:
    """Rule for numbers that are judged together; None if all of them are reproduced.

    Raises
    ------
    Undecided
        If none is off, and some could not have been with so few runs.
    """

    def named(match: Match) -> str:
        of = [compared for compared in found if compared.match == match]
        if len(of) == len(found) > len(paper.HEADS):
            return "all of them"
        return listed([compared.name + compared.values * (match == Match.OUTSIDE or len(of) <= _FEW) for compared in of])

    matches = [compared.match for compared in found]
    all_of_them = f"{'Both' if len(found) == 2 else f'All {len(found)}'} {what} lie inside our intervals"
    if off := matches.count(Match.OUTSIDE):
        return (
            Status.NOT_REPRODUCED,
            f"{off} of its {len(found)} {what} lie{'s' if off == 1 else ''} outside what one more run of ours would give: {named(Match.OUTSIDE)}.",
        )
    if Match.SCATTERED in matches:
        return (
            Status.NOT_TESTABLE,
            f"{all_of_them}, but single runs scatter so widely that it means nothing for {named(Match.SCATTERED)}.",
        )
    if Match.WIDE in matches:
        needed = [compared.runs for compared in found if compared.match == Match.WIDE]
        enough = f"; about {max(needed)} seeds would do" if all(needed) else ""
        raise Undecided(f"{all_of_them}, but from so few runs these are too wide to judge for {named(Match.WIDE)}{enough}.")
    return None


def compare(dataset: str, architecture: str, runs: Mapping[str, Sequence[Record]]) -> list[Compared]:
    """The paper's accuracies, in cross-validation and on the test set, of both heads of a network, each compared with one more of these runs by head.

    They are judged together: the intervals are widened so that all hold with 95 %.
    """
    published = {head: paper.result(dataset, architecture, head) for head in paper.HEADS}
    found, n = [], len(paper.HEADS) * len(tables.JUDGED)
    for head, name in product(paper.HEADS, tables.JUDGED):
        allowed = tables.tolerance(*(published[head][name] for head in paper.HEADS))
        ours = selection.measure(runs[head], name)
        match, values = ours.match(published[head][name], allowed, n), _against(published[head][name], ours.prediction(n))
        title, apart = f"{paper.HEAD_TITLES[head]}'s {paper.MEASURES[name]}", ours.mean - published[head][name]
        found.append(Compared(title, match, ours.enough(allowed, n), values, head, apart))
    return found


def results(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for Tables 3, 4, 6, 7 and 9: cross-validation and test accuracy of both heads."""
    found = compare(dataset, architecture, {head: evidence.runs(dataset, architecture, head, "carried", whole=True) for head in paper.HEADS})
    published, n = {head: paper.result(dataset, architecture, head) for head in paper.HEADS}, len(found)
    if finding := _agree(found, "accuracies"):
        return finding
    honest = {
        paper.HEAD_TITLES[head]: _honest(evidence.runs(dataset, architecture, head, "fresh", fewest=1, whole=True), published[head]["cv_accuracy"])
        for head in paper.HEADS
    }
    if flawed := [head for head, (inside, _) in honest.items() if not inside]:
        return (
            Status.BY_THE_FLAW,
            f"All {n} accuracies come back when one model is carried through the folds; an honest cross-validation gives another "
            f"number for {' and '.join(flawed)}.",
        )
    if wide := [head for head, (_, half) in honest.items() if half > tables.tolerance(*(published[head]["cv_accuracy"] for head in paper.HEADS))]:
        raise Undecided(
            f"All {n} accuracies come back; too few folds are run anew to tell an honest cross-validation from the paper's for {wide[0]}."
        )
    return Status.REPRODUCED, f"All {n} accuracies come back, and an honest cross-validation agrees."


def _against(published: float, interval: tuple[float, float]) -> str:
    return f" ({formats.number(published, 'cv_accuracy')} % against {' to '.join(formats.ends(*interval, 'cv_accuracy'))})"


def _honest(runs: Sequence[Record], published: float) -> tuple[bool, float]:
    """Whether a ``fresh`` cross-validation could have given the paper's accuracy, and half the width of the interval that says so.

    The interval is for one more run where there are enough, else from the ten folds of the one there is; two heads are looked at together.
    """
    two = len(paper.HEADS)
    enough = len(runs) >= FEWEST
    low, high = selection.measure(runs, "cv_accuracy").prediction(two) if enough else tables.over_folds(runs[0], two)
    return low <= published <= high, (high - low) / 2


def folds(dataset: str, evidence: Evidence) -> Finding:
    """Rule for Tables 5 and 8: the mean of the ten fold accuracies of CNN-ReLU, and their rise from fold to fold."""
    runs = evidence.runs(dataset, "cnn", "relu", "carried", whole=True)
    published, other = (paper.fold_accuracy(dataset, "cnn", head) for head in ("relu", "softmax"))
    rise = slope(published).mean
    found = []
    for name, value, ours, allowed, against in (
        ("mean", published.mean(), selection.measure(runs, "cv_accuracy"), tables.tolerance(published.mean(), other.mean()), _against),
        ("rise from fold to fold", rise, estimate([slope(run.fold_accuracy).mean for run in runs]), abs(rise), _rise_against),
    ):
        found.append(Compared(f"the {name}", ours.match(value, allowed, 2), ours.enough(allowed, 2), against(value, ours.prediction(2))))
    if finding := _agree(found, "summaries (mean and rise of the ten folds)"):
        return finding
    fresh = evidence.runs(dataset, "cnn", "relu", "fresh", fewest=1, whole=True)
    anew = slope(np.mean([run.fold_accuracy for run in fresh], axis=0))
    text = f"the paper's accuracy rises by {_rise(rise)} a fold, with new weights in each it changes by {_rise(anew.mean)} "
    text += f"({_rise(anew.low)} to {_rise(anew.high)})"
    if anew.high < rise:
        return Status.BY_THE_FLAW, f"Mean and rise of the ten folds come back only when one model is carried through them: {text}."
    if anew.low > 0:
        return Status.REPRODUCED, f"Mean and rise of the ten folds come back, with new weights in each fold as well: {text}."
    raise Undecided(f"Mean and rise of the ten folds come back; whether they would with new weights in each fold is not shown: {text}.")


def _rise(value: float) -> str:
    return minus(f"{100 * value:.1f} points")


def _rise_against(published: float, interval: tuple[float, float]) -> str:
    return f" ({_rise(published)} against {' to '.join(map(_rise, interval))})"  # uncut: a rise can be negative


def layers(number: int, evidence: Evidence) -> Finding:
    """Rule for Tables 1 and 2, the networks; a test compares them layer by layer."""
    total = sum(parameters for _, _, parameters in paper.layers(number))
    return Status.REPRODUCED, f"The network that we train has the same layers, shapes and {total:,} parameters; a test holds it to that."


def drawn(evidence: Evidence) -> Finding:
    """Rule for Figure 1, a function."""
    return Status.REPRODUCED, "It is the function that the networks compute; here it is drawn with its derivative."


def matrix(number: int, evidence: Evidence) -> Finding:
    """Rule for Figures 2 to 11: the correct predictions of every class."""
    published = paper.matrix(number)
    runs = evidence.runs(published.dataset, published.architecture, published.head, "carried", whole=True)
    other = paper.matrix_of(published.dataset, published.architecture, next(head for head in paper.HEADS if head != published.head)).counts
    totals, names = published.counts.sum(axis=1), data.CLASSES[published.dataset]
    k = len(names)
    ours = estimate_counts(np.array([np.diag(run.test.confusion_matrix) for run in runs]), totals)
    found = []
    for i in range(k):
        hits, allowed = published.counts[i, i], totals[i] * tables.tolerance(*(counts[i, i] / totals[i] for counts in (published.counts, other)))
        name = f"class {names[i]}" if names[i].isdigit() else names[i]
        low, high = (min(max(end, 0), totals[i]) for end in ours[i].prediction(k))
        values = f" ({hits} against {low:.1f} to {high:.1f})"
        found.append(Compared(name, ours[i].match(hits, allowed, k, unit=1), ours[i].enough(allowed, k), values))
    if finding := _agree(found, "counts of correct predictions"):
        return finding
    return Status.REPRODUCED, f"For all {k} classes the correct predictions lie within what one more run of ours would give."
