"""The paper's proposals for future work: what the book's runs answer."""

from __future__ import annotations

from itertools import product

import numpy as np

from reluclf import formats, networks
from reluclf.judging import paper, words
from reluclf.judging.answers import Answer
from reluclf.judging.claims import FASHION_CNN, MNIST_CNN, Network
from reluclf.judging.design import Cell, Lacking, planned
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import OURS, Choice
from reluclf.judging.mechanism import has_probe
from reluclf.judging.statistics import rejected, unpaired
from reluclf.judging.status import Status
from reluclf.record import Record

#: The heads that the book adds to the paper's two.
FURTHER_HEADS = tuple(head for head in networks.HEADS if head not in paper.HEADS)


def gradients(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """W1: compare the gradients of the two heads, by medians over the runs, for each network."""
    evidence = evidence.before_complete()
    told = []
    for architecture in ("ffnn", "cnn"):
        chosen = {head: _probed(evidence, architecture, head) for head in ("relu", "softmax")}
        largest = {
            head: float(np.median([max(run.final.probe.norm_head) for run in runs]))
            for head, runs in chosen.items()
        }
        silent = np.median([run.final.probe.dead_true[-1] for run in chosen["relu"]])
        told.append(
            words.say(
                "gradients",
                network=architecture.upper(),
                times=f"{largest['relu'] / largest['softmax']:.0f}",
                silent=f"{100 * silent:.1f}",
                n=len(chosen["relu"]),
                m=len(chosen["softmax"]),
            )
        )
    return Answer(Status.ANSWERED, " ".join(told))


def _probed(evidence: Evidence, architecture: str, head: str) -> list[Record]:
    cells = [Cell(dataset, architecture, head, "as written") for dataset in paper.FOLD_TABLES]
    probed = [run for runs in evidence.runs(*cells) for run in runs if has_probe(run)]
    if not probed:
        raise Lacking({cell: (0, planned()[cell]) for cell in cells})
    return probed


def further_heads(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """W2: which further heads are within the margin of softmax, which are better than ReLU?

    Each is compared with all runs of the two; Holm over the heads of a network.
    """
    evidence = evidence.before_complete()
    par = dict.fromkeys(FURTHER_HEADS, 0)
    better = dict.fromkeys(FURTHER_HEADS, 0)
    for dataset, architecture in paper.IMAGE_NETWORKS:
        heads = ("relu", "softmax", *FURTHER_HEADS)
        cells = [Cell(dataset, architecture, head, "as written") for head in heads]
        runs = evidence.runs(*cells)
        relu, softmax, *further = ([run.test.accuracy for run in found] for found in runs)
        beside = [unpaired(values, softmax, choice.margin) for values in further]
        above = [unpaired(values, relu, choice.margin) for values in further]
        near = rejected([one.p_equivalent for one in beside])
        differ = rejected([one.p for one in above])
        for i, head in enumerate(FURTHER_HEADS):
            par[head] += bool(near[i])
            better[head] += bool(differ[i] and above[i].mean > 0)
    total = len(paper.IMAGE_NETWORKS)
    said = words.say("heads", par=_ranked(par, total), better=_ranked(better, total), of=total)
    return Answer(Status.ANSWERED, said)


def _ranked(counts: dict[str, int], total: int) -> str:
    often = sorted((head for head in counts if counts[head]), key=lambda head: -counts[head])
    named = [f"{head.replace('_', ' ')} in {counts[head]}" for head in often]
    return words.listed(named) or "none"


def other_inputs(evidence: Evidence, choice: Choice = OURS) -> Answer:
    """W3: what becomes of the CNNs if they see pixels, or the components in a random order?"""
    evidence = evidence.before_complete()
    told = []
    for network, head in product((MNIST_CNN, FASHION_CNN), ("softmax", "relu")):
        told.append(_changed(network, head, evidence, choice))
    return Answer(Status.ANSWERED, f"{'; '.join(told)}.")


def _changed(network: Network, head: str, evidence: Evidence, choice: Choice) -> str:
    cells = [
        Cell(*network, head, condition)
        for condition in ("as written", "shuffled components", "pixels")
    ]
    runs = [[run.test.accuracy for run in found] for found in evidence.runs(*cells)]
    shuffled, pixels = (unpaired(values, runs[0], choice.margin) for values in runs[1:])
    return words.say(
        "inputs",
        network=paper.title(*network, head),
        shuffled=formats.points(shuffled),
        pixels=formats.points(pixels),
    )
