"""Answers in words: what a rule found, as a status, a sentence, and the numbers behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reluclf import formats
from reluclf.judging import paper, words
from reluclf.judging.design import Lacking
from reluclf.judging.rules import Claimed, Compared, Held, Outcome, Part, numbers
from reluclf.judging.statistics import Difference
from reluclf.judging.status import SHOWN, Status


@dataclass(frozen=True)
class Measured:
    """A number behind an answer, for the ledger that machines read; NaN where there is none."""

    name: str
    paper: float | None
    mean: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, name: str, difference: Difference, paper: float | None = None) -> Measured:
        """The number that a difference is."""
        return cls(name, paper, difference.mean, difference.low, difference.high, difference.n)


@dataclass(frozen=True)
class Answer:
    """The answer to one of a verdict's questions.

    Attributes
    ----------
    status : Status
    why : str
        One sentence or a few.
    numbers : tuple of Measured
    same, of : int
        Under how many of so many other choices the status is the same; 0 of 0 if none was tried.
    """

    status: Status
    why: str
    numbers: tuple[Measured, ...] = ()
    same: int = 0
    of: int = 0

    @property
    def confidence(self) -> str:
        """How firm it is: ``high`` if no other choice changes it, ``low`` if a fourth do."""
        if not self.of or not self.status.given:
            return ""
        changed = 1 - self.same / self.of
        return "high" if changed == 0 else "moderate" if changed < 0.25 else "low"


def waiting(lack: Lacking) -> Answer:
    """Say which runs a verdict waits for: of each cell how many are there, and of how many."""
    there = tuple(
        Measured(cell.title, None, float(k), math.nan, math.nan, n)
        for cell, (k, n) in lack.cells.items()
    )
    return Answer(Status.WAITING, words.say("waiting", lacking=str(lack)), there)


def of_claim(claimed: Claimed) -> Answer:
    """Say which parts of a claim are shown, and by which differences."""
    told = "; ".join(_told(outcome) for outcome in claimed.outcomes)
    why = words.say("claim", parts=told)
    if claimed.kind:
        among = "; ".join(_told(outcome) for outcome in claimed.kind)
        why += " " + words.say("claim-of-kind", parts=among)
    if claimed.status == Status.NOT_REPRODUCED and all(one.near for one in claimed.outcomes):
        why += " " + words.say("near")
    measured = tuple(
        Measured.of(words.part(one.part.name), one.difference, one.part.paper)
        for one in claimed.outcomes
    )
    return Answer(claimed.status, why, measured)


def _told(outcome: Outcome) -> str:
    """Say of one part whether it is shown, as ``lower in the end: shown, −5.3 points (...)``."""
    part, difference = outcome.part, outcome.difference
    mark = "shown" if outcome.shown else "refuted" if outcome.refuted else "not shown"
    key = f"{mark} {'direction' if part.says in ('below', 'above') else 'size'}"
    if part.unit == "points":
        written = formats.points(difference)
    else:
        ends = (difference.low, difference.mean, difference.high)
        low, mean, high = (formats.signed(value, "count") for value in ends)
        written = f"{mean} ({low} to {high}, n = {difference.n})"
    mark = words.contents()["marks"][key]
    return words.say("part", name=words.part(part.name), mark=mark, difference=written)


def in_paper(parts: Sequence[Part], margin: float) -> Answer:
    """Say whether the paper's own numbers are as a claim says, part by part."""
    told = [
        words.say("in-paper", name=words.part(part.name), difference=_own(part)) for part in parts
    ]
    return Answer(together([bool(part.in_paper(margin)) for part in parts]), f"{'; '.join(told)}.")


def together(truths: Sequence[bool]) -> Status:
    """Answer yes if all are true, no if none is, else in part."""
    if all(truths):
        return Status.YES
    return Status.PARTLY if any(truths) else Status.NO


def _own(part: Part) -> str:
    own = part.paper or 0.0
    if part.unit == "count":
        return words.minus(f"{own:+.0f}")
    return f"{formats.signed(own, 'cv_accuracy')} points"


def of_held(held: Held, what: str) -> Answer:
    """Say in how many runs, or pairs of runs, a sentence holds."""
    why = words.say("held", hits=held.hits, n=held.n, what=what)
    bounds = Measured(what, None, held.hits / held.n, held.low, held.high, held.n)
    return Answer(held.status, why, (bounds,))


def of_numbers(compared: Sequence[Compared], what: str) -> Answer:
    """Say which of the paper's numbers lie within what one more run of ours gives."""
    status = numbers(compared)
    groups: dict[Status, list[str]] = {}
    for one in compared:
        close = one.status not in SHOWN
        named = words.part(one.name) if one.name in words.contents()["parts"] else one.name
        groups.setdefault(one.status, []).append(named + (_interval(one) if close else ""))
    told = []
    for kind, names in groups.items():
        every = len(names) == len(compared) > 2
        listed = words.say("all", n=len(names), what=what) if every else words.listed(names)
        told.append(words.say(f"numbers-{kind.name.lower()}", names=listed))
    why = " ".join(told)
    aside = {
        paper.HEAD_TITLES[one.head]: f"{one.of - one.ours.n} of {one.of}"
        for one in compared
        if one.ours.n < one.of
    }
    if aside:
        counts = words.listed([f"{lost} with {head}" for head, lost in aside.items()])
        why += " " + words.say("numbers-of-kind", counts=counts)
    return Answer(status, why, tuple(_of_number(one) for one in compared))


def _interval(one: Compared) -> str:
    if one.unit == "count":
        return f" ({one.paper:.0f} against {max(one.low, 0):.0f} to {one.high:.0f})"
    if one.unit == "rise":
        low, high = (words.minus(f"{100 * end:.1f}") for end in (one.low, one.high))
        return f" ({100 * one.paper:.1f} against {low} to {high} points)"
    low, high = formats.ends(one.low, one.high, one.unit)
    return f" ({formats.number(one.paper, one.unit)} % against {low} to {high})"


def _of_number(one: Compared) -> Measured:
    low, high = (end if math.isfinite(end) else math.nan for end in (one.low, one.high))
    return Measured(one.name, float(np.asarray(one.paper)), one.ours.mean, low, high, one.ours.n)
