"""The heads beyond the paper's two, and what else a spec may change about how a network ends and is trained."""

import numpy as np
import pytest

from reluclf import Spec, heads, networks

pytestmark = pytest.mark.usefixtures("keras")

RNG = np.random.default_rng(11)
LOGITS = RNG.normal(0, 1.5, (60, 5))
CLASSES = RNG.integers(0, 5, 60)
TARGETS = np.eye(5)[CLASSES]

every_head = pytest.mark.parametrize("head", list(heads.HEADS))


def spec(**fields):
    return Spec(
        **{
            "dataset": "wdbc",
            "architecture": "ffnn",
            "head": "relu",
            "protocol": "fresh",
            "seed": 1,
        }
        | fields
    )


def losses(head, logits, **fields):
    outputs = heads.activation(spec(head=head, **fields))(logits)
    return np.asarray(heads.loss_function(spec(head=head, **fields))(TARGETS, outputs))


def gradient(head, logits):
    import tensorflow as tf

    z = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(z)
        outputs = heads.activation(spec(head=head))(z)
        loss = heads.loss_function(spec(head=head))(tf.constant(TARGETS), outputs)
    return tape.gradient(loss, z).numpy()


def sparsemax(z):
    """The point of the probability simplex that is nearest to z, by bisection of its threshold."""
    low, high = z.max(axis=1, keepdims=True) - 1, z.max(axis=1, keepdims=True)
    for _ in range(60):
        middle = (low + high) / 2
        too_low = np.maximum(z - middle, 0).sum(axis=1, keepdims=True) > 1
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return np.maximum(z - low, 0)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


#: What each head makes of logits, said once more in numpy.
FORMULAS = {
    "softmax": softmax,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "squared_relu": lambda z: np.maximum(z, 0) ** 2,
    "elu_plus_one": lambda z: np.where(z > 0, z + 1, np.exp(z)),
    "relu_softmax": lambda z: np.maximum(z, 0),
    "sparsemax": lambda z: z,
}


def test_every_head_that_a_spec_may_name_is_there():
    assert set(heads.HEADS) == set(FORMULAS)
    for head in heads.HEADS:
        assert spec(head=head).head == head


@every_head
def test_a_head_is_what_its_formula_says(keras, head):
    np.testing.assert_allclose(
        heads.activation(spec(head=head))(keras.ops.convert_to_tensor(LOGITS)),
        FORMULAS[head](LOGITS),
        rtol=1e-6,
        atol=1e-12,
    )


@every_head
def test_the_gradient_of_a_heads_loss_agrees_with_numerical_differences(keras, head):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are checked with TensorFlow's tape")
    # Within 1e-6 of a kink or a clip a difference means nothing; no logit here is that near to one.
    numerical = np.empty_like(LOGITS)
    for j in range(5):
        nudge = 1e-7 * np.eye(5)[j]
        numerical[:, j] = (losses(head, LOGITS + nudge) - losses(head, LOGITS - nudge)) / 2e-7
    np.testing.assert_allclose(gradient(head, LOGITS), numerical, rtol=1e-5, atol=1e-6)


def test_the_sparsemax_losss_gradient_is_the_sparsemax_less_the_target(keras):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are checked with TensorFlow's tape")
    p = sparsemax(LOGITS)
    assert (p == 0).any(axis=1).sum() > 30  # it is sparse here, so that is tested, too
    np.testing.assert_allclose(gradient("sparsemax", LOGITS), p - TARGETS, atol=1e-9)


def test_the_sparsemax_loss_is_zero_once_the_true_logit_leads_by_one_and_positive_before():
    z = LOGITS.copy()
    z[np.arange(60), CLASSES] = -np.inf
    z[np.arange(60), CLASSES] = z.max(axis=1) + np.where(np.arange(60) < 30, 1.0, 0.9)
    np.testing.assert_allclose(losses("sparsemax", z)[:30], 0, atol=1e-12)
    assert (losses("sparsemax", z)[30:] > 1e-3).all()


def test_relu_softmax_is_the_cross_entropy_of_the_softmax_of_the_relu():
    expected = -np.log(softmax(np.maximum(LOGITS, 0))[np.arange(60), CLASSES])
    np.testing.assert_allclose(losses("relu_softmax", LOGITS), expected)


@pytest.mark.parametrize("head", ["leaky_relu", "elu_plus_one", "sparsemax"])
def test_a_head_trains_and_its_losses_stay_finite(head):
    model = networks.build(spec(head=head), 1)
    x = RNG.normal(size=(64, 30)).astype(np.float32)
    before = model.get_weights()
    loss, _ = model.train_on_batch(x, np.eye(2, dtype=np.float32)[np.arange(64) % 2])
    assert np.isfinite(loss)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    assert not np.array_equal(model.get_weights()[0], before[0])


def test_a_floor_is_added_to_what_the_head_puts_out(keras):
    outputs = heads.activation(spec(floor=0.1))(keras.ops.convert_to_tensor(LOGITS))
    np.testing.assert_allclose(outputs, np.maximum(LOGITS, 0) + 0.1)
    assert losses("relu", -np.ones((60, 5)), floor=0.1) == pytest.approx(
        np.full(60, np.log(5))
    )  # all shares alike, none of them clipped


@pytest.mark.parametrize("network", [{}, {"dataset": "mnist", "architecture": "cnn"}])
def test_leaky_hidden_units_let_a_hundredth_of_what_is_negative_through_and_change_nothing_else(
    network,
):
    plain, leaky = (
        networks.build(spec(hidden=hidden, **network), 1) for hidden in ("relu", "leaky_relu")
    )
    assert all(
        np.array_equal(a, b) for a, b in zip(plain.get_weights(), leaky.get_weights(), strict=True)
    )
    x = RNG.normal(size=(5, *plain.input_shape[1:])).astype(np.float32)
    found = 0
    for one, other in zip(plain.layers, leaky.layers, strict=True):
        if one.weights:
            before = RNG.normal(size=(5, *one.input.shape[1:])).astype(np.float32)
            positive, both = np.asarray(one(before)), np.asarray(other(before))
            if one.name == "head":
                assert np.array_equal(positive, both)
            else:
                assert (
                    np.array_equal(positive[both > 0], both[both > 0])
                    and (positive[both < 0] == 0).all()
                    and (both < 0).any()
                )
                found += 1
    assert found == (5 if network else 3)
    assert not np.array_equal(plain.predict_on_batch(x), leaky.predict_on_batch(x))


def test_a_bias_is_where_the_output_layer_starts_and_no_other():
    weights = networks.build(spec(bias=-0.25), 1).get_weights()
    assert np.array_equal(weights[-1], np.full(2, -0.25, np.float32))
    assert not any(bias.any() for bias in weights[1:-1:2])


def test_adam_has_kerass_defaults_but_for_what_the_spec_says(keras):
    default = keras.optimizers.Adam().get_config()
    plain = networks.build(spec(), 1).optimizer.get_config()
    changed = networks.build(spec(learning_rate=0.5, clipnorm=2.0), 1).optimizer.get_config()
    assert plain | {"name": ""} == default | {"name": ""}
    assert changed | {"name": ""} == default | {"name": "", "learning_rate": 0.5, "clipnorm": 2.0}


def test_beta_2_is_how_slowly_adams_second_moment_forgets():
    default, forgetful = (
        networks.build(spec(**fields), 1).optimizer.get_config() for fields in ({}, {"beta_2": 0.9})
    )
    assert (
        forgetful | {"name": ""} == default | {"name": "", "beta_2": 0.9}
        and default["beta_2"] == 0.999
    )
