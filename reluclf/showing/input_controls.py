"""What the CNN sees, and what it makes of that: principal components in order, as in the paper; in a random order; and pixels."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from reluclf.formats import NONE, cell, difference_cell, signed
from reluclf.judging.evidence import difference, measure, of_setting
from reluclf.judging.paper import HEAD_TITLES, HEADS
from reluclf.judging.statistics import Difference, contrast, rejected
from reluclf.judging.thresholds import MARGIN
from reluclf.record import Record
from reluclf.showing import origins

_TITLES = {
    "paper": "principal components, in order",
    "shuffled": "the same, in a random order",
    "pixels": "16 × 16 pixels",
}


def _cnns(dataset: str, records: Sequence[Record]) -> dict[tuple[str, str], list[Record]]:
    """The CNNs that were trained once on the whole training set, by what they see and their head."""
    found = {}
    for features in _TITLES:
        setting = {} if features == "paper" else {"features": features}
        for head in HEADS:
            found[features, head] = of_setting(
                records, setting, dataset=dataset, architecture="cnn", head=head, protocol="fresh"
            )
    return found


@origins.traced
def controls(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Test accuracy of the CNN by what it sees, beside the FFNN on components in order; as text.

    All are models trained once on the whole training set (``fresh``). Differences are between all runs of each.
    """
    ffnn = {
        head: of_setting(records, dataset=dataset, architecture="ffnn", head=head, protocol="fresh")
        for head in HEADS
    }
    cnns = _cnns(dataset, records)
    cases = [("FFNN", _TITLES["paper"], ffnn)]
    cases += [
        ("CNN", title, {head: cnns[features, head] for head in HEADS})
        for features, title in _TITLES.items()
    ]
    rows = []
    for network, title, runs in cases:
        row = {"network": network, "it sees": title}
        for head in HEADS:
            row[f"{HEAD_TITLES[head]}, %"] = cell(
                measure(runs[head], "test_accuracy"), "test_accuracy"
            )
        row["ReLU − softmax, points"] = difference_cell(difference(runs["relu"], runs["softmax"]))
        row["softmax − FFNN-Softmax, points"] = (
            NONE if runs is ffnn else difference_cell(difference(runs["softmax"], ffnn["softmax"]))
        )
        rows.append(row)
    return pd.DataFrame(rows)


def readings(dataset: str, records: Sequence[Record]) -> dict[str, Difference | None]:
    """What the paper's tables invite to read off its CNNs, and what becomes of it when these see something else; in test accuracy, paired by seed.

    Returns
    -------
    dict of str to Difference or None
        For each input, ``paper``, ``shuffled`` and ``pixels``: ``<input>_heads``, ReLU minus softmax, and ``<input>_networks``, CNN-Softmax minus
        FFNN-Softmax. For the last two against the first, ``<input>_change_<head>``: how that head's accuracy changes; ``<input>_change_heads``: how
        ReLU minus softmax does. None where fewer than two seeds have what is compared.
    """
    ffnn = of_setting(
        records, dataset=dataset, architecture="ffnn", head="softmax", protocol="fresh"
    )
    cnns = _cnns(dataset, records)
    found = {}
    for features in _TITLES:
        found[f"{features}_heads"] = difference(cnns[features, "relu"], cnns[features, "softmax"])
        found[f"{features}_networks"] = difference(cnns[features, "softmax"], ffnn)
    for features in ("shuffled", "pixels"):
        for head in HEADS:
            found[f"{features}_change_{head}"] = difference(
                cnns[features, head], cnns["paper", head]
            )
        samples = [
            [run.test.accuracy for run in cnns[of, head]]
            for of in (features, "paper")
            for head in ("relu", "softmax")
        ]
        enough = min(map(len, samples)) > 1
        found[f"{features}_change_heads"] = (
            contrast(samples, (1, -1, -1, 1), MARGIN) if enough else None
        )
    return found


def answer(dataset: str, records: Sequence[Record]) -> str:
    """Whether the CNN with the softmax head uses a neighbourhood, as a sentence: does the order matter to it, and do pixels suit it better?

    Both are tested (Holm over the two); that the order does not matter needs an equivalence test.
    """
    found = readings(dataset, records)
    order, pixels = found["shuffled_change_softmax"], found["pixels_change_softmax"]
    if order is None or pixels is None or min(order.n, pixels.n) < 3:
        return "It takes three seeds of each to say whether the order of its components matters to CNN-Softmax."
    differs = rejected([order.p, pixels.p])
    if order.equivalent:
        low, high = (signed(end, "cv_accuracy") for end in order.equivalence_interval)
        first = (
            f"To put its components in a random order changes CNN-Softmax by {_points(order)}, shown to be less than two points "
            f"(90 % interval {low} to {high}, n = {order.n})"
        )
        if differs[0]:
            first += f" and to be for the {_better(order)}"
    elif differs[0]:
        first = f"A random order of its components is shown to suit CNN-Softmax {_better(order)}, by {_points(order)}"
    else:
        first = "That the order of its components matters to CNN-Softmax is not shown, nor that it does not"
    if differs[1]:
        second = f"pixels are shown to suit it {_better(pixels)}, by {_points(pixels)}"
    else:
        second = "that pixels suit it better than components is not shown"
    gains = ""
    if order.equivalent and differs[1] and pixels.mean > 0:
        nothing = differs[0] and order.mean > 0
        gains = f": from the order of its components it gains {'nothing' if nothing else 'less than two points, if anything'}"
    return f"{first}; {second}{gains}. {_suits_relu(found)}"


def _better(change: Difference) -> str:
    return "better" if change.mean > 0 else "worse"


def _points(change: Difference) -> str:
    return f"{signed(change.mean, 'cv_accuracy')}\u00a0points"


def _suits_relu(found: dict[str, Difference | None]) -> str:
    """The same of CNN-ReLU, in brief."""
    order, pixels = found["shuffled_change_relu"], found["pixels_change_relu"]
    if order is None or pixels is None or min(order.n, pixels.n) < 3:
        return "Of CNN-ReLU there are too few runs to say."
    sure = rejected([order.p, pixels.p])
    if not any(sure):
        return "For CNN-ReLU neither change is shown to help or to harm."
    words = [
        f"shown to do {_better(change)} with {what}, by {_points(change)}"
        if one
        else f"not shown to do better or worse with {what}"
        for what, change, one in zip(
            ("a random order", "pixels"), (order, pixels), sure, strict=True
        )
    ]
    return f"CNN-ReLU is {' and '.join(words)}."
