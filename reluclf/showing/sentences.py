"""What it adds up to, as sentences computed from records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from reluclf.judging import claims, paper, published
from reluclf.judging.claims import Network
from reluclf.judging.design import Cell, Lacking
from reluclf.judging.evidence import Evidence
from reluclf.judging.rules import Compared
from reluclf.judging.statistics import Difference, rejected
from reluclf.judging.status import Status
from reluclf.judging.thresholds import MARGIN
from reluclf.judging.verdicts import Verdict
from reluclf.judging.words import listed, minus
from reluclf.record import Record, loses_a_class

_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def part(number: int, of: int, what: str) -> str:
    """Say how many of so many, as prose does: ``none of the five networks``, ``all five networks``.

    Examples
    --------
    >>> part(4, 5, "networks")
    'four of the five networks'
    """
    if not of:
        return f"none of the {what} (there are no runs yet)"
    words = [_WORDS[n] if n < len(_WORDS) else str(n) for n in (number, of)]
    return f"all {words[1]} {what}" if number == of else f"{words[0]} of the {words[1]} {what}"


def _differences(evidence: Evidence, condition: str) -> list[Difference]:
    """ReLU minus softmax in test accuracy, of each of the five networks that has runs."""
    found = []
    for network in paper.RESULT_TABLES:
        try:
            everything, _ = claims.measured(evidence, Network(*network), condition, claims.ACCURACY)
        except Lacking:
            continue
        found.append(everything.difference(MARGIN))
    return found


def heads(records: Iterable[Record]) -> str:
    """Say which head is ahead in test accuracy in the five networks (Holm over the networks)."""
    evidence = Evidence(records, early=True)
    told, ahead, total = [], 0, 0
    for condition in ("as written", "as run"):
        found = _differences(evidence, condition)
        sure = rejected([difference.p for difference in found])
        signs = np.sign([difference.mean for difference in found])
        ahead += int(np.sum(sure & (signs > 0)))
        total += len(found)
        behind = part(int(np.sum(sure & (signs < 0))), len(found), "networks")
        told.append(f"{condition} it is behind in {behind}")
    return (
        f"Tested over the networks (Holm), ReLU is never ahead: {told[0]}; {told[1]}."
        if not ahead
        else f"Tested over the networks (Holm), ReLU is ahead in {part(ahead, total, 'comparisons')}; "
        f"{told[0]}; {told[1]}."
    )


def kinds_of_runs(records: Iterable[Record]) -> str:
    """Say how FFNN-ReLUs on images come out with and without a lost class, as run."""
    evidence, told, first_kind = Evidence(records, early=True), [], []
    for dataset, architecture in paper.IMAGE_NETWORKS:
        if architecture != "ffnn":
            continue
        runs = evidence.there(Cell(dataset, architecture, "relu", "as run"))
        kept = [run for run in runs if not run.test.lost]
        if not kept or len(kept) == len(runs):
            continue
        own = paper.result(dataset, architecture, "relu")
        apart = max(
            max(
                abs(run.test.accuracy - own["test_accuracy"]),
                abs(run.cv_accuracy - own["cv_accuracy"]),
            )
            for run in kept
        )
        lower = [100 * (own["test_accuracy"] - run.test.accuracy) for run in runs if run.test.lost]
        first_kind.append(not loses_a_class(paper.matrix_of(dataset, architecture, "relu").counts))
        ends = " to ".join(dict.fromkeys(f"{value:.1f}" for value in (min(lower), max(lower))))
        told.append(
            f"on {paper.title(dataset, architecture).removesuffix(' FFNN')} {len(kept)} of "
            f"{len(runs)} lose none and are within {100 * apart:.1f} points of the paper's "
            f"accuracies; the others end {ends} points below its test accuracy"
        )
    if not told:
        return "Whether runs that lose no class agree with the paper's cannot be said yet."
    of_paper = " The paper's runs lose none." if all(first_kind) else ""
    return f"Some FFNN-ReLUs lose a class: {'; '.join(told)}.{of_paper}"


def _softmax(evidence: Evidence) -> list[Compared]:
    """The paper's accuracies of softmax networks on images against the runs there are, as run."""
    found = []
    for network in paper.IMAGE_NETWORKS:
        try:
            compared = published.results(Network(*network), evidence, "as run")
        except Lacking:
            continue
        found += [one for one in compared if one.head == "softmax"]
    return found


def softmax_agrees(records: Iterable[Record]) -> str:
    """Say how many of the paper's accuracies of softmax networks on images our runs give."""
    found = _softmax(Evidence(records, early=True))
    if not found:
        return "Of the softmax networks there are too few runs to say how far they agree."
    inside = sum(one.status != Status.NOT_REPRODUCED for one in found)
    apart = max(abs(one.ours.mean - one.paper) for one in found)
    return (
        f"Of the paper's softmax networks on images, {part(inside, len(found), 'accuracies')} lie "
        f"within what one more run of ours gives, and our means are within "
        f"{100 * apart:.2f}\u00a0points of them."
    )


def softmax_apart(records: Iterable[Record]) -> str:
    """Say how far our means of the softmax networks on images are from the paper's, in points."""
    found = _softmax(Evidence(records, early=True))
    if not found:
        return "(not measured yet)"
    return f"{100 * max(abs(one.ours.mean - one.paper) for one in found):.1f}"


def new_weights(records: Iterable[Record]) -> str:
    """Say how the paper's cross-validation stands to one with new weights in every fold."""
    evidence, apart, n = Evidence(records, early=True), [], []
    for network in paper.IMAGE_NETWORKS:
        for head in paper.HEADS:
            runs = evidence.there(Cell(*network, head, "as written, ten folds"))
            if runs:
                ours = float(np.mean([run.cv_accuracy for run in runs]))
                apart.append(100 * (paper.result(*network, head)["cv_accuracy"] - ours))
                n.append(len(runs))
    if not apart:
        return "What ten folds with new weights give is not known yet."
    higher = part(sum(value > 0 for value in apart), len(apart), "networks on images")
    return minus(
        f"With new weights in every fold, cross-validation gives less than his in {higher}: "
        f"by {min(apart):.1f} to {max(apart):.1f} points (ten folds each, n = {min(n)} or more)."
    )


def of_kinds(found: Sequence[Verdict], *statuses: Status) -> str:
    """List the items whose main answer has these statuses: ``reproduced: F5, F9 and C11``."""
    told = []
    for status in statuses:
        identifiers = [verdict.id for verdict in found if verdict.main.status == status]
        if identifiers:
            told.append(f"{status}: {listed(identifiers)}")
    return "; ".join(told) or "none yet"
