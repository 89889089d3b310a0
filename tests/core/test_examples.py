"""The examples in the docstrings of what a reader would call give what they say."""

import doctest

import numpy as np
import pytest

from reluclf import data, fitting, formats, grids, losses, metrics, protocols, record, spec, store
from reluclf.campaign import training
from reluclf.showing import speed

MODULES = [
    data,
    fitting,
    formats,
    grids,
    losses,
    metrics,
    protocols,
    record,
    spec,
    store,
    training,
    speed,
]


def examples(module):
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(module, extraglobs={"np": np}) if test.examples]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_of_a_module_give_what_they_say(module, keras):
    runner = doctest.DocTestRunner()
    for test in examples(module):
        assert runner.run(test).failed == 0, test.name
    assert runner.tries > 0


def test_there_are_examples_for_ten_functions():
    assert sum(len(examples(module)) for module in MODULES) >= 10
