"""The one question that every rule about a difference asks: is it shown to exceed a number?

The book asks it by t-tests. The other tests are there to see what hangs on that choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reluclf.judging.statistics import TINY, Difference, paired, unpaired
from reluclf.judging.thresholds import LEVEL, MARGIN

#: Resamples of the tests that resample, and the seed of their random numbers.
RESAMPLES, SEED = 9_999, 10


@dataclass(frozen=True)
class Choice:
    """The choices that a verdict is made under.

    Attributes
    ----------
    level : float
        Confidence of intervals and tests.
    margin : float
        Differences up to this size count as none.
    test : {"t", "bootstrap", "ranks", "permutation", "bayes"}
        How a difference is tested; see :data:`TESTS`.
    kinds : bool
        Whether runs that lose no class, as none of the paper's does, are a kind of their own.
    """

    level: float = LEVEL
    margin: float = MARGIN
    test: str = "t"
    kinds: bool = True


#: The book's own choices.
OURS = Choice()


@dataclass(frozen=True)
class Values:
    """A measure of the runs of both heads: floats of shape (n,) and (m,), paired on WDBC alone."""

    relu: np.ndarray
    softmax: np.ndarray
    paired: bool

    def difference(self, margin: float) -> Difference:
        """ReLU minus softmax, with its t-interval; of two runs of each or more."""
        return _difference(self.relu, self.softmax, self.paired, margin)

    def shifted(self, by: float) -> Values:
        """The same with this added to ReLU's."""
        return Values(self.relu + by, self.softmax, self.paired)


def values(relu: ArrayLike, softmax: ArrayLike, are_paired: bool = False) -> Values:
    """Make :class:`Values` of two sequences."""
    return Values(np.asarray(relu, dtype=float), np.asarray(softmax, dtype=float), are_paired)


def _difference(a: np.ndarray, b: np.ndarray, are_paired: bool, margin: float) -> Difference:
    found = (paired if are_paired else unpaired)(a, b, margin)
    if found is None:
        raise ValueError("fewer than two runs cannot be compared; the design asks for more.")
    return found


def exceeds(values: Values, bound: float, alpha: float, test: str = "t") -> bool:
    """Whether ReLU minus softmax is shown to be above a bound.

    Parameters
    ----------
    values : Values
    bound : float
    alpha : float
        The probability of an error, one-sided.
    test : str
        One of :data:`TESTS`.

    Examples
    --------
    >>> exceeds(Values(np.array([3.0, 4.0, 5.0]), np.array([0.0, 1.0, 2.0]), False), 0.0, 0.025)
    True
    """
    # Counts over totals are equal or not: no noise of rounding may break a tie between ranks.
    a = np.round(values.relu - bound, 12)
    b = np.round(values.softmax, 12)
    return TESTS[test](a, b, values.paired, alpha)


def falls_below(values: Values, bound: float, alpha: float, test: str = "t") -> bool:
    """Whether ReLU minus softmax is shown to be below a bound; as :func:`exceeds`."""
    mirrored = Values(values.softmax, values.relu, values.paired)
    return exceeds(mirrored, -bound, alpha, test)


def _t(a: np.ndarray, b: np.ndarray, are_paired: bool, alpha: float) -> bool:
    difference = _difference(a, b, are_paired, 0.0)
    return difference.mean > 0 and difference.p / 2 < alpha


def _bootstrap(a: np.ndarray, b: np.ndarray, are_paired: bool, alpha: float) -> bool:
    """By the lower end of the bias-corrected and accelerated interval (Efron, 1987)."""
    from scipy.stats import bootstrap

    samples = (a - b,) if are_paired else (a, b)
    if all(np.ptp(sample) == 0 for sample in samples):
        return bool(a.mean() - b.mean() > TINY)
    interval = bootstrap(
        samples,
        _mean_difference,
        confidence_level=1 - alpha,
        alternative="greater",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(SEED),
        vectorized=True,
    )
    return bool(interval.confidence_interval.low > 0)


def _ranks(a: np.ndarray, b: np.ndarray, are_paired: bool, alpha: float) -> bool:
    """By Wilcoxon's signed ranks where paired, else by Mann and Whitney's."""
    from scipy.stats import mannwhitneyu, wilcoxon

    if are_paired:
        difference = np.round(a - b, 12)
        if not difference.any():
            return False
        return float(wilcoxon(difference, alternative="greater").pvalue) < alpha
    return float(mannwhitneyu(a, b, alternative="greater").pvalue) < alpha


def _permutation(a: np.ndarray, b: np.ndarray, are_paired: bool, alpha: float) -> bool:
    """By exchanging labels: signs of the differences where paired."""
    from scipy.stats import permutation_test

    samples = (a - b,) if are_paired else (a, b)
    result = permutation_test(
        samples,
        _mean_difference,
        permutation_type="samples" if are_paired else "independent",
        alternative="greater",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(SEED),
        vectorized=True,
    )
    return float(result.pvalue) < alpha


def _mean_difference(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    means = [np.mean(sample, axis=axis) for sample in samples]
    return means[0] - means[1] if len(means) == 2 else means[0]


def _bayes(a: np.ndarray, b: np.ndarray, are_paired: bool, alpha: float) -> bool:
    """By the posterior probability under normal runs and a flat prior (Behrens and Fisher)."""
    generator = np.random.default_rng(SEED)
    if np.ptp(a - b if are_paired else a) == 0 and (are_paired or np.ptp(b) == 0):
        return bool(a.mean() - b.mean() > TINY)

    def posterior(sample: np.ndarray) -> np.ndarray:
        error = sample.std(ddof=1) / np.sqrt(len(sample))
        return sample.mean() + error * generator.standard_t(len(sample) - 1, 100_000)

    draws = posterior(a - b) if are_paired else posterior(a) - posterior(b)
    return float(np.mean(draws > 0)) > 1 - alpha


#: The tests, each of whether the mean of ``a`` is above that of ``b``.
TESTS: dict[str, Callable[[np.ndarray, np.ndarray, bool, float], bool]] = {
    "t": _t,
    "bootstrap": _bootstrap,
    "ranks": _ranks,
    "permutation": _permutation,
    "bayes": _bayes,
}
