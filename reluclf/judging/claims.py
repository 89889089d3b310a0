"""What each claim of the paper says, in parts that runs can show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from reluclf.judging import paper, thresholds
from reluclf.judging.design import Cell
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import Values, values
from reluclf.judging.rules import Part
from reluclf.record import Record


class Network(NamedTuple):
    """A data set and an architecture."""

    dataset: str
    architecture: str

    def cells(self, condition: str, heads: Sequence[str] = ("relu", "softmax")) -> list[Cell]:
        """The cells of the design with this network, under one condition."""
        return [Cell(*self, head, condition) for head in heads]


MNIST_FFNN = Network("mnist", "ffnn")
MNIST_CNN = Network("mnist", "cnn")
FASHION_FFNN = Network("fashion_mnist", "ffnn")
FASHION_CNN = Network("fashion_mnist", "cnn")
WDBC_FFNN = Network("wdbc", "ffnn")

Measure = Callable[[Record], float]

#: Makes the parts of a claim from the runs under a condition.
Parts = Callable[[Evidence, str], list[Part]]


def accuracy(run: Record) -> float:
    """The test accuracy, a share."""
    return run.test.accuracy


def f1(run: Record) -> float:
    """The F1 on the test set: the classes' own, weighted by their support."""
    return run.test.f1


def first(run: Record) -> float:
    """The test accuracy of a carried model after its first 32 epochs, a share."""
    return run.folds[0].test.accuracy


def gained(run: Record) -> float:
    """How much a carried model's test accuracy rises from then to the end."""
    return run.test.accuracy - run.folds[0].test.accuracy


def benign_called_malignant(run: Record) -> float:
    """Benign tumours that are taken for malignant: false negatives where benign is positive."""
    return float(run.test.confusion_matrix[1][0])


def malignant_called_benign(run: Record) -> float:
    """Malignant tumours that are taken for benign: false positives where benign is positive."""
    return float(run.test.confusion_matrix[0][1])


def measured(
    evidence: Evidence, network: Network, condition: str, measure: Measure
) -> tuple[Values, Values | None]:
    """Measure the runs of both heads: all of them, and those that lose no class.

    The second is None if no run of either head loses one. On WDBC a seed is a split, and the runs
    are paired by it; on images two heads with one seed have nothing in common.
    """
    relu, softmax = evidence.runs(*network.cells(condition))
    are_paired = network.dataset == "wdbc"
    if are_paired and [run.spec.seed for run in relu] != [run.spec.seed for run in softmax]:
        common = {run.spec.seed for run in relu} & {run.spec.seed for run in softmax}
        relu = [run for run in relu if run.spec.seed in common]
        softmax = [run for run in softmax if run.spec.seed in common]
    everything = values(
        [measure(run) for run in relu], [measure(run) for run in softmax], are_paired
    )
    kept = [np.array([not run.test.lost for run in runs]) for runs in (relu, softmax)]
    if all(keep.all() for keep in kept):
        return everything, None
    if are_paired:
        kept = [kept[0] & kept[1]] * 2
    kind = values(everything.relu[kept[0]], everything.softmax[kept[1]], are_paired)
    return everything, kind


def in_paper(network: Network, name: str) -> float:
    """ReLU minus softmax in one of the paper's measures."""
    relu, softmax = (paper.result(*network, head)[name] for head in ("relu", "softmax"))
    return relu - softmax


def folds_in_paper(network: Network) -> tuple[float, float]:
    """ReLU minus softmax in the paper's first fold, and in the rise from it to the last."""
    relu, softmax = (paper.fold_accuracy(*network, head) for head in ("relu", "softmax"))
    return relu[0] - softmax[0], (relu[-1] - relu[0]) - (softmax[-1] - softmax[0])


def matrices_in_paper(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """The paper's confusion matrices of both heads, ReLU's first."""
    relu, softmax = (paper.matrix_of(*network, head).counts for head in ("relu", "softmax"))
    return relu, softmax


def same_accuracy(network: Network, name: str = "accuracy") -> Callable[..., Part]:
    """The part that the two heads' test accuracies are equal."""

    def make(evidence: Evidence, condition: str) -> Part:
        measures = measured(evidence, network, condition, accuracy)
        return Part(name, "equal", *measures, in_paper(network, "test_accuracy"))

    return make


def same_f1(network: Network, name: str = "F1") -> Callable[..., Part]:
    """The part that the two heads' F1s are equal."""

    def make(evidence: Evidence, condition: str) -> Part:
        measures = measured(evidence, network, condition, f1)
        return Part(name, "equal", *measures, in_paper(network, "f1"))

    return make


def no_worse(network: Network, name: str) -> Callable[..., Part]:
    """The part that ReLU's test accuracy is not below softmax's by more than the margin."""

    def make(evidence: Evidence, condition: str) -> Part:
        measures = measured(evidence, network, condition, accuracy)
        return Part(name, "no worse", *measures, in_paper(network, "test_accuracy"))

    return make


def lower(network: Network) -> Callable[..., Part]:
    """The part that ReLU's test accuracy is lower in the end."""

    def make(evidence: Evidence, condition: str) -> Part:
        measures = measured(evidence, network, condition, accuracy)
        return Part("lower", "below", *measures, in_paper(network, "test_accuracy"))

    return make


def slower(network: Network, evidence: Evidence, condition: str) -> list[Part]:
    """The parts that ReLU is behind after 32 epochs, and catches up in those that follow.

    Both are of one and the same carried model: a model that is trained once has no later epochs.
    """
    if condition != "as run":
        return []
    start, catching_up = folds_in_paper(network)
    behind = measured(evidence, network, condition, first)
    gain = measured(evidence, network, condition, gained)
    return [
        Part("behind", "below", *behind, start),
        Part("catching up", "above", *gain, catching_up),
    ]


def on_par(network: Network) -> Parts:
    """C09, C16: on par in test accuracy and in F1."""
    return lambda evidence, condition: [
        same_accuracy(network)(evidence, condition),
        same_f1(network)(evidence, condition),
    ]


def worse_because_slower(network: Network) -> Parts:
    """C11, C21: lower in the end, for it is slower."""

    def make(evidence: Evidence, condition: str) -> list[Part]:
        parts = slower(network, evidence, condition)
        return [lower(network)(evidence, condition), *parts]

    return make


def four_points(evidence: Evidence, condition: str) -> list[Part]:
    """C13: about four points below."""
    measures = measured(evidence, MNIST_CNN, condition, accuracy)
    own = in_paper(MNIST_CNN, "test_accuracy")
    return [Part("four points", "about", *measures, own, size=-0.04)]


def slower_yet_equal_f1(evidence: Evidence, condition: str) -> list[Part]:
    """C18: slower, slightly lower, the same F1."""
    return [
        *slower(FASHION_CNN, evidence, condition),
        lower(FASHION_CNN)(evidence, condition),
        same_f1(FASHION_CNN)(evidence, condition),
    ]


def comparable_f1(evidence: Evidence, condition: str) -> list[Part]:
    """C22: F1s that differ by no more than 0.02."""
    return [same_f1(WDBC_FFNN)(evidence, condition)]


def kinds_of_errors(evidence: Evidence, condition: str) -> list[Part]:
    """C23: softmax has more false negatives, ReLU more false positives; benign is positive."""
    relu, softmax = matrices_in_paper(WDBC_FFNN)
    parts = []
    for name, says, measure, cell in (
        ("false negatives", "below", benign_called_malignant, (1, 0)),
        ("false positives", "above", malignant_called_benign, (0, 1)),
    ):
        measures = measured(evidence, WDBC_FFNN, condition, measure)
        own = float(relu[cell] - softmax[cell])
        parts.append(Part(name, says, *measures, own, unit="count"))
    return parts


def same_f1_on_both(evidence: Evidence, condition: str) -> list[Part]:
    """C27: the CNNs' F1s are equal on Fashion-MNIST, and likewise on MNIST."""
    return [
        same_f1(FASHION_CNN, "F1 on Fashion-MNIST")(evidence, condition),
        same_f1(MNIST_CNN, "F1 on MNIST")(evidence, condition),
    ]


def ahead(network: Network, name: str) -> Callable[..., Part]:
    """The part that ReLU's test accuracy is higher."""

    def make(evidence: Evidence, condition: str) -> Part:
        measures = measured(evidence, network, condition, accuracy)
        return Part(name, "above", *measures, in_paper(network, "test_accuracy"))

    return make


def hits(matrix: np.ndarray) -> np.ndarray:
    """The correct predictions of every class: the diagonal of a confusion matrix."""
    return np.diag(np.asarray(matrix))


def mixed_classes(relu: np.ndarray, softmax: np.ndarray) -> bool:
    """C10, C17, of two confusion matrices: each head is ahead in some class."""
    difference = hits(relu) - hits(softmax)
    return bool((difference > 0).any() and (difference < 0).any())


def softmax_best_everywhere(relu: np.ndarray, softmax: np.ndarray) -> bool:
    """C15, of two confusion matrices: softmax has the most correct predictions in every class."""
    return bool((hits(softmax) > hits(relu)).all())


def relu_best_in_most(relu: np.ndarray, softmax: np.ndarray) -> bool:
    """C19, of two confusion matrices: ReLU ahead in most classes, softmax in the total."""
    difference = hits(relu) - hits(softmax)
    most = np.sum(difference > 0) > len(difference) / 2
    return bool(most and difference.sum() < 0)


def balanced(matrix: np.ndarray) -> bool:
    """C26, of a confusion matrix: no class is left far behind the best one."""
    recall = hits(matrix) / np.asarray(matrix).sum(axis=1)
    return bool(round(recall.min() / recall.max(), 12) >= thresholds.BALANCED)
