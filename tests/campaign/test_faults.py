"""What kills, hangs, full disks and rivals do to a campaign: no record is lost or half written, the rest goes on, and a rerun completes it."""

import atexit
import contextlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import factory
import psutil
import pytest
from factory import TINY, command_line, files

from reluclf import Spec, first, grid, paths, protocols
from reluclf.campaign import processes, training, watch, worker
from reluclf.store import Store

posix = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")

#: A run of each protocol; they are killed several times each.
SPECS = grid(**TINY | {"protocol": ("carried", "fresh"), "epochs": 2, "folds": 4}, seed=1)


@pytest.fixture(scope="module")
def undisturbed(keras, tmp_path_factory):
    """What the runs give if nothing happens."""
    store = Store(tmp_path_factory.mktemp("undisturbed"))
    return {spec: worker.train(spec, store).measured() for spec in SPECS}


# Killed at random


def _train(spec, folder, cache):
    os.environ["XDG_CACHE_HOME"] = cache
    worker.train(spec, Store(folder))


@pytest.fixture(scope="module")
def forks(keras):
    """Starts processes that have TensorFlow in memory already, so that they can be killed by the dozen."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras", "reluclf.campaign.training"])
    return context


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux", reason="a process with TensorFlow in it can be forked on Linux only"
)
def test_a_dozen_kills_at_random_moments_lose_nothing(forks, tmp_path, undisturbed):
    rng, kills, lap = random.Random(1), 0, 0
    while kills < 12:
        lap += 1
        store, cache = Store(tmp_path / f"results {lap}"), tmp_path / f"cache {lap}"
        for spec in SPECS:
            lives = 0
            while spec not in store:
                process = forks.Process(
                    target=_train, args=(spec, store.folder, str(cache)), daemon=True
                )
                process.start()
                process.join(
                    rng.uniform(0, 0.5 + 0.25 * lives)
                )  # longer and longer lives: on a slow machine too they get on
                lives += 1
                if process.is_alive():
                    process.kill()
                    kills += 1
                process.join()
                assert process.exitcode in (0, -signal.SIGKILL)
                assert (
                    all(file.is_file() for file in store.files()) and store.read_all() is not None
                )  # what can be seen is whole
        assert {spec: store.read(spec).measured() for spec in SPECS} == undisturbed
        assert visible(store.folder) == sorted(str(spec.path) for spec in SPECS)


# A campaign as a process of its own

#: Trains what is missing of the given specs in a store.
CAMPAIGN = """
import sys
from pathlib import Path
from pydantic import TypeAdapter
from reluclf import Spec
from reluclf.campaign import training
from reluclf.store import Store
specs = TypeAdapter(list[Spec]).validate_json(sys.argv[1])
training.train_missing(specs, Store(Path(sys.argv[2])), workers=2)
"""


@contextlib.contextmanager
def begun(*command):
    """A Python process in a session of its own, which is killed if the test fails meanwhile.

    Else what it leaves is the test's to see.
    """
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            yield process
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def is_whole(store, undisturbed):
    measured = {spec: store.read(spec).measured() for spec in undisturbed}
    return measured == undisturbed and visible(store.folder) == sorted(
        str(spec.path) for spec in undisturbed
    )


def visible(folder):
    return [name for name in files(folder) if not Path(name).name.startswith(".")]


def until(condition, process):
    """Wait for something to happen in a process; if it never does, the suite's limit ends this."""
    while not condition():
        assert process.poll() is None, (
            f"the process ended too early: {process.stdout.read().decode()}"
        )
        time.sleep(0.005)


@pytest.mark.slow
@posix
def test_a_whole_campaign_is_killed_and_begun_again(store, undisturbed, capfd):
    given = json.dumps([spec.model_dump() for spec in SPECS])
    unfinished = paths.user_cache() / "unfinished"
    with begun(CAMPAIGN, given, str(store.folder)) as process:
        family = psutil.Process(process.pid)
        until(lambda: any(unfinished.rglob("*.checkpoint")), process)
        members = [*family.children(recursive=True), family]
        for member in members:
            member.kill()
    psutil.wait_procs(members)
    store.read_all()
    assert store.missing(SPECS)
    training.train_missing(SPECS, store, workers=1)
    assert is_whole(store, undisturbed)
    assert files(unfinished) == []


@pytest.mark.slow
@posix
def test_workers_do_not_outlive_the_campaign_that_was_killed(store):
    long = [spec.model_copy(update={"epochs": 10_000}) for spec in SPECS]
    given = json.dumps([spec.model_dump() for spec in long])
    with begun(CAMPAIGN, given, str(store.folder)) as process:
        until(lambda: any((paths.user_cache() / "unfinished").rglob("*.epochs")), process)
        left = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        try:
            assert left and psutil.wait_procs(left, timeout=600)[1] == []
            assert store.missing(long) == long  # they did not end because they were done
        finally:
            for orphan in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    orphan.kill()


def _campaign(specs, folder, cache):
    os.environ["XDG_CACHE_HOME"] = cache
    training.train_missing(specs, Store(folder), workers=1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked as Linux does it")
def test_two_campaigns_in_one_tree_give_what_one_gives(forks, store, undisturbed):
    cache = os.environ["XDG_CACHE_HOME"]
    both = [
        forks.Process(target=_campaign, args=(specs, store.folder, cache), daemon=True)
        for specs in (SPECS, SPECS[::-1])
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    assert is_whole(store, undisturbed)


def test_what_another_campaign_has_finished_meanwhile_is_not_trained_again(
    keras, store, monkeypatch, capfd
):
    record = factory.record(Spec(**TINY, seed=1), [0.9], 0.9)

    def train(spec, *_):
        assert spec.seed == 1, f"{spec} was trained again"
        store.write(record)
        other = spec.model_copy(update={"seed": 2})  # of the other campaign
        store.write(factory.record(other, [0.9], 0.9))

    monkeypatch.setattr(worker, "train", train)
    assert training.train_missing(grid(**TINY, seed=first(2)), store, workers=1) == 2


# A worker that hangs, or has no memory


def _hang_or_not(spec, folder, patience):
    """Instead of training: seed 3 hangs, the others need as long as the machine lets them."""
    given = patience if spec.seed == 3 else 1000 * patience
    with watch.watched(Store(folder).unfinished(spec, "trace"), given):
        if spec.seed == 3:
            time.sleep(600)
        Store(folder).write(factory.record(spec, [0.9], 0.9))
    return [(spec, None, None)]


def _write(spec, folder, patience):
    Store(folder).write(factory.record(spec, [0.9], 0.9))
    return [(spec, None, None)]


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended_its_run_named_and_the_rest_done(
    store, workers, monkeypatch, capfd
):
    monkeypatch.setattr(training, "PATIENCE", 2.0)
    monkeypatch.setattr(worker, "alone", _hang_or_not)
    specs = grid(**TINY, seed=first(4))
    with pytest.raises(
        training.CampaignError,
        match=r"1 of 4 runs failed, .*seed-3: no epoch ended in 2 s; where it stood: .*seed-3.trace",
    ) as caught:
        training.train_missing(specs, store, workers=2)
    assert [spec.seed for spec in store.missing(specs)] == [3]
    assert "_hang_or_not" in Path(str(caught.value).split("stood: ")[1].split(";")[0]).read_text()
    # The trace of a hang is forgotten when the run is tried again.
    monkeypatch.setattr(worker, "alone", _write)
    assert training.train_missing(specs, store, workers=1) == 1
    assert files(paths.user_cache() / "unfinished") == []


def test_a_run_that_goes_on_is_given_all_the_patience_again_with_each_epoch(store, monkeypatch):
    given = []
    monkeypatch.setattr(watch, "in_worker", lambda: True)
    monkeypatch.setattr(
        watch.faulthandler, "dump_traceback_later", lambda seconds, **_: given.append(seconds)
    )
    with watch.watched(store.unfinished(SPECS[0], "trace"), 7.0) as alive:
        alive()
        alive()
    assert given == [7.0] * 3


def _hang_at_exit(spec, folder, patience):
    """Write a record in a worker with a library in it that hangs when Python ends."""
    atexit.register(time.sleep, 600)
    watch.leave_at_once()
    return _write(spec, folder, patience)


@pytest.mark.slow
@pytest.mark.timeout(500)  # less than the hang, and time enough for a busy machine
def test_a_worker_whose_libraries_hang_at_its_end_ends_all_the_same(store, monkeypatch, capfd):
    with monkeypatch.context() as patch:
        patch.setattr(worker, "alone", _hang_at_exit)
        assert training.train_missing(grid(**TINY, seed=first(2)), store, workers=2) == 2
    processes.end_workers()  # for the workers


def test_this_very_process_is_never_ended_by_the_watch(store):
    with watch.watched(store.unfinished(SPECS[0], "trace"), 0.1) as alive:
        alive()
        time.sleep(0.5)
    assert files(paths.user_cache()) == []


def test_a_run_without_enough_memory_is_named_and_the_others_are_done(
    keras, store, monkeypatch, capfd
):
    run = protocols.run

    def hungry(spec, *others):
        if spec.seed == 1:
            raise MemoryError("cannot allocate 7 GiB")
        return run(spec, *others)

    monkeypatch.setattr(protocols, "run", hungry)
    with pytest.raises(
        training.CampaignError,
        match=r"1 of 2 runs failed, .*seed-1: MemoryError: cannot allocate 7 GiB",
    ):
        training.train_missing(grid(**TINY, seed=first(2)), store, workers=1)
    assert [spec.seed for spec in store.missing(grid(**TINY, seed=first(2)))] == [1]


# A disk that is full


def _train_on_a_full_disk(spec, folder, cache, most):
    import resource

    os.environ["XDG_CACHE_HOME"] = cache
    with open(
        os.devnull, "w"
    ) as nothing:  # pytest catches what is printed in a file, which would be full too
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (most, most)
    )  # a write goes as far as this and then fails, as on a full disk
    try:
        training.train_missing([spec], Store(folder), workers=1)
    except training.CampaignError:
        os._exit(3)
    os._exit(0)


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux", reason="files are limited, and processes forked, as Linux does it"
)
@pytest.mark.parametrize("most", [500, 2000])
def test_a_disk_that_fills_up_at_any_byte_of_a_record_or_checkpoint_leaves_none_of_it(
    forks, store, undisturbed, most
):
    spec = SPECS[0]
    process = forks.Process(
        target=_train_on_a_full_disk,
        args=(spec, store.folder, os.environ["XDG_CACHE_HOME"], most),
        daemon=True,
    )
    process.start()
    process.join()
    assert process.exitcode == 3
    assert files(store.folder) == []
    assert not list(paths.user_cache().rglob("*.checkpoint*"))
    assert worker.train(spec, store).measured() == undisturbed[spec]


# Ctrl-C

#: The command line with reruns in another folder. Where the tests run in the background, SIGINT is ignored, and what they start inherits that.
COMMAND = """
import signal
import sys
from pathlib import Path
from reluclf import cli
from reluclf.showing import chapters
signal.signal(signal.SIGINT, signal.default_int_handler)
chapters.RERUNS = Path(sys.argv[1])
sys.exit(cli.main(sys.argv[2:]))
"""


def starting(family):
    """Whether a worker process is there; one that ends between two looks is none."""
    children = family.children(recursive=True)
    return any("LokyProcess" in command_line(child) for child in children)


def interrupt(process):
    """Press Ctrl-C, which goes to the whole family: it must end in one sentence, with no traceback and no child left."""
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate()[0].decode()
    assert process.returncode == 130
    assert output.rstrip().endswith(
        "interrupted; run the same command again: finished runs are kept"
    )
    assert "Traceback" not in output
    assert not psutil.wait_procs(children)[1]  # if one is left, the suite's limit ends this


def test_a_process_that_ends_between_two_looks_is_no_worker():
    class Gone:
        def cmdline(self):
            raise psutil.ZombieProcess(1)

    class Worker:
        def cmdline(self):
            return ["python", "-m", "LokyProcess-1"]

    class Family:
        def __init__(self, *children):
            self.found = children

        def children(self, recursive):
            return self.found

    assert not starting(Family(Gone()))
    assert starting(Family(Gone(), Worker()))


RERUN = "chapter CHAPTER=wdbc seeds=2 epochs=1 folds=1 protocols=carried only=features workers=2"


@pytest.mark.slow
@posix
def test_ctrl_c_ends_a_rerun_in_one_sentence_and_the_same_command_goes_on(tmp_path):
    command = [COMMAND, str(tmp_path / "reruns"), *RERUN.split(), "AFRESH=1"]
    results = tmp_path / "reruns" / "wdbc" / "results"
    with begun(*command) as process:
        family = psutil.Process(process.pid)
        until(lambda: starting(family), process)
        time.sleep(0.5)  # they import by now, and are not yet where an interrupt is caught
        interrupt(process)
    with begun(*command) as process:
        until(lambda: any(results.rglob("seed-*.json")), process)
        interrupt(process)
    finished = {file: file.stat().st_mtime_ns for file in results.rglob("seed-*.json")}
    with begun(*command) as process:
        output = process.communicate()[0].decode()
    assert process.returncode == 0, output
    assert len(Store(results).read_all()) == 4
    assert {file: file.stat().st_mtime_ns for file in finished} == finished
    # Finished, the same command begins anew.
    assert not (tmp_path / "reruns" / "wdbc" / ".unfinished").exists()
