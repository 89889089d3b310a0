"""The simulation of the rules as a table, and the errors that it finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for world in result["worlds"]:
        found.setdefault((world["rule"], world["truth"]), []).append(world)
    rows = []
    for (rule, truth), worlds in found.items():
        row = {
            "rule": rule,
            "what is true": truth,
            "runs": " / ".join(str(world["n"]) for world in worlds),
            "wrongly affirmed, %": _percents(wrongly(world, AFFIRMED) for world in worlds),
            "wrongly denied, %": _percents(wrongly(world, DENIED) for world in worlds),
            "rightly decided, %": _percents(world["decides"] for world in worlds),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _percents(shares: Iterable[float | None]) -> str:
    """Write shares in percent, side by side; one dash where there are none."""
    texts = [formats.NONE if share is None else f"{100 * share:.1f}" for share in shares]
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
    shares = {
        "rules_affirmed": max(wrongly(world, AFFIRMED) for world in result["worlds"]),
        "rules_denied": max(wrongly(world, DENIED) for world in result["worlds"]),
        "rules_chance": float(binom.ppf(alone, n, level)) / n,
    }
    return {name: f"{100 * share:.1f} %" for name, share in shares.items()}
