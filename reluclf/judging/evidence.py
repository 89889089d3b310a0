"""The runs that tables, figures and verdicts select from, and what is measured of them."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from reluclf.judging.design import Cell, Condition, Lacking, cells_of, planned
from reluclf.judging.statistics import Difference, Estimate, estimate, paired, unpaired
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Probe, Record
from reluclf.spec import N_SPLITS, Spec


class Evidence:
    """Runs to select from; ``seen`` has those that were handed out.

    So what a result rests on is known from the evidence that its maker was given: every way to get
    at a run goes through here, and nothing has to be noted by hand.

    Parameters
    ----------
    records : iterable of Record
        Of runs that differ only in how many folds they have, the one with most counts.
    early : bool
        Hand out the runs that are there even where the design has more: for what pages show
        before a verdict is given, never for a verdict.
    """

    def __init__(self, records: Iterable[Record], early: bool = False) -> None:
        self.records = tuple(records)
        self.early = early
        self.seen: dict[Spec, Record] = {}

    @classmethod
    def of(cls, records: Iterable[Record]) -> Evidence:
        """Return records as evidence, and evidence as it is."""
        return records if isinstance(records, Evidence) else cls(records)

    def view(self) -> Evidence:
        """Return the same runs, for a verdict: none is handed out yet, and none early."""
        self._by_cell  # noqa: B018 - made once, and shared
        view = copy.copy(self)
        view.early, view.seen = False, {}
        return view

    def before_complete(self) -> Evidence:
        """Return the same runs, ``early``; what it hands out counts as handed out by this one."""
        early = copy.copy(self)
        early.early = True
        return early

    def __iter__(self) -> Iterator[Record]:
        return iter(self._handed_out(self.records))

    def runs(self, *cells: Cell) -> list[list[Record]]:
        """Return the runs of each cell, seeds 1 to n in order.

        Raises
        ------
        Lacking
            If a cell has fewer than the design says; all such cells are named at once.
        """
        chosen = [self.there(cell) for cell in cells]
        lacking = {
            cell: (len(runs), planned()[cell])
            for cell, runs in zip(cells, chosen, strict=True)
            if len(runs) < (2 if self.early else planned()[cell])
        }
        if lacking:
            raise Lacking(lacking)
        return chosen

    def there(self, cell: Cell) -> list[Record]:
        """Return the runs of a cell that are there, of seeds 1 to n, in order."""
        by_seed = self._by_cell.get(cell, {})
        seeds = [seed for seed in sorted(by_seed) if 1 <= seed <= planned()[cell]]
        return self._handed_out(by_seed[seed] for seed in seeds)

    def of_setting(self, setting: dict[str, Any] | None = None, **fields: Any) -> list[Record]:
        """Return the runs that depart from the author's code in a setting only.

        Parameters
        ----------
        setting : dict, optional
            By default the runs depart in nothing.
        **fields
            Values of the spec.
        """
        most: dict[Spec, Record] = {}
        for record in self.records:
            spec = record.spec
            if spec.setting == (setting or {}) and all(
                getattr(spec, name) == value for name, value in fields.items()
            ):
                key = spec.model_copy(update={"folds": N_SPLITS})
                if key not in most or spec.folds > most[key].spec.folds:
                    most[key] = record
        return self._handed_out(most.values())

    def _handed_out(self, records: Iterable[Record]) -> list[Record]:
        chosen = list(records)
        self.seen.update((record.spec, record) for record in chosen)
        return chosen

    @functools.cached_property
    def _by_cell(self) -> dict[Cell, dict[int, Record]]:
        index: dict[Cell, dict[int, Record]] = {}
        for record in self.records:
            for cell in cells_of(record.spec):
                by_seed = index.setdefault(cell, {})
                other = by_seed.get(record.spec.seed)
                if other is None or record.spec.folds > other.spec.folds:
                    by_seed[record.spec.seed] = record
        return index


def of_setting(
    records: Iterable[Record], setting: dict[str, Any] | None = None, **fields: Any
) -> list[Record]:
    """Select runs as :meth:`Evidence.of_setting` does."""
    return Evidence.of(records).of_setting(setting, **fields)


def under(
    records: Iterable[Record], condition: Condition, dataset: str, **fields: Any
) -> list[Record]:
    """Select the runs of a data set under a condition, of whatever length and seed."""
    return of_setting(
        records,
        condition.setting(dataset),
        dataset=dataset,
        protocol=condition.protocol,
        **fields,
    )


def by_seed(runs: Iterable[Record]) -> dict[int, Record]:
    """Index runs of one kind by their seed."""
    return {run.spec.seed: run for run in runs}


#: How a run has each of :data:`reluclf.judging.paper.MEASURES`.
OF_RUN: dict[str, Callable[[Record], float]] = {
    "cv_accuracy": lambda record: record.cv_accuracy,
    "cv_std": lambda record: record.cv_std,
    "test_loss": lambda record: record.test.loss,
    "test_accuracy": lambda record: record.test.accuracy,
    "precision": lambda record: record.test.precision,
    "recall": lambda record: record.test.recall,
    "f1": lambda record: record.test.f1,
}


def measure(records: Iterable[Record], name: str) -> Estimate | None:
    """Estimate one of :data:`reluclf.judging.paper.MEASURES`; None if no record gives it.

    Measures of the cross-validation are taken from the records with the most folds alone.
    """
    records = list(records)
    if name.startswith("cv_"):
        most = max((len(record.folds) for record in records), default=0)
        records = [record for record in records if record.folds and len(record.folds) == most]
    return estimate([OF_RUN[name](record) for record in records])


def difference(
    a: Iterable[Record], b: Iterable[Record], name: str = "test_accuracy"
) -> Difference | None:
    """Compare two networks in a measure: paired by seed on WDBC, else all runs of each.

    On WDBC a seed is a split; on images two networks with one seed have nothing in common.

    Parameters
    ----------
    a, b : iterable of Record
    name : str
        One of :data:`reluclf.judging.paper.MEASURES`.

    Returns
    -------
    Difference or None
        Of a - b; None if there are fewer than two runs, or pairs.
    """
    a, b, value = list(a), list(b), OF_RUN[name]
    if any(run.spec.dataset == "wdbc" for run in a):
        both = pairs(a, b)
        return paired([value(run) for run, _ in both], [value(run) for _, run in both], MARGIN)
    return unpaired([value(run) for run in a], [value(run) for run in b], MARGIN)


def accuracies(runs: Iterable[Record]) -> list[float]:
    """List the test accuracies of runs."""
    return [run.test.accuracy for run in runs]


def probe_of(run: Record) -> Probe | None:
    """Return what was measured of gradients and dead units in a run, if it was."""
    return run.final.probe if run.final is not None else None


def probes(runs: Iterable[Record]) -> list[Probe]:
    """List what was measured of gradients and dead units, of the runs in which it was."""
    return [probe for run in runs if (probe := probe_of(run))]


def pairs(a: Iterable[Record], b: Iterable[Record]) -> list[tuple[Record, Record]]:
    """Pair the runs of two networks that have one seed, by seed."""
    first, second = by_seed(a), by_seed(b)
    return [(first[seed], second[seed]) for seed in sorted(first.keys() & second.keys())]
