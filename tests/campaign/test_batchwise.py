"""The first epochs batch by batch: they are those of the run itself, and what is told of a batch is so."""

import numpy as np
import pytest

from reluclf import Spec, paths, protocols
from reluclf.campaign import batchwise, runtime
from reluclf.judging.paper import FOLD_TABLES
from reluclf.showing import traces

FEW = {
    "dataset": "mnist",
    "architecture": "ffnn",
    "head": "relu",
    "protocol": "fresh",
    "folds": 0,
    "seed": 3,
    "batch_size": 64,
}


def test_the_updates_are_those_of_the_run_bit_for_bit(keras, few_images):
    spec = Spec(**FEW, epochs=3, learning_rate=1e-5)
    ran = protocols.run(spec).final.test.accuracy
    measured = batchwise.measure(spec, epochs=3)
    assert measured.test == pytest.approx(ran, abs=1e-4) and len(set(ran)) == 3
    assert len(measured.gradient) == len(measured.step) == 3 * -(-400 // 64)


@pytest.fixture
def plain_descent(keras, monkeypatch):
    """Puts plain gradient descent in the place of Adam."""

    def optimizer(beta_2, clipnorm, learning_rate=0.01):
        return keras.optimizers.SGD(learning_rate, clipnorm=clipnorm)

    monkeypatch.setattr(keras.optimizers, "Adam", optimizer)


def test_with_plain_gradient_descent_a_step_is_the_gradient_times_the_learning_rate(
    plain_descent, few_images
):
    rate = 0.25
    measured = batchwise.measure(Spec(**FEW, learning_rate=rate), epochs=1)
    # The step is of all weights together, the gradient that of the matrix or vector, of eight, which has the largest.
    ratio = np.array(measured.step) / (rate * np.array(measured.gradient))
    assert (ratio > 0.99).all() and (ratio < np.sqrt(8)).all()


def test_the_gradient_is_that_before_clipping(plain_descent, few_images):
    plain, clipped = (
        batchwise.measure(Spec(**FEW, clipnorm=norm), epochs=1) for norm in (None, 1e-3)
    )
    assert clipped.gradient[0] == plain.gradient[0] > 1e-2
    assert clipped.step[0] < plain.step[0] / 10


def test_what_is_measured_is_kept_one_by_one_and_not_measured_again(monkeypatch, tmp_path):
    asked = []

    def measure(spec):
        asked.append(spec)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return batchwise.Steps(
            spec=spec, gradient=(1.0,), step=(0.1,), test=(0.5,), device="none", versions={}
        )

    monkeypatch.setattr(paths, "STEPS", tmp_path / "steps.jsonl")
    monkeypatch.setattr(batchwise, "measure", measure)
    assert batchwise.read() == []
    with pytest.raises(KeyboardInterrupt):
        batchwise.measure_missing(lambda what: None)
    assert [found.spec for found in batchwise.read()] == batchwise.specs()[:2]
    batchwise.measure_missing(lambda what: None)
    assert len(asked) == len(batchwise.specs()) + 1
    assert [found.spec for found in batchwise.read()] == batchwise.specs()


def test_two_processes_keep_what_each_measures_and_what_overflowed(monkeypatch, tmp_path):
    def steps(spec, gradient=1.0):
        return batchwise.Steps(
            spec=spec, gradient=(gradient,), step=(0.1,), test=(0.5,), device="none", versions={}
        )

    ours, theirs = batchwise.specs()[:2]

    def measure(spec):
        line = steps(theirs, float("inf")).model_dump_json(exclude_defaults=True)
        paths.STEPS.write_text(line + "\n", encoding="utf-8")
        return steps(spec)

    monkeypatch.setattr(paths, "STEPS", tmp_path / "steps.jsonl")
    monkeypatch.setattr(batchwise, "measure", measure)
    monkeypatch.setattr(batchwise, "specs", lambda: [ours, theirs])
    batchwise.measure_missing(lambda what: None)
    assert batchwise.read() == [steps(ours), steps(theirs, float("inf"))]


def test_the_committed_measurements_are_of_both_heads_and_both_interventions():
    changes = [{name: way[name] for name in way if name != "head"} for way in batchwise.WAYS]
    assert changes == [traces.PLAIN, traces.PLAIN, traces.CLIPPED, {"beta_2": 0.9}]
    measured = batchwise.read()
    assert [steps.spec for steps in measured] == [
        spec for spec in batchwise.specs() if spec in {steps.spec for steps in measured}
    ]
    shown = [
        steps
        for dataset in FOLD_TABLES
        for way, change in zip(batchwise.WAYS, changes, strict=True)
        for steps in traces.of_network(measured, dataset, way["head"], change).values()
    ]
    assert shown == measured


def test_only_tensorflows_gradients_are_looked_at(monkeypatch):
    monkeypatch.setattr(runtime, "backend", lambda: "jax")
    with pytest.raises(runtime.BackendError, match="unset KERAS_BACKEND, which is jax"):
        batchwise.measure(batchwise.specs()[0])
