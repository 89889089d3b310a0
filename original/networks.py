"""The author's networks and losses, in Keras 2.1.2."""

import numpy as np

#: Units of the hidden layers of the FFNNs.
HIDDEN = {"mnist": (512, 512, 512), "fashion_mnist": (512, 512, 512), "wdbc": (128, 64, 32)}
N_FEATURES = {"mnist": 256, "fashion_mnist": 256, "wdbc": 30}
N_CLASSES = {"mnist": 10, "fashion_mnist": 10, "wdbc": 2}


def guarded(targets, outputs):
    """Compute Keras 2.1.2's ``categorical_crossentropy`` with 0/0 defined as 0.

    A row of zeros stays a row of zeros: it is clipped to 1e-7, costs 16.118 and passes no
    gradient. Every other row has the very loss and gradient of Keras's own.

    Parameters
    ----------
    targets, outputs : tensor of float32, shape (n, k)

    Returns
    -------
    tensor of float32, shape (n,)
    """
    from keras import backend as K

    total = K.sum(outputs, axis=-1, keepdims=True)
    # Where the sum is 0, the zeros are divided by 1; elsewhere 0 is added, which changes no bit.
    shares = outputs / (total + K.cast(K.equal(total, 0.0), K.floatx()))
    clipped = K.clip(shares, K.epsilon(), 1.0 - K.epsilon())
    return -K.sum(targets * K.log(clipped), axis=-1)


def loss_of(spec):
    """Choose the loss that Keras is given: its own by name, as the author does, or the guarded."""
    return "categorical_crossentropy" if spec["loss"] == "verbatim" else guarded


def start(seed):
    """Begin a new graph and session, of one thread, all of whose draws follow from the seed.

    Keras draws the seeds of the initial weights and of dropout, and the order of the batches, from
    numpy's global generator.
    """
    import tensorflow as tf
    from keras import backend as K

    K.clear_session()
    np.random.seed(seed)
    tf.set_random_seed(seed)
    threads = {"intra_op_parallelism_threads": 1, "inter_op_parallelism_threads": 1}
    K.set_session(tf.Session(config=tf.ConfigProto(**threads)))


def build(spec):
    """Build and compile the network of a spec with Keras's defaults: Glorot's weights, and Adam.

    Returns
    -------
    keras.models.Sequential
        From rows of 256 or, for WDBC, 30 features to outputs for each class.
    """
    from keras.layers import Dense
    from keras.models import Sequential

    n_features = N_FEATURES[spec["dataset"]]
    layers = (
        cnn(n_features)
        if spec["architecture"] == "cnn"
        else ffnn(n_features, HIDDEN[spec["dataset"]])
    )
    model = Sequential([*layers, Dense(N_CLASSES[spec["dataset"]], activation=spec["head"])])
    model.compile(loss=loss_of(spec), optimizer="adam", metrics=["accuracy"])
    return model


def ffnn(n_features, sizes):
    """List the FFNN's layers below its head: ReLUs, with dropout of 0.1 after each layer."""
    from keras.layers import Dense, Dropout

    layers = []
    for units in sizes:
        shape = {} if layers else {"input_dim": n_features}
        layers += [Dense(units, activation="relu", **shape), Dropout(0.1)]
    return layers


def cnn(n_features):
    """List the CNN's layers below its head (the paper's Table 1); components lie in a square."""
    from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Reshape

    side = round(n_features**0.5)
    layers = [Reshape((side, side, 1), input_shape=(n_features,))]
    for filters in (32, 64):
        layers += [
            Conv2D(filters, (3, 3), activation="relu"),
            Conv2D(filters, (3, 3), activation="relu"),
            MaxPooling2D(pool_size=(2, 2)),
            Dropout(0.25),
        ]
    return [*layers, Flatten(), Dense(256, activation="relu"), Dropout(0.5)]


def loss_function(spec):
    """Compile the loss of a spec alone: from targets and outputs to the losses of the rows."""
    from keras import backend as K
    from keras import losses

    targets, outputs = [K.placeholder(shape=(None, N_CLASSES[spec["dataset"]])) for _ in range(2)]
    compiled = K.function([targets, outputs], [losses.get(loss_of(spec))(targets, outputs)])
    return lambda *arrays: compiled(list(arrays))[0]
