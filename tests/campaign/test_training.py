"""Campaigns: only what is missing is trained, and a run that is killed goes on where it was."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import factory
import joblib
import numpy as np
import psutil
import pytest
from factory import files

from reluclf import Spec, first, fitting, grid, paths, protocols
from reluclf.campaign import progress, runtime, training, watch
from reluclf.campaign.checkpoints import Checkpoint
from reluclf.store import Store

TINY = {
    "dataset": "wdbc",
    "architecture": "ffnn",
    "head": "relu",
    "protocol": "carried",
    "epochs": 1,
    "folds": 1,
}
SPEC = Spec(**TINY, seed=1)


@pytest.fixture
def pretend(monkeypatch):
    """Trains nothing; returns the list of the specs that a single worker is given, whose records it keeps on no disk."""
    given = []

    def train(spec, folder, patience):
        given.append(spec)
        return spec, factory.record(spec, [0.9], 0.9), None

    monkeypatch.setattr(training, "_train_in_worker", train)
    return given


# Where it is trained


def test_a_record_that_a_worker_has_kept_elsewhere_is_written_here(store, pretend, capfd):
    assert training.train_missing([SPEC], store, workers=1) == 1
    assert store.read(SPEC) == factory.record(SPEC, [0.9], 0.9)


def test_what_there_is_to_train_is_told_where_nothing_is(store, pretend, capfd):
    store.write(factory.record(SPEC, [0.9], 0.9))
    training.obtain([SPEC], train=True, store=store)
    assert capfd.readouterr().err == "nothing to train: no record is missing, of 1\n"
    training.obtain([SPEC], train=True, only="nonsense", store=store)
    assert capfd.readouterr().err == "nothing to train: no run has 'nonsense' in its name\n"
    training.obtain([SPEC], store=store)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_dask_cluster_gives_the_records_of_local_processes(store, tmp_path, capfd):
    distributed = pytest.importorskip("distributed")
    specs = grid(**TINY, seed=first(2))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as cluster:
        distant = training.obtain(specs, train=True, cluster=cluster.scheduler_address, store=store)
    here = Store(tmp_path / "here")
    assert [record.measured() for record in distant] == [
        record.measured() for record in training.obtain(specs, train=True, workers=1, store=here)
    ]


def _die_or_not(spec, folder, patience):
    if spec.seed == 2:
        os._exit(9)
    return spec, factory.record(spec, [0.9], 0.9), None


class Answer:
    """A future of a cluster: of a run that is done, or was on a worker that is killed."""

    def __init__(self, spec, killed):
        self.spec, self.killed = spec, killed

    def exception(self):
        return ConnectionError("killed with another's worker") if self.killed else None

    def result(self):
        return self.spec, factory.record(self.spec, [0.9], 0.9), None


class Cluster:
    """Whoever is asked for at first beside a run that kills its worker is killed with it."""

    def __init__(self, guilty):
        self.guilty, self.asked = guilty, []

    def submit(self, function, spec, *_, **__):
        killed = spec == self.guilty or spec not in self.asked
        self.asked.append(spec)
        return Answer(spec, killed)


def test_nobody_is_blamed_who_has_left_a_record_or_who_passes_when_tried_alone(store, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(distributed, "as_completed", list)
    finished, guilty, innocent = (SPEC.model_copy(update={"seed": seed}) for seed in (1, 2, 3))
    store.write(factory.record(finished, [0.9], 0.9))
    jobs = [training._job([spec], store, 1) for spec in (finished, guilty, innocent)]
    outcomes = list(training._on_cluster(jobs, store, Cluster(guilty)))
    assert [spec for spec, _, failure in outcomes if failure] == [guilty]
    assert [record.spec for _, record, failure in outcomes if not failure] == [finished, innocent]


@pytest.mark.slow
def test_a_run_that_kills_its_workers_on_a_cluster_is_named_and_the_others_are_done(
    store, monkeypatch
):
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    monkeypatch.setattr(training, "_train_in_worker", _die_or_not)
    specs = [SPEC.model_copy(update={"seed": seed}) for seed in (1, 2, 3)]
    once = dask.config.set(
        {"distributed.scheduler.allowed-failures": 0}
    )  # each worker that is killed takes its time to come back
    options = {
        "n_workers": 1,
        "threads_per_worker": 1,
        "dashboard_address": ":0",
        "silence_logs": "CRITICAL",
    }
    with (
        once,
        distributed.LocalCluster(**options) as cluster,
        pytest.raises(training.CampaignError, match=r"1 of 3 runs failed, .*seed-2: KilledWorker"),
    ):
        training.obtain(
            specs, train=True, workers=99, cluster=cluster.scheduler_address, store=store
        )
    assert store.missing(specs) == [specs[1]]


def test_without_the_package_for_clusters_the_error_says_how_to_install_it(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        training.CampaignError,
        match=r"needs the package distributed; install it with: pip install distributed\.",
    ):
        training.obtain([SPEC], train=True, cluster="tcp://127.0.0.1:8786", store=store)


@pytest.mark.parametrize(
    "address", ["nonsense", "tcp://", "tcp://127.0.0.1:9", "ftp://127.0.0.1:9"]
)
def test_a_cluster_that_does_not_answer_is_named(store, monkeypatch, address):
    monkeypatch.setattr(training, "_CONNECT", 1)
    with pytest.raises(
        training.CampaignError,
        match=f"no Dask scheduler answers at '{address}' .*; start one with: dask scheduler",
    ):
        training.obtain([SPEC], train=True, cluster=address, store=store)
    assert not [thread.name for thread in threading.enumerate() if thread.name == "IO loop"], (
        "the client that failed is still there"
    )


@pytest.mark.parametrize("workers", [0, -1, 10**6])
def test_so_many_workers_are_refused_before_any_starts(store, pretend, workers):
    with pytest.raises(
        training.CampaignError,
        match=rf"workers={workers} is not allowed; 1 to \d+ are on this machine, or none for one a core",
    ):
        training.train_missing([SPEC], store, workers)
    assert not pretend


# What is trained


def test_two_workers_train_what_is_missing_and_nothing_else(keras, store, workers, capfd):
    specs = grid(**TINY | {"protocol": ("carried", "fresh")}, seed=first(2))
    training.train(specs[2], store)
    before = store.file(specs[2]).stat().st_mtime_ns
    assert training.train_missing(specs, store, workers=2) == 3
    assert store.missing(specs) == []
    assert store.file(specs[2]).stat().st_mtime_ns == before
    assert "3 of 3 runs" in capfd.readouterr().err
    assert files(paths.user_cache() / "unfinished") == []
    assert training.train_missing(specs, store, workers=2) == 0
    # A worker trains as this process does.
    assert (
        training.train(specs[0], Store(store.folder / "again")).measured()
        == store.read(specs[0]).measured()
    )


def test_the_longest_run_comes_first_and_a_spec_that_is_asked_for_twice_is_trained_once(
    store, pretend, capfd
):
    longest = Spec(**TINY | {"epochs": 9}, seed=1)
    fresh = Spec(**TINY | {"protocol": "fresh"}, seed=1)
    assert training.train_missing([SPEC, fresh, SPEC, longest], store, workers=1) == 3
    assert pretend == [longest, fresh, SPEC]


def test_costs_rank_the_papers_runs():
    def cost(dataset, architecture, **fields):
        return progress.cost(
            Spec(**TINY | {"dataset": dataset, "architecture": architecture} | fields, seed=1)
        )

    assert cost("mnist", "cnn") > cost("mnist", "ffnn") > cost("wdbc", "ffnn")
    assert cost("mnist", "ffnn") > cost("mnist", "ffnn", samples=300) > 0
    assert cost("mnist", "ffnn", epochs=4) == pytest.approx(4 * cost("mnist", "ffnn"))
    assert cost("mnist", "ffnn", protocol="fresh") == pytest.approx(
        2 * cost("mnist", "ffnn")
    )  # one fold, and the final model
    assert progress.epochs(Spec(**TINY | {"protocol": "fresh", "folds": 0}, seed=1)) == 1


def test_obtaining_without_training_gives_the_records_that_are_there_in_the_order_asked_for(
    store, pretend
):
    specs = grid(**TINY, seed=first(3))
    for spec in (specs[0], specs[2]):
        store.write(factory.record(spec, [0.9], 0.9))
    assert [record.spec for record in training.obtain(specs[::-1], store=store)] == [
        specs[2],
        specs[0],
    ]
    assert pretend == []


def test_obtaining_gives_further_seeds_of_the_same_experiments_and_nothing_else(store, pretend):
    specs = grid(**TINY, seed=first(4))
    others = grid(**(TINY | {"epochs": TINY["epochs"] + 1}), seed=first(2))
    for spec in (*specs, *others):
        store.write(factory.record(spec, [0.9], 0.9))
    assert [record.spec for record in training.obtain([specs[1], specs[0]], store=store)] == [
        specs[1],
        specs[0],
        specs[2],
        specs[3],
    ]
    assert training.obtain([], store=store) == [] == pretend


def test_obtaining_with_training_hands_what_is_missing_to_the_workers(store, pretend, capfd):
    training.obtain([SPEC], train=True, workers=1, store=store)
    assert pretend == [SPEC]


def test_workers_are_as_many_as_the_cores_but_never_more_than_the_runs(
    store, pretend, monkeypatch, capfd
):
    asked = []
    original = joblib.Parallel

    def parallel(n_jobs, **options):
        asked.append(n_jobs)
        return original(n_jobs=1, **options)

    monkeypatch.setattr(joblib, "Parallel", parallel)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)
    training.train_missing(grid(**TINY, seed=first(2)), store)
    training.train_missing(grid(**TINY, seed=first(9)), store)
    training.train_missing(grid(**(TINY | {"epochs": 2}), seed=first(9)), store, workers=3)
    assert asked == [2, 4, 3]


# What is killed

LONG = Spec(**TINY | {"epochs": 20, "folds": 10}, seed=1)

#: A process that trains one run and does nothing else.
TRAIN = """
import sys
from pathlib import Path
from reluclf import Spec
from reluclf.campaign import training, runtime
from reluclf.store import Store
runtime.configure(threads=1)
training.train(Spec.model_validate_json(sys.argv[1]), Store(Path(sys.argv[2])))
"""


def wait_for(condition, process):
    """Wait for something to happen in a process; on a busy machine it takes its time, and if it never does, the suite's limit ends the test."""
    while not condition():
        assert process.poll() is None, (
            f"the process ended too early: {process.stderr.read().decode()}"
        )
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_run_that_is_killed_goes_on_after_its_last_fold_and_gives_the_same_record(
    keras, store, monkeypatch, tmp_path
):
    checkpoint = store.unfinished(LONG, "checkpoint")
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    command = [sys.executable, "-c", TRAIN, LONG.model_dump_json(), str(store.folder)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            wait_for(checkpoint.exists, process)
        finally:
            process.kill()
    assert process.returncode == -signal.SIGKILL
    assert LONG not in store
    assert not store.folder.exists() or files(store.folder) == []

    trained = []

    def fit(training):
        trained.append(training.number)
        return original(training)

    original = fitting.fit
    monkeypatch.setattr(fitting, "fit", fit)
    resumed = training.train(LONG, store)
    assert 1 not in trained  # the fold that the killed process had finished
    assert trained[-1] == 10

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another cache"))
    undisturbed = training.train(LONG, Store(tmp_path / "undisturbed"))
    assert resumed.measured() == undisturbed.measured()
    assert store.read(LONG).measured() == undisturbed.measured()
    assert files(store.folder) == [str(LONG.path)]
    monkeypatch.undo()
    assert not checkpoint.exists()


# Checkpoints

TWO_FOLDS = Spec(**TINY | {"folds": 2}, seed=1)


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def state(keras):
    """What a run has got to after its first fold."""
    kept = []

    class Observer(fitting.Observer):
        def fold(self, state):
            kept.append(state)
            raise Interrupted

    with pytest.raises(Interrupted):
        protocols.run(TWO_FOLDS, Observer())
    return kept[0]


@pytest.fixture
def kept(state, store):
    """The file of that run's checkpoint."""
    Checkpoint(TWO_FOLDS, store).fold(state)
    (file,) = (paths.user_cache() / "unfinished").rglob("*.checkpoint")
    return file


def test_a_checkpoint_gives_back_the_state_it_was_given(kept, state, store):
    loaded = Checkpoint(TWO_FOLDS, store).load()
    assert loaded.folds == state.folds
    assert (loaded.batches, loaded.diverged_at) == (state.batches, state.diverged_at)
    assert all(
        np.array_equal(a, b) and a.dtype == b.dtype
        for a, b in zip(loaded.weights, state.weights, strict=True)
    )


def test_a_checkpoint_of_a_diverged_run_can_be_taken_up_again(keras, state, store):
    loss = (float("nan"),) * TWO_FOLDS.epochs
    fold = state.folds[0].model_copy(
        update={"train": state.folds[0].train.model_copy(update={"loss": loss})}
    )
    Checkpoint(TWO_FOLDS, store).fold(
        fitting.State(
            folds=[fold], batches=2, diverged_at=1, weights=[np.full(3, np.nan, np.float32)]
        )
    )
    loaded = Checkpoint(TWO_FOLDS, store).load()
    assert loaded.diverged_at == 1
    assert repr(loaded.folds) == repr([fold])
    assert np.isnan(loaded.weights[0]).all()


def test_a_checkpoint_of_fresh_keeps_no_weights(keras, state, store):
    spec = Spec(**TINY | {"protocol": "fresh", "folds": 2}, seed=1)
    Checkpoint(spec, store).fold(fitting.State(folds=state.folds, batches=2))
    assert Checkpoint(spec, store).load() == fitting.State(folds=state.folds, batches=2)


def test_a_run_without_a_checkpoint_starts_from_the_beginning(keras, store):
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_of_other_code_is_not_used(kept, monkeypatch, store):
    monkeypatch.setattr(runtime, "code_digest", lambda: "0" * 64)
    assert Checkpoint(TWO_FOLDS, store).load() is None


@pytest.mark.parametrize("library", ["keras", "numpy", "tensorflow", "scikit-learn", "scipy"])
def test_a_checkpoint_of_another_version_of_a_library_that_decides_a_runs_outcome_is_not_used(
    kept, monkeypatch, keras, library, store
):
    if library == "tensorflow" and keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow is not the backend")
    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.0" if name == library else version(name)
    )
    module = {"scikit-learn": "sklearn"}.get(library, library)
    monkeypatch.setattr(f"{module}.__version__", "0.0")
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_of_another_backend_is_not_used(kept, monkeypatch, keras, store):
    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.0" if name == "jaxlib" else version(name)
    )
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_in_the_place_of_another_specs_is_not_used(kept, store):
    other = Spec(**TINY | {"folds": 2}, seed=2)
    kept.rename(kept.with_name("seed-2.checkpoint"))
    assert Checkpoint(other, store).load() is None


def cut(content):
    return content[: len(content) // 2]


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE = {
    "empty": lambda content: b"",
    "one byte": lambda content: content[:1],
    "cut off": cut,
    "without its last byte": lambda content: content[:-1],
    "a flipped bit": flip,
    "zeros": lambda content: bytes(len(content)),
    "something else": lambda content: b"not a checkpoint\n" * 100,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_checkpoint_is_not_used(kept, damage, store):
    kept.write_bytes(damage(kept.read_bytes()))
    assert Checkpoint(TWO_FOLDS, store).load() is None


def test_a_checkpoint_with_any_flipped_bit_is_not_used(kept, store):
    whole = kept.read_bytes()
    # Bits of its beginning and its end, where the digest, the flags and the directory are, and some of those between.
    for place in [
        *range(8 * 64),
        *range(8 * 64, 8 * (len(whole) - 64), 100_003),
        *range(8 * (len(whole) - 64), 8 * len(whole)),
    ]:
        byte, bit = divmod(place, 8)
        kept.write_bytes(whole[:byte] + bytes([whole[byte] ^ 1 << bit]) + whole[byte + 1 :])
        assert Checkpoint(TWO_FOLDS, store).load() is None
    kept.write_bytes(whole)
    assert Checkpoint(TWO_FOLDS, store).load() is not None


def test_a_damaged_checkpoint_does_not_stop_its_run(kept, store):
    kept.write_bytes(cut(kept.read_bytes()))
    training.train(TWO_FOLDS, store)
    assert TWO_FOLDS in store
    assert files(paths.user_cache() / "unfinished") == []


def test_a_run_says_how_many_of_its_epochs_are_done_also_when_it_is_taken_up_again(kept, store):
    checkpoint = Checkpoint(TWO_FOLDS, store)
    checkpoint.load()
    checkpoint.epoch()
    assert store.unfinished(TWO_FOLDS, "epochs").read_text() == "2"
    checkpoint.clear()
    assert files(paths.user_cache() / "unfinished") == []


def test_a_cache_that_cannot_be_written_does_not_stop_the_progress_of_a_run(
    keras, monkeypatch, tmp_path, store
):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    Checkpoint(TWO_FOLDS, store).epoch()


def test_a_run_in_a_home_without_a_writable_cache_still_gives_its_record(
    keras, monkeypatch, tmp_path, store
):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    training.train(SPEC, store)
    assert SPEC in store


# What is left


def test_what_a_run_killed_as_its_record_was_written_left_is_removed(kept, store):
    Path(str(kept).removesuffix(".checkpoint") + ".trace").touch()
    store.write(factory.record(TWO_FOLDS, [0.9, 0.9], 0.9))
    assert training.train_missing([TWO_FOLDS], store) == 0
    assert files(paths.user_cache() / "unfinished") == []


def test_what_an_interrupted_run_left_is_kept_from_a_campaign_with_the_same_spec_in_another_folder(
    kept, store, tmp_path
):
    elsewhere = Store(tmp_path / "elsewhere")
    elsewhere.write(factory.record(TWO_FOLDS, [0.9, 0.9], 0.9))
    assert training.train_missing([TWO_FOLDS], elsewhere) == 0
    assert Checkpoint(TWO_FOLDS, store).load() is not None


# What goes wrong in a worker


@pytest.mark.slow
def test_a_run_that_fails_does_not_stop_the_others_and_is_named(store, workers):
    good, bad = (Spec(**TINY | {"folds": 1}, seed=seed) for seed in (11, 12))
    (store.folder / bad.path).mkdir(
        parents=True
    )  # a folder where the record should go: writing it fails
    with pytest.raises(
        training.CampaignError,
        match=r"1 of 2 runs failed, the first was .*seed-12: .*Error.*; the others have their records",
    ):
        training.train_missing([good, bad], store, workers=2)
    assert good in store


def _write_and_be_killed(spec, folder, patience):
    if spec.seed == 1:
        return spec, None, "ValueError: that one is wrong"
    if spec.seed < 9:
        Store(folder).write(factory.record(spec, [0.9], 0.9))
    if watch._in_worker():  # the last run is made in this very process
        os._exit(9)
    return spec, None, None


@pytest.mark.slow
def test_a_campaign_goes_on_as_long_as_it_gets_on_however_often_its_workers_are_killed(
    store, workers, monkeypatch
):
    monkeypatch.setattr(training, "_train_in_worker", _write_and_be_killed)
    assert (
        training.train_missing(
            [SPEC.model_copy(update={"seed": seed}) for seed in range(2, 9)], store, workers=2
        )
        == 7
        > training._ATTEMPTS
    )


@pytest.mark.slow
def test_a_campaign_that_gives_up_says_so_and_what_had_failed_before(store, workers, monkeypatch):
    monkeypatch.setattr(training, "_train_in_worker", _write_and_be_killed)
    with pytest.raises(
        training.CampaignError,
        match=r"killed 5 times before a run was finished, with 2 to go; try one worker\. Before that, 1 of 3 runs failed, .*seed-1: ValueError",
    ):
        training.train_missing(
            [SPEC.model_copy(update={"seed": seed}) for seed in (1, 9, 10)], store, workers=2
        )


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_every_run_gets_its_record(store, workers):
    specs = [Spec(**TINY | {"folds": 10, "epochs": 30}, seed=seed) for seed in (21, 22, 23)]
    killed = []

    def kill_one_worker():
        deadline = time.monotonic() + 60
        while not killed and time.monotonic() < deadline:
            training = any((paths.user_cache() / "unfinished").rglob("*.epochs"))
            children = [
                child
                for child in psutil.Process().children()
                if "popen_loky" in " ".join(child.cmdline())
            ]
            if training and children:
                children[0].kill()
                killed.append(children[0].pid)
            time.sleep(0.05)

    killer = threading.Thread(target=kill_one_worker)
    killer.start()
    training.train_missing(specs, store, workers=2)
    killer.join()
    assert killed, "no worker was found to kill"
    assert store.missing(specs) == []
