"""How a page writes a measure, a difference and an estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

#: What stands in a cell that has no value.
NONE = "–"

#: What stands in a sentence for a number that no record gives yet.
NOT_MEASURED = "(not measured yet)"

_PERCENT = {"cv_accuracy", "cv_std", "test_accuracy"}
_SHARES = {"cv_accuracy", "test_accuracy", "precision", "recall", "f1"}


class Interval(Protocol):
    """What is written with its interval: an estimate or a difference, from ``n`` runs."""

    @property
    def mean(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...

    @property
    def n(self) -> int: ...


def difference_cell(value: Interval | None, name: str = "test_accuracy") -> str:
    """Write a difference in a measure with its sign, interval and n, or a dash."""
    if value is None:
        return NONE
    text = signed(value.mean, name)
    if value.n == 1:
        return f"{text} (n = 1)"
    return f"{text} [{signed(value.low, name)}, {signed(value.high, name)}] (n = {value.n})"


def points(value: Interval) -> str:
    """Write a difference of shares in percentage points, as a sentence has it."""
    low, mean, high = (signed(part, "cv_accuracy") for part in (value.low, value.mean, value.high))
    return (
        f"{mean} points (n = 1)"
        if value.n == 1
        else f"{mean} points ({low} to {high}, n = {value.n})"
    )


def magnitude(value: float) -> str:
    """Write a number of any size, not negative: ``0``, ``1.1e-16``, ``0.725``, ``10,000``."""
    return (
        "0"
        if value == 0
        else f"{value:.1e}"
        if value < 0.001
        else f"{value:.3g}"
        if value < 999.5
        else f"{value:,.0f}"
    )


def p_value(p: float) -> str:
    """Write a p-value in three decimals.

    Examples
    --------
    >>> p_value(0.0304), p_value(0.0001)
    ('0.030', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def number(value: float, name: str) -> str:
    """Write a measure: percent with two decimals, losses with four, the rest with two."""
    if math.isnan(value):
        return "NaN"
    text = (
        f"{100 * value:.2f}"
        if name in _PERCENT
        else f"{value:.4f}"
        if name == "test_loss"
        else f"{value:.2f}"
    )
    return text.replace("-", "−")


def ends(low: float, high: float, name: str) -> tuple[str, str]:
    """Write both ends of an interval, cut off at what the measure can be: 0, and for a share 1."""
    return number(max(low, 0.0), name), number(min(high, 1.0) if name in _SHARES else high, name)


def signed(difference: float, name: str) -> str:
    """Write a difference of two measures, with its sign."""
    text = number(abs(difference), name)
    zero = not text.strip("0.")
    return text if zero or text == "NaN" else ("+" if difference > 0 else "−") + text


def cell(value: Interval | None, name: str) -> str:
    """Write an estimate with its interval and n, or a dash."""
    if value is None:
        return NONE
    if value.n == 1:
        return f"{number(value.mean, name)} (n = 1)"
    low, high = ends(value.low, value.high, name)
    return f"{number(value.mean, name)} [{low}, {high}] (n = {value.n})"


def span(shares: Sequence[float]) -> str:
    """Write the lowest and the highest of shares, in percent: ``93.9 to 94.1 %``."""
    if not shares:
        return NOT_MEASURED
    low, high = (f"{100 * share:.1f}" for share in (min(shares), max(shares)))
    return f"{low}\u00a0%" if low == high else f"{low} to {high}\u00a0%"
