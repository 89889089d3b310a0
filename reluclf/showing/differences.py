"""The two heads compared: what is shown to differ, in which measure and over what."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from reluclf.formats import NONE, difference_cell
from reluclf.judging import paper
from reluclf.judging.design import AS_WRITTEN, BOTH
from reluclf.judging.evidence import difference, pairs
from reluclf.judging.statistics import Difference, paired, rejected
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.showing.cross_validation import OVERLAP
from reluclf.showing.runs import architectures, with_both_heads
from reluclf.spec import N_SPLITS

#: Runs of the two heads that share a seed, ReLU first.
Pairs = Sequence[tuple[Record, Record]]


@origins.traced
def compared(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Compare the two heads by architecture, as run and as written, as text.

    ReLU minus softmax in test accuracy, over all runs, on WDBC paired by split, and there also with
    the variance corrected for the overlap of the splits, as it must be to speak of other samples;
    over the ten folds of one run as written, corrected for theirs; and in how many seeds McNemar's
    test finds the two to differ on the test set (Holm over the seeds, 5 %).
    """
    rows = []
    for architecture in architectures(dataset):
        softmax, relu = with_both_heads(dataset, architecture)
        for condition in BOTH:
            ours, theirs = relu.under(records, condition), softmax.under(records, condition)
            both = pairs(ours, theirs)
            row = {
                "network": architecture.upper(),
                "runs": str(condition),
                "over seeds, points": difference_cell(difference(ours, theirs)),
            }
            if dataset == "wdbc":
                row["for other tumours, points"] = difference_cell(_of_other_samples(both))
            over_folds = _over_folds(both) if condition == AS_WRITTEN else None
            row["over folds, points"] = difference_cell(over_folds)
            row["seeds that differ (McNemar)"] = _image_by_image(both)
            rows.append(row)
    return pd.DataFrame(rows)


def _of_other_samples(both: Pairs) -> Difference | None:
    """Compare runs over splits of the same samples, as other samples would have it."""
    if not both:
        return None
    relu, softmax = ([run.test.accuracy for run in runs] for runs in zip(*both, strict=True))
    return paired(relu, softmax, MARGIN, _overlap(both[0][0]))


def _over_folds(both: Pairs) -> Difference | None:
    """Compare the ten folds of the first pair that has them."""
    for relu, softmax in both:
        if len(relu.folds) == len(softmax.folds) == N_SPLITS:
            ours, theirs = list(relu.fold_accuracy), list(softmax.fold_accuracy)
            return paired(ours, theirs, MARGIN, OVERLAP)
    return None


def _image_by_image(both: Pairs) -> str:
    """Count the pairs that differ on single samples; the runs of a pair share a test set."""
    if not both:
        return NONE
    differ = rejected([mcnemar(relu.test.correct, softmax.test.correct) for relu, softmax in both])
    return f"{int(np.sum(differ))} of {len(both)}"


def mcnemar(a: np.ndarray, b: np.ndarray) -> float:
    """Compare two classifiers on the same samples (McNemar, 1947, exact; Dietterich, 1998).

    Parameters
    ----------
    a, b : ndarray of bool, shape (n,)
        Whether each sample was classified correctly.

    Returns
    -------
    float
        The two-sided p-value.
    """
    from scipy.stats import binomtest

    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def wider(runs: Sequence[Record]) -> float:
    """Say how many times as wide an interval is that speaks of other samples than these.

    Its variance is corrected for the overlap of the splits (Nadeau and Bengio, 2003).
    """
    return math.sqrt(1 + len(runs) * _overlap(runs[0]))


def _overlap(run: Record) -> float:
    """Divide a run's test rows by all that it can be trained on."""
    if run.final:
        return len(run.test.labels) / run.final.n_train
    return len(run.test.labels) / (run.folds[0].n_train + run.folds[0].n_validation)


@origins.traced
def comparable(records: Sequence[Record]) -> pd.DataFrame:
    """Show ReLU minus softmax in test accuracy and F1 in the paper's five experiments, as text."""
    rows = []
    for of in paper.RESULT_TABLES:
        softmax, relu = with_both_heads(*of)
        for condition in BOTH:
            ours, theirs = relu.under(records, condition), softmax.under(records, condition)
            accuracy, f1 = difference(ours, theirs), difference(ours, theirs, "f1")
            row = {
                "network": paper.title(*of),
                "runs": str(condition),
                "accuracy, points": difference_cell(accuracy),
                "F1, points": difference_cell(f1),
                "within two points": _within(accuracy, f1),
            }
            rows.append(row)
    return pd.DataFrame(rows)


def _within(accuracy: Difference | None, f1: Difference | None) -> str:
    """Say whether both differences are shown to be within the margin, or one of them beyond it."""
    if accuracy is None or f1 is None:
        return NONE
    if accuracy.equivalent and f1.equivalent:
        return "both shown"
    return "one shown to exceed" if accuracy.beyond() or f1.beyond() else "not shown"
