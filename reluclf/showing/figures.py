"""The figures of the book. One palette, one way to set the paper beside ours, defined here once."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluclf import data
from reluclf.judging import paper
from reluclf.judging.design import AS_RUN, AS_WRITTEN
from reluclf.judging.evidence import of_setting, under
from reluclf.judging.statistics import estimate
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.spec import N_SPLITS

#: Okabe and Ito's palette: told apart by colour-blind readers; markers and line styles differ too, for print in grey. Runs as run and as written have
#: those of their protocols.
COLOURS = {
    "paper": "#000000",
    "carried": "#D55E00",
    "fresh": "#0072B2",
    "softmax": "#56B4E9",
    "relu": "#8B1A5D",
}
MARKERS = {"paper": "o", "carried": "s", "fresh": "D"}

#: Counts off the diagonal are at most this share of a class in the colour scale; larger ones are drawn as this.
_SATURATION = 0.05

#: The same for the difference between two matrices of two classes.
_SATURATION_OF_TWO = 0.2

#: More runs than this are not drawn one by one, but as the band that holds the middle 95 % of them.
_MOST_LINES = 20

WIDTH = 7.2  # inches: the text width of the PDF


def style() -> None:
    """Set the looks of every figure."""
    import seaborn as sns

    mpl.rcdefaults()  # nothing of a matplotlibrc of the user's
    sns.set_theme(
        context="paper",
        style="ticks",
        rc={"axes.grid": True, "grid.color": "#DDDDDD", "grid.linewidth": 0.6},
    )
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
    """Relative luminance of a colour, 0 to 1, as WCAG 2 has it."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    return float(
        np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        @ [0.2126, 0.7152, 0.0722]
    )


def ink(background: str) -> str:
    """Black or white, whichever has more contrast on a background."""
    return (
        "white"
        if 1.05 / (luminance(background) + 0.05) > (luminance(background) + 0.05) / 0.05
        else "black"
    )


@origins.traced
def relu() -> Figure:
    """Figure 1 of the paper, the ReLU function, with its derivative."""
    figure, axes = plt.subplots(figsize=(4.2, 2.8))
    x = np.linspace(-3, 3, 301)
    axes.plot(x, np.maximum(x, 0), color=COLOURS["paper"], label="max(0, x)")
    axes.plot([-3, 0], [0, 0], color=COLOURS["carried"], linestyle="--", label="its derivative")
    axes.plot([0, 3], [1, 1], color=COLOURS["carried"], linestyle="--")
    axes.plot([0], [0], "o", color=COLOURS["carried"], markerfacecolor="white")
    axes.plot([0], [1], "o", color=COLOURS["carried"], markerfacecolor="white")
    axes.set(xlabel="x", ylabel="value")
    axes.legend(loc="upper left")
    return figure


@origins.traced
def confusion(number: int, records: Sequence[Record]) -> Figure:
    """One of the paper's Figures 2 to 11: its confusion matrix, ours (as run, mean over the seeds), and ours minus the paper's.

    Parameters
    ----------
    number : int
        The paper's figure.
    records : sequence of Record
        Those of the same network as run are used; without any, only the paper's matrix is drawn.
    """
    published = paper.matrix(number)
    found = under(
        records, AS_RUN, published.dataset, architecture=published.architecture, head=published.head
    )
    chosen = [run for run in found if len(run.folds) == N_SPLITS]
    ours = np.mean([run.test.confusion_matrix for run in chosen], axis=0) if chosen else None
    names = data.CLASSES[published.dataset]
    k = len(names)
    # Ten classes in three panels side by side would be too small to read: the difference goes below, in the middle.
    layout, size = ("LLMM;.RR.", (WIDTH, 7.4)) if k > 2 else ("LMR", (WIDTH, 2.7))
    figure, panels = plt.subplot_mosaic(layout, figsize=size)
    left, middle, right = panels["L"], panels["M"], panels["R"]
    limit = _SATURATION * published.counts.sum(axis=1).max() if k > 2 else published.counts.max()
    _heat(left, published.counts, names, f"paper, Figure {number}", limit)
    if ours is None or round(ours.sum()) != published.counts.sum():
        for axes, title in ((middle, "ours"), (right, "ours − paper")):
            axes.set_title(title)
            axes.text(
                0.5, 0.5, "no whole record yet", ha="center", va="center", transform=axes.transAxes
            )
            axes.set_axis_off()
        return figure
    _heat(middle, ours, names, f"ours, as run (n = {len(chosen)})", limit)
    difference = ours - published.counts
    _heat(
        right,
        difference,
        names,
        "ours − paper",
        limit if k > 2 else _SATURATION_OF_TWO * published.counts.sum(axis=1).max(),
        signed=True,
    )
    for axes in (middle, right) if k == 2 else (middle,):  # the panel to the left names the classes
        axes.set_yticklabels([])
        axes.set_ylabel("")
    return figure


def _heat(
    axes: Axes, counts: np.ndarray, names: list[str], title: str, limit: float, signed: bool = False
) -> None:
    k = len(names)
    cmap, low = ("RdBu_r", -limit) if signed else ("Greys", 0)
    edges = np.arange(k + 1) - 0.5  # a mesh, not an image: in print it stays sharp
    looks = {
        "cmap": cmap,
        "vmin": low,
        "vmax": limit * (1 if signed else 1.25),
        "edgecolors": "face",
        "linewidth": 0.2,
    }
    axes.pcolormesh(edges, edges, np.clip(counts, low, limit), **looks)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.grid(False)
    for row in range(k):
        for column in range(k):
            value = counts[row, column]
            if abs(value) < 0.5:  # it would be written as 0
                continue
            text = (f"{value:+.0f}" if signed else f"{value:.0f}").replace("-", "−")
            dark = abs(value) > 0.6 * limit
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize=7 if k > 2 else 11,
                color="white" if dark else "black",
            )
    digits = all(name.isdigit() for name in names)
    axes.set_xticks(range(k), names, rotation=0 if digits or k == 2 else 90, fontsize=8)
    axes.set_yticks(range(k), names, fontsize=8)
    axes.set_ylabel("true class")
    axes.set_xlabel("prediction")
    axes.set_title(title)
    axes.tick_params(length=0)


@origins.traced
def folds(dataset: str, architecture: str, records: Sequence[Record]) -> Figure:
    """Accuracy fold by fold: the paper's points, and ours as run and as written, on the fold's validation rows and on the test set."""
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    for axes, head in zip(panels, paper.HEADS, strict=True):
        _fold_panel(
            axes,
            dataset,
            architecture,
            head,
            records,
            f"{architecture.upper()}-{paper.HEAD_TITLES[head]}",
        )
    panels[0].set_ylabel("accuracy, %")
    _common_legend(figure)
    return figure


def _common_legend(figure: Figure) -> None:
    """A legend below the panels of every line that is drawn in any of them."""
    entries = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=2)


#: What the probes measure, as a figure names it.
_PROBES = {
    "norm_head": "gradient norm,\noutput layer",
    "norm_first": "gradient norm,\nfirst layer",
    "cosine": "cosine, ReLU's and\nsoftmax's gradient",
    "no_gradient": "rows that pass\nno gradient, %",
    "dead_true": "true class's\noutput zero, %",
    "dead_units": "outputs dead, %",
    "dead_hidden": "hidden units\ndead, %",
}


@origins.traced
def probes(dataset: str, records: Sequence[Record]) -> Figure:
    """What :mod:`reluclf.probes` saw in every epoch of the ``fresh`` final models: means over the seeds; two rows for each network."""
    architectures = [architecture for name, architecture in paper.RESULT_TABLES if name == dataset]
    figure, panels = plt.subplots(
        2 * len(architectures), 4, figsize=(WIDTH, 3.8 * len(architectures)), sharex=True
    )
    for i, architecture in enumerate(architectures):
        *places, corner = panels[2 * i : 2 * i + 2].flat
        counted = []
        for head, line in zip(paper.HEADS, ("--", "-"), strict=True):
            runs = of_setting(
                records, dataset=dataset, architecture=architecture, head=head, protocol="fresh"
            )
            for axes, (name, title) in zip(places, _PROBES.items(), strict=True):
                curves = [getattr(run.final.probe, name) for run in runs if run.final.probe]
                curves = [curve for curve in curves if curve is not None]
                axes.set_title(title, fontsize=8)
                if curves:
                    scale = 100 if title.endswith("%") else 1
                    curve = scale * _mean_of_values(np.array(curves))
                    label = f"{architecture.upper()}-{paper.HEAD_TITLES[head]} (n = {len(curves)})"
                    axes.plot(
                        range(1, len(curve) + 1), curve, line, color=COLOURS[head], label=label
                    )
                    if name.startswith("norm") and curve.max() > 0:
                        axes.set_yscale("log")
                        axes.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
            counted.append(
                sum(bool(run.final.probe and run.final.probe.dead_hidden) for run in runs)
            )
        if any(counted):
            places[-1].set_title(
                f"hidden units dead, %\n(n = {counted[0]} and {counted[1]})", fontsize=8
            )
        for axes, title in zip(places, _PROBES.values(), strict=True):
            if not axes.lines:
                axes.text(
                    0.5,
                    0.5,
                    "not counted",
                    ha="center",
                    va="center",
                    fontsize=7,
                    transform=axes.transAxes,
                )
                axes.set_yticks([])
            elif title.endswith(
                "%"
            ):  # from 0, where a line can be seen, and not so close that next to nothing looks like much
                top = max(1.0, axes.get_ylim()[1])
                axes.set_ylim(-0.04 * top, top)
        handles, labels = places[0].get_legend_handles_labels()
        corner.set_axis_off()
        if handles:
            corner.legend(handles, labels, loc="center", fontsize=7, frameon=False)
        else:
            corner.text(
                0.5,
                0.5,
                f"{architecture.upper()}:\nno record yet",
                ha="center",
                va="center",
                transform=corner.transAxes,
            )
    for axes in (*panels[-1, :3], panels[-2, 3]):
        axes.set_xlabel("epoch")
        axes.tick_params(labelbottom=True)
    return figure


def _mean_of_values(curves: np.ndarray) -> np.ndarray:
    """The mean over runs, at each epoch of those that have a value there: the cosine has none where one of the two gradients is zero."""
    known = ~np.isnan(curves)
    return np.where(known, curves, 0).sum(axis=0) / np.where(
        known.any(axis=0), known.sum(axis=0), np.nan
    )


def longer(records: Sequence[Record], logistic: Sequence[Record]) -> Figure:
    """WDBC's FFNN trained once for longer, both heads, after every update: accuracy on the test set, and the loss on the rows it is trained on.

    Parameters
    ----------
    records : sequence of Record
        ``fresh`` runs without folds; each is drawn, and their median.
    logistic : sequence of Record
        Logistic regression; that of the same seeds, and so of the same splits, is drawn as a line.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    for head, line in zip(paper.HEADS, ("--", "-"), strict=True):
        runs = [run for run in records if run.spec.head == head]
        if not runs:
            continue
        updates = np.arange(1, runs[0].spec.epochs + 1) * -(
            -runs[0].final.n_train // runs[0].spec.batch_size
        )
        for axes, curves in (
            (left, [100 * np.array(run.final.test.accuracy) for run in runs]),
            (right, [np.array(run.final.train.loss) for run in runs]),
        ):
            for curve in curves:
                axes.plot(updates, curve, line, color=COLOURS[head], linewidth=0.4, alpha=0.4)
            label = f"FFNN-{paper.HEAD_TITLES[head]} (n = {len(runs)})"
            axes.plot(updates, np.median(curves, axis=0), line, color=COLOURS[head], label=label)
    seeds = {run.spec.seed for run in records}
    same = estimate([100 * run.test.accuracy for run in logistic if run.spec.seed in seeds])
    if same:
        left.axhline(
            same.mean,
            color=COLOURS["paper"],
            linestyle=":",
            label=f"logistic regression (n = {same.n})",
        )
    left.set(
        xlabel="updates of the weights", ylabel="test accuracy, %", xscale="log", ylim=(80, 100)
    )
    right.set(
        xlabel="updates of the weights", ylabel="training loss, nats", xscale="log", yscale="log"
    )
    for axes in (left, right):
        if not axes.lines:
            axes.text(0.5, 0.5, "no record yet", ha="center", va="center", transform=axes.transAxes)
        for updates, name in ((64, "a fold"), (640, "the paper's test")):
            axes.axvline(updates, color="#777777", linewidth=0.7)
            axes.annotate(
                name,
                (updates, 1),
                xycoords=("data", "axes fraction"),
                xytext=(2, -2),
                textcoords="offset points",
                fontsize=7,
                va="top",
            )
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return origins.rests_on(figure, {"": [*records, *logistic]})


def _fold_panel(
    axes: Axes, dataset: str, architecture: str, head: str, records: Sequence[Record], title: str
) -> None:
    """Draw the folds of a network; the title says how many runs of each kind the panel has."""
    published = paper.fold_accuracy(dataset, architecture, head)
    axes.plot(
        range(1, 11),
        100 * published,
        MARKERS["paper"],
        color=COLOURS["paper"],
        label="paper",
        zorder=4,
    )
    counts = []
    for condition, line in ((AS_RUN, "-"), (AS_WRITTEN, "--")):
        runs = [
            run
            for run in under(records, condition, dataset, architecture=architecture, head=head)
            if run.folds
        ]
        counts.append(f"{len(runs)} {condition}")
        _mean_line(
            axes,
            [run.fold_accuracy for run in runs],
            condition.protocol,
            line,
            f"{condition}, validation rows",
        )
        tested = [np.array([fold.test.accuracy for fold in run.folds]) for run in runs]
        _mean_line(axes, tested, condition.protocol, ":", f"{condition}, test set", hollow=True)
    axes.set(xlabel="fold", xticks=range(1, 11))
    axes.set_title(f"{title}\n(n = {', '.join(counts)})")


def _mean_line(
    axes: Axes, curves: list[np.ndarray], protocol: str, line: str, label: str, hollow: bool = False
) -> None:
    """Draw the mean of curves, each fainter behind it; curves shorter than the longest are left out."""
    longest = max((len(curve) for curve in curves), default=0)
    curves = [100 * curve for curve in curves if len(curve) == longest]
    if not curves:
        return
    x = range(1, longest + 1)
    if len(curves) > _MOST_LINES:
        low, high = np.quantile(curves, (0.025, 0.975), axis=0)
        axes.fill_between(
            x, low, high, color=COLOURS[protocol], alpha=0.06 if hollow else 0.12, linewidth=0
        )
    elif len(curves) > 1:
        for curve in curves:
            axes.plot(x, curve, line, color=COLOURS[protocol], linewidth=0.5, alpha=0.35)
    axes.plot(
        x,
        np.mean(curves, axis=0),
        line,
        marker=MARKERS[protocol],
        markersize=3.5,
        markerfacecolor="white" if hollow else COLOURS[protocol],
        color=COLOURS[protocol],
        label=label,
    )
