"""The rules of the verdicts, on records made up so that the answer is known."""

import re

import nbformat
import numpy as np
import pytest
from factory import run, verdict
from scipy.stats import t as student

from reluclf import paths
from reluclf import record as schema
from reluclf.judging import claim_rules, paper
from reluclf.judging.claim_rules import FURTHER_HEADS
from reluclf.judging.interventions import REMEDIES
from reluclf.judging.judgement import Power, Status, Undecided, not_shown
from reluclf.judging.verdicts import judge
from reluclf.showing import rule_table, tables


def runs(dataset, architecture, head, protocol, folds, hits, spread=0.002, n=5, **fields):
    """Runs whose fold accuracies and hits vary from seed to seed by about the spread, evenly."""
    shifts = np.linspace(-spread, spread, n)
    return [
        run(dataset, architecture, head, protocol, seed, [min(1, f + shift) for f in folds], hits + shift, **fields)
        for seed, shift in enumerate(shifts, start=1)
    ]


def as_in_the_paper(dataset, architecture, head):
    """Carried runs that scatter around the paper's own numbers."""
    return runs(
        dataset,
        architecture,
        head,
        "carried",
        paper.fold_accuracy(dataset, architecture, head),
        paper.result(dataset, architecture, head)["test_accuracy"],
    )


def test_every_table_figure_claim_and_proposal_has_exactly_one_verdict():
    expected = [f"T{n}" for n in range(1, 10)] + [f"F{n}" for n in range(1, 12)] + [f"C{n:02d}" for n in range(1, 26)] + ["W1", "W2"]
    assert [found.id for found in judge([])] == expected


def test_without_records_only_what_the_code_settles_is_judged():
    judged = {found.id for found in judge([]) if found.status != Status.OPEN}
    assert judged == {"T1", "T2", "F1", "C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C20"}


def test_a_verdict_that_is_open_says_which_runs_it_lacks():
    assert verdict("T3", []).why == "The rule needs 3 carried runs of MNIST FFNN-Softmax as in the paper; none recorded."


def test_every_verdict_points_to_a_label_that_a_chapter_has():
    text = {file.stem: file.read_text() for file in paths.BOOK.glob("*.ipynb")}
    for found in judge([]):
        page, _, label = found.evidence.partition("#")
        named = re.search(rf'{label}[)\\"`]|:label: {label}', text[page])
        assert named, f"{found.id}: {page} has no label {label}"
        assert nbformat.reads(text[page], as_version=4)


@pytest.mark.parametrize("head", ["softmax", "relu"])
def test_two_runs_are_not_enough_to_judge_on(head):
    records = as_in_the_paper("mnist", "ffnn", "softmax") + as_in_the_paper("mnist", "ffnn", "relu")
    few = [r for r in records if not (r.spec.head == head and r.spec.seed > 2)]
    assert verdict("T3", few).status == Status.OPEN


def test_a_table_that_comes_back_only_with_a_carried_model_is_reproduced_only_by_the_flaw():
    carried = as_in_the_paper("mnist", "ffnn", "softmax") + as_in_the_paper("mnist", "ffnn", "relu")
    honest = [run("mnist", "ffnn", head, "fresh", 1, 0.95 + 0.002 * np.sin(np.arange(10)), 0.95) for head in ("softmax", "relu")]
    assert verdict("T3", carried).status == Status.OPEN
    assert verdict("T3", carried + honest).status == Status.BY_THE_FLAW


def test_a_table_that_comes_back_either_way_is_reproduced():
    carried = as_in_the_paper("mnist", "ffnn", "softmax") + as_in_the_paper("mnist", "ffnn", "relu")
    centre = {head: paper.result("mnist", "ffnn", head)["cv_accuracy"] for head in ("softmax", "relu")}
    honest = [run("mnist", "ffnn", head, "fresh", 1, centre[head] + 0.003 * np.sin(np.arange(10)), 0.97) for head in centre]
    assert verdict("T3", carried + honest).status == Status.REPRODUCED


def test_a_table_whose_numbers_are_off_is_not_reproduced_and_the_numbers_are_named():
    records = as_in_the_paper("mnist", "ffnn", "softmax") + runs("mnist", "ffnn", "relu", "carried", [0.9] * 10, 0.9777)
    found = verdict("T3", records)
    assert found.status == Status.NOT_REPRODUCED
    assert "1 of its 4" in found.why and "ReLU's cross-validation accuracy" in found.why


def test_folds_that_rise_only_with_a_carried_model_are_reproduced_only_by_the_flaw():
    carried = as_in_the_paper("mnist", "cnn", "relu")
    flat = run("mnist", "cnn", "relu", "fresh", 1, 0.5 + 0.05 * np.cos(np.pi * np.arange(10)), 0.5)
    rising = run("mnist", "cnn", "relu", "fresh", 1, np.linspace(0.3, 0.9, 10), 0.5)
    assert verdict("T5", [*carried, flat]).status == Status.BY_THE_FLAW
    assert verdict("T5", [*carried, rising]).status == Status.REPRODUCED
    off = runs("mnist", "cnn", "relu", "carried", [0.5] * 10, 0.9)
    assert verdict("T5", [*off, flat]).status == Status.NOT_REPRODUCED


def test_numbers_that_no_run_could_have_missed_are_not_reproduced_but_not_judged_yet():
    spread = [  # three runs, two points apart: their intervals reach ten points to either side
        r
        for head in ("softmax", "relu")
        for r in runs(
            "mnist",
            "ffnn",
            head,
            "carried",
            paper.fold_accuracy("mnist", "ffnn", head) - 0.03,
            paper.result("mnist", "ffnn", head)["test_accuracy"] - 0.03,
            spread=0.02,
            n=3,
        )
    ]
    found = verdict("T3", spread)
    assert found.status == Status.OPEN and "too wide to judge for all of them" in found.why
    assert verdict("T5", runs("mnist", "cnn", "relu", "carried", [0.7] * 10, 0.9, spread=0.2, n=3)).status == Status.NOT_REPRODUCED


def test_numbers_whose_single_runs_scatter_too_widely_are_not_testable():
    scattered = []
    for head in ("softmax", "relu"):
        for seed, shift in enumerate(np.linspace(-0.08, 0.08, 40), start=1):
            test = paper.result("wdbc", "ffnn", head)["test_accuracy"]
            folds = np.clip(paper.fold_accuracy("wdbc", "ffnn", head) + shift, 0, 1)
            scattered.append(run("wdbc", "ffnn", head, "carried", seed, folds, min(1, test + shift)))
    found = verdict("T9", scattered)
    assert found.status == Status.NOT_TESTABLE and "scatter so widely" in found.why


def test_an_honest_cross_validation_is_that_of_all_fresh_runs_where_there_are_three():
    carried = as_in_the_paper("mnist", "ffnn", "softmax") + as_in_the_paper("mnist", "ffnn", "relu")
    centre = {head: paper.result("mnist", "ffnn", head)["cv_accuracy"] for head in ("softmax", "relu")}

    def fresh(head, seed, mean):
        return run("mnist", "ffnn", head, "fresh", seed, mean + 0.003 * np.sin(np.arange(10)), 0.97)

    first = [fresh(head, 1, centre[head]) for head in centre]
    others = [fresh(head, seed, 0.95 + seed / 2000) for head in centre for seed in (2, 3, 4, 5, 6)]
    assert verdict("T3", carried + first).status == Status.REPRODUCED
    lower = [fresh(head, 1, 0.9505) for head in centre]
    assert verdict("T3", carried + lower + others).status == Status.BY_THE_FLAW


def with_matrix(published, seed, shift):
    """A carried run whose confusion matrix is the paper's, with ``shift`` images of each class moved off the diagonal."""
    made = run(published.dataset, published.architecture, published.head, "carried", seed)
    counts = published.counts.copy()
    k = len(counts)
    for i in range(k):
        counts[i, i] -= shift
        counts[i, (i + 1) % k] += shift
    labels = np.repeat(np.arange(k), counts.sum(axis=1))
    predictions = np.concatenate([np.repeat(np.arange(k), row) for row in counts])
    return made.model_copy(update={"test": schema.Test.of(labels, predictions, 0.2, k)})


@pytest.mark.parametrize("number", [2, 8, 11])
def test_a_confusion_matrix_is_judged_on_the_hits_of_every_class(number):
    published = paper.matrix(number)
    near = [with_matrix(published, seed, shift) for seed, shift in enumerate((0, 1, 2, 0, 1), start=1)]
    far = [with_matrix(published, seed, shift) for seed, shift in enumerate((20, 21, 22, 20, 21), start=1)]
    assert verdict(f"F{number}", near).status == Status.REPRODUCED
    assert verdict(f"F{number}", far).status == Status.NOT_REPRODUCED


def both_protocols(relu, softmax, relu_fresh=None, softmax_fresh=None, pair=("mnist", "ffnn"), spread=0.001):
    fresh = {"relu": relu_fresh or relu, "softmax": softmax_fresh or softmax}
    carried = {"relu": relu, "softmax": softmax}
    return [
        r
        for protocol, hits in (("carried", carried), ("fresh", fresh))
        for head in ("relu", "softmax")
        for r in runs(*pair, head, protocol, [hits[head]] * 10, hits[head], spread)
    ]


def test_on_par_is_shown_by_equivalence_under_both_protocols():
    assert verdict("C09", both_protocols(0.977, 0.979)).status == Status.REPRODUCED


def test_on_par_only_after_320_epochs_is_reproduced_only_by_the_flaw():
    assert verdict("C09", both_protocols(0.977, 0.979, relu_fresh=0.9, softmax_fresh=0.979)).status == Status.BY_THE_FLAW


def test_on_par_is_contradicted_by_a_difference_of_more_than_the_margin():
    assert verdict("C09", both_protocols(0.90, 0.979)).status == Status.CONTRADICTED


def differing(shifts):
    """FFNNs on MNIST under both protocols: softmax at 97 %, ReLU so far from it in each seed."""
    return [
        run("mnist", "ffnn", head, protocol, seed, [0.95] * 10, 0.97 + (head == "relu") * shift)
        for protocol in ("carried", "fresh")
        for head in ("relu", "softmax")
        for seed, shift in enumerate(shifts, start=1)
    ]


@pytest.mark.parametrize(
    ("shifts", "status", "why"),
    [
        ([-0.005, -0.02, -0.015], Status.OPEN, r"about \d+ seeds would tell"),  # the mean is beyond the margin, its interval is not
        ([-0.005, -0.2, -0.015], Status.NOT_TESTABLE, "more than 100 seeds would be needed to tell"),
        ([-0.009, -0.011, -0.009, -0.011, -0.01], Status.NOT_REPRODUCED, "is not shown"),  # so little scatter that it could have been
    ],
)
def test_what_is_neither_shown_nor_refuted_is_not_reproduced_only_if_the_runs_could_have_shown_it(shifts, status, why):
    found = verdict("C09", differing(shifts))
    assert found.status == status and re.search(why, found.why)


def test_on_par_after_320_epochs_waits_for_runs_that_tell_of_the_first_32():
    scattered = [r for r in differing([0.03, -0.03, 0.01, -0.01, 0.0]) if r.spec.protocol == "fresh"]
    close = [r for r in differing([0.001, -0.001, 0.0, 0.001, -0.001]) if r.spec.protocol == "carried"]
    assert verdict("C09", close + scattered).status == Status.OPEN


def by_class(dataset, architecture, differences, jitter=1, n=5):
    """Carried runs of both heads; ReLU has so many more correct predictions in each class, give or take the jitter from seed to seed."""
    made = []
    for seed in range(1, n + 1):
        for head in ("relu", "softmax"):
            base = run(dataset, architecture, head, "carried", seed)
            counts = np.array(base.test.confusion_matrix)
            if head == "relu":
                for i, difference in enumerate(differences):
                    moved = difference + jitter * ((seed - 1) % 5 - 2)
                    counts[i, i] += moved
                    counts[i, (i + 1) % 10] -= moved
            labels = np.repeat(np.arange(10), counts.sum(axis=1))
            predictions = np.concatenate([np.repeat(np.arange(10), row) for row in counts])
            made.append(base.model_copy(update={"test": schema.Test.of(labels, predictions, 0.2, 10)}))
    return made


@pytest.mark.parametrize(
    ("differences", "n", "status"),
    [
        ([20] * 5 + [-20] * 5, 5, Status.REPRODUCED),
        ([20] * 10, 5, Status.CONTRADICTED),
        ([0] * 10, 30, Status.NOT_REPRODUCED),  # enough runs to show what the paper has
        ([1] * 5 + [-1] * 5, 5, Status.OPEN),  # as many classes ahead as behind, but by no more than the seeds differ
    ],
)
@pytest.mark.parametrize(("identifier", "dataset"), [("C10", "mnist"), ("C17", "fashion_mnist")])
def test_better_on_some_classes_and_worse_on_others_must_be_shown_in_both_directions(identifier, dataset, differences, n, status):
    found = by_class(dataset, "ffnn", differences, jitter=10 if status == Status.OPEN else 1, n=n)
    assert verdict(identifier, found).status == status
    assert verdict("C17" if identifier == "C10" else "C10", found).status == Status.OPEN  # it is about the other data set


@pytest.mark.parametrize(
    ("differences", "status"),
    [([-20] * 10, Status.REPRODUCED), ([-20] * 9 + [20], Status.CONTRADICTED), ([-20] * 9 + [-1], Status.NOT_REPRODUCED)],
)
def test_best_in_every_class_must_be_shown_in_every_class(differences, status):
    assert verdict("C15", by_class("mnist", "cnn", differences)).status == status


@pytest.mark.parametrize(
    ("differences", "status"),
    [
        ([5] * 7 + [-40] * 3, Status.REPRODUCED),
        ([-5] * 7 + [5] * 3, Status.CONTRADICTED),
        ([20] * 7 + [-5] * 3, Status.CONTRADICTED),
        ([4] * 5 + [-5] * 5, Status.NOT_REPRODUCED),  # as many classes ahead as behind in every seed, which the paper's are not
        ([2] * 6 + [-2] * 4, Status.OPEN),
    ],
)
def test_most_classes_ahead_but_fewer_in_total_are_two_tests(differences, status):
    jitter = 1 if status != Status.OPEN else 3
    assert verdict("C19", by_class("fashion_mnist", "cnn", differences, jitter)).status == status


def test_runs_of_one_fold_are_not_judged_as_if_they_had_320_epochs():
    whole = by_class("mnist", "cnn", [-40] * 10)
    assert verdict("C15", whole).status == Status.REPRODUCED
    partial = [made.model_copy(update={"spec": made.spec.model_copy(update={"folds": 1}), "folds": made.folds[:1]}) for made in whole]
    for claim in ("C12", "C13", "C15"):
        assert verdict(claim, partial).status == Status.OPEN and "none recorded" in verdict(claim, partial).why


def test_a_fall_from_fold_to_fold_is_told_uncut():
    falling = runs("mnist", "cnn", "relu", "carried", paper.fold_accuracy("mnist", "cnn", "relu")[::-1], 0.9)
    assert re.search(r"the rise from fold to fold \(6\.2 points against −6\.\d points to −6\.\d points\)", verdict("T5", falling).why)


@pytest.mark.parametrize("honest", [0.9733, 0.9829])
def test_the_interval_from_the_ten_folds_of_one_run_is_corrected_for_their_overlap(honest):
    anew = run("mnist", "ffnn", "softmax", "fresh", 1, honest + np.linspace(-0.004, 0.004, 10))
    std = np.std(anew.fold_accuracy, ddof=1)
    half = student.ppf(0.975, 9) * std * np.sqrt(1 / 10 + 1 / 9)
    assert tables.over_folds(anew) == pytest.approx((honest - half, honest + half), abs=1e-9)


def test_which_error_is_which_on_wdbc_matters_to_what_could_have_been_shown():
    def matrices(false_alarms, misses):
        made = []
        for seed in range(1, 7):
            for head, alarms, missed in (("softmax", 5, 9), ("relu", 5 + false_alarms, 9 + misses)):
                wobble = (seed % 2) * 2 - 1 if head == "relu" else 0
                labels = np.repeat([0, 1], [64, 107])
                guesses = np.repeat([0, 1, 0, 1], [64 - missed - wobble, missed + wobble, alarms + wobble, 107 - alarms - wobble])
                made.append(run("wdbc", "ffnn", head, "carried", seed).model_copy(update={"test": schema.Test.of(labels, guesses, 0.2, 2)}))
        return made

    # The paper has 3 benign tumours fewer taken for malignant with ReLU, and 6 malignant ones more missed.
    assert verdict("C23", matrices(false_alarms=-3, misses=6)).status == Status.REPRODUCED
    assert verdict("C23", matrices(false_alarms=3, misses=-6)).status == Status.CONTRADICTED


@pytest.mark.parametrize(
    ("relu", "status"),
    [([0.916, 0.917, 0.918], Status.REPRODUCED), ([0.94, 0.941, 0.942], Status.NOT_REPRODUCED), ([0.90, 0.92, 0.93], Status.OPEN)],
)
def test_four_points_need_an_interval_that_does_not_reach_to_none(relu, status):
    found = [run("mnist", "cnn", "softmax", "carried", seed, [0.95] * 10, 0.9536) for seed in (1, 2, 3)]
    found += [run("mnist", "cnn", "relu", "carried", seed, [0.9] * 10, hits) for seed, hits in zip((1, 2, 3), relu, strict=True)]
    assert verdict("C13", found).status == status


@pytest.mark.parametrize(
    ("relu", "status"),
    [
        ([0.858, 0.857, 0.860, 0.859, 0.8585], Status.REPRODUCED),
        ([0.83, 0.829, 0.832, 0.831, 0.8305], Status.CONTRADICTED),
        ([0.858, 0.84, 0.86, 0.859, 0.85], Status.OPEN),
    ],
)
def test_slightly_lower_says_which_of_its_parts_are_shown(relu, status):
    pair = ("fashion_mnist", "cnn")
    made = [run(*pair, "softmax", "carried", seed, [0.9] * 10, 0.8605) for seed in range(1, 6)]
    made += [run(*pair, "relu", "carried", seed, [0.8] * 10, hits) for seed, hits in enumerate(relu, start=1)]
    made += runs(*pair, "relu", "fresh", [0.7] * 10, 0.7, spread=0.01) + runs(*pair, "softmax", "fresh", [0.8] * 10, 0.86)
    found = verdict("C18", made)
    assert found.status == status
    shown = re.findall(r"(is behind|further behind|lower in accuracy|within a point).*?: (shown|not shown)", found.why)
    assert [part for part, _ in shown] == ["is behind", "further behind", "lower in accuracy", "within a point"]
    assert (status == Status.REPRODUCED) == all(what == "shown" for _, what in shown)


@pytest.mark.parametrize(("shift", "status"), [(-0.01, Status.REPRODUCED), (-0.05, Status.CONTRADICTED), (-0.03, Status.NOT_REPRODUCED)])
def test_comparable_on_wdbc_is_within_what_the_paper_calls_so(shift, status):
    made = [
        run("wdbc", "ffnn", head, "carried", seed, [0.9] * 10, 0.9 + (head == "relu") * (shift + seed % 3 / 100))
        for head in ("softmax", "relu")
        for seed in range(1, 41)
    ]
    assert verdict("C22", made).status == status


@pytest.mark.parametrize(
    ("relu", "status"),
    [((0.977, 0.985), Status.REPRODUCED), ((0.90, 0.90), Status.CONTRADICTED), ((0.977, 0.978), Status.NOT_REPRODUCED)],
)
def test_comparable_needs_all_four_experiments_and_one_that_is_better(relu, status):
    pairs = [("mnist", "ffnn"), ("mnist", "cnn"), ("fashion_mnist", "ffnn"), ("fashion_mnist", "cnn")]
    made = []
    for i, pair in enumerate(pairs):
        made += runs(*pair, "softmax", "carried", [0.9] * 10, 0.98, spread=0.0005) + runs(*pair, "softmax", "fresh", [0.9] * 10, 0.98, spread=0.0005)
        made += [r for protocol in ("carried", "fresh") for r in runs(*pair, "relu", protocol, [0.9] * 10, relu[i == 0], spread=0.001)]
    found = verdict("C25", made)
    assert found.status == status and "n = 5 or more" in found.why


def test_pairs_are_of_equal_seeds():
    found = [run("mnist", "cnn", "softmax", "carried", seed, [0.95] * 10, 0.90 + seed / 100) for seed in (1, 2, 3, 4)]
    found += [run("mnist", "cnn", "relu", "carried", seed, [0.9] * 10, 0.864 + seed / 100) for seed in (2, 3, 4, 5)]
    assert verdict("C13", found).status == Status.REPRODUCED and "n = 3" in verdict("C13", found).why


def test_slower_needs_to_be_behind_at_the_start_and_at_the_end():
    pair = ("mnist", "cnn")
    jitter = [  # the heads must not differ by the same amount in every seed
        r for r in both_protocols(0.90, 0.95, 0.4, 0.93, pair, spread=0.003) if r.spec.head == "relu"
    ] + [r for r in both_protocols(0.90, 0.95, 0.4, 0.93, pair, spread=0.001) if r.spec.head == "softmax"]
    assert verdict("C11", jitter).status == Status.REPRODUCED
    assert verdict("C11", both_protocols(0.90, 0.95, 0.93, 0.93, pair)).status == Status.OTHER_REASON
    assert verdict("C11", both_protocols(0.95, 0.95, pair=pair)).status == Status.NOT_REPRODUCED
    assert verdict("C11", both_protocols(0.96, 0.95, pair=pair)).status == Status.CONTRADICTED
    assert verdict("C11", both_protocols(0.90, 0.95, 0.91, 0.93, pair)).status == Status.OTHER_REASON  # less behind at first than at the end


@pytest.mark.parametrize(("hits", "status"), [(0.92, Status.REPRODUCED), (0.88, Status.CONTRADICTED), (0.9, Status.NOT_REPRODUCED)])
def test_more_than_ninety_percent_is_judged_on_the_interval_of_the_mean(hits, status):
    assert verdict("C12", runs("mnist", "cnn", "relu", "carried", [0.9] * 10, hits)).status == status


def intervened(relu, softmax, remedies, datasets=("mnist", "fashion_mnist"), n=3):
    """CNNs on the image sets: accuracy by head, and by remedy (title to accuracy)."""
    found = []
    for dataset in datasets:
        for head, hits in (("relu", relu), ("softmax", softmax)):
            found += runs_without_folds(dataset, head, hits, n)
        for remedy in REMEDIES:
            found += runs_without_folds(dataset, remedy.head, remedies.get(remedy.title, relu), n, **remedy.setting)
    return found


def runs_without_folds(dataset, head, hits, n=3, **setting):
    return [run(dataset, "cnn", head, "fresh", seed, [], hits + (seed - 2) / 1000, **setting) for seed in range(1, n + 1)]


CLIPPED, LEAKY, BIAS, HIDDEN = "gradient norms clipped to 1", "a leaky head", "an initial output bias of 1", "leaky hidden units"


@pytest.mark.parametrize(
    ("remedies", "status"),
    [
        ({CLIPPED: 0.9}, Status.CONTRADICTED),
        ({LEAKY: 0.9}, Status.REPRODUCED),
        ({BIAS: 0.9}, Status.REPRODUCED),
        ({HIDDEN: 0.9}, Status.REPRODUCED),
        ({CLIPPED: 0.9, HIDDEN: 0.9}, Status.REPRODUCED),  # clipping may close the gap by keeping neurons alive
        ({CLIPPED: 0.9, LEAKY: 0.9}, Status.REPRODUCED),
        ({}, Status.NOT_REPRODUCED),
    ],
)
def test_dying_neurons_are_the_cause_if_keeping_them_alive_closes_the_gap_and_are_not_if_only_clipping_does(remedies, status):
    assert verdict("C24", intervened(0.4, 0.92, remedies)).status == status


def test_a_cause_waits_for_the_runs_of_each_remedy_and_for_as_many_as_tell():
    made = intervened(0.4, 0.92, {CLIPPED: 0.9})
    assert verdict("C24", [r for r in made if r.spec.hidden == "relu"]).status == Status.OPEN
    scattered = [r for r in made if r.spec.hidden == "relu"]
    for dataset in ("mnist", "fashion_mnist"):
        scattered += [run(dataset, "cnn", "relu", "fresh", seed, [], hits, hidden="leaky_relu") for seed, hits in ((1, 0.9), (2, 0.6), (3, 0.85))]
    found = verdict("C24", scattered)
    assert found.status == Status.OPEN and re.search(r"about \d+ seeds would tell", found.why)


def test_a_cause_is_not_reproduced_where_one_image_set_tells_whatever_the_other_would_need():
    told = intervened(0.4, 0.92, {CLIPPED: 0.9}, ["fashion_mnist"], n=6)
    scattered = [r for r in intervened(0.4, 0.92, {CLIPPED: 0.9}, ["mnist"]) if r.spec.hidden == "relu"]
    scattered += [run("mnist", "cnn", "relu", "fresh", seed, [], hits, hidden="leaky_relu") for seed, hits in ((1, 0.9), (2, 0.6), (3, 0.85))]
    found = verdict("C24", told + scattered)
    assert found.status == Status.NOT_REPRODUCED and "n = 6" in found.why and "n = 3" in found.why


def test_a_cause_must_be_shown_on_both_image_sets_and_not_by_means_alone():
    decided = intervened(0.4, 0.92, {CLIPPED: 0.9})
    on_one = [r for r in decided if r.spec.dataset == "mnist" or not r.spec.clipnorm]
    on_one += runs_without_folds("fashion_mnist", "relu", 0.4, clipnorm=1.0)
    assert verdict("C24", on_one).status == Status.NOT_REPRODUCED
    scattered = [r for r in decided if not r.spec.clipnorm]
    for dataset in ("mnist", "fashion_mnist"):  # closes most of the gap on average, but one seed in three not at all
        scattered += [run(dataset, "cnn", "relu", "fresh", seed, [], hits, clipnorm=1.0) for seed, hits in ((1, 0.9), (2, 0.4), (3, 0.91))]
    assert verdict("C24", scattered).status == Status.NOT_REPRODUCED


def test_without_a_gap_there_is_no_cause_to_test():
    assert verdict("C24", intervened(0.92, 0.92, {})).status == Status.NOT_TESTABLE


def test_on_par_with_further_optimisation_needs_a_remedy_that_is_equivalent():
    assert verdict("C14", intervened(0.4, 0.92, {CLIPPED: 0.92})).status == Status.REPRODUCED
    assert verdict("C14", intervened(0.4, 0.92, {CLIPPED: 0.88})).status == Status.NOT_REPRODUCED
    scattered = [r for r in intervened(0.4, 0.92, {}) if not (r.spec.clipnorm and r.spec.dataset == "mnist")]
    scattered += [run("mnist", "cnn", "relu", "fresh", seed, [], hits, clipnorm=1.0) for seed, hits in ((1, 0.9), (2, 0.92), (3, 0.93))]
    found = verdict("C14", scattered)
    assert found.status == Status.OPEN and re.search(r"about \d+ seeds would tell", found.why)


def test_changing_a_record_changes_the_verdict_that_rests_on_it_and_no_other():
    before = as_in_the_paper("wdbc", "ffnn", "softmax") + as_in_the_paper("wdbc", "ffnn", "relu")
    before += [run("wdbc", "ffnn", head, "fresh", 1, 0.97 + 0.001 * np.sin(np.arange(10)), 0.97) for head in ("softmax", "relu")]
    after = [r for r in before if r.spec.head != "relu" or r.spec.protocol != "carried"] + runs("wdbc", "ffnn", "relu", "carried", [0.5] * 10, 0.5)
    judged = {name: {found.id: (found.status, found.why) for found in judge(made)} for name, made in (("before", before), ("after", after))}
    changed = {identifier for identifier, found in judged["before"].items() if found != judged["after"][identifier]}
    assert changed == {"T9", "F10", "C22", "C23"}
    assert judged["before"]["T9"][0] == Status.BY_THE_FLAW and judged["after"]["T9"][0] == Status.NOT_REPRODUCED
    again = [r.model_copy(update={"provenance": r.provenance.model_copy(update={"seconds": 99.0})}) for r in before]
    assert {found.id: (found.status, found.why) for found in judge(again)} == judged["before"]  # how long a run took is no evidence


def test_records_of_smoke_runs_and_other_settings_are_no_evidence():
    small = [run("mnist", "cnn", "relu", "carried", seed, samples=500) for seed in (1, 2, 3)]
    other = [run("mnist", "cnn", "relu", "carried", seed, clipnorm=1.0) for seed in (1, 2, 3)]
    assert verdict("C12", small + other).status == Status.OPEN


def test_the_clinicians_table_follows_the_labelling():
    # ReLU: fewer benign tumours taken for malignant, more malignant ones for benign, in every seed but by different amounts.
    def tumours(head, seed, missed, false):
        made = run("wdbc", "ffnn", head, "carried", seed)
        labels = np.repeat([0, 1], [64, 107])
        predictions = labels.copy()
        predictions[:missed] = 1
        predictions[64 : 64 + false] = 0
        return made.model_copy(update={"test": schema.Test.of(labels, predictions, 0.2, 2)})

    relu = [tumours("relu", seed, 8 + seed, 1) for seed in range(1, 6)]
    softmax = [tumours("softmax", seed, 4, 5 + seed % 2) for seed in range(1, 6)]
    assert verdict("C23", relu + softmax).status == Status.REPRODUCED
    swapped = [
        r.model_copy(update={"spec": r.spec.model_copy(update={"head": {"relu": "softmax", "softmax": "relu"}[r.spec.head]})}) for r in relu + softmax
    ]
    reverse = verdict("C23", swapped)
    assert reverse.status == Status.CONTRADICTED and "with malignant as the positive class, as a clinician has it, it holds" in reverse.why
    alike = [tumours(head, seed, 4 + (seed + shift) % 2, 5) for head, shift in (("relu", 0), ("softmax", 1)) for seed in range(1, 6)]
    assert verdict("C23", alike).status == Status.NOT_REPRODUCED


def ends_and_starts(dataset, architecture, start, end, jitter=0.0005, n=6):
    """Runs whose ReLU head is behind by so much after the 32 epochs of ``fresh`` and at the end of ``carried``, give or take the jitter."""
    made = []
    for seed in range(1, n + 1):
        for protocol, behind in (("fresh", start), ("carried", end)):
            off = jitter * (-1) ** seed * (1 if protocol == "fresh" else -0.5)
            made.append(run(dataset, architecture, "softmax", protocol, seed, hits=0.9))
            made.append(run(dataset, architecture, "relu", protocol, seed, hits=0.9 - behind + off))
    return made


@pytest.mark.parametrize(
    ("start", "end", "jitter", "status"),
    [
        (0.1, 0.03, 0.001, Status.REPRODUCED),
        (0.1, -0.03, 0.001, Status.CONTRADICTED),
        (0.0, 0.03, 0.001, Status.OTHER_REASON),
        (0.03, 0.03, 0.001, Status.NOT_REPRODUCED),  # no further behind at first, where the paper's gap would have been seen
        (0.1, 0.03, 0.2, Status.OPEN),
    ],
)
@pytest.mark.parametrize(("identifier", "dataset", "architecture"), [("C11", "mnist", "cnn"), ("C21", "wdbc", "ffnn")])
def test_worse_because_slower_needs_all_its_parts_and_enough_runs(identifier, dataset, architecture, start, end, jitter, status):
    if dataset == "wdbc":  # the paper's gaps are small there, and a test set has 171 rows
        start, end = (round(gap * 171 * 1.5) / 171 for gap in (start, end))
    found = ends_and_starts(dataset, architecture, start, end, jitter, n=6 if jitter < 0.1 else 4)
    assert verdict(identifier, found).status == status


def test_slower_is_not_reproduced_in_c18_only_if_runs_could_have_shown_it():
    network = ("fashion_mnist", "cnn")
    assert verdict("C18", ends_and_starts(*network, 0.03, 0.005, jitter=0.001)).status == Status.REPRODUCED
    assert verdict("C18", ends_and_starts(*network, 0.005, 0.005, jitter=0.001)).status == Status.NOT_REPRODUCED
    assert verdict("C18", ends_and_starts(*network, 0.012, 0.005, jitter=0.1, n=4)).status == Status.OPEN


def test_about_four_points_is_not_reproduced_by_an_interval_that_reaches_to_none():
    off = [0.02, -0.02, 0.016, -0.016, 0.008, -0.008, 0.0, 0.0, 0.004, -0.004, 0.012, -0.012]
    found = [run("mnist", "cnn", "softmax", "carried", seed, hits=0.9) for seed in range(1, 13)]
    found += [run("mnist", "cnn", "relu", "carried", seed, hits=0.9 - 0.01 + shift) for seed, shift in enumerate(off, start=1)]
    assert verdict("C13", found).status == Status.OPEN


def test_more_of_one_error_and_of_the_other_waits_for_splits_that_could_show_it():
    found = []
    for seed, (false, missed) in enumerate([(4, 30), (14, 0), (2, 10)], start=1):
        for head, errors in (("relu", (false, missed)), ("softmax", (8, 8))):
            base = run("wdbc", "ffnn", head, "carried", seed)
            labels = np.repeat([0, 0, 1, 1], [64 - errors[1], errors[1], 107 - errors[0], errors[0]])
            predictions = np.repeat([0, 1, 1, 0], [64 - errors[1], errors[1], 107 - errors[0], errors[0]])
            found.append(base.model_copy(update={"test": schema.Test.of(labels, predictions, 0.2, 2)}))
    assert verdict("C23", found).status == Status.OPEN


def test_a_gap_that_is_not_shown_is_not_taken_for_none():
    scattered = [run("fashion_mnist", "cnn", "softmax", "fresh", seed, [], 0.92) for seed in (1, 2, 3)]
    scattered += [run("fashion_mnist", "cnn", "relu", "fresh", seed, [], hits) for seed, hits in ((1, 0.3), (2, 0.88), (3, 0.6))]
    found = verdict("C24", intervened(0.4, 0.92, {HIDDEN: 0.9}, ["mnist"]) + scattered)
    assert found.status == Status.OPEN and "Fashion-MNIST is not shown" in found.why


def test_a_remedy_that_closes_more_than_half_on_average_keeps_the_cause_open():
    scattered = [r for r in intervened(0.4, 0.92, {CLIPPED: 0.9}) if r.spec.head != "leaky_relu"]
    for dataset in ("mnist", "fashion_mnist"):
        scattered += [run(dataset, "cnn", "leaky_relu", "fresh", seed, [], hits) for seed, hits in ((1, 0.62), (2, 0.8), (3, 0.74))]
    assert verdict("C24", scattered).status == Status.OPEN


def test_a_claim_waits_while_the_spread_of_its_few_runs_may_be_smaller_than_it_looks():
    few = Power(3, None, hopeless=False)
    with pytest.raises(Undecided, match="more than 100 seeds to tell, unless single runs scatter"):
        not_shown("It is not shown", [few])
    assert not_shown("It is not shown", [Power(3, None, hopeless=True)])[0] == Status.NOT_TESTABLE
    with pytest.raises(Undecided, match="about 20 seeds might settle a part, more than 100 all of it"):
        not_shown("It is not shown", [Power(3, None, hopeless=True), Power(3, 20)])
    with pytest.raises(Undecided, match="about 20 seeds might settle a part, about 30 all of it"):
        not_shown("It is not shown", [Power(3, 30), Power(3, 20)])
    with pytest.raises(Undecided, match="; about 20 seeds would tell"):
        not_shown("It is not shown", [Power(3, 20), Power(3, 20)])
    status, why = not_shown("It is not shown", [Power(3, None, hopeless=True), Power(20, 20)])
    assert status == Status.NOT_REPRODUCED and "so many runs would have shown it" in why
    assert "leave no room for what it says" in not_shown("It is not shown", [Power(3, 3, excluded=True)])[1]


def test_the_further_heads_are_compared_once_all_are_there():
    found = []
    for dataset in ("mnist", "fashion_mnist"):
        for architecture in ("ffnn", "cnn"):
            for head in ("relu", "softmax", *FURTHER_HEADS):
                hits = 0.9 if head in ("softplus", "softmax") else 0.8
                found += [run(dataset, architecture, head, "fresh", seed, [], hits + (seed - 2) / 2000 * (head != "relu")) for seed in (1, 2, 3)]
    answer = verdict("W2", found)
    assert answer.status == Status.ANSWERED
    assert answer.why.endswith("on par with softmax: softplus in 4; and these to be better than ReLU: softplus in 4.")
    lacking = [r for r in found if (r.spec.dataset, r.spec.architecture, r.spec.head) != ("mnist", "cnn", "sparsemax")]
    assert verdict("W2", lacking).why.endswith("the MNIST CNN lacks some of sparsemax.")


def test_the_gradients_are_told_once_both_heads_of_every_network_are_probed():
    found = []
    for dataset, architecture in paper.RESULT_TABLES:
        for head, dead_true, largest in (("relu", 0.25, 4.0), ("softmax", 0.0, 0.5)):
            made = run(dataset, architecture, head, "fresh", 1, [], 0.9)
            rest = dict.fromkeys(("norm_first", "no_gradient", "dead_units"), (0.0, 0.0))
            probe = schema.Probe(norm_head=(largest, 0.1), cosine=(0.5, -0.125), dead_true=(0.0, dead_true), dead_hidden=None, **rest)
            found.append(made.model_copy(update={"final": made.final.model_copy(update={"probe": probe})}))
    answer = verdict("W1", found)
    assert answer.status == Status.ANSWERED
    assert (
        answer.why.count("and 25.0 % of the rows pass no gradient in the end") == 2
        and answer.why.count("8 times as large with ReLU as with softmax (norms 4.0 and 0.5)") == 2
        and answer.why.count("is −0.12; ") == 2
    )
    without = [r for r in found if (r.spec.dataset, r.spec.head) != ("wdbc", "softmax")]
    lacking = verdict("W1", without)
    assert lacking.status == Status.OPEN and "WDBC FFNN-Softmax" in lacking.why


@pytest.mark.parametrize(("identifier", "dataset"), [("C09", "mnist"), ("C16", "fashion_mnist")])
def test_on_par_is_judged_on_its_own_data_set(identifier, dataset):
    shifts = (0.001, -0.001, 0.0, 0.001, -0.001)
    found = []
    for seed, shift in enumerate(shifts, start=1):
        for protocol in ("carried", "fresh"):
            found += [run(dataset, "ffnn", "softmax", protocol, seed, hits=0.9), run(dataset, "ffnn", "relu", protocol, seed, hits=0.9 + shift)]
    assert verdict(identifier, found).status == Status.REPRODUCED
    assert verdict("C16" if identifier == "C09" else "C09", found).status == Status.OPEN


def test_the_rules_in_brief_have_every_item_that_needs_runs():
    named = set()
    for text in rule_table.in_brief()["item"]:
        for first, last in re.findall(r"\b([TFCW]\d+)(?: to ([TFCW]\d+))?", text.partition(":")[0]):
            named |= {f"{first[0]}{n}" for n in range(int(first[1:]), int(last[1:]) + 1)} if last else {first}
    open_without_runs = {found.id for found in judge([]) if found.status == Status.OPEN}
    assert named == open_without_runs


@pytest.mark.parametrize(
    ("share", "several", "text"), [(0.274, False, "closes 27 %"), (-0.3, True, "widen it by 30 %"), (-0.004, True, "close nothing of it")]
)
def test_what_a_remedy_does_to_the_gap_is_said_in_words(share, several, text):
    closing = claim_rules.Closing(gap=None, share=share, past_half=None, left=None)
    assert claim_rules._closes(closing, several) == text
