"""How a run goes: one model carried through the folds, or every fold from new weights; and both the same every time."""

import copy
import dataclasses
import itertools

import numpy as np
import pytest
from factory import forget_rows
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reluclf import Spec, data, epochs, fitting, networks, protocols, scoring

pytestmark = pytest.mark.usefixtures("keras")

WDBC = Spec(
    dataset="wdbc", architecture="ffnn", head="relu", protocol="fresh", seed=1, epochs=2, folds=3
)


def like(spec, **changes):
    return Spec(**spec.model_dump() | changes)


def measured(outcome):
    """An outcome without the seconds it took, in a form in which NaN equals NaN."""
    folds = tuple(fold.model_copy(update={"seconds": 0}) for fold in outcome.folds)
    final = outcome.final and outcome.final.model_copy(update={"seconds": 0})
    return repr(dataclasses.replace(outcome, folds=folds, final=final))


class Snapshots(fitting.Observer):
    """An observer that keeps what a checkpoint would: the state after every fold."""

    def __init__(self):
        self.epochs = 0
        self.states = []

    def epoch(self):
        self.epochs += 1

    def fold(self, state):
        self.states.append(copy.deepcopy(state))


class Watched:
    """One run, and what was seen of it.

    Attributes
    ----------
    built : int
        Models that were built.
    fits : list of dict
        Of every training its number, the model before and after it, the rows trained on and held out.
    preparations : list of tuple of ndarray
        Of every preparation the raw rows that are learnt from, and those that are only transformed.
    """

    def __init__(self, spec, state=None):
        self.spec = spec
        self.split = data.load_split(spec)
        self.snapshots = Snapshots()
        self.built = 0
        self.fits = []
        self.preparations = []
        self._originals = networks.build, fitting.fit, data.prepare
        forget_rows()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(networks, "build", self._build)
            patch.setattr(fitting, "fit", self._fit)
            patch.setattr(data, "prepare", self._prepare)
            self.outcome = protocols.run(spec, self.snapshots, state)

    def _build(self, *arguments, **named):
        self.built += 1
        return self._originals[0](*arguments, **named)

    def _fit(self, training):
        before = self._state(training.model)
        result = self._originals[1](training)
        seen = {
            "number": training.number,
            "before": before,
            "after": self._state(training.model),
            "train": training.train,
            "held_out": training.held_out,
        }
        self.fits.append(seen)
        return result

    def _prepare(self, spec, *rows):
        self.preparations.append(rows)
        return self._originals[2](spec, *rows)

    def _state(self, model):
        step = int(model.optimizer.iterations) if model.optimizer.built else 0
        return {
            "variables": fitting.variables(model),
            "weights": model.get_weights(),
            "step": step,
        }


@pytest.fixture(scope="module")
def carried(keras):
    return Watched(like(WDBC, protocol="carried"))


@pytest.fixture(scope="module")
def fresh(keras):
    return Watched(WDBC)


@pytest.fixture(params=["carried", "fresh"])
def either(request):
    return request.getfixturevalue(request.param)


def same(one, other):
    return len(one) == len(other) and all(
        np.array_equal(a, b) for a, b in zip(one, other, strict=True)
    )


# carried


def test_carried_takes_one_model_and_its_optimiser_through_all_folds(carried):
    assert carried.built == 1
    assert [fit["number"] for fit in carried.fits] == [1, 2, 3]
    assert carried.fits[0]["before"]["step"] == 0
    for last, following in itertools.pairwise(carried.fits):
        assert same(last["after"]["variables"], following["before"]["variables"])
        assert not same(last["after"]["weights"], following["after"]["weights"])
    assert [fit["after"]["step"] for fit in carried.fits] == [
        4,
        8,
        12,
    ]  # 2 epochs of 2 batches in every fold


def test_carried_learns_means_and_components_once_from_all_training_rows(carried):
    (rows,) = carried.preparations
    assert same(rows, (carried.split.x_train, carried.split.x_test))


def test_carried_tests_the_model_that_has_been_through_all_folds(carried):
    outcome = carried.outcome
    assert outcome.final is None
    assert (outcome.test.loss, outcome.test.accuracy) == (
        outcome.folds[-1].test.loss,
        outcome.folds[-1].test.accuracy,
    )


# fresh


def test_fresh_starts_every_fold_and_the_final_model_as_if_nothing_had_been_trained_before(fresh):
    assert [fit["number"] for fit in fresh.fits] == [1, 2, 3, protocols.WHOLE]
    for fit in fresh.fits:
        newly_built = networks.build(WDBC, protocols.seed_of(WDBC, fit["number"]))
        if (
            fit["number"] != 1
        ):  # the very first model has no optimiser state at all before its first batch
            newly_built.optimizer.build(newly_built.trainable_variables)
        assert same(fit["before"]["variables"], fitting.variables(newly_built))
        assert fit["before"]["step"] == 0
        assert fit["after"]["step"] == 4


def test_fresh_starts_every_fold_from_weights_of_its_own(fresh):
    starts = [fit["before"]["weights"][0] for fit in fresh.fits]
    assert not any(np.array_equal(one, other) for one, other in itertools.combinations(starts, 2))


def test_fresh_learns_means_and_components_in_every_fold_from_its_training_rows_alone(fresh):
    split = fresh.split
    *in_folds, last = fresh.preparations
    for rows, (train, held_out) in zip(in_folds, data.folds(split.y_train)[:3], strict=True):
        assert same(rows, (split.x_train[train], split.x_train[held_out], split.x_test))
    assert same(last, (split.x_train, split.x_test))


def test_the_final_model_of_fresh_is_the_same_whatever_folds_came_before_it(fresh):
    alone = protocols.run(like(WDBC, folds=0))
    assert alone.folds == ()
    assert measured(dataclasses.replace(fresh.outcome, folds=())) == measured(alone)


def test_a_fold_of_fresh_is_the_same_whatever_folds_come_after_it(fresh):
    one = protocols.run(like(WDBC, folds=1))
    assert measured(one) == measured(
        dataclasses.replace(fresh.outcome, folds=fresh.outcome.folds[:1])
    )


# both


def test_every_fold_trains_on_nine_tenths_and_validates_on_the_rest(either):
    y = either.split.y_train
    for fold, fit, (train, held_out) in zip(
        either.outcome.folds, either.fits[:3], data.folds(y)[:3], strict=True
    ):
        assert np.array_equal(fit["train"][1], y[train])
        assert np.array_equal(fit["held_out"][1], y[held_out])
        assert (
            (fold.n_train, fold.n_validation)
            == (len(train), len(held_out))
            == (len(fit["train"][0]), len(fit["held_out"][0]))
        )


def test_the_same_spec_gives_the_same_outcome_twice(either):
    assert measured(protocols.run(either.spec)) == measured(either.outcome)


def test_another_seed_gives_another_outcome(fresh):
    other = protocols.run(like(WDBC, folds=0, seed=2))
    assert other.final.train != fresh.outcome.final.train
    assert other.test.loss != fresh.outcome.test.loss


@pytest.mark.parametrize("protocol, folds_done", [("carried", 1), ("carried", 3), ("fresh", 1)])
def test_a_run_that_is_taken_up_again_does_the_rest_and_ends_as_if_it_had_not_been_interrupted(
    request, protocol, folds_done
):
    whole = request.getfixturevalue(protocol)
    state = copy.deepcopy(whole.snapshots.states[folds_done - 1])
    assert len(state.folds) == folds_done
    assert (state.weights is None) == (protocol == "fresh")
    resumed = Watched(whole.spec, state)
    assert [fit["number"] for fit in resumed.fits] == [
        fit["number"] for fit in whole.fits[folds_done:]
    ]
    assert measured(resumed.outcome) == measured(whole.outcome)


def test_logistic_regression_is_scikit_learns_and_sees_no_test_row():
    spec = like(WDBC, architecture="logistic", head="softmax", epochs=1, folds=2)
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=0.3, stratify=y, random_state=spec.seed
    )
    expected = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(
        x_train, y_train
    )
    outcome = protocols.run(spec)
    assert outcome.test.predictions == "".join(
        map(str, expected.predict(x_test))
    ) and outcome.test.labels == "".join(map(str, y_test))
    assert len(outcome.folds) == 2


@pytest.mark.slow
def test_a_cnn_on_images_is_taken_up_again_as_well(few_images):
    spec = Spec(
        dataset="mnist",
        architecture="cnn",
        head="relu",
        protocol="fresh",
        seed=1,
        epochs=1,
        folds=1,
    )
    snapshots = Snapshots()
    undisturbed = protocols.run(spec, snapshots)
    assert measured(protocols.run(spec, state=snapshots.states[0])) == measured(undisturbed)


def test_the_observer_is_told_of_every_epoch_and_every_fold(either):
    assert either.snapshots.epochs == 2 * (3 + (either.spec.protocol == "fresh"))
    assert [len(state.folds) for state in either.snapshots.states] == [1, 2, 3]
    assert [state.batches for state in either.snapshots.states] == [4, 8, 12]


@pytest.mark.parametrize("head", ["softmax", "relu"])
def test_training_lowers_the_loss(head):
    (fold,) = protocols.run(like(WDBC, protocol="carried", head=head, epochs=10, folds=1)).folds
    assert fold.train.loss[-1] < 0.6 * fold.train.loss[0]
    assert fold.validation.loss[-1] < fold.validation.loss[0]
    assert fold.validation.accuracy[-1] > 0.8


def test_a_network_learns_ten_patterns_from_images(few_images):
    outcome = protocols.run(
        Spec(
            dataset="mnist",
            architecture="ffnn",
            head="softmax",
            protocol="fresh",
            seed=1,
            epochs=4,
            folds=0,
            batch_size=64,
        )
    )
    assert outcome.test.accuracy > 0.9
    assert outcome.final.n_train == 400


# Divergence


def test_a_loss_that_becomes_nan_is_noted_and_the_run_is_still_tested(monkeypatch):
    zeros = data.Split(
        np.zeros((40, 30)), np.arange(40) % 2, np.zeros((10, 30)), np.arange(10) % 2, 2
    )  # no input, no bias: 0/0 in every row
    monkeypatch.setattr(data, "load_split", lambda spec: zeros)
    outcome = protocols.run(like(WDBC, loss="verbatim", folds=0))
    assert outcome.diverged_at == 1
    assert np.isnan(outcome.final.train.loss).all()
    assert np.isnan(outcome.test.loss)
    assert outcome.test.accuracy == 0.5
    assert protocols.run(like(WDBC, loss="guarded", folds=0)).diverged_at is None


class Dummy:
    """In the place of a model: it remembers the batches, and gives the losses it is told to."""

    def __init__(self, losses=()):
        self.losses = dict(losses)
        self.batches = []
        self.variables = []
        self.optimizer = type("Optimizer", (), {"variables": (), "built": True})()

    def train_on_batch(self, x, targets):
        self.batches.append((x, targets))
        return [self.losses.get(len(self.batches), 0.5), 1.0]

    def predict_on_batch(self, x):
        return np.tile(np.float32([0.25, 0.75]), (len(x), 1))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_batch_with_a_loss_that_is_not_finite_is_counted_over_the_whole_run(
    monkeypatch, bad
):
    dummy = Dummy(
        {7: bad, 9: np.nan}
    )  # 4 batches a fold: the third batch of the second fold, and one later
    monkeypatch.setattr(networks, "build", lambda spec, seed: dummy)
    assert protocols.run(like(WDBC, protocol="carried")).diverged_at == 7


def test_the_count_goes_on_where_an_interrupted_run_had_got_to(monkeypatch):
    dummy, snapshots = Dummy(), Snapshots()
    monkeypatch.setattr(networks, "build", lambda spec, seed: dummy)
    spec = like(WDBC, protocol="carried")
    protocols.run(spec, snapshots)
    dummy.batches, dummy.losses = [], {3: np.nan}
    assert protocols.run(spec, state=snapshots.states[0]).diverged_at == 4 + 3
    dummy.batches = []
    snapshots.states[1].diverged_at = 5
    assert protocols.run(spec, state=snapshots.states[1]).diverged_at == 5


# Within an epoch


def test_every_epoch_shows_every_training_row_once_in_an_order_of_its_own(monkeypatch, carried):
    dummy = Dummy()
    monkeypatch.setattr(networks, "build", lambda spec, seed: dummy)
    protocols.run(like(WDBC, protocol="carried", folds=1, batch_size=100))
    x, y = carried.fits[0]["train"]
    assert [len(rows) for rows, _ in dummy.batches] == [100, 100, 100, 58] * 2
    orders = []
    for epoch in (dummy.batches[:4], dummy.batches[4:]):
        rows, targets = (
            np.concatenate([rows for rows, _ in epoch]),
            np.concatenate([targets for _, targets in epoch]),
        )
        order = [int(np.flatnonzero((x == row).all(axis=1)).item()) for row in rows]
        assert sorted(order) == list(range(len(x)))
        assert np.array_equal(targets, np.eye(2)[y[order]])
        orders.append(order)
    assert orders[0] != orders[1]
    assert orders[0] != sorted(orders[0])


def test_the_training_curve_is_the_mean_over_rows_not_over_batches(monkeypatch):
    dummy = Dummy({1: 1.0, 2: 1.0, 3: 1.0, 4: 3.0})
    monkeypatch.setattr(networks, "build", lambda spec, seed: dummy)
    (fold,) = protocols.run(like(WDBC, protocol="carried", folds=1, epochs=1, batch_size=100)).folds
    assert fold.train.loss == (pytest.approx((300 * 1 + 58 * 3) / 358),)
    assert fold.train.accuracy == (1.0,)


@pytest.mark.parametrize(
    "architecture, loss",
    [
        ("ffnn", "guarded"),
        pytest.param("ffnn", "verbatim", marks=pytest.mark.slow),
        pytest.param("cnn", "guarded", marks=pytest.mark.slow),
    ],
)
def test_many_batches_in_one_call_are_the_same_updates_bit_for_bit_as_one_at_a_time(
    architecture, loss
):
    spec = Spec(
        dataset="mnist",
        architecture=architecture,
        head="relu",
        protocol="fresh",
        seed=1,
        loss=loss,
        batch_size=32,
    )
    rng = np.random.default_rng(0)
    n = (
        32 * (fitting.BATCHES_A_CALL + 2) + 7
    )  # more than one call, and a last batch that is smaller
    x, targets = (
        rng.normal(size=(n, 256)).astype(np.float32),
        scoring.one_hot(rng.integers(0, 10, n), 10),
    )
    order = rng.permutation(n)
    many, single = networks.build(spec, 1), networks.build(spec, 1)
    if hasattr(single, "train_on_batches"):
        del single.train_on_batches
    means = fitting.Trainer(many, x, targets, spec.batch_size).train(order)
    expected = fitting.Trainer(single, x, targets, spec.batch_size).train(order)
    assert np.array_equal(means, expected, equal_nan=True)
    assert len(means) == fitting.BATCHES_A_CALL + 3
    assert all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in zip(fitting.variables(many), fitting.variables(single), strict=True)
    )
    assert len({tuple(mean) for mean in means}) > 1


def test_scores_are_the_mean_loss_and_the_share_of_rows_whose_largest_output_is_the_true_class():
    outputs = np.array([[0.2, 0.8], [0.5, 0.5], [0.0, 0.0], [3.0, 1.0]], np.float32)
    loss, accuracy = scoring.score(WDBC, outputs, np.array([1, 0, 1, 0]))
    assert loss == pytest.approx(
        (-np.log(0.8) + np.log(2) - np.log(1e-7) - np.log(0.75)) / 4, rel=1e-6
    )
    assert accuracy == 0.75  # of equal outputs the first one counts


def test_predicting_in_pieces_is_predicting_at_once():
    model = networks.build(WDBC, 1)
    x = (
        np.random.default_rng(0)
        .normal(size=(2 * epochs.EVALUATION_BATCH + 1, 30))
        .astype(np.float32)
    )
    np.testing.assert_allclose(scoring.predict(model, x), model(x), atol=1e-6)


def test_every_model_of_every_run_has_a_seed_of_its_own():
    numbers = {
        protocols.seed_of(like(WDBC, seed=seed), number)
        for seed in range(30)
        for number in range(11)
    }
    assert len(numbers) == 330
