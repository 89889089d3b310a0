"""What the rules of the method chapter look at, and what they can find: the records in the paper's setting, and the statuses of a verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reluclf import data
from reluclf.judging import paper, selection
from reluclf.judging.statistics import MOST, Difference, paired
from reluclf.record import Record
from reluclf.spec import N_SPLITS, Spec

#: Runs that a rule needs of each network before it judges.
FEWEST = 3


class Status(StrEnum):
    """What a verdict can be."""

    REPRODUCED = "reproduced"
    OTHER_REASON = "reproduced, but not for the stated reason"
    BY_THE_FLAW = "reproduced only by the flaw"
    NOT_REPRODUCED = "not reproduced"
    CONTRADICTED = "contradicted"
    NOT_TESTABLE = "not testable"
    ANSWERED = "answered here"
    OPEN = "not judged yet"

    @property
    def css(self) -> str:
        """The class that its looks hang on, on a page and in print."""
        return f"verdict-{self.name.lower().replace('_', '-')}"


#: What a rule finds, and one sentence why.
Finding = tuple[Status, str]


class Undecided(Exception):
    """Raised by a rule that lacks runs; the message says which, or why those that are there do not decide."""


@dataclass(frozen=True)
class Evidence:
    """The records in the paper's setting, asked for by network."""

    records: tuple[Record, ...]

    @classmethod
    def of(cls, records: Iterable[Record]) -> Evidence:
        """Keep what is in the paper's setting, whole: 32 epochs on all samples, and all ten folds where one model goes through them."""

        def whole(spec: Spec) -> bool:
            return spec.samples is None and spec.epochs == 32 and (spec.protocol != "carried" or spec.folds == N_SPLITS)

        return cls(tuple(record for record in records if whole(record.spec)))

    def runs(self, dataset: str, architecture: str, head: str, protocol: str, fewest: int = FEWEST, whole: bool = False) -> list[Record]:
        """The runs of a network, by seed; with ``whole`` only those with all ten folds.

        Raises
        ------
        Undecided
            If there are fewer than ``fewest``.
        """
        found = selection.of_setting(self.records, dataset=dataset, architecture=architecture, head=head, protocol=protocol)
        if whole:
            found = [record for record in found if len(record.folds) == N_SPLITS]
        if len(found) < fewest:
            name = f"{data.TITLES[dataset]} {architecture.upper()}-{paper.HEAD_TITLES[head]}"
            raise Undecided(f"The rule needs {fewest} {protocol} run{'s' * (fewest > 1)} of {name} as in the paper; {len(found) or 'none'} recorded.")
        return sorted(found, key=lambda record: record.spec.seed)

    def pairs(self, dataset: str, architecture: str, protocol: str) -> list[tuple[Record, Record]]:
        """Runs of ReLU and of softmax with the same seed, by seed.

        Raises
        ------
        Undecided
            If there are fewer than :data:`FEWEST`.
        """
        relu, softmax = ({run.spec.seed: run for run in self.runs(dataset, architecture, head, protocol)} for head in ("relu", "softmax"))
        common = sorted(relu.keys() & softmax.keys())
        if len(common) < FEWEST:
            raise Undecided(f"The rule needs {FEWEST} seeds that both heads have; there are {len(common)}.")
        return [(relu[seed], softmax[seed]) for seed in common]

    def difference(
        self, dataset: str, architecture: str, protocol: str, value: Callable[[Record], float], margin: float = selection.MARGIN
    ) -> Difference:
        """ReLU minus softmax, paired by seed."""
        pairs = self.pairs(dataset, architecture, protocol)
        return paired([value(relu) for relu, _ in pairs], [value(softmax) for _, softmax in pairs], margin)

    def catching_up(self, dataset: str, architecture: str) -> Difference:
        """ReLU minus softmax in test accuracy after the 32 epochs of ``fresh``, minus the same at the end of ``carried``, paired by seed."""
        gaps = [
            {relu.spec.seed: accuracy(relu) - accuracy(softmax) for relu, softmax in self.pairs(dataset, architecture, protocol)}
            for protocol in ("fresh", "carried")
        ]
        common = sorted(gaps[0].keys() & gaps[1].keys())
        if len(common) < FEWEST:
            raise Undecided(f"The rule needs {FEWEST} seeds that both protocols have; there are {len(common)}.")
        return paired(*([gap[seed] for seed in common] for gap in gaps), margin=selection.MARGIN)


#: A rule for one item of the paper; it raises :class:`Undecided` where it lacks runs.
Rule = Callable[[Evidence], Finding]


@dataclass(frozen=True)
class Power:
    """How many runs a part of a claim has, and how many would tell whether it holds; ``needed`` is None if more than :data:`MOST`.

    It is ``hopeless`` if they are more than that even where single runs scatter no more than the lower 95 % limit of what ours do; ``excluded`` if
    our runs have told already: no more pair of them would give what the paper has, or what the claim says is outside their interval.
    """

    runs: int
    needed: int | None
    hopeless: bool = False
    excluded: bool = False

    @property
    def tells(self) -> bool:
        """Whether the runs there are would have shown it."""
        return self.needed is not None and self.needed <= self.runs


def power(difference: Difference, sought: float, parts: int = 1, comparisons: int = 1) -> Power:
    """Of a test for a difference of the paper's size; runs of which one more pair would not give that size, as the paper's pair did, have told.

    Parameters
    ----------
    difference : Difference
    sought : float
    parts : int
        How many parts the claim has, all of which must hold.
    comparisons : int
        How many tests this one is adjusted for, of which one will do.
    """
    low, high = difference.prediction(parts)
    if not low <= sought <= high:
        return Power(difference.n, difference.n, excluded=True)
    return power_to_show(difference, sought, parts, comparisons)


def power_to_show(difference: Difference, sought: float, parts: int = 1, comparisons: int = 1) -> Power:
    """Of a test for a difference of this size, whatever the interval has told. The parameters are those of :func:`power`."""
    needed = difference.enough(sought, comparisons, parts)
    return Power(difference.n, needed, needed is None and difference.enough(sought, comparisons, parts, difference.least_std) is None)


def power_equivalent(difference: Difference, parts: int = 1, comparisons: int = 1) -> Power:
    """Of a test for equivalence; an interval beyond the margin has told. The parameters are those of :func:`power`."""
    if difference.beyond_as_one_of(parts):
        return Power(difference.n, difference.n, excluded=True)
    needed = difference.enough_equivalent(comparisons, parts)
    return Power(difference.n, needed, needed is None and difference.enough_equivalent(comparisons, parts, difference.least_std) is None)


def hardest(powers: Sequence[Power]) -> Power:
    """That of a part which is told only if each of these tells."""
    return max(powers, key=_effort)


def easiest(powers: Sequence[Power]) -> Power:
    """That of a part which is told if any of these tells."""
    return min(powers, key=_effort)


def _effort(power: Power) -> tuple[bool, bool, int]:
    return not power.tells, power.hopeless, power.needed or MOST + 1


def not_shown(text: str, powers: Sequence[Power]) -> Finding:
    """Rule for a claim that is neither shown nor contradicted, by the power for each of its parts which is not shown.

    It is not reproduced if ours are enough for any one of them, for that part could then have been shown.

    Raises
    ------
    Undecided
        If more runs may tell.
    """
    if telling := [one for one in powers if one.tells]:
        if any(one.excluded for one in telling):
            return Status.NOT_REPRODUCED, f"{text}; for a part that is not shown, our runs leave no room for what it says."
        return Status.NOT_REPRODUCED, f"{text}; so many runs would have shown it, were it as large as the paper has it."
    if all(one.hopeless for one in powers):
        return Status.NOT_TESTABLE, f"{text}; even by the lowest estimate of their scatter more than {MOST} seeds would be needed to tell."
    needed = [one.needed for one in powers if one.needed is not None]
    if not needed:
        raise Undecided(f"{text}; it would take more than {MOST} seeds to tell, unless single runs scatter less than these few do.")
    everything = f"about {max(needed)}" if len(needed) == len(powers) else f"more than {MOST}"
    if everything == f"about {min(needed)}":
        raise Undecided(f"{text}; {everything} seeds would tell.")
    raise Undecided(f"{text}; about {min(needed)} seeds might settle a part, {everything} all of it.")


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them; empty if there are none."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def accuracy(run: Record) -> float:
    """The test accuracy, a share."""
    return run.test.accuracy


def f1(run: Record) -> float:
    """The F1 on the test set, as the paper has it: the classes' own, weighted by their support."""
    return run.test.f1


def minus(text: str) -> str:
    """Text whose negative numbers have a minus sign; hyphens stay."""
    return re.sub(r"(?<![\w])-(?=\d)", "−", text)
