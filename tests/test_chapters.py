"""The chapters: committed without outputs, and each executed by papermill in a smoke profile that trains for real."""

import os

import nbformat
import pytest

from reluclf import __main__ as command_line
from reluclf import chapters, models, paths, verdicts
from reluclf.records import Store

CHAPTERS = chapters.names()

#: As little as trains something in every network: one seed, one fold, one epoch.
SMOKE = {"train": True, "seeds": 1, "epochs": 1, "folds": 1, "workers": 2}


def read(chapter):
    return nbformat.read(paths.BOOK / f"{chapter}.ipynb", as_version=4)


def test_the_book_has_its_seven_chapters():
    assert set(CHAPTERS) == {"index", "method", "mnist", "fashion_mnist", "wdbc", "discussion", "appendices"}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_is_committed_without_outputs_and_has_one_parameters_cell(chapter):
    cells = [cell for cell in read(chapter).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in cells) == 1
    assert chapters.parameters(chapter)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_figure_has_a_caption_a_label_alt_text_and_is_referred_to(chapter):
    text = "\n".join(cell.source for cell in read(chapter).cells if cell.cell_type == "markdown")
    for cell in read(chapter).cells:
        if cell.cell_type == "code" and "figures." in cell.source.splitlines()[-1]:
            figure = cell.metadata["mystnb"]["figure"]
            assert figure["caption"] and len(cell.metadata["mystnb"]["image"]["alt"]) > 40
            assert f"`{figure['name']}`" in text, f"{figure['name']} is not referred to"


def executed(chapter, values, tmp_path):
    file = chapters.run(chapter, values, tmp_path / "run", tmp_path / "results", afresh=True)
    notebook = nbformat.read(file, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type in ("error", "stream")], "a page shows a traceback or a log line"
    assert "papermill" not in notebook.metadata
    return notebook


@pytest.mark.parametrize("chapter", ["index", "method", "discussion", "appendices"])
def test_a_chapter_that_trains_nothing_runs_on_an_empty_store(chapter, tmp_path):
    executed(chapter, {}, tmp_path)


def test_the_wdbc_chapter_trains_and_shows_what_it_trained(tmp_path):
    notebook = executed("wdbc", SMOKE, tmp_path)
    records = Store(tmp_path / "results").read_all()
    assert len(records) == 10 and {record.spec.epochs for record in records} == {1, 20}
    assert "(n = 1)" in str(notebook)
    assert "not measured yet" not in str(notebook)


@pytest.mark.parametrize("chapter", ["mnist", "fashion_mnist"])
def test_an_image_chapter_trains_and_shows_what_it_trained(chapter, tmp_path, images):
    notebook = executed(chapter, {**SMOKE, "samples": 400}, tmp_path)
    records = Store(tmp_path / "results").read_all()
    of_the_tables = {(r.spec.architecture, r.spec.head, r.spec.protocol) for r in records if not r.spec.setting}
    assert {(a, h, p) for a in ("ffnn", "cnn") for h in ("softmax", "relu") for p in ("carried", "fresh")} <= of_the_tables
    assert sum(record.spec.loss == "verbatim" for record in records) == 8
    assert {record.spec.head for record in records} == set(models.HEADS)
    assert {record.spec.features for record in records} == {"paper", "pixels", "shuffled"}
    assert "not measured yet" not in str(notebook)


def test_the_discussion_trains_its_interventions(tmp_path, images):
    executed("discussion", {"train": True, "seeds": 1, "epochs": 1, "samples": 400, "datasets": ["mnist"], "workers": 2}, tmp_path)
    settings = [record.spec.setting for record in Store(tmp_path / "results").read_all() if record.spec.architecture == "cnn" and record.spec.setting]
    assert sorted(settings, key=str) == sorted((remedy.setting for remedy in verdicts.REMEDIES if remedy.setting), key=str)


def test_without_its_records_and_without_training_a_chapter_says_what_is_missing_and_how_to_make_it(tmp_path):
    notebook = executed("mnist", {}, tmp_path)
    assert "runs that this chapter names are not measured yet" in str(notebook)
    assert "make experiments CHAPTER=mnist" in str(notebook)


@pytest.mark.parametrize("flags", [[], ["KEEP=1"]])
def test_a_rerun_leaves_the_tree_alone_unless_asked_to_keep_its_records(flags, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(chapters, "RERUNS", tmp_path / "reruns")
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "kept")
    status = command_line.main(["chapter", "CHAPTER=wdbc", "seeds=1", "epochs=1", "folds=1", "protocols=carried", "workers=1", "AFRESH=1", *flags])
    assert status == 0, capsys.readouterr().err
    assert len(list((tmp_path / "reruns/wdbc/results").rglob("seed-*.json"))) == 6
    assert len(list((tmp_path / "kept").rglob("seed-*.json"))) == (6 if flags else 0)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["CHAPTER=wdbc", "seedz=2"], "'seedz' is not a parameter of chapter wdbc; its parameters are train, seeds,"),
        (["CHAPTER=wbdc"], "'wbdc' is not a chapter; the chapters are appendices, discussion,"),
        (["CHAPTER=wdbc", "seeds=two"], "seeds=two is not allowed; seeds is a whole number"),
        (["CHAPTER=wdbc", "train=7"], "train=7 is not allowed; train is true or false"),
        (["CHAPTER=wdbc", "KEEP=maybe"], "KEEP=maybe is not allowed"),
        (["CHAPTER=wdbc", "seeds"], "'seeds' is not of the form name=value"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name_before_anything_runs(arguments, named, capsys, monkeypatch):
    monkeypatch.setattr(chapters, "run", lambda *_, **__: pytest.fail("the chapter was run"))
    assert command_line.main(["chapter", *arguments]) == 2
    assert named in capsys.readouterr().err


def test_a_value_that_a_spec_refuses_ends_with_its_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(chapters, "RERUNS", tmp_path)
    assert command_line.main(["chapter", "CHAPTER=wdbc", "folds=11", "seeds=1"]) == 1
    assert "folds=11 is not allowed: input should be less than or equal to 10" in capsys.readouterr().err


def test_without_data_and_network_training_ends_with_one_sentence_that_has_both_remedies(tmp_path, monkeypatch, capsys):
    # In the kernel's own process the network is real: a proxy that is not there makes it fail at once.
    monkeypatch.setattr(chapters, "RERUNS", tmp_path)
    monkeypatch.setenv("RELUCLF_DATA", str(tmp_path / "nothing"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert command_line.main(["chapter", "CHAPTER=mnist", "seeds=1", "folds=1", "epochs=1", "protocols=carried", "only=ffnn-relu", "AFRESH=1"]) == 1
    message = capsys.readouterr().err
    assert "MNIST cannot be had" in message and "connect to the network" in message and "set RELUCLF_DATA" in message
    assert "Traceback" not in message


@pytest.fixture(autouse=True)
def _no_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "RELUCLF_AFRESH" not in os.environ
