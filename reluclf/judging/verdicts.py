"""A verdict on every table, figure, claim and proposal of the paper.

A verdict answers two questions. Do the paper's own numbers bear the sentence out? And does it hold
when run again: as the author's code ran, and as his text says? It looks at records and at the
paper's numbers, never at anything typed in; so it changes when a record does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reluclf.judging import answers, items
from reluclf.judging.answers import Answer
from reluclf.judging.design import Lacking
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import OURS, Choice
from reluclf.judging.items import Item, Rule
from reluclf.record import Record


@dataclass(frozen=True)
class Verdict:
    """The verdict on one item of the paper.

    Attributes
    ----------
    id : str
        T1 to T9, F1 to F11, C01 to C31, W1 to W3.
    says : str
        What the paper says there, in our words.
    own, as_run, as_written, settled : Answer or None
        The answers to its questions; None where a question cannot be asked of it.
    evidence : str
        The page and label that the evidence stands under, as ``mnist#tab-mnist-ffnn``.
    link : str
        The same as an address, from the folder that the pages are in.
    records : tuple of Record
        Those that the rules looked at.
    """

    id: str
    says: str
    own: Answer | None
    as_run: Answer | None
    as_written: Answer | None
    settled: Answer | None
    evidence: str
    link: str
    records: tuple[Record, ...] = field(default=(), repr=False)

    @property
    def main(self) -> Answer:
        """The answer that is told where there is room for one: what is settled, or as run."""
        for answer in (self.settled, self.as_run, self.as_written):
            if answer is not None:
                return answer
        raise ValueError(f"{self.id} has no answer; give it a rule in items.py.")


def judge(records: Iterable[Record], choice: Choice = OURS) -> list[Verdict]:
    """Give the verdict on every item, in the order of the ledger."""
    everything = Evidence(records)
    return [verdict(key, item, everything, choice) for key, item in items.items().items()]


def verdict(key: str, item: Item, evidence: Evidence, choice: Choice = OURS) -> Verdict:
    """Give the verdict on one item."""
    view = evidence.view()
    found = [_answer(rule, view, choice) for rule in (item.own, item.as_run, item.as_written)]
    page, _, label = item.evidence.partition("#")
    anchor = f"equation-{label}" if label.startswith("eq-") else label
    return Verdict(
        key,
        items.says(key),
        *found,
        item.settled,
        item.evidence,
        f"book/{page}.html#{anchor}",
        tuple(view.seen.values()),
    )


def _answer(rule: Rule | None, evidence: Evidence, choice: Choice) -> Answer | None:
    if rule is None:
        return None
    try:
        return rule(evidence, choice)
    except Lacking as lack:
        return answers.waiting(lack)
