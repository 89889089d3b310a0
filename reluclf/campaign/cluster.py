"""Runs on a Dask cluster: the same workers, on other machines."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from reluclf.campaign.worker import CampaignError, Ended, Job
from reluclf.store import Store

#: Seconds that a Dask scheduler may take to answer.
_CONNECT = 10


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Connect to the cluster at this address; yield its client, None without an address.

    Raises
    ------
    CampaignError
        If the package for clusters is not installed, or no scheduler answers.
    """
    if not address:
        yield None
        return
    try:
        import distributed
        from distributed.comm.addressing import get_address_host_port
    except ImportError:
        raise CampaignError(
            "training on a Dask cluster needs the package distributed; "
            "install it with: pip install distributed."
        ) from None
    try:
        # Asked first whether anyone is there: a client that cannot connect stays behind in a cycle
        # with its thread, and when the garbage collector closes it while the next one starts, which
        # holds the same lock, the process waits for itself for ever.
        socket.create_connection(get_address_host_port(address), _CONNECT).close()
        client = distributed.Client(address, timeout=_CONNECT)
    except (OSError, ValueError) as error:
        raise CampaignError(
            f"no Dask scheduler answers at {address!r} ({error}); start one with: dask scheduler."
        ) from None
    with client:
        yield client


def train_there(jobs: Sequence[Job], store: Store, client: Any) -> Iterator[Ended]:
    """Train on a cluster; a run that kills its workers as often as its scheduler allows has failed.

    The scheduler blames every run that a killed worker had, finished ones whose result went with it
    among them. So nobody is blamed who has left a record, or who passes when it is tried again
    alone. (Joblib's backend for Dask would wait for such a run for ever.)
    """
    import distributed

    suspects = []
    futures = {_submit(job, client): job for job in jobs}
    for future in distributed.as_completed(futures):
        job = futures[future]
        if future.exception() is None or not store.missing(job.specs):
            yield from _outcomes(future, job, store)
        else:
            suspects.append(job)
    for job in suspects:
        yield from _outcomes(_submit(job, client), job, store)


def _submit(job: Job, client: Any) -> Any:
    return client.submit(job.work, *job.arguments, pure=False)


def _outcomes(future: Any, job: Job, store: Store) -> list[Ended]:
    error = future.exception()
    if error is None:
        return future.result()
    failure = f"{type(error).__name__}: {error}"
    ended: list[Ended] = []
    for spec in job.specs:
        done = spec in store
        ended.append((spec, store.read(spec) if done else None, None if done else failure))
    return ended
