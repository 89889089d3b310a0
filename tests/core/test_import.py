"""Importing the package is cheap: readers of the book never wait for a deep-learning framework."""

import pkgutil
import re
import statistics
import subprocess
import sys

import pytest

import reluclf
from reluclf import paths

FRAMEWORKS = {"tensorflow", "keras", "jax", "jaxlib", "torch"}


def python(code):
    """What a new Python process prints, on stdout and on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def imported_by(statement):
    stdout, _ = python(
        f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    )
    return set(stdout.split())


def test_this_test_would_see_a_framework():
    assert FRAMEWORKS & imported_by("sys.modules['torch.nn'] = sys") == {"torch"}


def test_importing_the_package_imports_no_framework():
    assert FRAMEWORKS & imported_by("import reluclf") == set()


def test_importing_any_of_its_modules_imports_no_framework():
    modules = [
        module.name
        for module in pkgutil.walk_packages(reluclf.__path__, "reluclf.")
        if "._" not in module.name
    ]
    assert {"reluclf.protocols", "reluclf.judging.verdicts"} <= set(modules)
    assert FRAMEWORKS & imported_by(f"import {', '.join(modules)}") == set()


def test_making_specs_and_looking_for_their_records_imports_no_framework():
    spec = (
        "reluclf.Spec(dataset='wdbc', architecture='ffnn', head='relu', protocol='fresh', seed=1)"
    )
    assert (
        FRAMEWORKS
        & imported_by(
            f"import reluclf; from reluclf.campaign.training import obtain; obtain([{spec}])"
        )
        == set()
    )


def test_importing_the_package_prints_nothing():
    assert python("import reluclf") == ("", "")


def test_importing_the_package_takes_less_than_0_3_seconds_beyond_numpy_and_pandas():
    code = "import time, numpy, pandas; start = time.process_time(); import reluclf; print(time.process_time() - start)"
    seconds = statistics.median(
        float(python(code)[0]) for _ in range(3)
    )  # of processor time, which a busy machine does not stretch
    assert seconds < 0.3


@pytest.mark.parametrize("name", reluclf.__all__)
def test_every_public_name_is_there(name):
    assert hasattr(reluclf, name)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_a_file_that_a_page_names_is_there(page):
    text = (paths.ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:reluclf|tests|book)/[\w/]+\.(?:py|yml|ipynb))`", text))
    assert named
    assert {name for name in named if not (paths.ROOT / name).is_file()} == set()
