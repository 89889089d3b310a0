"""What the probes say of a network whose state is known."""

import math

import numpy as np
import pytest

from reluclf import Spec, networks, probes, scoring

pytestmark = pytest.mark.usefixtures("keras")

RNG = np.random.default_rng(5)
ROWS = RNG.normal(size=(40, 30)).astype(np.float32)
CLASSES = np.arange(40) % 2
CLASSES[:10] = 0
TARGETS = scoring.one_hot(CLASSES, 2)


def network(head="relu"):
    spec = Spec(dataset="wdbc", architecture="ffnn", head=head, protocol="fresh", seed=1)
    return spec, networks.build(spec, seed=1)


def change(layer, **columns):
    """Set columns of a layer's kernel to zero, and their biases."""
    kernel, bias = layer.get_weights()
    for column, value in columns.items():
        kernel[:, int(column[1:])], bias[int(column[1:])] = 0, value
    layer.set_weights([kernel, bias])


def revive(model):
    """Make every hidden unit positive on every row."""
    for layer in model.layers:
        if layer.weights and layer.name != "head":
            kernel, bias = layer.get_weights()
            layer.set_weights([np.abs(kernel) / 30, np.full(bias.shape, 9.0)])


def test_hidden_units_that_are_zero_on_every_row_are_counted_and_no_others():
    spec, model = network()
    dense = [layer for layer in model.layers if layer.weights]
    revive(model)
    assert probes.measure(spec, model, ROWS, TARGETS)["dead_hidden"] == 0
    change(dense[0], **{f"_{i}": -1.0 for i in range(20)})
    change(dense[1], _0=-1.0, _1=1.0)  # the second is the same on every row, but not dead
    assert probes.measure(spec, model, ROWS, TARGETS)["dead_hidden"] == pytest.approx(
        21 / (128 + 64 + 32)
    )


def test_a_filter_is_one_hidden_unit_of_a_cnn():
    spec = Spec(dataset="mnist", architecture="cnn", head="relu", protocol="fresh", seed=1)
    model = networks.build(spec, seed=1)
    images, targets = (
        RNG.normal(size=(20, 256)).astype(np.float32),
        scoring.one_hot(np.arange(20) % 10, 10),
    )
    revive(model)
    assert probes.measure(spec, model, images, targets)["dead_hidden"] == 0
    first = next(layer for layer in model.layers if layer.weights)
    kernel, bias = first.get_weights()
    kernel[..., :4], bias[:4] = 0, -1
    first.set_weights([kernel, bias])
    assert probes.measure(spec, model, images, targets)["dead_hidden"] == pytest.approx(
        4 / (32 + 32 + 64 + 64 + 256)
    )


def test_an_output_that_is_never_positive_is_dead_and_its_rows_pass_no_gradient():
    spec, model = network()
    change(model.get_layer("head"), _0=-1.0, _1=1.0)
    found = probes.measure(spec, model, ROWS, TARGETS)
    assert found["dead_units"] == 0.5
    assert found["dead_true"] == pytest.approx(np.mean(CLASSES == 0))
    assert found["no_gradient"] == 1  # the rows of the other class are right, and clipped
    assert found["norm_head"] == 0 and math.isnan(found["cosine"])


def test_the_softmax_heads_gradient_norm_is_that_of_the_formula():
    spec, model = network("softmax")
    head = model.get_layer("head")
    inner = ROWS
    for layer in model.layers:
        if layer.weights and layer is not head:
            kernel, bias = layer.get_weights()
            inner = np.maximum(inner @ kernel + bias, 0)
    kernel, bias = head.get_weights()
    z = np.exp(inner @ kernel + bias)
    of_logits = (z / z.sum(axis=1, keepdims=True) - TARGETS) / len(ROWS)
    expected = math.sqrt(np.sum((inner.T @ of_logits) ** 2) + np.sum(of_logits.sum(axis=0) ** 2))
    assert probes.measure(spec, model, ROWS, TARGETS)["norm_head"] == pytest.approx(
        expected, rel=1e-4
    )
