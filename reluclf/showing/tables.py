"""The paper's tables beside ours, as data frames of text that a page shows as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reluclf import losses
from reluclf.formats import NONE, Interval, cell, difference_cell, ends, number, signed
from reluclf.heads import HEADS
from reluclf.judging import claims, paper, published
from reluclf.judging.design import AS_RUN, AS_WRITTEN, BOTH, Lacking
from reluclf.judging.evidence import Evidence, measure
from reluclf.judging.rules import Compared
from reluclf.judging.statistics import Estimate, estimate, slope
from reluclf.judging.status import Status
from reluclf.record import Fold, Record
from reluclf.showing import origins
from reluclf.showing.runs import Network, with_both_heads
from reluclf.spec import N_SPLITS

_LABELS = {
    "cv_accuracy": "CV accuracy, %",
    "cv_std": "CV std over folds, points",
    "test_loss": "test loss, nats",
    "test_accuracy": "test accuracy, %",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}

#: How the paper's number stands to what one more run of ours gives.
_STANDS = {
    Status.REPRODUCED: "inside",
    Status.SOME_RUNS: "inside, if no class is lost",
    Status.COMPATIBLE: "inside a wide range",
    Status.NOT_REPRODUCED: "outside",
}


@origins.traced
def results(dataset: str, architecture: str, records: Sequence[Record]) -> pd.DataFrame:
    """Set the paper's Table 3, 4, 6, 7 or 9 beside ours, as text.

    A row for each head and measure: the paper's value, ours as run and as written, each minus the
    paper's; and of the numbers that are judged, what one more run as run would give (95 % for all
    of them together), and whether the paper's value lies in it.
    """
    judged = iter(_compared(published.results, claims.Pair(dataset, architecture), records))
    rows = []
    for network in with_both_heads(dataset, architecture):
        runs = [network.under(records, condition) for condition in BOTH]
        of_head = []
        for name, label in _LABELS.items():
            own = network.published[name]
            as_run, as_written = (measure(of_condition, name) for of_condition in runs)
            one = next(judged, None) if name in published.JUDGED else None
            row = {
                "measure": f"{paper.HEAD_TITLES[network.head]}: {label}",
                "paper": number(own, name),
                "ours, as run": cell(as_run, name),
                "as run − paper": minus_paper(as_run, own, name),
                "range for one more run": _one_more(one),
                "ours, as written": cell(as_written, name),
                "as written − paper": minus_paper(as_written, own, name),
            }
            of_head.append(row)
        rows += [*of_head[:-3], *_in_one(of_head[-3:], network.head)]
    return pd.DataFrame(rows)


def _in_one(rows: list[dict[str, str]], head: str) -> list[dict[str, str]]:
    """Merge the rows of precision, recall and F1 into one if all three read the same."""
    read = {tuple(row.values())[1:] for row in rows}
    if len(read) > 1:
        return rows
    return [rows[0] | {"measure": f"{paper.HEAD_TITLES[head]}: precision, recall, F1"}]


def minus_paper(ours: Interval | None, of_paper: float, name: str = "cv_accuracy") -> str:
    """Write the mean of ours minus the paper's value, or a dash."""
    return signed(ours.mean - of_paper, name) if ours else NONE


def _compared(
    compare: Callable[..., list[Compared]], item: Any, records: Sequence[Record]
) -> list[Compared]:
    """Judge the paper's numbers by the runs as run that there are; none where they are too few."""
    try:
        return compare(item, Evidence.of(records).before_complete(), AS_RUN.name)
    except Lacking:
        return []


def _one_more(one: Compared | None) -> str:
    """Write what one more run gives, and how the paper's number stands to that."""
    if one is None:
        return NONE
    if one.unit == "rise":
        low, high = signed(one.low, "cv_accuracy"), signed(one.high, "cv_accuracy")
    else:
        low, high = ends(one.low, one.high, one.unit)
    return f"{low} to {high}: {_STANDS[one.status]}"


#: The rows of a table of folds.
_FOLDS = (*(str(fold + 1) for fold in range(N_SPLITS)), "mean", "rise per fold")


@origins.traced
def folds(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Set the paper's Table 5 or 8, the accuracy of CNN-ReLU fold by fold, beside ours, as text.

    A row for each fold, one for the mean and one for the rise from fold to fold (the least-squares
    slope): accuracy of the paper and of ours, each minus the paper's, and of the model as run on
    the test set after the fold; and of the two that are judged, what one more run would give.
    """
    network = Network(dataset, "cnn", "relu")
    own = _by_row(paper.fold_accuracy(*network))
    as_run = _of_rows(network.under(records, AS_RUN), _validated)
    tested = _of_rows(network.under(records, AS_RUN), lambda fold: fold.test.accuracy)
    as_written = _of_rows(network.under(records, AS_WRITTEN), _validated)
    compared = _compared(published.folds, dataset, records)
    judged = dict(zip(_FOLDS[-2:], compared, strict=False))
    rows = []
    for i, title in enumerate(_FOLDS):
        one, many = _writers(title)
        row = {
            "fold": title,
            "paper, %": one(own[i], "cv_accuracy"),
            "as run, %": many(as_run[i], "cv_accuracy"),
            "as run − paper": minus_paper(as_run[i], own[i]),
            "as run, test set, %": many(tested[i], "cv_accuracy"),
            "as written, %": many(as_written[i], "cv_accuracy"),
            "as written − paper": minus_paper(as_written[i], own[i]),
            "range for one more run": _one_more(judged.get(title)),
        }
        rows.append(row)
    return pd.DataFrame(rows)


@origins.traced
def fold_losses(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Set the losses of the paper's Table 5 or 8 beside ours, in nats, as text."""
    network = Network(dataset, "cnn", "relu")
    own = _by_row(paper.fold_loss(dataset))
    as_run, as_written = (
        _of_rows(network.under(records, condition), lambda fold: fold.validation.loss[-1])
        for condition in BOTH
    )
    rows = []
    for i, title in enumerate(_FOLDS):
        one, many = _writers(title)
        row = {
            "fold": title.replace("rise", "change"),
            "paper": one(own[i], "test_loss"),
            "as run": many(as_run[i], "test_loss"),
            "as written": many(as_written[i], "test_loss"),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _validated(fold: Fold) -> float:
    return fold.validation.accuracy[-1]


def _writers(title: str) -> tuple[Callable[[float, str], str], Callable[..., str]]:
    """Return what writes a number and an estimate in a row of folds; a rise has a sign."""
    return (signed, difference_cell) if title == _FOLDS[-1] else (number, cell)


def _by_row(values: Sequence[float] | np.ndarray) -> list[float]:
    """List the values of folds and, where there are all ten, their mean and their rise."""
    if len(values) < N_SPLITS:
        return list(values)
    return [*values, float(np.mean(values)), slope(list(values)).mean]


def _of_rows(runs: Sequence[Record], value: Callable[[Fold], float]) -> list[Estimate | None]:
    """Estimate each row of a table of folds, from the runs that have it."""
    rows = [_by_row([value(fold) for fold in run.folds]) for run in runs]
    return [estimate([row[i] for row in rows if i < len(row)]) for i in range(len(_FOLDS))]


@origins.traced
def layers(table: int, model: Any) -> pd.DataFrame:
    """Set the layers of the paper's Table 1 or 2 beside those of a built network, as text.

    A layer that reshapes the input is none of the paper's.
    """
    of_paper: Iterator[tuple[str, Sequence[int], int]] = iter(paper.layers(table))
    rows = []
    for layer in model.layers:
        if not layer.name.startswith("reshape"):
            name, shape, parameters = next(of_paper, (NONE, (), 0))
            ours = [_described(layer), _shape(layer.output.shape[1:]), layer.count_params()]
            rows.append([name, _shape(shape), parameters, *ours])
    total = sum(parameters for _, _, parameters in paper.layers(table))
    rows.append(["total", "", total, "total", "", model.count_params()])
    columns = ["paper's layer", "output", "parameters", "our layer", "our output", "our parameters"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        **{name: frame[name].map("{:,}".format) for name in ("parameters", "our parameters")}
    )


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def _described(layer: Any) -> str:
    rate = getattr(layer, "rate", None)
    return type(layer).__name__ + (f" ({rate})" if rate is not None else "")


@origins.traced
def heads() -> pd.DataFrame:
    """List the heads with their outputs, losses and sources, as text."""
    titles: dict[Callable[..., Any], str] = {
        losses.guarded: "outputs divided by their sum, then cross-entropy",
        losses.softmax_cross_entropy: "softmax of the outputs, then cross-entropy",
        losses.sparsemax_loss: "sparsemax loss",
    }
    rows = []
    for name, head in HEADS.items():
        row = {
            "head": f"`{name}`",
            "output for logit z": head.formula,
            "loss": titles[head.loss],
            "source": f"{{cite}}`{head.source}`" if head.source else "this book",
        }
        rows.append(row)
    return pd.DataFrame(rows)


@origins.traced
def variants(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Set the test accuracies with every head side by side, of models trained once, as text."""
    rows = []
    for name, head in HEADS.items():
        row = {"head": f"`{name}`", "output for logit z": head.formula}
        for architecture in ("ffnn", "cnn"):
            runs = Network(dataset, architecture, name).once(records)
            row[f"{architecture.upper()}, %"] = cell(
                measure(runs, "test_accuracy"), "test_accuracy"
            )
        rows.append(row)
    return pd.DataFrame(rows)
