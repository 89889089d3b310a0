"""The statistics equal those of scipy, statsmodels and baycomp."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttost_ind, ttost_paired

from reluclf.judging.counts import estimate_counts
from reluclf.judging.statistics import (
    contrast,
    estimate,
    paired,
    rejected,
    share,
    slope,
    unpaired,
)

#: Shares of correct predictions: of 10,000 images, and of 171 tumours, of which many are tied.
accuracies = st.integers(0, 10_000).map(lambda hits: hits / 10_000)
tumours = st.integers(120, 171).map(lambda hits: hits / 171)
samples = st.one_of(
    st.lists(accuracies, min_size=2, max_size=20), st.lists(tumours, min_size=2, max_size=20)
).filter(lambda values: np.ptp(values) > 1e-6)


def equal(ours, theirs):
    return ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)


def random(n, m=None, seed=0):
    """Two samples, of n and of m values."""
    rng = np.random.default_rng([seed, n])
    return rng.normal(0.9, 0.02, n), rng.normal(0.88, 0.01, m or n)


@given(samples)
@example([0.9] * 7 + [0.8])
def test_an_estimate_has_scipys_t_interval(values):
    ours, n = estimate(values), len(values)
    theirs = stats.t.interval(0.95, n - 1, loc=np.mean(values), scale=stats.sem(values))
    assert equal((ours.low, ours.high), theirs)
    assert (ours.n, ours.dof) == (n, n - 1) and equal(ours.std, np.std(values, ddof=1))


def test_an_estimate_of_nothing_is_none_and_of_one_run_has_no_interval():
    one = estimate([0.9])
    assert estimate([]) is None and (one.mean, one.n) == (0.9, 1)
    assert all(math.isnan(end) for end in (one.low, one.high))
    assert one.prediction() == (-math.inf, math.inf)


@given(samples, st.integers(1, 110))
def test_a_prediction_interval_is_the_quantile_times_the_scatter_of_one_more(values, many):
    n = len(values)
    scale = np.std(values, ddof=1) * math.sqrt(1 + 1 / n)
    theirs = stats.t.interval(1 - 0.05 / many, n - 1, loc=np.mean(values), scale=scale)
    assert equal(estimate(values).prediction(many), theirs)


def test_several_predictions_of_one_more_run_each_hold_together():
    rng = np.random.default_rng(2)
    held = []
    for _ in range(1500):
        runs, more = rng.normal(size=(10, 5)), rng.normal(size=10)
        ends = [estimate(values).prediction(10) for values in runs]
        held.append(all(low <= x <= high for (low, high), x in zip(ends, more, strict=True)))
    assert 0.94 <= np.mean(held) <= 0.99


@pytest.mark.parametrize("n", [2, 3, 8, 100])
def test_the_paired_test_is_scipys(n):
    a, b = random(n)
    ours, theirs = paired(a, b, margin=0.01), stats.ttest_rel(a, b)
    assert equal(ours.p, theirs.pvalue)
    assert equal((ours.low, ours.high), tuple(theirs.confidence_interval(0.95)))
    assert equal(ours.p_equivalent, ttost_paired(a, b, -0.01, 0.01)[0])
    assert equal(ours.equivalence_interval, tuple(theirs.confidence_interval(0.9)))


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 20), (8, 8), (20, 5), (100, 100)])
def test_the_unpaired_test_is_scipys_welch_test(n, m):
    a, b = random(n, m)
    ours, theirs = unpaired(a, b, margin=0.01), stats.ttest_ind(a, b, equal_var=False)
    assert equal(ours.p, theirs.pvalue) and equal(ours.dof, theirs.df)
    assert equal((ours.low, ours.high), tuple(theirs.confidence_interval(0.95)))
    assert equal(ours.p_equivalent, ttost_ind(a, b, -0.01, 0.01, usevar="unequal")[0])


@given(samples, samples)
@example([0.9, 0.9, 0.9, 0.8], [0.7, 0.7, 0.7])
def test_on_tied_values_the_unpaired_interval_is_statsmodels(a, b):
    ours = unpaired(a, b, margin=0.02)
    theirs = CompareMeans(DescrStatsW(a), DescrStatsW(b)).tconfint_diff(usevar="unequal")
    assert equal((ours.low, ours.high), theirs)


def test_a_difference_without_scatter_is_sure():
    same = paired([0.9, 0.8], [0.9, 0.8], margin=0.01)
    apart = paired([0.75, 0.5], [0.5, 0.25], margin=0.01)
    assert (same.p, same.p_equivalent, same.equivalent, same.less, same.greater) == (
        1.0,
        0.0,
        True,
        False,
        False,
    )
    assert (apart.p, apart.p_equivalent, apart.greater, apart.beyond()) == (0.0, 1.0, True, True)


def test_fewer_than_two_values_have_no_difference():
    assert paired([0.9], [0.8], 0.01) is None
    assert unpaired([0.9], [0.8, 0.7], 0.01) is None is unpaired([0.9, 0.8], [0.7], 0.01)


def test_one_more_pair_scatters_by_both_heads_and_by_the_error_of_the_mean():
    a, b = random(8)
    ours = unpaired(a, b, margin=0.02)
    scale = math.sqrt((1 + 1 / 8) * (a.var(ddof=1) + b.var(ddof=1)))
    assert equal(ours.prediction(), stats.t.interval(0.95, ours.dof, a.mean() - b.mean(), scale))
    pair, difference = paired(a, b, margin=0.02), a - b
    scale = math.sqrt((1 + 1 / 8) * difference.var(ddof=1))
    assert equal(pair.prediction(), stats.t.interval(0.95, 7, difference.mean(), scale))


@pytest.mark.parametrize(("n", "m"), [(3, 20), (20, 20)])
def test_a_contrast_of_two_means_is_welchs_and_of_three_has_their_variances(n, m):
    a, b = random(n, m)
    ours, theirs = contrast([a, b], [1, -1], 0.02), unpaired(a, b, 0.02)
    assert equal((ours.low, ours.high, ours.p), (theirs.low, theirs.high, theirs.p))
    three = contrast([a, b, b], [1.0, -0.5, -0.5], 0.02)
    assert equal(three.mean, ours.mean)
    assert equal(three.error, math.sqrt(a.var(ddof=1) / n + b.var(ddof=1) / m / 2))


def baycomp_correlated_t(difference, rope, overlap_share):
    """Baycomp's CorrelatedTTest: the posterior of the mean below, within and above the rope."""
    n = len(difference)
    rho = overlap_share / (1 - overlap_share)
    scale = math.sqrt(np.var(difference, ddof=1) * (1 / n + rho))
    mean = np.mean(difference)
    below = stats.t.cdf(-rope, n - 1, loc=mean, scale=scale)
    above = 1 - stats.t.cdf(rope, n - 1, loc=mean, scale=scale)
    return below, 1 - below - above, above


def test_overlapping_folds_are_corrected_as_in_baycomp():
    a, b = random(10)
    ours = paired(a, b, margin=0.02, overlap=1 / 9)
    below, _, above = baycomp_correlated_t(a - b, 0.0, 1 / 10)
    assert equal(ours.p, 2 * min(below, above))
    below, _, above = baycomp_correlated_t(a - b, 0.02, 1 / 10)
    assert equal(ours.p_equivalent, max(below, above))
    assert ours.error > paired(a, b, margin=0.02).error


@pytest.mark.parametrize("n", [1, 5, 8, 20, 100])
def test_a_share_has_clopper_and_pearsons_interval(n):
    for hits in range(n + 1):
        assert equal(share(hits, n), proportion_confint(hits, n, 0.05, method="beta"))
        exact = stats.binomtest(hits, n).proportion_ci(0.99)
        assert equal(share(hits, n, 0.99), (exact.low, exact.high))


@pytest.mark.parametrize("values", [random(10)[0], [0.9, 0.9, 0.8, 0.9, 0.9], [0.1, 0.3, 0.2]])
def test_a_slope_is_scipys(values):
    ours, theirs = slope(values), stats.linregress(range(len(values)), values)
    assert equal((ours.mean, ours.p), (theirs.slope, theirs.pvalue))
    reach = stats.t.ppf(0.975, len(values) - 2) * theirs.stderr
    assert equal(ours.high - ours.mean, reach)


P_VALUES = [
    [],
    [0.04],
    [0.01, 0.04, 0.03],
    [0.05, 0.05, 0.05],
    [0.0, 1.0],
    [0.02, 0.02, 0.01, 0.5],
    [1.0, 1.0],
    [0.2, 0.001, 0.013, 0.012, 0.6],
    [0.024, 0.026],
    list(np.random.default_rng(3).random(12) ** 3),
]


@pytest.mark.parametrize("p", P_VALUES, ids=len)
def test_holms_adjustment_is_statsmodels(p):
    for level in (0.9, 0.95, 0.99):
        theirs = multipletests(p, 1 - level, method="holm")[0] if p else []
        assert list(rejected(p, level)) == list(theirs)


def test_ten_counts_with_a_pooled_spread_are_predicted_together():
    rng = np.random.default_rng(7)
    shares, totals = np.linspace(0.7, 0.95, 10), np.full(10, 1000)
    scatter = 2 * np.sqrt(totals * shares * (1 - shares))
    held, narrower = [], []
    for _ in range(1500):
        runs = rng.normal(totals * shares, scatter, (3, 10))
        more = rng.normal(totals * shares, scatter)
        ends = [one.prediction(10) for one in estimate_counts(runs, totals)]
        held.append(all(low <= x <= high for (low, high), x in zip(ends, more, strict=True)))
        narrower.append(np.subtract(*ends[0]) > np.subtract(*estimate(runs[:, 0]).prediction(10)))
    assert 0.9 <= np.mean(held) <= 0.99
    assert np.mean(narrower) > 0.8


def test_a_class_that_one_run_has_lost_does_not_widen_the_intervals_of_the_others():
    rng = np.random.default_rng(1)
    runs = np.round(970 + rng.normal(0, 1.5, (3, 10)))
    runs[2, 0] = 23
    lost, *others = estimate_counts(runs, np.full(10, 1000))
    assert lost.dof == 2 and lost.std == pytest.approx(np.std(runs[:, 0], ddof=1))
    assert all(other.dof == 18 and other.std < 3 for other in others)
