"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from pathlib import Path

#: Seconds after which what a killed writer left behind is swept away.
_STALE = 3600.0


def write_atomically(file: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old content or the new, whenever we are killed.

    The bytes go into a hidden file beside it first, whose name no other writer uses, on this
    machine or another. A writer that is killed leaves that one behind; the next one removes it,
    once it is too old to be anybody's work in progress.

    Parameters
    ----------
    file : Path
        Its folder is made if it is not there.
    content : bytes

    Raises
    ------
    OSError
        If it cannot be written; nothing is left behind.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    for old in file.parent.glob(f".{file.name}.*"):
        with contextlib.suppress(OSError):  # another writer may have removed it
            if time.time() - old.stat().st_mtime > _STALE:
                old.unlink()
    scratch = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        with scratch.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
