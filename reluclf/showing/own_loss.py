"""What becomes of the ReLU head under Keras's own loss, as the author's code has it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reluclf.formats import NONE, cell
from reluclf.judging import words
from reluclf.judging.evidence import measure, of_setting
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.showing.runs import Network, architectures


def _runs(dataset: str, records: Sequence[Record]) -> dict[Network, list[Record]]:
    """Select the runs of each network with the ReLU head that has some."""
    found = {}
    for architecture in architectures(dataset):
        network = Network(dataset, architecture, "relu")
        runs = of_setting(records, {"loss": "verbatim"}, **network._asdict())
        if runs:
            found[network] = runs
    return found


@origins.traced
def table(dataset: str, records: Sequence[Record]) -> pd.DataFrame:
    """Count the runs that met a loss that was not finite, and show when, and what came of them.

    Returns
    -------
    DataFrame of str
        A row for each network: the runs, how many died, at which batch, and the test accuracies of
        those that died and of those that did not.
    """
    rows = []
    for network, runs in _runs(dataset, records).items():
        dead = [run for run in runs if run.diverged_at is not None]
        alive = [run for run in runs if run.diverged_at is None]
        row = {
            "network": network.short,
            "runs": str(len(runs)),
            "died": str(len(dead)),
            "at batch (median; range)": batches(runs),
            "test accuracy of those that died, %": cell(
                measure(dead, "test_accuracy"), "test_accuracy"
            ),
            "of the others, %": cell(measure(alive, "test_accuracy"), "test_accuracy"),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def batches(runs: Sequence[Record]) -> str:
    """Write at which batches the runs died: the median and the range; a dash if none did."""
    at = sorted(run.diverged_at for run in runs if run.diverged_at)
    return f"{np.median(at):.0f}; {at[0]} to {at[-1]}" if at else NONE


def told(dataset: str, records: Sequence[Record]) -> str:
    """Say how many of the runs died, and when the last of them did."""
    sentences = []
    for network, runs in _runs(dataset, records).items():
        at = [run.diverged_at for run in runs if run.diverged_at]
        key = "died-last" if len(at) > 1 else "died" if at else "died-none"
        named = {"n": len(runs), "networks": f"{network.short}s", "died": len(at)}
        sentences.append(words.say(key, last=max(at, default=0), **named))
    return " ".join(sentences) or words.say("died-unknown")
