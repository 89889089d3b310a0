"""The made-up worlds are made once a session: a whole design takes seconds."""

from __future__ import annotations

import functools

import made_up
import pytest

from reluclf.judging.verdicts import judge


@pytest.fixture(scope="session")
def world():
    """Gives the runs of a made-up world by its name."""
    return functools.cache(made_up.runs_of)


@pytest.fixture(scope="session")
def verdicts(world):
    """Gives the verdicts in a made-up world by its name, each by its item."""
    return functools.cache(lambda name: {found.id: found for found in judge(world(name))})
