"""Where the paper's numbers on WDBC stand among our runs."""

import pytest
from factory import record

from reluclf import Spec
from reluclf.judging import wdbc_units
from reluclf.store import Store


def runs(features, hits):
    """Forty carried runs of each head, whose shares of right predictions lie evenly about ``hits``."""
    return [
        record(Spec(dataset="wdbc", architecture="ffnn", head=head, protocol="carried", seed=seed, features=features), [hits] * 10, hits + shift)
        for head in ("softmax", "relu")
        for seed in range(1, 41)
        for shift in [(seed - 20) / 1000]
    ]


@pytest.mark.parametrize("below, at, above, inside", [(0, 0, 100, False), (2, 0, 98, False), (3, 0, 97, True), (0, 3, 97, True), (98, 0, 2, False)])
def test_a_number_is_outside_if_less_than_a_fortieth_of_the_runs_is_on_one_side(below, at, above, inside):
    assert wdbc_units.Rank(below, at, above).inside == inside


def test_runs_are_counted_below_at_and_above_in_the_digits_that_the_paper_prints():
    counted = {title: by_fed for title, _, by_fed in wdbc_units.ranks(runs("paper", 0.99) + runs("raw", 0.7))}
    low, high = counted["Softmax: test accuracy"]["in their own units"], counted["Softmax: test accuracy"]["standardised"]
    assert (low.below, low.at, low.above) == (40, 0, 0) and (high.below, high.at, high.above) == (0, 0, 40)
    assert counted["ReLU: malignant tumours found"]["standardised"].above == 40
    exact = record(Spec(dataset="wdbc", architecture="ffnn", head="softmax", protocol="carried", seed=1), [0.9121] * 10, 0.924)
    assert wdbc_units.ranks([exact])[0][2]["standardised"] == wdbc_units.Rank(0, 1, 0)  # 91.2117 % in the notebook


def test_neither_is_said_to_fit_where_neither_does_or_runs_are_few():
    neither = runs("paper", 0.99) + runs("raw", 0.7)
    assert not wdbc_units.unscaled(neither) and "does not settle it" in wdbc_units.answer(neither)
    assert not wdbc_units.unscaled(neither[:30]) and "takes 40 runs" in wdbc_units.answer(neither[:30])


def test_the_committed_runs_give_ranks_for_every_number_of_both_heads():
    found = wdbc_units.ranks(Store().select(dataset="wdbc", architecture="ffnn"))
    assert len(found) == 12
    assert {sum((rank.below, rank.at, rank.above)) for _, _, by_fed in found for rank in by_fed.values()} == {100}
