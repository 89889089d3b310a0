"""The program for the libraries of 2018: that its plan, data and records are the book's, and what `make original` says without a Python 3.6."""

import json
import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pytest
import yaml
from factory import run
from sklearn.model_selection import KFold

from original import data as original_data
from original import plan, zero_rows
from original import records as original_records
from reluclf import cli as command_line
from reluclf import metrics, paths, sources
from reluclf.campaign import trust
from reluclf.showing import derivations
from reluclf.spec import Spec
from reluclf.store import ORIGINAL, Store

PYTHON = paths.ROOT / ".venv-original" / "bin" / "python"

with_2018 = pytest.mark.skipif(
    not (PYTHON.parent.parent / "ready").exists(),
    reason="needs the environment that `make original` makes, of a Python 3.6",
)

#: How many of the 55,000 training images, and of WDBC's 398 training rows, are of each class.
SUPPORTS = {
    "mnist": [5444, 6179, 5470, 5638, 5307, 4987, 5417, 5715, 5389, 5454],
    "fashion_mnist": [5543, 5444, 5496, 5499, 5512, 5507, 5507, 5488, 5510, 5494],
    "wdbc": [148, 250],
}


def folds_of_2018(y):
    """The fold of every row by the algorithm of scikit-learn 0.19.1: each class is split by itself, by a ``KFold`` with the one seed."""
    fold = np.empty(len(y), int)
    for k in np.unique(y):
        rows = np.flatnonzero(y == k)
        for number, (_, chosen) in enumerate(KFold(10, shuffle=True, random_state=10).split(rows)):
            fold[rows[chosen]] = number
    return fold


def published():
    """The fold accuracies of the author's notebooks, by network: those of Tables 5 and 7, and the others."""
    paper = yaml.safe_load(paths.PAPER.read_text(encoding="utf-8"))
    found = dict(paper["notebook_folds"])
    for table in paper["tables"].values():
        if "fold_accuracy" in table:
            found[f"{table['dataset']}-cnn-relu"] = table["fold_accuracy"]
    return found


def of_2018(code, timeout=300):
    """What a process of the environment of 2018 prints last, from JSON."""
    command = [str(PYTHON), "-W", "ignore", "-c", textwrap.dedent(code)]
    surroundings = os.environ | {
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "",
    }
    done = subprocess.run(
        command,
        cwd=paths.ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def whole(hits):
    """Whether these are counts, but for the rounding of accuracies that the notebooks print as means of float32."""
    return np.abs(hits - hits.round()).max() < 2e-3


def test_the_planned_folds_have_the_denominators_of_the_papers_accuracies():
    assert len(published()) == 10
    for network, accuracies in published().items():
        dataset = network.split("-")[0]
        supports = SUPPORTS[dataset]
        sizes = np.bincount(folds_of_2018(np.repeat(np.arange(len(supports)), supports)))
        assert whole(np.array(accuracies) * sizes), network
        # Today's algorithm makes folds of one size, which do not fit.
        assert dataset == "wdbc" or not whole(np.array(accuracies) * sum(supports) / 10), network


def test_every_run_of_the_plan_is_a_spec_of_the_book_and_has_its_path():
    runs = plan.runs(plan.read())
    assert {
        name: field.default for name, field in Spec.model_fields.items() if not field.is_required()
    } == dict(plan.DEFAULTS)
    for made in runs:
        spec = Spec(**made)
        assert spec.path.as_posix() == plan.path(made) and list(made) == list(spec.model_dump())
    assert len({plan.path(made) for made in runs}) == len(runs)


def test_the_plan_runs_seed_by_seed_and_has_as_many_of_each_network():
    planned = plan.read()
    design = {name: experiment["seeds"] for name, experiment in planned["experiments"].items()}
    assert (
        design["wdbc-own-loss"] == 100 and design["ffnn-own-loss"] == design["cnn-own-loss"] == 20
    )
    assert (
        design["ffnn-as-run"] == 5
        and design["cnn-first-fold"] == 8
        and design["cnn-relu-fashion-as-run"] == 2
    )
    seeds = [
        made["seed"]
        for made in plan.runs(planned)
        if (made["dataset"], made["loss"]) == ("wdbc", "verbatim")
    ]
    assert seeds == [seed for seed in range(1, 101) for _ in range(4)]


def test_a_plan_whose_order_goes_beyond_its_design_is_refused(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"experiments": {"one": {"seeds": 2}}, "order": [["one", 3]]}))
    with pytest.raises(
        plan.PlanError, match=r"orders 3 seeds of one, but the design has 2; raise the design"
    ):
        plan.read(str(file))
    with pytest.raises(
        plan.PlanError,
        match="clipnorm cannot be varied in the original; only loss, features, epochs, folds can",
    ):
        plan.spec("mnist", "cnn", "relu", 1, clipnorm=1.0)


def test_the_images_are_checked_against_the_same_checksums():
    for dataset, files in sources.SHA256.items():
        assert original_data.checksums(dataset) == files


def test_images_that_cannot_be_had_are_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("RELUCLF_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / f"{original_data.FILES[0]}.gz").write_bytes(b"no gzip")
    with pytest.raises(
        original_data.DataError,
        match=r"train-images-idx3-ubyte.gz of mnist cannot be had .*set RELUCLF_DATA to the folder that holds mnist/",
    ):
        original_data.read_idx("mnist", original_data.FILES[0])


def test_its_images_are_those_of_the_book(images):
    for name, field in zip(
        original_data.FILES,
        ("train_images", "train_labels", "test_images", "test_labels"),
        strict=True,
    ):
        assert np.array_equal(
            original_data.read_idx("mnist", name), getattr(sources.load_images("mnist"), field)
        )


@pytest.mark.parametrize("diverged_at", [None, 7])
def test_it_writes_a_record_as_the_book_does(diverged_at):
    made = run(
        "wdbc", "ffnn", "relu", "carried", 1, hits=0.9, loss="verbatim", epochs=2
    ).model_copy(update={"diverged_at": diverged_at})
    content = json.loads(made.model_dump_json())
    assert original_records.to_json(content) == made.to_json()
    matrix = original_records.confusion_matrix(
        metrics.from_digits(made.test.labels), metrics.from_digits(made.test.predictions), 2
    )
    assert original_records.scores(matrix) == metrics.scores(matrix)
    values = [{"loss": (float("nan"), float("inf"), -float("inf"), 0.5)}]
    assert original_records.finite_or_named(values) == [
        {"loss": ["NaN", "Infinity", "-Infinity", 0.5]}
    ]


def test_a_record_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "folder" / "seed-1.json"
    original_records.write_atomically(str(file), "old\n")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no room")))
    with pytest.raises(OSError, match="no room"):
        original_records.write_atomically(str(file), "new\n")
    assert file.read_text() == "old\n" and [path.name for path in file.parent.iterdir()] == [
        "seed-1.json"
    ]


def test_its_records_are_read_like_all_others_and_name_the_libraries_of_2018():
    store = Store(paths.RESULTS / ORIGINAL)
    planned = {plan.path(made) for made in plan.runs(plan.read())}
    for record in store.read_all():
        where = record.provenance
        assert record.spec.path.as_posix() in planned
        assert (
            where.versions["tensorflow"],
            where.versions["keras"],
            where.versions["scikit-learn"],
        ) == ("1.4.1", "2.1.2", "0.19.1")
        assert (
            where.versions["python"].startswith("3.6.")
            and where.backend == "tensorflow"
            and where.threads == 1
        )
        assert where.commit and not where.modified
        assert store.file(record.spec).read_text() == record.to_json()


def test_checking_all_records_finds_a_broken_one_of_the_original(store, monkeypatch, capsys):
    monkeypatch.setattr(paths, "RESULTS", store.folder)
    made = run("wdbc", "ffnn", "relu", "carried", 1, hits=0.9)
    Store(store.folder / ORIGINAL).write(made)
    assert made.spec not in Store(store.folder)
    assert trust.read_all()[0] == []  # it is none of the book's own, which are verified and counted
    assert (
        command_line.main(["check-records"]) == 0
        and "1 record can be trusted, 0 problems" in capsys.readouterr().out
    )
    (store.folder / ORIGINAL / made.spec.path).write_text("{")
    assert command_line.main(["check-records"]) == 1


def test_measuring_zero_rows_leaves_the_answers_of_others_as_they_are(tmp_path, monkeypatch):
    file = tmp_path / "zero-rows.json"
    shutil.copy(paths.ZERO_ROWS, file)
    committed = [
        answer for answer in json.loads(file.read_text()) if answer["backend"] == zero_rows.BACKEND
    ]
    monkeypatch.setattr(zero_rows, "answers", lambda: committed)
    zero_rows.measure(str(file))
    assert file.read_text() == paths.ZERO_ROWS.read_text()
    assert (
        dict(zero_rows.ROWS) == derivations.ZERO_ROWS and zero_rows.BACKEND in derivations.BACKENDS
    )


@pytest.mark.skipif(
    not shutil.which("make") or os.name == "nt",
    reason="there is no make, or its shell is another one",
)
def test_without_a_python_3_6_it_names_the_remedies(tmp_path):
    for name in ("Makefile", "original"):
        source = paths.ROOT / name
        (shutil.copy if source.is_file() else shutil.copytree)(source, tmp_path / name)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "make", "env", "dirname", "cat", "cmp", "date", "grep", "sed"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    surroundings = {"PATH": str(programs), "HOME": str(tmp_path)}
    done = subprocess.run(
        ["make", "original"],
        cwd=tmp_path,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "needs a Python 3.6" in done.stderr
    for remedy in ("conda create", "pyenv install", "tensorflow/tensorflow:1.4.1-py3"):
        assert remedy in done.stderr, done.stderr
    assert not (tmp_path / ".venv-original").exists()


def test_what_it_needs_is_pinned_and_it_does_not_import_the_package():
    text = (
        (paths.ROOT / "original" / "requirements.txt")
        .read_text(encoding="utf-8")
        .replace("\\\n", " ")
    )
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"[\w.-]+==[\w.]+ +--hash=sha256:", line) for line in lines)
    assert {"tensorflow==1.4.1", "keras==2.1.2", "scikit-learn==0.19.1"} <= {
        line.split()[0] for line in lines
    }
    for file in (paths.ROOT / "original").glob("*.py"):
        assert not re.search(
            r"^\s*(?:from|import) reluclf", file.read_text(encoding="utf-8"), flags=re.MULTILINE
        ), file


@with_2018
def test_the_folds_of_2018_are_those_of_our_own_twelve_lines():
    y = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [105, 212, 333]))
    code = f"import json, numpy as np; from original import data; print(json.dumps([v.tolist() for _, v in data.folds(np.array({y.tolist()}))]))"
    ours = folds_of_2018(y)
    assert of_2018(code) == [np.flatnonzero(ours == number).tolist() for number in range(10)]


@with_2018
def test_the_libraries_of_2018_give_the_committed_answers_again():
    committed = [
        answer
        for answer in json.loads(paths.ZERO_ROWS.read_text(encoding="utf-8"))
        if answer["backend"] == zero_rows.BACKEND
    ]
    assert (
        of_2018(
            "import json; from original import zero_rows; print(json.dumps(zero_rows.answers()))"
        )
        == committed
    )


@with_2018
def test_a_run_is_trained_as_keras_fit_trains_it_and_its_record_is_read(tmp_path):
    code = f"""
        import json
        import numpy as np
        from original import data, networks, plan, records, training

        spec = plan.spec("wdbc", "ffnn", "softmax", 1, epochs=2, folds=2, loss="verbatim")
        outcome = training.run(spec)
        record = records.make(spec, outcome, records.now(), 1.0)
        records.write_atomically({str(tmp_path)!r} + "/" + plan.path(spec), records.to_json(record))

        networks.start(1)
        model = networks.build(spec)
        networks.loss_function(spec)
        x, y, x_test, y_test = data.prepared(spec)
        losses = []
        for rows, _ in data.folds(y)[:2]:
            done = model.fit(x[rows], np.eye(2)[y[rows]], epochs=2, batch_size=256, verbose=0)
            losses += [float(loss) for loss in done.history["loss"]]
        same = np.array_equal(model.predict(x_test).argmax(axis=1), outcome["predictions"])
        print(json.dumps([losses, [l for f in outcome["folds"] for l in f["train"]["loss"]], bool(same)]))
    """
    by_fit, ours, same = of_2018(code)
    assert by_fit == pytest.approx(ours, rel=1e-6) and same
    [record] = Store(tmp_path).read_all()
    assert record.provenance.versions["keras"] == "2.1.2" and len(record.folds) == 2


@with_2018
def test_a_dead_run_that_is_given_up_has_the_record_of_one_that_is_trained_on():
    code = """
        import json
        from original import plan, training

        def measured(give_up):
            spec = plan.spec("wdbc", "ffnn", "relu", 2, epochs=3, folds=3, loss="verbatim", features="raw")
            outcome = training.run(spec, give_up)
            folds = [dict(fold, seconds=0) for fold in outcome["folds"]]
            return repr((folds, outcome["diverged_at"], outcome["predictions"].tolist()))

        print(json.dumps([measured(True), measured(False)]))
    """
    given_up, trained_on = of_2018(code)
    assert given_up == trained_on and "nan" in given_up


@with_2018
def test_the_guarded_loss_is_keras_own_but_for_rows_of_zeros():
    code = """
        import json
        import numpy as np
        from keras import backend as K
        from original import networks

        rng = np.random.RandomState(0)
        rows = np.maximum(rng.normal(size=(200, 10)), 0).astype("float32")
        targets = K.constant(np.eye(10)[rng.randint(10, size=201)])
        outputs = K.placeholder(shape=(None, 10))
        both = []
        for loss in (networks.guarded, K.categorical_crossentropy):
            value = loss(targets, outputs)
            gradient = K.gradients(value, [outputs])[0]
            both.append([a.tolist() for a in K.function([outputs], [value, gradient])([np.vstack([rows, np.zeros((1, 10))])])])
        print(json.dumps([[a[:-1] for a in found] for found in both] + [[a[-1] for a in both[0]]]))
    """
    guarded, own, of_zeros = of_2018(code)
    assert guarded == own
    assert of_zeros == [pytest.approx(16.118, abs=1e-3), [0.0] * 10]


def test_the_folder_holds_no_path_of_a_machine():
    for file in Path(paths.ROOT / "original").iterdir():
        if file.is_file():
            assert not re.search(r"/(?:home|root|work)/", file.read_text(encoding="utf-8")), file
