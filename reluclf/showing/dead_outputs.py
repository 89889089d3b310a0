"""Dying in the FFNN: the runs in which an output is dead are those that lose a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reluclf.judging.evidence import of_setting
from reluclf.record import Record
from reluclf.showing import figures, origins
from reluclf.spec import TITLES

_IMAGES = ("mnist", "fashion_mnist")


def runs(
    records: Sequence[Record], dataset: str, architecture: str = "ffnn"
) -> Iterator[tuple[Record, bool]]:
    """Give the ReLU networks as written that were looked into, each with whether an output is dead.

    An output is dead if, after the last epoch, it is zero on each of the training images that are
    looked at.
    """
    found = of_setting(
        records, dataset=dataset, architecture=architecture, head="relu", protocol="fresh"
    )
    for run in sorted(found, key=lambda run: run.spec.seed):
        if run.final and run.final.probe:
            yield run, run.final.probe.dead_units[-1] > 0


def worst_recall(run: Record) -> float:
    """Say what share of the images of the class that it knows least a network gets right."""
    counts = np.asarray(run.test.confusion_matrix)
    return float((np.diag(counts) / counts.sum(axis=1)).min())


def counted(records: Sequence[Record], architecture: str = "ffnn") -> np.ndarray:
    """Count the runs by a dead output and a lost class: int, shape (2, 2).

    Rows: an output is dead, none is; columns: a class is lost, none is.
    """
    table = np.zeros((2, 2), dtype=int)
    for dataset in _IMAGES:
        for run, dead in runs(records, dataset, architecture):
            table[int(not dead), int(not run.test.lost)] += 1
    return table


@origins.traced
def table(records: Sequence[Record]) -> pd.DataFrame:
    """Show the counts of both kinds of networks, as text: FFNN and CNN, both image sets together."""
    rows = []
    for architecture in ("ffnn", "cnn"):
        counts = counted(records, architecture)
        for dead, line in zip(("an output is dead", "no output is dead"), counts, strict=True):
            rows.append(
                {
                    "network": f"{architecture.upper()}-ReLU",
                    "": dead,
                    "a class is lost": str(line[0]),
                    "no class is lost": str(line[1]),
                }
            )
    return pd.DataFrame(rows)


@origins.traced
def figure(records: Sequence[Record]) -> Figure:
    """Draw each run's accuracy on the class that it knows least; filled if an output is dead."""
    drawn, axes = plt.subplots(figsize=(figures.WIDTH * 0.75, 1.9))
    colour = figures.COLOURS["relu"]
    for y, dataset in enumerate(_IMAGES):
        found = list(runs(records, dataset))
        for dead in (True, False):
            recalls = [100 * worst_recall(run) for run, died in found if died == dead]
            heights = y + 0.2 * (np.arange(len(recalls)) - (len(recalls) - 1) / 2)
            label = "an output is dead" if dead else "no output is dead"
            looks = {"color": colour, "mfc": colour if dead else "white", "ms": 6.5}
            axes.plot(recalls, heights, "X" if dead else "o", label="" if y else label, **looks)
    n = [len(list(runs(records, dataset))) for dataset in _IMAGES]
    axes.set_yticks(
        range(2), [f"{TITLES[one]}\nFFNN (n = {k})" for one, k in zip(_IMAGES, n, strict=True)]
    )
    axes.set(ylim=(1.5, -0.5), xlim=(-3, 100))
    axes.set_xlabel("images of the least known class that are right, %")
    drawn.legend(loc="outside upper center", ncols=2, fontsize=8)
    return drawn
