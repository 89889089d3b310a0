"""Two reasons for accuracies that rise from fold to fold: leakage, and slow learning."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluclf.judging import paper
from reluclf.judging.evidence import of_setting
from reluclf.record import Record
from reluclf.showing import figures, origins
from reluclf.spec import N_SPLITS, TITLES

#: The network that shows each reason, and what there is to see.
SHOWN = {
    "leakage: only the folds rise": ("fashion_mnist", "ffnn", "softmax"),
    "slow learning: both rise": ("mnist", "cnn", "relu"),
}


def runs(network: tuple[str, str, str], records: Sequence[Record]) -> list[Record]:
    """Select the runs of a network as run that went through all folds, by seed."""
    dataset, architecture, head = network
    found = of_setting(
        records, dataset=dataset, architecture=architecture, head=head, protocol="carried"
    )
    return sorted(
        (run for run in found if len(run.folds) == N_SPLITS), key=lambda run: run.spec.seed
    )


@origins.traced
def figure(records: Sequence[Record]) -> Figure:
    """Draw the accuracy on each fold's validation rows and on the test set, each on its scale."""
    drawn, panels = plt.subplots(1, 2, figsize=(figures.WIDTH, 3.1))
    for axes, (reason, network) in zip(panels, SHOWN.items(), strict=True):
        _panel(axes, network, records)
        dataset, architecture, head = network
        name = (
            f"{TITLES[dataset]}, {architecture.upper()}-{'ReLU' if head == 'relu' else 'Softmax'}"
        )
        axes.set_title(f"{reason}\n{name}", fontsize=9)
        axes.set(xlabel="fold", xticks=range(1, N_SPLITS + 1))
        if axes.lines:
            axes.legend(fontsize=7.5, loc="center right" if head == "softmax" else "lower right")
    panels[0].set_ylabel("accuracy, %")
    return drawn


def _panel(axes: Axes, network: tuple[str, str, str], records: Sequence[Record]) -> None:
    found = runs(network, records)
    colour = figures.COLOURS[network[2]]
    x = range(1, N_SPLITS + 1)
    published = 100 * paper.fold_accuracy(*network)
    axes.plot(x, published, "+", color="k", ms=8, mew=1.5, label="the paper's folds", zorder=4)
    drawn = (
        (
            f"the fold's validation rows (n = {len(found)})",
            [[100 * value for value in run.fold_accuracy] for run in found],
            "-",
            colour,
        ),
        (
            "the test set",
            [[100 * fold.test.accuracy for fold in run.folds] for run in found],
            ":",
            "white",
        ),
    )
    for label, curves, line, face in drawn:
        for curve in curves:
            axes.plot(x, curve, line, color=colour, lw=0.6, alpha=0.5)
        if curves:
            mean = np.mean(curves, axis=0)
            looks = {"color": colour, "marker": "o", "ms": 4.5, "mfc": face, "mec": "k", "mew": 0.5}
            axes.plot(x, mean, line, lw=1.8, label=label, **looks)
