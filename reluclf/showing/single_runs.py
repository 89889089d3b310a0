"""The interventions as single runs: a point a run, a row an intervention, a panel a network."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reluclf import formats
from reluclf.record import Record
from reluclf.showing import figures, interventions, origins, prose
from reluclf.showing.interventions import Intervention
from reluclf.showing.runs import IMAGES
from reluclf.spec import TITLES

#: The kinds of rows, each with its mark; the rows of a kind stand together.
_MARKS = {
    "as it is": "o",
    "against dying": "s",
    "against spikes": "^",
    "another head": "D",
    "other": "v",
}


def _kind(change: Intervention) -> str:
    if change in (interventions.SOFTMAX, interventions.AS_IT_IS):
        return "as it is"
    if change.against.startswith("dead"):
        return "against dying"
    if change.against or change.name == "beta_2":
        return "against spikes"
    return "another head" if change.head != "relu" else "other"


#: The rows of the figure, from above.
ROWS = sorted(interventions.EVERY, key=lambda change: list(_MARKS).index(_kind(change)))


def accuracies(
    change: Intervention, dataset: str, architecture: str, records: Sequence[Record]
) -> list[float]:
    """List the test accuracies, in percent, of the runs with an intervention."""
    return [100 * run.test.accuracy for run in change.runs(dataset, architecture, records)]


def span(name: str, dataset: str, architecture: str, records: Sequence[Record]) -> str:
    """Write the lowest and highest test accuracy with an intervention, as prose has it."""
    runs = interventions.named(name).runs(dataset, architecture, records)
    return formats.span([run.test.accuracy for run in runs])


def below(
    percent: float, name: str, dataset: str, architecture: str, records: Sequence[Record]
) -> str:
    """Write how many runs with an intervention end below an accuracy, in percent."""
    change = interventions.named(name)
    return prose.count(
        [end < percent for end in accuracies(change, dataset, architecture, records)]
    )


def dead(name: str, dataset: str, architecture: str, records: Sequence[Record]) -> str:
    """Write in how many runs with an intervention an output is dead in the end."""
    change = interventions.named(name)
    return prose.count(interventions.dead(dataset, architecture, records, change))


def hidden(name: str, dataset: str, architecture: str, records: Sequence[Record]) -> str:
    """Write what share of the hidden units is dead in the end, over the runs that counted them."""
    change = interventions.named(name)
    return formats.span(interventions.hidden(dataset, architecture, records, change))


def _colour(change: Intervention) -> str:
    heads = {"softmax": figures.COLOURS["softmax"], "softplus": figures.COLOURS["fresh"]}
    return heads.get(change.head, figures.COLOURS["relu"])


@origins.traced
def figure(records: Sequence[Record]) -> Figure:
    """Draw the runs of the four image networks; CNN above, FFNN below."""
    drawn, panels = plt.subplots(2, 2, figsize=(figures.WIDTH, 5.9), sharey=True)
    for line, architecture in zip(panels, ("cnn", "ffnn"), strict=True):
        for axes, dataset in zip(line, IMAGES, strict=True):
            _panel(axes, dataset, architecture, records)
    for axes in panels[1]:
        axes.set_xlabel("test accuracy, %")
    panels[0, 0].set_ylim(len(ROWS) - 0.4, -0.6)
    handles = [
        Line2D([], [], marker=mark, ls="", color="#777777", label=kind)
        for kind, mark in _MARKS.items()
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8)
    return drawn


def _panel(axes: Axes, dataset: str, architecture: str, records: Sequence[Record]) -> None:
    beside: figures.Looks = {"transform": axes.get_yaxis_transform(), "fontsize": 7}
    for y, change in enumerate(ROWS):
        accuracy = accuracies(change, dataset, architecture, records)
        looks = {"color": _colour(change), **figures.DOT}
        axes.plot(accuracy, [y] * len(accuracy), _MARKS[_kind(change)], **looks)
        n = str(len(accuracy)) if accuracy else formats.NONE
        axes.text(1.02, y, n, va="center", ha="left", **beside)
        if change == interventions.SOFTMAX and accuracy:
            axes.axvline(float(np.mean(accuracy)), color=_colour(change), lw=1, zorder=0)
    axes.text(1.02, -0.9, "n", style="italic", **beside)
    axes.set_yticks(range(len(ROWS)), [change.title for change in ROWS], fontsize=8)
    axes.set_xlim(10, 100)
    axes.set_title(f"{TITLES[dataset]}, {architecture.upper()}", fontsize=9)
