"""What the first page shows: ten networks in one picture, and the headline claims."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reluclf.formats import NONE, NOT_MEASURED
from reluclf.judging import paper
from reluclf.judging.answers import Answer
from reluclf.judging.design import AS_RUN, AS_WRITTEN
from reluclf.judging.evidence import measure, of_setting, under
from reluclf.judging.status import Status
from reluclf.judging.verdicts import Verdict
from reluclf.record import Record
from reluclf.showing import dead_outputs, figures, ledger, origins, sentences

#: The claims that the first page lists, in its own words.
HEADLINES = {
    "C09": "FFNN-ReLU is on par with softmax on MNIST",
    "C16": "FFNN-ReLU is on par on Fashion-MNIST",
    "C11": "CNN-ReLU is lower on MNIST because it is slower",
    "C18": "CNN-ReLU is slower, slightly lower, with the same F1, on Fashion-MNIST",
    "C22": "FFNN-ReLU is comparable on WDBC",
    "C24": "Dying neurons are the likely reason",
}

#: The network in which the ReLU head is slow.
_CNN = ("mnist", "cnn")

#: How the runs of a condition are drawn: a marker, whether it is filled, how far from the middle.
_MARKS = {AS_RUN: ("o", True, -0.16), AS_WRITTEN: ("D", False, 0.16)}

#: Inches: narrow enough that its words can be read where a phone shows all of it at once.
_WIDTH = 5.0

#: Of more runs than this some are drawn, evenly chosen: the points would hide each other.
_MOST_POINTS = 40


@origins.traced
def picture(records: Sequence[Record]) -> Figure:
    """Draw the test accuracy of the ten networks: the paper's run as a tick, ours as points."""
    figure, panels = plt.subplots(
        2, 1, figsize=(_WIDTH, 4.6), height_ratios=(4, 1), sharex=True, layout="constrained"
    )
    for axes, networks in zip(panels, (paper.IMAGE_NETWORKS, (("wdbc", "ffnn"),)), strict=True):
        names = []
        for y, (network, head) in enumerate(
            (network, head) for network in networks for head in paper.HEADS
        ):
            names.append(paper.title(*network, head))
            _row(axes, y, network, head, records)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
    panels[1].set_xlabel("test accuracy, %")
    handles = [plt.Line2D([], [], color="black", marker="|", markersize=14, linestyle="none")]
    labels = ["the paper's run"]
    for condition, (marker, filled, _) in _MARKS.items():
        face = "#555555" if filled else "white"
        handles.append(
            plt.Line2D([], [], color="#555555", marker=marker, mfc=face, linestyle="none")
        )
        labels.append(f"ours, {condition}")
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _row(
    axes: plt.Axes, y: int, network: tuple[str, str], head: str, records: Sequence[Record]
) -> None:
    """Draw the runs of one network, and over them the paper's."""
    colour = figures.COLOURS[head]
    for condition, (marker, filled, off) in _MARKS.items():
        runs = under(records, condition, network[0], architecture=network[1], head=head)
        accuracy = np.sort([100 * run.test.accuracy for run in runs])
        if len(accuracy) > _MOST_POINTS:
            chosen = np.linspace(0, len(accuracy) - 1, _MOST_POINTS).round().astype(int)
            accuracy = accuracy[chosen]
        face = colour if filled else "white"
        style: figures.Looks = {"mfc": face, "markersize": 4, "linestyle": "none", "alpha": 0.9}
        axes.plot(accuracy, np.full(len(accuracy), y + off), marker, color=colour, **style)
    published = 100 * paper.result(*network, head)["test_accuracy"]
    axes.plot([published] * 2, [y - 0.38, y + 0.38], color="black", linewidth=2, zorder=4)


def headlines(found: Sequence[Verdict]) -> pd.DataFrame:
    """List the headline claims with the status of each answer, as text."""
    by_id = {verdict.id: verdict for verdict in found}
    rows = []
    for key, words in HEADLINES.items():
        verdict = by_id[key]
        rows.append(
            {
                "the paper's claim": f"{words} ({key})",
                "in its own numbers": _status(verdict.own),
                "run again, as run": _status(verdict.as_run),
                "as written": _status(verdict.as_written),
            }
        )
    return origins.rests_on(pd.DataFrame(rows), ledger.records(found))


def _status(answer: Answer | None) -> str:
    """The status of an answer; how many runs are there where they are not all."""
    if answer is None:
        return NONE
    if answer.status == Status.WAITING and answer.numbers:
        fewest = min(answer.numbers, key=lambda one: one.mean)
        return f"waiting: {fewest.mean:.0f} of {fewest.n} runs made"
    return str(answer.status)


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Write the numbers that the first page says, each under the name that it is glued by."""

    def reached(
        head: str, setting: dict[str, object] | None = None, network: tuple[str, str] = _CNN
    ) -> str:
        dataset, architecture = network
        fields = {"dataset": dataset, "architecture": architecture, "protocol": "fresh"}
        runs = of_setting(records, setting, head=head, **fields)
        mean = measure(runs, "test_accuracy")
        return f"{100 * mean.mean:.0f}\u00a0%" if mean else NOT_MEASURED

    table = dead_outputs.counted(records)
    return {
        "index_softmax": reached("softmax"),
        "index_relu": reached("relu"),
        "index_clipped": reached("relu", {"clipnorm": 1.0}),
        "index_relu_scores": reached("relu_softmax"),
        "index_lost": str(table[:, 0].sum()),
        "index_lost_and_dead": str(table[0, 0]),
        "index_ffnn_runs": str(table.sum()),
        "index_kept_and_dead": str(table[0, 1] or "none"),
        "index_apart": sentences.softmax_apart(records),
        "index_worst": _worst(records),
        "index_relu_runs": str(len(_relu_cnns(records))),
        "index_wdbc_relu": reached("relu", network=("wdbc", "ffnn")),
        "index_wdbc_softmax": reached("softmax", network=("wdbc", "ffnn")),
    }


def _relu_cnns(records: Sequence[Record]) -> list[Record]:
    """The CNN-ReLUs on MNIST, as written."""
    dataset, architecture = _CNN
    return under(records, AS_WRITTEN, dataset, architecture=architecture, head="relu")


def _worst(records: Sequence[Record]) -> str:
    """The lowest and the highest test accuracy of CNN-ReLU on MNIST, as written."""
    accuracy = [100 * run.test.accuracy for run in _relu_cnns(records)]
    return f"{min(accuracy):.0f} to {max(accuracy):.0f}\u00a0%" if accuracy else NOT_MEASURED


def certificate(records: Sequence[Record], commit: str) -> pd.DataFrame:
    """State what the book rests on: runs, hours, machines, dates and the commit, as text."""
    seconds = sum(record.provenance.seconds for record in records)
    started = [record.provenance.started for record in records]
    devices = {record.provenance.device for record in records}
    others = sorted(device for device in devices if not device.startswith("CPU"))
    rows = {
        "training runs": f"{len(records):,}",
        "hours of training": f"{seconds / 3600:,.0f}",
        "machines": "; ".join([f"kinds of CPU: {len(devices) - len(others)}", *others]),
        "made": f"{min(started):%d %B %Y} to {max(started):%d %B %Y}" if started else NONE,
        "pages built at commit": commit[:7] or NONE,
        "written by": "machine: text, code and runs",
        "checked with": "`make check-records` (all), `make verify` (a random sample, retrained)",
    }
    return origins.rests_on(
        pd.DataFrame({"what": list(rows), "the book": list(rows.values())}), {"": records}
    )
