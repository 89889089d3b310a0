"""Tables and figures: the paper's values beside ours, from records."""

import itertools
import math
import re

import matplotlib
import matplotlib.pyplot as plt
import myst_nb
import numpy as np
import pandas as pd
import pytest
from factory import record

from reluclf import Spec, formats, grid
from reluclf.judging import paper, selection
from reluclf.judging.statistics import estimate
from reluclf.judging.status import Status
from reluclf.record import Probe, Score
from reluclf.showing import (
    figures,
    input_controls,
    interventions,
    ledger,
    notebook,
    origins,
    tables,
)

matplotlib.use("agg")


def spec(**fields):
    return Spec(
        **{
            "dataset": "mnist",
            "architecture": "ffnn",
            "head": "relu",
            "protocol": "carried",
            "seed": 1,
            **fields,
        }
    )


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def row(frame, head, measure):
    return frame[frame["measure"] == f"{head}: {measure}"].iloc[0]


def test_without_records_a_table_has_the_papers_values_and_dashes():
    frame = tables.results("mnist", "ffnn", [])
    assert row(frame, "ReLU", "test accuracy, %")["paper"] == "97.77"
    assert set(frame["ours, as run"]) == {formats.NONE} == set(frame["ours, as written"])


def test_a_table_has_ours_and_the_difference_from_the_paper():
    one = record(spec(), [0.9] * 5 + [1.0] * 5, hits=0.98)
    line = row(tables.results("mnist", "ffnn", [one]), "ReLU", "CV accuracy, %")
    assert line["ours, as run"] == "95.00 (n = 1)"
    assert line["as run − paper"] == "−3.22"


def test_several_seeds_give_an_interval_and_n():
    some = [record(spec(seed=seed), [0.9 + seed / 100] * 10, hits=0.98) for seed in (1, 2, 3)]
    assert (
        row(tables.results("mnist", "ffnn", some), "ReLU", "CV accuracy, %")["ours, as run"]
        == "92.00 [89.52, 94.48] (n = 3)"
    )


def test_a_table_says_whether_the_papers_value_is_in_the_interval_that_the_verdict_rests_on():
    def column(spread):
        some = [
            record(spec(seed=seed, head=head), [0.982 + spread * (seed - 2)] * 10, hits=0.9)
            for seed in (1, 2, 3)
            for head in ("relu", "softmax")
        ]
        frame = tables.results("mnist", "ffnn", some)
        return [
            row(frame, "ReLU", measure)["one more as run"]
            for measure in ("CV accuracy, %", "test accuracy, %", "F1")
        ]

    near, far, unjudged = column(0.0005)
    assert near.endswith(": inside") and far.endswith(": outside") and unjudged == formats.NONE
    assert column(0.01)[0].endswith(": inside, but wide")


def once(head, seed, hits, **fields):
    return record(
        spec(architecture="cnn", head=head, protocol="fresh", folds=0, seed=seed, **fields),
        [],
        hits,
    )


def test_what_an_intervention_closes_is_tested_against_half_over_all_runs():
    found = [once("softmax", seed, 0.9 + seed / 1000) for seed in (1, 2, 3)] + [
        once("relu", seed, 0.5 + seed / 500) for seed in (1, 2, 3)
    ]
    found += [once("relu", seed, 0.88 + seed / 1000, clipnorm=1.0) for seed in (1, 2, 3, 4)]
    found += [once("relu", seed, 0.51 + seed / 500, bias=1.0) for seed in (1, 2, 3)]
    frame = interventions.closings(found).set_index("intervention")["MNIST CNN"]
    assert frame["gradient norms clipped to 1"] == "95 %, more than half (n = 4)"
    assert frame["an initial output bias of 1"].endswith("less than half (n = 3)")
    assert frame["a leaky head"] == formats.NONE


@pytest.mark.parametrize(
    ("bias", "hidden", "clipped", "expected"),
    [
        (
            0.51,
            0.52,
            0.89,
            "exploding gradients: an intervention against them closes more than half of the gap, and none against ",
        ),
        (0.89, 0.52, 0.51, "dead outputs: an intervention"),
        (0.51, 0.89, 0.89, "dead hidden units and exploding gradients: an intervention"),
        (0.51, 0.52, 0.51, "none of them on MNIST CNN alike"),
        (None, 0.52, 0.89, "none of them, for too few runs"),
    ],
)
def test_the_causes_that_are_favoured_are_those_whose_interventions_are_shown_to_close_the_gap(
    bias, hidden, clipped, expected
):
    cases = [("softmax", 0.9, {}), ("relu", 0.5, {}), ("leaky_relu", 0.5, {})]
    cases += [
        ("relu", clipped, {"clipnorm": 1.0}),
        ("relu", bias, {"bias": 1.0}),
        ("relu", hidden, {"hidden": "leaky_relu"}),
    ]
    found = [
        once(head, seed, hits + seed / 1000, **set_to)
        for head, hits, set_to in cases
        if hits
        for seed in (1, 2, 3)
    ]
    assert interventions.favoured(found).startswith(expected)
    assert interventions.favoured([]).startswith("none of them, for too few runs")


def probed(head, seed, dead_units, norms, **fields):
    run = once(head, seed, 0.9, **fields)
    zeros = (0.0,) * len(norms)
    probe = Probe(
        norm_head=norms,
        norm_first=zeros,
        cosine=zeros,
        no_gradient=zeros,
        dead_units=dead_units,
        dead_true=(0.5, 0.25),
        dead_hidden=(0.5, 0.25),
    )
    return run.model_copy(update={"final": run.final.model_copy(update={"probe": probe})})


def test_a_hazard_is_told_by_the_last_epochs_dead_outputs_and_the_largest_gradient_of_any():
    found = [
        probed("relu", 1, (1.0, 0.0), (7.0, 2.0)),
        probed("relu", 2, (0.0, 3.0), (1.0, 2.0)),
        once("relu", 3, 0.9),
    ]
    found += [probed("relu", 1, (0.0, 0.0), (0.5, 0.25), clipnorm=1.0)]
    frame = interventions.hazards(found).set_index("with")
    assert list(frame.index) == ["the ReLU head as it is", "gradient norms clipped to 1"]
    assert list(frame["runs with a dead output"]) == ["1 of 2", "0 of 1"]
    assert frame["largest gradient norm"]["the ReLU head as it is"].startswith("4.50 [")
    assert frame["true class's output 0, %"]["gradient norms clipped to 1"] == "25.00 (n = 1)"
    assert frame["hidden units dead, %"]["the ReLU head as it is"] == "25.00 [25.00, 25.00] (n = 2)"


def test_runs_of_before_hidden_units_were_counted_do_not_count_as_having_none_dead():
    old = probed("relu", 1, (1.0, 0.0), (7.0, 2.0))
    probe = old.final.probe.model_copy(update={"dead_hidden": None})
    old = old.model_copy(update={"final": old.final.model_copy(update={"probe": probe})})
    assert interventions.hazards([old])["hidden units dead, %"].tolist() == [formats.NONE]
    assert interventions.hazards([old, probed("relu", 2, (1.0, 0.0), (7.0, 2.0))])[
        "hidden units dead, %"
    ].tolist() == ["25.00 (n = 1)"]
    assert figures.probes("mnist", [old])


def test_a_probe_figure_shows_all_of_every_curve():
    found = [
        probed(head, 1, units, (7.0, 2.0))
        for head, units in (("softmax", (0.0, 0.0)), ("relu", (0.4, 0.6)))
    ]
    for axes in figures.probes("mnist", found).axes:
        low, high = axes.get_ylim()
        for line in axes.lines:
            assert low <= min(line.get_ydata()) and max(line.get_ydata()) <= high, axes.get_title()


def test_what_the_paper_reads_off_its_cnns_is_told_by_what_they_see():
    found = [once("softmax", seed, 0.9) for seed in (1, 2)] + [
        once("relu", seed, 0.8 + seed / 100) for seed in (1, 2)
    ]
    found += [once("softmax", seed, 0.95, features="pixels") for seed in (1, 2)]
    found += [
        record(spec(head="softmax", protocol="fresh", folds=0, seed=seed), [], 0.98)
        for seed in (1, 2)
    ]
    readings = input_controls.readings("mnist", found)
    assert readings["paper_heads"].mean == pytest.approx(-0.085, abs=0.002)
    assert readings["pixels_networks"].mean == pytest.approx(-0.03, abs=0.002)
    assert readings["shuffled_heads"] is None and readings["pixels_change_heads"] is None
    assert readings["pixels_change_softmax"].mean == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize(
    ("shuffled", "pixels", "answer"),
    [
        (
            0.9,
            0.95,
            "changes CNN-Softmax by .* less than two points .*; pixels are .* better, by .*: .* it gains less than two points, if anything$",
        ),
        (
            0.8,
            0.95,
            r"A random order .* worse, by −9\.\d\d.points; pixels are .* better, by \+5\.\d\d.points$",
        ),
        (0.94, 0.95, "A random order .* better, by .*; pixels are .* better, by .*"),
        (
            0.904,
            0.95,
            r"changes CNN-Softmax by \+0\.\d\d.points, shown to be less than two points \(.*, n = 3\) and to be for the better; .* it gains nothing$",
        ),
        (
            0.896,
            0.95,
            r"shown to be less than two points \(.*, n = 3\) and to be for the worse; .* it gains less than two points, if anything$",
        ),
        (0.9, 0.8, "less than two points .*; pixels are shown to suit it worse, by −.*points$"),
        (
            0.9,
            0.9,
            "less than two points .*; that pixels suit it better than components is not shown$",
        ),
    ],
)
def test_whether_a_cnn_on_components_is_one_is_told_by_what_shuffling_and_pixels_do_to_it(
    shuffled, pixels, answer
):
    shifts = {1: 0.0005, 2: -0.0005, 3: 0.0}
    found = [once("softmax", seed, 0.9) for seed in shifts]
    for features, hits in (("shuffled", shuffled), ("pixels", pixels)):
        found += [
            once("softmax", seed, hits + shift, features=features) for seed, shift in shifts.items()
        ]
    told, of_relu = input_controls.answer("mnist", found).split(". ")
    assert re.search(answer, told) and of_relu == "Of CNN-ReLU there are too few runs to say."
    assert "It takes three seeds" in input_controls.answer(
        "mnist", [run for run in found if run.spec.seed < 3]
    )


def test_what_suits_the_relu_head_is_told_beside_it():
    found = [
        once("softmax", seed, 0.9, features=features)
        for seed in (1, 2, 3)
        for features in ("paper", "shuffled", "pixels")
    ]
    for features, hits in (("paper", 0.4), ("shuffled", 0.7), ("pixels", 0.41)):
        found += [
            once("relu", seed, hits + (seed - 2) / 50 * (features == "pixels"), features=features)
            for seed in (1, 2, 3)
        ]
    assert input_controls.answer("mnist", found).endswith(
        "points and not shown to do better or worse with pixels."
    )
    assert "CNN-ReLU is shown to do better with a random order, by +30" in input_controls.answer(
        "mnist", found
    )
    pixels = [once("relu", seed, 0.8, features="pixels") for seed in (1, 2, 3)]
    both = [
        run for run in found if (run.spec.head, run.spec.features) != ("relu", "pixels")
    ] + pixels
    assert re.search(
        r"CNN-ReLU is shown to do better with a random order, by \+30.*points and shown to do better with pixels, by \+40.*points\.$",
        input_controls.answer("mnist", both),
    )
    neither = [run for run in found if run.spec.head == "softmax" or run.spec.features == "pixels"]
    neither += [
        once("relu", seed, 0.4 + seed / 9, features=features)
        for seed in (1, 2, 3)
        for features in ("paper", "shuffled")
    ]
    assert input_controls.answer("mnist", neither).endswith(
        "For CNN-ReLU neither change is shown to help or to harm."
    )


def test_a_probe_figure_says_what_was_not_counted_and_keeps_what_has_a_value():
    run, other = (probed("softmax", seed, (0.0, 0.0), (7.0, 2.0)) for seed in (1, 2))
    gone = run.final.probe.model_copy(update={"cosine": (0.5, math.nan), "dead_hidden": None})
    seen = run.final.probe.model_copy(update={"cosine": (0.3, 0.2), "dead_hidden": None})
    made = [
        of.model_copy(update={"final": of.final.model_copy(update={"probe": probe})})
        for of, probe in ((run, gone), (other, seen))
    ]
    panels = {
        axes.get_title(): axes for axes in figures.probes("mnist", made).axes[8:16]
    }  # the CNN's
    cosine = next(axes for title, axes in panels.items() if title.startswith("cosine"))
    assert list(cosine.lines[0].get_ydata()) == pytest.approx([0.4, 0.2])
    hidden = next(axes for title, axes in panels.items() if title.startswith("hidden"))
    assert [text.get_text() for text in hidden.texts] == ["not counted"]


def test_that_an_order_matters_is_not_shown_by_runs_that_scatter():
    found = [once("softmax", seed, 0.9) for seed in (1, 2, 3)] + [
        once("softmax", seed, 0.95, features="pixels") for seed in (1, 2, 3)
    ]
    found += [
        once("softmax", seed, hits, features="shuffled")
        for seed, hits in ((1, 0.85), (2, 0.95), (3, 0.88))
    ]
    assert (
        "That the order of its components matters to CNN-Softmax is not shown, nor that it does not"
        in input_controls.answer("mnist", found)
    )


def test_records_of_other_settings_do_not_enter_a_table():
    others = [
        record(spec(loss="verbatim"), [0.5] * 10, hits=0.5),
        record(spec(features="pixels"), [0.5] * 10, hits=0.5),
        record(spec(dataset="fashion_mnist"), [0.5] * 10, hits=0.5),
        record(spec(head="softmax", protocol="fresh"), [0.5] * 10, hits=0.5),
    ]
    frame = tables.results("mnist", "ffnn", others)
    assert set(frame["ours, as run"]) == {formats.NONE}
    assert tables.optimism(others[:2]).empty
    assert figures.folds("mnist", "ffnn", others[:2]).axes[1].get_legend_handles_labels()[1] == [
        "paper"
    ]
    assert figures.confusion(2, others[:2]).axes[1].texts[0].get_text() == "no whole record yet"
    assert tables.compared("mnist", others[:2])["over seeds, points"].eq(formats.NONE).all()


def test_only_whole_cross_validations_are_averaged_but_every_final_model_is_tested():
    runs = [
        record(spec(protocol="fresh"), [0.9] * 10, hits=0.9),
        record(spec(protocol="fresh", seed=2, folds=0), [], hits=0.8),
    ]
    frame = tables.results("mnist", "ffnn", runs)
    assert row(frame, "ReLU", "CV accuracy, %")["ours, as written"].endswith("(n = 1)")
    assert row(frame, "ReLU", "test accuracy, %")["ours, as written"].endswith("(n = 2)")


def test_a_seed_that_was_run_with_folds_and_without_is_counted_once():
    with_folds = record(spec(protocol="fresh"), [0.9] * 10, hits=0.9)
    without = record(spec(protocol="fresh", folds=0), [], hits=0.9)
    for both in ([with_folds, without], [without, with_folds]):
        assert selection.of_setting(both) == [with_folds]
        assert row(tables.results("mnist", "ffnn", both), "ReLU", "test accuracy, %")[
            "ours, as written"
        ].endswith("(n = 1)")
    longer = record(spec(protocol="fresh", folds=0, epochs=64), [], hits=0.9)
    assert len(selection.of_setting([with_folds, longer])) == 2


def test_the_fold_table_has_the_papers_ten_folds_and_our_means():
    one = record(spec(architecture="cnn"), [i / 10 for i in range(1, 11)], hits=0.9)
    frame = tables.folds("mnist", [one])
    assert list(frame["fold"]) == [*(str(i) for i in range(1, 11)), "mean", "rise a fold"]
    assert frame["as run, %"].iloc[-2:].tolist() == ["55.00 (n = 1)", "+10.00 (n = 1)"]
    assert frame["as run − paper"].iloc[0] == "−22.96"
    assert frame["paper, %"].iloc[0] == "32.96" and frame["as run, %"].iloc[2] == "30.00 (n = 1)"


def test_a_falling_loss_has_a_negative_rise_inside_its_interval():
    made = [
        record(
            spec(architecture="cnn", seed=seed),
            [(i + seed / 10) / 20 for i in range(1, 11)],
            hits=0.9,
        )
        for seed in (1, 2)
    ]
    made.append(record(spec(architecture="cnn", seed=3), [i / 15 for i in range(1, 11)], hits=0.9))
    rise = tables.fold_losses("mnist", made).iloc[-1]
    assert rise["paper"] == "−0.1782"
    mean, low, high = (
        float(part.replace("−", "-")) for part in re.findall(r"[−+][\d.]+", rise["as run"])
    )
    assert low < mean < high < 0


def test_optimism_is_cross_validation_minus_test():
    one = record(spec(), [0.5] * 9 + [1.0], hits=0.9)
    line = tables.optimism([one]).iloc[0]
    test = one.test.accuracy
    assert line["as run, mean − test"] == f"−{100 * (test - 0.55):.2f} (n = 1)"
    assert line["as run, last − test"] == f"+{100 * (1 - test):.2f} (n = 1)"
    assert line["as written, mean − test"] == formats.NONE


def test_a_rise_on_the_test_set_is_learning_and_one_on_validation_rows_alone_is_leakage():
    def tested(run, accuracies):
        folds = [
            fold.model_copy(update={"test": Score(loss=0.2, accuracy=a)})
            for fold, a in zip(run.folds, accuracies, strict=True)
        ]
        return run.model_copy(update={"folds": tuple(folds)})

    rising = [0.5 + i / 100 for i in range(10)]
    learnt = [
        tested(record(spec(seed=seed), [a + seed / 50 for a in rising], 0.59), rising)
        for seed in (1, 2)
    ]
    leaked = [
        tested(record(spec(seed=seed, head="softmax"), rising, 0.5), [0.5] * 10) for seed in (1, 2)
    ]
    frame = tables.learning(
        [*learnt, *leaked, record(spec(dataset="wdbc", folds=3), [0.9] * 3, 0.9)]
    ).set_index("network")
    assert list(frame.index) == ["MNIST FFNN-Softmax", "MNIST FFNN-ReLU"]
    assert frame["validation − test set"].tolist() == [
        "+1.00 [+1.00, +1.00] (n = 2)",
        "0.00 [0.00, 0.00] (n = 2)",
    ]
    assert frame["paper, validation"].tolist() == ["+0.17", "+0.40"]


def test_comparable_needs_both_measures_and_tells_what_is_shown():
    made = [
        record(spec(head=head, seed=seed), [0.9] * 10, 0.9 + seed / 1000)
        for head in ("relu", "softmax")
        for seed in (1, 2, 3)
    ]
    made += [
        record(
            spec(head=head, seed=seed, protocol="fresh"),
            [0.9] * 10,
            hits + seed / 1000 * (head == "relu"),
        )
        for head, hits in (("relu", 0.7), ("softmax", 0.9))
        for seed in (1, 2, 3)
    ]
    frame = tables.comparable(made)
    assert frame["within two points"].tolist() == [
        "both shown",
        "one shown to be beyond",
        *[formats.NONE] * 8,
    ]


def test_a_network_has_lost_a_class_if_it_is_right_on_less_than_half_of_it(monkeypatch):
    glued = {}
    monkeypatch.setattr(myst_nb, "glue", lambda name, value, display: glued.update({name: value}))
    notebook.glue_results(
        [record(spec(seed=2), [0.9] * 10, hits=0.4), record(spec(seed=1), [0.9] * 10, hits=0.6)],
        "mnist_ffnn_relu_as_run_lost",
        "mnist_ffnn_relu_as_run_each",
        "mnist_ffnn_softmax_as_run_each",
    )
    assert glued == {
        "mnist_ffnn_relu_as_run_lost": "1 of 2",
        "mnist_ffnn_relu_as_run_each": "60.04 and 40.03\u00a0%",
        "mnist_ffnn_softmax_as_run_each": "(not measured yet)",
    }


def test_heads_are_compared_over_seeds_over_folds_and_image_by_image():
    # ReLU gets a tenth of every class wrong that softmax gets right, in each of three seeds.
    runs = [
        record(
            spec(head=head, protocol="fresh", seed=seed),
            [0.9 + i / 1000 + (head == "softmax") * i / 100 for i in range(10)],
            hits=hits,
        )
        for head, hits in (("relu", 0.8), ("softmax", 0.9))
        for seed in (1, 2, 3)
    ]
    line = tables.compared("mnist", runs).set_index(["network", "runs"]).loc[("FFNN", "as written")]
    difference = 100 * (runs[0].test.accuracy - runs[3].test.accuracy)
    assert line["over seeds, points"].startswith(f"−{abs(difference):.2f} [")
    assert line["over folds, points"].startswith("−4.50 [")
    assert line["seeds that differ (McNemar)"] == "3 of 3"
    assert set(tables.compared("mnist", []).iloc[0][2:]) == {formats.NONE}


def test_splits_of_the_same_tumours_say_less_of_other_tumours():
    made = [
        record(
            Spec(
                dataset="wdbc",
                architecture="ffnn",
                head=head,
                protocol="carried",
                features="raw",
                seed=seed,
            ),
            [0.9] * 10,
            hits,
        )
        for seed in (1, 2, 3)
        for head, hits in (("softmax", 0.9), ("relu", 0.8 + seed / 50))
    ]
    line = tables.compared("wdbc", made).set_index("runs").loc["as run"]

    def half(cell):
        low, high = (
            float(end.replace("−", "-"))
            for end in cell[cell.index("[") + 1 : cell.index("]")].split(", ")
        )
        return (high - low) / 2

    n_train = made[0].folds[0].n_train + made[0].folds[0].n_validation
    widened = half(line["for other tumours, points"]) / half(line["over seeds, points"])
    assert widened == pytest.approx(np.sqrt((1 / 3 + 171 / n_train) / (1 / 3)), rel=0.01)


def test_deaths_are_counted_with_their_batches():
    runs = [
        record(
            spec(protocol="fresh", folds=0, epochs=5, loss="verbatim", seed=seed),
            [],
            0.1,
            diverged_at=at,
        )
        for seed, at in ((1, 7), (2, 21), (3, None))
    ]
    line = tables.deaths("mnist", runs).iloc[0]
    assert (line["runs"], line["died"], line["at batch (median; range)"]) == (
        "3",
        "2",
        "14; 7 to 21",
    )
    assert tables.deaths("mnist", []).empty


@pytest.mark.parametrize(
    ("column", "numeric"),
    [
        (["1.20 [1.00, 2.00] (n\u00a0=\u00a03)", "–", "+1.2", "−3", "NaN"], True),
        (["1 of 3", "97.75 to 98.04"], True),
        (["40 %, undecided (n\u00a0=\u00a03)", "–"], False),
        (["5 epochs"], False),
    ],
)
def test_a_column_of_nothing_but_numbers_lines_up_at_the_right(column, numeric):
    assert notebook._numeric(pd.Series(column)) == numeric


def test_a_clinicians_positive_is_malignant():
    run = record(
        Spec(
            dataset="wdbc",
            architecture="ffnn",
            head="relu",
            protocol="carried",
            features="raw",
            seed=1,
        ),
        [0.9] * 10,
        hits=0.75,
    )
    frame = tables.clinic([run]).set_index("classifier")
    assert frame.loc["FFNN-ReLU, as run", "malignant missed"] == "16.00 (n = 1)"
    assert frame.loc["the paper's FFNN-ReLU", ["sensitivity, %", "malignant missed"]].tolist() == [
        "76.56",
        "15",
    ]


def test_the_provenance_table_counts_epochs_and_names_seeds_in_brief():
    runs = [record(spec(seed=seed), [0.5] * 10, hits=0.9) for seed in (1, 2, 3, 5)]
    line = origins.experiments(runs).iloc[0]
    assert (line["seeds"], line["epochs"]) == ("1-3, 5", "1,280")


def test_a_place_has_the_same_letter_in_both_tables_of_provenance_whatever_else_is_counted():
    def on(device, seed):
        run = record(spec(seed=seed), [0.5] * 10, hits=0.9)
        return run.model_copy(
            update={"provenance": run.provenance.model_copy(update={"device": device})}
        )

    selection.noted()
    runs, others = (
        [on("CPU, second", 1), on("GPU, third", 2)],
        {"backends/jax/": [on("CPU, first", 1), on("CPU, second", 2)]},
    )
    totals = origins.totals(runs, others).set_index("device")
    assert totals[""].to_dict() == {
        "CPU, second": "A",
        "GPU, third": "B",
        "CPU, first": "C",
        "all": "",
    }
    assert totals["runs"].tolist() == ["2", "1", "1", "4"]
    assert totals["libraries"].iloc[0] == "tensorflow 2, python 3"
    jax = runs[0].provenance.model_copy(
        update={"backend": "jax", "versions": {"python": "3", "jaxlib": "0.5"}}
    )
    assert origins.totals([runs[0].model_copy(update={"provenance": jax})])[
        "libraries"
    ].tolist() == ["jaxlib 0.5, python 3"]
    assert origins.experiments(runs)["on"].tolist() == ["A, B"]
    assert {folder: len(found) for folder, found in selection.noted().items()} == {
        "": 2,
        "backends/jax/": 2,
    }


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [(0.98223, "cv_accuracy", "98.22"), (0.24161, "test_loss", "0.2416"), (0.9777, "f1", "0.98")],
)
def test_numbers_are_written_as_the_paper_prints_them(value, name, text):
    assert formats.number(value, name) == text


def test_a_diverged_loss_is_written_as_nan():
    assert formats.number(float("nan"), "test_loss") == "NaN"


def test_a_confusion_figure_has_three_panels_and_the_difference_of_ours():
    ours = record(spec(), [0.9] * 10, hits=0.9)
    figure = figures.confusion(2, [ours])
    difference = np.array(ours.test.confusion_matrix) - paper.matrix(2).counts
    drawn = {text.get_text() for text in figure.axes[2].texts}
    assert len(figure.axes) == 3 and f"{difference[0, 0]:+d}".replace("-", "−") in drawn
    assert "n = 1" in figure.axes[1].get_title()


def test_without_a_record_a_confusion_figure_still_shows_the_papers():
    figure = figures.confusion(10, [])
    assert {"49", "15", "1", "106"} == {text.get_text() for text in figure.axes[0].texts}
    assert figure.axes[1].texts[0].get_text() == "no whole record yet"


def test_the_fold_figure_draws_the_paper_and_ours_as_run_and_as_written_and_says_in_each_panel_how_many():
    runs = [
        record(s, [0.9] * 10, hits=0.9)
        for s in grid(
            dataset="mnist", architecture="cnn", head="relu", protocol=["carried", "fresh"], seed=1
        )
    ]
    runs.append(record(spec(architecture="cnn", head="softmax", seed=2), [0.9] * 10, hits=0.9))
    left, right = figures.folds("mnist", "cnn", runs).axes
    labels = right.get_legend_handles_labels()[1]
    assert labels == [
        "paper",
        *(
            f"{kind}, {rows}"
            for kind in ("as run", "as written")
            for rows in ("validation rows", "test set")
        ),
    ]
    assert left.get_title() == "CNN-Softmax\n(n = 1 as run, 0 as written)"
    assert right.get_title() == "CNN-ReLU\n(n = 1 as run, 1 as written)"


def test_the_palette_differs_in_lightness_too_so_that_it_survives_grey_print():
    rgb = np.array(
        [matplotlib.colors.to_rgb(figures.COLOURS[name]) for name in ("paper", "carried", "fresh")]
    )
    lightness = np.sort(rgb @ [0.299, 0.587, 0.114])
    assert np.diff(lightness).min() > 0.1


def test_prose_says_percent_interval_and_n_or_that_nothing_is_measured():
    from reluclf.judging.statistics import estimate

    texts = [
        notebook.percent(value).replace("\u00a0", " ")
        for value in (None, 0.98223, estimate([0.9]), estimate([0.9, 0.92, 0.94]))
    ]
    assert texts == [
        "(not measured yet)",
        "98.22 %",
        "90.00 % (n = 1)",
        "92.00 % (87.03 to 96.97, n = 3)",
    ]


@pytest.mark.parametrize("columns", [["head", "seeds"], []])
def test_a_table_of_nothing_is_shown_as_a_row_of_dashes(columns, monkeypatch):
    import pandas as pd
    from IPython import display

    selection.noted()
    shown, glued = [], []
    monkeypatch.setattr(display, "display", lambda data, raw: shown.append(data))
    monkeypatch.setattr(myst_nb, "glue", lambda name, value, display: glued.append((name, value)))
    notebook.table(pd.DataFrame(columns=columns), "Nothing yet.", "tab-nothing")
    lines = [line for line in shown[0]["text/markdown"].splitlines() if line.startswith("|")]
    assert len(lines) == 3 and set(lines[2].replace("|", "").split()) == {formats.NONE}
    in_jupyter = shown[0]["text/html"]
    assert in_jupyter.count(f"<td>{formats.NONE}</td>") == max(len(columns), 1)
    assert "Nothing yet. (<code>tab-nothing</code>)</caption>" in in_jupyter
    assert glued == [("origin-tab-nothing", [])]


def test_an_interval_ends_where_its_measure_does():
    scattered = estimate([0.99, 0.99, 0.80])
    assert scattered.high > 1
    assert formats.cell(scattered, "test_accuracy").endswith(
        ", 100.00] (n = 3)"
    ) and notebook.percent(scattered).endswith(" to 100.00, n\u00a0=\u00a03)")
    assert formats.cell(scattered, "f1").endswith(", 1.00] (n = 3)")
    assert formats.cell(estimate([0.1, 5.0]), "test_loss").split("[")[1].startswith("0.0000, ")
    assert formats.ends(float("nan"), float("nan"), "f1") == ("NaN", "NaN")


def test_in_jupyter_a_text_has_no_marks_of_myst():
    text = "**yes**. See {numref}`tab-x`, `a<b` & {doc}`ledger`."
    assert notebook.as_html(text) == (
        "<strong>yes</strong>. See <code>tab-x</code>, <code>a&lt;b</code> &amp; <code>ledger</code>."
    )


def test_what_is_glued_is_listed_in_jupyter_and_left_out_of_the_page(monkeypatch):
    from IPython import display
    from myst_nb.ext.glue import extract_glue_data_cell
    from nbformat import v4

    outputs = []
    monkeypatch.setattr(
        display,
        "display",
        lambda data, raw, metadata: outputs.append(
            v4.new_output("display_data", data, metadata=metadata)
        ),
    )
    monkeypatch.setattr(myst_nb, "glue", lambda *_, **__: None)
    notebook.glue(x_accuracy="97 %")
    assert "<code>x_accuracy</code>: 97 %" in outputs[0].data["text/html"]
    cell = v4.new_code_cell("", outputs=outputs)
    assert len(extract_glue_data_cell(cell)) == 1 and cell.outputs == []


#: What the colour-blind see of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN_BY = {
    "everyone": np.eye(3),
    "protanopes": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopes": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopes": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def cielab(colour, seen):
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.clip(
        seen @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), 0, 1
    )
    xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ] @ linear
    f = np.cbrt(np.maximum(xyz / [0.95047, 1, 1.08883], 0.008856))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("reader", SEEN_BY)
def test_the_colour_blind_can_tell_the_lines_and_the_verdicts_apart(reader):
    for palette in (
        list(figures.COLOURS.values()),
        {colour for colour, _ in ledger.LOOKS.values()},
    ):  # alike where the meaning is
        seen = [cielab(colour, np.array(SEEN_BY[reader])) for colour in palette]
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15


def test_a_verdict_has_a_letter_of_its_own_that_can_be_read_on_its_colour():
    assert set(ledger.LOOKS) == set(Status)
    assert len({mark for _, mark in ledger.LOOKS.values()}) == len(Status)
    for colour, _ in ledger.LOOKS.values():
        light, dark = sorted(
            (figures.luminance(colour), figures.luminance(figures.ink(colour))), reverse=True
        )
        assert (light + 0.05) / (dark + 0.05) > 4.5


def test_what_a_table_rests_on_is_noted_while_it_is_made():
    runs = [
        record(spec(head=head), [0.9] * 10, hits=0.9) for head in ("relu", "softmax", "softplus")
    ]
    selection.noted()
    tables.results("mnist", "ffnn", runs)
    assert {run.spec.head for run in selection.noted()[""]} == {"relu", "softmax"}
    assert selection.noted() == {}
