"""The ledger as it is published: every item of the paper once, with its answers and an address that is there."""

import json
import re

import bs4
import jsonschema
import pandas as pd
import pytest
from test_publication import BOOK, plain, unavailable

from reluclf import paths
from reluclf.judging import paper
from reluclf.judging.status import Status
from reluclf.showing import ledger
from reluclf.store import ORIGINAL

#: The words of two vocabularies that other machines read; CiTO has none for what is open.
FORRT = {"Validated", "PartiallySupported", "Contradicted", "Inconclusive", "NotTested"}
CITO = {"confirms", "qualifies", "disputes", "extends", ""}

#: In which cell of a row the answer to a question stands: what is settled stands where others have the answer as run.
CELLS = {"own": 2, "as_run": 3, "settled": 3, "as_written": 4}


@pytest.fixture(scope="module")
def published():
    """The file, as a machine reads it."""
    if not (BOOK / "ledger.json").is_file():
        unavailable(f"there is no book at {BOOK}: run make book, or set RELUCLF_BOOK")
    return json.loads((BOOK / "ledger.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def items(published):
    """What it says of every item, by item."""
    return {item["id"]: item for item in published["items"]}


@pytest.fixture(scope="module")
def page(published):
    """Gives a built page, parsed."""
    parsed = {}

    def of(name):
        if name not in parsed:
            parsed[name] = bs4.BeautifulSoup(
                (BOOK / name).read_text(encoding="utf-8"), "html.parser"
            )
        return parsed[name]

    return of


def rows(page):
    """The cells of every row of a page's ledgers, by item."""
    found = {}
    for row in page.select("table.ledger tbody tr"):
        cells = row.find_all(["th", "td"])
        found[cells[0].find(string=True).strip()] = cells
    return found


def told(text):
    """A text of the file as a page has it, without what differs between them: spaces, hyphens, quotation marks and marks of emphasis."""
    return plain(text).replace("*", "")


def answer_told(answer):
    """An answer of the file as a page has it: its status, and its reason as a sentence."""
    why = answer["why"]
    return told(f"{answer['status']}. {why[:1].upper()}{why[1:]}")


def answered(items):
    """Every answer of the file, as (item, question, answer)."""
    return [
        (key, question, answer)
        for key, item in items.items()
        for question, answer in item["answers"].items()
    ]


def test_the_file_is_as_its_schema_says(published):
    file = paths.BOOK / "_static" / "ledger.schema.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(published)
    assert (BOOK / published["$schema"]).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "spoil",
    [{"status": 3}, {"forrt": "Perhaps"}, {"cito": "cites"}, {"why": ""}, {"more": "of it"}],
)
def test_the_schema_refuses_what_is_none_of_it(published, spoil):
    schema = json.loads((paths.BOOK / "_static" / "ledger.schema.json").read_text(encoding="utf-8"))
    item = published["items"][0]
    wrong = published | {
        "items": [item | {"answers": {"own": next(iter(item["answers"].values())) | spoil}}]
    }
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(wrong)


def test_every_item_of_the_paper_is_there_once(published):
    tables, figures = (
        [f"{letter}{number}" for number in paper.contents()[kind]]
        for letter, kind in (("T", "tables"), ("F", "figures"))
    )
    assert [item["id"] for item in published["items"]] == [
        *tables,
        *figures,
        *paper.claims(),
        *paper.future_work(),
    ]


def test_every_answer_has_a_status_that_there_is_and_the_words_of_two_vocabularies_for_it(items):
    for key, question, answer in answered(items):
        status = Status(answer["status"])
        assert (answer["forrt"], answer["cito"]) == status.others, (key, question)
        assert answer["forrt"] in FORRT and answer["cito"] in CITO, (key, question)
        assert bool(answer["confidence"]) == bool(answer["of"] and status.given), (key, question)
        assert answer["same"] <= answer["of"], (key, question)


def test_what_is_settled_needs_no_run_and_everything_else_is_run_again(items):
    for key, item in items.items():
        run_again = item["answers"].keys() & {"as_run", "as_written"}
        assert bool(run_again) != ("settled" in item["answers"]), key


def test_the_address_of_all_evidence_is_in_the_built_pages(items, page):
    for key, item in items.items():
        name, _, anchor = item["link"].partition("#")
        assert page(name).find(id=anchor), (key, item["link"])


def test_the_ledger_shows_the_statuses_and_reasons_of_the_file_and_each_item_once(items, page):
    shown = page("book/ledger.html")
    assert len(shown.select("table.ledger")) == 4
    assert len(shown.select("table.ledger tbody tr")) == len(items)
    cells = rows(shown)
    assert cells.keys() == items.keys()
    for key, item in items.items():
        assert plain(cells[key][1].get_text()) == told(item["says"]), key
        for column in (2, 3, 4):
            there = [
                item["answers"][name]
                for name, place in CELLS.items()
                if place == column and name in item["answers"]
            ]
            text, marks = (
                plain(cells[key][column].get_text()),
                cells[key][column].select("strong.verdict"),
            )
            assert [mark.get_text() for mark in marks] == [answer["status"] for answer in there], (
                key
            )
            assert text.startswith(answer_told(there[0]) if there else "–"), key
            firm = "The verdict is the same under {same} of {of} other choices."
            doubted = [answer for answer in there if answer["same"] < answer["of"]]
            assert (
                (plain(firm.format(**doubted[0])) in text)
                if doubted
                else ("otherchoices" not in text)
            ), key


def test_the_spreadsheet_is_known_for_what_it_is_and_has_the_answers_of_the_file(items):
    assert (
        (BOOK / "ledger.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    )  # else Excel takes it for the system's own encoding
    table = pd.read_csv(BOOK / "ledger.csv", encoding="utf-8-sig", keep_default_na=False)
    assert table["id"].tolist() == list(items)
    for _, row in table.iterrows():
        item = items[row["id"]]
        assert (row["says"], row["link"], row["records"]) == (
            item["says"],
            item["link"],
            "; ".join(item["records"]),
        )
        for question in ledger.QUESTIONS:
            answer = item["answers"].get(question, {})
            for name in ("status", "why", "forrt", "cito", "confidence"):
                assert row[f"{question}_{name}"] == answer.get(name, ""), (
                    row["id"],
                    question,
                    name,
                )


def test_every_committed_record_is_listed_beside_the_pages_with_its_provenance(published):
    texts = {name: str for name in ("diverged_at", "width", "lane")}
    listed = pd.read_csv(BOOK / "records.csv", dtype=texts, keep_default_na=False)
    for name in texts:  # as a record has it, a whole number or nothing
        assert listed[name].str.fullmatch("|[0-9]+").all() and listed[name].any(), name
    files = [
        file.relative_to(paths.RESULTS).as_posix() for file in paths.RESULTS.rglob("seed-*.json")
    ]
    assert sorted(listed["record"]) == sorted(files)
    ours = listed["record"].str.split("/").str[0].isin(["mnist", "fashion_mnist", "wdbc"])
    for found in (listed[ours], listed[listed["record"].str.startswith(f"{ORIGINAL}/")]):
        row = found.sample(1, random_state=1).iloc[0]
        record = json.loads((paths.RESULTS / row["record"]).read_text(encoding="utf-8"))
        assert (
            json.loads(row["versions"]) == record["provenance"]["versions"]
            and json.loads(row["data"]) == record["provenance"]["data"]
        )
        same = ["code", "seconds", "device", "backend", "threads", "modified"]
        assert {name: row[name] for name in same} == {
            name: record["provenance"][name] for name in same
        }


def answer_of(words, item):
    """The answer of an item to the question that a line of a box begins with."""
    (question,) = [
        name
        for name, asked in ledger.QUESTIONS.items()
        if words.startswith(plain(asked[0].upper() + asked[1:] + ":"))
    ]
    return question, item["answers"][question]


#: How many verdicts a chapter gives in boxes, and in captions of the paper's tables.
BOXES = {
    "method": (3, 0),
    "mnist": (7, 3),
    "fashion_mnist": (7, 3),
    "wdbc": (3, 1),
    "discussion": (8, 0),
}


@pytest.mark.parametrize("name", BOXES)
def test_no_chapter_gives_an_item_another_verdict_than_the_ledger(items, page, name):
    shown = page(f"book/{name}.html")
    boxes = shown.select("div.admonition.verdict")
    captions = re.findall(
        r"The paper’s Table (\d+) .*?Verdict: (.*?)\.",
        "\n".join(part.get_text() for part in shown.select(".caption-text")),
    )
    assert (len(boxes), len(captions)) == BOXES[name]
    for box in boxes:
        (key,) = [css[3:].upper() for css in box["class"] if css.startswith("on-")]
        title, *lines = [
            plain(line.get_text())
            for line in box.find_all("p")
            if "report" not in line.get("class", [])
        ]
        answers = dict(answer_of(line, items[key]) for line in lines)
        assert answers == items[key]["answers"], key
        assert title.endswith(":" + plain(main(items[key])["status"])), key
        for line, answer in zip(lines, answers.values(), strict=True):
            assert answer_told(answer) in line, key
    for key, cells in rows(shown).items():
        for question, answer in items[key]["answers"].items():
            assert plain(cells[CELLS[question]].get_text()).startswith(answer_told(answer)), key
    for number, status in captions:
        assert plain(status) == plain(main(items[f"T{number}"])["status"]), number


def main(item):
    """The answer that is told where there is room for one."""
    return next(
        item["answers"][question]
        for question in ("settled", "as_run", "as_written")
        if question in item["answers"]
    )
