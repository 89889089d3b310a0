"""The networks.

Everything here is Keras 3 and runs on each of its backends. Keras is imported when something is
built, not before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from reluclf import epochs, heads
from reluclf.spec import CLASSES, Spec

#: The sizes of the hidden layers of the FFNNs, as in the author's code (paper, Table 2; section 3.3
#: names only the last two of WDBC's).
HIDDEN = {"mnist": (512, 512, 512), "fashion_mnist": (512, 512, 512), "wdbc": (128, 64, 32)}

#: Features that go into a network, and classes that come out, of each data set.
N_FEATURES = {"mnist": 256, "fashion_mnist": 256, "wdbc": 30}
N_CLASSES = {dataset: len(classes) for dataset, classes in CLASSES.items()}


def build(spec: Spec, seed: int) -> Any:
    """Build and compile the network of a spec, with new weights.

    Parameters
    ----------
    spec : Spec
    seed : int
        Decides the initial weights and the dropout masks; they are those that
        ``keras.utils.set_random_seed(seed)`` would give.

    Returns
    -------
    keras.Model
        float32 features of shape (n, 256), for WDBC (n, 30), to outputs of shape (n, 10), for WDBC
        (n, 2). Compiled with the spec's loss and optimiser, by default Adam as Keras has it (paper,
        section 3). On TensorFlow it also has a method ``train_on_batches``; on JAX those of
        :func:`reluclf.epochs.attach`, but for a CNN on a processor, where a convolution in a loop
        takes many times as long (jax#12868).

    Raises
    ------
    RuntimeError
        If Keras has been set to another precision, in which the losses are not defined.
    """
    import keras

    if other := {keras.config.floatx(), keras.config.dtype_policy().name} - {"float32"}:
        raise RuntimeError(
            f"Keras is set to {min(other)} here, and a run is of float32; "
            'call keras.config.set_floatx("float32") and keras.config.set_dtype_policy("float32"), '
            "or train with reluclf.campaign.training.obtain, which does so in a process of its own."
        )
    seeds = _seeds(seed)
    hidden = heads.leaky_relu if spec.hidden == "leaky_relu" else "relu"
    layers = (
        cnn(seeds, hidden)
        if spec.architecture == "cnn"
        else ffnn(HIDDEN[spec.dataset], seeds, hidden)
    )
    bias = keras.initializers.Constant(spec.bias)
    head = keras.layers.Dense(
        N_CLASSES[spec.dataset],
        heads.activation(spec),
        kernel_initializer=_glorot(seeds),
        bias_initializer=bias,
        name="head",
    )
    model = keras.Sequential(
        [keras.Input((N_FEATURES[spec.dataset],)), *layers, head], name=spec.architecture
    )
    options = {"learning_rate": spec.learning_rate} if spec.learning_rate else {}
    backend = keras.backend.backend()
    # XLA makes TensorFlow's CNN several times slower on a CPU, and answers 0/0 differently; JAX
    # without it is slower still, on a GPU many times.
    model.compile(
        optimizer=keras.optimizers.Adam(beta_2=spec.beta_2, clipnorm=spec.clipnorm, **options),
        loss=heads.loss_function(spec),
        metrics=["categorical_accuracy"],
        jit_compile=backend == "jax",
    )
    model.optimizer.build(model.trainable_variables)
    if backend == "tensorflow":
        model.train_on_batches = _several_batches(model)
    elif backend == "jax" and (spec.architecture != "cnn" or epochs.on_accelerator()):
        epochs.attach(model, program(spec, model))
    return model


def network(spec: Spec) -> Spec:
    """Return what specs have in common whose models are trained by the same compiled functions."""
    free = {
        "seed": 0,
        "protocol": "carried",
        "features": "paper",
        "epochs": 1,
        "folds": 1,
        "bias": 0.0,
        "samples": None,
    }
    free |= {} if spec.dataset == "wdbc" else {"dataset": "mnist"}
    return spec.model_copy(update=free)


def program(spec: Spec, model: Any) -> epochs.Program:
    """Return the compiled functions of a spec's network on JAX.

    Where they are kept already, the model is not needed.
    """
    return epochs.program(network(spec), model, heads.loss_function(spec))


def _several_batches(model: Any) -> Callable[[Any, Any, Any, int], Any]:
    """Make ``train_on_batch`` for many batches in one call of TensorFlow: the same updates.

    It takes features of shape (n, d), targets of shape (n, k), the row numbers, of shape (m,), in
    the order they are trained on, and the size of a batch; it returns mean loss and accuracy of
    each batch: float32, shape (batches, 2).
    """
    import tensorflow as tf

    # A function that makes variables while it is traced is traced twice; the optimiser's are there,
    # and this makes the metrics'.
    model.compute_metrics(None, *[tf.zeros((1, model.output_shape[1]))] * 2)
    # With their shapes left open the function is traced once, for whatever folds and batches.
    arguments = [
        tf.TensorSpec(shape, tf.float32) for shape in (model.input_shape, model.output_shape)
    ]
    arguments += [tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.int64)]

    @tf.function(input_signature=arguments)
    def train(x: Any, targets: Any, order: Any, size: Any) -> Any:
        starts = tf.range(0, tf.size(order, tf.int64), size)
        means = tf.TensorArray(tf.float32, tf.size(starts), element_shape=(2,))
        for i in tf.range(tf.size(starts)):
            rows = order[starts[i] : starts[i] + size]
            model.reset_metrics()
            logs = model.train_step((tf.gather(x, rows), tf.gather(targets, rows), None))
            means = means.write(i, tf.stack([logs["loss"], logs["categorical_accuracy"]]))
        return means.stack()

    return train


def _seeds(seed: int) -> Iterator[int]:
    """Draw the seeds of the layers, in the order the layers are made.

    They are the numbers that Keras would draw itself after ``keras.utils.set_random_seed(seed)``.
    Keras draws them from the process's one ``random`` generator, though, and any other thread, such
    as those of a Dask worker, could take some of them away.
    """
    generator = random.Random(seed)
    while True:
        yield generator.randint(1, 10**9)


def _glorot(seeds: Iterator[int]) -> Any:
    """Draw Keras's default initial weights (Glorot and Bengio, 2010), from the next seed."""
    from keras.initializers import GlorotUniform

    return GlorotUniform(next(seeds))


def ffnn(sizes: tuple[int, ...], seeds: Iterator[int], hidden: Any = "relu") -> list[Any]:
    """Make the layers of the FFNN below its head (paper, Table 2 and section 3.3).

    Dense layers, of ReLUs in the paper, each with dropout 0.1.
    """
    from keras.layers import Dense, Dropout

    layers = []
    for units in sizes:
        layers += [
            Dense(units, activation=hidden, kernel_initializer=_glorot(seeds)),
            Dropout(0.1, seed=next(seeds)),
        ]
    return layers


def cnn(seeds: Iterator[int], hidden: Any = "relu") -> list[Any]:
    """Make the layers of the CNN below its head, of ReLUs in the paper (Table 1).

    The 256 principal components of a row are laid out, in order, as a 16 x 16 "image".
    """
    from keras.layers import Dense, Dropout, Flatten, MaxPooling2D, Reshape

    def convolution(filters: int) -> Any:
        return _conv2d()(filters, 3, activation=hidden, kernel_initializer=_glorot(seeds))

    return [
        Reshape((16, 16, 1)),
        convolution(32),
        convolution(32),
        MaxPooling2D(2),
        Dropout(0.25, seed=next(seeds)),
        convolution(64),
        convolution(64),
        MaxPooling2D(2),
        Dropout(0.25, seed=next(seeds)),
        Flatten(),
        Dense(256, activation=hidden, kernel_initializer=_glorot(seeds)),
        Dropout(0.5, seed=next(seeds)),
    ]


def _conv2d() -> Any:
    """Return Keras's convolution; on JAX with an accelerator one that is a product of matrices.

    Several seeds in one program make of a convolution one in groups, which cuDNN computes slowly.
    """
    import keras
    from keras import ops
    from keras.layers import Conv2D

    if keras.backend.backend() != "jax" or not epochs.on_accelerator():
        return Conv2D

    class Product(Conv2D):
        """A convolution without padding, of stride 1: each window of a row times the kernel."""

        def convolution_op(self, inputs: Any, kernel: Any) -> Any:
            height, width, _, filters = kernel.shape
            rows, columns = inputs.shape[1] - height + 1, inputs.shape[2] - width + 1
            windows = [
                inputs[:, row : row + rows, column : column + columns]
                for row in range(height)
                for column in range(width)
            ]
            return ops.concatenate(windows, axis=-1) @ ops.reshape(kernel, (-1, filters))

    return Product
