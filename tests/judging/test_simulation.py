"""The committed simulation is of these rules, and says of them what the appendix says."""

from __future__ import annotations

import itertools

import pytest
from scipy.stats import binom

from reluclf.judging import simulation, thresholds, worlds
from reluclf.showing import simulated


@pytest.fixture(scope="module")
def committed():
    return simulation.read()


@pytest.mark.slow
def test_the_rules_still_say_what_they_said(committed):
    again = simulation.replay()
    assert [world["first"] for world in committed["worlds"]] == again


def test_the_file_has_the_worlds_that_there_are(committed):
    found = [(world["rule"], world["truth"], world["n"]) for world in committed["worlds"]]
    assert found == [(world.rule, world.truth, world.n) for world in worlds.worlds()]
    assert committed["repetitions"] == worlds.REPETITIONS


@pytest.mark.parametrize("among", [simulated.AFFIRMED, simulated.DENIED])
def test_no_rule_errs_more_than_it_says(committed, among):
    """To either side: more than 5 % only as chance has it in the worst of so many worlds."""
    n, level = committed["repetitions"], 1 - thresholds.LEVEL
    most = binom.ppf(0.999 ** (1 / len(committed["worlds"])), n, level) / n
    assert all(simulated.wrongly(world, among) <= most for world in committed["worlds"])


def decisions(committed):
    """How often a rule decides rightly, by world, with more and more runs."""
    found = {}
    for world in committed["worlds"]:
        if world["decides"] is not None:
            found.setdefault((world["rule"], world["truth"]), []).append(world["decides"])
    return found


def test_no_rule_gets_worse_with_more_runs(committed):
    for shares in decisions(committed).values():
        for fewer, more in itertools.pairwise(shares):
            assert more > fewer - 0.005


def test_the_weakest_rule_is_that_on_paired_splits(committed):
    """Rules.ipynb: a difference of two points is found in a minority of cases only."""
    last = {world: shares[-1] for world, shares in decisions(committed).items()}
    weakest = min(last, key=last.get)
    assert weakest[0] == "ReLU is lower, paired splits"
    assert last[weakest] < 0.5


def test_writing_keeps_what_was_found(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation.paths, "SIMULATION", tmp_path / "simulation.json")
    monkeypatch.setattr(simulation, "REPLAYED", 1)
    written = simulation.write(repetitions=2)
    assert simulation.read() == written
    assert all(sum(world["statuses"].values()) == pytest.approx(1) for world in written["worlds"])
