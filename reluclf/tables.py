"""The paper's tables beside ours, as data frames of text that a page shows as they are."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, product, zip_longest
from typing import Any

import numpy as np
import pandas as pd

from reluclf import data, models, paper, paths
from reluclf.records import Record
from reluclf.specs import N_SPLITS, Spec
from reluclf.stats import Difference, Estimate, estimate, holm, mcnemar, paired, slope

#: What stands in a cell that has no value.
NONE = "–"

HEADS = ("softmax", "relu")
HEAD_TITLES = {"softmax": "Softmax", "relu": "ReLU"}

#: How each measure of a record is had, and written.
_OF_RECORD: dict[str, Callable[[Record], float]] = {
    "cv_accuracy": lambda record: record.cv_accuracy,
    "cv_std": lambda record: record.cv_std,
    "test_loss": lambda record: record.test.loss,
    "test_accuracy": lambda record: record.test.accuracy,
    "precision": lambda record: record.test.precision,
    "recall": lambda record: record.test.recall,
    "f1": lambda record: record.test.f1,
}
_LABELS = {
    "cv_accuracy": "CV accuracy, %",
    "cv_std": "CV std over folds, points",
    "test_loss": "test loss, nats",
    "test_accuracy": "test accuracy, %",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}
#: The modules from the bottom up; a test holds the order to it.
MODULES = (
    *("paths", "files", "specs", "sources", "data", "models", "records", "probes", "protocols", "runtime", "campaign"),
    *("stats", "paper", "tables", "verdicts", "figures", "pages", "checks", "verify", "chapters", "speed", "bench", "__main__"),
)
_PERCENT = {"cv_accuracy", "cv_std", "test_accuracy"}
_SHARES = {"cv_accuracy", "test_accuracy", "precision", "recall", "f1"}

#: Two accuracies or F1s that differ by no more than this are on par. The paper calls F1s equal that agree in two decimals.
MARGIN = 0.01

#: The networks that are trained on images.
IMAGE_NETWORKS = tuple(network for network in paper.RESULT_TABLES if network[0] != "wdbc")

#: Validation rows over training rows of a fold: the overlap that Nadeau and Bengio's correction needs.
OVERLAP = 1 / (N_SPLITS - 1)

#: The numbers of a table of results that its verdict is on.
JUDGED = ("cv_accuracy", "test_accuracy")

#: An interval for an accuracy, or for the hits of a class as a share of the class, that reaches further than this to either side is too wide to judge
#: by, unless the paper's own two heads differ by more.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Remedy:
    """An intervention on the ReLU head.

    Attributes
    ----------
    title : str
    against : str
        The cause that it would remove, if that were the cause; empty if it is aimed at none alone.
    setting : dict
        How the runs depart from the author's code; see :attr:`reluclf.specs.Spec.setting`.
    head : str
    """

    title: str
    against: str
    setting: dict[str, Any]
    head: str = "relu"


#: The interventions that the rules for claims C14 and C24 look at, chosen before they were run; the smooth head is a comparison, and in no rule.
REMEDIES = (
    Remedy("an initial output bias of 1", "dead outputs", {"bias": 1.0}),
    Remedy("a leaky head", "dead outputs", {}, head="leaky_relu"),
    Remedy("gradient norms clipped to 1", "exploding gradients", {"clipnorm": 1.0}),
    Remedy("a floor of 0.1 under the outputs", "", {"floor": 0.1}),
    Remedy("a tenth of the learning rate", "", {"learning_rate": 0.0001}),
    Remedy("a smooth head, softplus", "", {}, head="softplus"),
)


def tolerance(published: float, other: float) -> float:
    """How far the interval for one more run may reach, given the paper's accuracy and that of its other head."""
    return max(TOLERANCE, abs(published - other))


_noted: dict[str, dict[Spec, Record]] = {}


def note(records: Iterable[Record], folder: str = "") -> None:
    """Keep in mind that what is being made rests on these records; :func:`of_setting` does so for all that it finds.

    Parameters
    ----------
    records : iterable of Record
    folder : str
        Where their store lies within ``results/``.
    """
    _noted.setdefault(folder, {}).update((record.spec, record) for record in records)


def noted() -> dict[str, list[Record]]:
    """The records noted since this was last asked, by folder: those that what was made in the meantime rests on."""
    records = {folder: list(found.values()) for folder, found in _noted.items() if found}
    _noted.clear()
    return records


def select(records: Iterable[Record], **fields: Any) -> list[Record]:
    """Those of the records whose spec has the given values."""
    return [record for record in records if all(getattr(record.spec, name) == value for name, value in fields.items())]


def of_setting(records: Iterable[Record], setting: dict[str, Any] | None = None, **fields: Any) -> list[Record]:
    """Those of the records whose spec has the given values and departs from the author's code in the given setting only, by default in nothing.

    Of runs that differ in how many folds they have only, the one with most is taken: their final models are one and the same run.
    """
    found: dict[Any, Record] = {}
    for record in select(records, **fields):
        if record.spec.setting == (setting or {}):
            key = record.spec.model_copy(update={"folds": N_SPLITS})
            if key not in found or record.spec.folds > found[key].spec.folds:
                found[key] = record
    note(found.values())
    return list(found.values())


def measure(records: Iterable[Record], name: str) -> Estimate | None:
    """Estimate one of :data:`reluclf.paper.MEASURES` from the records that have it; None if none does.

    The measures of the cross-validation are taken from whole cross-validations only, those with as many folds as the most complete one.
    """
    records = list(records)
    if name.startswith("cv_"):
        most = max((len(record.folds) for record in records), default=0)
        records = [record for record in records if record.folds and len(record.folds) == most]
    return estimate([_OF_RECORD[name](record) for record in records])


def results(dataset: str, architecture: str, records: Sequence[Record], setting: dict[str, Any] | None = None) -> pd.DataFrame:
    """The paper's Table 3, 4, 6, 7 or 9 beside ours.

    Parameters
    ----------
    dataset, architecture : str
    records : sequence of Record
        Those of this data set, architecture and setting are used.
    setting : dict, optional
        How our runs depart from the author's code; see :attr:`reluclf.specs.Spec.setting`.

    Returns
    -------
    DataFrame of str
        A row for each head and measure; the columns are the paper's value, ours by protocol, each minus the paper's, and, for the numbers that the
        verdict is on, what one more ``carried`` run would give (95 % for all of them together) and whether the paper's value lies in it.
    """
    rows = []
    for head in HEADS:
        published = paper.result(dataset, architecture, head)
        other = paper.result(dataset, architecture, HEADS[1 - HEADS.index(head)])
        ours = {
            protocol: of_setting(records, setting, dataset=dataset, architecture=architecture, head=head, protocol=protocol)
            for protocol in ("carried", "fresh")
        }
        for name in paper.MEASURES:
            carried, fresh = (measure(ours[protocol], name) for protocol in ("carried", "fresh"))
            rows.append(
                {
                    "measure": f"{HEAD_TITLES[head]}: {_LABELS[name]}",
                    "paper": number(published[name], name),
                    "ours, carried": cell(carried, name),
                    "carried − paper": signed(carried.mean - published[name], name) if carried else NONE,
                    "one more carried run": _one_more(carried, published[name], other[name], name) if name in JUDGED else NONE,
                    "ours, fresh": cell(fresh, name),
                    "fresh − paper": signed(fresh.mean - published[name], name) if fresh else NONE,
                }
            )
    return pd.DataFrame(rows)


def _one_more(ours: Estimate | None, published: float, other: float, name: str) -> str:
    if ours is None or ours.n < 2:
        return NONE
    comparisons = len(HEADS) * len(JUDGED)
    low, high = ends(*ours.prediction(comparisons), name)
    return f"{low} to {high}: {ours.match(published, tolerance(published, other), comparisons)}"


def folds(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """The paper's Table 5 or 8, the CNN-ReLU fold by fold, beside ours.

    Returns
    -------
    DataFrame of str
        A row for each fold, one for the mean and one for the rise from fold to fold (the least-squares slope); accuracy of the paper and of both
        protocols, each minus the paper's, of the carried model on the test set after the fold, and the losses.
    """
    chosen = {"dataset": dataset, "architecture": "cnn", "head": "relu"}
    carried, fresh = (of_setting(records, protocol=protocol, **chosen) for protocol in ("carried", "fresh"))
    published, losses = paper.fold_accuracy(dataset, "cnn", "relu"), paper.fold_loss(dataset)

    def row(title: str, of_ten: Callable[[np.ndarray], float], at: slice) -> dict[str, str]:
        """A row of a statistic of the folds at hand, from the records that have them all."""

        def ours(records: Sequence[Record], value: Callable[[Any], float]) -> Estimate | None:
            there = [record.folds[at] for record in records if len(record.folds) >= at.stop]
            return estimate([of_ten(np.array([value(fold) for fold in folds])) for folds in there])

        means = [ours(records, lambda fold: fold.validation.accuracy[-1]) for records in (carried, fresh)]
        of_paper = of_ten(published[at])
        differences = [signed(mean.mean - of_paper, "cv_accuracy") if mean else NONE for mean in means]
        return {
            "fold": title,
            "paper, %": number(of_paper, "cv_accuracy"),
            "carried, %": cell(means[0], "cv_accuracy"),
            "carried − paper": differences[0],
            "carried, test set, %": cell(ours(carried, lambda fold: fold.test.accuracy), "cv_accuracy"),
            "fresh, %": cell(means[1], "cv_accuracy"),
            "fresh − paper": differences[1],
            "paper, loss": number(of_ten(losses[at]), "test_loss"),
            "carried, loss": cell(ours(carried, lambda fold: fold.validation.loss[-1]), "test_loss"),
        }

    rows = [row(str(fold + 1), lambda values: values[0], slice(fold, fold + 1)) for fold in range(N_SPLITS)]
    rows.append(row("mean", np.mean, slice(0, N_SPLITS)))
    rows.append(row("rise a fold", lambda values: slope(values).mean, slice(0, N_SPLITS)))
    return pd.DataFrame(rows)


def layers(number: int, model: Any) -> pd.DataFrame:
    """The layers of the paper's Table 1 or 2 beside those of a built network, as text; a reshaping of the input is not a layer of the paper's."""
    published = paper.layers(number)
    ours = [layer for layer in model.layers if not layer.name.startswith("reshape")]
    rows = []
    for (name, shape, parameters), layer in zip_longest(published, ours, fillvalue=(NONE, (), 0)):
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
    total = {"paper's layer": "total", "output": "", "parameters": f"{sum(layer[2] for layer in published):,}"}
    rows.append(total | {"our layer": "total", "our output": "", "our parameters": f"{model.count_params():,}"})
    return pd.DataFrame(rows)


def optimism(records: Sequence[Record]) -> pd.DataFrame:
    """How far each protocol's cross-validation accuracy lies from the test accuracy of the model that is published, by network.

    Returns
    -------
    DataFrame of str
        A row for each network that has a record with a whole cross-validation: the paper's difference, that of the carried model (mean
        over its folds; last fold), and of the fresh one, in percentage points, each with its interval over seeds.
    """
    rows = []
    for dataset, architecture in paper.RESULT_TABLES:
        for head in HEADS:
            chosen = {"dataset": dataset, "architecture": architecture, "head": head}
            carried, fresh = (
                [r for r in of_setting(records, protocol=protocol, **chosen) if len(r.folds) == N_SPLITS] for protocol in ("carried", "fresh")
            )
            if not carried and not fresh:
                continue
            published = paper.result(dataset, architecture, head)
            last_fold = paper.fold_accuracy(dataset, architecture, head)[-1]
            rows.append(
                {
                    "network": f"{data.TITLES[dataset]} {architecture.upper()}-{HEAD_TITLES[head]}",
                    "paper, mean − test": signed(published["cv_accuracy"] - published["test_accuracy"], "cv_accuracy"),
                    "carried, mean − test": _signed_cell(estimate([r.cv_accuracy - r.test.accuracy for r in carried])),
                    "paper, last − test": signed(last_fold - published["test_accuracy"], "cv_accuracy"),
                    "carried, last − test": _signed_cell(estimate([r.fold_accuracy[-1] - r.test.accuracy for r in carried])),
                    "fresh, mean − test": _signed_cell(estimate([r.cv_accuracy - r.test.accuracy for r in fresh])),
                }
            )
    return pd.DataFrame(rows)


def cross_validation(records: Sequence[Record]) -> pd.DataFrame:
    """What the paper's rows of cross-validation would have been: its numbers, and those of a cross-validation that starts every fold anew.

    Returns
    -------
    DataFrame of str
        A row for each network: the paper's mean and standard deviation over the folds; those of our ``fresh`` runs; and, of one ``fresh`` run, the
        interval for the expected accuracy that its ten folds give, corrected for their overlap.
    """
    rows = []
    for (dataset, architecture), head in product(paper.RESULT_TABLES, HEADS):
        published = paper.result(dataset, architecture, head)
        fresh = of_setting(records, dataset=dataset, architecture=architecture, head=head, protocol="fresh")
        fresh = [run for run in fresh if len(run.folds) == N_SPLITS]
        interval = "{} to {}".format(*ends(*over_folds(fresh[0]), "cv_accuracy")) if fresh else NONE
        rows.append(
            {
                "network": f"{data.TITLES[dataset]} {architecture.upper()}-{HEAD_TITLES[head]}",
                "paper, mean ± std, %": f"{number(published['cv_accuracy'], 'cv_accuracy')} ± {number(published['cv_std'], 'cv_std')}",
                "fresh, mean, %": cell(measure(fresh, "cv_accuracy"), "cv_accuracy"),
                "fresh, std over folds": cell(measure(fresh, "cv_std"), "cv_std"),
                "interval from one run's folds, %": interval,
                "fresh − paper": signed(measure(fresh, "cv_accuracy").mean - published["cv_accuracy"], "cv_accuracy") if fresh else NONE,
            }
        )
    return pd.DataFrame(rows)


def over_folds(run: Record, comparisons: int = 1) -> tuple[float, float]:
    """The interval for the expected accuracy from the ten folds of one ``fresh`` run, corrected for their overlap (Nadeau and Bengio, 2003)."""
    folds = estimate(run.fold_accuracy)
    half = (folds.prediction(comparisons)[1] - folds.mean) * math.sqrt((1 / N_SPLITS + OVERLAP) / (1 + 1 / N_SPLITS))
    return folds.mean - half, folds.mean + half


def compared(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """The two heads compared, by architecture and protocol, as text.

    Returns
    -------
    DataFrame of str
        ReLU minus softmax: in test accuracy, paired by seed; over the ten folds of one ``fresh`` run, with the variance corrected for their overlap;
        and in how many seeds McNemar's test finds the two to differ on the test set (Holm over the seeds, 5 %). On WDBC, where each seed has its own
        split, also with the variance corrected for the overlap of the splits, as it must be to speak of other samples than these.
    """
    rows = []
    for (of, architecture), protocol in product(paper.RESULT_TABLES, ("carried", "fresh")):
        if of != dataset:
            continue
        by_head = [
            {run.spec.seed: run for run in of_setting(records, dataset=dataset, architecture=architecture, head=head, protocol=protocol)}
            for head in ("relu", "softmax")
        ]
        pairs = [(by_head[0][seed], by_head[1][seed]) for seed in sorted(by_head[0].keys() & by_head[1].keys())]
        whole = [pair for pair in pairs if protocol == "fresh" and all(len(run.folds) == N_SPLITS for run in pair)][:1]
        # Only runs that share a test set can be compared image by image; on WDBC the seed decides the split, for both heads alike.
        adjusted = holm([mcnemar(relu.test.correct, softmax.test.correct) for relu, softmax in pairs])
        accuracies = [[run.test.accuracy for run in runs] for runs in zip(*pairs, strict=True)] or [[], []]
        row = {"network": architecture.upper(), "protocol": protocol, "over seeds, points": difference_cell(paired(*accuracies, margin=MARGIN))}
        if dataset == "wdbc":
            overlap = len(pairs[0][0].test.labels) / _n_train(pairs[0][0]) if pairs else None
            row["for other tumours, points"] = difference_cell(paired(*accuracies, margin=MARGIN, overlap=overlap))
        over_folds = paired(*(run.fold_accuracy for run in whole[0]), margin=MARGIN, overlap=OVERLAP) if whole else None
        row["over folds, points"] = difference_cell(over_folds)
        row["seeds that differ (McNemar)"] = f"{int(np.sum(adjusted < 0.05))} of {len(pairs)}" if pairs else NONE
        rows.append(row)
    return pd.DataFrame(rows)


def _n_train(run: Record) -> int:
    """How many rows the whole training set of a run has."""
    return run.final.n_train if run.final else run.folds[0].n_train + run.folds[0].n_validation


def difference_cell(value: Difference | None) -> str:
    """A difference of accuracies in percentage points, with its interval and n, or a dash."""
    if value is None:
        return NONE
    low, mean, high = (signed(part, "cv_accuracy") for part in (value.low, value.mean, value.high))
    return f"{mean} [{low}, {high}] (n = {value.n})"


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
        runs = of_setting(records, {"loss": "verbatim"}, dataset=dataset, architecture=architecture, head="relu") if of == dataset else []
        if not runs:
            continue
        batches = sorted(run.diverged_at for run in runs if run.diverged_at)
        dead, alive = ([r for r in runs if (r.diverged_at is not None) == died] for died in (True, False))
        rows.append(
            {
                "network": f"{architecture.upper()}-ReLU",
                "runs": str(len(runs)),
                "died": str(len(dead)),
                "at batch (median; range)": f"{np.median(batches):.0f}; {batches[0]} to {batches[-1]}" if batches else NONE,
                "test accuracy of the dead, %": cell(measure(dead, "test_accuracy"), "test_accuracy"),
                "of the others, %": cell(measure(alive, "test_accuracy"), "test_accuracy"),
            }
        )
    columns = ["network", "runs", "died", "at batch (median; range)", "test accuracy of the dead, %", "of the others, %"]
    return pd.DataFrame(rows, columns=columns)


def variants(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Test accuracy of the heads of :data:`reluclf.models.HEADS` on both architectures, as text.

    All are models trained once on the whole training set (``fresh``).
    """
    rows = []
    for head, definition in models.HEADS.items():
        chosen = {
            architecture: of_setting(records, dataset=dataset, architecture=architecture, head=head, protocol="fresh")
            for architecture in ("ffnn", "cnn")
        }
        accuracy = {f"{name.upper()}, %": cell(measure(runs, "test_accuracy"), "test_accuracy") for name, runs in chosen.items()}
        rows.append({"head": f"`{head}`", "its output for logit z": definition.formula, **accuracy})
    return pd.DataFrame(rows)


def controls(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Test accuracy of the CNN on what it was not built for, components in order and shuffled, and on pixels, beside the FFNN on components; as text.

    All are models trained once on the whole training set (``fresh``). Differences are between runs paired by seed.
    """
    ffnn = {head: by_seed(records, dataset=dataset, architecture="ffnn", head=head, protocol="fresh") for head in HEADS}
    cases = [("FFNN", "principal components", ffnn)]
    for features, title in (("paper", "principal components, in order"), ("shuffled", "the same, in a random order"), ("pixels", "16 × 16 pixels")):
        setting = {} if features == "paper" else {"features": features}
        runs = {head: by_seed(records, setting, dataset=dataset, architecture="cnn", head=head, protocol="fresh") for head in HEADS}
        cases.append(("CNN", title, runs))
    rows = []
    for network, title, runs in cases:
        row = {"network": network, "it sees": title}
        for head in HEADS:
            row[f"{HEAD_TITLES[head]}, %"] = cell(measure(runs[head].values(), "test_accuracy"), "test_accuracy")
        row["ReLU − softmax, points"] = difference_cell(seeds_paired(runs["relu"], runs["softmax"]))
        row["softmax − FFNN-Softmax, points"] = NONE if runs is ffnn else difference_cell(seeds_paired(runs["softmax"], ffnn["softmax"]))
        rows.append(row)
    return pd.DataFrame(rows)


def errors_paired(a: dict[int, Record], b: dict[int, Record]) -> dict[tuple[int, int], Difference | None]:
    """The difference in the counts of both kinds of error on WDBC, by (true class, prediction), of runs paired by seed."""
    seeds = sorted(a.keys() & b.keys())
    counts = [np.array([runs[seed].test.confusion_matrix for seed in seeds], dtype=float).reshape(-1, 2, 2) for runs in (a, b)]
    return {cell: paired(*(matrices[:, *cell] for matrices in counts), margin=0) for cell in ((0, 1), (1, 0))}


def between_epochs(records: Sequence[Record], epochs: Sequence[int]) -> dict[str, list[Difference | None]]:
    """How the test accuracy of final models changes from each of the epochs to the next, paired by run, for both heads."""
    found = {}
    for head in HEADS:
        accuracy = np.array([[run.final.test.accuracy[epoch - 1] for epoch in epochs] for run in select(records, head=head)]).reshape(-1, len(epochs))
        found[head] = [paired(after, before, margin=MARGIN) for before, after in zip(accuracy.T, accuracy.T[1:], strict=False)]
    return found


def readings(dataset: str, records: Sequence[Record]) -> dict[str, Difference | None]:
    """What the paper reads off its CNNs, by what these see: ``_heads``, ReLU minus softmax; ``_networks``, CNN-Softmax minus FFNN-Softmax."""
    ffnn = by_seed(records, dataset=dataset, architecture="ffnn", head="softmax", protocol="fresh")
    found = {}
    for features in ("paper", "shuffled", "pixels"):
        setting = {} if features == "paper" else {"features": features}
        relu, softmax = (by_seed(records, setting, dataset=dataset, architecture="cnn", head=head, protocol="fresh") for head in ("relu", "softmax"))
        found |= {f"{features}_heads": seeds_paired(relu, softmax), f"{features}_networks": seeds_paired(softmax, ffnn)}
    return found


def seeds_paired(a: dict[int, Record], b: dict[int, Record]) -> Difference | None:
    """The difference in test accuracy of runs paired by seed; None if fewer than two seeds are in both."""
    seeds = sorted(a.keys() & b.keys())
    return paired([a[seed].test.accuracy for seed in seeds], [b[seed].test.accuracy for seed in seeds], margin=MARGIN)


def _middle(counts: np.ndarray) -> str:
    """The 2.5 % and 97.5 % quantiles of counts, as values that occur; a dash where there are too few to have any."""
    if len(counts) < 40:
        return NONE
    low, high = (np.quantile(counts, share, method=method) for share, method in ((0.025, "lower"), (0.975, "higher")))
    return f"{low:.0f} to {high:.0f}"


def heads() -> pd.DataFrame:
    """The heads with their outputs, losses and sources, as text."""
    losses = {
        models.guarded: "outputs divided by their sum, then cross-entropy",
        models.softmax_cross_entropy: "softmax of the outputs, then cross-entropy",
        models.sparsemax_loss: "sparsemax loss",
    }
    rows = []
    for name, head in models.HEADS.items():
        source = f"{{cite}}`{head.source}`" if head.source else "this book"
        rows.append({"head": f"`{name}`", "its output for logit z": head.formula, "its loss": losses[head.loss], "source": source})
    return pd.DataFrame(rows)


def clinic(records: Sequence[Record]) -> pd.DataFrame:
    """WDBC as a clinician reads it, malignant being positive: sensitivity, specificity and misses of each classifier, as text.

    The networks by protocol; logistic regression on the same splits. Misses are of the 64 malignant tumours in the test set: their mean, and the
    range that leaves out 2.5 % of the splits on either side, given from 40 splits on.
    """
    cases = [("logistic regression", of_setting(records, dataset="wdbc", architecture="logistic"))]
    for head in HEADS:
        for protocol in ("carried", "fresh"):
            runs = of_setting(records, dataset="wdbc", architecture="ffnn", head=head, protocol=protocol)
            cases.append((f"FFNN-{HEAD_TITLES[head]}, {protocol}", runs))
    rows = []
    for title, runs in cases:
        matrices = np.array([run.test.confusion_matrix for run in runs], dtype=float).reshape(-1, 2, 2)
        rows.append(
            {
                "classifier": title,
                "sensitivity, %": cell(estimate(matrices[:, 0, 0] / matrices[:, 0].sum(axis=1)), "test_accuracy"),
                "specificity, %": cell(estimate(matrices[:, 1, 1] / matrices[:, 1].sum(axis=1)), "test_accuracy"),
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


def by_seed(records: Sequence[Record], setting: dict[str, Any] | None = None, **fields: Any) -> dict[int, Record]:
    """Those of the records that :func:`of_setting` selects, by seed."""
    return {record.spec.seed: record for record in of_setting(records, setting, **fields)}


def remedied(remedy: Remedy, dataset: str, architecture: str, records: Sequence[Record]) -> dict[int, Record]:
    """The runs of a network with a remedy, by seed: models trained once on the whole training set (``fresh``)."""
    return by_seed(records, remedy.setting, dataset=dataset, architecture=architecture, head=remedy.head, protocol="fresh")


@dataclass(frozen=True)
class Closing:
    """What a remedy does to the gap in test accuracy between the two heads of a network, in runs paired by seed.

    Attributes
    ----------
    gap : Difference
        Softmax minus ReLU.
    share : float
        Of the gap, how much the remedy closes.
    past_half : Difference
        The remedied network minus the point halfway between the two heads: above 0 if more than half of the gap is closed.
    """

    gap: Difference
    share: float
    past_half: Difference


def closing(remedy: Remedy, dataset: str, architecture: str, records: Sequence[Record]) -> Closing | None:
    """Compare a remedied network with both heads; None if they have fewer than two seeds in common."""
    network = {"dataset": dataset, "architecture": architecture, "protocol": "fresh"}
    runs = [remedied(remedy, dataset, architecture, records), *(by_seed(records, head=head, **network) for head in ("relu", "softmax"))]
    seeds = sorted(set.intersection(*map(set, runs)))
    if len(seeds) < 2:
        return None
    ours, relu, softmax = (np.array([found[seed].test.accuracy for seed in seeds]) for found in runs)
    gap = paired(softmax, relu, margin=MARGIN)
    share = float((ours.mean() - relu.mean()) / gap.mean) if gap.mean else math.nan
    return Closing(gap, share, paired(ours, (relu + softmax) / 2, margin=MARGIN))


def remedies(records: Sequence[Record]) -> pd.DataFrame:
    """Test accuracy of both networks with the ReLU head, on both image sets, under each intervention, as text.

    All are models trained once on the whole training set (``fresh``).
    """
    cases = [Remedy("the softmax head", "", {}, "softmax"), Remedy("the ReLU head as it is", "", {}), *REMEDIES]
    rows = []
    for remedy in cases:
        row = {"network with": remedy.title}
        for dataset, architecture in IMAGE_NETWORKS:
            runs = remedied(remedy, dataset, architecture, records).values()
            row[f"{data.TITLES[dataset]} {architecture.upper()}"] = cell(measure(runs, "test_accuracy"), "test_accuracy")
        rows.append(row)
    return pd.DataFrame(rows)


def closings(records: Sequence[Record]) -> pd.DataFrame:
    """The share of the gap between the heads that each intervention closes, and whether that is shown to be more or less than half, as text."""
    rows = []
    for remedy in REMEDIES:
        row = {"intervention": remedy.title, "against": remedy.against or NONE}
        for dataset, architecture in IMAGE_NETWORKS:
            row[f"{data.TITLES[dataset]} {architecture.upper()}"] = _closed(closing(remedy, dataset, architecture, records))
        rows.append(row)
    return pd.DataFrame(rows)


def _closed(found: Closing | None) -> str:
    if found is None:
        return NONE
    if not found.gap.greater or found.gap.mean <= MARGIN:
        return f"no gap shown (n = {found.gap.n})"
    shown = "more than half" if found.past_half.greater else "less than half" if found.past_half.less else "undecided"
    share = f"{100 * found.share:.0f} %".replace("-", "−")
    return f"{share}, {shown} (n = {found.gap.n})"


def hazards(records: Sequence[Record]) -> pd.DataFrame:
    """What the probes saw of either hazard in each image network, without and with each intervention, as text.

    Returns
    -------
    DataFrame of str
        A row for each network and intervention that has a probed run: in how many runs at least one output was zero on every probed row after the
        last epoch; the share of rows whose true class's output then is zero; and the largest norm of the output layer's gradient after any epoch.
    """
    cases = [Remedy("the softmax head", "", {}, "softmax"), Remedy("the ReLU head as it is", "", {}), *REMEDIES]
    rows = []
    for (dataset, architecture), remedy in product(IMAGE_NETWORKS, cases):
        probes = [run.final.probe for run in remedied(remedy, dataset, architecture, records).values() if run.final and run.final.probe]
        if probes:
            rows.append(
                {
                    "network": f"{data.TITLES[dataset]} {architecture.upper()}",
                    "with": remedy.title,
                    "runs with a dead output": f"{sum(probe.dead_units[-1] > 0 for probe in probes)} of {len(probes)}",
                    "true class's output 0, %": cell(estimate([probe.dead_true[-1] for probe in probes]), "test_accuracy"),
                    "largest gradient norm": cell(estimate([max(probe.norm_head) for probe in probes]), "norm"),
                }
            )
    columns = ["network", "with", "runs with a dead output", "true class's output 0, %", "largest gradient norm"]
    return pd.DataFrame(rows, columns=columns)


def provenance(records: Sequence[Record]) -> pd.DataFrame:
    """Where each record comes from: a row for each group of runs that differ in their seed only, as text."""
    note(records)
    return groups(records)


def groups(records: Iterable[Record], folder: str = "") -> pd.DataFrame:
    """What :func:`provenance` shows of the records, whose store lies in this folder within ``results/``."""
    rows = []
    for group, members in groupby(sorted(records, key=lambda r: str(r.spec.path)), key=lambda r: str(r.spec.path.parent)):
        members = list(members)
        where = [record.provenance for record in members]
        rows.append(
            {
                "runs": f"{folder}{group}",
                "seeds": _ranges(record.spec.seed for record in members),
                **_effort(members),
                "device": ", ".join(sorted({_where(record)[0] for record in members})),
                "backend": ", ".join(sorted({_where(record)[1] for record in members})),
                "commit": ", ".join(sorted({(p.commit or "none")[:7] + ("+" if p.modified else "") for p in where})),
                "first started": min(p.started for p in where).strftime("%Y-%m-%d"),
            }
        )
    return pd.DataFrame(rows)


def totals(records: Sequence[Record]) -> pd.DataFrame:
    """Runs, epochs and hours of computing, by device and backend, as text."""
    note(records)
    rows = []
    for (device, backend), members in groupby(sorted(records, key=_where), key=_where):
        members = list(members)
        rows.append({"device": device, "backend": backend, "runs": f"{len(members):,}", **_effort(members)})
    return pd.DataFrame(rows)


def _where(record: Record) -> tuple[str, str]:
    return record.provenance.device, f"{record.provenance.backend} {record.provenance.versions.get(record.provenance.backend, '')}".strip()


def _effort(records: Sequence[Record]) -> dict[str, str]:
    epochs = sum(
        len(curve.loss) for record in records for curve in (*(fold.train for fold in record.folds), *([record.final.train] if record.final else []))
    )
    return {"epochs": f"{epochs:,}", "hours": f"{sum(record.provenance.seconds for record in records) / 3600:.2f}"}


def modules() -> pd.DataFrame:
    """The modules of this package with the first sentence of their docstrings, as text; each uses only those above it."""
    rows = []
    for name in MODULES:
        source = (paths.ROOT / "reluclf" / f"{name}.py").read_text(encoding="utf-8")
        rows.append({"module": f"`{name}`", "its job": ast.get_docstring(ast.parse(source)).split("\n\n")[0].replace("\n", " ")})
    return pd.DataFrame(rows)


def _ranges(seeds: Iterable[int]) -> str:
    """Seeds in brief, as ``1-5, 8``."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def _described(layer: Any) -> str:
    rate = getattr(layer, "rate", None)
    return type(layer).__name__ + (f" ({rate})" if rate is not None else "")


def _signed_cell(value: Estimate | None) -> str:
    if value is None:
        return NONE
    text = signed(value.mean, "cv_accuracy")
    if value.n == 1:
        return f"{text} (n = 1)"
    return f"{text} [{signed(value.low, 'cv_accuracy')}, {signed(value.high, 'cv_accuracy')}] (n = {value.n})"


def number(value: float, name: str) -> str:
    """A measure as a page writes it: percent with two decimals, losses with four, the rest with two."""
    if math.isnan(value):
        return "NaN"
    text = f"{100 * value:.2f}" if name in _PERCENT else f"{value:.4f}" if name == "test_loss" else f"{value:.2f}"
    return text.replace("-", "−")


def ends(low: float, high: float, name: str) -> tuple[str, str]:
    """Both ends of an interval for a measure, as a page writes them: cut off at what the measure can be, 0 and for a share 1."""
    return number(max(low, 0.0), name), number(min(high, 1.0) if name in _SHARES else high, name)


def signed(difference: float, name: str) -> str:
    """A difference of two measures, with its sign."""
    text = number(abs(difference), name)
    zero = not text.strip("0.")
    return text if zero or text == "NaN" else ("+" if difference > 0 else "−") + text


def cell(value: Estimate | None, name: str) -> str:
    """An estimate with its interval and n, or a dash."""
    if value is None:
        return NONE
    if value.n == 1:
        return f"{number(value.mean, name)} (n = 1)"
    low, high = ends(value.low, value.high, name)
    return f"{number(value.mean, name)} [{low}, {high}] (n = {value.n})"


def mean_matrix(records: Sequence[Record]) -> np.ndarray | None:
    """The mean confusion matrix of the records: float64, shape (k, k); None if there is none."""
    return np.mean([record.test.confusion_matrix for record in records], axis=0) if records else None
