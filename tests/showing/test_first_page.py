"""The first page: ten networks in one picture, the headline claims, and few words."""

import io
from datetime import UTC, datetime

import bs4
import numpy as np
import pytest
from factory import SUPPORTS, of_cell, run, whole_design
from test_publication import BOOK, unavailable

from reluclf import formats, paths
from reluclf.judging import paper, words
from reluclf.judging.design import AS_RUN, AS_WRITTEN, BOTH, Cell
from reluclf.judging.evidence import under
from reluclf.judging.status import Status
from reluclf.judging.verdicts import judge
from reluclf.showing import figures, first_page

#: The ten networks, each with its output, from top to bottom.
TEN = [
    (*network, head)
    for network in (*paper.IMAGE_NETWORKS, ("wdbc", "ffnn"))
    for head in paper.HEADS
]

#: As many words as a reader reads before he decides whether to go on.
MOST_WORDS = 480


@pytest.fixture
def runs():
    """Two runs of each of the ten networks under both conditions, no two of them with the same accuracy."""
    shares = iter(np.linspace(0.5, 0.99, 4 * len(TEN)))
    return [
        run(
            dataset,
            architecture,
            head,
            condition.protocol,
            seed,
            hits=next(shares),
            **condition.setting(dataset),
        )
        for dataset, architecture, head in TEN
        for condition in BOTH
        for seed in (1, 2)
    ]


def probed_design():
    """All runs of the design, none of them with a dead output."""
    return whole_design(lambda cell, seed: of_cell(cell, seed, dead=0.0))


def drawn(axes, y):
    """The lines of one row of a panel: those of points, with where they stand, and the tick."""
    near = [
        line
        for line in axes.lines
        if len(line.get_xdata()) and abs(np.mean(line.get_ydata()) - y) < 0.5
    ]
    points = {line.get_marker(): line for line in near if line.get_marker() in ("o", "D")}
    (tick,) = [line for line in near if line.get_marker() not in ("o", "D")]
    return points, tick


def test_the_picture_draws_every_run_of_all_ten_networks_and_the_papers_as_a_tick(runs):
    images, wdbc = first_page.picture(runs).axes
    rows = [(images, y) for y in range(8)] + [(wdbc, y) for y in range(2)]
    for (dataset, architecture, head), (axes, y) in zip(TEN, rows, strict=True):
        assert axes.get_yticklabels()[y].get_text() == paper.title(dataset, architecture, head)
        points, tick = drawn(axes, y)
        assert set(tick.get_xdata()) == {
            100 * paper.result(dataset, architecture, head)["test_accuracy"]
        }
        for condition, marker in ((AS_RUN, "o"), (AS_WRITTEN, "D")):
            ours = under(runs, condition, dataset, architecture=architecture, head=head)
            assert len(ours) == 2
            assert points[marker].get_xdata() == pytest.approx(
                sorted(100 * one.test.accuracy for one in ours)
            )
            assert points[marker].get_color() == figures.COLOURS[head]
        assert points["o"].get_markerfacecolor() != points["D"].get_markerfacecolor() == "white"


def test_the_committed_picture_of_the_readme_has_a_mark_for_every_run(everything):
    figures.style()
    drawn = io.StringIO()
    records = [run for run in everything if run.spec.samples is None and run.spec.epochs == 32]
    first_page.picture(records).savefig(drawn, format="svg")
    file = paths.BOOK / "_static" / "networks.svg"
    marks = [text.count("<use ") for text in (drawn.getvalue(), file.read_text("utf-8"))]
    assert marks[0] == marks[1] > 0, "draw it anew: python -m reluclf picture"


def test_the_picture_says_what_its_marks_mean(runs):
    (legend,) = first_page.picture(runs).legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "the paper's run",
        "ours, as run",
        "ours, as written",
    ]


def test_of_many_runs_some_are_drawn_the_lowest_and_the_highest_among_them():
    many = [
        run("wdbc", "ffnn", "relu", "fresh", seed, hits=0.5 + seed / 200) for seed in range(1, 91)
    ]
    points, _ = drawn(first_page.picture(many).axes[1], 1)
    accuracy = [100 * one.test.accuracy for one in many]
    assert len(points["D"].get_xdata()) == first_page._MOST_POINTS
    assert (min(points["D"].get_xdata()), max(points["D"].get_xdata())) == (
        min(accuracy),
        max(accuracy),
    )


def test_without_runs_the_papers_ticks_are_drawn_alone():
    images, wdbc = first_page.picture([]).axes
    assert [len(drawn(axes, y)[0]) for axes, n in ((images, 8), (wdbc, 2)) for y in range(n)] == [
        0
    ] * 10


def test_the_headlines_are_claims_with_the_status_of_every_answer():
    verdicts = {verdict.id: verdict for verdict in judge(probed_design())}
    frame = first_page.headlines(list(verdicts.values()))
    assert frame["the paper's claim"].str.extract(r"\((C\d\d)\)$")[0].tolist() == list(
        words.contents()["headlines"]
    )
    for (_, row), key in zip(frame.iterrows(), words.contents()["headlines"], strict=True):
        answers = (verdicts[key].own, verdicts[key].as_run, verdicts[key].as_written)
        assert row.tolist()[1:] == [
            str(answer.status) if answer else formats.NONE for answer in answers
        ]
        assert all(Status(status).given for status in row.tolist()[2:] if status != formats.NONE)


def test_a_headline_that_waits_says_for_how_many_runs():
    made = [one for one in probed_design() if one.spec.seed < 3]
    frame = first_page.headlines(judge(made)).set_index("the paper's claim")
    (line,) = [row for claim, row in frame.iterrows() if claim.endswith("(C09)")]
    assert line["run again, as run"].startswith("waiting: 2 of ")
    nothing = first_page.headlines(judge([])).set_index("the paper's claim")
    for claim, row in nothing.iterrows():
        asked = [text for text in row.tolist()[1:] if text != formats.NONE]
        assert asked, claim
        assert all(text.startswith("waiting: 0 of ") for text in asked), claim


def test_the_numbers_of_the_page_are_means_and_ends_of_the_runs():
    hits = {"softmax": (0.98, 0.99), "relu": (0.3, 0.9)}
    made = [
        run("mnist", "cnn", head, "fresh", seed, hits=share)
        for head, both in hits.items()
        for seed, share in enumerate(both, start=1)
    ]
    made += [
        run("mnist", "cnn", "relu", "fresh", seed, hits=share, clipnorm=1.0)
        for seed, share in ((1, 0.97), (2, 0.99))
    ]
    made += [
        run("wdbc", "ffnn", head, "fresh", seed, hits=share)
        for head, share in (("softmax", 0.96), ("relu", 0.92))
        for seed in (1, 2)
    ]
    made += [
        run("mnist", "cnn", head, "carried", 1, hits=0.2) for head in paper.HEADS
    ]  # as run: in none of these numbers
    numbers = first_page.numbers(made)

    def mean(head, dataset="mnist", **setting):
        chosen = [
            one
            for one in made
            if one.spec.protocol == "fresh"
            and one.spec.dataset == dataset
            and one.spec.head == head
            and one.spec.setting == setting
        ]
        return f"{100 * np.mean([one.test.accuracy for one in chosen]):.0f}\u00a0%"

    assert (numbers["index_softmax"], numbers["index_relu"]) == (mean("softmax"), mean("relu"))
    assert numbers["index_clipped"] == mean("relu", clipnorm=1.0)
    assert len({numbers[name] for name in ("index_softmax", "index_relu", "index_clipped")}) == 3
    assert (numbers["index_wdbc_relu"], numbers["index_wdbc_softmax"]) == (
        mean("relu", "wdbc"),
        mean("softmax", "wdbc"),
    )
    assert (numbers["index_worst"], numbers["index_relu_runs"]) == ("30 to 90\u00a0%", "2")


def test_numbers_that_no_run_gives_are_said_to_be_not_measured():
    numbers = first_page.numbers([])
    assert {
        numbers[f"index_{name}"] for name in ("softmax", "relu", "clipped", "worst", "cnn_ends")
    } == {formats.NOT_MEASURED}
    assert (numbers["index_lost"], numbers["index_lost_and_dead"]) == ("0", "0")
    assert numbers["index_ffnn_runs"] == "0"


def test_the_ffnns_that_keep_every_class_are_compared_with_softmax():
    lost = [0, *(round(0.9 * n) for n in SUPPORTS["mnist"][1:])]
    relu, softmax = (Cell("mnist", "ffnn", head, "as run") for head in ("relu", "softmax"))
    made = [of_cell(relu, 1, lost), of_cell(relu, 2, 0.94), of_cell(relu, 3, 0.96)]
    made += [of_cell(softmax, seed, 0.98) for seed in (1, 2)]
    numbers = first_page.numbers(made)
    assert numbers["index_kept"] == "2 of 3"
    kept, level = (np.mean([run.test.accuracy for run in part]) for part in (made[1:3], made[3:]))
    assert 0 <= float(numbers["index_level"]) - 100 * abs(kept - level) < 0.1
    assert first_page.numbers(made[:1])["index_level"] == formats.NOT_MEASURED


def test_the_runs_that_lose_a_class_are_counted_with_those_that_have_a_dead_output():
    cell = Cell("mnist", "ffnn", "relu", "as written")
    lost = [0, *(round(0.9 * n) for n in SUPPORTS["mnist"][1:])]
    made = [of_cell(cell, seed, lost, dead=1.0) for seed in (2, 3)]
    made += [of_cell(cell, 4, lost, dead=0.0)]
    made += [of_cell(cell, seed, 0.9, dead=0.0) for seed in (5, 6, 7, 8)]
    numbers = first_page.numbers(made)
    assert (numbers["index_lost"], numbers["index_lost_and_dead"]) == ("3", "2")
    assert numbers["index_ffnn_runs"] == "7"


def test_the_certificate_has_the_runs_hours_machines_and_dates_of_the_records(runs):
    later = runs[0].provenance.model_copy(
        update={
            "started": datetime(2026, 2, 3, tzinfo=UTC),
            "device": "GPU, another",
            "seconds": 3600.0,
        }
    )
    lines = first_page.certificate(
        [runs[0].model_copy(update={"provenance": later}), *runs[1:]], "abcdef0123", "3 others"
    ).set_index("what")["the book"]
    assert lines["training runs"] == str(len(runs)) and lines["their hours of training"] == "1"
    assert (
        lines["their machines"] == "1 kind of CPU; GPU, another"
        and lines["they were made"] == "01 January 2026 to 03 February 2026"
    )
    assert lines["pages built at commit"] == "abcdef0"
    assert lines["runs beside them"] == "3 others"
    told = first_page.certificate([], "", "3 others").set_index("what")["the book"]
    assert told["they were made"] == told["pages built at commit"] == formats.NONE


@pytest.fixture(scope="module")
def article():
    """The built first page, without its navigation."""
    if not (BOOK / "book" / "index.html").is_file():
        unavailable(f"there is no book at {BOOK}: run make book, or set RELUCLF_BOOK")
    page = bs4.BeautifulSoup(
        (BOOK / "book" / "index.html").read_text(encoding="utf-8"), "html.parser"
    )
    return page.select_one("article.bd-article")


def test_the_page_shows_its_picture_two_tables_and_no_code(article):
    assert not article.select("div.cell_input, div.highlight, details.hide")
    assert [figure["id"] for figure in article.select("figure[id]")] == ["fig-index-networks"]
    assert [table["id"] for table in article.select("table[id]")] == [
        "tab-index-headlines",
        "tab-index-certificate",
    ]
    assert len(article.select("#tab-index-headlines tbody tr")) == len(
        words.contents()["headlines"]
    )


def test_the_page_has_few_words(article):
    copy = bs4.BeautifulSoup(str(article), "html.parser")
    for beside in copy.select("table, figcaption, .headerlink, details, script"):
        beside.decompose()
    words = [
        word for word in copy.get_text(" ").split() if any(letter.isalnum() for letter in word)
    ]
    assert len(words) <= MOST_WORDS
    assert len(words) > MOST_WORDS / 2, "or was the wrong part of the page counted?"
