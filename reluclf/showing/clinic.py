"""WDBC as a clinician reads it, malignant being positive, and what longer training changes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reluclf.formats import NONE, cell, number
from reluclf.judging import paper
from reluclf.judging.design import BOTH
from reluclf.judging.evidence import measure, of_setting, pairs
from reluclf.judging.statistics import Difference, estimate, paired
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import figures, origins, wdbc
from reluclf.showing.runs import with_both_heads


@origins.traced
def table(records: Sequence[Record]) -> pd.DataFrame:
    """Show sensitivity, specificity and misses of each classifier, as text.

    The networks as run and as written; logistic regression on the same splits, standardised; and
    the paper's. Misses are of the 64 malignant tumours in the test set: their mean, and the middle
    95 % of the splits, given from 40 splits on.
    """
    networks = with_both_heads("wdbc", "ffnn")
    cases = [("logistic regression", of_setting(records, dataset="wdbc", architecture="logistic"))]
    for network in networks:
        for condition in BOTH:
            cases.append((f"{network.short}, {condition}", network.under(records, condition)))
    rows = []
    for title, runs in cases:
        counts = np.array([run.test.confusion_matrix for run in runs], float).reshape(-1, 2, 2)
        shares, missed = counts / counts.sum(axis=2, keepdims=True), list(counts[:, 0, 1])
        enough = len(missed) >= wdbc.FEWEST
        row = {
            "classifier": title,
            "sensitivity, %": cell(estimate(list(shares[:, 0, 0])), "test_accuracy"),
            "specificity, %": cell(estimate(list(shares[:, 1, 1])), "test_accuracy"),
            "malignant missed": cell(estimate(missed), "count"),
            "in 95 of 100 splits": "{:.0f} to {:.0f}".format(*wdbc.ends(missed))
            if enough
            else NONE,
            "accuracy, %": cell(measure(runs, "test_accuracy"), "test_accuracy"),
        }
        rows.append(row)
    for network in networks:
        published = paper.matrix_of(*network).counts
        row = {
            "classifier": f"the paper's {network.short}",
            "sensitivity, %": number(published[0, 0] / published[0].sum(), "test_accuracy"),
            "specificity, %": number(published[1, 1] / published[1].sum(), "test_accuracy"),
            "malignant missed": str(published[0, 1]),
            "in 95 of 100 splits": NONE,
            "accuracy, %": number(np.trace(published) / published.sum(), "test_accuracy"),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def errors(a: Sequence[Record], b: Sequence[Record]) -> dict[str, Difference | None]:
    """Compare the counts of ``misses`` and of ``false`` alarms of runs paired by seed."""
    found = {}
    for name, (true, called) in {"misses": (0, 1), "false": (1, 0)}.items():
        counts = [[run.test.confusion_matrix[true][called] for run in pair] for pair in pairs(a, b)]
        found[name] = paired([ours for ours, _ in counts], [theirs for _, theirs in counts], 0)
    return found


def between_epochs(
    records: Sequence[Record], head: str, epochs: Sequence[int]
) -> list[Difference | None]:
    """Compare the test accuracy of final models at each of the epochs with that at the next."""
    finals = [run.final for run in records if run.spec.head == head and run.final]
    at = [[final.test.accuracy[epoch - 1] for final in finals] for epoch in epochs]
    return [paired(after, before, MARGIN) for before, after in pairwise(at)]


def longer(records: Sequence[Record], logistic: Sequence[Record]) -> Figure:
    """Draw the FFNN trained once for longer: test accuracy and training loss by updates.

    Parameters
    ----------
    records : sequence of Record
        ``fresh`` runs without folds; each is drawn, and their median.
    logistic : sequence of Record
        Logistic regression; that of the same seeds, and so of the same splits, is drawn as a line.
    """
    drawn, (left, right) = plt.subplots(1, 2, figsize=(figures.WIDTH, 3.0))
    for network, line in zip(with_both_heads("wdbc", "ffnn"), ("--", "-"), strict=True):
        of_head = [run for run in records if run.spec.head == network.head]
        finals = [run.final for run in of_head if run.final]
        if not finals:
            continue
        looks = {"color": figures.COLOURS[network.head], "linestyle": line}
        a_epoch = -(-finals[0].n_train // of_head[0].spec.batch_size)
        updates = a_epoch * np.arange(1, of_head[0].spec.epochs + 1)
        accuracies = [100 * np.array(final.test.accuracy) for final in finals]
        losses = [np.array(final.train.loss) for final in finals]
        for axes, curves in ((left, accuracies), (right, losses)):
            for curve in curves:
                axes.plot(updates, curve, linewidth=0.4, alpha=0.4, **looks)
            label = f"{network.short} (n = {len(finals)})"
            axes.plot(updates, np.median(curves, axis=0), label=label, **looks)
    seeds = {run.spec.seed for run in records}
    same = estimate([100 * run.test.accuracy for run in logistic if run.spec.seed in seeds])
    if same:
        label = f"logistic regression (n = {same.n})"
        left.axhline(same.mean, color=figures.COLOURS["paper"], linestyle=":", label=label)
    left.set(ylabel="test accuracy, %", ylim=(80, 100))
    right.set(ylabel="training loss, nats", yscale="log")
    for axes in (left, right):
        axes.set(xlabel="updates of the weights", xscale="log")
        if not axes.lines:
            figures.say(axes, "no record yet")
        for at, name in ((64, "a fold"), (640, "the paper's test")):
            axes.axvline(at, color="#777777", linewidth=0.7)
            place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
            axes.annotate(name, (at, 1), xytext=(2, -2), fontsize=7, va="top", **place)
    handles, labels = left.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=3)
    return origins.rests_on(drawn, {"": [*records, *logistic]})
