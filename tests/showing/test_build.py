"""Building a book: what fails does so loudly, and the same sources give the same bytes."""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import nbformat
import psutil
import pytest
import yaml

from reluclf import cli, paths
from reluclf.showing import building


def cell(source, **metadata):
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def build(folder, *cells, others=(), metadata=None):
    """Write a book with this one's configuration and extension, build it, and return the finished process.

    It has one chapter of these cells, and a chapter for each other cell.
    """
    shutil.copytree(paths.BOOK, folder / "book", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copytree(paths.ROOT / "reluclf", folder / "reluclf")
    for name in ("_config.yml", "CITATION.cff"):
        shutil.copy(paths.ROOT / name, folder)
    names = [f"chapter-{i}" for i in range(1, len(others) + 1)]
    contents = {"chapters": [{"file": f"book/{name}"} for name in names]} if names else {}
    (folder / "_toc.yml").write_text(
        yaml.safe_dump({"format": "jb-book", "root": "book/index"} | contents)
    )
    for name, of in (
        ("index", cells),
        *((name, [other]) for name, other in zip(names, others, strict=True)),
    ):
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_markdown_cell("# A chapter"), *of]
        )
        notebook.metadata = {"language_info": {"name": "python"}} | (metadata or {})
        nbformat.write(notebook, folder / "book" / f"{name}.ipynb")
    return jupyter_book(folder, "--all")


def jupyter_book(folder, *options):
    program = shutil.which("jupyter-book", path=Path(sys.executable).parent)
    return subprocess.run(
        [program, "build", str(folder), *options, "-W", "-n", "--keep-going", "--quiet"],
        capture_output=True,
        text=True,
    )


def pages(folder):
    return "".join(file.read_text() for file in (folder / "_build" / "html").rglob("index.html"))


@pytest.mark.slow
def test_each_builder_gets_figures_of_its_own_kind_even_in_one_folder(tmp_path):
    code = "from reluclf.showing import figures, notebook\nnotebook.start()\nfigures.relu();"
    build(tmp_path, cell(code)).check_returncode()
    assert "<svg" in next((tmp_path / "_build" / "html" / "_images").glob("*.svg")).read_text()
    done = jupyter_book(tmp_path, "--builder", "latex")
    assert done.returncode == 0, done.stdout + done.stderr
    assert next((tmp_path / "_build" / "latex").glob("*.pdf")).read_bytes().startswith(b"%PDF")
    jupyter_book(tmp_path).check_returncode()
    assert ".svg" in pages(tmp_path)


@pytest.mark.slow
def test_of_chapters_that_are_read_side_by_side_each_that_fails_is_named_with_its_error(tmp_path):
    others = [cell("print(1)")] * 3 + [
        cell("raise ValueError('seeds-3 cannot be trusted')"),
        cell("print(1)"),
        cell("undefined"),
    ]
    done = build(tmp_path, cell("print(2)"), others=others)
    told = done.stdout + done.stderr
    assert done.returncode != 0 and "these chapters failed" in told, told
    assert "chapter-4.ipynb: ValueError: seeds-3 cannot be trusted" in told
    assert "chapter-6.ipynb: NameError: name 'undefined' is not defined" in told
    assert not pages(tmp_path)


@pytest.mark.slow
def test_a_chapter_that_was_executed_before_and_failed_is_refused(tmp_path):
    failed = cell("1 / 0")
    failed.execution_count = 1
    failed.outputs = [
        nbformat.v4.new_output(
            "error",
            ename="ZeroDivisionError",
            evalue="division by zero",
            traceback=["Traceback ..."],
        )
    ]
    done = build(tmp_path, failed)
    assert done.returncode != 0
    assert (
        "index.ipynb holds the traceback of a cell that failed (ZeroDivisionError: division by zero)"
        in done.stdout + done.stderr
    )
    assert not pages(tmp_path)


#: In the place of Jupyter Book: it makes a page or a PDF, and fails as told.
PRETENDED = """
import sys
from pathlib import Path
made = Path(sys.argv[-1]) / "_build"
(made / "html").mkdir(parents=True)
(made / "html" / "index.html").write_text("new")
(made / "latex").mkdir()
(made / "latex" / "relu-at-the-output.pdf").write_text("new")
(made / "latex" / "relu-at-the-output.log").write_text({log!r})
print("noise")
print({printed!r}, flush=True)
sys.exit({status})
"""


@pytest.fixture
def pretended(monkeypatch, tmp_path):
    """Sets what Jupyter Book prints, with which status it ends, and what LaTeX leaves; there is a book from before."""
    for kind, name in (("html", "index.html"), ("pdf", building.PDF)):
        (tmp_path / "_build" / kind).mkdir(parents=True)
        (tmp_path / "_build" / kind / name).write_text("old")
    monkeypatch.setattr(building, "refuse_without_tex", lambda: None)

    def pretend(printed="", status=0, log=""):
        code = PRETENDED.format(printed=printed, status=status, log=log)
        monkeypatch.setattr(building, "JUPYTER_BOOK", (sys.executable, "-c", code))

    return pretend


def run(command, folder, capsys):
    """Run a command of the command line on a folder; return its exit status and what it says."""
    status = cli.main([command, f"OUT={folder}"])
    told = capsys.readouterr()
    return status, told.out + told.err


def test_a_tilde_that_no_shell_expands_is_the_home(pretended, tmp_path, capsys, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    pretended()
    assert run("book", "~", capsys)[0] == 0
    assert (tmp_path / "_build" / "html" / "index.html").read_text() == "new"


@pytest.mark.parametrize(
    ("command", "made"), [("book", "html/index.html"), ("pdf", f"pdf/{building.PDF}")]
)
def test_a_build_says_where_the_book_is_and_leaves_nothing_else(
    command, made, pretended, tmp_path, capsys
):
    pretended("/of/book/mnist.ipynb: Executed notebook in 3.10 seconds [mystnb]")
    status, told = run(command, tmp_path, capsys)
    assert status == 0
    assert "mnist.ipynb: Executed notebook in 3.10 seconds\n" in told and "noise" not in told
    assert f"it is there: {tmp_path / '_build' / made}" in told
    assert (tmp_path / "_build" / made).read_text() == "new"
    assert {
        file.name for file in (tmp_path / "_build").iterdir() if not file.name.startswith(".")
    } == {"html", "pdf"}


@pytest.mark.parametrize(
    ("printed", "told", "untold"),
    [
        (
            "these chapters failed:\nmnist.ipynb: ValueError: wrong\nTraceback\nmore noise",
            "mnist.ipynb: ValueError: wrong\n",
            "noise",
        ),
        ("x: WARNING: a link leads nowhere", "x: WARNING: a link leads nowhere\n", "noise"),
        ("Segmentation fault", "noise\nSegmentation fault\n", "Traceback"),
    ],
)
def test_a_build_that_fails_says_why_and_leaves_the_last_good_book(
    printed, told, untold, pretended, tmp_path, capsys
):
    pretended(printed, status=1)
    status, said = run("book", tmp_path, capsys)
    assert status == 2
    assert told in said and untold not in said
    log = Path(re.search("it was not built; all of the log: (.*)", said)[1])
    assert "noise" in log.read_text()
    assert (tmp_path / "_build" / "html" / "index.html").read_text() == "old"
    pretended()
    assert run("book", tmp_path, capsys)[0] == 0
    assert not log.exists()  # of a failure that is over


def test_what_is_wrong_in_a_chapter_is_told_with_its_cell_and_the_line_in_it(tmp_path):
    log = tmp_path / "log"
    log.write_text("/of/why.ipynb:60004: WARNING: undefined label\n/of/cite.md:12: WARNING: x\n")
    assert building.causes(log) == [
        "/of/why.ipynb, cell 6, line 3: WARNING: undefined label",
        "/of/cite.md:12: WARNING: x",
    ]


def test_a_build_that_is_interrupted_leaves_the_last_good_book_and_nothing_else(
    pretended, tmp_path
):
    pretended("/of/book/mnist.ipynb: Executed notebook in 3.10 seconds [mystnb]")

    def say(line):
        if "Executed" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        building.html(tmp_path, say)
    assert (tmp_path / "_build" / "html" / "index.html").read_text() == "old"
    assert {file.name for file in (tmp_path / "_build").iterdir()} == {"html", "pdf"}


def test_an_interrupted_build_ends_the_processes_that_it_has_started(tmp_path, monkeypatch):
    code = (
        "import subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "print(f'/{child.pid}.ipynb: Executed notebook in 1.00 seconds', flush=True); child.wait()"
    )
    monkeypatch.setattr(building, "JUPYTER_BOOK", (sys.executable, "-c", code))
    children = []

    def say(line):
        if found := re.match(r"(\d+)\.ipynb", line):
            children.append(psutil.Process(int(found[1])))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        building.html(tmp_path, say)
    assert children and psutil.wait_procs(children, timeout=300)[1] == []


def test_a_character_that_the_fonts_lack_fails_the_pdf(pretended, tmp_path, capsys):
    pretended(log="Missing character: There is no X in font Y!")
    status, said = run("pdf", tmp_path, capsys)
    assert status == 2 and "Missing character: There is no X in font Y!" in said
    assert (tmp_path / "_build" / "pdf" / building.PDF).read_text() == "old"


def test_two_builds_at_once_do_not_spoil_each_other(pretended, tmp_path):
    pretended()
    first, second = (building._scratch(tmp_path / "_build", "html") for _ in range(2))
    assert first != second
    with ThreadPoolExecutor() as threads:
        done = list(threads.map(lambda _: building.html(tmp_path, lambda line: None), range(6)))
    assert done == [tmp_path / "_build" / "html" / "index.html"] * 6
    assert done[0].read_text() == "new"


def test_without_latex_the_error_names_what_is_missing_and_the_line_that_installs_it(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(building, "TEX_PROGRAMS", ("xetexatex",))
    monkeypatch.setattr(building, "TEX_FONTS", ())
    status, said = run("pdf", tmp_path, capsys)
    assert status == 2
    assert (
        "the PDF needs xetexatex. On Debian and Ubuntu:\napt-get install --no-install-recommends latexmk "
        in said
    )
    assert not list(tmp_path.iterdir())


def test_another_jupyter_book_is_refused_in_one_sentence(pretended, tmp_path, monkeypatch, capsys):
    pretended()
    monkeypatch.setattr(building.importlib.metadata, "version", lambda name: "2.1.0")
    status, said = run("book", tmp_path, capsys)
    assert status == 2
    assert (
        "jupyter-book 2.1.0 is installed, and this book is made with jupyter-book 1; install"
        in said
    )
    assert (tmp_path / "_build" / "html" / "index.html").read_text() == "old"


@pytest.mark.slow
def test_a_plain_build_into_a_folder_that_another_build_writes_to_is_refused(tmp_path):
    (tmp_path / "_build").mkdir()
    with filelock.FileLock(tmp_path / "_build" / ".doctrees.lock"):
        done = build(tmp_path, cell("print(6 * 7)"))
    assert done.returncode != 0
    assert "another build is writing into" in done.stdout + done.stderr


COUNT = "from reluclf import paths\nlen(list(paths.RESULTS.rglob('*.json')))"


@pytest.mark.slow
def test_a_second_build_shows_new_records_and_one_without_any_executes_nothing(tmp_path):
    assert build(tmp_path, cell(COUNT)).returncode == 0
    assert ">0\n" in pages(tmp_path)
    record = tmp_path / "results" / "wdbc" / "seed-1.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    assert jupyter_book(tmp_path).returncode == 0
    assert ">1\n" in pages(tmp_path)
    page = tmp_path / "_build" / "html" / "book" / "index.html"
    written = page.stat().st_mtime_ns
    assert jupyter_book(tmp_path).returncode == 0
    assert page.stat().st_mtime_ns == written


@pytest.mark.slow
def test_a_second_build_has_a_new_title_on_the_other_pages_too(tmp_path):
    assert build(tmp_path, cell("1"), others=[cell("2")]).returncode == 0
    chapter = tmp_path / "book" / "chapter-1.ipynb"
    chapter.write_text(chapter.read_text().replace("# A chapter", "# Another title"))
    assert jupyter_book(tmp_path).returncode == 0
    assert "Another title" in pages(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "metadata", [{"mystnb": {"execution_mode": "off"}}, {"papermill": {"version": "2.6.0"}}]
)
def test_a_notebook_that_was_executed_is_shown_as_it_is(metadata, tmp_path):
    """``auto`` would run all of one in which any cell, such as that of the parameters, has no output."""
    parameters, shown = (
        cell("train = True"),
        cell("(__import__('pathlib').Path('trained').touch(), 43)[1]"),
    )
    shown.outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": "42"}, execution_count=1)
    ]
    done = build(tmp_path, parameters, shown, metadata=metadata)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "42" in pages(tmp_path)
    assert not list(tmp_path.rglob("trained"))


def test_no_chapter_is_allowed_to_fail():
    assert (
        yaml.safe_load((paths.ROOT / "_config.yml").read_text())["execute"]["allow_errors"] is False
    )
    for file in paths.BOOK.glob("*.ipynb"):
        assert not any(
            "raises-exception" in one.metadata.get("tags", [])
            for one in nbformat.read(file, as_version=4).cells
        )


@pytest.mark.parametrize("given", ["", "yesterday", "²"])
def test_a_date_that_is_no_number_gives_way_to_the_commits(given, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    monkeypatch.setattr(building.checkout, "date", lambda: "1000000000")
    assert building.variables()["SOURCE_DATE_EPOCH"] == "1000000000"


def test_a_date_that_is_given_is_taken(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "315532800")
    assert building.variables()["SOURCE_DATE_EPOCH"] == "315532800"


def test_without_docstrings_the_page_of_the_package_is_refused_by_name():
    done = subprocess.run(
        [sys.executable, "-OO", "-c", "import reluclf_book"],
        cwd=paths.BOOK / "_ext",
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode and "unset PYTHONOPTIMIZE" in done.stderr
