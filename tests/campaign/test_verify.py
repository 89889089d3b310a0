"""Published records are retrained and compared."""

import json

import numpy as np
import pytest
from factory import record

from reluclf import Spec
from reluclf import cli as command_line
from reluclf import record as schema
from reluclf.campaign import verify, worker
from reluclf.record import Score
from reluclf.store import BACKENDS, Store, read_file

TINY = {"dataset": "wdbc", "architecture": "ffnn", "head": "relu", "epochs": 2}


@pytest.fixture(scope="module")
def published(keras, tmp_path_factory):
    """Three records that were really trained."""
    store = Store(tmp_path_factory.mktemp("published"))
    specs = [
        Spec(**TINY, protocol="carried", folds=2, seed=1),
        Spec(**TINY, protocol="fresh", folds=1, seed=1),
        Spec(**TINY, protocol="fresh", folds=0, seed=2),
    ]
    return store, [worker.train(spec, store) for spec in specs]


@pytest.fixture(scope="module")
def again(published, tmp_path_factory):
    """The same three runs, made again in the form that is compared."""
    store = Store(tmp_path_factory.mktemp("again"))
    return [worker.train(verify.shortest_telling(found.spec), store) for found in published[1]]


def changed(found, **fields):
    return found.model_copy(update={"provenance": found.provenance.model_copy(update=fields)})


def test_a_run_made_again_on_the_same_machine_is_identical(published, again):
    verdicts = [
        verify.compare(*pair, published[1]) for pair in zip(published[1], again, strict=True)
    ]
    assert [found.verdict for found in verdicts] == ["identical"] * 3


def test_on_the_same_machine_a_single_other_digit_differs(published, again):
    carried = published[1][0]
    first = carried.folds[0]
    curve = first.train.model_copy(
        update={"loss": (first.train.loss[0] + 1e-6, *first.train.loss[1:])}
    )
    tampered = carried.model_copy(
        update={"folds": (first.model_copy(update={"train": curve}), *carried.folds[1:])}
    )
    assert verify.compare(tampered, again[0], published[1]).verdict == "differs"


def test_other_predictions_with_the_same_accuracy_and_another_gradient_norm_differ(
    published, again
):
    fresh = published[1][1]
    predictions = fresh.test.predictions
    i, j = (predictions.index(digit) for digit in "01")
    swapped = "".join(
        {i: predictions[j], j: predictions[i]}.get(k, digit) for k, digit in enumerate(predictions)
    )
    forged = fresh.model_copy(
        update={"test": fresh.test.model_copy(update={"predictions": swapped})}
    )
    assert verify.compare(forged, again[1], published[1]).verdict == "differs"
    probe = fresh.final.probe.model_copy(
        update={"norm_head": (0.5, *fresh.final.probe.norm_head[1:])}
    )
    forged = fresh.model_copy(update={"final": fresh.final.model_copy(update={"probe": probe})})
    assert verify.compare(forged, again[1], published[1]).verdict == "differs"
    older = fresh.final.probe.model_copy(
        update={"dead_hidden": None}
    )  # of before that was measured
    older = fresh.model_copy(update={"final": fresh.final.model_copy(update={"probe": older})})
    assert verify.compare(older, again[1], published[1]).verdict == "identical"


def test_elsewhere_runs_agree_within_the_tolerance_and_differ_beyond_it():
    spec = Spec(
        dataset="mnist", architecture="ffnn", head="relu", protocol="fresh", folds=0, seed=1
    )
    ours = record(spec, [], 0.95)
    near, far = (changed(record(spec, [], hits), device="CPU, another") for hits in (0.94, 0.80))
    kin = [ours]
    assert verify.tolerance(ours, kin) == pytest.approx(
        3.2905 * 2**0.5 * verify.ASSUMED_STD, rel=1e-4
    )
    assert verify.compare(ours, near, kin).verdict == "agrees"
    assert verify.compare(ours, far, kin).verdict == "differs"
    assert "other device" in verify.compare(ours, near, kin).why


def test_other_data_never_agree():
    spec = Spec(
        dataset="mnist", architecture="ffnn", head="relu", protocol="fresh", folds=0, seed=1
    )
    other = changed(record(spec, [], 0.951), data={"file": "1" * 64})
    assert verify.compare(record(spec, [], 0.95), other, []).verdict == "differs"


def test_the_tolerance_follows_the_spread_over_the_seeds_of_the_same_experiment():
    kin = [
        record(Spec(**TINY, protocol="fresh", folds=0, seed=seed), [], hits)
        for seed, hits in ((1, 0.5), (2, 0.7), (3, 0.9))
    ]
    stranger = record(
        Spec(**TINY | {"head": "softmax"}, protocol="fresh", folds=0, seed=4), [], 0.1
    )
    assert verify.tolerance(kin[0], [*kin, stranger]) == verify.tolerance(kin[0], kin)
    assert verify.tolerance(kin[0], kin) == pytest.approx(
        31.599 * 2**0.5 * np.std([run.test.accuracy for run in kin], ddof=1), rel=1e-4
    )


def test_runs_that_scatter_little_may_differ_by_little():
    spec = Spec(
        dataset="mnist", architecture="ffnn", head="softmax", protocol="fresh", folds=0, seed=1
    )
    kin = [
        record(spec.model_copy(update={"seed": seed}), [], 0.97 + seed / 1000)
        for seed in (1, 2, 3, 4, 5)
    ]
    allowed = verify.tolerance(kin[0], kin)
    assert (
        allowed
        == pytest.approx(
            8.610 * 2**0.5 * np.std([run.test.accuracy for run in kin], ddof=1), rel=1e-3
        )
        and allowed < 0.03
    )
    forged = changed(record(spec, [], 0.92), device="CPU, another")
    assert verify.compare(kin[0], forged, kin).verdict == "differs"
    same = [record(spec.model_copy(update={"seed": seed}), [], 0.97) for seed in (1, 2, 3)]
    assert verify.tolerance(same[0], same) == 1 / 10_000  # one image more or less


def test_two_honest_runs_seldom_differ_by_more_than_the_tolerance():
    rng, std, beyond = np.random.default_rng(0), 0.004, 0
    spec = Spec(
        dataset="mnist", architecture="ffnn", head="softmax", protocol="fresh", folds=0, seed=1
    )
    template = record(spec, [], 0.9)

    def like(seed, accuracy):
        curve = template.final.test.model_copy(update={"accuracy": [accuracy] * 32})
        final = template.final.model_copy(update={"test": curve})
        return template.model_copy(
            update={"spec": spec.model_copy(update={"seed": seed}), "final": final}
        )

    for _ in range(2000):
        *kin, again = (
            like(seed, accuracy) for seed, accuracy in enumerate(rng.normal(0.9, std, 5))
        )
        # The record is one of those that the spread is taken from, which makes it harder to differ, not easier.
        beyond += abs(
            kin[0].final.test.accuracy[-1] - again.final.test.accuracy[-1]
        ) > verify.tolerance(kin[0], kin)
    assert beyond <= 2000 * verify.UNLIKELY * 3


def test_on_an_accelerator_sums_may_be_in_another_order():
    spec = Spec(
        dataset="mnist", architecture="ffnn", head="relu", protocol="fresh", folds=0, seed=1
    )
    ours, near, far = (
        changed(record(spec, [], hits), device="NVIDIA H100") for hits in (0.95, 0.951, 0.8)
    )
    assert (
        verify.compare(ours, near, [ours]).verdict == "agrees"
        and "an accelerator" in verify.compare(ours, near, [ours]).why
    )
    assert verify.compare(ours, far, [ours]).verdict == "differs"
    there = [changed(run, device="CPU, here") for run in (ours, near)]
    assert verify.compare(*there, [ours]).verdict == "differs"  # on a processor they are not


def test_records_of_one_part_are_each_made_again_in_a_program_as_wide(monkeypatch):
    """With and without folds a run has one final model; in lanes, other bits."""
    spec = Spec(**TINY, protocol="fresh", folds=1, seed=1)
    both = [
        record(spec, [0.9], 0.9),
        changed(record(verify.shortest_telling(spec), [], 0.9), width=4, lane=0),
    ]

    def train_missing(specs, store, workers, width):
        for missing in store.missing(specs):
            lane = {"width": width, "lane": 0} if width > 1 else {}
            store.write(changed(record(missing, [], 0.9), **lane))

    monkeypatch.setattr(verify, "width_of", lambda found: found.provenance.width or 1)
    monkeypatch.setattr(verify.training, "train_missing", train_missing)
    found = verify.run(both, 99, 1)
    assert [one.verdict for one in found] == ["identical"] * 2


def test_what_was_retrained_before_an_interrupt_is_told(monkeypatch, capsys, tmp_path):
    three = [record(Spec(**TINY, protocol="fresh", folds=0, seed=n), [], 0.9) for n in (1, 2, 3)]
    published = Store(tmp_path / "published")
    for made in three:
        published.write(made)

    def train_missing(specs, store, workers, width):
        for spec in specs[:2]:
            store.write(record(spec, [], 0.9))
        raise KeyboardInterrupt

    monkeypatch.setattr("reluclf.paths.RESULTS", published.folder)
    monkeypatch.setattr(verify.training, "train_missing", train_missing)
    assert command_line.main(["verify", "SECONDS=99", "WORKERS=1"]) == 130
    told = capsys.readouterr()
    assert told.out.count("identical") == 2
    assert "retrained" not in told.out
    assert "kept" not in told.err


def test_the_tolerance_is_that_of_the_part_that_is_retrained():
    spread = [
        record(Spec(**TINY, protocol="carried", folds=2, seed=seed), [0.5, 0.9], 0.9)
        for seed in (1, 2, 3)
    ]
    tested = [
        (0.3, 0.9),
        (0.5, 0.9),
        (0.7, 0.9),
    ]  # after the first fold they lie far apart, and at the end not at all
    spread = [
        run.model_copy(
            update={
                "folds": [
                    fold.model_copy(update={"test": Score(loss=1.0, accuracy=a)})
                    for fold, a in zip(run.folds, found, strict=True)
                ]
            }
        )
        for run, found in zip(spread, tested, strict=True)
    ]
    assert verify.tolerance(spread[0], spread) == pytest.approx(31.599 * 2**0.5 * 0.2, rel=1e-4)


def test_the_sample_is_random_keeps_to_its_budget_and_is_never_empty():
    many = [
        record(Spec(**TINY, protocol="fresh", folds=0, seed=seed), [], 0.9) for seed in range(1, 41)
    ]
    once, other = (verify.choose(many, seconds=30, workers=1, seed=seed) for seed in (1, 2))
    assert len(once) == 10  # each takes a second of training and two of starting
    assert len(verify.choose(many, seconds=30, workers=2, seed=1)) == 20
    assert [found.spec.seed for found in once] != [found.spec.seed for found in other]
    slow = [
        made.model_copy(update={"final": made.final.model_copy(update={"seconds": 45.0})})
        for made in many
    ]
    assert verify.choose([*slow, many[0]], seconds=30, workers=2, seed=1) == [
        many[0]
    ]  # no worker has the time for the others
    assert verify.choose([*slow, many[0]], seconds=0, workers=1, seed=1) == [many[0]]


@pytest.mark.slow
def test_the_command_passes_on_honest_records_and_fails_after_one_digit_is_changed(
    published, monkeypatch, capsys
):
    store, _ = published
    monkeypatch.setattr("reluclf.paths.RESULTS", store.folder)
    assert command_line.main(["verify", "SECONDS=60", "WORKERS=1", "SEED=1"]) == 0
    assert "3 of the book's 3 records retrained (SEED=1): 3 identical" in capsys.readouterr().out

    file = store.file(Spec(**TINY, protocol="carried", folds=2, seed=1))
    honest = file.read_text()
    place = honest.index('"loss": [') + len('"loss": [')  # the first digit of the first loss
    file.write_text(honest[:place] + str((int(honest[place]) + 1) % 10) + honest[place + 1 :])
    try:
        assert command_line.main(["verify", "SECONDS=1", "WORKERS=1", "SEED=1"]) == 1
        assert "was changed after it was written" in capsys.readouterr().out
    finally:
        file.write_text(honest)

    of_backend = store.folder / BACKENDS / "jax" / file.relative_to(store.folder)
    of_backend.parent.mkdir(parents=True)
    of_backend.write_text("{")
    assert command_line.main(["verify", "SECONDS=1", "WORKERS=1", "SEED=1"]) == 1


def test_a_forged_digest_does_not_help_a_tampered_record(published, again, tmp_path):
    store, found = published
    content = json.loads(store.file(found[2].spec).read_text())
    content.pop("digest")
    content["final"]["train"]["loss"][0] += 0.25
    file = tmp_path / found[2].spec.path
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content | {"digest": schema.digest(content)}))
    assert verify.compare(read_file(file), again[2], found).verdict == "differs"


def test_an_unknown_option_is_refused_by_name(capsys):
    assert command_line.main(["verify", "SECOND=1"]) == 2
    assert (
        "SECOND=1 is not allowed; usage: reluclf verify [-h] [--seconds SECONDS] [--workers WORKERS] [--seed SEED]"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("text", ["-1", "1.5", "", "ten", "1e3", "9999999999", "²"])
def test_an_option_that_is_no_whole_number_is_refused(text, capsys):
    assert command_line.main(["verify", f"SECONDS={text}"]) == 2
    assert (
        f"argument --seconds: {text} is not allowed; it is a whole number"
        in capsys.readouterr().err
    )
