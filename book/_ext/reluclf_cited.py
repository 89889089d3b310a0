"""Sphinx extension of this book: how it is cited, for readers and for machines.

Pages carry the citation tags that reference managers read, the first one schema.org's description of the
book and of its records as a data set, which no script runs. All of it comes from ``CITATION.cff``.
"""

import html
import json
import re

from docutils import nodes
from docutils.parsers.rst import Directive

from reluclf.showing import building, release

_CC_BY = "https://creativecommons.org/licenses/by/4.0/"

#: What lies beside the pages, with its kind.
_FILES = {"records.csv": "text/csv", "ledger.csv": "text/csv", "ledger.json": "application/json"}


def _authors(cited) -> list[str]:
    return [
        author.get("name") or f"{author['given-names']} {author['family-names']}"
        for author in cited["authors"]
    ]


def preview(title: str, text: str, cited) -> str:
    """Return the tags that a link to a page is shown by elsewhere: its title, and its first words."""
    text = text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"
    values = [
        ("property", "og:title", title),
        ("property", "og:site_name", cited["title"]),
        ("property", "og:type", "article"),
        *((("name", "description", text), ("property", "og:description", text)) if text else ()),
    ]
    return "".join(
        f'<meta {kind}="{name}" content="{html.escape(value)}" />\n' for kind, name, value in values
    )


def _first_words(doctree) -> str:
    """Return the text of a page's first paragraph, or ''."""
    paragraph = next(doctree.findall(nodes.paragraph), None)
    return " ".join(paragraph.astext().split()) if paragraph else ""


def tags(title: str, cited) -> str:
    """Return the citation tags of a page, as HTML."""
    values = [
        ("citation_title", title),
        ("citation_inbook_title", cited["title"]),
        *(("citation_author", author) for author in _authors(cited)),
        ("citation_publication_date", str(cited["date-released"]).replace("-", "/")),
        ("citation_language", "en"),
        *([("citation_doi", cited["doi"])] if "doi" in cited else []),
    ]
    return "".join(
        f'<meta name="{name}" content="{html.escape(value)}" />\n' for name, value in values
    )


def described(cited) -> dict:
    """Return schema.org's description of the book and of its records, as they stand beside the first page."""
    identifiers = [entry["value"] for entry in cited.get("identifiers", [])]
    if "doi" in cited:
        identifiers.insert(0, f"https://doi.org/{cited['doi']}")
    common = {
        "description": " ".join(cited["abstract"].split()),
        "author": [{"@type": "Organization", "name": author} for author in _authors(cited)],
        "version": str(cited["version"]),
        "datePublished": str(cited["date-released"]),
        "keywords": cited["keywords"],
        "license": _CC_BY,
        "isAccessibleForFree": True,
        "identifier": identifiers,
        **({"url": cited["url"]} if "url" in cited else {}),
    }
    paper = {
        "@type": "ScholarlyArticle",
        "name": cited["references"][0]["title"],
        "sameAs": f"https://doi.org/{cited['references'][0]['doi']}",
        "url": cited["references"][0]["url"],
    }
    book = {
        "@type": "Book",
        "@id": "#book",
        "name": cited["title"],
        "isBasedOn": paper,
        "inLanguage": "en",
    }
    files = [
        {"@type": "DataDownload", "name": name, "encodingFormat": kind, "contentUrl": f"../{name}"}
        for name, kind in _FILES.items()
    ]
    records = {
        "@type": "Dataset",
        "@id": "#records",
        "name": f"Training records of {cited['title']}",
        "isPartOf": {"@id": "#book"},
        "distribution": files,
    }
    if "repository-code" in cited:
        book["workExample"] = {
            "@type": "SoftwareSourceCode",
            "codeRepository": cited["repository-code"],
        }
    return {"@context": "https://schema.org", "@graph": [common | book, common | records]}


def _page(app, pagename, templatename, context, doctree):
    if doctree is None:
        return
    cited = release.citation()
    title, first = app.env.titles[pagename].astext(), pagename == app.config.root_doc
    text = " ".join(cited["abstract"].split()) if first else _first_words(doctree)
    context["metatags"] = (
        context.get("metatags", "") + tags(title, cited) + preview(title, text, cited)
    )
    if first:  # its title is the book's, which Sphinx puts behind that of every page
        context["title"] = html.escape(f"A rerun of “{cited['references'][0]['title']}”")
    if first and building.is_site(app.builder):
        text = json.dumps(described(cited), ensure_ascii=False).replace("</", "<\\/")
        context["metatags"] += f'<script type="application/ld+json">{text}</script>\n'


def bibtex(cited) -> str:
    """Return the BibTeX entry of the book, which any document can take, whatever its language."""
    fields = {
        "title": f"{{{_tex(cited['title'])}}}",
        "author": " and ".join(f"{{{_tex(author)}}}" for author in _authors(cited)),
        "year": str(cited["date-released"])[:4],
        "version": str(cited["version"]),
        "doi": cited.get("doi", ""),
        "url": cited.get("url", cited.get("repository-code", "")),
        "note": ", ".join(entry["value"] for entry in cited.get("identifiers", [])),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    # A book would have a publisher.
    return "\n".join(["@misc{relu_at_the_output,", *lines, "}"])


def _tex(text: str) -> str:
    """Write quotation marks as TeX does: a straight one begins a command in German and others."""
    return re.sub(r'"([^"]*)"', r"``\1''", re.sub(r"'([^']*)'", r"`\1'", text))


class HowToCite(Directive):
    """Shows the BibTeX entry of the book as it is built."""

    def run(self):
        """Return the entry as a block of code."""
        self.state.document.settings.env.note_dependency(str(release.CITATION))
        text = bibtex(release.citation())
        return [nodes.literal_block(text, text, language="none")]


def setup(app):
    """Register the extension with Sphinx."""
    app.add_directive("how-to-cite", HowToCite)
    app.connect("html-page-context", _page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
