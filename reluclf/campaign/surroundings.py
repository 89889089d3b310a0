"""The user's surroundings, which must change nothing that is computed or drawn.

What comes from outside (a variable, a configuration file, a home folder) and would change a number
or a figure is ignored, set, or told in the record. This module says which, and why.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from reluclf import paths

#: Variables that are taken away before a framework starts, with what each would change: the records
#: were made with the frameworks' own defaults.
IGNORED = {
    "TF_ENABLE_ONEDNN_OPTS": "how TensorFlow rounds on a processor",
    "TF_DISABLE_MKL": "how TensorFlow rounds on a processor",
    "ONEDNN_MAX_CPU_ISA": "how TensorFlow rounds on a processor",
    "DNNL_MAX_CPU_ISA": "how TensorFlow rounds on a processor",
    "ONEDNN_DEFAULT_FPMATH_MODE": "the precision of TensorFlow on a processor",
    "DNNL_DEFAULT_FPMATH_MODE": "the precision of TensorFlow on a processor",
    "TF_XLA_FLAGS": "what TensorFlow compiles, and so its random numbers and how it rounds",
    "TF_ENABLE_AUTO_MIXED_PRECISION": "the precision of TensorFlow on a GPU",
    "NVIDIA_TF32_OVERRIDE": "the precision of all frameworks on a GPU",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "the precision of PyTorch on a GPU",
    "JAX_ENABLE_X64": "the precision of JAX",
    "JAX_DEFAULT_DTYPE_BITS": "the precision of JAX",
    "JAX_DEFAULT_MATMUL_PRECISION": "the precision of JAX",
    "JAX_DEFAULT_PRNG_IMPL": "the random numbers of JAX",
    "JAX_THREEFRY_PARTITIONABLE": "the random numbers of JAX",
    "JAX_DISABLE_JIT": "how JAX rounds",
    "JAX_DEBUG_NANS": "whether JAX goes on where a loss is not finite",
    "JAX_DEBUG_INFS": "whether JAX goes on where a loss is not finite",
    "KERAS_MAX_EPOCHS": "how long Keras trains",
    "KERAS_MAX_STEPS_PER_EPOCH": "how long Keras trains",
    "KERAS_NNX_ENABLED": "what Keras's layers are on JAX",
}

#: Variables that a cluster may need, or that were read when NumPy was loaded; a record names those
#: that are set beside its device, and a campaign says so.
TOLD = (
    "OPENBLAS_CORETYPE",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "XLA_FLAGS",
)

_FRAMEWORKS = ("tensorflow", "jax", "torch")


class SurroundingsError(RuntimeError):
    """Surroundings that would change a number; the message names them and the remedy."""


def refuse_another_checkout() -> None:
    """Refuse to work in one checkout of the book with the package of another.

    An environment that was copied with its checkout, or serves two of them, has the package of the
    first: it would read and write the first one's records.

    Raises
    ------
    SurroundingsError
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "reluclf" / "paths.py").is_file() and (
            folder / "book" / "paper.yml"
        ).is_file():
            if not folder.samefile(paths.ROOT):
                raise SurroundingsError(
                    f"you are in the checkout {folder}, but this reluclf is that of {paths.ROOT}; "
                    f"in {folder}, delete .venv if make made it elsewhere, "
                    "or run: pip install --no-deps --editable ."
                )
            return


def have_a_home() -> None:
    """Set ``HOME`` where the system knows neither the user nor a home, as in some containers.

    Jupyter and matplotlib end without one; what they keep goes where temporary files go.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = tempfile.gettempdir()


def ignore() -> None:
    """Take the variables of :data:`IGNORED` away; call it before a framework is imported.

    Raises
    ------
    SurroundingsError
        If a framework is loaded already, under one of them.
    """
    given = [name for name in IGNORED if name in os.environ]
    loaded = [name for name in _FRAMEWORKS if name in sys.modules]
    if given and loaded:
        raise SurroundingsError(
            f"{loaded[0]} was loaded under {given[0]}={os.environ[given[0]]}, "
            f"which changes {IGNORED[given[0]]}; unset {given[0]} and start again."
        )
    for name in given:
        del os.environ[name]
    if os.environ.pop("PYTHONWARNINGS", ""):
        warnings.simplefilter("default")  # a library's warning would otherwise end a run


def told() -> str:
    """Say what a record adds to its device's name: the variables of :data:`TOLD` that are set."""
    return "".join(f"; {name}={os.environ[name]}" for name in TOLD if os.environ.get(name))


def import_keras() -> None:
    """Import Keras as it is without a ``keras.json`` of the user's, which changes every number."""
    with contextlib.ExitStack() as stack:
        if "keras" not in sys.modules:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="reluclf-keras-"))
            stack.enter_context(environment({"KERAS_HOME": home}))
        import keras
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


def of_kernel(folder: Path) -> dict[str, str]:
    """Return the variables that keep the user's own settings out of a chapter's kernel.

    Parameters
    ----------
    folder : Path
        Is made, and becomes the kernel's IPython folder.
    """
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(
        "c = get_config()\n"
        "c.IPKernelApp.log_level = 'CRITICAL'\n"
        "c.HistoryManager.enabled = False\n",
        encoding="utf-8",
    )
    python_path = [str(paths.ROOT), os.environ.get("PYTHONPATH", "")]
    variables = {
        "PYTHONPATH": os.pathsep.join(filter(None, python_path)),
        "PYTHONSTARTUP": "",  # a kernel runs that file, which may change what is printed
        "PYTHONOPTIMIZE": "",  # at 2 functions have no docstrings
        "PYTHONWARNINGS": "",  # with "error" a library's warning would end a run
        "PYTHONUTF8": "1",  # text files are UTF-8, whatever the locale
        "IPYTHONDIR": str(folder),
        "JUPYTER_PATH": "",  # the kernel is this Python's, not another one of that name
        "JUPYTER_PREFER_ENV_PATH": "1",
        # With another one a page has no figures.
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": str(_matplotlib(folder)),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    # A kernel starts in another folder.
    if paths.user_data() is not None:
        variables["RELUCLF_DATA"] = str(paths.user_data())
    if os.environ.get("RELUCLF_RESULTS"):
        variables["RELUCLF_RESULTS"] = str(paths.new_results())
    return variables


def _matplotlib(folder: Path) -> Path:
    """Find a folder for matplotlib's list of fonts; without one, the page would say so."""
    kept = paths.user_cache() / "matplotlib"
    try:
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=kept):
            return kept
    except OSError:
        return folder / "matplotlib"


@contextlib.contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
