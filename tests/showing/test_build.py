"""Building a book: what fails does so loudly, and the same sources give the same bytes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from reluclf import paths

make = pytest.mark.skipif(not shutil.which("make") or os.name == "nt", reason="there is no make, or its shell is another one")


def cell(source, **metadata):
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def build(folder, *cells, others=()):
    """Write a book with this one's configuration and extension, build it, and return the finished process.

    It has one chapter of these cells, and a chapter for each other cell.
    """
    shutil.copytree(paths.BOOK, folder / "book", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copytree(paths.ROOT / "reluclf", folder / "reluclf")
    shutil.copy(paths.ROOT / "_config.yml", folder)
    names = [f"chapter-{i}" for i in range(1, len(others) + 1)]
    contents = {"chapters": [{"file": f"book/{name}"} for name in names]} if names else {}
    (folder / "_toc.yml").write_text(yaml.safe_dump({"format": "jb-book", "root": "book/index"} | contents))
    for name, of in (("index", cells), *((name, [other]) for name, other in zip(names, others, strict=True))):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A chapter"), *of])
        nbformat.write(notebook, folder / "book" / f"{name}.ipynb")
    return jupyter_book(folder, "--all")


def jupyter_book(folder, *options):
    program = shutil.which("jupyter-book", path=Path(sys.executable).parent)
    return subprocess.run([program, "build", str(folder), *options, "-W", "-n", "--keep-going", "--quiet"], capture_output=True, text=True)


def pages(folder):
    return "".join(file.read_text() for file in (folder / "_build" / "html").rglob("index.html"))


def test_a_chapter_that_runs_becomes_a_page(tmp_path):
    done = build(tmp_path, cell("print(6 * 7)"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "42" in pages(tmp_path)


def test_each_builder_gets_figures_of_its_own_kind_even_in_one_folder(tmp_path):
    code = "from reluclf.showing import figures, notebook\nnotebook.start()\nfigures.relu();"
    build(tmp_path, cell(code)).check_returncode()
    assert "<svg" in next((tmp_path / "_build" / "html" / "_images").glob("*.svg")).read_text()
    done = jupyter_book(tmp_path, "--builder", "latex")
    assert done.returncode == 0, done.stdout + done.stderr
    assert next((tmp_path / "_build" / "latex").glob("*.pdf")).read_bytes().startswith(b"%PDF")
    jupyter_book(tmp_path).check_returncode()
    assert ".svg" in pages(tmp_path)


def test_an_exception_in_a_cell_fails_the_build_and_is_named(tmp_path):
    done = build(tmp_path, cell("1 / 0"))
    assert done.returncode != 0
    assert "index.ipynb: ZeroDivisionError: division by zero" in done.stdout + done.stderr
    assert not pages(tmp_path)


def test_of_chapters_that_are_read_side_by_side_each_that_fails_is_named_with_its_error(tmp_path):
    others = [cell("print(1)")] * 3 + [cell("raise ValueError('seeds-3 cannot be trusted')"), cell("print(1)"), cell("undefined")]
    done = build(tmp_path, cell("print(2)"), others=others)
    told = done.stdout + done.stderr
    assert done.returncode != 0 and "these chapters failed" in told
    assert "chapter-4.ipynb: ValueError: seeds-3 cannot be trusted" in told
    assert "chapter-6.ipynb: NameError: name 'undefined' is not defined" in told
    assert not pages(tmp_path)


def test_a_chapter_that_was_executed_before_and_failed_is_refused(tmp_path):
    failed = cell("1 / 0")
    failed.execution_count = 1
    failed.outputs = [nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=["Traceback ..."])]
    done = build(tmp_path, failed)
    assert done.returncode != 0
    assert "index.ipynb holds the traceback of a cell that failed (ZeroDivisionError: division by zero)" in done.stdout + done.stderr
    assert not pages(tmp_path)


#: In the place of Jupyter Book: it makes a page, or fails as told.
PRETENDED = """#!/bin/sh
while [ $# -gt 1 ]; do shift; done  # the last argument is the output folder
mkdir -p "$1/_build/html" && echo new > "$1/_build/html/index.html"
{}
"""


@make
@pytest.mark.parametrize(
    ("ending", "told", "page"),
    [
        ("", "the book: ", "new"),
        (
            "echo '/of/book/mnist.ipynb: Executed notebook in 3.10 seconds [mystnb]'; echo noise",
            "mnist.ipynb: Executed notebook in 3.10 seconds\n",
            "new",
        ),
        (
            "printf 'noise\\nthese chapters failed:\\nmnist.ipynb: ValueError: wrong\\nTraceback\\nmore noise\\n'; exit 1",
            "mnist.ipynb: ValueError: wrong\n",
            "old",
        ),
        ("printf 'noise\\nx: WARNING: a link leads nowhere\\n'; exit 1", "x: WARNING: a link leads nowhere\n", "old"),
    ],
)
def test_make_book_says_why_it_failed_and_leaves_the_last_good_book(ending, told, page, tmp_path):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "jupyter-book"
    program.write_text(PRETENDED.format(ending))
    program.chmod(0o755)
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "index.html").write_text("old")
    command = ["make", "-o", ".venv/ready", "book", f"OUT={tmp_path}", f"BIN={tmp_path / 'bin'}"]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True)
    assert told in done.stdout and "noise" not in done.stdout and (done.returncode == 0) == (page == "new")
    assert (tmp_path / "_build" / "html" / "index.html").read_text().strip() == page
    assert (tmp_path / "_build" / "next").exists() == (page == "old")  # with the log that is named


@make
def test_without_latex_the_error_names_what_is_missing_and_the_line_that_installs_it(tmp_path):
    command = ["make", "-o", ".venv/ready", "pdf", f"OUT={tmp_path}", "TEX_NEEDED=sh xetexatex", "TEX_FONTS="]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "make pdf lacks xetexatex. On Debian and Ubuntu:\napt-get install --no-install-recommends latexmk " in done.stdout
    assert not list(tmp_path.iterdir())


def test_no_chapter_is_allowed_to_fail():
    assert yaml.safe_load((paths.ROOT / "_config.yml").read_text())["execute"]["allow_errors"] is False
    for file in paths.BOOK.glob("*.ipynb"):
        assert not any("raises-exception" in one.metadata.get("tags", []) for one in nbformat.read(file, as_version=4).cells)
