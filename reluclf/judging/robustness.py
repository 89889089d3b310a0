"""How firm each verdict is: the same rules under another level, another margin, another test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from reluclf.judging.answers import Answer
from reluclf.judging.design import Lacking
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import OURS, TESTS, Choice
from reluclf.judging.items import Rule, items
from reluclf.judging.status import Status
from reluclf.judging.verdicts import Verdict
from reluclf.record import Record


class Other(NamedTuple):
    """A choice that differs from the book's own in one thing.

    Attributes
    ----------
    name : str
        As a table has it.
    differs : {"level", "margin", "test"}
        In what.
    choice : Choice
    """

    name: str
    differs: str
    choice: Choice


def _others() -> tuple[Other, ...]:
    found = [
        Other("a level of 1 %", "level", replace(OURS, level=0.99)),
        Other("a level of 10 %", "level", replace(OURS, level=0.90)),
        Other("half the margin", "margin", replace(OURS, margin=OURS.margin / 2)),
        Other("twice the margin", "margin", replace(OURS, margin=OURS.margin * 2)),
    ]
    titles = {
        "bootstrap": "bootstrap (BCa)",
        "ranks": "ranks",
        "permutation": "permutations",
        "bayes": "Bayesian posterior",
    }
    for test in TESTS:
        if test != OURS.test:
            found.append(Other(titles[test], "test", replace(OURS, test=test)))
    return tuple(found)


#: The choices that each verdict is given anew under.
OTHERS = _others()

#: In what another choice can change an answer, by the kind of its rule. A number is compared by an
#: interval, and no test; a sentence is counted; the sign of a difference has no margin. C14 is
#: tested at the book's level alone, and what C24 and the proposals ask hangs on none of the three.
DIFFERS = {
    "numbers": ("level", "margin"),
    "sentence": ("level",),
    "directions": ("level", "test"),
    "sizes": ("level", "margin", "test"),
    "any size": ("level", "margin", "test"),
    "further optimisation": ("margin",),
    "dying neurons": (),
    "proposal": (),
}

_KINDS = {
    "sentence": ("C10", "C12", "C15", "C17", "C19", "C26"),
    "directions": ("C11", "C21", "C23"),
    "sizes": ("C09", "C13", "C16", "C18", "C22", "C25", "C27"),
    "any size": ("C31",),
    "further optimisation": ("C14",),
    "dying neurons": ("C24",),
    "proposal": ("W1", "W2", "W3"),
}

#: The two answers that runs give.
QUESTIONS = {"as run": "as_run", "as written": "as_written"}


def kind(key: str) -> str:
    """Tell the kind of an item's rules, by :data:`DIFFERS`; empty where text and code settle it."""
    item = items()[key]
    if item.settled is not None:
        return ""
    for name, keys in _KINDS.items():
        if key in keys:
            return name
    return "numbers"


class Rerun(NamedTuple):
    """The status that an answer has under another choice.

    Attributes
    ----------
    item : str
    question : {"as run", "as written"}
    other : Other
    ours : Status
        The status under the book's own choice.
    status : Status
    """

    item: str
    question: str
    other: Other
    ours: Status
    status: Status

    @property
    def same(self) -> bool:
        """Whether it is the status that the book gives."""
        return self.status == self.ours


def rerun(verdicts: Iterable[Verdict], records: Iterable[Record]) -> list[Rerun]:
    """Give every answer anew that another choice can change; answers that wait have none.

    Parameters
    ----------
    verdicts : iterable of Verdict
        Under the book's own choice.
    records : iterable of Record
        Those that the verdicts were given on.
    """
    evidence = Evidence(records)
    rules = items()
    found = []
    for verdict in verdicts:
        item = rules[verdict.id]
        differs = DIFFERS.get(kind(verdict.id), ())
        for question, name in QUESTIONS.items():
            answer: Answer | None = getattr(verdict, name)
            rule: Rule | None = getattr(item, name)
            if answer is None or rule is None or answer.status == Status.WAITING:
                continue
            for other in OTHERS:
                if other.differs in differs:
                    status = _status(rule, evidence.view(), other.choice)
                    found.append(Rerun(verdict.id, question, other, answer.status, status))
    return found


def _status(rule: Rule, evidence: Evidence, choice: Choice) -> Status:
    """Ask a rule; one that can answer early (C31) may have to wait under another choice."""
    try:
        return rule(evidence, choice).status
    except Lacking:
        return Status.WAITING


def mark(verdicts: Iterable[Verdict], reruns: Sequence[Rerun]) -> list[Verdict]:
    """Write into every answer under how many of so many other choices it is the same."""
    marked = []
    for verdict in verdicts:
        answers = {}
        for question, name in QUESTIONS.items():
            answer: Answer | None = getattr(verdict, name)
            again = [one for one in reruns if (one.item, one.question) == (verdict.id, question)]
            if answer is not None and again:
                same = sum(one.same for one in again)
                answers[name] = replace(answer, same=same, of=len(again))
        marked.append(replace(verdict, **answers))
    return marked


def firm(verdicts: Sequence[Verdict], records: Iterable[Record]) -> list[Verdict]:
    """Rerun the verdicts under the other choices, and write into each how firm it is."""
    return mark(verdicts, rerun(verdicts, records))
