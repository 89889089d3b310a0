"""The folds drawn."""

import numpy as np
from factory import run

from reluclf.judging.design import AS_RUN
from reluclf.showing import by_fold


def test_the_paper_and_ours_are_drawn_and_each_panel_says_how_many_runs_it_has():
    runs = [run("mnist", "cnn", "relu", protocol, 1) for protocol in ("carried", "fresh")]
    runs.append(run("mnist", "cnn", "softmax", "carried", 2))
    runs.append(run("mnist", "cnn", "softmax", "carried", 3, loss="verbatim"))
    left, right = by_fold.figure("mnist", "cnn", runs).axes
    assert right.get_legend_handles_labels()[1] == [
        "paper",
        *(
            f"{kind}, {rows}"
            for kind in ("as run", "as written")
            for rows in ("validation samples", "test set")
        ),
    ]
    assert left.get_title() == "CNN-Softmax\n(n = 1 as run, 0 as written)"
    assert right.get_title() == "CNN-ReLU\n(n = 1 as run, 1 as written)"


def test_one_model_has_seen_the_folds_before_and_new_models_have_not():
    spent = by_fold.epochs_spent(carried=True)
    assert list(np.diag(spent)) == [0, 32, 64, 96, 128, 160, 192, 224, 256, 288]
    seen = np.zeros(10, dtype=int)  # the loop itself
    for fold in range(10):
        assert (spent[fold] == seen).all()
        seen[np.arange(10) != fold] += 32
    assert not by_fold.epochs_spent(carried=False).any()
    texts = [[text.get_text() for text in axes.texts] for axes in by_fold.grid().axes]
    assert texts == [[str(32 * i) for i in range(10)], ["0"] * 10]


def test_leakage_and_slow_learning_are_drawn_in_the_networks_that_show_them(everything):
    networks = by_fold.REASONS.values()
    leak, slow = (network.whole(everything, AS_RUN) for network in networks)
    for axes, found in zip(by_fold.reasons(everything).axes, (leak, slow), strict=True):
        labels = axes.get_legend_handles_labels()[1]
        assert found and any(f"(n = {len(found)})" in label for label in labels)
    for one in leak:
        test = [fold.test.accuracy for fold in one.folds]
        assert one.fold_accuracy[-1] - one.fold_accuracy[0] > 0.08
        assert abs(test[-1] - test[0]) < 0.02
    rises = [one.folds[-1].test.accuracy - one.folds[0].test.accuracy for one in slow]
    assert np.mean(rises) > 0.2


def test_without_runs_the_paper_is_drawn_alone():
    by_fold.reasons([]).canvas.draw()
    left, _ = by_fold.figure("mnist", "cnn", []).axes
    assert left.get_legend_handles_labels()[1] == ["paper"]
