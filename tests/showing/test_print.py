"""The print edition: what it leaves to the pages, and how it points there."""

import importlib.util
import re

import pytest
import yaml
from docutils import nodes
from docutils.utils import new_document

from reluclf import paths


@pytest.fixture
def edition():
    """The Sphinx extension that makes the paper of the pages."""
    file = paths.BOOK / "_ext" / "reluclf_print.py"
    spec = importlib.util.spec_from_file_location("reluclf_print", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def paper():
    """Two sections of one page, the first of which refers to a table in the second."""
    tree = new_document("book/index")
    told = nodes.reference("", "Table 2.7", refuri="%book/mnist#tab-x")
    kept = nodes.section("", nodes.title("", "Kept"), nodes.paragraph("", "", told), ids=["kept"])
    table = nodes.table("", ids=["tab-x"])
    cut = nodes.section("", nodes.title("", "Cut"), table, ids=["cut"])
    for section in (kept, cut):
        section["docname"] = "book/mnist"
        tree += section
    return tree


@pytest.mark.parametrize(
    ("repository", "place"),
    [
        ("https://github.com/x/relu", "https://x.github.io/relu/book/mnist.html#tab-x"),
        ("", None),
    ],
)
def test_a_reference_to_what_is_left_out_leads_to_its_page(repository, place, edition, monkeypatch):
    monkeypatch.setenv("RELUCLF_REPOSITORY", repository)
    tree = paper()
    gone = edition._leave_out(tree, {"mnist": ["cut"]}, {"book/mnist"})
    edition._link(tree, gone)
    assert [section[0].astext() for section in tree.findall(nodes.section)] == ["Kept"]
    assert "Table 2.7" in tree.astext() and "web" in tree.astext()
    assert [one["refuri"] for one in tree.findall(nodes.reference)] == ([place] if place else [])


def test_a_label_that_no_page_has_is_refused(edition):
    with pytest.raises(edition.ExtensionError, match="book/mnist#tab-y; mend it"):
        edition._leave_out(paper(), {"mnist": ["tab-y"]}, {"book/mnist"})
    edition._leave_out(paper(), {"wdbc": ["tab-y"]}, {"book/mnist"})  # a page that is not built


def test_what_print_leaves_out_is_in_the_chapters():
    """A PDF says so at its end only, and needs XeLaTeX."""
    listed = yaml.safe_load((paths.ROOT / "_config.yml").read_text(encoding="utf-8"))
    for page, labels in listed["sphinx"]["config"]["web_only"].items():
        (file,) = (file for file in paths.BOOK.iterdir() if file.stem == page)
        text = file.read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
            for heading in re.findall(r"^[ \"]*#+ ([^\\\n\"]+)", text, flags=re.MULTILINE)
        }
        for label in labels:
            named = {f"({label})=", f'"{label}"', f'\\"{label}\\"'}
            assert label in headings or any(one in text for one in named), (page, label)
