"""What is minimised: Keras's cross-entropy of normalised outputs, with and without a guard against 0/0."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reluclf import Spec, networks
from reluclf.losses import guarded, softmax_cross_entropy, sparsemax_loss, verbatim

pytestmark = pytest.mark.usefixtures("keras")

#: What it costs to give the true class nothing: -log(1e-7).
DEAD = 16.11809565095832


@pytest.fixture(params=["eager", "graph"])
def mode(request, keras):
    """A loss as it is when it is called, and as it is inside a compiled training step."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are checked with TensorFlow's tape")
    import tensorflow as tf

    def evaluate(loss, targets, outputs):
        """The loss of every row, and the gradient of their sum with respect to the outputs."""

        def both(outputs):
            with tf.GradientTape() as tape:
                tape.watch(outputs)
                losses = loss(tf.constant(targets), outputs)
            return losses, tape.gradient(losses, outputs)

        return [
            t.numpy()
            for t in (tf.function(both) if request.param == "graph" else both)(tf.constant(outputs))
        ]

    return evaluate


def one_hot(classes, k):
    return np.eye(k)[classes]


def test_a_row_costs_minus_the_logarithm_of_the_true_classs_share(mode):
    losses, _ = mode(
        guarded,
        one_hot([0, 1, 2], 3),
        np.array([[1.0, 2.0, 5.0], [0.3, 0.3, 0.0], [0.0, 6.0, 2.0]]),
    )
    np.testing.assert_allclose(losses, [np.log(8), np.log(2), np.log(4)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_of_zeros_costs_what_the_clip_leaves_and_passes_no_gradient(mode, dtype):
    losses, gradient = mode(guarded, one_hot([1], 3).astype(dtype), np.zeros((1, 3), dtype))
    np.testing.assert_allclose(losses, DEAD, rtol=1e-6)
    assert np.array_equal(gradient, np.zeros((1, 3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_whose_true_class_is_zero_costs_the_same_and_passes_no_gradient_either(mode, dtype):
    losses, gradient = mode(
        guarded, one_hot([1], 3).astype(dtype), np.array([[0.5, 0.0, 2.0]], dtype)
    )
    np.testing.assert_allclose(losses, DEAD, rtol=1e-6)
    assert np.array_equal(gradient, np.zeros((1, 3)))


def test_a_row_whose_true_class_has_it_all_is_clipped_just_below_1(mode):
    losses, gradient = mode(guarded, one_hot([1], 3), np.array([[0.0, 4.0, 0.0]]))
    np.testing.assert_allclose(losses, -np.log(1 - 1e-7))
    assert np.array_equal(gradient, np.zeros((1, 3)))


def gradient_of(keras, targets, outputs):
    """The gradient of the guarded loss with respect to the outputs, on TensorFlow or JAX."""
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: guarded(targets, x).sum())(jax.numpy.array(outputs)))
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are computed with TensorFlow or JAX")
    import tensorflow as tf

    x = tf.constant(outputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        losses = guarded(targets, x)
    return tape.gradient(losses, x).numpy()


@pytest.mark.parametrize("exponent", [-20, -65, -80, -120])
def test_the_scale_of_a_row_cancels_however_small_it_is(keras, exponent):
    targets, outputs = np.array([[1, 0, 0]], np.float32), np.array([[1, 2, 3]], np.float32)
    scale = np.float32(2.0**exponent)
    expected = gradient_of(keras, targets, outputs)
    assert np.array_equal(guarded(targets, outputs), guarded(targets, outputs * scale))
    np.testing.assert_allclose(
        gradient_of(keras, targets, outputs * scale) * scale, expected, rtol=1e-6
    )


def test_rows_of_zeros_do_not_touch_the_other_rows_of_their_batch(mode):
    outputs = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 5.0], [0.0, 0.0, 0.0]], np.float32)
    targets = one_hot([0, 2, 2], 3).astype(np.float32)
    losses, gradient = mode(guarded, targets, outputs)
    loss, alone = mode(guarded, targets[1:2], outputs[1:2])
    np.testing.assert_allclose(losses[1], loss[0], rtol=1e-6)
    np.testing.assert_allclose(gradient[1], alone[0], rtol=1e-6)
    assert np.array_equal(gradient[[0, 2]], np.zeros((2, 3)))


@pytest.mark.parametrize("tiny", [1e-30, 1e-37, 1e-39, 1e-45])
def test_outputs_too_small_to_be_divided_by_give_no_nan(mode, tiny):
    losses, gradient = mode(
        guarded,
        one_hot([0, 1], 3).astype(np.float32),
        np.array([[tiny, 0, 0], [tiny, tiny, 0]], np.float32),
    )
    assert np.isfinite(losses).all()
    assert not np.isnan(gradient).any()


# The gradient

RNG = np.random.default_rng(4)
POSITIVE = RNG.uniform(0.05, 3, (40, 5))
CLASSES = RNG.integers(0, 5, 40)


def test_the_gradient_is_1_over_the_sum_less_1_over_the_output_in_the_true_class(mode):
    _, gradient = mode(guarded, one_hot(CLASSES, 5), POSITIVE)
    expected = np.repeat(1 / POSITIVE.sum(axis=1, keepdims=True), 5, axis=1)
    expected[np.arange(40), CLASSES] -= 1 / POSITIVE[np.arange(40), CLASSES]
    np.testing.assert_allclose(gradient, expected, rtol=1e-9)


def central_differences(loss, targets, outputs, step=1e-8):
    """The slope of each row's loss in each output; the rows are independent, so all are nudged at once."""
    slopes = np.empty_like(outputs)
    for j in range(outputs.shape[1]):
        nudge = np.zeros_like(outputs)
        nudge[:, j] = step
        slopes[:, j] = (
            np.asarray(loss(targets, outputs + nudge)) - np.asarray(loss(targets, outputs - nudge))
        ) / (2 * step)
    return slopes


def test_the_gradient_agrees_with_numerical_differences_also_where_classes_are_dead(mode):
    outputs = POSITIVE.copy()
    outputs[:10][np.arange(10), CLASSES[:10]] = 0  # the true class
    outputs[10:20][np.arange(10), (CLASSES[10:20] + 1) % 5] = 0  # another one
    targets = one_hot(CLASSES, 5)
    _, gradient = mode(guarded, targets, outputs)
    np.testing.assert_allclose(
        gradient, central_differences(guarded, targets, outputs), rtol=1e-5, atol=1e-6
    )
    assert np.array_equal(gradient[:10], np.zeros((10, 5)))
    assert (gradient[10:] != 0).all()


# The author's loss

ROWS = arrays(
    np.float32,
    (6, 4),
    elements=st.floats(0, 1000, width=32).map(lambda value: value if value > 1e-3 else 0.0),
)


@settings(max_examples=50)
@given(outputs=ROWS, classes=arrays(np.int64, 6, elements=st.integers(0, 3)))
def test_the_guarded_loss_is_kerass_own_wherever_a_row_is_not_all_zeros(keras, outputs, classes):
    targets = one_hot(classes, 4).astype(np.float32)
    alive = outputs.sum(axis=1) > 0
    ours, kerass = (np.asarray(loss(targets, outputs)) for loss in (guarded, verbatim))
    assert np.array_equal(
        kerass, keras.losses.categorical_crossentropy(targets, outputs), equal_nan=True
    )
    np.testing.assert_allclose(ours[alive], kerass[alive], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours[~alive], DEAD, rtol=1e-6)


def test_the_guarded_losss_gradient_is_kerass_own_where_a_row_is_not_all_zeros(mode):
    targets, outputs = one_hot(CLASSES, 5), POSITIVE.copy()
    outputs[:10][np.arange(10), CLASSES[:10]] = 0
    for ours, kerass in zip(
        mode(guarded, targets, outputs), mode(verbatim, targets, outputs), strict=True
    ):
        np.testing.assert_allclose(ours, kerass, rtol=1e-9)


def test_the_authors_loss_of_a_row_of_zeros_is_nan_and_so_is_its_gradient(mode):
    losses, gradient = mode(
        verbatim, one_hot([1, 1], 3), np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 5.0]])
    )
    assert np.isnan(losses).tolist() == [True, False]
    assert np.isnan(gradient).all(axis=1).tolist() == [True, False]


@pytest.mark.parametrize("loss, dies", [("verbatim", True), ("guarded", False)])
def test_a_row_of_zeros_makes_every_weight_nan_with_the_authors_loss_and_none_with_ours(loss, dies):
    x, targets = np.zeros((2, 30), np.float32), one_hot([0, 1], 2).astype(np.float32)
    x[1] = 1
    model = networks.build(
        Spec(dataset="wdbc", architecture="ffnn", head="relu", protocol="fresh", seed=1, loss=loss),
        1,
    )
    model.layers[-1].set_weights([np.ones((32, 2), np.float32), np.zeros(2, np.float32)])
    assert model.predict_on_batch(x).all(axis=1).tolist() == [False, True]
    model.train_on_batch(x, targets)
    assert np.isnan(model.layers[-1].get_weights()[0]).all() == dies
    model.train_on_batch(
        x, targets
    )  # the first batch spares the weights of the units that its dropout drops
    assert all(np.isnan(weights).all() for weights in model.get_weights()) == dies
    assert all(np.isfinite(weights).all() for weights in model.get_weights()) != dies


# The softmax head


def cross_entropy(logits, classes):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(classes)), classes]


def test_after_a_softmax_head_it_is_the_cross_entropy_of_the_logits_as_far_as_the_clip(keras):
    logits = np.random.default_rng(6).normal(0, 3, (200, 10)).astype(np.float32)
    classes = np.random.default_rng(7).integers(0, 10, 200)
    expected = cross_entropy(logits.astype(np.float64), classes)
    assert expected.max() < DEAD
    losses = guarded(one_hot(classes, 10).astype(np.float32), keras.ops.softmax(logits))
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss, cost", [("guarded", DEAD), ("verbatim", 100)])
def test_beyond_the_clip_ours_is_flat_and_kerass_goes_on_with_the_logits(loss, cost):
    model = networks.build(
        Spec(
            dataset="wdbc", architecture="ffnn", head="softmax", protocol="fresh", seed=1, loss=loss
        ),
        1,
    )
    model.layers[-1].set_weights([np.zeros((32, 2), np.float32), np.array([0, 100], np.float32)])
    mean_loss, _ = model.test_on_batch(
        np.ones((2, 30), np.float32), one_hot([0, 0], 2).astype(np.float32)
    )
    assert mean_loss == pytest.approx(cost, rel=1e-6)


def test_both_losses_train_a_softmax_head_alike_as_long_as_nothing_is_clipped():
    x = np.random.default_rng(8).normal(size=(64, 30)).astype(np.float32)
    targets = one_hot(np.arange(64) % 2, 2).astype(np.float32)

    def trained(loss):
        model = networks.build(
            Spec(
                dataset="wdbc",
                architecture="ffnn",
                head="softmax",
                protocol="fresh",
                seed=1,
                loss=loss,
            ),
            1,
        )
        losses = [model.train_on_batch(x, targets)[0] for _ in range(3)]
        return losses, model.get_weights()

    ours, kerass = trained("guarded"), trained("verbatim")
    np.testing.assert_allclose(ours[0], kerass[0], rtol=1e-4)
    for a, b in zip(ours[1], kerass[1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


@pytest.mark.parametrize("loss", [guarded, softmax_cross_entropy, sparsemax_loss])
@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_class_numbers_are_refused_which_would_be_broadcast(loss, shape):
    numbers = np.array([0.0, 2.0], np.float32).reshape(shape)
    with pytest.raises(ValueError, match=r"are not one-hot for outputs of shape .* makes them so"):
        loss(numbers, np.ones((2, 3), np.float32))
