"""Every answer of every rule, on both sides of every threshold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import spread
from scipy.stats import t as student

from reluclf.judging import rules, thresholds
from reluclf.judging.exceeding import Choice, Values, values
from reluclf.judging.rules import Family, Part, claim, held, look, number, numbers
from reluclf.judging.statistics import mean_of
from reluclf.judging.status import Status

MARGIN = thresholds.MARGIN


def pairs(mean, std, n=8):
    """Paired values whose difference has this mean and standard deviation."""
    return Values(0.8 + spread(mean, std, n), np.full(n, 0.8), True)


def part(mean, std, says="below", paper=None, n=8, **more):
    return Part("accuracy", says, pairs(mean, std, n), paper=paper, **more)


def at(p, n=8):
    """The mean in standard deviations whose t-test has this one-sided p."""
    return student.isf(p, n - 1) / np.sqrt(n)


@pytest.mark.parametrize("p, shown", [(0.0249, True), (0.0251, False)])
@pytest.mark.parametrize("says, sign", [("below", -1), ("above", 1)])
def test_a_direction_is_shown_at_two_and_a_half_percent_to_one_side(says, sign, p, shown):
    assert look(part(sign * at(p) * 0.01, 0.01, says)).shown == shown
    assert not look(part(-sign * at(p) * 0.01, 0.01, says)).shown


@pytest.mark.parametrize("among", [1, 2, 4])
@pytest.mark.parametrize("factor, refuted", [(0.99, True), (1.01, False)])
def test_the_opposite_of_a_direction_is_shown_at_a_level_divided_among_the_parts(
    among, factor, refuted
):
    outcome = look(part(at(factor * 0.025 / among) * 0.01, 0.01), among)
    assert outcome.refuted == refuted and not outcome.shown


@pytest.mark.parametrize("p, shown", [(0.0499, True), (0.0501, False)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_two_heads_are_equal_if_both_one_sided_tests_show_it_at_five_percent(sign, p, shown):
    mean = sign * (MARGIN - at(p) * 0.002)
    assert look(part(mean, 0.002, "equal")).shown == shown


@pytest.mark.parametrize("among", [1, 2])
@pytest.mark.parametrize("factor, refuted", [(0.99, True), (1.01, False)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_two_heads_are_unequal_if_the_mean_is_shown_beyond_the_margin(sign, factor, refuted, among):
    mean = sign * (MARGIN + at(factor * 0.025 / among) * 0.002)
    assert look(part(mean, 0.002, "equal"), among).refuted == refuted


def test_about_four_points_is_the_margin_around_four_points():
    def shown(mean):
        return look(part(mean, 0.002, "about", size=-0.04)).shown

    near = MARGIN - at(0.049) * 0.002
    far = MARGIN - at(0.051) * 0.002
    assert [shown(-0.04 + d) for d in (-far, -near, 0, near, far)] == [
        False,
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    "nearness, status", [(0.99, Status.NOT_REPRODUCED), (1.01, Status.CONTRADICTED)]
)
def test_contradicted_takes_the_papers_own_pair_outside_one_more_pair_of_ours(
    sign, nearness, status
):
    mean, std = 0.02, 0.01
    reach = student.isf(0.025, 7) * std * np.sqrt(1 + 1 / 8)
    says = "below" if sign > 0 else "above"
    assert claim([part(sign * mean, std, says, sign * (mean - nearness * reach))]).status == status


def test_without_a_number_of_the_paper_nothing_is_contradicted():
    assert claim([part(0.05, 0.01)]).status == Status.NOT_REPRODUCED


SHOWN, REFUTED, OPEN = part(-0.05, 0.01), part(0.05, 0.01, paper=-0.05), part(0.0, 0.01)
NEAR = part(0.05, 0.01, paper=0.045)


@pytest.mark.parametrize(
    "parts, status",
    [
        ([SHOWN], Status.REPRODUCED),
        ([SHOWN, SHOWN], Status.REPRODUCED),
        ([SHOWN, OPEN], Status.IN_PART),
        ([SHOWN, REFUTED], Status.IN_PART),
        ([OPEN], Status.UNDECIDED),
        ([OPEN, NEAR], Status.NOT_REPRODUCED),
        ([NEAR, REFUTED], Status.CONTRADICTED),
        ([OPEN, REFUTED], Status.CONTRADICTED),
    ],
)
def test_a_claim_is_judged_by_its_parts(parts, status):
    assert claim(parts).status == status
    assert claim(parts[::-1]).status == status


@pytest.mark.parametrize(
    "kept, status",
    [(2, Status.NOT_REPRODUCED), (3, Status.SOME_RUNS), (8, Status.SOME_RUNS)],
)
def test_three_runs_of_the_papers_kind_are_judged_by_themselves(kept, status):
    relu = np.concatenate([spread(0.98, 0.001, kept), spread(0.88, 0.001, 6)])
    softmax = spread(0.98, 0.001, 8)
    found = claim(
        [
            Part(
                "accuracy",
                "equal",
                values(relu, softmax),
                values(relu[:kept], softmax),
                paper=0.0,
            )
        ]
    )
    assert (found.status, len(found.kind)) == (status, int(kept > 2))
    assert found.outcomes[0].difference.mean < -0.03


@pytest.mark.parametrize(
    "everything, kind, status",
    [
        (SHOWN, SHOWN, Status.REPRODUCED),
        (OPEN, SHOWN, Status.SOME_RUNS),
        (REFUTED, SHOWN, Status.SOME_RUNS),
        (OPEN, OPEN, Status.UNDECIDED),
        (NEAR, OPEN, Status.NOT_REPRODUCED),
        (REFUTED, REFUTED, Status.CONTRADICTED),
    ],
)
def test_all_runs_and_those_of_the_papers_kind_give_one_status(everything, kind, status):
    both = Part("accuracy", "below", everything.values, kind.values, everything.paper)
    assert claim([both]).status == status


def test_a_part_that_holds_among_runs_of_the_papers_kind_alone_is_a_part():
    one = Part("accuracy", "below", OPEN.values, SHOWN.values)
    other = Part("accuracy", "below", OPEN.values, OPEN.values)
    assert claim([one, other]).status == Status.IN_PART


runs = st.lists(st.integers(8000, 9900).map(lambda k: k / 10_000), min_size=3, max_size=12)


@given(runs, runs, st.floats(-0.1, 0.1), st.sampled_from(["below", "above", "equal", "about"]))
def test_a_claim_whose_size_lies_in_the_interval_of_our_mean_is_not_denied(a, b, size, says):
    # The size is what the claim says it is: a difference that it calls so.
    one = Part("accuracy", says, values(a, b), paper=size, size=-0.04)
    if one.in_paper(MARGIN):
        difference = one.values.difference(MARGIN)
        if difference.low <= size <= difference.high:
            assert claim([one]).status not in (Status.NOT_REPRODUCED, Status.CONTRADICTED)


@given(runs, runs, st.floats(-0.2, 0.2))
def test_contradicted_never_has_the_papers_pair_within_our_scatter(a, b, size):
    found = claim([Part("accuracy", "below", values(a, b), paper=size)])
    low, high = found.outcomes[0].difference.prediction()
    assert found.status != Status.CONTRADICTED or not low <= size <= high


@pytest.mark.parametrize("says, own", [("below", -1e-9), ("above", 1e-9)])
def test_a_direction_in_the_papers_own_numbers_is_their_sign(says, own):
    said = [part(0, 0.01, says, paper).in_paper(MARGIN) for paper in (own, 0.0, -own, None)]
    assert said == [True, False, False, None]


def test_two_printed_decimals_that_differ_by_the_margin_are_equal_in_the_paper():
    assert part(0, 0.01, "equal", 0.91 - 0.93).in_paper(0.02)
    assert not part(0, 0.01, "equal", 0.91 - 0.9301).in_paper(0.02)


@pytest.mark.parametrize(
    "n, hits, status",
    [
        (8, 8, Status.REPRODUCED),
        (8, 7, Status.SOME_RUNS),
        (8, 1, Status.SOME_RUNS),
        (8, 0, Status.NOT_REPRODUCED),
        (20, 15, Status.REPRODUCED),
        (20, 14, Status.SOME_RUNS),
        (20, 6, Status.SOME_RUNS),
        (20, 5, Status.NOT_REPRODUCED),
        (5, 0, Status.UNDECIDED),
        (6, 0, Status.NOT_REPRODUCED),
    ],
)
def test_a_sentence_is_judged_by_the_share_of_runs_it_holds_in(n, hits, status):
    found = held([True] * hits + [False] * (n - hits))
    assert (found.status, found.hits, found.n) == (status, hits, n)


@pytest.mark.parametrize("level, status", [(0.95, Status.REPRODUCED), (0.99, Status.SOME_RUNS)])
def test_a_sentence_takes_more_runs_at_a_stricter_level(level, status):
    assert held([True] * 15 + [False] * 5, Choice(level=level)).status == status


FAMILY = Family(22, MARGIN)


def reach(std, n, size=22):
    return student.isf(0.025 / size, n - 1) * std * np.sqrt(1 + 1 / n)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    "nearness, status", [(0.999, Status.REPRODUCED), (1.001, Status.NOT_REPRODUCED)]
)
def test_a_number_is_reproduced_within_what_one_more_run_of_ours_gives(sign, nearness, status):
    paper = 0.9 + sign * nearness * reach(0.002, 8)
    assert number("x", paper, mean_of(spread(0.9, 0.002)), FAMILY, 8).status == status


@pytest.mark.parametrize("factor, status", [(0.999, Status.REPRODUCED), (1.001, Status.COMPATIBLE)])
def test_a_number_that_our_runs_could_not_have_missed_is_compatible(factor, status):
    std = factor * MARGIN / reach(1.0, 8)
    assert number("x", 0.9, mean_of(spread(0.9, std)), FAMILY, 8).status == status


def test_a_number_far_off_is_not_reproduced_however_widely_our_runs_scatter():
    ours = mean_of(spread(0.5, 0.05))
    assert number("x", 0.95, ours, FAMILY, 8).status == Status.NOT_REPRODUCED


def test_a_number_is_reproduced_in_some_runs_where_others_are_of_another_kind():
    ours = mean_of(spread(0.9, 0.002))
    assert number("x", 0.9, ours, FAMILY, 9).status == Status.SOME_RUNS


@pytest.mark.parametrize(
    "paper, status", [(100.5, Status.REPRODUCED), (101, Status.NOT_REPRODUCED)]
)
def test_half_a_count_is_granted_to_a_count_that_never_varies(paper, status):
    ours = mean_of([100.0] * 8)
    assert number("x", paper, ours, Family(110, 50, unit=1), 8).status == status


def test_one_run_says_nothing_of_a_number():
    assert number("x", 0.9, mean_of([0.9]), FAMILY, 1).status == Status.COMPATIBLE


def test_the_mean_of_no_value_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="give at least one"):
        mean_of([])


@pytest.mark.parametrize(
    "statuses, together",
    [
        ("REPRODUCED REPRODUCED", "REPRODUCED"),
        ("COMPATIBLE COMPATIBLE", "COMPATIBLE"),
        ("NOT_REPRODUCED", "NOT_REPRODUCED"),
        ("REPRODUCED SOME_RUNS", "SOME_RUNS"),
        ("REPRODUCED COMPATIBLE", "IN_PART"),
        ("SOME_RUNS NOT_REPRODUCED", "IN_PART"),
        ("COMPATIBLE NOT_REPRODUCED", "NOT_REPRODUCED"),
    ],
)
def test_numbers_are_judged_together(statuses, together):
    ours = mean_of([0.9, 0.9])
    found = [rules.Compared("x", 0.9, ours, 0, 1, Status[status], 2) for status in statuses.split()]
    assert numbers(found) == numbers(found[::-1]) == Status[together]
