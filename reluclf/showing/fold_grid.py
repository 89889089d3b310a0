"""The folds drawn: how long a model has been trained on the tenth that it is validated on."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluclf.showing import figures, origins
from reluclf.spec import N_SPLITS

#: The epochs of a fold.
EPOCHS = 32


def epochs_spent(carried: bool, folds: int = N_SPLITS, epochs: int = EPOCHS) -> np.ndarray:
    """Count the epochs that a model was trained on each tenth of the data, as a fold begins.

    Parameters
    ----------
    carried : bool
        Whether one model goes through all folds; else every fold starts with a new one.
    folds, epochs : int

    Returns
    -------
    ndarray of int, shape (folds, folds)
        Rows are folds in time, columns are tenths; the tenth of a fold's number is validated.
    """
    spent = np.zeros((folds, folds), dtype=int)
    for fold in range(1, folds if carried else 0):
        trained = np.full(folds, epochs)
        trained[fold - 1] = 0  # validated in the fold before, not trained on
        spent[fold] = spent[fold - 1] + trained
    return spent


@origins.traced
def figure() -> Figure:
    """Draw both grids: one model for all folds, and a new model in every fold."""
    drawn, (left, right) = plt.subplots(1, 2, figsize=(figures.WIDTH, 3.9))
    _grid(left, epochs_spent(carried=True), "as run: one model goes through all folds")
    _grid(right, epochs_spent(carried=False), "as written: a new model in every fold")
    left.set_ylabel("fold, in order of time")
    right.set_yticklabels([])
    return drawn


def _grid(axes: Axes, spent: np.ndarray, title: str) -> None:
    n = len(spent)
    edges = np.arange(n + 1) + 0.5
    most = EPOCHS * n
    axes.pcolormesh(
        edges, edges, spent, cmap="Greys", vmin=0, vmax=1.6 * most, ec="#CCCCCC", lw=0.6
    )
    for fold in range(n):
        axes.add_patch(plt.Rectangle((fold + 0.5, fold + 0.5), 1, 1, fc="white", ec="k", lw=1.2))
        axes.text(fold + 1, fold + 1, str(spent[fold, fold]), ha="center", va="center", fontsize=8)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.grid(False)
    axes.set_xticks(range(1, n + 1))
    axes.set_yticks(range(1, n + 1))
    axes.tick_params(length=0, labelsize=8)
    axes.set_xlabel("tenth of the training data")
    axes.set_title(title, fontsize=9)
