"""The worker processes of a campaign: one that hangs is ended, and one that is done ends at once."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from reluclf import paths
from reluclf.specs import Spec


@contextlib.contextmanager
def watched(spec: Spec, patience: float) -> Iterator[Callable[[], None]]:
    """End this worker process if what is yielded is not called for so many seconds, and leave a trace of where it stood.

    The watch is a thread of C, so that it works whatever hangs. Only a campaign's own worker processes are watched: this very process
    (with one worker) must not be ended, and a Dask cluster has its own ways.
    """
    file, stream = trace_file(spec), None
    if _in_worker():
        with contextlib.suppress(OSError):  # without a cache to write to, a worker is not watched
            file.parent.mkdir(parents=True, exist_ok=True)
            stream = file.open("w")
    if stream is None:
        yield lambda: None
        return

    def alive() -> None:
        faulthandler.dump_traceback_later(patience, exit=True, file=stream)

    alive()
    with stream:
        try:
            yield alive
        finally:
            faulthandler.cancel_dump_traceback_later()
    forget(spec)


def forget(spec: Spec) -> None:
    """Remove the trace of this spec's worker, if there is one."""
    with contextlib.suppress(OSError):
        trace_file(spec).unlink(missing_ok=True)


def trace_file(spec: Spec) -> Path:
    """Where a worker that hangs leaves the trace of where it stood."""
    return paths.user_cache() / "unfinished" / spec.path.with_suffix(".trace")


def hung(spec: Spec) -> bool:
    """Whether the worker that trained this spec ended itself: only then is there a trace with something in it."""
    with contextlib.suppress(OSError):
        return trace_file(spec).stat().st_size > 0
    return False


def leave_at_once() -> None:
    """Let this worker process end without what the libraries in it do at Python's exit.

    Call it after they are imported, for the last to be registered is the first to be called. The framework's threads can hang there, no run is
    watched any more, and the campaign would wait for the process for ever. Records are on the disk by then.
    """
    if _in_worker():
        atexit.unregister(_leave)
        atexit.register(_leave)


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _in_worker() -> bool:
    return multiprocessing.current_process().name.startswith("LokyProcess")
