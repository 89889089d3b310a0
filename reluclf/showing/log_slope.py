"""Why some heads learn: where outputs are divided by their sum, the slope of log h decides."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluclf import formats
from reluclf.heads import HEADS
from reluclf.losses import EPSILON, guarded
from reluclf.record import Record
from reluclf.showing import derivations, figures, origins
from reluclf.showing.runs import IMAGES, Network
from reluclf.spec import TITLES, SpecError

#: The colours of heads whose factor is bounded, and of the others.
_BOUNDED, _UNBOUNDED = figures.COLOURS["fresh"], figures.COLOURS["relu"]

#: The classes, and what the true class's output is where it is nearly 0.
_CLASSES, _NEARLY = 10, 0.01

_FLOOR = 0.1  # what a floor adds to every output


@dataclass(frozen=True)
class Output:
    """An output h(z) that is divided by the sum of all outputs.

    Attributes
    ----------
    title : str
    head : str
        One of :data:`reluclf.heads.HEADS`.
    h, slope : callable
        h, and its derivative over h, of an array of logits; the slope is 0 where h is.
    formula : str
        The slope, in words for the page.
    largest : float
        What the slope is never above; infinite if it is unbounded.
    line : str or tuple
        The style of its line.
    setting : dict
        How the runs depart from the author's code.
    """

    title: str
    head: str
    h: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    formula: str
    largest: float
    line: Any
    setting: dict[str, Any] = field(default_factory=dict)

    @property
    def bounded(self) -> bool:
        """Whether the slope is at most 1."""
        return self.largest <= 1

    @property
    def colour(self) -> str:
        """Softmax's own, or one for all bounded slopes and one for the others."""
        if self.head == "softmax":
            return figures.COLOURS["softmax"]
        return _BOUNDED if self.bounded else _UNBOUNDED

    def activation(self, logits: Any) -> Any:
        """The outputs of logits, as the networks make them; a softmax's are normalised already."""
        return HEADS[self.head].activation(logits) + self.setting.get("floor", 0.0)


def _inverse(z: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """1/(z + shift) where z > 0, else 0."""
    return np.where(z > 0, 1 / np.where(z > 0, z + shift, 1), 0.0)


#: The heads whose outputs are divided by their sum, from the smallest slope to the largest.
OUTPUTS = (
    Output("softmax", "softmax", np.exp, np.ones_like, "1", 1, "-"),
    Output(
        "softplus",
        "softplus",
        lambda z: np.logaddexp(0, z),
        lambda z: 1 / (1 + np.exp(-z)) / np.logaddexp(0, z),
        "between 0 and 1",
        1,
        "--",
    ),
    Output(
        "ELU + 1",
        "elu_plus_one",
        lambda z: np.where(z > 0, z + 1, np.exp(np.minimum(z, 0))),
        lambda z: np.where(z > 0, 1 / (np.maximum(z, 0) + 1), 1.0),
        "1 for z < 0, then 1/(z + 1)",
        1,
        ":",
    ),
    Output(
        "ReLU + 0.1",
        "relu",
        lambda z: np.maximum(z, 0) + _FLOOR,
        lambda z: _inverse(z, _FLOOR),
        "1/(z + 0.1) for z > 0, else 0",
        1 / _FLOOR,
        (0, (1, 1)),
        {"floor": _FLOOR},
    ),
    Output(
        "squared ReLU",
        "squared_relu",
        lambda z: np.maximum(z, 0) ** 2,
        lambda z: 2 * _inverse(z),
        "2/z for z > 0, else 0",
        np.inf,
        "-.",
    ),
    Output(
        "leaky ReLU",
        "leaky_relu",
        lambda z: np.where(z > 0, z, 0.01 * z),
        lambda z: 1 / z,
        "1/z",
        np.inf,
        (0, (5, 1)),
    ),
    Output(
        "ReLU", "relu", lambda z: np.maximum(z, 0), _inverse, "1/z for z > 0, else 0", np.inf, "-"
    ),
)

#: The titles of those whose slope is at most 1.
BOUNDED = tuple(output.title for output in OUTPUTS if output.bounded)


def gradient(output: Output, logits: np.ndarray, true_class: int) -> np.ndarray:
    """Apply the formula: the gradient of the guarded loss with respect to the logits.

    Parameters
    ----------
    output : Output
    logits : ndarray of float64, shape (k,)
    true_class : int

    Returns
    -------
    ndarray of float64, shape (k,)
        ``(p_k - [k = y]) h'(z_k)/h(z_k)``; 0 where the true class's share is at a bound of the
        loss.
    """
    values = output.h(logits)
    total = values.sum()
    share = values / total if total else np.zeros_like(values)
    if not EPSILON < share[true_class] < 1 - EPSILON:
        return np.zeros_like(values)
    return (share - np.eye(len(logits))[true_class]) * output.slope(logits)


@origins.traced
def checked(rows: int, seed: int) -> pd.DataFrame:
    """Compare the formula with automatic and numerical differentiation of the trained loss.

    Parameters
    ----------
    rows : int
        Random rows of logits for each head, beside one whose true class is nearly 0.
    seed : int
        Of the random rows.

    Returns
    -------
    DataFrame of str
        A row for each head.

    Raises
    ------
    SpecError
        If there are more rows than a reader would wait for.
    """
    if rows > 100:
        raise SpecError(f"rows={rows} is not allowed; 100 at the most are.")
    table = []
    for output in OUTPUTS:
        logits = sample(rows, seed)
        formula = np.array([gradient(output, row, 0) for row in logits])
        loss = functools.partial(_loss, output)
        both = np.array([derivations.differentiated(loss, row) for row in logits])
        row = {
            "head": output.title,
            "h'(z)/h(z)": output.formula,
            "largest gradient": _largest(formula),
            "automatic − formula": _largest(both[:, 0] - formula),
            "numerical − formula": _largest(both[:, 1] - formula),
        }
        table.append(row)
    return pd.DataFrame(table)


def _largest(values: np.ndarray) -> str:
    return formats.magnitude(float(np.abs(values).max()))


def sample(rows: int, seed: int) -> list[np.ndarray]:
    """Draw rows of logits, float64; the first class is above 0, and nearly 0 in the last row."""
    rng = np.random.default_rng(seed)
    drawn = [
        np.concatenate([rng.uniform(0.1, 2, 1), rng.normal(size=_CLASSES - 1)]) for _ in range(rows)
    ]
    return [*drawn, np.concatenate([[_NEARLY], rng.uniform(0.1, 2, _CLASSES - 1)])]


def _loss(output: Output, logits: Any) -> Any:
    from keras import ops

    targets = ops.convert_to_tensor(np.eye(_CLASSES)[[0]], dtype="float64")
    return guarded(targets, output.activation(logits))


def runs(output: Output, dataset: str, records: Sequence[Record]) -> list[Record]:
    """Select the CNNs with this head, as written: models trained for 32 epochs from new weights."""
    return Network(dataset, "cnn", output.head).once(records, **output.setting)


@origins.traced
def figure(records: Sequence[Record]) -> Figure:
    """Draw the slope of log h for every head, and beside it the test accuracies of the CNNs."""
    drawn, (curves, *strips) = plt.subplots(
        1, 3, figsize=(figures.WIDTH, 3.3), width_ratios=(1.25, 1, 1)
    )
    _curves(curves)
    for axes, dataset in zip(strips, IMAGES, strict=True):
        _strip(axes, dataset, records)
    strips[0].set_yticks(range(len(OUTPUTS)), [output.title for output in OUTPUTS], fontsize=8)
    strips[1].set_yticks(range(len(OUTPUTS)), [])
    for tick, output in zip(strips[0].get_yticklabels(), OUTPUTS, strict=True):
        tick.set_color(output.colour if output.head != "softmax" else _BOUNDED)
    handles, labels = curves.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, handlelength=3)
    return drawn


def _curves(axes: Axes) -> None:
    top = 8
    for output in OUTPUTS:
        below, above = np.linspace(-3, -0.125, 60), np.linspace(0.001, 3, 900)
        slope = np.concatenate([output.slope(below), [np.nan], output.slope(above)])
        z = np.concatenate([below, [0], above])
        if output.bounded:
            z = np.linspace(-3, 3, 240)
            slope = output.slope(z)
        width = 2.6 if output.title in ("ReLU", "softmax") else 1.4
        looks: figures.Looks = {"color": output.colour, "label": output.title}
        axes.plot(z, slope, linestyle=output.line, lw=width, **looks)
    axes.set(xlim=(-3, 3), ylim=(-1.2, top), xlabel="logit z")
    axes.set_title("h'(z)/h(z): the factor\non softmax's error", fontsize=9)
    axes.axvspan(-3, 0, color="#EEEEEE", zorder=0, lw=0)
    notes = {"explodes": (0.8, 6.6), "vanishes": (-2.9, 0.45), "all z here:\n0/0": (-2.9, 3)}
    for text, (x, y) in notes.items():
        axes.text(x, y, text, fontsize=7.5, color=_UNBOUNDED, va="center", style="italic")


def _strip(axes: Axes, dataset: str, records: Sequence[Record]) -> None:
    counts = []
    for y, output in enumerate(OUTPUTS):
        accuracy = [100 * run.test.accuracy for run in runs(output, dataset, records)]
        counts.append(len(accuracy))
        shape = "o" if output.bounded else "D"
        axes.plot(accuracy, [y] * len(accuracy), shape, color=output.colour, **figures.DOT)
    axes.set_ylim(len(OUTPUTS) - 0.5, -0.5)
    axes.set_xlim(15, 100)
    axes.set_xlabel("test accuracy, %")
    n = formats.NONE if not any(counts) else f"{min(counts)} to {max(counts)}"
    axes.set_title(f"{TITLES[dataset]}, CNN\n(n = {n} per head)", fontsize=9)


def span(dataset: str, records: Sequence[Record], *titles: str) -> str:
    """Write the lowest and highest test accuracy of the CNNs with these heads, as prose has it."""
    chosen = [output for output in OUTPUTS if output.title in titles]
    found = [run for output in chosen for run in runs(output, dataset, records)]
    return formats.span([run.test.accuracy for run in found])


def of_head(dataset: str, records: Sequence[Record], head: str) -> str:
    """Write the lowest and highest test accuracy of the CNNs with a head of another loss."""
    return formats.span([run.test.accuracy for run in Network(dataset, "cnn", head).once(records)])
