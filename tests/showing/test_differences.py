"""The two heads compared over seeds, over folds and image by image."""

import numpy as np
import pytest
from factory import run
from scipy import stats

from reluclf import formats
from reluclf.showing import differences


def of_heads(relu, softmax, protocol="carried", dataset="mnist", **fields):
    """Three runs of each head, with these shares of right predictions by seed."""
    return [
        run(dataset, "ffnn", head, protocol, seed, hits=hits(seed), **fields)
        for head, hits in (("relu", relu), ("softmax", softmax))
        for seed in (1, 2, 3)
    ]


def test_comparable_needs_both_measures_and_tells_what_is_shown():
    scattered = lambda seed: 0.9 + seed / 1000  # noqa: E731
    made = of_heads(scattered, scattered)
    made += of_heads(lambda seed: 0.7 + seed / 1000, lambda seed: 0.9, "fresh")
    shown = differences.comparable(made)["within two points"].tolist()
    assert shown == ["both shown", "one shown to exceed", *[formats.NONE] * 8]


def test_heads_are_compared_over_seeds_over_folds_and_image_by_image():
    # ReLU gets a tenth of every class wrong that softmax gets right, in each of three seeds.
    runs = [
        run("mnist", "ffnn", head, "fresh", seed, [0.9 + i * step for i in range(10)], hits)
        for head, hits, step in (("relu", 0.8, 0.001), ("softmax", 0.9, 0.011))
        for seed in (1, 2, 3)
    ]
    frame = differences.compared("mnist", runs)
    line = frame.set_index(["network", "runs"]).loc[("FFNN", "as written")]
    difference = 100 * (runs[0].test.accuracy - runs[3].test.accuracy)
    assert line["over seeds, points"].startswith(f"−{abs(difference):.2f} [")
    assert line["over folds, points"].startswith("−4.50 [")
    assert line["seeds that differ (McNemar)"] == "3 of 3"
    assert set(differences.compared("mnist", []).iloc[0][2:]) == {formats.NONE}


def test_splits_of_the_same_tumours_say_less_of_other_tumours():
    made = of_heads(lambda seed: 0.8 + seed / 50, lambda seed: 0.9, dataset="wdbc", features="raw")
    line = differences.compared("wdbc", made).set_index("runs").loc["as run"]

    def half(cell):
        ends = cell[cell.index("[") + 1 : cell.index("]")].split(", ")
        low, high = (float(end.replace("−", "-")) for end in ends)
        return (high - low) / 2

    fold = made[0].folds[0]
    widened = half(line["for other tumours, points"]) / half(line["over seeds, points"])
    overlap = 171 / (fold.n_train + fold.n_validation)
    assert widened == pytest.approx(np.sqrt((1 / 3 + overlap) / (1 / 3)), rel=0.01)
    assert widened == pytest.approx(differences.wider(made[:3]), rel=0.01)


@pytest.mark.parametrize("both", [0, 90])
def test_mcnemar_counts_only_the_samples_on_which_two_classifiers_disagree(both):
    a = np.array([True] * both + [True] * 8 + [False] * 2)
    b = np.array([True] * both + [False] * 8 + [True] * 2)
    assert differences.mcnemar(a, b) == pytest.approx(2 * stats.binom.cdf(2, 10, 0.5))
    assert differences.mcnemar(a, a) == 1
