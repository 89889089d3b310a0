"""The one-file account of the experiments gives the package's numbers, bit for bit."""

import gzip
import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from reluclf import Spec, data, paths, protocols

FILE = paths.ROOT / "minimal.py"


@pytest.fixture(scope="module")
def minimal(keras):
    spec = importlib.util.spec_from_file_location("minimal", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def images(few_images):
    split = data.load_split(
        Spec(dataset="mnist", architecture="ffnn", head="relu", protocol="fresh", seed=1)
    )
    return split.x_train, split.y_train, split.x_test, split.y_test


@pytest.mark.parametrize(
    ("network", "head", "clip", "as_written", "epochs"),
    [
        ("ffnn", "relu", False, False, 2),
        pytest.param("ffnn", "softmax", False, True, 1, marks=pytest.mark.slow),
        pytest.param("cnn", "relu", True, True, 1, marks=pytest.mark.slow),
        pytest.param("cnn", "softmax", False, False, 1, marks=pytest.mark.slow),
    ],
)
def test_every_loss_and_accuracy_is_the_packages(
    minimal, images, network, head, clip, as_written, epochs
):
    protocol = minimal.as_written if as_written else minimal.as_run
    with threadpool_limits(limits=1):
        *folds, test = protocol(images, network, head, clip, seed=3, epochs=epochs, folds=2)
    fields = {"protocol": "fresh" if as_written else "carried", "clipnorm": 1.0 if clip else None}
    ours = protocols.run(
        Spec(
            dataset="mnist",
            architecture=network,
            head=head,
            seed=3,
            epochs=epochs,
            folds=2,
            **fields,
        )
    )
    curves = [(fold.train.loss, fold.validation.accuracy) for fold in ours.folds]
    assert [
        (tuple(map(np.float32, losses)), tuple(accuracies)) for _, losses, accuracies in folds
    ] == [(tuple(map(np.float32, losses)), accuracies) for losses, accuracies in curves]
    assert test[2][-1] == ours.test.accuracy
    if as_written:
        assert list(map(np.float32, test[1])) == list(map(np.float32, ours.final.train.loss))
    assert len(set(curves)) == 2  # what is compared is not all alike


def test_the_files_are_read_as_the_package_reads_them(minimal, few_images, tmp_path, monkeypatch):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part, x, y in (
        ("train", few_images.train_images, few_images.train_labels),
        ("t10k", few_images.test_images, few_images.test_labels),
    ):
        folder.joinpath(f"{part}-images-idx3-ubyte.gz").write_bytes(
            gzip.compress(bytes(16) + x.tobytes())
        )
        folder.joinpath(f"{part}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(bytes(8) + y.tobytes())
        )
    monkeypatch.setenv("RELUCLF_DATA", str(tmp_path))
    split = data.load_split(
        Spec(dataset="mnist", architecture="ffnn", head="relu", protocol="fresh", seed=1)
    )
    for array, ours in zip(
        minimal.load("mnist"),
        (split.x_train, split.y_train, split.x_test, split.y_test),
        strict=True,
    ):
        assert np.array_equal(array, ours)


def test_without_the_files_it_says_in_one_sentence_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("RELUCLF_DATA", str(tmp_path))
    done = subprocess.run([sys.executable, str(FILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert (
        "train-images-idx3-ubyte.gz is not there; set RELUCLF_DATA to the folder above mnist/, with the original files."
        in done.stderr
    )


def test_it_uses_nothing_of_the_package():
    assert "import reluclf" not in FILE.read_text() and "from reluclf" not in FILE.read_text()


@pytest.mark.parametrize("given", [["--epochs", "0"], ["--folds", "11"], ["--seed", "-1"]])
def test_numbers_that_nothing_can_be_trained_with_are_refused(given, minimal, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["minimal.py", *given])
    with pytest.raises(SystemExit):
        minimal.main()
    assert "epochs begin at 1, folds are 1 to 10" in capsys.readouterr().err
