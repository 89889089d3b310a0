"""The paper's tables beside ours, from records whose numbers are known."""

import re

import pytest
from factory import run

from reluclf import formats, heads, networks
from reluclf.judging.evidence import of_setting
from reluclf.judging.statistics import estimate
from reluclf.showing import origins, tables


def ffnn(seed=1, folds=None, hits=0.9, head="relu", protocol="carried", **fields):
    return run("mnist", "ffnn", head, protocol, seed, folds, hits, **fields)


def cnn(seed, folds):
    return run("mnist", "cnn", "relu", "carried", seed, folds)


def row(runs, head, measure):
    frame = tables.results("mnist", "ffnn", runs)
    return frame[frame["measure"] == f"{head}: {measure}"].iloc[0]


def test_without_records_a_table_has_the_papers_values_and_dashes():
    assert row([], "ReLU", "test accuracy, %")["paper"] == "97.77"
    frame = tables.results("mnist", "ffnn", [])
    assert set(frame["ours, as run"]) == {formats.NONE} == set(frame["ours, as written"])


def test_a_table_has_ours_and_the_difference_from_the_paper():
    line = row([ffnn(folds=[0.9] * 5 + [1.0] * 5)], "ReLU", "CV accuracy, %")
    assert line["ours, as run"] == "95.00 (n = 1)"
    assert line["as run − paper"] == "−3.22"


def test_precision_recall_and_f1_are_one_row_where_they_read_the_same():
    def measures(hits):
        made = [ffnn(folds=[0.9] * 10, hits=hits, head="softmax")]
        frame = tables.results("mnist", "ffnn", made)
        return [name for name in frame["measure"] if name.startswith("Softmax")][4:]

    assert measures(1.0) == ["Softmax: precision, recall, F1"]
    assert measures([100, *[890] * 9]) == [
        f"Softmax: {name}" for name in ("precision", "recall", "F1")
    ]


def test_several_seeds_give_an_interval_and_n():
    some = [ffnn(seed, [0.9 + seed / 100] * 10) for seed in (1, 2, 3)]
    line = row(some, "ReLU", "CV accuracy, %")
    assert line["ours, as run"] == "92.00 [89.52, 94.48] (n = 3)"


def test_a_table_says_whether_the_papers_value_is_in_the_interval_that_the_verdict_rests_on():
    def column(spread):
        some = [
            ffnn(seed, [0.982 + spread * (seed - 2)] * 10, head=head)
            for seed in (1, 2, 3)
            for head in ("relu", "softmax")
        ]
        measures = ("CV accuracy, %", "test accuracy, %", "precision, recall, F1")
        return [row(some, "ReLU", measure)["range for one more run"] for measure in measures]

    near, far, unjudged = column(0.0005)
    assert near.endswith(": inside") and far.endswith(": outside") and unjudged == formats.NONE
    assert column(0.01)[0].endswith(": inside a wide range")


def test_records_of_other_settings_do_not_enter_a_table():
    others = [
        ffnn(loss="verbatim"),
        ffnn(features="pixels"),
        run("fashion_mnist", "ffnn", "relu", "carried", 1),
        ffnn(head="softmax", protocol="fresh"),
    ]
    assert set(tables.results("mnist", "ffnn", others)["ours, as run"]) == {formats.NONE}


def test_only_whole_cross_validations_are_averaged_but_every_final_model_is_tested():
    runs = [ffnn(protocol="fresh"), ffnn(2, [], 0.8, protocol="fresh")]
    assert row(runs, "ReLU", "CV accuracy, %")["ours, as written"].endswith("(n = 1)")
    assert row(runs, "ReLU", "test accuracy, %")["ours, as written"].endswith("(n = 2)")


def test_a_seed_that_was_run_with_folds_and_without_is_counted_once():
    with_folds, without = ffnn(protocol="fresh"), ffnn(folds=[], protocol="fresh")
    for both in ([with_folds, without], [without, with_folds]):
        assert of_setting(both) == [with_folds]
        line = row(both, "ReLU", "test accuracy, %")
        assert line["ours, as written"].endswith("(n = 1)")
    longer = ffnn(folds=[], protocol="fresh", epochs=64)
    assert len(of_setting([with_folds, longer])) == 2


def test_the_fold_table_has_the_papers_ten_folds_and_our_means():
    frame = tables.folds("mnist", [cnn(1, [i / 10 for i in range(1, 11)])])
    assert list(frame["fold"]) == [*(str(i) for i in range(1, 11)), "mean", "rise per fold"]
    assert frame["as run, %"].iloc[-2:].tolist() == ["55.00 (n = 1)", "+10.00 (n = 1)"]
    assert frame["as run − paper"].iloc[0] == "−22.96"
    assert frame["paper, %"].iloc[0] == "32.96" and frame["as run, %"].iloc[2] == "30.00 (n = 1)"


def test_a_run_of_a_few_folds_is_in_their_rows_and_in_no_mean():
    frame = tables.folds("mnist", [cnn(1, [0.5] * 10), cnn(2, [0.7] * 3)])
    assert frame["as run, %"].str.endswith("(n = 2)").tolist() == [True] * 3 + [False] * 9
    assert frame["as run, %"].iloc[10] == "50.00 (n = 1)"


def test_a_falling_loss_has_a_negative_rise_inside_its_interval():
    made = [cnn(seed, [(i + seed / 10) / 20 for i in range(1, 11)]) for seed in (1, 2)]
    made.append(cnn(3, [i / 15 for i in range(1, 11)]))
    rise = tables.fold_losses("mnist", made).iloc[-1]
    assert rise["paper"] == "−0.1782"
    ends = re.findall(r"[−+][\d.]+", rise["as run"])
    mean, low, high = (float(part.replace("−", "-")) for part in ends)
    assert low < mean < high < 0


def test_the_layers_of_a_network_stand_beside_the_papers_with_their_sum(keras):
    frame = tables.layers(2, networks.build(ffnn().spec, seed=1))
    assert frame.iloc[-1]["our layer"] == "total"
    assert (frame["parameters"] == frame["our parameters"]).all()


def test_every_head_has_its_output_and_loss():
    assert len(tables.heads()) == len(heads.HEADS)
    frame = tables.variants("mnist", [ffnn(folds=[], protocol="fresh")]).set_index("head")
    assert frame.loc["`relu`", "FFNN, %"].endswith("(n = 1)")
    assert frame.loc["`relu`", "CNN, %"] == formats.NONE


def test_a_table_says_on_which_records_it_rests():
    runs = [ffnn(head=head) for head in ("relu", "softmax", "softplus")]
    rests = origins.of(tables.results("mnist", "ffnn", runs))
    assert sorted(group["runs"] for group in rests) == sorted(
        str(one.spec.path.parent) for one in runs[:2]
    )


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (0.98223, "cv_accuracy", "98.22"),
        (0.24161, "test_loss", "0.2416"),
        (0.9777, "f1", "0.98"),
        (float("nan"), "test_loss", "NaN"),
    ],
)
def test_numbers_are_written_as_the_paper_prints_them(value, name, text):
    assert formats.number(value, name) == text


def test_an_interval_ends_where_its_measure_does():
    scattered = estimate([0.99, 0.99, 0.80])
    assert scattered.high > 1
    assert formats.cell(scattered, "test_accuracy").endswith(", 100.00] (n = 3)")
    assert formats.cell(scattered, "f1").endswith(", 1.00] (n = 3)")
    assert formats.cell(estimate([0.1, 5.0]), "test_loss").split("[")[1].startswith("0.0000, ")
    assert formats.ends(float("nan"), float("nan"), "f1") == ("NaN", "NaN")


def test_runs_of_several_lengths_are_not_averaged_for_a_seed_would_count_twice():
    runs = [ffnn(epochs=epochs, head=head) for epochs in (2, 32) for head in ("relu", "softmax")]
    assert row(runs[:2], "ReLU", "test accuracy, %")["ours, as run"].endswith("(n = 1)")
    told = r"runs of 2 and 32 epochs are not to be averaged; .*select\(epochs=2, \.\.\.\)"
    with pytest.raises(ValueError, match=told):
        tables.results("mnist", "ffnn", runs)
