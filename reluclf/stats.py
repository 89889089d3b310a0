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

    @property
    def prediction(self) -> tuple[float, float]:
        """The interval that one more run of the same kind falls into with probability :data:`LEVEL`; (NaN, NaN) where n = 1."""
        half = _t(self.n) * self.std * math.sqrt(1 + 1 / self.n) if self.n > 1 else math.nan
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


def _t(n: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + LEVEL) / 2))
