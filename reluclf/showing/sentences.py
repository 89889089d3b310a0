"""What it adds up to, as sentences computed from records: which head is ahead, how far softmax networks agree, how many verdicts need runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from reluclf import data
from reluclf.judging import paper, table_rules
from reluclf.judging.judgement import Evidence, Status, Undecided, accuracy, listed, minus
from reluclf.judging.selection import measure
from reluclf.judging.statistics import Match, rejected
from reluclf.judging.verdicts import Verdict, judge
from reluclf.record import Record, loses_a_class

_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def part(number: int, of: int, what: str) -> str:
    """How many of so many, as prose has it: ``none of the five networks``, ``four of the five networks``, ``all five networks``."""
    if not of:
        return f"none of the {what} (there are no runs yet)"
    words = [_WORDS[n] if n < len(_WORDS) else str(n) for n in (number, of)]
    return f"all {words[1]} {what}" if number == of else f"{words[0]} of the {words[1]} {what}"


def heads(records: Iterable[Record]) -> str:
    """Which head is ahead in test accuracy, in the paper's five networks, after the 32 epochs of ``fresh`` and after the 320 of ``carried``.

    Differences are paired by seed; Holm over the networks.
    """
    evidence = Evidence.of(records)
    below, behind, apart, fewest, ahead, n = [], {}, [], {}, 0, 0
    for protocol in ("fresh", "carried"):
        found = []
        for network in paper.RESULT_TABLES:
            try:
                found.append(evidence.difference(*network, protocol, accuracy))
            except Undecided:
                continue
        sure = rejected([difference.p for difference in found])
        below += [difference.mean < 0 for difference in found]
        behind[protocol] = part(sum(s and d.mean < 0 for s, d in zip(sure, found, strict=True)), len(found), "networks")
        ahead += sum(s and d.mean > 0 for s, d in zip(sure, found, strict=True))
        n += len(found)
        apart, fewest[protocol] = [100 * difference.mean for difference in found], min((difference.n for difference in found), default=0)
    by = minus(f"; ReLU minus softmax is {min(apart):+.1f} to {max(apart):+.1f} points there on average") if apart else ""
    return (
        f"In test accuracy the ReLU head is below softmax, on average, in {part(sum(below), n, 'comparisons')}. Tested over the networks (Holm), "
        f"it is shown to be behind in {behind['fresh']} after 32 epochs (n = {fewest['fresh']} or more), in {behind['carried']} after 320 "
        f"(n = {fewest['carried']} or more{by}), and to be ahead in {part(ahead, n, 'comparisons')}."
    )


def kinds_of_runs(records: Iterable[Record]) -> str:
    """How the FFNN with the ReLU head, on images, comes out with and without a lost class, ``carried``, beside the paper's accuracies."""
    evidence, told, first_kind = Evidence.of(records), [], []
    for dataset, architecture in paper.IMAGE_NETWORKS:
        if architecture != "ffnn":
            continue
        try:
            runs = evidence.runs(dataset, architecture, "relu", "carried", whole=True)
        except Undecided:
            continue
        published = paper.result(dataset, architecture, "relu")
        kept = [run for run in runs if not run.test.lost]
        if kept and len(kept) < len(runs):
            found = [(run.test.accuracy - published["test_accuracy"], run.cv_accuracy - published["cv_accuracy"]) for run in kept]
            apart = np.abs(found).max()
            lower = [100 * (published["test_accuracy"] - run.test.accuracy) for run in runs if run.test.lost]
            first_kind.append(not loses_a_class(paper.matrix_of(dataset, architecture, "relu").counts))
            of_lost = " to ".join(dict.fromkeys(f"{value:.1f}" for value in (min(lower), max(lower))))
            told.append(
                f"on {data.TITLES[dataset]} those that lose none ({len(kept)} of {len(runs)}) are within {100 * apart:.1f} points of the paper's "
                f"accuracies, the others {of_lost} points below its test accuracy"
            )
    if not told:
        return "Whether runs that lose no class agree with the paper's cannot be said yet."
    of_paper = " The paper's runs are of the first kind." * all(first_kind)
    return f"Of FFNN-ReLU there are two kinds of runs, by whether a class is lost: {'; '.join(told)}.{of_paper}"


def softmax_agrees(records: Iterable[Record]) -> str:
    """How many of the paper's accuracies of softmax networks on images are what one more run of ours gives, and how far the means are apart."""
    evidence = Evidence.of(records)
    inside, apart = [], []
    for network in paper.IMAGE_NETWORKS:
        try:
            runs = {head: evidence.runs(*network, head, "carried", whole=True) for head in paper.HEADS}
        except Undecided:
            continue
        for compared in table_rules.compare(*network, runs):
            if compared.head == "softmax":
                inside.append(compared.match == Match.INSIDE)
                apart.append(abs(compared.apart))
    if not inside:
        return "Of the softmax networks there are too few runs to say how far they agree with the paper's."
    return (
        f"Of the paper's softmax networks on images, {part(sum(inside), len(inside), 'accuracies')}, in cross-validation and test, lie "
        f"within what one more run of ours would give, and our means are within {100 * max(apart):.2f}\u00a0points of them."
    )


def honest_folds(records: Iterable[Record]) -> str:
    """How the paper's cross-validation accuracies on images stand to those of ten folds that each start anew, as a sentence."""
    evidence, apart, n = Evidence.of(records), [], []
    for network in paper.IMAGE_NETWORKS:
        for head in paper.HEADS:
            try:
                runs = evidence.runs(*network, head, "fresh", fewest=1, whole=True)
            except Undecided:
                continue
            apart.append(100 * (paper.result(*network, head)["cv_accuracy"] - measure(runs, "cv_accuracy").mean))
            n.append(len(runs))
    if not apart:
        return "What ten folds that each start anew would have given is not known yet."
    higher = part(sum(value > 0 for value in apart), len(apart), "networks on images")
    return minus(
        f"With new weights in every fold, as the text has it, cross-validation gives less than the paper's in {higher}: "
        f"the paper's minus ours is {min(apart):.1f} to {max(apart):.1f} points (ten folds each, n = {min(n)} or more)."
    )


def split(found: Sequence[Verdict], name: str) -> dict[str, str]:
    """The verdicts counted in two parts, to be glued: those that no run can change, and those that need runs.

    ``<name>_settled`` and ``<name>_settled_listed``; ``<name>_needing``, ``<name>_judged``, ``<name>_open`` and ``<name>_listed``.
    """
    fixed = {verdict.id for verdict in judge([]) if verdict.status != Status.OPEN}
    settled, needing = ([verdict for verdict in found if (verdict.id in fixed) == sure] for sure in (True, False))
    still_open = sum(verdict.status == Status.OPEN for verdict in needing)
    return {
        f"{name}_settled": str(len(settled)),
        f"{name}_settled_listed": _kinds(settled),
        f"{name}_needing": str(len(needing)),
        f"{name}_judged": str(len(needing) - still_open),
        f"{name}_open": str(still_open),
        f"{name}_listed": _kinds(needing),
    }


def of_kinds(found: Sequence[Verdict], *statuses: Status) -> str:
    """The items with these verdicts, as sentences: ``reproduced: T1, T2 and F1; answered here: W1``."""
    told = []
    for status in statuses:
        identifiers = [verdict.id for verdict in found if verdict.status == status]
        if identifiers:
            told.append(f"{status}: {listed(identifiers)}")
    return "; ".join(told) or "none yet"


def _kinds(found: Sequence[Verdict]) -> str:
    counts = Counter(verdict.status for verdict in found)
    kinds = [f"{counts[status]} {status}" for status in Status if counts[status] and status != Status.OPEN]
    return listed(kinds) if kinds else "none"
