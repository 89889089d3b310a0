"""Lanes: several seeds in one program, each as if it were alone with the others of any company."""

import copy
import dataclasses
import functools

import numpy as np
import pytest

from reluclf import Spec, data, epochs, fitting, networks, probes, protocols, scoring
from reluclf.campaign import lanes

pytestmark = pytest.mark.usefixtures("jax")

CARRIED = Spec(
    dataset="wdbc",
    architecture="ffnn",
    head="relu",
    protocol="carried",
    seed=1,
    epochs=2,
    folds=2,
    samples=100,
    batch_size=32,
)
FRESH = CARRIED.model_copy(update={"protocol": "fresh"})
IMAGES = Spec(
    dataset="mnist",
    architecture="ffnn",
    head="softmax",
    protocol="fresh",
    seed=1,
    epochs=1,
    folds=1,
    batch_size=128,
    samples=300,
)
WIDTH = 3


class Snapshots(fitting.Observer):
    """An observer that counts epochs, and keeps the state after every fold."""

    def __init__(self):
        self.epochs = 0
        self.states = []

    def epoch(self):
        self.epochs += 1

    def fold(self, state):
        self.states.append(copy.deepcopy(state))


def seeds(spec, *numbers):
    return [spec.model_copy(update={"seed": seed}) for seed in numbers]


def measured(outcome):
    folds = tuple(fold.model_copy(update={"seconds": 0}) for fold in outcome.folds)
    final = outcome.final and outcome.final.model_copy(update={"seconds": 0})
    return repr(dataclasses.replace(outcome, folds=folds, final=final))


def together(specs, states=None, width=WIDTH):
    """Each run's outcome and observer, by its seed."""
    observers = [Snapshots() for _ in specs]
    found = dict(lanes.run(specs, observers, states or [None] * len(specs), width))
    return {spec.seed: (measured(found[lane]), observers[lane]) for lane, spec in enumerate(specs)}


@pytest.fixture(scope="module")
def whole(jax):
    """Three seeds of either protocol, which fill all lanes."""
    return {spec.protocol: together(seeds(spec, 1, 2, 3)) for spec in (CARRIED, FRESH)}


@pytest.mark.parametrize("spec", [CARRIED, FRESH], ids=lambda spec: spec.protocol)
def test_a_run_comes_out_the_same_in_any_lane_and_any_company(whole, spec):
    expected = {seed: outcome for seed, (outcome, _) in whole[spec.protocol].items()}
    assert len(set(expected.values())) == 3
    for company in ((3, 1), (2,), (7, 2, 1)):
        found = together(seeds(spec, *company))
        assert all(found[seed][0] == expected[seed] for seed in company if seed in expected)


def test_a_run_in_a_lane_is_nearly_the_run_alone(whole):
    alone = protocols.run(CARRIED).folds[0]
    lane = whole["carried"][1][1].states[0].folds[0]
    np.testing.assert_allclose(lane.train.loss, alone.train.loss, rtol=1e-3)
    assert (lane.n_train, lane.n_validation) == (alone.n_train, alone.n_validation)


def test_a_lane_is_looked_into_as_a_run_alone_is(jax):
    spec = FRESH.model_copy(update={"folds": 0})
    alone = protocols.run(spec).final.probe
    outcomes = dict(lanes.run(seeds(spec, 2, 1), [None, None], [None, None], WIDTH))
    for name in probes.NAMES:
        ours, expected = getattr(outcomes[1].final.probe, name), getattr(alone, name)
        assert len(ours) == spec.epochs
        np.testing.assert_allclose(ours, expected, rtol=1e-3, err_msg=name)
    assert outcomes[0].final.probe.norm_head != outcomes[1].final.probe.norm_head


@pytest.mark.parametrize("spec", [CARRIED, FRESH], ids=lambda spec: spec.protocol)
def test_a_run_that_was_further_on_waits_and_ends_as_if_none_had_been_interrupted(whole, spec):
    of = whole[spec.protocol]
    states = [None, copy.deepcopy(of[2][1].states[0]), copy.deepcopy(of[3][1].states[1])]
    resumed = together(seeds(spec, 1, 2, 3), states)
    assert {seed: outcome for seed, (outcome, _) in resumed.items()} == {
        seed: outcome for seed, (outcome, _) in of.items()
    }
    final = spec.epochs * (spec.protocol == "fresh")
    assert [resumed[seed][1].epochs for seed in (1, 2, 3)] == [4 + final, 2 + final, final]


def test_seeds_that_see_the_same_images_are_trained_together_as_well(few_images, monkeypatch):
    prepared = []
    original = data.prepare
    monkeypatch.setattr(
        data, "prepare", lambda *arguments: prepared.append(arguments) or original(*arguments)
    )
    found = together(seeds(IMAGES, 4, 5))
    assert found[4][0] != found[5][0]
    assert len(prepared) == 2  # the fold's rows and the whole training set's, once for both
    assert together(seeds(IMAGES, 5))[5][0] == found[5][0]


def test_a_cnn_has_lanes_too(few_images):
    spec = IMAGES.model_copy(update={"architecture": "cnn", "folds": 0})
    outcomes = dict(lanes.run(seeds(spec, 1, 2), [None, None], [None, None], width=2))
    assert [outcome.final.n_train for outcome in outcomes.values()] == [300, 300]
    assert measured(outcomes[0]) != measured(outcomes[1])


def test_lanes_one_after_the_other_give_the_bits_of_each_alone(jax):
    from jax import lax

    rng = np.random.default_rng(0)
    n = 90
    x, targets = map(
        jax.numpy.asarray,
        (rng.normal(size=(n, 30)).astype(np.float32), scoring.one_hot(rng.integers(0, 2, n), 2)),
    )
    models = [networks.build(CARRIED, seed) for seed in (1, 2, 3)]
    orders = np.stack([rng.permutation(n) for _ in models]).astype(np.int32)
    program = networks.program(CARRIED, models[0])
    stacked = lanes._stack([program.state(model) for model in models])
    one_by_one = jax.jit(
        lambda states, orders: lax.map(
            lambda each: program.train(each[0], x, targets, each[1], 32), (states, orders)
        )
    )
    at_once, means_at_once = program.together[True][0](stacked, x, targets, orders, 32)
    learnt, means = one_by_one(stacked, orders)
    for lane, model in enumerate(models):
        expected = model.train_on_batches(x, targets, orders[lane], 32)
        assert np.array_equal(means[lane], expected)
        pairs = zip(jax.tree.leaves(learnt), jax.tree.leaves(program.state(model)), strict=True)
        assert all(np.array_equal(values[lane], alone) for values, alone in pairs)
        np.testing.assert_allclose(means_at_once[lane], expected, atol=1e-4)
        # The masks of the dropout are drawn from the same states, whatever the rounding.
        generators, alone = at_once[1], program.state(model)[1]
        assert all(
            np.array_equal(values[lane], state)
            for values, state in zip(generators, alone, strict=True)
        )


def test_a_loss_that_is_not_finite_is_noted_in_its_own_lane_alone(monkeypatch):
    split = functools.partial(
        data.Split, y_train=np.arange(100) % 2, y_test=np.arange(100) % 2, n_classes=2
    )
    rng = np.random.default_rng(0)
    good, bad = (
        split(x_train=rng.normal(size=(100, 30)), x_test=rng.normal(size=(100, 30)))
        for _ in range(2)
    )
    bad.x_train[0] = np.nan
    monkeypatch.setattr(data, "load_split", lambda spec: bad if spec.seed == 2 else good)
    spec = FRESH.model_copy(update={"folds": 0})
    specs = seeds(spec, 1, 2)
    outcomes = dict(lanes.run(specs, [None, None], [None, None], WIDTH))
    assert 1 <= outcomes[1].diverged_at <= 4 and np.isnan(outcomes[1].final.train.loss).all()
    assert outcomes[0].diverged_at is None


@pytest.mark.parametrize(
    "specs", [seeds(CARRIED, 1, 2, 3, 4), [CARRIED, FRESH]], ids=["too many", "two experiments"]
)
def test_runs_that_do_not_belong_together_are_refused(specs):
    with pytest.raises(
        ValueError,
        match=r"\d runs do not fit 3 lanes; give as many seeds of one experiment at the most",
    ):
        next(lanes.run(specs, [None] * len(specs), [None] * len(specs), WIDTH))


def test_lanes_are_told_of_their_epochs_one_by_one(whole):
    for protocol, runs in whole.items():
        assert {observer.epochs for _, observer in runs.values()} == {
            CARRIED.epochs * (2 + (protocol == "fresh"))
        }


def test_the_program_of_a_lane_is_the_one_that_a_run_alone_has(jax):
    model = networks.build(CARRIED, 1)
    assert (
        networks.program(CARRIED, None)
        is networks.program(FRESH, None)
        is networks.program(CARRIED, model)
    )
    assert isinstance(networks.program(CARRIED, None), epochs.Program)
