"""The paper's numbers and matrices against ours: what its tables and figures are judged by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reluclf.judging import paper, thresholds
from reluclf.judging.claims import Pair
from reluclf.judging.counts import estimate_counts
from reluclf.judging.design import Cell
from reluclf.judging.evidence import OF_RUN, Evidence
from reluclf.judging.exceeding import OURS, Choice
from reluclf.judging.rules import Compared, Family, number
from reluclf.judging.statistics import mean_of, slope
from reluclf.judging.status import SHOWN, Status
from reluclf.record import Record
from reluclf.spec import CLASSES

#: The numbers of a table of results that are judged.
JUDGED = ("cv_accuracy", "test_accuracy")

#: Compares numbers of the paper with runs under a condition.
Compare = Callable[[Any, Evidence, str, Choice], list[Compared]]


def of_kind(runs: Sequence[Record], choice: Choice) -> list[Record]:
    """Keep the runs that lose no class, as none of the paper's does.

    Where fewer than :data:`~reluclf.judging.thresholds.FEWEST` are of that kind, nothing can be
    said of it, and all runs are kept; as they are where the choice knows of no kinds.
    """
    kept = [run for run in runs if not run.test.lost]
    return kept if choice.kinds and len(kept) >= thresholds.FEWEST else list(runs)


def _conditions(condition: str) -> dict[str, str]:
    """Name the condition whose runs have each number of :data:`JUDGED`."""
    ten_folds = condition if condition == "as run" else f"{condition}, ten folds"
    return {"cv_accuracy": ten_folds, "test_accuracy": condition}


def results(
    pair: Pair, evidence: Evidence, condition: str, choice: Choice = OURS
) -> list[Compared]:
    """Compare cross-validation and test accuracy of both heads: T3, T4, T6, T7 and T9."""
    where = _conditions(condition)
    asked = [(head, name) for head in paper.HEADS for name in JUDGED]
    runs = evidence.runs(*(Cell(*pair, head, where[name]) for head, name in asked))
    family = Family(thresholds.NUMBERS, choice.margin, level=choice.level)
    compared = []
    for (head, name), found in zip(asked, runs, strict=True):
        # As written, the ten folds are other models than the one that is tested.
        others = name == "cv_accuracy" and condition != "as run"
        kept = found if others else of_kind(found, choice)
        ours = mean_of([OF_RUN[name](run) for run in kept])
        title = f"{paper.HEAD_TITLES[head]}'s {paper.MEASURES[name]}"
        value = paper.result(*pair, head)[name]
        compared.append(number(title, value, ours, family, len(found), head=head))
    return compared


def folds(
    dataset: str, evidence: Evidence, condition: str, choice: Choice = OURS
) -> list[Compared]:
    """Compare the ten folds of CNN-ReLU by mean and rise: T5 and T8.

    The mean is the cross-validation accuracy of Table 4 or 7, and is judged there and here alike.
    """
    pair = Pair(dataset, "cnn")
    where = _conditions(condition)["cv_accuracy"]
    (runs,) = evidence.runs(Cell(*pair, "relu", where))
    kept = of_kind(runs, choice) if condition == "as run" else runs
    published = paper.fold_accuracy(*pair, "relu")
    family = Family(thresholds.NUMBERS, choice.margin, level=choice.level)
    means = mean_of([run.cv_accuracy for run in kept])
    rises = mean_of([slope(run.fold_accuracy).mean for run in kept])
    own_rise = slope(published).mean
    return [
        number("mean of the folds", published.mean(), means, family, len(runs), head="relu"),
        number("rise from fold to fold", own_rise, rises, family, len(runs), "rise", "relu"),
    ]


def _no_more_than(total: float, one: Compared) -> Compared:
    """End the range of a count where there are no more samples; its status is not asked again."""
    return replace(one, low=max(one.low, 0.0), high=min(one.high, float(total)))


def matrix(
    figure: int, evidence: Evidence, condition: str, choice: Choice = OURS
) -> list[Compared]:
    """Compare the correct predictions of every class, and of all classes: F2 to F11.

    Whether the comparison could have failed is asked of their total: half its interval may be no
    wider than the margin. That of a single class is as wide as it is.
    """
    published = paper.matrix(figure)
    pair = Pair(published.dataset, published.architecture)
    (runs,) = evidence.runs(Cell(*pair, published.head, condition))
    kept = of_kind(runs, choice)
    totals, names = published.counts.sum(axis=1), CLASSES[published.dataset]
    counts = np.array([np.diag(run.test.confusion_matrix) for run in kept])
    size = thresholds.MATRICES * (len(names) + 1)
    of_class = Family(size, np.inf, unit=1, level=choice.level)
    of_total = Family(size, choice.margin * totals.sum(), unit=1, level=choice.level)
    compared = []
    for i, ours in enumerate(estimate_counts(counts, totals)):
        title = f"class {names[i]}" if names[i].isdigit() else names[i]
        hits = int(published.counts[i, i])
        one = number(title, hits, ours, of_class, len(runs), "count", published.head)
        compared.append(_no_more_than(totals[i], one))
    ours = mean_of(counts.sum(axis=1))
    hits = int(np.trace(published.counts))
    total = number("all classes", hits, ours, of_total, len(runs), "count", published.head)
    total = _no_more_than(totals.sum(), total)
    # What can be said of the total can be said of the classes, and no more.
    if total.status in (Status.COMPATIBLE, Status.NOT_REPRODUCED):
        compared = [
            replace(one, status=Status.COMPATIBLE) if one.status in SHOWN else one
            for one in compared
        ]
    return [*compared, total]
