"""What a stranger's text, file or mirror could do: nothing is run, unpickled, fetched unchecked or given away."""

import getpass
import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml

from reluclf import paths, sources

MODULES = sorted((paths.ROOT / "reluclf").rglob("*.py"))
TRACKED = [*MODULES, *paths.BOOK.glob("*.ipynb"), *paths.BOOK.rglob("*.py")]


def requirements():
    text = (paths.ROOT / "requirements.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    return [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]


def test_every_requirement_is_pinned_and_hashed():
    assert len(requirements()) > 100
    for line in requirements():
        assert re.match(r"[A-Za-z0-9._-]+==[\w.!+-]+\s", line) and "--hash=sha256:" in line, line


def test_requirements_name_no_other_index():
    assert not re.search(r"^\s*-|://", "\n".join(requirements()), flags=re.MULTILINE)


@pytest.mark.parametrize("file", TRACKED, ids=lambda file: file.name)
def test_no_module_or_chapter_loads_pickles_or_calls_a_shell(file):
    text = file.read_text(encoding="utf-8")
    assert not re.search(
        r"\b(?:import|from) (?:pickle|cPickle|dill|cloudpickle|shelve|marshal)\b|joblib\.load|read_pickle|allow_pickle=True",
        text,
    )
    assert not re.search(
        r"shell=True|os\.system|os\.popen|getoutput|\beval\(|\bexec\(|yaml\.(?:unsafe_)?load\((?!.*SafeLoader)",
        text,
    )
    assert "verify=False" not in text


def test_arrays_from_files_are_loaded_without_pickles():
    calls = [
        call
        for file in MODULES
        for call in re.findall(r"np\.load\(.*", file.read_text(encoding="utf-8"))
    ]
    assert calls and all("allow_pickle=False" in call for call in calls)


def test_mirrors_are_asked_over_tls_and_what_they_send_is_checked():
    assert all(
        mirror.startswith("https://") for mirrors in sources.MIRRORS.values() for mirror in mirrors
    )
    assert all(
        re.fullmatch("[0-9a-f]{64}", digest)
        for digests in sources.SHA256.values()
        for digest in digests.values()
    )


@pytest.mark.skipif(
    not shutil.which("make") or os.name == "nt",
    reason="there is no make, or its shell is another one",
)
@pytest.mark.parametrize("target", ["chapter", "experiments", "verify"])
@pytest.mark.parametrize(
    "text",
    [
        "1; touch evil",
        "$(touch evil)",
        "`touch evil`",
        "' ; touch evil; '",
        '"; touch evil; "',
        "1 && touch evil",
    ],
)
def test_what_is_given_to_make_reaches_no_shell(target, text, tmp_path):
    """The command is replaced by one that prints its arguments; they must be the given text, and nothing else may happen."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nshift 3\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    command = ["make", "-f", str(paths.ROOT / "Makefile"), "-o", ".venv/ready", f"BIN={tmp_path}"]
    name = {"chapter": "seeds", "experiments": "ONLY", "verify": "SEED"}[target]
    given = subprocess.run(
        [*command, target, f"{name}={text.replace('$', '$$')}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert f"{name}={text}" in given.stdout.replace("$$", "$").splitlines(), given.stderr
    if target != "chapter":  # as the workflow gives its inputs; a $ needs no doubling there
        given = subprocess.run(
            [*command, target],
            cwd=tmp_path,
            env=os.environ | {name: text},
            capture_output=True,
            text=True,
        )
        assert f"{name}={text}" in given.stdout.splitlines(), given.stderr
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "file", sorted((paths.ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda file: file.stem
)
def test_a_pull_request_runs_with_its_own_rights_only(file):
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    triggers = workflow[True]  # "on" is a truth value to YAML
    assert "pull_request_target" not in triggers and "workflow_run" not in triggers
    if "pull_request" in triggers:
        for job in workflow["jobs"].values():
            assert (
                "write" not in job.get("permissions", {}).values()
                or "github.ref == 'refs/heads/main'" in job["if"]
            )
            assert "secrets." not in str(job)


def test_every_pull_request_has_its_packages_audited():
    workflow = yaml.safe_load(
        (paths.ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    )
    assert "pull_request" in workflow[True]
    assert any(
        step.get("run") == "make audit"
        for job in workflow["jobs"].values()
        for step in job["steps"]
    )


def personal():
    """What a file must not tell of the machine it was made on."""
    return [
        str(paths.ROOT),
        str(Path.home()) + os.sep,
        f"/home/{getpass.getuser()}",
        "BEGIN PRIVATE KEY",
        "ghp_",
        "AKIA",
    ]


def test_no_chapter_tells_whose_machine_it_was_written_on():
    for file in paths.BOOK.glob("*.ipynb"):
        assert not [word for word in personal() if word in file.read_text(encoding="utf-8")]
        assert set(nbformat.read(file, as_version=4).metadata) <= {
            "kernelspec",
            "language_info",
            "mystnb",
        }
