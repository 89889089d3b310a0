"""The interventions on the ReLU head: what they do to its accuracy, and to the hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd

from reluclf.formats import NONE, cell
from reluclf.judging import paper
from reluclf.judging.evidence import difference, of_setting
from reluclf.judging.mechanism import Closing, closing
from reluclf.judging.paper import IMAGE_NETWORKS
from reluclf.judging.statistics import Difference, estimate
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Probe, Record
from reluclf.showing import origins


@dataclass(frozen=True)
class Intervention:
    """A change to a network with the ReLU head.

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
        """Whether no output can be exactly zero: counting zeros then tells nothing."""
        return self.head == "leaky_relu" or "floor" in self.setting

    @property
    def spares_hidden(self) -> bool:
        """Whether no hidden unit can be exactly zero."""
        return "hidden" in self.setting

    def runs(self, dataset: str, architecture: str, records: Sequence[Record]) -> list[Record]:
        """Models of a network with it, trained once on the whole training set."""
        fields = {"dataset": dataset, "architecture": architecture, "head": self.head}
        return of_setting(records, self.setting, protocol="fresh", **fields)


#: The interventions, chosen before they were run.
INTERVENTIONS = (
    Intervention("an initial output bias of 1", "dead outputs", {"bias": 1.0}),
    Intervention("a leaky head", "dead outputs", {}, head="leaky_relu"),
    Intervention("leaky hidden units", "dead hidden units", {"hidden": "leaky_relu"}),
    Intervention("gradient norms clipped to 1", "exploding gradients", {"clipnorm": 1.0}),
    Intervention("a floor of 0.1 under the outputs", "", {"floor": 0.1}),
    Intervention("a tenth of the learning rate", "", {"learning_rate": 0.0001}),
)

#: What stands beside them, and in no rule: an Adam whose second moment forgets a batch within some
#: ten others, not within a thousand, added when the first two epochs of one such run had been
#: looked at; and a smooth head.
COMPARISONS = (
    Intervention("an Adam that forgets, β₂ = 0.9", "", {"beta_2": 0.9}),
    Intervention("a smooth head, softplus", "", {}, head="softplus"),
)

#: What they are compared with.
SOFTMAX = Intervention("the softmax head", "", {}, head="softmax")
AS_IT_IS = Intervention("the ReLU head as it is", "", {})


def closed(
    change: Intervention, dataset: str, architecture: str, records: Sequence[Record]
) -> Closing | None:
    """Compare a network with an intervention to both heads; None if any has fewer than two runs."""
    accuracy = [
        [run.test.accuracy for run in one.runs(dataset, architecture, records)]
        for one in (change, AS_IT_IS, SOFTMAX)
    ]
    if min(map(len, accuracy)) < 2:
        return None
    return closing(*accuracy, MARGIN)


@origins.traced
def closings(records: Sequence[Record]) -> pd.DataFrame:
    """Show what share of the gap between the heads each intervention closes, as text."""
    rows = []
    for change in (*INTERVENTIONS, *COMPARISONS):
        row = {"intervention": change.title, "against": change.against or "none"}
        for network in IMAGE_NETWORKS:
            heads = [one.runs(*network, records) for one in (SOFTMAX, AS_IT_IS)]
            n = len(change.runs(*network, records))
            row[paper.title(*network)] = _closed(
                difference(*heads), closed(change, *network, records), n
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _closed(gap: Difference | None, one: Closing | None, n: int) -> str:
    if gap is None or one is None:
        return NONE
    if not gap.greater:
        return "no gap shown"
    shown = "undecided"
    if one.past_half.greater:
        shown = "more than half"
    elif one.past_half.less:
        shown = "less than half"
    share = f"{100 * one.share:.0f} %".replace("-", "−")
    equal = ", within two points of softmax" if one.left.equivalent else ""
    return f"{share}, {shown}{equal} (n = {n})"


def favoured(records: Sequence[Record]) -> str:
    """Say which causes the interventions on the CNNs speak for, as the end of a sentence."""
    causes: dict[str, list[bool]] = {
        change.against: [] for change in INTERVENTIONS if change.against
    }
    names = []
    for network in IMAGE_NETWORKS:
        if network[1] != "cnn":
            continue
        aimed = [change for change in INTERVENTIONS if change.against]
        found = [closed(change, *network, records) for change in aimed]
        if any(one is None for one in found):
            continue
        names.append(paper.title(*network))
        for cause in causes:
            closes = [
                one.past_half.greater
                for change, one in zip(aimed, found, strict=True)
                if change.against == cause and one is not None
            ]
            causes[cause].append(any(closes))
    if not names:
        return "none of them, for too few runs are there"
    always = [cause for cause, closes in causes.items() if all(closes)]
    never = [cause for cause, closes in causes.items() if not any(closes)]
    if not always:
        return f"none of them on {' and '.join(names)} alike"
    text = f"{' and '.join(always)}: an intervention against them closes more than half of the gap"
    return text + (f", and none against {' or '.join(never)} does" if never else "")


def dead(
    dataset: str, architecture: str, records: Sequence[Record], change: Intervention = AS_IT_IS
) -> list[bool]:
    """Whether an output is dead in the end, in each probed run of a network."""
    return [probe.dead_units[-1] > 0 for probe in _probes(change, dataset, architecture, records)]


def hidden(
    dataset: str, architecture: str, records: Sequence[Record], change: Intervention = AS_IT_IS
) -> list[float]:
    """The share of hidden units that are dead in the end, in each run that counted them."""
    probes = _probes(change, dataset, architecture, records)
    return [probe.dead_hidden[-1] for probe in probes if probe.dead_hidden]


@origins.traced
def hazards(records: Sequence[Record]) -> pd.DataFrame:
    """Show what the probes saw of either hazard, without and with each intervention, as text.

    Returns
    -------
    DataFrame of str
        A row for each network and intervention with a probed run: in how many runs an output was
        zero on every probed row after the last epoch; the share of rows whose true class's output
        then is zero; the share of hidden units that then are zero on every probed row; and the
        largest norm of the output layer's gradient after any epoch. A dash stands where the
        intervention itself rules zeros out.
    """
    rows = []
    changes = (SOFTMAX, AS_IT_IS, *INTERVENTIONS, *COMPARISONS)
    for network, change in product(IMAGE_NETWORKS, changes):
        probes = _probes(change, *network, records)
        if not probes:
            continue
        died = dead(*network, records, change)
        counted = hidden(*network, records, change)
        zero = cell(estimate([probe.dead_true[-1] for probe in probes]), "test_accuracy")
        norms = estimate([max(probe.norm_head) for probe in probes])
        rows.append(
            {
                "network": paper.title(*network),
                "with": change.title,
                "runs with a dead output": f"{sum(died)} of {len(died)}",
                "true class's output 0, %": zero,
                "hidden units dead, %": cell(estimate(counted), "test_accuracy"),
                "largest gradient norm": cell(norms, "norm"),
            }
        )
        if change.spares_outputs:
            rows[-1]["runs with a dead output"] = rows[-1]["true class's output 0, %"] = NONE
        if change.spares_hidden:
            rows[-1]["hidden units dead, %"] = NONE
    columns = ["network", "with", "runs with a dead output", "true class's output 0, %"]
    return pd.DataFrame(rows, columns=[*columns, "hidden units dead, %", "largest gradient norm"])


def _probes(
    change: Intervention, dataset: str, architecture: str, records: Sequence[Record]
) -> list[Probe]:
    runs = change.runs(dataset, architecture, records)
    return [run.final.probe for run in runs if run.final and run.final.probe]
