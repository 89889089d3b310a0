"""The networks, their heads, and the losses they are trained with.

Everything here is Keras 3 and runs on each of its backends. Keras is imported when something is built, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reluclf.specs import Spec

#: Keras clips probabilities to [EPSILON, 1 - EPSILON] before it takes the logarithm, in 2018 as today.
EPSILON = 1e-7

#: The sizes of the hidden layers of the FFNNs, as in the author's code (paper, Table 2; section 3.3 names only the last two of WDBC's).
HIDDEN = {"mnist": (512, 512, 512), "fashion_mnist": (512, 512, 512), "wdbc": (128, 64, 32)}

#: Features that go into a network, and classes that come out, of each data set.
N_FEATURES = {"mnist": 256, "fashion_mnist": 256, "wdbc": 30}
N_CLASSES = {"mnist": 10, "fashion_mnist": 10, "wdbc": 2}


def guarded(targets: Any, outputs: Any) -> Any:
    """Cross-entropy of normalised outputs, with 0/0 defined as 0.

    This is what the author's code minimised: the outputs of a row are divided by their sum, clipped to [1e-7, 1 - 1e-7], and the loss is
    minus the logarithm at the true class (Keras 2.1.2, ``categorical_crossentropy``). A row of zeros, for which that is 0/0, here stays
    a row of zeros: it costs -log(1e-7) = 16.118 and passes no gradient.

    Parameters
    ----------
    targets : tensor of float32, shape (n, k)
        One-hot true classes.
    outputs : tensor of float32, shape (n, k)
        What the head puts out, not negative.

    Returns
    -------
    tensor of float32, shape (n,)
        The loss of each row, in nats.
    """
    from keras import ops

    total = ops.sum(outputs, axis=-1, keepdims=True)
    empty = total == 0
    # Dividing by 1 where the sum is 0, and only then choosing 0, keeps the NaN out of the gradient as well as out of the value.
    share = ops.where(empty, ops.zeros_like(outputs), outputs / ops.where(empty, ops.ones_like(total), total))
    return -ops.sum(targets * ops.log(ops.clip(share, EPSILON, 1 - EPSILON)), axis=-1)


def verbatim(targets: Any, outputs: Any) -> Any:
    """Keras's own ``categorical_crossentropy``, word for word what the author's code names (his notebooks, ``model.compile``).

    The same formula as :func:`guarded`, but 0/0 is NaN; after a softmax layer today's Keras uses that layer's logits.

    Parameters and returns as for :func:`guarded`.
    """
    import keras

    return keras.losses.categorical_crossentropy(targets, outputs)


LOSSES: dict[str, Callable[[Any, Any], Any]] = {"guarded": guarded, "verbatim": verbatim}


def build(spec: Spec, seed: int) -> Any:
    """Build and compile the network of a spec, with new weights.

    Parameters
    ----------
    spec : Spec
    seed : int
        Decides the initial weights and the dropout masks. Keras's global seed is set as a side effect.

    Returns
    -------
    keras.Model
        float32 features of shape (n, 256), for WDBC (n, 30), to outputs of shape (n, 10), for WDBC (n, 2). Compiled with Adam at its
        defaults (paper, section 3) and the spec's loss.
    """
    import keras

    keras.utils.set_random_seed(seed)
    layers = cnn() if spec.architecture == "cnn" else ffnn(HIDDEN[spec.dataset])
    model = keras.Sequential(
        [keras.Input((N_FEATURES[spec.dataset],)), *layers, keras.layers.Dense(N_CLASSES[spec.dataset], activation=spec.head, name="head")],
        name=spec.architecture,
    )
    # jit_compile: XLA makes the CNN several times slower on a CPU, and answers 0/0 differently.
    model.compile(optimizer="adam", loss=LOSSES[spec.loss], metrics=["categorical_accuracy"], jit_compile=False)
    return model


def ffnn(hidden: tuple[int, ...]) -> list[Any]:
    """The layers of the FFNN below its head: dense ReLU layers, each with dropout 0.1 (paper, Table 2 and section 3.3)."""
    from keras.layers import Dense, Dropout

    return [layer for units in hidden for layer in (Dense(units, activation="relu"), Dropout(0.1))]


def cnn() -> list[Any]:
    """The layers of the CNN below its head (paper, Table 1).

    The 256 principal components of a row are laid out, in order, as a 16 x 16 "image".
    """
    from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Reshape

    return [
        Reshape((16, 16, 1)),
        Conv2D(32, 3, activation="relu"),
        Conv2D(32, 3, activation="relu"),
        MaxPooling2D(2),
        Dropout(0.25),
        Conv2D(64, 3, activation="relu"),
        Conv2D(64, 3, activation="relu"),
        MaxPooling2D(2),
        Dropout(0.25),
        Flatten(),
        Dense(256, activation="relu"),
        Dropout(0.5),
    ]
