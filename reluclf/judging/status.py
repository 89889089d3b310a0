"""The statuses that an answer can have, and what others call them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """What an answer to one of a verdict's questions can be; its words are in ``verdicts.yml``."""

    YES = "yes"
    PARTLY = "in part"
    NO = "no"
    AS_DESCRIBED = "as described"
    DIFFER = "text and code differ"
    SLIP = "a slip of the pen"
    REPRODUCED = "reproduced"
    SOME_RUNS = "reproduced in some runs"
    IN_PART = "reproduced in part"
    COMPATIBLE = "compatible"
    UNDECIDED = "undecided"
    NOT_REPRODUCED = "not reproduced"
    CONTRADICTED = "contradicted"
    ANSWERED = "answered here"
    NOT_TESTED = "not tested"
    WAITING = "waiting for runs"

    @property
    def css(self) -> str:
        """The class that its looks hang on, on a page and in print."""
        return f"verdict-{self.name.lower().replace('_', '-')}"

    @property
    def given(self) -> bool:
        """Whether it is an answer, if only that our runs do not decide it."""
        return self not in (Status.WAITING, Status.NOT_TESTED)

    @property
    def others(self) -> Others:
        """What FORRT's and CiTO's vocabularies call it."""
        return _OTHERS[self]


#: The statuses that say that something was reproduced, if only in some runs.
SHOWN = frozenset({Status.REPRODUCED, Status.SOME_RUNS})


class Others(NamedTuple):
    """A status in two vocabularies that other machines read; ``cito`` is empty where none fits."""

    forrt: str
    cito: str


_VALIDATED = Others("Validated", "confirms")
_PARTLY = Others("PartiallySupported", "qualifies")
_DISPUTED = Others("Contradicted", "disputes")
_OPEN = Others("Inconclusive", "")
_UNTRIED = Others("NotTested", "")

_OTHERS = {
    Status.YES: _VALIDATED,
    Status.PARTLY: _PARTLY,
    Status.NO: _DISPUTED,
    Status.AS_DESCRIBED: _VALIDATED,
    Status.DIFFER: _PARTLY,
    Status.SLIP: _PARTLY,
    Status.REPRODUCED: _VALIDATED,
    Status.SOME_RUNS: _PARTLY,
    Status.IN_PART: _PARTLY,
    Status.COMPATIBLE: _OPEN,
    Status.UNDECIDED: _OPEN,
    Status.NOT_REPRODUCED: _DISPUTED,
    Status.CONTRADICTED: _DISPUTED,
    Status.ANSWERED: Others("NotTested", "extends"),
    Status.NOT_TESTED: _UNTRIED,
    Status.WAITING: _UNTRIED,
}
