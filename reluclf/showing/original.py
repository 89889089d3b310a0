"""The libraries of 2018 beside today's: the same quantities of networks trained with both."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from reluclf import data, paths
from reluclf.formats import NONE, cell, signed
from reluclf.grids import grid
from reluclf.judging import paper, words
from reluclf.judging.evidence import Evidence, of_setting
from reluclf.judging.statistics import Difference, estimate, unpaired
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins, own_loss, prose
from reluclf.showing.runs import NETWORKS, Network, architectures, with_both_heads
from reluclf.spec import N_SPLITS, Spec
from reluclf.store import Store

#: Where the records of ``make original`` lie within ``results/``.
FOLDER = "original"

#: How many runs of each network ``make original`` is to make; it was fixed before the first.
PLAN = paths.ROOT / "original" / "plan.json"

#: How far a share times the number of rows may be from a whole number: the notebooks' accuracies
#: have float32's rounding.
_ROUNDING = 0.001

#: WDBC's measurements, by name, as a setting.
_MEASUREMENTS = {"raw": {"features": "raw"}, "standardised": {}}


class Quantity(NamedTuple):
    """An accuracy that runs of both have.

    Attributes
    ----------
    title : str
    of : callable
        How a run has it.
    folds : int
        How many folds the runs of 2018 have at least; ours have all ten.
    """

    title: str
    of: Callable[[Record], float]
    folds: int = N_SPLITS


WHOLE = (
    Quantity("ten folds, cross-validation", lambda run: run.cv_accuracy),
    Quantity("ten folds, test set", lambda run: run.test.accuracy),
)
QUANTITIES = (
    Quantity("first fold, validation", lambda run: run.folds[0].validation.accuracy[-1], folds=1),
    Quantity("first fold, test set", lambda run: run.folds[0].test.accuracy, folds=1),
    *WHOLE,
)

#: What the runs on images with Keras's own loss have, which end there.
EARLY = Quantity(
    "after two epochs, validation", lambda run: run.folds[0].validation.accuracy[1], folds=1
)


def read() -> list[Record]:
    """Read the records that ``make original`` has made."""
    return Store(paths.RESULTS / FOLDER).read_all()


def plan() -> dict[Spec, int]:
    """Read how many runs ``make original`` is to make, by the spec of the first."""
    planned = {}
    for experiment in json.loads(PLAN.read_text(encoding="utf-8"))["experiments"].values():
        for network in experiment["networks"]:
            fields = Network(*network)._asdict() | experiment["spec"]
            for spec in grid(protocol="carried", seed=1, **fields):
                planned[spec] = experiment["seeds"]
    return planned


def _planned(network: Network, **fields: Any) -> str:
    first = Spec(**network._asdict(), protocol="carried", seed=1, **fields)
    return str(plan().get(first, NONE))


def progress(then: Sequence[Record]) -> str:
    """Write how many of the planned runs are recorded, as prose has it."""
    return f"{len(then) or 'none'} of the {sum(plan().values()):,} planned runs"


class _Case(NamedTuple):
    """What is compared: a quantity of a network, with the setting of 2018's runs and of ours."""

    network: Network
    title: str
    quantity: Quantity
    then: dict[str, Any]
    now: dict[str, Any]
    epochs: int = 32


def _cases() -> Iterator[_Case]:
    # With a softmax, whose outputs are never all zero, Keras's own loss is the guarded one.
    own = {"loss": "verbatim"}
    for network in NETWORKS:
        if network.dataset != "wdbc":
            if network.head == "softmax":
                yield _Case(network, EARLY.title, EARLY, own, {}, epochs=2)
            for quantity in QUANTITIES:
                yield _Case(network, quantity.title, quantity, {}, {})
        elif network.head == "softmax":
            for title, features in _MEASUREMENTS.items():
                for quantity in WHOLE:
                    then = own | features
                    yield _Case(network, f"{title}, {quantity.title}", quantity, then, features)


def compared(then: Sequence[Record], now: Sequence[Record]) -> pd.DataFrame:
    """Compare the same quantities of the same networks with the libraries of 2018 and today's.

    Parameters
    ----------
    then : sequence of Record
        Those of :func:`read`.
    now : sequence of Record
        Ours, as run.

    Returns
    -------
    DataFrame of str
        A row for each network and quantity that records of 2018 have: both means with their
        intervals, the first minus the second with its 95 % interval, and whether the two are shown
        to be within the margin of each other.
    """
    old, new = Evidence(then), Evidence(now)
    rows = []
    for case in _cases():
        theirs = _runs(old, case.network, case.then, case.quantity.folds, case.epochs)
        if not theirs:
            continue
        ours = _runs(new, case.network, case.now, N_SPLITS)
        of_2018, of_today = ([case.quantity.of(run) for run in runs] for runs in (theirs, ours))
        difference = unpaired(of_2018, of_today, MARGIN)
        row = {
            "network": case.network.title,
            "accuracy, %": case.title,
            "2018": cell(estimate(of_2018), "test_accuracy"),
            "runs planned": _planned(
                case.network, epochs=case.epochs, folds=case.quantity.folds, **case.then
            ),
            "today": cell(estimate(of_today), "test_accuracy"),
            "2018 − today, points": _written(difference),
            "within two points": _within(difference),
        }
        rows.append(row)
    used = {f"{FOLDER}/": old.seen.values(), "": new.seen.values()}
    return origins.rests_on(pd.DataFrame(rows), used)


def _runs(
    records: Evidence, network: Network, setting: dict[str, Any], folds: int, epochs: int = 32
) -> list[Record]:
    """Select a network's ``carried`` runs, so set, with so many folds of so many epochs."""
    fields = {"protocol": "carried", "epochs": epochs, "samples": None, **network._asdict()}
    return [run for run in of_setting(records, setting, **fields) if run.spec.folds >= folds]


def _written(difference: Difference | None) -> str:
    if difference is None:
        return NONE
    ends = (difference.low, difference.mean, difference.high)
    low, mean, high = (signed(value, "cv_accuracy") for value in ends)
    return f"{mean} [{low}, {high}]"


def _within(difference: Difference | None) -> str:
    if difference is None:
        return NONE
    return "shown" if difference.equivalent else "not shown"


def deaths(then: Sequence[Record], now: Sequence[Record]) -> pd.DataFrame:
    """Show what becomes of the networks under Keras's own loss, then and now.

    Returns
    -------
    DataFrame of str
        A row for each network and kind of measurements that records of 2018 have: how many runs
        there are, and are planned; how many met a loss that is not finite, and when; and how many
        had within the first batches, as many as the shorter runs of both have, beside ours.
    """
    rows, old, new = [], [], []
    for network in NETWORKS:
        on_wdbc = network.dataset == "wdbc"
        length = {} if on_wdbc else {"epochs": 2, "folds": 1}
        for title, features in (_MEASUREMENTS if on_wdbc else {"": {}}).items():
            setting = {"loss": "verbatim", **features}
            theirs, ours = (_of_setting(records, network, setting) for records in (then, now))
            if not theirs:
                continue
            old += theirs
            new += ours
            common = min(_batches(run) for run in (*theirs, *ours))
            row = {
                "network": f"{network.title}, {title}" if title else network.title,
                "2018: runs (planned)": f"{len(theirs)} ({_planned(network, **setting, **length)})",
                "died": _died(theirs),
                "at batch (median; range)": own_loss.batches(theirs),
                "batches that both have": f"{common:,}" if ours else NONE,
                "2018: died in these": _died(theirs, common) if ours else NONE,
                "today: died in these": _died(ours, common) if ours else NONE,
            }
            rows.append(row)
    return origins.rests_on(pd.DataFrame(rows), {f"{FOLDER}/": old, "": new})


def _of_setting(
    records: Sequence[Record], network: Network, setting: dict[str, Any]
) -> list[Record]:
    """Select all runs of a network with this setting, whatever their length."""
    return [
        run
        for run in records
        if (run.spec.dataset, run.spec.architecture, run.spec.head) == network
        and run.spec.setting == setting
        and run.spec.samples is None
    ]


def _batches(run: Record) -> int:
    """Count the batches that a run trains on, had it not died."""
    rows = [fold.n_train for fold in run.folds] + ([run.final.n_train] if run.final else [])
    return sum(-(-n // run.spec.batch_size) for n in rows) * run.spec.epochs


def _died(runs: Sequence[Record], within: float = math.inf) -> str:
    dead = [run for run in runs if run.diverged_at is not None and run.diverged_at <= within]
    return f"{len(dead)} of {len(runs)}"


def told(then: Sequence[Record]) -> str:
    """Say how many of the runs with Keras's own loss died with the libraries of 2018, by head."""
    counts = []
    for head in reversed(paper.HEADS):
        runs = [run for run in then if run.spec.loss == "verbatim" and run.spec.head == head]
        if runs:
            died = prose.count([run.diverged_at is not None for run in runs])
            counts.append(f"{died} with the {'ReLU' if head == 'relu' else head} head")
    return words.say("original-died", counts="; ".join(counts) or "none is recorded yet")


def fold_sizes(dataset: str) -> list[int]:
    """Find how many validation rows the author's ten folds had, of images.

    Each of his fold accuracies is a whole number of rows over it, in all networks.

    Raises
    ------
    ValueError
        If the accuracies do not leave exactly one size for a fold.
    """
    accuracies = np.array(
        [
            paper.fold_accuracy(*network)
            for architecture in architectures(dataset)
            for network in with_both_heads(dataset, architecture)
        ]
    )
    equal = (60_000 - data.N_SET_ASIDE) // N_SPLITS
    near = np.arange(equal - 15, equal + 16)
    sizes = []
    for of_fold in accuracies.T:
        hits = np.outer(near, of_fold)
        fits = near[(np.abs(hits - np.round(hits)) < _ROUNDING).all(axis=1)]
        if len(fits) != 1:
            named = ", ".join(map(str, fits)) or "no"
            raise ValueError(f"{dataset}: a fold of the paper's could have {named} rows.")
        sizes.append(int(fits[0]))
    return sizes
