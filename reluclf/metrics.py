"""What follows from predictions: the confusion matrix, and the paper's scores (section 2.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

#: A class is lost if less than this share of its samples is classified correctly.
LOST = 0.5


def loses_a_class(confusion_matrix: Sequence[Sequence[int]]) -> bool:
    """Say whether a class has less than half of its samples classified correctly.

    The matrix has a row for each true class.

    Examples
    --------
    >>> loses_a_class([[9, 1], [6, 4]])
    True
    """
    return any(row[i] < LOST * sum(row) for i, row in enumerate(confusion_matrix))


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, n_classes: int) -> np.ndarray:
    """Count pairs of true and predicted class: int64, shape (n_classes, n_classes).

    Examples
    --------
    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    return np.bincount(labels * n_classes + predictions, minlength=n_classes**2).reshape(
        n_classes, n_classes
    )


def scores(matrix: np.ndarray) -> dict[str, float]:
    """Compute accuracy and the support-weighted precision, recall and F1 (paper, section 2.5).

    Parameters
    ----------
    matrix : ndarray of int, shape (k, k)
        Rows are true classes, columns predictions.

    Returns
    -------
    dict of str to float
        ``accuracy``, ``precision``, ``recall``, ``f1``; 0/0 counts as 0, as in scikit-learn.

    Examples
    --------
    >>> {name: round(value, 4) for name, value in scores([[8, 2], [1, 9]]).items()}
    {'accuracy': 0.85, 'precision': 0.8535, 'recall': 0.85, 'f1': 0.8496}
    """
    matrix = np.asarray(matrix, dtype=float)
    hits, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
    recall = np.divide(hits, support, out=np.zeros_like(hits), where=support > 0)
    f1 = np.divide(
        2 * hits, support + predicted, out=np.zeros_like(hits), where=support + predicted > 0
    )
    weights = support / support.sum()
    return {
        "accuracy": float(hits.sum() / support.sum()),
        "precision": float(weights @ precision),
        "recall": float(weights @ recall),
        "f1": float(weights @ f1),
    }


def shortest(values: Any) -> Any:
    """Write float32 numbers with the fewest digits that still name the same float32.

    Examples
    --------
    >>> float(np.float32(0.1)), shortest(np.float32(0.1))
    (0.10000000149011612, 0.1)
    """
    if np.ndim(values):
        return [shortest(value) for value in values]
    return float(str(np.float32(values)))


def from_digits(text: str) -> np.ndarray:
    """Read class numbers from a string of digits: int64, shape (len(text),).

    Examples
    --------
    >>> from_digits("0170").tolist()
    [0, 1, 7, 0]
    """
    return np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - ord("0")


def to_digits(classes: np.ndarray) -> str:
    """Write class numbers, each below 10, as a string of digits."""
    return (np.asarray(classes, dtype=np.uint8) + ord("0")).tobytes().decode("ascii")
