"""The chapters: committed without outputs, and each executed by papermill in a smoke profile that trains for real."""

import contextlib
import functools
import importlib.machinery
import importlib.util
import itertools
import os
import re
import subprocess
import sys

import filelock
import nbclient.exceptions
import nbformat
import papermill
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reluclf import Spec, SpecError, first, heads, paths
from reluclf import cli as command_line
from reluclf.campaign import accelerator, checkout, runtime
from reluclf.showing import chapters, interventions
from reluclf.showing.parameters import ParameterError
from reluclf.store import Store

CHAPTERS = chapters.names()

#: As little as trains something in every network: one seed, one fold, one epoch.
SMOKE = {"train": True, "seeds": 1, "epochs": 1, "folds": 1, "workers": 2}


def unmeasured(notebook):
    """The names of the numbers that a chapter glues as not measured."""
    return {
        output.metadata.scrapbook.name
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "not measured yet" in str(output)
        and not output.metadata.scrapbook.name.startswith("shown-")  # in Jupyter only
    }


def read(chapter):
    return nbformat.read(paths.BOOK / f"{chapter}.ipynb", as_version=4)


def test_the_book_has_its_ten_chapters():
    results = {"mnist", "fashion_mnist", "wdbc"}
    others = {"index", "method", "why", "discussion", "ledger", "rules", "appendices"}
    assert set(CHAPTERS) == results | others


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_is_committed_without_outputs_and_has_its_parameters_in_one_cell(chapter):
    cells = [cell for cell in read(chapter).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in cells) == bool(
        chapters.parameters(chapter)
    )
    assert read(chapter).metadata == {
        "kernelspec": {  # as JupyterLab names it
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {  # as nbconvert needs it to write a script
            "file_extension": ".py",
            "mimetype": "text/x-python",
            "name": "python",
            "nbconvert_exporter": "python",
        },
    }, (
        f"make strip, and put the metadata at the end of book/{chapter}.ipynb back, as git diff shows"
    )
    assert all(set(cell.metadata) <= {"tags", "mystnb"} for cell in read(chapter).cells)
    # Who has a copy of it alone sees this beside the error.
    used = next(cell.source for cell in cells if "reluclf" in cell.source)
    assert used.startswith("# It runs in a checkout of the book, where reluclf lies beside it:")
    # Nbstripout as a filter of git gives them numbers, without --keep-id.
    assert not any(cell.id.isdigit() for cell in read(chapter).cells)
    assert chapters.parameters(chapter) or chapter in (
        "index",
        "ledger",
        "rules",
    )  # which show the verdicts, and have no choice


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_is_committed_as_jupyter_writes_it(chapter):
    """So a change of one line of prose is a change of one line, whatever it was made with."""
    assert nbformat.writes(read(chapter)) + "\n" == (paths.BOOK / f"{chapter}.ipynb").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_figure_has_a_caption_a_label_alt_text_and_is_referred_to(chapter):
    text = "\n".join(cell.source for cell in read(chapter).cells if cell.cell_type == "markdown")
    for cell in read(chapter).cells:
        if cell.cell_type == "code" and cell.source.endswith(";"):
            figure = cell.metadata["mystnb"]["figure"]
            assert figure["caption"] and len(cell.metadata["mystnb"]["image"]["alt"]) > 40
            assert f"`{figure['name']}`" in text, f"{figure['name']} is not referred to"


def whole(file):
    """An executed notebook, in which no cell shows a traceback or a log line."""
    notebook = nbformat.read(file, as_version=4)
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in shown if output.output_type in ("error", "stream")]
    assert "papermill" not in notebook.metadata
    return notebook


def executed(chapter, values, folder):
    return whole(chapters.run(chapter, values, folder / "run", folder / "results", afresh=True))


@pytest.fixture(scope="module")
def on_nothing(tmp_path_factory):
    """Executes a chapter on an empty store, without training, once."""
    return functools.cache(lambda chapter: executed(chapter, {}, tmp_path_factory.mktemp(chapter)))


SLOWER = ("method", "why", "discussion", "ledger", "rules", "appendices")


@pytest.mark.parametrize(
    "chapter", ["index", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOWER)]
)
def test_a_chapter_that_trains_nothing_runs_on_an_empty_store(chapter, on_nothing):
    assert on_nothing(chapter)


@pytest.mark.slow
def test_without_its_records_a_chapter_says_what_is_missing_and_how_to_make_it(on_nothing):
    told = str(on_nothing("fashion_mnist"))
    assert "runs that this chapter names are not measured yet" in told
    assert "make experiments CHAPTER=fashion_mnist" in told


@pytest.mark.slow
def test_the_discussion_names_the_runs_of_every_intervention(on_nothing):
    network = {"dataset": "mnist", "architecture": "cnn", "protocol": "fresh", "folds": 0}
    told = str(on_nothing("discussion"))
    for change in interventions.EVERY:
        spec = Spec(**network, head=change.head, seed=1, **change.setting)
        assert f"`{spec.path.parent}`: 3" in told, change.title


def head():
    """The commit that is checked out; without one the test of what clones it is skipped."""
    if not checkout.commit():
        pytest.skip("this is not a git checkout, so it cannot be cloned")
    return checkout.commit()


@pytest.mark.slow
def test_a_chapter_for_colab_sets_itself_up_in_an_empty_folder_at_its_commit(tmp_path, monkeypatch):
    """Pip is really asked, for nothing but what is here: it fails if a version that the book pins is not the one that is used."""
    import nbclient

    commit = head()
    for name, value in {
        "PIP_DRY_RUN": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
    }.items():  # 0 is how pip is told so
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    notebook = chapters.portable("ledger", paths.ROOT.as_uri(), commit)
    nbclient.NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    cloned = tmp_path / "relu-at-the-output"
    assert (cloned / "reruns" / "set-up").is_file()
    assert (cloned / "results").is_dir() and "numpy==" in (
        cloned / "reruns" / "colab.txt"
    ).read_text()
    assert "ERROR" not in str(notebook.cells[0].outputs)
    assert "tab-ledger-claims" in str([cell.get("outputs") for cell in notebook.cells])
    told = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=cloned, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert told == commit


def test_what_macos_lays_beside_a_chapter_on_another_disk_is_none(tmp_path, monkeypatch):
    (tmp_path / "wdbc.ipynb").write_text("{}")
    (tmp_path / "._wdbc.ipynb").write_bytes(b"\x00\x05\x16\x07\xb0")
    monkeypatch.setattr(paths, "BOOK", tmp_path)
    assert chapters.names() == ["wdbc"]
    assert paths.chapters() == [tmp_path / "wdbc.ipynb"]


def test_a_set_up_that_was_not_finished_is_done_again_or_told(tmp_path, monkeypatch):
    """On Colab a session may end, or a reader stop the cell, while pip installs."""
    cell = chapters.portable("index", "https://example.org/x", "main").cells[0].source
    code = re.sub(r"^( *)!.*", r"\1tried.append(1)", cell, flags=re.MULTILINE)
    code = re.sub(r"^( *)%.*", r"\1pass", code, flags=re.MULTILINE)
    cloned = tmp_path / "relu-at-the-output"
    cloned.mkdir()
    monkeypatch.chdir(tmp_path)
    tried = []
    with pytest.raises(SystemExit, match="the book was not set up: run this cell again"):
        exec(code, {"tried": tried})
    (cloned / "reruns").mkdir()
    (cloned / "reruns" / "set-up").touch()
    monkeypatch.setattr(sys, "path", [*sys.path])
    exec(code, {"tried": tried})
    assert len(tried) == 2  # to clone and to install, once


def test_a_session_in_which_another_version_is_loaded_is_to_be_restarted(tmp_path, monkeypatch):
    cell = chapters.portable("index", "https://example.org/x", "main").cells[0].source
    code = re.sub(r"^( *)[!%].*", r"\1pass", cell, flags=re.MULTILINE)
    (tmp_path / "book").mkdir()
    (tmp_path / "reluclf").mkdir()
    monkeypatch.chdir(tmp_path / "book")
    exec(code, {})
    monkeypatch.setattr("numpy.__version__", "0.1")
    with pytest.raises(
        SystemExit, match="another numpy is loaded than the book's: restart the session"
    ):
        exec(code, {})


def test_what_is_installed_on_colab_are_the_books_versions_but_for_the_kernels_own():
    loader = importlib.machinery.SourceFileLoader(
        "install", str(paths.ROOT / ".binder" / "install")
    )
    install = importlib.util.module_from_spec(importlib.util.spec_from_loader("install", loader))
    loader.exec_module(install)
    pinned = {re.match(r"[\w.-]+", pin)[0]: pin for pin in install.pins()}
    everything = (paths.ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert {"numpy", "tensorflow", "keras", "myst-nb", "jupyter-book"} <= pinned.keys()
    assert not pinned.keys() & {*install.KERNEL, "playwright", "pytest", "uv", "distributed"}
    for name in ("numpy", "pandas", "scikit-learn", "keras", "matplotlib", "pydantic"):
        assert f"\n{pinned[name]} \\\n" in everything


@pytest.mark.slow
def test_a_rerun_of_wdbc_trains_shows_and_keeps_its_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(chapters, "RERUNS", tmp_path / "reruns")
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "kept")
    given = ["seeds=1", "epochs=1", "folds=1", "workers=2", "AFRESH=1", "KEEP=1"]
    status = command_line.main(["chapter", "CHAPTER=wdbc", *given])
    assert status == 0, capsys.readouterr().err
    notebook = whole(tmp_path / "reruns" / "wdbc" / "wdbc.ipynb")
    records = Store(tmp_path / "reruns" / "wdbc" / "results").read_all()
    assert len(records) == 12 and {record.spec.epochs for record in records} == {1, 20}
    kept = Store(tmp_path / "kept").read_all()
    assert [record.spec for record in kept] == [record.spec for record in records]
    assert "(n = 1)" in str(notebook)
    # What is said of ten folds cannot be measured in one; all else is.
    ten_folds = re.compile(
        "wdbc_((as_run|carried_standardised|fresh_raw|as_written)_.*|standardised_last)"
    )
    assert [name for name in unmeasured(notebook) if not ten_folds.fullmatch(name)] == []


@pytest.mark.slow
def test_an_image_chapter_trains_and_shows_what_it_trained(tmp_path, images):
    notebook = executed("mnist", {**SMOKE, "samples": 400}, tmp_path)
    records = Store(tmp_path / "results").read_all()
    trained = {(r.spec.architecture, r.spec.head, r.spec.protocol) for r in records}
    both = itertools.product(("ffnn", "cnn"), ("softmax", "relu"), ("carried", "fresh"))
    assert set(both) <= trained
    assert sum(record.spec.loss == "verbatim" for record in records) == 8
    assert {record.spec.head for record in records} == set(heads.HEADS)
    assert {record.spec.features for record in records} == {"paper", "pixels", "shuffled"}
    # A rise over the folds takes all ten of them, and these runs have fewer.
    assert unmeasured(notebook) == {
        f"mnist_cnn_{head}_rise{end}"
        for head in ("softmax", "relu")
        for end in ("", "_test", "_leak")
    }


@pytest.mark.parametrize("keep", [False, True])
def test_a_rerun_leaves_results_alone_unless_asked_to_keep_its_records(keep, tmp_path, monkeypatch):
    monkeypatch.setattr(chapters, "RERUNS", tmp_path / "reruns")
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "kept")

    def run(chapter, values, folder, results, afresh):
        (results / "wdbc").mkdir(parents=True)
        (results / "wdbc" / "seed-1.json").touch()
        return folder

    monkeypatch.setattr(chapters, "run", run)
    chapters.rerun("wdbc", {}, keep=keep)
    assert [file.name for file in (tmp_path / "kept").rglob("*")] == ["wdbc", "seed-1.json"] * keep


@pytest.mark.parametrize("afresh", [False, True])
def test_a_rerun_keeps_the_records_of_earlier_ones_unless_it_is_afresh(
    afresh, tmp_path, monkeypatch
):
    monkeypatch.setattr(chapters, "RERUNS", tmp_path)
    stop = []

    def run(chapter, values, folder, *others):
        (folder / "results").mkdir(exist_ok=True)
        (folder / "results" / "-".join(map(str, values.values()))).touch()
        if stop:
            raise KeyboardInterrupt
        return folder

    monkeypatch.setattr(chapters, "run", run)

    def kept(*values, interrupted=False):
        stop[:] = [1] * interrupted
        with contextlib.suppress(KeyboardInterrupt):
            chapters.rerun(
                "wdbc", dict(zip(("epochs", "workers"), values, strict=True)), afresh=afresh
            )
        return sorted(
            file.name.removeprefix("True-") for file in (tmp_path / "wdbc" / "results").iterdir()
        )

    assert kept(8, 4) == ["8-4"]
    assert kept(8, 2, interrupted=True) == (["8-2"] if afresh else ["8-2", "8-4"])
    assert kept(8, 1) == (
        ["8-1", "8-2"] if afresh else ["8-1", "8-2", "8-4"]
    )  # it goes on, with another number of workers
    assert kept(9, 1, interrupted=True) == (["9-1"] if afresh else ["8-1", "8-2", "8-4", "9-1"])
    assert kept(7, 1) == (["7-1"] if afresh else ["7-1", "8-1", "8-2", "8-4", "9-1"])


def test_a_chapter_whose_process_dies_does_not_stop_the_others(monkeypatch, capsys):
    begun = []

    def die(chapter, *_):
        begun.append(chapter)
        raise nbclient.exceptions.DeadKernelError("Kernel died")

    monkeypatch.setattr(chapters, "run", die)
    assert command_line.main(["experiments"]) == 1
    assert len(begun) > 1
    assert capsys.readouterr().err.count(
        "error: the chapter's process was killed, often for want of memory"
    ) == len(begun)


def test_the_target_of_the_gpu_says_who_finds_it_and_the_frameworks_own_reason_if_none_does(
    monkeypatch, capsys
):
    answers = {
        "tensorflow": accelerator.Found(None, "Could not find cuda drivers."),
        "jax": accelerator.Found("NVIDIA H100", ""),
    }
    monkeypatch.setattr(accelerator, "ask", answers.__getitem__)
    monkeypatch.setattr(runtime, "backend", lambda: "tensorflow")
    assert command_line.main(["gpu"]) == 2
    out, err = capsys.readouterr()
    assert out == "tensorflow: no accelerator (Could not find cuda drivers.)\njax: NVIDIA H100\n"
    assert (
        err
        == "error: Keras's backend tensorflow finds no accelerator: Could not find cuda drivers.\n"
    )
    monkeypatch.setattr(runtime, "backend", lambda: "jax")
    assert command_line.main(["gpu"]) == 0


def test_a_chapter_that_is_being_rerun_is_not_rerun_by_another_process(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(chapters, "RERUNS", tmp_path)
    (tmp_path / "wdbc" / "results").mkdir(parents=True)
    with filelock.FileLock(tmp_path / ".wdbc.lock"):
        assert command_line.main(["chapter", "CHAPTER=wdbc", "train=false"]) == 2
    assert (
        capsys.readouterr().err
        == "error: chapter wdbc is being rerun by another process; wait for it, or end it.\n"
    )
    assert (tmp_path / "wdbc" / "results").is_dir()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ["CHAPTER=wdbc", "seedz=2"],
            "'seedz' is not a parameter of chapter wdbc; its parameters are train, seeds,",
        ),
        (["CHAPTER=wbdc"], "'wbdc' is not a chapter; the chapters are appendices, discussion,"),
        (["CHAPTER=../wdbc"], "'../wdbc' is not a chapter"),
        ([], "which chapter is not said; it is one of appendices, discussion,"),
        (["CHAPTER=wdbc", "seeds=two"], "seeds=two is not allowed; seeds is a whole number"),
        (
            ["CHAPTER=wdbc", "seeds=-1"],
            "seeds=-1 is not allowed; seeds is a whole number, not negative",
        ),
        (["CHAPTER=wdbc", "seeds=1.5"], "seeds=1.5 is not allowed"),
        (
            ["CHAPTER=wdbc", "workers=-1"],
            "workers=-1 is not allowed; workers is a whole number, not negative, or none",
        ),
        (
            ["CHAPTER=wdbc", "protocols=fresh,frozen"],
            "protocols=fresh,frozen is not allowed; protocols is one or more of carried, fresh",
        ),
        (
            ["CHAPTER=mnist", "parts="],
            "parts= is not allowed; parts is one or more of tables, verbatim, heads, controls",
        ),
        (
            ["CHAPTER=discussion", "datasets=wdbc"],
            "datasets=wdbc is not allowed; datasets is one or more of mnist, fashion_mnist",
        ),
        (["CHAPTER=wdbc", "train=7"], "train=7 is not allowed; train is true or false"),
        (["CHAPTER=wdbc", "KEEP=maybe"], "KEEP=maybe is not allowed"),
        (["CHAPTER=wdbc", "seeds"], "'seeds' is not of the form name=value"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name_before_anything_runs(
    arguments, named, capsys, monkeypatch
):
    monkeypatch.setattr(chapters, "run", lambda *_, **__: pytest.fail("the chapter was run"))
    assert command_line.main(["chapter", *arguments]) == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ["WORKER=2"],
            "WORKER=2 is not allowed; usage: reluclf train [-h] [--chapter CHAPTER] [--only ONLY] [--workers WORKERS] [--dask ADDRESS]",
        ),
        (
            ["CHAPTER=wbdc"],
            "'wbdc' is not a chapter that trains; those are appendices, discussion, fashion_mnist, mnist, wdbc",
        ),
        (["CHAPTER=index"], "'index' is not a chapter that trains"),
        (["WORKERS=two"], "workers=two is not allowed"),
    ],
)
def test_so_is_a_wrong_option_of_experiments(arguments, named, capsys, monkeypatch):
    monkeypatch.setattr(chapters, "run", lambda *_, **__: pytest.fail("a chapter was run"))
    assert command_line.main(["experiments", *arguments]) == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize(("only", "status"), [("cnn-relu", 0), ("cnn-rleu", 3)])
def test_a_name_that_no_run_has_is_no_success_unless_another_chapter_has_one(
    only, status, capsys, monkeypatch, tmp_path
):
    def run(name, values, folder):
        if name != "mnist" or values["only"] != "cnn-relu":
            why = f"no run has {values['only']!r} in its name; the first is called x."
            raise papermill.PapermillExecutionError(3, 3, "obtain()", "NoRunError", why, [])
        return tmp_path / name

    monkeypatch.setattr(chapters, "run", run)
    assert command_line.main(["experiments", f"ONLY={only}"]) == status
    told = capsys.readouterr().err
    assert f"chapter wdbc\nno run has '{only}' in its name; the first is called x.\n" in told
    assert "error" not in told
    assert command_line.main(["train", "--chapter", "wdbc", "--only", "cnn-relu"]) == 3


def test_a_chapter_as_a_script_says_where_chapters_run(tmp_path):
    code = [cell.source for cell in read("ledger").cells if cell.cell_type == "code"]
    (tmp_path / "ledger.py").write_text("\n".join(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "ledger.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(paths.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("this is a chapter of the book, which shows its tables")
    assert done.stderr.count("\n") == 1


def test_a_chapter_that_fails_does_not_stop_the_experiments_of_the_others(
    capsys, monkeypatch, tmp_path
):
    def run(name, values, folder):
        ran.append((name, values["only"]))
        if name == "fashion_mnist":
            raise papermill.PapermillExecutionError(
                3, 3, "obtain()", "DataError", "Fashion-MNIST cannot be had.", []
            )
        return tmp_path / name

    ran = []
    monkeypatch.setattr(chapters, "run", run)
    assert command_line.main(["experiments", "ONLY=cnn-relu"]) == 1
    assert sorted(ran) == [
        (name, "cnn-relu")
        for name in ("appendices", "discussion", "fashion_mnist", "mnist", "wdbc")
    ]
    told = capsys.readouterr().err
    assert (
        "chapter fashion_mnist\nerror: Fashion-MNIST cannot be had.\nchapter mnist\n" in told
        and told.count("error") == 1
    )


@pytest.mark.parametrize("command", ["check-records", "picture"])
def test_a_command_without_options_takes_none(command, capsys):
    assert command_line.main([command, "x=1"]) == 2
    assert f"error: x=1 is not allowed; usage: reluclf {command} [-h]" in capsys.readouterr().err


@given(
    chapter=st.sampled_from(CHAPTERS),
    name=st.sampled_from(
        sorted(
            {name for chapter in CHAPTERS for name in chapters.parameters(chapter)}
            | {"", "no such", "__class__"}
        )
    ),
    text=st.text()
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from(["true", "none", "None", "[1]", "{}", "(", "carried", "1,2"]),
)
def test_any_text_becomes_a_value_of_the_parameters_kind_or_is_refused_in_one_sentence(
    chapter, name, text
):
    defaults = chapters.parameters(chapter)
    try:
        value = chapters.parse(chapter, {name: text})[name]
    except ParameterError as error:
        assert repr(name) in str(error) or f"{name}={text} is not allowed; {name} is " in str(error)
    else:
        default = defaults[name]
        assert type(value) is type(default) or (default is None and type(value) is int)
        assert not isinstance(value, int) or value >= 0
        assert not isinstance(value, list) or (value and set(value) <= set(default))


@pytest.mark.parametrize(
    ("chapter", "values", "named"),
    [
        (
            "wdbc",
            {"folds": 11},
            "folds=11 is not allowed: input should be less than or equal to 10",
        ),
        pytest.param(
            "wdbc",
            {"cluster": "nowhere"},
            "no Dask scheduler answers at 'nowhere'",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "why",
            {"rows": 10**9},
            "rows=1000000000 is not allowed; 100 at the most are",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_value_that_is_refused_inside_a_chapter_ends_with_its_one_sentence(
    chapter, values, named, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(chapters, "RERUNS", tmp_path)
    assert (
        command_line.main(
            [
                "chapter",
                f"CHAPTER={chapter}",
                *(f"{name}={value}" for name, value in values.items()),
            ]
        )
        == 1
    )
    message = capsys.readouterr().err
    assert named in message and "Traceback" not in message
    assert not list(tmp_path.rglob("seed-*.json"))


@pytest.mark.parametrize("n", [0, 10**9])
def test_a_number_of_seeds_that_cannot_be_run_is_refused(n):
    with pytest.raises(SpecError, match=f"^{n} seeds are not allowed; 1 to 10000 are"):
        first(n)


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("theano", "KERAS_BACKEND=theano is not allowed; tensorflow, jax, torch are."),
        pytest.param(
            "jax", "needs the package jax, which is not installed", marks=pytest.mark.slow
        ),
    ],
)
def test_a_backend_that_cannot_be_had_is_named_before_anything_is_trained(
    name, named, tmp_path, monkeypatch, capsys
):
    if importlib.util.find_spec(name):
        pytest.skip(f"{name} is installed")
    monkeypatch.setattr(chapters, "RERUNS", tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", name)
    assert (
        command_line.main(["chapter", "CHAPTER=wdbc", "seeds=1", "epochs=1", "folds=1", "AFRESH=1"])
        == 1
    )
    message = capsys.readouterr().err
    assert named in message and "Traceback" not in message
    assert not list(tmp_path.rglob("seed-*.json"))


def test_a_record_that_cannot_be_trusted_ends_a_chapter_and_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(chapters, "RERUNS", tmp_path)
    original = Store(paths.RESULTS).file(
        Spec(dataset="wdbc", architecture="ffnn", head="relu", protocol="carried", seed=1)
    )
    file = tmp_path / "wdbc" / "results" / original.relative_to(paths.RESULTS)
    monkeypatch.setattr(chapters.shutil, "rmtree", lambda *_, **__: None)  # what a rerun does first
    file.parent.mkdir(parents=True)
    file.write_text(original.read_text()[:-100])
    assert command_line.main(["chapter", "CHAPTER=wdbc", "seeds=1", "train=false"]) == 1
    message = capsys.readouterr().err
    assert f"error: {file} is not a whole JSON file" in message and "restore it with git" in message


@pytest.mark.slow
def test_without_data_and_network_training_ends_with_one_sentence_that_has_both_remedies(
    tmp_path, monkeypatch, capsys
):
    # In the kernel's own process the network is real: a proxy that is not there makes it fail at once.
    monkeypatch.setattr(chapters, "RERUNS", tmp_path)
    monkeypatch.setenv("RELUCLF_DATA", str(tmp_path / "nothing"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (
        command_line.main(
            [
                "chapter",
                "CHAPTER=mnist",
                "seeds=1",
                "folds=1",
                "epochs=1",
                "protocols=carried",
                "only=ffnn-relu",
                "AFRESH=1",
            ]
        )
        == 1
    )
    message = capsys.readouterr().err
    assert (
        "MNIST cannot be had" in message
        and "connect to the network" in message
        and "set RELUCLF_DATA" in message
    )
    assert "Traceback" not in message


@pytest.fixture(autouse=True)
def _no_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "RELUCLF_AFRESH" not in os.environ
