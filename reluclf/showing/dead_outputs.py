"""Dying, and what it leaves: outputs that are dead, classes that are lost, and rows of zeros.

Rows of zeros are predictions of class 0, which wins every tie, and costly errors.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reluclf.formats import NONE
from reluclf.judging import paper
from reluclf.judging.claims import recalls
from reluclf.judging.design import AS_RUN
from reluclf.judging.evidence import probe_of
from reluclf.record import Record, Test
from reluclf.showing import figures, origins
from reluclf.showing.runs import IMAGES, ON_IMAGES, Network
from reluclf.spec import TITLES


def runs(
    records: Sequence[Record], dataset: str, architecture: str = "ffnn"
) -> list[tuple[Record, bool]]:
    """Select the ReLU networks as written that were looked into, each with whether one is dead.

    An output is dead if, after the last epoch, it is zero on each of the training images that are
    looked at.
    """
    found = Network(dataset, architecture, "relu").once(records)
    return [
        (run, probe.dead_units[-1] > 0)
        for run in sorted(found, key=lambda run: run.spec.seed)
        if (probe := probe_of(run))
    ]


def worst_recall(run: Record) -> float:
    """Say what share of the images of the class that it knows least a network gets right."""
    return float(recalls(np.array(run.test.confusion_matrix)).min())


def counted(records: Sequence[Record], architecture: str = "ffnn") -> np.ndarray:
    """Count the runs by a dead output and a lost class: int, shape (2, 2).

    Rows: an output is dead, none is; columns: a class is lost, none is.
    """
    table = np.zeros((2, 2), dtype=int)
    for dataset in IMAGES:
        for run, dead in runs(records, dataset, architecture):
            table[int(not dead), int(not run.test.lost)] += 1
    return table


def revived(records: Sequence[Record], architecture: str = "ffnn") -> np.ndarray:
    """Count the runs in which an output is dead at first, and those of them with fewer in the end.

    Returns
    -------
    ndarray of int, shape (2,)
    """
    found = [run for dataset in IMAGES for run, _ in runs(records, dataset, architecture)]
    curves = [probe.dead_units for run in found if (probe := probe_of(run))]
    died = [curve for curve in curves if curve[0] > 0]
    return np.array([len(died), sum(curve[-1] < curve[0] for curve in died)])


@origins.traced
def table(records: Sequence[Record]) -> pd.DataFrame:
    """Show the counts of FFNN and of CNN as text, both image sets together."""
    rows = []
    for architecture in ("ffnn", "cnn"):
        counts = counted(records, architecture)
        for dead, line in zip(("an output is dead", "no output is dead"), counts, strict=True):
            row = {"network": f"{architecture.upper()}-ReLU", "outputs": dead}
            rows.append(row | {"a class is lost": str(line[0]), "no class is lost": str(line[1])})
    return pd.DataFrame(rows)


@origins.traced
def figure(records: Sequence[Record]) -> Figure:
    """Draw each run's accuracy on the worst class; filled if an output is dead."""
    drawn, axes = plt.subplots(figsize=(figures.WIDTH * 0.75, 2.6))
    colour, names = figures.COLOURS["relu"], []
    for y, dataset in enumerate(IMAGES):
        found = runs(records, dataset)
        names.append(f"{TITLES[dataset]}\nFFNN (n = {len(found)})")
        for dead in (True, False):
            recalls = [100 * worst_recall(run) for run, died in found if died == dead]
            step = min(0.2, 0.8 / max(len(recalls) - 1, 1))  # a data set's runs keep to its row
            heights = y + step * (np.arange(len(recalls)) - (len(recalls) - 1) / 2)
            label = "an output is dead" if dead else "no output is dead"
            looks: figures.Looks = {"color": colour, "mfc": colour if dead else "white", "ms": 6.5}
            axes.plot(recalls, heights, "X" if dead else "o", label="" if y else label, **looks)
    axes.set_yticks(range(2), names)
    axes.set(ylim=(1.5, -0.5), xlim=(-3, 100))
    axes.set_xlabel("images of the worst class classified correctly, %")
    drawn.legend(loc="outside upper center", ncols=2, fontsize=8)
    return drawn


def called_zero(counts: Sequence[Sequence[int]] | np.ndarray) -> int:
    """Count the samples of other classes that are called class 0; rows are true classes."""
    return int(np.asarray(counts)[1:, 0].sum())


def loss_per_error(loss: float, accuracy: float) -> float:
    """Divide the test loss by the share of errors: what each costs, in nats, if only errors do."""
    return loss / (1 - accuracy) if accuracy < 1 else np.inf


def tests(network: Network, records: Sequence[Record], lost: bool = False) -> list[Test]:
    """Select the tests of a network's whole runs as run that lose a class, or none, by seed."""
    found = sorted(network.whole(records, AS_RUN), key=lambda run: run.spec.seed)
    return [run.test for run in found if run.test.lost == lost]


@origins.traced
def zeros(records: Sequence[Record]) -> pd.DataFrame:
    """Show both traces of zeros in the paper's networks on images and in ours as run, as text.

    Returns
    -------
    DataFrame of str
        A row for each network: of the paper's run, of our runs that lose no class, and of those
        that lose one, how many images of other classes are called class 0; then the test loss for
        each error, of the same.
    """
    rows = []
    for network in ON_IMAGES:
        own = network.published
        ours = {
            "ours": tests(network, records),
            "ours, class lost": tests(network, records, lost=True),
        }
        row = {
            "network": network.title,
            "called 0: paper": str(called_zero(paper.matrix_of(*network).counts)),
        }
        for title, found in ours.items():
            row[f"called 0: {title}"] = zeros_called(found)
        price = loss_per_error(own["test_loss"], own["test_accuracy"])
        row["nats per error: paper"] = f"{price:.1f}"
        for title, found in ours.items():
            prices = [loss_per_error(test.loss, test.accuracy) for test in found]
            row[f"nats per error: {title}"] = _middle(prices, "{:.1f}")
        rows.append(row)
    return pd.DataFrame(rows)


def zeros_called(found: Sequence[Test]) -> str:
    """Tell how many samples of other classes are called class 0: median, lowest, highest."""
    return _middle([called_zero(test.confusion_matrix) for test in found], "{:.0f}")


def _middle(values: Sequence[float], form: str) -> str:
    """Write the median of values, with the lowest, the highest and n."""
    if len(values) < 2:
        return form.format(*values) if values else NONE
    middle, low, high = map(form.format, (np.median(values), min(values), max(values)))
    return f"{middle} ({low} to {high}, n\u00a0=\u00a0{len(values)})"
