"""Measures how fast training, the book and the store are, side by side, in under ten minutes; ``make bench`` calls it."""

from __future__ import annotations

import itertools
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reluclf import data, networks, paths, protocols, sources, surroundings
from reluclf.campaign import progress, runtime, training
from reluclf.files import write_atomically
from reluclf.judging import paper
from reluclf.showing import speed
from reluclf.spec import Spec, first, grid
from reluclf.store import Store, read_file

#: Rows and columns of the matrices whose product gives the peak.
_SIDE = 2048

#: How many made-up records the store is measured with.
_SIZES = (1250, 2500, 5000, 10_000)


def run(repeats: int, rows: int, epochs: int, say: Callable[[str], None]) -> speed.Result:
    """Measure everything but the accelerator.

    Parameters
    ----------
    repeats : int
        How often every training is timed; those that are compared take turns.
    rows, epochs : int
        Training images, and epochs, of every run.
    say : callable
        Is told what is measured now.
    """
    began, clock = datetime.now(UTC).replace(microsecond=0), time.perf_counter()
    sources.load_images("mnist")  # missed now rather than later
    surroundings = machine()
    say(f"on {surroundings.processor}, {surroundings.cores} cores, {surroundings.memory:.0f} GB")
    if surroundings.busy > 0.05:
        say(f"other work has {surroundings.busy:.0%} of the cores: what follows is slower, and less certain, than on an idle machine")
    earlier = speed.read()
    return speed.Result(
        started=began,
        machine=surroundings,
        store=_store(say),
        efficiency=_efficiency(repeats, say),
        cluster=_cluster(say),
        book=_book(say),
        training=_training(repeats, rows, epochs, say),
        pace=_pace(repeats, rows, say),
        accelerator=earlier and earlier.accelerator,
        seconds=time.perf_counter() - clock,
    )


def write(result: speed.Result) -> None:
    """Put the result where the appendix reads it."""
    write_atomically(paths.BENCH, (result.model_dump_json(indent=1) + "\n").encode())


def machine() -> speed.Machine:
    """This machine, and how busy it is."""
    import psutil

    return speed.Machine(
        processor=runtime.processor(),
        cores=_cores(),
        memory=psutil.virtual_memory().total / 1e9,
        system=f"{platform.system()} {platform.machine()}",
        versions=runtime.versions("tensorflow"),
        busy=psutil.cpu_percent(interval=1) / 100,
    )


# Training


def mix(rows: int, epochs: int, copies: int = 1) -> list[Spec]:
    """The runs that are timed: FFNN and CNN with both heads on MNIST, one fold, as often as asked."""
    networks = {"dataset": "mnist", "architecture": ["cnn", "ffnn"], "head": list(paper.HEADS)}
    return grid(**networks, protocol="carried", seed=first(copies), epochs=epochs, folds=1, samples=rows)


def _training(repeats: int, rows: int, epochs: int, say: Callable[[str], None]) -> speed.Training:
    cores = _cores()
    counts = sorted({1, cores} | {2**k for k in range(1, cores.bit_length()) if 2**k < cores})
    copies = {workers: -(-workers // 2) for workers in counts}  # enough for each worker to have a CNN and an FFNN
    fit, ours = [], {workers: [] for workers in counts}
    for repeat in range(repeats):
        # The order is turned round every time, so that no way profits from what warms up or slows down.
        for workers in [None, *counts][:: 1 if repeat % 2 == 0 else -1]:
            way = "the paper's own way" if workers is None else f"campaign, {workers} workers"
            say(f"training, {repeat + 1} of {repeats}: {way}")
            if workers is None:
                fit.append(_seconds_of("papers_way", mix(rows, epochs)))
            else:
                ours[workers].append(_seconds_of("campaign_of", mix(rows, epochs, copies[workers]), workers))
    runs = tuple(map(str, mix(rows, epochs)))
    return speed.Training(runs=runs, rows=rows, epochs=epochs, fit=fit, copies=copies, campaign=ours)


def _seconds_of(function: str, specs: Sequence[Spec], *others: int) -> float:
    """What a function of this module measures in a new process, in seconds."""
    argument = json.dumps([spec.model_dump() for spec in specs])
    printed = _python(f"from reluclf import bench; print(bench.{function}(*bench.read_specs({argument!r}), *{others!r}))")
    return float(printed.splitlines()[-1])


def read_specs(text: str) -> tuple[list[Spec]]:
    """The specs that :func:`papers_way` and :func:`campaign_of` are given in another process."""
    return ([Spec(**fields) for fields in json.loads(text)],)


def _warm_up(runs: int) -> list[Spec]:
    """Runs of a second, trained before what is timed: a campaign lasts hours, and the seconds in which its processes start are not its pace."""
    return grid(dataset="wdbc", architecture="ffnn", head="relu", protocol="carried", seed=first(runs), epochs=1, folds=1)


def papers_way(specs: Sequence[Spec]) -> float:
    """Train one run after another in this process with Keras's ``fit``, and as many threads as the framework likes; return the seconds it took.

    The same networks on the same rows with the same validation after every epoch as the campaign's. XLA is off, which is Keras's default on a
    machine without an accelerator.
    """
    runtime.configure(threads=0)
    for spec in _warm_up(1):
        _fit(spec)
    return _time(lambda: [_fit(spec) for spec in specs])


def _fit(spec: Spec, ended: Callable[[], None] = lambda: None) -> None:
    """Train with Keras's ``fit``, and call ``ended`` as epochs end."""
    import keras

    split = data.load_split(spec)
    x_train, x_test = data.prepare(spec, split.x_train, split.x_test)
    targets = protocols.one_hot(split.y_train, split.n_classes)
    model, watch = networks.build(spec, spec.seed), keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ended())
    for train, validate in data.folds(split.y_train)[: spec.folds]:
        held_out = (x_train[validate], targets[validate])
        model.fit(x_train[train], targets[train], spec.batch_size, spec.epochs, verbose=0, validation_data=held_out, callbacks=[watch])
    model.evaluate(x_test, protocols.one_hot(split.y_test, split.n_classes), spec.batch_size, verbose=0)
    keras.backend.clear_session()


def campaign_of(specs: Sequence[Spec], workers: int) -> float:
    """Train the specs as ``make experiments`` does, throw the records away, and return the seconds it took once the workers were there."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        training.train_missing(_warm_up(workers), store, workers)  # joblib keeps its workers for the next call
        return _time(lambda: training.train_missing(specs, store, workers))


def _pace(repeats: int, rows: int, say: Callable[[str], None]) -> speed.Pace:
    cores, found = _cores(), {True: [], False: []}
    for repeat in range(repeats):
        say(f"an epoch of runs that are under way, {repeat + 1} of {repeats}")
        for fit in (True, False):
            code = f"import json; from reluclf import bench; print(json.dumps(bench.pace({rows}, {fit})))"
            with ThreadPoolExecutor(cores) as pool:
                printed = list(pool.map(_python, [code] * (1 if fit else cores)))
            found[fit].append([json.loads(text.splitlines()[-1]) for text in printed])
    fit, ours = ({name: [float(np.mean([of[name] for of in once])) for once in of_way] for name in of_way[0][0]} for of_way in found.values())
    return speed.Pace(fit=fit, campaign=ours, processes=cores)


def pace(rows: int, fit: bool, epochs: int = 3) -> dict[str, float]:
    """The median seconds of an epoch but the first, by network: of Keras's ``fit``, or of a campaign's run; in this process, which must be new."""
    runtime.configure(threads=0 if fit else 1)
    seconds = {}
    for spec in grid(dataset="mnist", architecture=["cnn", "ffnn"], head="relu", protocol="carried", seed=1, epochs=epochs, folds=1, samples=rows):
        clock = _Clock()
        if fit:
            _fit(spec, clock.epoch)
        else:
            protocols.run(spec, clock)
        seconds[spec.architecture.upper()] = float(np.median(np.diff(clock.times)))
    return seconds


class _Clock:
    """Observes when epochs end."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def epoch(self) -> None:
        self.times.append(time.perf_counter())

    def fold(self, state: protocols.State) -> None:
        pass


def _efficiency(repeats: int, say: Callable[[str], None]) -> speed.Efficiency:
    say("FLOP/s of one thread")
    printed = _python(f"from reluclf import bench; print(bench.efficiency({2 * repeats + 1}).model_dump_json())")
    return speed.Efficiency.model_validate_json(printed.splitlines()[-1])


def efficiency(repeats: int) -> speed.Efficiency:
    """Time batches of both networks, and a matrix product, in turns, in this process, which must not have imported the framework yet."""
    runtime.configure(threads=1)
    import tensorflow as tf

    rng = np.random.default_rng(0)
    matrix = tf.constant(rng.normal(size=(_SIDE, _SIDE)).astype(np.float32))
    product = tf.function(lambda a: tf.linalg.matmul(a, a))
    n = 256 * protocols.BATCHES_A_CALL
    x, targets = rng.normal(size=(n, 256)).astype(np.float32), protocols.one_hot(rng.integers(0, 10, n), 10)
    tasks, flops = {}, {}
    for spec in grid(dataset="mnist", architecture=["ffnn", "cnn"], head="relu", protocol="carried", seed=1):
        name, model = spec.architecture.upper(), networks.build(spec, spec.seed)
        flops[name] = spec.batch_size * speed.operations(model)[1]
        for way in ("batch", "call"):
            train = protocols.trainer(model, x, targets, spec.batch_size, several=way == "call")
            tasks[way, name] = lambda train=train: list(train(rng.permutation(n)))
    for task in (lambda: product(matrix).numpy(), *tasks.values()):
        task()  # compiled, and warm
    peak, seconds = [], {key: [] for key in tasks}
    for _ in range(repeats):
        peak.append(2 * _SIDE**3 / min(_time(lambda: product(matrix).numpy()) for _ in range(3)))
        for key, task in tasks.items():
            seconds[key].append(_time(task) / protocols.BATCHES_A_CALL)
    ways = {way: {name: seconds[way, name] for name in flops} for way in ("batch", "call")}
    return speed.Efficiency(peak=peak, flops=flops, **ways)


def _cluster(say: Callable[[str], None]) -> speed.Cluster:
    import distributed

    say("a Dask cluster of two local workers")
    specs = grid(dataset="wdbc", architecture="ffnn", head=list(paper.HEADS), protocol=["carried", "fresh"], seed=1, epochs=3, folds=2)
    with tempfile.TemporaryDirectory() as folder:
        here, there = (Store(Path(folder) / name) for name in ("here", "there"))
        local = training.obtain(specs, train=True, workers=2, store=here)
        options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": "ERROR"}
        started = time.perf_counter()
        with distributed.LocalCluster(**options) as cluster:
            distant = training.obtain(specs, train=True, cluster=cluster.scheduler_address, store=there)
        seconds = time.perf_counter() - started
    same = sum(one.measured() == other.measured() for one, other in zip(local, distant, strict=True))
    return speed.Cluster(workers=2, records=len(specs), same=same, seconds=seconds)


# The book


def _book(say: Callable[[str], None]) -> speed.Book:
    say("a clean build of the book")
    build = "from jupyter_book.cli.main import main; main()"
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with _memory() as memory:
            printed = _python(build, "build", str(paths.ROOT), "--all", "--path-output", folder)
        seconds = time.perf_counter() - started
    times = {name: float(took) for name, took in sorted(re.findall(r"(\w+)\.ipynb: Executed notebook in ([\d.]+) seconds", printed))}
    tables_first = {}
    for name in times:
        say(f"the first table of chapter {name}")
        tables_first[name] = _seconds_to_first_table(name)
    return speed.Book(seconds=seconds, memory=memory[0] / 1e9, chapters=times, first_table=tables_first)


def _seconds_to_first_table(chapter: str) -> float:
    """Wall time of a new process that runs a chapter's cells up to the first that shows a table."""
    import nbformat

    cells = [cell.source for cell in nbformat.read(paths.BOOK / f"{chapter}.ipynb", as_version=4).cells if cell.cell_type == "code"]
    last = next(i for i, source in enumerate(cells) if re.search(r"pages\.(table|ledger)\(", source))
    started = time.perf_counter()
    _python("\n".join(cells[: last + 1]), cwd=paths.BOOK)
    return time.perf_counter() - started


@contextmanager
def _memory() -> Iterator[list[int]]:
    """The peak, in bytes, of what this process's children hold together while the block runs; what they share is counted once."""
    import psutil

    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(1.0):
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    held = child.memory_full_info()
                    total += getattr(held, "pss", held.rss)
                except psutil.Error:  # it has just ended
                    continue
            peak[0] = max(peak[0], total)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


# The store


def _store(say: Callable[[str], None]) -> speed.Reading:
    say(f"a store of {_SIZES[-1]:,} made-up records")
    committed = Store(paths.RESULTS)
    files = list(committed.files())
    template = read_file(min(files, key=lambda file: file.stat().st_size))
    index, query = [], []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for before, size in itertools.pairwise((0, *_SIZES)):
            for n in range(before, size):
                # Experiments of five seeds each.
                spec = template.spec.model_copy(update={"bias": 0.01 * (n // 5 + 1), "seed": n % 5})
                file = store.folder / spec.path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(template.model_copy(update={"spec": spec}).to_json(), encoding="utf-8")
            wanted = 0.01 * (size // 10)
            if len(store.specs()) != size or len(store.select(bias=wanted)) != 5:
                raise AssertionError("the store does not find what was put into it")
            index.append(min(_time(store.specs) for _ in range(3)))
            query.append(min(_time(lambda wanted=wanted: store.select(bias=wanted)) for _ in range(3)))
    read_all = min(_time(committed.read_all) for _ in range(2))
    return speed.Reading(sizes=_SIZES, index=index, query=query, committed=len(files), read_all=read_all)


# An accelerator


def accelerate(processes: int, epochs: int, folds: int, say: Callable[[str], None]) -> speed.Accelerator:
    """Tables 3 to 8 once, on the accelerator that Keras's backend finds, with so many runs at a time; and a little of it in one process.

    ``KERAS_BACKEND=jax make bench GPU=8`` calls it, with 32 epochs and ten folds.
    """
    named = _python(
        "from reluclf.campaign import runtime; runtime.configure(1); import keras; print(keras.backend.backend()); print(runtime.accelerator())"
    )
    backend, device = named.splitlines()[-2:]
    networks = {"dataset": ["mnist", "fashion_mnist"], "architecture": ["ffnn", "cnn"], "head": list(paper.HEADS)}
    whole = grid(**networks, protocol="carried", seed=1, epochs=epochs, folds=folds)
    few = grid(**networks, protocol="carried", seed=1, epochs=min(4, epochs), folds=1)
    say(f"Tables 3 to 8, {processes} runs at a time")
    seconds = _seconds_of("campaign_of", whole, processes)
    say("a little of it in one process")
    alone = _seconds_of("campaign_of", few, 1)
    return speed.Accelerator(
        device=device,
        backend=backend,
        processes=processes,
        epochs=sum(map(progress.epochs, whole)),
        seconds=seconds,
        alone_epochs=sum(map(progress.epochs, few)),
        alone_seconds=alone,
    )


def _python(code: str, *arguments: str, cwd: Path = paths.ROOT) -> str:
    """What a new Python process prints; its errors and progress go to the terminal, and only if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        variables = os.environ | surroundings.of_kernel(Path(folder))
        done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        why = [f"exit status {done.returncode}", *(done.stderr or done.stdout).strip().splitlines()][-1]  # one that is killed says nothing
        raise training.CampaignError(f"a process that was to be timed failed: {why}; mend that, then run make bench again.")
    return done.stdout


def _time(task: Callable[[], object]) -> float:
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def _cores() -> int:
    import joblib

    return joblib.cpu_count()
