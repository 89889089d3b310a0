"""Batch by batch in the first epochs: how large the gradient is, and how long the step that the optimiser takes of it.

A gradient that explodes for one batch is between the ends of two epochs, where :mod:`reluclf.probes` looks, and gone when it looks. What it leaves
behind is Adam's second moment, by which later steps are divided.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from reluclf import data, formats, networks, paths, protocols
from reluclf.campaign import runtime
from reluclf.files import write_atomically
from reluclf.judging import interventions, paper
from reluclf.judging.interventions import Remedy
from reluclf.judging.judgement import listed
from reluclf.showing import figures
from reluclf.spec import Spec, first

#: Epochs that are looked at, and seeds.
EPOCHS, SEEDS = 3, 3

#: The networks that are compared: both heads, and the two interventions that are about large gradients.
WAYS = (
    interventions.SOFTMAX,
    interventions.AS_IT_IS,
    *(remedy for remedy in (*interventions.REMEDIES, *interventions.COMPARISONS) if {"clipnorm", "beta_2"} & set(remedy.setting)),
)

#: The batches of one point of the figure, a fifth of an epoch.
_BLOCK = 43

_LINES = ((figures.COLOURS["softmax"], "--"), (figures.COLOURS["relu"], "-"), (figures.COLOURS["carried"], "-."), (figures.COLOURS["fresh"], ":"))


class Steps(BaseModel):
    """What was measured of one network.

    Attributes
    ----------
    spec : Spec
        The run whose first epochs these are; the batches and updates are those of its training.
    gradient : tuple of float
        For each batch the largest norm of the gradient of any weight matrix or bias vector, which is what clipping looks at, before it is clipped.
    step : tuple of float
        For each batch the norm of the change that it made to all the weights.
    test : tuple of float
        The test accuracy after each epoch.
    device : str
    versions : dict of str to str
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: Spec
    gradient: tuple[float, ...]
    step: tuple[float, ...]
    test: tuple[float, ...]
    device: str
    versions: dict[str, str]


def specs() -> list[Spec]:
    """What is measured: the CNN on both image sets, each of :data:`WAYS`, a few seeds."""
    return [spec(way, dataset, seed) for dataset in paper.FOLD_TABLES for way in WAYS for seed in first(SEEDS)]


def spec(way: Remedy, dataset: str, seed: int) -> Spec:
    """The run of a CNN, trained once on the whole training set, in one of :data:`WAYS`."""
    return Spec(dataset=dataset, architecture="cnn", head=way.head, protocol="fresh", folds=0, seed=seed, **way.setting)


def measure(spec: Spec, epochs: int = EPOCHS) -> Steps:
    """Train the first epochs of a run without folds, and look at every batch.

    Raises
    ------
    BackendError
        If Keras's backend is not TensorFlow, whose gradients are looked at.
    """
    if runtime.backend() != "tensorflow":
        raise runtime.BackendError(f"make steps looks at TensorFlow's gradients; unset KERAS_BACKEND, which is {runtime.backend()}.")
    whole = data.prepared(spec)
    x, targets = whole.x_train, protocols.one_hot(whole.y_train, whole.n_classes)
    model = networks.build(spec, protocols.seed_of(spec, protocols.WHOLE))
    train = _watched(spec, model)
    gradient, step, test = [], [], []
    for epoch in range(epochs):
        order = protocols.batch_order(spec, protocols.WHOLE, epoch, len(x))
        for start in range(0, len(x), spec.batch_size):
            rows = order[start : start + spec.batch_size]
            of_gradient, of_step = train(x[rows], targets[rows])
            gradient.append(_rounded(of_gradient))
            step.append(_rounded(of_step))
        test.append(_rounded(protocols.score(spec, protocols.predict(model, whole.x_test), whole.y_test)[1]))
    return Steps(spec=spec, gradient=gradient, step=step, test=test, device=runtime.device("tensorflow"), versions=runtime.versions("tensorflow"))


def _watched(spec: Spec, model: Any) -> Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]:
    """The update of ``train_on_batch``, bit for bit, which tells the norms of its gradient and of what it changes."""
    import tensorflow as tf

    weights, loss = model.trainable_variables, networks.loss_function(spec)
    arguments = [tf.TensorSpec(shape, tf.float32) for shape in (model.input_shape, model.output_shape)]

    @tf.function(input_signature=arguments)
    def train(x: Any, targets: Any) -> tuple[Any, Any]:
        before = [tf.identity(weight.value) for weight in weights]
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(loss(targets, model(x, training=True)))
        gradients = tape.gradient(mean, weights)
        model.optimizer.apply(gradients, weights)
        changes = [weight.value - value for weight, value in zip(weights, before, strict=True)]
        return tf.reduce_max([tf.norm(gradient) for gradient in gradients]), tf.linalg.global_norm(changes)

    return train


def _rounded(value: Any) -> float:
    return float(f"{float(value):.4g}")


def read() -> list[Steps]:
    """What was measured, from :data:`reluclf.paths.STEPS`; nothing if there is no such file."""
    if not paths.STEPS.is_file():
        return []
    return [Steps.model_validate_json(line) for line in paths.STEPS.read_text(encoding="utf-8").splitlines()]


def measure_missing(say: Callable[[str], None]) -> None:
    """Measure what :data:`reluclf.paths.STEPS` lacks; what is done is written at once."""
    for wanted in specs():
        found = {steps.spec: steps for steps in read()}
        if wanted not in found:
            say(str(wanted))
            found[wanted] = measure(wanted)
            lines = [json.dumps(json.loads(found[spec].model_dump_json(exclude_defaults=True))) for spec in specs() if spec in found]
            write_atomically(paths.STEPS, ("\n".join(lines) + "\n").encode())


def of_way(measured: Sequence[Steps], dataset: str, way: Remedy) -> list[Steps]:
    """Those of the measurements that are of this network, by seed."""
    wanted = [spec(way, dataset, seed) for seed in first(SEEDS)]
    return [steps for steps in measured if steps.spec in wanted]


def figure(measured: Sequence[Steps]) -> Figure:
    """The largest gradient, and the median step, of every fifth of an epoch; the median over the seeds of each."""
    drawn, panels = plt.subplots(2, 2, figsize=(figures.WIDTH, 4.4), sharex=True, sharey="row")
    for column, dataset in zip(panels.T, paper.FOLD_TABLES, strict=True):
        for way, (colour, line) in zip(WAYS, _LINES, strict=True):
            runs = of_way(measured, dataset, way)
            for axes, name, of_block in zip(column, ("gradient", "step"), (np.max, np.median), strict=True):
                if runs:
                    blocks = [_blocks(getattr(run, name), of_block) for run in runs]
                    x = (np.arange(len(blocks[0])) + 1) * _BLOCK
                    axes.plot(x, np.median(blocks, axis=0), line, color=colour, label=f"{way.title} (n = {len(runs)})")
                axes.set_yscale("log")
        column[0].set_title(f"{data.TITLES[dataset]} CNN", fontsize=9)
        column[1].set_xlabel("batch")
    panels[0, 0].set_ylabel("largest gradient norm")
    panels[1, 0].set_ylabel("median norm of the step")
    if measured:
        drawn.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8)
    return drawn


def _blocks(values: Sequence[float], of_block: Callable[..., Any]) -> list[float]:
    whole = len(values) // _BLOCK
    return [float(of_block(values[i * _BLOCK : (i + 1) * _BLOCK])) for i in range(whole)]


def told(measured: Sequence[Steps]) -> dict[str, str]:
    """What the measurements say, to be glued, as ``steps_<data set>_<way>_<what>``.

    ``largest`` is the largest gradient norm of any batch, seed by seed; ``step`` the median norm of a step over all batches and seeds, ``first`` that
    of the first epoch alone; ``test`` the test accuracy after the last epoch, seed by seed.
    """
    found = {}
    for dataset, way in product(paper.FOLD_TABLES, WAYS):
        runs = of_way(measured, dataset, way)
        name = f"steps_{dataset}_{way.name}"
        if runs:
            found[f"{name}_largest"] = listed([f"{max(run.gradient):,.{0 if max(run.gradient) > 100 else 1}f}" for run in runs])
            found[f"{name}_step"] = f"{np.median([run.step for run in runs]):.3f}"
            found[f"{name}_first"] = f"{np.median([first_epoch(run) for run in runs]):.3f}"
            found[f"{name}_test"] = listed([f"{100 * run.test[-1]:.1f}" for run in runs]) + "\u00a0%"
        else:
            found |= {f"{name}_{what}": formats.NOT_MEASURED for what in ("largest", "step", "first", "test")}
    return found


def first_epoch(run: Steps) -> tuple[float, ...]:
    """The norms of the steps of the first epoch."""
    return run.step[: len(run.step) // len(run.test)]
