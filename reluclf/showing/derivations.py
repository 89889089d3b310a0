"""The derivations of the method chapter, checked against the code that is trained with, and what each framework makes of 0/0."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd

from reluclf import paths
from reluclf.campaign.runtime import BackendError
from reluclf.files import write_atomically
from reluclf.losses import guarded, verbatim
from reluclf.showing import origins

_K = 10  # classes


#: The backends of Keras whose answers are asked for, with their names on the page and the module that must be installed.
#: The last has its answers from ``make original``.
BACKENDS = {
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "torch": "PyTorch",
    "tensorflow1": "TensorFlow",
}

#: Rows of logits whose first class is the true one: what a ReLU makes of them is all zeros, or zero for the true class only.
ZERO_ROWS = {"all outputs 0": [-1.0] * _K, "true class 0, others not": [-1.0] + [1.0] * (_K - 1)}


def answers(backend: str) -> list[dict[str, str]]:
    """What one backend makes of each of :data:`ZERO_ROWS`, measured on the processor in a Python process of its own.

    Parameters
    ----------
    backend : {"tensorflow", "jax", "torch"}

    Returns
    -------
    list of dict
        Backend, its version and Keras's, how the loss was run, the loss, the row, the loss's value, and its largest gradient with respect to the
        outputs and, through the ReLU, to the logits, as text; a value that is not finite as ``NaN``.
    """
    surroundings = {
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    code = "import json; from reluclf.showing import derivations; print(json.dumps(derivations._answers()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=paths.ROOT,
        env=os.environ | surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = [f"exit status {done.returncode}", *done.stderr.strip().splitlines()][
            -1
        ]  # one that is killed says nothing
        raise BackendError(
            f"{backend} gave no answers ({why}); install it anew, or remove it, and try again."
        )
    return json.loads(done.stdout.splitlines()[-1])


def _answers() -> list[dict[str, str]]:
    import importlib.metadata

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
        for loss in (guarded, verbatim):
            for row, logits in ZERO_ROWS.items():
                z = np.array([logits], "float32")
                value, of_logits = differentiate(
                    lambda z, loss=loss: loss(targets, keras.ops.relu(z)), z
                )
                _, of_outputs = differentiate(
                    lambda r, loss=loss: loss(targets, r), np.maximum(z, 0)
                )
                answer = {
                    "value": f"{value.max():.3f}".replace("nan", "NaN"),
                    "outputs": _largest(of_outputs),
                    "logits": _largest(of_logits),
                }
                found.append(versions | {"mode": mode, "loss": loss.__name__, "row": row} | answer)
    return found


def _largest(gradient: np.ndarray) -> str:
    return f"{np.abs(gradient).max():.3g}".replace("nan", "NaN")


# Each gives, for the ways to run its backend, a function from a function of a row and that row to value and gradient, as arrays.


def _tensorflow() -> dict[str, Any]:
    import tensorflow as tf

    def run(compiled: Any) -> Any:
        def differentiate(function, row):
            def both(x):
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    value = function(x)
                return value, tape.gradient(value, x)

            return [np.asarray(tensor) for tensor in compiled(both)(tf.constant(row))]

        return differentiate

    compilers = {
        "eager": lambda f: f,
        "graph": tf.function(jit_compile=False),
        "XLA": tf.function(jit_compile=True),
    }
    return {mode: run(compiler) for mode, compiler in compilers.items()}


def _jax() -> dict[str, Any]:
    import jax

    def run(compiled: Any) -> Any:
        def differentiate(function, row):
            return [
                np.asarray(array)
                for array in compiled(jax.value_and_grad(lambda x: function(x).sum()))(row)
            ]

        return differentiate

    return {"eager": run(lambda f: f), "XLA": run(jax.jit)}


def _torch() -> dict[str, Any]:
    import torch

    def differentiate(function, row):
        x = torch.tensor(row, requires_grad=True)
        value = function(x)
        value.sum().backward()
        return value.detach().numpy(), x.grad.numpy()

    return {"eager": differentiate}


_MODES = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


def measure_zero_rows() -> list[str]:
    """Ask each backend that is installed, put its answers into :data:`reluclf.paths.ZERO_ROWS`, where the others' stay; return their names."""
    file = paths.ZERO_ROWS
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    installed = [backend for backend in BACKENDS if importlib.util.find_spec(backend)]
    by_backend = {
        backend: [answer for answer in kept if answer["backend"] == backend] for backend in BACKENDS
    }
    by_backend |= {backend: answers(backend) for backend in installed}
    lines = ",\n".join(
        f" {json.dumps(answer)}" for backend in BACKENDS for answer in by_backend[backend]
    )
    write_atomically(file, f"[\n{lines}\n]\n".encode())
    return installed


#: How a page names the losses that are asked for.
_LOSSES = {"guarded": "guarded loss", "verbatim": "Keras's own loss"}


@origins.traced
def zero_rows() -> pd.DataFrame:
    """What each framework makes of rows with zero outputs, from :data:`reluclf.paths.ZERO_ROWS`: a row for each way to run it, as text."""
    measured = (
        json.loads(paths.ZERO_ROWS.read_text(encoding="utf-8")) if paths.ZERO_ROWS.is_file() else []
    )
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for answer in measured:
        name = f"{BACKENDS[answer['backend']]} {answer['version'].partition('+')[0]}"
        row = rows.setdefault((name, answer["mode"]), {"framework": name, "run": answer["mode"]})
        row[f"{_LOSSES[answer['loss']]}, {answer['row']}"] = (
            f"{answer['value']}; {answer['outputs']}; {answer['logits']}"
        )
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
