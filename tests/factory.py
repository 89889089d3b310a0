"""Records made up for tests of what is computed from records; their numbers are the test's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from reluclf import data
from reluclf.judging.verdicts import Verdict, judge
from reluclf.record import Curve, Final, Fold, Provenance, Record, Score, Test
from reluclf.spec import Spec

CLASSES = {"mnist": 10, "fashion_mnist": 10, "wdbc": 2}
SUPPORTS = {
    "mnist": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    "fashion_mnist": [1000] * 10,
    "wdbc": [64, 107],
}


def record(spec: Spec, fold_accuracy: list[float], hits: float, diverged_at: int | None = None) -> Record:
    """A record with the given fold accuracies, whose test predictions are right for the first ``hits`` (a share) of every class."""
    k = CLASSES[spec.dataset]
    labels = np.repeat(np.arange(k), SUPPORTS[spec.dataset])
    rank = np.concatenate([np.arange(n) / n for n in SUPPORTS[spec.dataset]])
    predictions = np.where(rank < hits, labels, (labels + 1) % k)
    test = Test.of(labels, predictions, 0.25, k)

    def curve(last: float) -> Curve:
        return Curve(loss=[1 - last] * spec.epochs, accuracy=[last] * spec.epochs)

    folds = [
        Fold(
            fold=i + 1,
            n_train=900,
            n_validation=100,
            train=curve(accuracy),
            validation=curve(accuracy),
            test=Score(loss=0.25, accuracy=test.accuracy),
            seconds=1.0,
        )
        for i, accuracy in enumerate(fold_accuracy)
    ]
    final = Final(n_train=1000, train=curve(test.accuracy), test=curve(test.accuracy), seconds=1.0) if spec.protocol == "fresh" else None
    provenance = Provenance(
        started=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=11.0,
        commit="0" * 40,
        modified=False,
        code="0" * 64,
        versions={"python": "3", "tensorflow": "2"},
        backend="tensorflow",
        device="CPU, a test",
        threads=1,
        data=data.checksums(spec.dataset),
    )
    return Record(spec=spec, folds=folds, final=final, diverged_at=diverged_at, test=test, provenance=provenance)


def run(
    dataset: str, architecture: str, head: str, protocol: str, seed: int, folds: Sequence[float] | None = None, hits: float = 0.9, **fields: object
) -> Record:
    """A record of this network with the given fold accuracies, by default ten that are all ``hits``, as the share of every class that is right."""
    accuracies = list(folds) if folds is not None else [hits] * 10
    spec = Spec(dataset=dataset, architecture=architecture, head=head, protocol=protocol, seed=seed, folds=len(accuracies), **fields)
    return record(spec, accuracies, hits)


def verdict(identifier: str, records: Iterable[Record]) -> Verdict:
    """The verdict on one item."""
    return next(found for found in judge(records) if found.id == identifier)
