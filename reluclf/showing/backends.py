"""The same runs on Keras's backends, compared: one code, three frameworks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from reluclf.formats import NONE, cell, difference_cell
from reluclf.judging import paper
from reluclf.judging.evidence import measure, pairs
from reluclf.judging.statistics import Difference, paired
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.spec import Spec
from reluclf.store import BACKENDS

#: The backend that the others are compared with, seed by seed.
REFERENCE = "tensorflow"


@dataclass(frozen=True)
class Comparison:
    """The runs of one experiment on one backend.

    Attributes
    ----------
    backend : str
    runs : list of Record
    difference : Difference or None
        In test accuracy from the same seeds on :data:`REFERENCE`; None for its own runs, and
        without two common seeds.
    """

    backend: str
    runs: list[Record]
    difference: Difference | None

    @property
    def spec(self) -> Spec:
        """The spec of the first run."""
        return self.runs[0].spec

    @property
    def equivalent(self) -> bool:
        """Whether the two backends are shown to be equivalent within the margin."""
        return self.difference is not None and self.difference.equivalent

    @property
    def differs(self) -> bool:
        """Whether the two backends are shown to differ, and not to be equivalent."""
        found = self.difference
        return found is not None and not found.equivalent and (found.less or found.greater)


def comparisons(by_backend: Mapping[str, Sequence[Record]]) -> list[Comparison]:
    """Compare the same specs on Keras's backends: each experiment, backend by backend.

    Weights and dropout come from each backend's own random numbers, so two runs of one seed share
    their data, their split and the order of their batches, and no more: only the distribution over
    the seeds can be the same.

    Parameters
    ----------
    by_backend : mapping of str to sequence of Record
        The records that were made on each backend.
    """
    experiments: dict[object, dict[str, list[Record]]] = {}
    for backend, records in by_backend.items():
        for record in records:
            experiment = experiments.setdefault(record.spec.path.parent, {})
            experiment.setdefault(backend, []).append(record)
    compared = []
    for experiment in experiments.values():
        for backend, runs in experiment.items():
            theirs = experiment.get(REFERENCE, []) if backend != REFERENCE else []
            both = [[run.test.accuracy for run in pair] for pair in pairs(runs, theirs)]
            ours, reference = zip(*both, strict=True) if both else ((), ())
            compared.append(Comparison(backend, runs, paired(ours, reference, MARGIN)))
    return compared


def table(compared: Sequence[Comparison]) -> pd.DataFrame:
    """Show a row for each comparison: test accuracy, its difference, and what went wrong."""
    rows = []
    used: dict[str, list[Record]] = {}
    for one in compared:
        used.setdefault(f"{BACKENDS}/{one.backend}/", []).extend(one.runs)
        lost = [run for run in one.runs if run.test.lost]
        diverged = [run for run in one.runs if run.diverged_at is not None]
        row = {
            "network": _network(one.spec),
            "backend": one.backend,
            "test accuracy, %": cell(measure(one.runs, "test_accuracy"), "test_accuracy"),
            f"minus {REFERENCE}, points": difference_cell(one.difference),
            "equivalent": _shown(one),
            "a class lost": f"{len(lost)} of {len(one.runs)}",
            "loss not finite": f"{len(diverged)} of {len(one.runs)}",
        }
        rows.append(row)
    return origins.rests_on(pd.DataFrame(rows), used)


def _shown(one: Comparison) -> str:
    if one.difference is None:
        return NONE
    if one.equivalent:
        return "shown"
    return "they differ" if one.differs else "not shown"


def facts(compared: Sequence[Comparison]) -> dict[str, str | int]:
    """Count what the appendix's prose says of the comparisons, by the names it is glued under."""
    guarded, own = (
        [one for one in compared if one.difference is not None and one.spec.loss == loss]
        for loss in ("guarded", "verbatim")
    )
    return {
        "appendices_compared": len(guarded),
        "appendices_equivalent": sum(one.equivalent for one in guarded),
        "appendices_different": sum(one.differs for one in guarded) or "none",
        "appendices_own": len(own),
        "appendices_own_different": sum(one.differs for one in own),
    }


def _network(spec: Spec) -> str:
    name = paper.title(spec.dataset, spec.architecture, spec.head)
    return f"{name}, Keras's own loss" if spec.loss == "verbatim" else name
