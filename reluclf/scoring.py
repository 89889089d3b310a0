"""How a model is scored: its outputs, dropout off, their mean loss and their accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np

from reluclf import heads, networks
from reluclf.data import Rows
from reluclf.epochs import EVALUATION_BATCH
from reluclf.metrics import shortest
from reluclf.spec import Spec


class Evaluator:
    """Scores a model on the same rows, as often as it is called, dropout off.

    A call returns the outputs, float32 of shape (n, k), their mean loss, in nats, and their
    accuracy.
    """

    def __init__(self, spec: Spec, model: Any, rows: Rows) -> None:
        self._spec = spec
        self._model = model
        self._x, self._y = rows
        self._on_device: tuple[Any, Any] | None = None
        if hasattr(model, "evaluate_rows"):
            from keras import ops

            targets = one_hot(self._y, networks.N_CLASSES[spec.dataset])
            self._on_device = ops.convert_to_tensor(self._x), ops.convert_to_tensor(targets)

    def __call__(self) -> tuple[np.ndarray, float, float]:
        if self._on_device is None:
            outputs = predict(self._model, self._x)
            return outputs, *score(self._spec, outputs, self._y)
        outputs, losses = map(np.asarray, self._model.evaluate_rows(*self._on_device))
        return outputs, *mean_score(outputs, losses, self._y)


def predict(model: Any, x: np.ndarray) -> np.ndarray:
    """Return the outputs of a model, dropout off: float32, shape (len(x), k)."""
    starts = range(0, len(x), EVALUATION_BATCH)
    return np.concatenate(
        [model.predict_on_batch(x[start : start + EVALUATION_BATCH]) for start in starts]
    )


def score(spec: Spec, outputs: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return mean loss, in nats, and accuracy.

    Parameters
    ----------
    spec : Spec
    outputs : ndarray of float32, shape (n, k)
    y : ndarray of int64, shape (n,)
        True classes.
    """
    from keras import ops

    targets = ops.convert_to_tensor(one_hot(y, outputs.shape[1]))
    # PyTorch multiplies no array by a tensor.
    losses = heads.loss_function(spec)(targets, ops.convert_to_tensor(outputs))
    return mean_score(outputs, ops.convert_to_numpy(losses), y)


def mean_score(outputs: np.ndarray, losses: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the same for outputs whose losses, float32 of shape (n,), are known."""
    return shortest(losses.mean(dtype=np.float64)), float(np.mean(outputs.argmax(axis=1) == y))


def one_hot(y: np.ndarray, n_classes: int) -> np.ndarray:
    """Return class numbers of shape (n,) as float32 of shape (n, n_classes).

    Examples
    --------
    >>> one_hot(np.array([1, 0]), 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    return np.eye(n_classes, dtype=np.float32)[y]
