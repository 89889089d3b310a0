"""What pages and README conclude in words holds by the committed records, cell by cell."""

from collections import Counter

import nbformat
import numpy as np
import pytest

from reluclf import paths
from reluclf.campaign import batchwise
from reluclf.judging import paper
from reluclf.judging.design import AS_RUN, AS_WRITTEN, BOTH, Cell
from reluclf.judging.evidence import difference, measure, of_setting, under
from reluclf.judging.paper import FOLD_TABLES, IMAGE_NETWORKS
from reluclf.judging.status import Status
from reluclf.judging.verdicts import judge
from reluclf.showing import (
    clinic,
    cross_validation,
    dead_outputs,
    devices,
    interventions,
    original,
    sentences,
    traces,
    wdbc,
)
from reluclf.showing.runs import with_both_heads
from reluclf.store import Store


@pytest.fixture(scope="module")
def committed(everything):
    return [run for run in everything if (run.spec.samples, run.spec.epochs) == (None, 32)]


def closes_more_than_half(name, dataset, records):
    return interventions.closed(
        interventions.named(name), dataset, "cnn", records
    ).past_half.greater


def clipping_lifts_the_cnn(records):
    return all(closes_more_than_half("clipnorm", dataset, records) for dataset in FOLD_TABLES)


def forgetting_closes_more_than_half_on_mnist_alone(records):
    closes = {dataset: closes_more_than_half("beta_2", dataset, records) for dataset in FOLD_TABLES}
    return closes == {"mnist": True, "fashion_mnist": False}


def relu_scores_under_a_softmax_are_level(records):
    scores, softmax = (
        of_setting(records, dataset="mnist", architecture="cnn", head=head, protocol="fresh")
        for head in ("relu_softmax", "softmax")
    )
    return difference(scores, softmax).equivalent


def shortfalls(records, condition):
    """By how many points ReLU is behind softmax in each network on images."""
    behind = []
    for dataset, architecture in IMAGE_NETWORKS:
        relu, softmax = (
            under(records, condition, dataset, architecture=architecture, head=head)
            for head in ("relu", "softmax")
        )
        behind.append(-100 * difference(relu, softmax).mean)
    return behind


def relu_is_behind_by_as_much_as_told(records):
    return all(
        (round(min(behind)), round(max(behind))) == told
        for behind, told in (
            (shortfalls(records, AS_RUN), (2, 6)),
            (shortfalls(records, AS_WRITTEN), (6, 39)),
        )
    )


def ffnns_that_keep_every_class_are_on_par_as_run_and_behind_as_written(records):
    def apart(condition, dataset):
        relu, softmax = (
            under(records, condition, dataset, architecture="ffnn", head=head)
            for head in ("relu", "softmax")
        )
        return difference([run for run in relu if not run.test.lost], softmax)

    return all(
        apart(AS_RUN, dataset).equivalent and apart(AS_WRITTEN, dataset).less
        for dataset in FOLD_TABLES
    )


def what_keeps_neurons_alive_closes_less_than_half_in_the_cnn(records):
    names = ("bias", "leaky_relu", "hidden")
    return all(
        interventions.closed(interventions.named(name), dataset, "cnn", records).past_half.less
        for name in names
        for dataset in FOLD_TABLES
    )


def wdbc_runs_that_keep_both_classes_miss_more(records):
    (answer,) = (one.as_run for one in judge(records) if one.id == "C23")
    return "more false positives: shown" in answer.why.partition("Among the runs")[2]


def as_run_no_number_is_outside(records):
    numbers = [one for one in judge(records) if one.id[0] in "TF" and one.as_run]
    return len(numbers) > 10 and all(one.as_run.status != Status.NOT_REPRODUCED for one in numbers)


def the_cnns_cross_validations_as_written_are_three_and_say_little(records):
    answers = {
        one.id: one.as_written for one in judge(records) if one.id in ("T4", "T5", "T7", "T8")
    }
    scatter = all("scatter too widely" in answer.why for answer in answers.values())
    return scatter and all(
        len(
            [
                run
                for run in under(records, AS_WRITTEN, name, architecture="cnn", head=head)
                if run.folds
            ]
        )
        == 3
        for name in FOLD_TABLES
        for head in ("relu", "softmax")
    )


def on_images_softmax_is_equivalent_then_and_now_and_relu_not_shown(records):
    carried = [run for run in records if run.spec.protocol == "carried"]
    rows = original.compared(original.read(), carried).to_dict("records")
    shown = [
        (row["network"], row["accuracy, %"], row["within two points"] == "shown") for row in rows
    ]
    softmax = [one for one in shown if "MNIST" in one[0] and one[0].endswith("Softmax")]
    others = [one for one in shown if one[0].endswith("ReLU") or one[1].startswith("raw")]
    cnns = [one for one in softmax if "CNN" in one[0]]
    return (
        len(softmax) == 8
        and all(one[2] for one in softmax)
        and not any(one[2] for one in others)
        and {one[1] for one in cnns} == {"after two epochs, validation"}
    )


def the_devices_differ_in_the_ffnns_as_written_alone(records):
    apart = [
        pair.cell for pair in devices.pairs(records) if pair.difference and pair.difference.p < 0.05
    ]
    return apart == [
        Cell(dataset, "ffnn", "relu", "as written") for dataset in ("mnist", "fashion_mnist")
    ]


def dead_outputs_lose_classes_and_hardly_any_is_lost_without(records):
    (dead_lost, dead_kept), (lost, kept) = dead_outputs.counted(records)
    return dead_lost > 2 and dead_kept == 0 and lost <= 0.1 * dead_lost and kept > 2


def softmax_agrees_within_a_point(records):
    return float(sentences.softmax_apart(records)) < 1


def relu_is_behind_as_written(records):
    return "as written it is behind in" in sentences.heads(records) and all(
        difference(
            *(
                under(records, AS_WRITTEN, dataset, architecture=architecture, head=head)
                for head in ("relu", "softmax")
            )
        ).mean
        < -0.02
        for dataset, architecture in IMAGE_NETWORKS
    )


def relu_is_never_ahead(records):
    return "ReLU is nowhere shown to be ahead" in sentences.heads(records)


def relu_scatters(records):
    runs = under(records, AS_RUN, "mnist", architecture="ffnn", head="relu")
    return np.ptp([run.test.accuracy for run in runs]) > 0.05


def relu_learns_and_softmax_leaks(records):
    rises = cross_validation.rises(records)
    _, seen, unseen, _ = rises["mnist", "cnn", "relu"]
    _, of_softmax, _, leak_of_softmax = rises["mnist", "cnn", "softmax"]
    learns = unseen.mean > 0.9 * seen.mean
    return learns and leak_of_softmax.greater and leak_of_softmax.mean > 0.5 * of_softmax.mean


def cnn_relu_is_slow_on_both_sets(records):
    rises = cross_validation.rises(records)
    return all(rises[dataset, "cnn", "relu"][2].low > 0 for dataset in FOLD_TABLES)


def outputs_die_but_not_in_the_cnn(records):
    def none(network):
        return not any(any(interventions.dead(name, network, records)) for name in FOLD_TABLES)

    return none("cnn") and not none("ffnn")


def hidden_units_die_with_relu(records):
    relu, softmax = (
        interventions.hidden("mnist", "cnn", records, change)
        for change in (interventions.AS_IT_IS, interventions.SOFTMAX)
    )
    return np.mean(relu) > 2 * max(softmax)


def clipping_keeps_hidden_units_alive(records):
    clipped = interventions.hidden("mnist", "cnn", records, interventions.named("clipnorm"))
    return np.mean(clipped) < np.mean(interventions.hidden("mnist", "cnn", records)) / 2


#: The networks whose first epochs are measured batch by batch.
WAYS = {
    "softmax": ("softmax", {}),
    "relu": ("relu", {}),
    "clipnorm": ("relu", {"clipnorm": 1.0}),
    "beta_2": ("relu", {"beta_2": 0.9}),
}


def gradients_spike_and_steps_shrink(records):
    measured = batchwise.read()
    for dataset in FOLD_TABLES:
        found = {
            name: list(traces.of_network(measured, dataset, head, setting).values())
            for name, (head, setting) in WAYS.items()
        }
        largest = {name: [max(run.gradient) for run in runs] for name, runs in found.items()}
        step = {
            name: np.median([run.step[: len(run.step) // len(run.test)] for run in runs])
            for name, runs in found.items()
        }
        calm = 2 * max(largest["softmax"])
        if min(largest["relu"]) <= calm or min(largest["clipnorm"]) <= calm:
            return False
        if step["relu"] >= min(step["clipnorm"], step["beta_2"], step["softmax"]):
            return False
    return True


def the_heads_part_in_two(records):
    def short(head):
        gaps = []
        for dataset, architecture in IMAGE_NETWORKS:
            network = {"dataset": dataset, "architecture": architecture, "protocol": "fresh"}
            means = [
                measure(of_setting(records, head=name, **network), "test_accuracy").mean
                for name in ("softmax", head)
            ]
            gaps.append(means[0] - means[1])
        return gaps

    fall_short = all(min(short(head)) > 0.01 for head in ("relu", "leaky_relu", "squared_relu"))
    level = ("softplus", "elu_plus_one", "sparsemax", "relu_softmax")
    return fall_short and all(max(map(abs, short(head))) < 0.01 for head in level)


def logistic_regression_is_better(records):
    solved = Store(paths.RESULTS).select(architecture="logistic")
    networks = [
        under(records, condition, "wdbc", architecture="ffnn", head=head)
        for condition in BOTH
        for head in ("softmax", "relu")
    ]
    return all(difference(solved, runs).greater for runs in networks)


def all_of_wdbc_lies_among_the_runs_as_run(records):
    every = len(wdbc.numbers("softmax")) + len(wdbc.numbers("relu"))
    return wdbc.inside(records, wdbc.AS_RUN) == every


def outputs_die_in_the_first_epoch_only(records):
    curves = [
        run.final.probe.dead_units
        for run in records
        if run.spec.head == "relu"
        and run.spec.dataset in FOLD_TABLES
        and not run.spec.setting
        and run.final
        and run.final.probe
        and max(run.final.probe.dead_units) > 0
    ]
    return bool(curves) and all(list(curve) == sorted(curve, reverse=True) for curve in curves)


def the_papers_fashion_cnn_is_just_above_the_best_as_run(records):
    runs = under(records, AS_RUN, "fashion_mnist", architecture="cnn", head="relu")
    own = paper.result("fashion_mnist", "cnn", "relu")["test_accuracy"]
    return 0 < own - max(run.test.accuracy for run in runs) < 0.01


def on_wdbc_longer_training_is_not_shown_to_gain(records):
    # Beside what `committed` has: these runs are longer than 32 epochs.
    longer = Store(paths.RESULTS).select(dataset="wdbc", epochs=640, protocol="fresh", folds=0)
    found = [clinic.between_epochs(longer, head, [32, 320, 640]) for head in ("softmax", "relu")]
    return all(one.low < 0 < one.high for changes in found for one in changes)


def an_initial_bias_is_not_shown_to_close_half_in_the_ffnn(records):
    bias = interventions.named("bias")
    closed = [interventions.closed(bias, name, "ffnn", records) for name in FOLD_TABLES]
    return not any(one.past_half.greater for one in closed)


def his_traces_of_zeros_are_weak(records):
    def zeros(head):
        return dead_outputs.called_zero(paper.matrix_of("mnist", "cnn", head).counts)

    def price(network):
        own = network.published
        return dead_outputs.loss_per_error(own["test_loss"], own["test_accuracy"])

    pairs = [with_both_heads(*pair) for pair in IMAGE_NETWORKS]
    dearer = all(price(softmax) > price(relu) for softmax, relu in pairs)
    return zeros("relu") < zeros("softmax") and dearer


def of_the_plan_of_2018_three_experiments_are_not_run(records):
    made = Counter(run.spec.model_copy(update={"seed": 1}) for run in original.read())
    waiting = [spec for spec, n in original.plan().items() if made[spec] < n]
    whole = {f"{name}/ffnn-{head}" for name in FOLD_TABLES for head in paper.HEADS}
    first = {f"{name}/cnn-{head}" for name in FOLD_TABLES for head in paper.HEADS}
    told = {(name, 1) for name in first} | {(name, 10) for name in whole}
    told |= {("fashion_mnist/cnn-relu", 10)}
    return {(str(spec.path.parent.parent), spec.folds) for spec in waiting} == told and all(
        made[spec] == 0 for spec in waiting
    )


def no_mnist_cnn_as_run_loses_a_class(records):
    runs = under(records, AS_RUN, "mnist", architecture="cnn", head="relu")
    return len(runs) == 8 and not any(run.test.lost for run in runs)


#: A file, the cell that draws a conclusion (README: a word that its paragraph has), and what must
#: be so for it to stand.
CONCLUSIONS = [
    ("index", "index-found", the_papers_fashion_cnn_is_just_above_the_best_as_run),
    ("wdbc", "wdbc-10d", on_wdbc_longer_training_is_not_shown_to_gain),
    ("discussion", "discussion-05", an_initial_bias_is_not_shown_to_close_half_in_the_ffnn),
    ("discussion", "discussion-zeros", his_traces_of_zeros_are_weak),
    ("method", "method-11", of_the_plan_of_2018_three_experiments_are_not_run),
    ("mnist", "mnist-14", no_mnist_cnn_as_run_loses_a_class),
    ("index", "index-found", softmax_agrees_within_a_point),
    ("index", "index-found", relu_scatters),
    ("index", "index-found", relu_is_behind_as_written),
    ("index", "index-05", the_cnns_cross_validations_as_written_are_three_and_say_little),
    ("discussion", "discussion-09", the_cnns_cross_validations_as_written_are_three_and_say_little),
    ("index", "index-found", clipping_lifts_the_cnn),
    ("index", "index-found", ffnns_that_keep_every_class_are_on_par_as_run_and_behind_as_written),
    ("mnist", "mnist-06", ffnns_that_keep_every_class_are_on_par_as_run_and_behind_as_written),
    (
        "fashion_mnist",
        "fashion-mnist-06",
        ffnns_that_keep_every_class_are_on_par_as_run_and_behind_as_written,
    ),
    (
        "discussion",
        "discussion-right",
        ffnns_that_keep_every_class_are_on_par_as_run_and_behind_as_written,
    ),
    ("appendices", "appendices-devices", the_devices_differ_in_the_ffnns_as_written_alone),
    ("discussion", "discussion-sum", as_run_no_number_is_outside),
    ("why", "why-interventions-told", what_keeps_neurons_alive_closes_less_than_half_in_the_cnn),
    ("why", "why-unknown", what_keeps_neurons_alive_closes_less_than_half_in_the_cnn),
    ("wdbc", "wdbc-10a", wdbc_runs_that_keep_both_classes_miss_more),
    (
        "README",
        "keep every class",
        ffnns_that_keep_every_class_are_on_par_as_run_and_behind_as_written,
    ),
    ("README", "by 2 to 6 points", relu_is_behind_by_as_much_as_told),
    ("index", "index-found", dead_outputs_lose_classes_and_hardly_any_is_lost_without),
    ("wdbc", "wdbc-title", all_of_wdbc_lies_among_the_runs_as_run),
    ("method", "method-11", on_images_softmax_is_equivalent_then_and_now_and_relu_not_shown),
    ("method", "method-fold-rise-told", relu_learns_and_softmax_leaks),
    ("why", "why-prediction-met", relu_scores_under_a_softmax_are_level),
    ("why", "why-traces-told", gradients_spike_and_steps_shrink),
    ("why", "why-interventions-told", clipping_lifts_the_cnn),
    ("why", "why-interventions-told", forgetting_closes_more_than_half_on_mnist_alone),
    ("why", "why-dying", outputs_die_in_the_first_epoch_only),
    ("why", "why-dying-told", dead_outputs_lose_classes_and_hardly_any_is_lost_without),
    ("why", "why-dying-told", outputs_die_but_not_in_the_cnn),
    ("why", "why-dying-told", clipping_keeps_hidden_units_alive),
    ("why", "why-unknown", hidden_units_die_with_relu),
    ("discussion", "discussion-05", dead_outputs_lose_classes_and_hardly_any_is_lost_without),
    ("discussion", "discussion-sum", relu_is_never_ahead),
    ("discussion", "discussion-sum", clipping_lifts_the_cnn),
    ("discussion", "discussion-sum", forgetting_closes_more_than_half_on_mnist_alone),
    ("discussion", "discussion-sum", logistic_regression_is_better),
    ("discussion", "discussion-right", cnn_relu_is_slow_on_both_sets),
    ("discussion", "discussion-right", dead_outputs_lose_classes_and_hardly_any_is_lost_without),
    ("discussion", "discussion-proposals", the_heads_part_in_two),
    ("README", "clipped", clipping_lifts_the_cnn),
    ("README", "WDBC", all_of_wdbc_lies_among_the_runs_as_run),
]


@pytest.mark.parametrize(
    ("page", "cell", "holds"),
    CONCLUSIONS,
    ids=[f"{page}: {holds.__name__}" for page, _, holds in CONCLUSIONS],
)
def test_what_is_concluded_in_words_holds(page, cell, holds, committed):
    if page == "README":
        assert cell in (paths.ROOT / "README.md").read_text(encoding="utf-8")
    else:
        cells = nbformat.read(paths.BOOK / f"{page}.ipynb", as_version=4).cells
        assert cell in {one.id for one in cells}, "it is gone, or has another name"
    assert holds(committed), f"the records no longer bear out what {page} says in {cell}"


def test_a_conclusion_does_not_hold_by_other_records(committed):
    folder = "mnist/cnn-relu/fresh,folds=0"
    relu = {run.spec.seed: run for run in committed if str(run.spec.path.parent) == folder}
    no_better = [
        run.model_copy(update={"test": relu[run.spec.seed].test})
        if str(run.spec.path.parent) == f"{folder},clipnorm=1.0"
        else run
        for run in committed
    ]
    assert not clipping_lifts_the_cnn(no_better)
