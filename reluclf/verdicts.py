"""A verdict on every table, figure and claim of the paper, by the rules of the method chapter.

A rule looks at records and at the paper's numbers, never at anything typed in; so a verdict changes when a record does. Where the runs
that a rule needs are not there, the verdict is that it is not judged yet.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from reluclf import cells, data, paper, remedies, selection, tables
from reluclf.records import Record
from reluclf.remedies import REMEDIES, Closing
from reluclf.specs import N_SPLITS
from reluclf.stats import MOST, Difference, Match, estimate, estimate_counts, holm, paired, slope

#: Runs that a rule needs of each network before it judges.
FEWEST = 3


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
    link : str
        The same as an address, from the folder that the pages are in: ``book/mnist.html#tab-mnist-ffnn``.
    records : tuple of Record
        Those that the rule looked at.
    """

    id: str
    says: str
    status: Status
    why: str
    evidence: str
    link: str
    records: tuple[Record, ...] = field(default=(), repr=False)


Finding = tuple[Status, str]


class _Open(Exception):
    """Raised by a rule that lacks runs; the message says which, or why those that are there do not decide."""


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
        found = selection.of_setting(self.records, dataset=dataset, architecture=architecture, head=head, protocol=protocol)
        if whole:
            found = [record for record in found if len(record.folds) == N_SPLITS]
        if len(found) < fewest:
            name = f"{data.TITLES[dataset]} {architecture.upper()}-{paper.HEAD_TITLES[head]}"
            raise _Open(f"The rule needs {fewest} {protocol} run{'s' * (fewest > 1)} of {name}; {len(found) or 'none'} recorded.")
        return sorted(found, key=lambda record: record.spec.seed)

    def pairs(self, dataset: str, architecture: str, protocol: str) -> list[tuple[Record, Record]]:
        """Runs of ReLU and of softmax with the same seed, by seed.

        Raises
        ------
        _Open
            If there are fewer than :data:`FEWEST`.
        """
        relu, softmax = ({run.spec.seed: run for run in self.runs(dataset, architecture, head, protocol)} for head in ("relu", "softmax"))
        common = sorted(relu.keys() & softmax.keys())
        if len(common) < FEWEST:
            raise _Open(f"The rule needs {FEWEST} seeds that both heads have; there are {len(common)}.")
        return [(relu[seed], softmax[seed]) for seed in common]

    def difference(
        self, dataset: str, architecture: str, protocol: str, value: Callable[[Record], float], margin: float = selection.MARGIN
    ) -> Difference:
        """ReLU minus softmax, paired by seed."""
        pairs = self.pairs(dataset, architecture, protocol)
        return paired([value(relu) for relu, _ in pairs], [value(softmax) for _, softmax in pairs], margin)

    def catching_up(self, dataset: str, architecture: str) -> Difference:
        """ReLU minus softmax in test accuracy after the 32 epochs of ``fresh``, minus the same at the end of ``carried``, paired by seed."""
        gaps = [
            {relu.spec.seed: _accuracy(relu) - _accuracy(softmax) for relu, softmax in self.pairs(dataset, architecture, protocol)}
            for protocol in ("fresh", "carried")
        ]
        common = sorted(gaps[0].keys() & gaps[1].keys())
        if len(common) < FEWEST:
            raise _Open(f"The rule needs {FEWEST} seeds that both protocols have; there are {len(common)}.")
        return paired(*([gap[seed] for seed in common] for gap in gaps), margin=selection.MARGIN)


def judge(records: Iterable[Record]) -> list[Verdict]:
    """The verdict on each of the paper's 9 tables, 11 figures, 25 claims and 2 proposals, in this order."""
    evidence = Evidence.of(records)
    verdicts = []
    for identifier, (says, rule, where) in items().items():
        selection.noted()
        try:
            status, why = rule(evidence)
        except _Open as lack:
            status, why = Status.OPEN, str(lack)
        page, _, label = where.partition("#")
        anchor = f"equation-{label}" if label.startswith("eq-") else label
        verdicts.append(Verdict(identifier, says, status, why, where, f"book/{page}.html#{anchor}", tuple(selection.noted().get("", []))))
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


@dataclass(frozen=True)
class _Compared:
    """One of the paper's numbers, compared with what one more run of ours would give.

    ``runs`` is how many would do, if more would; ``values`` the paper's value and the interval, as a page has them.
    """

    name: str
    match: Match
    runs: int | None = None
    values: str = ""


def _agree(found: Sequence[_Compared], what: str) -> Finding | None:
    """Rule for numbers that are judged together; None if all of them are reproduced.

    Raises
    ------
    _Open
        If none is off, and some could not have been with so few runs.
    """

    def named(match: Match) -> str:
        names = [compared.name + compared.values * (match == Match.OUTSIDE) for compared in found if compared.match == match]
        return "all of them" if len(names) == len(found) > len(paper.HEADS) else _listed(names)

    matches = [compared.match for compared in found]
    if off := matches.count(Match.OUTSIDE):
        return (
            Status.NOT_REPRODUCED,
            f"{off} of its {len(found)} {what} lie{'s' if off == 1 else ''} outside what one more run of ours would give: {named(Match.OUTSIDE)}.",
        )
    if Match.SCATTERED in matches:
        return (
            Status.NOT_TESTABLE,
            f"None of its {len(found)} {what} is off, but single runs scatter so widely that one run can show nothing for {named(Match.SCATTERED)}.",
        )
    if Match.WIDE in matches:
        needed = [compared.runs for compared in found if compared.match == Match.WIDE]
        enough = f"; about {max(needed)} runs of each would do" if all(needed) else ""
        raise _Open(f"None of its {len(found)} {what} is off, but from so few runs the interval is too wide to tell for {named(Match.WIDE)}{enough}.")
    return None


def _unshown(text: str, n: int, enough: Sequence[int | None]) -> Finding:
    """Rule for a claim that is neither shown nor contradicted, by the runs that each of its parts which is not shown would need.

    It is not reproduced if ours are enough for any one of them, for that part could then have been shown.

    Raises
    ------
    _Open
        If more runs would tell.
    """
    if any(runs is not None and runs <= n for runs in enough):
        return Status.NOT_REPRODUCED, f"{text}."
    if None in enough:
        return Status.NOT_TESTABLE, f"{text}; with runs that scatter so, more than {MOST} of each would be needed to tell."
    raise _Open(f"{text}; about {max(enough)} runs of each would tell.")


def _tells(difference: Difference, sought: float) -> int | None:
    """How many runs tell whether there is a difference of the paper's size: those there are, if their interval excludes it."""
    return difference.enough(sought) if difference.low <= sought <= difference.high else difference.n


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _results(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for Tables 3, 4, 6, 7 and 9: cross-validation and test accuracy of both heads."""
    published = {head: paper.result(dataset, architecture, head) for head in paper.HEADS}
    allowed = {name: tables.tolerance(*(published[head][name] for head in paper.HEADS)) for name in tables.JUDGED}
    found, n = [], len(paper.HEADS) * len(tables.JUDGED)
    for head in paper.HEADS:
        runs = evidence.runs(dataset, architecture, head, "carried", whole=True)
        for name in tables.JUDGED:
            ours = selection.measure(runs, name)
            match = ours.match(published[head][name], allowed[name], n)
            values = _against(published[head][name], ours.prediction(n))
            found.append(_Compared(f"{paper.HEAD_TITLES[head]}'s {paper.MEASURES[name]}", match, ours.enough(allowed[name], n), values))
    if finding := _agree(found, "accuracies"):
        return finding
    honest = {
        paper.HEAD_TITLES[head]: _honest(evidence.runs(dataset, architecture, head, "fresh", fewest=1, whole=True), published[head]["cv_accuracy"])
        for head in paper.HEADS
    }
    if flawed := [head for head, (inside, _) in honest.items() if not inside]:
        return (
            Status.BY_THE_FLAW,
            f"All {n} accuracies come back when one model is carried through the folds; an honest cross-validation gives another "
            f"number for {' and '.join(flawed)}.",
        )
    if wide := [head for head, (_, half) in honest.items() if half > allowed["cv_accuracy"]]:
        raise _Open(f"All {n} accuracies come back; too few folds are run anew to tell an honest cross-validation from the paper's for {wide[0]}.")
    return Status.REPRODUCED, f"All {n} accuracies come back, and an honest cross-validation agrees."


def _against(published: float, interval: tuple[float, float]) -> str:
    return f" ({cells.number(published, 'cv_accuracy')} % against {' to '.join(cells.ends(*interval, 'cv_accuracy'))})"


def _honest(runs: Sequence[Record], published: float) -> tuple[bool, float]:
    """Whether a ``fresh`` cross-validation could have given the paper's accuracy, and half the width of the interval that says so.

    The interval is for one more run where there are enough, else from the ten folds of the one there is; two heads are looked at together.
    """
    two = len(paper.HEADS)
    enough = len(runs) >= FEWEST
    low, high = selection.measure(runs, "cv_accuracy").prediction(two) if enough else tables.over_folds(runs[0], two)
    return low <= published <= high, (high - low) / 2


def _fold_table(dataset: str, evidence: Evidence) -> Finding:
    """Rule for Tables 5 and 8: the mean of the ten fold accuracies of CNN-ReLU, and their rise from fold to fold."""
    runs = evidence.runs(dataset, "cnn", "relu", "carried", whole=True)
    published, other = (paper.fold_accuracy(dataset, "cnn", head) for head in ("relu", "softmax"))
    rise = slope(published).mean
    found = []
    for name, value, ours, allowed in (
        ("mean", published.mean(), selection.measure(runs, "cv_accuracy"), tables.tolerance(published.mean(), other.mean())),
        ("rise from fold to fold", rise, estimate([slope(run.fold_accuracy).mean for run in runs]), abs(rise)),
    ):
        found.append(_Compared(f"the {name}", ours.match(value, allowed, 2), ours.enough(allowed, 2), _against(value, ours.prediction(2))))
    if finding := _agree(found, "summaries (mean and rise of the ten folds)"):
        return finding
    fresh = evidence.runs(dataset, "cnn", "relu", "fresh", fewest=1, whole=True)
    anew = slope(np.mean([run.fold_accuracy for run in fresh], axis=0))
    text = f"the paper's accuracy rises by {_rise(rise)} a fold, with new weights in each it changes by {_rise(anew.mean)} "
    text += f"({_rise(anew.low)} to {_rise(anew.high)})"
    if anew.high < rise:
        return Status.BY_THE_FLAW, f"Mean and rise of the ten folds come back only when one model is carried through them: {text}."
    if anew.low > 0:
        return Status.REPRODUCED, f"Mean and rise of the ten folds come back, with new weights in each fold as well: {text}."
    raise _Open(f"Mean and rise of the ten folds come back; whether they would with new weights in each fold is not shown: {text}.")


def _rise(value: float) -> str:
    return _minus(f"{100 * value:.1f} points")


def _layers(number: int, evidence: Evidence) -> Finding:
    total = sum(parameters for _, _, parameters in paper.layers(number))
    return Status.REPRODUCED, f"The network that we train has the same layers, shapes and {total:,} parameters; a test holds it to that."


def _matrix(number: int, evidence: Evidence) -> Finding:
    """Rule for Figures 2 to 11: the correct predictions of every class."""
    published = paper.matrix(number)
    runs = evidence.runs(published.dataset, published.architecture, published.head, "carried", whole=True)
    other = paper.matrix(_OTHER_HEAD[number]).counts
    totals, names = published.counts.sum(axis=1), data.CLASSES[published.dataset]
    k = len(names)
    ours = estimate_counts(np.array([np.diag(run.test.confusion_matrix) for run in runs]), totals)
    found = []
    for i in range(k):
        hits, allowed = published.counts[i, i], totals[i] * tables.tolerance(*(counts[i, i] / totals[i] for counts in (published.counts, other)))
        name = f"class {names[i]}" if names[i].isdigit() else names[i]
        low, high = (min(max(end, 0), totals[i]) for end in ours[i].prediction(k))
        values = f" ({hits} against {low:.1f} to {high:.1f})"
        found.append(_Compared(name, ours[i].match(hits, allowed, k, unit=1), ours[i].enough(allowed, k), values))
    if finding := _agree(found, "counts of correct predictions"):
        return finding
    return Status.REPRODUCED, f"For all {k} classes the correct predictions lie within what one more run of ours would give."


#: The figure with the same network's other head.
_OTHER_HEAD = {number: number + (1 if entry["head"] == "relu" else -1) for number, entry in paper.contents()["figures"].items() if "head" in entry}


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
    beyond = {protocol: any(d.beyond for d in found) for protocol, found in shown.items()}
    if all(par.values()):
        return Status.REPRODUCED, f"ReLU minus softmax in test accuracy is within a point under both protocols ({texts})."
    if beyond["carried"]:
        return Status.CONTRADICTED, f"They differ by more than a point ({texts})."
    if par["carried"] and beyond["fresh"]:
        return Status.BY_THE_FLAW, f"On par is shown after 320 epochs; after the 32 that the paper states they differ by more than a point ({texts})."
    unshown = [d for protocol, found in shown.items() for d in found if not d.equivalent and not beyond[protocol]]
    also = "; after 32 epochs they differ by more than a point" if beyond["fresh"] else ""
    return _unshown(
        f"That they are within a point of each other is not shown ({texts}){also}",
        min(d.n for d in unshown),
        [d.enough_equivalent() for d in unshown],
    )


def _by_class(dataset: str, architecture: str, evidence: Evidence) -> list[Difference]:
    """ReLU minus softmax in the correct predictions of every class, ``carried``, paired by seed."""
    pairs = evidence.pairs(dataset, architecture, "carried")
    relu, softmax = (np.array([np.diag(run.test.confusion_matrix) for run in runs]) for runs in zip(*pairs, strict=True))
    return [paired(relu[:, i], softmax[:, i], margin=0) for i in range(relu.shape[1])]


def _mixed_classes(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for "better on some classes, worse on others": shown in both directions (Holm over the classes)."""
    classes = _by_class(dataset, architecture, evidence)
    shown = holm([difference.p for difference in classes]) < 0.05
    better, worse = (sum(sign * d.mean > 0 and sure for d, sure in zip(classes, shown, strict=True)) for sign in (1, -1))
    ahead, behind = (sum(sign * d.mean > 0 for d in classes) for sign in (1, -1))
    text = (
        f"FFNN-ReLU has more correct predictions in {ahead} classes on average, shown in {better}; FFNN-Softmax in {behind}, shown in {worse} "
        f"(n = {classes[0].n})"
    )
    if better and worse:
        return Status.REPRODUCED, f"{text}."
    if len(classes) in (better, worse):
        return Status.CONTRADICTED, f"{text}."
    sought = _hits_of_paper(dataset, architecture)
    easiest = []
    for sign, found in ((1, better), (-1, worse)):
        if not found:
            runs = [d.enough(float(hits), len(classes)) for d, hits in zip(classes, sought, strict=True) if sign * hits > 0]
            easiest.append(min((n for n in runs if n is not None), default=None))
    return _unshown(text, classes[0].n, easiest)


def _hits_of_paper(dataset: str, architecture: str) -> np.ndarray:
    """ReLU minus softmax in the paper's correct predictions of every class."""
    numbers = {
        entry["head"]: number
        for number, entry in paper.contents()["figures"].items()
        if (entry.get("dataset"), entry.get("architecture")) == (dataset, architecture)
    }
    return np.diag(paper.matrix(numbers["relu"]).counts) - np.diag(paper.matrix(numbers["softmax"]).counts)


def _in_paper(dataset: str, architecture: str, name: str = "test_accuracy") -> float:
    """ReLU minus softmax in a measure of the paper's."""
    relu, softmax = (paper.result(dataset, architecture, head)[name] for head in ("relu", "softmax"))
    return relu - softmax


def _slower(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for "worse, because slower": worse at the end of the author's protocol, further behind after 32 epochs."""
    end = evidence.difference(dataset, architecture, "carried", _accuracy)
    start = evidence.difference(dataset, architecture, "fresh", _accuracy)
    text = f"after 320 epochs {_points(end)}, after 32 {_points(start)}"
    if end.greater:
        return Status.CONTRADICTED, f"It is better at the end ({text})."
    if not end.less:
        also = "; after 32 it is" if start.less else ", nor is it after 32"
        worse = f"That it is worse after 320 epochs is not shown{also} ({text})"
        return _unshown(worse, end.n, [_tells(end, _in_paper(dataset, architecture))])
    slower = evidence.catching_up(dataset, architecture)
    if start.less and slower.less:
        return (
            Status.REPRODUCED,
            f"The ReLU network starts further behind and catches up slowly ({text}); what shows it is one model's training, not a cross-validation.",
        )
    if slower.greater or start.greater:
        return Status.OTHER_REASON, f"It is worse at the end, but no further behind after 32 epochs ({text})."
    raise _Open(f"It is worse at the end; whether it is further behind after 32 epochs is not shown ({text}).")


def _over_ninety(evidence: Evidence) -> Finding:
    """Rule for claim C12: the mean over the runs, against 90 %."""
    runs = evidence.runs("mnist", "cnn", "relu", "carried")
    ours = selection.measure(runs, "test_accuracy")
    text = f"the mean is {100 * ours.mean:.2f} % ({' to '.join(cells.ends(ours.low, ours.high, 'test_accuracy'))}, n = {ours.n})"
    text += f", and {sum(_accuracy(run) > 0.9 for run in runs)} of {ours.n} runs exceed it"
    over = paired([_accuracy(run) for run in runs], [0.9] * len(runs), margin=0)
    if over.greater:
        return Status.REPRODUCED, f"CNN-ReLU exceeds 90 % after 320 epochs: {text}."
    if over.less:
        return Status.CONTRADICTED, f"CNN-ReLU stays below 90 % even after 320 epochs: {text}."
    sought = paper.result("mnist", "cnn", "relu")["test_accuracy"] - 0.9
    return _unshown(f"Whether CNN-ReLU exceeds 90 % is not shown: {text}", over.n, [_tells(over, sought)])


def _four_points(evidence: Evidence) -> Finding:
    """Rule for claim C13: a number, whose interval must be too narrow to hold no difference as well."""
    ours = estimate([_accuracy(relu) - _accuracy(softmax) for relu, softmax in evidence.pairs("mnist", "cnn", "carried")])
    published = _in_paper("mnist", "cnn")
    low, high = ours.prediction()
    text = _minus(
        f"The paper's difference is {100 * published:.2f} points; one more pair of our runs would give {100 * low:.1f} to {100 * high:.1f} "
        f"(n = {ours.n})"
    )
    match = ours.match(published, abs(published))
    if match == Match.WIDE:
        raise _Open(f"{text}, too wide to tell.")
    status = {Match.INSIDE: Status.REPRODUCED, Match.OUTSIDE: Status.NOT_REPRODUCED, Match.SCATTERED: Status.NOT_TESTABLE}[match]
    return status, f"{text}{', too wide for one pair of runs to show anything' if match == Match.SCATTERED else ''}."


def _closing(remedy: remedies.Remedy, dataset: str, architecture: str, evidence: Evidence) -> Closing:
    """What a remedy does to the gap between the heads; raises _Open where runs are lacking."""
    found = remedies.remedied(remedy, dataset, architecture, evidence.records)
    network = f"{data.TITLES[dataset]} {architecture.upper()}"
    if len(found) < FEWEST:
        raise _Open(f"The rule needs {FEWEST} runs of the {network} with {remedy.title}; {len(found) or 'none'} recorded.")
    for head in ("softmax", "relu"):
        evidence.runs(dataset, architecture, head, "fresh")
    closing = remedies.closing(remedy, dataset, architecture, evidence.records)
    if closing is None or closing.gap.n < FEWEST:
        raise _Open(f"The rule needs {FEWEST} seeds that the {network} has with both heads and with {remedy.title}.")
    return closing


def _may_be_on_par(evidence: Evidence) -> Finding:
    """Rule for claim C14: some remedy that changes the optimisation alone makes CNN-ReLU equivalent to CNN-Softmax (Holm over the remedies)."""
    softmax = {run.spec.seed: run for run in evidence.runs("mnist", "cnn", "softmax", "fresh")}
    found = {}
    for remedy in REMEDIES:
        if remedy.head == "relu" and "hidden" not in remedy.setting:
            _closing(remedy, "mnist", "cnn", evidence)  # for its demands on runs
            found[remedy.title] = selection.seeds_paired(remedies.remedied(remedy, "mnist", "cnn", evidence.records), softmax)
    adjusted = holm([difference.p_equivalent for difference in found.values()])
    par = [title for title, p in zip(found, adjusted, strict=True) if p < 0.05]
    best = max(found, key=lambda title: found[title].mean)
    if par:
        return Status.REPRODUCED, f"With {par[0]} CNN-ReLU is on par with CNN-Softmax in test accuracy after 32 epochs: {_points(found[par[0]])}."
    return Status.NOT_REPRODUCED, f"No change of the optimisation that we tried is shown to do so; the best, {best}, leaves {_points(found[best])}."


def _softmax_best_everywhere(evidence: Evidence) -> Finding:
    """Rule for claim C15: shown in every class (all must hold, so none is adjusted)."""
    classes = _by_class("mnist", "cnn", evidence)
    ahead, shown = sum(d.mean < 0 for d in classes), sum(d.less for d in classes)
    reverse = np.sum((holm([d.p for d in classes]) < 0.05) & (np.array([d.mean for d in classes]) > 0))
    text = f"CNN-Softmax has more correct predictions in {ahead} of {len(classes)} classes on average, shown in {shown} (n = {classes[0].n})"
    if shown == len(classes):
        return Status.REPRODUCED, f"{text}."
    if reverse:
        return Status.CONTRADICTED, f"{text}; CNN-ReLU is shown to have more in {reverse}."
    unshown = [_tells(d, float(hits)) for d, hits in zip(classes, _hits_of_paper("mnist", "cnn"), strict=True) if not d.less]
    return _unshown(text, classes[0].n, unshown)


def _slightly_lower(evidence: Evidence) -> Finding:
    """Rule for claim C18: slower, lower in accuracy at the end, and on par in F1 there."""
    network = ("fashion_mnist", "cnn")
    end, end_f1 = (evidence.difference(*network, "carried", value) for value in (_accuracy, _f1))
    start, slower = evidence.difference(*network, "fresh", _accuracy), evidence.catching_up(*network)
    parts = {
        f"slower (after 32 epochs {_points(start)})": start.less and slower.less,
        f"lower in accuracy at the end ({_points(end)})": end.less,
        f"within a point in F1 there ({_points(end_f1)})": end_f1.equivalent,
    }
    text = "; ".join(f"{part}: {'shown' if shown else 'not shown'}" for part, shown in parts.items())
    if all(parts.values()):
        return Status.REPRODUCED, f"CNN-ReLU is {text}."
    if end_f1.beyond or start.greater:
        return Status.CONTRADICTED, f"CNN-ReLU is {text}, and the opposite of one is."
    at_first, at_first_softmax = (paper.fold_accuracy(*network, head)[0] for head in ("relu", "softmax"))
    enough = (_tells(start, at_first - at_first_softmax), _tells(end, _in_paper(*network)), end_f1.enough_equivalent())
    return _unshown(f"CNN-ReLU is {text}", end.n, [runs for runs, shown in zip(enough, parts.values(), strict=True) if not shown])


def _relu_best_in_most(evidence: Evidence) -> Finding:
    """Rule for claim C19: more classes ahead than behind, and fewer correct predictions in total, both shown."""
    pairs = evidence.pairs("fashion_mnist", "cnn", "carried")
    hits = [np.diag(relu.test.confusion_matrix) - np.diag(softmax.test.confusion_matrix) for relu, softmax in pairs]
    classes = paired([float(np.sum(np.sign(row))) for row in hits], np.zeros(len(hits)), margin=0)
    total = paired([float(row.sum()) for row in hits], np.zeros(len(hits)), margin=0)
    text = _minus(
        f"classes in which CNN-ReLU is ahead minus those in which it is behind: {classes.mean:+.1f} ({classes.low:.1f} to {classes.high:.1f}); "
        f"correct predictions in total, ReLU minus softmax: {total.mean:+.0f} ({total.low:.0f} to {total.high:.0f}), n = {total.n}"
    )
    if classes.greater and total.less:
        return Status.REPRODUCED, f"Both are shown: {text}."
    if classes.less or total.greater:
        return Status.CONTRADICTED, f"The opposite of one is shown: {text}."
    sought = _hits_of_paper("fashion_mnist", "cnn")
    unshown = [_tells(classes, float(np.sign(sought).sum()))] * (not classes.greater) + [_tells(total, float(sought.sum()))] * (not total.less)
    return _unshown(f"The two are not both shown: {text}", total.n, unshown)


def _comparable_on_wdbc(evidence: Evidence) -> Finding:
    """Rule for claim C22: equivalent in F1 within the difference that the paper itself calls comparable."""
    published = abs(_in_paper("wdbc", "ffnn", "f1"))
    difference = evidence.difference("wdbc", "ffnn", "carried", _f1, margin=published)
    text = f"the paper's own F1s differ by {published:.2f}, not 0.2, and it calls that comparable; ours by {_points(difference)}"
    if difference.equivalent:
        return Status.REPRODUCED, f"They are shown to be as close as that: {text}."
    if difference.beyond:
        return Status.CONTRADICTED, f"They differ by more: {text}."
    return _unshown(f"That they are as close as that is not shown: {text}", difference.n, [difference.enough_equivalent()])


def _errors_on_wdbc(evidence: Evidence) -> Finding:
    """Rule for claim C23: class 1, benign, is the positive class of scikit-learn's copy and of the paper's counts; a clinician's is malignant."""
    as_malignant = evidence.difference("wdbc", "ffnn", "carried", lambda run: float(run.test.confusion_matrix[1][0]))
    as_benign = evidence.difference("wdbc", "ffnn", "carried", lambda run: float(run.test.confusion_matrix[0][1]))
    text = _minus(
        f"ReLU minus softmax, benign taken for malignant: {as_malignant.mean:+.2f} a test set ({as_malignant.low:.2f} to {as_malignant.high:.2f}); "
        f"malignant for benign: {as_benign.mean:+.2f} ({as_benign.low:.2f} to {as_benign.high:.2f}), n = {as_benign.n}"
    )
    if as_malignant.less and as_benign.greater:
        return (
            Status.REPRODUCED,
            f"With benign as the positive class it holds ({text}); a clinician, for whom malignant is positive, reads it the other way round.",
        )
    clinician = "; with malignant as the positive class, as a clinician has it, it holds" if as_malignant.greater and as_benign.less else ""
    reverse = holm([as_malignant.p, as_benign.p]) < 0.05
    if clinician or (reverse[0] and as_malignant.greater) or (reverse[1] and as_benign.less):
        return Status.CONTRADICTED, f"With benign as the positive class, as in the paper's counts, the opposite is shown ({text}){clinician}."
    return Status.NOT_REPRODUCED, f"It is shown neither with benign as the positive class, as in the paper's counts, nor with malignant ({text})."


#: The two explanations of the CNN's shortfall, and what the interventions on each are aimed at.
_DYING = ("dead outputs", "dead hidden units")
_EXPLODING = ("exploding gradients",)


def _dying(evidence: Evidence) -> Finding:
    """Rule for claim C24: of the gap between the CNNs, is more than half closed by what keeps neurons alive, outputs or hidden units?

    That clipping closes it as well is no objection, for it may do so by keeping them alive; that it does and they do not is the contradiction.
    """
    closed, cleared, exploded, enough, texts = [], [], [], [], []
    for dataset in paper.FOLD_TABLES:
        found = [(remedy, _closing(remedy, dataset, "cnn", evidence)) for remedy in REMEDIES if remedy.against]
        gap = found[0][1].gap
        if not gap.greater or gap.mean <= selection.MARGIN:
            continue
        dying, exploding = ([(remedy, closing) for remedy, closing in found if remedy.against in causes] for causes in (_DYING, _EXPLODING))
        adjusted = holm([closing.past_half.p for _, closing in dying])
        closed.append(any(p < 0.05 and closing.past_half.mean > 0 for p, (_, closing) in zip(adjusted, dying, strict=True)))
        cleared.append(all(closing.past_half.less for _, closing in dying))
        if not closed[-1]:  # by none, and that is told only if each of them tells
            tells = [_tells(closing.past_half, gap.mean / 2) for _, closing in dying]
            enough.append(None if None in tells else max(tells))
        exploded.append(any(closing.past_half.greater for _, closing in exploding))
        parts = [f"{remedy.title} {'close' if remedy.title.endswith('s') else 'closes'} {100 * closing.share:.0f} %" for remedy, closing in dying]
        clipping = 100 * max(closing.share for _, closing in exploding)
        texts.append(_minus(f"on {data.TITLES[dataset]} {_listed(parts)}, clipping {clipping:.0f} % (n = {gap.n})"))
    if not texts:
        return Status.NOT_TESTABLE, "CNN-ReLU is not shown to be more than a point behind CNN-Softmax, so there is no gap to explain."
    text = f"of the gap between the CNNs, {'; '.join(texts)}"
    if all(closed):
        also = "; clipping, which keeps neurons from dying too, closes it as well" if all(exploded) else ""
        return Status.REPRODUCED, f"Keeping neurons alive is shown to close more than half: {text}{also}."
    if all(exploded) and all(cleared):
        return Status.CONTRADICTED, f"Exploding gradients explain it, dying neurons do not: {text}."
    return _unshown(f"That keeping neurons alive closes more than half is not shown: {text}", gap.n, enough)


def _comparable(evidence: Evidence) -> Finding:
    """Rule for claim C25: after ``carried`` all four image experiments equivalent (all must hold), and one of them better (Holm)."""
    found, at_first = ({pair: evidence.difference(*pair, protocol, _accuracy) for pair in paper.IMAGE_NETWORKS} for protocol in ("carried", "fresh"))
    differ = holm([difference.p for difference in found.values()]) < 0.05
    par, worse = (sum(getattr(difference, what) for difference in found.values()) for what in ("equivalent", "beyond"))
    better = sum(sure and difference.mean > 0 for sure, difference in zip(differ, found.values(), strict=True))
    behind = sum(difference.beyond and difference.mean < 0 for difference in at_first.values())
    n, runs = len(found), min(difference.n for difference in found.values())
    text = (
        f"in test accuracy, of {n} image experiments, ReLU is shown to be within a point of softmax in {par} after 320 epochs, better in {better}, "
        f"more than a point apart in {worse} (n = {runs} or more); after 32 epochs it is shown to be more than a point behind in {behind}"
    )
    if par == n and better:
        return Status.REPRODUCED, f"They are: {text}."
    if any(difference.beyond and difference.mean < 0 for difference in found.values()):
        return Status.CONTRADICTED, f"They are not: {text}."
    unshown = [difference.enough_equivalent() for difference in found.values() if not difference.equivalent]
    return _unshown(f"It is not shown: {text}", runs, unshown or [runs])  # within a point in all, and better in none, as in the paper's own numbers


def _gradients(evidence: Evidence) -> Finding:
    """Rule for proposal W1: answered once both heads of every network are probed; the answer is the median over the runs, by architecture."""
    found: dict[tuple[str, str], list[Any]] = {}
    for dataset, architecture in paper.RESULT_TABLES:
        for head in paper.HEADS:
            probes = [run.final.probe for run in evidence.runs(dataset, architecture, head, "fresh", fewest=1) if run.final.probe]
            if not probes:
                raise _Open(f"The gradients of {data.TITLES[dataset]} {architecture.upper()}-{paper.HEAD_TITLES[head]} are not measured yet.")
            if dataset != "wdbc":
                found[architecture, head] = found.get((architecture, head), []) + probes
    texts = []
    for architecture in ("ffnn", "cnn"):
        relu, softmax = (found[architecture, head] for head in ("relu", "softmax"))
        vanished = 100 * np.median([probe.dead_true[-1] for probe in relu])
        largest = [np.median([max(probe.norm_head) for probe in probes]) for probes in (relu, softmax)]
        cosine = np.nanmedian([probe.cosine[-1] for probe in relu])
        texts.append(
            f"in the {architecture.upper()} the true class's output is zero, and passes no gradient, in {vanished:.1f} % of the rows after the "
            f"last epoch, the largest gradient norm of the output layer is {largest[0]:.2g} against softmax's {largest[1]:.2g}, and the cosine "
            f"between the two heads' gradients at ReLU's weights is {cosine:.2f} (n = {len(relu)} and {len(softmax)})"
        )
    return Status.ANSWERED, _minus(f"On images, in the median over runs with the ReLU head, {'; '.join(texts)}.")


def _more_heads(evidence: Evidence) -> Finding:
    """Rule for proposal W2: answered once three runs of each further head are there; the answer is which are shown to be better than ReLU (Holm)."""
    better: dict[str, int] = {}
    for dataset, architecture in paper.IMAGE_NETWORKS:
        relu = {run.spec.seed: run for run in evidence.runs(dataset, architecture, "relu", "fresh")}
        found = {}
        for head in ("leaky_relu", "softplus", "squared_relu", "elu_plus_one", "relu_softmax", "sparsemax"):
            runs = selection.by_seed(evidence.records, dataset=dataset, architecture=architecture, head=head, protocol="fresh")
            if len(runs.keys() & relu.keys()) < FEWEST:
                raise _Open(f"The rule needs {FEWEST} runs of each further head; {data.TITLES[dataset]} {architecture.upper()} lacks some of {head}.")
            found[head] = selection.seeds_paired(runs, relu)
        shown = holm([difference.p for difference in found.values()]) < 0.05
        for (head, difference), sure in zip(found.items(), shown, strict=True):
            better[head] = better.get(head, 0) + bool(sure and difference.mean > 0)
    n = len(paper.IMAGE_NETWORKS)
    listed = ", ".join(f"{head} in {count}" for head, count in better.items())
    return Status.ANSWERED, f"Of six further heads on {n} image networks, shown to be better than ReLU after 32 epochs: {listed}."


def _accuracy(run: Record) -> float:
    return run.test.accuracy


def _f1(run: Record) -> float:
    return run.test.f1


def _points(difference: Difference) -> str:
    return _minus(f"{100 * difference.mean:+.2f} points ({100 * difference.low:.2f} to {100 * difference.high:.2f}, n = {difference.n})")


def _minus(text: str) -> str:
    """Text whose negative numbers have a minus sign; hyphens stay."""
    return re.sub(r"(?<![\w])-(?=\d)", "−", text)


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
    return f"Confusion matrix of {entry['architecture'].upper()}-{paper.HEAD_TITLES[entry['head']]} on {data.TITLES[entry['dataset']]}"


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
            "The loss is the cross-entropy of the outputs divided by their sum; its gradient is zero where the true class's output is, and without "
            "bound where it is nearly so.",
        ),
        "method#eq-relu-gradient",
    ),
    "C06": (
        _fact(Status.CONTRADICTED, "One model is carried through all ten folds and validated on rows it was trained on."),
        "method#sec-method-protocols",
    ),
    "C07": (_fact(Status.REPRODUCED, "The author's code builds both heads from the same settings."), "method#sec-method-networks"),
    "C08": (_fact(Status.CONTRADICTED, "It has three, in the author's code and in the paper's own Table 2."), "method#tab-method-ffnn"),
    "C09": (_partial(_on_par, "mnist", "ffnn"), "discussion#tab-discussion-comparable"),
    "C10": (_partial(_mixed_classes, "mnist", "ffnn"), "mnist#fig-mnist-paper-2"),
    "C11": (_partial(_slower, "mnist", "cnn"), "mnist#tab-mnist-compared"),
    "C12": (_over_ninety, "mnist#tab-mnist-cnn"),
    "C13": (_four_points, "mnist#tab-mnist-compared"),
    "C14": (_may_be_on_par, "discussion#sec-discussion-mechanism"),
    "C15": (_softmax_best_everywhere, "mnist#fig-mnist-paper-5"),
    "C16": (_partial(_on_par, "fashion_mnist", "ffnn"), "discussion#tab-discussion-comparable"),
    "C17": (_partial(_mixed_classes, "fashion_mnist", "ffnn"), "fashion_mnist#fig-fashion-mnist-paper-6"),
    "C18": (_slightly_lower, "discussion#tab-discussion-comparable"),
    "C19": (_relu_best_in_most, "fashion_mnist#fig-fashion-mnist-paper-8"),
    "C20": (_fact(Status.CONTRADICTED, "It has three, of 128, 64 and 32, in the author's code."), "method#sec-method-networks"),
    "C21": (_partial(_slower, "wdbc", "ffnn"), "wdbc#tab-wdbc-compared"),
    "C22": (_comparable_on_wdbc, "wdbc#tab-wdbc"),
    "C23": (_errors_on_wdbc, "wdbc#fig-wdbc-paper-10"),
    "C24": (_dying, "discussion#sec-discussion-mechanism"),
    "C25": (_comparable, "discussion#tab-discussion-comparable"),
    "W1": (_gradients, "mnist#fig-mnist-probes"),
    "W2": (_more_heads, "mnist#tab-mnist-heads"),
}
