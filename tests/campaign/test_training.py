"""Campaigns: what is missing is trained, longest first, in processes here or on a cluster."""

import contextlib
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import factory
import joblib
import psutil
import pytest
from factory import TINY, command_line, files

from reluclf import Spec, first, grid, paths, protocols
from reluclf.campaign import cluster, processes, progress, runtime, training, watch, worker
from reluclf.store import Store

SPEC = Spec(**TINY, seed=1)


@pytest.fixture
def pretend(monkeypatch):
    """Trains nothing; returns the list of the specs that a single worker is given, whose records it keeps on no disk."""
    given = []

    def train(spec, folder, patience):
        given.append(spec)
        return [(spec, factory.record(spec, [0.9], 0.9), None)]

    monkeypatch.setattr(worker, "alone", train)
    return given


# Where it is trained


def test_a_record_that_a_worker_has_kept_elsewhere_is_written_here(store, pretend, capfd):
    assert training.train_missing([SPEC], store, workers=1) == 1
    assert store.read(SPEC) == factory.record(SPEC, [0.9], 0.9)


def test_what_there_is_to_train_is_told_where_nothing_is(store, pretend, capfd):
    store.write(factory.record(SPEC, [0.9], 0.9))
    training.obtain([SPEC], train=True, store=store)
    assert capfd.readouterr().err == "nothing to train: no record is missing, of 1\n"
    with pytest.raises(
        training.NoRunError,
        match=r"no run has 'nonsense' in its name; the first is called wdbc/ffnn-relu/.*seed-1\.",
    ):
        training.obtain([SPEC], train=True, only="nonsense", store=store)
    training.obtain([], train=True, store=store)  # a chapter asked for a part without such runs
    training.obtain([SPEC], store=store)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_dask_cluster_gives_the_records_of_local_processes(store, tmp_path, capfd):
    distributed = pytest.importorskip("distributed")
    specs = grid(**TINY, seed=first(2))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as there:
        distant = training.obtain(specs, train=True, cluster=there.scheduler_address, store=store)
    here = Store(tmp_path / "here")
    assert [record.measured() for record in distant] == [
        record.measured() for record in training.obtain(specs, train=True, workers=1, store=here)
    ]


def _die_or_not(spec, folder, patience):
    if spec.seed == 2:
        os._exit(9)
    return [(spec, factory.record(spec, [0.9], 0.9), None)]


class Answer:
    """A future of a cluster: of a run that is done, or was on a worker that is killed."""

    def __init__(self, spec, killed):
        self.spec, self.killed = spec, killed

    def exception(self):
        return ConnectionError("killed with another's worker") if self.killed else None

    def result(self):
        return [(self.spec, factory.record(self.spec, [0.9], 0.9), None)]


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
    outcomes = list(cluster.train_there(jobs, store, Cluster(guilty)))
    assert [spec for spec, _, failure in outcomes if failure] == [guilty]
    assert [record.spec for _, record, failure in outcomes if not failure] == [finished, innocent]


@pytest.mark.slow
def test_a_run_that_kills_its_workers_on_a_cluster_is_named_and_the_others_are_done(
    store, monkeypatch
):
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    monkeypatch.setattr(worker, "alone", _die_or_not)
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
        distributed.LocalCluster(**options) as there,
        pytest.raises(training.CampaignError, match=r"1 of 3 runs failed, .*seed-2: KilledWorker"),
    ):
        training.obtain(specs, train=True, workers=99, cluster=there.scheduler_address, store=store)
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
    monkeypatch.setattr(cluster, "_CONNECT", 1)
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


FOUR = grid(**TINY | {"protocol": ("carried", "fresh"), "folds": 4, "epochs": 10}, seed=first(2))


def kill_a_worker(killed):
    """Kill one of the worker processes of this one as soon as a run is under way."""
    while not killed:
        under_way = any((paths.user_cache() / "unfinished").rglob("*.epochs"))
        children = psutil.Process().children()
        workers = [child for child in children if "popen_loky" in command_line(child)]
        if under_way and workers:
            workers[0].kill()
            killed.append(workers[0].pid)
        time.sleep(0.02)


@pytest.fixture(scope="module")
def campaign(keras, tmp_path_factory):
    """Four runs on two workers, of which one is killed; the first run had its record before."""
    store = Store(tmp_path_factory.mktemp("campaign"))
    worker.train(FOUR[0], store)
    before = store.file(FOUR[0]).read_bytes()
    told, killed = io.StringIO(), []
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(told):
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        killer = threading.Thread(target=kill_a_worker, args=(killed,))
        killer.start()
        trained = training.train_missing(FOUR, store, workers=2)
        killed.append(None)  # if there was none to kill
        killer.join()
        left = files(paths.user_cache() / "unfinished")
        processes.end_workers()
    assert killed[0] is not None, "no worker was found to kill"
    assert store.file(FOUR[0]).read_bytes() == before
    return store, trained, left, told.getvalue()


@pytest.mark.slow
def test_two_workers_train_what_is_missing_though_one_is_killed(campaign):
    store, trained, left, told = campaign
    assert trained == 3
    assert store.missing(FOUR) == left == []
    assert "3 of 3 runs" in told
    assert training.train_missing(FOUR, store, workers=2) == 0


@pytest.mark.slow
def test_a_worker_trains_as_this_process_does(campaign, store):
    again = worker.train(FOUR[3], store)
    assert again.measured() == campaign[0].read(FOUR[3]).measured()


def test_the_longest_run_comes_first_and_a_spec_that_is_asked_for_twice_is_trained_once(
    store, pretend, capfd
):
    longest = Spec(**TINY | {"epochs": 9}, seed=1)
    fresh = Spec(**TINY | {"protocol": "fresh"}, seed=1)
    assert training.train_missing([SPEC, fresh, SPEC, longest], store, workers=1) == 3
    assert pretend == [longest, fresh, SPEC]


@pytest.mark.parametrize(("seconds", "least", "most"), [("0", 9, 99), ("3600", 1, 2)])
def test_the_bar_is_drawn_as_often_as_is_wished(seconds, least, most):
    """A log file would be filled by one line a second; chapters ask for one in half a minute."""
    program = (
        "from reluclf import Spec; from reluclf.campaign import progress; "
        "from reluclf.store import Store; "
        "progress.LOOK = 0.01; import time; "
        f"spec = Spec(**{TINY!r}, seed=1); bar = progress.Bar([spec], Store()); bar.__enter__(); "
        "time.sleep(1); bar.finished(spec); bar.__exit__()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"TQDM_MININTERVAL": seconds},
        capture_output=True,
        text=True,
        check=True,
    )
    assert least <= done.stderr.count("runs") <= most
    assert "1 of 1 runs 100%" in done.stderr.rsplit("\r", 1)[-1]


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


def _alone_in_a_worker(spec, folder, patience):
    """Instead of training: fail in the caller's process, and beside another run."""
    assert watch.in_worker()
    mark = Path(folder) / "under way"
    mark.touch(exist_ok=False)
    time.sleep(0.1)
    mark.unlink()
    return [(spec, factory.record(spec, [0.9], 0.9), None)]


@pytest.mark.parametrize(("runs", "most"), [(1, None), (4, 1)])
def test_one_run_or_one_worker_leaves_the_callers_process_alone(
    store, one_worker, workers, monkeypatch, capfd, runs, most
):
    """The caller may have seeded a Keras of its own, in float64: training would set it up anew."""
    one_worker()
    store.folder.mkdir()
    monkeypatch.setattr(worker, "alone", _alone_in_a_worker)
    assert training.train_missing(grid(**TINY, seed=first(runs)), store, most) == runs


def _alone_or_killed(spec, folder, patience):
    """Instead of training: give a record, or die of seed 9 once."""
    mark = Path(folder) / "killed"
    if spec.seed == 9 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return [(spec, factory.record(spec, [0.9], 0.9), None)]


@pytest.mark.timeout(300)
def test_one_worker_and_several_and_the_callers_own_joblib_follow_each_other(
    store, one_worker, workers, monkeypatch, capfd
):
    """Loky and joblib each keep workers for the whole process, and joblib fails on loky's."""
    one_worker()
    store.folder.mkdir()
    monkeypatch.setattr(worker, "alone", _alone_or_killed)
    for specs, most in (([1], 1), ([2, 3], 2), ([4], 1), ([9, 8], 1), ([5, 6], 2), ([7], 1)):
        todo = [Spec(**TINY, seed=seed) for seed in specs]
        assert training.train_missing(todo, store, most) == len(specs)
        squares = joblib.Parallel(n_jobs=2)(joblib.delayed(pow)(i, 2) for i in range(3))
        assert squares == [0, 1, 4]


def _trains_and_ends(folder, n):
    """What a process of the caller's own does; workers that are kept are idle for a day."""
    processes._IDLE = 100_000
    training.train_missing(grid(**TINY, seed=first(n)), Store(folder), n)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("n", [1, 2])
def test_a_process_of_the_callers_own_that_has_trained_ends(tmp_path, n):
    """It waits for its children: for workers that are kept, until they have been idle for long."""
    child = multiprocessing.get_context("spawn").Process(
        target=_trains_and_ends, args=(tmp_path / "results", n)
    )
    child.start()
    child.join(280)  # joblib's workers end by themselves after 300 seconds
    waits = child.is_alive()
    child.kill()
    assert len(Store(tmp_path / "results").read_all()) == n
    assert not waits


def _alone_as_told(spec, folder, patience):
    """Instead of training: tell by the device what the environment says."""
    made = factory.record(spec, [0.9], 0.9)
    where = made.provenance.model_copy(update={"device": os.environ["RELUCLF_PRECISION"]})
    return [(spec, made.model_copy(update={"provenance": where}), None)]


@pytest.mark.timeout(300)
def test_workers_that_are_kept_do_not_train_in_the_surroundings_of_before(
    store, one_worker, workers, monkeypatch, capfd
):
    """A notebook may ask for another backend, precision or data before it trains again."""
    one_worker()
    monkeypatch.setattr(worker, "alone", _alone_as_told)
    seed = 0
    for told in ("float32", "tf32"):
        monkeypatch.setenv("RELUCLF_PRECISION", told)
        for n in (1, 2):
            todo = [Spec(**TINY, seed=seed + i) for i in range(n)]
            training.train_missing(todo, store)
            assert {store.read(spec).provenance.device for spec in todo} == {told}
            seed += n


def test_workers_are_as_many_as_the_cores_but_never_more_than_the_runs(
    store, pretend, monkeypatch, capfd
):
    asked = []

    class Parallel(joblib.Parallel):
        def __init__(self, n_jobs, **options):
            asked.append(n_jobs)
            super().__init__(n_jobs=1, **options)

    monkeypatch.setattr(joblib, "Parallel", Parallel)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)
    training.train_missing(grid(**TINY, seed=first(2)), store)
    training.train_missing(grid(**TINY, seed=first(9)), store)
    training.train_missing(grid(**(TINY | {"epochs": 2}), seed=first(9)), store, workers=3)
    assert asked == [2, 4, 3]


# What goes wrong in a worker


def test_a_run_that_fails_does_not_stop_the_others_and_is_named(keras, store, capfd):
    good, bad = (Spec(**TINY, seed=seed) for seed in (11, 12))
    # A folder where the record should go: writing it fails.
    (store.folder / bad.path).mkdir(parents=True)
    with pytest.raises(
        training.CampaignError,
        match=r"1 of 2 runs failed, the first was .*seed-12: .*Error.*; the others have their records",
    ):
        training.train_missing([good, bad], store, workers=1)
    assert good in store


def _write_and_be_killed(spec, folder, patience):
    """Write a record and end the worker process, before the campaign hears of the record."""
    Store(folder).write(factory.record(spec, [0.9], 0.9))
    os._exit(9)


@pytest.mark.slow
def test_a_campaign_goes_on_as_long_as_it_gets_on_however_often_its_workers_are_killed(
    store, workers, monkeypatch
):
    monkeypatch.setattr(worker, "alone", _write_and_be_killed)
    monkeypatch.setattr(training, "_ATTEMPTS", 2)
    specs = grid(**TINY, seed=first(4))
    assert training.train_missing(specs, store, workers=2) == 4 > training._ATTEMPTS


def test_variables_that_are_respected_though_they_may_change_numbers_are_told(
    store, pretend, monkeypatch, capfd
):
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/cuda")
    training.train_missing([SPEC], store, workers=1)
    told = capfd.readouterr().err
    assert "is set, and the records name it: XLA_FLAGS=--xla_gpu_cuda_data_dir=/cuda\n" in told


def test_a_package_that_was_edited_meanwhile_is_not_trained_with(store, pretend, monkeypatch):
    runtime.code_digest()
    monkeypatch.setattr(runtime, "_DECISIVE", ("metrics.py",))
    with pytest.raises(worker.CampaignError, match=r"was edited since .* restart the kernel"):
        training.train_missing([SPEC], store, workers=1)
    assert pretend == []


def test_a_run_that_has_its_record_did_not_hang(store, monkeypatch):
    monkeypatch.setattr(watch, "hung", lambda trace: True)
    other = Spec(**TINY, seed=2)
    store.write(factory.record(SPEC, [0.9], 0.9))
    assert list(training._hung([SPEC, other], store)) == [other]


def test_a_record_names_the_code_that_was_loaded_when_its_lanes_began(store, keras, monkeypatch):
    done = []

    def run(specs, *_):
        done.append("trained")
        yield 0, protocols.run(specs[0])

    provenance = runtime.provenance
    monkeypatch.setattr(worker.lanes, "run", run)
    monkeypatch.setattr(
        runtime, "provenance", lambda *given: done.append("described") or provenance(*given)
    )
    assert [failure for *_, failure in worker.train_together([SPEC], store, 2)] == [None]
    assert done == ["described", "trained"]


def test_a_record_that_cannot_be_read_is_a_failure_among_others_in_lanes_too(store, keras):
    file = store.write(factory.record(SPEC, [0.9], 0.9))
    file.write_text("{", encoding="utf-8")
    ((spec, record, failure),) = worker.in_lanes([SPEC], store.folder, 60, 2)
    assert (spec, record) == (SPEC, None) and "is not a whole JSON file" in failure


def _fail_or_be_killed(spec, folder, patience):
    """Seed 1 fails; the others end their process once the campaign has heard of that."""
    if spec.seed == 1:
        return [(spec, None, "ValueError: that one is wrong")]
    while not (folder / "heard").exists():
        time.sleep(0.02)
    os._exit(9)


@pytest.mark.slow
def test_a_campaign_that_gives_up_says_so_and_what_had_failed_before(store, workers, monkeypatch):
    store.folder.mkdir()
    monkeypatch.setattr(worker, "alone", _fail_or_be_killed)
    monkeypatch.setattr(training, "_ATTEMPTS", 2)
    finished = progress.Bar.finished

    def heard(bar, spec):
        finished(bar, spec)
        (store.folder / "heard").touch()

    monkeypatch.setattr(progress.Bar, "finished", heard)
    with pytest.raises(
        training.CampaignError,
        match=r"killed 2 times before a run was finished, with 2 to go; try one worker\. "
        r"Before that, 1 of 3 runs failed, .*seed-1: ValueError",
    ):
        training.train_missing(grid(**TINY, seed=first(3)), store, workers=2)
