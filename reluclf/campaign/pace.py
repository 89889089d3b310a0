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

from reluclf import protocols
from reluclf.campaign import accelerator, lanes, progress, runtime, training
from reluclf.spec import Spec, grid
from reluclf.store import Store

#: The widths that are compared with one seed at a time.
WIDTHS = (accelerator.WIDTH, 2 * accelerator.WIDTH)


class Clock:
    """Observes when epochs end."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def epoch(self) -> None:
        self.times.append(time.perf_counter())

    def fold(self, state: protocols.State) -> None:
        pass


def network(architecture: str, seed: int = 1, **fields: Any) -> Spec:
    """A run of MNIST that is measured."""
    of = {
        "dataset": "mnist",
        "architecture": architecture,
        "head": "relu",
        "protocol": "carried",
        "folds": 1,
    }
    return Spec(**of | fields, seed=seed)


def pace(spec: Spec, width: int) -> float:
    """Time epochs of a run that is under way, scoring included: a second, of all its seeds."""
    clock = Clock()
    specs = [spec.model_copy(update={"seed": seed}) for seed in range(1, width + 1)]
    if width == 1:
        protocols.run(specs[0], clock)
    else:
        dict(lanes.run(specs, [clock, *[None] * (width - 1)], [None] * width, width))
    return width / statistics.median(np.diff(clock.times[1:]))  # in the first one it is compiled


def paces(
    specs: Sequence[Spec], widths: Sequence[int], say: Callable[[str], None] = print
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


def networks(epochs: int, samples: int | None = None) -> list[Spec]:
    """The networks whose paces are measured."""
    return [
        network(architecture, epochs=epochs, samples=samples) for architecture in ("ffnn", "cnn")
    ]


def tables(
    processes: int, epochs: int = 32, folds: int = 10, samples: int | None = None
) -> dict[str, float]:
    """Train Tables 3 to 8 once, in so many processes: their epochs, and the seconds these took.

    The clock starts once the processes are there.
    """
    of = {
        "dataset": ["mnist", "fashion_mnist"],
        "architecture": ["ffnn", "cnn"],
        "head": ["relu", "softmax"],
    }
    specs = grid(**of, protocol="carried", seed=1, epochs=epochs, folds=folds, samples=samples)
    warm = grid(
        dataset="wdbc",
        architecture="ffnn",
        head="relu",
        protocol="carried",
        seed=range(1, processes + 1),
        epochs=1,
        folds=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        training.train_missing(warm, store, processes, width=1)
        started = time.perf_counter()
        training.train_missing(
            specs, store, processes, width=1
        )  # one seed of each has no use for lanes
        return {
            "epochs": sum(map(progress.epochs, specs)),
            "seconds": time.perf_counter() - started,
        }


def speed(processes: int) -> dict[str, Any]:
    """Measure how fast the accelerator is, as :class:`reluclf.bench.Accelerator` keeps it.

    Raises
    ------
    BackendError
        If the backend computes on the processor.
    """
    runtime.configure(threads=1)
    backend = runtime.backend()
    found: dict[str, Any] = {
        "device": runtime.on_accelerator(),
        "backend": backend,
        "versions": runtime.versions(backend),
    }
    found |= {
        "precision": accelerator.precision(),
        "deterministic": accelerator.deterministic(backend),
    }
    widths = (1, *WIDTHS) if backend == "jax" else (1,)
    rates = paces(networks(8), widths, lambda text: print(text, file=sys.stderr))
    return found | {"paces": rates, "processes": processes} | tables(processes)
