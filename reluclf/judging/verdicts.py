"""A verdict on every table, figure and claim of the paper, by the rules of the method chapter.

A rule looks at records and at the paper's numbers, never at anything typed in; so a verdict changes when a record does. Where the runs
that a rule needs are not there, the verdict is that it is not judged yet.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field

from reluclf import data
from reluclf.judging import claim_rules, paper, selection, table_rules
from reluclf.judging.judgement import Evidence, Rule, Status, Undecided
from reluclf.record import Record


@dataclass(frozen=True)
class Verdict:
    """The verdict on one item of the paper.

    Attributes
    ----------
    id : str
        T1 to T9, F1 to F11, C01 to C25, W1, W2.
    says : str
        What the paper says there, in our words.
    status : Status
    why : str
        One sentence.
    evidence : str
        The page and label that the evidence stands under, as ``mnist#tab-mnist-ffnn``.
    link : str
        The same as an address, from the folder that the pages are in: ``book/mnist.html#tab-mnist-ffnn``.
    records : tuple of Record
        Those that the rule looked at.
    """

    id: str
    says: str
    status: Status
    why: str
    evidence: str
    link: str
    records: tuple[Record, ...] = field(default=(), repr=False)


def judge(records: Iterable[Record]) -> list[Verdict]:
    """The verdict on each of the paper's 9 tables, 11 figures, 25 claims and 2 proposals, in this order."""
    evidence = Evidence.of(records)
    verdicts = []
    for identifier, (says, rule, where) in items().items():
        selection.noted()
        try:
            status, why = rule(evidence)
        except Undecided as lack:
            status, why = Status.OPEN, str(lack)
        page, _, label = where.partition("#")
        anchor = f"equation-{label}" if label.startswith("eq-") else label
        verdicts.append(Verdict(identifier, says, status, why, where, f"book/{page}.html#{anchor}", tuple(selection.noted().get("", []))))
    return verdicts


def items() -> dict[str, tuple[str, Rule, str]]:
    """What the paper says, the rule and the place of the evidence, by identifier."""
    found = {}
    for number in paper.contents()["tables"]:
        found[f"T{number}"] = (paper.table(number)["title"], *_table_rule(number))
    for number, entry in paper.contents()["figures"].items():
        found[f"F{number}"] = (_figure_title(number, entry), *_figure_rule(number, entry))
    for key, entry in paper.claims().items():
        found[key] = (entry["claim"], *claim_rules.RULES[key])
    for key, entry in paper.future_work().items():
        found[key] = (entry["proposal"], *claim_rules.RULES[key])
    return found


def _table_rule(number: int) -> tuple[Rule, str]:
    if number in (1, 2):
        return functools.partial(table_rules.layers, number), f"method#tab-method-{'cnn' if number == 1 else 'ffnn'}"
    entry = paper.table(number)
    page = entry["dataset"]
    if "fold_accuracy" in entry:
        return functools.partial(table_rules.folds, page), f"{page}#tab-{_hyphen(page)}-folds"
    where = "tab-wdbc" if page == "wdbc" else f"tab-{_hyphen(page)}-{entry['architecture']}"
    return functools.partial(table_rules.results, page, entry["architecture"]), f"{page}#{where}"


def _figure_rule(number: int, entry: dict) -> tuple[Rule, str]:
    if entry.get("kind") == "function":
        return table_rules.drawn, "method#fig-method-relu"
    page = entry["dataset"]
    return functools.partial(table_rules.matrix, number), f"{page}#fig-{_hyphen(page)}-paper-{number}"


def _figure_title(number: int, entry: dict) -> str:
    if "title" in entry:
        return entry["title"]
    return f"Confusion matrix of {entry['architecture'].upper()}-{paper.HEAD_TITLES[entry['head']]} on {data.TITLES[entry['dataset']]}"


def _hyphen(name: str) -> str:
    return name.replace("_", "-")
