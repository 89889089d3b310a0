"""Worker processes end: if they hang, if the campaign has ended, and at once when all is done."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

#: Seconds between two looks for the process that started a worker.
LOOK = 2.0

_WATCH = "reluclf-parent"


@contextlib.contextmanager
def watched(trace: Path, patience: float) -> Iterator[Callable[[], None]]:
    """End this worker process if what is yielded is not called for so many seconds.

    Where it stood is left in ``trace``.

    The watch is a thread of C, so that it works whatever hangs. Only a campaign's own worker
    processes are watched: a Dask cluster has its own ways, and no other process must be ended.
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


def leave_with_the_campaign() -> None:
    """End this worker process soon after the one that started it has ended, however that was.

    It would go on to the end of its run, of which nobody hears: half a day, for some.
    """
    if in_worker() and not any(thread.name == _WATCH for thread in threading.enumerate()):
        parent = psutil.Process().parent()
        threading.Thread(target=_leave_after, args=(parent,), name=_WATCH, daemon=True).start()


def _leave_after(parent: psutil.Process | None) -> None:
    while psutil.Process().parent() == parent:
        time.sleep(LOOK)
    os._exit(1)


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
