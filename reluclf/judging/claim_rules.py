"""The rules for the paper's claims and proposals; claims about what was done are settled by the author's code."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from reluclf import data, formats, networks
from reluclf.formats import points
from reluclf.judging import interventions, paper, selection
from reluclf.judging.interventions import REMEDIES, Closing
from reluclf.judging.judgement import (
    FEWEST,
    Evidence,
    Finding,
    Power,
    Rule,
    Status,
    Undecided,
    accuracy,
    easiest,
    f1,
    hardest,
    listed,
    minus,
    not_shown,
    power,
    power_equivalent,
    power_to_show,
)
from reluclf.judging.statistics import Difference, Match, estimate, paired, rejected


def _fact(status: Status, why: str) -> Rule:
    """A claim about what was done, which the author's code settles."""
    return lambda evidence: (status, why)


def _on_par(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for "on par": equivalence of the test accuracies and F1s within the margin, under the author's protocol and under the honest one."""
    shown = {protocol: [evidence.difference(dataset, architecture, protocol, value) for value in (accuracy, f1)] for protocol in ("carried", "fresh")}
    texts = "; ".join(f"{protocol}: {points(found[0])}" for protocol, found in shown.items())
    par = {protocol: all(d.equivalent for d in found) for protocol, found in shown.items()}
    beyond = {protocol: any(d.beyond_as_one_of(len(found)) for d in found) for protocol, found in shown.items()}
    parts = sum(len(found) for found in shown.values())
    if all(par.values()):
        return Status.REPRODUCED, f"ReLU minus softmax in test accuracy is within a point under both protocols ({texts})."
    if beyond["carried"]:
        return Status.CONTRADICTED, f"They differ by more than a point ({texts})."
    if par["carried"] and beyond["fresh"]:
        return Status.BY_THE_FLAW, f"On par is shown after 320 epochs; after the 32 that the paper states they differ by more than a point ({texts})."
    unshown = [d for protocol, found in shown.items() for d in found if not d.equivalent and not beyond[protocol]]
    also = "; after 32 epochs they differ by more than a point" if beyond["fresh"] else ""
    return not_shown(f"That they are within a point of each other is not shown ({texts}){also}", [power_equivalent(d, parts) for d in unshown])


def _by_class(dataset: str, architecture: str, evidence: Evidence) -> list[Difference]:
    """ReLU minus softmax in the correct predictions of every class, ``carried``, paired by seed."""
    pairs = evidence.pairs(dataset, architecture, "carried")
    relu, softmax = (np.array([np.diag(run.test.confusion_matrix) for run in runs]) for runs in zip(*pairs, strict=True))
    return [paired(relu[:, i], softmax[:, i], margin=0) for i in range(relu.shape[1])]


def _mixed_classes(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for "better on some classes, worse on others": shown in both directions (Holm over the classes)."""
    classes = _by_class(dataset, architecture, evidence)
    differ = rejected([difference.p for difference in classes])
    better, worse = (sum(sign * d.mean > 0 and sure for d, sure in zip(classes, differ, strict=True)) for sign in (1, -1))
    ahead, behind = (sum(sign * d.mean > 0 for d in classes) for sign in (1, -1))
    level = f"; they are level in {len(classes) - ahead - behind}" if ahead + behind < len(classes) else ""
    sought = _hits_of_paper(dataset, architecture)
    text = (
        f"{_in_its_matrices(sought)}. In our runs FFNN-ReLU is ahead in {ahead} on average, shown in {better}; FFNN-Softmax in {behind}, shown in "
        f"{worse}{level} (n = {classes[0].n})"
    )
    if better and worse:
        return Status.REPRODUCED, f"{text}."
    if len(classes) in (better, worse):
        return Status.CONTRADICTED, f"{text}."
    unshown = []
    for sign, found in ((1, better), (-1, worse)):
        if not found:
            powers = [power_to_show(d, float(hits), 2, len(classes)) for d, hits in zip(classes, sought, strict=True) if sign * hits > 0]
            unshown.append(easiest(powers))
    return not_shown(text, unshown)


def _hits_of_paper(dataset: str, architecture: str) -> np.ndarray:
    """ReLU minus softmax in the paper's correct predictions of every class."""
    relu, softmax = (np.diag(paper.matrix_of(dataset, architecture, head).counts) for head in ("relu", "softmax"))
    return relu - softmax


def _in_its_matrices(hits: np.ndarray) -> str:
    """Which head has more correct predictions in the paper's own matrices, in how many classes."""
    return f"In the paper's matrices ReLU is ahead in {np.sum(hits > 0)} of {len(hits)} classes, softmax in {np.sum(hits < 0)}"


def _in_paper(dataset: str, architecture: str, name: str = "test_accuracy") -> float:
    """ReLU minus softmax in a measure of the paper's."""
    relu, softmax = (paper.result(dataset, architecture, head)[name] for head in ("relu", "softmax"))
    return relu - softmax


def _slower(dataset: str, architecture: str, evidence: Evidence) -> Finding:
    """Rule for "worse, because slower": worse at the end of the author's protocol, behind after 32 epochs, and by more than at the end."""
    end = evidence.difference(dataset, architecture, "carried", accuracy)
    start = evidence.difference(dataset, architecture, "fresh", accuracy)
    slower = evidence.catching_up(dataset, architecture)
    text = f"after 320 epochs {points(end)}, after 32 {points(start)}"
    if end.greater:
        return Status.CONTRADICTED, f"It is better at the end ({text})."
    if end.less and start.less and slower.less:
        return (
            Status.REPRODUCED,
            f"The ReLU network starts further behind and catches up slowly ({text}); what shows it is one model's training, not a cross-validation.",
        )
    if end.less and (slower.interval(2)[0] > 0 or start.interval(2)[0] > 0):
        return Status.OTHER_REASON, f"It is worse at the end, but no further behind after 32 epochs ({text})."
    told = {"worse after 320 epochs": end.less, "worse after 32": start.less, "further behind then than after 320": slower.less}
    powers = [power(end, _in_paper(dataset, architecture), 3), *_power_of_slower(start, slower, dataset, architecture)]
    parts = "; ".join(f"{part}: {'shown' if sure else 'not shown'}" for part, sure in told.items())
    return not_shown(f"Of the ReLU network, {parts} ({text})", [of for of, sure in zip(powers, told.values(), strict=True) if not sure])


def _power_of_slower(start: Difference, slower: Difference, dataset: str, architecture: str) -> tuple[Power, Power]:
    """Of the two tests for slower, two of a claim's three parts; what they seek is the paper's gap in the first fold, and how much larger that is."""
    relu, softmax = (paper.fold_accuracy(dataset, architecture, head)[0] for head in ("relu", "softmax"))
    return power(start, relu - softmax, 3), power(slower, relu - softmax - _in_paper(dataset, architecture), 3)


def _over_ninety(evidence: Evidence) -> Finding:
    """Rule for claim C12: the mean over the runs, against 90 %."""
    runs = evidence.runs("mnist", "cnn", "relu", "carried")
    ours = selection.measure(runs, "test_accuracy")
    text = f"the mean is {100 * ours.mean:.2f} % ({' to '.join(formats.ends(ours.low, ours.high, 'test_accuracy'))}, n = {ours.n})"
    text += f", and {sum(accuracy(run) > 0.9 for run in runs)} of {ours.n} runs exceed it"
    over = paired([accuracy(run) for run in runs], [0.9] * len(runs), margin=0)
    if over.greater:
        return Status.REPRODUCED, f"CNN-ReLU exceeds 90 % after 320 epochs: {text}."
    if over.less:
        return Status.CONTRADICTED, f"CNN-ReLU stays below 90 % even after 320 epochs: {text}."
    sought = paper.result("mnist", "cnn", "relu")["test_accuracy"] - 0.9
    return not_shown(f"Whether CNN-ReLU exceeds 90 % is not shown: {text}", [power(over, sought)])


def _four_points(evidence: Evidence) -> Finding:
    """Rule for claim C13: a number, whose interval must be too narrow to hold no difference as well."""
    ours = estimate([accuracy(relu) - accuracy(softmax) for relu, softmax in evidence.pairs("mnist", "cnn", "carried")])
    published = _in_paper("mnist", "cnn")
    low, high = ours.prediction()
    text = minus(
        f"The paper's difference is {100 * published:.2f} points; one more pair of our runs would give {100 * low:.1f} to {100 * high:.1f} "
        f"(n = {ours.n})"
    )
    match = ours.match(published, abs(published))
    if match == Match.WIDE or (match == Match.INSIDE and low <= 0 <= high):
        raise Undecided(f"{text}, too wide to tell.")
    status = {Match.INSIDE: Status.REPRODUCED, Match.OUTSIDE: Status.NOT_REPRODUCED, Match.SCATTERED: Status.NOT_TESTABLE}[match]
    return status, f"{text}{', too wide for one pair of runs to show anything' if match == Match.SCATTERED else ''}."


def _closing(remedy: interventions.Remedy, dataset: str, architecture: str, evidence: Evidence) -> Closing:
    """What a remedy does to the gap between the heads; raises Undecided where runs are lacking."""
    found = interventions.remedied(remedy, dataset, architecture, evidence.records)
    network = f"{data.TITLES[dataset]} {architecture.upper()}"
    if len(found) < FEWEST:
        raise Undecided(f"The rule needs {FEWEST} runs of the {network} with {remedy.title}; {len(found) or 'none'} recorded.")
    for head in ("softmax", "relu"):
        evidence.runs(dataset, architecture, head, "fresh")
    closing = interventions.closing(remedy, dataset, architecture, evidence.records)
    if closing is None or closing.gap.n < FEWEST:
        raise Undecided(f"The rule needs {FEWEST} seeds that the {network} has with both heads and with {remedy.title}.")
    return closing


def _may_be_on_par(evidence: Evidence) -> Finding:
    """Rule for claim C14: some remedy that leaves ReLUs where they are makes CNN-ReLU equivalent to CNN-Softmax (Holm over the remedies)."""
    softmax = {run.spec.seed: run for run in evidence.runs("mnist", "cnn", "softmax", "fresh")}
    found = {}
    for remedy in REMEDIES:
        if remedy.head == "relu" and "hidden" not in remedy.setting:
            _closing(remedy, "mnist", "cnn", evidence)  # for its demands on runs
            found[remedy.title] = selection.seeds_paired(interventions.remedied(remedy, "mnist", "cnn", evidence.records), softmax)
    equivalent = rejected([difference.p_equivalent for difference in found.values()])
    par = [title for title, sure in zip(found, equivalent, strict=True) if sure]
    best = max(found, key=lambda title: found[title].mean)
    if par:
        but = ", though shown to be lower" if found[par[0]].less else ""
        return Status.REPRODUCED, f"With {par[0]} CNN-ReLU is on par with CNN-Softmax in test accuracy after 32 epochs{but}: {points(found[par[0]])}."
    text = f"Nothing that we tried is shown to do so; the best, {best}, leaves {points(found[best])}"
    powers = [power_equivalent(d, comparisons=len(found)) for d in found.values()]
    return not_shown(text, [hardest(powers)])  # by none, which is told only if each of them tells


def _softmax_best_everywhere(evidence: Evidence) -> Finding:
    """Rule for claim C15: shown in every class (all must hold, so none is adjusted)."""
    classes = _by_class("mnist", "cnn", evidence)
    ahead, shown = sum(d.mean < 0 for d in classes), sum(d.less for d in classes)
    sought = _hits_of_paper("mnist", "cnn")
    reverse = np.sum(rejected([d.p for d in classes]) & (np.array([d.mean for d in classes]) > 0))
    text = f"{_in_its_matrices(sought)}. In our runs CNN-Softmax is ahead in {ahead} on average, shown in {shown} (n = {classes[0].n})"
    if shown == len(classes):
        return Status.REPRODUCED, f"{text}."
    if reverse:
        return Status.CONTRADICTED, f"{text}; CNN-ReLU is shown to have more in {reverse}."
    return not_shown(text, [power(d, float(hits), len(classes)) for d, hits in zip(classes, sought, strict=True) if not d.less])


def _slightly_lower(evidence: Evidence) -> Finding:
    """Rule for claim C18: slower, lower in accuracy at the end, and on par in F1 there."""
    network = ("fashion_mnist", "cnn")
    end, end_f1 = (evidence.difference(*network, "carried", value) for value in (accuracy, f1))
    start, slower = evidence.difference(*network, "fresh", accuracy), evidence.catching_up(*network)
    parts = {
        f"behind after 32 epochs ({points(start)})": start.less,
        f"further behind then than at the end ({points(slower)})": slower.less,
        f"lower in accuracy at the end ({points(end)})": end.less,
        f"within a point in F1 there ({points(end_f1)})": end_f1.equivalent,
    }
    text = "; ".join(f"{part}: {'shown' if shown else 'not shown'}" for part, shown in parts.items())
    if all(parts.values()):
        return Status.REPRODUCED, f"CNN-ReLU is {text}."
    if end_f1.beyond_as_one_of(2):
        return Status.CONTRADICTED, f"CNN-ReLU is {text}; it is shown to be more than a point away in F1."
    if start.interval(2)[0] > 0:
        return Status.CONTRADICTED, f"CNN-ReLU is {text}; it is shown to be ahead after 32 epochs."
    powers = [*_power_of_slower(start, slower, *network), power(end, _in_paper(*network), 3), power_equivalent(end_f1, 3)]
    shown = (start.less, slower.less, end.less, end_f1.equivalent)
    return not_shown(f"CNN-ReLU is {text}", [of for of, sure in zip(powers, shown, strict=True) if not sure])


def _relu_best_in_most(evidence: Evidence) -> Finding:
    """Rule for claim C19: more classes ahead than behind, and fewer correct predictions in total, both shown."""
    pairs = evidence.pairs("fashion_mnist", "cnn", "carried")
    hits = [np.diag(relu.test.confusion_matrix) - np.diag(softmax.test.confusion_matrix) for relu, softmax in pairs]
    classes = paired([float(np.sum(np.sign(row))) for row in hits], np.zeros(len(hits)), margin=0)
    total = paired([float(row.sum()) for row in hits], np.zeros(len(hits)), margin=0)
    sought = _hits_of_paper("fashion_mnist", "cnn")
    text = minus(
        f"classes in which CNN-ReLU is ahead minus those in which it is behind: {classes.mean:+.1f} ({classes.low:.1f} to {classes.high:.1f}); "
        f"correct predictions in total, ReLU minus softmax: {total.mean:+.0f} ({total.low:.0f} to {total.high:.0f}), n = {total.n}"
    )
    of_paper = minus(f"{_in_its_matrices(sought)}, and {sought.sum():+d} predictions in total. In our runs")
    if classes.greater and total.less:
        return Status.REPRODUCED, f"{of_paper} both are shown: {text}."
    reverse = rejected([classes.p, total.p])
    if (reverse[0] and classes.less) or (reverse[1] and total.greater):
        return Status.CONTRADICTED, f"{of_paper} the opposite of one is shown: {text}."
    powers = [power(classes, float(np.sign(sought).sum()), 2)] * (not classes.greater) + [power(total, float(sought.sum()), 2)] * (not total.less)
    return not_shown(f"{of_paper} the two are not both shown: {text}", powers)


def _comparable_on_wdbc(evidence: Evidence) -> Finding:
    """Rule for claim C22: equivalent in F1 within the difference that the paper itself calls comparable."""
    published = abs(_in_paper("wdbc", "ffnn", "f1"))
    difference = evidence.difference("wdbc", "ffnn", "carried", f1, margin=published)
    text = f"the paper's own F1s differ by {published:.2f}, not 0.2, and it calls that comparable; ours by "
    text += minus(f"{difference.mean:.3f} ({difference.low:.3f} to {difference.high:.3f}, n = {difference.n})")
    if difference.equivalent:
        return Status.REPRODUCED, f"They are shown to be as close as that: {text}."
    if difference.beyond:
        return Status.CONTRADICTED, f"They differ by more: {text}."
    return not_shown(f"That they are as close as that is not shown: {text}", [power_equivalent(difference)])


def _errors_on_wdbc(evidence: Evidence) -> Finding:
    """Rule for claim C23: class 1, benign, is the positive class of scikit-learn's copy and of the paper's counts; a clinician's is malignant."""
    as_malignant = evidence.difference("wdbc", "ffnn", "carried", lambda run: float(run.test.confusion_matrix[1][0]))
    as_benign = evidence.difference("wdbc", "ffnn", "carried", lambda run: float(run.test.confusion_matrix[0][1]))
    text = minus(
        f"ReLU minus softmax, benign taken for malignant: {as_malignant.mean:+.2f} a test set ({as_malignant.low:.2f} to {as_malignant.high:.2f}); "
        f"malignant for benign: {as_benign.mean:+.2f} ({as_benign.low:.2f} to {as_benign.high:.2f}), n = {as_benign.n}"
    )
    if as_malignant.less and as_benign.greater:
        return (
            Status.REPRODUCED,
            f"With benign as the positive class it holds ({text}); a clinician, for whom malignant is positive, reads it the other way round.",
        )
    clinician = "; with malignant as the positive class, as a clinician has it, it holds" if as_malignant.greater and as_benign.less else ""
    reverse = rejected([as_malignant.p, as_benign.p])
    if clinician or (reverse[0] and as_malignant.greater) or (reverse[1] and as_benign.less):
        return Status.CONTRADICTED, f"With benign as the positive class, as in the paper's counts, the opposite is shown ({text}){clinician}."
    malignant, benign = -_hits_of_paper("wdbc", "ffnn")
    powers = [power(as_malignant, float(benign), 2)] * (not as_malignant.less) + [power(as_benign, float(malignant), 2)] * (not as_benign.greater)
    return not_shown(f"It is shown neither with benign as the positive class, as in the paper's counts, nor with malignant ({text})", powers)


def _dying(evidence: Evidence) -> Finding:
    """Rule for claim C24: of the gap between the CNNs, is more than half closed by what keeps neurons alive, outputs or hidden units?

    That clipping closes it as well is no objection, for it may do so by keeping them alive; that it does and they do not is the contradiction.
    """
    closed, cleared, exploded, powers, texts = [], [], [], [], []
    for dataset in paper.FOLD_TABLES:
        heads = evidence.difference(dataset, "cnn", "fresh", accuracy)
        if heads.equivalent or heads.greater:
            continue
        if not (heads.beyond and heads.less):
            raise Undecided(f"Whether CNN-ReLU is more than a point behind CNN-Softmax on {data.TITLES[dataset]} is not shown: {points(heads)}.")
        found = [(remedy, _closing(remedy, dataset, "cnn", evidence)) for remedy in REMEDIES if remedy.against]
        dying, exploding = ([(r, closing) for r, closing in found if r.against in of] for of in (interventions.DYING, interventions.EXPLODING))
        closed.append(any(interventions.shown([closing for _, closing in dying])))
        cleared.append(all(closing.past_half.less for _, closing in dying))
        if not closed[-1]:  # by none, and that is told only if each of them tells
            powers.append(hardest([_power_of_remedy(closing, len(dying)) for _, closing in dying]))
        exploded.append(any(interventions.shown([closing for _, closing in exploding])))
        parts = [f"{r.title} {_closes(closing, several=r.title.endswith('s'))}" for r, closing in dying]
        clipping = 100 * max(closing.share for _, closing in exploding)
        n = _range(closing.gap.n for _, closing in found)
        texts.append(minus(f"on {data.TITLES[dataset]} {listed(parts)}, clipping {clipping:.0f} % (n = {n})"))
    if not texts:
        return Status.NOT_TESTABLE, "CNN-ReLU is shown to be no more than a point behind CNN-Softmax, so there is no gap to explain."
    text = f"of the gap between the CNNs, {'; '.join(texts)}"
    if all(closed):
        also = "; clipping, which keeps neurons from dying too, closes it as well" if all(exploded) else ""
        return Status.REPRODUCED, f"Keeping neurons alive is shown to close more than half: {text}{also}."
    if all(exploded) and all(cleared):
        return Status.CONTRADICTED, f"Exploding gradients explain it, dying neurons do not: {text}."
    return not_shown(f"That keeping neurons alive closes more than half is not shown: {text}", powers)


def _closes(closing: Closing, several: bool) -> str:
    verb, s = ("close", "widen")[closing.share < 0], "" if several else "s"
    if round(100 * closing.share) == 0:
        return f"close{s} nothing of it"
    return f"{verb}{s} {'it by ' * (closing.share < 0)}{abs(100 * closing.share):.0f} %"


def _power_of_remedy(closing: Closing, remedies: int) -> Power:
    """Whether a remedy tells that it does not close more than half: it is shown to close less, or would have shown it had it closed the whole gap.

    Both parts of the claim, the two image sets, must hold, and on each one of so many remedies will do.
    """
    difference, sets = closing.past_half, len(paper.FOLD_TABLES)
    if difference.interval(sets)[1] < 0:
        return Power(difference.n, difference.n, excluded=True)
    return power_to_show(difference, closing.gap.mean / 2, sets, remedies)


def _range(counts: Iterable[int]) -> str:
    """How many pairs there are, as ``3``, or as ``3 to 5`` where it differs."""
    counts = {*counts}
    return str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _comparable(evidence: Evidence) -> Finding:
    """Rule for claim C25: after ``carried`` all four image experiments equivalent (all must hold), and one of them better (Holm)."""
    found, at_first = ({pair: evidence.difference(*pair, protocol, accuracy) for pair in paper.IMAGE_NETWORKS} for protocol in ("carried", "fresh"))
    differ = rejected([difference.p for difference in found.values()])
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
    if any(difference.beyond_as_one_of(n) and difference.mean < 0 for difference in found.values()):
        return Status.CONTRADICTED, f"They are not: {text}."
    powers = [power_equivalent(difference, n) for difference in found.values() if not difference.equivalent]
    powers = powers or [Power(runs, runs)]  # within a point in all, and better in none, as in the paper's own numbers
    return not_shown(f"It is not shown: {text}", powers)


def _gradients(evidence: Evidence) -> Finding:
    """Rule for proposal W1: answered once both heads of every network are probed; the answer is the median over the runs, by architecture."""
    found: dict[tuple[str, str], list[Any]] = {}
    for dataset, architecture in paper.RESULT_TABLES:
        for head in paper.HEADS:
            probes = [run.final.probe for run in evidence.runs(dataset, architecture, head, "fresh", fewest=1) if run.final.probe]
            if not probes:
                raise Undecided(f"The gradients of {data.TITLES[dataset]} {architecture.upper()}-{paper.HEAD_TITLES[head]} are not measured yet.")
            if dataset != "wdbc":
                found[architecture, head] = found.get((architecture, head), []) + probes
    texts = []
    of = {
        "ffnn": "At the ends of epochs, by medians over the runs on both image sets, the gradient of the FFNN's output layer",
        "cnn": "That of the CNN's",
    }
    for architecture in ("ffnn", "cnn"):
        relu, softmax = (found[architecture, head] for head in ("relu", "softmax"))
        vanished = 100 * np.median([probe.dead_true[-1] for probe in relu])
        largest = [np.median([max(probe.norm_head) for probe in probes]) for probes in (relu, softmax)]
        cosine = np.nanmedian([probe.cosine[-1] for probe in relu])
        texts.append(
            f"{of[architecture]} is at its largest {largest[0] / largest[1]:.0f} times as large with ReLU as "
            f"with softmax (norms {largest[0]:.1f} and {largest[1]:.1f}); the cosine of the heads' gradients, at ReLU's weights, is {cosine:.2f}; "
            f"and {vanished:.1f} % of the rows pass no gradient in the end, their true class's output being 0 (n = {len(relu)} and {len(softmax)})."
        )
    return Status.ANSWERED, minus(f"{' '.join(texts)} From batch to batch, where we looked, that of CNN-ReLU spikes far higher.")


#: The heads that the book adds to the paper's two, for its second proposal.
FURTHER_HEADS = tuple(head for head in networks.HEADS if head not in paper.HEADS)


def _more_heads(evidence: Evidence) -> Finding:
    """Rule for proposal W2: answered once three runs of each further head are there.

    The answer is which are shown to be better than ReLU, and which to be on par with softmax, in test accuracy (Holm over the heads).
    """
    better, par = (dict.fromkeys(FURTHER_HEADS, 0) for _ in range(2))
    lacking: dict[str, list[str]] = {}
    for dataset, architecture in paper.IMAGE_NETWORKS:
        relu, softmax = ({run.spec.seed: run for run in evidence.runs(dataset, architecture, head, "fresh")} for head in ("relu", "softmax"))
        found, beside_softmax = {}, {}
        for head in FURTHER_HEADS:
            runs = selection.by_seed(evidence.records, dataset=dataset, architecture=architecture, head=head, protocol="fresh")
            if len(runs.keys() & relu.keys()) < FEWEST:
                lacking.setdefault(f"{data.TITLES[dataset]} {architecture.upper()}", []).append(head)
            else:
                found[head], beside_softmax[head] = (selection.seeds_paired(runs, other) for other in (relu, softmax))
        differ = rejected([difference.p for difference in found.values()])
        equivalent = rejected([difference.p_equivalent for difference in beside_softmax.values()])
        for (head, difference), sure, as_good in zip(found.items(), differ, equivalent, strict=True):
            better[head] += bool(sure and difference.mean > 0)
            par[head] += bool(as_good)
    if lacking:
        missing = "; ".join(f"the {network} lacks some of {listed(heads)}" for network, heads in lacking.items())
        raise Undecided(f"The rule needs {FEWEST} runs of each further head; {missing}.")
    texts = []
    for counts in (par, better):
        often = sorted((head for head in FURTHER_HEADS if counts[head]), key=lambda head: -counts[head])
        texts.append(listed([f"{head.replace('_', ' ')} in {counts[head]}" for head in often]) or "none")
    return Status.ANSWERED, (
        f"Of {len(FURTHER_HEADS)} further heads on {len(paper.IMAGE_NETWORKS)} image networks, after 32 epochs, these are shown to be on par with "
        f"softmax: {texts[0]}; and these to be better than ReLU: {texts[1]}."
    )


RULES: dict[str, tuple[Rule, str]] = {
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
    "C04": (
        _fact(
            Status.REPRODUCED,
            "The author's code does so, and ours as well; the components are not whitened. Whether the numbers printed for WDBC are of such a run is "
            "a question of its own, which the chapter on WDBC asks.",
        ),
        "method#sec-method-data",
    ),
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
    "C09": (partial(_on_par, "mnist", "ffnn"), "discussion#tab-discussion-comparable"),
    "C10": (partial(_mixed_classes, "mnist", "ffnn"), "mnist#fig-mnist-paper-2"),
    "C11": (partial(_slower, "mnist", "cnn"), "mnist#tab-mnist-compared"),
    "C12": (_over_ninety, "mnist#tab-mnist-cnn"),
    "C13": (_four_points, "mnist#tab-mnist-compared"),
    "C14": (_may_be_on_par, "discussion#sec-discussion-mechanism"),
    "C15": (_softmax_best_everywhere, "mnist#fig-mnist-paper-5"),
    "C16": (partial(_on_par, "fashion_mnist", "ffnn"), "discussion#tab-discussion-comparable"),
    "C17": (partial(_mixed_classes, "fashion_mnist", "ffnn"), "fashion_mnist#fig-fashion-mnist-paper-6"),
    "C18": (_slightly_lower, "discussion#tab-discussion-comparable"),
    "C19": (_relu_best_in_most, "fashion_mnist#fig-fashion-mnist-paper-8"),
    "C20": (_fact(Status.CONTRADICTED, "It has three, of 128, 64 and 32, in the author's code."), "method#sec-method-networks"),
    "C21": (partial(_slower, "wdbc", "ffnn"), "wdbc#tab-wdbc-compared"),
    "C22": (_comparable_on_wdbc, "wdbc#tab-wdbc"),
    "C23": (_errors_on_wdbc, "wdbc#fig-wdbc-paper-10"),
    "C24": (_dying, "discussion#sec-discussion-mechanism"),
    "C25": (_comparable, "discussion#tab-discussion-comparable"),
    "W1": (_gradients, "discussion#sec-discussion-proposals"),
    "W2": (_more_heads, "discussion#sec-discussion-proposals"),
}
