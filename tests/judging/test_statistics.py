"""Estimates and their intervals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from reluclf.judging.statistics import MOST, POWER, Estimate, Match, estimate, estimate_counts, holm, mcnemar, paired, slope


def test_an_estimate_of_nothing_is_none():
    assert estimate([]) is None


def test_one_run_has_a_mean_and_no_interval():
    one = estimate([0.9])
    assert (one.mean, one.n) == (0.9, 1)
    assert math.isnan(one.low) and math.isnan(one.high) and math.isnan(one.prediction()[0])


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
    predicted = np.mean([e.prediction()[0] <= sample[4] <= e.prediction()[1] for e, sample in zip(estimates, samples, strict=True)])
    assert covered == pytest.approx(0.95, abs=0.015)
    assert predicted == pytest.approx(0.95, abs=0.015)


def test_several_prediction_intervals_hold_together():
    # Ten values are predicted from five runs each: all ten intervals together must hold in about 95 % of the cases (Bonferroni: at least).
    rng = np.random.default_rng(2)
    held = []
    for _ in range(1500):
        runs, more = rng.normal(size=(10, 5)), rng.normal(size=10)
        intervals = [estimate(values).prediction(comparisons=10) for values in runs]
        held.append(all(low <= value <= high for (low, high), value in zip(intervals, more, strict=True)))
    assert 0.94 <= np.mean(held) <= 0.99


def test_the_paired_test_is_scipys():
    a, b = np.random.default_rng(3).normal(size=(2, 9))
    ours, theirs = paired(a, b, margin=0.1), scipy_stats.ttest_rel(a, b)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


def test_the_equivalence_test_is_statsmodels():
    from statsmodels.stats.weightstats import ttost_paired

    a, b = np.random.default_rng(4).normal(0, 0.02, size=(2, 12))
    assert paired(a, b, margin=0.01).p_equivalent == pytest.approx(ttost_paired(a, b, -0.01, 0.01)[0])


@pytest.mark.parametrize(
    ("differences", "shown"),
    [
        ([0.001, -0.001, 0.002, 0.0, -0.002], "equivalent"),
        ([0.05, 0.06, 0.04, 0.05, 0.055], "greater"),
        ([-0.05, -0.06, -0.04, -0.05, -0.055], "less"),
        ([0.3, -0.3, 0.2, -0.25, 0.05], "nothing"),
    ],
)
def test_what_is_shown_is_shown_and_what_is_not_is_not(differences, shown):
    d = paired(differences, np.zeros(5), margin=0.01)
    assert [d.equivalent, d.greater, d.less] == [shown == "equivalent", shown == "greater", shown == "less"]


def test_equal_results_in_every_pair_are_equivalent_and_one_pair_shows_nothing():
    assert paired([0.9, 0.8], [0.9, 0.8], margin=0.01).equivalent
    assert paired([0.9], [0.8], margin=0.01) is None


def test_overlapping_folds_widen_the_interval_as_nadeau_and_bengio_say():
    a, b = np.random.default_rng(5).normal(size=(2, 10))
    plain, corrected = paired(a, b, 0.1), paired(a, b, 0.1, overlap=1 / 9)
    assert (corrected.high - corrected.low) / (plain.high - plain.low) == pytest.approx(math.sqrt((1 / 10 + 1 / 9) / (1 / 10)))
    assert corrected.p > plain.p


def test_mcnemar_counts_only_the_samples_on_which_the_two_disagree():
    a = np.array([True] * 90 + [True] * 8 + [False] * 2)
    b = np.array([True] * 90 + [False] * 8 + [True] * 2)
    assert mcnemar(a, b) == pytest.approx(2 * scipy_stats.binom.cdf(2, 10, 0.5))
    assert mcnemar(a, a) == 1


def test_holm_multiplies_the_smallest_p_value_by_the_number_of_tests():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert len(holm([])) == 0


def test_a_number_matches_only_an_interval_that_could_have_missed_it():
    runs = estimate([0.90, 0.91, 0.92])  # reaches 5 points to either side
    low, high = runs.prediction()
    assert (high - low) / 2 == pytest.approx(4.3027 * 0.01 * math.sqrt(4 / 3), rel=1e-4)
    assert runs.match(0.93, tolerance=0.05) == Match.INSIDE
    assert runs.match(0.93, tolerance=0.04) == Match.WIDE
    assert runs.match(0.97, tolerance=0.04) == Match.OUTSIDE == runs.match(0.97, tolerance=0.05)
    assert runs.match(0.97, tolerance=0.04, comparisons=4) == Match.WIDE  # ten points to either side
    assert estimate([0.9]).match(0.9, tolerance=1) == Match.WIDE


def test_no_number_of_runs_helps_where_single_runs_scatter_too_widely():
    runs = estimate(np.random.default_rng(6).normal(0.5, 0.2, 60))
    assert runs.match(0.5, tolerance=0.1) == Match.SCATTERED
    assert runs.enough(0.1) is None
    few = estimate([0.3, 0.5, 0.7])  # as widely, but three runs cannot be sure of it
    assert few.match(0.5, tolerance=0.3) == Match.WIDE


def test_the_runs_that_would_do_would_do():
    runs = estimate([0.88, 0.90, 0.92])
    n = runs.enough(0.05)
    reach = [scipy_stats.t.ppf(0.975, k - 1) * runs.std * math.sqrt(1 + 1 / k) for k in (n - 1, n)]
    assert reach[0] > 0.05 >= reach[1]


def test_as_many_pairs_as_are_called_enough_show_a_difference_in_four_of_five_cases():
    rng = np.random.default_rng(3)
    first_few = paired(rng.normal(0, 1, 8), np.zeros(8), margin=0.5)
    n = first_few.enough(1.0)
    drawn = [paired(rng.normal(1.0, first_few.std, n), np.zeros(n), margin=0.5) for _ in range(2000)]
    assert np.mean([d.greater for d in drawn]) == pytest.approx(POWER, abs=0.06) or n < 6
    m = first_few.enough_equivalent()
    drawn = [paired(rng.normal(0.0, first_few.std, m), np.zeros(m), margin=0.5) for _ in range(2000)]
    assert np.mean([d.equivalent for d in drawn]) == pytest.approx(POWER, abs=0.04)
    assert first_few.enough(1.0, comparisons=10) > n and first_few.enough(0.01) is None


def test_half_a_count_is_granted_to_a_count_that_never_varies():
    exact = estimate([100.0, 100.0, 100.0])
    assert exact.match(101, tolerance=5, unit=2) == Match.INSIDE
    assert exact.match(102, tolerance=5, unit=2) == Match.OUTSIDE


def test_intervals_of_counts_with_a_pooled_spread_hold_together():
    # Ten classes, each run twice as spread as binomial: in about 95 % of cases ten more counts must all lie in the intervals from three runs.
    rng = np.random.default_rng(7)
    shares, totals = np.linspace(0.7, 0.95, 10), np.full(10, 1000)
    deviations = 2 * np.sqrt(totals * shares * (1 - shares))
    held, narrower = [], []
    for _ in range(1500):
        runs = rng.normal(totals * shares, deviations, (3, 10))
        more = rng.normal(totals * shares, deviations)
        pooled = [e.prediction(10) for e in estimate_counts(runs, totals)]
        held.append(all(low <= value <= high for (low, high), value in zip(pooled, more, strict=True)))
        single = estimate(runs[:, 0]).prediction(10)
        narrower.append((pooled[0][1] - pooled[0][0]) < (single[1] - single[0]))
    assert 0.9 <= np.mean(held) <= 0.99
    assert np.mean(narrower) > 0.8


def test_a_class_that_one_run_has_lost_does_not_widen_the_intervals_of_the_others():
    totals = np.full(10, 1000)
    runs = np.array([[970, 971, 969, 972, 970, 968, 971, 970, 969, 973], [972, 969, 971, 970, 971, 970, 968, 972, 971, 970]])
    runs = np.vstack([runs, [23, 970, 970, 971, 969, 971, 970, 971, 970, 969]])
    lost, *others = estimate_counts(runs, totals)
    assert lost.std == pytest.approx(np.sqrt(np.var(runs[:, 0], ddof=1)), rel=0.01) and lost.dof == 2
    assert all(other.dof == 18 and other.std < 3 for other in others)


def test_a_slope_is_scipys():
    values = np.random.default_rng(8).normal(size=10)
    ours, theirs = slope(values), scipy_stats.linregress(range(10), values)
    assert (ours.mean, ours.p) == pytest.approx((theirs.slope, theirs.pvalue))
    assert ours.high - ours.mean == pytest.approx(scipy_stats.t.ppf(0.975, 8) * theirs.stderr)


@pytest.mark.parametrize(("differences", "beyond"), [([0.05, 0.06, 0.055], True), ([0.013, 0.015, 0.014], True), ([0.005, 0.03, 0.015], False)])
def test_beyond_the_margin_is_the_whole_interval(differences, beyond):
    assert paired(differences, np.zeros(3), margin=0.01).beyond == beyond


def test_as_many_runs_as_are_enough_for_every_part_show_all_of_them_as_often_as_promised():
    rng = np.random.default_rng(9)
    std, sought, parts = 0.024, 0.036, 3  # an effect of one and a half
    spread = paired([std, -std, 0.0], np.zeros(3), margin=0.01)  # whose standard deviation is that
    n = spread.enough(sought, parts=parts)
    assert spread.std == pytest.approx(std) and spread.enough(sought) < n < 12
    for pairs, promised in ((n, True), (n - 1, False)):
        values = rng.normal(sought, std, (2000, parts, pairs))
        shown = (scipy_stats.ttest_1samp(values, 0, axis=2).pvalue < 0.05).all(axis=1)
        assert (shown.mean() > POWER - 0.02) == promised
    assert spread.enough(sought / 20) is None and spread.enough(sought / 20, std=std / 20) == spread.enough(sought)
    assert spread.least_std == pytest.approx(std * np.sqrt(2 / scipy_stats.chi2.ppf(0.95, 2)))


def test_more_runs_than_any_network_has_are_not_called_enough():
    z = scipy_stats.norm.ppf(0.975)
    assert 3 < Estimate(0.5, 0.4, 0.6, 0.9 / z, 3, 2).enough(1.0) <= MOST
    assert Estimate(0.5, 0.4, 0.6, 0.999 / z, 3, 2).enough(1.0) is None


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holms_adjustment_is_statsmodels(p):
    expected = multipletests(p, method="holm")[1] if p else []
    assert list(holm(p)) == pytest.approx(list(expected))
