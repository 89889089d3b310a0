"""An accelerator: who finds it and who not, what it is held to, how much it is given at once."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from reluclf import paths

#: Seeds that JAX trains in one program on an accelerator.
WIDTH = 8

#: Processes that share an accelerator: with lanes one computes while the other prepares; without,
#: each waits for Python most of the time.
WITH_LANES, WITHOUT_LANES = 2, 8

#: The precisions that ``RELUCLF_PRECISION`` may ask for, and JAX's names. TF32 keeps 10 of the 23
#: bits of a float32 product's operands, and on recent NVIDIA cards it is what both frameworks
#: compute with unless they are told otherwise.
PRECISIONS = {"float32": "highest", "tf32": "tensorfloat32"}

#: Files that tell a system with an accelerator: NVIDIA's, NVIDIA's under WSL, AMD's, a TPU's.
_FILES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd", "/dev/accel0")

#: Backends that can be held to one order of their sums.
_HELD = ("tensorflow", "jax")

#: Seconds that a framework may take to look for one.
_PATIENCE = 300


class SettingError(ValueError):
    """A variable of the environment whose value is not allowed; the message says which are."""


def precision() -> str:
    """Say what ``RELUCLF_PRECISION`` asks for, by default ``float32``.

    Raises
    ------
    SettingError
        If it is neither of the two that there are.
    """
    return _chosen("RELUCLF_PRECISION", "float32", PRECISIONS)


def deterministic(backend: str) -> bool:
    """Say whether an accelerator is held to kernels that add in the same order every time.

    It is, unless ``RELUCLF_DETERMINISTIC=0``, but not by PyTorch.
    """
    return _chosen("RELUCLF_DETERMINISTIC", "1", ("0", "1")) == "1" and backend in _HELD


def _chosen(name: str, default: str, allowed: tuple[str, ...] | dict[str, str]) -> str:
    value = os.environ.get(name) or default
    if value not in allowed:
        raise SettingError(f"{name}={value} is not allowed; {' and '.join(allowed)} are.")
    return value


def hold(backend: str) -> dict[str, str | None]:
    """Hold a framework to precision and kernels; call it before the import, and :func:`held` after.

    A processor has one precision and order, and computes the same with these settings as without.

    Returns
    -------
    dict of str to str or None
        Variables of the environment that were changed, as they were.
    """
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(paths.user_cache() / "compiled"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")
    precision()  # what is not allowed is refused before anything is imported
    one_order = deterministic(backend)
    if backend == "jax" and one_order and _may_be_here():
        given = os.environ.get("XLA_FLAGS")
        os.environ["XLA_FLAGS"] = " ".join(
            filter(None, [given, "--xla_gpu_deterministic_ops=true"])
        )
        return {"XLA_FLAGS": given}
    return {}


def held(backend: str, given: Mapping[str, str | None]) -> None:
    """Do the rest of :func:`hold`, then put back what was ``given`` in the environment."""
    if backend == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", PRECISIONS[precision()])
        if given:
            jax.devices()
            for name, value in given.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
    elif backend == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            tf.config.experimental.enable_tensor_float_32_execution(precision() == "tf32")
            if deterministic(backend):
                tf.config.experimental.enable_op_determinism()
    else:
        import torch

        torch.set_float32_matmul_precision("highest" if precision() == "float32" else "high")
        torch.backends.cudnn.allow_tf32 = precision() == "tf32"


class Found(NamedTuple):
    """What a framework answers: the name of its accelerator, or None and its own reason."""

    device: str | None
    reason: str


#: What a new process runs to find out; the framework's own words go to stderr.
_ASK = """
import sys
from reluclf.campaign import runtime
name = sys.argv[1]
print("device:", runtime.device(name))
if name == "jax":
    import jax
    jax.devices("gpu")
"""


@functools.cache
def ask(backend: str) -> Found:
    """Ask a framework which accelerator it finds, in a process that then gives its memory back."""
    if importlib.util.find_spec(backend) is None:
        return Found(None, f"the package {backend} is not installed")
    loud = os.environ | {
        "TF_CPP_MIN_LOG_LEVEL": "0",
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join(_path()),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-c", _ASK, backend],
            env=loud,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return Found(None, f"{backend} did not answer in {_PATIENCE} seconds")
    device = re.search(r"^device: (.*)$", done.stdout, re.MULTILINE)
    if device and not device[1].startswith("CPU"):
        return Found(device[1], "")
    return Found(None, _hindrance() or reason(done.stderr) or f"{backend} does not say why")


def _hindrance() -> str:
    """Say what keeps every framework from an accelerator; '' if that is not known."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return f"CUDA_VISIBLE_DEVICES={os.environ['CUDA_VISIBLE_DEVICES']} hides every GPU"
    if sys.platform == "linux" and not _may_be_here():
        return "this machine has none, or no driver of it: there is no " + ", no ".join(_FILES)
    return ""


def _path() -> list[str]:
    return [str(paths.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]


def reason(log: str) -> str:
    """Find the line of a framework's log that says why it computes on the processor, or ''."""
    lines = [
        re.sub(r"^.*?\] |^\w*(Error|Warning): |^[WEI]\w*:.*?: ", "", line).strip()
        for line in log.splitlines()
    ]
    telling = [
        line
        for line in lines
        if re.search(r"\b(cuda|gpu|cuInit|dlopen|ROCm)", line, re.IGNORECASE)
        and "rebuild" not in line
    ]
    return telling[-1] if telling else ""


def here(backend: str) -> bool:
    """Whether the backend finds an accelerator; it is asked only where the system has one."""
    return _may_be_here() and ask(backend).device is not None


def _may_be_here() -> bool:
    return any(Path(file).exists() for file in _FILES)


def lanes(backend: str, local: bool = True) -> int:
    """Say how many seeds a program trains at once; 1 is one at a time.

    That is ``RELUCLF_LANES``, else :data:`WIDTH` for JAX on an accelerator. Where the programs will
    not run on this machine (``local``), only the variable counts.

    Raises
    ------
    SettingError
        If the variable is no whole number from 1 to 256, or the backend is not JAX.
    """
    text = os.environ.get("RELUCLF_LANES", "")
    if not text:
        return WIDTH if local and backend == "jax" and here(backend) else 1
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 256):
        raise SettingError(
            f"RELUCLF_LANES={text} is not allowed; it is a whole number from 1 to 256."
        )
    if int(text) > 1 and backend != "jax":
        raise SettingError(
            f"RELUCLF_LANES={text} needs Keras's backend jax, not {backend}; "
            "set KERAS_BACKEND=jax, or unset RELUCLF_LANES."
        )
    return int(text)


def processes(backend: str, width: int) -> int:
    """Choose the processes of a campaign: one a core, or as many as share an accelerator well."""
    import joblib

    if not here(backend):
        return joblib.cpu_count()
    return min(joblib.cpu_count(), WITH_LANES if width > 1 else WITHOUT_LANES)
