"""The paper's proposals for future work: what the book's runs answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from reluclf import formats, heads
from reluclf.judging import paper, words
from reluclf.judging.answers import Answer
from reluclf.judging.claims import FASHION_CNN, MNIST_CNN
from reluclf.judging.design import Cell, Lacking, planned
from reluclf.judging.evidence import Evidence, accuracies, probes
from reluclf.judging.exceeding import OURS, Choice
from reluclf.judging.statistics import contrast, rejected
from reluclf.judging.status import Status
from reluclf.record import Probe

#: The heads that the book adds to the paper's two.
FURTHER_HEADS = tuple(head for head in heads.HEADS if head not in paper.HEADS)


def gradients(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """W1: compare the gradients of the two heads, by medians over the runs, for each network."""
    evidence = evidence.before_complete()
    told = []
    for architecture in ("ffnn", "cnn"):
        relu, softmax = (_probes(evidence, architecture, head) for head in ("relu", "softmax"))
        largest = [_median([max(one.norm_head) for one in probed]) for probed in (relu, softmax)]
        silent, other = (
            _median([one.no_gradient[-1] for one in probed]) for probed in (relu, softmax)
        )
        dead = _median([one.dead_true[-1] for one in relu])
        told.append(
            words.say(
                "gradients",
                network=architecture.upper(),
                times=f"{largest[0] / largest[1]:.0f}",
                silent=f"{100 * silent:.1f}",
                other=f"{100 * other:.1f}",
                dead=f"{100 * dead:.1f}",
                n=len(relu),
                m=len(softmax),
            )
        )
    return Answer(Status.ANSWERED, " ".join(told))


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _probes(evidence: Evidence, architecture: str, head: str) -> list[Probe]:
    """What was probed in the networks on images as written; it waits where nothing was."""
    cells = [Cell(dataset, architecture, head, "as written") for dataset in paper.FOLD_TABLES]
    found = probes(run for runs in evidence.runs(*cells) for run in runs)
    if not found:
        raise Lacking({cell: (0, planned()[cell]) for cell in cells})
    return found


def further_heads(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """W2: which further heads are within the margin of softmax, which are better than ReLU?

    Each is compared with all runs of the two; Holm over the heads of a network.
    """
    evidence = evidence.before_complete()
    par = dict.fromkeys(FURTHER_HEADS, 0)
    better = dict.fromkeys(FURTHER_HEADS, 0)
    for network in paper.IMAGE_NETWORKS:
        heads = ("relu", "softmax", *FURTHER_HEADS)
        cells = [Cell(*network, head, "as written") for head in heads]
        relu, softmax, *further = (accuracies(runs) for runs in evidence.runs(*cells))
        beside = [contrast([values, softmax], [1, -1], choice.margin) for values in further]
        above = [contrast([values, relu], [1, -1], choice.margin) for values in further]
        near = rejected([one.p_equivalent for one in beside])
        differ = rejected([one.p for one in above])
        for i, head in enumerate(FURTHER_HEADS):
            par[head] += bool(near[i])
            better[head] += bool(differ[i] and above[i].mean > 0)
    total = len(paper.IMAGE_NETWORKS)
    return Answer(
        Status.ANSWERED, words.say("heads", par=_ranked(par), better=_ranked(better), of=total)
    )


def _ranked(counts: dict[str, int]) -> str:
    often = sorted((head for head in counts if counts[head]), key=lambda head: -counts[head])
    named = [f"{paper.HEAD_TITLES[head]} in {counts[head]}" for head in often]
    return words.listed(named) or "none"


def other_inputs(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """W3: what becomes of the CNNs if they see pixels, or the components in a random order?"""
    evidence = evidence.before_complete()
    told = []
    for network, head in product((MNIST_CNN, FASHION_CNN), ("softmax", "relu")):
        conditions = ("as written", "shuffled components", "pixels")
        cells = [Cell(*network, head, condition) for condition in conditions]
        plain, *changed = (accuracies(runs) for runs in evidence.runs(*cells))
        shuffled, pixels = (
            formats.points(contrast([values, plain], [1, -1], choice.margin)) for values in changed
        )
        title = paper.title(*network, head)
        told.append(words.say("inputs", network=title, shuffled=shuffled, pixels=pixels))
    return Answer(Status.ANSWERED, f"{'; '.join(told)}.")
