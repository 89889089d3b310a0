"""Published records against runs made again.

A random sample of the records is retrained, each in the shortest form that tells: a ``carried`` run its first fold, a ``fresh`` run its
final model, for both come out the same whether or not the rest of the run is done. Where device, libraries, backend and threads are
those of the record, every loss and accuracy must be equal. Elsewhere rounding makes two runs part after some hundred updates, and only
the distribution can be compared: the test accuracies must differ by no more than :func:`tolerance`. So it is on an accelerator, which does
not always add in the same order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reluclf import data, formats
from reluclf.campaign import progress, training
from reluclf.judging import paper, selection
from reluclf.judging.judgement import listed
from reluclf.judging.statistics import Difference, paired
from reluclf.record import Record
from reluclf.spec import Spec
from reluclf.store import BACKENDS, Store

#: The probability with which two honest runs differ by more than the tolerance.
UNLIKELY = 0.001

#: Where fewer than three seeds tell how far runs spread, their standard deviation is taken to be this.
ASSUMED_STD = 0.01


@dataclass(frozen=True)
class Verdict:
    """What came of one retrained record: ``verdict`` is ``identical``, ``agrees`` or ``differs``; ``why`` says on what grounds."""

    spec: Spec
    verdict: str
    why: str


def shortest_telling(spec: Spec) -> Spec:
    """The spec whose run is the part of the given one that is retrained."""
    return spec.model_copy(update={"folds": 1 if spec.protocol == "carried" else 0})


def choose(records: Sequence[Record], seconds: float, workers: int, seed: int) -> list[Record]:
    """Records in random order, as many as so many workers retrain in about so many seconds; where that is too few for any, the quickest."""
    chosen, total = [], 0.0
    for i in np.random.default_rng(seed).permutation(len(records)):
        expected = _expected_seconds(records[i])
        if expected <= seconds and total + expected <= seconds * workers:
            chosen.append(records[i])
            total += expected
    return chosen or [min(records, key=_expected_seconds)]


def _expected_seconds(record: Record) -> float:
    share = progress.epochs(shortest_telling(record.spec)) / progress.epochs(record.spec)
    return 2 + share * sum([fold.seconds for fold in record.folds] + ([record.final.seconds] if record.final else []))


def tolerance(record: Record, records: Sequence[Record]) -> float:
    """How far two runs of one spec on different machines may differ in the test accuracy of the part that is retrained.

    Two runs differ by more with probability :data:`UNLIKELY`, by the t-distribution of the spread over the seeds of the same experiment, in the
    same part; if there are fewer than three, by the normal distribution and :data:`ASSUMED_STD`. It is never less than one test sample.
    """
    from scipy.special import ndtri, stdtrit

    kin = [_test_accuracy(other) for other in records if other.spec.model_copy(update={"seed": 0}) == record.spec.model_copy(update={"seed": 0})]
    known = len(kin) >= 3
    std, quantile = (np.std(kin, ddof=1), stdtrit(len(kin) - 1, 1 - UNLIKELY / 2)) if known else (ASSUMED_STD, ndtri(1 - UNLIKELY / 2))
    return max(float(quantile * 2**0.5 * std), 1 / len(record.test.labels))


def compare(published: Record, again: Record, records: Sequence[Record]) -> Verdict:
    """Compare a record with a run of its :func:`shortest_telling` spec."""
    pair = (published, again)
    # repr, because NaN is not equal to itself.
    if repr(_retrained(published, pair)) == repr(_retrained(again, pair)):
        return Verdict(published.spec, "identical", "every loss, accuracy and prediction that was made again is the same")
    old, new = (record.provenance for record in (published, again))
    moved = [name for name in ("device", "backend", "threads", "versions", "data") if getattr(old, name) != getattr(new, name)]
    if not moved and new.device.startswith("CPU"):
        return Verdict(published.spec, "differs", "device, libraries and data are those of the record, but the numbers are not")
    if "data" in moved:
        return Verdict(published.spec, "differs", "the data are not those of the record")
    difference, allowed = abs(_test_accuracy(published) - _test_accuracy(again)), tolerance(published, records)
    verdict = "agrees" if difference <= allowed else "differs"
    return Verdict(
        published.spec,
        verdict,
        f"{f'other {listed(moved)}' if moved else 'an accelerator'}; test accuracy {difference:.4f} apart, {allowed:.4f} allowed",
    )


def run(records: Sequence[Record], seconds: float, workers: int | None = None, seed: int = 0) -> list[Verdict]:
    """Retrain a random sample of records and compare.

    Parameters
    ----------
    records : sequence of Record
    seconds : float
        Wall time to spend, roughly.
    workers : int, optional
        Processes; by default one a core.
    seed : int
        Of the sample.
    """
    import joblib

    workers = workers or joblib.cpu_count()
    sample = choose(records, seconds, workers, seed)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        training.train_missing([shortest_telling(record.spec) for record in sample], store, workers)
        return [compare(record, store.read(shortest_telling(record.spec)), records) for record in sample]


def backends(by_backend: Mapping[str, Sequence[Record]], reference: str = "tensorflow") -> pd.DataFrame:
    """The same specs on Keras's backends, compared.

    Weights and dropout come from each backend's own random numbers, so two runs of one seed share their data, their split and the order of
    their batches, and no more: only the distribution over the seeds can be the same.

    Parameters
    ----------
    by_backend : mapping of str to sequence of Record
        The records that were made on each backend.
    reference : str
        The backend that the others are compared with, seed by seed.

    Returns
    -------
    DataFrame of str
        A row for each experiment and backend: test accuracy, its difference from the reference, whether the two are equivalent within
        :data:`reluclf.judging.selection.MARGIN`, how many runs lost a class, and how many had a loss that was not finite.
    """
    groups = {}
    for backend, records in by_backend.items():
        selection.note(records, f"{BACKENDS}/{backend}/")
        for record in records:
            groups.setdefault(record.spec.path.parent, {}).setdefault(backend, {})[record.spec.seed] = record
    rows = []
    for runs in groups.values():
        for backend in sorted(runs, key=list(by_backend).index):
            mine, theirs = runs[backend], runs.get(reference, {})
            common = sorted(mine.keys() & theirs.keys()) if backend != reference else []
            difference = paired([mine[seed].test.accuracy for seed in common], [theirs[seed].test.accuracy for seed in common], selection.MARGIN)
            rows.append(
                {
                    "network": _network(next(iter(mine.values())).spec),
                    "backend": backend,
                    "test accuracy, %": formats.cell(selection.measure(mine.values(), "test_accuracy"), "test_accuracy"),
                    f"minus {reference}, points": formats.difference_cell(difference),
                    "equivalent": _equivalent(difference),
                    "a class lost": f"{sum(run.test.lost for run in mine.values())} of {len(mine)}",
                    "loss not finite": f"{sum(run.diverged_at is not None for run in mine.values())} of {len(mine)}",
                }
            )
    columns = ["network", "backend", "test accuracy, %", f"minus {reference}, points", "equivalent", "a class lost", "loss not finite"]
    return pd.DataFrame(rows, columns=columns)


def _network(spec: Spec) -> str:
    name = f"{data.TITLES[spec.dataset]} {spec.architecture.upper()}-{paper.HEAD_TITLES[spec.head]}"
    return f"{name}, Keras's own loss" if spec.loss == "verbatim" else name


def _equivalent(difference: Difference | None) -> str:
    if difference is None:
        return formats.NONE
    if difference.equivalent:
        return "shown"
    return "they differ" if difference.less or difference.greater else "not shown"


def _retrained(record: Record, pair: tuple[Record, Record]) -> dict[str, Any]:
    """What both of a pair measured in the part of the run that is made again."""
    part = record.folds[0] if record.spec.protocol == "carried" else record.final
    found = part.model_dump(exclude={"seconds", "probe"})
    if record.spec.protocol == "fresh" or len({each.spec for each in pair}) == 1:  # else other folds came between
        found["tested"] = record.test.model_dump()
    probes = [each.final.probe.model_dump(exclude_none=True) if each.final and each.final.probe else {} for each in pair]
    found["probed"] = {name: getattr(record.final.probe, name) for name in sorted(probes[0].keys() & probes[1].keys())}
    return found


def _test_accuracy(record: Record) -> float:
    return record.folds[0].test.accuracy if record.spec.protocol == "carried" else record.final.test.accuracy[-1]
