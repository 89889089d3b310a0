"""The losses; this book is about one, the cross-entropy of outputs divided by their sum.

The author's networks end in ReLUs and are trained with Keras's ``categorical_crossentropy``, which
takes probabilities. It makes them of the ReLUs' outputs by dividing each row by its sum:
:func:`guarded` is that, written out. What the book finds follows from this one line. The outputs'
scale cancels, an output of zero passes no gradient, and a row of zeros is 0/0, which Keras leaves
undefined (:func:`verbatim`). The other two losses belong to heads that the paper does not have.

Each takes one-hot targets and outputs, tensors of shape (n, k) of any of Keras's backends. Keras is
imported when a loss is called.
"""

from __future__ import annotations

from typing import Any

#: Keras clips probabilities to [EPSILON, 1 - EPSILON] before it takes the logarithm, in 2018 as
#: today.
EPSILON = 1e-7


def guarded(targets: Any, outputs: Any) -> Any:
    """Compute the cross-entropy of normalised outputs, with 0/0 defined as 0.

    This is what the author's code minimised: the outputs of a row are divided by their sum, clipped
    to [1e-7, 1 - 1e-7], and the loss is minus the logarithm at the true class (Keras 2.1.2,
    ``categorical_crossentropy``). A row of zeros, for which that is 0/0, here stays a row of zeros:
    it costs -log(1e-7) = 16.118 and passes no gradient.

    Parameters
    ----------
    targets : tensor of float32, shape (n, k)
        One-hot true classes.
    outputs : tensor of float32, shape (n, k)
        What the head puts out. If outputs can be negative, as a leaky ReLU's, so can the share of
        the true class; it is then clipped as a zero is.

    Returns
    -------
    tensor of float32, shape (n,)
        The loss of each row, in nats.

    Examples
    --------
    The true class has half of the first row's sum, and a row of zeros costs -log(1e-7):

    >>> import numpy as np
    >>> targets, outputs = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[3.0, 3.0], [0.0, 0.0]])
    >>> [round(float(loss), 3) for loss in guarded(targets, outputs)]
    [0.693, 16.118]
    """
    from keras import ops

    _refuse_class_numbers(targets, outputs)
    total = ops.sum(outputs, axis=-1, keepdims=True)
    # JAX's derivative of a quotient squares the divisor, and the square of a sum this small, as a
    # softplus's can be, is 0 in float32. Multiplying by a power of two changes no share.
    one = ops.ones_like(total)
    lift = ops.where(ops.abs(total) < 2.0**-60, 2.0**60 * one, one)
    outputs, total = outputs * lift, total * lift
    empty = total == 0
    # Dividing by 1 where the sum is 0, and only then choosing 0, keeps the NaN out of the gradient
    # as well as out of the value.
    share = ops.where(empty, ops.zeros_like(outputs), outputs / ops.where(empty, one, total))
    return -ops.sum(targets * ops.log(ops.clip(share, EPSILON, 1 - EPSILON)), axis=-1)


def _refuse_class_numbers(targets: Any, outputs: Any) -> None:
    """Raise ValueError where targets have not the outputs' classes: they would be broadcast."""
    of_targets, of_outputs = tuple(targets.shape), tuple(outputs.shape)
    # In a graph, how many rows there are may not be known.
    if len(of_targets) != len(of_outputs) or of_targets[-1] != of_outputs[-1]:
        raise ValueError(
            f"targets of shape {of_targets} are not one-hot for outputs of shape {of_outputs}; "
            "keras.utils.to_categorical makes them so."
        )


def verbatim(targets: Any, outputs: Any) -> Any:
    """Compute Keras's own ``categorical_crossentropy``, which the author's code names.

    The same formula as :func:`guarded`, but 0/0 is NaN; after a softmax layer today's Keras uses
    that layer's logits.

    Parameters and returns as for :func:`guarded`.
    """
    import keras

    return keras.losses.categorical_crossentropy(targets, outputs)


def softmax_cross_entropy(targets: Any, logits: Any) -> Any:
    """Compute the cross-entropy of the softmax of what the head puts out.

    Parameters and returns as for :func:`guarded`; the outputs may be negative.
    """
    from keras import ops

    _refuse_class_numbers(targets, logits)
    return ops.logsumexp(logits, axis=-1) - ops.sum(targets * logits, axis=-1)


def sparsemax_loss(targets: Any, logits: Any) -> Any:
    """Compute the loss of the sparsemax, whose gradient is ``sparsemax(z) - y``.

    (Martins and Astudillo, 2016, equation 17.) With the support S of the sparsemax and its
    threshold tau, ``-z_y + sum over S of (z_j^2 - tau^2) / 2 + 1/2``. Parameters and returns as for
    :func:`guarded`, but the outputs are the logits.
    """
    from keras import ops

    _refuse_class_numbers(targets, logits)
    ranked = ops.flip(ops.sort(logits, axis=-1), axis=-1)
    size = ops.cast(ops.arange(1, logits.shape[-1] + 1), logits.dtype)
    cumulated = ops.cumsum(ranked, axis=-1)
    inside = ops.cast(1 + size * ranked > cumulated, logits.dtype)
    n = ops.sum(inside, axis=-1)
    tau = (ops.sum(inside * ranked, axis=-1) - 1) / n
    squares = ops.sum(inside * (ops.square(ranked) - ops.square(tau)[..., None]), axis=-1)
    return -ops.sum(targets * logits, axis=-1) + squares / 2 + 0.5
