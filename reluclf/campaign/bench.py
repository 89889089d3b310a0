"""How fast it all is: a campaign against a plain Keras loop, one core against its peak, the book.

``make bench`` measures it in a few minutes. The appendix shows what is then in
``results/bench.json``, by :mod:`reluclf.showing.speed`.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from reluclf import data, fitting, networks, paths, scoring, sources
from reluclf.campaign import runtime, surroundings, training
from reluclf.campaign.pace import Accelerator
from reluclf.files import write_atomically
from reluclf.grids import first, grid
from reluclf.spec import Spec
from reluclf.store import Store

_NETWORK: dict[str, Any] = {"dataset": "mnist", "protocol": "carried", "folds": 1}

#: Rows and columns of the matrices whose product gives the peak.
_SIDE = 2048

Times = tuple[float, ...]


class Result(BaseModel):
    """What ``make bench`` measured; times are in seconds, one for each repetition.

    Attributes
    ----------
    busy : float
        Share of the cores that other work had at the start.
    rows, epochs : int
        Training images, and epochs, of every run that is timed.
    fit, campaign : tuple of float
        The runs of :func:`mix` in a plain Keras loop, and in a campaign on ``workers`` processes.
    peak : tuple of float
        Single-precision FLOP/s of a product of two large matrices on one thread.
    flops, batch : dict
        Floating-point operations of one training batch, and its times on one thread, by network.
    book : float
        A clean build of the HTML book.
    accelerator : Accelerator or None
        What ``make bench GPU=n`` added.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = 2
    started: datetime
    machine: str
    versions: dict[str, str]
    busy: float
    rows: int
    epochs: int
    workers: int
    fit: Times
    campaign: Times
    peak: Times
    flops: dict[str, float]
    batch: dict[str, Times]
    book: float
    accelerator: Accelerator | None = None

    def ratio(self) -> list[float]:
        """Divide the campaign's throughput by that of a plain Keras loop, in each repetition."""
        runs = len(mix(self.rows, self.epochs, self.workers))
        more = runs / len(mix(self.rows, self.epochs))
        return [more * fit / ours for fit, ours in zip(self.fit, self.campaign, strict=True)]

    def share(self, network: str) -> list[float]:
        """Divide a network's achieved FLOP/s by the peak, in every repetition."""
        pairs = zip(self.batch[network], self.peak, strict=True)
        return [self.flops[network] / seconds / peak for seconds, peak in pairs]


def run(repeats: int, rows: int, epochs: int, say: Callable[[str], None]) -> Result:
    """Measure everything, the two that are compared in turns, and tell ``say`` what is measured."""
    import joblib
    import psutil

    sources.load_images("mnist")  # missed now rather than later
    started = datetime.now(UTC).replace(microsecond=0)
    cores = joblib.cpu_count()
    busy = psutil.cpu_percent(interval=1) / 100
    if busy > 0.05:
        say(f"other work has {busy:.0%} of the cores: wait for it, or trust no number below")
    fit, campaign = [], []
    for repeat in range(repeats):
        say(f"a plain Keras loop, {repeat + 1} of {repeats}")
        fit.append(measured("bench.plain_loop", rows, epochs))
        say(f"a campaign on {cores} workers, {repeat + 1} of {repeats}")
        campaign.append(measured("bench.campaign", rows, epochs, cores))
    say("one thread")
    one_thread = measured("bench.one_thread", 2 * repeats + 1)
    say("a clean build of the book")
    earlier = read()
    return Result(
        accelerator=earlier and earlier.accelerator,
        started=started,
        machine=f"{runtime.processor()}, {cores} cores",
        versions=runtime.versions("tensorflow"),
        busy=busy,
        rows=rows,
        epochs=epochs,
        workers=cores,
        fit=fit,
        campaign=campaign,
        book=measured("bench.book"),
        **one_thread,
    )


def accelerate(processes: int) -> Accelerator:
    """Measure the accelerator that Keras's backend finds, with so many runs at a time."""
    return Accelerator.model_validate_json(json.dumps(measured("pace.speed", processes)))


def measured(function: str, *arguments: int) -> Any:
    """Call a function of this room in a new process, and return what it measures.

    What is not about an accelerator is measured with TensorFlow, whatever ``KERAS_BACKEND`` is.

    Raises
    ------
    CampaignError
        If that process fails; the message has its last line.
    """
    module = function.split(".")[0]
    backend = {"KERAS_BACKEND": "tensorflow"} if module == "bench" else {}
    call = f"{function}{(*arguments,)}"
    code = f"import json; from reluclf.campaign import {module}; print(json.dumps({call}))"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=paths.ROOT,
            env=os.environ | surroundings.of_kernel(Path(folder)) | backend,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()  # one that is killed says nothing
        why = said[-1] if said else f"exit status {done.returncode}"
        why = re.sub(r"^[\w.]+: ", "", why).rstrip(".")  # without the name of its class
        raise training.CampaignError(
            f"a process that was to be timed failed: {why}; mend that, then run make bench again."
        )
    return json.loads(done.stdout.splitlines()[-1])


def mix(rows: int, epochs: int, workers: int = 1) -> list[Spec]:
    """List the runs that are timed: FFNN and CNN with both heads on MNIST, one fold.

    For several workers there are enough for each to have a CNN and an FFNN.
    """
    both = {"architecture": ["cnn", "ffnn"], "head": ["softmax", "relu"]}
    seeds = first(math.ceil(workers / 2))
    return grid(**_NETWORK, **both, seed=seeds, samples=rows, epochs=epochs)


def _warm_up(runs: int) -> list[Spec]:
    """List runs of a second each, for what a process does at its start."""
    few = _NETWORK | {"dataset": "wdbc", "epochs": 1}
    return grid(**few, architecture="ffnn", head="relu", seed=first(runs))


def plain_loop(rows: int, epochs: int) -> float:
    """Train one run after another with Keras's ``fit``, as the author does, and time it.

    The networks, the rows and the validation after every epoch (which the author's code leaves out)
    are the campaign's; the threads are as many as the framework likes.
    """
    runtime.configure(threads=0)
    _fit(_warm_up(1)[0])
    started = time.perf_counter()
    for spec in mix(rows, epochs):
        _fit(spec)
    return time.perf_counter() - started


def _fit(spec: Spec) -> None:
    import keras

    split = data.load_split(spec)
    x_train, x_test = data.prepare(spec, split.x_train, split.x_test)
    targets = scoring.one_hot(split.y_train, split.n_classes)
    model = networks.build(spec, spec.seed)
    size = spec.batch_size
    for train, validate in data.folds(split.y_train)[: spec.folds]:
        held_out = (x_train[validate], targets[validate])
        rows = (x_train[train], targets[train])
        model.fit(*rows, size, spec.epochs, verbose=0, validation_data=held_out)
    model.evaluate(x_test, scoring.one_hot(split.y_test, split.n_classes), size, verbose=0)
    keras.backend.clear_session()


def campaign(rows: int, epochs: int, workers: int) -> float:
    """Train runs as ``make experiments`` does, throw the records away, and time it."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        training.train_missing(_warm_up(workers), store, workers)  # joblib keeps its workers
        started = time.perf_counter()
        training.train_missing(mix(rows, epochs, workers), store, workers)
        return time.perf_counter() - started


def one_thread(repeats: int) -> dict[str, Any]:
    """Time batches of both networks, and a matrix product, in turns; framework not yet imported."""
    runtime.configure(threads=1)
    import tensorflow as tf

    rng = np.random.default_rng(0)
    matrix = tf.constant(rng.normal(size=(_SIDE, _SIDE)).astype(np.float32))
    product = tf.function(lambda a: tf.linalg.matmul(a, a))
    n = 256 * fitting.BATCHES_A_CALL
    x = rng.normal(size=(n, 256)).astype(np.float32)
    targets = scoring.one_hot(rng.integers(0, 10, n), 10)
    peak: list[float] = []
    batch: dict[str, list[float]] = {"FFNN": [], "CNN": []}
    flops, trainers = {}, {}
    for name in batch:
        spec = Spec(**_NETWORK, architecture=name.lower(), head="relu", seed=1)
        model = networks.build(spec, spec.seed)
        flops[name] = spec.batch_size * operations(model)
        trainers[name] = fitting.Trainer(model, x, targets, spec.batch_size)
    for repeat in range(repeats + 1):  # in the first, which does not count, all is compiled
        fastest = min(timeit.repeat(lambda: product(matrix).numpy(), number=1, repeat=3))
        if repeat:
            peak.append(2 * _SIDE**3 / fastest)
        for name, trainer in trainers.items():
            started = time.perf_counter()
            trainer.train(rng.permutation(n))
            if repeat:
                batch[name].append((time.perf_counter() - started) / fitting.BATCHES_A_CALL)
    return {"peak": peak, "flops": flops, "batch": batch}


def operations(model: Any) -> float:
    """Count the floating-point operations of training on one row, from a Keras model's layers.

    A dense layer from m to n units takes 2 m n; a convolution with k x k kernels from c to d
    channels, whose output has h x w places, 2 k² c d h w. Training takes that three times: forward,
    and for the gradients with respect to the weights and to the layer's input, which the first
    layer's needs none of. What is linear in the number of units is not counted.
    """
    counts = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Dense":
            counts.append(2 * math.prod(layer.kernel.shape))
        elif kind == "Conv2D":
            places = math.prod(layer.output.shape[1:3])
            counts.append(2 * math.prod(layer.kernel.shape) * places)
    return float(3 * sum(counts) - counts[0])


def book() -> float:
    """Build the HTML book, throw it away, and time it."""
    from jupyter_book.cli.main import main

    with tempfile.TemporaryDirectory() as folder:
        build = ["build", str(paths.ROOT), "--all", "--path-output", folder]
        started = time.perf_counter()
        main(build, standalone_mode=False)
        return time.perf_counter() - started


def write(result: Result) -> None:
    """Put the result where the appendix reads it."""
    write_atomically(paths.BENCH, (result.model_dump_json(indent=1) + "\n").encode())


def read() -> Result | None:
    """Read the committed result; None if there is none."""
    return Result.model_validate_json(paths.BENCH.read_bytes()) if paths.BENCH.is_file() else None
