"""What the CNN makes of what it sees: principal components, these in random order, pixels."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from reluclf.formats import NONE, cell, difference_cell, signed
from reluclf.judging import paper, words
from reluclf.judging.evidence import difference, measure
from reluclf.judging.statistics import Difference, contrast, rejected
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins, prose
from reluclf.showing.runs import with_both_heads

#: What a network sees, as a page names it; the first is the paper's.
_TITLES = {
    "paper": "principal components, in order",
    "shuffled": "the same, in a random order",
    "pixels": "16 × 16 pixels",
}


def _once(
    dataset: str, architecture: str, records: Sequence[Record], features: str = "paper"
) -> dict[str, list[Record]]:
    """Select the models trained once on these features, by head."""
    setting = {} if features == "paper" else {"features": features}
    networks = with_both_heads(dataset, architecture)
    return {network.head: network.once(records, **setting) for network in networks}


@origins.traced
def controls(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Show the test accuracy of the CNN by what it sees, beside the FFNN's, as text.

    All are models trained once on the whole training set. Differences are between all runs of each.
    """
    ffnn = _once(dataset, "ffnn", records)
    cases = [("FFNN", _TITLES["paper"], ffnn)]
    for features, title in _TITLES.items():
        cases.append(("CNN", title, _once(dataset, "cnn", records, features)))
    rows = []
    for network, title, runs in cases:
        row = {"network": network, "input": title}
        for head in paper.HEADS:
            accuracy = measure(runs[head], "test_accuracy")
            row[f"{paper.HEAD_TITLES[head]}, %"] = cell(accuracy, "test_accuracy")
        row["ReLU − softmax, points"] = difference_cell(difference(runs["relu"], runs["softmax"]))
        to_ffnn = difference_cell(difference(runs["softmax"], ffnn["softmax"]))
        row["softmax − FFNN-Softmax, points"] = NONE if runs is ffnn else to_ffnn
        rows.append(row)
    return pd.DataFrame(rows)


def readings(dataset: str, records: Sequence[Record]) -> dict[str, Difference | None]:
    """Compare what the paper's tables invite to read off its CNNs, by what these see.

    Returns
    -------
    dict of str to Difference or None
        In test accuracy. For each input, ``paper``, ``shuffled`` and ``pixels``: ``<input>_heads``,
        ReLU minus softmax, and ``<input>_networks``, CNN-Softmax minus FFNN-Softmax. For the last
        two against the first, ``<input>_change_<head>``: how that head's accuracy changes;
        ``<input>_change_heads``: how ReLU minus softmax does. None for fewer than two seeds.
    """
    ffnn = _once(dataset, "ffnn", records)
    cnns = {features: _once(dataset, "cnn", records, features) for features in _TITLES}
    found = {}
    for features, runs in cnns.items():
        found[f"{features}_heads"] = difference(runs["relu"], runs["softmax"])
        found[f"{features}_networks"] = difference(runs["softmax"], ffnn["softmax"])
        if features == "paper":
            continue
        for head in paper.HEADS:
            found[f"{features}_change_{head}"] = difference(runs[head], cnns["paper"][head])
        samples = [
            [run.test.accuracy for run in of[head]]
            for of in (runs, cnns["paper"])
            for head in ("relu", "softmax")
        ]
        enough = min(map(len, samples)) > 1
        change = contrast(samples, (1, -1, -1, 1), MARGIN) if enough else None
        found[f"{features}_change_heads"] = change
    return found


def facts(dataset: str, records: Sequence[Record]) -> dict[str, str]:
    """Write :func:`readings` and :func:`answer`, by the names that they are glued under."""
    told = {name: prose.points(found) for name, found in readings(dataset, records).items()}
    told["inputs"] = answer(dataset, records)
    return {f"{dataset}_{name}": text for name, text in told.items()}


def answer(dataset: str, records: Sequence[Record]) -> str:
    """Say whether the CNNs use a neighbourhood: does the order matter, and do pixels suit better?

    Of each head both are tested (Holm over the two); that the order does not matter needs a test of
    equivalence.
    """
    found = readings(dataset, records)
    order, pixels = found["shuffled_change_softmax"], found["pixels_change_softmax"]
    if order is None or pixels is None or min(order.n, pixels.n) < 3:
        return words.say("inputs-few")
    order_differs, pixels_differ = rejected([order.p, pixels.p])
    if order.equivalent:
        key = "inputs-order-small-and" if order_differs else "inputs-order-small"
    else:
        key = "inputs-order-matters" if order_differs else "inputs-order-unknown"
    low, high = (signed(end, "cv_accuracy") for end in order.equivalence_interval)
    first = words.say(key, **_change(order), low=low, high=high, n=order.n)
    second = words.say(
        "inputs-pixels" if pixels_differ else "inputs-pixels-unknown", **_change(pixels)
    )
    if order.equivalent and pixels_differ and pixels.mean > 0:
        harmless = order_differs and order.mean > 0
        first += words.say("inputs-gains-nothing" if harmless else "inputs-gains-little")
    return f"{first}; {second}. {_of_relu(found)}"


def _of_relu(found: dict[str, Difference | None]) -> str:
    """Say the same of CNN-ReLU, in brief."""
    order, pixels = found["shuffled_change_relu"], found["pixels_change_relu"]
    if order is None or pixels is None or min(order.n, pixels.n) < 3:
        return words.say("inputs-relu-few")
    differ = rejected([order.p, pixels.p])
    if not any(differ):
        return words.say("inputs-relu-neither")
    parts = []
    for what, change, differs in zip(
        ("a random order", "pixels"), (order, pixels), differ, strict=True
    ):
        key = "inputs-relu-shown" if differs else "inputs-relu-unknown"
        parts.append(words.say(key, what=what, **_change(change)))
    return words.say("inputs-relu", parts=", and ".join(parts))


def _change(change: Difference) -> dict[str, str]:
    better = "better" if change.mean > 0 else "worse"
    return {"better": better, "points": f"{signed(change.mean, 'cv_accuracy')}\u00a0points"}
