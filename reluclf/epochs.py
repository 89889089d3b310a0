"""Whole epochs in one call of JAX, for one network or for several that differ in their seed alone.

Keras trains a batch a call, and for networks as small as these the way from Python to an
accelerator takes longer than the batch. Here ``lax.scan`` runs Keras's own ``train_step`` over the
batches of an epoch, on data that are on the device. What is compiled is kept for all runs of a
network: they bring their variables, and take them away again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any

#: Rows that are evaluated at once; it bounds memory.
EVALUATION_BATCH = 500

#: Networks whose compiled functions are kept.
_KEPT = 16

#: All that training changes: weights, the dropout generators, and the optimiser's variables; and
#: the metrics, which every batch finds as they are here, at zero. (Were they constants of the
#: program, XLA would round a batch's mean loss otherwise than it does for ``train_on_batch``.)
State = tuple[list[Any], list[Any], list[Any], list[Any]]


class Program:
    """The training and the evaluation of a network, as functions of its variables.

    Parameters
    ----------
    model : keras.Model
        Compiled, on JAX. It lends its layers and its optimiser; its variables are not looked at.
    loss : callable
        From one-hot targets and outputs, both of shape (n, k), to losses of shape (n,).
    """

    def __init__(self, model: Any, loss: Callable[[Any, Any], Any]) -> None:
        import numpy as np

        self._model = model
        self._loss = loss
        # Makes the metrics' variables; Keras would in the first step, too late for a trace.
        model.compute_metrics(None, *[np.zeros((1, model.output_shape[1]), np.float32)] * 2)
        model.reset_metrics()
        self._metrics = [variable.value for variable in model.metrics_variables]

    def train(self, state: State, x: Any, targets: Any, order: Any, size: int) -> tuple[State, Any]:
        """Train on all the batches of an epoch, the last of which may be smaller.

        Parameters
        ----------
        state : State
        x : array of float32, shape (n, d)
        targets : array of float32, shape (n, k)
            One-hot true classes.
        order : array of int32, shape (m,)
            Row numbers, in the order they are trained on.
        size : int
            Rows of a batch.

        Returns
        -------
        (State, array of float32, shape (batches, 2))
            The new state; mean loss and accuracy of each batch.
        """
        import jax.numpy as jnp
        from jax import lax

        def step(state: State, rows: Any) -> tuple[State, Any]:
            data = x[rows], targets[rows], None
            logs, (*learnt, _) = self._model.train_step(state, data)
            return (*learnt, state[-1]), jnp.stack([logs["loss"], logs["categorical_accuracy"]])

        whole = len(order) // size * size
        state, means = lax.scan(step, state, order[:whole].reshape(whole // size, size))
        if whole < len(order):
            state, last = step(state, order[whole:])
            means = jnp.concatenate([means, last[None]])
        return state, means

    def evaluate(self, state: State, x: Any, targets: Any) -> tuple[Any, Any]:
        """The outputs, dropout off, of shape (n, k), and the loss of each row, of shape (n,)."""
        import jax.numpy as jnp
        from jax import lax

        weights, generators, *_ = state

        def outputs(rows: Any) -> Any:
            return self._model.stateless_call(weights, generators, rows, training=False)[0]

        whole = len(x) // EVALUATION_BATCH * EVALUATION_BATCH
        found = lax.map(outputs, x[:whole].reshape(-1, min(EVALUATION_BATCH, len(x)), x.shape[1]))
        found = found.reshape(whole, targets.shape[1])
        if whole < len(x):
            found = jnp.concatenate([found, outputs(x[whole:])])
        return found, self._loss(targets, found)

    def state(self, model: Any) -> State:
        """What a model of this network has learnt so far."""
        weights, generators, slots = (
            [variable.value for variable in part] for part in _parts(model)
        )
        return weights, generators, slots, self._metrics

    @functools.cached_property
    def alone(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """:meth:`train` and :meth:`evaluate`, compiled."""
        import jax

        return jax.jit(self.train, static_argnums=4), jax.jit(self.evaluate)

    @functools.cached_property
    def together(self) -> dict[bool, tuple[Callable[..., Any], Callable[..., Any]]]:
        """The same for several networks at once, compiled: by whether they share their rows.

        States and orders, and all that is returned, have one more axis, the first; rows and targets
        have it unless they are shared.
        """
        import jax

        def of(axis: int | None) -> tuple[Callable[..., Any], Callable[..., Any]]:
            def train(
                state: State, x: Any, targets: Any, order: Any, size: int
            ) -> tuple[State, Any]:
                each = functools.partial(self.train, size=size)
                return jax.vmap(each, (0, axis, axis, 0))(state, x, targets, order)

            return jax.jit(train, static_argnums=4), jax.jit(
                jax.vmap(self.evaluate, (0, axis, axis))
            )

        return {True: of(None), False: of(0)}


_programs: dict[Hashable, Program] = {}


def program(network: Hashable, model: Any, loss: Callable[[Any, Any], Any]) -> Program:
    """The program of a network: the one that is kept, else one made of this model."""
    found = _programs.pop(network, None) or Program(model, loss)
    _programs[network] = found
    while len(_programs) > _KEPT:
        _programs.pop(next(iter(_programs)))  # the one that has not been asked for the longest
    return found


def _parts(model: Any) -> tuple[list[Any], list[Any], list[Any]]:
    return model.trainable_variables, model.non_trainable_variables, model.optimizer.variables


def assign(model: Any, state: State) -> None:
    """Give a model what was learnt in its place."""
    for part, values in zip(_parts(model), state[:3], strict=True):
        for variable, value in zip(part, values, strict=True):
            variable.assign(value)


def on_accelerator() -> bool:
    """Whether JAX computes on an accelerator."""
    import jax

    return jax.default_backend() != "cpu"


def attach(model: Any, program: Program) -> None:
    """Give a model the methods ``train_on_batches`` and ``evaluate_rows``, each one call of JAX.

    The first has the interface it has on TensorFlow; the second takes features and targets, and
    returns outputs of shape (n, k) and losses of shape (n,).
    """
    train, evaluate = program.alone

    def train_on_batches(x: Any, targets: Any, order: Any, size: int) -> Any:
        learnt, means = train(program.state(model), x, targets, order.astype("int32"), size)
        assign(model, learnt)
        return means

    model.train_on_batches = train_on_batches
    model.evaluate_rows = lambda x, targets: evaluate(program.state(model), x, targets)
