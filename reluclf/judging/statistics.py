"""Statistics of the book: means and differences of runs, with their intervals and tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

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

    @classmethod
    def of(cls, mean: float, std: float, n: int, dof: int) -> Estimate:
        """Bound a mean over n runs, whose spread has so many degrees of freedom."""
        half = _t(dof) * std / math.sqrt(n)
        return cls(mean, mean - half, mean + half, std, n, dof)

    def prediction(self, comparisons: int = 1, level: float = LEVEL) -> tuple[float, float]:
        """Bound what one more run of the same kind gives; one run bounds nothing.

        Parameters
        ----------
        comparisons : int
            How many such intervals are asked to hold together; each is widened so that all do
            with the probability ``level`` (Bonferroni).
        level : float
        """
        if self.n == 1:
            return -math.inf, math.inf
        half = _t(self.dof, comparisons, level) * self.std * math.sqrt(1 + 1 / self.n)
        return self.mean - half, self.mean + half


def estimate(values: ArrayLike) -> Estimate | None:
    """Estimate the mean of independent runs, with its t-interval; None if there is no value.

    Examples
    --------
    >>> estimate([0.97, 0.98, 0.99]).mean
    0.98
    """
    return mean_of(values) if np.size(values) else None


def mean_of(values: ArrayLike) -> Estimate:
    """Estimate the mean of one run or more, as :func:`estimate`.

    Raises
    ------
    ValueError
        If there is no value.
    """
    runs = np.asarray(values, dtype=float)
    n = len(runs)
    if n == 0:
        raise ValueError("no value to take the mean of; give at least one.")
    mean = float(runs.mean())
    if n == 1:
        return Estimate(mean, math.nan, math.nan, math.nan, 1, 0)
    return Estimate.of(mean, float(runs.std(ddof=1)), n, n - 1)


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

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Bound the mean."""
        return self._around(self.error, level)

    def prediction(self) -> tuple[float, float]:
        """Bound the difference that one more pair of runs gives, with probability 95 %."""
        return self._around(math.hypot(self.std, self.error), LEVEL)

    def _around(self, scale: float, level: float) -> tuple[float, float]:
        half = _t(self.dof, 1, level) * scale
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

    def sign(self, level: float = LEVEL) -> int:
        """-1 or 1 if the mean is shown to be below or above 0, else 0."""
        return int(np.sign(self.mean)) if self.p < 1 - level else 0

    @property
    def less(self) -> bool:
        """Whether the mean is shown to be below 0."""
        return self.sign() < 0

    @property
    def greater(self) -> bool:
        """Whether the mean is shown to be above 0."""
        return self.sign() > 0

    @property
    def equivalent(self) -> bool:
        """Whether the mean is shown to be within the margin."""
        return self.p_equivalent < 1 - LEVEL

    def beyond(self, level: float = LEVEL) -> bool:
        """Whether the mean is shown to be outside the margin: its whole interval is."""
        low, high = self.interval(level)
        return low > self.margin or high < -self.margin

    @property
    def equivalence_interval(self) -> tuple[float, float]:
        """The 90 % interval: within the margin exactly if the mean is shown to be."""
        return self.interval(1 - 2 * (1 - LEVEL))


def paired(a: ArrayLike, b: ArrayLike, margin: float, overlap: float = 0.0) -> Difference | None:
    """Compare paired values: a paired t-test, and two one-sided tests of equivalence.

    Parameters
    ----------
    a, b : array of float, shape (n,)
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
    mean, std = float(difference.mean()), float(difference.std(ddof=1))
    return Difference(mean, std * math.sqrt(1 / n + overlap), std, n - 1, n, margin)


def unpaired(a: ArrayLike, b: ArrayLike, margin: float) -> Difference | None:
    """Compare independent values of two methods: Welch's t-test, and two one-sided tests.

    Parameters
    ----------
    a, b : array of float, shapes (n,), (m,)
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
    return contrast([a, b], [1, -1], margin) if min(np.size(a), np.size(b)) > 1 else None


def contrast(samples: Sequence[ArrayLike], weights: Sequence[float], margin: float) -> Difference:
    """Weigh independent means and add them up, with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    samples : sequence of arrays of float
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
    dof = float(parts.sum() ** 2 / np.sum(parts**2 / (sizes - 1)) if error else sum(sizes - 1))
    return Difference(mean, error, math.sqrt(variances.sum()), dof, int(sizes.min()), margin)


def share(hits: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Bound a share of which ``hits`` of ``n`` were seen (Clopper and Pearson, 1934)."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return low, high


def slope(values: ArrayLike) -> Difference:
    """Fit a line to values over their index 0, 1, ..., n - 1 by least squares; return its slope."""
    from scipy.stats import linregress

    fit = linregress(np.arange(np.size(values)), values)
    error = float(fit.stderr)
    return Difference(float(fit.slope), error, 0.0, np.size(values) - 2, np.size(values), 0.0)


def rejected(p_values: Sequence[float], level: float = LEVEL) -> np.ndarray:
    """Tell which hypotheses are rejected where any one of them will do (Holm, 1979).

    Statsmodels has the same, and collects all garbage at every call: a tenth of a second with the
    records in memory.

    Returns
    -------
    ndarray of bool
        In the order of the p-values.
    """
    p = np.asarray(p_values, dtype=float)
    order, adjusted = np.argsort(p), np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return adjusted < 1 - level


def _t(dof: float, comparisons: float = 1, level: float = LEVEL) -> float:
    """Two-sided t-quantile, of one of so many intervals that hold together."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, 1 - (1 - level) / comparisons / 2))
