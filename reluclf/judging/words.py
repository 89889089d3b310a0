"""The words of verdicts, from ``book/verdicts.yml``: labels, and sentences with places to fill."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import yaml

from reluclf import paths


@functools.cache
def contents() -> dict[str, Any]:
    """Read the whole of ``book/verdicts.yml``."""
    return yaml.safe_load(paths.WORDS.read_text(encoding="utf-8"))


def say(key: str, **values: object) -> str:
    """Fill a sentence.

    Parameters
    ----------
    key : str
        Its name under ``sentences``.
    **values
        What its places in braces are filled with.

    Raises
    ------
    KeyError
        If there is no such sentence, or a place is not filled.

    Examples
    --------
    >>> say("held", hits=8, n=8, what="runs")
    'It holds in 8 of 8 runs.'
    """
    sentences = contents()["sentences"]
    if key not in sentences:
        raise KeyError(f"{paths.WORDS.name} has no sentence {key!r}; add it under sentences.")
    return minus(" ".join(sentences[key].split()).format(**values))


def part(name: str) -> str:
    """Name a part of a claim, or a number, as the pages do."""
    return contents()["parts"][name]


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence has them; empty if there are none.

    Examples
    --------
    >>> listed(["T3", "T4", "T6"])
    'T3, T4 and T6'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def minus(text: str) -> str:
    """Give negative numbers in a text a minus sign; hyphens stay."""
    return re.sub(r"(?<![\w])-(?=\d)", "\N{MINUS SIGN}", text)
