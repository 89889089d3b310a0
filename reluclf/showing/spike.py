"""What one spike of the gradient costs Adam: how short the steps are after it, and for how long."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from reluclf.showing import figures, origins

#: Adam's default beta_2.
BETA_2 = 0.999

#: The batches of an epoch on 55,000 images, and the epochs of a fold.
BATCHES, EPOCHS = -(-55_000 // 256), 32


def step_after(k: np.ndarray | float, ratio: float, beta_2: float) -> np.ndarray:
    """Say how long Adam's step is, in learning rates, k batches after one spike.

    All other batches have one and the same gradient g. The mean of the gradients, which forgets
    within some ten batches, has forgotten the spike; the mean of their squares has not.

    Parameters
    ----------
    k : array_like
        Batches after the spike.
    ratio : float
        The spike over the gradient of the other batches, G/g.
    beta_2 : float

    Returns
    -------
    ndarray of float64
        ``g / sqrt(g^2 + (1 - beta_2) G^2 beta_2^k)``.
    """
    return 1 / np.sqrt(1 + (1 - beta_2) * ratio**2 * beta_2 ** np.asarray(k, dtype=float))


def half_after(ratio: float, beta_2: float) -> float:
    """Say after how many batches the step is back to half; 0 if it is never below.

    ``ln[(1 - beta_2) (G/g)^2 / 3] / (-ln beta_2)``: where v is four times g squared.
    """
    return max(0.0, math.log((1 - beta_2) * ratio**2 / 3) / -math.log(beta_2))


def spelled(batches: float) -> str:
    """Write a number of batches for prose: two significant figures, as ``5,800``."""
    if batches < 1:
        return "0"
    digits = max(0, math.floor(math.log10(batches)) - 1)
    return f"{round(batches / 10**digits) * 10**digits:,}"


#: The curves of the still picture: the spike's ratio, beta_2, its line, and where its label is.
_DRAWN = (
    (1000, BETA_2, "-", (-7, 5)),
    (100, BETA_2, "--", (6, -12)),
    (1000, 0.9, ":", (8, 20)),
)


@origins.traced
def figure() -> Figure:
    """Draw the step over the epochs after one spike; ``book/_static/spike.js`` makes it move."""
    drawn, axes = plt.subplots(figsize=(figures.WIDTH * 0.8, 2.9))
    k = np.linspace(0, EPOCHS * BATCHES, 4001)
    colour = figures.COLOURS["relu"]
    for ratio, beta_2, line, shift in _DRAWN:
        label = f"spike {ratio:,} ×, $\\beta_2$ = {beta_2:g}"
        axes.plot(k / BATCHES, step_after(k, ratio, beta_2), line, color=colour, label=label)
        half = half_after(ratio, beta_2)
        axes.plot(half / BATCHES, 0.5, "o", color=colour, ms=5)
        side = "left" if shift[0] > 0 else "right"
        looks: figures.Looks = {"textcoords": "offset points", "ha": side, "fontsize": 8}
        axes.annotate(f"half after {spelled(half)} batches", (half / BATCHES, 0.5), shift, **looks)
    axes.axhline(1, color=figures.COLOURS["softmax"], lw=1.5, label="no spike")
    axes.set(xlim=(-0.5, EPOCHS), ylim=(0, 1.08), xticks=range(0, EPOCHS + 1, 4))
    axes.set_xlabel(f"epochs of {BATCHES} batches after the spike")
    axes.set_ylabel("step, in learning rates")
    drawn.legend(loc="outside upper center", ncols=2, fontsize=8, handlelength=2.4)
    return drawn
