"""What the simulation of the rules gave, kept in ``results/simulation.json``."""

from __future__ import annotations

import json
from typing import Any

from reluclf import paths
from reluclf.files import write_atomically
from reluclf.judging import frozen, worlds

#: The seed of the simulation's random numbers.
SEED = 1


def write(repetitions: int = worlds.REPETITIONS) -> dict[str, Any]:
    """Ask every rule in every world, write down what they said, and return it.

    The file names the digest of the rules, so that a test can tell whether it is of these.
    """
    rows = worlds.simulate(repetitions, SEED)
    result = {
        "digest": frozen.digest(),
        "repetitions": repetitions,
        "seed": SEED,
        "worlds": [
            row | {"wrong": [str(status) for status in world.wrong]}
            for world, row in zip(worlds.worlds(), rows, strict=True)
        ],
    }
    write_atomically(paths.SIMULATION, (json.dumps(result, indent=1) + "\n").encode())
    return result


def read() -> dict[str, Any]:
    """Read what :func:`write` wrote."""
    return json.loads(paths.SIMULATION.read_text(encoding="utf-8"))
