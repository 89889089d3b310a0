"""What the rules were when runs were looked at: a digest of rules and design, and a log of both."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from typing import Any

import yaml

from reluclf import metrics, paths
from reluclf.judging import words

#: The modules that decide a verdict, in this folder.
RULES = (
    "alone",
    "answers",
    "claims",
    "counts",
    "design",
    "evidence",
    "exceeding",
    "items",
    "mechanism",
    "proposals",
    "published",
    "rules",
    "statistics",
    "status",
    "thresholds",
)


def digest() -> str:
    """Digest the rules and the design: SHA-256, 64 hexadecimal digits.

    Of a module counts what it does: not its docstrings, its comments or how its lines are broken.
    """
    design = yaml.safe_load(paths.DESIGN.read_text(encoding="utf-8"))
    settled = {key: entry["status"] for key, entry in words.contents()["settled"].items()}
    parts = [json.dumps([design, settled, metrics.LOST], sort_keys=True)]
    sources = [inspect.getsource(metrics.loses_a_class)]
    for name in RULES:
        file = paths.ROOT / "reluclf" / "judging" / f"{name}.py"
        sources.append(file.read_text(encoding="utf-8"))
    parts += map(_bare, sources)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _bare(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [line for line in node.body if not _is_text(line)]
    return repr(_plain(tree))


def _plain(node: object) -> object:
    """A syntax tree without what is empty in it: Pythons differ in which empty fields they have."""
    if isinstance(node, ast.AST):
        fields = [(name, _plain(value)) for name, value in ast.iter_fields(node)]
        return type(node).__name__, [field for field in fields if field[1] not in (None, [])]
    if isinstance(node, list):
        return [_plain(item) for item in node]
    return node


def _is_text(line: ast.stmt) -> bool:
    """Whether a line is but a string: a docstring."""
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def log() -> list[dict[str, Any]]:
    """Read what was known at each change of the rules, the first change first."""
    return yaml.safe_load(paths.RULES_LOG.read_text(encoding="utf-8"))["changes"]
