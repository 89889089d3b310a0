"""Sphinx extension of this book: its print edition, a paper.

Print leaves out all code, and what ``web_only`` in ``_config.yml`` lists, page by page: labels of sections, tables
and figures. Those that stay keep the numbers that they have on the pages; a reference to one that is left out becomes a link to its page.
"""

import re

import yaml
from docutils import nodes
from sphinx.errors import ExtensionError

from reluclf import paths
from reluclf.showing import building


def address() -> str:
    """Where the pages are published: as ``CITATION.cff`` says, else where GitHub puts those of ``RELUCLF_REPOSITORY``; else empty."""
    cited = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    repository = building.repository()
    pages = re.sub(r"^https://github\.com/([^/]+)/", r"https://\1.github.io/", repository)
    return cited.get("url", "") or (f"{pages}/" if pages != repository else "")


#: Rows of a table that is not cut at the end of a page.
_WHOLE = 12


class Half(nodes.container):
    """A figure on half the width of a printed page."""


def _visit_half(writer, node):
    writer.body.append(r"\begin{minipage}[t]{0.49\linewidth}\capstart" + "\n")
    writer.in_minipage += 1


def _depart_half(writer, node):
    writer.in_minipage -= 1
    writer.body.append(r"\end{minipage}\hfill" + "\n")


def _latex(text: str) -> nodes.raw:
    return nodes.raw("", text, format="latex")


def _print(app, doctree, docname):
    """Make of the pages, which Sphinx has put into one tree, the paper."""
    if app.builder.format != "latex":
        return
    for code in list(doctree.findall(_is_code)):
        code.parent.remove(code)
    gone = _leave_out(doctree, app.config.web_only, app.env.found_docs)
    _link(doctree, gone)
    _shorten_verdicts(doctree)
    _put_side_by_side(doctree)
    _let_tables_float(doctree)
    _number(app.env, doctree)
    _begin(doctree)


def _page(node: nodes.Element) -> str:
    """The page that a part of the tree is from, as Sphinx has noted on its sections."""
    while not node.get("docname"):
        node = node.parent
    return node["docname"]


def _is_code(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_source"


def _number(env, doctree):
    """Give every table and figure the number that it has on its page: LaTeX counts those in print only."""
    for kind, node_class in (("table", nodes.table), ("figure", nodes.figure)):
        for node in list(doctree.findall(node_class)):
            numbers = env.toc_fignumbers.get(_page(node), {}).get(kind, {})
            number = next((numbers[label] for label in node["ids"] if label in numbers), None)
            if number:
                before = _latex(rf"\setcounter{{{kind}}}{{{number[-1] - 1}}}")
                node.parent.insert(node.parent.index(node), before)


def _leave_out(doctree, web_only: dict[str, list[str]], pages: set[str]) -> set[tuple[str, str]]:
    """Take out of the tree what is on the pages only; return the page and label of all that was in it."""
    listed = {(f"book/{page}", label) for page, labels in web_only.items() for label in labels}
    wanted = {(page, label) for page, label in listed if page in pages}
    gone, found = set(), set()
    for node in list(doctree.findall(nodes.Element)):
        labels = {(_page(node), label) for label in node.get("ids", [])}
        if labels & wanted:
            found |= labels & wanted
            inside = [part for part in node.findall(nodes.Element) if part.get("ids")]
            gone |= {(_page(part), label) for part in inside for label in part["ids"]}
            if isinstance(node.parent, nodes.document):
                gone.add((_page(node), ""))
            node.parent.remove(node)
    if wanted - found:
        unknown = ", ".join(sorted(f"{page}#{label}" for page, label in wanted - found))
        raise ExtensionError(f"web_only in _config.yml lists what no page has: {unknown}; mend it.")
    for section in reversed(list(doctree.findall(nodes.section))):
        if section.astext().strip() == section[0].astext() and not section.next_node(nodes.image):
            section.parent.remove(section)
    return gone


def _link(doctree, gone: set[tuple[str, str]]):
    """Have a reference to what is on the pages only lead there, and be marked."""
    for reference in list(doctree.findall(nodes.reference)):
        uri = reference.get("refuri", "")
        page, label = _page(reference), reference.get("refid", "")
        if uri.startswith("%"):
            page, _, label = uri[1:].partition("#")
        elif uri:
            continue
        if (page, label) in gone:
            text = nodes.inline("", reference.astext())
            place = f"{address()}{page}.html" + (f"#{label}" if label else "")
            linked = nodes.reference("", "", text, refuri=place) if address() else text
            reference.replace_self([linked, _latex(r"\textsuperscript{web}")])


def _shorten_verdicts(doctree):
    """Keep of a verdict's box its status, in the caption of what it is on: the ledger has the reasons."""
    said = {}
    for box in list(doctree.findall(nodes.admonition)):
        if "verdict" in box["classes"]:
            title = box[0].astext()
            item, _, status = title.removeprefix("The paper's ").partition(": ")
            said[item] = status
            if item[0] not in "TF":
                box.parent.insert(box.parent.index(box), nodes.paragraph("", f"{title}."))
            box.parent.remove(box)
    for caption in [*doctree.findall(nodes.caption), *doctree.findall(nodes.title)]:
        item = re.match(r"The paper's ((Table|Figure) \d+)", caption.astext())
        if item and "Verdict" not in caption.astext():
            caption += [nodes.Text(" Verdict: "), nodes.Text(f"{said[item[1]]}.")]


def _put_side_by_side(doctree):
    """Set two figures of the class ``half`` that follow each other beside each other."""
    halves = [figure for figure in doctree.findall(nodes.figure) if "half" in figure["classes"]]
    for left, right in zip(halves[::2], halves[1::2], strict=True):
        place, right_parent = left.parent, right.parent
        at = place.index(left)
        right_parent.remove(right)
        place.remove(left)
        start, end = _latex(r"\begin{figure}[!htbp]"), _latex(r"\end{figure}")
        place[at:at] = [start, Half("", left), Half("", right), end]


def _let_tables_float(doctree):
    """Let tables move to where they fill a page, but for those that a page may cut."""
    for table in list(doctree.findall(nodes.table)):
        rows = len(next(table.findall(nodes.tbody)))
        if rows <= _WHOLE and "longtable" in table["classes"]:
            table["classes"].remove("longtable")
        if table["names"] and "longtable" not in table["classes"]:
            at = table.parent.index(table)
            table.parent.insert(at + 1, _latex(r"\end{table}"))
            table.parent.insert(at, _latex(r"\begin{table}[!htbp]"))
        if {"ledger", "wide"} & set(table["classes"]):
            at = table.parent.index(table)
            table.parent.insert(at + 1, _latex(r"\endgroup"))
            table.parent.insert(at, _latex(r"\begingroup\let\tablesize\scriptsize"))


def _begin(doctree):
    """Put the first page into a section of its own, before the chapters, and say what this edition is."""
    front = next(doctree.findall(nodes.section))
    for image in front.findall(nodes.image):
        if _page(image) == doctree["docname"]:
            image["width"] = "70%"  # so that it stays on the first page
    chapters = [part for part in front if "toctree-wrapper" in part.get("classes", [])]
    content = [part for part in front[1:] if part not in chapters]
    if address():
        where = [nodes.Text("They are at "), nodes.reference("", address(), refuri=address())]
    else:
        where = [nodes.literal("", "make book"), nodes.Text(" builds them from the repository")]
    told = nodes.paragraph("", "", nodes.Text(_TOLD), *where, nodes.Text("."))
    brief = nodes.section("", nodes.title("", "In brief"), *content, told, ids=["in-brief"])
    brief += _latex(r"\sphinxtableofcontents")
    front[1:] = [brief, _latex(r"\setcounter{secnumdepth}{1}"), *chapters]


_TOLD = (
    "This is the paper edition of a book. The rest is on the book's web pages, with the same numbering: "
    "the tables, figures and sections marked “web”, the code that made each, and the design and the log of the rules. "
)


def setup(app):
    """Register the extension with Sphinx."""
    app.add_config_value("web_only", {}, "env")
    app.add_node(Half, latex=(_visit_half, _depart_half))
    app.connect("doctree-resolved", _print, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
