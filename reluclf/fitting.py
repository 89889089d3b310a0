"""How one model is trained for its epochs, and scored after each.

Keras's ``fit`` is not used: the same updates take less time on a processor without it, and
shuffling with numpy makes the order of the batches the same on every backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from reluclf import networks, probes
from reluclf.data import Rows
from reluclf.metrics import shortest
from reluclf.record import Curve, Fold, Probe
from reluclf.scoring import Evaluator, one_hot
from reluclf.spec import Spec

#: Batches that are trained on in one call of TensorFlow: a call cannot be interrupted.
BATCHES_A_CALL = 16


@dataclass
class State:
    """What a run has done so far; enough, together with the spec, to go on with it.

    Attributes
    ----------
    folds : list of Fold
        The folds that are finished.
    batches : int
        Batches trained on so far.
    diverged_at : int or None
        The first batch with a loss that is not finite.
    weights : list of ndarray or None
        All :func:`variables` of the carried model after the last finished fold; None for ``fresh``.
    """

    folds: list[Fold] = field(default_factory=list)
    batches: int = 0
    diverged_at: int | None = None
    weights: list[np.ndarray] | None = None


class Observer:
    """What is told of a run as it goes; this one does nothing of it."""

    def epoch(self) -> None:
        """Note that an epoch has ended."""

    def fold(self, state: State) -> None:
        """Note that a fold has ended, and what the run has done so far."""


class Training(NamedTuple):
    """A training that a run needs: one model, for the spec's epochs, on the rows of one fold.

    Attributes
    ----------
    spec : Spec
    number : int
        The fold, or :data:`reluclf.protocols.WHOLE`.
    model : keras.Model
    train, held_out : tuple of (ndarray of float32, shape (n, d), ndarray of int64, shape (n,))
    state : State
        Its batches and its divergence are counted on.
    observer : Observer
    probed : tuple of the same, or None
        The rows on which the model is looked into after every epoch.
    """

    spec: Spec
    number: int
    model: Any
    train: Rows
    held_out: Rows
    state: State
    observer: Observer
    probed: Rows | None = None


class Trained(NamedTuple):
    """What comes of a training.

    Attributes
    ----------
    train, held_out : Curve
    outputs : ndarray of float32, shape (n, k)
        The last ones, on the rows held out.
    probe : Probe or None
        What was seen inside, if anything was looked at and the backend can be looked into.
    """

    train: Curve
    held_out: Curve
    outputs: np.ndarray
    probe: Probe | None


def fit(training: Training) -> Trained:
    """Train a model for the spec's epochs, scoring the rows held out after each."""
    spec, model = training.spec, training.model
    x, y = training.train
    trainer = Trainer(model, x, one_hot(y, networks.N_CLASSES[spec.dataset]), spec.batch_size)
    evaluate = Evaluator(spec, model, training.held_out)
    curves = Curves(training.state, batch_sizes(len(x), spec.batch_size))
    for epoch in range(spec.epochs):
        means = trainer.train(batch_order(spec, training.number, epoch, len(x)))
        outputs, loss, accuracy = evaluate()
        curves.add(means, loss, accuracy, _probe(training))
        training.observer.epoch()
    return curves.done(outputs)


def _probe(training: Training) -> dict[str, float] | None:
    if training.probed is None:
        return None
    x, y = training.probed
    targets = one_hot(y, networks.N_CLASSES[training.spec.dataset])
    return probes.measure(training.spec, training.model, x, targets)


def batch_order(spec: Spec, number: int, epoch: int, rows: int) -> np.ndarray:
    """Draw the order in which model ``number`` of a run is shown its rows: int64, shape (rows,).

    Epochs are counted from 0.
    """
    return np.random.default_rng([spec.seed, number, epoch]).permutation(rows)


def batch_sizes(rows: int, size: int) -> list[int]:
    """Count the rows of each batch of an epoch.

    Examples
    --------
    >>> batch_sizes(600, 256)
    [256, 256, 88]
    """
    return [min(size, rows - start) for start in range(0, rows, size)]


class Trainer:
    """Trains a model on the same rows, epoch by epoch.

    Parameters
    ----------
    model : keras.Model
        If it has a method ``train_on_batches``, several batches go into one call of it; the updates
        are the same, bit for bit.
    x : ndarray of float32, shape (n, d)
    targets : ndarray of float32, shape (n, k)
        One-hot true classes.
    size : int
        Rows of a batch.
    """

    def __init__(self, model: Any, x: np.ndarray, targets: np.ndarray, size: int) -> None:
        self._model = model
        self._size = size
        self._rows: tuple[Any, Any] = (x, targets)
        self._in_calls = hasattr(model, "train_on_batches")
        if self._in_calls:
            from keras import ops

            self._rows = ops.convert_to_tensor(x), ops.convert_to_tensor(targets)

    def train(self, order: np.ndarray) -> np.ndarray:
        """Train once on the rows in this order, int64 of shape (n,).

        Returns
        -------
        ndarray of float64, shape (batches, 2)
            Mean loss and accuracy of each batch.
        """
        if not self._in_calls:
            parts = [self._batch(rows) for rows in _parts(order, self._size)]
        elif hasattr(self._model, "evaluate_rows"):  # on JAX the whole epoch is one call
            parts = [self._call(order)]
        else:
            parts = [self._call(rows) for rows in _parts(order, BATCHES_A_CALL * self._size)]
        return np.concatenate(parts)

    def _batch(self, rows: np.ndarray) -> np.ndarray:
        x, targets = self._rows
        means = self._model.train_on_batch(x[rows], targets[rows])
        return np.array([means], np.float64)

    def _call(self, rows: np.ndarray) -> np.ndarray:
        means = self._model.train_on_batches(*self._rows, rows, self._size)
        return np.array(means, np.float64)


def _parts(order: np.ndarray, size: int) -> list[np.ndarray]:
    return [order[start : start + size] for start in range(0, len(order), size)]


class Curves:
    """The curves and probes of a training.

    Batches, and the first loss that is not finite, go into its state.

    Parameters
    ----------
    state : State
    sizes : sequence of int
        Rows of each batch of an epoch.
    """

    def __init__(self, state: State, sizes: Sequence[int]) -> None:
        self._state = state
        self._sizes = sizes
        self._train: list[tuple[float, float]] = []
        self._held_out: list[tuple[float, float]] = []
        self._probes: list[dict[str, float]] = []

    def add(
        self, means: np.ndarray, loss: float, accuracy: float, probe: dict[str, float] | None
    ) -> None:
        """Add an epoch: mean loss and accuracy of each batch; both on the rows held out; probes."""
        total = np.zeros(2)
        for batch, size in zip(np.asarray(means, np.float64), self._sizes, strict=True):
            total += batch * size
            self._state.batches += 1
            if self._state.diverged_at is None and not np.isfinite(batch[0]):
                self._state.diverged_at = self._state.batches
        rows = sum(self._sizes)
        # An accuracy is a whole number of hits, divided once.
        self._train.append((shortest(total[0] / rows), round(total[1]) / rows))
        self._held_out.append((loss, accuracy))
        self._probes += [probe] if probe else []

    def done(self, outputs: np.ndarray) -> Trained:
        """Return both curves, with the last outputs on the rows held out."""
        probe = {name: [each[name] for each in self._probes] for name in probes.NAMES}
        return Trained(
            _curve(self._train),
            _curve(self._held_out),
            outputs,
            Probe(**probe) if self._probes else None,
        )


def _curve(scores: Sequence[tuple[float, float]]) -> Curve:
    loss, accuracy = zip(*scores, strict=True)
    return Curve(loss=loss, accuracy=accuracy)


def variables(model: Any) -> list[np.ndarray]:
    """Copy all that training changes: weights, dropout generators, the optimiser's variables."""
    return [np.array(variable) for variable in (*model.variables, *model.optimizer.variables)]


def restore(model: Any, values: Sequence[np.ndarray]) -> None:
    """Put :func:`variables` back into a model built from the same spec."""
    for variable, value in zip((*model.variables, *model.optimizer.variables), values, strict=True):
        variable.assign(value)
