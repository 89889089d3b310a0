"""Statistics of the book: means and differences of runs, with their intervals and tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reluclf.judging.thresholds import LEVEL

#: Less than this is nothing: the means of values that are all alike differ by their rounding.
TINY = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A mean over runs.

    Attributes
    ----------
    mean : float
    low, high : float
        Ends of the 95 % interval of the mean; NaN where n = 1, for one run says nothing of others.
    std : float
        Sample standard deviation over the runs; NaN where n = 1.
    n : int
        How many runs.
    dof : int
        Degrees of freedom of ``std``: n - 1, or more where it was pooled over several means.
    """

    mean: float
    low: float
    high: float
    std: float
    n: int
    dof: int

    def prediction(self, comparisons: int = 1) -> tuple[float, float]:
        """Bound what one more run of the same kind gives, with probability 95 %.

        Parameters
        ----------
        comparisons : int
            How many such intervals are asked to hold together; each is widened so that all do
            with that probability (Bonferroni).

        Returns
        -------
        (float, float)
            (NaN, NaN) where n = 1.
        """
        if self.n == 1:
            return math.nan, math.nan
        half = _t(self.dof, comparisons) * self.std * math.sqrt(1 + 1 / self.n)
        return self.mean - half, self.mean + half


def estimate(values: Sequence[float]) -> Estimate | None:
    """Estimate the mean of independent runs, with its t-interval.

    Parameters
    ----------
    values : sequence of float, shape (n,)

    Returns
    -------
    Estimate or None
        None if there is no value.

    Examples
    --------
    >>> estimate([0.97, 0.98, 0.99]).mean
    0.98
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
    """Estimate mean counts out of known totals, with a spread that is pooled over them.

    With few runs the spread of a single count is hardly known. It is taken to be a common multiple
    of the binomial one, as in quasi-likelihood (McCullagh and Nelder, 1989), estimated from all
    counts of all runs. A count that is shown to spread more than the rest (F-test, Bonferroni over
    the k, the widest first) keeps its own spread.

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
    counts = np.asarray(counts, dtype=float)
    totals = np.asarray(totals, dtype=float)
    n, k = counts.shape
    means = counts.mean(axis=0)
    # Half a count is added to both sides, so that a count that never errs still has some spread.
    binomial = (means + 0.5) * (totals - means + 0.5) / (totals + 1)
    multiples = np.var(counts, axis=0, ddof=1) / binomial
    pooled = list(np.argsort(multiples))
    while len(pooled) > 1 and _wider(multiples[pooled[-1]], multiples[pooled[:-1]], n, k):
        pooled.pop()
    estimates = []
    for i in range(k):
        shared = pooled if i in pooled else [i]
        std = math.sqrt(float(np.mean(multiples[shared])) * binomial[i])
        estimates.append(_estimate(float(means[i]), std, n, len(shared) * (n - 1)))
    return estimates


def _wider(one: float, others: np.ndarray, n: int, k: int) -> bool:
    """Whether one of k multiples, each of n runs, is shown to be larger than the others' mean."""
    from scipy.special import fdtrc

    if not others.any():
        return one > 0
    return float(fdtrc(n - 1, len(others) * (n - 1), one / others.mean())) < (1 - LEVEL) / k


def _estimate(mean: float, std: float, n: int, dof: int) -> Estimate:
    half = _t(dof) * std / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, std, n, dof)


@dataclass(frozen=True)
class Difference:
    """A difference of two means, with its t-interval and tests.

    Attributes
    ----------
    mean : float
    error : float
        Standard error of the mean.
    std : float
        Standard deviation of the difference of one more pair of runs from the true mean.
    dof : float
        Degrees of freedom of both.
    n : int
        Runs of each, or pairs; the fewer where the two have different numbers.
    margin : float
        Differences up to this size count as none.
    """

    mean: float
    error: float
    std: float
    dof: float
    n: int
    margin: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of the mean."""
        return self.interval()[0]

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval of the mean."""
        return self.interval()[1]

    def interval(self, comparisons: int = 1) -> tuple[float, float]:
        """Bound the mean, widened so that several such intervals hold together (Bonferroni)."""
        half = _t(self.dof, comparisons) * self.error
        return self.mean - half, self.mean + half

    def prediction(self, comparisons: int = 1) -> tuple[float, float]:
        """Bound the difference that one more pair of runs gives, as :meth:`interval` is widened."""
        half = _t(self.dof, comparisons) * math.hypot(self.std, self.error)
        return self.mean - half, self.mean + half

    @property
    def p(self) -> float:
        """Two-sided, of the hypothesis that the mean is 0."""
        from scipy.special import stdtr

        if self.error < TINY:
            return 1.0 if abs(self.mean) < TINY else 0.0
        return 2 * float(stdtr(self.dof, -abs(self.mean) / self.error))

    @property
    def p_equivalent(self) -> float:
        """Of the hypothesis that the mean is outside the margin, by two one-sided tests."""
        from scipy.special import stdtr

        if self.error < TINY:
            return 0.0 if abs(self.mean) < self.margin else 1.0
        return float(stdtr(self.dof, (abs(self.mean) - self.margin) / self.error))

    @property
    def less(self) -> bool:
        """Whether the mean is shown to be below 0."""
        return self.p < 1 - LEVEL and self.mean < 0

    @property
    def greater(self) -> bool:
        """Whether the mean is shown to be above 0."""
        return self.p < 1 - LEVEL and self.mean > 0

    @property
    def equivalent(self) -> bool:
        """Whether the mean is shown to be within the margin."""
        return self.p_equivalent < 1 - LEVEL

    @property
    def beyond(self) -> bool:
        """Whether the mean is shown to be outside the margin: its whole interval is."""
        return self.low > self.margin or self.high < -self.margin

    @property
    def equivalence_interval(self) -> tuple[float, float]:
        """The 90 % interval: within the margin exactly if the mean is shown to be."""
        half = _t(self.dof, 1 / 2) * self.error
        return self.mean - half, self.mean + half


def paired(
    a: Sequence[float], b: Sequence[float], margin: float, overlap: float = 0.0
) -> Difference | None:
    """Compare paired values: a paired t-test, and two one-sided tests of equivalence.

    Parameters
    ----------
    a, b : sequence of float, shape (n,)
    margin : float
        Differences up to this size count as none (Schuirmann, 1987; Lakens, 2017).
    overlap : float
        For the folds of one cross-validation, whose training sets overlap: validation rows over
        training rows, 1/9 for ten folds. The variance of the mean is then (1/n + overlap) s^2
        instead of s^2/n (Nadeau and Bengio, 2003).

    Returns
    -------
    Difference or None
        Of a - b; None if there are fewer than two pairs.
    """
    difference = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    n = len(difference)
    if n < 2:
        return None
    std = float(difference.std(ddof=1))
    return Difference(
        float(difference.mean()), std * math.sqrt(1 / n + overlap), std, n - 1, n, margin
    )


def unpaired(a: Sequence[float], b: Sequence[float], margin: float) -> Difference | None:
    """Compare independent values of two methods: Welch's t-test, and two one-sided tests.

    Parameters
    ----------
    a : sequence of float, shape (n,)
    b : sequence of float, shape (m,)
    margin : float
        Differences up to this size count as none.

    Returns
    -------
    Difference or None
        Of a - b; None if either has fewer than two values.

    Examples
    --------
    >>> round(unpaired([3.0, 4.0, 5.0], [1.0, 2.0, 3.0], margin=1.0).mean, 6)
    2.0
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if min(len(a), len(b)) < 2:
        return None
    variances = np.array([a.var(ddof=1), b.var(ddof=1)])
    n = np.array([len(a), len(b)])
    parts = variances / n
    error = math.sqrt(parts.sum())
    dof = float(parts.sum() ** 2 / np.sum(parts**2 / (n - 1))) if error else float(n.sum() - 2)
    return Difference(
        float(a.mean() - b.mean()), error, math.sqrt(variances.sum()), dof, int(n.min()), margin
    )


def contrast(
    samples: Sequence[Sequence[float]], weights: Sequence[float], margin: float
) -> Difference:
    """Weigh independent means and add them up, with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    samples : sequence of sequences of float
        Each of two values or more.
    weights : sequence of float
        One for each sample.
    margin : float
        Sums up to this size count as none.
    """
    values = [np.asarray(sample, dtype=float) for sample in samples]
    sizes = np.array([len(sample) for sample in values])
    variances = np.square(weights) * np.array([sample.var(ddof=1) for sample in values])
    parts = variances / sizes
    mean = float(np.dot(weights, [sample.mean() for sample in values]))
    error = math.sqrt(parts.sum())
    dof = float(parts.sum() ** 2 / np.sum(parts**2 / (sizes - 1))) if error else float(sizes.sum())
    return Difference(mean, error, math.sqrt(variances.sum()), dof, int(sizes.min()), margin)


def share(hits: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Bound a share of which ``hits`` of ``n`` were seen (Clopper and Pearson, 1934)."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return low, high


def slope(values: Sequence[float]) -> Difference:
    """Fit a line to values over their index 0, 1, ..., n - 1 by least squares; return its slope."""
    from scipy.stats import linregress

    fit = linregress(np.arange(len(values)), values)
    error = float(fit.stderr)
    return Difference(float(fit.slope), error, 0.0, len(values) - 2, len(values), 0.0)


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


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p-values by Holm's method (1979), in their order.

    Statsmodels has the same, and collects all garbage at every call: a tenth of a second with the
    records in memory.
    """
    p = np.asarray(p_values, dtype=float)
    order, adjusted = np.argsort(p), np.empty_like(p)
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return adjusted


def rejected(p_values: Sequence[float]) -> np.ndarray:
    """Tell which hypotheses are rejected where any one of them will do, by :func:`holm`."""
    return holm(p_values) < 1 - LEVEL


def _t(dof: float, comparisons: float = 1) -> float:
    """Two-sided t-quantile at 95 %, or for one of so many intervals that hold together."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, 1 - (1 - LEVEL) / comparisons / 2))
