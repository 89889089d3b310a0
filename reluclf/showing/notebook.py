"""How a chapter puts its results on the page: numbers glued into the prose, numbered tables, where they come from, and what is not measured yet."""

from __future__ import annotations

import functools
import hashlib
import html
import json
import os
import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from reluclf import formats, paths
from reluclf.judging import paper, selection
from reluclf.judging.conditions import Condition
from reluclf.judging.statistics import Difference, Estimate, estimate
from reluclf.judging.words import listed
from reluclf.record import Record
from reluclf.showing import figures, input_controls, origins, parameters, tables
from reluclf.spec import Spec

#: Characters on a printed line of a table, roughly: in its usual type, and in the small type of a wide one.
_LINE, _SMALL_LINE = 118, 140


def start() -> None:
    """Set a chapter up: its parameters checked, figures in the book's style, each with a note of the records it rests on.

    They are SVG; where the book is made for print they are PDF, which ``RELUCLF_FIGURES`` then says.
    """
    from IPython import get_ipython
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    shell = get_ipython()
    parameters.settle(shell.user_ns, shell.user_ns["In"])
    shell.run_line_magic(
        "matplotlib", "inline"
    )  # with what MPLBACKEND may name instead, there would be no figures
    figures.style()
    set_matplotlib_formats(os.environ.get("RELUCLF_FIGURES", "svg"), bbox_inches="tight")
    shell.events.register("pre_run_cell", _before)
    shell.events.register("post_run_cell", _after)


def origin(source: str) -> str:
    """The name under which a cell with this source glues what its figure rests on; that of a table is ``origin-`` and its label."""
    return f"origin-{hashlib.sha256(source.strip().encode()).hexdigest()[:16]}"


@functools.cache
def _captions() -> dict[str, str]:
    """The captions of the chapters' figures, which stand in the cells' metadata, by :func:`origin`."""
    cells = [
        cell
        for chapter in paths.BOOK.glob("*.ipynb")
        for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    ]
    shown = [
        (origin("".join(cell["source"])), cell["metadata"]["mystnb"]["figure"])
        for cell in cells
        if "figure" in cell["metadata"].get("mystnb", {})
    ]
    return {source: f"{figure['caption']} (`{figure['name']}`)" for source, figure in shown}


def _before(info) -> None:
    selection.noted()


def _after(result) -> None:
    if caption := _captions().get(origin(result.info.raw_cell)):
        _in_jupyter_only(as_html(caption))
    if re.search(r"\bfigures\.|\.(figure|picture)\(", result.info.raw_cell):
        _glue_origin(origin(result.info.raw_cell))


def _glue_origin(name: str) -> None:
    """Give the builder of the page the records noted since the last table or figure: by group, their seeds, device and commit."""
    import myst_nb

    frame = pd.concat(
        [
            pd.DataFrame(),
            *(origins.groups(found, folder) for folder, found in selection.noted().items()),
        ]
    )
    myst_nb.glue(
        name,
        frame.reindex(columns=["runs", "seeds", "device", "commit"]).to_dict("records"),
        display=False,
    )


def glue(**numbers: str | float | int) -> None:
    """Give texts to the prose, each under its name, by which the prose takes them up with ``{glue:text}``.

    In Jupyter, where the prose shows that role and not its text, the texts are listed below the cell.
    """
    import myst_nb

    for name, value in numbers.items():
        myst_nb.glue(name, str(value), display=False)
    lines = [f"<code>{name}</code>: {as_html(str(value))}" for name, value in numbers.items()]
    _in_jupyter_only("<br>".join(lines))


def _in_jupyter_only(text: str) -> None:
    """Show HTML where a chapter is run by itself: MyST takes an output that is marked so for a glued one, and leaves it out of the page."""
    from IPython.display import display

    name = f"shown-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    marked = {"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}}
    display({"text/html": f"<small>{text}</small>"}, raw=True, metadata=marked)


def as_html(text: str) -> str:
    """A text with MyST's marks as HTML, for Jupyter: bold, code, and of a role its label."""
    text = html.escape(text, quote=False)
    text = re.sub(r"\{[\w:]+\}(`[^`]*`)", r"\1", text)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", text)


def glue_results(records: Sequence[Record], *names: str) -> None:
    """Glue accuracies of the paper's networks, the paper's and ours, by name.

    Parameters
    ----------
    records : sequence of Record
    *names : str
        Each is ``<dataset>_<architecture>_<head>_<source>_<what>``, with the source ``paper``,
        ``as_run`` or ``as_written``, and what is ``cv`` (the cross-validation accuracy), ``test``
        (the test accuracy), ``last`` (the accuracy on the last fold's validation rows) or ``folds``
        (the lowest and the highest fold); of ours also ``each`` (the test accuracy of every run) and
        ``lost`` (in how many of them a class is lost). Or it is ``<dataset>_<architecture>_<head>_rise``,
        the rise from fold to fold of the accuracy on validation rows as run, ``..._rise_test`` that on
        the test set, ``..._rise_leak`` the difference.
    """
    found = {}
    for dataset, architecture in paper.RESULT_TABLES:
        if any(name.startswith(f"{dataset}_{architecture}_") for name in names):
            found |= _results(dataset, architecture, records)
    glue(**{name: found[name] for name in names})


def _results(dataset: str, architecture: str, records: Sequence[Record]) -> dict[str, str]:
    """The texts that :func:`glue_results` knows of one architecture on one data set, by name."""
    texts = {}
    for (of, kind, head), (_, seen, unseen, difference) in tables.rises(records).items():
        if (of, kind) == (dataset, architecture):
            name = f"{dataset}_{architecture}_{head}_rise"
            texts |= {
                name: points(seen),
                f"{name}_test": points(unseen),
                f"{name}_leak": points(difference),
            }
    for head in paper.HEADS:
        published = paper.result(dataset, architecture, head)
        name = f"{dataset}_{architecture}_{head}"
        texts |= {
            f"{name}_paper_cv": percent(published["cv_accuracy"]),
            f"{name}_paper_test": percent(published["test_accuracy"]),
        }
        for condition in Condition:
            ours = condition.runs(records, dataset, architecture=architecture, head=head)
            source = f"{name}_{condition.name.lower()}"
            last = estimate([record.fold_accuracy[-1] for record in ours if record.folds])
            texts |= {
                f"{source}_cv": percent(selection.measure(ours, "cv_accuracy")),
                f"{source}_test": percent(selection.measure(ours, "test_accuracy")),
                f"{source}_last": percent(last),
                f"{source}_each": _each(ours),
                f"{source}_folds": _range_of_folds(ours),
                f"{source}_lost": _count([run.test.lost for run in ours]),
            }
    return texts


def _each(runs: Sequence[Record]) -> str:
    """The test accuracy of every run, by seed."""
    ordered = sorted(runs, key=lambda run: run.spec.seed)
    return (
        listed([f"{100 * run.test.accuracy:.2f}" for run in ordered]) + "\u00a0%"
        if ordered
        else formats.NOT_MEASURED
    )


def _range_of_folds(runs: Sequence[Record]) -> str:
    """The lowest and the highest accuracy on a fold's validation rows, of any of the runs."""
    folds = [accuracy for run in runs if run.folds for accuracy in run.fold_accuracy]
    return (
        f"{100 * min(folds):.2f} to {100 * max(folds):.2f}\u00a0%"
        if folds
        else formats.NOT_MEASURED
    )


def _count(runs: Sequence[bool]) -> str:
    """In how many of the runs something is so, as prose has it."""
    return f"{sum(runs) or 'none'} of {len(runs)}" if runs else formats.NOT_MEASURED


def glue_inputs(records: Sequence[Record], *names: str) -> None:
    """Glue what becomes of the CNN by what it sees.

    Parameters
    ----------
    records : sequence of Record
    *names : str
        Each is ``<dataset>_<reading>``, a reading of :func:`.input_controls.readings`, or
        ``<dataset>_inputs``, the answer in words.
    """
    found = {}
    for dataset in paper.FOLD_TABLES:
        readings = input_controls.readings(dataset, records)
        found |= {f"{dataset}_{reading}": points(value) for reading, value in readings.items()}
        found[f"{dataset}_inputs"] = input_controls.answer(dataset, records)
    glue(**{name: found[name] for name in names})


def percent(value: float | Estimate | None) -> str:
    """An accuracy as prose has it: in percent, an estimate with its 95\u00a0% interval and n; None is "not measured yet"."""
    if value is None:
        return formats.NOT_MEASURED
    if not isinstance(value, Estimate):
        return f"{100 * value:.2f}\u00a0%"
    if value.n == 1:
        return f"{100 * value.mean:.2f}\u00a0% (n\u00a0=\u00a01)"
    low, high = formats.ends(value.low, value.high, "test_accuracy")
    return f"{100 * value.mean:.2f}\u00a0% ({low} to {high}, n\u00a0=\u00a0{value.n})"


def shares(values: Sequence[float]) -> str:
    """Shares as prose has them: up to three one by one, for their interval would say nothing; more by their mean, as :func:`percent` has it."""
    if 1 < len(values) <= 3:
        return f"{listed([f'{100 * value:.2f}' for value in values])}\u00a0% (n\u00a0=\u00a0{len(values)})"
    return percent(estimate(values))


def points(value: Difference | Estimate | None) -> str:
    """A difference of two accuracies as prose has it: in percentage points, with its 95\u00a0% interval and n; None says what is needed."""
    if value is None:
        return "(needs two seeds of each)"
    return (
        formats.points(value).replace(" points", "\u00a0points").replace("n = ", "n\u00a0=\u00a0")
    )


def counts(value: Difference | None) -> str:
    """A difference of mean counts as prose has it, with its 95\u00a0% interval and n; None says what is needed."""
    if value is None:
        return "(needs two seeds of each)"
    low, mean, high = (
        formats.signed(part, "count") for part in (value.low, value.mean, value.high)
    )
    return f"{mean} ({low} to {high}, n\u00a0=\u00a0{value.n})"


def sides(a: dict[int, Record], b: dict[int, Record]) -> str:
    """How runs paired by seed compare one by one in test accuracy, as prose: in how many the first is higher, the same and lower; and the median."""
    differences = [
        a[seed].test.accuracy - b[seed].test.accuracy for seed in sorted(a.keys() & b.keys())
    ]
    if not differences:
        return formats.NOT_MEASURED
    higher, lower = (sum(sign * difference > 0 for difference in differences) for sign in (1, -1))
    median = formats.signed(float(np.median(differences)), "cv_accuracy")
    same = len(differences) - higher - lower
    return f"higher in {higher} of {len(differences)} runs, the same in {same} and lower in {lower} (median difference {median}\u00a0points)"


def table(frame: pd.DataFrame, caption: str, name: str, css: str = "") -> None:
    """Show a data frame as a numbered table.

    Parameters
    ----------
    frame : DataFrame of str
    caption : str
    name : str
        Its label, for ``{numref}``.
    css : str
        A class that its looks hang on.
    """
    from IPython.display import display

    if frame.empty:  # a table without rows is no table to LaTeX
        frame = pd.DataFrame(
            [dict.fromkeys(list(frame.columns) or ["not measured yet"], formats.NONE)]
        )
    frame = frame.map(_kept_together)
    aligned = ["right" if _numeric(frame[column]) else "left" for column in frame.columns]
    body = frame.to_markdown(index=False, colalign=aligned, disable_numparse=True)
    sizes = ["longtable"] * _is_long(frame) + ["wide"] * (_width(frame) > _LINE)
    classes = " ".join(filter(None, [css, *sizes]))
    options = f":name: {name}\n:align: center" + (f"\n:class: {classes}" if classes else "")
    columns = _print_columns(frame, aligned)
    markdown = (
        f":::{{tabularcolumns}} {columns}\n:::\n\n:::{{table}} {caption}\n{options}\n\n{body}\n:::"
    )
    display(
        {"text/markdown": markdown, "text/html": _table_in_jupyter(frame, caption, name)}, raw=True
    )
    _glue_origin(f"origin-{name}")


def _table_in_jupyter(frame: pd.DataFrame, caption: str, name: str) -> str:
    """A table as Jupyter shows it; pages are made of the Markdown beside it."""
    body = frame.map(as_html).to_html(index=False, escape=False, border=0, justify="left")
    above = f'<caption style="caption-side: top; text-align: left">{as_html(caption)} (<code>{name}</code>)</caption>'
    return body.replace("<thead>", f"{above}<thead>", 1)


def admonition(title: str, body: str, classes: str) -> str:
    """Write a box in MyST's Markdown."""
    return f":::{{admonition}} {title}\n:class: {classes}\n\n{body}\n:::"


def show_boxes(*boxes: tuple[str, str, str]) -> None:
    """Show boxes, each of a title, a body in Markdown and its classes."""
    from IPython.display import display

    looks = "border-left: 4px solid gray; padding-left: 1em; margin: 1em 0"
    in_jupyter = "".join(
        f'<div style="{looks}"><strong>{as_html(title)}</strong><p>{as_html(body)}</p></div>'
        for title, body, _ in boxes
    ).replace("\n\n", "</p><p>")
    markdown = "\n\n".join(admonition(*box) for box in boxes)
    display({"text/markdown": markdown, "text/html": in_jupyter}, raw=True)


def missing(specs: Sequence[Spec], records: Iterable[Record], chapter: str) -> None:
    """Say which of the runs that a chapter names have no record, and how to make them; say nothing if none is missing."""
    there = {record.spec for record in records}
    absent = [spec for spec in specs if spec not in there]
    if not absent:
        return
    groups = sorted({str(spec.path.parent) for spec in absent})
    listed = "; ".join(
        f"`{group}`: {sum(str(spec.path.parent) == group for spec in absent)}" for group in groups
    )
    body = (
        "What follows rests on those that are. "
        f"`make experiments CHAPTER={chapter}` trains what is missing, and the page then shows it. "
        f"Missing runs, by folder of `results/`:\n\n{listed}."
    )
    title = f"{len(absent)} of the {len(specs)} runs that this chapter names are not measured yet"
    show_boxes((title, body, "warning dropdown"))


def unbroken(text: str) -> str:
    """A sentence in which no line breaks between a number and its unit, or within "n = 3"."""
    return re.sub(r"(?<=\d) (?=%|points?\b)|(?<=\bn) (?==)|(?<=\bn =) ", "\u00a0", text)


def _kept_together(text: str) -> str:
    """Text in which no line breaks within an interval or within "(n = 3)"."""
    return re.sub(r"\[[^\]]*\]|\(n = \d+\)", lambda found: found[0].replace(" ", "\u00a0"), text)


def _is_long(frame: pd.DataFrame) -> bool:
    """Whether a table may be cut at the end of a printed page: one of many rows, or of whole sentences."""
    return len(frame) >= 30 or any(max(_lengths(frame, column)) > 60 for column in frame.columns)


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    """A column's texts as they are shown, with a reference taken as "Table 1.10"."""
    return [
        re.sub(r"\{\w+\}`[^`]*`", "Table 1.10", text).strip("*`")
        for text in (column, *frame[column].astype(str))
    ]


def _lengths(frame: pd.DataFrame, column: str) -> list[int]:
    return [len(text) for text in _texts(frame, column)]


def _width(frame: pd.DataFrame) -> int:
    """How many characters a table is wide if no cell is broken, the space between columns included."""
    return sum(max(_lengths(frame, column)) + 2 for column in frame.columns)


def _print_columns(frame: pd.DataFrame, aligned: Sequence[str]) -> str:
    """The column types of a table in print, for LaTeX."""
    longest = [max(_lengths(frame, column)) for column in frame.columns]
    if not _is_long(frame) and _width(frame) <= _SMALL_LINE:  # all lines stay whole
        return "".join(side[0] for side in aligned)
    if not _is_long(
        frame
    ):  # a short column keeps its lines whole, the others share what width is left
        return "".join(
            side[0] if length <= 14 else side[0].upper()
            for side, length in zip(aligned, longest, strict=True)
        )
    # A table over several pages has no columns that find their own width: each has room for its longest word and for what keeps it from
    # the next one, and what is left of a line goes to those with longer texts.
    words = [
        min(max(max(map(len, text.split()), default=0) for text in _texts(frame, column)), 42) + 4
        for column in frame.columns
    ]
    wishes = [
        max(min(length, 300) + 4 - word, 0) for length, word in zip(longest, words, strict=True)
    ]
    left = max(_SMALL_LINE - sum(words), 0) / max(sum(wishes), 1)
    shares = [word + left * wish for word, wish in zip(words, wishes, strict=True)]
    ragged = {"left": r"\raggedright", "right": r"\raggedleft"}
    return "".join(
        rf">{{{ragged[side]}\arraybackslash}}\Y{{{share / sum(shares):.4f}}}"
        for side, share in zip(aligned, shares, strict=True)
    )


def _numeric(column: pd.Series) -> bool:
    """Whether a column has nothing but numbers, intervals and dashes; "n", "to" and "of" are no words here."""
    return not any(
        re.search(r"[^\W\d_]", re.sub(r"\(n\s=\s\d+\)|\b(to|of|NaN)\b|(?<=\d)e[+-]\d+", "", text))
        for text in column.astype(str)
    )
