"""No result is typed into the prose: it is glued from records, or from the paper's numbers in book/paper.yml."""

import ast
import math
import re

import nbformat
import pytest

from reluclf import paths
from reluclf.showing import chapters

#: Numbers that are no results, and may be typed: what was done, what a word means, a mathematical constant.
ALLOWED = {
    "95 %": "the confidence of every interval",
    "70 %": "WDBC's split, in the author's code",
    "30 %": "WDBC's split, in the author's code",
    "5 %": "where the colours of the confusion matrices saturate",
    "20 %": "where those of the difference of WDBC's do",
    "16.118": "-log(1e-7), the largest loss",
    "0.1": "the dropout rate of Table 2",
    "0.2": "the paper's own wording of claim C22",
    "90 %": "the paper's own wording of claim C12",
}

#: A percentage or a decimal fraction; whole numbers count layers, epochs and images.
RESULT = re.compile(r"\d+(?:\.\d+)?\s?%|(?<![\d.:])\d+\.\d+(?!\d|\.\d|:)")


def captions(cell):
    """The caption and the alternative text of a figure, and the texts that are given to :func:`reluclf.showing.notebook.table` and the like."""
    shown = cell.metadata.get("mystnb", {})
    yield shown.get("figure", {}).get("caption", "")
    yield shown.get("image", {}).get("alt", "")
    for call in ast.walk(ast.parse(cell.source)):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in ("table", "ledger")
        ):
            for argument in call.args[1:]:
                yield from (
                    part.value
                    for part in ast.walk(argument)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )


def prose(cell):
    """The text of a markdown cell, or the captions of a code cell, without code, mathematics, roles, links, versions and sections."""
    text = cell.source if cell.cell_type == "markdown" else "\n\n".join(captions(cell))
    named = r"(?:[Ss]ections?|Python|and) [\d.]+"
    for hidden in (
        r"```.*?```",
        r"\{[a-z:]+\}`[^`]*`",
        r"`[^`]*`",
        r"\$\$.*?\$\$",
        r"\$[^$]*\$",
        r"\]\([^)]*\)",
        named,
    ):
        text = re.sub(hidden, " ", text, flags=re.DOTALL)
    return text


@pytest.mark.parametrize("chapter", chapters.names())
def test_no_result_is_typed_into_the_prose(chapter):
    notebook = nbformat.read(paths.BOOK / f"{chapter}.ipynb", as_version=4)
    typed = {found for cell in notebook.cells for found in RESULT.findall(prose(cell))} - set(
        ALLOWED
    )
    assert not typed, f"{chapter} has typed numbers {sorted(typed)}; glue them"


def test_a_typed_result_would_be_found_and_a_glued_one_is_not():
    def cell(source):
        return nbformat.v4.new_markdown_cell(source)

    assert RESULT.findall(prose(cell("It reached 97.8 % on the test set, a loss of 0.2425."))) == [
        "97.8 %",
        "0.2425",
    ]
    table = nbformat.v4.new_code_cell("notebook.table(f(0.1), f'Mean {x} of 97.8 %.', 'tab-x')")
    assert RESULT.findall(prose(table)) == ["97.8 %"]
    assert not RESULT.findall(
        prose(
            cell(
                "It reached {glue:text}`x-97.8` with $p = 0.5$ and `0.3` on Python 3.11, in section 2.5 and 3.3."
            )
        )
    )


def test_what_is_allowed_is_true():
    assert f"{-math.log(1e-7):.3f}" == "16.118"
