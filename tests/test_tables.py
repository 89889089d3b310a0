"""Tables and figures: the paper's values beside ours, from records."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from factory import record

from reluclf import Spec, figures, grid, pages, paper, tables

matplotlib.use("agg")


def spec(**fields):
    return Spec(**{"dataset": "mnist", "architecture": "ffnn", "head": "relu", "protocol": "carried", "seed": 1, **fields})


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def row(frame, head, measure):
    return frame[frame["measure"] == f"{head}: {measure}"].iloc[0]


def test_without_records_a_table_has_the_papers_values_and_dashes():
    frame = tables.results("mnist", "ffnn", [])
    assert row(frame, "ReLU", "test accuracy, %")["paper"] == "97.77"
    assert set(frame["ours, carried"]) == {tables.NONE} == set(frame["ours, fresh"])


def test_a_table_has_ours_and_the_difference_from_the_paper():
    one = record(spec(), [0.9] * 5 + [1.0] * 5, hits=0.98)
    line = row(tables.results("mnist", "ffnn", [one]), "ReLU", "CV accuracy, %")
    assert line["ours, carried"] == "95.00 (n = 1)"
    assert line["carried − paper"] == "−3.22"


def test_several_seeds_give_an_interval_and_n():
    some = [record(spec(seed=seed), [0.9 + seed / 100] * 10, hits=0.98) for seed in (1, 2, 3)]
    assert row(tables.results("mnist", "ffnn", some), "ReLU", "CV accuracy, %")["ours, carried"] == "92.00 [89.52, 94.48] (n = 3)"


def test_a_table_says_whether_the_papers_value_is_in_the_interval_that_the_verdict_rests_on():
    def column(spread):
        some = [record(spec(seed=seed), [0.982 + spread * (seed - 2)] * 10, hits=0.9) for seed in (1, 2, 3)]
        frame = tables.results("mnist", "ffnn", some)
        return [row(frame, "ReLU", measure)["one more carried run"] for measure in ("CV accuracy, %", "test accuracy, %", "F1")]

    near, far, unjudged = column(0.001)
    assert near.endswith(": inside") and far.endswith(": outside") and unjudged == tables.NONE
    assert column(0.01)[0].endswith(": too few runs")


def once(head, seed, hits, **fields):
    return record(spec(architecture="cnn", head=head, protocol="fresh", folds=0, seed=seed, **fields), [], hits)


def test_what_a_remedy_closes_is_paired_by_seed_and_tested_against_half():
    found = [once("softmax", seed, 0.9 + seed / 1000) for seed in (1, 2, 3)] + [once("relu", seed, 0.5 + seed / 500) for seed in (1, 2, 3)]
    found += [once("relu", seed, 0.88 + seed / 1000, clipnorm=1.0) for seed in (1, 2, 3, 4)]
    found += [once("relu", seed, 0.51 + seed / 500, bias=1.0) for seed in (1, 2, 3)]
    frame = tables.closings(found).set_index("intervention")["MNIST CNN"]
    assert frame["gradient norms clipped to 1"] == "95 %, more than half (n = 3)"
    assert frame["an initial output bias of 1"].endswith("less than half (n = 3)")
    assert frame["a leaky head"] == tables.NONE


def test_what_the_paper_reads_off_its_cnns_is_told_by_what_they_see():
    found = [once("softmax", seed, 0.9) for seed in (1, 2)] + [once("relu", seed, 0.8 + seed / 100) for seed in (1, 2)]
    found += [once("softmax", seed, 0.95, features="pixels") for seed in (1, 2)]
    found += [record(spec(head="softmax", protocol="fresh", folds=0, seed=seed), [], 0.98) for seed in (1, 2)]
    readings = tables.readings("mnist", found)
    assert readings["paper_heads"].mean == pytest.approx(-0.085, abs=0.002)
    assert readings["pixels_networks"].mean == pytest.approx(-0.03, abs=0.002)
    assert readings["shuffled_heads"] is None


def test_records_of_other_settings_do_not_enter_a_table():
    others = [
        record(spec(loss="verbatim"), [0.5] * 10, hits=0.5),
        record(spec(features="pixels"), [0.5] * 10, hits=0.5),
        record(spec(dataset="fashion_mnist"), [0.5] * 10, hits=0.5),
        record(spec(head="softmax", protocol="fresh"), [0.5] * 10, hits=0.5),
    ]
    frame = tables.results("mnist", "ffnn", others)
    assert set(frame["ours, carried"]) == {tables.NONE}
    assert tables.optimism(others[:2]).empty
    assert "carried, validation rows (n = 0)" not in figures.folds("mnist", "ffnn", others[:2]).axes[1].get_legend_handles_labels()[1]
    assert figures.confusion(2, others[:2]).axes[1].texts[0].get_text() == "no whole record yet"
    assert tables.compared("mnist", others[:2])["over seeds, points"].eq(tables.NONE).all()


def test_only_whole_cross_validations_are_averaged_but_every_final_model_is_tested():
    runs = [record(spec(protocol="fresh"), [0.9] * 10, hits=0.9), record(spec(protocol="fresh", seed=2, folds=0), [], hits=0.8)]
    frame = tables.results("mnist", "ffnn", runs)
    assert row(frame, "ReLU", "CV accuracy, %")["ours, fresh"].endswith("(n = 1)")
    assert row(frame, "ReLU", "test accuracy, %")["ours, fresh"].endswith("(n = 2)")


def test_a_seed_that_was_run_with_folds_and_without_is_counted_once():
    with_folds = record(spec(protocol="fresh"), [0.9] * 10, hits=0.9)
    without = record(spec(protocol="fresh", folds=0), [], hits=0.9)
    for both in ([with_folds, without], [without, with_folds]):
        assert tables.of_setting(both) == [with_folds]
        assert row(tables.results("mnist", "ffnn", both), "ReLU", "test accuracy, %")["ours, fresh"].endswith("(n = 1)")
    longer = record(spec(protocol="fresh", folds=0, epochs=64), [], hits=0.9)
    assert len(tables.of_setting([with_folds, longer])) == 2


def test_the_fold_table_has_the_papers_ten_folds_and_our_means():
    one = record(spec(architecture="cnn"), [i / 10 for i in range(1, 11)], hits=0.9)
    frame = tables.folds("mnist", [one])
    assert list(frame["fold"]) == [*(str(i) for i in range(1, 11)), "mean", "rise a fold"]
    assert frame["carried, %"].iloc[-2:].tolist() == ["55.00 (n = 1)", "10.00 (n = 1)"]
    assert frame["carried − paper"].iloc[0] == "−22.96"
    assert frame["paper, %"].iloc[0] == "32.96" and frame["carried, %"].iloc[2] == "30.00 (n = 1)"


def test_optimism_is_cross_validation_minus_test():
    one = record(spec(), [0.5] * 9 + [1.0], hits=0.9)
    line = tables.optimism([one]).iloc[0]
    test = one.test.accuracy
    assert line["carried, mean − test"] == f"−{100 * (test - 0.55):.2f} (n = 1)"
    assert line["carried, last − test"] == f"+{100 * (1 - test):.2f} (n = 1)"
    assert line["fresh, mean − test"] == tables.NONE


def test_heads_are_compared_over_seeds_over_folds_and_image_by_image():
    # ReLU gets a tenth of every class wrong that softmax gets right, in each of three seeds.
    runs = [
        record(spec(head=head, protocol="fresh", seed=seed), [0.9 + i / 1000 + (head == "softmax") * i / 100 for i in range(10)], hits=hits)
        for head, hits in (("relu", 0.8), ("softmax", 0.9))
        for seed in (1, 2, 3)
    ]
    line = tables.compared("mnist", runs).set_index(["network", "protocol"]).loc[("FFNN", "fresh")]
    difference = 100 * (runs[0].test.accuracy - runs[3].test.accuracy)
    assert line["over seeds, points"].startswith(f"−{abs(difference):.2f} [")
    assert line["over folds, points"].startswith("−4.50 [")
    assert line["seeds that differ (McNemar)"] == "3 of 3"
    assert set(tables.compared("mnist", []).iloc[0][2:]) == {tables.NONE}


def test_splits_of_the_same_tumours_say_less_of_other_tumours():
    made = [
        record(Spec(dataset="wdbc", architecture="ffnn", head=head, protocol="carried", seed=seed), [0.9] * 10, hits)
        for seed in (1, 2, 3)
        for head, hits in (("softmax", 0.9), ("relu", 0.8 + seed / 50))
    ]
    line = tables.compared("wdbc", made).set_index("protocol").loc["carried"]

    def half(cell):
        low, high = (float(end.replace("−", "-")) for end in cell[cell.index("[") + 1 : cell.index("]")].split(", "))
        return (high - low) / 2

    n_train = made[0].folds[0].n_train + made[0].folds[0].n_validation
    widened = half(line["for other tumours, points"]) / half(line["over seeds, points"])
    assert widened == pytest.approx(np.sqrt((1 / 3 + 171 / n_train) / (1 / 3)), rel=0.01)


def test_deaths_are_counted_with_their_batches():
    runs = [
        record(spec(protocol="fresh", folds=0, epochs=5, loss="verbatim", seed=seed), [], 0.1, diverged_at=at)
        for seed, at in ((1, 7), (2, 21), (3, None))
    ]
    line = tables.deaths("mnist", runs).iloc[0]
    assert (line["runs"], line["died"], line["at batch (median; range)"]) == ("3", "2", "14; 7 to 21")
    assert tables.deaths("mnist", []).empty


def test_a_clinicians_positive_is_malignant():
    run = record(Spec(dataset="wdbc", architecture="ffnn", head="relu", protocol="carried", seed=1), [0.9] * 10, hits=0.75)
    frame = tables.clinic([run]).set_index("classifier")
    assert frame.loc["FFNN-ReLU, carried", "malignant missed"] == "16.00 (n = 1)"
    assert frame.loc["the paper's FFNN-ReLU", ["sensitivity, %", "malignant missed"]].tolist() == ["76.56", "15"]


def test_the_provenance_table_counts_epochs_and_names_seeds_in_brief():
    runs = [record(spec(seed=seed), [0.5] * 10, hits=0.9) for seed in (1, 2, 3, 5)]
    line = tables.provenance(runs).iloc[0]
    assert (line["seeds"], line["epochs"]) == ("1-3, 5", "1,280")


def test_the_module_table_names_every_module_and_each_uses_only_those_above():
    import ast

    from reluclf import paths

    files = {file.stem for file in (paths.ROOT / "reluclf").glob("*.py")} - {"__init__"}
    assert set(tables.MODULES) == files
    for position, name in enumerate(tables.MODULES):
        tree = ast.parse((paths.ROOT / "reluclf" / f"{name}.py").read_text())
        used = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "reluclf":
                used |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("reluclf."):
                used.add(node.module.split(".")[1])
        assert used <= set(tables.MODULES[:position]), name


@pytest.mark.parametrize(("value", "name", "text"), [(0.98223, "cv_accuracy", "98.22"), (0.24161, "test_loss", "0.2416"), (0.9777, "f1", "0.98")])
def test_numbers_are_written_as_the_paper_prints_them(value, name, text):
    assert tables.number(value, name) == text


def test_a_diverged_loss_is_written_as_nan():
    assert tables.number(float("nan"), "test_loss") == "NaN"


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


def test_the_fold_figure_draws_the_paper_and_both_protocols():
    runs = [record(s, [0.9] * 10, hits=0.9) for s in grid(dataset="mnist", architecture="cnn", head="relu", protocol=["carried", "fresh"], seed=1)]
    labels = figures.folds("mnist", "cnn", runs).axes[1].get_legend_handles_labels()[1]
    assert labels == ["paper", "carried, validation rows (n = 1)", "carried, test set", "fresh, validation rows (n = 1)"]


def test_the_palette_differs_in_lightness_too_so_that_it_survives_grey_print():
    rgb = np.array([matplotlib.colors.to_rgb(figures.COLOURS[name]) for name in ("paper", "carried", "fresh")])
    lightness = np.sort(rgb @ [0.299, 0.587, 0.114])
    assert np.diff(lightness).min() > 0.1


def test_prose_says_percent_interval_and_n_or_that_nothing_is_measured():
    from reluclf.stats import estimate

    texts = [pages.percent(value).replace("\u00a0", " ") for value in (None, 0.98223, estimate([0.9]), estimate([0.9, 0.92, 0.94]))]
    assert texts == ["(not measured yet)", "98.22 %", "90.00 % (n = 1)", "92.00 % (87.03 to 96.97, n = 3)"]


@pytest.mark.parametrize("columns", [["head", "seeds"], []])
def test_a_table_of_nothing_is_shown_as_a_row_of_dashes(columns, monkeypatch):
    import pandas as pd
    from IPython import display

    shown = []
    monkeypatch.setattr(display, "display", shown.append)
    pages.table(pd.DataFrame(columns=columns), "Nothing yet.", "tab-nothing")
    lines = [line for line in shown[0].data.splitlines() if line.startswith("|")]
    assert len(lines) == 3 and set(lines[2].replace("|", "").split()) == {tables.NONE}
