"""Which records a result rests on, and what is estimated from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from reluclf.judging.statistics import Difference, Estimate, estimate, paired, unpaired
from reluclf.judging.thresholds import MARGIN
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

_noted: dict[str, dict[Spec, Record]] = {}


def note(records: Iterable[Record], folder: str = "") -> None:
    """Keep in mind that what is being made rests on these records; :func:`of_setting` does so.

    Parameters
    ----------
    records : iterable of Record
    folder : str
        Where their store lies within ``results/``.
    """
    _noted.setdefault(folder, {}).update((record.spec, record) for record in records)


def noted() -> dict[str, list[Record]]:
    """Return the records noted since this was last asked, by folder, and forget them."""
    records = {folder: list(kept.values()) for folder, kept in _noted.items() if kept}
    _noted.clear()
    return records


def select(records: Iterable[Record], **fields: Any) -> list[Record]:
    """Select those of the records whose spec has the given values."""
    return [
        record
        for record in records
        if all(getattr(record.spec, name) == value for name, value in fields.items())
    ]


def of_setting(
    records: Iterable[Record], setting: dict[str, Any] | None = None, **fields: Any
) -> list[Record]:
    """Select records by their spec, of those that depart from the author's code in a setting only.

    Of runs that differ only in how many folds they have, the one with most is taken: made on one
    machine, their final models are one and the same.

    Parameters
    ----------
    records : iterable of Record
    setting : dict, optional
        By default the runs depart in nothing.
    **fields
        Values of the spec.
    """
    most: dict[Any, Record] = {}
    for record in select(records, **fields):
        if record.spec.setting == (setting or {}):
            key = record.spec.model_copy(update={"folds": N_SPLITS})
            if key not in most or record.spec.folds > most[key].spec.folds:
                most[key] = record
    note(most.values())
    return list(most.values())


def measure(records: Iterable[Record], name: str) -> Estimate | None:
    """Estimate one of :data:`reluclf.judging.paper.MEASURES`; None if no record gives it.

    Measures of the cross-validation are taken from the records with the most folds alone.
    """
    records = list(records)
    if name.startswith("cv_"):
        most = max((len(record.folds) for record in records), default=0)
        records = [record for record in records if record.folds and len(record.folds) == most]
    return estimate([_OF_RECORD[name](record) for record in records])


def difference(
    a: dict[int, Record], b: dict[int, Record], name: str = "test_accuracy"
) -> Difference | None:
    """Compare two networks in a measure: paired by seed on WDBC, else all runs of each.

    On WDBC a seed is a split; on images two networks with one seed have nothing in common.

    Parameters
    ----------
    a, b : dict of int to Record
        Runs by seed.
    name : str
        One of :data:`reluclf.judging.paper.MEASURES`.

    Returns
    -------
    Difference or None
        Of a - b; None if there are fewer than two runs, or pairs.
    """
    value = _OF_RECORD[name]
    if any(run.spec.dataset == "wdbc" for run in a.values()):
        seeds = sorted(a.keys() & b.keys())
        return paired(
            [value(a[seed]) for seed in seeds], [value(b[seed]) for seed in seeds], MARGIN
        )
    return unpaired([value(run) for run in a.values()], [value(run) for run in b.values()], MARGIN)


def by_seed(
    records: Sequence[Record], setting: dict[str, Any] | None = None, **fields: Any
) -> dict[int, Record]:
    """Index those of the records that :func:`of_setting` selects by their seed."""
    return {record.spec.seed: record for record in of_setting(records, setting, **fields)}


def mean_matrix(records: Sequence[Record]) -> np.ndarray | None:
    """Average the confusion matrices: float64, shape (k, k); None if there is no record."""
    matrices = [record.test.confusion_matrix for record in records]
    return np.mean(matrices, axis=0) if matrices else None
