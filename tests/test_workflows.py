"""The workflows: thin, pinned and with no more rights than they need."""

import re
import shutil
import subprocess

import pytest
import yaml

from reluclf import paths

WORKFLOWS = sorted((paths.ROOT / ".github" / "workflows").glob("*.yml"))


def jobs(file):
    return yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_action_is_pinned_by_its_commit_and_names_its_version(file):
    for line in re.findall(r"uses:.*", file.read_text(encoding="utf-8")):
        assert re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", line), line


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_may_only_read_and_what_may_write_runs_no_build(file):
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}
    for job in jobs(file).values():
        if "write" in job.get("permissions", {}).values():
            assert not any("make" in step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_has_a_group_every_job_an_end_and_every_command_one_line(file):
    assert "concurrency" in yaml.safe_load(file.read_text(encoding="utf-8"))
    for job in jobs(file).values():
        assert job["timeout-minutes"] > 0
        for command in (step["run"] for step in job["steps"] if "run" in step):
            assert re.match(r"make |\.ci/|gh release ", command) and "\n" not in command and "${{" not in command


def test_every_target_that_is_called_exists():
    targets = set(re.findall(r"^([a-z-]+):", (paths.ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    files = [*WORKFLOWS, paths.ROOT / ".ci" / "run"]
    called = {target for file in files for target in re.findall(r"(?:^|run: )make ([a-z-]+)", file.read_text(encoding="utf-8"), flags=re.MULTILINE)}
    assert called and called <= targets


def test_actionlint_finds_nothing():
    if not shutil.which("actionlint"):
        pytest.skip("actionlint is not installed")
    result = subprocess.run(["actionlint", *map(str, WORKFLOWS)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
