"""The derivations of the method chapter, checked against the code that is trained with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reluclf import models
from reluclf.specs import SpecError

_K = 10  # classes


def analytic_gradient(logits: np.ndarray, true_class: int) -> np.ndarray:
    """The gradient of the guarded loss with respect to the logits of a ReLU head, by the formula of the method chapter.

    Parameters
    ----------
    logits : ndarray of float64, shape (k,)
    true_class : int

    Returns
    -------
    ndarray of float64, shape (k,)
        ``1/S - [k = y]/r_y`` where the output is positive and p_y within the clip's bounds; 0 elsewhere.
    """
    outputs = np.maximum(logits, 0)
    total = outputs.sum()
    share = outputs[true_class] / total if total > 0 else 0.0
    if not models.EPSILON < share < 1 - models.EPSILON:
        return np.zeros_like(outputs)
    gradient = np.where(outputs > 0, 1 / total, 0.0)
    gradient[true_class] -= 1 / outputs[true_class]
    return gradient


def gradients(rows: int, seed: int) -> pd.DataFrame:
    """Compare the formula with automatic and numerical differentiation, on random and on special rows, in float64.

    Parameters
    ----------
    rows : int
        Random rows, at most 100.
    seed : int
        Of the random rows.

    Returns
    -------
    DataFrame of str
        A row for each kind of logits.

    Raises
    ------
    SpecError
        If there are more rows than a table should have.
    """
    if rows > 100:
        raise SpecError(f"rows={rows} is not allowed; 100 at the most are.")
    rng = np.random.default_rng(seed)
    cases = {f"random, no. {i + 1}": np.concatenate([rng.uniform(0.1, 2, 1), rng.normal(size=_K - 1)]) for i in range(rows)}
    tiny = np.concatenate([[1e-4], rng.uniform(0.1, 2, _K - 1)])
    cases["true class nearly 0"] = tiny
    cases["true class 0, others not"] = np.concatenate([[-1.0], rng.uniform(0.1, 2, _K - 1)])
    cases["only the true class positive"] = np.concatenate([[1.0], -rng.uniform(0.1, 2, _K - 1)])
    cases["all outputs 0"] = -rng.uniform(0.1, 2, _K)
    table = []
    for name, logits in cases.items():
        formula = analytic_gradient(logits, 0)
        loss, automatic = _automatic(logits)
        table.append(
            {
                "logits": name,
                "loss": f"{loss:.3f}",
                "largest gradient": f"{np.abs(formula).max():.3g}",
                "automatic − formula": f"{np.abs(automatic - formula).max():.1e}",
                "numerical − formula": f"{np.abs(_numerical(logits) - formula).max():.1e}",
            }
        )
    return pd.DataFrame(table)


def zero_rows() -> pd.DataFrame:
    """What each loss makes of a row whose outputs are all zero: loss and gradient, eagerly and as a graph, as a data frame of text."""
    import tensorflow as tf

    outputs, targets = tf.zeros((1, _K)), tf.one_hot([0], _K)
    table = []
    for name, loss in (("guarded", models.guarded), ("verbatim", models.verbatim)):

        def differentiate(loss=loss):
            with tf.GradientTape() as tape:
                tape.watch(outputs)
                value = loss(targets, outputs)
            return value, tape.gradient(value, outputs)

        for mode, run in (("eager", differentiate), ("graph", tf.function(differentiate, jit_compile=False))):
            value, gradient = (np.asarray(tensor) for tensor in run())
            table.append(
                {
                    "loss": name,
                    "run": mode,
                    "value": f"{value[0]:.3f}",
                    "gradient": "NaN" if np.isnan(gradient).any() else f"{np.abs(gradient).max():.0f}",
                }
            )
    return pd.DataFrame(table)


def _loss_of_logits(logits):
    from keras import ops

    targets = np.eye(_K)[[0]]
    return models.guarded(ops.convert_to_tensor(targets, dtype="float64"), ops.relu(logits))


def _automatic(logits: np.ndarray) -> tuple[float, np.ndarray]:
    import tensorflow as tf

    variable = tf.Variable(logits[None], dtype=tf.float64)
    with tf.GradientTape() as tape:
        loss = _loss_of_logits(variable)
    return float(loss[0]), np.asarray(tape.gradient(loss, variable))[0]


def _numerical(logits: np.ndarray) -> np.ndarray:
    """Central differences; the step is small against the smallest output, so that the kinks at 0 are not crossed."""
    step = 1e-7
    steps = step * np.eye(len(logits))
    return np.array([(float(_loss(logits + s)) - float(_loss(logits - s))) / (2 * step) for s in steps])


def _loss(logits: np.ndarray) -> float:
    from keras import ops

    return ops.convert_to_numpy(_loss_of_logits(ops.convert_to_tensor(logits[None], dtype="float64")))[0]
