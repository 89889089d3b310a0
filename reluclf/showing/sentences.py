"""What it adds up to, as sentences computed from records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from reluclf.formats import NOT_MEASURED
from reluclf.judging import claims, paper, published, words
from reluclf.judging.design import AS_RUN, AS_WRITTEN, Condition, Lacking
from reluclf.judging.evidence import Evidence
from reluclf.judging.rules import Compared
from reluclf.judging.statistics import Difference, rejected
from reluclf.judging.status import Status
from reluclf.judging.thresholds import MARGIN
from reluclf.judging.verdicts import Verdict
from reluclf.judging.words import listed
from reluclf.record import Record
from reluclf.showing.runs import ON_IMAGES

_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def part(number: int, of: int, what: str) -> str:
    """Say how many of so many, as prose does: ``none of the five networks``, ``all five networks``.

    Examples
    --------
    >>> part(4, 5, "networks")
    'four of the five networks'
    """
    if not of:
        return words.say("part-unknown", what=what)
    some, every = (_WORDS[n] if n < len(_WORDS) else str(n) for n in (number, of))
    return f"all {every} {what}" if number == of else f"{some} of the {every} {what}"


def _differences(evidence: Evidence, condition: Condition) -> list[Difference]:
    """Compare ReLU with softmax in test accuracy, in each of the five networks that has runs."""
    found = []
    for pair in paper.RESULT_TABLES:
        try:
            everything, _ = claims.measured(
                evidence, claims.Pair(*pair), condition.name, claims.ACCURACY
            )
        except Lacking:
            continue
        found.append(everything.difference(MARGIN))
    return found


def heads(records: Iterable[Record]) -> str:
    """Say which head is ahead in test accuracy in the five networks (Holm over the networks)."""
    evidence = Evidence(records, early=True)
    told, ahead, total = [], 0, 0
    for condition in (AS_WRITTEN, AS_RUN):
        found = _differences(evidence, condition)
        sure = rejected([difference.p for difference in found])
        signs = np.sign([difference.mean for difference in found])
        ahead += int(np.sum(sure & (signs > 0)))
        total += len(found)
        behind = part(int(np.sum(sure & (signs < 0))), len(found), "networks")
        told.append(words.say("heads-behind", condition=condition, part=behind))
    ahead_in = part(ahead, total, "comparisons")
    key = "heads-ahead" if ahead else "heads-never-ahead"
    return words.say(key, ahead=ahead_in, behind="; ".join(told))


def _softmax(records: Iterable[Record]) -> list[Compared]:
    """Judge the paper's accuracies of softmax networks on images by the runs there are, as run."""
    evidence, found = Evidence(records, early=True), []
    for pair in paper.IMAGE_NETWORKS:
        try:
            compared = published.results(claims.Pair(*pair), evidence, AS_RUN.name)
        except Lacking:
            continue
        found += [one for one in compared if one.head == "softmax"]
    return found


def _apart(found: Sequence[Compared]) -> float:
    """Find how far our means are from the paper's values at most, in points."""
    return 100 * max(abs(one.ours.mean - one.paper) for one in found)


def softmax_agrees(records: Iterable[Record]) -> str:
    """Say how many of the paper's accuracies of softmax networks on images our runs give."""
    found = _softmax(records)
    if not found:
        return words.say("softmax-unknown")
    inside = sum(one.status != Status.NOT_REPRODUCED for one in found)
    told = part(inside, len(found), "accuracies")
    return words.say("softmax", part=told, apart=f"{_apart(found):.2f}\u00a0points")


def softmax_apart(records: Iterable[Record]) -> str:
    """Write how far our means of the softmax networks on images are from the paper's, in points."""
    found = _softmax(records)
    return f"{_apart(found):.1f}" if found else NOT_MEASURED


def new_weights(records: Iterable[Record]) -> str:
    """Say how the paper's cross-validation stands to one with new weights in every fold."""
    apart, n = [], []
    for network in ON_IMAGES:
        runs = network.whole(records, AS_WRITTEN)
        if runs:
            ours = float(np.mean([run.cv_accuracy for run in runs]))
            apart.append(100 * (network.published["cv_accuracy"] - ours))
            n.append(len(runs))
    if not apart:
        return words.say("new-weights-unknown")
    higher = part(sum(value > 0 for value in apart), len(apart), "networks on images")
    low, high = (f"{end:.1f}" for end in (min(apart), max(apart)))
    return words.say("new-weights", part=higher, low=low, high=high, n=min(n))


def of_kinds(found: Sequence[Verdict], *statuses: Status) -> str:
    """List the items whose main answer has these statuses: ``reproduced: F5, F9 and C11``."""
    told = []
    for status in statuses:
        identifiers = [verdict.id for verdict in found if verdict.main.status == status]
        if identifiers:
            told.append(f"{status}: {listed(identifiers)}")
    return "; ".join(told) or "none yet"
