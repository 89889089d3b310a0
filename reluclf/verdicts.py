"""A verdict on every table, figure and claim of the paper, by the rules of the method chapter.

A rule looks at records and at the paper's numbers, never at anything typed in; so a verdict changes when a record does. Where the runs
that a rule needs are not there, the verdict is that it is not judged yet.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from reluclf import data, paper, tables
from reluclf.records import Record
from reluclf.specs import N_SPLITS
from reluclf.stats import Difference, Estimate, estimate, holm, paired

#: Two accuracies or F1s that differ by no more than this are on par. The paper calls F1s equal that agree in two decimals.
MARGIN = 0.01

#: Runs that a rule needs of each network before it judges.
FEWEST = 3

#: Validation rows over training rows of a fold: the overlap that Nadeau and Bengio's correction needs.
OVERLAP = 1 / (N_SPLITS - 1)


class Status(StrEnum):
    """What a verdict can be."""

    REPRODUCED = "reproduced"
    OTHER_REASON = "reproduced, but not for the stated reason"
    BY_THE_FLAW = "reproduced only by the flaw"
    NOT_REPRODUCED = "not reproduced"
    CONTRADICTED = "contradicted"
    NOT_TESTABLE = "not testable"
    ANSWERED = "answered here"
    OPEN = "not judged yet"

    @property
    def css(self) -> str:
        """The class that its looks hang on, on a page and in print."""
        return f"verdict-{self.name.lower().replace('_', '-')}"


@dataclass(frozen=True)
class Verdict:
    """The verdict on one item of the paper.

    Attributes
    ----------
    id : str
        T1 to T9, F1 to F11, C01 to C25, W1, W2.
    says : str
        What the paper says there, in our words.
    status : Status
    why : str
        One sentence.
    evidence : str
        The page and label that the evidence stands under, as ``mnist#tab-mnist-ffnn``.
    records : tuple of Record
        Those that the rule looked at.
    """

    id: str
    says: str
    status: Status
    why: str
    evidence: str
    records: tuple[Record, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Remedy:
    """An intervention on CNN-ReLU.

    Attributes
    ----------
    title : str
    against : str
        The cause that it would remove, if that were the cause; empty if it is aimed at none.
    setting : dict
        How the runs depart from the author's code; see :attr:`reluclf.specs.Spec.setting`.
    head : str
    """

    title: str
    against: str
    setting: dict[str, Any]
    head: str = "relu"


#: The interventions that the rules for claims C14 and C24 look at, chosen before they were run.
REMEDIES = (
    Remedy("an initial output bias of 1", "dead outputs", {"bias": 1.0}),
    Remedy("a leaky head", "dead outputs", {}, head="leaky_relu"),
    Remedy("gradient norms clipped to 1", "exploding gradients", {"clipnorm": 1.0}),
    Remedy("a floor of 0.1 under the outputs", "", {"floor": 0.1}),
    Remedy("a tenth of the learning rate", "", {"learning_rate": 0.0001}),
)

Finding = tuple[Status, str]


class _Open(Exception):
    """Raised by a rule that lacks runs; the message says which."""


@dataclass(frozen=True)
class Evidence:
    """The records in the paper's setting, asked for by network."""

    records: tuple[Record, ...]

    @classmethod
    def of(cls, records: Iterable[Record]) -> Evidence:
        """Keep what is in the paper's setting, whole: 32 epochs on all samples."""
        return cls(tuple(record for record in records if record.spec.samples is None and record.spec.epochs == 32))

    def runs(self, dataset: str, architecture: str, head: str, protocol: str, fewest: int = FEWEST, whole: bool = False) -> list[Record]:
        """The runs of a network, by seed; with ``whole`` only those with all ten folds.

        Raises
        ------
        _Open
            If there are fewer than ``fewest``.
        """
        found = tables.of_setting(self.records, dataset=dataset, architecture=architecture, head=head, protocol=protocol)
        if whole:
            found = [record for record in found if len(record.folds) == N_SPLITS]
        if len(found) < fewest:
            name = f"{data.TITLES[dataset]} {architecture.upper()}-{tables.HEAD_TITLES[head]}"
            raise _Open(f"The rule needs {fewest} {protocol} run{'s' * (fewest > 1)} of {name}; {len(found) or 'none'} recorded.")
        return sorted(found, key=lambda record: record.spec.seed)

    def difference(self, dataset: str, architecture: str, protocol: str, value: Callable[[Record], float], margin: float = MARGIN) -> Difference:
        """ReLU minus softmax, paired by seed."""
        by_head = [{run.spec.seed: value(run) for run in self.runs(dataset, architecture, head, protocol)} for head in ("relu", "softmax")]
        common = sorted(by_head[0].keys() & by_head[1].keys())
        if len(common) < FEWEST:
            raise _Open(f"The rule needs {FEWEST} seeds that both heads have; there are {len(common)}.")
        return paired(*([values[seed] for seed in common] for values in by_head), margin=margin)


def judge(records: Iterable[Record]) -> list[Verdict]:
    """The verdict on each of the paper's 9 tables, 11 figures, 25 claims and 2 proposals, in this order."""
    evidence = Evidence.of(records)
    verdicts = []
    for identifier, (says, rule, where) in items().items():
        tables.noted()
        try:
            status, why = rule(evidence)
        except _Open as lack:
            status, why = Status.OPEN, str(lack)
        verdicts.append(Verdict(identifier, says, status, why, where, tuple(tables.noted())))
    return verdicts


def items() -> dict[str, tuple[str, Callable[[Evidence], Finding], str]]:
    """What the paper says, the rule and the place of the evidence, by identifier."""
    found = {}
    for number in paper.contents()["tables"]:
        found[f"T{number}"] = (paper.table(number)["title"], *_table_rule(number))
    for number, entry in paper.contents()["figures"].items():
        found[f"F{number}"] = (_figure_title(number, entry), *_figure_rule(number, entry))
    for key, entry in paper.claims().items():
        found[key] = (entry["claim"], *_CLAIMS[key])
    for key, entry in paper.future_work().items():
        found[key] = (entry["proposal"], *_CLAIMS[key])
    return found


# Numbers


def reproduces(value: float, ours: Estimate, comparisons: int) -> bool:
    """Rule for a number: the paper's value lies in the prediction interval for one more run of ours."""
    low, high = ours.prediction(comparisons)
    return low <= value <= high


def honest(run: Record) -> tuple[float, float]:
    """The interval for the expected accuracy from the ten folds of one ``fresh`` run, corrected for their overlap."""
    accuracies = run.fold_accuracy
    found = paired(accuracies, np.zeros(len(accuracies)), margin=MARGIN, overlap=OVERLAP)
    return found.low, found.high


def _results(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for Tables 3, 4, 6, 7 and 9: cross-validation and test accuracy of both heads."""
    judged = [(head, name) for head in tables.HEADS for name in ("cv_accuracy", "test_accuracy")]
    off = []
    for head, name in judged:
        runs = evidence.runs(dataset, architecture, head, "carried", whole=True)
        if not reproduces(paper.result(dataset, architecture, head)[name], tables.measure(runs, name), len(judged)):
            off.append(f"{tables.HEAD_TITLES[head]}'s {paper.MEASURES[name]}")
    if off:
        return (
            Status.NOT_REPRODUCED,
            f"{len(off)} of its {len(judged)} accuracies lie outside what one more run of ours would give: {', '.join(off)}.",
        )
    flawed = []
    for head in tables.HEADS:
        low, high = honest(evidence.runs(dataset, architecture, head, "fresh", fewest=1, whole=True)[0])
        if not low <= paper.result(dataset, architecture, head)["cv_accuracy"] <= high:
            flawed.append(tables.HEAD_TITLES[head])
    if flawed:
        return (
            Status.BY_THE_FLAW,
            f"All {len(judged)} accuracies come back when one model is carried through the folds; an honest cross-validation gives another "
            f"number for {' and '.join(flawed)}.",
        )
    return Status.REPRODUCED, f"All {len(judged)} accuracies come back, and an honest cross-validation agrees."


def _fold_table(dataset: str, evidence: Evidence) -> Finding:
    """Rule for Tables 5 and 8: the ten fold accuracies of CNN-ReLU."""
    carried = evidence.runs(dataset, "cnn", "relu", "carried", whole=True)
    published = paper.fold_accuracy(dataset, "cnn", "relu")
    ours = [estimate([run.fold_accuracy[fold] for run in carried]) for fold in range(N_SPLITS)]
    off = [fold + 1 for fold in range(N_SPLITS) if not reproduces(published[fold], ours[fold], N_SPLITS)]
    if off:
        return Status.NOT_REPRODUCED, f"{len(off)} of the ten fold accuracies lie outside what one more run of ours would give: fold {_listed(off)}."
    fresh = evidence.runs(dataset, "cnn", "relu", "fresh", fewest=1, whole=True)[0].fold_accuracy
    low, high = _slope(fresh)
    if low <= 0 <= high:
        return (
            Status.BY_THE_FLAW,
            "The rise from fold to fold comes back only when one model is carried through the folds; with new weights in each there is none.",
        )
    return Status.REPRODUCED, "The ten fold accuracies come back, and with new weights in each fold they change with the fold as well."


def _slope(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the slope of values over their index."""
    from scipy.stats import linregress, t

    fit = linregress(np.arange(len(values)), values)
    half = t.ppf(0.975, len(values) - 2) * fit.stderr
    return fit.slope - half, fit.slope + half


def _layers(number: int, evidence: Evidence) -> Finding:
    total = sum(parameters for _, _, parameters in paper.layers(number))
    return Status.REPRODUCED, f"The network that we train has the same layers, shapes and {total:,} parameters; a test holds it to that."


def _matrix(number: int, evidence: Evidence) -> Finding:
    """Rule for Figures 2 to 11: the correct predictions of every class."""
    published = paper.matrix(number)
    runs = evidence.runs(published.dataset, published.architecture, published.head, "carried", whole=True)
    hits = np.array([np.diag(run.test.confusion_matrix) for run in runs])
    k = hits.shape[1]
    names = data.CLASSES[published.dataset]
    off = [names[i] for i in range(k) if not reproduces(published.counts[i, i], estimate(hits[:, i]), k)]
    if off:
        return (
            Status.NOT_REPRODUCED,
            f"For {len(off)} of {k} classes the correct predictions lie outside what one more run of ours would give: {', '.join(off)}.",
        )
    return Status.REPRODUCED, f"For all {k} classes the correct predictions lie within what one more run of ours would give."


# Claims


def _fact(status: Status, why: str) -> Callable[[Evidence], Finding]:
    """A claim about what was done, which the author's code settles."""
    return lambda evidence: (status, why)


def _on_par(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for "on par": equivalence of the test accuracies and F1s within the margin, under the author's protocol and under the honest one."""
    shown = {
        protocol: [evidence.difference(dataset, architecture, protocol, value) for value in (_accuracy, _f1)] for protocol in ("carried", "fresh")
    }
    texts = "; ".join(f"{protocol}: {_points(found[0])}" for protocol, found in shown.items())
    par = {protocol: all(d.equivalent for d in found) for protocol, found in shown.items()}
    if all(par.values()):
        return Status.REPRODUCED, f"ReLU minus softmax in test accuracy is within a point under both protocols ({texts})."
    if par["carried"]:
        return Status.BY_THE_FLAW, f"They are on par after 320 epochs, but not after the 32 that the paper states ({texts})."
    if any(d.less or d.greater for d in shown["carried"]) and abs(shown["carried"][0].mean) > MARGIN:
        return Status.CONTRADICTED, f"They differ by more than a point ({texts})."
    return Status.NOT_REPRODUCED, f"That they are within a point of each other is not shown ({texts})."


def _mixed_classes(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for "better on some classes, worse on others": the mean correct predictions differ in both directions."""
    difference = _mean_hits(dataset, architecture, "relu", evidence) - _mean_hits(dataset, architecture, "softmax", evidence)
    better, worse = int(np.sum(difference > 0)), int(np.sum(difference < 0))
    status = Status.REPRODUCED if better and worse else Status.CONTRADICTED
    text = f"On average FFNN-ReLU has more correct predictions in {better} classes and FFNN-Softmax in {worse}"
    return status, f"{text}; two runs of one network would differ so too."


def _slower(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for "worse, because slower": worse at the end of the author's protocol, and behind after the first 32 epochs."""
    end = evidence.difference(dataset, architecture, "carried", _accuracy)
    start = evidence.difference(dataset, architecture, "fresh", _accuracy)
    text = f"after 320 epochs {_points(end)}, after 32 {_points(start)}"
    if end.less and start.less:
        return (
            Status.REPRODUCED,
            f"The ReLU network is behind and catches up slowly ({text}); the folds that are to show it are one model's training.",
        )
    if end.less:
        return Status.OTHER_REASON, f"It is worse at the end, but not shown to be behind after 32 epochs ({text})."
    return Status.NOT_REPRODUCED, f"That it is worse is not shown ({text})."


def _over_ninety(evidence: Evidence) -> Finding:
    ours = tables.measure(evidence.runs("mnist", "cnn", "relu", "carried"), "test_accuracy")
    text = f"the mean is {tables.cell(ours, 'test_accuracy')} %"
    if ours.low > 0.9:
        return Status.REPRODUCED, f"CNN-ReLU exceeds 90 % after 320 epochs: {text}."
    if ours.high < 0.9:
        return Status.CONTRADICTED, f"CNN-ReLU stays below 90 % even after 320 epochs: {text}."
    return Status.NOT_REPRODUCED, f"Whether CNN-ReLU exceeds 90 % depends on the seed: {text}."


def _four_points(evidence: Evidence) -> Finding:
    by_head = [[_accuracy(run) for run in evidence.runs("mnist", "cnn", head, "carried")] for head in ("relu", "softmax")]
    n = min(map(len, by_head))
    ours = estimate(np.array(by_head[0][:n]) - np.array(by_head[1][:n]))
    published = paper.result("mnist", "cnn", "relu")["test_accuracy"] - paper.result("mnist", "cnn", "softmax")["test_accuracy"]
    low, high = ours.prediction()
    status = Status.REPRODUCED if low <= published <= high else Status.NOT_REPRODUCED
    return (
        status,
        f"The paper's difference is {100 * published:.2f} points; one more pair of our runs would give {100 * low:.1f} to {100 * high:.1f}.",
    )


def remedied(remedy: Remedy, dataset: str, evidence: Evidence) -> list[Record]:
    """The CNN runs with a remedy, by seed."""
    found = tables.of_setting(evidence.records, remedy.setting, dataset=dataset, architecture="cnn", head=remedy.head, protocol="fresh")
    if len(found) < FEWEST:
        raise _Open(f"The rule needs {FEWEST} runs of the {data.TITLES[dataset]} CNN with {remedy.title}; {len(found) or 'none'} recorded.")
    return sorted(found, key=lambda record: record.spec.seed)


def closed(remedy: Remedy, dataset: str, evidence: Evidence) -> float | None:
    """The share of the gap between CNN-ReLU and CNN-Softmax that a remedy closes; None where there is no gap to close."""
    softmax, relu = (np.mean([_accuracy(run) for run in evidence.runs(dataset, "cnn", head, "fresh")]) for head in ("softmax", "relu"))
    if softmax - relu <= MARGIN:
        return None
    return float((np.mean([_accuracy(run) for run in remedied(remedy, dataset, evidence)]) - relu) / (softmax - relu))


def _may_be_on_par(evidence: Evidence) -> Finding:
    """Rule for claim C14: some remedy that changes the optimisation alone makes CNN-ReLU equivalent to CNN-Softmax (Holm over the remedies)."""
    softmax = {run.spec.seed: _accuracy(run) for run in evidence.runs("mnist", "cnn", "softmax", "fresh")}
    found = {}
    for remedy in REMEDIES:
        if remedy.head == "relu":
            ours = {run.spec.seed: _accuracy(run) for run in remedied(remedy, "mnist", evidence)}
            common = sorted(softmax.keys() & ours.keys())
            found[remedy.title] = paired([ours[seed] for seed in common], [softmax[seed] for seed in common], MARGIN)
    adjusted = holm([difference.p_equivalent for difference in found.values()])
    par = [title for title, p in zip(found, adjusted, strict=True) if p < 0.05]
    best = max(found, key=lambda title: found[title].mean)
    if par:
        return Status.REPRODUCED, f"With {par[0]} CNN-ReLU is on par with CNN-Softmax after 32 epochs: {_points(found[par[0]])}."
    return Status.NOT_REPRODUCED, f"No change of the optimisation that we tried is shown to do so; the best, {best}, leaves {_points(found[best])}."


def _softmax_best_everywhere(evidence: Evidence) -> Finding:
    difference = _mean_hits("mnist", "cnn", "softmax", evidence) - _mean_hits("mnist", "cnn", "relu", evidence)
    ahead = int(np.sum(difference > 0))
    status = Status.REPRODUCED if ahead == len(difference) else Status.NOT_REPRODUCED
    return status, f"On average CNN-Softmax has more correct predictions in {ahead} of {len(difference)} classes."


def _slightly_lower(evidence: Evidence) -> Finding:
    difference = evidence.difference("fashion_mnist", "cnn", "carried", _accuracy)
    start = evidence.difference("fashion_mnist", "cnn", "fresh", _accuracy)
    text = f"after 320 epochs {_points(difference)}, after 32 {_points(start)}"
    if start.less and difference.equivalent:
        return Status.REPRODUCED, f"CNN-ReLU is behind at first and within a point at the end ({text})."
    return Status.NOT_REPRODUCED, f"Slower at first, and within a point at the end, is not what our runs show ({text})."


def _relu_best_in_most(evidence: Evidence) -> Finding:
    difference = _mean_hits("fashion_mnist", "cnn", "relu", evidence) - _mean_hits("fashion_mnist", "cnn", "softmax", evidence)
    ahead, total = int(np.sum(difference > 0)), float(difference.sum())
    status = Status.REPRODUCED if ahead > len(difference) / 2 and total < 0 else Status.NOT_REPRODUCED
    return status, f"On average CNN-ReLU has more correct predictions in {ahead} of {len(difference)} classes, and {total:+.0f} in total."


def _comparable_on_wdbc(evidence: Evidence) -> Finding:
    published = paper.result("wdbc", "ffnn", "softmax")["f1"] - paper.result("wdbc", "ffnn", "relu")["f1"]
    difference = evidence.difference("wdbc", "ffnn", "carried", _f1)
    text = f"the paper's own F1s differ by {published:.2f}, not 0.2; ours by {_points(difference)}"
    if difference.equivalent:
        return Status.REPRODUCED, f"They are comparable: {text}."
    if difference.less and difference.high < -MARGIN:
        return Status.CONTRADICTED, f"They differ by more than a point: {text}."
    return Status.NOT_REPRODUCED, f"That they are within a point of each other is not shown: {text}."


def _errors_on_wdbc(evidence: Evidence) -> Finding:
    """Class 1, benign, is the positive class of scikit-learn's copy; a clinician's is malignant."""
    more_missed = evidence.difference("wdbc", "ffnn", "carried", lambda run: float(run.test.confusion_matrix[1][0]))
    more_false = evidence.difference("wdbc", "ffnn", "carried", lambda run: float(run.test.confusion_matrix[0][1]))
    text = (
        f"ReLU minus softmax, benign taken for malignant: {more_missed.mean:+.2f} a test set ({more_missed.low:.2f} to {more_missed.high:.2f}); "
        f"malignant for benign: {more_false.mean:+.2f} ({more_false.low:.2f} to {more_false.high:.2f})"
    ).replace("-", "−")
    if more_missed.less and more_false.greater:
        return (
            Status.REPRODUCED,
            f"With benign as the positive class it holds ({text}); a clinician, for whom malignant is positive, reads it the other way round.",
        )
    return Status.NOT_REPRODUCED, f"Even with benign as the positive class our runs do not show it ({text}, n = {more_missed.n})."


def _dying(evidence: Evidence) -> Finding:
    """Rule for claim C24: of the gap between the heads, what closes more of it, reviving dead outputs or clipping the gradient?"""
    shares: dict[str, list[float]] = {"dead outputs": [], "exploding gradients": []}
    for dataset in paper.FOLD_TABLES:
        for remedy in REMEDIES:
            if remedy.against in shares and (share := closed(remedy, dataset, evidence)) is not None:
                shares[remedy.against].append(share)
    if not any(shares.values()):
        return Status.NOT_TESTABLE, "CNN-ReLU is not behind CNN-Softmax, so there is no gap to explain."
    dead, exploding = (max(values) for values in shares.values())
    text = f"the best remedy against dead outputs closes {dead:.0%} of the gap between the CNNs, clipping the gradient {exploding:.0%}"
    if dead >= 0.5 > exploding:
        return Status.REPRODUCED, f"Dead outputs explain the gap: {text}."
    if exploding >= 0.5 > dead:
        return Status.CONTRADICTED, f"Exploding gradients explain the gap, dead outputs do not: {text}."
    return Status.NOT_REPRODUCED, f"Dead outputs are not singled out as the cause: {text}."


def _comparable(evidence: Evidence) -> Finding:
    pairs = [("mnist", "ffnn"), ("mnist", "cnn"), ("fashion_mnist", "ffnn"), ("fashion_mnist", "cnn")]
    found = {pair: evidence.difference(*pair, "carried", _accuracy) for pair in pairs}
    par = sum(difference.equivalent for difference in found.values())
    better = sum(difference.greater for difference in found.values())
    text = f"within a point in {par} of {len(pairs)} image experiments, better in {better}"
    if par == len(pairs) and better:
        return Status.REPRODUCED, f"ReLU is {text}."
    return Status.NOT_REPRODUCED, f"ReLU is {text}."


def _gradients(evidence: Evidence) -> Finding:
    for dataset, architecture in paper.RESULT_TABLES:
        for head in tables.HEADS:
            if not any(run.final.probe for run in evidence.runs(dataset, architecture, head, "fresh", fewest=1)):
                raise _Open(f"The gradients of {data.TITLES[dataset]} {architecture.upper()}-{tables.HEAD_TITLES[head]} are not measured yet.")
    return Status.ANSWERED, "The gradients of both heads were measured after every epoch of every network."


def _more_heads(evidence: Evidence) -> Finding:
    for dataset, architecture in paper.RESULT_TABLES:
        if dataset != "wdbc":
            for head in ("leaky_relu", "softplus", "squared_relu", "elu_plus_one", "relu_softmax", "sparsemax"):
                if len(tables.of_setting(evidence.records, dataset=dataset, architecture=architecture, head=head, protocol="fresh")) < FEWEST:
                    raise _Open(
                        f"The rule needs {FEWEST} runs of each further head; {data.TITLES[dataset]} {architecture.upper()} lacks some of {head}."
                    )
    return Status.ANSWERED, "Six further heads were trained on both image sets with both networks."


def _accuracy(run: Record) -> float:
    return run.test.accuracy


def _f1(run: Record) -> float:
    return run.test.f1


def _mean_hits(dataset: str, architecture: str, head: str, evidence: Evidence) -> np.ndarray:
    return np.mean([np.diag(run.test.confusion_matrix) for run in evidence.runs(dataset, architecture, head, "carried")], axis=0)


def _points(difference: Difference) -> str:
    text = f"{100 * difference.mean:+.2f} points ({100 * difference.low:.2f} to {100 * difference.high:.2f}, n = {difference.n})"
    return text.replace("-", "−")


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _table_rule(number: int) -> tuple[Callable[[Evidence], Finding], str]:
    if number in (1, 2):
        return functools.partial(_layers, number), f"method#tab-method-{'cnn' if number == 1 else 'ffnn'}"
    entry = paper.table(number)
    page = entry["dataset"]
    if "fold_accuracy" in entry:
        return functools.partial(_fold_table, page), f"{page}#tab-{_hyphen(page)}-folds"
    where = "tab-wdbc" if page == "wdbc" else f"tab-{_hyphen(page)}-{entry['architecture']}"
    return functools.partial(_results, page, entry["architecture"]), f"{page}#{where}"


def _figure_rule(number: int, entry: dict) -> tuple[Callable[[Evidence], Finding], str]:
    if entry.get("kind") == "function":
        return _fact(
            Status.REPRODUCED, "It is the function that the networks compute; here it is drawn with its derivative."
        ), "method#fig-method-relu"
    page = entry["dataset"]
    return functools.partial(_matrix, number), f"{page}#fig-{_hyphen(page)}-paper-{number}"


def _figure_title(number: int, entry: dict) -> str:
    if "title" in entry:
        return entry["title"]
    return f"Confusion matrix of {entry['architecture'].upper()}-{tables.HEAD_TITLES[entry['head']]} on {data.TITLES[entry['dataset']]}"


def _hyphen(name: str) -> str:
    return name.replace("_", "-")


_partial = functools.partial
_CLAIMS: dict[str, tuple[Callable[[Evidence], Finding], str]] = {
    "C01": (
        _fact(
            Status.CONTRADICTED,
            f"The author's loader sets {data.N_SET_ASIDE:,} training images aside, which his code never uses; {60_000 - data.N_SET_ASIDE:,} remain.",
        ),
        "method#sec-method-data",
    ),
    "C02": (
        _fact(Status.CONTRADICTED, f"The data set is as described, but {data.N_SET_ASIDE:,} of its training images are set aside and never used."),
        "method#sec-method-data",
    ),
    "C03": (_fact(Status.REPRODUCED, "The data set that we load has these counts; a test holds it to them."), "method#sec-method-data"),
    "C04": (_fact(Status.REPRODUCED, "The author's code does so, and ours as well; the components are not whitened."), "method#sec-method-data"),
    "C05": (
        _fact(
            Status.CONTRADICTED,
            "The loss is the cross-entropy of the outputs divided by their sum, and its gradient vanishes and explodes where softmax's does neither.",
        ),
        "method#eq-relu-gradient",
    ),
    "C06": (
        _fact(Status.CONTRADICTED, "One model is carried through all ten folds and validated on rows it was trained on."),
        "method#sec-method-protocols",
    ),
    "C07": (_fact(Status.REPRODUCED, "The author's code builds both heads from the same settings."), "method#sec-method-networks"),
    "C08": (_fact(Status.CONTRADICTED, "It has three, in the author's code and in the paper's own Table 2."), "method#tab-method-ffnn"),
    "C09": (_partial(_on_par, "mnist", "ffnn"), "mnist#tab-mnist-ffnn"),
    "C10": (_partial(_mixed_classes, "mnist", "ffnn"), "mnist#fig-mnist-paper-2"),
    "C11": (_partial(_slower, "mnist", "cnn"), "mnist#tab-mnist-folds"),
    "C12": (_over_ninety, "mnist#tab-mnist-cnn"),
    "C13": (_four_points, "mnist#tab-mnist-cnn"),
    "C14": (_may_be_on_par, "discussion#sec-discussion-mechanism"),
    "C15": (_softmax_best_everywhere, "mnist#fig-mnist-paper-5"),
    "C16": (_partial(_on_par, "fashion_mnist", "ffnn"), "fashion_mnist#tab-fashion-mnist-ffnn"),
    "C17": (_partial(_mixed_classes, "fashion_mnist", "ffnn"), "fashion_mnist#fig-fashion-mnist-paper-6"),
    "C18": (_slightly_lower, "fashion_mnist#tab-fashion-mnist-cnn"),
    "C19": (_relu_best_in_most, "fashion_mnist#fig-fashion-mnist-paper-8"),
    "C20": (_fact(Status.CONTRADICTED, "It has three, of 128, 64 and 32, in the author's code."), "method#sec-method-networks"),
    "C21": (_partial(_slower, "wdbc", "ffnn"), "wdbc#tab-wdbc"),
    "C22": (_comparable_on_wdbc, "wdbc#tab-wdbc"),
    "C23": (_errors_on_wdbc, "wdbc#fig-wdbc-paper-10"),
    "C24": (_dying, "discussion#sec-discussion-mechanism"),
    "C25": (_comparable, "discussion#sec-discussion-claims"),
    "W1": (_gradients, "mnist#fig-mnist-probes"),
    "W2": (_more_heads, "mnist#tab-mnist-heads"),
}
