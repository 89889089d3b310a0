"""The words of verdicts and the code that says them have the same keys."""

import ast

import made_up
import pytest

from reluclf import paths
from reluclf.judging import answers, rules, words
from reluclf.judging.exceeding import values
from reluclf.judging.rules import Part
from reluclf.judging.statistics import mean_of
from reluclf.judging.status import Status
from reluclf.judging.verdicts import judge

FORRT = {"Validated", "PartiallySupported", "Contradicted", "Inconclusive", "NotTested"}
CITO = {"confirms", "qualifies", "disputes", "extends", ""}


class Asked(dict):
    """A dictionary that keeps which of its keys were asked for."""

    def __init__(self, contents):
        super().__init__(contents)
        self.keys_asked = set()

    def __getitem__(self, key):
        self.keys_asked.add(key)
        return super().__getitem__(key)


@pytest.fixture
def asked(monkeypatch):
    """The words, each part of which keeps what was asked of it."""
    contents = {name: Asked(part) for name, part in words.contents().items()}
    monkeypatch.setattr(words, "contents", lambda: contents)
    return contents


def in_the_package():
    """Every text in the code, and the names that :func:`words.say` is called with."""
    texts, said = set(), set()
    for path in (paths.ROOT / "reluclf").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "words.say":
                said |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    return texts, said


def test_every_sentence_that_is_said_is_there():
    _, said = in_the_package()
    assert said <= words.contents()["sentences"].keys()


def test_every_sentence_part_and_mark_is_used(world, asked):
    judge([])
    for name in made_up.WORLDS:
        judge(world(name))
    near = Part("accuracy", "below", values([0.9, 0.91], [0.8, 0.81], True), paper=0.1)
    answers.of_claim(rules.Claimed(Status.NOT_REPRODUCED, (rules.look(near),)))
    wide = rules.number("x", 0.9, mean_of([0.9]), rules.Family(1, 0.02), 1)
    answers.of_numbers([wide], "accuracies")
    texts, _ = in_the_package()
    assert asked["sentences"].keys() <= asked["sentences"].keys_asked | texts
    assert asked["parts"].keys_asked == asked["parts"].keys()
    assert asked["marks"].keys_asked == asked["marks"].keys()
    assert asked["settled"].keys_asked == asked["settled"].keys()


def test_every_status_has_a_meaning_and_every_meaning_a_status():
    meanings = words.contents()["statuses"]
    assert list(meanings) == [str(status) for status in Status]
    assert all(text.endswith(".") for text in meanings.values())


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_term_in_both_vocabularies(status):
    assert status.others.forrt in FORRT and status.others.cito in CITO


@pytest.mark.parametrize(
    "forrt, citos",
    [
        ("Validated", {"confirms"}),
        ("PartiallySupported", {"qualifies"}),
        ("Contradicted", {"disputes"}),
        ("Inconclusive", {""}),
        ("NotTested", {"", "extends"}),
    ],
)
def test_the_two_vocabularies_go_together(forrt, citos):
    assert {s.others.cito for s in Status if s.others.forrt == forrt} == citos


def test_only_what_is_not_known_is_not_given():
    assert {status for status in Status if not status.given} == {
        Status.WAITING,
        Status.NOT_TESTED,
    }


def test_every_status_has_looks_of_its_own():
    assert len({status.css for status in Status}) == len(Status)
    assert Status.NOT_REPRODUCED.css == "verdict-not-reproduced"


def test_a_settled_item_has_a_status_a_reason_and_a_place():
    for key, entry in words.contents()["settled"].items():
        assert set(entry) == {"status", "why", "evidence"}, key
        assert Status(entry["status"]) and entry["why"].endswith((".", ".)"))


def test_a_sentence_that_is_not_there_is_named():
    with pytest.raises(KeyError, match=r"verdicts\.yml has no sentence 'nothing'; add it"):
        words.say("nothing")


def test_a_place_that_is_not_filled_is_an_error():
    with pytest.raises(KeyError, match="hits"):
        words.say("held", n=8, what="runs")


@pytest.mark.parametrize(
    "names, text",
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_names_are_listed_as_a_sentence_has_them(names, text):
    assert words.listed(names) == text


def test_negative_numbers_have_a_minus_sign_and_hyphens_stay():
    assert words.minus("-3.5 of CNN-10, F-1 (-2)") == "−3.5 of CNN-10, F-1 (−2)"


@pytest.mark.parametrize(
    "same, of, confidence",
    [(12, 12, "high"), (11, 12, "moderate"), (10, 12, "moderate"), (9, 12, "low"), (0, 0, "")],
)
def test_how_firm_an_answer_is_hangs_on_how_many_choices_change_it(same, of, confidence):
    assert answers.Answer(Status.REPRODUCED, "", same=same, of=of).confidence == confidence
    assert answers.Answer(Status.WAITING, "", same=same, of=of).confidence == ""


def test_a_number_behind_a_table_has_its_interval_in_the_ledger(verdicts):
    for item in ("T3", "F2", "C09", "C12"):
        for one in verdicts("like the paper")[item].as_run.numbers:
            assert one.low <= one.mean <= one.high and one.n > 1
