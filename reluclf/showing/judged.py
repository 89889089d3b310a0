"""Tables of how the verdicts are judged: rules, design, log, and how firm they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd
import yaml

from reluclf import formats, paths
from reluclf.judging import design, frozen, items, paper, words
from reluclf.judging.answers import Answer
from reluclf.judging.design import Cell, Lacking
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import OURS
from reluclf.judging.robustness import QUESTIONS, Rerun
from reluclf.judging.status import Status
from reluclf.judging.verdicts import Verdict
from reluclf.record import Record
from reluclf.showing import ledger, origins


@origins.traced
def statuses() -> pd.DataFrame:
    """List the statuses with what each means, and the words of two vocabularies for them."""
    meanings = words.contents()["statuses"]
    rows = []
    for status in Status:
        row = {
            "status": str(status),
            "what it says": meanings[str(status)],
            "FORRT": status.others.forrt,
            "CiTO": status.others.cito or formats.NONE,
        }
        rows.append(row)
    return pd.DataFrame(rows)


@origins.traced
def planned(records: Iterable[Record]) -> pd.DataFrame:
    """Set the design beside what is there: a row for each of its lines, with the reason."""
    evidence = Evidence.of(records)
    rows = []
    for line in yaml.safe_load(paths.DESIGN.read_text(encoding="utf-8"))["runs"]:
        cells = []
        for network in line["networks"]:
            dataset, architecture = network.split()
            for head in line["heads"]:
                cells.append(Cell(dataset, architecture, head, line["condition"]))
        row = {
            "condition": line["condition"],
            "networks": words.listed(
                [paper.title(*network.split()) for network in line["networks"]]
            ),
            "heads": words.listed([paper.HEAD_TITLES[head] for head in line["heads"]]),
            "runs of each": str(line["runs"]),
            "there": _there(cells, evidence),
            "why so many": _on_a_line(line["why"]),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _on_a_line(text: str) -> str:
    return " ".join(str(text).split())


def _there(cells: Sequence[Cell], evidence: Evidence) -> str:
    networks: dict[tuple[str, str], dict[str, str]] = {}
    for cell in cells:
        k, n = len(evidence.there(cell)), design.planned()[cell]
        heads = networks.setdefault((cell.dataset, cell.architecture), {})
        heads[cell.head] = f"{k} of {n}" if k < n else "complete"
    told = []
    for network, heads in networks.items():
        states = set(heads.values())
        if states == {"complete"}:
            continue
        if len(states) == 1:
            told.append(f"{paper.title(*network)} {states.pop()} each")
            continue
        for head, state in heads.items():
            told.append(f"{paper.title(*network, head)} {state}")
    return "; ".join(told) or "complete"


def unfit(records: Iterable[Record]) -> pd.DataFrame:
    """Name the runs of the design's networks that enter no verdict, each with the reason."""
    found = design.unfit(records)
    seeds: dict[tuple[str, str], list[int]] = {}
    for run, why in found:
        seeds.setdefault((str(run.spec.path.parent), why), []).append(run.spec.seed)
    rows = [
        {"runs": runs, "seeds": origins.ranges(numbers), "why they enter no verdict": why}
        for (runs, why), numbers in seeds.items()
    ]
    nothing = {"runs": "none", "seeds": formats.NONE, "why they enter no verdict": formats.NONE}
    frame = pd.DataFrame(rows or [nothing])
    return origins.rests_on(frame, {"": [run for run, _ in found]})


def counts(records: Sequence[Record]) -> dict[str, str]:
    """Count records and cells, to be glued under these names."""
    evidence = Evidence(records)
    complete = [len(evidence.there(cell)) == n for cell, n in design.planned().items()]
    inside = sum(bool(design.cells_of(record.spec)) for record in records)
    return {
        "rules_records": f"{len(records):,}",
        "rules_inside": str(inside),
        "rules_beside": str(len(records) - inside),
        "rules_cells": str(len(complete)),
        "rules_complete": str(sum(complete)),
    }


class _Listening(Evidence):
    """The runs that are there, with the cells that a rule asks for."""

    def __init__(self, records: Iterable[Record]) -> None:
        super().__init__(records, early=True)
        self.asked: list[Cell] = []

    def runs(self, *cells: Cell) -> list[list[Record]]:
        """Note the cells, and return their runs."""
        self.asked += cells
        return super().runs(*cells)


class _Heard(NamedTuple):
    """What a rule asked for: the names of its parts, and its cells."""

    parts: tuple[str, ...]
    cells: tuple[Cell, ...]


def _hear(rule: items.Rule, evidence: _Listening) -> _Heard:
    evidence.asked = []
    view = evidence.before_complete()
    names: tuple[str, ...] = ()
    try:
        answer = rule(view, OURS)
        names = tuple(number.name for number in answer.numbers)
    except Lacking:
        pass
    return _Heard(names, tuple(dict.fromkeys(evidence.asked)))


def in_brief(records: Iterable[Record]) -> pd.DataFrame:
    """List what is asked of every item, and of which runs; items that ask the same share a row."""
    evidence = _Listening(records)
    grouped: dict[str, dict[str, list[Cell]]] = {}
    for key, item in items.items().items():
        rules = [rule for rule in (item.as_run, item.as_written) if rule is not None]
        if not rules:
            continue
        heard = [_hear(rule, evidence) for rule in rules]
        asked = _asked(key, item.kind, heard[0].parts)
        grouped.setdefault(asked, {})[key] = [cell for one in heard for cell in one.cells]
    rows = []
    for asked, cells in grouped.items():
        every = [cell for found in cells.values() for cell in found]
        rows.append(
            {"items": ", ".join(cells), "what is asked": asked, "of which runs": _told(every)}
        )
    return origins.rests_on(pd.DataFrame(rows))  # what is asked, whatever the runs answer


def _asked(key: str, kind: str, parts: Sequence[str]) -> str:
    if kind == "proposal":
        return items.says(key)
    if kind == "sentence":
        parts = parts or ("runs",)
    named = words.listed(parts)
    if key.startswith("F"):
        named = words.contents()["asked"]["classes"]
    elif kind == "further optimisation":
        named = " or ".join(parts)
    elif kind in ("directions", "sizes", "any size"):
        named = "; ".join(parts)
    return words.contents()["asked"][kind].format(parts=named)


def _told(cells: Iterable[Cell]) -> str:
    """Name cells by condition: the networks, the heads, and how many runs of each."""
    heads: dict[tuple[str, str, str, int], list[str]] = {}
    for cell in dict.fromkeys(cells):
        network = (cell.condition, cell.dataset, cell.architecture, design.planned()[cell])
        heads.setdefault(network, []).append(cell.head)
    networks: dict[tuple[str, str, int], list[str]] = {}
    for (condition, dataset, architecture, n), found in heads.items():
        both = set(found) == set(paper.HEADS)
        named = "both heads" if both else words.listed([paper.HEAD_TITLES[head] for head in found])
        alike = networks.setdefault((condition, named, n), [])
        alike.append(paper.title(dataset, architecture))
    conditions: dict[str, list[str]] = {}
    for (condition, named, n), titles in networks.items():
        each = " each" if len(titles) > 1 or " and " in named or named == "both heads" else ""
        told = f"{words.listed(titles)} ({named}, {n} runs{each})"
        conditions.setdefault(condition, []).append(told)
    return "; ".join(f"*{name}*: {words.listed(told)}" for name, told in conditions.items())


@origins.traced
def log() -> pd.DataFrame:
    """List the changes of the rules, with what was known at each and what it changed."""
    rows = []
    for change in frozen.log():
        row = {
            "date": str(change["date"]),
            "what was known": _on_a_line(change["known"]),
            "change": _on_a_line(change["change"]),
            "effect": _on_a_line(change["effect"]),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def firmness(verdicts: Sequence[Verdict], reruns: Sequence[Rerun]) -> pd.DataFrame:
    """Say of every answer that runs give in how many other choices it is the same.

    Parameters
    ----------
    verdicts : sequence of Verdict
    reruns : sequence of Rerun
        Of these verdicts, as :func:`reluclf.judging.robustness.rerun` gives them.
    """
    rows = []
    for verdict in verdicts:
        for question, name in QUESTIONS.items():
            answer: Answer | None = getattr(verdict, name)
            again = [one for one in reruns if (one.item, one.question) == (verdict.id, question)]
            if answer is None or not again:
                continue
            row = {
                "item": verdict.id,
                "question": question,
                "status": str(answer.status),
                "the same in": f"{sum(one.same for one in again)} of {len(again)}",
                "what changes it": _changes(again),
            }
            rows.append(row)
    return origins.rests_on(pd.DataFrame(rows), ledger.records(verdicts))


def _changes(again: Sequence[Rerun]) -> str:
    """List other statuses with the choices that give them."""
    choices: dict[Status, list[str]] = {}
    for one in again:
        if not one.same:
            choices.setdefault(one.status, []).append(one.other.name)
    told = [f"*{status}* by {words.listed(names)}" for status, names in choices.items()]
    return "; ".join(told) or formats.NONE


def firm_counts(reruns: Sequence[Rerun]) -> dict[str, str]:
    """Count how many answers every other choice leaves the same, to be glued."""
    answers: dict[tuple[str, str], list[Rerun]] = {}
    for one in reruns:
        answers.setdefault((one.item, one.question), []).append(one)
    firm = sum(all(one.same for one in again) for again in answers.values())
    return {"rules_answers": str(len(answers)), "rules_firm": str(firm)}
