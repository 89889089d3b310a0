"""What the first page shows: ten networks in one picture, and the headline claims."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reluclf.campaign import runtime
from reluclf.formats import NONE, NOT_MEASURED
from reluclf.judging import words
from reluclf.judging.answers import Answer
from reluclf.judging.design import AS_RUN, AS_WRITTEN
from reluclf.judging.evidence import difference, measure
from reluclf.judging.status import Status
from reluclf.judging.verdicts import Verdict
from reluclf.record import Record
from reluclf.showing import dead_outputs, figures, ledger, original, origins, sentences
from reluclf.showing.runs import IMAGES, ON_IMAGES, Network, with_both_heads
from reluclf.store import Store

#: The network in which the ReLU head is slow.
_SLOW = Network("mnist", "cnn", "relu")

#: That whose runs as run all end below the paper's.
_BELOW = Network("fashion_mnist", "cnn", "relu")

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
    panels_of = (ON_IMAGES, with_both_heads("wdbc", "ffnn"))
    for axes, networks in zip(panels, panels_of, strict=True):
        for y, network in enumerate(networks):
            _row(axes, y, network, records)
        axes.set_yticks(range(len(networks)), [network.title for network in networks])
        axes.set_ylim(len(networks) - 0.5, -0.5)
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


def _row(axes: plt.Axes, y: int, network: Network, records: Sequence[Record]) -> None:
    """Draw the runs of one network, and over them the paper's."""
    colour = figures.COLOURS[network.head]
    for condition, (marker, filled, off) in _MARKS.items():
        runs = network.under(records, condition)
        accuracy = np.sort([100 * run.test.accuracy for run in runs])
        if len(accuracy) > _MOST_POINTS:
            chosen = np.linspace(0, len(accuracy) - 1, _MOST_POINTS).round().astype(int)
            accuracy = accuracy[chosen]
        face = colour if filled else "white"
        style: figures.Looks = {"mfc": face, "markersize": 4, "linestyle": "none", "alpha": 0.9}
        axes.plot(accuracy, np.full(len(accuracy), y + off), marker, color=colour, **style)
    published = 100 * network.published["test_accuracy"]
    axes.plot([published] * 2, [y - 0.38, y + 0.38], color="black", linewidth=2, zorder=4)


def headlines(found: Sequence[Verdict]) -> pd.DataFrame:
    """List the headline claims with the status of each answer, as text."""
    by_id = {verdict.id: verdict for verdict in found}
    rows = []
    for key, claim in words.contents()["headlines"].items():
        verdict = by_id[key]
        row = {
            "the paper's claim": f"{claim} ({key})",
            "in its own numbers": _status(verdict.own),
            "run again, as run": _status(verdict.as_run),
            "as written": _status(verdict.as_written),
        }
        rows.append(row)
    return origins.rests_on(pd.DataFrame(rows), ledger.records(found))


def _status(answer: Answer | None) -> str:
    """Write the status of an answer, or how many runs are there where they are not all."""
    if answer is None:
        return NONE
    if answer.status == Status.WAITING and answer.numbers:
        fewest = min(answer.numbers, key=lambda one: one.mean)
        return f"waiting: {fewest.mean:.0f} of {fewest.n} runs made"
    return str(answer.status)


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Write the numbers that the first page says, each under the name that it is glued by."""

    def reached(network: Network, **setting: Any) -> str:
        mean = measure(network.once(records, **setting), "test_accuracy")
        return f"{100 * mean.mean:.0f}\u00a0%" if mean else NOT_MEASURED

    slow = _SLOW.under(records, AS_WRITTEN)
    softmax, relu = with_both_heads("wdbc", "ffnn")
    ffnn_softmax, ffnn_relu = with_both_heads("mnist", "ffnn")
    table = dead_outputs.counted(records)
    kept, made, apart = _that_keep_every_class(records)
    return {
        "index_softmax": reached(_SLOW._replace(head="softmax")),
        "index_relu": reached(_SLOW),
        "index_clipped": reached(_SLOW, clipnorm=1.0),
        "index_lost": str(table[:, 0].sum()),
        "index_lost_and_dead": str(table[0, 0]),
        "index_ffnn_runs": str(table.sum()),
        "index_kept": f"{kept} of {made}",
        "index_level": apart,
        "index_apart": sentences.softmax_apart(records),
        "index_cnn_ends": _ends(
            [run.test.accuracy for run in _SLOW.under(records, AS_RUN)], " and "
        ),
        "index_fashion_cnn": f"{100 * _BELOW.published['test_accuracy']:.1f}\u00a0%",
        "index_fashion_cnn_best": _best(_BELOW.under(records, AS_RUN)),
        "index_worst": _ends([run.test.accuracy for run in slow]),
        "index_relu_runs": str(len(slow)),
        "index_ffnn_softmax": reached(ffnn_softmax),
        "index_ffnn_relu": reached(ffnn_relu),
        "index_wdbc_relu": reached(relu),
        "index_wdbc_softmax": reached(softmax),
    }


def _that_keep_every_class(records: Sequence[Record]) -> tuple[int, int, str]:
    """Count the FFNN-ReLUs on images as run that lose no class, and how far from softmax they are.

    Returns
    -------
    (int, int, str)
        Those, all, and the larger distance of their mean test accuracy on the two sets, in points,
        rounded up.
    """
    kept, made, apart = 0, 0, []
    for dataset in IMAGES:
        softmax, relu = (
            network.under(records, AS_RUN) for network in with_both_heads(dataset, "ffnn")
        )
        whole = [run for run in relu if not run.test.lost]
        kept, made = kept + len(whole), made + len(relu)
        ahead = difference(whole, softmax)
        apart += [abs(100 * ahead.mean)] if ahead else []
    return kept, made, f"{math.ceil(10 * max(apart)) / 10:.1f}" if apart else NOT_MEASURED


def _ends(accuracies: Sequence[float], to: str = " to ") -> str:
    """Write the lowest and the highest of accuracies, in percent."""
    if not accuracies:
        return NOT_MEASURED
    return f"{100 * min(accuracies):.0f}{to}{100 * max(accuracies):.0f}\u00a0%"


def _best(runs: Sequence[Record]) -> str:
    """Write the highest test accuracy of runs, in percent."""
    return f"{100 * max(run.test.accuracy for run in runs):.1f}\u00a0%" if runs else NOT_MEASURED


def beside() -> str:
    """Write how many runs stand beside the book's own, and what they are for."""
    compared = sum(len(Store.of_backend(name).read_all()) for name in runtime.BACKENDS)
    return f"{len(original.read())} with the libraries of 2018, {compared} to compare backends"


def certificate(records: Sequence[Record], commit: str, besides: str) -> pd.DataFrame:
    """State what the book rests on: runs, hours, machines, dates and the commit, as text.

    Parameters
    ----------
    records : sequence of Record
    commit : str
        That of the checkout; empty if it is not known.
    besides : str
        The runs beside them, by :func:`beside`.
    """
    seconds = sum(record.provenance.seconds for record in records)
    started = [record.provenance.started for record in records]
    devices = {record.provenance.device for record in records}
    others = sorted(device for device in devices if not device.startswith("CPU"))
    kinds = len(devices) - len(others)
    rows = {
        "training runs": f"{len(records):,}",
        "their hours of training": f"{seconds / 3600:,.0f}",
        "their machines": "; ".join([f"{kinds} kind{'s' * (kinds > 1)} of CPU", *others]),
        "they were made": f"{min(started):%d %B %Y} to {max(started):%d %B %Y}"
        if started
        else NONE,
        "runs beside them": besides,
        "pages built at commit": commit[:7] or NONE,
        "written by": "machine: text, code and runs",
        "checked with": "`make check-records` (all), `make verify` (a random sample, retrained)",
    }
    frame = pd.DataFrame(rows.items(), columns=["what", "the book"])
    return origins.rests_on(frame, {"": records})
