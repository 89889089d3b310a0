"""The paper's numbers on WDBC among our runs."""

import pytest
from factory import record

from reluclf import Spec, formats
from reluclf.judging import paper
from reluclf.showing import wdbc

AS_RUN, CARRIED, FRESH, AS_WRITTEN = wdbc.KINDS


def made(kind, hits, n=wdbc.FEWEST):
    """Runs of each head, whose shares of right predictions lie evenly about ``hits``."""
    protocol, setting = wdbc.KINDS[kind]
    return [
        record(
            Spec(
                dataset="wdbc",
                architecture="ffnn",
                head=head,
                protocol=protocol,
                seed=seed,
                **setting,
            ),
            [hits] * 10,
            hits + (seed - 20) / 1000,
        )
        for head in paper.HEADS
        for seed in range(1, n + 1)
    ]


@pytest.mark.parametrize(
    "below, at, above, inside",
    [(0, 0, 100, False), (2, 0, 98, False), (3, 0, 97, True), (0, 3, 97, True), (98, 0, 2, False)],
)
def test_a_number_is_outside_if_less_than_a_fortieth_of_the_runs_is_on_one_side(
    below, at, above, inside
):
    assert wdbc.Place(below, at, above).inside == inside


def test_runs_are_counted_below_at_and_above_in_the_digits_that_the_paper_prints():
    of = {number.title: number for number in wdbc.numbers("softmax")}
    low, high = (
        wdbc.runs(made(AS_RUN, 0.7) + made(CARRIED, 0.99), "softmax", kind)
        for kind in (AS_RUN, CARRIED)
    )
    assert of["Softmax: test accuracy"].place(low) == wdbc.Place(40, 0, 0) and of[
        "Softmax: test accuracy"
    ].place(high) == wdbc.Place(0, 0, 40)
    exact = record(
        Spec(dataset="wdbc", architecture="ffnn", head="softmax", protocol="carried", seed=1),
        [0.9121] * 10,
        0.924,
    )
    assert of["Softmax: cross-validation accuracy"].place([exact]) == wdbc.Place(
        0, 1, 0
    )  # 91.2051 % in the notebook


def test_each_kind_of_runs_has_its_own_and_only_those_with_all_folds():
    records = [run for kind in wdbc.KINDS for run in made(kind, 0.8, n=3)]
    records.append(
        record(
            Spec(
                dataset="wdbc", architecture="ffnn", head="relu", protocol="fresh", seed=9, folds=0
            ),
            [],
            0.8,
        )
    )
    for kind, (protocol, setting) in wdbc.KINDS.items():
        found = wdbc.runs(records, "relu", kind)
        assert len(found) == 3 and {(run.spec.protocol, run.spec.features) for run in found} == {
            (protocol, setting.get("features", "paper"))
        }


def test_a_median_stands_with_the_middle_of_the_runs_and_a_number_outside_in_bold():
    assert wdbc.middle([float(i) for i in range(101)], "{:.0f}".format) == "50 [2, 98]"
    frame = wdbc.table(made(AS_RUN, 0.7) + made(CARRIED, 0.99)).set_index("number")
    assert frame.loc["ReLU: test accuracy", AS_RUN].startswith("**70.") and set(frame[FRESH]) == {
        formats.NONE
    }


def test_too_few_runs_say_nothing():
    records = made(AS_RUN, 0.7, n=wdbc.FEWEST - 1)
    assert (
        wdbc.inside(records, AS_RUN) is None and wdbc.said(records, AS_RUN) == formats.NOT_MEASURED
    )
    assert set(wdbc.table(records)[AS_RUN]) == {formats.NONE}
    assert wdbc.medians([], AS_RUN) == dict.fromkeys(
        ["softmax_cv", "softmax_test", "relu_cv", "relu_test"], formats.NOT_MEASURED
    )
    assert wdbc.above([], AS_RUN, 1, 1.0) == formats.NOT_MEASURED


def test_losses_of_a_fold_are_counted_above_a_value():
    assert wdbc.above(made(AS_RUN, 0.7, n=3), AS_RUN, 1, 0.2) == "3 of 3"
    assert wdbc.above(made(AS_RUN, 0.7, n=3), AS_RUN, 1, 0.4) == "none of 3"


def test_the_two_differences_are_separated_by_medians_and_the_conclusion_stands_only_where_both_heads_bear_it_out():
    standardised = made(CARRIED, 0.97) + made(AS_WRITTEN, 0.97)
    told = wdbc.separated(made(AS_RUN, 0.91) + made(FRESH, 0.6) + standardised)
    assert (
        "On raw measurements the median test accuracy of FFNN-ReLU is 91" in told
        and "So raw measurements need the 320 epochs" in told
    )
    assert "So raw" not in wdbc.separated(made(AS_RUN, 0.91) + made(FRESH, 0.9) + standardised)
    assert (
        wdbc.separated(made(AS_RUN, 0.91) + standardised)
        == "It takes 40 runs of each kind to separate the two."
    )


def test_the_committed_runs_as_run_have_all_twelve_of_the_papers_numbers_among_them(everything):
    records = [run for run in everything if run.spec.dataset == "wdbc" and run.spec.epochs == 32]
    assert wdbc.inside(records, AS_RUN) == 12 > wdbc.inside(records, AS_WRITTEN)
