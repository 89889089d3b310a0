"""Verdicts on a page and in files: boxes, the ledger, its picture, and what machines read."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

import reluclf
from reluclf import formats
from reluclf.judging import words
from reluclf.judging.answers import Answer
from reluclf.judging.status import Status
from reluclf.judging.verdicts import Verdict
from reluclf.record import Record
from reluclf.showing import figures, notebook, origins

#: How a status is drawn: its colour, and a letter for those who see none.
LOOKS = {
    Status.YES: ("#009E73", "Y"),
    Status.PARTLY: ("#E69F00", "p"),
    Status.NO: ("#D55E00", "X"),
    Status.AS_DESCRIBED: ("#009E73", "D"),
    Status.DIFFER: ("#CC79A7", "T"),
    Status.SLIP: ("#F0E442", "s"),
    Status.REPRODUCED: ("#009E73", "R"),
    Status.SOME_RUNS: ("#56B4E9", "S"),
    Status.IN_PART: ("#E69F00", "P"),
    Status.COMPATIBLE: ("#56B4E9", "c"),
    Status.UNDECIDED: ("#555555", "U"),
    Status.NOT_REPRODUCED: ("#CC79A7", "N"),
    Status.CONTRADICTED: ("#D55E00", "C"),
    Status.ANSWERED: ("#0072B2", "A"),
    Status.NOT_TESTED: ("#555555", "-"),
    Status.WAITING: ("#FFFFFF", ""),
}

#: The questions of a verdict, by the attribute that holds the answer, and how a page asks them.
QUESTIONS = {
    "own": "in the paper's own numbers",
    "as_run": "run again, as run",
    "as_written": "run again, as written",
    "settled": "by text and code",
}

_KINDS = {"T": "Table ", "F": "Figure ", "C": "Claim C", "W": "Proposal W"}


def status(found: Iterable[Verdict], identifier: str) -> str:
    """Give the status of one item for a caption: that of what is settled, or as run."""
    return next(str(verdict.main.status) for verdict in found if verdict.id == identifier)


def answered(verdict: Verdict) -> dict[str, Answer]:
    """Collect the answers that a verdict has, by the attribute that holds them."""
    answers = {name: getattr(verdict, name) for name in QUESTIONS}
    return {name: answer for name, answer in answers.items() if answer is not None}


def records(found: Iterable[Verdict]) -> dict[str, list[Record]]:
    """Collect the records that verdicts rest on, as :func:`.origins.rests_on` takes them."""
    return {"": [record for verdict in found for record in verdict.records]}


def told(answer: Answer) -> str:
    """Write an answer: its status in bold, why, and how firm it is where it is not wholly so."""
    firm = f" The verdict is the same under {answer.same} of {answer.of} other choices."
    doubt = firm if answer.of and answer.same < answer.of else ""
    why = answer.why[:1].upper() + answer.why[1:]
    return f"**{answer.status}**. {notebook.unbroken(why)}{doubt}"


def boxes(found: Iterable[Verdict], *identifiers: str) -> None:
    """Show the verdicts on the named items, each question with its answer."""
    by_id = {verdict.id: verdict for verdict in found}
    shown = []
    for identifier in identifiers:
        verdict = by_id[identifier]
        title = f"The paper's {_KINDS[identifier[0]]}{identifier[1:]}: {verdict.main.status}"
        classes = f"verdict {verdict.main.status.css} on-{identifier}"
        lines = [f"{QUESTIONS[name]}: {told(answer)}" for name, answer in answered(verdict).items()]
        body = "\n\n".join(line[0].upper() + line[1:] for line in lines)
        shown.append((title, body, classes))
    notebook.show_boxes(*shown)


def table(found: Sequence[Verdict], caption: str, name: str) -> None:
    """Show verdicts as a numbered table, each with a link to its evidence."""
    rows = []
    for verdict in found:
        label = verdict.evidence.partition("#")[2]
        kind = label.partition("-")[0]
        role = {"tab": "numref", "fig": "numref", "sec": "ref", "eq": "eq"}[kind]
        run_again = [verdict.settled or verdict.as_run, verdict.as_written]
        cells = [told(answer) if answer else formats.NONE for answer in (verdict.own, *run_again)]
        rows.append(
            {
                "item": verdict.id,
                "the paper says": verdict.says,
                "its own numbers": cells[0],
                "as run, or by text and code": cells[1],
                "as written": cells[2],
                "evidence": f"{{{role}}}`{label}`",
            }
        )
    frame = origins.rests_on(pd.DataFrame(rows), records(found))
    notebook.table(frame, caption, name, css="ledger")


def of_topic(found: Iterable[Verdict], topic: str) -> list[Verdict]:
    """Select verdicts by topic: ``networks``, ``numbers``, ``claims`` or ``proposals``."""
    return [verdict for verdict in found if _topic(verdict) == topic]


def _topic(verdict: Verdict) -> str:
    if verdict.settled is not None:
        return "networks"
    return {"C": "claims", "W": "proposals"}.get(verdict.id[0], "numbers")


def tally(found: Sequence[Verdict], name: str) -> dict[str, str]:
    """Count verdicts by their main status, to be glued.

    ``<name>_items``, how many there are; ``<name>_listed``, how many of each kind;
    ``<name>_waiting``, of which items an answer waits for runs.
    """
    counts = Counter(verdict.main.status for verdict in found)
    kinds = [f"{counts[status]} {status}" for status in Status if counts[status]]
    waiting = []
    for attribute, question in (("as_run", "as run"), ("as_written", "as written")):
        answers = {verdict.id: getattr(verdict, attribute) for verdict in found}
        ids = [key for key, answer in answers.items() if answer and answer.status == Status.WAITING]
        waiting += [f"{words.listed(ids)} {question}"] if ids else []
    return {
        f"{name}_items": str(len(found)),
        f"{name}_waiting": "; ".join(waiting) or "none",
        f"{name}_listed": ", ".join(kinds) or "none",
    }


def picture(found: Sequence[Verdict]) -> Figure:
    """Draw all verdicts at a glance: a square for each item, as run to the left of as written."""
    kinds = {"tables": "T", "figures": "F", "claims": "C", "proposals": "W"}
    figure, axes = plt.subplots(figsize=(figures.WIDTH, 3.9))
    per_row, y, used = 13, 0.0, set()
    for title, letter in kinds.items():
        members = [verdict for verdict in found if verdict.id.startswith(letter)]
        axes.text(-0.3, y, title, ha="right", va="center", fontsize=9)
        for i, verdict in enumerate(members):
            used |= _square(axes, verdict, i % per_row, y + i // per_row)
        y += 1.3 + (len(members) - 1) // per_row
    handles = [
        mpl.patches.Patch(fc=LOOKS[status][0], ec="#777777", label=f"{LOOKS[status][1]}  {status}")
        for status in Status
        if status in used
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
    axes.set(xlim=(-2.2, per_row), ylim=(y - 0.6, -0.7), aspect="equal")
    axes.set_axis_off()
    return origins.rests_on(figure, records(found))


def _square(axes: Any, verdict: Verdict, x: float, y: float) -> set[Status]:
    """Draw one item: one colour where one answer is all there is, else a half for each."""
    answers = [verdict.settled] if verdict.settled else [verdict.as_run, verdict.as_written]
    statuses = [answer.status for answer in answers if answer is not None]
    width = 0.88 / len(statuses)
    for i, status in enumerate(statuses):
        colour, mark = LOOKS[status]
        left = x + 0.06 + i * width
        axes.add_patch(
            mpl.patches.Rectangle((left, y - 0.42), width, 0.84, fc=colour, ec="#777777")
        )
        ink = figures.ink(colour)
        middle = left + width / 2
        axes.text(middle, y + 0.2, mark, ha="center", va="center", fontsize=7, color=ink)
    both = figures.ink(LOOKS[statuses[0]][0])
    ink = both if len(statuses) == 1 else "black"
    box = {"fc": "white", "ec": "none", "pad": 0.6} if len(statuses) > 1 else None
    axes.text(
        x + 0.5, y - 0.17, verdict.id, ha="center", va="center", fontsize=6, color=ink, bbox=box
    )
    return set(statuses)


def entries(found: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Describe verdicts for machines: each answer with its status in three vocabularies."""
    rows = []
    for verdict in found:
        groups = origins.groups(verdict.records).to_dict("records")
        rows.append(
            {
                "id": verdict.id,
                "says": verdict.says,
                "answers": {name: _entry(answer) for name, answer in answered(verdict).items()},
                "evidence": verdict.evidence,
                "link": verdict.link,
                "records": [f"{group['runs']}: {group['seeds']}" for group in groups],
            }
        )
    return rows


def _entry(answer: Answer) -> dict[str, Any]:
    return {
        "status": str(answer.status),
        "why": answer.why,
        "forrt": answer.status.others.forrt,
        "cito": answer.status.others.cito,
        "confidence": answer.confidence,
        "same": answer.same,
        "of": answer.of,
        "numbers": [
            {
                "name": one.name,
                "paper": one.paper,
                "mean": _finite(one.mean),
                "low": _finite(one.low),
                "high": _finite(one.high),
                "n": one.n,
            }
            for one in answer.numbers
        ],
    }


def _finite(value: float) -> float | None:
    """A number as JSON can hold it."""
    return float(value) if math.isfinite(value) else None


def write(folder: Path, found: Sequence[Verdict], commit: str, modified: bool) -> None:
    """Lay the ledger beside the pages: ``ledger.json`` by its schema, and ``ledger.csv``.

    Parameters
    ----------
    folder : Path
    found : sequence of Verdict
    commit : str
        What the pages are built from; empty outside git.
    modified : bool
        Whether chapters, package or records differ from that.
    """
    rows = entries(found)
    whole = {
        "$schema": "_static/ledger.schema.json",
        "version": reluclf.__version__,
        "commit": commit,
        "modified": modified,
        "paper": "https://doi.org/10.48550/arXiv.1803.08375",
        "items": rows,
    }
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    (folder / "ledger.json").write_text(text + "\n", encoding="utf-8")
    flat = []
    for row in rows:
        cells = {name: row[name] for name in ("id", "says")}
        for name in QUESTIONS:
            answer = row["answers"].get(name, {})
            cells |= {f"{name}_{key}": answer.get(key, "") for key in _COLUMNS}
        flat.append(cells | {"link": row["link"], "records": "; ".join(row["records"])})
    # With the mark of its encoding, or a spreadsheet would not know it.
    pd.DataFrame(flat).to_csv(folder / "ledger.csv", index=False, encoding="utf-8-sig")


_COLUMNS = ("status", "why", "forrt", "cito", "confidence")
