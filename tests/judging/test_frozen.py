"""The rules and the design are those of the log's last entry."""

import shutil

import pytest
import yaml

from reluclf import metrics, paths
from reluclf.judging import frozen

KNOWN = ("nothing run", "results not seen", "results seen")


def test_the_last_entry_of_the_log_has_the_digest_of_todays_rules_and_design():
    assert frozen.log()[-1]["digest"] == frozen.digest(), (
        "a rule or the design changed: add an entry to book/rules-log.yml that says what was known"
    )


def test_every_entry_says_when_what_was_known_and_what_changed():
    entries = frozen.log()
    for entry in entries:
        assert set(entry) == {"date", "known", "change", "effect", "digest"}
        assert any(known in entry["known"].lower() for known in KNOWN)
        assert entry["change"] and entry["effect"]
    dates = [entry["date"] for entry in entries]
    assert dates == sorted(dates)


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """Edits a copy of a rule or of the design, and returns the digests before and after that."""
    room = tmp_path / "reluclf" / "judging"
    shutil.copytree(paths.ROOT / "reluclf" / "judging", room)
    shutil.copy(paths.DESIGN, tmp_path / "design.yml")
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "DESIGN", tmp_path / "design.yml")

    def change(name, old, new):
        path = tmp_path / name if name == "design.yml" else room / f"{name}.py"
        text = path.read_text(encoding="utf-8")
        assert old in text
        before = frozen.digest()
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return before, frozen.digest()

    return change


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("thresholds", "MARGIN = 0.02", "MARGIN = 0.01"),
        ("thresholds", "LEVEL = 0.95", "LEVEL = 0.9"),
        ("rules", "low > thresholds.HALF", "low >= thresholds.HALF"),
        ("claims", "size=-0.04", "size=-0.05"),
        ("status", "SHOWN = frozenset({", "SHOWN = frozenset({Status.COMPATIBLE, "),
        ("alone", "> 0.9 for run", ">= 0.9 for run"),
        ("design", '"clipnorm": 1.0', '"clipnorm": 2.0'),
        ("design.yml", "runs: 20", "runs: 21"),
        ("design.yml", "heads: [softmax, relu]", "heads: [relu]"),
    ],
)
def test_a_change_of_a_rule_or_of_the_design_changes_the_digest(edit, name, old, new):
    before, after = edit(name, old, new)
    assert before != after


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("thresholds", "#: The margin", "#: Some margin"),
        ("thresholds", "MARGIN = 0.02", "MARGIN = (\n    0.02\n)"),
        ("rules", '"""Test one part of a claim.', '"""Test a part.'),
        ("rules", '"""The rules:', '"""Rules:'),
        ("claims", "\n\n\n", "\n\n\n\n# A comment.\n"),
        ("items", "    evidence: str\n", "    evidence: str  # of a page\n"),
        ("design.yml", "runs: 20", "runs: 20  # as many as there are"),
    ],
)
def test_a_docstring_a_comment_or_a_line_break_does_not(edit, name, old, new):
    before, after = edit(name, old, new)
    assert before == after


@pytest.mark.parametrize("name", frozen.RULES)
def test_every_module_of_the_rules_is_in_the_digest(edit, name):
    before, after = edit(name, "from __future__ import annotations", "import math")
    assert before != after


def never_loses_a_class(confusion_matrix):
    return False


def test_when_a_class_is_lost_is_in_the_digest(monkeypatch):
    before = frozen.digest()
    monkeypatch.setattr(metrics, "loses_a_class", never_loses_a_class)
    assert frozen.digest() != before


def test_the_log_is_yaml_with_nothing_but_its_changes():
    assert list(yaml.safe_load(paths.RULES_LOG.read_text(encoding="utf-8"))) == ["changes"]
