"""What the interventions do to the gap between the heads, and to the hazards."""

import re

import pytest
from factory import run

from reluclf import formats
from reluclf.record import Probe
from reluclf.showing import interventions, probed


def once(head, seed, hits=0.9, **fields):
    return run("mnist", "cnn", head, "fresh", seed, [], hits, **fields)


def looked_into(
    head, seed, dead_units, norms=(7.0, 2.0), cosine=(0.0, 0.0), hidden=(0.5, 0.25), **fields
):
    """A run of which the probes saw this after its two epochs."""
    one, zeros = once(head, seed, **fields), (0.0, 0.0)
    probe = Probe(
        norm_head=norms,
        norm_first=zeros,
        cosine=cosine,
        no_gradient=zeros,
        dead_units=dead_units,
        dead_true=(0.5, 0.25),
        dead_hidden=hidden,
    )
    return one.model_copy(update={"final": one.final.model_copy(update={"probe": probe})})


def test_what_an_intervention_closes_is_tested_against_half_over_all_runs():
    found = [once("softmax", seed, 0.9 + seed / 1000) for seed in (1, 2, 3)]
    found += [once("relu", seed, 0.5 + seed / 500) for seed in (1, 2, 3)]
    found += [once("relu", seed, 0.88 + seed / 1000, clipnorm=1.0) for seed in (1, 2, 3, 4)]
    found += [once("relu", seed, 0.51 + seed / 500, bias=1.0) for seed in (1, 2, 3)]
    frame = interventions.closings(found).set_index("intervention")["MNIST CNN"]
    assert frame["gradient norms clipped to 1"] == "95 %, more than half (n = 4)"
    assert frame["an initial output bias of 1"].endswith("less than half (n = 3)")
    assert frame["a leaky head"] == formats.NONE


@pytest.mark.parametrize(
    ("bias", "hidden", "clipped", "expected"),
    [
        (0.51, 0.52, 0.89, "exploding gradients: .*, and none against dead outputs or "),
        (0.89, 0.52, 0.51, "dead outputs: "),
        (0.51, 0.89, 0.89, "dead hidden units and exploding gradients: "),
        (0.51, 0.52, 0.51, "none of them on MNIST CNN alike"),
        (None, 0.52, 0.89, "none of them, for too few runs"),
    ],
)
def test_the_causes_that_are_favoured_are_those_whose_interventions_are_shown_to_close_the_gap(
    bias, hidden, clipped, expected
):
    cases = [("softmax", 0.9, {}), ("relu", 0.5, {}), ("leaky_relu", 0.5, {})]
    cases += [("relu", clipped, {"clipnorm": 1.0}), ("relu", bias, {"bias": 1.0})]
    cases += [("relu", hidden, {"hidden": "leaky_relu"})]
    found = [
        once(head, seed, hits + seed / 1000, **setting)
        for head, hits, setting in cases
        if hits
        for seed in (1, 2, 3)
    ]
    assert re.match(expected, interventions.favoured(found))


def test_a_hazard_is_told_by_the_last_epochs_dead_outputs_and_the_largest_gradient_of_any():
    found = [
        looked_into("relu", 1, (1.0, 0.0)),
        looked_into("relu", 2, (0.0, 3.0), (1.0, 2.0)),
        once("relu", 3),
        looked_into("relu", 1, (0.0, 0.0), (0.5, 0.25), clipnorm=1.0),
    ]
    frame = interventions.hazards(found).set_index("with")
    assert list(frame.index) == ["the ReLU head as it is", "gradient norms clipped to 1"]
    assert list(frame["runs with a dead output"]) == ["1 of 2", "0 of 1"]
    assert frame["largest gradient norm"]["the ReLU head as it is"].startswith("4.50 [")
    assert frame["true class's output 0, %"]["gradient norms clipped to 1"] == "25.00 (n = 1)"
    assert frame["hidden units dead, %"]["the ReLU head as it is"] == "25.00 [25.00, 25.00] (n = 2)"


def test_runs_of_before_hidden_units_were_counted_do_not_count_as_having_none_dead():
    old, new = looked_into("relu", 1, (1.0, 0.0), hidden=None), looked_into("relu", 2, (1.0, 0.0))
    for runs, told in (([old], formats.NONE), ([old, new], "25.00 (n = 1)")):
        assert interventions.hazards(runs)["hidden units dead, %"].tolist() == [told]
    assert probed.figure("mnist", "cnn", [old])


def test_a_probe_figure_shows_all_of_every_curve():
    found = [looked_into("softmax", 1, (0.0, 0.0)), looked_into("relu", 1, (0.4, 0.6))]
    for axes in probed.figure("mnist", "cnn", found).axes:
        low, high = axes.get_ylim()
        for line in axes.lines:
            assert low <= min(line.get_ydata()) and max(line.get_ydata()) <= high, axes.get_title()


def test_a_probe_figure_says_what_was_not_counted_and_keeps_what_has_a_value():
    made = [
        looked_into("softmax", seed, (0.0, 0.0), cosine=cosine, hidden=None)
        for seed, cosine in ((1, (0.5, float("nan"))), (2, (0.3, 0.2)))
    ]
    panels = {axes.get_title(): axes for axes in probed.figure("mnist", "cnn", made).axes}
    cosine = next(axes for title, axes in panels.items() if title.startswith("cosine"))
    assert list(cosine.lines[0].get_ydata()) == pytest.approx([0.4, 0.2])
    hidden = next(axes for title, axes in panels.items() if title.startswith("hidden"))
    assert [text.get_text() for text in hidden.texts] == ["not counted"]
