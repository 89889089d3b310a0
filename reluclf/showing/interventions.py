"""The interventions on the ReLU head: what they do to its accuracy, and to the hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reluclf.formats import NONE, cell
from reluclf.judging import evidence, paper, words
from reluclf.judging.evidence import difference
from reluclf.judging.mechanism import Closing, closing
from reluclf.judging.paper import IMAGE_NETWORKS
from reluclf.judging.statistics import Difference, estimate
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Probe, Record
from reluclf.showing import origins
from reluclf.showing.runs import Network


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

    def runs(self, dataset: str, architecture: str, records: Sequence[Record]) -> list[Record]:
        """Select the models of a network with it, trained once on the whole training set."""
        return Network(dataset, architecture, self.head).once(records, **self.setting)

    def probes(self, dataset: str, architecture: str, records: Sequence[Record]) -> list[Probe]:
        """Collect what the probes saw in these models."""
        return evidence.probes(self.runs(dataset, architecture, records))


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

EVERY = (SOFTMAX, AS_IT_IS, *INTERVENTIONS, *COMPARISONS)


def named(name: str) -> Intervention:
    """Find one of all by what is set, or by its head."""
    return next(change for change in EVERY if change.name == name)


def closed(
    change: Intervention, dataset: str, architecture: str, records: Sequence[Record]
) -> Closing | None:
    """Compare a network with an intervention to both heads; None if any has fewer than two runs."""
    changed, relu, softmax = (
        [run.test.accuracy for run in one.runs(dataset, architecture, records)]
        for one in (change, AS_IT_IS, SOFTMAX)
    )
    if min(map(len, (changed, relu, softmax))) < 2:
        return None
    return closing(changed, relu, softmax, MARGIN)


@origins.traced
def closings(records: Sequence[Record]) -> pd.DataFrame:
    """Show what share of the gap between the heads each intervention closes, as text."""
    rows = []
    for change in (*INTERVENTIONS, *COMPARISONS):
        row = {"intervention": change.title, "against": change.against or "none"}
        for pair in IMAGE_NETWORKS:
            gap = difference(SOFTMAX.runs(*pair, records), AS_IT_IS.runs(*pair, records))
            n = len(change.runs(*pair, records))
            row[paper.title(*pair)] = _closed(gap, closed(change, *pair, records), n)
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
    causes = list(dict.fromkeys(change.against for change in INTERVENTIONS if change.against))
    found = {}
    for pair in IMAGE_NETWORKS:
        closing_causes = _closing_causes(pair, records)
        if pair[1] == "cnn" and closing_causes is not None:
            found[paper.title(*pair)] = closing_causes
    if not found:
        return words.say("favoured-unknown")
    always = [cause for cause in causes if all(cause in closing for closing in found.values())]
    never = [cause for cause in causes if not any(cause in closing for closing in found.values())]
    if not always:
        return words.say("favoured-none", networks=" and ".join(found))
    text = words.say("favoured", causes=" and ".join(always))
    return text + (words.say("favoured-not", causes=" or ".join(never)) if never else "")


def _closing_causes(pair: tuple[str, str], records: Sequence[Record]) -> set[str] | None:
    """Name the causes against which an intervention closes more than half of a network's gap.

    None if one of the interventions has too few runs.
    """
    causes = set()
    for change in INTERVENTIONS:
        if change.against:
            one = closed(change, *pair, records)
            if one is None:
                return None
            if one.past_half.greater:
                causes.add(change.against)
    return causes


def dead(
    dataset: str, architecture: str, records: Sequence[Record], change: Intervention = AS_IT_IS
) -> list[bool]:
    """Tell of each probed run of a network whether an output is dead in the end."""
    return [probe.dead_units[-1] > 0 for probe in change.probes(dataset, architecture, records)]


def hidden(
    dataset: str, architecture: str, records: Sequence[Record], change: Intervention = AS_IT_IS
) -> list[float]:
    """Give the share of hidden units that are dead in the end, of each run that counted them."""
    probes = change.probes(dataset, architecture, records)
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
    for pair in IMAGE_NETWORKS:
        for change in EVERY:
            probes = change.probes(*pair, records)
            if not probes:
                continue
            died = dead(*pair, records, change)
            silent = estimate([probe.dead_true[-1] for probe in probes])
            counted = estimate(hidden(*pair, records, change))
            norms = estimate([max(probe.norm_head) for probe in probes])
            no_zeros = change.head == "leaky_relu" or "floor" in change.setting
            row = {
                "network": paper.title(*pair),
                "with": change.title,
                "runs with a dead output": NONE if no_zeros else f"{sum(died)} of {len(died)}",
                "true class's output 0, %": NONE if no_zeros else cell(silent, "test_accuracy"),
                "hidden units dead, %": cell(counted, "test_accuracy"),
                "largest gradient norm": cell(norms, "norm"),
            }
            if "hidden" in change.setting:
                row["hidden units dead, %"] = NONE
            rows.append(row)
    return pd.DataFrame(rows)
