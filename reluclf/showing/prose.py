"""Numbers as prose has them: with their unit, interval and n, or as not measured yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reluclf import formats
from reluclf.judging import evidence
from reluclf.judging.design import BOTH
from reluclf.judging.evidence import measure, pairs
from reluclf.judging.statistics import Difference, Estimate, estimate
from reluclf.judging.words import listed
from reluclf.record import Record
from reluclf.showing import cross_validation
from reluclf.showing.runs import NETWORKS

#: What stands for a difference that cannot be told.
_TOO_FEW = "(needs two seeds of each)"


def percent(value: float | Estimate | None) -> str:
    """Write an accuracy in percent, an estimate with its 95\u00a0% interval and n."""
    if value is None:
        return formats.NOT_MEASURED
    if not isinstance(value, Estimate):
        return f"{100 * value:.2f}\u00a0%"
    if value.n == 1:
        return f"{100 * value.mean:.2f}\u00a0% (n\u00a0=\u00a01)"
    low, high = formats.ends(value.low, value.high, "test_accuracy")
    return f"{100 * value.mean:.2f}\u00a0% ({low} to {high}, n\u00a0=\u00a0{value.n})"


def shares(values: Sequence[float]) -> str:
    """Write up to three shares singly, for their interval would say nothing; more by their mean."""
    if not 1 < len(values) <= 3:
        return percent(estimate(values))
    return f"{_listed(values)}\u00a0% (n\u00a0=\u00a0{len(values)})"


def _listed(values: Sequence[float]) -> str:
    return listed([f"{100 * value:.2f}" for value in values])


def points(value: Difference | Estimate | None) -> str:
    """Write a difference of two accuracies in percentage points, with its interval and n."""
    if value is None:
        return _TOO_FEW
    text = formats.points(value)
    return text.replace(" points", "\u00a0points").replace("n = ", "n\u00a0=\u00a0")


def counts(value: Difference | None) -> str:
    """Write a difference of mean counts, with its interval and n."""
    if value is None:
        return _TOO_FEW
    ends = (value.low, value.mean, value.high)
    low, mean, high = (formats.signed(part, "count") for part in ends)
    return f"{mean} ({low} to {high}, n\u00a0=\u00a0{value.n})"


def count(so: Sequence[bool]) -> str:
    """Write in how many of the runs something is so, as ``none of 3``."""
    return f"{sum(so) or 'none'} of {len(so)}" if len(so) else formats.NOT_MEASURED


def sides(a: Sequence[Record], b: Sequence[Record]) -> str:
    """Compare runs paired by seed in test accuracy: how many are higher, and the median."""
    differences = [first.test.accuracy - second.test.accuracy for first, second in pairs(a, b)]
    if not differences:
        return formats.NOT_MEASURED
    signs = np.sign(differences)
    median = formats.signed(float(np.median(differences)), "cv_accuracy")
    return (
        f"higher in {np.sum(signs > 0)} of {len(differences)} runs, "
        f"the same in {np.sum(signs == 0)} and lower in {np.sum(signs < 0)} "
        f"(median difference {median}\u00a0points)"
    )


def accuracies(dataset: str, records: Sequence[Record]) -> dict[str, str]:
    """Write the accuracies of every network of a data set, the paper's and ours, to be glued.

    The names are ``<dataset>_<architecture>_<head>_<source>_<what>``, with the source ``paper``,
    ``as_run`` or ``as_written``, and what is ``cv`` (cross-validation), ``test``, ``last`` (the
    last fold's validation rows) or ``folds`` (the lowest and the highest fold); of ours also
    ``ends`` (the lowest and the highest test accuracy of a run), ``kept_ends`` and ``lost_ends``
    (of those that keep every class, and of the others), ``kept`` and ``lost`` (how many these are).
    ``<dataset>_<architecture>_<head>_rise`` is the rise from fold to fold as run on validation
    rows, ``..._rise_test`` that on the test set, ``..._rise_leak`` the difference.
    """
    told = {}
    rises = cross_validation.rises(records)
    for network in NETWORKS:
        if network.dataset != dataset:
            continue
        name, own = "_".join(network), network.published
        told[f"{name}_paper_cv"] = percent(own["cv_accuracy"])
        told[f"{name}_paper_test"] = percent(own["test_accuracy"])
        for condition in BOTH:
            for what, text in _of_runs(network.under(records, condition)).items():
                told[f"{name}_{condition.key}_{what}"] = text
        rise = rises.get(network)
        parts = (rise.validation, rise.test, rise.leakage) if rise else (None, None, None)
        for end, value in zip(("", "_test", "_leak"), parts, strict=True):
            told[f"{name}_rise{end}"] = points(value) if value else formats.NOT_MEASURED
    return told


def _of_runs(runs: Sequence[Record]) -> dict[str, str]:
    kept, lost = ([run for run in runs if run.test.lost == is_lost] for is_lost in (False, True))
    folds = [run.fold_accuracy for run in runs if run.folds]
    return {
        "cv": percent(measure(runs, "cv_accuracy")),
        "test": percent(measure(runs, "test_accuracy")),
        "last": percent(estimate([accuracy[-1] for accuracy in folds])),
        "ends": _range(evidence.accuracies(runs)),
        "kept_ends": _range(evidence.accuracies(kept)) if kept or not runs else formats.NONE,
        "lost_ends": _range(evidence.accuracies(lost)) if lost or not runs else formats.NONE,
        "folds": _range(list(np.concatenate(folds)) if folds else []),
        "kept": count([not run.test.lost for run in runs]),
        "lost": count([run.test.lost for run in runs]),
    }


def _range(accuracies: Sequence[float]) -> str:
    if not len(accuracies):
        return formats.NOT_MEASURED
    return f"{100 * min(accuracies):.2f} to {100 * max(accuracies):.2f}\u00a0%"
