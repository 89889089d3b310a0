"""Why the ReLU head is slow: the formulas against differentiation and simulation; the figures draw the runs that there are."""

import math
import re
from itertools import product

import numpy as np
import pytest
from factory import run

from reluclf import paths
from reluclf.campaign import batchwise
from reluclf.showing import (
    dead_outputs,
    derivations,
    interventions,
    log_slope,
    single_runs,
    spike,
    traces,
)


@pytest.fixture(scope="module")
def committed(everything):
    """The committed runs as written on images."""
    return [
        record
        for record in everything
        if record.spec.dataset != "wdbc"
        and (record.spec.protocol, record.spec.samples, record.spec.epochs) == ("fresh", None, 32)
    ]


@pytest.mark.parametrize("output", log_slope.OUTPUTS, ids=lambda output: output.title)
def test_the_gradient_is_softmaxs_error_times_the_slope_of_log_h(output, keras):
    for logits in log_slope.sample(6, seed=3):
        formula = log_slope.gradient(output, logits, 0)
        automatic, numerical = derivations.differentiated(
            lambda z: log_slope._loss(output, z), logits
        )
        np.testing.assert_allclose(automatic, formula, atol=1e-9, rtol=1e-9)
        np.testing.assert_allclose(numerical, formula, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("title", ["ReLU", "squared ReLU"])
@pytest.mark.parametrize(
    "logits",
    [[-1.0] + [1.0] * 9, [1.0] + [-1.0] * 9, [-1.0] * 10],
    ids=["true class 0", "only the true class above 0", "all 0"],
)
def test_no_gradient_passes_where_the_true_classs_share_is_at_a_bound(title, logits, keras):
    output = next(one for one in log_slope.OUTPUTS if one.title == title)
    automatic, _ = derivations.differentiated(
        lambda z: log_slope._loss(output, z), np.array(logits)
    )
    assert not automatic.any() and not log_slope.gradient(output, np.array(logits), 0).any()


@pytest.mark.parametrize("output", log_slope.OUTPUTS, ids=lambda output: output.title)
def test_the_slope_is_that_of_log_h_and_keeps_its_bound(output):
    z = np.concatenate([np.linspace(-3, -0.01, 50), np.linspace(0.01, 3, 50)])
    h, step = output.h(z), 1e-6
    with np.errstate(all="ignore"):
        numerical = (output.h(z + step) - output.h(z - step)) / (2 * step) / h
    np.testing.assert_allclose(output.slope(z), np.where(h == 0, 0, numerical), rtol=1e-4)
    near = np.array([1e-9, 1e-6, 1e-3])
    assert (output.slope(near) <= output.largest * (1 + 1e-9)).all()
    assert np.isfinite(output.largest) or output.slope(near)[0] > 1e8


@pytest.mark.parametrize(("ratio", "beta_2"), product([30, 100, 1000], [0.9, 0.99, 0.999]))
def test_the_closed_form_is_what_adam_does_after_a_spike(ratio, beta_2):
    before = round(12 / (1 - beta_2))  # the averages have settled
    after = round(12 / (1 - beta_2))
    gradients = np.ones(before + 1 + after)
    gradients[before] = ratio
    steps = simulated(gradients, beta_2)[before:]
    late = np.arange(len(steps)) > 150  # the mean has forgotten the spike
    if late.sum() > 10:
        k = np.arange(len(steps))[late]
        np.testing.assert_allclose(steps[late], spike.step_after(k, ratio, beta_2), rtol=2e-2)
    half = spike.half_after(ratio, beta_2)
    if half > 150:
        assert steps[math.ceil(half * 1.02)] > 0.5 > steps[math.floor(half * 0.98)]


def simulated(gradients, beta_2, beta_1=0.9):
    """The steps of Adam on one weight, in learning rates: Kingma and Ba's Algorithm 1, without epsilon."""
    m = v = 0.0
    steps = np.empty(len(gradients))
    for t, g in enumerate(gradients):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        steps[t] = (m / (1 - beta_1 ** (t + 1))) / math.sqrt(v / (1 - beta_2 ** (t + 1)))
    return steps


def test_the_simulation_is_keras_adam(keras):
    gradients = np.random.default_rng(0).normal(size=40) * np.where(np.arange(40) == 9, 500, 1)
    weight = keras.Variable(0.0, dtype="float32")
    adam = keras.optimizers.Adam(learning_rate=1.0, epsilon=1e-12)
    adam.build([weight])
    moved = []
    for g in gradients:
        before = float(weight)
        adam.apply([keras.ops.convert_to_tensor(np.float32(g))], [weight])
        moved.append(before - float(weight))
    np.testing.assert_allclose(moved, simulated(gradients, 0.999), rtol=2e-3, atol=2e-4)


def test_the_number_to_remember():
    half = spike.half_after(1000, 0.999)
    assert spike.step_after(half, 1000, 0.999) == pytest.approx(0.5)
    assert (spike.spelled(half), round(half / spike.BATCHES)) == ("5,800", 27)
    assert spike.half_after(10, 0.999) == 0
    assert [spike.spelled(n) for n in (0.2, 9.6, 98.8, 1203)] == ["0", "10", "99", "1,200"]


def test_an_early_spike_weighs_its_square_over_its_batch():
    gradients = np.ones(400)
    gradients[20] = 1000
    steps = simulated(gradients, 0.999)
    assert steps[120] == pytest.approx(1 / math.sqrt(1000**2 / 121 + 1), rel=0.05)


def test_the_script_of_the_page_has_the_same_formula_and_numbers():
    script = (paths.BOOK / "_static" / "spike.js").read_text(encoding="utf-8")
    assert f"BATCHES = {spike.BATCHES}, EPOCHS = {spike.EPOCHS}" in script
    assert "1 / Math.sqrt(1 + (1 - beta) * ratio ** 2 * beta ** k)" in script
    assert "Math.log(((1 - beta) * ratio ** 2) / 3) / -Math.log(beta)" in script
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", script)


def drawn_points(axes):
    return sum(len(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None")


def test_the_heads_are_drawn_with_every_run_there_is(committed):
    _, *strips = log_slope.figure(committed).axes
    for axes, dataset in zip(strips, log_slope.IMAGES, strict=True):
        found = [len(log_slope.runs(output, dataset, committed)) for output in log_slope.OUTPUTS]
        assert all(found) and drawn_points(axes) == sum(found)


def test_what_the_chapter_says_of_the_heads_is_so(committed):
    for dataset in log_slope.IMAGES:
        accuracy = {
            output.title: [run.test.accuracy for run in log_slope.runs(output, dataset, committed)]
            for output in log_slope.OUTPUTS
        }
        bounded = [value for title in log_slope.BOUNDED for value in accuracy[title]]
        assert max(bounded) - min(bounded) < 0.01
        assert max(accuracy["ReLU"] + accuracy["leaky ReLU"]) < min(bounded) - 0.05
        assert np.mean(accuracy["squared ReLU"]) > np.mean(accuracy["ReLU"]) + 0.1
        assert np.mean(accuracy["squared ReLU"]) < min(bounded) - 0.005


def test_every_intervention_is_drawn_with_every_run_there_is(committed):
    panels = single_runs.figure(committed).axes
    networks = list(product(("cnn", "ffnn"), ("mnist", "fashion_mnist")))
    for axes, (architecture, dataset) in zip(panels, networks, strict=True):
        found = [
            len(single_runs.accuracies(change, dataset, architecture, committed))
            for change in single_runs.ROWS
        ]
        assert all(found) and drawn_points(axes) == sum(found)


def test_what_the_chapter_says_of_the_interventions_is_so(committed):
    def of(name, dataset, architecture="cnn"):
        return single_runs.accuracies(interventions.named(name), dataset, architecture, committed)

    for dataset in ("mnist", "fashion_mnist"):
        assert min(of("clipnorm", dataset)) > min(of("softmax", dataset)) - 2
        assert min(of("softplus", dataset)) > min(of("softmax", dataset)) - 0.5
        for name in ("bias", "leaky_relu", "hidden"):
            assert np.ptp(of(name, dataset)) > 5 * np.ptp(of("clipnorm", dataset))
            assert max(of(name, dataset)) < min(of("clipnorm", dataset))
        assert max(of("relu", dataset)) < min(of("beta_2", dataset)) < min(of("clipnorm", dataset))
    assert single_runs.below(50, "beta_2", "mnist", "ffnn", committed) == "19 of 20"
    assert single_runs.dead("beta_2", "mnist", "ffnn", committed) == "19 of 20"
    assert np.mean(of("beta_2", "fashion_mnist", "ffnn")) < np.mean(
        of("relu", "fashion_mnist", "ffnn")
    )


def test_in_the_ffnn_a_dead_output_loses_its_class_and_hardly_any_is_lost_without(committed):
    (dead_lost, dead_kept), (alive_lost, alive_kept) = dead_outputs.counted(committed)
    assert dead_kept == 0 and alive_lost < 0.1 * dead_lost and alive_kept
    assert not dead_outputs.counted(committed, "cnn")[0].any()
    axes = dead_outputs.figure(committed).axes[0]
    heights = np.concatenate([line.get_ydata() for line in axes.lines])
    assert np.abs(heights - np.round(heights)).max() < 0.5  # no point in another set's row
    assert drawn_points(axes) == dead_outputs.counted(committed).sum()
    for dataset in ("mnist", "fashion_mnist"):
        for record, dead in dead_outputs.runs(committed, dataset):
            assert (dead_outputs.worst_recall(record) < 0.01) == dead


def test_the_traces_are_drawn_seed_by_seed():
    measured = batchwise.read()
    for dataset in ("mnist", "fashion_mnist"):
        relu = traces.of_network(measured, dataset, "relu")
        panels = traces.figure(measured, dataset).axes
        assert len(panels) == 2 * len(relu) == 6
        for axes, seed in zip(panels[: len(relu)], sorted(relu), strict=True):
            assert any(list(line.get_ydata()) == list(relu[seed].gradient) for line in axes.lines)
        softmax = traces.of_network(measured, dataset, "softmax")
        for seed, steps in relu.items():  # what the chapter says of spikes and steps
            assert max(steps.gradient) > 30 * max(softmax[seed].gradient)
        shares = re.findall(r"\d+", traces.shortest_stretch(measured, dataset))
        assert len(shares) == 3 and all(int(share) < 20 for share in shares)


@pytest.mark.parametrize(
    "draw",
    [
        lambda records: log_slope.figure(records),
        lambda records: single_runs.figure(records),
        lambda records: dead_outputs.figure(records),
        lambda records: traces.figure([], "mnist"),
    ],
)
def test_without_records_or_with_one_a_figure_is_drawn_all_the_same(draw):
    draw([]).canvas.draw()
    draw([run("mnist", "cnn", "relu", "carried", seed=1)]).canvas.draw()
