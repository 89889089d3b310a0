"""Records and pages name a commit of this project, or none."""

import os
import shutil
import subprocess
import sys

import pytest

from reluclf import paths
from reluclf.campaign import checkout, runtime

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


def git(folder, *arguments):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of this project's folder, not in git, in a repository of somebody else's."""
    folder = tmp_path / "mono" / "relu book"
    (folder / "reluclf").mkdir(parents=True)
    (folder / "reluclf" / "spec.py").write_text("a = 1\n")
    git(tmp_path / "mono", "init")
    git(tmp_path / "mono", "commit", "--allow-empty", "-m", "another project's")
    monkeypatch.setattr(paths, "ROOT", folder)
    checkout._is_own.cache_clear()
    yield folder
    checkout._is_own.cache_clear()


def made_a_checkout(folder):
    git(folder, "init")
    git(folder, "add", "reluclf")
    git(folder, "commit", "-m", "ours")
    checkout._is_own.cache_clear()
    return git(folder, "rev-parse", "HEAD")


@pytest.mark.parametrize("ignored", [False, True])
def test_the_commit_of_a_repository_around_an_unpacked_zip_is_not_ours(project, ignored):
    if ignored:
        (project.parent / ".gitignore").write_text("relu book\n")
    assert (
        checkout.commit(),
        checkout.modified("reluclf"),
        checkout.date(),
        checkout.trouble(),
    ) == ("", False, "", "")


def test_a_sparse_checkout_is_not_the_commit_and_says_so(project):
    (project / "results").mkdir()
    (project / "results" / "seed-1.json").write_text("{}")
    git(project, "init")
    git(project, "add", "results")
    made_a_checkout(project)
    assert (checkout.modified("reluclf", "results"), checkout.trouble()) == (False, "")
    git(project, "sparse-checkout", "set", "reluclf")
    assert not (project / "results").exists()
    assert checkout.modified("reluclf", "results") and not checkout.modified("reluclf")
    assert (
        checkout.trouble()
        == checkout.sparse()
        == (
            "this checkout is sparse: git leaves out 1 file of the book, or does not look there; "
            "have them all with: git sparse-checkout disable"
        )
    )
    git(project, "sparse-checkout", "disable")
    assert (checkout.modified("results"), checkout.sparse()) == (False, "")


def test_a_file_that_git_takes_for_unchanged_is_named_with_what_helps(project):
    made_a_checkout(project)
    file = git(project, "ls-files", "reluclf").splitlines()[0]
    git(project, "update-index", "--assume-unchanged", file)
    told = checkout.trouble()
    assert told.startswith(f"git was told to take {file} for unchanged; ")
    assert checkout.modified("reluclf")
    git(project, *told.partition("with: git ")[2].split())
    assert (checkout.trouble(), checkout.modified("reluclf")) == ("", False)


def test_the_tests_commit_into_no_repository_that_a_hook_names(tmp_path):
    git(tmp_path, "init", "--initial-branch=main")
    git(tmp_path, "commit", "--allow-empty", "-m", "the user's")
    command = [sys.executable, "-m", "pytest", "-q", "-k", "unpacked_zip", __file__]
    hook = {"GIT_DIR": str(tmp_path / ".git"), "GIT_WORK_TREE": str(tmp_path)}
    done = subprocess.run(command, cwd=paths.ROOT, env=os.environ | hook, check=False)
    assert done.returncode == 0
    assert git(tmp_path, "log", "--format=%s") == "the user's"


def test_our_own_commit_is_named_even_in_a_hook_of_another_repository(project, monkeypatch):
    commit = made_a_checkout(project)
    date = git(project, "log", "-1", "--format=%ct")
    monkeypatch.setenv("GIT_DIR", str(project.parent / ".git"))
    assert (checkout.commit(), checkout.modified("reluclf"), checkout.trouble()) == (
        commit,
        False,
        "",
    )
    assert checkout.date() == date


def test_a_users_settings_of_git_change_neither_date_nor_what_is_modified(project, monkeypatch):
    made_a_checkout(project)
    date = git(project, "log", "-1", "--format=%ct")
    settings = {"log.showSignature": "true", "status.showUntrackedFiles": "no"}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for i, (key, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{i}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{i}", value)
    assert (checkout.date(), checkout.modified("reluclf")) == (date, False)
    (project / "reluclf" / "new.py").write_text("b = 1\n")
    assert checkout.modified("reluclf")


def test_a_signature_that_git_would_show_is_no_part_of_the_date(project, monkeypatch):
    made_a_checkout(project)
    asked = []

    def run(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, f"{project}\n", "")

    monkeypatch.setattr(checkout.subprocess, "run", run)
    checkout.date()
    assert all("log.showSignature=false" in command for command in asked) and asked


def test_a_change_of_the_code_is_seen(project):
    made_a_checkout(project)
    (project / "reluclf" / "spec.py").write_text("a = 2\n")
    assert checkout.modified("reluclf")
    assert not checkout.modified("book")


def test_a_checkout_that_git_does_not_trust_is_told_with_the_remedy(project, monkeypatch):
    made_a_checkout(project)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own means of testing this
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    checkout._is_own.cache_clear()
    assert checkout.commit() == ""
    assert f"git config --global --add safe.directory {project.as_posix()}" in checkout.trouble()


def test_without_git_that_is_told(project, monkeypatch):
    made_a_checkout(project)
    monkeypatch.setenv("PATH", "")
    checkout._is_own.cache_clear()
    assert checkout.commit() == ""
    assert "so that none is named: git cannot be run" in checkout.trouble()


def test_the_digest_of_the_code_is_the_same_with_the_line_endings_of_windows(project, monkeypatch):
    monkeypatch.setattr(runtime, "_DECISIVE", ("spec.py",))
    runtime.code_digest.cache_clear()
    unix = runtime.code_digest()
    (project / "reluclf" / "spec.py").write_bytes(b"a = 1\r\n")
    runtime.code_digest.cache_clear()
    assert runtime.code_digest() == unix
    runtime.code_digest.cache_clear()


def test_every_text_file_is_checked_out_with_the_same_line_endings():
    if checkout.trouble() or not checkout.commit():
        pytest.skip("this is not a git checkout")
    listed = git(paths.ROOT, "ls-files", "--eol").splitlines()
    wrong = [
        line
        for line in listed
        if "i/-text" not in line and "attr/text=auto eol=lf" not in line and "i/none" not in line
    ]
    assert listed and not wrong
    assert not [line for line in listed if "i/crlf" in line or "i/mixed" in line]
