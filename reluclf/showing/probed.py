"""What the probes saw of the two hazards in every epoch, drawn."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluclf.judging.evidence import probes
from reluclf.record import Probe, Record
from reluclf.showing import figures, origins
from reluclf.showing.runs import Network, with_both_heads

#: What the probes measure, as a figure names it.
_PROBES = {
    "norm_head": "gradient norm,\noutput layer",
    "norm_first": "gradient norm,\nfirst layer",
    "cosine": "cosine, ReLU's and\nsoftmax's gradient",
    "no_gradient": "samples that pass\nno gradient, %",
    "dead_true": "true class's\noutput zero, %",
    "dead_units": "outputs dead, %",
    "dead_hidden": "hidden units\ndead, %",
}


@origins.traced
def figure(dataset: str, architecture: str, records: Sequence[Record]) -> Figure:
    """Draw what :mod:`reluclf.probes` saw in models trained once: means over the seeds."""
    drawn, panels = plt.subplots(2, 4, figsize=(figures.WIDTH, 3.8), sharex=True)
    *places, corner = panels.flat
    corner.set_axis_off()
    networks = with_both_heads(dataset, architecture)
    probed = {network: probes(network.once(records)) for network in networks}
    for axes, name in zip(places, _PROBES, strict=True):
        _panel(axes, name, probed)
    handles, labels = places[0].get_legend_handles_labels()
    if handles:
        corner.legend(handles, labels, loc="center", fontsize=7, frameon=False)
    else:
        figures.say(corner, f"{architecture.upper()}:\nno record yet")
    for axes in (*panels[1, :3], panels[0, 3]):
        axes.set_xlabel("epoch")
        axes.tick_params(labelbottom=True)
    return drawn


def _panel(axes: Axes, name: str, probed: dict[Network, list[Probe]]) -> None:
    """Draw one probe of both networks."""
    title, percent = _PROBES[name], _PROBES[name].endswith("%")
    counts = []
    for (network, seen), line in zip(probed.items(), ("--", "-"), strict=True):
        curves = [getattr(probe, name) for probe in seen if getattr(probe, name) is not None]
        counts.append(len(curves))
        if curves:
            curve = (100 if percent else 1) * _mean_of_values(np.array(curves))
            colour, label = figures.COLOURS[network.head], f"{network.short} (n = {len(curves)})"
            axes.plot(range(1, len(curve) + 1), curve, line, color=colour, label=label)
            if name.startswith("norm") and curve.max() > 0:
                axes.set_yscale("log")
                axes.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    if name == "dead_hidden" and any(counts):  # not all runs have counted them
        title = "hidden units dead, %\n(n = {} and {})".format(*counts)
    axes.set_title(title, fontsize=8)
    if not axes.lines:
        axes.set_yticks([])
        figures.say(axes, "not counted", size=7)
    elif percent:  # from 0, and not so close that next to nothing looks like much
        top = max(1.0, axes.get_ylim()[1])
        axes.set_ylim(-0.04 * top, top)


def _mean_of_values(curves: np.ndarray) -> np.ndarray:
    """Average over the runs that have a value at an epoch: a zero gradient has no cosine."""
    known = ~np.isnan(curves)
    counts = np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    return np.where(known, curves, 0).sum(axis=0) / counts
