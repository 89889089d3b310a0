"""The interventions on the ReLU head, what they do to its accuracy, and what becomes of the hazards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from reluclf import data
from reluclf.formats import NONE, cell
from reluclf.judging.paper import IMAGE_NETWORKS
from reluclf.judging.selection import MARGIN, by_seed, measure, seeds_paired
from reluclf.judging.statistics import Difference, estimate, paired, rejected
from reluclf.record import Probe, Record


@dataclass(frozen=True)
class Remedy:
    """An intervention on the ReLU head.

    Attributes
    ----------
    title : str
    against : str
        The cause that it would remove, if that were the cause; empty if it is aimed at none alone.
    setting : dict
        How the runs depart from the author's code; see :attr:`reluclf.spec.Spec.setting`.
    head : str
    """

    title: str
    against: str
    setting: dict[str, Any]
    head: str = "relu"

    @property
    def name(self) -> str:
        """A short name: what is set, or the head."""
        return next(iter(self.setting), self.head)

    @property
    def spares_outputs(self) -> bool:
        """Whether no output can be exactly zero, whatever else becomes of it: counting zeros then tells nothing."""
        return self.head == "leaky_relu" or "floor" in self.setting

    @property
    def spares_hidden(self) -> bool:
        """Whether no hidden unit can be exactly zero."""
        return "hidden" in self.setting


#: The interventions that the rules for claims C14 and C24 look at, chosen before they were run.
REMEDIES = (
    Remedy("an initial output bias of 1", "dead outputs", {"bias": 1.0}),
    Remedy("a leaky head", "dead outputs", {}, head="leaky_relu"),
    Remedy("leaky hidden units", "dead hidden units", {"hidden": "leaky_relu"}),
    Remedy("gradient norms clipped to 1", "exploding gradients", {"clipnorm": 1.0}),
    Remedy("a floor of 0.1 under the outputs", "", {"floor": 0.1}),
    Remedy("a tenth of the learning rate", "", {"learning_rate": 0.0001}),
)

#: What stands beside them in the tables, and in no rule: Adam whose second moment forgets a batch within some ten others, not within a thousand,
#: added when the first two epochs of one such run had been looked at; and a smooth head.
COMPARISONS = (
    Remedy("an Adam that forgets, β₂ = 0.9", "", {"beta_2": 0.9}),
    Remedy("a smooth head, softplus", "", {}, head="softplus"),
)

#: What they are compared with.
SOFTMAX = Remedy("the softmax head", "", {}, head="softmax")
AS_IT_IS = Remedy("the ReLU head as it is", "", {})


def remedied(remedy: Remedy, dataset: str, architecture: str, records: Sequence[Record]) -> dict[int, Record]:
    """The runs of a network with a remedy, by seed: models trained once on the whole training set (``fresh``)."""
    return by_seed(records, remedy.setting, dataset=dataset, architecture=architecture, head=remedy.head, protocol="fresh")


@dataclass(frozen=True)
class Closing:
    """What a remedy does to the gap in test accuracy between the two heads of a network, in runs paired by seed.

    Attributes
    ----------
    gap : Difference
        Softmax minus ReLU.
    share : float
        Of the gap, how much the remedy closes.
    past_half : Difference
        The remedied network minus the point halfway between the two heads: above 0 if more than half of the gap is closed.
    left : Difference
        The remedied network minus the softmax head.
    """

    gap: Difference
    share: float
    past_half: Difference
    left: Difference


#: What the remedies are against, by the two explanations of the CNN's shortfall: the paper's, and its rival.
DYING, EXPLODING = ("dead outputs", "dead hidden units"), ("exploding gradients",)


def shown(found: Sequence[Closing]) -> list[bool]:
    """Whether each is shown to close more than half of the gap, where one of them will do (Holm)."""
    differ = rejected([closing.past_half.p for closing in found])
    return [bool(sure and closing.past_half.mean > 0) for sure, closing in zip(differ, found, strict=True)]


def closing(remedy: Remedy, dataset: str, architecture: str, records: Sequence[Record]) -> Closing | None:
    """Compare a remedied network with both heads; None if they have fewer than two seeds in common."""
    network = {"dataset": dataset, "architecture": architecture, "protocol": "fresh"}
    runs = [remedied(remedy, dataset, architecture, records), *(by_seed(records, head=head, **network) for head in ("relu", "softmax"))]
    seeds = sorted(set.intersection(*map(set, runs)))
    if len(seeds) < 2:
        return None
    ours, relu, softmax = (np.array([found[seed].test.accuracy for seed in seeds]) for found in runs)
    gap = paired(softmax, relu, margin=MARGIN)
    share = float((ours.mean() - relu.mean()) / gap.mean) if gap.mean else math.nan
    return Closing(gap, share, paired(ours, (relu + softmax) / 2, margin=MARGIN), paired(ours, softmax, margin=MARGIN))


def accuracies(records: Sequence[Record]) -> pd.DataFrame:
    """Test accuracy of both networks with the ReLU head, on both image sets, under each intervention, as text.

    All are models trained once on the whole training set (``fresh``).
    """
    rows = []
    for remedy in (SOFTMAX, AS_IT_IS, *REMEDIES, *COMPARISONS):
        row = {"network with": remedy.title}
        for dataset, architecture in IMAGE_NETWORKS:
            runs = remedied(remedy, dataset, architecture, records).values()
            row[f"{data.TITLES[dataset]} {architecture.upper()}"] = cell(measure(runs, "test_accuracy"), "test_accuracy")
        rows.append(row)
    return pd.DataFrame(rows)


def closings(records: Sequence[Record]) -> pd.DataFrame:
    """The share of the gap between the heads that each intervention closes; whether more or less than half is shown, and on par; as text."""
    rows = []
    for remedy in (*REMEDIES, *COMPARISONS):
        row = {"intervention": remedy.title, "against": remedy.against or "none"}
        for dataset, architecture in IMAGE_NETWORKS:
            found = _closed(_gap(dataset, architecture, records), closing(remedy, dataset, architecture, records))
            row[f"{data.TITLES[dataset]} {architecture.upper()}"] = found
        rows.append(row)
    return pd.DataFrame(rows)


def _gap(dataset: str, architecture: str, records: Sequence[Record]) -> Difference | None:
    """Softmax minus ReLU in test accuracy, on all the seeds that both heads have, whatever a remedy has."""
    return seeds_paired(*(by_seed(records, dataset=dataset, architecture=architecture, head=head, protocol="fresh") for head in ("softmax", "relu")))


def _closed(gap: Difference | None, found: Closing | None) -> str:
    if gap is None or found is None:
        return NONE
    if not (gap.beyond and gap.greater):
        return f"no gap shown (n = {gap.n})"
    shown = "more than half" if found.past_half.greater else "less than half" if found.past_half.less else "undecided"
    share = f"{100 * found.share:.0f} %".replace("-", "−")
    return f"{share}, {shown}{', on par' * found.left.equivalent} (n = {found.gap.n})"


def favoured(records: Sequence[Record]) -> str:
    """Which causes the interventions on the CNNs speak for, as the end of a sentence, by what is shown on the image sets with a gap."""
    causes: dict[str, list[bool]] = {cause: [] for cause in (*DYING, *EXPLODING)}
    names = []
    for dataset, architecture in IMAGE_NETWORKS:
        found = [(remedy.against, closing(remedy, dataset, architecture, records)) for remedy in REMEDIES if remedy.against]
        if architecture != "cnn" or any(closed is None or closed.gap.n < 3 for _, closed in found):
            continue
        gap = _gap(dataset, architecture, records)
        if gap.beyond and gap.greater:
            names.append(data.TITLES[dataset])
            for of in (DYING, EXPLODING):
                against = [(cause, closed) for cause, closed in found if cause in of]
                closes = list(zip(against, shown([closed for _, closed in against]), strict=True))
                for cause in of:
                    causes[cause].append(any(sure for (aimed, _), sure in closes if aimed == cause))
    if not names:
        return "none of them, for want of runs or of a gap"
    always = [cause for cause, closes in causes.items() if all(closes)]
    never = [cause for cause, closes in causes.items() if not any(closes)]
    text = (
        f"on {' and '.join(names)} a remedy against {' and one against '.join(always)} is shown to close more than half of the gap" if always else ""
    )
    if not always:
        return f"none of them: no remedy is shown to close more than half of the gap on {' and '.join(names)}"
    return f"{' and '.join(always)}: {text}" + (f", and none against {' or '.join(never)}" if never else "")


def dead(dataset: str, architecture: str, records: Sequence[Record], remedy: Remedy = AS_IT_IS) -> list[bool]:
    """Whether an output is dead in the end, in each probed run of a network with a remedy, by default with the ReLU head as it is."""
    return [probe.dead_units[-1] > 0 for probe in _probes(remedy, dataset, architecture, records)]


def hidden(dataset: str, architecture: str, records: Sequence[Record], remedy: Remedy = AS_IT_IS) -> list[float]:
    """The share of the hidden units of a network with a remedy that are dead in the end, in each run in which they were counted."""
    return [probe.dead_hidden[-1] for probe in _probes(remedy, dataset, architecture, records) if probe.dead_hidden]


def hazards(records: Sequence[Record]) -> pd.DataFrame:
    """What the probes saw of either hazard in each image network, without and with each intervention, as text.

    Returns
    -------
    DataFrame of str
        A row for each network and intervention that has a probed run: in how many runs at least one output was zero on every probed row after the
        last epoch; the share of rows whose true class's output then is zero; the share of hidden units that then are zero on every probed row;
        and the largest norm of the output layer's gradient after any epoch. A dash stands where the intervention itself rules zeros out.
    """
    rows = []
    for (dataset, architecture), remedy in product(IMAGE_NETWORKS, (SOFTMAX, AS_IT_IS, *REMEDIES, *COMPARISONS)):
        probes = _probes(remedy, dataset, architecture, records)
        died, counted = dead(dataset, architecture, records, remedy), hidden(dataset, architecture, records, remedy)
        if probes:
            rows.append(
                {
                    "network": f"{data.TITLES[dataset]} {architecture.upper()}",
                    "with": remedy.title,
                    "runs with a dead output": NONE if remedy.spares_outputs else f"{sum(died)} of {len(died)}",
                    "true class's output 0, %": NONE if remedy.spares_outputs else cell(estimate([p.dead_true[-1] for p in probes]), "test_accuracy"),
                    "hidden units dead, %": NONE if remedy.spares_hidden else cell(estimate(counted), "test_accuracy"),
                    "largest gradient norm": cell(estimate([max(probe.norm_head) for probe in probes]), "norm"),
                }
            )
    columns = ["network", "with", "runs with a dead output", "true class's output 0, %", "hidden units dead, %", "largest gradient norm"]
    return pd.DataFrame(rows, columns=columns)


def _probes(remedy: Remedy, dataset: str, architecture: str, records: Sequence[Record]) -> list[Probe]:
    return [run.final.probe for run in remedied(remedy, dataset, architecture, records).values() if run.final and run.final.probe]
