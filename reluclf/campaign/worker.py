"""What a worker of a campaign does: train a run, or several in lanes, and write the records."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from reluclf import protocols
from reluclf.campaign import lanes, runtime, watch
from reluclf.campaign.checkpoints import Checkpoint
from reluclf.record import Provenance, Record
from reluclf.spec import Spec
from reluclf.store import Store

#: A run's spec, with its record, or with what went wrong.
Ended = tuple[Spec, Record | None, str | None]


class Job(NamedTuple):
    """What a worker is given at once: the specs, what it is to call, and with which arguments."""

    specs: list[Spec]
    work: Callable[..., list[Ended]]
    arguments: tuple[Any, ...]


class CampaignError(RuntimeError):
    """Runs that could not be made; the message says how many, the first reason, what to try."""


def _nothing() -> None:
    """Do nothing, where nobody wants to hear of epochs."""


def train(spec: Spec, store: Store, alive: Callable[[], None] = _nothing) -> Record:
    """Train one spec in this process, and write its record.

    Parameters
    ----------
    spec : Spec
        Is taken up where its checkpoint has it, if it has one.
    store : Store
    alive : callable
        Is called as epochs end.
    """
    checkpoint = Checkpoint(spec, store, alive)
    state = checkpoint.load()
    provenance = runtime.provenance(spec, _now())
    clock = time.perf_counter()
    outcome = protocols.run(spec, checkpoint, state)
    seconds = round(time.perf_counter() - clock, 2)
    where = provenance.model_copy(update={"seconds": seconds})
    return _recorded(outcome, where, checkpoint, store)


def train_together(
    specs: Sequence[Spec], store: Store, width: int, alive: Callable[[], None] = _nothing
) -> Iterator[Ended]:
    """Train seeds of one experiment in one program, as :func:`train` does one.

    Yields what came of each as it ends; ``width`` is the number of the program's lanes.
    """
    checkpoints = [Checkpoint(spec, store, alive, width) for spec in specs]
    states = [checkpoint.load() for checkpoint in checkpoints]
    provenances = [runtime.provenance(spec, _now()) for spec in specs]
    clock = time.perf_counter()
    for lane, outcome in lanes.run(specs, checkpoints, states, width):
        seconds = round((time.perf_counter() - clock) / len(specs), 2)
        its_lane = {"seconds": seconds, "width": width, "lane": lane}
        where = provenances[lane].model_copy(update=its_lane)
        try:
            yield specs[lane], _recorded(outcome, where, checkpoints[lane], store), None
        except OSError as error:  # a record that cannot be written; the other runs go on
            yield specs[lane], None, _told(error)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _recorded(
    outcome: protocols.Outcome, provenance: Provenance, checkpoint: Checkpoint, store: Store
) -> Record:
    """Write the record of a run that is finished, and forget its checkpoint."""
    record = Record(
        spec=checkpoint.spec,
        folds=outcome.folds,
        final=outcome.final,
        diverged_at=outcome.diverged_at,
        test=outcome.test,
        provenance=provenance,
    )
    store.write(record)
    checkpoint.clear()
    return record


def alone(spec: Spec, folder: Path, patience: float) -> list[Ended]:
    """Train a spec in a worker process, unless another campaign has done so meanwhile.

    Parameters
    ----------
    spec : Spec
    folder : Path
        Of the store.
    patience : float
        Seconds without the end of an epoch after which the process ends itself.
    """
    store = Store(folder)
    with _working(store, spec, patience) as alive:
        try:
            record = store.read(spec) if spec in store else train(spec, store, alive)
        except Exception as error:  # whatever it is, the other runs of the campaign go on
            return [(spec, None, _told(error))]
        return [(spec, record, None)]


def in_lanes(specs: Sequence[Spec], folder: Path, patience: float, width: int) -> list[Ended]:
    """Do the same for several seeds of one experiment, in a program of so many lanes."""
    store = Store(folder)
    missing = store.missing(specs)
    ended: list[Ended] = []
    with _working(store, specs[0], patience) as alive:
        try:
            if missing:
                ended.extend(train_together(missing, store, width, alive))
            ended.extend((spec, store.read(spec), None) for spec in specs if spec not in missing)
        except Exception as error:
            done = {spec for spec, *_ in ended}
            ended += [(spec, None, _told(error)) for spec in specs if spec not in done]
    return ended


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _working(store: Store, spec: Spec, patience: float) -> Iterator[Callable[[], None]]:
    """Set a worker process up, watch it by the trace of this spec, and clear up after it.

    Yields what is to be called as epochs end.
    """
    runtime.configure(threads=1)
    import keras

    watch.leave_at_once()
    watch.leave_with_the_campaign()
    try:
        with watch.watched(store.unfinished(spec, "trace"), patience) as alive:
            yield alive
    finally:
        keras.backend.clear_session()
