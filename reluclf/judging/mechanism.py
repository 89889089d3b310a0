"""Why the ReLU head is worse: what interventions on the CNN close, and what dead outputs cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from reluclf import formats
from reluclf.judging import paper, thresholds, words
from reluclf.judging.answers import Answer, Measured
from reluclf.judging.claims import FASHION_CNN, FASHION_FFNN, MNIST_CNN, MNIST_FFNN, Pair
from reluclf.judging.design import Cell
from reluclf.judging.evidence import Evidence, accuracies, probe_of
from reluclf.judging.exceeding import OURS, Choice
from reluclf.judging.statistics import Difference, contrast, mean_of, rejected
from reluclf.judging.status import Status

#: The interventions, chosen before they were run: the head and the condition of each in the design.
#: The first three keep neurons alive, outputs or hidden units; the last bounds gradients.
INTERVENTIONS = {
    "an initial output bias of 1": ("relu", "initial bias"),
    "a leaky head": ("leaky_relu", "as written"),
    "leaky hidden units": ("relu", "leaky hidden units"),
    "clipped gradients": ("relu", "clipped"),
}


class Closing(NamedTuple):
    """What an intervention does to the gap between the heads in test accuracy.

    Attributes
    ----------
    share : float
        Of the gap, how much it closes, by the means.
    past_half : Difference
        The network with it minus the point halfway between the heads.
    left : Difference
        The network with it minus softmax.
    """

    share: float
    past_half: Difference
    left: Difference


def closing(changed: ArrayLike, relu: ArrayLike, softmax: ArrayLike, margin: float) -> Closing:
    """Compare a network with an intervention to both heads; all runs are independent.

    Parameters
    ----------
    changed, relu, softmax : array of float, shapes (n,), (m,), (l,)
        Test accuracies, two or more of each.
    margin : float
    """
    ours, low, high = (mean_of(values).mean for values in (changed, relu, softmax))
    # Of a gap the other way round, to be past the half is to be below it.
    sign = 1.0 if high >= low else -1.0
    weights = [sign, sign * (thresholds.HALF - 1.0), -sign * thresholds.HALF]
    share = (ours - low) / (high - low) if high != low else math.nan
    return Closing(
        share,
        contrast([changed, relu, softmax], weights, margin),
        contrast([changed, softmax], [1, -1], margin),
    )


class Explained(NamedTuple):
    """Whether dying neurons explain a network's results; None where that is not shown."""

    explains: bool | None
    why: str
    measured: tuple[Measured, ...] = ()


def of_dying(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """C24: in the FFNN and in the CNN, each by itself, do dying neurons explain the results?"""
    found = [_ffnns(evidence, choice)]
    found += [_cnn(network, evidence, choice) for network in (MNIST_CNN, FASHION_CNN)]
    explained = [one.explains for one in found]
    if all(explained):
        status = Status.REPRODUCED
    elif any(explained):
        status = Status.IN_PART
    else:
        refuted = all(one is False for one in explained)
        status = Status.CONTRADICTED if refuted else Status.UNDECIDED
    measured = tuple(number for one in found for number in one.measured)
    return Answer(status, " ".join(one.why for one in found), measured)


def _ffnns(evidence: Evidence, choice: Choice) -> Explained:
    """With the ReLU head as written: are the runs with a dead output those that lose a class?"""
    from scipy.stats import fisher_exact

    chosen = [Cell(*network, "relu", "as written") for network in (MNIST_FFNN, FASHION_FFNN)]
    table = np.zeros((2, 2), dtype=int)  # dead or not, lost or not
    for run in (run for runs in evidence.runs(*chosen) for run in runs):
        probe = probe_of(run)
        if probe is not None:
            table[int(probe.dead_units[-1] <= 0), int(not run.test.lost)] += 1
    p = float(fisher_exact(table).pvalue)
    together = table[0, 0] * table[1, 1] > table[0, 1] * table[1, 0]
    why = words.say(
        "dying-ffnn",
        lost=table[:, 0].sum(),
        both=table[0, 0],
        kept=table[:, 1].sum(),
        dead_kept=table[0, 1] or "none",
        p=formats.p_value(p) if p < 0.001 else f"= {formats.p_value(p)}",
    )
    return Explained(bool(together) if p < 1 - choice.level else None, why)


def closes_half(changes: Sequence[Difference], level: float) -> bool | None:
    """Whether any of the changes goes past half the gap (Holm), or all of them fall short of it."""
    sure = rejected([one.p for one in changes], level)
    if any(shown and one.mean > 0 for shown, one in zip(sure, changes, strict=True)):
        return True
    return False if all(one.sign(level) < 0 for one in changes) else None


def _cnn(pair: Pair, evidence: Evidence, choice: Choice) -> Explained:
    """Does keeping neurons alive close more than half of the gap, or clipping alone?"""
    cells = [*pair.cells("as written"), *(Cell(*pair, *one) for one in INTERVENTIONS.values())]
    relu, softmax, *changed = (accuracies(runs) for runs in evidence.runs(*cells))
    closings = [closing(values, relu, softmax, choice.margin) for values in changed]
    *dying, clipping = (one.past_half for one in closings)
    explains = closes_half(dying, choice.level)
    if explains is False and clipping.sign(choice.level) <= 0:
        explains = None
    title = paper.title(*pair)
    shares = [
        f"{name}: {words.minus(f'{100 * one.share:.0f} %')}"
        for name, one in zip(INTERVENTIONS, closings, strict=True)
    ]
    measured = tuple(
        Measured.of(f"{title}, {name}: beyond half the gap", one.past_half)
        for name, one in zip(INTERVENTIONS, closings, strict=True)
    )
    gap = contrast([softmax, relu], [1, -1], choice.margin).sign(choice.level) > 0
    why = words.say("dying-cnn", network=title, shares=words.listed(shares))
    return Explained(explains if gap else None, why, measured)


def further_optimisation(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """C14: with clipped gradients or an initial bias, is the MNIST CNN-ReLU within the margin?"""
    changes = ("clipped gradients", "an initial output bias of 1")
    cells = [Cell(*MNIST_CNN, "softmax", "as written")]
    cells += [Cell(*MNIST_CNN, *INTERVENTIONS[change]) for change in changes]
    softmax, *changed = (accuracies(runs) for runs in evidence.runs(*cells))
    found = [contrast([values, softmax], [1, -1], choice.margin) for values in changed]
    status = Status.UNDECIDED
    if any(rejected([one.p_equivalent for one in found], choice.level)):
        status = Status.REPRODUCED
    elif all(one.beyond(choice.level) for one in found):
        status = Status.NOT_REPRODUCED
    told = [
        words.say("with", what=change, difference=formats.points(difference))
        for change, difference in zip(changes, found, strict=True)
    ]
    measured = tuple(Measured.of(change, one) for change, one in zip(changes, found, strict=True))
    return Answer(status, f"{'; '.join(told)}.", measured)
