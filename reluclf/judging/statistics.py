"""Statistics of the book: estimates with their intervals.

The rules that use them are written in the method chapter, before any result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

#: Confidence of every interval in the book.
LEVEL = 0.95

#: The probability with which enough runs would show what is there.
POWER = 0.8

#: No more runs than this are called enough: as many as any network here has.
MOST = 100


class Match(StrEnum):
    """How one published number stands to our runs."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    WIDE = "too few runs"
    SCATTERED = "too scattered"


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
    dof : int
        Degrees of freedom of ``std``: n - 1, or more where the spread was pooled over several such means.
    """

    mean: float
    low: float
    high: float
    std: float
    n: int
    dof: int

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
        half = _t(self.dof, comparisons) * self.std * math.sqrt(1 + 1 / self.n) if self.n > 1 else math.nan
        return self.mean - half, self.mean + half

    def match(self, value: float, tolerance: float, comparisons: int = 1, unit: float = 0.0) -> Match:
        """Compare one published number with the prediction interval for one more run.

        That it lies inside says something only if the interval is narrow enough to have missed it. So an interval that reaches further than the
        tolerance to either side says nothing: more runs would narrow it, unless the spread of single runs alone is too wide.

        Parameters
        ----------
        value : float
        tolerance : float
            The widest that half the interval may be.
        comparisons : int
            How many numbers are judged together.
        unit : float
            The smallest step of the number, 1 for a count; half of it is granted to both sides.

        Returns
        -------
        Match
            ``SCATTERED`` if the lower 95 % confidence limit of the spread already makes the interval too wide, however many the runs.
        """
        low, high = self.prediction(comparisons)
        if not math.isnan(low) and not low - unit / 2 <= value <= high + unit / 2:
            return Match.OUTSIDE
        if (high - low) / 2 <= tolerance:
            return Match.INSIDE
        from scipy.special import chdtri, ndtri

        surely = self.std * math.sqrt(self.dof / chdtri(self.dof, 1 - LEVEL)) if self.n > 1 else math.nan
        return Match.SCATTERED if float(ndtri(1 - (1 - LEVEL) / comparisons / 2)) * surely > tolerance else Match.WIDE

    def enough(self, tolerance: float, comparisons: int = 1) -> int | None:
        """How many runs would make half the prediction interval no wider than the tolerance, if their spread stays what it is.

        None if none would, or only more than :data:`MOST`.
        """
        from scipy.special import ndtri

        if self.n < 2 or float(ndtri(1 - (1 - LEVEL) / comparisons / 2)) * self.std >= tolerance:
            return None
        pooled, n = self.dof // (self.n - 1), self.n
        while _t(pooled * (n - 1), comparisons) * self.std * math.sqrt(1 + 1 / n) > tolerance:
            n += 1
            if n > MOST:
                return None
        return n


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
        return Estimate(mean, math.nan, math.nan, math.nan, 1, 0)
    return _estimate(mean, float(values.std(ddof=1)), n, n - 1)


def estimate_counts(counts: np.ndarray, totals: np.ndarray) -> list[Estimate]:
    """Mean counts out of known totals, with a spread that is pooled over them.

    With few runs the spread of a single count is hardly known. It is taken to be a common multiple of the binomial one, as in quasi-likelihood
    (McCullagh and Nelder, 1989), and the multiple is estimated from all counts of all runs; but for those counts that are shown to spread more than
    the rest (F-test, Bonferroni over the k, the widest first), as that of a class which one run has lost: each of them has its own spread.

    Parameters
    ----------
    counts : ndarray of int, shape (n, k)
        A row for each run; n > 1.
    totals : ndarray of int, shape (k,)

    Returns
    -------
    list of Estimate, length k
        Each with n - 1 degrees of freedom for every count that its spread is pooled over.
    """
    counts, totals = np.asarray(counts, dtype=float), np.asarray(totals, dtype=float)
    n, k = counts.shape
    means = counts.mean(axis=0)
    # Half a count is added to both sides, so that a count that never errs still has some spread.
    binomial = (means + 0.5) * (totals - means + 0.5) / (totals + 1)
    multiples = np.var(counts, axis=0, ddof=1) / binomial
    pooled = list(np.argsort(multiples))
    while len(pooled) > 1 and _wider(multiples[pooled[-1]], multiples[pooled[:-1]], n, k):
        pooled.pop()
    found = []
    for i in range(k):
        of = pooled if i in pooled else [i]
        found.append(_estimate(float(means[i]), math.sqrt(float(np.mean(multiples[of])) * binomial[i]), n, len(of) * (n - 1)))
    return found


def _wider(one: float, others: np.ndarray, n: int, k: int) -> bool:
    """Whether one of k multiples, each of n runs, is shown to be larger than the mean of the others."""
    from scipy.special import fdtrc

    if not others.any():
        return one > 0
    return float(fdtrc(n - 1, len(others) * (n - 1), one / others.mean())) < (1 - LEVEL) / k


def _estimate(mean: float, std: float, n: int, dof: int) -> Estimate:
    half = _t(dof) * std / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, std, n, dof)


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
    margin : float
        Differences up to this size count as none.
    """

    mean: float
    low: float
    high: float
    p: float
    p_equivalent: float
    n: int
    margin: float

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

    @property
    def beyond(self) -> bool:
        """Whether it is shown to be outside the margin: its whole interval is."""
        return self.beyond_as_one_of(1)

    def beyond_as_one_of(self, comparisons: int) -> bool:
        """Whether it is shown to be outside the margin where one of several will do."""
        low, high = self.interval(comparisons)
        return low > self.margin or high < -self.margin

    @property
    def equivalence_interval(self) -> tuple[float, float]:
        """The 90 % interval of the mean: it lies within the margin exactly if the two one-sided tests show equivalence."""
        half = _t(self.n - 1, 1 / 2) * self.std / math.sqrt(self.n)
        return self.mean - half, self.mean + half

    def prediction(self, comparisons: int = 1) -> tuple[float, float]:
        """The interval that the difference of one more pair falls into, widened so that several hold together (Bonferroni)."""
        half = _t(self.n - 1, comparisons) * self.std * math.sqrt(1 + 1 / self.n)
        return self.mean - half, self.mean + half

    def interval(self, comparisons: int = 1) -> tuple[float, float]:
        """The confidence interval of the mean, widened so that several hold together (Bonferroni)."""
        half = _t(self.n - 1, comparisons) * self.std / math.sqrt(self.n)
        return self.mean - half, self.mean + half

    @property
    def std(self) -> float:
        """The standard deviation of independent differences with this interval."""
        return (self.high - self.low) / 2 / _t(self.n - 1) * math.sqrt(self.n)

    @property
    def least_std(self) -> float:
        """The lower 95 % confidence limit of that standard deviation."""
        from scipy.special import chdtri

        return self.std * math.sqrt((self.n - 1) / chdtri(self.n - 1, 1 - LEVEL))

    def enough(self, sought: float, comparisons: int = 1, parts: int = 1, std: float | None = None) -> int | None:
        """How many pairs would show a true difference of this size, if the spread stays what it is.

        Parameters
        ----------
        sought : float
        comparisons : int
            How many tests are made together, of which one will do (Bonferroni).
        parts : int
            How many tests must all show theirs: then all do, with probability :data:`POWER` (Bonferroni).
        std : float, optional
            The standard deviation to reckon with; by default the one there is.

        Returns
        -------
        int or None
            None if more than :data:`MOST`.
        """
        from statsmodels.stats.power import TTestPower

        std = self.std if std is None else std
        if std == 0:
            return 2 if sought else None
        effect, alpha = abs(sought) / std, (1 - LEVEL) / comparisons
        return _first(TTestPower().power(effect, _PAIRS, alpha), parts)

    def enough_equivalent(self, comparisons: int = 1, parts: int = 1, std: float | None = None) -> int | None:
        """How many pairs would show that there is no difference beyond the margin, were there none at all; as :meth:`enough`.

        The power of the two one-sided tests is taken from the central t-distribution, which is close from a few pairs on.
        """
        from scipy.special import stdtr, stdtrit

        std, alpha = self.std if std is None else std, (1 - LEVEL) / comparisons

        reach = self.margin * np.sqrt(_PAIRS) / std if std else np.full(len(_PAIRS), np.inf)
        return _first(2 * stdtr(_PAIRS - 1, reach - stdtrit(_PAIRS - 1, 1 - alpha)) - 1, parts)


#: The numbers of pairs that may be enough.
_PAIRS = np.arange(2, MOST + 1)


def _first(powers: np.ndarray, parts: int) -> int | None:
    """The first of :data:`_PAIRS` whose power is enough for one of so many parts; scipy's power is NaN for some of the large ones."""
    enough = np.flatnonzero(powers >= 1 - (1 - POWER) / parts)
    return int(_PAIRS[enough[0]]) if len(enough) else None


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
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0, 0.0 if abs(mean) < margin else 1.0, n, margin)
    half = _t(n - 1) * error
    p = 2 * float(stdtr(n - 1, -abs(mean) / error))
    p_equivalent = float(stdtr(n - 1, (abs(mean) - margin) / error))
    return Difference(mean, mean - half, mean + half, p, p_equivalent, n, margin)


def slope(values: Sequence[float]) -> Difference:
    """The slope of values over their index 0, 1, ..., n - 1 by least squares, with its interval and the test that it is 0."""
    from scipy.stats import linregress

    fit = linregress(np.arange(len(values)), values)
    half = _t(len(values) - 2) * float(fit.stderr)
    slope = float(fit.slope)
    return Difference(slope, slope - half, slope + half, float(fit.pvalue), math.nan, len(values), 0.0)


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
    """P-values adjusted by Holm's method (1979), in their order.

    Statsmodels has the same, and collects all garbage at every call: a tenth of a second with the records in memory.
    """
    p = np.asarray(p_values, dtype=float)
    order, adjusted = np.argsort(p), np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


def rejected(p_values: Sequence[float]) -> np.ndarray:
    """Which null hypotheses are rejected where any one of them will do, by :func:`holm` at :data:`LEVEL`: bool, in their order."""
    return holm(p_values) < 1 - LEVEL


def _t(dof: int, comparisons: int = 1) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(dof, 1 - (1 - LEVEL) / comparisons / 2))
