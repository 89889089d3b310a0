"""Worlds in which the truth is known: how often does each rule err in them, and how often decide?

``python -m reluclf simulate`` asks every rule some thousand times in each world, and keeps the
shares of its statuses in ``results/simulation.json``, from which the appendix has its table.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from reluclf import paths
from reluclf.files import write_atomically
from reluclf.judging import mechanism, thresholds
from reluclf.judging.exceeding import Values
from reluclf.judging.rules import Family, Part, Says, claim, held, number
from reluclf.judging.statistics import mean_of
from reluclf.judging.status import Status

#: How often each world is made, and how often a test asks again, to see that the file is of these
#: rules; and the seed of the random numbers.
REPETITIONS, REPLAYED, SEED = 2_000, 40, 1

#: Standard deviations of single runs that the worlds have: of softmax networks; of CNN-ReLU after
#: 320 epochs; of FFNN-ReLU that loses no class; and of the CNN-ReLU after 32 epochs.
SOFTMAX, CNN_RELU, KEPT, EARLY = 0.003, 0.02, 0.003, 0.17

#: What a lost class costs, and in how many of the FFNN-ReLUs one is lost.
LOSS_OF_CLASS, LOST_SHARE = 0.09, 0.4

Generator = np.random.Generator


class World(NamedTuple):
    """A rule in a world.

    Attributes
    ----------
    rule, truth : str
        The rule, and what is true in the world, as the table has them.
    n : int
        Runs of each network.
    wrong : tuple of Status
        The statuses that would be an error there.
    right : tuple of Status
        Those that would decide it rightly; empty at the edge, where nothing can be shown.
    draw : callable
        From random numbers and n to a status.
    """

    rule: str
    truth: str
    n: int
    wrong: tuple[Status, ...]
    right: tuple[Status, ...]
    draw: Callable[[Generator, int], Status]


NO: tuple[Status, ...] = (Status.NOT_REPRODUCED, Status.CONTRADICTED)
ALL_OF_IT: tuple[Status, ...] = (Status.REPRODUCED, Status.SOME_RUNS)


def _normal(mean: float, std: float) -> Callable[[Generator, int], np.ndarray]:
    return lambda generator, n: generator.normal(mean, std, n)


def _collapsing(mean: float) -> Callable[[Generator, int], np.ndarray]:
    """Paired differences of which one in five scatters far more widely, as on WDBC."""

    def draw(generator: Generator, n: int) -> np.ndarray:
        usual = generator.normal(mean, 0.02, n)
        collapsed = generator.random(n) < 0.2
        return usual + collapsed * generator.normal(0, 0.4, n)

    return draw


def _of_claim(says: Says, relu: Any, softmax: Any, paper: float, lost: float = 0.0) -> Any:
    """A claim with one part; of ReLU's runs this share has lost a class."""

    def draw(generator: Generator, n: int) -> Status:
        a, b = relu(generator, n), softmax(generator, n)
        kept = generator.random(n) >= lost
        everything = Values(a - LOSS_OF_CLASS * ~kept, b, False)
        kind = None if kept.all() else Values(a[kept], b, False)
        return claim([Part("accuracy", says, everything, kind, paper)]).status

    return draw


def _of_pairs(says: Says, difference: Any, paper: float) -> Any:
    """A claim with one part, of paired runs."""

    def draw(generator: Generator, n: int) -> Status:
        values = Values(difference(generator, n), np.zeros(n), True)
        return claim([Part("accuracy", says, values, None, paper)]).status

    return draw


def _of_numbers(off: float, std: float, lost: float = 0.0, many: int = 1) -> Any:
    """So many of the paper's numbers, each of one more run; the first is off by this much.

    The status is the worst of theirs.
    """
    family = Family(thresholds.NUMBERS, thresholds.MARGIN)
    worst = (Status.NOT_REPRODUCED, Status.COMPATIBLE, Status.SOME_RUNS, Status.REPRODUCED)

    def draw(generator: Generator, n: int) -> Status:
        statuses = set()
        for i in range(many):
            kept = max(int(np.sum(generator.random(n) >= lost)), thresholds.FEWEST)
            ours = mean_of(generator.normal(0.9, std, kept))
            paper = generator.normal(0.9 + (off if i == 0 else 0.0), std)
            statuses.add(number("number", paper, ours, family, n).status)
        return next(status for status in worst if status in statuses)

    return draw


def _of_held(share: float) -> Any:
    return lambda generator, n: held(list(generator.random(n) < share)).status


def _of_closing(closed: float) -> Any:
    """Three interventions, of which the first closes this share of the gap, the others none."""

    def draw(generator: Generator, n: int) -> Status:
        softmax, relu = generator.normal(0.95, SOFTMAX, n), generator.normal(0.45, EARLY, n)
        shares = (closed, 0.0, 0.0)
        changed = [generator.normal(0.45 + 0.5 * share, EARLY, n) for share in shares]
        closes = mechanism.closes_half(
            [
                mechanism.closing(values, relu, softmax, thresholds.MARGIN).past_half
                for values in changed
            ],
            thresholds.LEVEL,
        )
        return {True: Status.REPRODUCED, False: Status.CONTRADICTED, None: Status.UNDECIDED}[closes]

    return draw


def worlds() -> Iterator[World]:
    """List the worlds, each at the design's number of runs and at a larger one."""
    margin = thresholds.MARGIN
    softmax = _normal(0.95, SOFTMAX)
    for n in (8, 20, 100):
        for truth, gap, wrong, right in (
            ("ReLU is four points lower", -0.04, NO, ALL_OF_IT),
            ("there is no difference", 0.0, ALL_OF_IT + NO, ()),
            ("ReLU is four points higher", 0.04, ALL_OF_IT, NO),
        ):
            draw = _of_claim("below", _normal(0.95 + gap, CNN_RELU), softmax, -0.035)
            yield World("ReLU is lower", truth, n, wrong, right, draw)
        for truth, gap, wrong, right in (
            ("there is no difference", 0.0, NO, ALL_OF_IT),
            ("ReLU is two points lower, the margin", -margin, ALL_OF_IT + NO, ()),
            ("ReLU is six points lower", -3 * margin, ALL_OF_IT, NO),
        ):
            draw = _of_claim("equal", _normal(0.95 + gap, CNN_RELU), softmax, -0.002)
            yield World("the heads are equal", truth, n, wrong, right, draw)
        for truth, mean, wrong, right in (
            ("equal, but four in ten runs lose a class", 0.95, (Status.REPRODUCED,), ALL_OF_IT),
            ("those that lose none two points lower, the margin", 0.95 - margin, ALL_OF_IT, ()),
        ):
            draw = _of_claim("equal", _normal(mean, KEPT), softmax, -0.002, LOST_SHARE)
            yield World("the heads are equal, runs of two kinds", truth, n, wrong, right, draw)
        draw = _of_numbers(0.0, SOFTMAX, many=thresholds.NUMBERS)
        yield World("all of the paper's numbers", "each is one more run of ours", n, NO, (), draw)
        for truth, off, std, lost, wrong, right in (
            ("it is one more run of ours", 0.0, SOFTMAX, 0.0, NO, (Status.REPRODUCED,)),
            ("the same, but runs scatter widely", 0.0, CNN_RELU, 0.0, NO, (Status.COMPATIBLE,)),
            ("the same, among runs that lose no class", 0.0, KEPT, LOST_SHARE, NO, ALL_OF_IT),
            ("ten standard deviations off", 10 * SOFTMAX, SOFTMAX, 0.0, (Status.REPRODUCED,), NO),
        ):
            draw = _of_numbers(off, std, lost)
            yield World("one of the paper's numbers", truth, n, wrong, right, draw)
        for truth, share, wrong, right in (
            ("it holds in nine of ten runs", 0.9, NO, ALL_OF_IT),
            ("it holds in half of them", 0.5, (Status.REPRODUCED, *NO), ()),
            ("it holds in one of ten", 0.1, (Status.REPRODUCED,), NO),
        ):
            yield World("a sentence about one run", truth, n, wrong, right, _of_held(share))
    for n in (100, 300):
        for truth, mean, wrong, right in (
            ("ReLU is two points lower, and runs collapse", -0.02, NO, ALL_OF_IT),
            ("no difference, and runs collapse to either side", 0.0, ALL_OF_IT + NO, ()),
        ):
            draw = _of_pairs("below", _collapsing(mean), -0.0175)
            yield World("ReLU is lower, paired splits", truth, n, wrong, right, draw)
    for n in (20, 60):
        for truth, closed, wrong, right in (
            ("one intervention closes all of the gap", 1.0, NO, (Status.REPRODUCED,)),
            ("one intervention closes half of the gap", 0.5, (Status.REPRODUCED, *NO), ()),
            ("no intervention closes any of the gap", 0.0, (Status.REPRODUCED,), NO),
        ):
            yield World("keeping neurons alive", truth, n, wrong, right, _of_closing(closed))


def simulate(repetitions: int = REPETITIONS, seed: int = SEED) -> list[dict[str, Any]]:
    """Ask every rule in every world.

    Returns
    -------
    list of dict
        For each world its rule, truth and n, the shares of its ``statuses``, and how often the
        rule ``errs`` and ``decides``; the last is None at the edge.
    """
    rows = []
    for world in worlds():
        generator = np.random.default_rng([seed, world.n])
        counts = Counter(world.draw(generator, world.n) for _ in range(repetitions))
        statuses = {str(status): count / repetitions for status, count in sorted(counts.items())}
        errs = sum(counts[status] for status in world.wrong) / repetitions
        decides = sum(counts[status] for status in world.right) / repetitions
        row = {"rule": world.rule, "truth": world.truth, "n": world.n, "statuses": statuses}
        rows.append(row | {"errs": errs, "decides": decides if world.right else None})
    return rows


def write(repetitions: int = REPETITIONS) -> dict[str, Any]:
    """Ask every rule in every world, write down what they said, and return it."""
    rows = simulate(repetitions, SEED)
    result = {
        "repetitions": repetitions,
        "seed": SEED,
        "replayed": REPLAYED,
        "worlds": [
            row | {"wrong": [str(status) for status in world.wrong], "first": first}
            for world, row, first in zip(worlds(), rows, replay(), strict=True)
        ],
    }
    write_atomically(paths.SIMULATION, (json.dumps(result, indent=1) + "\n").encode())
    return result


def replay() -> list[dict[str, float]]:
    """Ask as often as a test can wait for; return the shares of the statuses in every world."""
    return [row["statuses"] for row in simulate(REPLAYED, SEED)]


def read() -> dict[str, Any]:
    """Read what :func:`write` wrote."""
    return json.loads(paths.SIMULATION.read_text(encoding="utf-8"))
