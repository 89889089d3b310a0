"""What the simulation of the rules gave, kept in ``results/simulation.json``."""

from __future__ import annotations

import json
from typing import Any

from reluclf import paths
from reluclf.files import write_atomically
from reluclf.judging import worlds

#: The seed of the simulation's random numbers.
SEED = 1

#: How often a test asks again, to see that the file is of these rules.
REPLAYED = 40


def write(repetitions: int = worlds.REPETITIONS) -> dict[str, Any]:
    """Ask every rule in every world, write down what they said, and return it."""
    rows = worlds.simulate(repetitions, SEED)
    result = {
        "repetitions": repetitions,
        "seed": SEED,
        "replayed": REPLAYED,
        "worlds": [
            row | {"wrong": [str(status) for status in world.wrong], "first": first}
            for world, row, first in zip(worlds.worlds(), rows, replay(), strict=True)
        ],
    }
    write_atomically(paths.SIMULATION, (json.dumps(result, indent=1) + "\n").encode())
    return result


def replay() -> list[dict[str, float]]:
    """Ask as often as a test can wait for; return the shares of the statuses in every world."""
    return [row["statuses"] for row in worlds.simulate(REPLAYED, SEED)]


def read() -> dict[str, Any]:
    """Read what :func:`write` wrote."""
    return json.loads(paths.SIMULATION.read_text(encoding="utf-8"))
