"""The surroundings of a run: set before the framework starts, and described in the record."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import platform
import re
import threading
from collections.abc import Iterator
from datetime import datetime

from reluclf import data, paths
from reluclf.campaign import accelerator, checkout, surroundings
from reluclf.record import Provenance
from reluclf.spec import Spec

#: The modules that decide what a run gives.
_DECISIVE = (
    "spec.py",
    "data.py",
    "losses.py",
    "heads.py",
    "epochs.py",
    "networks.py",
    "scoring.py",
    "probes.py",
    "fitting.py",
    "protocols.py",
    "campaign/lanes.py",
)

_LIBRARIES = ("keras", "numpy", "scikit-learn", "scipy")
_BACKENDS = {"tensorflow": "tensorflow", "jax": "jaxlib", "torch": "torch"}


#: File descriptor 2 is the whole process's: a worker of a cluster may have several threads.
_STDERR = threading.Lock()

#: Keras's backends, by the names that ``KERAS_BACKEND`` takes.
BACKENDS = tuple(_BACKENDS)


#: Variables that say how many threads TensorFlow and the libraries of linear algebra may have.
THREADS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


class BackendError(RuntimeError):
    """A backend that Keras lacks, or whose package is missing; the message has the remedy."""


def backend() -> str:
    """Return the backend that ``KERAS_BACKEND`` names, by default TensorFlow.

    Raises
    ------
    BackendError
        If there is no such backend, or its package is not installed.
    """
    name = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if name not in BACKENDS:
        raise BackendError(f"KERAS_BACKEND={name} is not allowed; {', '.join(BACKENDS)} are.")
    if importlib.util.find_spec(name) is None:
        other = "unset KERAS_BACKEND to train with TensorFlow, or " if name != "tensorflow" else ""
        raise BackendError(
            f"Keras's backend {name} needs the package {name}, which is not installed; "
            f"{other}install it with: pip install {name}."
        )
    return name


def configure(threads: int, on: str = "") -> None:
    """Set the process up for training, and import Keras: call it before that is done.

    It gets the given number of threads, no log lines, and nothing of the user's settings.

    A single run gains nothing from a second thread on a CPU, so a campaign gives each of its
    processes one.

    Parameters
    ----------
    threads : int
        Threads within an operation, and between operations; 0 leaves the choice to the framework.
        JAX cannot be told.
    on : str
        Keras's backend; by default that of :func:`backend`.

    Raises
    ------
    BackendError
        As :func:`backend` does.
    SurroundingsError
        If a framework was loaded before, in surroundings that change what it computes.
    SettingError
        If a variable of the environment asks for a precision that there is not.
    """
    os.environ["KERAS_BACKEND"] = on or backend()
    surroundings.ignore()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ.setdefault(
        "TF_FORCE_GPU_ALLOW_GROWTH", "true"
    )  # several processes share a card; each would take all of its memory
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    for variable in THREADS:
        os.environ.pop(variable, None)
        if threads:
            os.environ[variable] = str(threads)
    given = accelerator.hold(os.environ["KERAS_BACKEND"])
    with _no_stderr():
        surroundings.import_keras()
        accelerator.held(os.environ["KERAS_BACKEND"], given)


def provenance(spec: Spec, started: datetime) -> Provenance:
    """Describe the surroundings of a run that begins here; its seconds are to be added."""
    import keras

    backend = keras.backend.backend()
    commit, modified = _checkout()
    where = device(backend)
    return Provenance(
        started=started,
        seconds=0.0,
        commit=commit,
        modified=modified,
        code=code_digest(),
        versions=versions(backend),
        backend=backend,
        device=where,
        threads=0 if backend == "jax" else int(os.environ.get("TF_NUM_INTRAOP_THREADS", 0)),
        data=data.checksums(spec.dataset),
        precision="float32" if where.startswith("CPU") else accelerator.precision(),
        deterministic=None if where.startswith("CPU") else accelerator.deterministic(backend),
    )


def versions(backend: str) -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide what a run gives, by name."""
    libraries = (*_LIBRARIES, _BACKENDS[backend])
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in libraries
    }


@functools.cache
def code_digest() -> str:
    """Digest the modules that decide what a run gives: SHA-256.

    As they were when it was first asked for: later edits this process does not run.
    """
    digest = hashlib.sha256()
    for name in _DECISIVE:
        digest.update(
            (paths.ROOT / "reluclf" / name).read_bytes().replace(b"\r\n", b"\n")
        )  # as git may have it on Windows
    return digest.hexdigest()


def device(backend: str) -> str:
    """Name the accelerator that the backend computes on, or the processor."""
    name = None
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        name = (
            tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
            if gpus
            else None
        )
    elif backend == "jax":
        import jax

        name = jax.devices()[0].device_kind if jax.default_backend() != "cpu" else None
    elif backend == "torch":
        import keras
        import torch

        place = keras.ops.convert_to_tensor(
            0.0
        ).device  # Keras chooses among CUDA, Apple's and others, and can be told to
        name = (
            None
            if place.type == "cpu"
            else torch.cuda.get_device_name(place)
            if place.type == "cuda"
            else str(place)
        )
    return (name or f"CPU, {processor()}") + surroundings.told()


def on_accelerator() -> str:
    """Name the accelerator that Keras's backend computes on.

    Raises
    ------
    BackendError
        If it computes on the processor.
    """
    import keras

    found = device(keras.backend.backend())
    if found.startswith("CPU"):
        raise BackendError(
            f"Keras's backend {keras.backend.backend()} finds no accelerator; "
            "make gpu installs what it needs for one of NVIDIA's, and says why."
        )
    return found


@contextlib.contextmanager
def _no_stderr() -> Iterator[None]:
    """Drop what is written to file descriptor 2, as by TensorFlow's libraries while they load."""
    with _STDERR:
        saved = os.dup(2)
        try:
            with open(os.devnull, "wb") as nothing:
                os.dup2(nothing.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def processor() -> str:
    """Name the processor, on Linux with its generation and instruction set.

    The name alone will not do: two that are both called "AMD EPYC" can round differently, and a run
    made again on the other parts from its record.
    """
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return described(file.read())
    except (OSError, KeyError):
        return platform.processor() or platform.machine()


def described(cpuinfo: str) -> str:
    """Say in brief what Linux tells of its first processor; KeyError if it is none of x86."""
    told = dict(
        re.split(r"\s*:\s*", line, maxsplit=1)
        for line in cpuinfo.strip().split("\n\n")[0].splitlines()
        if ":" in line
    )
    flags = told["flags"].split()
    widest = next(
        (
            name
            for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX"))
            if flag in flags
        ),
        "SSE",
    )
    return f"{told['model name']} (family {told['cpu family']}, model {told['model']}, {widest})"


@functools.cache
def _checkout() -> tuple[str | None, bool]:
    """The commit, and whether the package differs from it, as :func:`code_digest`."""
    return checkout.commit() or None, checkout.modified("reluclf")
