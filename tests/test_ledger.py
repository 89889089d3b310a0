"""The ledger as it is published: every item of the paper once, with a verdict and an address that is there."""

import json
import re

import pandas as pd
import pytest
from test_publication import BOOK, unavailable

from reluclf import paper
from reluclf.verdicts import Status


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
    rows = re.findall(r"<tr[^>]*><td[^>]*><p>(\w+)</p></td>\s*<td[^>]*>.*?</td>\s*<td[^>]*><p><strong[^>]*>(.*?)</strong></p></td>", body, re.DOTALL)
    assert rows == [(row["id"], row["status"]) for row in ledger]
    table = pd.read_csv(BOOK / "ledger.csv")
    assert table["id"].tolist() == [row["id"] for row in ledger] and table["status"].tolist() == [row["status"] for row in ledger]
