"""Sphinx extension of this book: what ties its pages to the repository.

Under every numbered table and figure stands where it comes from: the records, and the code that made it, at the commit that is built. With the
address of the repository, in ``RELUCLF_REPOSITORY``, these are links, a verdict has one to its rule and one to report an error, and a chapter has
buttons that open it in Colab and Binder. Of all this print has the origins only, in a line below the caption.
"""

import ast
import functools
import html
from pathlib import Path
from urllib.parse import urlencode

from docutils import nodes
from myst_nb.ext.glue.crossref import read_glue_cache
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.util.i18n import format_date
from sphinx.util.texescape import escape

import reluclf
from reluclf import paths
from reluclf.campaign import checkout
from reluclf.judging import items, published
from reluclf.judging.status import Status
from reluclf.showing import building, notebook

#: The branch that CI keeps the chapters on that set themselves up; see :func:`reluclf.showing.chapters.portable`.
NOTEBOOKS = "notebooks"

try:
    REPOSITORY = building.repository()
except building.BuildError as error:
    raise ExtensionError(str(error)) from None


@functools.cache
def built_commit() -> tuple[str, bool]:
    """The commit that is checked out, empty outside git, and whether what makes the pages differs from it."""
    return checkout.commit(), checkout.modified()


def linked(path: str, text: str = "", lines: tuple[int, int] | None = None) -> str:
    """The path of a file or folder, or a text that names it, as HTML code, with a link to it in the repository where that is known."""
    name = f"<code>{html.escape(text or path)}</code>"
    commit, _ = built_commit()
    if not (REPOSITORY and commit):
        return name
    anchor = f"#L{lines[0]}-L{lines[1]}" if lines else ""
    kind = "blob" if Path(path).suffix in (".py", ".ipynb") else "tree"
    return f'<a href="{html.escape(f"{REPOSITORY}/{kind}/{commit}/{path}{anchor}")}">{name}</a>'


@functools.cache
def modules() -> dict[str, str]:
    """The file of every module of the package, from the root of the checkout, by the module's own name."""
    files = (paths.ROOT / "reluclf").rglob("[!.]*.py")
    return {
        file.stem: file.relative_to(paths.ROOT).as_posix()
        for file in files
        if file.stem != "__init__"
    }


@functools.cache
def functions(module: str) -> dict[str, tuple[int, int]]:
    """The first and last line of every function of a module of the package."""
    tree = ast.parse((paths.ROOT / modules()[module]).read_text(encoding="utf-8"))
    return {
        node.name: (node.lineno, node.end_lineno)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def makers(source: str, label: str) -> list[tuple[str, str]]:
    """Which functions of the package make what stands under a label, as (module, name), from the source of the cell that shows it."""
    calls = _calls(ast.parse(source))
    showing = [
        call
        for call in calls
        if any(isinstance(part, ast.Constant) and part.value == label for part in call.args)
    ]
    inside = [
        inner
        for call in showing
        for inner in ast.walk(call)
        if isinstance(inner, ast.Call) and inner is not call
    ]
    last = _calls(ast.parse(source).body[-1])  # a figure is what a cell ends with
    return _functions_called(inside) or _functions_called(last) or _functions_called(calls)


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


#: Functions that show what others have made.
_SHOWERS = (("notebook", "table"), ("notebook", "glue"), ("notebook", "glue_some"))


def _functions_called(calls: list[ast.Call]) -> list[tuple[str, str]]:
    found = []
    for function in (call.func for call in calls):
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            maker = function.value.id, function.attr
            if maker[0] in modules() and maker[1] in functions(maker[0]):
                found.append(maker)
    return [maker for maker in dict.fromkeys(found) if maker not in _SHOWERS]


#: What rests on a measurement that is no record of a training run: its file, by the module and the function that show it.
MEASURED = {
    ("traces", "figure"): "results/steps.jsonl",
    ("derivations", "zero_rows"): "results/zero-rows.json",
    ("speed", "table"): "results/bench.json",
}


def origin(source: str, label: str, records: list[dict[str, str]], page: str) -> str:
    """The HTML that says where a table or figure comes from, folded."""
    code = " and ".join(
        linked(
            modules()[module],
            f"{modules()[module].removesuffix('.py').replace('/', '.')}.{name}",
            functions(module)[name],
        )
        for module, name in makers(source, label)
    )
    commit, modified = built_commit()
    at = (
        f", at commit <code>{commit[:7]}</code>" + (" with changes" if modified else "")
        if commit
        else ""
    )
    files = [MEASURED[maker] for maker in makers(source, label) if maker in MEASURED]
    listed = (
        f"<p>It rests on {linked(files[0])}.</p>"
        if files
        else "<p>It rests on no record of a training run.</p>"
    )
    if records:
        rows = [
            [
                f"results/{row['runs']}",
                *(html.escape(row[name]) for name in ("seeds", "device", "commit")),
            ]
            for row in records
        ]
        items = "".join(
            f"<li>{linked(path)}, seed{'' if seeds.isdigit() else 's'} {seeds}: {device}, trained at {commits}</li>"
            for path, seeds, device, commits in rows
        )
        listed = f"<p>It rests on these records:</p><ul>{items}</ul>"
    called = f"<p>Made by {code or linked(page)}, called in {linked(page)}{at}.</p>"
    return f'<details class="origin"><summary>Where this comes from</summary>{called}{listed}</details>'


def printed_origin(source: str, label: str, records: list[dict[str, str]]) -> str:
    """What print says of where a table or figure comes from, as LaTeX: the first records, and what made it."""
    files = [MEASURED[maker] for maker in makers(source, label) if maker in MEASURED]
    runs = [f"{row['runs'].rstrip('/')} {row['seeds']}" for row in records]
    more = [f"{len(runs) - 3} more"] if len(runs) > 3 else []
    rests = files[:1] or ["results/" + "; ".join([*runs[:3], *more])] * bool(runs)
    made = [f"{module}.{name}" for module, name in makers(source, label)[:1]]
    return rf"\sphinxsource{{{escape(', '.join([*made, *rests]))}}}"


def _add_origins(app, doctree):
    docname = app.env.docname
    glued = read_glue_cache(app.env.mystnb_config.output_folder, docname)
    for cell in doctree.findall(
        lambda node: isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"
    ):
        code = [
            part
            for part in cell.findall(nodes.container)
            if part.get("nb_element") == "cell_code_source"
        ]
        if not code:  # a page that shows no code
            continue
        source = next(code[0].findall(nodes.literal_block)).astext()
        for node in list(
            cell.findall(
                lambda node: isinstance(node, nodes.table | nodes.figure) and node["names"]
            )
        ):
            label = node["names"][0]
            name = f"origin-{label}" if isinstance(node, nodes.table) else notebook.origin(source)
            if name not in glued:
                raise ExtensionError(f"{docname}: {label} does not say on which records it rests.")
            records = ast.literal_eval(glued[name]["data"]["text/plain"])
            raw = nodes.raw("", origin(source, label, records, f"{docname}.ipynb"), format="html")
            node.parent.insert(node.parent.index(node) + 1, raw)
            caption = next(part for part in node if isinstance(part, nodes.caption | nodes.title))
            caption += nodes.raw("", printed_origin(source, label, records), format="latex")


def _rule(identifier: str) -> str:
    """The file and line at which the rule for an item starts, as ``reluclf/judging/items.py#L1``."""
    if items.items()[identifier].settled:
        return _line("book/verdicts.yml", f"  {identifier}:")
    if identifier in items.CLAIMS:
        return _line("reluclf/judging/items.py", f'    "{identifier}":')
    rule = (
        published.matrix
        if identifier[0] == "F"
        else published.folds
        if identifier in ("T5", "T8")
        else published.results
    )
    return _line("reluclf/judging/published.py", f"def {rule.__name__}(")


def _line(path: str, start: str) -> str:
    """The first line of a file that starts so, as an address."""
    lines = (paths.ROOT / path).read_text(encoding="utf-8").splitlines()
    return (
        f"{path}#L{next(number for number, line in enumerate(lines, 1) if line.startswith(start))}"
    )


def report(identifier: str, words: str) -> str:
    """The link, as HTML, to a new issue about the verdict on an item."""
    query = urlencode(
        {
            "template": "wrong.yml",
            "title": f"Verdict on {identifier}",
            "where": f"Verdict on {identifier}",
        }
    )
    return f'<a href="{html.escape(f"{REPOSITORY}/issues/new?{query}")}" aria-label="Report an error in the verdict on {identifier}">{words}</a>'


def _mark_verdicts(app, doctree):
    """Give every verdict its looks in the ledgers, and its links."""
    css = {str(status): status.css for status in Status}
    for table in doctree.findall(
        lambda node: isinstance(node, nodes.table) and "ledger" in node["classes"]
    ):
        for row in next(table.findall(nodes.tbody)).findall(nodes.row):
            identifier = row[0].astext()
            for strong in row.findall(nodes.strong):
                if strong.astext() in css:
                    strong["classes"] += ["verdict", css[strong.astext()]]
            if REPOSITORY and row[0].children:
                row[0][0] += nodes.raw(
                    "",
                    f'<br><span class="report">{report(identifier, "report")}</span>',
                    format="html",
                )
    for verdict in doctree.findall(
        lambda node: isinstance(node, nodes.admonition) and "verdict" in node["classes"]
    ):
        identifier = next(name for name in verdict["classes"] if name.startswith("on-"))[3:].upper()
        if REPOSITORY:
            where = f"{REPOSITORY}/blob/{built_commit()[0] or 'main'}/{_rule(identifier)}"
            rule = f'<a href="{where}" aria-label="The rule for {identifier}, as code">The rule</a>'
            verdict += nodes.raw(
                "",
                f'<p class="report">{rule} · {report(identifier, "Report an error in this verdict")}</p>',
                format="html",
            )


def _index_numbers(app, doctree, docname):
    """Enter the number of every table and figure into the index, which the search looks at, too: numbers are not in a page's text yet."""
    numbers = app.env.toc_fignumbers.get(docname, {})
    for kind, words in (("table", ("Table",)), ("figure", ("Fig.", "Figure"))):
        for identifier, number in numbers.get(kind, {}).items():
            entries = [
                ("single", f"{word} {'.'.join(map(str, number))}", identifier, "main", None)
                for word in words
            ]
            doctree += addnodes.index(entries=entries)


def provider() -> str:
    """Whose pages the repository's look like: GitHub's, also where the host has a name of its own."""
    host = REPOSITORY.split("/")[2]
    return next((name for name in ("gitlab", "bitbucket") if name in host), "github")


def _configure(app, config):
    version = f"Version {reluclf.__version__}" + (
        f", commit {built_commit()[0][:7]}" if built_commit()[0] else ""
    )
    config.today = f"{version}, {format_date('%d %B %Y', language='en')}"
    config.html_theme_options["extra_footer"] = f"<p>{version}</p>"
    if REPOSITORY and Path(app.srcdir, "_toc.yml").exists():  # a rerun's page is in no repository
        buttons = dict.fromkeys(
            ("use_repository_button", "use_issues_button", "use_edit_page_button"), True
        )
        launch = {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"}
        if "github.com/" in REPOSITORY:  # Colab opens notebooks from nowhere else
            launch["colab_url"] = "https://colab.research.google.com"
        config.html_theme_options.update(
            repository_url=REPOSITORY,
            repository_provider=provider(),
            repository_branch="main",
            path_to_docs="",
            launch_buttons=launch,
            **buttons,
        )


def _buttons(app, pagename, templatename, context, doctree):
    """Have Colab open the chapter that sets itself up, for there it has neither the package nor the records, and Binder the commit of the page.

    And load no font for a single icon.
    """
    groups = context.get("header_buttons", [])
    for button in [*groups, *(button for group in groups for button in group.get("buttons", []))]:
        if "colab" in button.get("url", ""):
            button["url"] = button["url"].replace("/blob/main/book/", f"/blob/{NOTEBOOKS}/")
        if "mybinder.org" in button.get("url", "") and built_commit()[0]:
            button["url"] = button["url"].replace("/main?", f"/{built_commit()[0]}?")
        if "fa-github" in button.get("icon", ""):
            button["icon"] = "fas fa-code-branch"


def _write_notebooks(app, error):
    """Lay the chapters that set themselves up beside the pages, from where CI takes them."""
    if error or not building.is_site(app.builder) or not REPOSITORY:
        return
    import nbformat

    from reluclf.showing import chapters

    folder = Path(app.outdir) / NOTEBOOKS
    folder.mkdir(exist_ok=True)
    for name in chapters.names():
        nbformat.write(
            chapters.portable(name, REPOSITORY, built_commit()[0] or "main"),
            folder / f"{name}.ipynb",
        )


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", _configure)
    app.connect("doctree-read", _add_origins)
    app.connect("doctree-read", _mark_verdicts)
    app.connect("doctree-resolved", _index_numbers)
    app.connect("html-page-context", _buttons, priority=900)
    app.connect("build-finished", _write_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
