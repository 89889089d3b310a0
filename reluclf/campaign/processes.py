"""Runs in processes of this machine, none of which is the caller's, unless that is a pool's."""

from __future__ import annotations

import functools
import multiprocessing
import multiprocessing.util
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reluclf.campaign import runtime, watch
from reluclf.campaign.worker import Ended, Job

if TYPE_CHECKING:
    from joblib.externals.loky import ProcessPoolExecutor

#: Seconds after which a worker process that has nothing to do ends; as joblib's.
_IDLE = 300

#: The variables of the environment that the workers which are kept were born with.
_BORN_WITH: dict[str, str] = {}


def train_here(jobs: Sequence[Job], workers: int) -> Iterator[Ended]:
    """Train in processes of this machine, as many at a time; yield what came of each run.

    Parameters
    ----------
    jobs : sequence of Job
    workers : int
    """
    n = min(workers, len(jobs))
    _end_with(os.getpid())
    if dict(os.environ) != _BORN_WITH:  # as another backend; they would train as they were told
        end_workers()
        _BORN_WITH.clear()
        _BORN_WITH.update(os.environ)
    with warnings.catch_warnings():
        # Loky starts an idle worker that has ended anew, and says so where the chapter's page
        # would show it.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        for ended in _in_processes(jobs, n) if n > 1 else _in_one_process(jobs):
            yield from ended


def _in_processes(jobs: Sequence[Job], n: int) -> Iterator[list[Ended]]:
    import joblib

    parallel = joblib.Parallel(
        n_jobs=n,
        return_as="generator_unordered",
        batch_size=1,
        # No more than loky's queue to its workers holds: of what waits before that queue, loky
        # prints a traceback when Ctrl-C ends it.
        pre_dispatch="2*n_jobs",
    )
    with watch.born_deaf():
        groups = parallel(joblib.delayed(job.work)(*job.arguments) for job in jobs)
    yield from groups


def _in_one_process(jobs: Sequence[Job]) -> Iterator[list[Ended]]:
    """Do one job after another in one worker: joblib would do them in the caller's process."""
    if multiprocessing.current_process().daemon:  # one of a pool may have no processes of its own
        for job in jobs:
            yield job.work(*job.arguments)
        return
    try:
        for job in jobs:
            with watch.born_deaf():
                future = _one_worker(os.getpid()).submit(job.work, *job.arguments)
            yield future.result()
    except BaseException:  # it was killed, or what it does is not wanted any more
        _end_one_worker(kill=True)
        raise


@functools.cache
def _end_with(process: int) -> None:
    """Have the kept workers end with this process, where it is a child of multiprocessing's.

    Such a child waits for its own children before it ends: until they have been idle for long.
    """
    if multiprocessing.parent_process() is not None:
        # Before 10, at which the queues are closed by which workers are told to end.
        multiprocessing.util.Finalize(None, end_workers, exitpriority=100)


@functools.lru_cache(maxsize=1)
def _one_worker(process: int) -> ProcessPoolExecutor:
    """Start a worker that this process keeps for the next run, beside those that joblib keeps.

    Joblib has one pool for the whole process, and fails on one that was made by loky alone. A
    process that was forked has none of its parent's workers.
    """
    from joblib.externals.loky import ProcessPoolExecutor

    one_thread = dict.fromkeys(runtime.THREADS, "1")
    return ProcessPoolExecutor(max_workers=1, timeout=_IDLE, env=one_thread)


def end_workers() -> None:
    """End all workers that are kept, and wait for them; the next campaign starts its own."""
    from joblib.externals.loky import get_reusable_executor

    _end_one_worker()
    get_reusable_executor().shutdown(wait=True)


def _end_one_worker(kill: bool = False) -> None:
    if _one_worker.cache_info().currsize:
        _one_worker(os.getpid()).shutdown(kill_workers=kill)
        _one_worker.cache_clear()
