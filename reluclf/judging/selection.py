"""Which records a result rests on, and what is estimated from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from reluclf.judging.statistics import Difference, Estimate, estimate, paired
from reluclf.record import Record
from reluclf.spec import N_SPLITS, Spec

#: How each measure of a record is had.
_OF_RECORD: dict[str, Callable[[Record], float]] = {
    "cv_accuracy": lambda record: record.cv_accuracy,
    "cv_std": lambda record: record.cv_std,
    "test_loss": lambda record: record.test.loss,
    "test_accuracy": lambda record: record.test.accuracy,
    "precision": lambda record: record.test.precision,
    "recall": lambda record: record.test.recall,
    "f1": lambda record: record.test.f1,
}

#: Two accuracies or F1s that differ by no more than this are on par. The paper calls F1s equal that agree in two decimals.
MARGIN = 0.01

_noted: dict[str, dict[Spec, Record]] = {}


def note(records: Iterable[Record], folder: str = "") -> None:
    """Keep in mind that what is being made rests on these records; :func:`of_setting` does so for all that it finds.

    Parameters
    ----------
    records : iterable of Record
    folder : str
        Where their store lies within ``results/``.
    """
    _noted.setdefault(folder, {}).update((record.spec, record) for record in records)


def noted() -> dict[str, list[Record]]:
    """The records noted since this was last asked, by folder: those that what was made in the meantime rests on."""
    records = {folder: list(found.values()) for folder, found in _noted.items() if found}
    _noted.clear()
    return records


def select(records: Iterable[Record], **fields: Any) -> list[Record]:
    """Those of the records whose spec has the given values."""
    return [record for record in records if all(getattr(record.spec, name) == value for name, value in fields.items())]


def of_setting(records: Iterable[Record], setting: dict[str, Any] | None = None, **fields: Any) -> list[Record]:
    """Those of the records whose spec has the given values and departs from the author's code in the given setting only, by default in nothing.

    Of runs that differ in how many folds they have only, the one with most is taken: made on one machine, their final models are one and the same.
    """
    found: dict[Any, Record] = {}
    for record in select(records, **fields):
        if record.spec.setting == (setting or {}):
            key = record.spec.model_copy(update={"folds": N_SPLITS})
            if key not in found or record.spec.folds > found[key].spec.folds:
                found[key] = record
    note(found.values())
    return list(found.values())


def measure(records: Iterable[Record], name: str) -> Estimate | None:
    """Estimate one of :data:`reluclf.judging.paper.MEASURES` from the records that have it; None if none does.

    The measures of the cross-validation are taken from whole cross-validations only, those with as many folds as the most complete one.
    """
    records = list(records)
    if name.startswith("cv_"):
        most = max((len(record.folds) for record in records), default=0)
        records = [record for record in records if record.folds and len(record.folds) == most]
    return estimate([_OF_RECORD[name](record) for record in records])


def seeds_paired(a: dict[int, Record], b: dict[int, Record]) -> Difference | None:
    """The difference in test accuracy of runs paired by seed; None if fewer than two seeds are in both."""
    seeds = sorted(a.keys() & b.keys())
    return paired([a[seed].test.accuracy for seed in seeds], [b[seed].test.accuracy for seed in seeds], margin=MARGIN)


def by_seed(records: Sequence[Record], setting: dict[str, Any] | None = None, **fields: Any) -> dict[int, Record]:
    """Those of the records that :func:`of_setting` selects, by seed."""
    return {record.spec.seed: record for record in of_setting(records, setting, **fields)}


def mean_matrix(records: Sequence[Record]) -> np.ndarray | None:
    """The mean confusion matrix of the records: float64, shape (k, k); None if there is none."""
    return np.mean([record.test.confusion_matrix for record in records], axis=0) if records else None
