"""Several seeds of one experiment in one program of JAX, each in a lane of its own.

A network as small as these leaves most of an accelerator idle. The program has a fixed number of
lanes, and those that no run has are filled up: so what a run gives depends on the width, by
rounding, but neither on the lane it has nor on the runs beside it, and a rerun at that width gives
it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from reluclf import data, epochs, networks, protocols
from reluclf.protocols import Curves, Observer, Outcome, State, Trained, Training
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
    lanes = [
        asked.get(lane, some) for lane in range(width)
    ]  # an idle lane repeats another, and is not looked at
    program = networks.program(spec, some.model)
    train, evaluate = program.together[data.alike(spec)]
    rows, held_out = (
        _on_device(spec, [getattr(lane, part) for lane in lanes]) for part in ("train", "held_out")
    )
    learnt = _stack([program.state(lane.model) for lane in lanes])
    curves = {lane: Curves(training.state) for lane, training in asked.items()}
    sizes = [min(spec.batch_size, n - start) for start in range(0, n, spec.batch_size)]

    def note(means: Any, outputs: Any, losses: Any) -> np.ndarray:
        means, outputs, losses = map(np.asarray, (means, outputs, losses))
        for lane, training in asked.items():
            scores = protocols.means(outputs[lane], losses[lane], training.held_out[1])
            curves[lane].add(means[lane], sizes, scores)
            training.observer.epoch()
        return outputs

    under_way: Any = None
    for epoch in range(spec.epochs):
        orders = {
            id(lane): protocols.batch_order(lane.spec, lane.number, epoch, n) for lane in lanes
        }
        stacked = np.stack([orders[id(lane)] for lane in lanes]).astype(np.int32)
        learnt, means = train(learnt, *rows, stacked, spec.batch_size)
        if under_way:  # the device is at this epoch already while the last one is noted here
            note(*under_way)
        under_way = means, *evaluate(learnt, *held_out)
    outputs = note(*under_way)
    for lane, training in asked.items():
        epochs.assign(training.model, jax.tree.map(lambda values, lane=lane: values[lane], learnt))
    return {lane: (*curves[lane].done(), outputs[lane]) for lane in asked}


def _on_device(spec: Spec, rows: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[Any, Any]:
    """Features and one-hot classes on the device: once if all lanes see the same, else stacked."""
    import jax.numpy as jnp

    n_classes = networks.N_CLASSES[spec.dataset]
    if data.alike(spec):
        (x, y), *_ = rows
        return jnp.asarray(x), jnp.asarray(protocols.one_hot(y, n_classes))
    features, targets = zip(*((x, protocols.one_hot(y, n_classes)) for x, y in rows), strict=True)
    return jnp.asarray(np.stack(features)), jnp.asarray(np.stack(targets))


def _stack(states: Sequence[epochs.State]) -> epochs.State:
    import jax
    import jax.numpy as jnp

    return jax.tree.map(lambda *values: jnp.stack(values), *states)
