"""The tables of the rules' appendix, and the flow charts, say what design and rules have."""

from __future__ import annotations

import numpy as np
import pytest
from factory import of_cell, whole_design
from matplotlib import pyplot as plt

from reluclf import formats
from reluclf.judging import design, frozen, rules, simulation
from reluclf.judging.design import Cell
from reluclf.judging.exceeding import values
from reluclf.judging.items import items
from reluclf.judging.robustness import OTHERS, Rerun
from reluclf.judging.rules import Family, Part
from reluclf.judging.statistics import mean_of
from reluclf.judging.status import Status
from reluclf.judging.verdicts import judge
from reluclf.showing import flow_chart, judged, simulated

CELL = Cell("mnist", "cnn", "relu", "as run")


@pytest.fixture(scope="module")
def everything():
    """Runs for the whole design."""
    return whole_design(lambda cell, seed: of_cell(cell, seed, dead=0.0))


def test_every_status_has_a_meaning_and_a_word_of_forrts():
    frame = judged.statuses()
    assert list(frame["status"]) == [str(status) for status in Status]
    assert (frame[["what it says", "FORRT", "CiTO"]] != "").all(axis=None)


def test_a_design_without_runs_lacks_every_cell():
    frame = judged.planned([])
    told = "; ".join(frame["there"])
    for n in design.planned().values():
        assert f"0 of {n} each" in told
    lines = {(cell.dataset, cell.architecture, cell.condition) for cell in design.planned()}
    assert told.count(" of ") >= len(lines)


def test_a_design_with_all_runs_is_complete(everything):
    frame = judged.planned(everything)
    assert set(frame["there"]) == {"complete"}
    assert (frame["why so many"] != "").all()


def test_a_cell_that_lacks_runs_is_named_with_how_many_there_are():
    frame = judged.planned([of_cell(CELL, 1), of_cell(CELL, 2)])
    assert f"MNIST CNN-ReLU 2 of {design.planned()[CELL]}" in "; ".join(frame["there"])


def test_a_run_with_a_seed_beyond_the_design_is_named():
    seed = design.planned()[CELL] + 1
    frame = judged.unfit([of_cell(CELL, 1), of_cell(CELL, seed)])
    assert len(frame) == 1
    assert frame["seeds"][0] == str(seed)
    assert "the design has seeds 1 to" in frame["why they enter no verdict"][0]


def test_where_every_run_fits_the_table_says_none():
    assert list(judged.unfit([of_cell(CELL, 1)])["runs"]) == ["none"]


def test_records_are_counted_inside_the_design_and_beside_it():
    beside = of_cell(CELL, 1).model_copy(
        update={"spec": of_cell(CELL, 1).spec.model_copy(update={"epochs": 2})}
    )
    counts = judged.counts([of_cell(CELL, 1), beside])
    found = [counts[f"rules_{name}"] for name in ("records", "inside", "beside", "complete")]
    assert found == ["2", "1", "1", "0"]


def test_the_rules_in_brief_have_every_item_that_needs_runs(everything):
    frame = judged.in_brief(everything)
    listed = [key for keys in frame["items"] for key in keys.split(", ")]
    needed = [key for key, item in items().items() if item.settled is None]
    assert sorted(listed) == sorted(needed)
    assert (frame["of which runs"] != "").all()


@pytest.mark.parametrize(
    ("key", "asked", "of"),
    [
        ("C13", "four points", "*as run*: MNIST CNN (both heads, 8 runs each)"),
        ("T9", "ReLU's test accuracy", "WDBC FFNN (both heads, 100 runs each)"),
        ("F2", "each class", "*as written*: MNIST FFNN"),
        ("C11", "behind after 32 epochs", "*as run*: MNIST CNN"),
        ("C12", "our runs", "(ReLU, 8 runs)"),
        ("C19", "pairs of runs", "Fashion-MNIST CNN (both heads"),
        ("C14", "clipped gradients or", "*initial bias*: MNIST CNN (ReLU, 20 runs)"),
        ("C31", "one of these", "WDBC FFNN"),
    ],
)
def test_the_rules_in_brief_say_what_is_asked_and_of_which_runs(everything, key, asked, of):
    frame = judged.in_brief(everything)
    (row,) = [row for row in frame.to_dict("records") if key in row["items"].split(", ")]
    assert asked in row["what is asked"]
    assert of in row["of which runs"]


def test_the_log_has_every_change():
    frame = judged.log()
    assert len(frame) == len(frozen.log())
    assert (frame != "").all(axis=None)


def test_the_simulation_has_a_row_for_each_world_and_its_numbers_side_by_side():
    result = simulation.read()
    frame = simulated.table(result)
    assert len(frame) == len({(world["rule"], world["truth"]) for world in result["worlds"]})
    first = result["worlds"][0]
    assert frame["runs"][0].split(" / ")[0] == str(first["n"])
    assert frame["rightly decided, %"][0].split(" / ")[0] == f"{100 * first['decides']:.1f}"


def test_errors_to_either_side_are_told_apart():
    world = {
        "statuses": {"reproduced": 0.03, "reproduced in some runs": 0.01, "contradicted": 0.02},
        "wrong": ["reproduced", "reproduced in some runs", "contradicted"],
    }
    assert simulated.wrongly(world, simulated.AFFIRMED) == pytest.approx(0.04)
    assert simulated.wrongly(world, simulated.DENIED) == pytest.approx(0.02)
    assert simulated.wrongly(world | {"wrong": []}, simulated.DENIED) == 0


def test_firmness_says_which_choice_changes_a_status_to_what():
    verdicts = [found for found in judge([]) if found.id in ("C13", "C01")]
    ours = verdicts[-1].as_run.status
    statuses = [ours, Status.REPRODUCED, Status.REPRODUCED]
    reruns = [
        Rerun("C13", "as run", other, ours, status)
        for other, status in zip(OTHERS, statuses, strict=False)
    ]
    frame = judged.firmness(verdicts, reruns)
    (row,) = frame.to_dict("records")
    assert (row["item"], row["question"], row["the same in"]) == ("C13", "as run", "1 of 3")
    assert row["what changes it"] == f"*reproduced* by {OTHERS[1].name} and {OTHERS[2].name}"
    assert judged.firm_counts(reruns) == {"rules_answers": "1", "rules_firm": "0"}


def test_firmness_has_a_dash_where_nothing_changes():
    verdicts = [found for found in judge([]) if found.id == "C13"]
    reruns = [Rerun("C13", "as run", OTHERS[0], Status.WAITING, Status.WAITING)]
    assert judged.firmness(verdicts, reruns)["what changes it"][0] == formats.NONE
    assert judged.firm_counts(reruns) == {"rules_answers": "1", "rules_firm": "1"}


def leads(title, *answers):
    """Follow a flow chart: what these answers lead to."""
    (chart,) = [chart for chart in flow_chart.CHARTS if chart.title == title]
    for question, answer in zip(chart.questions, answers, strict=False):
        if answer == question.answer:
            return question.status
    assert len(answers) == len(chart.questions)
    return chart.last


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("one_kind", [True, False])
def test_the_chart_of_a_number_is_the_rule(inside, narrow, one_kind):
    ours = mean_of([0.9, 0.901, 0.899, 0.9])
    family = Family(1, 0.02 if narrow else 1e-9)
    paper = 0.9 if inside else 0.5
    found = rules.number("test_accuracy", paper, ours, family, 4 if one_kind else 9)
    answers = ["yes" if answer else "no" for answer in (inside, narrow, one_kind)]
    assert found.status == leads("A number", *answers)


@pytest.mark.parametrize(
    ("hits", "answers"),
    [
        (20, ["yes"]),
        (1, ["no", "yes"]),
        (10, ["no", "no", "yes"]),
    ],
)
def test_the_chart_of_a_sentence_is_the_rule(hits, answers):
    status = rules.held([True] * hits + [False] * (20 - hits)).status
    assert status == leads("A sentence about one run", *answers)


def test_a_sentence_that_holds_in_none_of_a_few_runs_is_as_in_the_chart():
    assert rules.held([False] * 3).status == leads("A sentence about one run", "no", "no", "no")


def parts(*means, kind=None, paper=-0.05, width=0.001):
    """Parts that ReLU is lower, with these means of the difference."""
    scatter = width * np.array([-1.0, 0.0, 1.0, 0.5])
    found = []
    for mean in means:
        of_kind = None if kind is None else values(0.9 + kind + scatter, 0.9 + scatter)
        measured = values(0.9 + mean + scatter, 0.9 + scatter)
        found.append(Part("lower", "below", measured, of_kind, paper))
    return found


@pytest.mark.parametrize(
    ("claimed", "answers"),
    [
        (parts(-0.05, -0.05), ["yes"]),
        (parts(0.0, kind=-0.05), ["no", "yes"]),
        (parts(-0.05, 0.0), ["no", "no", "yes"]),
        (parts(0.0), ["no", "no", "no", "no"]),
        (parts(0.05, paper=0.05), ["no", "no", "no", "yes", "yes"]),
        (parts(0.05), ["no", "no", "no", "yes", "no"]),
    ],
)
def test_the_chart_of_a_claim_is_the_rule(claimed, answers):
    assert rules.claim(claimed).status == leads("A claim about the two heads", *answers)


def test_the_charts_are_drawn_with_every_question_and_status():
    figure = flow_chart.figure()
    texts = [text.get_text().replace("\n", " ") for text in figure.axes[0].texts]
    for chart in flow_chart.CHARTS:
        assert str(chart.last) in texts
        for question in chart.questions:
            assert question.text.replace("\n", " ") in texts
            assert str(question.status) in texts
    plt.close(figure)
