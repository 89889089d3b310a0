"""How numbers stand in prose, and tables on a page."""

import re
import types

import matplotlib.pyplot as plt
import myst_nb
import pandas as pd
import pytest
from factory import run
from markdown_it import MarkdownIt

from reluclf import formats, grid
from reluclf.judging.statistics import estimate
from reluclf.showing import notebook, origins, prose


def test_prose_says_percent_interval_and_n_or_that_nothing_is_measured():
    values = (None, 0.98223, estimate([0.9]), estimate([0.9, 0.92, 0.94]))
    assert [prose.percent(value).replace("\u00a0", " ") for value in values] == [
        "(not measured yet)",
        "98.22 %",
        "90.00 % (n = 1)",
        "92.00 % (87.03 to 96.97, n = 3)",
    ]
    scattered = estimate([0.99, 0.99, 0.80])
    assert prose.percent(scattered).endswith(" to 100.00, n\u00a0=\u00a03)")


def test_runs_are_counted_with_a_word_for_nothing():
    assert prose.count([True, False]) == "1 of 2" and prose.count([False]) == "none of 1"
    assert prose.count([]) == formats.NOT_MEASURED


def test_pairs_are_counted_by_which_is_higher():
    a = [
        run("wdbc", "ffnn", "relu", "fresh", seed, hits=hits) for seed, hits in ((1, 0.9), (2, 0.5))
    ]
    b = [run("wdbc", "ffnn", "softmax", "fresh", seed, hits=0.7) for seed in (1, 2, 3)]
    assert prose.sides(a, b).startswith("higher in 1 of 2 runs, the same in 0 and lower in 1 ")
    assert prose.sides([], b) == formats.NOT_MEASURED


def test_the_accuracies_of_a_data_set_have_names_and_a_lost_class_is_one_mostly_wrong():
    runs = [
        run("mnist", "ffnn", "relu", "carried", seed, hits=hits)
        for seed, hits in ((2, 0.4), (1, 0.6))
    ]
    told = prose.accuracies("mnist", runs)
    assert told["mnist_ffnn_relu_as_run_lost"] == "1 of 2"
    assert told["mnist_ffnn_relu_as_run_ends"] == "40.03 to 60.04\u00a0%"
    assert told["mnist_ffnn_relu_as_run_kept"] == "1 of 2"
    assert told["mnist_ffnn_relu_as_run_kept_ends"] == "60.04 to 60.04\u00a0%"
    assert told["mnist_ffnn_relu_as_run_lost_ends"] == "40.03 to 40.03\u00a0%"
    assert told["mnist_ffnn_relu_as_run_folds"] == "40.00 to 60.00\u00a0%"
    assert told["mnist_ffnn_softmax_as_run_ends"] == formats.NOT_MEASURED


def test_a_run_that_is_named_twice_is_missed_once(monkeypatch):
    shown = []
    monkeypatch.setattr(notebook, "show_boxes", shown.append)
    specs = grid(dataset="wdbc", architecture="ffnn", head="relu", protocol="carried", seed=[1, 2])
    notebook.missing([*specs, *specs], [], "wdbc")
    assert shown[0][0] == "2 of the 2 runs that this chapter names are not measured yet"


@pytest.mark.parametrize("columns", [["head", "seeds"], []])
def test_a_table_of_nothing_is_shown_as_a_row_of_dashes(columns, monkeypatch):
    from IPython import display

    shown, glued = [], []
    monkeypatch.setattr(display, "display", lambda data, raw: shown.append(data))
    monkeypatch.setattr(myst_nb, "glue", lambda name, value, display: glued.append((name, value)))
    frame = origins.rests_on(pd.DataFrame(columns=columns))
    notebook.table(frame, "Nothing yet.", "tab-nothing")
    lines = [line for line in shown[0]["text/markdown"].splitlines() if line.startswith("|")]
    assert len(lines) == 3 and set(lines[2].replace("|", "").split()) == {formats.NONE}
    in_jupyter = shown[0]["text/html"]
    assert in_jupyter.count(f"<td>{formats.NONE}</td>") == max(len(columns), 1)
    assert "Nothing yet. (<code>tab-nothing</code>)</caption>" in in_jupyter
    assert glued == [("origin-tab-nothing", [])]


@pytest.mark.parametrize(
    ("column", "numeric"),
    [
        (["1.20 [1.00, 2.00] (n\u00a0=\u00a03)", "–", "+1.2", "−3", "NaN"], True),
        (["1 of 3", "97.75 to 98.04"], True),
        (["40 %, undecided (n\u00a0=\u00a03)", "–"], False),
        (["5 epochs"], False),
    ],
)
def test_a_column_of_nothing_but_numbers_lines_up_at_the_right(column, numeric):
    assert notebook._numeric(pd.Series(column)) == numeric


def test_in_jupyter_a_text_has_no_marks_of_myst():
    text = "**yes**. See {numref}`tab-x`, `a<b` & {doc}`ledger`."
    assert notebook.as_html(text) == (
        "<strong>yes</strong>. See <code>tab-x</code>, <code>a&lt;b</code> &amp; <code>ledger</code>."
    )


@pytest.mark.parametrize(
    ("of_the_book", "known", "glued"),
    [(False, False, 0), (False, True, 1), (True, True, 1), (True, False, None)],
)
def test_a_readers_own_plot_needs_no_records_and_a_chapters_does(
    of_the_book, known, glued, monkeypatch
):
    source = "plt.plot([1, 2, 3])"
    figure = plt.figure()
    shell = types.SimpleNamespace(history_manager=types.SimpleNamespace(input_hist_raw=[source]))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr(
        notebook, "_captions", lambda: {notebook.origin(source): "A plot."} if of_the_book else {}
    )
    given = []
    monkeypatch.setattr(myst_nb, "glue", lambda *named, **_: given.append(named))
    if known:
        origins.rests_on(figure)
    try:
        if glued is None:
            with pytest.raises(ValueError, match="does not say on which records it rests"):
                notebook._glue_origins()
        else:
            notebook._glue_origins()
            assert len(given) == glued
    finally:
        plt.close(figure)


def test_what_is_glued_is_listed_in_jupyter_and_left_out_of_the_page(monkeypatch):
    from IPython import display
    from myst_nb.ext.glue import extract_glue_data_cell
    from nbformat import v4

    outputs = []
    monkeypatch.setattr(
        display,
        "display",
        lambda data, raw, metadata: outputs.append(
            v4.new_output("display_data", data, metadata=metadata)
        ),
    )
    monkeypatch.setattr(myst_nb, "glue", lambda *_, **__: None)
    notebook.glue(x_accuracy="97 %")
    assert "<code>x_accuracy</code>: 97 %" in outputs[0].data["text/html"]
    cell = v4.new_code_cell("", outputs=outputs)
    assert len(extract_glue_data_cell(cell)) == 1 and cell.outputs == []


def test_a_cell_may_have_a_number_or_a_line_that_would_end_it(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    monkeypatch.setattr(myst_nb, "glue", lambda *_, **__: None)
    frame = pd.DataFrame({"name": ["p(x|y)"], "n": [3]})
    notebook.table(origins.rests_on(frame), "A caption.", "tab-x")
    html = MarkdownIt("gfm-like").render(shown[0]["text/markdown"].split("\n\n", 3)[-1][:-4])
    assert re.findall(r"<td[^>]*>(.*?)</td>", html) == ["p(x|y)", "3"]
