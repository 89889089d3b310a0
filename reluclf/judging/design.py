"""The design: how many runs of which network, under which condition, a verdict waits for."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from reluclf import paths
from reluclf.judging import paper
from reluclf.record import Record
from reluclf.spec import N_SPLITS, Spec

#: The epochs of a training in the paper.
EPOCHS = 32


@dataclass(frozen=True, eq=False)
class Condition:
    """How runs are made.

    *As run* is what the author's code did: one model goes through all ten folds, and on WDBC it
    sees raw measurements. *As written* is how we read his text: new weights in every fold, then a
    final model; and standardised measurements.

    Attributes
    ----------
    name : str
        In the words of the pages.
    protocol : str
    departs : dict
        How the runs depart from the author's code; see :attr:`reluclf.spec.Spec.setting`.
    whole : bool
        Whether they must have all ten folds.
    """

    name: str
    protocol: str
    departs: dict[str, Any] = field(default_factory=dict)
    whole: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """Its name as part of another name: ``as_run``."""
        return self.name.replace(" ", "_")

    def setting(self, dataset: str) -> dict[str, Any]:
        """The same of the runs of a data set: on WDBC the author trained on raw measurements."""
        raw = self.protocol == "carried" and dataset == "wdbc"
        return self.departs | ({"features": "raw"} if raw else {})

    def holds(self, spec: Spec) -> bool:
        """Whether a run is made so, over the paper's 32 epochs and on all samples."""
        if (spec.protocol, spec.epochs, spec.samples) != (self.protocol, EPOCHS, None):
            return False
        if self.whole and spec.folds != N_SPLITS:
            return False
        return spec.setting == self.setting(spec.dataset)


AS_RUN = Condition("as run", "carried", whole=True)
AS_WRITTEN = Condition("as written", "fresh")

#: The conditions under which the paper's experiments are repeated.
BOTH = (AS_RUN, AS_WRITTEN)

#: All conditions, by name.
CONDITIONS = {
    condition.name: condition
    for condition in (
        *BOTH,
        Condition("as written, ten folds", "fresh", whole=True),
        Condition("clipped", "fresh", {"clipnorm": 1.0}),
        Condition("initial bias", "fresh", {"bias": 1.0}),
        Condition("leaky hidden units", "fresh", {"hidden": "leaky_relu"}),
        Condition("pixels", "fresh", {"features": "pixels"}),
        Condition("shuffled components", "fresh", {"features": "shuffled"}),
    )
}


class Cell(NamedTuple):
    """A network under a condition."""

    dataset: str
    architecture: str
    head: str
    condition: str

    @property
    def title(self) -> str:
        """The cell in words, as ``MNIST CNN-ReLU, as run``."""
        return f"{paper.title(self.dataset, self.architecture, self.head)}, {self.condition}"


@functools.cache
def planned() -> dict[Cell, int]:
    """Read how many runs each cell waits for from ``book/design.yml``.

    Raises
    ------
    ValueError
        If the file names a cell twice, or a condition that there is not.
    """
    cells: dict[Cell, int] = {}
    for row in yaml.safe_load(paths.DESIGN.read_text(encoding="utf-8"))["runs"]:
        if row["condition"] not in CONDITIONS:
            known = ", ".join(CONDITIONS)
            raise ValueError(
                f"{paths.DESIGN.name} names the condition {row['condition']!r}; there are {known}."
            )
        for network in row["networks"]:
            dataset, architecture = network.split()
            for head in row["heads"]:
                cell = Cell(dataset, architecture, head, row["condition"])
                if cell in cells:
                    raise ValueError(f"{paths.DESIGN.name} names {cell.title} twice; name it once.")
                cells[cell] = row["runs"]
    return cells


class Lacking(Exception):
    """Runs that a verdict waits for are not all there; ``cells`` has k and n of each such cell."""

    def __init__(self, cells: dict[Cell, tuple[int, int]]) -> None:
        super().__init__(self.told(cells))
        self.cells = cells

    @staticmethod
    def told(cells: dict[Cell, tuple[int, int]]) -> str:
        """List what is there, as ``MNIST CNN-ReLU, as run: 4 of 8``."""
        return "; ".join(f"{cell.title}: {k} of {n}" for cell, (k, n) in cells.items())


def cells_of(spec: Spec) -> list[Cell]:
    """List the cells of the design that a run belongs to, whatever its seed."""
    network = (spec.dataset, spec.architecture, spec.head)
    cells = [
        Cell(*network, name) for name, condition in CONDITIONS.items() if condition.holds(spec)
    ]
    return [cell for cell in cells if cell in planned()]


def unfit(records: Iterable[Record]) -> list[tuple[Record, str]]:
    """List the runs of a network and condition of the design that enter no verdict, and why."""
    records = list(records)
    most_folds: dict[Spec, int] = {}
    for record in records:
        key = record.spec.model_copy(update={"folds": 0})
        most_folds[key] = max(record.spec.folds, most_folds.get(key, 0))
    found = []
    for record in records:
        spec, why = record.spec, []
        whole = {"epochs": EPOCHS, "samples": None, "folds": N_SPLITS}
        meant = cells_of(spec) or cells_of(spec.model_copy(update=whole))
        if not meant:
            continue
        if spec.epochs != EPOCHS:
            why.append(f"it has {spec.epochs} epochs, the design {EPOCHS}")
        if spec.samples is not None:
            why.append(f"it has {spec.samples} samples, the design all")
        if all(CONDITIONS[cell.condition].whole for cell in meant) and spec.folds != N_SPLITS:
            why.append(f"it has {spec.folds} folds, the design {N_SPLITS}")
        elif spec.folds < most_folds[spec.model_copy(update={"folds": 0})]:
            why.append("the run of the same seed with more folds counts in its place")
        most = max(planned()[cell] for cell in meant)
        if not 1 <= spec.seed <= most:
            why.append(f"the design has seeds 1 to {most}")
        if why:
            found.append((record, "; ".join(why)))
    return found
