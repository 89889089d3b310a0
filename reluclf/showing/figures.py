"""The looks of the book's figures, and the paper's own: the ReLU and the confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluclf.judging import paper
from reluclf.judging.design import AS_RUN
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.showing.runs import Network
from reluclf.spec import CLASSES

#: Okabe and Ito's palette, which the colour-blind can tell apart; markers and line styles differ
#: too, for print in grey. Runs as run and as written have those of their protocols.
COLOURS = {
    "paper": "#000000",
    "carried": "#D55E00",
    "fresh": "#0072B2",
    "softmax": "#56B4E9",
    "relu": "#8B1A5D",
}
MARKERS = {"paper": "o", "carried": "s", "fresh": "D"}

WIDTH = 7.2  # inches: the text width of the PDF

#: What is handed on to matplotlib.
Looks = dict[str, Any]

#: The looks of a single run.
DOT: Looks = {"ms": 5, "alpha": 0.75, "mec": "k", "mew": 0.3}

#: Counts off the diagonal are at most this share of a class in the colour scale.
_SATURATION = 0.05

#: The same for the difference between two matrices of two classes.
_SATURATION_OF_TWO = 0.2


class _Layout(NamedTuple):
    """Where the panels stand: the paper's matrix, ours, the difference, ours that lose a class."""

    mosaic: str
    size: tuple[float, float]
    beside: str  # the panels whose classes are named by the panel to the left


#: By whether there are ten classes, and whether some runs lose one and some do not. Ten classes
#: in three panels side by side would be too small.
_LAYOUTS = {
    (True, False): _Layout("PPOO;.DD.", (WIDTH, 7.4), "O"),
    (True, True): _Layout("PO;DX", (WIDTH, 7.4), "OX"),
    (False, False): _Layout("POD", (WIDTH, 2.7), "OD"),
    (False, True): _Layout("PODX", (WIDTH, 2.2), "ODX"),
}


def style() -> None:
    """Set the looks of every figure."""
    import seaborn as sns

    mpl.rcdefaults()  # nothing of a matplotlibrc of the user's
    grid = {"axes.grid": True, "grid.color": "#DDDDDD", "grid.linewidth": 0.6}
    sns.set_theme(context="paper", style="ticks", rc=grid)
    mpl.rcParams.update(
        {
            "figure.constrained_layout.use": True,
            "svg.hashsalt": "reluclf",  # the same figure gives the same file
            "svg.fonttype": "path",
            "pdf.fonttype": 42,  # journals refuse the other kind, Type 3
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        }
    )


def luminance(colour: str) -> float:
    """Compute the relative luminance of a colour, 0 to 1, as WCAG 2 has it."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def ink(background: str) -> str:
    """Choose black or white, whichever has more contrast on a background."""
    light = luminance(background) + 0.05
    return "white" if 1.05 / light > light / 0.05 else "black"


def say(axes: Axes, text: str, size: float | None = None) -> None:
    """Write into the middle of a panel that has nothing to draw."""
    place: Looks = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.5, text, fontsize=size, **place)


@origins.traced
def relu() -> Figure:
    """Draw Figure 1 of the paper, the ReLU function, with its derivative."""
    figure, axes = plt.subplots(figsize=(4.2, 2.8))
    x, colour = np.linspace(-3, 3, 301), COLOURS["carried"]
    axes.plot(x, np.maximum(x, 0), color=COLOURS["paper"], label="max(0, x)")
    axes.plot([-3, 0], [0, 0], color=colour, linestyle="--", label="its derivative")
    axes.plot([0, 3], [1, 1], color=colour, linestyle="--")
    axes.plot([0], [0], "o", color=colour, markerfacecolor="white")
    axes.plot([0], [1], "o", color=colour, markerfacecolor="white")
    axes.set(xlabel="x", ylabel="value")
    axes.legend(loc="upper left")
    return figure


@origins.traced
def confusion(number: int, records: Sequence[Record]) -> Figure:
    """Draw one of the paper's Figures 2 to 11: its confusion matrix, ours, and the difference.

    Parameters
    ----------
    number : int
        The paper's figure.
    records : sequence of Record
        The mean over the runs of the same network as run is ours; runs that lose a class are
        shown apart. Without any run only the paper's matrix is drawn.
    """
    published = paper.matrix(number)
    names, most = CLASSES[published.dataset], published.counts.sum(axis=1).max()
    many = len(names) > 2
    network = Network(published.dataset, published.architecture, published.head)
    runs = network.whole(records, AS_RUN)
    if any(np.sum(run.test.confusion_matrix) != published.counts.sum() for run in runs):
        runs = []  # a rerun on a sample
    ours = _by_kind(runs)
    layout = _LAYOUTS[many, len(ours) > 1]
    figure, panels = plt.subplot_mosaic(layout.mosaic, figsize=layout.size)
    limit = _SATURATION * most if many else published.counts.max()
    _heat(panels["P"], published.counts, names, f"paper, Figure {number}", limit)
    if not ours:
        for panel, title in (("O", "ours"), ("D", "ours − paper")):
            panels[panel].set_title(title)
            say(panels[panel], "no whole record yet")
            panels[panel].set_axis_off()
        return figure
    for panel, (title, mean) in zip("OX", ours.items(), strict=False):
        _heat(panels[panel], mean, names, title, limit)
    off = limit if many else _SATURATION_OF_TWO * most
    first = next(iter(ours.values()))
    _heat(panels["D"], first - published.counts, names, "ours − paper", off, signed=True)
    for panel in layout.beside:
        panels[panel].set_yticklabels([])
        panels[panel].set_ylabel("")
    return figure


def _by_kind(runs: Sequence[Record]) -> dict[str, np.ndarray]:
    """Average the matrices of runs: of those that lose no class, and apart those that lose one."""
    kinds = {
        "ours": [run for run in runs if not run.test.lost],
        "ours, class lost": [run for run in runs if run.test.lost],
    }
    return {
        f"{kind} (n = {len(some)})": np.mean([run.test.confusion_matrix for run in some], axis=0)
        for kind, some in kinds.items()
        if some
    }


def _heat(
    axes: Axes, counts: np.ndarray, names: list[str], title: str, limit: float, signed: bool = False
) -> None:
    k = len(names)
    cmap, low, high = ("RdBu_r", -limit, limit) if signed else ("Greys", 0, 1.25 * limit)
    edges = np.arange(k + 1) - 0.5  # a mesh, not an image: in print it stays sharp
    looks: Looks = {"cmap": cmap, "vmin": low, "vmax": high, "edgecolors": "face", "linewidth": 0.2}
    axes.pcolormesh(edges, edges, np.clip(counts, low, limit), **looks)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.grid(False)
    for (row, column), value in np.ndenumerate(counts):
        if round(value) == 0:
            continue
        text = (f"{value:+.0f}" if signed else f"{value:.0f}").replace("-", "−")
        colour = "white" if abs(value) > 0.6 * limit else "black"
        size = 7 if k > 2 else 11
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)
    turned = 90 if k > 2 and not names[0].isdigit() else 0
    axes.set_xticks(range(k), names, rotation=turned, fontsize=8)
    axes.set_yticks(range(k), names, fontsize=8)
    axes.set(ylabel="true class", xlabel="prediction", title=title)
    axes.tick_params(length=0)
