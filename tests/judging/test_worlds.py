"""No rule errs more often than it says, and none gets worse with more runs."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom

from reluclf.judging import simulation, worlds
from reluclf.judging.status import Status
from reluclf.judging.worlds import World, simulate

ALL = list(worlds.worlds())

#: Every status by itself errs in one case of twenty at the most.
ERROR = 0.05

#: How often each world was made, and the chance that a sound rule is called unsound in any.
REPETITIONS, CHANCE = simulation.read()["repetitions"], 1e-3

#: So many errors of so many are more than chance allows, in one of all cases looked at.
MOST = int(binom.isf(CHANCE / (3 * len(ALL)), REPETITIONS, ERROR))


@pytest.fixture(scope="module")
def rows():
    """The committed simulation, by world."""
    made = simulation.read()["worlds"]
    return {(row["rule"], row["truth"], row["n"]): row for row in made}


def key(world):
    return world.rule, world.truth, world.n


def test_the_bound_lets_pass_a_rule_that_errs_as_it_says_and_none_that_errs_twice_as_often():
    assert binom.sf(MOST, REPETITIONS, ERROR) < CHANCE / len(ALL)
    assert binom.sf(MOST, REPETITIONS, 2 * ERROR) > 0.9


@pytest.mark.slow
def test_the_committed_simulation_is_of_todays_rules_and_worlds(rows):
    assert list(rows) == [key(world) for world in ALL]
    assert [row["first"] for row in rows.values()] == simulation.replay()


@pytest.mark.parametrize("world", ALL, ids=lambda world: ", ".join(map(str, key(world))))
def test_no_status_that_would_be_an_error_comes_up_too_often(rows, world):
    statuses = rows[key(world)]["statuses"]
    for status in world.wrong:
        assert round(statuses.get(str(status), 0) * REPETITIONS) <= MOST, status


def test_more_runs_decide_at_least_as_often(rows):
    by_truth = {}
    for (rule, truth, n), row in rows.items():
        if row["decides"] is not None:
            by_truth.setdefault((rule, truth), []).append((n, row["decides"]))
    # Two shares of so many repetitions differ by chance: by five standard errors hardly ever.
    slack = 5 * np.sqrt(2 * 0.25 / REPETITIONS)
    for place, found in by_truth.items():
        shares = [share for _, share in sorted(found)]
        assert len(shares) > 1, place
        assert all(b >= a - slack for a, b in itertools.pairwise(shares)), place


def test_with_many_runs_a_rule_decides_four_times_in_five(rows):
    most = {}
    for (rule, truth, _), row in sorted(rows.items(), key=lambda item: item[0][2]):
        if row["decides"] is not None:
            most[rule, truth] = row["decides"]
    undecided = {truth for (_, truth), share in most.items() if share < 0.8}
    assert undecided <= {"a difference of two points, and collapses"}


def test_a_table_of_the_simulation_has_every_world_once():
    assert len({key(world) for world in ALL}) == len(ALL)


def test_errors_and_decisions_are_the_shares_of_their_statuses(monkeypatch):
    given = [Status.REPRODUCED, Status.UNDECIDED, Status.CONTRADICTED, Status.REPRODUCED]

    def draw(generator, n):
        return given[int(generator.integers(4))]

    world = World("a rule", "a truth", 8, (Status.CONTRADICTED,), (Status.REPRODUCED,), draw)
    edge = world._replace(truth="an edge", right=())
    monkeypatch.setattr(worlds, "worlds", lambda: [world, edge])
    row, at_edge = simulate(400)
    assert row["decides"] == row["statuses"]["reproduced"] == pytest.approx(0.5, abs=0.1)
    assert row["errs"] == row["statuses"]["contradicted"] == pytest.approx(0.25, abs=0.1)
    assert sum(row["statuses"].values()) == pytest.approx(1)
    assert at_edge["decides"] is None and at_edge["statuses"] == row["statuses"]


def test_a_simulation_is_the_same_at_every_call(monkeypatch):
    few = [world for world in ALL if world.n == 8][:4]
    monkeypatch.setattr(worlds, "worlds", lambda: few)
    assert simulate(20) == simulate(20) != simulate(20, seed=2)
