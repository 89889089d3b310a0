"""Many runs: what is missing is trained, longest first, one process a core, and each record is written the moment its run ends.

A campaign that is killed goes on where it was: finished runs have their records, unfinished ones a checkpoint after their last fold.
"""

from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import io
import json
import multiprocessing
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reluclf import paths, protocols, runtime, sources
from reluclf.files import write_atomically
from reluclf.records import Fold, Record, Store
from reluclf.specs import Spec

#: Rough cost of training on one row once, relative to the FFNN's; only the order of the runs and the estimate of the time left rest on it.
_COST = {
    **{(dataset, architecture): cost for dataset in ("mnist", "fashion_mnist") for architecture, cost in (("ffnn", 1.0), ("cnn", 3.0))},
    **{("wdbc", "ffnn"): 0.5, ("wdbc", "logistic"): 0.1},
}
_ROWS = {"mnist": 55_000, "fashion_mnist": 55_000, "wdbc": 398}

#: Seconds that a Dask scheduler may take to answer.
_CONNECT = 10

#: Seconds between two looks at how far the workers are.
_LOOK = 1.0

#: Worker processes for each core at the most: every one of them loads the framework, and on a processor one a core is best.
_MOST_A_CORE = 4

#: How often a campaign whose workers are killed is begun again.
_ATTEMPTS = 5

#: Seconds without the end of an epoch after which a worker process is taken to hang, and is ended.
PATIENCE = 1800.0


class CampaignError(RuntimeError):
    """Runs that could not be made; the message says how many, the first reason, and what to try."""


def obtain(
    specs: Iterable[Spec], train: bool = False, only: str = "", workers: int | None = None, cluster: str | None = None, store: Store | None = None
) -> list[Record]:
    """The records of the given specs; the missing ones are trained first, if ``train`` says so, else left out.

    Parameters
    ----------
    specs : iterable of Spec
    train : bool
    only : str
        Train only the specs whose name contains this.
    workers : int, optional
        Processes to train in; by default one a core.
    cluster : str, optional
        Address of a Dask scheduler to train on instead.
    store : Store, optional

    Returns
    -------
    list of Record
        In the order of the specs.
    """
    store = store or Store()
    specs = list(specs)
    if train:
        with _on(cluster):
            train_missing([spec for spec in specs if only in str(spec)], store, workers)
    return store.read_present(specs)


def train_missing(specs: Iterable[Spec], store: Store, workers: int | None = None) -> int:
    """Train those of the specs that have no record yet, and return how many these were.

    A run that fails, or a worker that is killed or hangs, does not stop the others. Another campaign may write to the same store at the
    same time: what it has finished is not trained again.

    Parameters
    ----------
    specs : iterable of Spec
    store : Store
        Records are written to it.
    workers : int, optional
        Processes; by default one a core. Under ``joblib.parallel_config(backend="dask")`` the cluster decides.

    Raises
    ------
    BackendError
        If Keras's backend cannot be had.
    DataError
        If the images cannot be had.
    CampaignError
        If the number of workers is not sensible, or if runs failed, after all the others are done.
    """
    import joblib
    from joblib.externals.loky import BrokenProcessPool

    most = _MOST_A_CORE * joblib.cpu_count()
    if workers is not None and not 1 <= workers <= most:
        raise CampaignError(f"workers={workers} is not allowed; 1 to {most} are on this machine, or none for one a core.")
    todo = sorted(store.missing(dict.fromkeys(specs)), key=cost, reverse=True)
    if not todo:
        return 0
    runtime.backend()  # missed before anything is started, as is the data
    for dataset in {spec.dataset for spec in todo} - {"wdbc"}:
        sources.load_images(dataset)  # fetched once, and missed before anything is started
    for spec in todo:
        with contextlib.suppress(OSError):  # of an earlier campaign
            _trace_file(spec).unlink(missing_ok=True)
    n, failures, kills = len(todo), {}, 0
    with _Bar(todo) as bar, warnings.catch_warnings():
        # Loky starts an idle worker that has ended anew, and says so where the chapter's page would show it.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor", category=UserWarning)
        while todo:
            parallel = joblib.Parallel(
                n_jobs=min(workers or joblib.cpu_count(), len(todo)), return_as="generator_unordered", batch_size=1, pre_dispatch="all"
            )
            try:
                for spec, failure in parallel(joblib.delayed(_train_in_worker)(spec, store.folder, PATIENCE) for spec in todo):
                    bar.finished(spec)
                    if failure:
                        failures[spec] = failure
                break
            except BrokenProcessPool as error:  # a worker was killed: by the system for want of memory, by hand, or by itself because it hung
                hung = {spec: f"no epoch ended in {PATIENCE:.0f} s; where it stood: {_trace_file(spec)}" for spec in todo if _hung(spec)}
                failures |= hung
                kills += not hung
                todo = [spec for spec in store.missing(todo) if spec not in failures]
                if todo and kills == _ATTEMPTS:
                    raise CampaignError(f"workers were killed {kills} times, last with {len(todo)} runs to go; try WORKERS=1.") from error
    if failures:
        spec, failure = next(iter(failures.items()))
        raise CampaignError(f"{len(failures)} of {n} runs failed, the others have their records; the first was {spec}: {failure}")
    return n


def train(spec: Spec, store: Store, alive: Callable[[], None] = lambda: None) -> Record:
    """Train one spec in this process, from its checkpoint if it has one, and write its record; call ``alive`` as epochs end."""
    checkpoint = Checkpoint(spec, alive)
    state = checkpoint.load()
    started, clock = datetime.now(UTC).replace(microsecond=0), time.perf_counter()
    outcome = protocols.run(spec, checkpoint, state)
    record = Record(
        spec=spec,
        folds=outcome.folds,
        final=outcome.final,
        diverged_at=outcome.diverged_at,
        test=outcome.test,
        provenance=runtime.provenance(spec, started, time.perf_counter() - clock),
    )
    store.write(record)
    checkpoint.clear()
    return record


def cost(spec: Spec) -> float:
    """How much work a run is, in epochs of the MNIST FFNN."""
    rows = min(spec.samples or _ROWS[spec.dataset], _ROWS[spec.dataset])
    return epochs(spec) * rows / _ROWS["mnist"] * _COST[spec.dataset, spec.architecture]


def epochs(spec: Spec) -> int:
    """All the epochs of a run: those of its folds and, for ``fresh``, of its final model."""
    return spec.epochs * (spec.folds + (spec.protocol == "fresh"))


class Checkpoint:
    """What an unfinished run has got to, kept in the user's cache; it observes the run, and calls ``alive`` when an epoch has ended.

    A checkpoint is used only by the code, the libraries and the backend that wrote it, so a resumed run cannot mix two of them.
    """

    def __init__(self, spec: Spec, alive: Callable[[], None] = lambda: None) -> None:
        self._spec = spec
        self._alive = alive
        self._file = paths.user_cache() / "unfinished" / spec.path.with_suffix(".checkpoint")
        self._progress = progress_file(spec)
        self._epochs = 0
        self._told = -_LOOK

    def load(self) -> protocols.State | None:
        """The state that was reached; None if there is none, or it is not to be used."""
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
        folds = [Fold.model_validate(fold) for fold in header["folds"]]
        self._epochs = self._spec.epochs * len(folds)
        return protocols.State(folds=folds, batches=header["batches"], diverged_at=header["diverged_at"], weights=weights)

    def fold(self, state: protocols.State) -> None:
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
        np.savez(content, header=np.array(json.dumps(header)), **{f"variable_{i}": value for i, value in enumerate(weights)})
        with contextlib.suppress(OSError):  # a run must not die of a full or read-only cache; it then cannot be resumed
            write_atomically(self._file, hashlib.sha256(content.getvalue()).digest() + content.getvalue())

    def epoch(self) -> None:
        """Tell the campaign's progress bar."""
        self._epochs += 1
        if time.monotonic() - self._told < _LOOK and self._epochs < epochs(self._spec):
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
        return json.dumps([self._spec.model_dump(), runtime.code_digest(), backend, runtime.versions(backend)])


@contextlib.contextmanager
def _on(cluster: str | None) -> Iterator[None]:
    """Where joblib sends the runs: the Dask cluster at this address, else local processes."""
    import joblib

    if not cluster:
        yield
        return
    try:
        import distributed
    except ImportError:
        raise CampaignError("training on a Dask cluster needs the package distributed; install it with: pip install distributed.") from None
    try:
        client = distributed.Client(cluster, timeout=_CONNECT)
    except (OSError, ValueError) as error:
        raise CampaignError(f"no Dask scheduler answers at {cluster!r} ({error}); start one with: dask scheduler.") from None
    with client, joblib.parallel_config(backend="dask", client=client):
        yield


def progress_file(spec: Spec) -> Path:
    """Where a run says how many of its epochs are done."""
    return paths.user_cache() / "unfinished" / spec.path.with_suffix(".epochs")


def _train_in_worker(spec: Spec, folder: Path, patience: float) -> tuple[Spec, str | None]:
    """Train a spec; return it, and what went wrong if something did."""
    runtime.configure(threads=1)
    import keras

    store = Store(folder)
    try:
        with _watched(spec, patience) as alive:
            if spec not in store:
                train(spec, store, alive)
    except Exception as error:
        return spec, f"{type(error).__name__}: {error}"
    finally:
        keras.backend.clear_session()
    return spec, None


@contextlib.contextmanager
def _watched(spec: Spec, patience: float) -> Iterator[Callable[[], None]]:
    """End this worker process if what is yielded is not called for so many seconds, and leave a trace of where it stood.

    The watch is a thread of C, so that it works whatever hangs. Only a campaign's own worker processes are watched: this very process
    (with one worker) must not be ended, and a Dask cluster has its own ways.
    """
    file, stream = _trace_file(spec), None
    if multiprocessing.current_process().name.startswith("LokyProcess"):
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
    file.unlink(missing_ok=True)


def _trace_file(spec: Spec) -> Path:
    return paths.user_cache() / "unfinished" / spec.path.with_suffix(".trace")


def _hung(spec: Spec) -> bool:
    """Whether the worker that trained this spec ended itself: only then is there a trace with something in it."""
    with contextlib.suppress(OSError):
        return _trace_file(spec).stat().st_size > 0
    return False


class _Bar(AbstractContextManager):
    """One progress bar for all workers, in units of work; it looks at their progress files."""

    def __init__(self, specs: list[Spec]) -> None:
        from tqdm import tqdm

        self._running = {spec: 0.0 for spec in specs}
        self._finished = 0.0
        self._n = 0
        total = sum(cost(spec) for spec in specs)
        # On a cluster other machines' files may not be seen here; the bar then moves when a run ends.
        # Under papermill the terminal is the caller's, and the bar gets there through a file.
        self._stream = open(os.environ["RELUCLF_PROGRESS"], "a", encoding="utf-8") if "RELUCLF_PROGRESS" in os.environ else sys.stderr  # noqa: SIM115
        self._bar = tqdm(total=total, file=self._stream, bar_format="{desc} {percentage:3.0f}%|{bar:30}| {elapsed}<{remaining}", mininterval=_LOOK)
        self._of = len(specs)
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._show()

    def __enter__(self) -> _Bar:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watch.join()
        self._bar.close()
        if self._stream is not sys.stderr:
            self._stream.close()

    def finished(self, spec: Spec) -> None:
        self._running.pop(spec)
        self._finished += cost(spec)
        self._n += 1
        self._show()

    def _look(self) -> None:
        while not self._stop.wait(_LOOK):
            for spec in list(self._running):
                try:
                    self._running[spec] = cost(spec) * int(progress_file(spec).read_text() or 0) / epochs(spec)
                except (OSError, ValueError, KeyError):
                    continue
            self._show()

    def _show(self) -> None:
        done = self._finished + sum(list(self._running.values()))
        self._bar.set_description_str(f"{self._n} of {self._of} runs", refresh=False)
        self._bar.update(max(0.0, min(done, self._bar.total) - self._bar.n))
        self._bar.refresh()
