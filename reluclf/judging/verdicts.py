"""A verdict on every table, figure, claim and proposal of the paper.

A verdict answers two questions. Do the paper's own numbers bear the sentence out? And does it hold
when run again: as the author's code ran, and as we read his text? It looks at records and at the
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
    return [_verdict(key, item, everything.view(), choice) for key, item in items.items().items()]


def _verdict(key: str, item: Item, evidence: Evidence, choice: Choice) -> Verdict:
    def answer(rule: Rule | None) -> Answer | None:
        try:
            return rule(evidence, choice) if rule is not None else None
        except Lacking as lack:
            return answers.waiting(lack)

    page, _, label = item.evidence.partition("#")
    anchor = f"equation-{label}" if label.startswith("eq-") else label
    return Verdict(
        id=key,
        says=items.says(key),
        own=answer(item.own),
        as_run=answer(item.as_run),
        as_written=answer(item.as_written),
        settled=item.settled,
        evidence=item.evidence,
        link=f"book/{page}.html#{anchor}",
        records=tuple(evidence.seen.values()),
    )
