"""What is published: the pages as a browser shows them, and the PDF. Both are built before (``make book``, ``make pdf``)."""

from __future__ import annotations

import contextlib
import functools
import getpass
import gzip
import http.server
import importlib.resources
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import threading
import zlib
from pathlib import Path

import bs4
import PIL.Image
import pytest
import yaml

from reluclf import paths
from reluclf.judging import items
from reluclf.showing import chapters

BOOK = Path(os.environ.get("RELUCLF_BOOK") or paths.ROOT / "_build" / "html")
PDF = Path(
    os.environ.get("RELUCLF_PDF") or paths.ROOT / "_build" / "pdf" / "relu-at-the-output.pdf"
)
ON_FAILURE = paths.ROOT / "_build" / "screenshots"

READING_ORDER = re.findall(r"book/(\w+)", (paths.ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [*(f"book/{name}" for name in READING_ORDER), "search", "genindex"]
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
#: What axe is asked: the rules of WCAG 2.2, levels A and AA.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def unavailable(reason):
    """Skip; on CI, where everything is to be had, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def book():
    """The folder of the built pages."""
    if not (BOOK / "index.html").is_file():
        unavailable(f"there is no book at {BOOK}: run make book, or set RELUCLF_BOOK")
    return BOOK


@pytest.fixture(scope="session")
def address(book):
    """Where a server on this machine serves the pages."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(book))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium or Chrome that is installed."""
    driver = pytest.importorskip(
        "playwright.sync_api", reason="the package playwright is not installed"
    )
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with driver.sync_playwright() as playwright:
        try:
            # Its sandbox does not start as root, as in containers; it opens no page but the book's.
            opened = playwright.chromium.launch(
                executable_path=found,
                channel=None if found else "chrome",
                chromium_sandbox=False,
                args=[
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                ],
            )
        except driver.Error as error:
            unavailable(
                f"no browser could be started ({str(error).splitlines()[0]}): install Chromium or Chrome"
            )
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, address, request):
    """Opens a page in a new window and collects what goes wrong there; its picture is kept if the test fails."""
    contexts = []

    def open_page(name, width=1440, theme="light", **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.wrong = []
        page.on(
            "console",
            lambda message: page.wrong.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                page.wrong.append(f"asks for {asked.url}")
                if not asked.url.startswith((address, "data:"))
                else None
            ),
        )
        page.on(
            "response",
            lambda answer: (
                page.wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
            ),
        )
        page.goto(f"{address}/{name}", wait_until="networkidle")
        return page

    failed = request.session.testsfailed
    yield open_page
    if request.session.testsfailed > failed:
        ON_FAILURE.mkdir(parents=True, exist_ok=True)
        for number, context in enumerate(contexts):
            context.pages[0].screenshot(
                path=ON_FAILURE / f"{re.sub('[^a-z0-9-]+', '-', request.node.name)}-{number}.png",
                full_page=True,
            )
    for context in contexts:
        context.close()


def test_the_page_of_the_package_fits_a_window_enlarged_four_times(visit):
    page = visit("book/api.html", 320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


# What fits depends on the width, and contrast on the theme: two of the four pairs have all of it.
@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_fits_its_window_and_is_accessible(visit, name, width, theme):
    page = visit(f"{name}.html", width, theme)
    page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")
    page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
    assert not page.evaluate(
        "[...document.images].filter(i => !i.complete || !i.naturalWidth || !i.alt).map(i => i.src)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not page.wrong  # before axe, which asks for files itself
    page.evaluate(
        importlib.resources.files("axe_playwright_python")
        .joinpath("axe.min.js")
        .read_text(encoding="utf-8")
    )
    # The page of all functions has the same markup in every module, and axe takes minutes for all of
    # them: the first ten stand for it.
    page.evaluate(
        "document.querySelectorAll('.bd-article > section > section:nth-of-type(n + 11)')"
        ".forEach(module => location.pathname.endsWith('/api.html') && module.remove())"
    )
    found = page.evaluate("rules => axe.run({runOnly: rules})", WCAG)["violations"]
    assert not [
        (rule["id"], rule["nodes"][0]["html"])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("width", "said"), [(390, True), (1440, False)])
def test_a_table_and_a_figure_that_scroll_say_so_and_others_do_not(visit, width, said):
    page = visit("book/mnist.html", width)
    for box in (
        page.locator(".pst-scrollable-table-container").first,
        page.locator("figure").first,
    ):
        wider, content = box.evaluate(
            "b => [b.scrollWidth > b.clientWidth + 2, getComputedStyle(b, '::before').content]"
        )
        assert wider == said == content.startswith('"scroll')


def test_formulas_are_drawn_without_a_script(visit):
    page = visit("book/method.html")
    heights = page.evaluate(
        "[...document.querySelectorAll('p.math math')].map(m => m.getBoundingClientRect().height)"
    )
    assert len(heights) == len(page.query_selector_all("p.math")) > 0 and min(heights) > 15
    assert "\\" not in "".join(
        page.evaluate("[...document.querySelectorAll('math')].map(m => m.textContent)")
    )


@pytest.mark.parametrize(
    ("words", "chapter"),
    [
        ("confusion matrix", "MNIST"),
        ("gradient by the formula, by automatic differentiation", "Why"),
        ("provenance", "Appendices"),
        ("McNemar", "WDBC"),
    ],
)
def test_the_search_finds_words_of_the_text_and_of_captions(visit, words, chapter):
    page = visit(f"search.html?q={words.replace(' ', '+')}")
    page.locator("#search-results li a", has_text=chapter).first.wait_for()


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("Table 2.1", "book/mnist.html#tab-mnist-ffnn"),
        ("Figure 2.1", "book/mnist.html#fig-mnist-paper-2"),
    ],
)
def test_the_search_finds_a_table_and_a_figure_by_number(visit, number, place):
    page = visit(f"search.html?q={number.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a")
    assert (
        place
        in page.eval_on_selector_all(
            "#search-results li a", "links => links.map(a => a.getAttribute('href'))"
        )[0]
    )


@pytest.mark.parametrize("word", ["softmax", "dead"])
def test_the_search_names_chapters_before_the_package_and_marks_the_word(visit, word):
    page = visit(f"search.html?q={word}")
    page.wait_for_selector("#search-results li a[href*='api.html']")
    found = page.eval_on_selector_all(
        "#search-results li a", "links => links.map(a => a.getAttribute('href'))"
    )
    places = ["api.html" in place for place in found]
    assert places == sorted(places) and not places[0]
    page.locator("#search-results li a").first.click()
    page.wait_for_selector(".bd-article span.highlighted", state="attached")


def test_the_search_says_when_nothing_is_found(visit):
    page = visit("search.html?q=xyzzyplugh")
    page.wait_for_function(
        "document.querySelector('#search-results').textContent.includes('did not match')"
    )


def test_code_can_be_copied(visit):
    page = visit("book/method.html", permissions=["clipboard-read", "clipboard-write"])
    code = page.locator("div.highlight:visible", has=page.locator("button.copybtn")).first
    code.hover()
    code.locator("button.copybtn").click()
    assert (
        page.evaluate("navigator.clipboard.readText()").strip()
        == code.locator("pre").inner_text().strip()
        != ""
    )


def test_a_table_that_is_copied_fits_a_spreadsheet(visit):
    page = visit("book/mnist.html", permissions=["clipboard-read", "clipboard-write"])
    table = page.locator("table:visible", has_text="−").first
    rows = table.evaluate(
        "table => [...table.rows].map(row => [...row.cells].map(cell => cell.textContent))"
    )

    def copied(element):
        element.evaluate("element => getSelection().selectAllChildren(element)")
        page.evaluate("document.execCommand('copy')")
        return page.evaluate("navigator.clipboard.readText()")

    expected = [[" ".join(cell.split()).replace("−", "-") for cell in row] for row in rows]
    assert [line.split("\t") for line in copied(table).splitlines()] == expected
    assert copied(table.locator("td", has_text="−").first).startswith("-")
    paragraph = page.locator(".bd-article section > p:visible", has_text="−").first
    assert "−" in copied(paragraph)


def test_a_ledger_can_be_narrowed_to_one_verdict_by_keyboard(visit):
    page = visit("book/ledger.html")
    tables, choices = (
        page.locator("table.ledger"),
        page.get_by_label("As run, or by text and code:"),
    )
    assert tables.count() == choices.count() == 4
    rows, choice = tables.nth(2).locator("tbody tr"), choices.nth(2)
    others = tables.first.locator("tbody tr >> visible=true").count()
    total = rows.count()
    choice.focus()
    page.keyboard.press("ArrowDown")
    verdict = choice.input_value()
    shown = rows.locator("visible=true")
    assert 0 < shown.count() < total
    assert set(shown.locator("td:nth-child(4) strong.verdict").all_inner_texts()) == {verdict}
    told = page.locator(".ledger-choice output").nth(2).inner_text()
    assert told == f"{shown.count()} of {total} shown"
    assert tables.first.locator("tbody tr >> visible=true").count() == others
    choice.select_option("")
    assert shown.count() == total


def narrowed(page):
    """Choose one verdict above the claims' ledger; return its table, and how many rows are shown."""
    table = page.locator("table.ledger").nth(2)
    page.locator(".ledger-choice select").nth(2).select_option(index=2)
    shown = table.locator("tbody tr >> visible=true").count()
    assert 0 < shown < table.locator("tbody tr").count()
    return table, shown


def test_of_a_narrowed_ledger_the_rows_that_are_shown_are_copied_with_their_identifiers(visit):
    page = visit("book/ledger.html", permissions=["clipboard-read", "clipboard-write"])
    table, shown = narrowed(page)
    table.evaluate("element => getSelection().selectAllChildren(element)")
    page.evaluate("document.execCommand('copy')")
    _, *rows = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(rows) == shown
    assert all(re.fullmatch(r"[A-Z]\d+", row.split("\t")[0]) for row in rows)


def test_a_power_is_copied_as_one_and_no_date(visit):
    page = visit("book/method.html", permissions=["clipboard-read", "clipboard-write"])
    power = page.locator("td:visible", has=page.locator("msup")).first
    power.evaluate("element => getSelection().selectAllChildren(element)")
    page.evaluate("document.execCommand('copy')")
    assert re.search(r"10\^-\d", page.evaluate("navigator.clipboard.readText()"))


def test_on_paper_a_ledger_has_all_its_rows_whatever_is_chosen(visit):
    page = visit("book/ledger.html")
    table, _ = narrowed(page)
    page.emulate_media(media="print")
    rows = table.locator("tbody tr")
    assert rows.locator("visible=true").count() == rows.count()


@pytest.mark.parametrize(
    ("name", "control"),
    [("book/ledger.html", ".ledger-choice select"), ("book/why.html", ".spike input")],
)
def test_after_going_back_a_control_says_what_is_shown(visit, name, control):
    """A browser gives a control the value that it had, and scripts do not hear of it."""
    page = visit(name)
    of_a_new_page = page.locator(control).first.input_value()
    page.locator(control).first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator(control).first.input_value() != of_a_new_page
    page.goto(page.url.replace(name, "book/cite.html"))
    page.go_back()
    assert page.locator(control).first.input_value() == of_a_new_page


def test_a_choice_above_a_ledger_counts_the_answers_that_it_shows(visit):
    page = visit("book/ledger.html")
    for i in range(4):
        rows = page.locator("table.ledger").nth(i).locator("tbody tr >> visible=true")
        choice = page.locator(".ledger-choice select").nth(i)
        for option in choice.locator("option").all():
            choice.select_option(option.get_attribute("value"))
            assert re.search(r"\((\d+)\)$", option.inner_text())[1] == str(rows.count())


#: What a browser's translation makes of a page.
TRANSLATION = """
const texts = [], walker = document.createTreeWalker(document.querySelector('article'), NodeFilter.SHOW_TEXT);
while (walker.nextNode()) if (!walker.currentNode.parentElement.closest('script, style, .notranslate')) texts.push(walker.currentNode);
for (const text of texts) {
  const font = document.createElement('font');
  font.textContent = text.data.toUpperCase() + '!';
  text.replaceWith(font);
}
"""


def test_a_ledger_can_be_narrowed_after_a_browser_has_translated_it(visit):
    page = visit("book/ledger.html")
    page.evaluate(TRANSLATION)
    assert "THE PAPER SAYS!" in page.locator("table.ledger thead").first.inner_text()
    narrowed(page)


#: A browser that does not hold what its window shows when the page above it grows, as Safari.
UNHELD = """
const supports = CSS.supports.bind(CSS);
CSS.supports = (...asked) => !asked.join().includes('overflow-anchor') && supports(...asked);
addEventListener('DOMContentLoaded', () => {
  const style = document.createElement('style');
  style.textContent = '* { overflow-anchor: none !important }';
  document.head.append(style);
});
"""


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize(
    ("width", "place"),
    [
        (1200, "wdbc.html#tab-wdbc-deaths"),
        (390, "wdbc.html#tab-wdbc-deaths"),
        (390, "why.html#when-all-outputs-are-zero"),
        (390, "ledger.html#tab-ledger-numbers"),
    ],
)
def test_an_address_leads_to_what_it_names(browser, address, width, place, held):
    page = browser.new_page(viewport={"width": width, "height": 800})
    if not held:
        page.add_init_script(UNHELD)
    page.goto(f"{address}/book/{place}")
    page.wait_for_function("document.readyState === 'complete'")
    page.wait_for_timeout(300)
    top = page.evaluate(
        "document.getElementById(location.hash.slice(1)).getBoundingClientRect().top"
    )
    assert 30 < top < 110  # just below the bar at the top
    page.close()


def test_the_figure_of_a_spike_has_letters_of_the_readers_size(browser, address):
    page = browser.new_page(viewport={"width": 1900, "height": 900})
    page.goto(f"{address}/book/why.html")
    page.evaluate("document.documentElement.style.setProperty('font-size', '32px', 'important')")
    page.evaluate("dispatchEvent(new Event('resize'))")
    text = page.locator(".spike svg text").first
    assert text.evaluate("one => getComputedStyle(one).fontSize") == "24px"
    boxes = [one.bounding_box() for one in page.locator(".spike svg text").all()]
    drawing = page.locator(".spike svg").bounding_box()
    for box in boxes:
        assert drawing["x"] <= box["x"] + 1
        assert box["x"] + box["width"] <= drawing["x"] + drawing["width"] + 1
        assert box["y"] + box["height"] <= drawing["y"] + drawing["height"] + 1
    page.close()


#: A browser whose user lets no page keep anything.
FORBIDDEN = """
for (const name of ['localStorage', 'sessionStorage'])
  Object.defineProperty(window, name, {
    configurable: true,
    get() { throw new DOMException('denied', 'SecurityError'); },
  });
"""


def test_where_a_page_may_keep_nothing_the_search_and_the_switch_of_themes_work(browser, address):
    page = browser.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.add_init_script(FORBIDDEN)
    page.goto(f"{address}/search.html?q=spike")
    page.wait_for_selector("#search-results li")
    page.goto(f"{address}/book/why.html")
    before = page.evaluate("document.documentElement.dataset.mode")
    page.locator("button.theme-switch-button >> visible=true").first.click()
    assert page.evaluate("document.documentElement.dataset.mode") != before
    assert not wrong
    page.close()


def test_views_for_reading_keep_numbered_formulas(book):
    """They leave out a short div that holds a link, as the one at a formula's number."""
    page = (book / "book" / "method.html").read_text(encoding="utf-8")
    numbers = bs4.BeautifulSoup(page, "html.parser").select(".math .eqno")
    assert len(numbers) > 2
    assert {number.parent.name for number in numbers} == {"p"}


def test_on_a_phone_a_ledgers_row_is_a_card_with_every_answer_under_its_question(visit):
    page = visit("book/ledger.html", 390)
    asked = ("in its own numbers", "as run, or by text and code", "as written")
    for row in page.locator("table.ledger tbody tr").all():
        cells = row.locator("th, td")
        boxes = [cells.nth(i).bounding_box() for i in range(cells.count())]
        assert len(boxes) == 6
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
        item, *texts, evidence = boxes
        assert item["y"] == evidence["y"] and item["x"] + item["width"] <= evidence["x"] + 1
        for above, below in itertools.pairwise((item, *texts)):
            assert above["y"] + above["height"] <= below["y"] + 1
        for i, words in enumerate(asked, start=2):
            content = cells.nth(i).evaluate("cell => getComputedStyle(cell, '::before').content")
            assert content == f'"{words}"'


def test_without_scripts_a_ledger_is_a_whole_table(visit):
    page = visit("book/ledger.html", java_script_enabled=False)
    assert page.locator("table.ledger tbody tr >> visible=true").count() == len(items.items())
    assert not page.locator(".ledger-choice").count()


# The first page shows no code; what its pictures draw, the chapters have with where it comes from.
@pytest.mark.parametrize("name", [name for name in READING_ORDER if name != "index"])
def test_every_numbered_table_and_figure_says_one_click_away_where_it_comes_from(visit, name):
    page = visit(f"book/{name}.html")
    numbered = page.locator(".cell_output :is(table[id^='tab-'], figure[id^='fig-'])")
    assert numbered.count() == page.locator("details.origin").count()
    for i in range(numbered.count()):
        below = numbered.nth(i).locator("xpath=(following::details)[1]")
        assert below.get_attribute("class") == "origin"
        below.locator("summary").click()
        text = below.inner_text()
        assert "Made by reluclf." in text and f"book/{name}.ipynb" in text
        folders = re.findall(r"results/[^\s:]+?(?=, seeds? )", text)
        assert all((paths.ROOT / folder).is_dir() for folder in folders)
        measured = re.findall(r"rests on (results/[\w-]+\.jsonl?)", text)
        assert all((paths.ROOT / file).is_file() for file in measured)
        assert folders or measured or "rests on no record" in text


def test_every_verdict_links_to_its_rule_and_to_a_report_of_an_error(visit):
    page = visit("book/mnist.html")
    boxes = page.locator(".admonition.verdict")
    if not page.locator("a[href*='/issues']").count():
        pytest.skip(
            "this book was built without RELUCLF_REPOSITORY, so its pages do not know the repository"
        )
    for i in range(boxes.count()):
        rule, report = boxes.nth(i).locator(".report a").all()
        assert re.search(
            r"/(reluclf/judging/\w+\.py|book/verdicts\.yml)#L\d+$", rule.get_attribute("href")
        )
        identifier = re.search(r"Verdict\+on\+(\w+)$", report.get_attribute("href"))[1]
        assert report.get_attribute("aria-label").endswith(identifier)
    assert (
        page.locator("table.ledger tbody tr").count()
        == page.locator("table.ledger .report a").count()
    )
    assert page.locator(
        "a[href*='colab.research.google.com'][href$='/blob/notebooks/mnist.ipynb']"
    ).count()
    assert page.locator("a[href*='mybinder.org'][href$='book/mnist.ipynb']").count()


def test_a_page_loads_little(visit, address, book):
    for name, limit in [("index", 500_000), *((name, 1_500_000) for name in PAGES)]:
        page, files = visit("search.html"), set()
        page.on(
            "response",
            lambda answer, files=files: files.add(
                answer.url.removeprefix(address).split("?")[0].strip("/")
            ),
        )
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
        # As most servers send them: text in gzip, fonts as they are.
        sent = {file: (book / file).read_bytes() for file in files if (book / file).is_file()}
        assert (
            sum(
                len(data if file.endswith(".woff2") else gzip.compress(data))
                for file, data in sent.items()
            )
            < limit
        ), name


def test_every_table_has_header_cells_and_every_numbered_one_a_caption(book):
    for name in chapters.names():
        page = (book / "book" / f"{name}.html").read_text(encoding="utf-8")
        tables = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)
        assert all("<th" in table for table in tables)
        assert all("<caption" in table for table in tables if 'id="tab-' in table)


def test_every_table_names_its_columns_and_rows_to_a_screen_reader(book):
    for name in chapters.names():
        page = (book / "book" / f"{name}.html").read_text(encoding="utf-8")
        for table in bs4.BeautifulSoup(page, "html.parser").select("table.table"):
            head, *rows = table.select("tr")
            for cell in head.find_all(True, recursive=False):
                assert cell.get("scope") == ("col" if cell.text.strip() else None), (name, head)
            for row in rows:
                named, *cells = row.find_all(True, recursive=False)
                assert (named.name, named.get("scope")) == ("th", "row"), (name, row)
                assert all(cell.name == "td" for cell in cells)


def test_every_pages_title_is_its_own_and_names_the_book_once(book):
    titles = [
        re.search("<title>(.*?)</title>", page.read_text(encoding="utf-8"))[1]
        for page in (book / "book").glob("*.html")
    ]
    assert len(set(titles)) == len(titles) > 10
    assert all(title.count("ReLU at the Output") == 1 for title in titles), titles


def test_every_interval_in_a_table_holds_its_estimate(book):
    cell = re.compile(r"([−+]?[\d.,]+)\s\[([−+]?[\d.,]+),\s([−+]?[\d.,]+)\]")
    found = [
        numbers
        for name in chapters.names()
        for numbers in cell.findall((book / "book" / f"{name}.html").read_text(encoding="utf-8"))
    ]
    assert len(found) > 100
    for numbers in found:
        estimate, low, high = (
            float(number.replace("−", "-").replace(",", "")) for number in numbers
        )
        assert low <= estimate <= high, numbers


def test_what_is_published_tells_nothing_of_the_machine_it_was_built_on(book, printed):
    told = [
        str(paths.ROOT),
        str(Path.home()) + os.sep,
        f"/home/{getpass.getuser()}",
        tempfile.gettempdir() + os.sep,
    ]
    for file in (
        file
        for kind in ("html", "js", "json", "csv", "ipynb", "svg")
        for file in book.rglob(f"*.{kind}")
    ):
        assert not [word for word in told if word in file.read_text(encoding="utf-8")], file
    assert not [word for word in told if word.encode() in PDF.read_bytes()]
    assert not [word for word in told if word in printed]


# The PDF ---------------------------------------------------------------------------------------------------------------------------------------


def plain(text):
    """Text without what differs between a page and print: spaces, hyphens and quotation marks."""
    return re.sub(r"[\s\u00ad\u200b‐-]+|[‘’“”\"'`]", "", text)


def text_of(file, *options):
    """The text of a PDF."""
    command = ["pdftotext", *options, "-enc", "UTF-8", str(file), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8")


@pytest.fixture(scope="session")
def printed():
    """The PDF's text, line by line as it is laid out."""
    if not PDF.is_file():
        unavailable(f"there is no PDF at {PDF}: run make pdf, or set RELUCLF_PDF")
    if not shutil.which("pdftotext"):
        unavailable("pdftotext is not installed: it is in poppler-utils")
    return text_of(PDF, "-layout")


def parts(book, name):
    """A page, as a tree of which what is on the pages only has been cut; and the parts that were cut."""
    config = yaml.safe_load((paths.ROOT / "_config.yml").read_text(encoding="utf-8"))
    html = (book / "book" / f"{name}.html").read_text(encoding="utf-8")
    page = bs4.BeautifulSoup(html, "html.parser")
    cut = []
    for label in config["sphinx"]["config"]["web_only"].get(name, []):
        part = page.find(id=label)
        cut.append((part.find_parent("section") if part.name == "span" else part).extract())
    return page, cut


def captions(tree, kind):
    """The captions of a kind, "Table" or "Fig.", in the order of a page or part, each as (number, text)."""
    found = []
    for number in tree.find_all("span", class_="caption-number"):
        if number.text.startswith(kind):
            text = number.find_next("span", class_="caption-text").text
            found.append((number.text.removeprefix(kind).strip(), text))
    return found


def test_the_pdf_has_the_chapters_in_order_with_the_pages_numbers(book, printed):
    starts = []
    for name in READING_ORDER[1:]:
        title = parts(book, name)[0].select_one(".bd-article h1")
        if title:  # else the whole page is left to the web
            number, text = title.find("span").text.strip(" ."), title.find("span").next_sibling
            heading = rf"^\s*{number}\s+{re.escape(text.strip())}$"
            starts.append(re.search(heading, printed, re.MULTILINE))
    assert len(starts) > 5 and all(starts)
    assert [start.start() for start in starts] == sorted(start.start() for start in starts)


@pytest.mark.parametrize("kind", ["Table", "Fig."])
def test_the_pdf_has_the_tables_and_figures_that_are_not_left_out_with_the_pages_numbers(
    book, printed, kind
):
    # Beside the lines the order of reading: captions can stand side by side.
    text = plain(printed) + plain(text_of(PDF))
    for name in READING_ORDER:
        page, cut = parts(book, name)
        for there, tree in [(True, page), *((False, part) for part in cut)]:
            for number, caption in captions(tree, kind):
                # A formula or a page's end can lie within a caption: its beginning tells it from the others.
                inside = plain(f"{kind}{number}:{caption[:50]}") in text
                assert inside == there, f"{kind} {number}"


def test_the_pdf_has_the_numbers_of_the_pages_that_are_not_left_out(book, printed):
    words = set(re.findall(r"\d+\.\d+", printed))
    for name in READING_ORDER:
        page, _ = parts(book, name)
        cells = [cell.text for cell in page.find_all(["th", "td"]) if not cell.find()]
        assert not set(re.findall(r"\d+\.\d{2,}", " ".join(cells))) - words, name


def test_the_pdf_has_the_verdict_on_every_item_and_its_reason(book, printed):
    page, _ = parts(book, "ledger")
    text = plain(printed)
    rows = [row.find_all(["th", "td"]) for row in page.select("table.ledger tbody tr")]
    assert {row[0].text.removesuffix("report") for row in rows} == set(items.items())
    for row in rows:
        for cell in row[2:5]:
            # A row is cut where a line ends: its first words tell it from the others.
            first = cell.text.split()[:3]
            assert plain("".join(first)) in text, row[0].text


def test_the_pdf_is_a_paper_of_at_most_sixty_pages_of_which_none_is_half_empty(printed):
    with tempfile.TemporaryDirectory() as folder:
        command = ["pdftoppm", "-r", "20", "-gray", str(PDF), f"{folder}/page"]
        subprocess.run(command, check=True)
        pages = [PIL.Image.open(file).copy() for file in sorted(Path(folder).iterdir())]
        assert len(pages) <= 60
        for number, page in enumerate(pages[:-1], 1):
            inside = page.crop((0, 0, page.width, round(0.93 * page.height)))  # without its number
            lowest = inside.point(lambda grey: 255 * (grey < 200)).getbbox()[3]
            assert lowest > 0.5 * page.height, f"page {number} is half empty"


def test_the_pdf_begins_with_its_title_and_says_where_the_rest_is(printed):
    first, *others = printed.split("\f")
    assert "ReLU at the Output" in first and "Deep Learning using" in first and "In brief" in first
    assert "Contents" in "".join(others[:2])
    assert plain(printed).count(plain("This is the paper edition of a book.")) == 1


def test_the_pdf_names_its_title_and_author_in_its_metadata(printed):
    told = subprocess.run(["pdfinfo", PDF], capture_output=True, check=True, text=True).stdout
    assert re.search(r"^Title:\s+ReLU at the Output$", told, re.MULTILINE)
    assert re.search(r"^Author:\s+\w", told, re.MULTILINE)
    assert re.search(r"^Subject:\s+A rerun of", told, re.MULTILINE)


def test_the_pdf_says_in_which_language_it_is(printed):
    """A screen reader would guess it otherwise; the catalogue is in a compressed stream."""
    content = PDF.read_bytes()
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        with contextlib.suppress(zlib.error):
            content += zlib.decompressobj().decompress(stream)
    assert re.search(rb"/Lang\s*\(en\)", content)


def test_nothing_sticks_out_of_the_pdfs_margins():
    log = PDF.with_suffix(".log")
    if not log.is_file():
        unavailable(f"there is no {log}: run make pdf")
    wide = re.findall(
        r"Overfull \\hbox \(([\d.]+)pt too wide\)",
        log.read_text(encoding="utf-8", errors="replace"),
    )
    assert not [points for points in wide if float(points) > 2]


def test_the_figures_of_the_pdf_are_vectors_and_its_fonts_are_embedded(printed):
    def table(command):
        return subprocess.run(
            [command, *(["-list"] if command == "pdfimages" else []), PDF],
            capture_output=True,
            check=True,
            text=True,
        ).stdout.splitlines()[2:]

    assert not table("pdfimages")
    fonts = table("pdffonts")
    assert fonts and all(
        re.search(r"\byes\s+(yes|no)\s+(yes|no)\s+\d+\s+\d+$", line) for line in fonts
    )


def test_the_pdf_shows_no_markup_and_no_unresolved_reference(printed):
    for markup in (
        r"\{(?:glue|numref|doc|cite|eq)\}",
        r":::",
        r"\?\?",
        r"<Figure size",
        r"\\(?:frac|sphinx)",
        r"Traceback",
    ):
        assert not re.search(markup, printed), markup
