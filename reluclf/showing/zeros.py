"""What images whose outputs are all zero would leave in the paper's numbers: predictions of class 0, which wins every tie, and costly errors."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from reluclf import data, formats
from reluclf.judging import paper
from reluclf.judging.design import AS_RUN
from reluclf.judging.evidence import under
from reluclf.record import Record
from reluclf.showing import origins
from reluclf.spec import N_SPLITS


def wrong_zeros(counts: Sequence[Sequence[int]]) -> int:
    """How many test samples of other classes are called class 0, from a confusion matrix: rows are true classes."""
    return int(np.asarray(counts)[1:, 0].sum())


def loss_per_error(loss: float, accuracy: float) -> float:
    """The test loss over the share of errors, in nats: a loss that only errors pay comes to this for each."""
    return loss / (1 - accuracy) if accuracy < 1 else np.inf


@origins.traced
def table(records: Sequence[Record]) -> pd.DataFrame:
    """Both traces in the paper's networks on images and in ours as run, as text.

    Returns
    -------
    DataFrame of str
        A row for each network: of the paper's run, of our runs one by one that lose no class, and of those that lose one, how many images of other
        classes are called class 0; then the test loss for each error, of the same. Runs are ordered by seed.
    """
    rows = []
    for (dataset, architecture), head in itertools.product(paper.IMAGE_NETWORKS, paper.HEADS):
        published = paper.result(dataset, architecture, head)
        found = sorted(
            under(records, AS_RUN, dataset, architecture=architecture, head=head),
            key=lambda run: run.spec.seed,
        )
        whole = [run for run in found if len(run.folds) == N_SPLITS]
        kept, lost = ([run for run in whole if run.test.lost == of] for of in (False, True))
        row = {
            "network": f"{data.TITLES[dataset]} {architecture.upper()}-{paper.HEAD_TITLES[head]}"
        }
        row["called 0: paper"] = str(
            wrong_zeros(paper.matrix_of(dataset, architecture, head).counts)
        )
        for title, runs in (("ours", kept), ("ours, class lost", lost)):
            row[f"called 0: {title}"] = _listed(
                [str(wrong_zeros(run.test.confusion_matrix)) for run in runs]
            )
        row["nats an error: paper"] = (
            f"{loss_per_error(published['test_loss'], published['test_accuracy']):.1f}"
        )
        for title, runs in (("ours", kept), ("ours, class lost", lost)):
            row[f"nats an error: {title}"] = _listed(
                [f"{loss_per_error(run.test.loss, run.test.accuracy):.1f}" for run in runs]
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values) or formats.NONE
