"""WDBC as a clinician reads it, and Keras's own loss on it."""

from factory import record, run

from reluclf import Spec
from reluclf.showing import clinic, own_loss


def test_a_clinicians_positive_is_malignant():
    one = run("wdbc", "ffnn", "relu", "carried", 1, hits=0.75, features="raw")
    frame = clinic.table([one]).set_index("classifier")
    assert frame.loc["FFNN-ReLU, as run", "malignant missed"] == "16.00 (n = 1)"
    paper = frame.loc["the paper's FFNN-ReLU", ["sensitivity, %", "malignant missed"]]
    assert paper.tolist() == ["76.56", "15"]


def test_errors_of_both_kinds_are_compared_split_by_split():
    def of(head, *shares):
        return [
            run("wdbc", "ffnn", head, "fresh", seed, hits=h) for seed, h in enumerate(shares, 1)
        ]

    found = clinic.errors(of("relu", 0.75, 0.75, 0.75), of("softmax", 1.0, 1.0))
    assert (found["misses"].mean, found["misses"].n) == (16.0, 2)
    assert clinic.errors([], of("softmax", 1.0)) == {"misses": None, "false": None}


def test_deaths_are_counted_with_their_batches():
    fields = {"dataset": "mnist", "architecture": "ffnn", "head": "relu", "protocol": "fresh"}
    runs = [
        record(
            Spec(**fields, folds=0, epochs=5, loss="verbatim", seed=seed), [], 0.1, diverged_at=at
        )
        for seed, at in ((1, 7), (2, 21), (3, None))
    ]
    line = own_loss.table("mnist", runs).iloc[0]
    assert (line["runs"], line["died"]) == ("3", "2")
    assert line["at batch (median; range)"] == "14; 7 to 21"
    assert own_loss.told("mnist", runs) == "Of 3 FFNN-ReLUs 2 died, the last at batch 21."
    assert own_loss.told("mnist", runs[:1]) == "Of 1 FFNN-ReLUs 1 died, at batch 7."
    assert own_loss.told("mnist", runs[2:]) == "Of 1 FFNN-ReLUs none died."
    assert own_loss.table("mnist", []).empty
