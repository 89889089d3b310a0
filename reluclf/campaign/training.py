"""Many runs: what is missing is trained, longest first, and each record is written as its run ends.

There is one process a core. A campaign that is killed goes on where it was: finished runs have
their records, unfinished ones a checkpoint after their last fold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reluclf import sources
from reluclf.campaign import (
    accelerator,
    checkout,
    lanes,
    progress,
    runtime,
    surroundings,
    watch,
    worker,
)
from reluclf.campaign.checkpoints import Checkpoint
from reluclf.campaign.cluster import connected, train_there
from reluclf.campaign.processes import train_here
from reluclf.campaign.worker import CampaignError as CampaignError
from reluclf.campaign.worker import Job
from reluclf.record import Record
from reluclf.spec import Spec
from reluclf.store import Store

#: Worker processes for each core at the most: every one of them loads the framework, and on a
#: processor one a core is best.
_MOST_A_CORE = 4

#: How often in a row a campaign may have a worker killed before any further run is finished.
_ATTEMPTS = 5

#: Seconds without the end of an epoch after which a worker process is taken to hang, and is ended.
PATIENCE = 1800.0


class NoRunError(CampaignError):
    """A part of a name that none of a chapter's runs has in its own."""


def obtain(
    specs: Iterable[Spec],
    train: bool = False,
    only: str = "",
    workers: int | None = None,
    cluster: str | None = None,
    store: Store | None = None,
) -> list[Record]:
    """Return the records of specs, and of their experiments' other seeds that have one.

    Parameters
    ----------
    specs : iterable of Spec
    train : bool
        Train first what has no record; else it is left out.
    only : str
        Train only the specs whose name contains this.
    workers : int, optional
        Processes to train in; by default one a core. Nothing is trained in the caller's own
        process, whose Keras, seeds and threads stay as they are.
    cluster : str, optional
        Address of a Dask scheduler to train on instead.
    store : Store, optional

    Returns
    -------
    list of Record
        In the order of the specs, then those of further seeds that the store has: who adds seeds
        need not change a chapter.

    Raises
    ------
    NoRunError
        If runs are to be trained, and none has ``only`` in its name.
    CampaignError, DataError, BackendError, SettingError
        As :func:`train_missing` does.

    Examples
    --------
    >>> from reluclf import grid
    >>> wdbc = dict(dataset="wdbc", architecture="ffnn", protocol="carried", features="raw")
    >>> records = obtain(grid(**wdbc, head=["softmax", "relu"], seed=1))
    >>> [record.spec.head for record in records[:2]], len(records)
    (['softmax', 'relu'], 200)
    """
    store = store or Store()
    specs = list(specs)
    if train:
        _train(specs, only, workers, cluster, store)
    experiments = {lanes.experiment(spec) for spec in specs}
    named = set(specs)
    others = [
        spec
        for spec in store.specs()
        if lanes.experiment(spec) in experiments and spec not in named
    ]
    return store.read_present([*specs, *others])


def _train(
    specs: Sequence[Spec], only: str, workers: int | None, cluster: str | None, store: Store
) -> None:
    chosen = [spec for spec in specs if only in str(spec)]
    if specs and not chosen:
        raise NoRunError(f"no run has {only!r} in its name; the first is called {specs[0]}.")
    with connected(cluster) as client:
        trained = train_missing(chosen, store, workers, client)
    if specs and not trained:
        progress.say(f"nothing to train: no record is missing, of {len(chosen)}")


def train_missing(
    specs: Iterable[Spec],
    store: Store,
    workers: int | None = None,
    client: Any = None,
    width: int | None = None,
) -> int:
    """Train those of the specs that have no record yet, and return how many these were.

    A run that fails, or a worker that is killed or hangs, does not stop the others. Another
    campaign may write to the same store at the same time: what it has finished is not trained
    again.

    Parameters
    ----------
    specs : iterable of Spec
    store : Store
        Records are written to it.
    workers : int, optional
        Processes; by default one a core.
    client : distributed.Client, optional
        Of a Dask cluster, whose workers then train instead.
    width : int, optional
        How many seeds of an experiment are trained in one program; by default what
        :func:`reluclf.campaign.accelerator.lanes` says, 1 on a processor.

    Raises
    ------
    BackendError
        If Keras's backend cannot be had.
    SettingError
        If a variable of the environment asks for lanes that cannot be had.
    DataError
        If the images cannot be had.
    CampaignError
        If the number of workers is not sensible, if the package was edited since this process
        began to train, or if runs failed, after all the others are done.
    """
    if client is None:
        _refuse_senseless(workers)
    specs = list(dict.fromkeys(specs))
    todo = sorted(store.missing(specs), key=progress.cost, reverse=True)
    _clear_up(specs, todo, store)
    if not todo:
        return 0
    if runtime.code_digest() != runtime.code_digest.__wrapped__():
        raise CampaignError(
            "reluclf was edited since this process began to train, and its workers still have what "
            "was there before; start it anew (in Jupyter, restart the kernel)."
        )
    # What is missing is missed now, before anything is started.
    backend = runtime.backend()
    width = width or accelerator.lanes(backend, local=client is None)
    for dataset in {spec.dataset for spec in todo} - {"wdbc"}:
        sources.load_images(dataset)
    if checkout.trouble():
        progress.say(checkout.trouble())
    if surroundings.told():
        set_here = surroundings.told().removeprefix("; ")
        progress.say(f"what may change numbers is set, and the records name it: {set_here}")
    processes = workers or accelerator.processes(backend, width)
    failures = _train_all(todo, store, client, processes, width)
    if failures:
        raise CampaignError(
            f"{_first_of(failures, len(todo))}; the others have their records, "
            "and the same command tries these again."
        )
    return len(todo)


def _refuse_senseless(workers: int | None) -> None:
    import joblib

    most = _MOST_A_CORE * joblib.cpu_count()
    if workers is not None and not 1 <= workers <= most:
        raise CampaignError(
            f"workers={workers} is not allowed; "
            f"1 to {most} are on this machine, or none for one a core."
        )


def _clear_up(specs: Sequence[Spec], todo: Sequence[Spec], store: Store) -> None:
    """Forget what earlier campaigns left of these runs and is of no more use."""
    for spec in set(specs) - set(todo):
        Checkpoint(spec, store).clear()  # of a run that was killed as it had written its record
    for spec in specs:
        watch.forget(store.unfinished(spec, "trace"))


def _train_all(
    todo: list[Spec], store: Store, client: Any, processes: int, width: int
) -> dict[Spec, str]:
    """Train runs, again and again where workers are killed; return what went wrong, by spec."""
    from joblib.externals.loky import BrokenProcessPool

    failures: dict[Spec, str] = {}
    n, kills = len(todo), 0
    with progress.Bar(todo, store) as bar:
        while todo:
            jobs = [_job(group, store, width) for group in lanes.grouped(todo, width)]
            try:
                there = client is not None
                ended = train_there(jobs, store, client) if there else train_here(jobs, processes)
                for spec, record, failure in ended:
                    bar.finished(spec)
                    if failure:
                        failures[spec] = failure
                    elif record is not None and spec not in store:
                        store.write(record)  # a worker of a cluster may have another disk
                return failures
            except BrokenProcessPool as error:
                # A worker was killed: for want of memory, by hand, or by itself because it hung.
                failures |= _hung(todo, store)
                left = [spec for spec in store.missing(todo) if spec not in failures]
                kills = kills + 1 if left == todo else 0
                todo = left
                if todo and kills == _ATTEMPTS:
                    also = f" Before that, {_first_of(failures, n)}." if failures else ""
                    raise CampaignError(
                        f"workers were killed {kills} times before a run was finished, "
                        f"with {len(todo)} to go; try one worker.{also}"
                    ) from error
    return failures


def _hung(specs: Iterable[Spec], store: Store) -> dict[Spec, str]:
    traces = {spec: store.unfinished(spec, "trace") for spec in store.missing(specs)}
    return {
        spec: f"no epoch ended in {PATIENCE:.0f} s; where it stood: {trace}"
        for spec, trace in traces.items()
        if watch.hung(trace)
    }


def _job(group: list[Spec], store: Store, width: int) -> Job:
    # A seed that is left over has its lane, too: what it gives must not depend on which others are
    # missing.
    if lanes.fits(group[0], width):
        return Job(group, worker.in_lanes, (group, store.folder, PATIENCE, width))
    return Job(group, worker.alone, (group[0], store.folder, PATIENCE))


def _first_of(failures: Mapping[Spec, str], n: int) -> str:
    spec, failure = next(iter(failures.items()))
    return f"{len(failures)} of {n} runs failed, the first was {spec}: {failure}"
