"""Campaigns through lanes: seeds are handed out in groups, and all else is as before."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from factory import files

from reluclf import Spec, first, grid, paths
from reluclf.campaign import accelerator, checkpoints, lanes, training, verify, worker
from reluclf.store import Store

pytestmark = pytest.mark.usefixtures("jax")

WIDTH = 2
TINY = {
    "dataset": "wdbc",
    "architecture": "ffnn",
    "head": "relu",
    "protocol": "carried",
    "samples": 100,
    "batch_size": 32,
}
SPECS = grid(**TINY, epochs=2, folds=2, seed=first(3))
LONG = grid(**TINY, epochs=40, folds=10, seed=first(2))

#: A process that trains two seeds together and does nothing else.
TRAIN = """
import json, sys
from pathlib import Path
from reluclf import Spec
from reluclf.campaign import runtime, worker
from reluclf.store import Store
runtime.configure(threads=1)
specs = [Spec(**fields) for fields in json.loads(sys.argv[1])]
for spec, record, failure in worker.train_together(specs, Store(Path(sys.argv[2])), 2):
    assert failure is None, failure
"""


@pytest.fixture(scope="module")
def published(jax, tmp_path_factory):
    """Three records of a campaign of two lanes, in two groups."""
    store = Store(tmp_path_factory.mktemp("published"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RELUCLF_LANES", str(WIDTH))
        assert training.train_missing(SPECS, store, workers=1) == 3
    return store


def test_every_seed_has_a_record_that_says_its_lane_and_the_width(published):
    made = [published.read(spec).provenance for spec in SPECS]
    assert [(where.width, where.lane) for where in made] == [(WIDTH, 0), (WIDTH, 1), (WIDTH, 0)]
    assert len({published.read(spec).measured() for spec in SPECS}) == 3
    assert all(where.backend == "jax" and where.seconds > 0 for where in made)


def test_a_seed_gives_the_same_record_whatever_others_were_missing(published, store, capfd):
    training.train_missing([SPECS[1]], store, workers=1, width=WIDTH)
    training.train_missing([SPECS[2], SPECS[0]], store, workers=1, width=WIDTH)
    assert [store.read(spec).provenance.lane for spec in SPECS] == [1, 0, 0]
    assert [store.read(spec).measured() for spec in SPECS] == [
        published.read(spec).measured() for spec in SPECS
    ]
    assert "2 of 2 runs" in capfd.readouterr().err
    assert files(paths.user_cache() / "unfinished") == []


def test_worker_processes_train_groups_as_this_process_does(
    published, store, workers, monkeypatch, capfd
):
    monkeypatch.setenv("RELUCLF_LANES", str(WIDTH))
    assert training.train_missing(SPECS, store, workers=2) == 3
    assert [store.read(spec).measured() for spec in SPECS] == [
        published.read(spec).measured() for spec in SPECS
    ]


def test_verification_makes_a_record_again_in_a_program_as_wide(published, monkeypatch, capfd):
    *records, last = (published.read(spec) for spec in SPECS)
    alone = last.model_copy(
        update={"provenance": last.provenance.model_copy(update={"width": None, "lane": None})}
    )
    asked = {}
    train = training.train_missing

    def train_missing(specs, *others, width):
        asked[width] = {spec.seed for spec in specs}
        return train(specs, *others, width=width)

    monkeypatch.setattr(training, "train_missing", train_missing)
    verdicts = list(verify.run([*records, alone], seconds=60, workers=1, seed=1))
    assert asked == {1: {3}, WIDTH: {1, 2}}
    assert {found.spec.seed: found.verdict for found in verdicts if found.spec.seed != 3} == {
        1: "identical",
        2: "identical",
    }


def test_a_record_that_cannot_be_written_does_not_keep_the_others_of_its_group_from_theirs(
    store, capfd
):
    (store.folder / SPECS[0].path).mkdir(parents=True)
    with pytest.raises(
        training.CampaignError,
        match=r"1 of 2 runs failed, the first was .*seed-1: .*Error.*; the others have their records",
    ):
        training.train_missing(SPECS[:2], store, workers=1, width=WIDTH)
    assert SPECS[1] in store


def test_a_checkpoint_of_another_width_is_not_used(published, store, monkeypatch):
    kept = []
    monkeypatch.setattr(checkpoints.Checkpoint, "clear", lambda checkpoint: kept.append(checkpoint))
    training.train_missing(SPECS[:1], store, workers=1, width=WIDTH)
    assert len(checkpoints.Checkpoint(SPECS[0], store, width=WIDTH).load().folds) == 2
    for width in (1, WIDTH + 1):
        assert checkpoints.Checkpoint(SPECS[0], store, width=width).load() is None
    monkeypatch.setenv("RELUCLF_PRECISION", "tf32")
    assert checkpoints.Checkpoint(SPECS[0], store, width=WIDTH).load() is None


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_seeds_that_are_killed_together_go_on_after_their_last_fold_and_give_the_same_records(
    store, monkeypatch, tmp_path
):
    marks = [store.unfinished(spec, "checkpoint") for spec in LONG]
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    command = [
        sys.executable,
        "-c",
        TRAIN,
        json.dumps([spec.model_dump() for spec in LONG]),
        str(store.folder),
    ]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            while not marks[0].exists():
                assert process.poll() is None, (
                    f"the process ended too early: {process.stderr.read().decode()}"
                )
                time.sleep(0.005)
        finally:
            process.kill()
    assert process.returncode == -signal.SIGKILL
    assert store.missing(LONG) == LONG
    trained = []
    fit = lanes.fit
    monkeypatch.setattr(
        lanes,
        "fit",
        lambda asked, width: (
            trained.append([each.number for each in asked.values()]) or fit(asked, width)
        ),
    )
    for _, record, failure in worker.train_together(LONG, store, WIDTH):
        assert record is not None, failure
    assert [1, 1] not in trained and trained[-1] == [10, 10]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another cache"))
    undisturbed = Store(tmp_path / "undisturbed")
    list(worker.train_together(LONG, undisturbed, WIDTH))
    assert [store.read(spec).measured() for spec in LONG] == [
        undisturbed.read(spec).measured() for spec in LONG
    ]


def test_logistic_regression_has_no_lane(store, capfd):
    spec = Spec(
        **TINY | {"architecture": "logistic", "head": "softmax", "protocol": "fresh"},
        epochs=1,
        folds=1,
        seed=1,
    )
    training.train_missing([spec], store, workers=1, width=WIDTH)
    assert store.read(spec).provenance.width is None


def test_on_a_processor_a_campaign_has_no_lanes_unless_they_are_asked_for(jax):
    if jax.default_backend() == "cpu":
        assert accelerator.lanes("jax") == 1
