"""The workflows: thin, pinned and with no more rights than they need."""

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

import reluclf
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
            commands = [step["run"] for step in job["steps"] if "run" in step]
            assert all(re.match(r"\.ci/|gh ", command) for command in commands)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_has_a_group_every_job_an_end_and_every_command_one_line(file):
    assert "concurrency" in yaml.safe_load(file.read_text(encoding="utf-8"))
    for job in jobs(file).values():
        assert job["timeout-minutes"] > 0
        for command in (step["run"] for step in job["steps"] if "run" in step):
            assert (
                re.match(r"make |\.ci/|gh release |reluclf |python -m (pip|pytest) ", command)
                and "\n" not in command
                and "${{" not in command
            )


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_what_is_installed_is_cached_under_what_pins_it(file):
    for step in (
        step
        for job in jobs(file).values()
        for step in job["steps"]
        if "setup-python" in step.get("uses", "")
    ):
        assert step["with"]["cache-dependency-path"] == "requirements.txt"


def test_the_tests_run_on_the_oldest_python_that_is_supported_and_on_three_systems():
    matrix = jobs(paths.ROOT / ".github" / "workflows" / "ci.yml")["test"]["strategy"]["matrix"]
    oldest = re.search(
        r'requires-python = ">=([\d.]+),',
        (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"),
    )[1]
    assert matrix["python"][0] == oldest and len(matrix["python"]) > 1
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_the_book_is_built_on_three_systems_and_its_chapters_run_in_the_image_of_colab():
    ci = jobs(paths.ROOT / ".github" / "workflows" / "ci.yml")
    for system, command in {"macos": "make book", "windows": "reluclf book"}.items():
        job = ci[f"book-on-{system}"]
        assert job["runs-on"].startswith(f"{system}-")
        assert job["steps"][-1]["run"] == command
    assert ci["colab"]["container"].startswith("us-docker.pkg.dev/colab-images/public/runtime:")
    assert ci["colab"]["steps"][-1]["run"].startswith(".ci/run-notebooks ")


def test_nothing_that_runs_on_windows_takes_make_or_a_posix_shell():
    """Its make is another one, and README tells its users to do without."""
    for job in jobs(paths.ROOT / ".github" / "workflows" / "ci.yml").values():
        on = [job["runs-on"], *job.get("strategy", {}).get("matrix", {}).get("os", [])]
        if any(system.startswith("windows") for system in on):
            commands = [step["run"] for step in job["steps"] if "run" in step]
            assert not [command for command in commands if re.match(r"make |\.ci/", command)]
            assert not re.search(r"['\\;&|$]", " ".join(commands))


def test_binder_gets_what_readers_and_rerunners_need_and_not_the_developers_tools():
    pinned = set(
        re.findall(
            r"^([\w.-]+)==",
            (paths.ROOT / ".binder" / "requirements.txt").read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
    )
    assert {"tensorflow", "jupyter-book", "papermill", "jupyterlab-myst"} <= pinned
    assert not pinned & {
        "playwright",
        "pytest",
        "uv",
        "hypothesis",
        "ruff",
        "distributed",
        "pip-audit",
        "import-linter",
    }


def test_the_containers_have_a_python_that_is_supported_and_call_targets_that_exist():
    oldest = re.search(
        r'requires-python = ">=([\d.]+),',
        (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"),
    )[1]
    container = json.loads(
        (paths.ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    )
    assert f":{oldest}-" in container["image"]
    assert (paths.ROOT / ".binder" / "runtime.txt").read_text(
        encoding="utf-8"
    ).strip() == f"python-{oldest}"
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    assert (
        "make --silent tex-packages" in container["postCreateCommand"]
        and "\ntex-packages:" in makefile
    )
    assert (
        container["postCreateCommand"].endswith("make .venv/ready")
        and "VENV := .venv" in makefile
        and "READY := $(VENV)/ready" in makefile
    )


def test_the_version_is_the_same_everywhere():
    project = re.search(
        r'^version = "(.+)"',
        (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )[1]
    citation = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"]
    assert project == citation == reluclf.__version__
    assert f"## {project}" in (paths.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_experiments_are_verified_and_their_notebooks_kept():
    steps = jobs(paths.ROOT / ".github" / "workflows" / "experiments.yml")["train"]["steps"]
    commands = [step["run"].split()[1] for step in steps if step.get("run", "").startswith("make")]
    assert commands == ["gpu", "experiments", "check-records", "verify"]
    train, propose = (
        jobs(paths.ROOT / ".github" / "workflows" / "experiments.yml")[name]
        for name in ("train", "propose")
    )
    # One run of hundreds that fails must not keep the others' records from being proposed; records that do not verify must be.
    assert {
        step["if"] for step in steps if step.get("run") in ("make check-records", "make verify")
    } == {"${{ !cancelled() }}"}
    assert train["outputs"]["verified"] == "${{ steps.verify.outcome }}" and "verify" in [
        step.get("id") for step in steps
    ]
    assert propose["if"] == "${{ !cancelled() && needs.train.outputs.verified == 'success' }}"
    assert {
        step["with"]["name"] for step in steps if "upload-artifact" in step.get("uses", "")
    } == {"records", "executed-notebooks"}


@pytest.mark.skipif(os.name == "nt", reason="a bash script, which CI runs on Linux")
def test_the_notebooks_of_the_built_pages_become_the_only_commit_of_a_branch(tmp_path):
    def git(*arguments, folder):
        return subprocess.run(
            ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    origin, checkout = tmp_path / "origin", tmp_path / "checkout"
    git("init", "--bare", str(origin), folder=tmp_path)
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(paths.ROOT / ".ci" / "publish-notebooks", checkout / ".ci")
    (checkout / "_build" / "html" / "notebooks").mkdir(parents=True)
    git("init", folder=checkout)
    git("remote", "add", "origin", str(origin), folder=checkout)
    git(
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@example.org",
        "commit",
        "--allow-empty",
        "-m",
        "first",
        folder=checkout,
    )
    for content in ("one", "two"):
        (checkout / "_build" / "html" / "notebooks" / "mnist.ipynb").write_text(content)
        subprocess.run([".ci/publish-notebooks"], cwd=checkout, check=True)
    assert git("show", "notebooks:mnist.ipynb", folder=origin) == "two"
    assert git("rev-list", "--count", "notebooks", folder=origin).strip() == "1"
    assert git("ls-tree", "--name-only", "notebooks", folder=origin).split() == ["mnist.ipynb"]


def test_every_target_that_is_called_exists():
    targets = set(
        re.findall(
            r"^([a-z-]+):",
            (paths.ROOT / "Makefile").read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
    )
    files = [*WORKFLOWS, paths.ROOT / ".ci" / "run"]
    called = {
        target
        for file in files
        for target in re.findall(
            r"(?:^|run: )make ([a-z-]+)", file.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    }
    assert called and called <= targets


def test_every_file_of_tests_that_is_named_exists():
    for file in (
        *WORKFLOWS,
        paths.ROOT / ".pre-commit-config.yaml",
        paths.ROOT / "CONTRIBUTING.md",
        paths.ROOT / "README.md",
    ):
        for named in re.findall(r"tests/[\w/]*\.py", file.read_text(encoding="utf-8")):
            assert (paths.ROOT / named).is_file(), f"{file.name} names {named}"


def test_actionlint_finds_nothing():
    fetched = paths.ROOT / "_build" / "actionlint" / "bin" / "actionlint"
    program = str(fetched) if fetched.is_file() else shutil.which("actionlint")
    if not program:
        pytest.skip("actionlint is not installed: run make actionlint, which CI does")
    result = subprocess.run([program, *map(str, WORKFLOWS)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
