"""What goes on inside a network while it trains: gradients, dead outputs, dead hidden units.

The measurements, on a fixed set of rows, answer the paper's first proposal for future work (section
4): to inspect the gradients, and to compare those of the two heads. They need TensorFlow; on
another backend a run has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reluclf import networks
from reluclf.metrics import shortest
from reluclf.spec import Spec

#: How many training rows are looked at, the first ones, with dropout off.
ROWS = 1_000

#: What is measured after every epoch, in the order of :func:`measure`.
NAMES = (
    "norm_head",
    "norm_first",
    "cosine",
    "no_gradient",
    "dead_units",
    "dead_true",
    "dead_hidden",
)


def measure(spec: Spec, model: Any, x: np.ndarray, targets: np.ndarray) -> dict[str, float] | None:
    """Look into a model.

    Parameters
    ----------
    spec : Spec
    model : keras.Model
        Built from the spec.
    x : ndarray of float32, shape (n, d)
    targets : ndarray of float32, shape (n, k)
        One-hot true classes.

    Returns
    -------
    dict of str to float, or None
        ``norm_head``, ``norm_first``: Euclidean norm of the mean loss's gradient with respect to
        the weights of the output layer, and of the first layer that has any. ``cosine``: between
        the gradients of the ReLU head's and the softmax head's loss with respect to all weights, at
        the same weights and rows (NaN where one of them is zero). ``no_gradient``: share of the
        rows whose loss has a gradient of exactly zero with respect to all logits. ``dead_units``:
        share of the outputs that are zero on every row. ``dead_true``: share of the rows whose true
        class's output is zero. ``dead_hidden``: share of the hidden units that are zero on every
        row; a filter of a convolution is one unit, and zero if it is so everywhere. None if the
        backend is not TensorFlow.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return None
    gradients, of_logits, outputs = _differentiate(spec, model, x, targets)
    dead = outputs == 0
    values = {
        "norm_head": _norm(gradients[-2:]),
        "norm_first": _norm(gradients[:2]),
        "cosine": _cosine(spec, model, x, targets),
        "no_gradient": np.mean(np.all(of_logits == 0, axis=1)),
        "dead_units": np.mean(dead.all(axis=0)),
        "dead_true": np.mean(dead[targets.astype(bool)]),
        "dead_hidden": np.mean(_dead_hidden(model, x)),
    }
    return {name: shortest(values[name]) for name in NAMES}


def _differentiate(
    spec: Spec, model: Any, x: np.ndarray, targets: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return the loss's gradients by each weight and by the logits, and the outputs."""
    import keras
    import tensorflow as tf

    head = model.get_layer("head")
    weights = [weight.value for weight in model.trainable_variables]
    features = keras.Model(model.inputs[0], head.input)
    with tf.GradientTape() as tape:
        logits = tf.linalg.matmul(features(x, training=False), head.kernel) + head.bias
        outputs = networks.activation(spec)(logits)
        loss = tf.reduce_mean(networks.loss_function(spec)(targets, outputs))
    *gradients, of_logits = tape.gradient(loss, [*weights, logits])
    return [np.asarray(part) for part in gradients], np.asarray(of_logits), np.asarray(outputs)


def _cosine(spec: Spec, model: Any, x: np.ndarray, targets: np.ndarray) -> float:
    """Compare the directions in which the two heads would change the same weights."""
    flat = []
    for head in ("softmax", "relu"):
        gradients, *_ = _differentiate(spec.model_copy(update={"head": head}), model, x, targets)
        flat.append(np.concatenate([part.astype(np.float64).ravel() for part in gradients]))
    norms = [float(np.linalg.norm(gradient)) for gradient in flat]
    return float(flat[0] @ flat[1] / np.prod(norms)) if all(norms) else float("nan")


def _dead_hidden(model: Any, x: np.ndarray) -> np.ndarray:
    """Say of each hidden unit whether it is zero on every row: bool, shape (units,)."""
    import keras

    layers = [layer for layer in model.layers if layer.weights and layer.name != "head"]
    hidden = keras.Model(model.inputs[0], [layer.output for layer in layers])(x, training=False)
    units = [np.asarray(layer).reshape(-1, layer.shape[-1]) for layer in hidden]
    return np.concatenate([(layer == 0).all(axis=0) for layer in units])


def _norm(gradients: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(part.astype(np.float64))) for part in gradients)))
