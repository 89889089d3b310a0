"""Records: what is written is read back, and what contradicts itself is refused."""

import json
import math
import os
import re
import shutil
import warnings
from pathlib import Path

import factory
import numpy as np
import pytest
from factory import TINY

from reluclf import Spec, SpecError, first, paths
from reluclf import cli as command_line
from reluclf import record as schema
from reluclf.campaign import trust, worker
from reluclf.store import BACKENDS, ORIGINAL, RecordError, Store, copies, read_file

SPEC = Spec(
    dataset="wdbc", architecture="ffnn", head="relu", protocol="carried", seed=1, epochs=2, folds=2
)
FRESH = Spec(**SPEC.model_dump() | {"protocol": "fresh", "folds": 1})


@pytest.fixture(scope="session")
def trained(keras, tmp_path_factory):
    """A store with two records that were really trained."""
    store = Store(tmp_path_factory.mktemp("trained"))
    for spec in (SPEC, FRESH):
        worker.train(spec, store)
    return store


@pytest.fixture
def store(trained, tmp_path):
    """A copy of it that a test may spoil."""
    shutil.copytree(trained.folder, tmp_path / "results")
    return Store(tmp_path / "results")


@pytest.fixture
def record(trained):
    return trained.read(SPEC)


def content(store, spec=SPEC):
    """What a record file holds, without its digest."""
    content = json.loads(store.file(spec).read_text())
    del content["digest"]
    return content


def put(store, content, spec=SPEC):
    """Put this in the place of a record, with a digest that fits: only what it says can give it away."""
    store.file(spec).write_text(json.dumps(content | {"digest": schema.digest(content)}))


# All at once


def test_all_problems_of_all_records_are_listed_at_once(store, monkeypatch, capsys):
    monkeypatch.setattr(paths, "RESULTS", store.folder)
    assert command_line.main(["check-records"]) == 0
    assert capsys.readouterr().out == "2 records can be trusted, 0 problems\n"

    spoilt = Spec(**FRESH.model_dump() | {"seed": 2})
    for spec in (
        spoilt,
        Spec(**SPEC.model_dump() | {"seed": 3}),
    ):  # a file cut short; a copy with another seed and a digest that fits
        store.folder.joinpath(spec.path).write_text("{")
    put(
        store,
        content(store) | {"spec": SPEC.model_dump() | {"seed": 3}},
        Spec(**SPEC.model_dump() | {"seed": 3}),
    )
    strange = Spec(**FRESH.model_dump() | {"seed": 4})
    store.folder.joinpath(strange.path).write_text("")
    other = content(store, FRESH) | {"spec": strange.model_dump()}
    put(
        store,
        other | {"provenance": other["provenance"] | {"data": {"measurements": "0" * 64}}},
        strange,
    )
    elsewhere = store.folder / BACKENDS / "jax" / SPEC.path
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text(store.file(SPEC).read_text().replace("0", "1", 1))
    assert command_line.main(["check-records"]) == 1
    listed = capsys.readouterr().out
    assert f"{store.file(spoilt)} is not a whole JSON file" in listed
    assert (
        "seed-3 has the very measurements of wdbc/ffnn-relu/carried,epochs=2,folds=2/seed-1: one is a copy"
        in listed
    )
    assert f"{store.file(strange)} was trained on other data" in listed
    assert f"{elsewhere} was changed after it was written" in listed
    assert listed.endswith("3 records can be trusted, 4 problems\n")


def test_records_of_one_s_own_are_checked_where_the_variable_says(
    store, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    monkeypatch.setenv("RELUCLF_RESULTS", str(store.folder))
    assert command_line.main(["check-records"]) == 0
    assert capsys.readouterr().out == "2 records can be trusted, 0 problems\n"
    store.file(SPEC).write_text("{")
    assert command_line.main(["check-records"]) == 1
    assert f"{store.folder / SPEC.path} is not a whole" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check-records", "verify"])
def test_no_record_at_all_is_a_problem(command, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    assert command_line.main([command]) == 1
    assert capsys.readouterr().out == (
        "0 records can be trusted, 0 problems\n"
        f"there is no record in {tmp_path}; restore it with git, or train it anew.\n"
    )


def test_dead_runs_that_are_alike_are_no_copies(trained):
    both = [
        trained.read(SPEC).model_copy(update={"spec": SPEC.model_copy(update={"seed": seed})})
        for seed in (1, 2)
    ]
    assert copies(both) == [tuple(both)]
    assert copies(record.model_copy(update={"diverged_at": 1}) for record in both) == []


def test_runs_of_one_seed_whose_setting_has_no_effect_are_no_copies(trained):
    record = trained.read(SPEC)
    unbound = record.model_copy(update={"spec": SPEC.model_copy(update={"clipnorm": 99.0})})
    assert copies([record, unbound]) == []


@pytest.mark.parametrize("name", [BACKENDS, ORIGINAL])
def test_a_checkout_may_lie_in_a_folder_of_any_name(store, monkeypatch, tmp_path, name):
    shutil.copytree(store.folder, tmp_path / name / "results")
    monkeypatch.setattr(paths, "RESULTS", tmp_path / name / "results")
    assert len(trust.read_all()[0]) == 2


def test_a_folder_that_may_not_be_read_is_a_problem(store, monkeypatch, capsys):
    monkeypatch.setattr(paths, "RESULTS", store.folder)
    scan = os.scandir

    def refuse(folder):
        if Path(folder) == store.file(SPEC).parent:
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert command_line.main(["check-records"]) == 1
    told = f"{store.file(SPEC).parent} cannot be read (Permission denied); let it be read"
    assert told in capsys.readouterr().out


# Writing and reading


@pytest.mark.parametrize("spec", [SPEC, FRESH], ids=["carried", "fresh"])
def test_a_record_is_read_back_as_it_was_written(store, spec):
    text = store.file(spec).read_text()
    record = store.read(spec)
    assert record.spec == spec
    assert record.to_json() == text
    assert store.write(record).read_text() == text


def test_a_record_holds_the_run_and_where_it_took_place(record):
    assert [fold.fold for fold in record.folds] == [1, 2]
    assert len(record.test.labels) == len(record.test.predictions) == 171
    assert record.test.accuracy == record.test.correct.mean() == record.folds[-1].test.accuracy
    assert record.provenance.started.utcoffset().total_seconds() == 0
    assert record.provenance.seconds > 0
    assert {"python", "keras", "numpy", "scikit-learn", "scipy"} < set(record.provenance.versions)
    assert record.provenance.threads == 1
    assert re.fullmatch("[0-9a-f]{64}", record.provenance.code)


def test_a_records_cross_validation_numbers_are_mean_and_population_deviation_over_the_folds(
    record,
):
    last = [fold.validation.accuracy[-1] for fold in record.folds]
    assert record.fold_accuracy.tolist() == last
    assert record.cv_accuracy == pytest.approx(sum(last) / 2)
    assert record.cv_std == pytest.approx(abs(last[0] - last[1]) / 2)


def test_a_record_file_has_a_field_a_line_and_a_list_of_numbers_on_one(store):
    lines = store.file(SPEC).read_text().splitlines()
    assert '  "format": 1,' in lines
    assert (
        sum(bool(re.fullmatch(r' +"loss": \[[^]]+\],', line)) for line in lines) == 4
    )  # two curves in each of two folds


def test_losses_that_are_not_finite_survive_in_strict_json(store):
    changed = content(store)
    changed["folds"][0]["train"]["loss"] = ["NaN", "Infinity"]
    changed["folds"][1]["validation"]["loss"][0] = "-Infinity"
    changed["test"]["loss"] = "NaN"
    changed["diverged_at"] = 1
    put(store, changed)
    record = store.read(SPEC)
    loss = record.folds[0].train.loss
    assert math.isnan(loss[0])
    assert loss[1] == math.inf
    assert record.folds[1].validation.loss[0] == -math.inf
    text = store.write(record).read_text()

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    assert json.loads(text, parse_constant=refuse) == changed | {"digest": schema.digest(changed)}
    assert store.read(SPEC).to_json() == text


# Tampering


def test_any_edited_digit_is_found(store):
    file = store.file(SPEC)
    text = file.read_text()
    digits = [match.start() for match in re.finditer(r"\d", text)]
    for i in digits[:: len(digits) // 100]:
        edited = text[:i] + str((int(text[i]) + 1) % 10) + text[i + 1 :]
        if json.loads(edited) == json.loads(text):
            continue  # the last of seventeen digits, which names the same float
        file.write_text(edited)
        with pytest.raises(RecordError, match=re.escape(str(file))):
            store.read(SPEC)


def test_a_record_without_its_digest_is_refused(store):
    store.file(SPEC).write_text(json.dumps(content(store)))
    with pytest.raises(RecordError, match="digest"):
        store.read(SPEC)


def test_another_layout_of_the_same_content_is_no_change(store):
    before = store.read(SPEC)
    put(store, dict(reversed(content(store).items())))
    assert store.read(SPEC) == before


def other_digit(text, i=0):
    return text[:i] + str(1 - int(text[i])) + text[i + 1 :]


TAMPERING = {
    "a changed prediction": lambda r: r["test"].update(
        predictions=other_digit(r["test"]["predictions"])
    ),
    "a changed label": lambda r: r["test"].update(labels=other_digit(r["test"]["labels"], 5)),
    "a missing prediction": lambda r: r["test"].update(predictions=r["test"]["predictions"][:-1]),
    "a missing test sample": lambda r: r["test"].update(
        predictions=r["test"]["predictions"][1:], labels=r["test"]["labels"][1:]
    ),
    "no test samples": lambda r: r["test"].update(predictions="", labels=""),
    "a prediction that is no digit": lambda r: r["test"].update(
        predictions="x" + r["test"]["predictions"][1:]
    ),
    "a prediction that is a superscript": lambda r: r["test"].update(
        predictions="²" + r["test"]["predictions"][1:]
    ),
    "a prediction of a class that is not there": lambda r: r["test"].update(
        predictions="2" + r["test"]["predictions"][1:]
    ),
    "another accuracy": lambda r: r["test"].update(accuracy=r["test"]["accuracy"] + 1e-4),
    "another precision": lambda r: r["test"].update(precision=r["test"]["precision"] + 1e-4),
    "another recall": lambda r: r["test"].update(recall=r["test"]["recall"] + 1e-4),
    "another F1": lambda r: r["test"].update(f1=r["test"]["f1"] + 1e-4),
    "an accuracy that is not a number": lambda r: r["test"].update(accuracy="NaN"),
    "another count in the confusion matrix": lambda r: r["test"]["confusion_matrix"][0].__setitem__(
        0, r["test"]["confusion_matrix"][0][0] + 1
    ),
    "a confusion matrix with a class too many": lambda r: r["test"].update(
        confusion_matrix=[[*row, 0] for row in r["test"]["confusion_matrix"]] + [[0, 0, 0]]
    ),
    "a confusion matrix without rows": lambda r: r["test"].update(confusion_matrix=[]),
    "no test": lambda r: r.pop("test"),
    "a missing fold": lambda r: r["folds"].pop(0),
    "a missing last fold": lambda r: r["folds"].pop(),
    "folds in another order": lambda r: r["folds"].reverse(),
    "a fold twice": lambda r: r["folds"].__setitem__(1, r["folds"][0]),
    "an epoch too few": lambda r: r["folds"][1]["train"]["loss"].pop(),
    "an epoch too many": lambda r: r["folds"][0]["validation"]["accuracy"].append(0.5),
    "a curve that is not numbers": lambda r: r["folds"][0]["train"].update(loss=["low", "lower"]),
    "another accuracy after the last fold": lambda r: r["folds"][-1]["test"].update(accuracy=0.5),
    "a final model in protocol carried": lambda r: r.update(
        final={
            "n_train": 398,
            "train": r["folds"][0]["train"],
            "test": r["folds"][0]["validation"],
            "seconds": 1.0,
        }
    ),
    "another number of epochs in its spec": lambda r: r["spec"].update(epochs=3),
    "another protocol in its spec": lambda r: r["spec"].update(protocol="fresh"),
    "another seed in its spec": lambda r: r["spec"].update(seed=2),
    "another head in its spec": lambda r: r["spec"].update(head="softmax"),
    "a spec that cannot be": lambda r: r["spec"].update(architecture="cnn"),
    "no spec": lambda r: r.pop("spec"),
    "a divergence before the first batch": lambda r: r.update(diverged_at=0),
    "no provenance": lambda r: r.pop("provenance"),
    "an unknown field": lambda r: r.update(note="trust me"),
    "an unknown field within": lambda r: r["test"].update(note="trust me"),
    "an unknown field in its spec": lambda r: r["spec"].update(learning_rate=0.1),
}


@pytest.mark.parametrize("tamper", TAMPERING.values(), ids=TAMPERING)
def test_a_record_that_was_tampered_with_is_refused_and_its_file_named(store, tamper):
    changed = content(store)
    tamper(changed)
    assert changed != content(store)
    put(store, changed)
    with pytest.raises(RecordError) as caught:
        store.read(SPEC)
    assert str(store.file(SPEC)) in str(caught.value)
    assert re.search(r"restore it with git|move it to", str(caught.value))


def test_a_class_that_is_not_there_is_refused_even_where_it_would_not_show_in_the_confusion_matrix():
    # Read in base 2, a 0 taken for a 2 is the same number as a 1 taken for a 0.
    honest = schema.Test.of(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), 0.5, 2)
    with pytest.raises(ValueError):
        schema.Test(**honest.model_dump() | {"labels": "0001", "predictions": "0021"})


TAMPERING_WITH_FRESH = {
    "no final model": lambda r: r.update(final=None),
    "another final accuracy": lambda r: r["final"]["test"]["accuracy"].__setitem__(-1, 0.5),
    "a final epoch too few": lambda r: r["final"]["train"]["accuracy"].pop(),
}


@pytest.mark.parametrize("tamper", TAMPERING_WITH_FRESH.values(), ids=TAMPERING_WITH_FRESH)
def test_a_record_with_another_final_model_is_refused_and_its_file_named(store, tamper):
    changed = content(store, FRESH)
    tamper(changed)
    put(store, changed, FRESH)
    with pytest.raises(RecordError) as caught:
        store.read(FRESH)
    assert str(store.file(FRESH)) in str(caught.value)


@pytest.mark.parametrize("found", [0, 2, "1", None])
def test_a_record_of_another_format_is_refused_with_both_formats_named(store, found):
    put(store, content(store) | {"format": found})
    with pytest.raises(
        RecordError,
        match=re.escape(
            f"{store.file(SPEC)} has format {found!r}, this version of reluclf reads 1"
        ),
    ):
        store.read(SPEC)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "NaN", "\x00", "<<<<<<< HEAD\n{}\n"], ids=repr
)
def test_a_file_that_is_no_record_at_all_is_refused(store, text):
    store.file(SPEC).write_text(text)
    with pytest.raises(RecordError, match=re.escape(str(store.file(SPEC)))):
        store.read(SPEC)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(store, share):
    file = store.file(SPEC)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(RecordError, match=re.escape(f"{file} is not a whole JSON file")):
        store.read(SPEC)


def test_a_file_that_may_not_be_read_is_not_called_broken(store, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(RecordError, match=r"cannot be read \(Permission denied\); let it be read"):
        store.read(SPEC)


def test_bytes_that_are_no_text_are_refused(store):
    store.file(SPEC).write_bytes(b"\xff\xfe\xfa{}")
    with pytest.raises(RecordError, match=re.escape(str(store.file(SPEC)))):
        store.read(SPEC)


def test_a_record_in_the_place_of_another_is_refused_and_told_where_it_belongs(store):
    file = store.folder / "wdbc/ffnn-relu/carried,epochs=2,folds=2/seed-9.json"
    shutil.copy(store.file(SPEC), file)
    with pytest.raises(
        RecordError,
        match=re.escape(str(file))
        + ".*"
        + re.escape(f"one at {store.folder / SPEC.path}: compare"),
    ):
        read_file(file)


# The store


def test_a_store_knows_what_it_has_and_what_is_missing(store):
    other = Spec(**SPEC.model_dump() | {"seed": 2})
    assert SPEC in store
    assert other not in store
    assert store.missing([other, SPEC, FRESH]) == [other]
    assert [record.spec for record in store.read_present([FRESH, other, SPEC])] == [FRESH, SPEC]
    assert sorted(store.files()) == sorted([store.file(SPEC), store.file(FRESH)])


def test_a_missing_record_is_an_error_that_says_how_to_train_it(tmp_path):
    with pytest.raises(RecordError) as caught:
        Store(tmp_path).read(SPEC)
    assert str(SPEC) in str(caught.value)
    assert f"make experiments ONLY={SPEC}" in str(caught.value)


def test_a_stores_own_records_hide_those_of_its_fallback(store, tmp_path):
    over = Store(tmp_path / "own", fallback=store.folder)
    assert over.file(SPEC) == store.folder / SPEC.path
    assert over.write(store.read(SPEC)) == tmp_path / "own" / SPEC.path
    assert over.file(SPEC) == tmp_path / "own" / SPEC.path
    assert list(over.files()) == [tmp_path / "own" / SPEC.path, store.folder / FRESH.path]
    assert over.missing([SPEC, FRESH]) == []


def test_writing_leaves_the_fallback_alone(store, tmp_path):
    before = store.file(SPEC).stat().st_mtime_ns
    Store(tmp_path / "own", fallback=store.folder).write(store.read(SPEC))
    assert store.file(SPEC).stat().st_mtime_ns == before


def test_reluclf_results_says_where_new_records_go_and_the_committed_ones_are_still_seen(
    store, tmp_path, monkeypatch
):
    monkeypatch.setattr("reluclf.paths.RESULTS", store.folder)
    assert Store().folder == store.folder
    monkeypatch.setenv("RELUCLF_RESULTS", str(tmp_path / "scratch"))
    assert Store().folder == tmp_path / "scratch"
    assert SPEC in Store()
    assert Store().write(store.read(SPEC)) == tmp_path / "scratch" / SPEC.path


def test_a_store_of_a_given_folder_has_no_fallback(store, tmp_path, monkeypatch):
    monkeypatch.setattr("reluclf.paths.RESULTS", store.folder)
    assert SPEC not in Store(tmp_path / "empty")


def test_a_store_whose_folder_is_not_there_yet_is_empty(tmp_path):
    assert list(Store(tmp_path / "none").files()) == []


@pytest.mark.parametrize("where", ["os.fsync", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_old_record_and_no_litter(store, monkeypatch, where):
    def full(*_):
        raise OSError(28, "No space left on device")

    record = store.read(SPEC)
    before = {file: file.read_bytes() for file in store.folder.rglob("*") if file.is_file()}
    with monkeypatch.context() as patch:
        patch.setattr(where, full)
        with pytest.raises(OSError, match="No space left"):
            store.write(record.model_copy(update={"diverged_at": 1}))
    assert {file: file.read_bytes() for file in store.folder.rglob("*") if file.is_file()} == before


def test_a_record_appears_only_when_it_is_whole(store, monkeypatch):
    """What a reader would find at the moment before the file gets its name is the old record."""
    record = store.read(SPEC)
    seen = []
    monkeypatch.setattr("os.fsync", lambda _: seen.append(store.read(SPEC).diverged_at))
    store.write(record.model_copy(update={"diverged_at": 1}))
    assert seen == [None]
    assert store.read(SPEC).diverged_at == 1


# Queries


def test_specs_are_known_from_the_names_of_files_and_chosen_by_their_fields(store):
    for file in store.files():
        file.write_text("not read")
    assert sorted(store.specs(), key=str) == sorted([SPEC, FRESH], key=str)
    assert store.specs(protocol="fresh") == [FRESH]
    assert store.specs(protocol="fresh", seed=2) == []


def test_only_the_records_that_are_asked_for_are_read_and_these_are_checked(store):
    store.file(FRESH).write_text("not whole")
    assert [record.spec for record in store.select(protocol="carried")] == [SPEC]
    with pytest.raises(RecordError, match="not a whole JSON file"):
        store.select(seed=1)


@pytest.mark.parametrize(
    "copy",
    [
        "wdbc/ffnn-relu/{}/seed-1 (Anna's conflicted copy).json",
        "wdbc/ffnn-relu/{} (1)/seed-1.json",
        "wdbc-old/ffnn-relu/{}/seed-1.json",
    ],
)
def test_a_copy_is_never_to_be_moved_over_the_record_that_is_there(store, copy):
    file = store.folder / copy.format(SPEC.path.parent.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(store.file(SPEC), file)
    there = f"there is one at {store.folder / SPEC.path}: compare the two, or delete this one."
    with pytest.raises(RecordError, match=re.escape(there)):
        read_file(file)
    store.file(SPEC).unlink()
    with pytest.raises(RecordError, match=re.escape(f"move it to {store.folder / SPEC.path}.")):
        read_file(file)


def test_a_pointer_and_a_link_that_leads_nowhere_are_told_with_what_helps(store, tmp_path):
    file = store.file(SPEC)
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(RecordError, match="pointer of Git LFS, fetch it with: git lfs pull"):
        store.read(SPEC)
    file.unlink()
    file.symlink_to(tmp_path / "dropped")
    with pytest.raises(RecordError, match=f"is a link to {tmp_path / 'dropped'}, which is not"):
        read_file(file)


def test_a_list_stands_for_any_of_its_values_and_a_field_that_there_is_not_is_refused(store):
    assert {spec.protocol for spec in store.specs(protocol=["carried", "fresh"])} == {
        "carried",
        "fresh",
    }
    assert store.specs(protocol=("carried",), seed=1) == [SPEC]
    for seeds in (first(2), np.arange(3), {1, 2}, (seed for seed in (1, 2)), np.int64(1)):
        assert set(store.specs(seed=seeds)) == {SPEC, FRESH}
    with pytest.raises(SpecError, match="sed is not a field of a spec; those are dataset, "):
        store.select(sed=1)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"seed": "1"}, "seed='1' is not allowed: input should be a valid integer."),
        ({"seed": [1, -2]}, "seed=-2 is not allowed: input should be greater than or equal to 0."),
        ({"head": "Softmax"}, "head='Softmax' is not allowed: input should be 'softmax', "),
        ({"dataset": {"fashion-mnist"}}, "dataset='fashion-mnist' is not allowed"),
    ],
)
def test_a_value_that_no_run_can_have_is_refused_and_finds_not_nothing(store, fields, told):
    with pytest.raises(SpecError, match=re.escape(told)):
        store.specs(**fields)


def test_a_records_file_that_is_read_by_hand_says_who_reads_it(store):
    with pytest.raises(ValueError, match=r"read it with reluclf\.store\.read_file"):
        schema.Record.model_validate_json(store.file(SPEC).read_text())


def test_without_folds_there_is_no_accuracy_of_cross_validation():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record = factory.record(Spec(**TINY | {"protocol": "fresh", "folds": 0}, seed=1), [], 0.9)
        assert math.isnan(record.cv_accuracy) and math.isnan(record.cv_std)


def test_a_file_that_is_no_records_is_named(store):
    stray = store.folder / "wdbc" / "ffnn-relu" / "somewhere" / "seed-1.json"
    stray.parent.mkdir()
    stray.write_text("{}")
    with pytest.raises(
        RecordError,
        match=f"{re.escape(str(stray))} is not where a record of any run is kept; delete or move it",
    ):
        store.specs()


def test_afresh_no_committed_record_is_seen_not_even_of_another_backend(tmp_path, monkeypatch):
    monkeypatch.setenv("RELUCLF_RESULTS", str(tmp_path / "new"))
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "committed")
    spec = Spec(dataset="wdbc", architecture="ffnn", head="relu", protocol="fresh", folds=0, seed=1)
    for committed in (Store(paths.RESULTS), Store(paths.RESULTS / BACKENDS / "jax")):
        committed.write(factory.record(spec, [], 0.9))
    assert spec in Store() and spec in Store.of_backend("jax")
    monkeypatch.setenv("RELUCLF_AFRESH", "1")
    assert spec not in Store() and spec not in Store.of_backend("jax")


def test_the_stores_of_backends_are_not_seen_by_the_store_they_lie_in(tmp_path, monkeypatch):
    monkeypatch.setenv("RELUCLF_RESULTS", str(tmp_path))
    spec = Spec(
        dataset="wdbc",
        architecture="ffnn",
        head="relu",
        protocol="fresh",
        folds=0,
        epochs=2,
        seed=77,
    )
    file = Store.of_backend("jax").write(factory.record(spec, [], 0.9))
    assert file == tmp_path / "backends" / "jax" / spec.path
    assert (
        spec in Store.of_backend("jax")
        and spec not in Store.of_backend("torch")
        and spec not in Store(tmp_path)
    )
    assert list(Store(tmp_path).files()) == []
