"""The tests of whether a difference exceeds a bound: the book's own, and the others beside it."""

import numpy as np
import pytest
from made_up import spread

from reluclf.judging import thresholds
from reluclf.judging.exceeding import OURS, TESTS, exceeds, falls_below, values


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("are_paired", [True, False])
def test_all_tests_agree_on_clear_cases(test, are_paired):
    rng = np.random.default_rng(4)
    softmax = rng.normal(0.9, 0.01, 20)
    for shift, above, below in ((0.05, True, False), (-0.05, False, True), (0.0, False, False)):
        both = values(softmax + shift + rng.permutation(spread(0, 0.01, 20)), softmax, are_paired)
        assert exceeds(both, 0.0, 0.025, test) == above
        assert falls_below(both, 0.0, 0.025, test) == below


@pytest.mark.parametrize("test", TESTS)
def test_a_difference_is_compared_with_the_bound_and_not_with_zero(test):
    both = values(0.9 + spread(0.05, 0.01, 20), 0.9 + spread(0, 0.01, 20)[::-1])
    assert exceeds(both, 0.02, 0.025, test) and not exceeds(both, 0.05, 0.025, test)
    assert falls_below(both, 0.08, 0.025, test) and not falls_below(both, 0.05, 0.025, test)


@pytest.mark.parametrize("test", TESTS)
def test_heads_that_tie_in_every_pair_show_no_direction(test):
    hits = np.array([150, 151, 160, 149, 155, 158, 163, 140])
    both = values(hits / 171, hits / 171, are_paired=True)
    assert not exceeds(both, 0.0, 0.025, test) and not falls_below(both, 0.0, 0.025, test)


@pytest.mark.parametrize("off", [1e-15, -1e-15])
def test_ranks_do_not_change_by_noise_of_rounding(off):
    # Seven ties of one size, and one larger difference to the other side: p = 0.0625 of integers.
    counts = np.array([1, 1, 1, 1, 1, 1, 1, -2]) / 171
    noise = off * np.array([1, -1, 2, -2, 3, 1, 2, 0])
    softmax = np.full(8, 0.5)
    shown = [
        exceeds(values(softmax + counts + e, softmax, True), 0.0, alpha, "ranks")
        for e in (0.0, noise)
        for alpha in (0.01, 0.05, 0.1, 0.2)
    ]
    assert shown[:4] == shown[4:] and shown[0] != shown[3]


def test_the_books_own_choices_are_the_thresholds():
    assert (OURS.level, OURS.margin, OURS.test) == (thresholds.LEVEL, thresholds.MARGIN, "t")
