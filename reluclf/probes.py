"""What goes on inside a network while it trains: gradients, dead outputs, dead hidden units.

The measurements, on a fixed set of rows, answer the paper's first proposal for future work (section
4): to inspect the gradients, and to compare those of the two heads. They need TensorFlow or JAX; on
PyTorch a run has none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from reluclf import heads, networks
from reluclf.metrics import shortest
from reluclf.spec import Spec

#: How many training rows are looked at, the first ones, with dropout off.
ROWS = 1_000

#: What is measured after every epoch, in the order of :func:`values`.
NAMES = (
    "norm_head",
    "norm_first",
    "cosine",
    "no_gradient",
    "dead_units",
    "dead_true",
    "dead_hidden",
)

#: Programs of JAX that are kept.
_KEPT = 16


class Seen(NamedTuple):
    """What a framework sees in a model, on n rows.

    Attributes
    ----------
    gradients : sequence of array
        Of the mean loss, by each weight matrix and bias.
    of_logits, outputs : array of float32, shape (n, k)
        The gradient of the mean loss by the logits; the outputs.
    softmax, relu : sequence of array
        As ``gradients``, of the loss that either head has at the same weights.
    dead_hidden : array of bool, shape (units,)
        Whether a hidden unit is zero on every row.
    """

    gradients: Sequence[Any]
    of_logits: Any
    outputs: Any
    softmax: Sequence[Any]
    relu: Sequence[Any]
    dead_hidden: Any


def measure(spec: Spec, model: Any, x: np.ndarray, targets: np.ndarray) -> dict[str, float] | None:
    """Look into a model; return :func:`values`, or None if the backend is PyTorch.

    Parameters
    ----------
    spec : Spec
    model : keras.Model
        Built from the spec.
    x : ndarray of float32, shape (n, d)
    targets : ndarray of float32, shape (n, k)
        One-hot true classes.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        return values(_seen_by_tensorflow(spec, model, x, targets), targets)
    if keras.backend.backend() == "jax":
        weights = [variable.value for variable in model.trainable_variables]
        generators = [variable.value for variable in model.non_trainable_variables]
        return values(alone(networks.network(spec))(weights, generators, x, targets), targets)
    return None


def values(seen: Seen, targets: np.ndarray) -> dict[str, float]:
    """Tell what is to be known of what was seen.

    Parameters
    ----------
    seen : Seen
    targets : ndarray of float32, shape (n, k)

    Returns
    -------
    dict of str to float
        ``norm_head``, ``norm_first``: Euclidean norm of the mean loss's gradient with respect to
        the weights of the output layer, and of the first layer that has any. ``cosine``: between
        the gradients of the ReLU head's and the softmax head's loss with respect to all weights, at
        the same weights and rows (NaN where one of them is zero). ``no_gradient``: share of the
        rows whose loss has a gradient of exactly zero with respect to all logits. ``dead_units``:
        share of the outputs that are zero on every row (of ``sparsemax``, whose loss makes shares
        of them, the logits). ``dead_true``: share of the rows whose true
        class's output is zero. ``dead_hidden``: share of the hidden units that are zero on every
        row; a filter of a convolution is one unit, and zero if it is so everywhere.
    """
    gradients = [np.asarray(part) for part in seen.gradients]
    dead = np.asarray(seen.outputs) == 0
    found = {
        "norm_head": _norm(gradients[-2:]),
        "norm_first": _norm(gradients[:2]),
        "cosine": _cosine(seen.softmax, seen.relu),
        "no_gradient": np.mean(np.all(np.asarray(seen.of_logits) == 0, axis=1)),
        "dead_units": np.mean(dead.all(axis=0)),
        "dead_true": np.mean(dead[targets.astype(bool)]),
        "dead_hidden": np.mean(np.asarray(seen.dead_hidden)),
    }
    return {name: shortest(found[name]) for name in NAMES}


def _norm(gradients: Sequence[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(part.astype(np.float64))) for part in gradients)))


def _cosine(*heads: Sequence[Any]) -> float:
    """Compare the directions in which the two heads would change the same weights."""
    flat = [
        np.concatenate([np.asarray(part).astype(np.float64).ravel() for part in gradients])
        for gradients in heads
    ]
    norms = [float(np.linalg.norm(gradient)) for gradient in flat]
    return float(flat[0] @ flat[1] / np.prod(norms)) if all(norms) else float("nan")


def _as(spec: Spec, head: str) -> Spec:
    return spec.model_copy(update={"head": head})


def _hidden(model: Any) -> list[Any]:
    """List what the hidden layers put out, those that have weights."""
    layers = [layer for layer in model.layers if layer.weights and layer.name != "head"]
    return [layer.output for layer in layers]


def _seen_by_tensorflow(spec: Spec, model: Any, x: np.ndarray, targets: np.ndarray) -> Seen:
    import keras

    differentiate = functools.partial(_differentiate, model=model, x=x, targets=targets)
    hidden = keras.Model(model.inputs[0], _hidden(model))(x, training=False)
    units = [np.asarray(layer).reshape(-1, layer.shape[-1]) for layer in hidden]
    return Seen(
        *differentiate(spec),
        softmax=differentiate(_as(spec, "softmax"))[0],
        relu=differentiate(_as(spec, "relu"))[0],
        dead_hidden=np.concatenate([(layer == 0).all(axis=0) for layer in units]),
    )


def _differentiate(
    spec: Spec, model: Any, x: np.ndarray, targets: np.ndarray
) -> tuple[list[Any], Any, Any]:
    """Return the loss's gradients by each weight and by the logits, and the outputs."""
    import keras
    import tensorflow as tf

    head = model.get_layer("head")
    weights = [weight.value for weight in model.trainable_variables]
    features = keras.Model(model.inputs[0], head.input)
    with tf.GradientTape() as tape:
        logits = tf.linalg.matmul(features(x, training=False), head.kernel) + head.bias
        outputs = heads.activation(spec)(logits)
        loss = tf.reduce_mean(heads.loss_function(spec)(targets, outputs))
    *gradients, of_logits = tape.gradient(loss, [*weights, logits])
    return gradients, of_logits, outputs


@functools.lru_cache(maxsize=_KEPT)
def alone(network: Spec) -> Callable[..., Seen]:
    """Compile :func:`_look` for a network, which is what its specs have in common."""
    import jax

    return jax.jit(_look(network))


@functools.lru_cache(maxsize=_KEPT)
def together(network: Spec, shared: bool) -> Callable[..., Seen]:
    """Compile the same for several models at once: all have one more axis, the first.

    Rows and targets have it unless the models share them.
    """
    import jax

    axis = None if shared else 0
    return jax.jit(jax.vmap(_look(network), (0, 0, axis, axis)))


def _look(network: Spec) -> Callable[..., Seen]:
    """Make the function that looks into a model on JAX, given weights, generators and rows."""
    import jax
    import jax.numpy as jnp
    import keras

    model = networks.build(network, seed=0)  # lends its layers; its weights are not looked at
    inner = keras.Model(model.inputs[0], [*_hidden(model), model.get_layer("head").input])

    def look(weights: list[Any], generators: list[Any], x: Any, targets: Any) -> Seen:
        def of(weights: list[Any], shift: Any, head: str) -> tuple[Any, Any]:
            """The mean loss, and the outputs; the shift is there to differentiate by the logits."""
            spec = _as(network, head)
            *_, last = inner.stateless_call(weights[:-2], generators, x, training=False)[0]
            outputs = heads.activation(spec)(last @ weights[-2] + weights[-1] + shift)
            return jnp.mean(heads.loss_function(spec)(targets, outputs)), outputs

        differentiate = jax.grad(of, argnums=(0, 1), has_aux=True)
        none = jnp.zeros(targets.shape, jnp.float32)
        (gradients, of_logits), outputs = differentiate(weights, none, network.head)
        *hidden, _ = inner.stateless_call(weights[:-2], generators, x, training=False)[0]
        units = [layer.reshape(-1, layer.shape[-1]) for layer in hidden]
        return Seen(
            gradients,
            of_logits,
            outputs,
            softmax=differentiate(weights, none, "softmax")[0][0],
            relu=differentiate(weights, none, "relu")[0][0],
            dead_hidden=jnp.concatenate([(layer == 0).all(axis=0) for layer in units]),
        )

    return look
