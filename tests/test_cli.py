"""The command line: the same with make and without, installed and not, and one sentence for what it refuses."""

import errno
import os
import re
import shutil
import subprocess
import sys
import tomllib

import papermill
import pytest

from reluclf import __version__, cli, paths
from reluclf.campaign import checkout
from reluclf.showing import chapters


def commands():
    done = subprocess.run(
        [sys.executable, "-m", "reluclf", "--help"],
        cwd=paths.ROOT,
        env=os.environ
        | {"COLUMNS": "100"},  # in a narrow window a name stands on a line of its own
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"^    ([a-z-]+) ", done.stdout, flags=re.MULTILINE))


def test_every_target_of_make_that_calls_a_command_calls_one_that_there_is():
    called = set(
        re.findall(
            r"\$\(RELUCLF\) ([a-z-]+)", (paths.ROOT / "Makefile").read_text(encoding="utf-8")
        )
    )
    assert {"book", "chapter", "verify"} <= called <= commands() | {"experiments"}


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_make_works_in_its_own_environment_whatever_pip_and_another_python_were_told(tmp_path):
    """A company's constraints, and the packages of ROS or of a cluster's modules."""
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    (tmp_path / "Makefile").write_text(f"{makefile}\nshow:\n\t@env\n", encoding="utf-8")
    hostile = {
        "PIP_USER": "1",
        "PIP_TARGET": "/elsewhere",
        "PIP_CONSTRAINT": "/constraints.txt",
        "PIP_REQUIRE_HASHES": "1",
        "PYTHONPATH": "/ros",
        "PYTHONHOME": "/conda",
    }
    done = subprocess.run(
        ["make", "-s", "show"],
        cwd=tmp_path,
        env=os.environ | hostile,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    found = {name: seen[name] for name in hostile if name in seen}
    assert found == {
        "PIP_USER": "0",
        "PIP_TARGET": "",
        "PIP_CONSTRAINT": "",
        "PIP_REQUIRE_HASHES": "0",
    }


def environment(folder, version, made_for):
    """Lay what is left of an environment beside the Makefile: its Python's answer, and what it was made for."""
    shutil.copy(paths.ROOT / "Makefile", folder)
    (folder / "requirements.txt").touch()
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "pyvenv.cfg").touch()
    if version:
        python = folder / ".venv" / "bin" / "python"
        python.write_text(f"#!/bin/sh\necho {version}\n")
        python.chmod(0o755)
    if made_for is not None:
        (folder / ".venv" / "ready").write_text(made_for.format(here=folder.resolve()))


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
@pytest.mark.parametrize(
    ("version", "made_for", "given", "remade"),
    [
        pytest.param("Python 3.12.1", "{here}, Python 3.12.1\n", [], False, id="as it was"),
        pytest.param("Python 3.12.1", "", [], False, id="of nothing told"),
        pytest.param("Python 3.12.1", "/old place, Python 3.12.1\n", [], True, id="moved"),
        pytest.param("Python 3.13.0", "{here}, Python 3.12.1\n", [], True, id="another Python"),
        pytest.param("", "{here}, Python 3.12.1\n", [], True, id="Python gone"),
        pytest.param(
            "Python 3.12.1", "{here}, Python 3.12.1\n", ["PYTHON=./3.13"], True, id="asked for"
        ),
        pytest.param(
            "Python 3.12.1", "{here}, Python 3.12.1\n", ["PYTHON=./3.12"], False, id="the same"
        ),
    ],
)
def test_an_environment_of_another_checkout_or_python_is_made_anew(
    version, made_for, given, remade, tmp_path
):
    environment(tmp_path, version, made_for)
    for name, told in (("3.13", "Python 3.13.0"), ("3.12", "Python 3.12.1")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {told}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["make", "-n", "check-records", *given],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("-m venv --clear .venv" in done.stdout) == remade
    assert ("pip install" in done.stdout) == remade


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_an_environment_that_another_python_left_unfinished_is_not_mixed_with_this_one(tmp_path):
    """``python -m venv`` keeps the Python that is there, and writes another's version beside it."""
    environment(tmp_path, "Python 3.9.1", None)
    done = subprocess.run(
        ["make", "check-records", f"PYTHON={sys.executable}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "made by another Python than Python 3." in done.stdout
    assert "remove .venv/, and run the command again" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
@pytest.mark.parametrize(
    ("command", "kept"), [("train", ": finished runs are kept"), ("verify", "")]
)
def test_a_queue_or_a_container_ends_a_command_as_ctrl_c_does(command, kept):
    program = (
        f"import sys, time; from reluclf import cli, commands; sys.argv = ['reluclf', {command!r}]; "
        f"commands.{command} = lambda given: print('begun', flush=True) or time.sleep(600); "
        f"commands.KEEPING = (commands.train,); sys.exit(cli.main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=paths.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        told = process.communicate()[1]
    assert told == f"\ninterrupted; run the same command again{kept}\n"
    assert process.returncode == 130


def test_the_program_that_is_installed_is_this_one():
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"reluclf": "reluclf.cli:main"}


@pytest.mark.parametrize("left", ["build/lib/reluclf/cli.py", "reluclf.egg-info/PKG-INFO"])
def test_git_ignores_what_installing_the_checkout_leaves_in_it(left):
    if not checkout.commit():
        pytest.skip("this is not a git checkout")
    assert subprocess.run(["git", "check-ignore", "--quiet", left], cwd=paths.ROOT).returncode == 0


@pytest.fixture
def reran(monkeypatch):
    """Reruns nothing; returns the list of what would have been."""
    given = []
    monkeypatch.setattr(
        chapters,
        "rerun",
        lambda name, values, **flags: given.append((name, values, flags)) or "rerun",
    )
    return given


@pytest.mark.parametrize(
    "arguments",
    [
        ["wdbc", "seeds=2", "only=a b", "--keep"],
        ["--keep", "wdbc", "seeds=2", "only=a b"],
        ["wdbc", "--keep", "seeds=2", "only=a b"],
        ["wdbc", "-p", "seeds", "2", "-p", "only", "a b", "--keep"],
        ["AFRESH=0", "CHAPTER=wdbc", "KEEP=1", "only=a b", "seeds=2"],
    ],
)
def test_a_chapter_is_asked_for_in_the_order_one_likes_and_as_make_or_papermill_would(
    arguments, reran
):
    assert cli.main(["chapter", *arguments]) == 0
    assert reran == [("wdbc", {"seeds": 2, "only": "a b"}, {"keep": True, "afresh": False})]


def test_a_parameter_that_is_given_twice_is_refused(reran, capsys):
    assert cli.main(["chapter", "wdbc", "seeds=1", "-p", "seeds", "2"]) == 2 and not reran
    assert capsys.readouterr().err == "error: seeds is given twice, as 1 and as 2.\n"


def test_an_argument_that_is_no_text_is_refused(reran, capsys):
    assert cli.main(["chapter", "wdbc", "only=\udcc3\udca9"]) == 2 and not reran
    assert capsys.readouterr().err == (
        r"error: 'only=\udcc3\udca9' cannot be read as a text; if it is one, set PYTHONUTF8=1."
        "\n"
    )


def test_it_says_its_version(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == f"reluclf {__version__}\n"


@pytest.mark.parametrize("command", ["verify", "check-records", "chapter", "train", "book"])
def test_installed_without_a_checkout_it_says_in_one_sentence_that_it_needs_one(
    command, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(paths, "PAPER", tmp_path / "book" / "paper.yml")
    assert cli.main([command]) == 2
    told = capsys.readouterr().err
    assert (
        "works on a checkout of the book" in told
        and "pip install --editable ." in told
        and told.count("\n") == 1
    )


@pytest.mark.parametrize("within", ["", "book", "reruns/wdbc"])
def test_in_another_checkout_than_its_own_it_does_nothing(within, monkeypatch, tmp_path, capsys):
    for file in ("reluclf/paths.py", "book/paper.yml", "reruns/wdbc/wdbc.ipynb"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path / within)
    assert cli.main(["check-records"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err == (
        f"error: you are in the checkout {tmp_path}, but this reluclf is that of {paths.ROOT}; "
        f"in {tmp_path}, delete .venv if make made it elsewhere, "
        "or run: pip install --no-deps --editable .\n"
    )


def test_its_help_needs_no_checkout(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(paths, "PAPER", tmp_path / "book" / "paper.yml")
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", "--help"])
    assert ended.value.code == 0 and "--only" in capsys.readouterr().out


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EFBIG, errno.EMFILE]
)
def test_a_disk_that_takes_no_file_is_told_in_one_sentence(number, monkeypatch, capsys):
    def rerun(*_, **__):
        raise OSError(number, "No room", "reruns/wdbc")

    monkeypatch.setattr(chapters, "rerun", rerun)
    assert cli.main(["chapter", "wdbc"]) == 2
    assert capsys.readouterr().err == (
        "error: a file cannot be read or written (No room: reruns/wdbc); make room or give access to it, "
        "and run the same command again: finished runs are kept.\n"
    )


def test_a_disk_that_takes_no_file_while_a_chapter_runs_is_told_in_one_sentence(
    monkeypatch, capsys
):
    def rerun(*_, **__):
        raise papermill.PapermillExecutionError(
            3, 3, "obtain()", "OSError", "[Errno 28] No space left on device: 'x'", []
        )

    monkeypatch.setattr(chapters, "rerun", rerun)
    assert cli.main(["chapter", "wdbc"]) == 1
    assert capsys.readouterr().err.startswith(
        "error: a file cannot be read or written ([Errno 28] No space left on device: 'x'); make room"
    )


def test_a_reader_who_has_seen_enough_ends_a_command_without_a_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "reluclf", "check-records"],
        cwd=paths.ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_another_error_of_the_system_is_not_taken_for_a_full_disk(monkeypatch):
    def rerun(*_, **__):
        raise OSError(errno.ECONNRESET, "reset")

    monkeypatch.setattr(chapters, "rerun", rerun)
    with pytest.raises(OSError, match="reset"):
        cli.main(["chapter", "wdbc"])


@pytest.mark.parametrize("name", ["wdbc.ipynb", "paper.yml"])
def test_marks_that_a_merge_has_left_are_told_with_their_place(name, tmp_path, monkeypatch, capsys):
    shutil.copytree(paths.BOOK, tmp_path / "book", ignore=shutil.ignore_patterns("_*"))
    monkeypatch.setattr(paths, "BOOK", tmp_path / "book")
    assert checkout.unfinished_merge() == ""
    file = tmp_path / "book" / name
    text = file.read_text(encoding="utf-8")
    file.write_text("first line\n<<<<<<< HEAD\n" + text, encoding="utf-8")
    assert cli.main(["chapter", "wdbc"]) == 2
    assert f"{file}, line 2: a merge has left its marks" in capsys.readouterr().err
