"""Published records against runs made again.

A random sample of the records is retrained, each in the shortest form that tells: a ``carried`` run
its first fold, a ``fresh`` run its final model, for both come out the same whether or not the rest
of the run is done. Where device, libraries, backend and threads are those of the record, every loss
and accuracy must be equal. Elsewhere rounding makes two runs part after some hundred updates, and
only the distribution can be compared: the test accuracies must differ by no more than
:func:`tolerance`. So it is on an accelerator, which does not always add in the same order. A run
that had a lane is made again in a program of as many.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reluclf.campaign import accelerator, progress, runtime, training
from reluclf.record import Record
from reluclf.spec import Spec
from reluclf.store import Store

#: The probability with which two honest runs differ by more than the tolerance.
UNLIKELY = 0.001

#: Where fewer than three seeds tell how far runs spread, their standard deviation is taken to be
#: this.
ASSUMED_STD = 0.01


@dataclass(frozen=True)
class Recheck:
    """What came of one retrained record: ``identical``, ``agrees`` or ``differs``, and why."""

    spec: Spec
    verdict: str
    why: str


def shortest_telling(spec: Spec) -> Spec:
    """Name the part of a run that is retrained, as a spec."""
    return spec.model_copy(update={"folds": 1 if spec.protocol == "carried" else 0})


def choose(records: Sequence[Record], seconds: float, workers: int, seed: int) -> list[Record]:
    """Choose records at random, as many as the workers retrain in these seconds; at least one."""
    chosen, total = [], 0.0
    for i in np.random.default_rng(seed).permutation(len(records)):
        expected = _expected_seconds(records[i])
        if expected <= seconds and total + expected <= seconds * workers:
            chosen.append(records[i])
            total += expected
    return chosen or [min(records, key=_expected_seconds)]


def _expected_seconds(record: Record) -> float:
    share = progress.epochs(shortest_telling(record.spec)) / progress.epochs(record.spec)
    return 2 + share * sum(
        [fold.seconds for fold in record.folds] + ([record.final.seconds] if record.final else [])
    )


def tolerance(record: Record, records: Sequence[Record]) -> float:
    """Say how far the test accuracies of two runs of one spec may differ between machines.

    Two runs differ by more with probability :data:`UNLIKELY`, by the t-distribution of the spread
    over the seeds of the same experiment, in the same part; if there are fewer than three, by the
    normal distribution and :data:`ASSUMED_STD`. It is never less than one test sample.
    """
    from scipy.special import ndtri, stdtrit

    kin = [
        _test_accuracy(other)
        for other in records
        if other.spec.model_copy(update={"seed": 0}) == record.spec.model_copy(update={"seed": 0})
    ]
    known = len(kin) >= 3
    std, quantile = (
        (np.std(kin, ddof=1), stdtrit(len(kin) - 1, 1 - UNLIKELY / 2))
        if known
        else (ASSUMED_STD, ndtri(1 - UNLIKELY / 2))
    )
    return max(float(quantile * 2**0.5 * std), 1 / len(record.test.labels))


def compare(published: Record, again: Record, records: Sequence[Record]) -> Recheck:
    """Compare a record with a run of its :func:`shortest_telling` spec."""
    pair = (published, again)
    # repr, because NaN is not equal to itself.
    if repr(_retrained(published, pair)) == repr(_retrained(again, pair)):
        return Recheck(
            published.spec,
            "identical",
            "every loss, accuracy and prediction that was made again is the same",
        )
    old, new = (record.provenance for record in (published, again))
    moved = [
        name
        for name in ("device", "backend", "threads", "versions", "data", "width")
        if getattr(old, name) != getattr(new, name)
    ]
    # Older records do not say to what an accelerator was held.
    moved += [
        name
        for name in ("precision", "deterministic")
        if None is not getattr(old, name) != getattr(new, name)
    ]
    if not moved and new.device.startswith("CPU"):
        return Recheck(
            published.spec,
            "differs",
            "device, libraries and data are those of the record, but the numbers are not",
        )
    if "data" in moved:
        return Recheck(published.spec, "differs", "the data are not those of the record")
    difference, allowed = (
        abs(_test_accuracy(published) - _test_accuracy(again)),
        tolerance(published, records),
    )
    verdict = "agrees" if difference <= allowed else "differs"
    elsewhere = f"other {', '.join(moved)}" if moved else "an accelerator"
    return Recheck(
        published.spec,
        verdict,
        f"{elsewhere}; test accuracy {difference:.4f} apart, {allowed:.4f} allowed",
    )


def width_of(record: Record) -> int:
    """How many lanes the program has in which a record's run is made again.

    As many as it had, where that can give its bits: with its backend, and on an accelerator if it
    was made on one. Else the run is made alone.
    """
    made, backend = record.provenance, runtime.backend()
    same = made.backend == backend and (made.device.startswith("CPU") or accelerator.here(backend))
    return made.width if made.width and same else 1


def run(
    records: Sequence[Record], seconds: float, workers: int | None = None, seed: int = 0
) -> Iterator[Recheck]:
    """Retrain a random sample of records, and yield what comes of each.

    What was retrained before it is interrupted, or before one fails, is compared all the same.

    Parameters
    ----------
    records : sequence of Record
    seconds : float
        Wall time to spend, roughly.
    workers : int, optional
        Processes; by default what a campaign has.
    seed : int
        Of the sample.
    """
    backend = runtime.backend()
    workers = workers or accelerator.processes(backend, accelerator.lanes(backend))
    sample = choose(records, seconds, workers, seed)
    with tempfile.TemporaryDirectory() as folder:
        # Two records of one shortest form may have been made in programs of different widths.
        stores = {width_of(record): Store(Path(folder, str(width_of(record)))) for record in sample}
        try:
            for width, store in sorted(stores.items()):
                again = [
                    shortest_telling(record.spec) for record in sample if width_of(record) == width
                ]
                training.train_missing(again, store, workers, width=width)
        finally:
            for record in sample:
                store, spec = stores[width_of(record)], shortest_telling(record.spec)
                if spec in store:
                    yield compare(record, store.read(spec), records)


def _retrained(record: Record, pair: tuple[Record, Record]) -> dict[str, Any]:
    """Take from one of a pair what both measured in the part of the run that is made again."""
    part = record.final or record.folds[0]
    measured = part.model_dump(exclude={"seconds", "probe"})
    if record.final or pair[0].spec == pair[1].spec:  # else other folds came between
        measured["tested"] = record.test.model_dump()
    names = _probed(pair[0]).keys() & _probed(pair[1]).keys()
    measured["probed"] = {name: _probed(record)[name] for name in sorted(names)}
    return measured


def _probed(record: Record) -> dict[str, Any]:
    if record.final is None or record.final.probe is None:
        return {}
    return record.final.probe.model_dump(exclude_none=True)


def _test_accuracy(record: Record) -> float:
    return record.final.test.accuracy[-1] if record.final else record.folds[0].test.accuracy
