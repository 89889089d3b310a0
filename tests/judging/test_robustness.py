"""How firm a verdict is: which other choices are tried on it, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reluclf.judging import robustness
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import OURS, TESTS, Choice
from reluclf.judging.items import items
from reluclf.judging.robustness import DIFFERS, OTHERS, QUESTIONS, Rerun, firm, mark, rerun
from reluclf.judging.status import Status


@dataclass(frozen=True)
class Noting(Choice):
    """A choice that notes what is asked of it."""

    asked: tuple[set[str], ...] = (set(),)

    def __getattribute__(self, name):
        if name in ("level", "margin", "test", "kinds"):
            object.__getattribute__(self, "asked")[0].add(name)
        return object.__getattribute__(self, name)


def rules(key):
    item = items()[key]
    return [rule for rule in (item.as_run, item.as_written) if rule is not None]


ASKED = [key for key in items() if rules(key)]


def test_every_other_choice_differs_from_ours_in_the_one_thing_that_it_names():
    for other in OTHERS:
        unlike = {
            name
            for name in ("level", "margin", "test", "kinds")
            if getattr(other.choice, name) != getattr(OURS, name)
        }
        assert unlike == {other.differs}


def test_every_test_but_ours_is_tried():
    tried = {other.choice.test for other in OTHERS if other.differs == "test"}
    assert tried == set(TESTS) - {OURS.test}


def test_an_item_has_a_kind_exactly_if_runs_answer_it():
    assert {key for key in items() if items()[key].kind} == set(ASKED)
    assert {items()[key].kind for key in ASKED} == set(DIFFERS)


@pytest.mark.parametrize("key", ASKED)
def test_a_rule_looks_at_no_level_and_no_test_that_its_kind_leaves_out(key, world):
    asked = set()
    evidence = Evidence(world("alike"))
    for rule in rules(key):
        rule(evidence.view(), Noting(asked=(asked,)))
    looked_at = asked - {"margin"}
    assert looked_at == set(DIFFERS[items()[key].kind]) - {"margin"}


@pytest.mark.parametrize(
    "key", [key for key in ASKED if "margin" not in DIFFERS[items()[key].kind]]
)
@pytest.mark.parametrize("name", ["alike", "like the paper", "apart"])
def test_no_margin_changes_an_item_whose_kind_leaves_it_out(key, name, world):
    evidence = Evidence(world(name))
    for rule in rules(key):
        statuses = {
            rule(evidence.view(), Choice(margin=margin)).status for margin in (1e-9, 0.02, 1e9)
        }
        assert len(statuses) == 1


@pytest.mark.parametrize("key", [key for key in ASKED if "margin" in DIFFERS[items()[key].kind]])
def test_some_margin_changes_an_item_whose_kind_has_it(key, world):
    found = set()
    for name in ("alike", "like the paper", "apart"):
        evidence = Evidence(world(name))
        for rule in rules(key):
            statuses = {
                rule(evidence.view(), Choice(margin=margin)).status for margin in (1e-9, 1e9)
            }
            found.add(len(statuses))
    assert 2 in found


@pytest.fixture(scope="module")
def wdbc(world):
    """The runs on WDBC of the world in which ReLU is as in the paper; all others wait."""
    return [record for record in world("like the paper") if record.spec.dataset == "wdbc"]


@pytest.fixture(scope="module")
def judged(wdbc):
    from reluclf.judging.verdicts import judge

    return judge(wdbc)


@pytest.fixture(scope="module")
def marked(judged, wdbc):
    return {verdict.id: verdict for verdict in firm(judged, wdbc)}


def test_an_answer_counts_only_the_choices_that_can_change_it(marked):
    assert marked["T9"].as_run.of == 5
    assert marked["C21"].as_run.of == 7
    assert marked["C22"].as_run.of == marked["C22"].as_written.of == 9


def test_answers_that_wait_or_are_settled_have_none(marked):
    waiting = [verdict for verdict in marked.values() if verdict.as_run]
    waiting = [found.as_run for found in waiting if found.as_run.status == Status.WAITING]
    assert waiting
    assert {answer.of for answer in waiting} == {0}
    assert marked["C01"].settled.of == 0


def test_what_is_the_same_is_what_the_rule_gives_under_that_choice(judged, wdbc):
    (verdict,) = [found for found in judged if found.id == "C22"]
    rule = items()["C22"].as_run
    for one in rerun([verdict], wdbc):
        if one.question == "as run":
            assert one.ours == verdict.as_run.status
            assert one.status == rule(Evidence(wdbc), one.other.choice).status


def test_marking_counts_and_leaves_the_rest_as_it_is(judged):
    ours = judged[0].as_run or next(found for found in judged if found.as_run).as_run
    verdict = next(found for found in judged if found.as_run is ours)
    statuses = [ours.status, ours.status, Status.UNDECIDED, Status.REPRODUCED]
    reruns = [
        Rerun(verdict.id, "as run", other, ours.status, status)
        for other, status in zip(OTHERS, statuses, strict=False)
    ]
    (again,) = mark([verdict], reruns)
    same = sum(status == ours.status for status in statuses)
    assert (again.as_run.same, again.as_run.of) == (same, 4)
    assert again.as_run.why == ours.why
    assert again.as_written == verdict.as_written
    assert again.records == verdict.records


def test_the_questions_are_the_two_answers_of_a_verdict(judged):
    assert all(hasattr(judged[0], name) for name in QUESTIONS.values())


def test_nothing_is_rerun_without_a_verdict():
    assert robustness.rerun([], []) == []
