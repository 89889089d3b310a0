"""Many runs: what is missing is trained, longest first, one process a core, and each record is written the moment its run ends.

A campaign that is killed goes on where it was: finished runs have their records, unfinished ones a checkpoint after their last fold.
"""

from __future__ import annotations

import contextlib
import socket
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reluclf import protocols, sources
from reluclf.campaign import accelerator, checkout, lanes, progress, runtime, watch
from reluclf.campaign.checkpoints import Checkpoint
from reluclf.record import Provenance, Record
from reluclf.spec import Spec
from reluclf.store import Store

#: Seconds that a Dask scheduler may take to answer.
_CONNECT = 10

#: Worker processes for each core at the most: every one of them loads the framework, and on a processor one a core is best.
_MOST_A_CORE = 4

#: How often in a row a campaign may have a worker killed before any further run is finished.
_ATTEMPTS = 5

#: Seconds without the end of an epoch after which a worker process is taken to hang, and is ended.
PATIENCE = 1800.0


class CampaignError(RuntimeError):
    """Runs that could not be made; the message says how many, the first reason, and what to try."""


def obtain(
    specs: Iterable[Spec],
    train: bool = False,
    only: str = "",
    workers: int | None = None,
    cluster: str | None = None,
    store: Store | None = None,
) -> list[Record]:
    """The records of the given specs, and of their experiments' other seeds; the missing ones are trained first, if ``train`` says so, else left out.

    Parameters
    ----------
    specs : iterable of Spec
    train : bool
    only : str
        Train only the specs whose name contains this.
    workers : int, optional
        Processes to train in; by default one a core.
    cluster : str, optional
        Address of a Dask scheduler to train on instead.
    store : Store, optional

    Returns
    -------
    list of Record
        In the order of the specs, then those of further seeds that the store has: who adds seeds need not change a chapter.
    """
    store = store or Store()
    specs = list(specs)
    if train:
        chosen = [spec for spec in specs if only in str(spec)]
        with _connected(cluster) as client:
            trained = train_missing(chosen, store, workers, client)
        if not chosen:
            progress.say(f"nothing to train: no run has {only!r} in its name")
        elif not trained:
            progress.say(f"nothing to train: no record is missing, of {len(chosen)}")
    experiments, named = {spec.model_copy(update={"seed": 1}) for spec in specs}, set(specs)
    others = [
        spec
        for spec in store.specs()
        if spec.model_copy(update={"seed": 1}) in experiments and spec not in named
    ]
    return store.read_present([*specs, *others])


def train_missing(
    specs: Iterable[Spec],
    store: Store,
    workers: int | None = None,
    client: Any = None,
    width: int | None = None,
) -> int:
    """Train those of the specs that have no record yet, and return how many these were.

    A run that fails, or a worker that is killed or hangs, does not stop the others. Another campaign may write to the same store at the
    same time: what it has finished is not trained again.

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
        How many seeds of an experiment are trained in one program; by default what :func:`reluclf.campaign.accelerator.lanes` says, 1 on a processor.

    Raises
    ------
    BackendError
        If Keras's backend cannot be had.
    SettingError
        If a variable of the environment asks for lanes that cannot be had.
    DataError
        If the images cannot be had.
    CampaignError
        If the number of workers is not sensible, or if runs failed, after all the others are done.
    """
    import joblib
    from joblib.externals.loky import BrokenProcessPool

    most = _MOST_A_CORE * joblib.cpu_count()
    if client is None and workers is not None and not 1 <= workers <= most:
        raise CampaignError(
            f"workers={workers} is not allowed; 1 to {most} are on this machine, or none for one a core."
        )
    specs = dict.fromkeys(specs)
    todo = sorted(store.missing(specs), key=progress.cost, reverse=True)
    for spec in specs.keys() - todo:
        Checkpoint(
            spec, store
        ).clear()  # a run that was killed when it had written its record left what it no longer needs
    for spec in specs:
        watch.forget(store.unfinished(spec, "trace"))  # of an earlier campaign
    if not todo:
        return 0
    backend = runtime.backend()  # missed before anything is started, as is the data
    width = width or accelerator.lanes(backend, local=client is None)
    if checkout.trouble():
        progress.say(checkout.trouble())
    for dataset in {spec.dataset for spec in todo} - {"wdbc"}:
        sources.load_images(dataset)  # fetched once, and missed before anything is started
    n, failures, kills = len(todo), {}, 0
    with progress.Bar(todo, store) as bar, warnings.catch_warnings():
        # Loky starts an idle worker that has ended anew, and says so where the chapter's page would show it.
        warnings.filterwarnings(
            "ignore",
            message="A worker stopped while some jobs were given to the executor",
            category=UserWarning,
        )
        while todo:
            jobs = [_job(group, store, width) for group in lanes.grouped(todo, width)]
            outcomes = (
                _on_cluster(jobs, store, client)
                if client
                else _in_processes(jobs, workers or accelerator.processes(backend, width))
            )
            try:
                for spec, record, failure in outcomes:
                    bar.finished(spec)
                    if failure:
                        failures[spec] = failure
                    elif (
                        record is not None and spec not in store
                    ):  # a worker of a cluster may have another disk
                        store.write(record)
                break
            except BrokenProcessPool as error:  # a worker was killed: by the system for want of memory, by hand, or by itself because it hung
                traces = {spec: store.unfinished(spec, "trace") for spec in todo}
                hung = {
                    spec: f"no epoch ended in {PATIENCE:.0f} s; where it stood: {trace}"
                    for spec, trace in traces.items()
                    if watch.hung(trace)
                }
                failures |= hung
                left = [spec for spec in store.missing(todo) if spec not in failures]
                kills = kills + 1 if left == todo else 0
                todo = left
                if todo and kills == _ATTEMPTS:
                    also = f" Before that, {_first_of(failures, n)}." if failures else ""
                    raise CampaignError(
                        f"workers were killed {kills} times before a run was finished, with {len(todo)} to go; try one worker.{also}"
                    ) from error
    if failures:
        raise CampaignError(
            f"{_first_of(failures, n)}; the others have their records, and the same command tries these again."
        )
    return n


#: A run's spec, with its record, or with what went wrong.
_Outcome = tuple[Spec, Record | None, str | None]

#: The runs that a worker is given at once, and what it is to call.
_Job = tuple[list[Spec], Callable[..., Any], tuple[Any, ...]]


def _job(group: list[Spec], store: Store, width: int) -> _Job:
    # A seed that is left over has its lane, too: what it gives must not depend on which others are missing.
    if not lanes.fits(group[0], width):
        return group, _train_in_worker, (group[0], store.folder, PATIENCE)
    return group, _train_together_in_worker, (group, store.folder, PATIENCE, width)


def _each(found: _Outcome | list[_Outcome]) -> list[_Outcome]:
    return found if isinstance(found, list) else [found]


def _in_processes(jobs: Sequence[_Job], workers: int) -> Iterator[_Outcome]:
    """Train in processes of this machine, as many at a time."""
    import joblib

    parallel = joblib.Parallel(
        n_jobs=min(workers, len(jobs)),
        return_as="generator_unordered",
        batch_size=1,
        # No more than loky's queue to its workers holds: of what waits before that queue, loky prints a
        # traceback when Ctrl-C ends it.
        pre_dispatch="2*n_jobs",
    )
    with watch.born_deaf():
        outcomes = parallel(joblib.delayed(work)(*arguments) for _, work, arguments in jobs)
    for found in outcomes:
        yield from _each(found)


def _on_cluster(jobs: Sequence[_Job], store: Store, client: Any) -> Iterator[_Outcome]:
    """Train on a Dask cluster; a run whose workers are killed, as often as its scheduler allows, has failed.

    The scheduler blames every run that a killed worker had, finished ones whose result went with it among them. So nobody is blamed who
    has left a record, or who passes when it is tried again alone. (Joblib's backend for Dask would wait for such a run for ever.)
    """
    import distributed

    def submit(job: _Job) -> Any:
        _, work, arguments = job
        return client.submit(work, *arguments, pure=False)

    def outcomes(future: Any, group: list[Spec]) -> list[_Outcome]:
        error = future.exception()
        if error is None:
            return _each(future.result())
        failure = f"{type(error).__name__}: {error}"
        return [
            (spec, store.read(spec), None) if spec in store else (spec, None, failure)
            for spec in group
        ]

    suspects = []
    futures = {submit(job): job for job in jobs}
    for future in distributed.as_completed(futures):
        group, *_ = futures[future]
        if future.exception() is None or not store.missing(group):
            yield from outcomes(future, group)
        else:
            suspects.append(futures[future])
    for job in suspects:
        yield from outcomes(submit(job), job[0])


def _first_of(failures: Mapping[Spec, str], n: int) -> str:
    spec, failure = next(iter(failures.items()))
    return f"{len(failures)} of {n} runs failed, the first was {spec}: {failure}"


def train(spec: Spec, store: Store, alive: Callable[[], None] = lambda: None) -> Record:
    """Train one spec in this process, from its checkpoint if it has one, and write its record; call ``alive`` as epochs end."""
    checkpoint = Checkpoint(spec, store, alive)
    state = checkpoint.load()
    provenance, clock = (
        runtime.provenance(spec, datetime.now(UTC).replace(microsecond=0)),
        time.perf_counter(),
    )
    outcome = protocols.run(spec, checkpoint, state)
    return _recorded(
        outcome,
        provenance.model_copy(update={"seconds": round(time.perf_counter() - clock, 2)}),
        checkpoint,
        store,
    )


def train_together(
    specs: Sequence[Spec], store: Store, width: int, alive: Callable[[], None] = lambda: None
) -> Iterator[_Outcome]:
    """Train several seeds of one experiment in one program of this process, as :func:`train` does one; yield what came of each as it ends."""
    checkpoints = [Checkpoint(spec, store, alive, width) for spec in specs]
    states = [checkpoint.load() for checkpoint in checkpoints]
    started, clock = datetime.now(UTC).replace(microsecond=0), time.perf_counter()
    for lane, outcome in lanes.run(specs, checkpoints, states, width):
        seconds = round((time.perf_counter() - clock) / len(specs), 2)
        where = runtime.provenance(specs[lane], started).model_copy(
            update={"seconds": seconds, "width": width, "lane": lane}
        )
        try:
            record, failure = _recorded(outcome, where, checkpoints[lane], store), None
        except Exception as error:  # one record that cannot be written; the other runs go on
            record, failure = None, f"{type(error).__name__}: {error}"
        yield specs[lane], record, failure


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


@contextlib.contextmanager
def _connected(cluster: str | None) -> Iterator[Any]:
    """A client of the Dask cluster at this address; None without one."""
    if not cluster:
        yield None
        return
    try:
        import distributed
        from distributed.comm.addressing import get_address_host_port
    except ImportError:
        raise CampaignError(
            "training on a Dask cluster needs the package distributed; install it with: pip install distributed."
        ) from None
    try:
        # Asked first whether anyone is there: a client that cannot connect stays behind in a cycle with its thread, and when the garbage
        # collector closes it while the next one starts, which holds the same lock, the process waits for itself for ever.
        socket.create_connection(get_address_host_port(cluster), _CONNECT).close()
        client = distributed.Client(cluster, timeout=_CONNECT)
    except (OSError, ValueError) as error:
        raise CampaignError(
            f"no Dask scheduler answers at {cluster!r} ({error}); start one with: dask scheduler."
        ) from None
    with client:
        yield client


def _train_in_worker(spec: Spec, folder: Path, patience: float) -> _Outcome:
    """Train a spec; return it with its record, or with what went wrong."""
    store = Store(folder)
    with _working(store, spec, patience) as alive:
        try:
            return spec, store.read(spec) if spec in store else train(spec, store, alive), None
        except Exception as error:
            return spec, None, f"{type(error).__name__}: {error}"


def _train_together_in_worker(
    specs: Sequence[Spec], folder: Path, patience: float, width: int
) -> list[_Outcome]:
    """The same for several seeds of one experiment, in a program of so many lanes."""
    store = Store(folder)
    found: list[_Outcome] = []
    with _working(store, specs[0], patience) as alive:
        left = store.missing(specs)
        try:
            found += [(spec, store.read(spec), None) for spec in specs if spec not in left]
            found += train_together(left, store, width, alive) if left else []
        except Exception as error:
            done = {spec for spec, *_ in found}
            found += [
                (spec, None, f"{type(error).__name__}: {error}")
                for spec in specs
                if spec not in done
            ]
    return found


@contextlib.contextmanager
def _working(store: Store, spec: Spec, patience: float) -> Iterator[Callable[[], None]]:
    """Set a worker process up, watch it by the trace of this spec, and clear up after it; yield what is to be called as epochs end."""
    runtime.configure(threads=1)
    import keras

    watch.leave_at_once()
    try:
        with watch.watched(store.unfinished(spec, "trace"), patience) as alive:
            yield alive
    finally:
        keras.backend.clear_session()
