"""How a chapter puts its results on the page: numbers glued into the prose, numbered tables, where they come from, and what is not measured yet."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from reluclf import formats
from reluclf.judging import paper
from reluclf.judging.design import BOTH
from reluclf.judging.evidence import measure, pairs, under
from reluclf.judging.statistics import Difference, Estimate, estimate
from reluclf.judging.words import listed
from reluclf.record import Record
from reluclf.showing import figures, input_controls, origins, parameters, tables
from reluclf.spec import Spec

#: Characters on a printed line of a table, roughly.
_LINE = 110


def start() -> None:
    """Set a chapter up: its parameters checked, figures in the book's style, each with the records that it rests on.

    They are SVG; where the book is made for print they are PDF, which ``RELUCLF_FIGURES`` then says.
    """
    from IPython import get_ipython

    shell = get_ipython()
    # Before what the next line registers, which shows the figures of a cell and closes them.
    shell.events.register("post_execute", _glue_origins)
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    parameters.settle(shell.user_ns, shell.user_ns["In"])
    shell.run_line_magic(
        "matplotlib", "inline"
    )  # with what MPLBACKEND may name instead, there would be no figures
    figures.style()
    set_matplotlib_formats(os.environ.get("RELUCLF_FIGURES", "svg"), bbox_inches="tight")


def origin(source: str) -> str:
    """The name under which a cell with this source glues what its figure rests on; that of a table is ``origin-`` and its label."""
    return f"origin-{hashlib.sha256(source.strip().encode()).hexdigest()[:16]}"


def _glue_origins() -> None:
    """Give the builder of the page what the figures of the cell that has run rest on."""
    from IPython import get_ipython

    source = get_ipython().history_manager.input_hist_raw[-1]
    for number in plt.get_fignums():
        _glue_origin(origin(source), origins.of(plt.figure(number)))


def _glue_origin(name: str, rests_on: list[dict[str, str]]) -> None:
    import myst_nb

    myst_nb.glue(name, rests_on, display=False)


def glue(**numbers: str | float | int) -> None:
    """Give texts to the prose, each under its name; underscores become hyphens. The prose takes them up with ``{glue:text}``."""
    import myst_nb

    for name, value in numbers.items():
        myst_nb.glue(name.replace("_", "-"), str(value), display=False)


def glue_results(dataset: str, records: Sequence[Record]) -> None:
    """Glue the accuracies of every network of a data set, the paper's and ours.

    The names are ``<dataset>-<architecture>-<head>-<source>-<what>``, with the source ``paper``, ``as-run`` or ``as-written``, and what is
    ``cv`` (the cross-validation accuracy), ``test`` (the test accuracy), ``last`` (the accuracy on the last fold's validation rows) or ``folds``
    (the lowest and the highest fold); of ours also ``each`` (the test accuracy of every run) and ``lost`` (in how many of them a class is lost).
    ``<dataset>-<architecture>-<head>-rise`` is the rise from fold to fold of the accuracy on validation rows as run, ``-rise-test`` that on
    the test set, ``-rise-leak`` the difference.
    """
    for (of, architecture, head), (_, seen, unseen, difference) in tables.rises(records).items():
        if of == dataset:
            name = f"{dataset}_{architecture}_{head}_rise"
            glue(
                **{
                    name: points(seen),
                    f"{name}_test": points(unseen),
                    f"{name}_leak": points(difference),
                }
            )
    for (of, architecture), head in itertools.product(paper.RESULT_TABLES, paper.HEADS):
        if of != dataset:
            continue
        published = paper.result(dataset, architecture, head)
        name = f"{dataset}_{architecture}_{head}"
        glue(
            **{
                f"{name}_paper_cv": percent(published["cv_accuracy"]),
                f"{name}_paper_test": percent(published["test_accuracy"]),
            }
        )
        for condition in BOTH:
            ours = under(records, condition, dataset, architecture=architecture, head=head)
            source = condition.key
            last = estimate([record.fold_accuracy[-1] for record in ours if record.folds])
            glue(
                **{
                    f"{name}_{source}_cv": percent(measure(ours, "cv_accuracy")),
                    f"{name}_{source}_test": percent(measure(ours, "test_accuracy")),
                    f"{name}_{source}_last": percent(last),
                    f"{name}_{source}_each": _each(ours),
                    f"{name}_{source}_folds": _range_of_folds(ours),
                    f"{name}_{source}_lost": _count([run.test.lost for run in ours]),
                }
            )


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


def glue_inputs(dataset: str, records: Sequence[Record]) -> None:
    """Glue what becomes of the CNN by what it sees, by :mod:`.input_controls`, as ``<dataset>-<reading>``, and ``<dataset>-inputs``."""
    glue(
        **{
            f"{dataset}_{reading}": points(found)
            for reading, found in input_controls.readings(dataset, records).items()
        }
    )
    glue(**{f"{dataset}_inputs": input_controls.answer(dataset, records)})


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


def sides(a: Sequence[Record], b: Sequence[Record]) -> str:
    """How runs paired by seed compare one by one in test accuracy, as prose: in how many the first is higher, the same and lower; and the median."""
    differences = [first.test.accuracy - second.test.accuracy for first, second in pairs(a, b)]
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
        It says on which records it rests; see :func:`reluclf.showing.origins.traced`.
    caption : str
    name : str
        Its label, for ``{numref}``.
    css : str
        A class that its looks hang on.
    """
    from IPython.display import Markdown, display

    _glue_origin(f"origin-{name}", origins.of(frame))
    if frame.empty:  # a table without rows is no table to LaTeX
        frame = pd.DataFrame(
            [dict.fromkeys(list(frame.columns) or ["not measured yet"], formats.NONE)]
        )
    frame = frame.map(_kept_together)
    aligned = ["right" if _numeric(frame[column]) else "left" for column in frame.columns]
    body = frame.to_markdown(index=False, colalign=aligned, disable_numparse=True)
    classes = " ".join(filter(None, [css, "longtable" if _is_long(frame) else ""]))
    options = f":name: {name}\n:align: center" + (f"\n:class: {classes}" if classes else "")
    display(
        Markdown(
            f":::{{tabularcolumns}} {_print_columns(frame, aligned)}\n:::\n\n:::{{table}} {caption}\n{options}\n\n{body}\n:::"
        )
    )


def missing(specs: Sequence[Spec], records: Iterable[Record], chapter: str) -> None:
    """Say which of the runs that a chapter names have no record, and how to make them; say nothing if none is missing."""
    from IPython.display import Markdown, display

    there = {record.spec for record in records}
    absent = [spec for spec in specs if spec not in there]
    if not absent:
        return
    groups = sorted({str(spec.path.parent) for spec in absent})
    listed = "; ".join(
        f"`{group}`: {sum(str(spec.path.parent) == group for spec in absent)}" for group in groups
    )
    display(
        Markdown(
            f":::{{admonition}} {len(absent)} of the {len(specs)} runs that this chapter names are not measured yet\n"
            f":class: warning dropdown\n\n"
            "What follows rests on those that are. "
            f"`make experiments CHAPTER={chapter}` trains what is missing, and the page then shows it. Missing runs, by folder of `results/`:\n\n"
            f"{listed}.\n:::"
        )
    )


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


def _print_columns(frame: pd.DataFrame, aligned: Sequence[str]) -> str:
    """The column types of a table in print, for LaTeX."""
    longest = [max(_lengths(frame, column)) for column in frame.columns]
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
        max(min(length, 120) + 4 - word, 0) for length, word in zip(longest, words, strict=True)
    ]
    left = max(_LINE - sum(words), 0) / max(sum(wishes), 1)
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
