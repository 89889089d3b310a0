"""The CNN's first epochs, batch by batch, as the discussion shows them: gradients that spike, and steps that are short.

:mod:`reluclf.campaign.batchwise` measures them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from reluclf import formats
from reluclf.campaign.batchwise import Steps
from reluclf.judging import paper
from reluclf.judging.words import listed
from reluclf.showing import figures, interventions
from reluclf.showing.interventions import Intervention
from reluclf.spec import TITLES

#: The networks that are compared, those of :data:`reluclf.campaign.batchwise.WAYS`: both heads, and the two interventions on large gradients.
WAYS = (
    interventions.SOFTMAX,
    interventions.AS_IT_IS,
    *(
        change
        for change in (*interventions.INTERVENTIONS, *interventions.COMPARISONS)
        if {"clipnorm", "beta_2"} & set(change.setting)
    ),
)

#: The batches of one point of the figure, a fifth of an epoch.
_BLOCK = 43

_LINES = (
    (figures.COLOURS["softmax"], "--"),
    (figures.COLOURS["relu"], "-"),
    (figures.COLOURS["carried"], "-."),
    (figures.COLOURS["fresh"], ":"),
)


def of_way(measured: Sequence[Steps], dataset: str, way: Intervention) -> list[Steps]:
    """Choose those of the measurements that are of this network."""

    def chosen(steps: Steps) -> bool:
        spec = steps.spec
        return (spec.dataset, spec.head, spec.setting) == (dataset, way.head, way.setting)

    return [steps for steps in measured if chosen(steps)]


def figure(measured: Sequence[Steps]) -> Figure:
    """Draw the largest gradient, and the median step, of every fifth of an epoch; the median over the seeds of each."""
    drawn, panels = plt.subplots(2, 2, figsize=(figures.WIDTH, 4.4), sharex=True, sharey="row")
    for column, dataset in zip(panels.T, paper.FOLD_TABLES, strict=True):
        for way, (colour, line) in zip(WAYS, _LINES, strict=True):
            runs = of_way(measured, dataset, way)
            for axes, name, of_block in zip(
                column, ("gradient", "step"), (np.max, np.median), strict=True
            ):
                if runs:
                    blocks = [_blocks(getattr(run, name), of_block) for run in runs]
                    x = (np.arange(len(blocks[0])) + 1) * _BLOCK
                    axes.plot(
                        x,
                        np.median(blocks, axis=0),
                        line,
                        color=colour,
                        label=f"{way.title} (n = {len(runs)})",
                    )
                axes.set_yscale("log")
        column[0].set_title(f"{TITLES[dataset]} CNN", fontsize=9)
        column[1].set_xlabel("batch")
    panels[0, 0].set_ylabel("largest gradient norm")
    panels[1, 0].set_ylabel("median norm of the step")
    if measured:
        drawn.legend(
            *panels[0, 0].get_legend_handles_labels(),
            loc="outside upper center",
            ncols=2,
            fontsize=8,
        )
    return drawn


def _blocks(values: Sequence[float], of_block: Callable[..., Any]) -> list[float]:
    whole = len(values) // _BLOCK
    return [float(of_block(values[i * _BLOCK : (i + 1) * _BLOCK])) for i in range(whole)]


def told(measured: Sequence[Steps]) -> dict[str, str]:
    """Say what was measured, to be glued, as ``steps_<data set>_<way>_<what>``.

    ``largest`` is the largest gradient norm of any batch, seed by seed; ``step`` the median norm of a step over all batches and seeds, ``first`` that
    of the first epoch alone; ``test`` the test accuracy after the last epoch, seed by seed.
    """
    texts = {}
    for dataset in paper.FOLD_TABLES:
        for way in WAYS:
            name = f"steps_{dataset}_{way.name}"
            for what, text in _of_network(of_way(measured, dataset, way)).items():
                texts[f"{name}_{what}"] = text
    return texts


def _of_network(runs: Sequence[Steps]) -> dict[str, str]:
    if not runs:
        return dict.fromkeys(("largest", "step", "first", "test"), formats.NOT_MEASURED)
    return {
        "largest": listed([_norm(max(run.gradient)) for run in runs]),
        "step": f"{np.median([run.step for run in runs]):.3f}",
        "first": f"{np.median([first_epoch(run) for run in runs]):.3f}",
        "test": listed([f"{100 * run.test[-1]:.1f}" for run in runs]) + "\u00a0%",
    }


def _norm(value: float) -> str:
    return f"{value:,.0f}" if value > 100 else f"{value:,.1f}"


def first_epoch(run: Steps) -> tuple[float, ...]:
    """Return the norms of the steps of the first epoch."""
    return run.step[: len(run.step) // len(run.test)]
