"""Several seeds of one experiment in one program of JAX, each in a lane of its own.

A network as small as these leaves most of an accelerator idle. The program has a fixed number of
lanes, and those that no run has are filled up: so what a run gives depends on the width, by
rounding, but neither on the lane it has nor on the runs beside it, and a rerun at that width gives
it again.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from reluclf import data, epochs, fitting, networks, probes, protocols, scoring
from reluclf.data import Rows
from reluclf.fitting import Curves, Observer, State, Trained, Training
from reluclf.protocols import Outcome
from reluclf.spec import Spec


def run(
    specs: Sequence[Spec],
    observers: Sequence[Observer | None],
    states: Sequence[State | None],
    width: int,
) -> Iterator[tuple[int, Outcome]]:
    """Train and test several networks at once, as :func:`reluclf.protocols.run` does one.

    Parameters
    ----------
    specs : sequence of Spec
        Of one experiment: they differ in their seed alone. At most ``width``; the first has lane 0.
    observers, states : sequence
        Of each run. One that had got further than the others before it stopped waits for them.
    width : int
        Lanes of the program.

    Yields
    ------
    (int, Outcome)
        A run's lane and its outcome, when it ends.

    Raises
    ------
    ValueError
        If there are more runs than lanes, or runs of more than one experiment.
    DataError
        If the images cannot be had.
    """
    if len(specs) > width or len({experiment(spec) for spec in specs}) != 1:
        raise ValueError(
            f"{len(specs)} runs do not fit {width} lanes; "
            "give as many seeds of one experiment at the most."
        )
    courses = [protocols.course(*each) for each in zip(specs, observers, states, strict=True)]
    news: dict[int, Any] = dict.fromkeys(range(len(specs)))  # nothing has been trained yet
    asked: dict[int, Training] = {}
    while True:
        for lane, trained in news.items():
            try:
                asked[lane] = courses[lane].send(trained)
            except StopIteration as done:
                yield lane, done.value
        if not asked:
            return
        fewest = min(len(training.state.folds) for training in asked.values())
        behind = [lane for lane, training in asked.items() if len(training.state.folds) == fewest]
        news = fit({lane: asked.pop(lane) for lane in behind}, width)


def experiment(spec: Spec) -> Spec:
    """What the seeds of an experiment have in common."""
    return spec.model_copy(update={"seed": 0})


def fits(spec: Spec, width: int) -> bool:
    """Whether a run has a lane in a program of this width: all have that are trained by epochs."""
    return width > 1 and spec.architecture != "logistic"


def grouped(specs: Iterable[Spec], width: int) -> list[list[Spec]]:
    """Group what is trained together: so many seeds of one experiment at the most, in order."""
    experiments: dict[Spec, list[Spec]] = {}
    for spec in specs:
        experiments.setdefault(experiment(spec) if fits(spec, width) else spec, []).append(spec)
    return [
        seeds[i : i + width] for seeds in experiments.values() for i in range(0, len(seeds), width)
    ]


def fit(asked: Mapping[int, Training], width: int) -> dict[int, Trained]:
    """Train several models at once, each as its run asks; return what came of each, by its lane."""
    import jax

    some = next(iter(asked.values()))
    spec, n = some.spec, len(some.train[0])
    # An idle lane repeats another, and is not looked at.
    lanes = [asked.get(lane, some) for lane in range(width)]
    program = networks.program(spec, some.model)
    train, evaluate = program.together[data.alike(spec)]
    rows = _on_device(spec, [training.train for training in lanes])
    held_out = _on_device(spec, [training.held_out for training in lanes])
    learnt = _stack([program.state(training.model) for training in lanes])
    sizes = fitting.batch_sizes(n, spec.batch_size)
    curves = {lane: Curves(training.state, sizes) for lane, training in asked.items()}
    look = probes.together(networks.network(spec), data.alike(spec))
    probed = [training.probed for training in lanes if training.probed]  # all of them, or none
    looked_at = _on_device(spec, probed) if probed else None
    under_way: Any = None
    for epoch in range(spec.epochs):
        learnt, means = train(learnt, *rows, _orders(lanes, epoch, n), spec.batch_size)
        if under_way:  # the device is at this epoch already while the last one is noted here
            _note(asked, curves, *under_way)
        seen = look(*learnt[:2], *looked_at) if looked_at else None
        under_way = means, *evaluate(learnt, *held_out), seen
    outputs = _note(asked, curves, *under_way)
    found = {}
    for lane, training in asked.items():
        epochs.assign(training.model, jax.tree.map(operator.itemgetter(lane), learnt))
        found[lane] = curves[lane].done(outputs[lane])
    return found


def _orders(lanes: Sequence[Training], epoch: int, rows: int) -> np.ndarray:
    """Draw the order of the rows in each lane: int32, shape (lanes, rows)."""
    orders = [fitting.batch_order(lane.spec, lane.number, epoch, rows) for lane in lanes]
    return np.stack(orders).astype(np.int32)


def _note(
    asked: Mapping[int, Training],
    curves: Mapping[int, Curves],
    means: Any,
    outputs: Any,
    losses: Any,
    seen: probes.Seen | None,
) -> np.ndarray:
    """Note an epoch in the curves of each run; wait for it, and return its outputs."""
    import jax

    if seen:
        seen = jax.device_get(seen)
    means, outputs, losses = np.asarray(means), np.asarray(outputs), np.asarray(losses)
    for lane, training in asked.items():
        _, y = training.held_out
        scores = scoring.mean_score(outputs[lane], losses[lane], y)
        probe = None
        if seen and training.probed:
            targets = scoring.one_hot(training.probed[1], outputs.shape[-1])
            probe = probes.values(jax.tree.map(operator.itemgetter(lane), seen), targets)
        curves[lane].add(means[lane], *scores, probe)
        training.observer.epoch()
    return outputs


def _on_device(spec: Spec, rows: Sequence[Rows]) -> tuple[Any, Any]:
    """Put features and one-hot classes on the device, stacked unless all lanes see the same."""
    import jax.numpy as jnp

    n_classes = networks.N_CLASSES[spec.dataset]
    if data.alike(spec):
        x, y = rows[0]
        return jnp.asarray(x), jnp.asarray(scoring.one_hot(y, n_classes))
    features = np.stack([x for x, _ in rows])
    targets = np.stack([scoring.one_hot(y, n_classes) for _, y in rows])
    return jnp.asarray(features), jnp.asarray(targets)


def _stack(states: Sequence[epochs.State]) -> epochs.State:
    import jax
    import jax.numpy as jnp

    return jax.tree.map(lambda *values: jnp.stack(values), *states)
