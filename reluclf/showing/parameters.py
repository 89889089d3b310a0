"""What a chapter's parameters may be, whoever passes them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any


class ParameterError(ValueError):
    """A chapter, parameter or value that is not allowed; the message names it and what is."""


def _flag(value: Any) -> bool:
    if isinstance(value, str):
        return {"true": True, "false": False}[value.lower()]
    if not isinstance(value, bool):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if type(value) is not int or value < 0:
        raise TypeError
    return value


def _whole_or_none(value: Any) -> int | None:
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        return None
    return _whole(value)


def _text(value: Any) -> str:
    if value is None:  # YAML's null
        return ""
    if type(value) not in (str, int):  # papermill makes a number of a text that looks like one
        raise TypeError
    return str(value)


def _some_of(choices: tuple[str, ...]) -> Callable[[Any], list[str]]:
    def names(value: Any) -> list[str]:
        if isinstance(value, str):
            value = [name.strip(" '\"") for name in value.strip(" []()").split(",")]
        if not value or not set(value) <= set(choices):
            raise ValueError
        return list(value)

    return names


#: The values that a parameter with names for values can have.
CHOICES = {
    "protocols": ("carried", "fresh"),
    "parts": ("tables", "verbatim", "heads", "controls"),
    "datasets": ("mnist", "fashion_mnist"),
}

_FLAG = (_flag, "true or false")
_WHOLE = (_whole, "a whole number, not negative")
_WHOLE_OR_NONE = (_whole_or_none, "a whole number, not negative, or none")
_TEXT = (_text, "a text")

#: What turns a value into one of the right kind, and that kind in words, for every parameter of a
#: chapter.
KINDS = {
    "train": _FLAG,
    "seeds": _WHOLE,
    "cnn_seeds": _WHOLE,
    "seed": _WHOLE,
    "rows": _WHOLE,
    "epochs": _WHOLE,
    "folds": _WHOLE,
    "samples": _WHOLE_OR_NONE,
    "workers": _WHOLE_OR_NONE,
    "device": _TEXT,
    "only": _TEXT,
    "cluster": _TEXT,
    **{
        name: (_some_of(choices), f"one or more of {', '.join(choices)}, with commas between them")
        for name, choices in CHOICES.items()
    },
}

#: What papermill passes by itself, where it is asked for with ``--inject-paths``.
_PAPERMILLS_OWN = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")


def checked(name: str, value: Any) -> Any:
    """Return a parameter's value, or a text that stands for it, as a value of the right kind.

    Raises
    ------
    ParameterError
        If it is of another kind.

    Examples
    --------
    >>> checked("train", "false")
    False
    >>> checked("seeds", "2")
    2
    """
    convert, kind = KINDS[name]
    try:
        return convert(value)
    except (KeyError, TypeError, ValueError):
        raise ParameterError(f"{name}={value} is not allowed; {name} is {kind}.") from None


def settle(namespace: MutableMapping[str, Any], cells: Iterable[str]) -> None:
    """Check the parameters in a chapter's own namespace, and give them values of the right kind.

    Parameters
    ----------
    namespace : dict
    cells : iterable of str
        The cells that have been run so far; one that papermill has injected may name no other
        parameters than those before it.

    Raises
    ------
    ParameterError
    """
    declared: list[str] = []
    for cell in cells:
        if cell.startswith("# Parameters\n"):
            passed = [name for name in _assigned(cell) if name not in _PAPERMILLS_OWN]
            refuse_unknown(passed, declared)
        declared += _assigned(cell)
    for name in KINDS:
        if name in declared:
            namespace[name] = checked(name, namespace[name])


def refuse_unknown(
    names: Iterable[str], allowed: Iterable[str], chapter: str = "this chapter"
) -> None:
    """Raise ParameterError if one of the names is not that of a parameter."""
    for name in names:
        if name not in allowed:
            listed = ", ".join(allowed)
            theirs = f"its parameters are {listed}" if listed else "it has none"
            raise ParameterError(f"{name!r} is not a parameter of {chapter}; {theirs}.")


def _assigned(cell: str) -> list[str]:
    """Return the names that a cell's source gives values to; none, if it is not plain Python."""
    try:
        body = ast.parse(cell).body
    except SyntaxError:
        return []
    targets = [node.targets[0] for node in body if isinstance(node, ast.Assign)]
    return [target.id for target in targets if isinstance(target, ast.Name)]
