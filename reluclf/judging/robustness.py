"""How firm each verdict is: the same rules under another level, margin, test or sorting of runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from reluclf.judging.design import Lacking
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import OURS, Choice
from reluclf.judging.items import items
from reluclf.judging.status import Status
from reluclf.judging.verdicts import Verdict
from reluclf.record import Record


class Other(NamedTuple):
    """A choice that differs from the book's own in one thing."""

    name: str
    differs: str
    choice: Choice


#: The choices that each verdict is given anew under.
OTHERS = (
    Other("a level of 1 %", "level", replace(OURS, level=0.99)),
    Other("a level of 10 %", "level", replace(OURS, level=0.90)),
    Other("half the margin", "margin", replace(OURS, margin=OURS.margin / 2)),
    Other("twice the margin", "margin", replace(OURS, margin=OURS.margin * 2)),
    Other("bootstrap (BCa)", "test", replace(OURS, test="bootstrap")),
    Other("ranks", "test", replace(OURS, test="ranks")),
    Other("permutations", "test", replace(OURS, test="permutation")),
    Other("Bayesian posterior", "test", replace(OURS, test="bayes")),
    Other("all runs together", "kinds", replace(OURS, kinds=False)),
)

#: In what another choice can change an answer, by the kind of its rule. A number is compared by an
#: interval, and no test; a sentence is counted, in all runs; the sign of a difference has no
#: margin; what C14 and C24 ask of interventions is tested by t alone, on all runs; proposals are
#: answered, whatever comes out.
DIFFERS = {
    "numbers": ("level", "margin", "kinds"),
    "sentence": ("level",),
    "directions": ("level", "test", "kinds"),
    "sizes": ("level", "margin", "test", "kinds"),
    "any size": ("level", "margin", "test", "kinds"),
    "further optimisation": ("level", "margin"),
    "dying neurons": ("level",),
    "proposal": (),
}

#: The two answers that runs give.
QUESTIONS = {"as run": "as_run", "as written": "as_written"}


class Rerun(NamedTuple):
    """The status that an answer has under another choice, and the one (``ours``) that it has."""

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
    evidence, known = Evidence(records), items()
    found = []
    for verdict in verdicts:
        item = known[verdict.id]
        others = [other for other in OTHERS if other.differs in DIFFERS.get(item.kind, ())]
        for question, name in QUESTIONS.items():
            answer, rule = getattr(verdict, name), getattr(item, name)
            if answer is None or answer.status == Status.WAITING:
                continue
            for other in others:
                try:
                    status = rule(evidence, other.choice).status
                except Lacking:  # C31 is answered early, but not under every choice
                    status = Status.WAITING
                found.append(Rerun(verdict.id, question, other, answer.status, status))
    return found


def mark(verdicts: Iterable[Verdict], reruns: Sequence[Rerun]) -> list[Verdict]:
    """Write into every answer under how many of so many other choices it is the same."""
    marked = []
    for verdict in verdicts:
        answers = {}
        for question, name in QUESTIONS.items():
            again = [one for one in reruns if (one.item, one.question) == (verdict.id, question)]
            if again:
                same = sum(one.same for one in again)
                answers[name] = replace(getattr(verdict, name), same=same, of=len(again))
        marked.append(replace(verdict, **answers))
    return marked


def firm(verdicts: Sequence[Verdict], records: Iterable[Record]) -> list[Verdict]:
    """Rerun the verdicts under the other choices, and write into each how firm it is."""
    return mark(verdicts, rerun(verdicts, records))
