"""What an unfinished run has got to, so that a campaign that is killed goes on where it was."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import ValidationError

from reluclf import fitting
from reluclf.campaign import accelerator, progress, runtime
from reluclf.files import write_atomically
from reluclf.record import Fold
from reluclf.spec import Spec
from reluclf.store import Store


class Checkpoint(fitting.Observer):
    """Keeps what an unfinished run has got to in the user's cache.

    It observes the run, and calls ``alive`` when an epoch has ended.

    A checkpoint is used only by the code, the libraries, the backend, its settings, the kind of
    device and the number of lanes that wrote it, so a resumed run cannot mix two of them.
    """

    def __init__(
        self, spec: Spec, store: Store, alive: Callable[[], None] = lambda: None, width: int = 1
    ) -> None:
        self.spec = spec
        self._width = width
        self._alive = alive
        self._file = store.unfinished(spec, "checkpoint")
        self._progress = store.unfinished(spec, "epochs")
        self._epochs = 0
        self._told = -progress.LOOK

    def load(self) -> fitting.State | None:
        """Return the state that was reached; None if there is none that can be used."""
        try:
            kept = self._file.read_bytes()
        except OSError:
            return None
        digest, content = kept[:32], kept[32:]
        if digest != hashlib.sha256(content).digest():
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            if header["identity"] != self._identity():
                return None
            weights = [arrays[f"variable_{i}"] for i in range(header["variables"])] or None
        try:
            folds = [Fold.model_validate(fold) for fold in header["folds"]]
        except ValidationError:  # of a version whose folds were recorded in another way
            return None
        self._epochs = self.spec.epochs * len(folds)
        return fitting.State(
            folds=folds,
            batches=header["batches"],
            diverged_at=header["diverged_at"],
            weights=weights,
        )

    def fold(self, state: fitting.State) -> None:
        """Keep the state after a fold."""
        weights = state.weights or []
        header = {
            "identity": self._identity(),
            "folds": [fold.model_dump(mode="json") for fold in state.folds],
            "batches": state.batches,
            "diverged_at": state.diverged_at,
            "variables": len(weights),
        }
        content = io.BytesIO()
        arrays: dict[str, Any] = {f"variable_{i}": value for i, value in enumerate(weights)}
        np.savez(content, header=np.array(json.dumps(header)), **arrays)
        with contextlib.suppress(
            OSError
        ):  # a run must not die of a full or read-only cache; it then cannot be resumed
            write_atomically(
                self._file, hashlib.sha256(content.getvalue()).digest() + content.getvalue()
            )

    def epoch(self) -> None:
        """Tell the campaign's progress bar."""
        self._epochs += 1
        if time.monotonic() - self._told < progress.LOOK and self._epochs < progress.epochs(
            self.spec
        ):
            return
        self._told = time.monotonic()
        self._alive()
        with contextlib.suppress(OSError):  # progress is a courtesy
            self._progress.parent.mkdir(parents=True, exist_ok=True)
            self._progress.write_text(str(self._epochs))

    def clear(self) -> None:
        """Forget the run: it is finished."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)
            self._progress.unlink(missing_ok=True)

    def _identity(self) -> str:
        import keras

        backend = keras.backend.backend()
        held = [accelerator.precision(), accelerator.deterministic(backend), self._width]
        return json.dumps(
            [
                self.spec.model_dump(),
                runtime.code_digest(),
                backend,
                runtime.versions(backend),
                runtime.device(backend),
                held,
            ]
        )
