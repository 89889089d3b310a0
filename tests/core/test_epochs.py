"""Whole epochs in one call of JAX: the updates of train_on_batch, bit for bit, compiled once."""

import numpy as np
import pytest

from reluclf import Spec, epochs, fitting, networks, scoring

pytestmark = pytest.mark.usefixtures("jax")

WDBC = Spec(dataset="wdbc", architecture="ffnn", head="relu", protocol="carried", seed=1)
MNIST = Spec(dataset="mnist", architecture="ffnn", head="softmax", protocol="fresh", seed=1)


def rows(spec, n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, networks.N_FEATURES[spec.dataset])).astype(np.float32)
    n_classes = networks.N_CLASSES[spec.dataset]
    return x, scoring.one_hot(rng.integers(0, n_classes, n), n_classes)


def same(one, other):
    return len(one) == len(other) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True)
    )


def batch_by_batch(model, x, targets, order, size):
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    return np.array([model.train_on_batch(x[batch], targets[batch]) for batch in batches])


@pytest.mark.parametrize(
    ("spec", "n"),
    [(WDBC, 2 * 256), (WDBC, 256 + 102), (WDBC, 40), (MNIST, 4 * 256 + 7)],
    ids=["whole batches", "a smaller last batch", "less than a batch", "images"],
)
def test_an_epoch_in_one_call_is_that_of_one_batch_a_call_bit_for_bit(spec, n):
    x, targets = rows(spec, n)
    one, other = networks.build(spec, 3), networks.build(spec, 3)
    for epoch in range(2):
        order = np.random.default_rng(epoch).permutation(n)
        means = np.asarray(one.train_on_batches(x, targets, order, 256))
        assert np.array_equal(means, batch_by_batch(other, x, targets, order, 256))
        assert same(fitting.variables(one), fitting.variables(other))
    assert len({tuple(mean) for mean in means}) == len(means)


def test_a_loss_that_is_not_a_number_is_so_in_one_call_as_well():
    spec = Spec(**WDBC.model_dump() | {"loss": "verbatim"})
    x, targets = (
        np.zeros((300, 30), np.float32),
        rows(spec, 300)[1],
    )  # no input, no bias: 0/0 in every row
    model = networks.build(spec, 3)
    assert np.isnan(np.asarray(model.train_on_batches(x, targets, np.arange(300), 256))[:, 0]).all()


@pytest.mark.parametrize("n", [40, epochs.EVALUATION_BATCH, 2 * epochs.EVALUATION_BATCH + 1])
def test_outputs_in_one_call_are_those_of_predicting_in_pieces(n):
    x, targets = rows(MNIST, n)
    model = networks.build(MNIST, 3)
    outputs, losses = map(np.asarray, model.evaluate_rows(x, targets))
    assert np.array_equal(outputs, scoring.predict(model, x))
    loss, accuracy = scoring.score(MNIST, outputs, targets.argmax(axis=1))
    assert scoring.mean_score(outputs, losses, targets.argmax(axis=1)) == (
        pytest.approx(loss, rel=1e-6),
        accuracy,
    )


def test_a_network_is_compiled_once_for_all_its_runs(monkeypatch):
    x, targets = rows(WDBC, 300)
    traced = []
    original = epochs.Program.train

    def train(program, *arguments):
        traced.append(program)
        return original(program, *arguments)

    monkeypatch.setattr(epochs, "_programs", {})
    monkeypatch.setattr(epochs.Program, "train", train)
    specs = [
        Spec(**WDBC.model_dump() | change)
        for change in ({}, {"seed": 2}, {"protocol": "fresh"}, {"epochs": 3}, {"head": "softmax"})
    ]
    learnt = []
    for spec in specs:
        model = networks.build(spec, spec.seed)
        model.train_on_batches(x, targets, np.arange(300), 256)
        learnt.append(fitting.variables(model))
    assert len(traced) == len(set(traced)) == 2  # one for each head
    assert same(learnt[0], learnt[2]) and not same(
        learnt[0], learnt[1]
    )  # each with its own variables


def test_networks_that_have_not_been_used_for_long_are_forgotten(monkeypatch):
    monkeypatch.setattr(epochs, "_programs", {})
    monkeypatch.setattr(epochs, "_KEPT", 2)
    model = networks.build(WDBC, 1)
    monkeypatch.setattr(epochs, "_programs", {})
    one, two = (epochs.program(name, model, None) for name in "ab")
    assert epochs.program("a", model, None) is one
    epochs.program("c", model, None)
    assert epochs.program("a", model, None) is one and epochs.program("b", model, None) is not two


def test_on_a_processor_a_cnn_is_trained_a_batch_a_call():
    spec = Spec(dataset="mnist", architecture="cnn", head="relu", protocol="carried", seed=1)
    in_one_call = hasattr(networks.build(spec, 1), "train_on_batches")
    assert in_one_call == epochs.on_accelerator()
