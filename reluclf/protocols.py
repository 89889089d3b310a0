"""How a network is trained and tested: the protocols ``carried`` and ``fresh``.

``carried`` is what the author's code did: one model, compiled once, goes through all ten folds, so from the second fold on it is
validated on rows that it has been trained on. ``fresh`` is what the paper says (section 2.5): every fold starts from new weights, and
the scaler and the components are learnt from that fold's training rows only; then one model is trained on the whole training set, for
the test.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from reluclf import data, networks, probes
from reluclf.record import Curve, Final, Fold, Probe, Score, Test, shortest
from reluclf.spec import Spec

#: The number of the run's whole-training-set model (``fresh``) and of the one carried model, where folds are numbered from 1.
WHOLE = 0

#: Rows that are evaluated at once; it bounds memory and does not change results.
EVALUATION_BATCH = 500

#: Batches that are trained on in one call of the framework, where it can do several: a call cannot be interrupted.
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
        All variables of the carried model and its optimiser after the last finished fold; None for ``fresh``.
    """

    folds: list[Fold] = field(default_factory=list)
    batches: int = 0
    diverged_at: int | None = None
    weights: list[np.ndarray] | None = None


class Observer:
    """What is told of a run as it goes; this one does nothing of it."""

    def epoch(self) -> None:
        """An epoch has ended."""

    def fold(self, state: State) -> None:
        """A fold has ended, and this is what the run has done so far."""


class Training(NamedTuple):
    """A training that a run needs: one model, for the spec's epochs, on the rows of one fold.

    Attributes
    ----------
    spec : Spec
    number : int
        The fold, or :data:`WHOLE`.
    model : keras.Model
    train, held_out : tuple of (ndarray, ndarray)
        Features, float32 of shape (n, d), and class numbers, of shape (n,).
    state : State
        Its batches and its divergence are counted on.
    observer : Observer
    """

    spec: Spec
    number: int
    model: Any
    train: tuple[np.ndarray, np.ndarray]
    held_out: tuple[np.ndarray, np.ndarray]
    state: State
    observer: Observer


#: What comes of a training: the curves on its own rows and on those held out, and the last outputs on the latter.
Trained = tuple[Curve, Curve, np.ndarray]


@dataclass(frozen=True)
class Outcome:
    """The measurements of a finished run."""

    folds: tuple[Fold, ...]
    final: Final | None
    diverged_at: int | None
    test: Test


def run(spec: Spec, observer: Observer | None = None, state: State | None = None) -> Outcome:
    """Train and test a network as its spec says.

    Parameters
    ----------
    spec : Spec
    observer : Observer, optional
    state : State, optional
        Where an interrupted run of the same spec had got to; the rest is then the same, bit for bit, as if it had not been interrupted.

    Returns
    -------
    Outcome

    Raises
    ------
    DataError
        If the images cannot be had.
    """
    steps, trained = course(spec, observer, state), None
    while True:
        try:
            asked = steps.send(trained)
        except StopIteration as done:
            return done.value
        trained = _fit(*asked)


#: A run step by step: it yields each training that it needs, is sent what came of that, and returns its outcome.
Course = Generator[Training, Trained, Outcome]


def course(spec: Spec, observer: Observer | None = None, state: State | None = None) -> Course:
    """What :func:`run` goes through; :mod:`reluclf.campaign.lanes` goes through several at once."""
    if spec.architecture == "logistic":
        return _logistic(spec)
    of_protocol = _carried if spec.protocol == "carried" else _fresh
    return (yield from of_protocol(spec, observer or Observer(), state or State()))


def _carried(spec: Spec, observer: Observer, state: State) -> Course:
    whole = data.prepared(spec)
    model = networks.build(spec, seed_of(spec, WHOLE))
    if state.weights is not None:
        restore(model, state.weights)
    outputs = None
    for number, (train, validate) in enumerate(data.folds(whole.y_train)[: spec.folds], start=1):
        if number <= len(state.folds):
            continue
        held_out = (whole.x_train[validate], whole.y_train[validate])
        rows = (whole.x_train[train], whole.y_train[train])
        fold, outputs = yield from _one_fold(
            spec, number, model, rows, held_out, (whole.x_test, whole.y_test), state, observer
        )
        state.folds.append(fold)
        state.weights = variables(model)
        observer.fold(state)
    if outputs is None:  # the run was interrupted after its last fold
        outputs = predict(model, whole.x_test)
    return Outcome(tuple(state.folds), None, state.diverged_at, _test(spec, outputs, whole))


def _fresh(spec: Spec, observer: Observer, state: State) -> Course:
    model = None
    for number in range(len(state.folds) + 1, spec.folds + 1):
        rows = data.prepared_fold(spec, number)
        model = anew(model, spec, number)
        fold, _ = yield from _one_fold(
            spec, number, model, rows.train, rows.held_out, rows.test, state, observer
        )
        state.folds.append(fold)
        observer.fold(state)
    whole = data.prepared(spec)
    model = anew(model, spec, WHOLE)
    started = time.perf_counter()
    probed = _Probed(
        spec, model, whole.x_train[: probes.ROWS], whole.y_train[: probes.ROWS], observer
    )
    rows, test = (whole.x_train, whole.y_train), (whole.x_test, whole.y_test)
    train_curve, test_curve, outputs = yield Training(spec, WHOLE, model, rows, test, state, probed)
    final = Final(
        n_train=len(whole.x_train),
        train=train_curve,
        test=test_curve,
        probe=probed.result(),
        seconds=_seconds_since(started),
    )
    return Outcome(tuple(state.folds), final, state.diverged_at, _test(spec, outputs, whole))


def _logistic(spec: Spec) -> Outcome:
    """Logistic regression, with scikit-learn's default penalty, on the same folds and the same split as the networks."""
    from sklearn.linear_model import LogisticRegression

    split = data.load_split(spec)

    def solve(
        x: np.ndarray, y: np.ndarray, *others: tuple[np.ndarray, np.ndarray]
    ) -> tuple[list[tuple[float, float]], np.ndarray]:
        prepared = data.prepare(spec, x, *(rows for rows, _ in others))
        model = LogisticRegression(max_iter=1_000, random_state=spec.seed).fit(prepared[0], y)
        outputs = [model.predict_proba(rows).astype(np.float32) for rows in prepared]
        labels = (y, *(labels for _, labels in others))
        return [score(spec, *pair) for pair in zip(outputs, labels, strict=True)], outputs[-1]

    def curve(values: tuple[float, float]) -> Curve:
        return Curve(loss=values[:1], accuracy=values[1:])

    test = (split.x_test, split.y_test)
    folds = []
    for number, (train, validate) in enumerate(data.folds(split.y_train)[: spec.folds], start=1):
        started = time.perf_counter()
        held_out = (split.x_train[validate], split.y_train[validate])
        (trained, validated, tested), _ = solve(
            split.x_train[train], split.y_train[train], held_out, test
        )
        folds.append(
            Fold(
                fold=number,
                n_train=len(train),
                n_validation=len(validate),
                train=curve(trained),
                validation=curve(validated),
                test=Score(loss=tested[0], accuracy=tested[1]),
                seconds=_seconds_since(started),
            )
        )
    started = time.perf_counter()
    (trained, tested), outputs = solve(split.x_train, split.y_train, test)
    final = Final(
        n_train=len(split.y_train),
        train=curve(trained),
        test=curve(tested),
        seconds=_seconds_since(started),
    )
    return Outcome(tuple(folds), final, None, _test(spec, outputs, split))


def _one_fold(
    spec: Spec,
    number: int,
    model: Any,
    train: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    state: State,
    observer: Observer,
) -> Generator[Training, Trained, tuple[Fold, np.ndarray]]:
    """Train in one fold, and test after it; return what was measured, and the outputs on the test rows."""
    started = time.perf_counter()
    train_curve, validation_curve, _ = yield Training(
        spec, number, model, train, held_out, state, observer
    )
    outputs, loss, accuracy = evaluator(spec, model, test)()
    fold = Fold(
        fold=number,
        n_train=len(train[0]),
        n_validation=len(held_out[0]),
        train=train_curve,
        validation=validation_curve,
        test=Score(loss=loss, accuracy=accuracy),
        seconds=_seconds_since(started),
    )
    return fold, outputs


def _fit(
    spec: Spec,
    number: int,
    model: Any,
    train: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    state: State,
    observer: Observer,
) -> tuple[Curve, Curve, np.ndarray]:
    """Train for the spec's epochs, scoring the held-out rows after each; return both curves and the last outputs on the held-out rows.

    Keras's ``fit`` is not used: the same updates take less time on a CPU without it, and shuffling with numpy makes the order of the batches
    the same on every backend.
    """
    x, y = train
    train_on = trainer(model, x, one_hot(y, networks.N_CLASSES[spec.dataset]), spec.batch_size)
    evaluate = evaluator(spec, model, held_out)
    curves = Curves(state)
    for epoch in range(spec.epochs):
        means, sizes = zip(*train_on(batch_order(spec, number, epoch, len(x))), strict=True)
        outputs, *scores = evaluate()
        curves.add(means, sizes, scores)
        observer.epoch()
    return *curves.done(), outputs


class Curves:
    """The curves of a training, epoch by epoch; batches, and the first loss that is not finite, are noted in the run's state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._train: list[tuple[float, float]] = []
        self._held_out: list[tuple[float, float]] = []

    def add(
        self, means: Sequence[np.ndarray], sizes: Sequence[int], scores: Sequence[float]
    ) -> None:
        """Add an epoch.

        Parameters
        ----------
        means : sequence of ndarray, shape (batches, 2)
            Mean loss and accuracy of each batch.
        sizes : sequence of int
            Rows of each batch.
        scores : (float, float)
            Loss and accuracy on the rows held out.
        """
        total = np.zeros(2)
        for batch, size in zip(np.asarray(means, np.float64), sizes, strict=True):
            total += batch * size
            self._state.batches += 1
            if self._state.diverged_at is None and not np.isfinite(batch[0]):
                self._state.diverged_at = self._state.batches
        # An accuracy is a whole number of hits, divided once.
        self._train.append((shortest(total[0] / sum(sizes)), round(total[1]) / sum(sizes)))
        self._held_out.append(tuple(scores))

    def done(self) -> tuple[Curve, Curve]:
        """Both curves: on the rows trained on, and on those held out."""
        pairs = (zip(*scores, strict=True) for scores in (self._train, self._held_out))
        return tuple(Curve(loss=loss, accuracy=accuracy) for loss, accuracy in pairs)


def trainer(
    model: Any, x: np.ndarray, targets: np.ndarray, size: int, several: bool = True
) -> Callable[[np.ndarray], Iterator[tuple[np.ndarray, int]]]:
    """What trains a model once on the given rows, in an order that it is told.

    Parameters
    ----------
    model : keras.Model
    x : ndarray of float32, shape (n, d)
    targets : ndarray of float32, shape (n, k)
        One-hot true classes.
    size : int
        Rows of a batch.
    several : bool
        Hand the framework several batches in one call, where it can take them; the updates are the same, bit for bit.

    Returns
    -------
    callable
        From row numbers, of shape (n,), to an iterator that trains batch after batch, and yields of each its mean loss and accuracy, float64 of
        shape (2,), and how many rows it has.
    """

    def by_the_batch(order: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield np.array(model.train_on_batch(x[rows], targets[rows])), len(rows)

    if not (several and hasattr(model, "train_on_batches")):
        return by_the_batch
    from keras import ops

    on_device = ops.convert_to_tensor(x), ops.convert_to_tensor(targets)

    def by_the_call(order: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
        most = len(order) if hasattr(model, "evaluate_rows") else BATCHES_A_CALL * size
        for start in range(0, len(order), most):
            rows = order[start : start + most]
            means = np.array(model.train_on_batches(*on_device, rows, size), np.float64)
            yield from ((mean, min(size, len(rows) - i * size)) for i, mean in enumerate(means))

    return by_the_call


def batch_order(spec: Spec, number: int, epoch: int, rows: int) -> np.ndarray:
    """The order in which model ``number`` of a run is shown its rows in an epoch, counted from 0: int64, shape (rows,)."""
    return np.random.default_rng([spec.seed, number, epoch]).permutation(rows)


def predict(model: Any, x: np.ndarray) -> np.ndarray:
    """The outputs of a model, dropout off: float32, shape (len(x), k)."""
    return np.concatenate(
        [
            model.predict_on_batch(x[start : start + EVALUATION_BATCH])
            for start in range(0, len(x), EVALUATION_BATCH)
        ]
    )


def evaluator(
    spec: Spec, model: Any, rows: tuple[np.ndarray, np.ndarray]
) -> Callable[[], tuple[np.ndarray, float, float]]:
    """What gives the outputs of a model on these rows, dropout off, their mean loss, in nats, and their accuracy."""
    x, y = rows
    if not hasattr(model, "evaluate_rows"):

        def by_the_batch() -> tuple[np.ndarray, float, float]:
            outputs = predict(model, x)
            return outputs, *score(spec, outputs, y)

        return by_the_batch
    from keras import ops

    on_device = (
        ops.convert_to_tensor(x),
        ops.convert_to_tensor(one_hot(y, networks.N_CLASSES[spec.dataset])),
    )

    def in_one_call() -> tuple[np.ndarray, float, float]:
        outputs, losses = map(np.asarray, model.evaluate_rows(*on_device))
        return outputs, *means(outputs, losses, y)

    return in_one_call


def score(spec: Spec, outputs: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean loss, in nats, and accuracy of outputs of shape (n, k) for the true classes y of shape (n,)."""
    from keras import ops

    pair = (
        ops.convert_to_tensor(one_hot(y, outputs.shape[1])),
        ops.convert_to_tensor(outputs),
    )  # PyTorch multiplies no array by a tensor
    return means(outputs, ops.convert_to_numpy(networks.loss_function(spec)(*pair)), y)


def means(outputs: np.ndarray, losses: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean loss, in nats, and accuracy of outputs of shape (n, k), whose losses, float32 of shape (n,), are known."""
    return shortest(losses.mean(dtype=np.float64)), float(np.mean(outputs.argmax(axis=1) == y))


def one_hot(y: np.ndarray, n_classes: int) -> np.ndarray:
    """Class numbers of shape (n,) as float32 of shape (n, n_classes)."""
    return np.eye(n_classes, dtype=np.float32)[y]


def seed_of(spec: Spec, number: int) -> int:
    """The seed of the weights and dropout masks of model ``number`` of a run: independent streams of the run's seed."""
    return int(np.random.SeedSequence([spec.seed, number]).generate_state(1)[0])


def anew(model: Any | None, spec: Spec, number: int) -> Any:
    """Model ``number`` of a run: new weights, new dropout masks, a new optimiser.

    A model that is there already lends its compiled functions and gets the new variables, for to trace them again takes longer than all
    of a WDBC fold.
    """
    new = networks.build(spec, seed_of(spec, number))
    if model is None:
        return new
    restore(model, variables(new))
    return model


def variables(model: Any) -> list[np.ndarray]:
    """Copies of everything that training changes: weights, the dropout generators' states, the optimiser's moments and step."""
    return [np.array(variable) for variable in (*model.variables, *model.optimizer.variables)]


def restore(model: Any, values: list[np.ndarray]) -> None:
    """Put :func:`variables` back into a model built from the same spec."""
    for variable, value in zip((*model.variables, *model.optimizer.variables), values, strict=True):
        variable.assign(value)


def _test(spec: Spec, outputs: np.ndarray, split: data.Split) -> Test:
    loss, _ = score(spec, outputs, split.y_test)
    return Test.of(split.y_test, outputs.argmax(axis=1), loss, split.n_classes)


def _seconds_since(started: float) -> float:
    return round(time.perf_counter() - started, 2)


class _Probed(Observer):
    """Looks into the model after every epoch, and passes the news on."""

    def __init__(
        self, spec: Spec, model: Any, x: np.ndarray, y: np.ndarray, observer: Observer
    ) -> None:
        self._look = lambda: probes.measure(
            spec, model, x, one_hot(y, networks.N_CLASSES[spec.dataset])
        )
        self._observer = observer
        self._found: list[dict[str, float] | None] = []

    def epoch(self) -> None:
        self._found.append(self._look())
        self._observer.epoch()

    def fold(self, state: State) -> None:
        self._observer.fold(state)

    def result(self) -> Probe | None:
        if None in self._found:
            return None
        return Probe(**{name: [found[name] for found in self._found] for name in probes.NAMES})
