"""The paper's tables, figures, claims and proposals, each with the rules that answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from reluclf.judging import (
    alone,
    answers,
    claims,
    mechanism,
    paper,
    proposals,
    published,
    rules,
    words,
)
from reluclf.judging.answers import Answer
from reluclf.judging.claims import (
    FASHION_CNN,
    FASHION_FFNN,
    MNIST_CNN,
    MNIST_FFNN,
    PARTS,
    Pair,
)
from reluclf.judging.evidence import Evidence
from reluclf.judging.exceeding import Choice
from reluclf.judging.status import SHOWN, Status

#: Answers one of a verdict's questions from runs; it raises ``Lacking`` until they are all there.
Rule = Callable[[Evidence, Choice], Answer]

#: The same under a condition: as run, or as written.
RuleUnder = Callable[[str, Evidence, Choice], Answer]


@dataclass(frozen=True)
class Item:
    """What answers an item's questions; None where a question cannot be asked of it.

    Attributes
    ----------
    evidence : str
        The page and label that its evidence stands under, as ``mnist#tab-mnist-ffnn``.
    kind : str
        Of its rules, by :data:`reluclf.judging.robustness.DIFFERS`; empty if it is settled.
    own : Rule or None
        Do the paper's own numbers bear it out?
    as_run, as_written : Rule or None
        Does it hold when run again, as the author's code ran, and as we read his text?
    settled : Answer or None
        What text and code settle, whatever a run gives.
    """

    evidence: str
    kind: str = ""
    own: Rule | None = None
    as_run: Rule | None = None
    as_written: Rule | None = None
    settled: Answer | None = None


def items() -> dict[str, Item]:
    """List all items in the order of the ledger: tables, figures, claims, proposals.

    How T3 and the other tables are judged is in :func:`_table`, how F2 and the other figures are in
    :func:`_figure`, how the claims and proposals are in :data:`CLAIMS`.
    """
    found = {f"T{number}": _table(number) for number in paper.contents()["tables"]}
    for number, entry in paper.contents()["figures"].items():
        found[f"F{number}"] = _figure(number, entry)
    for key in (*paper.claims(), *paper.future_work()):
        found[key] = CLAIMS[key] if key in CLAIMS else _settled(key)
    return found


def _settled(key: str) -> Item:
    entry = words.contents()["settled"][key]
    answer = Answer(Status(entry["status"]), " ".join(entry["why"].split()))
    return Item(entry["evidence"], settled=answer)


def _twice(where: str, kind: str, rule: RuleUnder, own: Rule | None = None) -> Item:
    """Make an item whose rule is asked of the runs as run, and of those as written."""
    return Item(where, kind, own, partial(rule, "as run"), partial(rule, "as written"))


def _table(number: int) -> Item:
    if number in (1, 2):
        return _settled(f"T{number}")
    entry = paper.table(number)
    dataset = entry["dataset"]
    page = dataset.replace("_", "-")
    if "fold_accuracy" in entry:
        return _compared(published.folds, dataset, f"{dataset}#tab-{page}-folds", "accuracies")
    pair = Pair(dataset, entry["architecture"])
    label = "tab-wdbc" if dataset == "wdbc" else f"tab-{page}-{pair.architecture}"
    return _compared(published.results, pair, f"{dataset}#{label}", "accuracies")


def _figure(number: int, entry: Mapping[str, Any]) -> Item:
    if entry.get("kind") == "function":
        return _settled(f"F{number}")
    page = entry["dataset"].replace("_", "-")
    where = f"{entry['dataset']}#fig-{page}-paper-{number}"
    return _compared(published.matrix, number, where, "counts of correct predictions")


def _compared(compare: published.Compare, of: Any, where: str, what: str) -> Item:
    def rule(condition: str, evidence: Evidence, choice: Choice) -> Answer:
        return answers.of_numbers(compare(of, evidence, condition, choice), what)

    return _twice(where, "numbers", rule)


def _claim(where: str, key: str) -> Item:
    """Make an item of a claim all of whose parts must be shown.

    What is said over the folds cannot be asked of a model trained once: there, it is shown in part.
    """
    said = PARTS[key]

    def rule(condition: str, evidence: Evidence, choice: Choice) -> Answer:
        asked = [one for one in said if condition == "as run" or not one.over_folds]
        found = rules.claim([one.part(evidence, condition) for one in asked], choice)
        answer = answers.of_claim(found)
        if len(asked) == len(said):
            return answer
        status = Status.IN_PART if answer.status in SHOWN else answer.status
        return replace(answer, status=status, why=f"{answer.why} {words.say('unasked')}")

    def own(evidence: Evidence, choice: Choice) -> Answer:
        return answers.in_paper([one.in_paper() for one in said], choice.margin)

    sized = any(one.says not in ("below", "above") for one in said)
    return _twice(where, "sizes" if sized else "directions", rule, own)


def _sentence(where: str, pair: Pair, holds: Callable[[np.ndarray, np.ndarray], bool]) -> Item:
    """Make an item of a sentence about one pair of confusion matrices, ReLU's and softmax's."""

    def own(evidence: Evidence, choice: Choice) -> Answer:
        matrices = claims.matrices_in_paper(pair)
        difference = claims.ahead(*matrices)
        ahead, behind = int(np.sum(difference > 0)), int(np.sum(difference < 0))
        total = f"{difference.sum():+d}"
        why = words.say("matrices", ahead=ahead, behind=behind, total=total)
        return Answer(answers.together([holds(*matrices)]), why)

    def rule(condition: str, evidence: Evidence, choice: Choice) -> Answer:
        relu, softmax = evidence.runs(*pair.cells(condition))
        truths = [
            holds(np.array(one.test.confusion_matrix), np.array(other.test.confusion_matrix))
            for one, other in zip(relu, softmax, strict=False)
        ]
        return answers.of_held(rules.held(truths, choice), "pairs of runs")

    return _twice(where, "sentence", rule, own)


_DISCUSSED = "discussion#tab-discussion-comparable"
_MECHANISM = "discussion#sec-discussion-mechanism"
_PROPOSALS = "discussion#sec-discussion-proposals"

#: The claims and proposals that need runs.
CLAIMS: dict[str, Item] = {
    "C09": _claim(_DISCUSSED, "C09"),
    "C10": _sentence("mnist#fig-mnist-paper-2", MNIST_FFNN, claims.mixed_classes),
    "C11": _claim("mnist#tab-mnist-compared", "C11"),
    "C12": _twice("mnist#tab-mnist-cnn", "sentence", alone.over_ninety, alone.over_ninety_own),
    "C13": _claim("mnist#tab-mnist-compared", "C13"),
    "C14": Item(_MECHANISM, "further optimisation", as_written=mechanism.further_optimisation),
    "C15": _sentence("mnist#fig-mnist-paper-5", MNIST_CNN, claims.softmax_best_everywhere),
    "C16": _claim(_DISCUSSED, "C16"),
    "C17": _sentence("fashion_mnist#fig-fashion-mnist-paper-6", FASHION_FFNN, claims.mixed_classes),
    "C18": _claim(_DISCUSSED, "C18"),
    "C19": _sentence(
        "fashion_mnist#fig-fashion-mnist-paper-8", FASHION_CNN, claims.relu_best_in_most
    ),
    "C21": _claim("wdbc#tab-wdbc-compared", "C21"),
    "C22": _claim("wdbc#tab-wdbc", "C22"),
    "C23": _claim("wdbc#fig-wdbc-paper-10", "C23"),
    "C24": Item(_MECHANISM, "dying neurons", as_written=mechanism.of_dying),
    "C25": _twice(_DISCUSSED, "sizes", alone.comparable, alone.comparable_own),
    "C26": _twice(
        "fashion_mnist#fig-fashion-mnist-paper-6", "sentence", alone.balanced, alone.balanced_own
    ),
    "C27": _claim(_DISCUSSED, "C27"),
    "C31": _twice(_DISCUSSED, "any size", alone.some_on_par, alone.some_on_par_own),
    "W1": Item(_PROPOSALS, "proposal", as_written=proposals.gradients),
    "W2": Item(_PROPOSALS, "proposal", as_written=proposals.further_heads),
    "W3": Item("discussion#sec-discussion-inputs", "proposal", as_written=proposals.other_inputs),
}


def says(key: str) -> str:
    """What the paper says at an item, in our words."""
    kind, number = key[0], key[1:]
    if kind == "T":
        return str(paper.table(int(number))["title"])
    if kind == "F":
        entry = paper.contents()["figures"][int(number)]
        if "title" in entry:
            return str(entry["title"])
        network = paper.title(entry["dataset"], entry["architecture"], entry["head"])
        return f"Confusion matrix of {network}"
    return paper.claims()[key]["claim"] if kind == "C" else paper.future_work()[key]["proposal"]
