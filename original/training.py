"""How a network is trained and tested: one model, compiled once, through the folds in turn.

The batches are those of Keras's ``fit``; a test trains both ways and compares. The loop is spelled
out to see every batch's loss: a run whose weights have all become NaN is not trained further, since
nothing can change any more. What it would still have measured follows from its constant answer.
"""

import time

import numpy as np

from original import data, networks

#: Rows that are evaluated at once; it changes no result.
EVALUATION_BATCH = 500


class Run:
    """One run: its model, what it has been through, and whether it is dead.

    Parameters
    ----------
    spec : dict
        See :mod:`original.plan`.
    give_up : bool
        Stop training when every weight is NaN; otherwise go on to the end.
    """

    def __init__(self, spec, give_up=True):
        networks.start(spec["seed"])
        self.spec = spec
        self.model = networks.build(spec)
        self.losses = networks.loss_function(spec)
        self.give_up = give_up
        self.batches = 0
        self.diverged_at = None
        self.answer = None  # the class that a dead network says of every row

    def one_hot(self, y):
        """Turn classes into one-hot rows."""
        return np.eye(networks.N_CLASSES[self.spec["dataset"]])[y]

    def predict(self, x):
        """Compute the outputs, dropout off, of rows."""
        return self.model.predict(x, batch_size=EVALUATION_BATCH)

    def score(self, outputs, y):
        """Compute mean loss and accuracy of outputs."""
        loss = self.losses(self.one_hot(y), outputs).mean(dtype=np.float64)
        return shortest(loss), float(np.mean(outputs.argmax(axis=1) == y))

    def epoch(self, x, y, order):
        """Train on rows in the given order, and return mean loss and accuracy over the batches."""
        targets, total, hits = self.one_hot(y), 0.0, 0
        for start in range(0, len(order), self.spec["batch_size"]):
            if self.answer is not None:
                return float("nan"), (hits + int(np.sum(y[order[start:]] == self.answer))) / len(y)
            rows = order[start : start + self.spec["batch_size"]]
            loss, accuracy = self.model.train_on_batch(x[rows], targets[rows])
            self.batches += 1
            total += float(loss) * len(rows)
            hits += round(float(accuracy) * len(rows))
            if not np.isfinite(loss):
                self.diverged_at = self.diverged_at or self.batches
                if self.give_up:
                    self.answer = self.answer_of_the_dead(x[:EVALUATION_BATCH])
        return shortest(total / len(y)), hits / len(y)

    def answer_of_the_dead(self, x):
        """Look whether every weight is NaN, and return the class that such a network always says.

        None if training goes on: a weight is still a number, or rows are told apart.
        """
        if not all(np.isnan(weights).all() for weights in self.model.get_weights()):
            return None
        outputs = self.predict(x)
        classes = set(outputs.argmax(axis=1))
        lost = np.isnan(self.losses(self.one_hot(np.zeros(len(x), int)), outputs)).all()
        return classes.pop() if lost and len(classes) == 1 else None

    def fold(self, number, train, held_out, test):
        """Train in one fold, and test after it.

        Parameters
        ----------
        number : int
            From 1.
        train, held_out, test : (ndarray, ndarray)
            Features and classes.

        Returns
        -------
        dict
            The fold, as records have it.
        """
        started = time.time()
        curves = [{"loss": [], "accuracy": []} for _ in range(2)]
        order = np.arange(len(train[0]))
        for _ in range(self.spec["epochs"]):
            np.random.shuffle(order)  # as fit: from the last epoch's order, by the global generator
            trained = self.epoch(train[0], train[1], order)
            if self.answer is None:
                scored = self.score(self.predict(held_out[0]), held_out[1])
            else:
                scored = float("nan"), float(np.mean(held_out[1] == self.answer))
            for curve, (loss, accuracy) in zip(curves, (trained, scored)):
                curve["loss"].append(loss)
                curve["accuracy"].append(accuracy)
        self.outputs = self.predict(test[0])
        loss, accuracy = self.score(self.outputs, test[1])
        return {
            "fold": number,
            "n_train": len(train[0]),
            "n_validation": len(held_out[0]),
            "train": curves[0],
            "validation": curves[1],
            "test": {"loss": loss, "accuracy": accuracy},
            "seconds": round(time.time() - started, 2),
        }


def run(spec, give_up=True):
    """Train and test the network of a spec.

    Returns
    -------
    dict
        ``folds``, ``diverged_at``, and of the test ``labels``, ``predictions`` and ``loss``.
    """
    x, y, x_test, y_test = data.prepared(spec)
    going = Run(spec, give_up)
    folds = []
    for number, (train, validate) in enumerate(data.folds(y)[: spec["folds"]], start=1):
        rows, held_out = (x[train], y[train]), (x[validate], y[validate])
        folds.append(going.fold(number, rows, held_out, (x_test, y_test)))
    return {
        "folds": folds,
        "diverged_at": going.diverged_at,
        "labels": y_test,
        "predictions": going.outputs.argmax(axis=1),
        "loss": folds[-1]["test"]["loss"],
    }


def shortest(value):
    """Round to the float32 with the fewest digits, as a Python float."""
    return float(str(np.float32(value)))
