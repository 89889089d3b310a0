"""The rules of four claims each of which is judged by a rule of its own: C12, C25, C26 and C31."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reluclf.judging import answers, claims, paper, rules, words
from reluclf.judging.answers import Answer
from reluclf.judging.claims import FASHION_FFNN, MNIST_CNN, MNIST_FFNN
from reluclf.judging.design import Cell, Lacking
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import Choice
from reluclf.judging.rules import Claimed, Outcome, Part
from reluclf.judging.status import SHOWN, Status


def over_ninety(condition: str, evidence: Evidence, choice: Choice) -> Answer:
    """Judge C12: more than 90 % in the test."""
    (runs,) = evidence.runs(*MNIST_CNN.cells(condition, ["relu"]))
    truths = [run.test.accuracy > 0.9 for run in runs]
    return answers.of_held(rules.held(truths, choice), "runs")


def over_ninety_own(evidence: Evidence, choice: Choice) -> Answer:
    """Judge the same of the paper's own number."""
    value = paper.result(*MNIST_CNN, "relu")["test_accuracy"]
    return Answer(
        answers.together([value > 0.9]), words.say("own-accuracy", value=f"{100 * value:.2f}")
    )


_BALANCED = [(network, head) for network in (MNIST_FFNN, FASHION_FFNN) for head in paper.HEADS]


def balanced(condition: str, evidence: Evidence, choice: Choice) -> Answer:
    """Judge C26: the FFNNs' correct predictions are balanced over the classes."""
    chosen = evidence.runs(*(Cell(*network, head, condition) for network, head in _BALANCED))
    found = [
        rules.held([claims.balanced(np.array(run.test.confusion_matrix)) for run in runs], choice)
        for runs in chosen
    ]
    told = []
    for (network, head), runs, one in zip(_BALANCED, chosen, found, strict=True):
        whole = sum(not run.test.lost for run in runs)  # a class that is lost is out of balance
        key = "held-of-kind" if one.hits and whole < one.n else "held-of"
        title = paper.title(*network, head)
        told.append(words.say(key, network=title, hits=one.hits, n=one.n, k=whole))
    statuses = {one.status for one in found}
    status = Status.IN_PART if statuses & SHOWN else Status.UNDECIDED
    return Answer(statuses.pop() if len(statuses) == 1 else status, f"{'; '.join(told)}.")


def balanced_own(evidence: Evidence, choice: Choice) -> Answer:
    """Judge the same of the paper's own confusion matrices."""
    truths, told = [], []
    for network, head in _BALANCED:
        matrix = paper.matrix_of(*network, head).counts
        recall = 100 * claims.recalls(matrix)
        told.append(f"{paper.title(*network, head)} {recall.min():.1f} to {recall.max():.1f}")
        truths.append(claims.balanced(matrix))
    return Answer(answers.together(truths), words.say("recalls", recalls=words.listed(told)))


def _shared(choice: Choice, among: int) -> Choice:
    """Raise the level for several tests of which any one will do (Bonferroni)."""
    return replace(choice, level=1 - (1 - choice.level) / among)


def _best_of(parts: list[Part], choice: Choice) -> Outcome:
    """Choose the best outcome of parts of which any one will do: refuted only if all are."""
    strict = _shared(choice, len(parts))
    outcomes = [rules.look(part, len(parts), strict) for part in parts]
    return max(outcomes, key=lambda one: (one.shown, not one.refuted, one.difference.mean))


def comparable(condition: str, evidence: Evidence, choice: Choice) -> Answer:
    """Judge C25: the FFNNs are comparable on both image sets, and in some cases ReLU is better."""
    found = rules.claim([one.part(evidence, condition) for one in claims.COMPARABLE], choice)
    ahead = _best_of([one.part(evidence, condition) for one in claims.BETTER], choice)
    status = found.status
    if (status in SHOWN) != ahead.shown:
        status = Status.IN_PART
    return answers.of_claim(Claimed(status, (*found.outcomes, ahead), found.kind))


def comparable_own(evidence: Evidence, choice: Choice) -> Answer:
    """Judge the same of the paper's own numbers."""
    ahead = max(claims.BETTER, key=lambda said: said.measure.in_paper(said.pair))
    return answers.in_paper([one.in_paper() for one in (*claims.COMPARABLE, ahead)], choice.margin)


def some_on_par(condition: str, evidence: Evidence, choice: Choice) -> Answer:
    """Judge C31: in some of the five experiments the heads are on par; one is enough."""
    strict = _shared(choice, len(claims.SOME_ON_PAR))
    found: list[Claimed] = []
    lacking: dict[Cell, tuple[int, int]] = {}
    for said in claims.SOME_ON_PAR:
        try:
            found.append(rules.claim([said.part(evidence, condition)], strict))
        except Lacking as lack:
            lacking.update(lack.cells)
    shown = [one.outcomes[0] for one in found if one.outcomes[0].shown]
    of_kind = [one.kind[0] for one in found if one.kind and one.kind[0].shown]
    if lacking and not shown:
        raise Lacking(lacking)
    status = Status.UNDECIDED
    if shown:
        status = Status.REPRODUCED
    elif of_kind:
        status = Status.SOME_RUNS
    elif all(one.outcomes[0].refuted for one in found):
        status = Status.NOT_REPRODUCED
    every = tuple(one.outcomes[0] for one in found)
    return answers.of_claim(Claimed(status, tuple(shown) or every, tuple(of_kind)))


def some_on_par_own(evidence: Evidence, choice: Choice) -> Answer:
    """Judge the same of the paper's own numbers."""
    parts = [one.in_paper() for one in claims.SOME_ON_PAR]
    on_par = [part.name for part in parts if part.in_paper(choice.margin)]
    why = words.say("on-par-in", networks=words.listed(on_par) or "none")
    return Answer(answers.together([bool(on_par)]), why)
