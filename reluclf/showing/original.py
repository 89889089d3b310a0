"""The libraries of 2018 beside today's: the same networks, trained with both, and the same quantities of each."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from reluclf import data, formats, paths
from reluclf.judging import paper
from reluclf.judging.evidence import of_setting
from reluclf.judging.statistics import Difference, estimate, unpaired
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.spec import N_SPLITS
from reluclf.store import Store

#: Where the records of ``make original`` lie within ``results/``.
FOLDER = "original"

#: How far a share times the number of rows may be from a whole number: the notebooks' accuracies have float32's rounding.
_ROUNDING = 0.001

#: How many runs of each network ``make original`` is to make; it was fixed before the first.
PLAN = paths.ROOT / "original" / "plan.json"


@dataclass(frozen=True)
class Quantity:
    """Something that runs of both have: what it is called, of which runs, and how a run has it.

    Attributes
    ----------
    title : str
    of : callable
        From a record to a share.
    folds : int
        How many folds the runs of 2018 have at least; ours have all ten.
    then, now : dict
        The setting of the runs with the libraries of 2018, and of ours; see :attr:`reluclf.spec.Spec.setting`.
    """

    title: str
    of: Callable[[Record], float]
    folds: int = N_SPLITS
    then: dict[str, Any] = field(default_factory=dict)
    now: dict[str, Any] = field(default_factory=dict)


_FIRST = (
    Quantity("first fold, validation", lambda run: run.folds[0].validation.accuracy[-1], folds=1),
    Quantity("first fold, test set", lambda run: run.folds[0].test.accuracy, folds=1),
)
_WHOLE = (
    Quantity("ten folds, cross-validation", lambda run: run.cv_accuracy),
    Quantity("ten folds, test set", lambda run: run.test.accuracy),
)

#: Of WDBC's softmax network the runs of 2018 have Keras's own loss; with a softmax it is the guarded one, for its outputs are never all zero.
_WDBC = tuple(
    Quantity(f"{title}, {what.title}", what.of, then={"loss": "verbatim", **features}, now=features)
    for title, features in (("raw", {"features": "raw"}), ("standardised", {}))
    for what in _WHOLE
)


def read() -> list[Record]:
    """The records that ``make original`` has made; none where there are none yet."""
    return Store(paths.RESULTS / FOLDER).read_all()


def plan() -> dict[tuple[str, ...], int]:
    """How many runs ``make original`` is to make, by data set, architecture, head and setting; empty where there is no plan."""
    found = {}
    experiments = (
        json.loads(PLAN.read_text(encoding="utf-8"))["experiments"] if PLAN.is_file() else {}
    )
    for experiment in experiments.values():
        values = [
            value if isinstance(value, list) else [value] for value in experiment["spec"].values()
        ]
        for network, chosen in itertools.product(
            experiment["networks"], itertools.product(*values)
        ):
            found[*network, _key(dict(zip(experiment["spec"], chosen, strict=True)))] = experiment[
                "seeds"
            ]
    return found


def _key(setting: dict[str, Any]) -> str:
    """A setting as the plan is asked for it, whatever its order and with or without the features of the default."""
    return json.dumps(
        {name: value for name, value in setting.items() if (name, value) != ("features", "paper")},
        sort_keys=True,
    )


def progress(then: Sequence[Record]) -> str:
    """How many of the planned runs are recorded, as prose has it."""
    wanted = sum(plan().values())
    return (
        f"{len(then) or 'none'} of the {wanted:,} planned runs"
        if wanted
        else f"{len(then) or 'no'} runs"
    )


def compared(then: Sequence[Record], now: Sequence[Record]) -> pd.DataFrame:
    """The same quantities of the same networks with the libraries of 2018 and with today's.

    Parameters
    ----------
    then : sequence of Record
        Those of :func:`read`.
    now : sequence of Record
        Ours, as run.

    Returns
    -------
    DataFrame of str
        A row for each network and quantity that records of 2018 have: both means with their intervals, the first minus the second
        with its 95 % interval, and whether the two are shown to be within a point of each other.
    """
    rows, wanted = [], plan()
    used: dict[str, list[Record]] = {f"{FOLDER}/": [], "": []}
    for (dataset, architecture), head in itertools.product(paper.RESULT_TABLES, paper.HEADS):
        network = (dataset, architecture, head)
        for quantity in (
            (_WDBC if head == "softmax" else ()) if dataset == "wdbc" else (*_FIRST, *_WHOLE)
        ):
            setting = quantity.then | (
                {"folds": quantity.folds} if quantity.folds < N_SPLITS else {}
            )
            theirs = _runs(then, network, quantity.then, quantity.folds)
            if not theirs:
                continue
            ours = _runs(now, network, quantity.now, N_SPLITS)
            used[f"{FOLDER}/"] += theirs
            used[""] += ours
            values = [[quantity.of(run) for run in runs] for runs in (theirs, ours)]
            difference = unpaired(*values, MARGIN)
            rows.append(
                {
                    "network": f"{data.TITLES[dataset]} {architecture.upper()}-{paper.HEAD_TITLES[head]}",
                    "accuracy, %": quantity.title,
                    "2018": formats.cell(estimate(values[0]), "test_accuracy"),
                    "runs planned": str(wanted.get((*network, _key(setting)), formats.NONE)),
                    "today": formats.cell(estimate(values[1]), "test_accuracy"),
                    "2018 − today, points": _written(difference),
                    "within two points": formats.NONE
                    if difference is None
                    else "shown"
                    if difference.equivalent
                    else "not shown",
                }
            )
    columns = [
        "network",
        "accuracy, %",
        "2018",
        "runs planned",
        "today",
        "2018 − today, points",
        "within two points",
    ]
    return origins.rests_on(pd.DataFrame(rows, columns=columns), used)


def _runs(
    records: Sequence[Record], network: tuple[str, str, str], setting: dict[str, Any], folds: int
) -> list[Record]:
    """The ``carried`` runs of a network with this setting, 32 epochs in every fold and at least so many folds, one for each seed."""
    fields = dict(zip(("dataset", "architecture", "head"), network, strict=True))
    runs = of_setting(records, setting, protocol="carried", epochs=32, samples=None, **fields)
    return [run for run in runs if run.spec.folds >= folds]


def _written(difference: Difference | None) -> str:
    if difference is None:
        return formats.NONE
    low, mean, high = (
        formats.signed(value, "cv_accuracy")
        for value in (difference.low, difference.mean, difference.high)
    )
    return f"{mean} [{low}, {high}]"


def deaths(then: Sequence[Record], now: Sequence[Record]) -> pd.DataFrame:
    """What becomes of the networks under Keras's own loss, with the libraries of 2018 and with today's.

    Returns
    -------
    DataFrame of str
        A row for each network and kind of measurements that records of 2018 have: how many runs there are, and are planned; how many
        met a loss that is not finite, and when; and how many had within the first batches, as many as the shorter runs of both have, beside ours.
    """
    rows, wanted = [], plan()
    used: dict[str, list[Record]] = {f"{FOLDER}/": [], "": []}
    for (dataset, architecture), head in itertools.product(paper.RESULT_TABLES, paper.HEADS):
        network = (dataset, architecture, head)
        for features in ("raw", "paper") if dataset == "wdbc" else ("paper",):
            setting = {"loss": "verbatim"} | ({"features": features} if features != "paper" else {})
            length = {} if dataset == "wdbc" else {"epochs": 2, "folds": 1}
            theirs, ours = (_with_own_loss(records, network, setting) for records in (then, now))
            if not theirs:
                continue
            used[f"{FOLDER}/"] += theirs
            used[""] += ours
            batches = sorted(run.diverged_at for run in theirs if run.diverged_at)
            common = min((_batches(run) for run in (*theirs, *ours)), default=0)
            of = {"raw": ", raw", "paper": ", standardised"}[features] if dataset == "wdbc" else ""
            rows.append(
                {
                    "network": f"{data.TITLES[dataset]} {architecture.upper()}-{paper.HEAD_TITLES[head]}{of}",
                    "2018: runs (planned)": f"{len(theirs)} ({wanted.get((*network, _key(setting | length)), formats.NONE)})",
                    "died": _died(theirs),
                    "at batch (median; range)": f"{np.median(batches):.0f}; {batches[0]} to {batches[-1]}"
                    if batches
                    else formats.NONE,
                    "batches that both have": f"{common:,}" if theirs and ours else formats.NONE,
                    "2018: died in these": _died(theirs, common)
                    if theirs and ours
                    else formats.NONE,
                    "today: died in these": _died(ours, common)
                    if theirs and ours
                    else formats.NONE,
                }
            )
    return origins.rests_on(pd.DataFrame(rows, columns=_DEATHS), used)


_DEATHS = [
    "network",
    "2018: runs (planned)",
    "died",
    "at batch (median; range)",
    "batches that both have",
    "2018: died in these",
    "today: died in these",
]


def _with_own_loss(
    records: Sequence[Record], network: tuple[str, str, str], setting: dict[str, Any]
) -> list[Record]:
    """All runs of a network with this setting, whatever their length."""
    return [
        run
        for run in records
        if (run.spec.dataset, run.spec.architecture, run.spec.head) == network
        and run.spec.setting == setting
        and run.spec.samples is None
    ]


def _batches(run: Record) -> int:
    """How many batches a run trains on, had it not died."""
    rows = [fold.n_train for fold in run.folds] + ([run.final.n_train] if run.final else [])
    return sum(-(-n // run.spec.batch_size) for n in rows) * run.spec.epochs


def _died(runs: Sequence[Record], within: float = math.inf) -> str:
    dead = sum(run.diverged_at is not None and run.diverged_at <= within for run in runs)
    return f"{dead} of {len(runs)}" if runs else formats.NONE


def told(then: Sequence[Record]) -> str:
    """How many of the runs with Keras's own loss died with the libraries of 2018, by head, as a sentence."""
    counts = []
    for head in reversed(paper.HEADS):
        runs = [run for run in then if run.spec.loss == "verbatim" and run.spec.head == head]
        if runs:
            counts.append(
                f"{sum(run.diverged_at is not None for run in runs) or 'none'} of {len(runs)} with the {paper.HEAD_TITLES[head]} head"
            )
    if not counts:
        return "No such run is recorded yet."
    return f"Of the runs with Keras's own loss that are recorded so far, these died: {'; '.join(counts)}."


def fold_sizes(dataset: str) -> list[int]:
    """How many validation rows the author's ten folds had, of images: each of his fold accuracies is a whole number of rows over it, in all networks.

    Raises
    ------
    ValueError
        If the accuracies do not leave exactly one size for a fold.
    """
    networks = [
        (architecture, head)
        for of, architecture in paper.IMAGE_NETWORKS
        if of == dataset
        for head in paper.HEADS
    ]
    accuracies = np.array([paper.fold_accuracy(dataset, *network) for network in networks])
    equal = (60_000 - data.N_SET_ASIDE) // N_SPLITS
    near = np.arange(equal - 15, equal + 16)
    sizes = []
    for of_fold in accuracies.T:
        hits = np.outer(near, of_fold)
        fits = near[(np.abs(hits - np.round(hits)) < _ROUNDING).all(axis=1)]
        if len(fits) != 1:
            raise ValueError(
                f"{dataset}: a fold of the paper's could have {', '.join(map(str, fits)) or 'no'} rows."
            )
        sizes.append(int(fits[0]))
    return sizes
