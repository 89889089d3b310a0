"""The paper's tables beside ours, as data frames of text that a page shows as they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product, zip_longest
from typing import Any

import numpy as np
import pandas as pd

from reluclf import data, networks
from reluclf.formats import NONE, cell, difference_cell, ends, number, signed, signed_cell
from reluclf.judging import paper, published
from reluclf.judging.claims import Network
from reluclf.judging.design import AS_RUN, AS_WRITTEN, BOTH, Condition, Lacking
from reluclf.judging.evidence import Evidence, difference, measure, of_setting, pairs, under
from reluclf.judging.paper import HEAD_TITLES, HEADS
from reluclf.judging.rules import Compared
from reluclf.judging.statistics import (
    Difference,
    Estimate,
    estimate,
    mcnemar,
    paired,
    rejected,
    slope,
)
from reluclf.judging.status import Status
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins
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


#: Validation rows over training rows of a fold: the overlap that Nadeau and Bengio's correction needs.
OVERLAP = 1 / (N_SPLITS - 1)


@origins.traced
def results(dataset: str, architecture: str, records: Sequence[Record]) -> pd.DataFrame:
    """The paper's Table 3, 4, 6, 7 or 9 beside ours.

    Returns
    -------
    DataFrame of str
        A row for each head and measure; the columns are the paper's value, ours as run and as written, each minus the paper's, and, for the numbers
        that the verdict is on, what one more run as run would give (95 % for all of them together) and whether the paper's value lies in it.
    """
    rows = []
    compared = _compared(published.results, Network(dataset, architecture), records)
    judged = iter(compared)
    for head in HEADS:
        of_paper = paper.result(dataset, architecture, head)
        ours = [
            under(records, condition, dataset, architecture=architecture, head=head)
            for condition in BOTH
        ]
        for name in paper.MEASURES:
            as_run, as_written = (measure(runs, name) for runs in ours)
            one = next(judged, None) if name in published.JUDGED else None
            rows.append(
                {
                    "measure": f"{HEAD_TITLES[head]}: {_LABELS[name]}",
                    "paper": number(of_paper[name], name),
                    "ours, as run": cell(as_run, name),
                    "as run − paper": signed(as_run.mean - of_paper[name], name)
                    if as_run
                    else NONE,
                    "one more as run": _one_more(one),
                    "ours, as written": cell(as_written, name),
                    "as written − paper": signed(as_written.mean - of_paper[name], name)
                    if as_written
                    else NONE,
                }
            )
    return pd.DataFrame(rows)


def _compared(
    compare: Callable[..., list[Compared]], network: Any, records: Sequence[Record]
) -> list[Compared]:
    """The paper's numbers against the runs as run that there are; none where they are too few."""
    try:
        return compare(network, Evidence.of(records).before_complete(), "as run")
    except Lacking:
        return []


def _one_more(one: Compared | None) -> str:
    """What one more run gives, and how the paper's number stands to that: it is what is judged."""
    if one is None:
        return NONE
    if one.unit == "rise":
        low, high = signed(one.low, "cv_accuracy"), signed(one.high, "cv_accuracy")
    else:
        low, high = ends(one.low, one.high, one.unit)
    return f"{low} to {high}: {_STANDS[one.status]}"


#: How the paper's number stands to what one more run of ours gives, in a table.
_STANDS = {
    Status.REPRODUCED: "inside",
    Status.SOME_RUNS: "inside, if no class is lost",
    Status.COMPATIBLE: "inside, but wide",
    Status.NOT_REPRODUCED: "outside",
}


@origins.traced
def folds(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """The paper's Table 5 or 8, the accuracy of the CNN-ReLU fold by fold, beside ours.

    Returns
    -------
    DataFrame of str
        A row for each fold, one for the mean and one for the rise from fold to fold (the least-squares slope); accuracy of the paper and of ours as
        run and as written, each minus the paper's, and of the model as run on the test set after the fold; and what one more run as run would give
        of the two that are judged.
    """
    accuracy, rows = paper.fold_accuracy(dataset, "cnn", "relu"), []
    judged = dict(
        zip(("mean", "rise a fold"), _compared(published.folds, dataset, records), strict=False)
    )
    for title, at, of_ten, one, many in _FOLD_ROWS:
        values = {
            condition: _of_folds(
                dataset, condition, records, at, of_ten, lambda fold: fold.validation.accuracy[-1]
            )
            for condition in BOTH
        }
        of_paper = of_ten(accuracy[at])
        row = {"fold": title, "paper, %": one(of_paper, "cv_accuracy")}
        for condition, value in values.items():
            row[f"{condition}, %"] = many(value, "cv_accuracy")
            row[f"{condition} − paper"] = (
                signed(value.mean - of_paper, "cv_accuracy") if value else NONE
            )
            if condition == AS_RUN:
                tested = _of_folds(
                    dataset, condition, records, at, of_ten, lambda fold: fold.test.accuracy
                )
                row["as run, test set, %"] = many(tested, "cv_accuracy")
        row["one more as run"] = _one_more(judged.get(title))
        rows.append(row)
    return pd.DataFrame(rows)


@origins.traced
def fold_losses(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """The losses of the paper's Table 5 or 8 beside ours, as run and as written, in nats, as :func:`folds` has the accuracies."""
    losses, rows = paper.fold_loss(dataset), []
    for title, at, of_ten, one, many in _FOLD_ROWS:
        row = {
            "fold": title.replace("rise", "change"),
            "paper": one(of_ten(losses[at]), "test_loss"),
        }
        for condition in BOTH:
            row[str(condition)] = many(
                _of_folds(
                    dataset, condition, records, at, of_ten, lambda fold: fold.validation.loss[-1]
                ),
                "test_loss",
            )
        rows.append(row)
    return pd.DataFrame(rows)


#: The rows of a table of folds: title, which folds, what of them, and how it is written; a rise has a sign.
_FOLD_ROWS = (
    *(
        (str(fold + 1), slice(fold, fold + 1), lambda values: values[0], number, cell)
        for fold in range(N_SPLITS)
    ),
    ("mean", slice(0, N_SPLITS), np.mean, number, cell),
    ("rise a fold", slice(0, N_SPLITS), lambda values: slope(values).mean, signed, signed_cell),
)


def _of_folds(
    dataset: str,
    condition: Condition,
    records: Sequence[Record],
    at: slice,
    of_ten: Callable[[np.ndarray], float],
    value: Callable[[Any], float],
) -> Estimate | None:
    """A statistic of the folds at hand of the CNN-ReLU, from the records that have them all."""
    runs = under(records, condition, dataset, architecture="cnn", head="relu")
    there = [run.folds[at] for run in runs if len(run.folds) >= at.stop]
    return estimate([of_ten(np.array([value(fold) for fold in folds])) for folds in there])


def rises(
    records: Sequence[Record],
) -> dict[tuple[str, str, str], tuple[float, Estimate, Estimate, Difference | None]]:
    """How much of the rise over the folds is learning, as run, by (dataset, architecture, head).

    Returns
    -------
    dict
        The least-squares slope from fold to fold: of the paper's accuracies; of ours on the rows that each fold validates on; of the same models on
        the test set, which they never saw; and the second minus the third, paired by run. Networks without a whole run are left out.
    """
    found = {}
    for (dataset, architecture), head in product(paper.RESULT_TABLES, HEADS):
        runs = under(records, AS_RUN, dataset, architecture=architecture, head=head)
        runs = [run for run in runs if len(run.folds) == N_SPLITS]
        if not runs:
            continue
        seen = [slope(run.fold_accuracy).mean for run in runs]
        unseen = [slope([fold.test.accuracy for fold in run.folds]).mean for run in runs]
        own = slope(paper.fold_accuracy(dataset, architecture, head)).mean
        found[dataset, architecture, head] = (
            own,
            estimate(seen),
            estimate(unseen),
            paired(seen, unseen, margin=MARGIN),
        )
    return found


@origins.traced
def learning(records: Sequence[Record]) -> pd.DataFrame:
    """:func:`rises` as text: a row for each network."""
    rows = []
    for (dataset, architecture, head), (own, seen, unseen, leakage) in rises(records).items():
        rows.append(
            {
                "network": f"{data.TITLES[dataset]} {architecture.upper()}-{HEAD_TITLES[head]}",
                "paper, validation": signed(own, "cv_accuracy"),
                "as run, validation": signed_cell(seen),
                "as run, test set": signed_cell(unseen),
                "validation − test set": difference_cell(leakage),
            }
        )
    columns = [
        "network",
        "paper, validation",
        "as run, validation",
        "as run, test set",
        "validation − test set",
    ]
    return pd.DataFrame(rows, columns=columns)


@origins.traced
def layers(number: int, model: Any) -> pd.DataFrame:
    """The layers of the paper's Table 1 or 2 beside those of a built network, as text; a reshaping of the input is not a layer of the paper's."""
    of_paper = paper.layers(number)
    ours = [layer for layer in model.layers if not layer.name.startswith("reshape")]
    rows = []
    for (name, shape, parameters), layer in zip_longest(of_paper, ours, fillvalue=(NONE, (), 0)):
        rows.append(
            {
                "paper's layer": name,
                "output": _shape(shape),
                "parameters": f"{parameters:,}",
                "our layer": _described(layer),
                "our output": _shape(layer.output.shape[1:]),
                "our parameters": f"{layer.count_params():,}",
            }
        )
    total = {
        "paper's layer": "total",
        "output": "",
        "parameters": f"{sum(layer[2] for layer in of_paper):,}",
    }
    rows.append(
        total
        | {"our layer": "total", "our output": "", "our parameters": f"{model.count_params():,}"}
    )
    return pd.DataFrame(rows)


@origins.traced
def optimism(records: Sequence[Record]) -> pd.DataFrame:
    """How far each cross-validation accuracy lies from the test accuracy of the model that is published, by network.

    Returns
    -------
    DataFrame of str
        A row for each network that has a record with a whole cross-validation: the paper's difference, that of ours as run (mean
        over the folds; last fold), and as written, in percentage points, each with its interval over seeds.
    """
    rows = []
    for dataset, architecture in paper.RESULT_TABLES:
        for head in HEADS:
            found = [
                under(records, condition, dataset, architecture=architecture, head=head)
                for condition in BOTH
            ]
            as_run, as_written = (
                [run for run in runs if len(run.folds) == N_SPLITS] for runs in found
            )
            if not as_run and not as_written:
                continue
            own = paper.result(dataset, architecture, head)
            last_fold = paper.fold_accuracy(dataset, architecture, head)[-1]
            rows.append(
                {
                    "network": f"{data.TITLES[dataset]} {architecture.upper()}-{HEAD_TITLES[head]}",
                    "paper, mean − test": signed(
                        own["cv_accuracy"] - own["test_accuracy"], "cv_accuracy"
                    ),
                    "as run, mean − test": signed_cell(
                        estimate([r.cv_accuracy - r.test.accuracy for r in as_run])
                    ),
                    "paper, last − test": signed(last_fold - own["test_accuracy"], "cv_accuracy"),
                    "as run, last − test": signed_cell(
                        estimate([r.fold_accuracy[-1] - r.test.accuracy for r in as_run])
                    ),
                    "as written, mean − test": signed_cell(
                        estimate([r.cv_accuracy - r.test.accuracy for r in as_written])
                    ),
                }
            )
    return pd.DataFrame(rows)


@origins.traced
def cross_validation(records: Sequence[Record]) -> pd.DataFrame:
    """What the paper's rows of cross-validation would have been: its numbers, and those of a cross-validation that starts every fold anew.

    Returns
    -------
    DataFrame of str
        A row for each network: the paper's mean and standard deviation over the folds; those of our runs as written; and, of the one with the
        first seed, the interval for the expected accuracy that its ten folds give, corrected for their overlap.
    """
    rows = []
    for (dataset, architecture), head in product(paper.RESULT_TABLES, HEADS):
        own = paper.result(dataset, architecture, head)
        runs = under(records, AS_WRITTEN, dataset, architecture=architecture, head=head)
        runs = [run for run in runs if len(run.folds) == N_SPLITS]
        interval = (
            "{} to {}".format(
                *ends(*over_folds(min(runs, key=lambda run: run.spec.seed)), "cv_accuracy")
            )
            if runs
            else NONE
        )
        rows.append(
            {
                "network": f"{data.TITLES[dataset]} {architecture.upper()}-{HEAD_TITLES[head]}",
                "paper, mean ± std, %": f"{number(own['cv_accuracy'], 'cv_accuracy')} ± {number(own['cv_std'], 'cv_std')}",
                "as written, mean, %": cell(measure(runs, "cv_accuracy"), "cv_accuracy"),
                "as written, std over folds": cell(measure(runs, "cv_std"), "cv_std"),
                "interval from one run's folds, %": interval,
                "as written − paper": signed(
                    measure(runs, "cv_accuracy").mean - own["cv_accuracy"], "cv_accuracy"
                )
                if runs
                else NONE,
            }
        )
    return pd.DataFrame(rows)


def over_folds(run: Record, comparisons: int = 1) -> tuple[float, float]:
    """The interval for the expected accuracy from the ten folds of one ``fresh`` run, corrected for their overlap (Nadeau and Bengio, 2003)."""
    folds = estimate(run.fold_accuracy)
    half = (folds.prediction(comparisons)[1] - folds.mean) * math.sqrt(
        (1 / N_SPLITS + OVERLAP) / (1 + 1 / N_SPLITS)
    )
    return folds.mean - half, folds.mean + half


@origins.traced
def compared(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """The two heads compared, by architecture, as run and as written, as text.

    Returns
    -------
    DataFrame of str
        ReLU minus softmax: in test accuracy, over all runs, on WDBC paired by split; over the ten
        folds of one run as written, with the variance corrected for their overlap; and in how many
        seeds McNemar's test finds the two to differ on the test set (Holm over the seeds, 5 %). On
        WDBC also with the variance corrected for the overlap of the splits, as it must be to speak
        of other samples than these.
    """
    rows = []
    for (of, architecture), condition in product(paper.RESULT_TABLES, BOTH):
        if of != dataset:
            continue
        heads = [
            under(records, condition, dataset, architecture=architecture, head=head)
            for head in ("relu", "softmax")
        ]
        both = pairs(*heads)
        whole = [
            pair
            for pair in both
            if condition == AS_WRITTEN and all(len(run.folds) == N_SPLITS for run in pair)
        ][:1]
        # Only runs that share a test set can be compared image by image; on WDBC the seed decides the split, for both heads alike.
        differ = rejected(
            [mcnemar(relu.test.correct, softmax.test.correct) for relu, softmax in both]
        )
        row = {
            "network": architecture.upper(),
            "runs": str(condition),
            "over seeds, points": difference_cell(difference(*heads)),
        }
        if dataset == "wdbc":
            overlap = len(both[0][0].test.labels) / _n_train(both[0][0]) if both else 0.0
            accuracies = [
                [run.test.accuracy for run in runs] for runs in zip(*both, strict=True)
            ] or [[], []]
            row["for other tumours, points"] = difference_cell(
                paired(*accuracies, margin=MARGIN, overlap=overlap)
            )
        over_folds = (
            paired(*(run.fold_accuracy for run in whole[0]), margin=MARGIN, overlap=OVERLAP)
            if whole
            else None
        )
        row["over folds, points"] = difference_cell(over_folds)
        row["seeds that differ (McNemar)"] = (
            f"{int(np.sum(differ))} of {len(both)}" if both else NONE
        )
        rows.append(row)
    return pd.DataFrame(rows)


@origins.traced
def comparable(records: Sequence[Record]) -> pd.DataFrame:
    """ReLU minus softmax in test accuracy and F1 in the paper's five experiments, as text."""
    rows = []
    for (dataset, architecture), condition in product(paper.RESULT_TABLES, BOTH):
        heads = [
            under(records, condition, dataset, architecture=architecture, head=head)
            for head in ("relu", "softmax")
        ]
        accuracy, f1 = (difference(*heads, name=name) for name in ("test_accuracy", "f1"))
        row = {
            "network": paper.title(dataset, architecture),
            "runs": str(condition),
            "accuracy, points": difference_cell(accuracy),
            "F1, points": difference_cell(f1),
            "within two points": NONE,
        }
        if accuracy and f1:
            row["within two points"] = _within(accuracy, f1)
        rows.append(row)
    return pd.DataFrame(rows)


def _within(accuracy: Difference, f1: Difference) -> str:
    """Whether both differences are shown to be within the margin, or one of them beyond it."""
    if accuracy.equivalent and f1.equivalent:
        return "both shown"
    return "one shown to be beyond" if accuracy.beyond or f1.beyond else "not shown"


def wider(runs: Sequence[Record]) -> float:
    """How many times as wide an interval over splits that overlap is, once it is corrected to speak of other samples (Nadeau and Bengio, 2003)."""
    return math.sqrt(1 + len(runs) * len(runs[0].test.labels) / _n_train(runs[0]))


def _n_train(run: Record) -> int:
    """How many rows the whole training set of a run has."""
    return run.final.n_train if run.final else run.folds[0].n_train + run.folds[0].n_validation


@origins.traced
def deaths(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """What became of the ReLU head under Keras's own loss, word for word as the author's code has it.

    Returns
    -------
    DataFrame of str
        A row for each architecture: the runs, how many met a loss that was not finite, at which batch, and the test accuracies of those that died
        and of those that did not.
    """
    rows = []
    for of, architecture in paper.RESULT_TABLES:
        runs = (
            of_setting(
                records,
                {"loss": "verbatim"},
                dataset=dataset,
                architecture=architecture,
                head="relu",
            )
            if of == dataset
            else []
        )
        if not runs:
            continue
        batches = sorted(run.diverged_at for run in runs if run.diverged_at)
        dead, alive = (
            [r for r in runs if (r.diverged_at is not None) == died] for died in (True, False)
        )
        rows.append(
            {
                "network": f"{architecture.upper()}-ReLU",
                "runs": str(len(runs)),
                "died": str(len(dead)),
                "at batch (median; range)": f"{np.median(batches):.0f}; {batches[0]} to {batches[-1]}"
                if batches
                else NONE,
                "test accuracy of the dead, %": cell(
                    measure(dead, "test_accuracy"), "test_accuracy"
                ),
                "of the others, %": cell(measure(alive, "test_accuracy"), "test_accuracy"),
            }
        )
    columns = [
        "network",
        "runs",
        "died",
        "at batch (median; range)",
        "test accuracy of the dead, %",
        "of the others, %",
    ]
    return pd.DataFrame(rows, columns=columns)


def died(dataset: str, records: Sequence[Record]) -> str:
    """How many of the runs of :func:`deaths` died, and when the last of them did, as sentences."""
    told = []
    for of, architecture in paper.RESULT_TABLES:
        runs = (
            of_setting(
                records,
                {"loss": "verbatim"},
                dataset=dataset,
                architecture=architecture,
                head="relu",
            )
            if of == dataset
            else []
        )
        batches = [run.diverged_at for run in runs if run.diverged_at]
        if runs:
            when = f", {'the last ' * (len(batches) > 1)}at batch {max(batches)}" if batches else ""
            told.append(
                f"Of {len(runs)} {architecture.upper()}-ReLUs {len(batches) or 'none'} died{when}."
            )
    return " ".join(told) or "No such run is recorded yet."


@origins.traced
def variants(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Test accuracy of the heads of :data:`reluclf.networks.HEADS` on both architectures, as text.

    All are models trained once on the whole training set (``fresh``).
    """
    rows = []
    for head, definition in networks.HEADS.items():
        chosen = {
            architecture: of_setting(
                records, dataset=dataset, architecture=architecture, head=head, protocol="fresh"
            )
            for architecture in ("ffnn", "cnn")
        }
        accuracy = {
            f"{name.upper()}, %": cell(measure(runs, "test_accuracy"), "test_accuracy")
            for name, runs in chosen.items()
        }
        rows.append({"head": f"`{head}`", "its output for logit z": definition.formula, **accuracy})
    return pd.DataFrame(rows)


def errors_paired(
    a: Sequence[Record], b: Sequence[Record]
) -> dict[tuple[int, int], Difference | None]:
    """The difference in the counts of both kinds of error on WDBC, by (true class, prediction), of runs paired by seed."""
    counts = np.array(
        [[run.test.confusion_matrix for run in pair] for pair in pairs(a, b)], dtype=float
    ).reshape(-1, 2, 2, 2)
    return {
        cell: paired(counts[:, 0, *cell], counts[:, 1, *cell], margin=0)
        for cell in ((0, 1), (1, 0))
    }


def between_epochs(
    records: Sequence[Record], epochs: Sequence[int]
) -> dict[str, list[Difference | None]]:
    """How the test accuracy of final models changes from each of the epochs to the next, paired by run, for both heads."""
    found = {}
    for head in HEADS:
        accuracy = np.array(
            [
                [run.final.test.accuracy[epoch - 1] for epoch in epochs]
                for run in records
                if run.spec.head == head
            ]
        ).reshape(-1, len(epochs))
        found[head] = [
            paired(after, before, margin=MARGIN)
            for before, after in zip(accuracy.T, accuracy.T[1:], strict=False)
        ]
    return found


def _middle(counts: np.ndarray) -> str:
    """The 2.5 % and 97.5 % quantiles of counts, as values that occur; a dash where there are too few to have any."""
    if len(counts) < 40:
        return NONE
    low, high = (
        np.quantile(counts, share, method=method)
        for share, method in ((0.025, "lower"), (0.975, "higher"))
    )
    return f"{low:.0f} to {high:.0f}"


@origins.traced
def heads() -> pd.DataFrame:
    """The heads with their outputs, losses and sources, as text."""
    losses = {
        networks.guarded: "outputs divided by their sum, then cross-entropy",
        networks.softmax_cross_entropy: "softmax of the outputs, then cross-entropy",
        networks.sparsemax_loss: "sparsemax loss",
    }
    rows = []
    for name, head in networks.HEADS.items():
        source = f"{{cite}}`{head.source}`" if head.source else "this book"
        rows.append(
            {
                "head": f"`{name}`",
                "its output for logit z": head.formula,
                "its loss": losses[head.loss],
                "source": source,
            }
        )
    return pd.DataFrame(rows)


@origins.traced
def clinic(records: Sequence[Record]) -> pd.DataFrame:
    """WDBC as a clinician reads it, malignant being positive: sensitivity, specificity and misses of each classifier, as text.

    The networks as run and as written; logistic regression on the same splits, standardised. Misses are of the 64 malignant tumours in the test set:
    their mean, and the range that leaves out 2.5 % of the splits on either side, given from 40 splits on.
    """
    cases = [("logistic regression", of_setting(records, dataset="wdbc", architecture="logistic"))]
    for head in HEADS:
        for condition in BOTH:
            cases.append(
                (
                    f"FFNN-{HEAD_TITLES[head]}, {condition}",
                    under(records, condition, "wdbc", architecture="ffnn", head=head),
                )
            )
    rows = []
    for title, runs in cases:
        matrices = np.array([run.test.confusion_matrix for run in runs], dtype=float).reshape(
            -1, 2, 2
        )
        rows.append(
            {
                "classifier": title,
                "sensitivity, %": cell(
                    estimate(matrices[:, 0, 0] / matrices[:, 0].sum(axis=1)), "test_accuracy"
                ),
                "specificity, %": cell(
                    estimate(matrices[:, 1, 1] / matrices[:, 1].sum(axis=1)), "test_accuracy"
                ),
                "malignant missed": cell(estimate(matrices[:, 0, 1]), "count"),
                "in 95 of 100 splits": _middle(matrices[:, 0, 1]),
                "accuracy, %": cell(measure(runs, "test_accuracy"), "test_accuracy"),
            }
        )
    for head, figure in (("softmax", 11), ("relu", 10)):
        counts = paper.matrix(figure).counts
        rows.append(
            {
                "classifier": f"the paper's FFNN-{HEAD_TITLES[head]}",
                "sensitivity, %": number(counts[0, 0] / counts[0].sum(), "test_accuracy"),
                "specificity, %": number(counts[1, 1] / counts[1].sum(), "test_accuracy"),
                "malignant missed": str(counts[0, 1]),
                "in 95 of 100 splits": NONE,
                "accuracy, %": number(np.trace(counts) / counts.sum(), "test_accuracy"),
            }
        )
    return pd.DataFrame(rows)


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def _described(layer: Any) -> str:
    rate = getattr(layer, "rate", None)
    return type(layer).__name__ + (f" ({rate})" if rate is not None else "")
