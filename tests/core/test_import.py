"""Importing the package is cheap: readers of the book never wait for a deep-learning framework."""

import pkgutil
import re
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


def test_importing_the_package_imports_no_library_that_takes_long_but_numpy_and_pandas():
    before = imported_by("import numpy, pandas")
    slow = {
        "matplotlib",
        "scipy",
        "sklearn",
        "statsmodels",
        "seaborn",
        "joblib",
        "IPython",
        "myst_nb",
    }
    assert slow & (imported_by("import reluclf") - before) == set()


@pytest.mark.parametrize("name", reluclf.__all__)
def test_every_public_name_is_there(name):
    assert hasattr(reluclf, name)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_a_file_that_a_page_names_is_there(page):
    text = (paths.ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:reluclf|tests|book)/[\w/]+\.(?:py|yml|ipynb))`", text))
    assert named
    assert {name for name in named if not (paths.ROOT / name).is_file()} == set()
