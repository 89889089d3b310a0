"""The ledger as it is published: every item of the paper once, with a verdict and an address that is there."""

import html
import json
import re

import pandas as pd
import pytest
from test_publication import BOOK, plain, unavailable

from reluclf import paths
from reluclf.judging import paper
from reluclf.judging.judgement import Status


@pytest.fixture(scope="module")
def ledger():
    if not (BOOK / "ledger.json").is_file():
        unavailable(f"there is no book at {BOOK}: run make book, or set RELUCLF_BOOK")
    return json.loads((BOOK / "ledger.json").read_text(encoding="utf-8"))


def test_every_item_of_the_paper_is_there_once_and_has_one_verdict(ledger):
    tables, figures = ([f"{letter}{number}" for number in paper.contents()[kind]] for letter, kind in (("T", "tables"), ("F", "figures")))
    assert [row["id"] for row in ledger] == [*tables, *figures, *paper.claims(), *paper.future_work()]
    assert {row["status"] for row in ledger} <= {str(status) for status in Status}
    assert all(row["says"] and row["why"] for row in ledger)


def test_the_address_of_every_verdicts_evidence_is_in_the_built_pages(ledger):
    for row in ledger:
        page, _, anchor = row["link"].partition("#")
        html = (BOOK / page).read_text(encoding="utf-8")
        assert re.search(rf'\bid="{re.escape(anchor)}"', html), row


def test_the_page_has_the_verdicts_of_the_files(ledger):
    page = (BOOK / "book" / "index.html").read_text(encoding="utf-8")
    body = page[page.index('id="tab-index-ledger"') :]
    item, other, status = r"<td[^>]*><p>(\w+)(?:<br.*?)?</p></td>", r"<td[^>]*>.*?</td>", r"<td[^>]*><p><strong[^>]*>(.*?)</strong></p></td>"
    rows = re.findall(rf"<tr[^>]*>{item}\s*{other}\s*{status}", body, re.DOTALL)
    assert rows == [(row["id"], row["status"]) for row in ledger]
    table = pd.read_csv(BOOK / "ledger.csv")
    assert table["id"].tolist() == [row["id"] for row in ledger] and table["status"].tolist() == [row["status"] for row in ledger]


def test_every_committed_record_is_listed_beside_the_pages_with_its_provenance(ledger):
    listed = pd.read_csv(BOOK / "records.csv")
    files = [file.relative_to(paths.RESULTS).as_posix() for file in paths.RESULTS.rglob("seed-*.json")]
    assert sorted(listed["record"]) == sorted(files)
    row = listed.sample(1, random_state=1).iloc[0]
    record = json.loads((paths.RESULTS / row["record"]).read_text(encoding="utf-8"))
    assert json.loads(row["versions"]) == record["provenance"]["versions"] and json.loads(row["data"]) == record["provenance"]["data"]
    same = ["code", "seconds", "device", "backend", "threads", "modified"]
    assert {name: row[name] for name in same} == {name: record["provenance"][name] for name in same}


def text_of(cell):
    """The text of a piece of a page, without what differs from the file: tags, spaces, hyphens and quotation marks."""
    return plain(html.unescape(re.sub(r"<.*?>", "", cell)))


@pytest.mark.parametrize("name", ["method", "mnist", "fashion_mnist", "wdbc", "discussion"])
def test_a_chapter_gives_no_item_another_verdict_than_the_ledger(ledger, name):
    page = (BOOK / "book" / f"{name}.html").read_text(encoding="utf-8")
    cell = r"<td[^>]*>(?:<p>)?((?:(?!</td>).)*?)(?:</p>)?</td>\s*"
    listed = re.findall(rf"<tr[^>]*>{cell * 4}", page, re.DOTALL)
    told = [(item, status, why) for item, _, status, why in listed if item in {row["id"] for row in ledger}]
    shown = re.findall(r'on-(\w+)[^"]*">\s*<p class="admonition-title">.*?: (.*?)</p>\s*<p>(.*?)</p>', page, re.DOTALL)
    told += [(item.upper(), status, why) for item, status, why in shown]
    assert told
    verdicts = {row["id"]: (plain(row["status"]), plain(row["why"])) for row in ledger}
    assert [(item, text_of(status), text_of(why)) for item, status, why in told] == [(item, *verdicts[item]) for item, _, _ in told]
    captions = re.findall(r'caption-text">The paper’s Table (\d+) .*?Verdict: (.*?)\.</span>', page, re.DOTALL)
    assert len(captions) == {"method": 0, "mnist": 3, "fashion_mnist": 3, "wdbc": 1, "discussion": 0}[name]
    assert [(f"T{number}", text_of(status)) for number, status in captions] == [(f"T{number}", verdicts[f"T{number}"][0]) for number, _ in captions]
