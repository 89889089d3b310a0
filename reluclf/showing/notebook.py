"""How a chapter puts its results on the page: numbers glued into the prose, and numbered tables."""

from __future__ import annotations

import functools
import hashlib
import html
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd

from reluclf import formats, paths
from reluclf.campaign import surroundings
from reluclf.record import Record
from reluclf.showing import figures, origins, parameters
from reluclf.spec import Spec

#: Characters on a printed line of a table, roughly: in its usual type, and in a wide one's small.
_LINE, _SMALL_LINE = 118, 140


def start() -> None:
    """Set a chapter up: parameters checked, figures in the book's style and with their origins.

    Figures are SVG; where the book is made for print ``RELUCLF_FIGURES`` says that they are PDF.
    """
    from IPython import get_ipython

    surroundings.refuse_another_checkout()
    shell = get_ipython()
    if shell is None:
        sys.exit(
            "this is a chapter of the book, which shows its tables and figures in Jupyter; open "
            "its notebook there, or run it with: papermill book/wdbc.ipynb out.ipynb --cwd book"
        )
    # Before what the next line registers, which shows the figures of a cell and closes them.
    shell.events.register("post_execute", _glue_origins)
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    parameters.settle(shell.user_ns, shell.user_ns["In"])
    # With what MPLBACKEND may name instead, there would be no figures.
    shell.run_line_magic("matplotlib", "inline")
    figures.style()
    set_matplotlib_formats(os.environ.get("RELUCLF_FIGURES", "svg"), bbox_inches="tight")
    shell.events.register("post_run_cell", _show_caption)


def origin(source: str) -> str:
    """Name what a cell with this source glues of its figure's origin; a table's has its label."""
    return f"origin-{hashlib.sha256(source.strip().encode()).hexdigest()[:16]}"


def _glue_origins() -> None:
    """Give the builder of the page what the figures of the cell that has run rest on."""
    from IPython import get_ipython

    name = origin(get_ipython().history_manager.input_hist_raw[-1])
    for number in plt.get_fignums():
        figure = plt.figure(number)
        if name in _captions() or origins.known(figure):  # else it is a reader's own
            _glue_origin(name, origins.of(figure))


def _show_caption(result) -> None:
    """Show the caption of the figure of the cell that has run."""
    if caption := _captions().get(origin(result.info.raw_cell)):
        _in_jupyter_only(as_html(caption))


@functools.cache
def _captions() -> dict[str, str]:
    """Read the captions of the chapters' figures in the cells' metadata, by :func:`origin`."""
    cells = [
        cell
        for chapter in paths.chapters()
        for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    ]
    shown = [
        (origin("".join(cell["source"])), cell["metadata"]["mystnb"]["figure"])
        for cell in cells
        if "figure" in cell["metadata"].get("mystnb", {})
    ]
    return {source: f"{figure['caption']} (`{figure['name']}`)" for source, figure in shown}


def _glue_origin(name: str, rests_on: list[dict[str, str]]) -> None:
    import myst_nb

    myst_nb.glue(name, rests_on, display=False)


def glue(**numbers: str | float | int) -> None:
    """Give texts to the prose, which takes each up by its name with ``{glue:text}``.

    In Jupyter the prose shows that role and not its text, so the texts are listed below the cell.
    """
    import myst_nb

    for name, value in numbers.items():
        myst_nb.glue(name, str(value), display=False)
    lines = [f"<code>{name}</code>: {as_html(str(value))}" for name, value in numbers.items()]
    _in_jupyter_only("<br>".join(lines))


def _in_jupyter_only(text: str) -> None:
    """Show HTML where a chapter is run by itself.

    MyST takes an output that is marked so for a glued one, and leaves it out of the page.
    """
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


def glue_some(facts: Mapping[str, str], *names: str) -> None:
    """Glue those of many texts that the prose below takes up, each near its sentence.

    Parameters
    ----------
    facts : mapping of str to str
        As :func:`.prose.accuracies` and :func:`.input_controls.facts` give them.
    *names : str
    """
    glue(**{name: facts[name] for name in names})


def table(frame: pd.DataFrame, caption: str, name: str, css: str = "") -> None:
    """Show a data frame as a numbered table.

    Parameters
    ----------
    frame : DataFrame of str
        It says on which records it rests; see :func:`reluclf.showing.origins.traced`.
    caption : str
    name : str
        Its label, for ``{numref}``.
    css : str
        A class that its looks hang on.
    """
    from IPython.display import display

    _glue_origin(f"origin-{name}", origins.of(frame))
    if frame.empty:  # a table without rows is no table to LaTeX
        frame = pd.DataFrame(
            [dict.fromkeys(list(frame.columns) or ["not measured yet"], formats.NONE)]
        )
    frame = frame.map(lambda value: _kept_together(str(value)))
    aligned = ["right" if _numeric(frame[column]) else "left" for column in frame.columns]
    body = frame.replace(r"\|", r"\\|", regex=True).to_markdown(  # which would end the cell
        index=False, colalign=aligned, disable_numparse=True
    )
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


def _table_in_jupyter(frame: pd.DataFrame, caption: str, name: str) -> str:
    """A table as Jupyter shows it; pages are made of the Markdown beside it."""
    body = frame.map(as_html).to_html(index=False, escape=False, border=0, justify="left")
    text = f"{as_html(caption)} (<code>{name}</code>)"
    above = f'<caption style="caption-side: top; text-align: left">{text}</caption>'
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
    """Say which of the runs that a chapter names have no record, if any, and how to make them."""
    specs = list(dict.fromkeys(specs))
    there = {record.spec for record in records}
    absent = Counter(str(spec.path.parent) for spec in specs if spec not in there)
    if not absent:
        return
    listed = "; ".join(f"`{group}`: {n}" for group, n in sorted(absent.items()))
    title = (
        f"{absent.total()} of the {len(specs)} runs that this chapter names are not measured yet"
    )
    body = (
        f"The page rests on the other runs. `make experiments CHAPTER={chapter}` trains the "
        "missing runs, and the page then shows them. Missing runs, by folder of `results/`:"
        f"\n\n{listed}."
    )
    show_boxes((title, body, "warning dropdown"))


def unbroken(text: str) -> str:
    """A sentence in which no line breaks between a number and its unit, or within "n = 3"."""
    return re.sub(r"(?<=\d) (?=%|points?\b)|(?<=\bn) (?==)|(?<=\bn =) ", "\u00a0", text)


def _kept_together(text: str) -> str:
    """Text in which no line breaks within an interval or within "(n = 3)"."""
    return re.sub(r"\[[^\]]*\]|\(n = \d+\)", lambda found: found[0].replace(" ", "\u00a0"), text)


def _is_long(frame: pd.DataFrame) -> bool:
    """Whether a table may be cut at a page's end: one of many rows, or of whole sentences."""
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
    """Count a table's characters in width if no cell is broken, spaces between columns included."""
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
    # A table over several pages has no columns that find their own width: each has room for its
    # longest word and for what keeps it from the next one, and what is left of a line goes to those
    # with longer texts.
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
    """Whether a column has only numbers, intervals and dashes; "n", "to" and "of" are no words."""
    return not any(
        re.search(r"[^\W\d_]", re.sub(r"\(n\s=\s\d+\)|\b(to|of|NaN)\b|(?<=\d)e[+-]\d+", "", text))
        for text in column.astype(str)
    )
