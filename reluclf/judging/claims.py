"""What each claim of the paper says, in parts that runs can show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from reluclf.judging import paper, thresholds
from reluclf.judging.design import Cell
from reluclf.judging.evidence import Evidence, pairs
from reluclf.judging.exceeding import Values, values
from reluclf.judging.rules import Part, Says
from reluclf.record import Record


class Pair(NamedTuple):
    """A data set and an architecture: two networks of the paper, one with each head."""

    dataset: str
    architecture: str

    def cells(self, condition: str, heads: Sequence[str] = ("relu", "softmax")) -> list[Cell]:
        """List the cells of the design with these networks, under one condition."""
        return [Cell(*self, head, condition) for head in heads]


MNIST_FFNN = Pair("mnist", "ffnn")
MNIST_CNN = Pair("mnist", "cnn")
FASHION_FFNN = Pair("fashion_mnist", "ffnn")
FASHION_CNN = Pair("fashion_mnist", "cnn")
WDBC_FFNN = Pair("wdbc", "ffnn")


class Measure(NamedTuple):
    """What is compared of the two heads.

    Attributes
    ----------
    of : callable
        How a run has it.
    in_paper : callable
        ReLU minus softmax in the paper.
    unit : {"points", "count"}
    """

    of: Callable[[Record], float]
    in_paper: Callable[[Pair], float]
    unit: str = "points"


def _result(name: str) -> Callable[[Pair], float]:
    def in_paper(pair: Pair) -> float:
        relu, softmax = (paper.result(*pair, head)[name] for head in ("relu", "softmax"))
        return relu - softmax

    return in_paper


def _folds(pair: Pair) -> tuple[float, float]:
    """ReLU minus softmax in the paper's first fold, and in the rise from it to the last."""
    relu, softmax = (paper.fold_accuracy(*pair, head) for head in ("relu", "softmax"))
    return relu[0] - softmax[0], (relu[-1] - relu[0]) - (softmax[-1] - softmax[0])


def _error(true: int, predicted: int) -> Measure:
    """How often one class is taken for another."""

    def in_paper(pair: Pair) -> float:
        relu, softmax = matrices_in_paper(pair)
        return float(relu[true, predicted] - softmax[true, predicted])

    return Measure(lambda run: float(run.test.confusion_matrix[true][predicted]), in_paper, "count")


ACCURACY = Measure(lambda run: run.test.accuracy, _result("test_accuracy"))
F1 = Measure(lambda run: run.test.f1, _result("f1"))

#: A carried model's test accuracy after its first 32 epochs, and how much it rises from then on.
FIRST = Measure(lambda run: run.folds[0].test.accuracy, lambda pair: _folds(pair)[0])
GAIN = Measure(
    lambda run: run.test.accuracy - run.folds[0].test.accuracy, lambda pair: _folds(pair)[1]
)

#: Benign tumours taken for malignant, and the other way round: benign is positive.
FALSE_NEGATIVES, FALSE_POSITIVES = _error(1, 0), _error(0, 1)


def measured(
    evidence: Evidence, pair: Pair, condition: str, measure: Measure
) -> tuple[Values, Values | None]:
    """Measure the runs of both heads: all of them, and those that lose no class.

    The second is None if no run of either head loses one. On WDBC a seed is a split, and the runs
    are paired by it; on images two heads with one seed have nothing in common.
    """
    relu, softmax = evidence.runs(*pair.cells(condition))
    are_paired = pair.dataset == "wdbc"
    if are_paired:
        both = pairs(relu, softmax)
        relu, softmax = [run for run, _ in both], [run for _, run in both]
    everything = values(
        [measure.of(run) for run in relu], [measure.of(run) for run in softmax], are_paired
    )
    kept = [np.array([not run.test.lost for run in runs]) for runs in (relu, softmax)]
    if all(keep.all() for keep in kept):
        return everything, None
    if are_paired:
        kept = [kept[0] & kept[1]] * 2
    return everything, values(everything.relu[kept[0]], everything.softmax[kept[1]], are_paired)


class Said(NamedTuple):
    """One thing that a claim says of a pair; what is said ``over_folds`` is of as run alone.

    The other fields are those of :class:`reluclf.judging.rules.Part`.
    """

    name: str
    says: Says
    pair: Pair
    measure: Measure
    size: float = 0.0
    over_folds: bool = False

    def in_paper(self) -> Part:
        """The part with the paper's numbers, and no run of ours."""
        return self._part(values([], []), None)

    def part(self, evidence: Evidence, condition: str) -> Part:
        """The part with our runs under a condition."""
        return self._part(*measured(evidence, self.pair, condition, self.measure))

    def _part(self, everything: Values, kind: Values | None) -> Part:
        own = self.measure.in_paper(self.pair)
        return Part(self.name, self.says, everything, kind, own, self.size, self.measure.unit)


def _on_par(pair: Pair) -> tuple[Said, ...]:
    return (Said("accuracy", "equal", pair, ACCURACY), Said("F1", "equal", pair, F1))


def _slower(pair: Pair) -> tuple[Said, ...]:
    """Behind after 32 epochs, and catching up in those that follow: of one and the same model."""
    return (
        Said("behind", "below", pair, FIRST, over_folds=True),
        Said("catching up", "above", pair, GAIN, over_folds=True),
    )


def _lower(pair: Pair) -> Said:
    return Said("lower", "below", pair, ACCURACY)


#: The claims that have parts all of which must be shown.
PARTS: dict[str, tuple[Said, ...]] = {
    "C09": _on_par(MNIST_FFNN),
    "C11": (_lower(MNIST_CNN), *_slower(MNIST_CNN)),
    "C13": (Said("four points", "about", MNIST_CNN, ACCURACY, size=-0.04),),
    "C16": _on_par(FASHION_FFNN),
    "C18": (*_slower(FASHION_CNN), _lower(FASHION_CNN), Said("F1", "equal", FASHION_CNN, F1)),
    "C21": (_lower(WDBC_FFNN), *_slower(WDBC_FFNN)),
    "C22": (Said("F1", "equal", WDBC_FFNN, F1),),
    "C23": (
        Said("false negatives", "below", WDBC_FFNN, FALSE_NEGATIVES),
        Said("false positives", "above", WDBC_FFNN, FALSE_POSITIVES),
    ),
    "C27": (
        Said("F1 on Fashion-MNIST", "equal", FASHION_CNN, F1),
        Said("F1 on MNIST", "equal", MNIST_CNN, F1),
    ),
}

#: C25: the FFNNs are comparable on both image sets, and in some cases ReLU is better.
COMPARABLE = (
    Said("accuracy on MNIST", "no worse", MNIST_FFNN, ACCURACY),
    Said("accuracy on Fashion-MNIST", "no worse", FASHION_FFNN, ACCURACY),
)
BETTER = tuple(Said("ahead in one", "above", pair, ACCURACY) for pair in (MNIST_FFNN, FASHION_FFNN))

#: C31: in some of the five experiments the heads are on par.
SOME_ON_PAR = tuple(
    Said(paper.title(*pair), "equal", Pair(*pair), ACCURACY) for pair in paper.RESULT_TABLES
)


def matrices_in_paper(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """The paper's confusion matrices of both heads, ReLU's first."""
    relu, softmax = (paper.matrix_of(*pair, head).counts for head in ("relu", "softmax"))
    return relu, softmax


def ahead(relu: np.ndarray, softmax: np.ndarray) -> np.ndarray:
    """By how many correct predictions ReLU is ahead in every class, from confusion matrices."""
    return np.diag(relu) - np.diag(softmax)


def mixed_classes(relu: np.ndarray, softmax: np.ndarray) -> bool:
    """C10, C17, of two confusion matrices: each head is ahead in some class."""
    difference = ahead(relu, softmax)
    return bool((difference > 0).any() and (difference < 0).any())


def softmax_best_everywhere(relu: np.ndarray, softmax: np.ndarray) -> bool:
    """C15, of two confusion matrices: softmax has the most correct predictions in every class."""
    return bool((ahead(relu, softmax) < 0).all())


def relu_best_in_most(relu: np.ndarray, softmax: np.ndarray) -> bool:
    """C19, of two confusion matrices: ReLU ahead in most classes, softmax in the total."""
    difference = ahead(relu, softmax)
    most = np.sum(difference > 0) > len(difference) / 2
    return bool(most and difference.sum() < 0)


def recalls(matrix: np.ndarray) -> np.ndarray:
    """The share of every class that is right, from a confusion matrix."""
    return np.diag(matrix) / np.sum(matrix, axis=1)


def balanced(matrix: np.ndarray) -> bool:
    """C26, of a confusion matrix: no class is left far behind the best one."""
    recall = recalls(matrix)
    return bool(round(recall.min() / recall.max(), 12) >= thresholds.BALANCED)
