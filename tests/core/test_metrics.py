"""What follows from predictions: the scores are scikit-learn's, and nothing is lost on the way."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from reluclf import metrics
from reluclf import record as schema


@st.composite
def classified(draw):
    """A number of classes, true classes and predictions; some classes may have no samples, or no predictions."""
    k = draw(st.integers(2, 10))
    n = draw(st.integers(1, 60))
    classes = st.lists(st.integers(0, k - 1), min_size=n, max_size=n)
    return k, np.array(draw(classes)), np.array(draw(classes))


@given(classified())
def test_the_scores_are_those_of_sklearn(case):
    k, labels, predictions = case
    ours = metrics.scores(metrics.confusion_matrix(labels, predictions, k))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 0/0 is meant to be 0, silently
        precision, recall, f1, _ = precision_recall_fscore_support(
            labels, predictions, average="weighted", zero_division=0
        )
    expected = {
        "accuracy": accuracy_score(labels, predictions),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }
    assert ours == pytest.approx(expected, abs=1e-12)


@given(classified())
def test_a_test_keeps_every_label_and_prediction(case):
    k, labels, predictions = case
    test = schema.Test.of(labels, predictions, 0.5, k)
    assert np.array_equal(metrics.from_digits(test.labels), labels)
    assert np.array_equal(metrics.from_digits(test.predictions), predictions)
    assert np.array_equal(test.correct, labels == predictions)
    assert np.array(test.confusion_matrix).shape == (k, k)
    assert all(
        test.confusion_matrix[i][j] == ((labels == i) & (predictions == j)).sum()
        for i in range(k)
        for j in range(k)
    )


@given(st.floats(width=32))
def test_the_shortest_digits_of_a_float32_name_the_same_float32(value):
    short = metrics.shortest(np.float32(value))
    assert type(short) is float
    assert np.array_equal(np.float32(short), np.float32(value), equal_nan=True)
    assert len(repr(short)) <= len(repr(float(np.float32(value))))


def test_the_shortest_digits_of_a_list_are_those_of_its_numbers():
    assert metrics.shortest(np.array([0.1, 1 / 3], np.float32)) == [0.1, 0.33333334]
