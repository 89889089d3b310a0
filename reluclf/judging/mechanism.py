"""Why the ReLU head is worse: what interventions on the CNN close, and what dead outputs cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reluclf import formats
from reluclf.judging import paper, thresholds, words
from reluclf.judging.answers import Answer, Measured
from reluclf.judging.claims import FASHION_CNN, FASHION_FFNN, MNIST_CNN, MNIST_FFNN, Network
from reluclf.judging.design import Cell
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import OURS, Choice
from reluclf.judging.statistics import Difference, contrast, rejected, unpaired
from reluclf.judging.status import Status
from reluclf.record import Record


class Intervention(NamedTuple):
    """A change to the CNN with the ReLU head, and the cause that it would remove."""

    title: str
    cause: str
    head: str
    condition: str

    def cell(self, network: Network) -> Cell:
        """The cell of the design with this intervention on a network."""
        return Cell(*network, self.head, self.condition)


#: What keeps neurons alive, outputs or hidden units; chosen before it was run.
DYING = (
    Intervention("an initial output bias of 1", "dead outputs", "relu", "initial bias"),
    Intervention("a leaky head", "dead outputs", "leaky_relu", "as written"),
    Intervention("leaky hidden units", "dead hidden units", "relu", "leaky hidden units"),
)

#: What bounds gradients.
CLIPPING = Intervention("clipped gradients", "exploding gradients", "relu", "clipped")


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


def closing(
    changed: Sequence[float], relu: Sequence[float], softmax: Sequence[float], margin: float
) -> Closing:
    """Compare a network with an intervention to both heads; all runs are independent.

    Parameters
    ----------
    changed, relu, softmax : sequence of float, shapes (n,), (m,), (l,)
        Test accuracies.
    margin : float
    """
    samples = [np.asarray(values, dtype=float) for values in (changed, relu, softmax)]
    # Of a gap the other way round, to be past the half is to be below it.
    sign = 1.0 if samples[2].mean() >= samples[1].mean() else -1.0
    weights = sign * np.array([1.0, -thresholds.HALF, thresholds.HALF - 1.0])
    means = np.array([sample.mean() for sample in samples])
    past_half = contrast(samples, weights, margin)
    share = (
        float((means[0] - means[1]) / (means[2] - means[1])) if means[2] != means[1] else math.nan
    )
    return Closing(share, past_half, unpaired(samples[0], samples[2], margin))


def of_dying(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """C24: in the FFNN and in the CNN, each by itself, do dying neurons explain the results?"""
    ffnn = lost_and_dead(evidence)
    cnns = [_cnn(network, evidence, choice) for network in (MNIST_CNN, FASHION_CNN)]
    explained = [ffnn.explains, *(cnn.explains for cnn in cnns)]
    why = " ".join([ffnn.why, *(cnn.why for cnn in cnns)])
    measured = tuple(one for cnn in cnns for one in cnn.measured)
    if all(explained):
        return Answer(Status.REPRODUCED, why, measured)
    if any(explained):
        return Answer(Status.IN_PART, why, measured)
    refuted = all(one is False for one in explained)
    return Answer(Status.CONTRADICTED if refuted else Status.UNDECIDED, why, measured)


class Explained(NamedTuple):
    """Whether dying neurons explain a network's results; None where that is not shown."""

    explains: bool | None
    why: str
    measured: tuple[Measured, ...] = ()


def lost_and_dead(evidence: Evidence) -> Explained:
    """In the FFNNs with the ReLU head: are the runs with a dead output those that lose a class?"""
    from scipy.stats import fisher_exact

    chosen = [Cell(*network, "relu", "as written") for network in (MNIST_FFNN, FASHION_FFNN)]
    runs = [run for cell in evidence.runs(*chosen) for run in cell if has_probe(run)]
    lost = np.array([run.test.lost for run in runs], dtype=bool)
    dead = np.array([run.final.probe.dead_units[-1] > 0 for run in runs], dtype=bool)
    table = [
        [int(np.sum(dead & lost)), int(np.sum(dead & ~lost))],
        [int(np.sum(~dead & lost)), int(np.sum(~dead & ~lost))],
    ]
    p = float(fisher_exact(table).pvalue)
    sure = p < 1 - thresholds.LEVEL
    together = table[0][0] * table[1][1] > table[0][1] * table[1][0]
    why = words.say(
        "dying-ffnn",
        lost=int(lost.sum()),
        both=table[0][0],
        kept=int(np.sum(~lost)),
        dead_kept=table[0][1],
        p=formats.p_value(p),
    )
    return Explained(together if sure else None, why)


def has_probe(run: Record) -> bool:
    """Whether gradients and dead units were measured in a run."""
    return run.final is not None and run.final.probe is not None


def _cnn(network: Network, evidence: Evidence, choice: Choice) -> Explained:
    changes = (*DYING, CLIPPING)
    cells = network.cells("as written", ("relu", "softmax"))
    runs = evidence.runs(*cells, *(change.cell(network) for change in changes))
    relu, softmax, *changed = ([run.test.accuracy for run in found] for found in runs)
    closings = [closing(values, relu, softmax, choice.margin) for values in changed]
    dying, clipping = closings[:-1], closings[-1]
    sure = rejected([one.past_half.p for one in dying])
    gap = unpaired(softmax, relu, choice.margin).greater
    closes = any(s and one.past_half.mean > 0 for s, one in zip(sure, dying, strict=True))
    cleared = all(one.past_half.less for one in dying) and clipping.past_half.greater
    explains = True if closes else False if cleared else None
    why = words.say(
        "dying-cnn",
        network=paper.title(*network),
        shares=words.listed(
            [f"{change.title} {closed(one)}" for change, one in zip(changes, closings, strict=True)]
        ),
    )
    measured = tuple(
        Measured(
            f"{paper.title(*network)}, {change.title}: beyond half the gap",
            None,
            one.past_half.mean,
            one.past_half.low,
            one.past_half.high,
            one.past_half.n,
        )
        for change, one in zip(changes, closings, strict=True)
    )
    return Explained(explains if gap else None, why, measured)


def closed(one: Closing) -> str:
    """Say what of the gap is closed, as ``27 %``; a gap that widens has a minus sign."""
    return words.minus(f"{100 * one.share:.0f} %")


def further_optimisation(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """C14: with clipped gradients or an initial bias, is the MNIST CNN-ReLU within the margin?"""
    changes = (CLIPPING, DYING[0])
    softmax, *changed = evidence.runs(
        Cell(*MNIST_CNN, "softmax", "as written"), *(change.cell(MNIST_CNN) for change in changes)
    )
    against = [run.test.accuracy for run in softmax]
    found = [
        unpaired([run.test.accuracy for run in runs], against, choice.margin) for runs in changed
    ]
    sure = rejected([difference.p_equivalent for difference in found])
    told = [
        words.say("with", what=change.title, difference=formats.points(difference))
        for change, difference in zip(changes, found, strict=True)
    ]
    measured = tuple(
        Measured(change.title, None, one.mean, one.low, one.high, one.n)
        for change, one in zip(changes, found, strict=True)
    )
    status = Status.REPRODUCED if sure.any() else Status.UNDECIDED
    if all(difference.beyond for difference in found):
        status = Status.NOT_REPRODUCED
    return Answer(status, f"{'; '.join(told)}.", measured)
