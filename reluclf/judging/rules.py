"""The rules: what must be seen in runs for a sentence or a number of the paper to be reproduced.

There are three. A *number* is compared with what one more run of ours gives. A *claim* about the
two heads has parts, each a difference with a direction or a size. A *sentence about one pair* of
runs, or about one run, is asked of every pair or run that we have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reluclf.judging import thresholds
from reluclf.judging.exceeding import OURS, Choice, Values, exceeds, falls_below
from reluclf.judging.statistics import Difference, Estimate, share
from reluclf.judging.status import SHOWN, Status

Says = Literal["below", "above", "equal", "no worse", "about"]


@dataclass(frozen=True)
class Part:
    """One thing that a claim says of ReLU minus softmax.

    Attributes
    ----------
    name : str
        What it is, by its key in ``verdicts.yml``.
    says : {"below", "above", "equal", "no worse", "about"}
        Below 0; above 0; within the margin of 0; not below 0 by more than the margin; within the
        margin of ``size``.
    values : Values
        The measure of all runs.
    kind : Values or None
        The same of the runs that lose no class, as the paper's; None if all runs are of one kind.
    paper : float or None
        The paper's own difference; None where it gives none.
    size : float
        Of ``about``.
    unit : {"points", "count"}
        How a page writes it.
    """

    name: str
    says: Says
    values: Values
    kind: Values | None = None
    paper: float | None = None
    size: float = 0.0
    unit: str = "points"

    def in_paper(self, margin: float) -> bool | None:
        """Whether the paper's own difference is as the part says; None where it gives none."""
        if self.paper is None:
            return None
        if self.says == "no worse":
            return round(self.paper, 9) >= -margin
        if self.says in ("equal", "about"):
            # Two printed decimals: 0.91 - 0.93 is 0.02, whatever floats make of it.
            return round(abs(self.paper - self.size), 9) <= margin
        return self.paper < 0 if self.says == "below" else self.paper > 0


@dataclass(frozen=True)
class Outcome:
    """What our runs say of one part.

    Attributes
    ----------
    part : Part
    difference : Difference
        ReLU minus softmax, with its t-interval.
    shown, refuted : bool
        Whether it is shown, and whether its opposite is: the other direction, or a size outside
        the margin.
    near : bool
        Whether the paper's own difference is what one more pair of ours may give.
    """

    part: Part
    difference: Difference
    shown: bool
    refuted: bool
    near: bool


def look(part: Part, among: int = 1, choice: Choice = OURS) -> Outcome:
    """Test one part of a claim.

    Parameters
    ----------
    part : Part
    among : int
        How many parts the claim has. All must be shown, so each is tested at the full level; the
        opposite of any one will do, so that is tested at a level divided among them (Bonferroni).
    choice : Choice
    """
    values = part.values.shifted(-part.size)
    alpha, margin = 1 - choice.level, choice.margin

    def above(bound: float, alpha: float) -> bool:
        return exceeds(values, bound, alpha, choice.test)

    def below(bound: float, alpha: float) -> bool:
        return falls_below(values, bound, alpha, choice.test)

    opposite = alpha / 2 / among
    if part.says == "below":
        shown, refuted = below(0.0, alpha / 2), above(0.0, opposite)
    elif part.says == "above":
        shown, refuted = above(0.0, alpha / 2), below(0.0, opposite)
    elif part.says == "no worse":
        shown, refuted = above(-margin, alpha), below(-margin, opposite)
    else:
        shown = above(-margin, alpha) and below(margin, alpha)
        refuted = above(margin, opposite) or below(-margin, opposite)
    difference = part.values.difference(choice.margin)
    low, high = difference.prediction()
    near = part.paper is None or low <= part.paper <= high
    return Outcome(part, difference, shown, refuted, near)


@dataclass(frozen=True)
class Claimed:
    """What our runs say of a claim: its status, and the outcome of each part.

    ``kind`` has the outcomes among the runs that lose no class, where runs are of two kinds.
    """

    status: Status
    outcomes: tuple[Outcome, ...]
    kind: tuple[Outcome, ...] = ()


def claim(parts: Sequence[Part], choice: Choice = OURS) -> Claimed:
    """Judge a claim by its parts.

    It is *reproduced* if all parts are shown, and the opposite of none among the runs of the
    paper's kind, which lose no class; *reproduced in some runs* if they are shown among the runs
    of that kind; *reproduced in part* if some are shown, of all runs or
    of that kind; where none is and the opposite of one is, *contradicted* if the paper's own
    difference is also not what one more pair of ours gives, else *not reproduced*; and *undecided*
    otherwise.
    """
    outcomes = tuple(look(part, len(parts), choice) for part in parts)
    status = _together(outcomes)
    kind: tuple[Outcome, ...] = ()
    if choice.kinds and any(part.kind is not None for part in parts):
        of_kind = [replace(part, values=part.kind or part.values, kind=None) for part in parts]
        enough = all(
            min(len(part.values.relu), len(part.values.softmax)) >= thresholds.FEWEST
            for part in of_kind
        )
        if enough:
            kind = tuple(look(part, len(parts), choice) for part in of_kind)
            status = _with_kind(status, _together(kind))
    return Claimed(status, outcomes, kind)


def _with_kind(everything: Status, kind: Status) -> Status:
    """Join what all runs show with what those of the paper's kind do."""
    if everything == Status.REPRODUCED:
        opposite = kind in (Status.NOT_REPRODUCED, Status.CONTRADICTED)
        return Status.IN_PART if opposite else everything
    if kind == Status.REPRODUCED:
        return Status.SOME_RUNS
    return Status.IN_PART if kind == Status.IN_PART else everything


def _together(outcomes: Sequence[Outcome]) -> Status:
    if all(outcome.shown for outcome in outcomes):
        return Status.REPRODUCED
    if any(outcome.shown for outcome in outcomes):
        return Status.IN_PART
    refuted = [outcome for outcome in outcomes if outcome.refuted]
    if any(not outcome.near for outcome in refuted):
        return Status.CONTRADICTED
    return Status.NOT_REPRODUCED if refuted else Status.UNDECIDED


@dataclass(frozen=True)
class Held:
    """In how many of our runs, or pairs of them, a sentence holds, with bounds of the share."""

    status: Status
    hits: int
    n: int
    low: float
    high: float


def held(truths: Sequence[bool], choice: Choice = OURS) -> Held:
    """Judge a sentence about one run, or about one pair of runs, by how many of ours it holds in.

    It is *reproduced* if it is shown to hold in more than half of them, *not reproduced* if it is
    shown to hold in fewer; in between, *reproduced in some runs* if it holds in some and not in
    others, else *undecided*.

    Examples
    --------
    >>> held([True] * 8).status
    <Status.REPRODUCED: 'reproduced'>
    """
    hits, n = sum(truths), len(truths)
    low, high = share(hits, n, choice.level)
    if low > thresholds.HALF:
        status = Status.REPRODUCED
    elif high < thresholds.HALF:
        status = Status.NOT_REPRODUCED
    else:
        status = Status.SOME_RUNS if 0 < hits < n else Status.UNDECIDED
    return Held(status, hits, n, low, high)


@dataclass(frozen=True)
class Compared:
    """One of the paper's numbers against ours: what the table shows is what the verdict rests on.

    Attributes
    ----------
    name : str
        What it is, by its key in ``verdicts.yml``.
    paper : float
    ours : Estimate
        Of the runs that it is compared with: of ``of`` runs of all kinds, those of the paper's.
    low, high : float
        What one more of these runs gives, all numbers of the family together with 95 %.
    status : Status
    unit, head : str
        How a page writes it, and whose number it is.
    """

    name: str
    paper: float
    ours: Estimate
    low: float
    high: float
    status: Status
    of: int
    unit: str = "cv_accuracy"
    head: str = ""


@dataclass(frozen=True)
class Family:
    """How strictly numbers are compared: how many are judged together, and how near is near.

    ``unit`` is the step of the number, 1 for a count: half of it is granted to both sides.
    """

    size: int
    reach: float
    unit: float = 0.0
    level: float = thresholds.LEVEL


def number(
    name: str,
    paper: float,
    ours: Estimate,
    family: Family,
    of: int,
    unit: str = "cv_accuracy",
    head: str = "",
) -> Compared:
    """Compare one of the paper's numbers with what one more run of ours gives.

    Outside that interval it is *not reproduced*. Inside, it is *reproduced* if the interval is
    narrow enough to have missed it (it reaches no further than ``family.reach`` to either side),
    else *compatible*: our runs scatter too widely to say more. Where only some of our runs are of
    the paper's kind (``of`` exceeds their number) it is *reproduced in some runs*.
    """
    low, high = ours.prediction(family.size, family.level)
    half = family.unit / 2
    if not low - half <= paper <= high + half:
        status = Status.NOT_REPRODUCED
    elif (high - low) / 2 > family.reach:
        status = Status.COMPATIBLE
    else:
        status = Status.REPRODUCED if ours.n == of else Status.SOME_RUNS
    return Compared(name, paper, ours, low, high, status, of, unit, head)


def numbers(compared: Sequence[Compared]) -> Status:
    """Judge numbers together: as their common status, else *reproduced in part* if any is."""
    statuses = {one.status for one in compared}
    if len(statuses) == 1:
        return statuses.pop()
    if statuses == SHOWN:
        return Status.SOME_RUNS
    return Status.IN_PART if statuses & SHOWN else Status.NOT_REPRODUCED
