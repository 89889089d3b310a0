"""Mean counts out of known totals, with one spread for all: a class's correct predictions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from reluclf.judging.statistics import Estimate
from reluclf.judging.thresholds import LEVEL


def estimate_counts(counts: ArrayLike, totals: ArrayLike) -> list[Estimate]:
    """Estimate mean counts out of known totals, with a spread that is pooled over them.

    With few runs the spread of a single count is hardly known. It is taken to be a common multiple
    of the binomial one, as in quasi-likelihood (McCullagh and Nelder, 1989), estimated from all
    counts of all runs. A count that is shown to spread more than the rest (F-test, Bonferroni over
    the k, the widest first) keeps its own spread.

    Parameters
    ----------
    counts : array of int, shape (n, k)
        A row for each run; n > 1.
    totals : array of int, shape (k,)

    Returns
    -------
    list of Estimate, length k
        Each with n - 1 degrees of freedom for every count that its spread is pooled over.
    """
    runs, of = np.asarray(counts, dtype=float), np.asarray(totals, dtype=float)
    n, k = runs.shape
    means = runs.mean(axis=0)
    # Half a count is added to both sides, so that a count that never errs still has some spread.
    binomial = (means + 0.5) * (of - means + 0.5) / (of + 1)
    multiples = np.var(runs, axis=0, ddof=1) / binomial
    pooled = list(np.argsort(multiples))
    while len(pooled) > 1 and _wider(multiples[pooled[-1]], multiples[pooled[:-1]], n, k):
        pooled.pop()
    estimates = []
    for i in range(k):
        shared = pooled if i in pooled else [i]
        std = math.sqrt(float(np.mean(multiples[shared])) * binomial[i])
        estimates.append(Estimate.of(float(means[i]), std, n, len(shared) * (n - 1)))
    return estimates


def _wider(one: float, others: np.ndarray, n: int, k: int) -> bool:
    """Whether one of k multiples, each of n runs, is shown to be larger than the others' mean."""
    from scipy.special import fdtrc

    if not others.any():
        return one > 0
    return float(fdtrc(n - 1, len(others) * (n - 1), one / others.mean())) < (1 - LEVEL) / k
