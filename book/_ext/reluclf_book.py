"""Sphinx extension of this book: its kernels get the surroundings they need, its verdicts their colours, its pages nothing from other servers."""

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from docutils import nodes
from latex2mathml.converter import convert
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reluclf import paths
from reluclf.campaign import surroundings
from reluclf.showing import building, kernels

if sys.flags.optimize > 1:
    raise ExtensionError(
        "Python was started with -OO or PYTHONOPTIMIZE=2, which takes the text of the page of the package away; "
        "unset PYTHONOPTIMIZE and build again."
    )

_folder = tempfile.TemporaryDirectory(prefix="reluclf-book-")
os.environ.update(surroundings.of_kernel(Path(_folder.name)))
kernels.start_again()

_log = logging.getLogger(__name__)

#: What the converter leaves behind where it does not know a command, or uses what browsers do not draw.
_NOT_CONVERTED = re.compile(r"\\|&amp;|&#x00026;|mathvariant=\"(?!normal)")


def mathml(latex: str, display: str) -> str:
    """A formula as MathML, which browsers draw by themselves; ValueError if it cannot be had."""
    # "aligned" and "split" are to the converter what "align*" is.
    text = re.sub(r"\\(begin|end)\{(aligned|split)\}", r"\\\1{align*}", latex.strip())
    try:
        result = convert(text, display=display)
    except Exception as error:
        raise ValueError(f"this formula cannot be made MathML ({error}): {latex}") from error
    if _NOT_CONVERTED.search(result):
        raise ValueError(f"this formula has a command that MathML cannot show: {latex}")
    # Functions such as max are identifiers: as operators they would be set with space on both sides. A thin space parts one from its argument.
    result = re.sub(r"<mo>([a-z]{2,})</mo>", r"<mi>\1</mi>", result).replace(
        "<mi>±</mi>", "<mo>±</mo>"
    )
    return re.sub(
        r"(?<!<msub>)(?<!<msup>)(<mi>[a-z]{2,}</mi>)(?=<m(?:i|n|row|sub|sup|frac|sqrt)>)",
        r'\1<mspace width="0.17em" />',
        result,
    )


def _math(translator, node: nodes.Element, display: str) -> str:
    try:
        return mathml(node.astext(), display)
    except ValueError as error:
        _log.warning(str(error), location=node)
        return ""


def _visit_inline(translator, node):
    translator.body.append(
        translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
        + _math(translator, node, "inline")
        + "</span>"
    )
    raise nodes.SkipNode


def _visit_block(translator, node):
    # A formula wider than a phone scrolls in its own box, which the keyboard must reach.
    translator.body.append(
        translator.starttag(
            node, "p", CLASS="math notranslate nohighlight", tabindex="0", role="group"
        )
    )  # browsers' views for reading leave out a short div with a link
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(_math(translator, node, "block") + "</p>\n")
    raise nodes.SkipNode


_rules: list[str] = []


def _configure(app, config):
    """Start in the reader's own light or dark theme; give the verdicts the colours that they have in the figures."""
    from reluclf.showing import figures, ledger

    if Path(app.srcdir).resolve() != paths.ROOT:  # a page by itself, as that of a rerun
        root = Path(os.path.relpath(paths.ROOT, app.srcdir))
        for name in ("html_static_path", "bibtex_bibfiles"):
            config[name] = [str(root / file) for file in config[name]]
        config.html_favicon = str(root / config.html_favicon)
    config.html_context.setdefault("default_mode", "auto")
    config.html_css_files.append("verdicts.css")
    for status, (colour, _) in ledger.LOOKS.items():
        edge = (
            colour if figures.luminance(colour) < 0.9 else "#999999"
        )  # white has no edge of its own
        _rules.append(f".{status.css} {{ --verdict: {colour}; --verdict-edge: {edge}; }}\n")


def _write_rules(app):
    if building.is_site(app.builder):
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        (static / "verdicts.css").write_text("".join(_rules), encoding="utf-8")


#: Where a browser lets a page keep nothing, asking ends the scripts of the theme and of the search: here is what keeps nothing.
_KEEPS_NOTHING = """<script>
for (const name of ["localStorage", "sessionStorage"]) {
  try { window[name]; } catch {
    const nothing = { getItem: () => null, setItem: () => {}, removeItem: () => {} };
    Object.defineProperty(window, name, { value: nothing });
  }
}
</script>
"""

#: The head of a column that has no name.
_NO_NAME = re.compile(r'<th scope="col"([^>]*)><p></p></th>')

#: The first cell of a table's row, which names it.
_ROW_NAME = re.compile(r'(<tr class="row-(?:odd|even)">)<td([^>]*)>(.*?)</td>', re.DOTALL)


def _page(app, pagename, templatename, context, doctree):
    """Mend what the theme and docutils write: unused scripts; names of rows and columns; lists; figures a keyboard must reach."""
    if building.is_site(app.builder):
        context["metatags"] = _KEEPS_NOTHING + context.get("metatags", "")
    context["script_files"] = [
        script for script in context.get("script_files", []) if "thebe" not in str(script)
    ]
    if "body" in context:
        context["body"] = _ROW_NAME.sub(
            r'\1<th scope="row"\2>\3</th>', context["body"].replace("<th ", '<th scope="col" ')
        )
        context["body"] = _NO_NAME.sub(r"<td\1></td>", context["body"])
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
        context["body"] = context["body"].replace(
            "<figure ", '<figure tabindex="0" '
        )  # on a phone it scrolls in its own box


def _choose_figures(app, env, added, changed, removed):
    """Have the chapters draw their figures for this builder alone; those that were drawn for another, in the same folder, are drawn anew."""
    wanted = os.environ["RELUCLF_FIGURES"] = "pdf" if app.builder.format == "latex" else "svg"
    drawn, env.reluclf_figures = getattr(env, "reluclf_figures", wanted), wanted
    return (
        []
        if drawn == wanted
        else [name for name in env.found_docs if env.doc2path(name).endswith(".ipynb")]
    )


def _refuse_failed(app, env, docnames):
    """Refuse a chapter that was executed before and failed: its traceback would become a part of the page."""
    for file in (
        env.doc2path(name) for name in env.found_docs if env.doc2path(name).endswith(".ipynb")
    ):
        for cell in nbformat.read(file, as_version=4).cells:
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    raise ExtensionError(
                        f"{file} holds the traceback of a cell that failed ({output.ename}: {output.evalue}); "
                        "mend the cell and execute the chapter again, or clear its outputs with nbstripout."
                    )


def _refuse_failing(app, env):
    """Refuse the chapters that have failed while they were read, each with what its cell raised, before any page is written."""
    ran = (
        (name, NbMetadataCollector.get_exec_data(env, name))
        for name in sorted(env.found_docs)
        if name in NbMetadataCollector.get_doc_data(env)
    )
    raised = [
        f"{env.doc2path(name)}: {data['traceback'].strip().splitlines()[-1]}"
        for name, data in ran
        if data and data["traceback"]
    ]
    if raised:
        raise ExtensionError(
            "these chapters failed:\n" + re.sub(r"\x1b\[[\d;]*m", "", "\n".join(raised))
        )


def _lighten(app, error):
    """Take out of the site what no page uses: 1.5 MB of icons as a script (the style sheet has them as a font), and source maps."""
    static = Path(app.outdir) / "_static"
    if error or not building.is_site(app.builder):
        return
    for unused in (*static.rglob("*.map"), *static.rglob("*.ttf")):
        unused.unlink()
    (
        Path(app.outdir) / ".nojekyll"
    ).touch()  # else GitHub leaves out the folders whose names begin with _
    (static / "scripts" / "fontawesome.js").write_text(
        "// The icons are in the style sheet, as a font.\n", encoding="utf-8"
    )


def write_ledger(app, exception):
    """Lay the verdicts beside the pages, as CSV and JSON, and the records one by one, as CSV."""
    if exception or not building.is_site(app.builder):
        return
    import pandas as pd

    from reluclf.campaign import checkout, runtime
    from reluclf.judging.robustness import firm
    from reluclf.judging.verdicts import judge
    from reluclf.showing import ledger, original, origins
    from reluclf.store import BACKENDS, Store

    records = Store().read_all()
    stores = [(records, "")] + [
        (Store.of_backend(name).read_all(), f"{BACKENDS}/{name}/") for name in runtime.BACKENDS
    ]
    stores.append((original.read(), f"{original.FOLDER}/"))
    listed = pd.concat([origins.one_by_one(found, folder) for found, folder in stores])
    whole = ("diverged_at", "width", "lane")  # numbers where there are any; else pandas writes 3.0
    listed = listed.astype({name: "Int64" for name in whole if name in listed})
    listed.to_csv(Path(app.outdir) / "records.csv", index=False)
    found = firm(judge(records), records)
    ledger.write(Path(app.outdir), found, checkout.commit(), checkout.modified())


_written: dict[str, list[str]] = {}


def _as_written(app, what, name, obj, options, lines):
    """Keep the text on a constant or property from napoleon, which takes what stands before a colon for its type: called before and after it."""
    if what in ("data", "attribute", "property"):
        lines[:] = (
            _written.pop(name) if name in _written else _written.setdefault(name, list(lines))
        )


def _short_signature(app, what, name, obj, options, signature, returns):
    """Leave out the signature of a pydantic model, which is as long as its list of attributes."""
    return ("(**fields)", returns) if what == "class" and hasattr(obj, "model_fields") else None


def _read_side_by_side(app, config):
    """Have Sphinx run chapters, and write pages, one on each core."""
    app.parallel = max(app.parallel, os.cpu_count() or 1)
    # This extension of Jupyter Book's does not say that it allows for that; it works on what is read when all of it has been.
    app.extensions["sphinx_multitoc_numbering"].parallel_read_safe = True


def setup(app):
    """Register the extension with Sphinx."""
    for priority in (400, 600):  # napoleon's is 500
        app.connect("autodoc-process-docstring", _as_written, priority=priority)
    app.connect("autodoc-process-signature", _short_signature)
    app.connect("config-inited", _read_side_by_side)
    app.connect("build-finished", write_ledger)
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_visit_inline, None), block_renderers=(_visit_block, None)
    )
    app.connect("config-inited", _configure)
    app.connect("builder-inited", _write_rules)
    app.connect("html-page-context", _page, priority=900)
    app.connect("env-get-outdated", _choose_figures)
    app.connect("env-before-read-docs", _refuse_failed)
    app.connect("env-updated", _refuse_failing)
    app.connect("build-finished", _lighten)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
