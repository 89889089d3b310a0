"""How fast it all is: a campaign against the paper's own loop, one core against its peak, the book.

``make bench`` measures it in a few minutes; the appendix shows what is in ``results/bench.json``.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from reluclf import data, networks, paths, protocols, sources, surroundings
from reluclf.campaign import pace, runtime, training
from reluclf.files import write_atomically
from reluclf.spec import Spec, first, grid
from reluclf.store import Store

#: What is asked of a machine: campaign over the paper's own loop, and seconds of the book.
BARS = {"ratio": 1.8, "book": 60.0}

NOT_MEASURED = "not measured"

_NETWORK: dict[str, Any] = {"dataset": "mnist", "protocol": "carried", "folds": 1}

#: Rows and columns of the matrices whose product gives the peak.
_SIDE = 2048

Times = tuple[float, ...]


class Accelerator(BaseModel):
    """What an accelerator does; :func:`reluclf.campaign.pace.speed` measures it.

    Attributes
    ----------
    precision, deterministic
        To what it was held, as in a record's provenance.
    paces : dict of str to dict of int to float
        Epochs a second in one process, by network and by how many seeds one program trained, all counted.
    processes, epochs, seconds
        Tables 3 to 8 once: how many runs at a time, the epochs of all of them, and the time they took.
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


class Result(BaseModel):
    """What ``make bench`` measured; times are in seconds, one for each repetition.

    Attributes
    ----------
    busy : float
        Share of the cores that other work had at the start.
    rows, epochs : int
        Training images, and epochs, of every run that is timed.
    fit, campaign : tuple of float
        The runs of :func:`mix` in the paper's own loop, and in a campaign on ``workers`` processes.
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
        """Divide the campaign's throughput by that of the paper's own loop, in every repetition."""
        given = (self.rows, self.epochs)
        more = len(mix(*given, self.workers)) / len(mix(*given))
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
        say(f"the paper's own loop, {repeat + 1} of {repeats}")
        fit.append(_measured(f"papers_loop({rows}, {epochs})"))
        say(f"a campaign on {cores} workers, {repeat + 1} of {repeats}")
        campaign.append(_measured(f"campaign({rows}, {epochs}, {cores})"))
    say("one thread")
    one_thread = _measured(f"one_thread({2 * repeats + 1})")
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
        book=_measured("book()"),
        **one_thread,
    )


def accelerate(processes: int) -> Accelerator:
    """Measure the accelerator that Keras's backend finds: each network's pace, and Tables 3 to 8, so many runs at a time."""
    return Accelerator.model_validate_json(json.dumps(_measured(f"accelerated({processes})")))


def accelerated(processes: int) -> dict[str, Any]:
    """Measure it in this process, which must be new."""
    return pace.speed(processes)


def mix(rows: int, epochs: int, workers: int = 1) -> list[Spec]:
    """List the runs that are timed: FFNN and CNN with both heads on MNIST, one fold.

    For several workers there are enough for each to have a CNN and an FFNN.
    """
    both = {"architecture": ["cnn", "ffnn"], "head": ["softmax", "relu"]}
    seeds = first(-(-workers // 2))
    return grid(**_NETWORK, **both, seed=seeds, samples=rows, epochs=epochs)


def _warm_up(runs: int) -> list[Spec]:
    """List runs of a second each, for what a process does at its start."""
    few = _NETWORK | {"dataset": "wdbc", "epochs": 1}
    return grid(**few, architecture="ffnn", head="relu", seed=first(runs))


def papers_loop(rows: int, epochs: int) -> float:
    """Train one run after another with Keras's ``fit`` as the author does, and time it.

    The networks, the rows and the validation after every epoch are the campaign's; the threads are
    as many as the framework likes.
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
    targets = protocols.one_hot(split.y_train, split.n_classes)
    model = networks.build(spec, spec.seed)
    size = spec.batch_size
    for train, validate in data.folds(split.y_train)[: spec.folds]:
        held_out = (x_train[validate], targets[validate])
        rows = (x_train[train], targets[train])
        model.fit(*rows, size, spec.epochs, verbose=0, validation_data=held_out)
    model.evaluate(x_test, protocols.one_hot(split.y_test, split.n_classes), size, verbose=0)
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
    n = 256 * protocols.BATCHES_A_CALL
    x = rng.normal(size=(n, 256)).astype(np.float32)
    targets = protocols.one_hot(rng.integers(0, 10, n), 10)
    peak: list[float] = []
    batch: dict[str, list[float]] = {"FFNN": [], "CNN": []}
    flops, trainers = {}, {}
    for name in batch:
        spec = Spec(**_NETWORK, architecture=name.lower(), head="relu", seed=1)
        model = networks.build(spec, spec.seed)
        flops[name] = spec.batch_size * networks.operations(model)
        trainers[name] = protocols.trainer(model, x, targets, spec.batch_size)
    for repeat in range(repeats + 1):  # in the first, which does not count, all is compiled
        fastest = min(timeit.repeat(lambda: product(matrix).numpy(), number=1, repeat=3))
        if repeat:
            peak.append(2 * _SIDE**3 / fastest)
        for name, train in trainers.items():
            started = time.perf_counter()
            for _ in train(rng.permutation(n)):
                pass
            if repeat:
                batch[name].append((time.perf_counter() - started) / protocols.BATCHES_A_CALL)
    return {"peak": peak, "flops": flops, "batch": batch}


def book() -> float:
    """Build the HTML book, throw it away, and time it."""
    from jupyter_book.cli.main import main

    with tempfile.TemporaryDirectory() as folder:
        build = ["build", str(paths.ROOT), "--all", "--path-output", folder]
        started = time.perf_counter()
        main(build, standalone_mode=False)
        return time.perf_counter() - started


def _measured(call: str) -> Any:
    """Call a function of this module in a new process, and return what it measures."""
    code = f"import json; from reluclf import bench; print(json.dumps(bench.{call}))"
    command = [sys.executable, "-c", code]
    with tempfile.TemporaryDirectory() as folder:
        variables = os.environ | surroundings.of_kernel(Path(folder))
        done = subprocess.run(
            command, cwd=paths.ROOT, env=variables, capture_output=True, text=True
        )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()  # one that is killed says nothing
        why = said[-1] if said else f"exit status {done.returncode}"
        raise training.CampaignError(
            f"a process that was to be timed failed: {why}; mend that, then run make bench again."
        )
    return json.loads(done.stdout.splitlines()[-1])


def write(result: Result) -> None:
    """Put the result where the appendix reads it."""
    write_atomically(paths.BENCH, (result.model_dump_json(indent=1) + "\n").encode())


def read() -> Result | None:
    """Read the committed result; None if there is none."""
    return Result.model_validate_json(paths.BENCH.read_bytes()) if paths.BENCH.is_file() else None


def spread(values: Sequence[float], digits: int = 2, scale: float = 1.0) -> str:
    """Write repeated measurements as the median, the smallest and the largest, and how many.

    Examples
    --------
    >>> spread([2.0, 9.0, 1.5])
    '2.00 [1.50, 9.00] (n = 3)'
    """
    ends = (statistics.median(values), min(values), max(values))
    middle, low, high = [f"{scale * value:.{digits}f}" for value in ends]
    return f"{middle} [{low}, {high}] (n = {len(values)})"


def table(result: Result | None) -> pd.DataFrame:
    """Write what was measured, row by row, with the bar where there is one."""
    columns = ["what", "measured", "bar"]
    if result is None:
        return pd.DataFrame([("everything", NOT_MEASURED, "–")], columns=columns)
    ratio = result.ratio()
    fast = "met" if statistics.median(ratio) >= BARS["ratio"] else "missed"
    built = "met" if result.book <= BARS["book"] else "missed"
    what = f"campaign on {result.workers} workers over the paper's own loop"
    rows = [
        ("cores busy with other work at the start, %", f"{100 * result.busy:.0f}", "–"),
        (what, spread(ratio), f"≥ {BARS['ratio']}: {fast}"),
        ("peak of one core, GFLOP/s", spread(result.peak, 0, 1e-9), "–"),
    ]
    for network in result.flops:
        share = spread(result.share(network), 0, 100)
        rows.append((f"{network}, share of the peak, %", share, "–"))
    asked = f"≤ {BARS['book']:.0f}: {built}"
    rows.append(("clean build of the book, s", f"{result.book:.0f}", asked))
    rows += _accelerated(result.accelerator)
    return pd.DataFrame(rows, columns=columns)


def _accelerated(there: Accelerator | None) -> list[tuple[str, str, str]]:
    if there is None:
        return [("Tables 3 to 8 on a GPU, minutes", NOT_MEASURED, "–")]
    order = "deterministic" if there.deterministic else "not deterministic"
    where = f"{there.device} ({there.backend}, {there.precision}, {order})"
    rows = [
        (
            f"Tables 3 to 8 on {where}, {there.processes} runs at a time, minutes",
            f"{there.seconds / 60:.1f}",
            "–",
        )
    ]
    rows.append(("epochs a second of them", f"{there.epochs / there.seconds:.1f}", "–"))
    for network, paces in there.paces.items():
        for width, rate in paces.items():
            how = "one seed" if width == 1 else f"{width} seeds in one program"
            rows.append((f"{network}, epochs a second there, {how}", f"{rate:.1f}", "–"))
    return rows


def facts(result: Result | None) -> dict[str, str]:
    """Say what the appendix's prose says of a result, by the names it is glued under."""
    if result is None:
        names = ("machine", "rows", "epochs", "workers", "ratio")
        return {f"appendices_speed_{name}": f"({NOT_MEASURED})" for name in names}
    where = f"{result.machine} (tensorflow {result.versions['tensorflow']})"
    return {
        "appendices_speed_machine": f"{where}, on {result.started:%d %B %Y}",
        "appendices_speed_rows": f"{result.rows:,}",
        "appendices_speed_epochs": str(result.epochs),
        "appendices_speed_workers": str(result.workers),
        "appendices_speed_ratio": spread(result.ratio()),
    }
