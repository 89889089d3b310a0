"""Estimates and their intervals."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from reluclf.stats import estimate


def test_an_estimate_of_nothing_is_none():
    assert estimate([]) is None


def test_one_run_has_a_mean_and_no_interval():
    one = estimate([0.9])
    assert (one.mean, one.n) == (0.9, 1)
    assert math.isnan(one.low) and math.isnan(one.high) and math.isnan(one.prediction[0])


def test_the_interval_is_scipys_t_interval():
    values = np.random.default_rng(0).normal(size=7)
    ours = estimate(values)
    low, high = scipy_stats.t.interval(0.95, 6, loc=values.mean(), scale=scipy_stats.sem(values))
    assert (ours.low, ours.high) == pytest.approx((low, high))
    assert ours.n == 7 and ours.std == pytest.approx(values.std(ddof=1))


def test_the_intervals_cover_what_they_promise():
    # 4,000 samples of n = 4: the mean must lie in the interval, and a fifth value in the prediction interval, for 95 % of them.
    rng = np.random.default_rng(1)
    samples = rng.normal(3, 2, (4000, 5))
    estimates = [estimate(sample[:4]) for sample in samples]
    covered = np.mean([e.low <= 3 <= e.high for e in estimates])
    predicted = np.mean([e.prediction[0] <= sample[4] <= e.prediction[1] for e, sample in zip(estimates, samples, strict=True)])
    assert covered == pytest.approx(0.95, abs=0.015)
    assert predicted == pytest.approx(0.95, abs=0.015)
