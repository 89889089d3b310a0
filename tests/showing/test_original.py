"""The libraries of 2018 beside today's."""

import json
import re

import numpy as np
import pytest
from factory import record, run
from scipy.stats import ttest_ind

from reluclf import Spec
from reluclf.judging.thresholds import MARGIN
from reluclf.showing import original

OWN = {"loss": "verbatim", "epochs": 2, "folds": 1}


@pytest.fixture(autouse=True)
def plan(tmp_path, monkeypatch):
    """A plan of three runs of two networks on MNIST, twice, and of four of WDBC's on both kinds of measurements."""
    of_mnist = {"networks": [["mnist", "ffnn", "relu"], ["mnist", "ffnn", "softmax"]], "seeds": 3}
    experiments = {
        "own": of_mnist | {"spec": OWN},
        "fold": of_mnist | {"spec": {"folds": 1}},
        "wdbc": {
            "networks": [["wdbc", "ffnn", "softmax"]],
            "spec": {"loss": "verbatim", "features": ["raw", "paper"]},
            "seeds": 4,
        },
    }
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"experiments": experiments}), encoding="utf-8")
    monkeypatch.setattr(original, "PLAN", file)
    return file


def carried(head, seed, folds, hits=0.9, dataset="mnist", **fields):
    return run(dataset, "ffnn", head, "carried", seed, folds, hits, **fields)


def test_without_runs_nothing_is_compared_and_nothing_fails():
    ours = [carried("relu", seed, [0.9] * 10) for seed in (1, 2, 3)]
    assert original.compared([], ours).empty and original.deaths([], ours).empty
    assert original.progress([]) == "none of the 20 planned runs"
    assert original.told([]).endswith("these died: none is recorded yet.")


def test_runs_that_are_not_planned_have_a_dash():
    frame = original.compared([carried("relu", 1, [0.9] * 10)], [])
    assert frame["runs planned"].tolist() == ["3", "3", "–", "–"]


def test_the_first_fold_of_both_is_compared_and_runs_stand_beside_the_plan():
    then = [carried("relu", seed, [0.9 + seed / 1000]) for seed in (1, 2)]
    now = [carried("relu", seed, [0.9 + seed / 1000, *[0.5] * 9]) for seed in (1, 2, 3)]
    frame = original.compared(then, now)
    assert frame["accuracy, %"].tolist() == ["first fold, validation", "first fold, test set"]
    first = frame.iloc[0]
    assert (
        first["2018"].endswith("(n = 2)")
        and first["runs planned"] == "3"
        and first["today"].endswith("(n = 3)")
    )
    assert (
        first["2018 − today, points"].startswith("−0.05 [")
        and first["within two points"] == "shown"
    )


def test_a_run_with_ten_folds_has_a_first_fold_too_and_one_of_other_settings_none():
    whole = [carried("softmax", seed, np.linspace(0.8, 0.9, 10) + seed / 1000) for seed in (1, 2)]
    frame = original.compared(whole, whole)
    assert frame["accuracy, %"].tolist() == [quantity.title for quantity in original.QUANTITIES]
    assert set(frame["2018 − today, points"].str.split(" ").str[0]) == {"0.00"}
    assert original.compared([carried("softmax", 1, [0.9], clipnorm=1.0)], whole).empty


def test_wdbcs_softmax_with_kerass_own_loss_is_the_guarded_one_of_ours_on_the_same_measurements():
    then = [
        carried(
            "softmax", seed, [0.8] * 10, 0.8 + seed / 100, "wdbc", loss="verbatim", features="raw"
        )
        for seed in (1, 2)
    ]
    now = [
        carried("softmax", seed, [0.9] * 10, 0.8 + seed / 100, "wdbc", features="raw")
        for seed in (1, 2)
    ]
    now += [carried("softmax", seed, [0.99] * 10, 0.99, "wdbc") for seed in (1, 2)]
    frame = original.compared(then, now)
    assert frame["accuracy, %"].tolist() == [
        "raw, ten folds, cross-validation",
        "raw, ten folds, test set",
    ]
    assert frame["2018 − today, points"].iloc[0].startswith("−10.00") and set(
        frame["runs planned"]
    ) == {"4"}


def test_softmaxs_runs_of_two_epochs_are_compared_with_ours_after_as_many():
    fields = {"loss": "verbatim", "epochs": 2}
    early = [carried("softmax", seed, [0.7 + seed / 1000], **fields) for seed in (1, 2)]
    early += [carried("relu", seed, [0.5], **fields) for seed in (1, 2)]
    whole = [carried("softmax", seed, [0.9 + seed / 1000] * 10) for seed in (1, 2, 3)]
    frame = original.compared(early, whole)
    (row,) = frame.to_dict("records")
    assert row["accuracy, %"] == "after two epochs, validation" and row["network"].endswith(
        "Softmax"
    )
    second = [100 * run.folds[0].validation.accuracy[1] for run in whole]
    assert row["today"].startswith(f"{np.mean(second):.2f}") and row["today"].endswith("(n = 3)")
    assert row["2018"].startswith("70.15")


def test_the_difference_is_welchs_and_equivalent_by_its_90_percent_interval():
    a, b = [0.91, 0.93, 0.92, 0.95], [0.90, 0.90, 0.91]
    frame = original.compared(
        *(
            [carried("relu", seed, [share], share) for seed, share in enumerate(shares, start=1)]
            for shares in (a, b)
        )
    )
    assert frame["today"].tolist() == ["–", "–"]  # ours need all ten folds
    whole = [carried("relu", seed, [share] * 10, share) for seed, share in enumerate(b, start=1)]
    first = original.compared(
        [carried("relu", seed, [share], share) for seed, share in enumerate(a, start=1)], whole
    ).iloc[0]
    welch = ttest_ind(a, b, equal_var=False)
    mean, low, high = (
        float(part.replace("−", "-"))
        for part in re.findall(r"[−+][\d.]+", first["2018 − today, points"])
    )
    interval = welch.confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx(
        (100 * (np.mean(a) - np.mean(b)), 100 * interval.low, 100 * interval.high), abs=0.006
    )
    assert (
        first["within two points"]
        == ("shown" if welch.confidence_interval(0.9).high < MARGIN else "not shown")
        == "not shown"
    )


def died(seed, at, **fields):
    spec = Spec(
        dataset="mnist", architecture="ffnn", head="relu", seed=seed, loss="verbatim", **fields
    )
    return record(spec, [0.1] * spec.folds, 0.1, diverged_at=at)


def test_deaths_are_counted_against_the_plan_and_within_the_batches_that_both_have():
    then = [
        died(seed, at, protocol="carried", epochs=2, folds=1)
        for seed, at in enumerate((3, 7, None), start=1)
    ]  # 900 rows: eight batches
    now = [
        died(seed, at, protocol="fresh", epochs=5, folds=0)
        for seed, at in enumerate((5, 9, 20, None), start=1)
    ]  # 1,000 rows: twenty
    (line,) = original.deaths(then, now).to_dict("records")
    assert line == {
        "network": "MNIST FFNN-ReLU",
        "2018: runs (planned)": "3 (3)",
        "died": "2 of 3",
        "at batch (median; range)": "5; 3 to 7",
        "batches that both have": "8",
        "2018: died in these": "2 of 3",
        "today: died in these": "1 of 4",
    }
    assert (
        original.told(then)
        == "Of the runs with Keras's own loss that are recorded so far, these died: 2 of 3 with the ReLU head."
    )
    alone = original.deaths(then, []).iloc[0]
    assert alone["died"] == "2 of 3" and alone["today: died in these"] == "–"


def test_the_papers_fold_accuracies_leave_one_size_for_each_fold_of_the_images():
    for dataset in ("mnist", "fashion_mnist"):
        sizes = original.fold_sizes(dataset)
        assert sum(sizes) == 55_000 and sizes != [5_500] * 10


def test_accuracies_of_no_common_size_are_refused(monkeypatch):
    monkeypatch.setattr(original.paper, "fold_accuracy", lambda *network: np.full(10, 1 / np.pi))
    with pytest.raises(ValueError, match="could have no rows"):
        original.fold_sizes("mnist")
