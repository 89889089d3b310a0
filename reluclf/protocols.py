"""How a network is trained and tested: the protocols ``carried`` and ``fresh``.

``carried`` is what the author's code did: one model, compiled once, goes through all ten folds, so
from the second fold on it is validated on rows that it has been trained on. ``fresh`` is how we
read the paper, whose text names ten folds (section 2.5): every fold starts from new weights, and
then one model is trained on the whole training set, for the test. That the scaler and the
components are learnt from each fold's training rows only is our choice, as the final model is.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from reluclf import data, fitting, networks, probes, scoring
from reluclf.data import Rows
from reluclf.fitting import Observer, State, Trained, Training
from reluclf.record import Curve, Final, Fold, Score, Test
from reluclf.spec import Spec

#: The number of the model on the whole training set (``fresh``), and of the one carried model;
#: folds are numbered from 1.
WHOLE = 0


@dataclass(frozen=True)
class Outcome:
    """The measurements of a finished run, as its record has them."""

    folds: tuple[Fold, ...]
    final: Final | None
    diverged_at: int | None
    test: Test


#: A run step by step: it yields each training that it needs, is sent what came of that, and returns
#: its outcome.
Course = Generator[Training, Trained, Outcome]


def run(spec: Spec, observer: Observer | None = None, state: State | None = None) -> Outcome:
    """Train and test a network as its spec says.

    Parameters
    ----------
    spec : Spec
    observer : Observer, optional
    state : State, optional
        Where an interrupted run of the same spec had got to; the rest is then the same, bit for
        bit, as if it had not been interrupted.

    Returns
    -------
    Outcome

    Raises
    ------
    DataError
        If the images cannot be had.

    Examples
    --------
    >>> wdbc = Spec(dataset="wdbc", architecture="logistic", head="softmax", protocol="fresh",
    ...             seed=1, epochs=1, folds=0)
    >>> round(run(wdbc).test.accuracy, 2)
    0.96
    """
    steps = course(spec, observer, state)
    trained: Any = None  # nothing, at first
    while True:
        try:
            training = steps.send(trained)
        except StopIteration as end:
            return end.value
        trained = fitting.fit(training)


def course(spec: Spec, observer: Observer | None = None, state: State | None = None) -> Course:
    """Go through a run step by step; :mod:`reluclf.campaign.lanes` goes through several at once."""
    if spec.architecture == "logistic":
        return _logistic(spec)
    protocol = _carried if spec.protocol == "carried" else _fresh
    return (yield from protocol(spec, observer or Observer(), state or State()))


def _carried(spec: Spec, observer: Observer, state: State) -> Course:
    whole = data.prepared(spec)
    test = (whole.x_test, whole.y_test)
    model = networks.build(spec, seed_of(spec, WHOLE))
    if state.weights is not None:
        fitting.restore(model, state.weights)
    folds = data.folds(whole.y_train)
    for number in range(len(state.folds) + 1, spec.folds + 1):
        train, validate = folds[number - 1]
        fold = data.Fold(
            train=(whole.x_train[train], whole.y_train[train]),
            held_out=(whole.x_train[validate], whole.y_train[validate]),
            test=test,
        )
        yield from _one_fold(spec, number, model, fold, state, observer)
    outputs, *_ = scoring.Evaluator(spec, model, test)()
    tested = _test(spec, outputs, whole.y_test)
    return Outcome(tuple(state.folds), None, state.diverged_at, tested)


def _fresh(spec: Spec, observer: Observer, state: State) -> Course:
    model = None
    for number in range(len(state.folds) + 1, spec.folds + 1):
        fold = data.prepared_fold(spec, number)
        model = anew(model, spec, number)
        yield from _one_fold(spec, number, model, fold, state, observer)
    whole = data.prepared(spec)
    test = (whole.x_test, whole.y_test)
    model = anew(model, spec, WHOLE)
    started = time.perf_counter()
    train = (whole.x_train, whole.y_train)
    probed = (whole.x_train[: probes.ROWS], whole.y_train[: probes.ROWS])
    trained = yield Training(spec, WHOLE, model, train, test, state, observer, probed)
    final = Final(
        n_train=len(whole.x_train),
        train=trained.train,
        test=trained.held_out,
        probe=trained.probe,
        seconds=_seconds_since(started),
    )
    tested = _test(spec, trained.outputs, whole.y_test)
    return Outcome(tuple(state.folds), final, state.diverged_at, tested)


def _one_fold(
    spec: Spec, number: int, model: Any, fold: data.Fold, state: State, observer: Observer
) -> Generator[Training, Trained, None]:
    """Train in one fold and test after it; what was measured goes into the state."""
    started = time.perf_counter()
    trained = yield Training(spec, number, model, fold.train, fold.held_out, state, observer)
    _, loss, accuracy = scoring.Evaluator(spec, model, fold.test)()
    measured = Fold(
        fold=number,
        n_train=len(fold.train[0]),
        n_validation=len(fold.held_out[0]),
        train=trained.train,
        validation=trained.held_out,
        test=Score(loss=loss, accuracy=accuracy),
        seconds=_seconds_since(started),
    )
    state.folds.append(measured)
    if spec.protocol == "carried":
        state.weights = fitting.variables(model)
    observer.fold(state)


def _logistic(spec: Spec) -> Outcome:
    """Fit logistic regression, with scikit-learn's default penalty, to the networks' own rows."""
    split = data.load_split(spec)
    test = (split.x_test, split.y_test)
    folds = []
    for number, (train, validate) in enumerate(data.folds(split.y_train)[: spec.folds], start=1):
        started = time.perf_counter()
        rows = (split.x_train[train], split.y_train[train])
        held_out = (split.x_train[validate], split.y_train[validate])
        (trained, validated, tested), _ = _solve(spec, rows, held_out, test)
        fold = Fold(
            fold=number,
            n_train=len(train),
            n_validation=len(validate),
            train=_curve(trained),
            validation=_curve(validated),
            test=tested,
            seconds=_seconds_since(started),
        )
        folds.append(fold)
    started = time.perf_counter()
    (trained, tested), outputs = _solve(spec, (split.x_train, split.y_train), test)
    final = Final(
        n_train=len(split.y_train),
        train=_curve(trained),
        test=_curve(tested),
        seconds=_seconds_since(started),
    )
    return Outcome(tuple(folds), final, None, _test(spec, outputs, split.y_test))


def _solve(spec: Spec, train: Rows, *others: Rows) -> tuple[list[Score], np.ndarray]:
    """Solve it for some rows; return the scores on these and the others, and the last outputs."""
    from sklearn.linear_model import LogisticRegression

    labels = [y for _, y in (train, *others)]
    prepared = data.prepare(spec, *(x for x, _ in (train, *others)))
    model = LogisticRegression(max_iter=1_000, random_state=spec.seed).fit(prepared[0], labels[0])
    scores = []
    for x, y in zip(prepared, labels, strict=True):
        outputs = model.predict_proba(x).astype(np.float32)
        loss, accuracy = scoring.score(spec, outputs, y)
        scores.append(Score(loss=loss, accuracy=accuracy))
    return scores, outputs


def _curve(score: Score) -> Curve:
    return Curve(loss=(score.loss,), accuracy=(score.accuracy,))


def seed_of(spec: Spec, number: int) -> int:
    """Draw the seed of the weights and dropout masks of model ``number`` of a run.

    The models have independent streams of the run's seed.
    """
    return int(np.random.SeedSequence([spec.seed, number]).generate_state(1)[0])


def anew(model: Any | None, spec: Spec, number: int) -> Any:
    """Build model ``number`` of a run: new weights, new dropout masks, a new optimiser.

    A model that is there already gets the new variables and keeps its compiled functions: tracing
    them again takes longer than a fold of WDBC.
    """
    new = networks.build(spec, seed_of(spec, number))
    if model is None:
        return new
    fitting.restore(model, fitting.variables(new))
    return model


def _test(spec: Spec, outputs: np.ndarray, y: np.ndarray) -> Test:
    loss, _ = scoring.score(spec, outputs, y)
    return Test.of(y, outputs.argmax(axis=1), loss, networks.N_CLASSES[spec.dataset])


def _seconds_since(started: float) -> float:
    return round(time.perf_counter() - started, 2)
