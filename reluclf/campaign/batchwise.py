"""The first epochs batch by batch: how large the gradient is, and the step made of it.

A gradient that explodes for one batch is between the ends of two epochs, where
:mod:`reluclf.probes` looks, and gone when it looks. What it leaves behind is Adam's second moment,
by which later steps are divided.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from reluclf import data, fitting, heads, networks, paths, protocols, scoring
from reluclf.campaign import runtime
from reluclf.files import write_atomically
from reluclf.grids import first
from reluclf.spec import Spec

#: Epochs that are looked at, and seeds.
EPOCHS, SEEDS = 3, 3

#: What is compared: both heads, and the two interventions that are about large gradients.
WAYS: tuple[dict[str, Any], ...] = (
    {"head": "softmax"},
    {"head": "relu"},
    {"head": "relu", "clipnorm": 1.0},
    {"head": "relu", "beta_2": 0.9},
)


class Steps(BaseModel):
    """What was measured of one network.

    Attributes
    ----------
    spec : Spec
        The run whose first epochs these are; the batches and updates are those of its training.
    gradient : tuple of float
        For each batch the largest norm of the gradient of any weight matrix or bias vector, which
        is what clipping looks at, before it is clipped.
    step : tuple of float
        For each batch the norm of the change that it made to all the weights.
    test : tuple of float
        The test accuracy after each epoch.
    device : str
    versions : dict of str to str
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    spec: Spec
    gradient: tuple[float, ...]
    step: tuple[float, ...]
    test: tuple[float, ...]
    device: str
    versions: dict[str, str]


def specs() -> list[Spec]:
    """List what is measured: the CNN on both image sets, each of :data:`WAYS`, a few seeds."""
    once: dict[str, Any] = {"architecture": "cnn", "protocol": "fresh", "folds": 0}
    listed = []
    for dataset in ("mnist", "fashion_mnist"):
        for way in WAYS:
            listed += [Spec(dataset=dataset, seed=seed, **once, **way) for seed in first(SEEDS)]
    return listed


def measure(spec: Spec, epochs: int = EPOCHS) -> Steps:
    """Train the first epochs of a run without folds, and look at every batch.

    Raises
    ------
    BackendError
        If Keras's backend is not TensorFlow, whose gradients are looked at.
    """
    if runtime.backend() != "tensorflow":
        raise runtime.BackendError(
            "make steps looks at TensorFlow's gradients; "
            f"unset KERAS_BACKEND, which is {runtime.backend()}."
        )
    whole = data.prepared(spec)
    x, targets = whole.x_train, scoring.one_hot(whole.y_train, whole.n_classes)
    model = networks.build(spec, protocols.seed_of(spec, protocols.WHOLE))
    train = _watched(spec, model)
    gradient, step, test = [], [], []
    for epoch in range(epochs):
        order = fitting.batch_order(spec, protocols.WHOLE, epoch, len(x))
        for start in range(0, len(x), spec.batch_size):
            rows = order[start : start + spec.batch_size]
            of_gradient, of_step = train(x[rows], targets[rows])
            gradient.append(_rounded(of_gradient))
            step.append(_rounded(of_step))
        test.append(
            _rounded(scoring.score(spec, scoring.predict(model, whole.x_test), whole.y_test)[1])
        )
    return Steps(
        spec=spec,
        gradient=gradient,
        step=step,
        test=test,
        device=runtime.device("tensorflow"),
        versions=runtime.versions("tensorflow"),
    )


def _watched(spec: Spec, model: Any) -> Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]:
    """Make the update of ``train_on_batch``, bit for bit, which returns both norms."""
    import tensorflow as tf

    weights, loss = model.trainable_variables, heads.loss_function(spec)
    arguments = [
        tf.TensorSpec(shape, tf.float32) for shape in (model.input_shape, model.output_shape)
    ]

    @tf.function(input_signature=arguments)
    def train(x: Any, targets: Any) -> tuple[Any, Any]:
        before = [tf.identity(weight.value) for weight in weights]
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(loss(targets, model(x, training=True)))
        gradients = tape.gradient(mean, weights)
        model.optimizer.apply(gradients, weights)
        changes = [weight.value - value for weight, value in zip(weights, before, strict=True)]
        return tf.reduce_max([tf.norm(gradient) for gradient in gradients]), tf.linalg.global_norm(
            changes
        )

    return train


def _rounded(value: Any) -> float:
    return float(f"{float(value):.4g}")


def read() -> list[Steps]:
    """Read what was measured; nothing if there is no :data:`reluclf.paths.STEPS`."""
    if not paths.STEPS.is_file():
        return []
    return [
        Steps.model_validate_json(line)
        for line in paths.STEPS.read_text(encoding="utf-8").splitlines()
    ]


def measure_missing(say: Callable[[str], None]) -> None:
    """Measure what :data:`reluclf.paths.STEPS` lacks; what is done is written at once."""
    for wanted in specs():
        if wanted not in [steps.spec for steps in read()]:
            say(str(wanted))
            steps = measure(wanted)
            # Read after it, which took minutes: another process may have written meanwhile.
            found = {one.spec: one for one in (*read(), steps)}
            lines = [
                json.dumps(json.loads(found[spec].model_dump_json(exclude_defaults=True)))
                for spec in specs()
                if spec in found
            ]
            write_atomically(paths.STEPS, ("\n".join(lines) + "\n").encode())
