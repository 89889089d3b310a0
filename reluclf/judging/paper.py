"""What the paper publishes: its tables, figures and claims, read from ``book/paper.yml``."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from reluclf import paths
from reluclf.spec import TITLES

_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: The numbers that Tables 3, 4, 6, 7 and 9 give for each head, and how a page names them.
MEASURES = {
    "cv_accuracy": "cross-validation accuracy",
    "cv_std": "its standard deviation over the folds",
    "test_loss": "test loss",
    "test_accuracy": "test accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}

#: Which of the paper's tables holds the results of a data set and architecture, and which its
#: accuracies fold by fold.
RESULT_TABLES = {
    ("mnist", "ffnn"): 3,
    ("mnist", "cnn"): 4,
    ("fashion_mnist", "ffnn"): 6,
    ("fashion_mnist", "cnn"): 7,
    ("wdbc", "ffnn"): 9,
}
FOLD_TABLES = {"mnist": 5, "fashion_mnist": 8}

#: The heads that the paper compares; and how a page writes all that there are.
HEADS = ("softmax", "relu")
HEAD_TITLES = {
    "softmax": "Softmax",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "softplus": "softplus",
    "squared_relu": "squared ReLU",
    "elu_plus_one": "ELU + 1",
    "relu_softmax": "softmax over ReLU",
    "sparsemax": "sparsemax",
}

#: The networks that are trained on images.
IMAGE_NETWORKS = tuple(network for network in RESULT_TABLES if network[0] != "wdbc")


def title(dataset: str, architecture: str, head: str = "") -> str:
    """Name a network as pages do: ``MNIST CNN-ReLU``; without a head ``MNIST CNN``."""
    name = f"{TITLES[dataset]} {architecture.upper()}"
    return f"{name}-{HEAD_TITLES[head]}" if head else name


class PaperError(LookupError):
    """A table, figure or claim that the paper does not have; or ``paper.yml`` is not there."""


@dataclass(frozen=True)
class Matrix:
    """A published confusion matrix.

    Attributes
    ----------
    figure : int
        The paper's figure.
    dataset, architecture, head : str
    counts : ndarray of int, shape (k, k)
        Rows are true classes, columns predictions.
    """

    figure: int
    dataset: str
    architecture: str
    head: str
    counts: np.ndarray


@functools.cache
def contents() -> dict[str, Any]:
    """The whole of ``book/paper.yml``."""
    if not paths.PAPER.is_file():
        raise PaperError(paths.NO_CHECKOUT)
    return yaml.load(paths.PAPER.read_text(encoding="utf-8"), Loader=_SafeLoader)


def table(number: int) -> dict[str, Any]:
    """One of the paper's nine tables."""
    return _entry("tables", number)


def layers(number: int) -> list[tuple[str, tuple[int, ...], int]]:
    """Name, output shape and parameter count of every layer in Table 1 or 2."""
    return [(name, tuple(shape), parameters) for name, shape, parameters in table(number)["layers"]]


def result(dataset: str, architecture: str, head: str) -> dict[str, float]:
    """Read the paper's :data:`MEASURES` of a network (Tables 3, 4, 6, 7, 9), as notebooks print."""
    return table(RESULT_TABLES[dataset, architecture])[head]


def fold_accuracy(dataset: str, architecture: str, head: str) -> np.ndarray:
    """Read the accuracy on the ten folds in order: float64, shape (10,).

    From Tables 5 and 8; of the other networks from the author's notebooks.
    """
    if (architecture, head) == ("cnn", "relu"):
        return np.array(table(FOLD_TABLES[dataset])["fold_accuracy"])
    return np.array(_entry("notebook_folds", f"{dataset}-{architecture}-{head}"))


def fold_loss(dataset: str) -> np.ndarray:
    """Loss of the CNN-ReLU on the ten folds in order (Tables 5 and 8): float64, shape (10,)."""
    return np.array(table(FOLD_TABLES[dataset])["fold_loss"])


def notebook_loss(dataset: str, architecture: str, head: str) -> np.ndarray:
    """Read the loss on the ten folds in order, as the author's notebook prints it.

    float64, shape (10,)
    """
    return np.array(_entry("notebook_fold_losses", f"{dataset}-{architecture}-{head}"))


def matrix(number: int) -> Matrix:
    """The confusion matrix of one of Figures 2 to 11."""
    entry = _entry("figures", number)
    return Matrix(
        number, entry["dataset"], entry["architecture"], entry["head"], np.array(entry["matrix"])
    )


def matrix_of(dataset: str, architecture: str, head: str) -> Matrix:
    """The confusion matrix of a network."""
    network = {"dataset": dataset, "architecture": architecture, "head": head}
    return matrix(
        next(
            number
            for number, entry in contents()["figures"].items()
            if network.items() <= entry.items()
        )
    )


def claims() -> dict[str, dict[str, str]]:
    """Read the section and the wording of every claim, by identifier."""
    return contents()["claims"]


def future_work() -> dict[str, dict[str, str]]:
    """Read the section and the wording of every proposal for future work, by identifier."""
    return contents()["future_work"]


def _entry(kind: str, number: int | str) -> Any:
    try:
        return contents()[kind][number]
    except KeyError:
        name = kind.replace("_", " ").removesuffix("s")
        raise PaperError(
            f"the paper has no {name} {number}; it has {', '.join(map(str, contents()[kind]))}."
        ) from None
