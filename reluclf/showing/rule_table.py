"""The rules for the tables, figures and claims in brief, as the method chapter shows them."""

from __future__ import annotations

import pandas as pd

from reluclf import formats

_ROWS = (
    (
        "T3, T4, T6, T7, T9",
        "cross-validation and test accuracy, both heads",
        "carried",
        "each is what one more run of ours may give, by an interval that could have missed it; only by the flaw, if *fresh* gives another",
        formats.NONE,
    ),
    ("T5, T8", "mean and rise of the ten folds", "carried", "the same; only by the flaw, if *fresh* is shown to rise by less", formats.NONE),
    ("F2 to F11", "correct predictions of each class", "carried", "the same", formats.NONE),
    (
        "C09, C16: on par",
        "difference in accuracy and in F1",
        "both",
        "all shown to be within a point; only by the flaw, if after *fresh* they are shown not to be",
        "after *carried*, shown to be more than a point apart",
    ),
    ("C22: comparable", "difference in F1", "carried", "shown to be within the difference that the paper calls so", "shown to be further apart"),
    (
        "C10, C17: better on some classes, worse on others",
        "correct predictions of each class",
        "carried",
        "both shown, in one class or more each (Holm)",
        "all classes shown to be one way",
    ),
    (
        "C15: softmax better in every class",
        "correct predictions of each class",
        "carried",
        "shown in every class",
        "the opposite shown in one (Holm)",
    ),
    (
        "C19: ReLU better in most classes, worse in total",
        "classes ahead minus classes behind; total",
        "carried",
        "both shown",
        "the opposite of one shown (Holm)",
    ),
    (
        "C11, C21: worse, because slower",
        "accuracy after 320 epochs and after 32; the difference of the two gaps",
        "both",
        "worse at the end, worse at first, and further behind then: all shown",
        "better at the end",
    ),
    (
        "C18: slower, slightly lower, the same F1",
        "the same; F1 after 320 epochs",
        "both",
        "slower, lower, and F1 within a point: all shown",
        "the opposite of one shown",
    ),
    ("C12: more than 90 %", "mean accuracy", "carried", "shown to be above", "shown to be below"),
    (
        "C13: about four points",
        "difference in accuracy",
        "carried",
        "it is what one more pair of runs may give, by an interval that does not reach to none",
        formats.NONE,
    ),
    (
        "C14: may be on par with further optimisation",
        "accuracy after 32 epochs, with four interventions",
        "fresh",
        "with one of them shown to be within a point (Holm)",
        formats.NONE,
    ),
    (
        "C23: more of one error and of the other",
        "benign taken for malignant, malignant for benign",
        "carried",
        "both shown",
        "the opposite of one shown (Holm)",
    ),
    (
        "C24: dying neurons",
        "share of the gap that an intervention closes",
        "fresh",
        "on each image set, one of three against dying is shown to close more than half (Holm)",
        "on each, clipping is shown to, and the three to close less than half",
    ),
    (
        "C25: comparable, sometimes better",
        "accuracy in the four image experiments",
        "carried",
        "all within a point and one better, shown",
        "in one ReLU is more than a point behind, shown",
    ),
    (
        "W1, W2",
        formats.NONE,
        "fresh",
        "answered, once both heads of every network are probed, and three runs of each further head are there",
        formats.NONE,
    ),
)


def in_brief() -> pd.DataFrame:
    """A row for each rule: the items it is for, what is judged, on which runs, and what makes it reproduced or contradicted; all of it text."""
    return pd.DataFrame(_ROWS, columns=["item", "what is judged", "runs", "reproduced, if", "contradicted, if"])
