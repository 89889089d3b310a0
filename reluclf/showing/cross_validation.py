"""What the paper's cross-validation says: how it rises from fold to fold, how far off it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from reluclf.formats import NONE, cell, difference_cell, ends, number, signed
from reluclf.judging import paper
from reluclf.judging.design import AS_RUN, AS_WRITTEN
from reluclf.judging.evidence import measure
from reluclf.judging.statistics import Difference, Estimate, estimate, paired, slope
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.showing.runs import NETWORKS, Network
from reluclf.showing.tables import minus_paper
from reluclf.spec import N_SPLITS

#: Validation rows over training rows of a fold: the overlap that is corrected for.
OVERLAP = 1 / (N_SPLITS - 1)


class Rise(NamedTuple):
    """How much an accuracy rises from fold to fold as run, by the least-squares slope.

    Attributes
    ----------
    paper : float
        In the paper.
    validation, test : Estimate
        In our runs: on the rows that each fold validates on, and on the test set, which the models
        never saw.
    leakage : Difference or None
        The first minus the second, paired by run.
    """

    paper: float
    validation: Estimate
    test: Estimate
    leakage: Difference | None


def rises(records: Sequence[Record]) -> dict[Network, Rise]:
    """Measure the rise from fold to fold of every network that has whole runs."""
    found = {}
    for network in NETWORKS:
        runs = network.whole(records, AS_RUN)
        seen = [slope(list(run.fold_accuracy)).mean for run in runs]
        unseen = [slope([fold.test.accuracy for fold in run.folds]).mean for run in runs]
        validation, test = estimate(seen), estimate(unseen)
        if validation and test:
            own = slope(list(paper.fold_accuracy(*network))).mean
            found[network] = Rise(own, validation, test, paired(seen, unseen, MARGIN))
    return found


@origins.traced
def learning(records: Sequence[Record]) -> pd.DataFrame:
    """Show :func:`rises` as text: a row for each network."""
    rows = []
    for network, rise in rises(records).items():
        row = {
            "network": network.title,
            "paper, validation": signed(rise.paper, "cv_accuracy"),
            "as run, validation": difference_cell(rise.validation),
            "as run, test set": difference_cell(rise.test),
            "validation − test set": difference_cell(rise.leakage),
        }
        rows.append(row)
    return pd.DataFrame(rows)


@origins.traced
def optimism(records: Sequence[Record]) -> pd.DataFrame:
    """Show how far each cross-validation lies from the test of the published model, as text.

    A row for each network with a whole run: the paper's difference in points, ours as run (mean
    over the folds; last fold), and as written, each with its interval over seeds.
    """
    rows = []
    for network in NETWORKS:
        as_run, as_written = (network.whole(records, one) for one in (AS_RUN, AS_WRITTEN))
        if not as_run and not as_written:
            continue
        own = network.published
        last = float(paper.fold_accuracy(*network)[-1])
        row = {
            "network": network.title,
            "paper, mean − test": signed(own["cv_accuracy"] - own["test_accuracy"], "cv_accuracy"),
            "as run, mean − test": _minus_test(as_run, [run.cv_accuracy for run in as_run]),
            "paper, last − test": signed(last - own["test_accuracy"], "cv_accuracy"),
            "as run, last − test": _minus_test(as_run, [run.fold_accuracy[-1] for run in as_run]),
            "as written, mean − test": _minus_test(
                as_written, [run.cv_accuracy for run in as_written]
            ),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _minus_test(runs: Sequence[Record], accuracies: Sequence[float]) -> str:
    pairs = zip(runs, accuracies, strict=True)
    return difference_cell(estimate([accuracy - run.test.accuracy for run, accuracy in pairs]))


@origins.traced
def new_weights(records: Sequence[Record]) -> pd.DataFrame:
    """Show what the paper's rows of cross-validation would have been with new weights, as text.

    A row for each network: the paper's mean and standard deviation over the folds; those of our
    runs as written; and the interval for the expected accuracy that the ten folds of one run give,
    that with the first seed, corrected for their overlap.
    """
    rows = []
    for network in NETWORKS:
        own, runs = network.published, network.whole(records, AS_WRITTEN)
        mean, std = (number(own[name], name) for name in ("cv_accuracy", "cv_std"))
        accuracy = measure(runs, "cv_accuracy")
        row = {
            "network": network.title,
            "paper, mean ± std, %": f"{mean} ± {std}",
            "as written, mean, %": cell(accuracy, "cv_accuracy"),
            "as written, std over folds": cell(measure(runs, "cv_std"), "cv_std"),
            "interval from one run's folds, %": _of_one(runs),
            "as written − paper": minus_paper(accuracy, own["cv_accuracy"]),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _of_one(runs: Sequence[Record]) -> str:
    if not runs:
        return NONE
    low, high = over_folds(min(runs, key=lambda run: run.spec.seed))
    return " to ".join(ends(low, high, "cv_accuracy"))


def over_folds(run: Record) -> tuple[float, float]:
    """Bound the expected accuracy by the folds of one run (Nadeau and Bengio, 2003)."""
    folds = estimate(list(run.fold_accuracy))
    assert folds is not None
    # What one more fold would give, with the variance of a mean of folds that overlap.
    corrected = math.sqrt((1 / N_SPLITS + OVERLAP) / (1 + 1 / N_SPLITS))
    half = (folds.prediction()[1] - folds.mean) * corrected
    return folds.mean - half, folds.mean + half
