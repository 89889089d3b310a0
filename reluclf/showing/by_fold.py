"""The folds drawn: accuracies fold by fold, what a fold has seen before, and why they rise."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluclf.judging import paper
from reluclf.judging.design import AS_RUN, BOTH
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.showing.figures import COLOURS, MARKERS, WIDTH, Looks
from reluclf.showing.runs import Network, with_both_heads
from reluclf.spec import N_SPLITS

#: The folds, counted from 1.
_FOLDS = range(1, N_SPLITS + 1)

#: The epochs of a fold.
EPOCHS = 32

#: More runs than this are drawn as the band that holds the middle 95 % of them.
_MOST_LINES = 20

#: The network that shows each reason for a rise, and what there is to see.
REASONS = {
    "leakage: only the folds rise": Network("fashion_mnist", "ffnn", "softmax"),
    "slow learning: both rise": Network("mnist", "cnn", "relu"),
}


def _validated(runs: Sequence[Record]) -> list[np.ndarray]:
    """List each run's accuracies on the validation rows of its folds, in percent."""
    return [100 * run.fold_accuracy for run in runs]


def _tested(runs: Sequence[Record]) -> list[np.ndarray]:
    """List each run's accuracies on the test set after its folds, in percent."""
    return [100 * np.array([fold.test.accuracy for fold in run.folds]) for run in runs]


@origins.traced
def figure(dataset: str, architecture: str, records: Sequence[Record]) -> Figure:
    """Draw the accuracy fold by fold: the paper's, and ours as run and as written.

    Ours is drawn on the fold's validation rows and on the test set; a panel for each head.
    """
    drawn, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    for axes, network in zip(panels, with_both_heads(dataset, architecture), strict=True):
        _panel(axes, network, records)
    panels[0].set_ylabel("accuracy, %")
    entries: dict[str, Artist] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    drawn.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=2)
    return drawn


def _panel(axes: Axes, network: Network, records: Sequence[Record]) -> None:
    """Draw the folds of a network; the title says how many runs of each kind there are."""
    looks: Looks = {"color": COLOURS["paper"], "label": "paper", "zorder": 4}
    axes.plot(_FOLDS, 100 * paper.fold_accuracy(*network), MARKERS["paper"], **looks)
    counts = []
    for condition, line in zip(BOTH, ("-", "--"), strict=True):
        runs = [run for run in network.under(records, condition) if run.folds]
        counts.append(f"{len(runs)} {condition}")
        protocol = condition.protocol
        _mean(axes, _validated(runs), protocol, line, f"{condition}, validation samples")
        _mean(axes, _tested(runs), protocol, ":", f"{condition}, test set", hollow=True)
    axes.set(xlabel="fold", xticks=_FOLDS, title=f"{network.short}\n(n = {', '.join(counts)})")


def _mean(
    axes: Axes, curves: list[np.ndarray], protocol: str, line: str, label: str, hollow: bool = False
) -> None:
    """Draw the mean of curves, each fainter behind it; those cut short are left out."""
    longest = max(map(len, curves), default=0)
    curves = [curve for curve in curves if len(curve) == longest]
    if not curves:
        return
    x, colour = range(1, longest + 1), COLOURS[protocol]
    if len(curves) > _MOST_LINES:
        low, high = np.quantile(curves, (0.025, 0.975), axis=0)
        axes.fill_between(x, low, high, color=colour, alpha=0.06 if hollow else 0.12, linewidth=0)
    elif len(curves) > 1:
        for curve in curves:
            axes.plot(x, curve, line, color=colour, linewidth=0.5, alpha=0.35)
    looks: Looks = {"marker": MARKERS[protocol], "ms": 3.5, "mfc": "white" if hollow else colour}
    axes.plot(x, np.mean(curves, axis=0), line, color=colour, label=label, **looks)


@origins.traced
def reasons(records: Sequence[Record]) -> Figure:
    """Draw a network whose folds rise by leakage, and one whose folds rise by slow learning."""
    drawn, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.1))
    for axes, (reason, network) in zip(panels, REASONS.items(), strict=True):
        runs = sorted(network.whole(records, AS_RUN), key=lambda run: run.spec.seed)
        own: Looks = {"color": "k", "ms": 8, "mew": 1.5, "label": "the author's folds", "zorder": 4}
        axes.plot(_FOLDS, 100 * paper.fold_accuracy(*network), "+", **own)
        colour = COLOURS[network.head]
        label = f"the fold's validation samples (n = {len(runs)})"
        _each_and_mean(axes, _validated(runs), "-", label, colour, colour)
        _each_and_mean(axes, _tested(runs), ":", "the test set", colour, "white")
        title = network.title.replace(" ", ", ", 1)
        axes.set_title(f"{reason}\n{title}", fontsize=9)
        axes.set(xlabel="fold", xticks=_FOLDS)
        place = "center right" if network.head == "softmax" else "lower right"
        axes.legend(fontsize=7.5, loc=place)
    panels[0].set_ylabel("accuracy, %")
    return drawn


def _each_and_mean(
    axes: Axes, curves: list[np.ndarray], line: str, label: str, colour: str, face: str
) -> None:
    for curve in curves:
        axes.plot(_FOLDS, curve, line, color=colour, lw=0.6, alpha=0.5)
    if curves:
        looks: Looks = {"marker": "o", "ms": 4.5, "mfc": face, "mec": "k", "mew": 0.5}
        axes.plot(_FOLDS, np.mean(curves, axis=0), line, color=colour, lw=1.8, label=label, **looks)


def epochs_spent(carried: bool) -> np.ndarray:
    """Count the epochs that a model was trained on each tenth of the data, as a fold begins.

    Parameters
    ----------
    carried : bool
        Whether one model goes through all folds; else every fold starts with a new one.

    Returns
    -------
    ndarray of int, shape (10, 10)
        Rows are folds in time, columns are tenths; the tenth of a fold's number is validated.
    """
    spent = np.zeros((N_SPLITS, N_SPLITS), dtype=int)
    for fold in range(1, N_SPLITS if carried else 0):
        trained = np.full(N_SPLITS, EPOCHS)
        trained[fold - 1] = 0  # validated in the fold before, not trained on
        spent[fold] = spent[fold - 1] + trained
    return spent


@origins.traced
def grid() -> Figure:
    """Draw how long each tenth was trained on: one model for all folds, and a new one in each."""
    drawn, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.9))
    _grid(left, epochs_spent(carried=True), "as run: one model goes through all folds")
    _grid(right, epochs_spent(carried=False), "as written: a new model in every fold")
    left.set_ylabel("fold, in order of time")
    right.set_yticklabels([])
    return drawn


def _grid(axes: Axes, spent: np.ndarray, title: str) -> None:
    edges = np.arange(N_SPLITS + 1) + 0.5
    most = 1.6 * EPOCHS * N_SPLITS
    axes.pcolormesh(edges, edges, spent, cmap="Greys", vmin=0, vmax=most, ec="#CCCCCC", lw=0.6)
    for fold, epochs in zip(_FOLDS, np.diag(spent), strict=True):
        corner = (fold - 0.5, fold - 0.5)
        axes.add_patch(plt.Rectangle(corner, 1, 1, fc="white", ec="k", lw=1.2))
        axes.text(fold, fold, str(epochs), ha="center", va="center", fontsize=8)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.grid(False)
    axes.set(xticks=_FOLDS, yticks=_FOLDS, xlabel="tenth of the training data")
    axes.tick_params(length=0, labelsize=8)
    axes.set_title(title, fontsize=9)
