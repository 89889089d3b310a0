"""The design: how many runs of which network, under which condition, a verdict waits for."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd
import yaml

from reluclf import paths
from reluclf.judging import paper
from reluclf.record import Record
from reluclf.spec import N_SPLITS, Spec


class Condition(NamedTuple):
    """How runs are made: the protocol, how they depart from the author's code, and all ten folds.

    On WDBC the author trained on raw measurements, so there ``as run`` is ``features="raw"``.
    """

    protocol: str
    setting: dict[str, object]
    whole: bool = False

    def holds(self, spec: Spec) -> bool:
        """Whether a run is made so, over the paper's 32 epochs and on all samples."""
        if (spec.protocol, spec.epochs, spec.samples) != (self.protocol, 32, None):
            return False
        if self.whole and spec.folds != N_SPLITS:
            return False
        raw = self.protocol == "carried" and spec.dataset == "wdbc"
        return spec.setting == (self.setting | {"features": "raw"} if raw else self.setting)


#: The conditions, by the words of the pages.
CONDITIONS = {
    "as run": Condition("carried", {}, whole=True),
    "as written": Condition("fresh", {}),
    "as written, ten folds": Condition("fresh", {}, whole=True),
    "clipped": Condition("fresh", {"clipnorm": 1.0}),
    "initial bias": Condition("fresh", {"bias": 1.0}),
    "leaky hidden units": Condition("fresh", {"hidden": "leaky_relu"}),
    "pixels": Condition("fresh", {"features": "pixels"}),
    "shuffled components": Condition("fresh", {"features": "shuffled"}),
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
            for head in row["heads"]:
                cell = Cell(*network.split(), head, row["condition"])
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


class Evidence:
    """The runs of the design, asked for by cell; it keeps what was asked for.

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

    def view(self, early: bool = False) -> Evidence:
        """The same runs, with nothing asked for yet."""
        self._by_cell  # noqa: B018 - made once, and shared
        view = copy.copy(self)
        view.early, view.seen = early, {}
        return view

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
        for runs in chosen:
            self.seen.update((record.spec, record) for record in runs)
        if lacking:
            raise Lacking(lacking)
        return chosen

    def there(self, cell: Cell) -> list[Record]:
        """Return the runs of a cell that are there, of seeds 1 to n, in order."""
        by_seed = self._by_cell.get(cell, {})
        return [by_seed[seed] for seed in sorted(by_seed) if 1 <= seed <= planned()[cell]]

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


def cells_of(spec: Spec) -> list[Cell]:
    """List the cells of the design that a run belongs to, whatever its seed."""
    network = (spec.dataset, spec.architecture, spec.head)
    cells = [
        Cell(*network, name) for name, condition in CONDITIONS.items() if condition.holds(spec)
    ]
    return [cell for cell in cells if cell in planned()]


def progress(records: Iterable[Record]) -> pd.DataFrame:
    """Count the runs of every cell against the design, as text: ``complete`` or ``k of n``."""
    evidence = Evidence(records)
    rows = []
    for cell, n in planned().items():
        k = len(evidence.there(cell))
        network = paper.title(cell.dataset, cell.architecture, cell.head)
        state = "complete" if k == n else f"{k} of {n}"
        rows.append(
            {"network": network, "condition": cell.condition, "runs": str(n), "there": state}
        )
    return pd.DataFrame(rows)


def unfit(records: Iterable[Record]) -> list[str]:
    """Name the runs of a cell of the design that enter no verdict, each with the reason."""
    reasons = []
    for record in records:
        numbers = [planned()[cell] for cell in cells_of(record.spec)]
        if numbers and not 1 <= record.spec.seed <= max(numbers):
            reasons.append(f"{record.spec}: the design has seeds 1 to {max(numbers)}")
    return reasons
