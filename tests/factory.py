"""Records made up for tests of what is computed from records; their numbers are the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from reluclf import data
from reluclf.judging.design import CONDITIONS, Cell, planned
from reluclf.judging.verdicts import Verdict, judge
from reluclf.record import Curve, Final, Fold, Probe, Provenance, Record, Score, Test
from reluclf.spec import Spec

#: A network that is trained in a second: one epoch of one fold on WDBC.
TINY: dict[str, Any] = {
    "dataset": "wdbc",
    "architecture": "ffnn",
    "head": "relu",
    "protocol": "carried",
    "epochs": 1,
    "folds": 1,
}

CLASSES = {"mnist": 10, "fashion_mnist": 10, "wdbc": 2}
SUPPORTS = {
    "mnist": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    "fashion_mnist": [1000] * 10,
    "wdbc": [64, 107],
}


def command_line(process: psutil.Process) -> str:
    """Give a process's command line; one that has ended between two looks has none."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def forget_rows() -> None:
    """Forget the rows that are kept from one run to the next: they may be made up."""
    data._prepared.cache_clear()
    data._prepared_fold.cache_clear()


def files(folder: Path) -> list[str]:
    """List all files in a folder and those below it."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def tested(dataset: str, hits: float | Sequence[int]) -> Test:
    """A test in which the first of every class are right, this share of them or these counts.

    The others are taken for the next class.
    """
    k, supports = CLASSES[dataset], SUPPORTS[dataset]
    labels = np.repeat(np.arange(k), supports)
    if np.ndim(hits) == 0:
        right = np.concatenate([np.arange(n) / n for n in supports]) < hits
    else:
        right = np.concatenate([np.arange(n) < hit for n, hit in zip(supports, hits, strict=True)])
    return Test.of(labels, np.where(right, labels, (labels + 1) % k), 0.25, k)


def record(
    spec: Spec,
    fold_accuracy: Sequence[float],
    hits: float | Sequence[int],
    diverged_at: int | None = None,
    first: float | None = None,
    dead: float | None = None,
) -> Record:
    """A record with these fold accuracies, and a test as :func:`tested` has it.

    ``first`` is the test accuracy after the first fold, by default what it is in the end; ``dead``
    the number of dead outputs that a probe of the final model found, None if it was not probed.
    """
    test = tested(spec.dataset, hits)

    def curve(last: float) -> Curve:
        return Curve(loss=[1 - last] * spec.epochs, accuracy=[last] * spec.epochs)

    folds = [
        Fold(
            fold=i + 1,
            n_train=900,
            n_validation=100,
            train=curve(accuracy),
            validation=curve(accuracy),
            test=Score(loss=0.25, accuracy=test.accuracy if i or first is None else first),
            seconds=1.0,
        )
        for i, accuracy in enumerate(fold_accuracy)
    ]
    final = None
    if spec.protocol == "fresh":
        probe = None if dead is None else _probe(dead, spec.epochs)
        curves = {"train": curve(test.accuracy), "test": curve(test.accuracy)}
        final = Final(n_train=1000, **curves, probe=probe, seconds=1.0)
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
    return Record(
        spec=spec,
        folds=folds,
        final=final,
        diverged_at=diverged_at,
        test=test,
        provenance=provenance,
    )


def _probe(dead: float, epochs: int) -> Probe:
    names = ("norm_head", "norm_first", "cosine", "no_gradient", "dead_true")
    return Probe(**dict.fromkeys(names, [0.1] * epochs), dead_units=[dead] * epochs)


def run(
    dataset: str,
    architecture: str,
    head: str,
    protocol: str,
    seed: int,
    folds: Sequence[float] | None = None,
    hits: float = 0.9,
    **fields: Any,
) -> Record:
    """A record of a network with these fold accuracies, by default ten that are all ``hits``."""
    accuracies = list(folds) if folds is not None else [hits] * 10
    spec = Spec(
        dataset=dataset,
        architecture=architecture,
        head=head,
        protocol=protocol,
        seed=seed,
        folds=len(accuracies),
        **fields,
    )
    return record(spec, accuracies, hits)


def of_cell(
    cell: Cell,
    seed: int,
    hits: float | Sequence[int] = 0.9,
    folds: Sequence[float] | None = None,
    **more: Any,
) -> Record:
    """A run of a cell of the design; without fold accuracies a fresh run has no folds."""
    condition = CONDITIONS[cell.condition]
    if folds is None:
        folds = [0.9] * 10 if condition.whole else []
    setting = condition.setting(cell.dataset)
    network = dict(zip(("dataset", "architecture", "head"), cell[:3], strict=True))
    spec = Spec(**network, protocol=condition.protocol, seed=seed, folds=len(folds), **setting)
    return record(spec, folds, hits, **more)


#: Makes the run of a cell with a seed.
Make = Callable[[Cell, int], Record]


def runs(cell: Cell, make: Make = of_cell) -> list[Record]:
    """All runs that the design has of a cell."""
    return [make(cell, seed) for seed in range(1, planned()[cell] + 1)]


def whole_design(make: Make = of_cell) -> list[Record]:
    """All runs of the design; one that is in two cells, for it has ten folds, is made once."""
    made: dict[tuple, Record] = {}
    for cell in sorted(planned(), key=lambda cell: not CONDITIONS[cell.condition].whole):
        place = cell._replace(condition=cell.condition.removesuffix(", ten folds"))
        for seed in range(1, planned()[cell] + 1):
            if (place, seed) not in made:
                made[place, seed] = make(cell, seed)
    return list(made.values())


def verdict(identifier: str, records: Iterable[Record]) -> Verdict:
    """The verdict on one item."""
    return next(found for found in judge(records) if found.id == identifier)
