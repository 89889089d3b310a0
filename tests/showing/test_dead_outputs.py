"""Dead outputs, lost classes, and what rows of zeros would leave in the paper's numbers."""

import factory
import numpy as np
import pytest
from factory import run

from reluclf import formats, record
from reluclf.showing import dead_outputs


def test_only_samples_of_other_classes_that_are_called_class_0_count():
    assert dead_outputs.called_zero([[5, 1, 0], [2, 7, 0], [3, 0, 4]]) == 5


def test_a_loss_that_only_errors_pay_comes_to_their_price():
    assert dead_outputs.loss_per_error(0.16118, 0.99) == pytest.approx(16.118)
    assert dead_outputs.loss_per_error(0.1, 1.0) == np.inf


def test_the_papers_traces_and_ours_stand_side_by_side_and_runs_that_lose_a_class_apart():
    made = run("mnist", "ffnn", "relu", "carried", 1, hits=0.98)
    labels = np.repeat(np.arange(10), 20)
    predictions = np.where(labels == 3, 0, labels)  # class 3 is lost, to class 0
    lost = run("mnist", "ffnn", "relu", "carried", 2).model_copy(
        update={"test": record.Test.of(labels, predictions, 1.5, 10)}
    )
    frame = dead_outputs.zeros([made, lost]).set_index("network")
    line = frame.loc["MNIST FFNN-ReLU"]
    assert line["called 0: paper"] == "43" and line["nats per error: paper"] == "10.8"
    assert line["called 0: ours, class lost"] == "20"
    assert line["nats per error: ours, class lost"] == "15.0"
    ours = dead_outputs.called_zero(made.test.confusion_matrix)
    assert line["called 0: ours"] == str(ours)
    assert frame.loc["MNIST CNN-ReLU", "called 0: ours"] == formats.NONE
    assert dead_outputs.zeros_called([lost.test] * 2 + [made.test]).startswith("20 (")


def test_an_output_that_comes_alive_again_is_counted_once_a_run():
    def probed(seed, first, last):
        spec = run("mnist", "ffnn", "relu", "fresh", seed, []).spec
        made = factory.record(spec, [], 0.9, dead=last)
        units = (first, *made.final.probe.dead_units[1:])
        probe = made.final.probe.model_copy(update={"dead_units": units})
        final = made.final.model_copy(update={"probe": probe})
        return made.model_copy(update={"final": final})

    made = [probed(1, 0.2, 0.2), probed(2, 0.2, 0.1), probed(3, 0.0, 0.0)]
    assert dead_outputs.revived(made).tolist() == [2, 1]
