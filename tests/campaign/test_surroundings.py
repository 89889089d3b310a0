"""Nothing of the user's surroundings changes what is computed or drawn."""

import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

import nbformat
import pytest
from nbclient import NotebookClient

from reluclf import Spec, paths
from reluclf.campaign import runtime, surroundings

#: What users have in their environments, for reasons of their own, and what would change numbers.
HOSTILE = {
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "KERAS_MAX_EPOCHS": "1",
    "KERAS_MAX_STEPS_PER_EPOCH": "1",
    "LC_ALL": "C",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONUTF8": "0",
    "TZ": "Asia/Kolkata",
    "MPLBACKEND": "agg",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error::DeprecationWarning",
}
KERAS_JSON = {
    "floatx": "float64",
    "epsilon": 1e-3,
    "image_data_format": "channels_first",
    "backend": "torch",
}

SPEC = Spec(
    dataset="wdbc",
    architecture="ffnn",
    head="relu",
    loss="verbatim",
    protocol="fresh",
    seed=3,
    folds=0,
    epochs=2,
)

TRAIN = """
import sys
import warnings
from pathlib import Path
from reluclf import Spec
from reluclf.campaign import runtime, worker
from reluclf.store import Store
runtime.configure(threads=1)
print(worker.train(Spec.model_validate_json(sys.argv[1]), Store(Path(sys.argv[2]))).model_dump_json())
"""


def trained(folder, environment):
    command = [sys.executable, "-c", TRAIN, SPEC.model_dump_json(), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)} | environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    return {name: record[name] for name in ("final", "test", "diverged_at")}, record["provenance"]


def without_seconds(measured):
    return json.dumps(measured | {"final": measured["final"] | {"seconds": 0}})


@pytest.mark.slow
def test_a_run_in_hostile_surroundings_gives_the_very_numbers_of_a_plain_one(tmp_path):
    (tmp_path / "home" / ".keras").mkdir(parents=True)
    (tmp_path / "home" / ".keras" / "keras.json").write_text(json.dumps(KERAS_JSON))
    plain, _ = trained(tmp_path / "plain", {})
    hostile, provenance = trained(
        tmp_path / "hostile",
        HOSTILE | {"HOME": str(tmp_path / "home"), "USERPROFILE": str(tmp_path / "home")},
    )
    assert len(plain["final"]["train"]["loss"]) == SPEC.epochs
    assert without_seconds(hostile) == without_seconds(plain)
    assert provenance["backend"] == "tensorflow"


def test_a_warning_of_a_library_ends_no_run_whatever_python_is_told(monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        surroundings.ignore()
        with pytest.warns(DeprecationWarning):
            warnings.warn("of a library", DeprecationWarning, stacklevel=1)
    assert "PYTHONWARNINGS" not in os.environ


def test_without_a_wish_of_the_users_warnings_are_as_python_has_them(monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = list(warnings.filters)
        surroundings.ignore()
        assert warnings.filters == before


@pytest.mark.parametrize("name", ["PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONSTARTUP"])
def test_a_chapters_kernel_is_not_told_how_python_is_to_start(name, tmp_path, monkeypatch):
    monkeypatch.setenv(name, "2")
    assert (os.environ | surroundings.of_kernel(tmp_path))[name] == ""


def test_a_kernel_writes_into_the_folder_that_the_caller_names(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RELUCLF_RESULTS", "out")
    there = surroundings.of_kernel(tmp_path / "home")["RELUCLF_RESULTS"]
    assert there == str(tmp_path / "out") == str(paths.new_results())


def test_a_folder_that_is_not_there_yet_is_made_where_its_name_was_typed(tmp_path, monkeypatch):
    monkeypatch.setenv("RELUCLF_RESULTS", "results")
    monkeypatch.chdir(tmp_path)
    assert paths.new_results() == tmp_path / "results"
    monkeypatch.chdir(paths.BOOK)  # as a chapter's kernel, which papermill has started in book/
    monkeypatch.setenv("PWD", str(tmp_path))
    assert paths.new_results() == tmp_path / "results"
    for nowhere in ("", "/c/no/such/folder"):  # without a shell, and in Git's on Windows
        monkeypatch.setenv("PWD", nowhere)
        assert paths.new_results() == paths.ROOT / "results"


def _nowhere(*_, **__):
    raise RuntimeError("Could not determine home directory.")


def test_a_user_whom_the_system_does_not_know_has_a_home_and_a_cache(tmp_path, monkeypatch):
    """As of ``docker run --user 12345`` with a HOME that is unset."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(paths.platformdirs, "user_cache_dir", _nowhere)
    assert paths.user_cache() == tmp_path / "reluclf"
    monkeypatch.setenv("HOME", "as it is")
    surroundings.have_a_home()
    assert os.environ["HOME"] == "as it is"
    monkeypatch.setattr(surroundings.Path, "home", _nowhere)
    surroundings.have_a_home()
    assert os.environ["HOME"] == str(tmp_path)


@pytest.mark.slow
def test_a_home_that_cannot_be_written_to_is_no_obstacle(tmp_path):
    (tmp_path / "file").write_text("no folder")
    nowhere = str(tmp_path / "file" / "home")
    unwritable = {"HOME": nowhere, "USERPROFILE": nowhere, "XDG_CACHE_HOME": nowhere}
    measured, _ = trained(tmp_path / "results", unwritable)
    assert len(measured["final"]["train"]["loss"]) == SPEC.epochs


@pytest.mark.parametrize("name", surroundings.IGNORED)
def test_a_variable_that_changes_numbers_is_taken_away_before_the_framework_starts(
    name, monkeypatch
):
    monkeypatch.setenv(name, "1")
    for framework in ("tensorflow", "jax", "torch"):
        monkeypatch.delitem(sys.modules, framework, raising=False)
    surroundings.ignore()
    assert name not in os.environ


def test_a_framework_that_was_loaded_under_such_a_variable_is_refused_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    with pytest.raises(surroundings.SurroundingsError) as caught:
        surroundings.ignore()
    assert str(caught.value) == (
        "tensorflow was loaded under TF_ENABLE_ONEDNN_OPTS=0, which changes how TensorFlow rounds on a processor; "
        "unset TF_ENABLE_ONEDNN_OPTS and start again."
    )


def test_a_variable_that_was_read_with_numpy_is_told_beside_the_device(monkeypatch, keras):
    plain = runtime.device("tensorflow")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert runtime.device("tensorflow") == f"{plain}; OPENBLAS_CORETYPE=Haswell"


def test_a_backend_that_is_missing_is_told_with_the_remedy_of_whoever_did_not_want_it(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(runtime.BackendError, match="unset KERAS_BACKEND to train with TensorFlow"):
        runtime.backend()


DRAW = "from reluclf.showing import figures, notebook\nnotebook.start()\nfigures.relu();"


def drawn(folder):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(DRAW)])
    NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return [output["data"] for output in notebook.cells[0].outputs if "data" in output]


@pytest.mark.slow
def test_a_chapter_draws_the_same_figures_whatever_matplotlib_is_told(tmp_path, monkeypatch):
    """In a kernel that someone else has started: ours has a backend that is set."""
    monkeypatch.setenv("PYTHONPATH", str(paths.ROOT))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    plain = drawn(tmp_path)
    assert any("image/svg+xml" in data for data in plain)
    (tmp_path / "matplotlibrc").write_text(
        "font.size: 30\nsavefig.dpi: 20\naxes.facecolor: red\nlines.linewidth: 9\n"
    )
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path / "matplotlibrc"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    assert drawn(tmp_path) == plain


def test_the_kernel_of_a_chapter_is_told_a_folder_of_data_that_it_can_find_from_elsewhere(
    tmp_path, monkeypatch
):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RELUCLF_DATA", "mine")
    assert surroundings.of_kernel(tmp_path / "kernel")["RELUCLF_DATA"] == str(tmp_path / "mine")


def test_a_chapter_that_draws_networks_and_trains_none_does_so_with_tensorflow_whatever_the_backend():
    for file in sorted(paths.BOOK.glob("*.ipynb")):
        source = "\n".join(
            cell.source
            for cell in nbformat.read(file, as_version=4).cells
            if cell.cell_type == "code"
        )
        for call in re.findall(r"runtime\.configure\(.*\)", source):
            assert 'on="tensorflow"' in call, f"{file.name}: {call}"
