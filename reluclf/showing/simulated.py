"""The simulation of the rules as a table, and the errors that it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from reluclf import formats
from reluclf.judging.status import Status
from reluclf.judging.thresholds import LEVEL
from reluclf.showing import origins

#: The statuses that affirm what the paper says, and those that deny it.
AFFIRMED = (Status.REPRODUCED, Status.SOME_RUNS, Status.IN_PART)
DENIED = (Status.NOT_REPRODUCED, Status.CONTRADICTED)


@origins.traced
def table(result: dict[str, Any]) -> pd.DataFrame:
    """Set out the simulation: a row for each world, its numbers of runs side by side.

    Parameters
    ----------
    result : dict
        As :func:`reluclf.judging.simulation.read` gives it.
    """
    rows: dict[tuple[str, str], dict[str, list[str]]] = {}
    for world in result["worlds"]:
        row = rows.setdefault((world["rule"], world["truth"]), {})
        decides = world["decides"]
        told = {
            "runs": str(world["n"]),
            "wrongly affirmed, %": _percent(wrongly(world, AFFIRMED)),
            "wrongly denied, %": _percent(wrongly(world, DENIED)),
            "rightly decided, %": formats.NONE if decides is None else _percent(decides),
        }
        for name, text in told.items():
            row.setdefault(name, []).append(text)
    frame = []
    for (rule, truth), row in rows.items():
        joined = {name: _side_by_side(texts) for name, texts in row.items()}
        frame.append({"rule": rule, "what is true": truth} | joined)
    return pd.DataFrame(frame)


def _side_by_side(texts: Sequence[str]) -> str:
    return formats.NONE if set(texts) == {formats.NONE} else " / ".join(texts)


def wrongly(world: dict[str, Any], among: Sequence[Status]) -> float:
    """Add the shares of those statuses that are wrong in a world of the simulation."""
    wrong = [status for status in among if str(status) in world["wrong"]]
    return sum(world["statuses"].get(str(status), 0.0) for status in wrong)


def worst(result: dict[str, Any]) -> dict[str, str]:
    """Find the largest shares of errors in the simulation, to be glued, and what chance explains.

    ``rules_chance`` is what the largest of as many shares stays below with 95 %, if each is 5 %.
    """
    from scipy.stats import binom

    level, n = 1 - LEVEL, result["repetitions"]
    alone = LEVEL ** (1 / len(result["worlds"]))
    return {
        "rules_affirmed": _with_unit(max(wrongly(world, AFFIRMED) for world in result["worlds"])),
        "rules_denied": _with_unit(max(wrongly(world, DENIED) for world in result["worlds"])),
        "rules_chance": _with_unit(float(binom.ppf(alone, n, level)) / n),
    }


def _with_unit(share: float) -> str:
    return f"{_percent(share)} %"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
