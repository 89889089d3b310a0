"""The paper's numbers as we have them: they agree with each other, so a slip of transcription would show.

One look at them might find a slip that is none: WDBC's FFNN-ReLU has precision .91 and recall .91 but F1 .90 (Table 9). That is what its
confusion matrix (Figure 10) gives: .915, .906 and .904. An F1 that is a mean over classes need not lie between mean precision and recall.
"""

import numpy as np
import pytest
import yaml
from factory import SUPPORTS
from sklearn.metrics import precision_recall_fscore_support

from reluclf import paths
from reluclf.judging import paper

PAPER = yaml.safe_load(paths.PAPER.read_text(encoding="utf-8"))

RESULTS = {
    (table["dataset"], table["architecture"], head): table[head]
    for table in PAPER["tables"].values()
    for head in ("softmax", "relu")
    if head in table
}
FOLDS = {tuple(pair.split("-")): folds for pair, folds in PAPER["notebook_folds"].items()}
FOLDS |= {
    (PAPER["tables"][n]["dataset"], "cnn", "relu"): PAPER["tables"][n]["fold_accuracy"]
    for n in (5, 8)
}

every_matrix = pytest.mark.parametrize("number", range(2, 12))
every_result = pytest.mark.parametrize("result", RESULTS, ids="-".join)


def figure(number):
    """What a confusion matrix is of, and its counts."""
    entry = PAPER["figures"][number]
    return (entry["dataset"], entry["architecture"], entry["head"]), np.array(entry["matrix"])


def test_there_are_9_tables_11_figures_31_claims_and_3_proposals():
    assert list(PAPER["tables"]) == list(range(1, 10))
    assert list(PAPER["figures"]) == list(range(1, 12))
    assert list(PAPER["claims"]) == [f"C{i:02}" for i in range(1, 32)]
    assert list(PAPER["future_work"]) == ["W1", "W2", "W3"]


def test_every_claim_and_proposal_has_its_section_and_its_words():
    for entry in PAPER["claims"].values():
        assert set(entry) == {"section", "claim"}
        assert isinstance(entry["section"], str)  # a bare 2.10 would become 2.1
        assert entry["claim"].endswith(".")
    for entry in PAPER["future_work"].values():
        assert set(entry) == {"section", "proposal"}
        assert isinstance(entry["section"], str)


def test_every_network_has_its_results_its_ten_folds_and_its_confusion_matrix():
    networks = {(dataset, "ffnn", head) for dataset in SUPPORTS for head in ("softmax", "relu")}
    networks |= {
        (dataset, "cnn", head)
        for dataset in ("mnist", "fashion_mnist")
        for head in ("softmax", "relu")
    }
    assert set(RESULTS) == set(FOLDS) == networks
    assert sorted(figure(number)[0] for number in range(2, 12)) == sorted(networks)


@pytest.mark.parametrize("number, total", [(1, 84_202), (2, 662_026)])
def test_the_layers_of_a_network_add_up_to_its_parameters(number, total):
    table = PAPER["tables"][number]
    assert sum(parameters for _, _, parameters in table["layers"]) == total
    assert f"{total:,} parameters" in table["title"]


@every_matrix
def test_the_rows_of_a_confusion_matrix_sum_to_the_class_supports(number):
    (dataset, _, _), counts = figure(number)
    assert counts.sum(axis=1).tolist() == SUPPORTS[dataset]
    assert counts.shape == (len(SUPPORTS[dataset]),) * 2
    assert counts.min() >= 0


@every_matrix
def test_the_diagonal_of_a_confusion_matrix_gives_the_test_accuracy(number):
    network, counts = figure(number)
    # 1e-8: the author's WDBC accuracies have float32's rounding (Figure 10 gives .90643274854, Table 9 .90643275028); all others agree exactly.
    assert np.trace(counts) / counts.sum() == pytest.approx(
        RESULTS[network]["test_accuracy"], rel=0, abs=1e-8
    )


@every_matrix
def test_a_confusion_matrix_gives_the_printed_precision_recall_and_f1(number):
    network, counts = figure(number)
    k = len(counts)
    labels, predictions = (
        np.repeat(np.arange(k), counts.sum(axis=1)),
        np.concatenate([np.repeat(np.arange(k), row) for row in counts]),
    )
    scores = precision_recall_fscore_support(labels, predictions, average="weighted")[:3]
    assert [round(float(score), 2) for score in scores] == [
        RESULTS[network][name] for name in ("precision", "recall", "f1")
    ]


@every_result
def test_the_ten_folds_give_the_printed_mean_and_population_standard_deviation(result):
    folds = FOLDS[result]
    assert len(folds) == 10
    assert np.mean(folds) == pytest.approx(RESULTS[result]["cv_accuracy"], rel=1e-12)
    assert np.std(folds) == pytest.approx(RESULTS[result]["cv_std"], rel=1e-12)


@pytest.mark.parametrize("number", [5, 8])
def test_the_tables_of_folds_have_ten_losses_and_ten_accuracies_between_0_and_1(number):
    table = PAPER["tables"][number]
    assert len(table["fold_loss"]) == len(table["fold_accuracy"]) == 10
    assert all(0 < accuracy < 1 for accuracy in table["fold_accuracy"])
    assert all(loss > 0 for loss in table["fold_loss"])
    assert (
        np.corrcoef(table["fold_loss"], table["fold_accuracy"])[0, 1] < -0.9
    )  # swapped entries would not fall together


@pytest.mark.parametrize("head", ["softmax", "relu"])
def test_the_losses_that_only_the_wdbc_notebook_prints_are_ten_and_positive(head):
    losses = paper.notebook_loss("wdbc", "ffnn", head)
    assert losses.shape == (10,) and (losses > 0).all()


def test_installed_without_its_checkout_the_package_says_so(monkeypatch, tmp_path):
    paper.contents.cache_clear()
    monkeypatch.setattr(paths, "PAPER", tmp_path / "paper.yml")
    with pytest.raises(paper.PaperError, match=r"works on a checkout of the book.*--editable"):
        paper.contents()
