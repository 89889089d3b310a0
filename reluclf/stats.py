"""Statistics of the book: estimates with their intervals.

The rules that use them are written in the method chapter, before any result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Confidence of every interval in the book.
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over runs.

    Attributes
    ----------
    mean : float
    low, high : float
        Ends of the confidence interval of the mean; NaN where n = 1, for one run says nothing of the others.
    std : float
        Sample standard deviation over the runs; NaN where n = 1.
    n : int
        How many runs.
    """

    mean: float
    low: float
    high: float
    std: float
    n: int

    def prediction(self, comparisons: int = 1) -> tuple[float, float]:
        """The interval that one more run of the same kind falls into with probability :data:`LEVEL`.

        Parameters
        ----------
        comparisons : int
            How many such intervals are asked to hold together; each is widened so that all do with that probability (Bonferroni).

        Returns
        -------
        (float, float)
            (NaN, NaN) where n = 1.
        """
        half = _t(self.n, comparisons) * self.std * math.sqrt(1 + 1 / self.n) if self.n > 1 else math.nan
        return self.mean - half, self.mean + half


def estimate(values: Sequence[float]) -> Estimate | None:
    """Mean and t-interval of the values of independent runs.

    Parameters
    ----------
    values : sequence of float, shape (n,)

    Returns
    -------
    Estimate or None
        None if there is no value.
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    if n == 0:
        return None
    mean = float(values.mean())
    if n == 1:
        return Estimate(mean, math.nan, math.nan, math.nan, 1)
    std = float(values.std(ddof=1))
    half = _t(n) * std / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, std, n)


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences, with the tests of the method chapter.

    Attributes
    ----------
    mean : float
    low, high : float
        Ends of its confidence interval.
    p : float
        Two-sided, of the hypothesis that it is 0.
    p_equivalent : float
        Of the hypothesis that it lies outside the margin, by two one-sided tests; small means: shown to be within.
    n : int
        Pairs.
    """

    mean: float
    low: float
    high: float
    p: float
    p_equivalent: float
    n: int

    @property
    def less(self) -> bool:
        """Whether it is shown to be below 0."""
        return self.p < 1 - LEVEL and self.mean < 0

    @property
    def greater(self) -> bool:
        """Whether it is shown to be above 0."""
        return self.p < 1 - LEVEL and self.mean > 0

    @property
    def equivalent(self) -> bool:
        """Whether it is shown to be within the margin."""
        return self.p_equivalent < 1 - LEVEL


def paired(a: Sequence[float], b: Sequence[float], margin: float, overlap: float | None = None) -> Difference | None:
    """Compare the paired values of two methods: a paired t-test, and two one-sided tests (TOST) of equivalence.

    Parameters
    ----------
    a, b : sequence of float, shape (n,)
    margin : float
        Differences up to this size count as none (Schuirmann, 1987; Lakens, 2017).
    overlap : float, optional
        For the folds of one cross-validation, whose training sets overlap: validation rows over training rows, 1/9 for ten folds. The
        variance of the mean is then (1/n + overlap) s^2 instead of s^2/n (Nadeau and Bengio, 2003).

    Returns
    -------
    Difference or None
        Of a - b; None if there are fewer than two pairs.
    """
    from scipy.special import stdtr

    difference = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    n = len(difference)
    if n < 2:
        return None
    mean, std = float(difference.mean()), float(difference.std(ddof=1))
    error = std * math.sqrt(1 / n + (overlap or 0.0))
    if error == 0:
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0, 0.0 if abs(mean) < margin else 1.0, n)
    half = _t(n) * error
    p = 2 * float(stdtr(n - 1, -abs(mean) / error))
    p_equivalent = float(stdtr(n - 1, (abs(mean) - margin) / error))
    return Difference(mean, mean - half, mean + half, p, p_equivalent, n)


def mcnemar(a: np.ndarray, b: np.ndarray) -> float:
    """Exact McNemar test of two classifiers on the same samples (McNemar, 1947; Dietterich, 1998).

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


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust the p-values of a family of tests (Holm, 1979): float64, shape (n,)."""
    from statsmodels.stats.multitest import multipletests

    return multipletests(p_values, method="holm")[1] if len(p_values) else np.array([])


def _t(n: int, comparisons: int = 1) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 1 - (1 - LEVEL) / comparisons / 2))
