"""What rises from fold to fold, and how far a cross-validation is off."""

import pytest
from factory import run

from reluclf import formats
from reluclf.record import Score
from reluclf.showing import cross_validation


def made(seed=1, folds=None, hits=0.9, head="relu", protocol="carried", **fields):
    return run("mnist", "ffnn", head, protocol, seed, folds, hits, **fields)


def with_tests(one, accuracies):
    """The same run with these accuracies on the test set after its folds."""
    folds = [
        fold.model_copy(update={"test": Score(loss=0.2, accuracy=accuracy)})
        for fold, accuracy in zip(one.folds, accuracies, strict=True)
    ]
    return one.model_copy(update={"folds": tuple(folds)})


def test_optimism_is_cross_validation_minus_test():
    one = made(folds=[0.5] * 9 + [1.0])
    line = cross_validation.optimism([one]).iloc[0]
    test = one.test.accuracy
    assert line["as run, mean − test"] == f"−{100 * (test - 0.55):.2f} (n = 1)"
    assert line["as run, last − test"] == f"+{100 * (1 - test):.2f} (n = 1)"
    assert line["as written, mean − test"] == formats.NONE
    assert cross_validation.optimism([made(loss="verbatim"), made(folds=[0.9] * 3)]).empty


def test_a_rise_on_the_test_set_is_learning_and_one_on_validation_rows_alone_is_leakage():
    rising = [0.5 + i / 100 for i in range(10)]
    runs = [
        with_tests(made(seed, [a + seed / 50 for a in rising], 0.59), rising) for seed in (1, 2)
    ]
    runs += [with_tests(made(seed, rising, 0.5, "softmax"), [0.5] * 10) for seed in (1, 2)]
    runs += [run("wdbc", "ffnn", "relu", "carried", 1, [0.9] * 3, features="raw")]
    frame = cross_validation.learning(runs).set_index("network")
    assert list(frame.index) == ["MNIST FFNN-Softmax", "MNIST FFNN-ReLU"]
    assert frame["validation − test set"].tolist() == [
        "+1.00 [+1.00, +1.00] (n = 2)",
        "0.00 [0.00, 0.00] (n = 2)",
    ]
    assert frame["paper, validation"].tolist() == ["+0.17", "+0.40"]


def test_the_interval_over_one_runs_folds_is_wider_than_over_folds_that_were_independent():
    one = made(folds=[0.9 + i / 100 for i in range(10)], protocol="fresh")
    low, high = cross_validation.over_folds(one)
    # The t-quantile of 9 degrees of freedom times the corrected standard error.
    half = 2.2622 * one.fold_accuracy.std(ddof=1) * (1 / 10 + 1 / 9) ** 0.5
    assert (low, high) == pytest.approx((0.945 - half, 0.945 + half), abs=1e-4)
    frame = cross_validation.new_weights([one]).set_index("network")
    line = frame.loc["MNIST FFNN-ReLU"]
    assert line["interval from one run's folds, %"] == f"{100 * low:.2f} to {100 * high:.2f}"
    assert frame.loc["WDBC FFNN-ReLU", "as written − paper"] == formats.NONE
