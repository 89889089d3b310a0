"""Worker processes: one that hangs is ended, and one that is done ends at once."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def watched(trace: Path, patience: float) -> Iterator[Callable[[], None]]:
    """End this worker process if what is yielded is not called for so many seconds.

    Where it stood is left in ``trace``.

    The watch is a thread of C, so that it works whatever hangs. Only a campaign's own worker
    processes are watched: this very process (with one worker) must not be ended, and a Dask cluster
    has its own ways.
    """
    stream = None
    if in_worker():
        with contextlib.suppress(OSError):  # without a cache to write to, a worker is not watched
            trace.parent.mkdir(parents=True, exist_ok=True)
            stream = trace.open("w")
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
    forget(trace)


@contextlib.contextmanager
def born_deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C, which goes to all: this one ends them quietly."""
    if (
        threading.current_thread() is not threading.main_thread()
    ):  # which alone may say how signals are handled
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler or signal.SIG_DFL)  # None, were it not Python's


def forget(trace: Path) -> None:
    """Remove a worker's trace, if there is one."""
    with contextlib.suppress(OSError):
        trace.unlink(missing_ok=True)


def hung(trace: Path) -> bool:
    """Say whether the worker with this trace ended itself: only then is there something in it."""
    with contextlib.suppress(OSError):
        return trace.stat().st_size > 0
    return False


def leave_at_once() -> None:
    """Let this worker process end without what the libraries in it do at Python's exit.

    Call it after they are imported, for the last to be registered is the first to be called. The
    framework's threads can hang there, no run is watched any more, and the campaign would wait for
    the process for ever. Records are on the disk by then.
    """
    if in_worker():
        atexit.unregister(_leave)
        atexit.register(_leave)


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def in_worker() -> bool:
    return multiprocessing.current_process().name.startswith("LokyProcess")
