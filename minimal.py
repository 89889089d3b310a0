"""Agarap's image experiments (arXiv:1803.08375v2) in one file, to be read in five minutes.

It trains one of the paper's four image networks with one of its two heads, as the author's code ran
it or as we read his text, and prints the accuracies. Nothing of the package `reluclf` is used
here; a test holds this file to the package, number for number.

    python minimal.py --data mnist --network cnn --head relu                  # his code
    python minimal.py --data mnist --network cnn --head relu --as-written     # as we read his text
    python minimal.py --data mnist --network cnn --head relu --as-written --clip
"""

import argparse
import gzip
import os
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

BATCH = 256


# The data: pixels in [0, 1]; the author's loader sets the first 5,000 training images aside.


def load(name):
    """Read the four original IDX files; return training and test images with their labels."""
    folder = Path(os.environ.get("RELUCLF_DATA", ".")) / name
    arrays = []
    for part in ("train", "t10k"):
        for kind, header in (("images-idx3", 16), ("labels-idx1", 8)):
            content = gzip.decompress((folder / f"{part}-{kind}-ubyte.gz").read_bytes())
            arrays.append(np.frombuffer(content, np.uint8, offset=header))
    x_train, y_train, x_test, y_test = arrays
    x_train = x_train.reshape(-1, 784)[5000:] / 255
    return x_train, y_train[5000:].astype(int), x_test.reshape(-1, 784) / 255, y_test.astype(int)


def prepare(fit_on, *others):
    """Standardise and project on 256 principal components, learnt from the first rows alone."""
    pipeline = make_pipeline(StandardScaler(), PCA(256, svd_solver="covariance_eigh")).fit(fit_on)
    return [pipeline.transform(x).astype(np.float32) for x in (fit_on, *others)]


# The networks: Tables 1 and 2 of the paper.


def ffnn():
    """Stack the hidden layers of Table 2."""
    hidden = []
    for _ in range(3):
        hidden += [layers.Dense(512, "relu"), layers.Dropout(0.1)]
    return hidden


def cnn():
    """Stack the hidden layers of Table 1, on the components laid out as a 16 x 16 picture."""
    return [
        layers.Reshape((16, 16, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(256, "relu"),
        layers.Dropout(0.5),
    ]


def loss(targets, outputs):
    """Take Keras's categorical cross-entropy of the ReLU outputs, with 0/0 defined as 0.

    Keras divides each row by its sum, whatever the head. A row of zeros is 0/0 = NaN there; here it
    stays a row of zeros. This line is Keras's normalisation of the outputs, with our guard.
    """
    total = ops.sum(outputs, axis=-1, keepdims=True)
    share = ops.where(total == 0, 0.0, outputs / ops.where(total == 0, 1.0, total))
    return -ops.sum(targets * ops.log(ops.clip(share, 1e-7, 1 - 1e-7)), axis=-1)


def build(network, head, clip, seed, number):
    """Build model `number` of a run with new weights; `clip` clips gradient norms to 1."""
    keras.utils.set_random_seed(int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))
    hidden = cnn() if network == "cnn" else ffnn()
    model = keras.Sequential([keras.Input((256,)), *hidden, layers.Dense(10, head)])
    adam = keras.optimizers.Adam(clipnorm=1.0 if clip else None)
    model.compile(optimizer=adam, loss=loss, jit_compile=False)
    return model


# Training: as run, and as written.


def fit(model, train, seen, epochs, seed, number):
    """Train for some epochs; return the loss of each, and the accuracy on `seen` after each."""
    (x, y), (x_seen, y_seen) = train, seen
    losses, accuracies = [], []
    for epoch in range(epochs):
        order = np.random.default_rng([seed, number, epoch]).permutation(len(x))
        total = 0.0
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            targets = np.eye(10, dtype=np.float32)[y[rows]]
            total += float(model.train_on_batch(x[rows], targets)) * len(rows)
        losses.append(total / len(x))
        accuracies.append(accuracy(model, x_seen, y_seen))
    return losses, accuracies


def accuracy(model, x, y):
    """Return the share of the rows that are classified correctly."""
    return float(np.mean(model.predict(x, 500, verbose=0).argmax(axis=1) == y))


def as_run(images, network, head, clip, seed, epochs, folds):
    """Carry one model through all folds: from the second on it is validated on what it has seen."""
    x, y, x_test, y_test = images
    x, x_test = prepare(x, x_test)
    model = build(network, head, clip, seed, 0)
    for number, (train, held_out) in enumerate(split(y)[:folds], start=1):
        rows, seen = (x[train], y[train]), (x[held_out], y[held_out])
        losses, accuracies = fit(model, rows, seen, epochs, seed, number)
        yield f"fold {number}", losses, accuracies
    yield "test", [], [accuracy(model, x_test, y_test)]


def as_written(images, network, head, clip, seed, epochs, folds):
    """Start every fold from new weights and components; then train once on all, for the test."""
    x, y, x_test, y_test = images
    for number, (train, held_out) in enumerate(split(y)[:folds], start=1):
        x_train, x_seen = prepare(x[train], x[held_out])
        model = build(network, head, clip, seed, number)
        rows, seen = (x_train, y[train]), (x_seen, y[held_out])
        losses, accuracies = fit(model, rows, seen, epochs, seed, number)
        yield f"fold {number}", losses, accuracies
    x, x_test = prepare(x, x_test)
    model = build(network, head, clip, seed, 0)
    yield "test", *fit(model, (x, y), (x_test, y_test), epochs, seed, 0)


def split(y):
    """Return ten stratified folds with the author's seed; scikit-learn drew his by another algorithm."""
    return list(StratifiedKFold(10, shuffle=True, random_state=10).split(y, y))


def main():
    """Read the options, train, and print the accuracy of each fold and on the test set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", choices=["mnist", "fashion_mnist"], default="mnist")
    parser.add_argument("--network", choices=["ffnn", "cnn"], default="cnn")
    parser.add_argument("--head", choices=["relu", "softmax"], default="relu")
    parser.add_argument("--as-written", action="store_true", help="every fold from new weights")
    parser.add_argument("--clip", action="store_true", help="clip gradient norms to 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=32)
    parser.add_argument("--folds", type=int, default=10, help="how many of the ten")
    given = parser.parse_args()
    if given.epochs < 1 or not 1 <= given.folds <= 10 or given.seed < 0:
        parser.error("epochs begin at 1, folds are 1 to 10, and a seed is not negative")
    try:
        images = load(given.data)
    except FileNotFoundError as error:
        remedy = f"set RELUCLF_DATA to the folder above {given.data}/, with the original files"
        sys.exit(f"{error.filename} is not there; {remedy}.")
    protocol = as_written if given.as_written else as_run
    options = (given.network, given.head, given.clip, given.seed, given.epochs, given.folds)
    for name, _, accuracies in protocol(images, *options):
        print(f"{name}: {100 * accuracies[-1]:.2f} %", flush=True)


if __name__ == "__main__":
    main()
