"""The CNN's first epochs batch by batch, seed by seed: the gradient spikes, then steps are short.

:mod:`reluclf.campaign.batchwise` measures them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluclf import formats
from reluclf.campaign.batchwise import Steps
from reluclf.judging.words import listed
from reluclf.showing import figures, origins
from reluclf.spec import TITLES

#: Batches over which the median step is taken: those of half an epoch.
_WINDOW = 107

#: The changes of a network, as fields of its spec.
PLAIN: dict[str, Any] = {}
CLIPPED: dict[str, Any] = {"clipnorm": 1.0}


def of_network(
    measured: Sequence[Steps], dataset: str, head: str, setting: dict[str, Any] | None = None
) -> dict[int, Steps]:
    """Select the measurements of a network, by seed."""
    found = (
        steps for steps in measured if (steps.spec.dataset, steps.spec.head) == (dataset, head)
    )
    return {steps.spec.seed: steps for steps in found if steps.spec.setting == (setting or PLAIN)}


@origins.traced
def figure(measured: Sequence[Steps], dataset: str) -> Figure:
    """Draw gradient and step of every batch, one column a seed: ReLU, over softmax of that seed."""
    relu = of_network(measured, dataset, "relu")
    lines = {
        "softmax": (of_network(measured, dataset, "softmax"), "softmax", "-", 0.8, 0.8),
        "ReLU, clipped": (of_network(measured, dataset, "relu", CLIPPED), "relu", ":", 1.1, 0.9),
        "ReLU": (relu, "relu", "-", 0.9, 1.0),
    }
    seeds = sorted(relu) or [1]
    shared: figures.Looks = {"sharex": True, "sharey": "row", "squeeze": False}
    drawn, panels = plt.subplots(2, len(seeds), figsize=(figures.WIDTH, 4.0), **shared)
    for (above, below), seed in zip(panels.T, seeds, strict=True):
        for title, (runs, head, line, width, alpha) in lines.items():
            if seed not in runs:
                continue
            colour = figures.COLOURS[head]
            looks = {"color": colour, "lw": width, "alpha": alpha, "label": title}
            if title != "ReLU, clipped":
                above.plot(runs[seed].gradient, line, **looks)
            below.plot(runs[seed].step, line, **looks)
        if seed in relu:
            _mark(above, relu[seed])
        for axes in (above, below):
            axes.set_yscale("log")
        above.set_title(f"{TITLES[dataset]} CNN, seed {seed}", fontsize=9)
        below.set_xlabel("batch")
    panels[0, 0].set_ylabel("gradient norm")
    panels[1, 0].set_ylabel("length of the step")
    handles, labels = panels[1, 0].get_legend_handles_labels()
    if handles:
        drawn.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return drawn


def _mark(axes: Axes, run: Steps) -> None:
    batch = int(np.argmax(run.gradient))
    side, shift = ("left", 5) if batch < len(run.gradient) / 2 else ("right", -5)
    largest = run.gradient[batch]
    looks: figures.Looks = {"textcoords": "offset points", "ha": side, "va": "top", "fontsize": 8}
    axes.annotate(f"{largest:,.0f}", (batch, largest), (shift, -2), **looks)


def spikes(
    measured: Sequence[Steps], dataset: str, head: str, setting: dict[str, Any] | None = None
) -> tuple[str, str]:
    """Write the largest gradient norm of any batch, seed by seed, and the median of all batches."""
    runs = of_network(measured, dataset, head, setting)
    if not runs:
        return formats.NOT_MEASURED, formats.NOT_MEASURED
    largest = [max(run.gradient) for run in runs.values()]
    median = np.median([run.gradient for run in runs.values()])
    return listed([f"{one:,.{0 if one > 10 else 1}f}" for one in largest]), f"{median:.2f}"


def shortest_stretch(measured: Sequence[Steps], dataset: str) -> str:
    """Write what share of softmax's step the ReLU's is in its worst half epoch, seed by seed.

    Medians over the batches of half an epoch are compared, each with softmax's over the same
    batches.
    """
    relu, softmax = (of_network(measured, dataset, head) for head in ("relu", "softmax"))
    shares = []
    for seed in sorted(relu.keys() & softmax.keys()):
        ours, theirs = (
            [np.median(run.step[i : i + _WINDOW]) for i in range(len(run.step) - _WINDOW + 1)]
            for run in (relu[seed], softmax[seed])
        )
        shares.append(min(a / b for a, b in zip(ours, theirs, strict=True)))
    if not shares:
        return formats.NOT_MEASURED
    return listed([f"{100 * share:.0f}" for share in shares]) + "\u00a0%"
