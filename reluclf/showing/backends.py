"""The same runs on Keras's backends, compared: one code, three frameworks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from reluclf import formats
from reluclf.judging import paper
from reluclf.judging.evidence import measure, pairs
from reluclf.judging.statistics import Difference, paired
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.spec import TITLES, Spec
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
        In test accuracy from the same seeds on :data:`REFERENCE`; None for its own runs, and without two common seeds.
    """

    backend: str
    runs: list[Record]
    difference: Difference | None

    @property
    def spec(self) -> Spec:
        """The spec of the first run."""
        return self.runs[0].spec

    @property
    def equivalent(self) -> str:
        """Whether the two backends are shown to be equivalent within two points, as text."""
        if self.difference is None:
            return formats.NONE
        if self.difference.equivalent:
            return "shown"
        return "they differ" if self.differs else "not shown"

    @property
    def differs(self) -> bool:
        """Whether the two backends are shown to differ, and not to be equivalent."""
        shown = self.difference
        return shown is not None and not shown.equivalent and (shown.less or shown.greater)


def comparisons(by_backend: Mapping[str, Sequence[Record]]) -> list[Comparison]:
    """Compare the same specs on Keras's backends.

    Weights and dropout come from each backend's own random numbers, so two runs of one seed share their data, their split and the order of
    their batches, and no more: only the distribution over the seeds can be the same.

    Parameters
    ----------
    by_backend : mapping of str to sequence of Record
        The records that were made on each backend.

    Returns
    -------
    list of Comparison
        One for each experiment and backend.
    """
    experiments: dict[object, dict[str, list[Record]]] = {}
    for backend, records in by_backend.items():
        for record in records:
            experiment = experiments.setdefault(record.spec.path.parent, {})
            experiment.setdefault(backend, []).append(record)
    compared = []
    for experiment in experiments.values():
        for backend in by_backend:
            if backend in experiment:
                runs = experiment[backend]
                theirs = [] if backend == REFERENCE else experiment.get(REFERENCE, [])
                compared.append(Comparison(backend, runs, _paired(runs, theirs)))
    return compared


def _paired(mine: Sequence[Record], theirs: Sequence[Record]) -> Difference | None:
    both = pairs(mine, theirs)
    ours = [run.test.accuracy for run, _ in both]
    reference = [run.test.accuracy for _, run in both]
    return paired(ours, reference, MARGIN)


def table(compared: Sequence[Comparison]) -> pd.DataFrame:
    """Write a row for each comparison: test accuracy, its difference, and how many runs lost a class or had a loss that was not finite."""
    columns = [
        "network",
        "backend",
        "test accuracy, %",
        f"minus {REFERENCE}, points",
        "equivalent",
        "a class lost",
        "loss not finite",
    ]
    rows = []
    for one in compared:
        n = len(one.runs)
        lost = sum(run.test.lost for run in one.runs)
        diverged = sum(run.diverged_at is not None for run in one.runs)
        accuracy = formats.cell(measure(one.runs, "test_accuracy"), "test_accuracy")
        difference = formats.difference_cell(one.difference)
        rows.append(
            [
                _network(one.spec),
                one.backend,
                accuracy,
                difference,
                one.equivalent,
                f"{lost} of {n}",
                f"{diverged} of {n}",
            ]
        )
    used: dict[str, list[Record]] = {}
    for one in compared:
        used.setdefault(f"{BACKENDS}/{one.backend}/", []).extend(one.runs)
    return origins.rests_on(pd.DataFrame(rows, columns=columns), used)


def facts(compared: Sequence[Comparison]) -> dict[str, object]:
    """Count what the appendix's prose says of the comparisons, by the names it is glued under."""
    pairs = [one for one in compared if one.difference is not None]
    guarded = [one for one in pairs if one.spec.loss == "guarded"]
    own = [one for one in pairs if one.spec.loss == "verbatim"]
    return {
        "appendices_compared": len(guarded),
        "appendices_equivalent": sum(one.equivalent == "shown" for one in guarded),
        "appendices_different": sum(one.differs for one in guarded) or "none",
        "appendices_own": len(own),
        "appendices_own_different": sum(one.differs for one in own),
    }


def _network(spec: Spec) -> str:
    name = f"{TITLES[spec.dataset]} {spec.architecture.upper()}-{paper.HEAD_TITLES[spec.head]}"
    return f"{name}, Keras's own loss" if spec.loss == "verbatim" else name
