"""The three rules as flow charts: what is asked of the runs, and which status the answers give."""

from __future__ import annotations

from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from reluclf.judging.status import Status
from reluclf.showing import origins

#: Pale ones of Okabe and Ito's hues. The words tell the boxes apart as well, and so do the corners:
#: those of a question are round, those of a status are square.
_QUESTION = "#FFFFFF"
_FILLS = {
    Status.REPRODUCED: "#CDEBDF",
    Status.SOME_RUNS: "#CFE8F7",
    Status.IN_PART: "#CFE8F7",
    Status.COMPATIBLE: "#EEEEEE",
    Status.UNDECIDED: "#EEEEEE",
    Status.NOT_REPRODUCED: "#FCE5BF",
    Status.CONTRADICTED: "#F6D3BC",
}
_EDGE = "#333333"

#: Sizes in inches: a question's box, a status's box, the steps between them.
_ASK, _SAY, _TALL, _STEP, _GAP = 1.30, 0.74, 0.44, 0.74, 0.22


class Question(NamedTuple):
    """A question of a rule: the status that one answer gives; the other leads to the next one."""

    text: str
    answer: str
    status: Status


class Chart(NamedTuple):
    """A rule: its questions in order, and the status that is left when none has given one."""

    title: str
    questions: tuple[Question, ...]
    last: Status


#: The rules that :mod:`reluclf.judging.rules` has, in the order in which it asks.
CHARTS = (
    Chart(
        "A number",
        (
            Question("within what one\nmore run gives?", "no", Status.NOT_REPRODUCED),
            Question("that range at most\ntwo points to a side?", "no", Status.COMPATIBLE),
            Question("are all runs of\nthe paper's kind?", "no", Status.SOME_RUNS),
        ),
        Status.REPRODUCED,
    ),
    Chart(
        "A claim about the two heads",
        (
            Question("all parts\nshown?", "yes", Status.REPRODUCED),
            Question("all shown in runs\nthat lose no class?", "yes", Status.SOME_RUNS),
            Question("some part shown, in\nall or in those runs?", "yes", Status.IN_PART),
            Question("the opposite of\na part shown?", "no", Status.UNDECIDED),
            Question("would one more pair\ngive the paper's?", "yes", Status.NOT_REPRODUCED),
        ),
        Status.CONTRADICTED,
    ),
    Chart(
        "A sentence about one run",
        (
            Question("shown to hold in\nmore than half?", "yes", Status.REPRODUCED),
            Question("shown to hold in\nless than half?", "yes", Status.NOT_REPRODUCED),
            Question("does it hold\nin any?", "no", Status.UNDECIDED),
        ),
        Status.SOME_RUNS,
    ),
)


@origins.traced
def figure() -> Figure:
    """Draw the charts side by side."""
    wide = _ASK + _GAP + _SAY
    step = wide + 0.14
    most = max(len(chart.questions) for chart in CHARTS)
    width, height = step * len(CHARTS), _STEP * most + _TALL + 0.4
    drawn, axes = plt.subplots(figsize=(width, height))
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axes.set_axis_off()
    for i, chart in enumerate(CHARTS):
        _draw(axes, chart, i * step + 0.02, height)
    return drawn


def _draw(axes: Axes, chart: Chart, left: float, top: float) -> None:
    middle = left + _ASK / 2
    axes.text(left, top - 0.12, chart.title, ha="left", va="center", fontsize=8, weight="bold")
    for i, question in enumerate(chart.questions):
        y = top - 0.5 - i * _STEP
        other = "no" if question.answer == "yes" else "yes"
        _box(axes, middle, y, _ASK, question.text, _QUESTION, rounded=True)
        beside = left + _ASK + _GAP + _SAY / 2
        _status(axes, beside, y, question.status)
        _arrow(axes, (left + _ASK, y), (left + _ASK + _GAP, y))
        axes.text(left + _ASK + 0.1, y + 0.09, question.answer, ha="center", fontsize=6.5)
        _arrow(axes, (middle, y - _TALL / 2), (middle, y - _STEP + _TALL / 2))
        axes.text(middle + 0.06, y - _STEP / 2, other, ha="left", va="center", fontsize=6.5)
    _status(axes, middle, top - 0.5 - len(chart.questions) * _STEP, chart.last)


def _status(axes: Axes, x: float, y: float, status: Status) -> None:
    text = str(status).replace(" in some runs", "\nin some runs").replace(" in part", "\nin part")
    text = text.replace("not reproduced", "not\nreproduced")
    _box(axes, x, y, _SAY, text, _FILLS[status], rounded=False)


def _box(axes: Axes, x: float, y: float, width: float, text: str, fill: str, rounded: bool) -> None:
    style = "round,pad=0,rounding_size=0.12" if rounded else "square,pad=0"
    corner = (x - width / 2, y - _TALL / 2)
    box = FancyBboxPatch(corner, width, _TALL, style, facecolor=fill, edgecolor=_EDGE)
    box.set_linewidth(0.8)
    axes.add_patch(box)
    axes.text(x, y, text, ha="center", va="center", fontsize=6.8, linespacing=1.2)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    looks = {"arrowstyle": "-|>", "color": _EDGE, "shrinkA": 0, "shrinkB": 0, "lw": 0.8}
    axes.annotate("", xy=end, xytext=start, arrowprops=looks)
