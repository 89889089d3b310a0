"""What goes on inside a network while it trains: gradients, dead outputs and dead hidden units, on a fixed set of rows.

The measurements answer the paper's first proposal for future work (section 4): to inspect the gradients, and to compare those of the two
heads. They need TensorFlow; on another backend a run has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reluclf import networks
from reluclf.record import shortest
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
        ``norm_head``, ``norm_first``: Euclidean norm of the mean loss's gradient with respect to the weights of the output layer, and of the first
        layer that has any. ``cosine``: between the gradients of the ReLU head's and the softmax head's loss with respect to all
        weights, at the same weights and rows (NaN where one of them is zero). ``no_gradient``: share of the rows whose loss has a gradient of exactly
        zero with respect to all logits. ``dead_units``: share of the outputs that are zero on every row. ``dead_true``: share of the rows whose
        true class's output is zero. ``dead_hidden``: share of the hidden units that are zero on every row; a filter of a convolution is one unit, and
        zero if it is so everywhere. None if the backend is not TensorFlow.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    head = model.get_layer("head")
    weights = model.trainable_variables
    features = keras.Model(model.inputs[0], head.input)
    rectified = [layer.output for layer in model.layers if layer.weights and layer is not head]

    def differentiate(spec: Spec) -> tuple[Any, Any, Any]:
        with tf.GradientTape() as tape:
            logits = tf.linalg.matmul(features(x, training=False), head.kernel) + head.bias
            outputs = networks.activation(spec)(logits)
            loss = tf.reduce_mean(networks.loss_function(spec)(targets, outputs))
        *gradients, of_logits = tape.gradient(loss, [*(weight.value for weight in weights), logits])
        return gradients, of_logits, outputs

    gradients, of_logits, outputs = differentiate(spec)
    of_heads = [
        differentiate(spec.model_copy(update={"head": head}))[0] for head in ("softmax", "relu")
    ]
    flat = [
        np.concatenate([np.asarray(g, np.float64).ravel() for g in of_head]) for of_head in of_heads
    ]
    norms = [float(np.linalg.norm(gradient)) for gradient in flat]
    dead = np.asarray(outputs) == 0
    hidden = [
        np.asarray(layer).reshape(-1, layer.shape[-1])
        for layer in keras.Model(model.inputs[0], rectified)(x, training=False)
    ]
    values = {
        "norm_head": _norm(gradients[-2:]),
        "norm_first": _norm(gradients[:2]),
        "cosine": float(flat[0] @ flat[1] / np.prod(norms)) if all(norms) else float("nan"),
        "no_gradient": float(np.mean(np.all(np.asarray(of_logits) == 0, axis=1))),
        "dead_units": float(np.mean(dead.all(axis=0))),
        "dead_true": float(np.mean(dead[targets.astype(bool)])),
        "dead_hidden": float(
            np.mean(np.concatenate([(layer == 0).all(axis=0) for layer in hidden]))
        ),
    }
    return {name: shortest(values[name]) for name in NAMES}


def _norm(gradients: list[Any]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(np.asarray(g, np.float64))) for g in gradients)))
