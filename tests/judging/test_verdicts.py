"""Every item of the paper has a verdict, which follows from the runs and from nothing else."""

import re

import nbformat
import pytest
from factory import of_cell, verdict

from reluclf import paths
from reluclf.judging import paper
from reluclf.judging.design import Cell, cells_of, planned
from reluclf.judging.exceeding import Choice
from reluclf.judging.status import Status
from reluclf.judging.verdicts import judge

R, S, P, C = Status.REPRODUCED, Status.SOME_RUNS, Status.IN_PART, Status.COMPATIBLE
U, N, X, A = Status.UNDECIDED, Status.NOT_REPRODUCED, Status.CONTRADICTED, Status.ANSWERED

#: What text and code settle, whatever a run gives.
SETTLED = {
    **dict.fromkeys(["T1", "T2", "F1", "C01", "C02", "C03", "C07"], Status.AS_DESCRIBED),
    **dict.fromkeys(["C04", "C05", "C06", "C20"], Status.DIFFER),
    "C08": Status.SLIP,
    **dict.fromkeys(["C28", "C29", "C30"], Status.NOT_TESTED),
}

#: Whether the paper's own numbers bear a claim out, and the numbers, as a reader computes them.
OWN = {
    "C09": (Status.YES, "97.77 - 97.98 = -0.21; F1 0.98 - 0.98 = 0"),
    "C10": (Status.YES, "972 > 967 in class 0, 1127 < 1128 in class 1"),
    "C11": (Status.YES, "91.74 - 95.36 = -3.62; fold 1: 32.96 < 94.84; rises 58.75 > 3.43"),
    "C12": (Status.YES, "91.74 > 90"),
    "C13": (Status.YES, "-3.62, which is 0.38 from -4"),
    "C15": (Status.YES, "956 > 946, 1121 > 1111, ..., 946 > 862: all ten"),
    "C16": (Status.YES, "89.06 - 89.35 = -0.29; F1 0.89 - 0.89 = 0"),
    "C17": (Status.YES, "838 > 827 in class 0, 803 < 814 in class 2"),
    "C18": (Status.YES, "73.09 < 86.50; rises 14.95 > 8.33; 85.84 - 86.08 = -0.24; F1 equal"),
    "C19": (Status.YES, "ahead in classes 0, 1, 2, 3, 5, 8, 9: 7 of 10; 8584 - 8608 = -24"),
    "C21": (Status.YES, "90.64 - 92.40 = -1.75; fold 1: 62.5 < 87.5; rises 27.24 > 2.24"),
    "C22": (Status.YES, "0.90 - 0.92 = -0.02, which is the margin"),
    "C23": (Status.YES, "false negatives 1 < 4; false positives 15 > 9"),
    "C25": (Status.PARTLY, "-0.21 and -0.29: comparable; ahead in neither"),
    "C26": (
        Status.PARTLY,
        "lowest over highest recall: 0.97, 0.97 on MNIST, 0.70, 0.75 on Fashion",
    ),
    "C27": (Status.PARTLY, "0.86 - 0.86 = 0 on Fashion-MNIST, 0.92 - 0.95 = -0.03 on MNIST"),
    "C31": (Status.YES, "-0.21, -0.29, -0.24 and -1.75, but not -3.62"),
}

#: As run (as written for C14, C24 and the proposals), in the worlds like the paper, alike, apart.
ANSWERS = {
    **{f"T{n}": (R, N, N) for n in range(3, 9)},
    "T9": (R, P, N),
    **{f"F{n}": (R, N, N) for n in range(2, 10)},
    "F10": (R, P, N),
    "F11": (R, N, N),
    "C09": (R, R, X),
    "C10": (R, N, N),
    "C11": (R, U, P),
    "C12": (R, N, N),
    "C13": (R, X, X),
    "C14": (R, N, R),
    "C15": (R, N, R),
    "C16": (R, R, X),
    "C17": (R, N, N),
    "C18": (R, P, P),
    "C19": (R, N, N),
    "C21": (R, X, P),
    "C22": (R, R, X),
    "C23": (R, P, P),
    "C24": (R, U, U),
    "C25": (P, R, X),
    "C26": (P, R, R),
    "C27": (P, R, X),
    "C31": (R, R, N),
    **dict.fromkeys(["W1", "W2", "W3"], (A, A, A)),
}
WORLDS = ("like the paper", "alike", "apart")

CNN = Cell("mnist", "cnn", "relu", "as run")


def answers(found):
    return found.own, found.as_run, found.as_written, found.settled


def test_every_table_figure_claim_and_proposal_has_exactly_one_verdict():
    contents = paper.contents()
    expected = [f"T{n}" for n in contents["tables"]] + [f"F{n}" for n in contents["figures"]]
    expected += [*contents["claims"], *contents["future_work"]]
    assert [found.id for found in judge([])] == expected
    assert set(expected) == SETTLED.keys() | ANSWERS.keys()
    assert all(found.says and found.main.why for found in judge([]))


def test_without_runs_only_text_code_and_the_papers_own_numbers_answer():
    for found in judge([]):
        if found.id in SETTLED:
            assert answers(found)[:3] == (None, None, None)
            assert found.settled.status == SETTLED[found.id]
        else:
            asked = [found.as_run, found.as_written]
            assert {one.status for one in asked if one is not None} == {Status.WAITING}
            assert found.settled is None and not found.records


def test_a_verdict_that_waits_says_for_which_runs():
    why = verdict("C12", [of_cell(CNN, 1)]).as_run.why
    assert why == "Runs made so far: MNIST CNN-ReLU, as run: 1 of 8."


@pytest.mark.parametrize("item", OWN)
def test_the_papers_own_numbers_bear_a_claim_out_or_not(item):
    assert verdict(item, []).own.status == OWN[item][0], OWN[item][1]


def test_the_papers_own_numbers_are_asked_of_nothing_else():
    assert {found.id for found in judge([]) if found.own} == OWN.keys()


def test_the_papers_own_numbers_do_not_hang_on_runs(verdicts):
    own = {found.id: found.own for found in judge([])}
    for name in WORLDS:
        assert {item: found.own for item, found in verdicts(name).items()} == own


@pytest.mark.parametrize("position, name", enumerate(WORLDS), ids=WORLDS)
@pytest.mark.parametrize("item", ANSWERS)
def test_each_world_has_its_verdicts(verdicts, item, position, name):
    found = verdicts(name)[item]
    asked = found.as_run or found.as_written
    assert asked.status == ANSWERS[item][position], asked.why


def test_every_item_that_needs_runs_can_come_out_reproduced_and_otherwise():
    for item, statuses in ANSWERS.items():
        assert item[0] == "W" or (R in statuses and set(statuses) != {R}), item


@pytest.mark.parametrize("item", ["T3", "T6"])
def test_where_some_networks_lose_a_class_a_number_is_reproduced_in_some_runs(verdicts, item):
    found = verdicts("like the paper")[item].as_written
    assert found.status == S and "if it loses no class" in found.why


@pytest.mark.parametrize("item", ["C11", "C18", "C21"])
def test_whether_it_is_slower_is_not_asked_of_a_model_trained_once(verdicts, item):
    found = verdicts("like the paper")[item].as_written
    assert found.status == P and found.why.endswith("cannot be judged from one model's 32 epochs.")


def test_an_item_without_runs_as_run_is_answered_as_written(verdicts):
    found = verdicts("alike")
    assert all(found[item].as_run is None for item in ("C14", "C24", "W1", "W2", "W3"))
    assert found["C14"].main is found["C14"].as_written
    assert found["C12"].main is found["C12"].as_run
    assert found["C01"].main is found["C01"].settled


CHANGED = (
    CNN,
    CNN._replace(condition="as written"),
    CNN._replace(condition="clipped"),
    Cell("fashion_mnist", "ffnn", "softmax", "as run"),
    Cell("wdbc", "ffnn", "relu", "as written, ten folds"),
    Cell("mnist", "cnn", "relu", "pixels"),
)


@pytest.mark.parametrize("cell", CHANGED, ids=lambda cell: cell.title)
def test_another_run_changes_the_verdicts_that_rest_on_it_and_no_other(world, verdicts, cell):
    made = world("like the paper")
    place = next(i for i, run in enumerate(made) if cell in cells_of(run.spec))
    folds = [0.2, *[0.1] * 9] if made[place].folds else None
    other = of_cell(cell, made[place].spec.seed, hits=0.02, folds=folds, first=0.9, dead=0.0)
    assert other.spec == made[place].spec
    before = verdicts("like the paper")
    after = {found.id: found for found in judge([*made[:place], other, *made[place + 1 :]])}
    changed = {item for item in before if answers(before[item]) != answers(after[item])}
    rest = {item for item in before if made[place] in before[item].records}
    assert changed and changed <= rest
    # A pair of runs, a median or a network that is not on par may stay what it was.
    assert rest - changed <= {"C15", "C24", "C31", "W1", "W2"}


def test_the_order_of_the_runs_changes_nothing(world, verdicts):
    made = world("like the paper")
    again = {found.id: answers(found) for found in judge(made[::-1])}
    assert again == {item: answers(found) for item, found in verdicts("like the paper").items()}


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("table, folds", [("T4", "T5"), ("T7", "T8")])
@pytest.mark.parametrize("condition", ["as_run", "as_written"])
def test_one_number_has_one_verdict(verdicts, name, table, folds, condition):
    accuracies, means = (getattr(verdicts(name)[item], condition) for item in (table, folds))
    (of_table,) = (m for m in accuracies.numbers if m.name == "ReLU's cross-validation accuracy")
    (of_folds,) = (m for m in means.numbers if m.name == "mean of the folds")
    assert of_table.paper == pytest.approx(of_folds.paper, abs=1e-12)
    ends = ("mean", "low", "high", "n")
    assert [getattr(of_table, e) for e in ends] == [getattr(of_folds, e) for e in ends]


def test_what_is_equal_within_two_points_may_not_be_within_half_a_point(world):
    records = world("like the paper")
    found = {
        margin: {found.id: found for found in judge(records, Choice(margin=margin))}
        for margin in (0.02, 0.005)
    }
    assert found[0.02]["C22"].as_run.status == R != found[0.005]["C22"].as_run.status
    assert found[0.02]["C13"].as_run.status == R == found[0.005]["C13"].as_run.status


def test_every_verdict_rests_on_runs_of_the_design_alone(verdicts):
    for found in verdicts("like the paper").values():
        assert all(cells_of(run.spec) for run in found.records)
    used = {run.spec for found in verdicts("like the paper").values() for run in found.records}
    assert {cell for spec in used for cell in cells_of(spec)} == planned().keys()


def test_every_verdict_points_to_a_label_that_a_chapter_has():
    text = {file.stem: file.read_text(encoding="utf-8") for file in paths.BOOK.glob("*.ipynb")}
    for found in judge([]):
        page, _, label = found.evidence.partition("#")
        named = re.search(rf'{label}[)\\"`]|:label: {label}', text[page])
        assert named, f"{found.id}: {page} has no label {label}"
        assert nbformat.reads(text[page], as_version=4)
