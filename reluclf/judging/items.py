"""The paper's tables, figures, claims and proposals, each with the rules that answer it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from reluclf.judging import answers, claims, mechanism, paper, proposals, published, rules, words
from reluclf.judging.answers import Answer
from reluclf.judging.claims import (
    FASHION_CNN,
    FASHION_FFNN,
    MNIST_CNN,
    MNIST_FFNN,
    WDBC_FFNN,
    Network,
    Parts,
)
from reluclf.judging.design import Cell, Lacking
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import Choice
from reluclf.judging.rules import Outcome, Part
from reluclf.judging.status import Status
from reluclf.record import Record

#: Answers one of a verdict's questions from runs; it raises ``Lacking`` until they are all there.
Rule = Callable[[Evidence, Choice], Answer]


@dataclass(frozen=True)
class Item:
    """What answers an item's questions; None where a question cannot be asked of it.

    Attributes
    ----------
    evidence : str
        The page and label that its evidence stands under, as ``mnist#tab-mnist-ffnn``.
    own : Rule or None
        Do the paper's own numbers bear it out?
    as_run, as_written : Rule or None
        Does it hold when run again, as the author's code ran, and as his text says?
    settled : Answer or None
        What text and code settle, whatever a run gives.
    """

    evidence: str
    own: Rule | None = None
    as_run: Rule | None = None
    as_written: Rule | None = None
    settled: Answer | None = None


def items() -> dict[str, Item]:
    """List all items in the order of the ledger: tables, figures, claims, proposals."""
    found: dict[str, Item] = {}
    for key in paper.contents()["tables"]:
        found[f"T{key}"] = _table(key)
    for key, entry in paper.contents()["figures"].items():
        found[f"F{key}"] = _figure(key, entry)
    rest = {**paper.claims(), **paper.future_work()}
    for key in rest:
        found[key] = CLAIMS[key] if key in CLAIMS else _settled(key)
    return found


def _settled(key: str) -> Item:
    entry = words.contents()["settled"][key]
    answer = Answer(Status(entry["status"]), " ".join(entry["why"].split()))
    return Item(entry["evidence"], settled=answer)


def _table(key: int) -> Item:
    if key in (1, 2):
        return _settled(f"T{key}")
    entry = paper.table(key)
    dataset = entry["dataset"]
    page = dataset.replace("_", "-")
    if "fold_accuracy" in entry:
        rule, where = partial(published.folds, dataset), f"{dataset}#tab-{page}-folds"
    else:
        network = Network(dataset, entry["architecture"])
        label = "tab-wdbc" if dataset == "wdbc" else f"tab-{page}-{entry['architecture']}"
        rule, where = partial(published.results, network), f"{dataset}#{label}"
    return _compared(rule, where, "accuracies")


def _figure(key: int, entry: dict) -> Item:
    if entry.get("kind") == "function":
        return _settled(f"F{key}")
    page = entry["dataset"].replace("_", "-")
    where = f"{entry['dataset']}#fig-{page}-paper-{key}"
    return _compared(partial(published.matrix, key), where, "counts of correct predictions")


def _compared(compare: Callable[..., list[rules.Compared]], where: str, what: str) -> Item:
    def under(condition: str) -> Rule:
        return lambda evidence, choice: answers.of_numbers(
            compare(evidence, condition, choice), what
        )

    return Item(where, as_run=under("as run"), as_written=under("as written"))


def _claim(where: str, parts: Parts, unasked: bool = False) -> Item:
    """Make an item of a claim; ``unasked`` if a model trained once has not all of its parts."""

    def under(condition: str) -> Rule:
        def rule(evidence: Evidence, choice: Choice) -> Answer:
            answer = answers.of_claim(rules.claim(parts(evidence, condition), choice))
            if not unasked or condition == "as run":
                return answer
            status = answer.status
            if status in (Status.REPRODUCED, Status.SOME_RUNS):
                status = Status.IN_PART
            return replace(answer, status=status, why=f"{answer.why} {words.say('unasked')}")

        return rule

    def own(evidence: Evidence, choice: Choice) -> Answer:
        return answers.in_paper(parts(_Nothing(), "as run"), choice.margin)

    return Item(where, own, under("as run"), under("as written"))


class _Nothing(Evidence):
    """No runs at all: what the paper's own numbers say does not hang on ours."""

    def __init__(self) -> None:
        super().__init__(())

    def runs(self, *cells: Cell) -> list[list[Record]]:
        """Return no run for each cell."""
        return [[] for _ in cells]


def _sentence(
    where: str, network: Network, holds: Callable[[np.ndarray, np.ndarray], bool]
) -> Item:
    """Make an item of a sentence about one pair of confusion matrices, ReLU's and softmax's."""

    def own(evidence: Evidence, choice: Choice) -> Answer:
        matrices = claims.matrices_in_paper(network)
        status = Status.YES if holds(*matrices) else Status.NO
        ahead = int(np.sum(claims.hits(matrices[0]) > claims.hits(matrices[1])))
        behind = int(np.sum(claims.hits(matrices[0]) < claims.hits(matrices[1])))
        total = int(np.trace(matrices[0]) - np.trace(matrices[1]))
        why = words.say("matrices", ahead=ahead, behind=behind, total=f"{total:+d}")
        return Answer(status, why)

    def under(condition: str) -> Rule:
        def rule(evidence: Evidence, choice: Choice) -> Answer:
            pairs = zip(*evidence.runs(*network.cells(condition)), strict=False)
            truths = [
                holds(*(np.array(run.test.confusion_matrix) for run in pair)) for pair in pairs
            ]
            return answers.of_held(rules.held(truths, choice), "pairs of runs")

        return rule

    return Item(where, own, under("as run"), under("as written"))


def _over_ninety() -> Item:
    """C12: more than 90 % in the test."""

    def own(evidence: Evidence, choice: Choice) -> Answer:
        value = paper.result(*MNIST_CNN, "relu")["test_accuracy"]
        why = words.say("own-accuracy", value=f"{100 * value:.2f}")
        return Answer(Status.YES if value > 0.9 else Status.NO, why)

    def under(condition: str) -> Rule:
        def rule(evidence: Evidence, choice: Choice) -> Answer:
            (runs,) = evidence.runs(Cell(*MNIST_CNN, "relu", condition))
            return answers.of_held(
                rules.held([run.test.accuracy > 0.9 for run in runs], choice), "runs"
            )

        return rule

    return Item("mnist#tab-mnist-cnn", own, under("as run"), under("as written"))


def _balanced() -> Item:
    """C26: the FFNNs' correct predictions are balanced over the classes."""
    cells = [(network, head) for network in (MNIST_FFNN, FASHION_FFNN) for head in paper.HEADS]

    def own(evidence: Evidence, choice: Choice) -> Answer:
        truths = {}
        for network, head in cells:
            matrix = paper.matrix_of(*network, head).counts
            recall = claims.hits(matrix) / matrix.sum(axis=1)
            title = paper.title(*network, head)
            truths[f"{title} {100 * recall.min():.1f} to {100 * recall.max():.1f}"] = (
                claims.balanced(matrix)
            )
        why = words.say("recalls", recalls=words.listed(list(truths)))
        return Answer(answers.together(list(truths.values())), why)

    def under(condition: str) -> Rule:
        def rule(evidence: Evidence, choice: Choice) -> Answer:
            chosen = evidence.runs(*(Cell(*network, head, condition) for network, head in cells))
            found = [
                rules.held([claims.balanced(run.test.confusion_matrix) for run in runs], choice)
                for runs in chosen
            ]
            told = [
                words.say("held-of", network=paper.title(*network, head), hits=one.hits, n=one.n)
                for (network, head), one in zip(cells, found, strict=True)
            ]
            return Answer(_of_several([one.status for one in found]), f"{'; '.join(told)}.")

        return rule

    where = "fashion_mnist#fig-fashion-mnist-paper-6"
    return Item(where, own, under("as run"), under("as written"))


def _of_several(statuses: list[Status]) -> Status:
    """The common status of several, else *reproduced in part* if any of them is reproduced."""
    if len(set(statuses)) == 1:
        return statuses[0]
    if any(status in (Status.REPRODUCED, Status.SOME_RUNS) for status in statuses):
        return Status.IN_PART
    return Status.UNDECIDED


def _best_of(parts: list[Part], choice: Choice) -> Outcome:
    """The outcome of a part that any one of several will do for (Bonferroni over them)."""
    strict = Choice(1 - (1 - choice.level) / len(parts), choice.margin, choice.test)
    outcomes = [rules.look(part, len(parts), strict) for part in parts]
    return max(outcomes, key=lambda outcome: (outcome.shown, -abs(outcome.difference.mean)))


def _comparable() -> Item:
    """C25: the FFNNs are comparable on both image sets, and in some cases ReLU is better."""
    networks = (MNIST_FFNN, FASHION_FFNN)

    def parts(evidence: Evidence, condition: str) -> tuple[list[Part], list[Part]]:
        names = ("accuracy on MNIST", "accuracy on Fashion-MNIST")
        equal = [
            claims.no_worse(network, name)(evidence, condition)
            for network, name in zip(networks, names, strict=True)
        ]
        better = [
            claims.ahead(network, "ahead in one")(evidence, condition) for network in networks
        ]
        return equal, better

    def own(evidence: Evidence, choice: Choice) -> Answer:
        equal, better = parts(_Nothing(), "as run")
        ahead = max(better, key=lambda part: part.paper)
        return answers.in_paper([*equal, ahead], choice.margin)

    def under(condition: str) -> Rule:
        def rule(evidence: Evidence, choice: Choice) -> Answer:
            equal, better = parts(evidence, condition)
            found = rules.claim(equal, choice)
            ahead = _best_of(better, choice)
            outcomes = (*found.outcomes, ahead)
            status = found.status
            if (status in (Status.REPRODUCED, Status.SOME_RUNS) and not ahead.shown) or (
                ahead.shown and status != Status.REPRODUCED
            ):
                status = Status.IN_PART
            return answers.of_claim(rules.Claimed(status, outcomes, found.kind))

        return rule

    return Item("discussion#tab-discussion-comparable", own, under("as run"), under("as written"))


def _some_on_par() -> Item:
    """C31: in some of the five experiments the heads are on par."""
    networks = [Network(*network) for network in paper.RESULT_TABLES]

    def own(evidence: Evidence, choice: Choice) -> Answer:
        near = {
            paper.title(*network): claims.in_paper(network, "test_accuracy") for network in networks
        }
        on_par = [name for name, value in near.items() if abs(value) <= choice.margin]
        why = words.say("on-par-in", networks=words.listed(on_par) or "none")
        return Answer(Status.YES if on_par else Status.NO, why)

    def under(condition: str) -> Rule:
        def rule(evidence: Evidence, choice: Choice) -> Answer:
            complete, lacking = [], {}
            for network in networks:
                try:
                    part = claims.same_accuracy(network, paper.title(*network))(evidence, condition)
                    complete.append(part)
                except Lacking as lack:
                    lacking.update(lack.cells)
            strict = Choice(1 - (1 - choice.level) / len(networks), choice.margin, choice.test)
            outcomes = [rules.look(part, 1, strict) for part in complete]
            shown = [outcome for outcome in outcomes if outcome.shown]
            if not shown and lacking:
                raise Lacking(lacking)
            told = shown or outcomes
            status = Status.REPRODUCED if shown else Status.UNDECIDED
            if all(outcome.refuted for outcome in outcomes):
                status = Status.NOT_REPRODUCED
            return answers.of_claim(rules.Claimed(status, tuple(told)))

        return rule

    where = "discussion#tab-discussion-comparable"
    return Item(where, own, under("as run"), under("as written"))


#: The claims and proposals that need runs.
CLAIMS: dict[str, Item] = {
    "C09": _claim("discussion#tab-discussion-comparable", claims.on_par(MNIST_FFNN)),
    "C10": _sentence("mnist#fig-mnist-paper-2", MNIST_FFNN, claims.mixed_classes),
    "C11": _claim("mnist#tab-mnist-compared", claims.worse_because_slower(MNIST_CNN), unasked=True),
    "C12": _over_ninety(),
    "C13": _claim("mnist#tab-mnist-compared", claims.four_points),
    "C14": Item("discussion#sec-discussion-mechanism", as_written=mechanism.further_optimisation),
    "C15": _sentence("mnist#fig-mnist-paper-5", MNIST_CNN, claims.softmax_best_everywhere),
    "C16": _claim("discussion#tab-discussion-comparable", claims.on_par(FASHION_FFNN)),
    "C17": _sentence("fashion_mnist#fig-fashion-mnist-paper-6", FASHION_FFNN, claims.mixed_classes),
    "C18": _claim("discussion#tab-discussion-comparable", claims.slower_yet_equal_f1, unasked=True),
    "C19": _sentence(
        "fashion_mnist#fig-fashion-mnist-paper-8", FASHION_CNN, claims.relu_best_in_most
    ),
    "C21": _claim("wdbc#tab-wdbc-compared", claims.worse_because_slower(WDBC_FFNN), unasked=True),
    "C22": _claim("wdbc#tab-wdbc", claims.comparable_f1),
    "C23": _claim("wdbc#fig-wdbc-paper-10", claims.kinds_of_errors),
    "C24": Item("discussion#sec-discussion-mechanism", as_written=mechanism.of_dying),
    "C25": _comparable(),
    "C26": _balanced(),
    "C27": _claim("discussion#tab-discussion-comparable", claims.same_f1_on_both),
    "C31": _some_on_par(),
    "W1": Item("discussion#sec-discussion-proposals", as_written=proposals.gradients),
    "W2": Item("discussion#sec-discussion-proposals", as_written=proposals.further_heads),
    "W3": Item("discussion#sec-discussion-inputs", as_written=proposals.other_inputs),
}


def figure_title(entry: dict) -> str:
    """What a figure of the paper shows."""
    if "title" in entry:
        return entry["title"]
    network = paper.title(entry["dataset"], entry["architecture"], entry["head"])
    return f"Confusion matrix of {network}"


def says(key: str) -> str:
    """What the paper says at an item, in our words."""
    if key[0] == "T":
        return paper.table(int(key[1:]))["title"]
    if key[0] == "F":
        return figure_title(paper.contents()["figures"][int(key[1:])])
    if key[0] == "C":
        return paper.claims()[key]["claim"]
    return paper.future_work()[key]["proposal"]
