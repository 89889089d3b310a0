"""A chapter's parameters mean what they say, whoever passes them."""

import ast
import os
import subprocess
import sys

import nbformat
import pytest

from reluclf import paths
from reluclf.showing import chapters, parameters

CHAPTERS = chapters.names()


def cells(chapter):
    notebook = nbformat.read(paths.BOOK / f"{chapter}.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_parameter_has_a_kind_and_its_default_is_of_it(chapter):
    for name, default in chapters.parameters(chapter).items():
        assert parameters.checked(name, default) == default
        if name in parameters.CHOICES:
            assert default == list(parameters.CHOICES[name])


def test_every_kind_is_of_a_parameter():
    assert parameters.KINDS.keys() == {
        name for chapter in CHAPTERS for name in chapters.parameters(chapter)
    }


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_checks_its_parameters_before_it_uses_them_and_gives_them_no_other_value(chapter):
    names = set(chapters.parameters(chapter))
    checked = False
    for cell in cells(chapter):
        if "parameters" in cell.metadata.get("tags", []):
            continue
        for statement in ast.parse(cell.source).body:
            checked = checked or "notebook.start()" in ast.unparse(statement)
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and node.id in names:
                    assert checked, f"{node.id} is used before notebook.start() has checked it"
                    assert isinstance(node.ctx, ast.Load), f"{node.id} is given another value"
    assert checked


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("train", "false", False),
        ("train", "False", False),
        ("train", "true", True),
        ("train", True, True),
        ("seeds", "2", 2),
        ("seeds", 2, 2),
        ("samples", "None", None),
        ("samples", "none", None),
        ("workers", None, None),
        ("protocols", "carried", ["carried"]),
        ("protocols", '["carried"]', ["carried"]),
        ("protocols", ["fresh", "carried"], ["fresh", "carried"]),
        ("parts", "tables,heads", ["tables", "heads"]),
        ("only", 3, "3"),
        ("only", None, ""),
        ("only", "cnn-relu", "cnn-relu"),
    ],
)
def test_a_value_is_taken_for_what_it_means(name, value, meant):
    found = parameters.checked(name, value)
    assert found == meant and type(found) is type(meant)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("train", "no", "train=no is not allowed; train is true or false."),
        ("train", 1, "train=1 is not allowed; train is true or false."),
        ("train", None, "train=None is not allowed; train is true or false."),
        ("seeds", 2.0, "seeds=2.0 is not allowed; seeds is a whole number, not negative."),
        ("seeds", "many", "seeds=many is not allowed; seeds is a whole number, not negative."),
        ("seeds", True, "seeds=True is not allowed; seeds is a whole number, not negative."),
        ("seeds", [1], "seeds=[1] is not allowed; seeds is a whole number, not negative."),
        ("epochs", None, "epochs=None is not allowed; epochs is a whole number, not negative."),
        (
            "workers",
            1.0,
            "workers=1.0 is not allowed; workers is a whole number, not negative, or none.",
        ),
        ("only", ["x"], "only=['x'] is not allowed; only is a text."),
        (
            "protocols",
            3,
            "protocols=3 is not allowed; protocols is one or more of carried, fresh, with commas between them.",
        ),
        (
            "protocols",
            [],
            "protocols=[] is not allowed; protocols is one or more of carried, fresh, with commas between them.",
        ),
        (
            "protocols",
            [["fresh"]],
            "protocols=[['fresh']] is not allowed; protocols is one or more of carried, fresh, with commas",
        ),
    ],
)
def test_another_value_is_refused_with_its_name_the_value_and_what_is_allowed(name, value, told):
    with pytest.raises(parameters.ParameterError) as caught:
        parameters.checked(name, value)
    assert str(caught.value).startswith(told)


def test_the_parameters_in_a_notebook_are_settled_where_they_stand():
    namespace = {"train": "false", "seeds": 3, "other": "2"}
    parameters.settle(
        namespace,
        [
            "train = True\nseeds = 3",
            '# Parameters\ntrain = "false"',
            "%matplotlib inline",
            "other = '2'",
        ],
    )
    assert namespace == {"train": False, "seeds": 3, "other": "2"}


def test_what_papermill_injects_and_the_chapter_does_not_know_is_refused():
    with pytest.raises(
        parameters.ParameterError,
        match="'seedz' is not a parameter of this chapter; its parameters are train, seeds",
    ):
        parameters.settle({}, ["train = True\nseeds = 3", "# Parameters\nseedz = 2\n"])

    with pytest.raises(
        parameters.ParameterError, match="'seedz' is not a parameter of this chapter; it has none"
    ):
        parameters.settle({}, ["", "# Parameters\nseedz = 2\n"])


def test_papermill_may_tell_a_chapter_where_it_lies():
    cell = '# Parameters\nseeds = "2"\nPAPERMILL_OUTPUT_PATH = "out.ipynb"\n'
    namespace = {"train": True, "seeds": "2"}
    parameters.settle(namespace, ["train = True\nseeds = 3", cell])
    assert namespace["seeds"] == 2


#: Papermill's own command, with kernels that start although another process takes their port.
PAPERMILL = """
from papermill.cli import papermill
from reluclf.showing import kernels
kernels.start_again()
papermill()
"""


def papermill(folder, *values):
    command = [
        sys.executable,
        "-c",
        PAPERMILL,
        "book/wdbc.ipynb",
        str(folder / "out.ipynb"),
        "--cwd",
        "book",
        *values,
    ]
    environment = os.environ | {
        "RELUCLF_RESULTS": str(folder / "results"),
        "PYTHONPATH": str(paths.ROOT),
    }
    return subprocess.run(
        command, cwd=paths.ROOT, env=environment, capture_output=True, text=True, check=False
    )


FEW = ["-p", "seeds", "1", "-p", "epochs", "1", "-p", "folds", "1"]


@pytest.mark.slow
def test_papermill_told_not_to_train_trains_nothing(tmp_path):
    done = papermill(tmp_path, "-p", "train", "false", *FEW)
    assert done.returncode == 0, done.stderr
    assert (
        r"train = \"false\"" in (tmp_path / "out.ipynb").read_text()
    )  # a text, as papermill passes it
    assert not list(tmp_path.rglob("seed-*.json"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("seeds", "many", "seeds=many is not allowed; seeds is a whole number, not negative."),
        (
            "seedz",
            "1",
            "'seedz' is not a parameter of this chapter; its parameters are train, seeds, epochs,",
        ),
    ],
)
def test_what_is_wrong_with_what_papermill_passes_is_told_in_one_sentence(
    name, value, told, tmp_path
):
    done = papermill(tmp_path, "-p", "train", "true", "-p", name, value)
    assert done.returncode != 0
    assert f"\nParameterError: {told}" in done.stderr
    assert not list(tmp_path.rglob("seed-*.json"))
