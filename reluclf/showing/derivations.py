"""Losses differentiated by the frameworks: what each makes of 0/0; whether a formula is right."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from reluclf import paths
from reluclf.campaign.runtime import BackendError
from reluclf.files import write_atomically
from reluclf.losses import guarded, verbatim
from reluclf.showing import origins

_K = 10  # classes

#: The backends of Keras whose answers are asked for, with their names on the page; each is the name
#: of a module too. The last has its answers from ``make original``.
BACKENDS = {
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "torch": "PyTorch",
    "tensorflow1": "TensorFlow",
}

#: Rows of logits whose first class is the true one: what a ReLU makes of them is all zeros, or zero
#: for the true class only.
ZERO_ROWS = {"all outputs 0": [-1.0] * _K, "true class 0, others not": [-1.0] + [1.0] * (_K - 1)}

#: The losses that are asked for, and how a page names them.
_LOSSES = {guarded: "guarded loss", verbatim: "Keras's own loss"}

#: Differentiates a function of a row, at that row: its value and its gradient, as arrays.
Differentiate = Callable[[Callable[[Any], Any], np.ndarray], tuple[np.ndarray, np.ndarray]]


def answers(backend: str) -> list[dict[str, str]]:
    """Ask one backend what it makes of :data:`ZERO_ROWS`, in a Python process of its own.

    Parameters
    ----------
    backend : {"tensorflow", "jax", "torch"}

    Returns
    -------
    list of dict
        Backend, its version and Keras's, how the loss was run, the loss, the row, the loss's value,
        and its largest gradient with respect to the outputs and, through the ReLU, to the logits,
        as text; a value that is not finite as ``NaN``. Measured on the processor.
    """
    surroundings = {
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    code = (
        "import json; from reluclf.showing import derivations as d; print(json.dumps(d._answers()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=paths.ROOT,
        env=os.environ | surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:  # a process that is killed says nothing
        said = [f"exit status {done.returncode}", *done.stderr.strip().splitlines()]
        raise BackendError(
            f"{backend} gave no answers ({said[-1]}); install it anew, or remove it, and try again."
        )
    return json.loads(done.stdout.splitlines()[-1])


def _answers() -> list[dict[str, str]]:
    import keras

    backend = keras.backend.backend()
    versions = {
        "backend": backend,
        "version": importlib.metadata.version(backend),
        "keras": keras.__version__,
    }
    targets = keras.ops.convert_to_tensor(np.eye(_K, dtype="float32")[[0]])
    found = []
    for mode, differentiate in _MODES[backend]().items():
        for loss in _LOSSES:
            for row, logits in ZERO_ROWS.items():
                z = np.array([logits], "float32")
                of_outputs = functools.partial(loss, targets)
                value, to_logits = differentiate(functools.partial(_through_relu, of_outputs), z)
                _, to_outputs = differentiate(of_outputs, np.maximum(z, 0))
                answer = {
                    "value": f"{value.max():.3f}".replace("nan", "NaN"),
                    "outputs": _largest(to_outputs),
                    "logits": _largest(to_logits),
                }
                found.append(versions | {"mode": mode, "loss": loss.__name__, "row": row} | answer)
    return found


def _through_relu(loss: Callable[[Any], Any], logits: Any) -> Any:
    import keras

    return loss(keras.ops.relu(logits))


def _largest(gradient: np.ndarray) -> str:
    return f"{np.abs(gradient).max():.3g}".replace("nan", "NaN")


def _tensorflow() -> dict[str, Differentiate]:
    import tensorflow as tf

    def compiled(compiler: Any) -> Differentiate:
        def differentiate(function: Any, row: np.ndarray) -> Any:
            def both(x: Any) -> Any:
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    value = function(x)
                return value, tape.gradient(value, x)

            return [np.asarray(tensor) for tensor in compiler(both)(tf.constant(row))]

        return differentiate

    return {
        "eager": compiled(lambda function: function),
        "graph": compiled(tf.function(jit_compile=False)),
        "XLA": compiled(tf.function(jit_compile=True)),
    }


def _jax() -> dict[str, Differentiate]:
    import jax

    def compiled(compiler: Any) -> Differentiate:
        def differentiate(function: Any, row: np.ndarray) -> Any:
            both = compiler(jax.value_and_grad(lambda x: function(x).sum()))
            return [np.asarray(array) for array in both(row)]

        return differentiate

    return {"eager": compiled(lambda function: function), "XLA": compiled(jax.jit)}


def _torch() -> dict[str, Differentiate]:
    import torch

    def differentiate(function: Any, row: np.ndarray) -> Any:
        x = torch.tensor(row, requires_grad=True)
        value = function(x)
        value.sum().backward()
        return value.detach().numpy(), x.grad.numpy()

    return {"eager": differentiate}


#: The ways to run each backend.
_MODES = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


def measure_zero_rows() -> list[str]:
    """Ask each backend that is installed, and return their names.

    Their answers go into :data:`reluclf.paths.ZERO_ROWS`, where those of the others stay.
    """
    installed = [backend for backend in BACKENDS if importlib.util.find_spec(backend)]
    by_backend = {
        backend: [answer for answer in _measured() if answer["backend"] == backend]
        for backend in BACKENDS
    }
    by_backend |= {backend: answers(backend) for backend in installed}
    found = [answer for backend in BACKENDS for answer in by_backend[backend]]
    lines = ",\n".join(f" {json.dumps(answer)}" for answer in found)
    write_atomically(paths.ZERO_ROWS, f"[\n{lines}\n]\n".encode())
    return installed


def _measured() -> list[dict[str, str]]:
    """Read the answers that there are."""
    file = paths.ZERO_ROWS
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


@origins.traced
def zero_rows() -> pd.DataFrame:
    """Show what each framework makes of rows with zero outputs: a row for each way to run it."""
    titles = {loss.__name__: title for loss, title in _LOSSES.items()}
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for answer in _measured():
        name = f"{BACKENDS[answer['backend']]} {answer['version'].partition('+')[0]}"
        row = rows.setdefault((name, answer["mode"]), {"framework": name, "run": answer["mode"]})
        told = "; ".join(answer[what] for what in ("value", "outputs", "logits"))
        row[f"{titles[answer['loss']]}, {answer['row']}"] = told
    return pd.DataFrame(rows.values())


def differentiated(loss: Any, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differentiate a loss of logits in float64, automatically and by central differences.

    Parameters
    ----------
    loss : callable
        From tensors of float64 of shape (1, k) to losses of shape (1,).
    logits : ndarray of float64, shape (k,)

    Returns
    -------
    automatic, numerical : ndarray of float64, shape (k,)
    """
    import keras

    def value(row: np.ndarray) -> float:
        tensor = keras.ops.convert_to_tensor(row[None], dtype="float64")
        return float(keras.ops.convert_to_numpy(loss(tensor))[0])

    step = 1e-7  # small against the smallest output, so that the kinks at 0 are not crossed
    differentiate = next(iter(_MODES[keras.backend.backend()]().values()))
    with _double_precision():
        _, automatic = differentiate(loss, logits[None])
        numerical = [
            (value(logits + part) - value(logits - part)) / (2 * step)
            for part in step * np.eye(len(logits))
        ]
    return automatic[0], np.array(numerical)


def _double_precision() -> contextlib.AbstractContextManager[Any]:
    """Where float64 is what it says: JAX makes it float32 unless it is told otherwise."""
    import keras

    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.enable_x64(True)
