"""How fast an accelerator is: each network alone and in lanes, and the paper's Tables 3 to 8."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from reluclf import fitting, protocols
from reluclf.campaign import accelerator, lanes, progress, runtime, training
from reluclf.grids import first, grid
from reluclf.spec import Spec
from reluclf.store import Store

#: The widths that are compared with one seed at a time.
WIDTHS = (accelerator.WIDTH, 2 * accelerator.WIDTH)


class Accelerator(BaseModel):
    """What an accelerator does; :func:`speed` measures it.

    Attributes
    ----------
    precision, deterministic
        To what it was held, as in a record's provenance.
    paces : dict of str to dict of int to float
        Epochs a second in one process, by network and by how many seeds one program trained.
    processes, epochs, seconds
        Tables 3 to 8 once: runs at a time, the epochs of all of them, and how long they took.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    backend: str
    versions: dict[str, str]
    precision: str
    deterministic: bool
    paces: dict[str, dict[int, float]]
    processes: int
    epochs: int
    seconds: float


class _Clock(fitting.Observer):
    """Notes when epochs end."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def epoch(self) -> None:
        self.times.append(time.perf_counter())


def networks(epochs: int, samples: int | None = None) -> list[Spec]:
    """List the runs whose paces are measured: FFNN and CNN on MNIST, one fold."""
    architectures = ["ffnn", "cnn"]
    one_fold: dict[str, Any] = {"head": "relu", "protocol": "carried", "folds": 1, "seed": 1}
    return grid(
        dataset="mnist", architecture=architectures, **one_fold, epochs=epochs, samples=samples
    )


def pace(spec: Spec, width: int) -> float:
    """Time epochs of a run that is under way, scoring included: a second, of all its seeds."""
    clock = _Clock()
    if width == 1:
        protocols.run(spec, clock)
    else:
        specs = [spec.model_copy(update={"seed": seed}) for seed in first(width)]
        dict(lanes.run(specs, [clock, *[None] * (width - 1)], [None] * width, width))
    return width / statistics.median(np.diff(clock.times[1:]))  # in the first one it is compiled


def paces(
    specs: Sequence[Spec], widths: Sequence[int], say: Callable[[str], None]
) -> dict[str, dict[int, float]]:
    """Time each network by how many seeds one program trains: epochs a second.

    ``say`` is told each, and its ratio to that of the first width.
    """
    found: dict[str, dict[int, float]] = {}
    for spec in specs:
        rates = found[spec.architecture.upper()] = {}
        for width in widths:
            rates[width] = pace(spec, width)
            ratio = rates[width] / rates[widths[0]]
            say(
                f"{spec}, {width} at once: {rates[width]:.2f} epochs a second, "
                f"{ratio:.2f} times {widths[0]} at a time"
            )
    return found


def tables(
    processes: int, epochs: int = 32, folds: int = 10, samples: int | None = None
) -> dict[str, float]:
    """Train Tables 3 to 8 once, in so many processes: their epochs, and the seconds these took.

    The clock starts once the processes are there.
    """
    carried: dict[str, Any] = {"protocol": "carried", "head": ["relu", "softmax"]}
    specs = grid(
        dataset=["mnist", "fashion_mnist"],
        architecture=["ffnn", "cnn"],
        **carried,
        seed=1,
        epochs=epochs,
        folds=folds,
        samples=samples,
    )
    short = {"dataset": "wdbc", "architecture": "ffnn", "epochs": 1, "folds": 1}
    warm_up = grid(**short, **carried, seed=first(processes))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        training.train_missing(warm_up, store, processes, width=1)
        started = time.perf_counter()
        # One seed of each has no use for lanes.
        training.train_missing(specs, store, processes, width=1)
        seconds = time.perf_counter() - started
    return {"epochs": sum(map(progress.epochs, specs)), "seconds": seconds}


def speed(processes: int) -> dict[str, Any]:
    """Measure how fast the accelerator is, as :class:`Accelerator` has it.

    Raises
    ------
    BackendError
        If the backend computes on the processor.
    """
    runtime.configure(threads=1)
    backend = runtime.backend()
    device = runtime.on_accelerator()
    widths = (1, *WIDTHS) if backend == "jax" else (1,)
    return {
        "device": device,
        "backend": backend,
        "versions": runtime.versions(backend),
        "precision": accelerator.precision(),
        "deterministic": accelerator.deterministic(backend),
        "paces": paces(networks(8), widths, lambda text: print(text, file=sys.stderr)),
        "processes": processes,
    } | tables(processes)
