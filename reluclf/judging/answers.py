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
from reluclf.judging.status import Status


@dataclass(frozen=True)
class Measured:
    """A number behind an answer, for the ledger that machines read; NaN where there is none."""

    name: str
    paper: float | None
    mean: float
    low: float
    high: float
    n: int


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
    told = "; ".join(told_of(outcome) for outcome in claimed.outcomes)
    why = words.say("claim", parts=told)
    if claimed.kind:
        among = "; ".join(told_of(outcome) for outcome in claimed.kind)
        why += " " + words.say("claim-of-kind", parts=among)
    if claimed.status == Status.NOT_REPRODUCED and all(one.near for one in claimed.outcomes):
        why += " " + words.say("near")
    return Answer(claimed.status, why, tuple(_measured(outcome) for outcome in claimed.outcomes))


def told_of(outcome: Outcome) -> str:
    """Say of one part whether it is shown, as ``lower in the end: shown, −5.3 points (...)``."""
    mark = "shown" if outcome.shown else "refuted" if outcome.refuted else "not shown"
    key = f"{mark} {'size' if outcome.part.says in ('equal', 'no worse', 'about') else 'direction'}"
    return words.say(
        "part",
        name=words.part(outcome.part.name),
        mark=words.contents()["marks"][key],
        difference=_written(outcome),
    )


def _written(outcome: Outcome) -> str:
    difference = outcome.difference
    if outcome.part.unit == "points":
        return formats.points(difference)
    low, mean, high = (
        formats.signed(value, "count")
        for value in (difference.low, difference.mean, difference.high)
    )
    return f"{mean} ({low} to {high}, n = {difference.n})"


def _measured(outcome: Outcome) -> Measured:
    difference, name = outcome.difference, words.part(outcome.part.name)
    ends = (difference.mean, difference.low, difference.high)
    return Measured(name, outcome.part.paper, *ends, difference.n)


def in_paper(parts: Sequence[Part], margin: float) -> Answer:
    """Say whether the paper's own numbers are as a claim says, part by part."""
    asked = [(part, part.in_paper(margin)) for part in parts if part.paper is not None]
    truths = [bool(truth) for _, truth in asked]
    told = [
        words.say("in-paper", name=words.part(part.name), difference=_own(part))
        for part, _ in asked
    ]
    return Answer(together(truths), f"{'; '.join(told)}.")


def together(truths: Sequence[bool]) -> Status:
    """Answer yes if all are true, no if none is, else in part."""
    if all(truths):
        return Status.YES
    return Status.PARTLY if any(truths) else Status.NO


def _own(part: Part) -> str:
    if part.unit == "count":
        return words.minus(f"{part.paper:+.0f}")
    return f"{formats.signed(part.paper, 'cv_accuracy')} points"


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
        close = one.status not in (Status.REPRODUCED, Status.SOME_RUNS)
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
