"""What is asked of an accelerator, in one go of five minutes: its bits, its precision, its speed, and a run that is killed.

``.ci/device-check`` calls it on a machine that may have nothing but JAX; ``make bench GPU=n`` takes its
measuring part. Unless ``RELUCLF_DATA`` says where the images are, they are made up: speed does not depend on them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reluclf import data, epochs, networks, paths, protocols, sources
from reluclf.campaign import accelerator, lanes, progress, runtime, training
from reluclf.spec import Spec, grid
from reluclf.store import Store

#: The widths that are compared with one seed at a time.
WIDTHS = (accelerator.WIDTH, 2 * accelerator.WIDTH)

#: The largest relative error of a product that float32 may have; TF32 has a hundred times as much.
FLOAT32 = 1e-5

_SIDE = 2048


class Clock:
    """Observes when epochs end."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def epoch(self) -> None:
        self.times.append(time.perf_counter())

    def fold(self, state: protocols.State) -> None:
        pass


def network(architecture: str, seed: int = 1, **fields: Any) -> Spec:
    """A run of MNIST that is measured."""
    of = {"dataset": "mnist", "architecture": architecture, "head": "relu", "protocol": "carried", "folds": 1}
    return Spec(**of | fields, seed=seed)


def pace(spec: Spec, width: int) -> float:
    """Epochs a second of a run that is under way, of all seeds together, with the scoring of the rows held out."""
    clock = Clock()
    specs = [spec.model_copy(update={"seed": seed}) for seed in range(1, width + 1)]
    if width == 1:
        protocols.run(specs[0], clock)
    else:
        dict(lanes.run(specs, [clock, *[None] * (width - 1)], [None] * width, width))
    return width / statistics.median(np.diff(clock.times[1:]))  # in the first one it is compiled


def paces(specs: Sequence[Spec], widths: Sequence[int], say: Callable[[str], None] = print) -> dict[str, dict[int, float]]:
    """Epochs a second of each network, by how many seeds are trained in one program; the first width is what the others are compared with."""
    found: dict[str, dict[int, float]] = {}
    for spec in specs:
        rates = found[spec.architecture.upper()] = {}
        for width in widths:
            rates[width] = pace(spec, width)
            ratio = rates[width] / rates[widths[0]]
            say(f"{spec}, {width} at once: {rates[width]:.2f} epochs a second, {ratio:.2f} times {widths[0]} at a time")
    return found


def measured_networks(epochs: int, samples: int | None = None) -> list[Spec]:
    """The networks whose paces are measured."""
    return [network(architecture, epochs=epochs, samples=samples) for architecture in ("ffnn", "cnn")]


def tables(processes: int, epochs: int = 32, folds: int = 10, samples: int | None = None) -> dict[str, float]:
    """Tables 3 to 8 once, in so many processes: how many epochs these are, and the seconds they took once the processes were there."""
    of = {"dataset": ["mnist", "fashion_mnist"], "architecture": ["ffnn", "cnn"], "head": ["relu", "softmax"]}
    specs = grid(**of, protocol="carried", seed=1, epochs=epochs, folds=folds, samples=samples)
    warm = grid(dataset="wdbc", architecture="ffnn", head="relu", protocol="carried", seed=range(1, processes + 1), epochs=1, folds=1)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        training.train_missing(warm, store, processes, width=1)
        started = time.perf_counter()
        training.train_missing(specs, store, processes, width=1)  # one seed of each has no use for lanes
        return {"epochs": sum(map(progress.epochs, specs)), "seconds": time.perf_counter() - started}


def speed(processes: int) -> dict[str, Any]:
    """Measure how fast the accelerator of Keras's backend is, as :class:`reluclf.bench.Accelerator` keeps it.

    Raises
    ------
    BackendError
        If the backend computes on the processor.
    """
    runtime.configure(threads=1)
    backend = runtime.backend()
    found = {"device": runtime.on_accelerator(), "backend": backend, "versions": runtime.versions(backend)}
    found |= {"precision": accelerator.precision(), "deterministic": accelerator.deterministic(backend)}
    widths = (1, *WIDTHS) if backend == "jax" else (1,)
    rates = paces(measured_networks(8), widths, lambda text: print(text, file=sys.stderr))
    return found | {"paces": rates, "processes": processes} | tables(processes)


def bits(architecture: str, width: int, samples: int) -> bool:
    """Whether a run comes out the same, bit for bit, in another lane, in other company, and a second time."""
    specs = [network(architecture, seed, epochs=2, samples=samples) for seed in range(1, width + 1)]

    def measured(group: Sequence[Spec]) -> str:
        outcomes = dict(lanes.run(group, [None] * len(group), [None] * len(group), width))
        outcome = outcomes[group.index(specs[0])]
        return repr((outcome.folds[0].model_copy(update={"seconds": 0}), outcome.test))

    return len({measured(group) for group in (specs, specs, specs[::-1], specs[:1])}) == 1


def errors() -> dict[str, float]:
    """Relative errors: of a product and a convolution on the device against float64, and of an epoch's losses against the processor's."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(_SIDE, _SIDE)).astype(np.float32) for _ in range(2))
    image, kernel = rng.normal(size=(64, 16, 16, 32)).astype(np.float32), rng.normal(size=(3, 3, 32, 64)).astype(np.float32)
    patches = np.lib.stride_tricks.sliding_window_view(image.astype(np.float64), (3, 3), axis=(1, 2))
    exact = {"product": a.astype(np.float64) @ b, "convolution": np.einsum("nhwckl,klcf->nhwf", patches, kernel, optimize=True)}
    convolve = jax.jit(lambda x, k: jax.lax.conv_general_dilated(x, k, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")))
    got = {"product": jax.jit(jnp.matmul)(a, b), "convolution": convolve(image, kernel)}
    found = {name: float(np.abs(np.asarray(got[name]) - exact[name]).max() / np.abs(exact[name]).max()) for name in exact}
    spec = network("ffnn")
    n = 8 * spec.batch_size
    x, targets = rng.normal(size=(n, 256)).astype(np.float32), protocols.one_hot(rng.integers(0, 10, n), 10)
    model = networks.build(spec, 1)
    program = networks.program(spec, model)
    losses = []
    for place in (jax.devices()[0], jax.devices("cpu")[0]):
        arguments = jax.device_put((program.state(model), x, targets, np.arange(n, dtype=np.int32)), place)
        losses.append(np.asarray(program.alone[0](*arguments, spec.batch_size)[1])[:, 0])
    return found | {"losses": float(np.abs(losses[0] / losses[1] - 1).max())}


#: A process that trains two seeds in two lanes of a program, and is killed.
_KILLED = """
import json, sys
from pathlib import Path
from reluclf.campaign import device
device.together(json.loads(sys.argv[1]), Path(sys.argv[2]))
"""


def together(fields: Sequence[dict[str, Any]], folder: Path) -> None:
    """Train these specs together, as a worker does."""
    runtime.configure(threads=1)
    with contextlib.nullcontext() if paths.user_data() else made_up():
        for spec, _, failure in training.train_together([Spec(**of) for of in fields], Store(folder), accelerator.WIDTH):
            if failure:
                raise training.CampaignError(f"{spec} failed: {failure}")


def resumed(samples: int, epochs: int = 4) -> bool:
    """Whether two seeds that are killed after a fold, and taken up again, have the records of two that were not."""
    specs = [network("ffnn", seed, epochs=epochs, folds=6, samples=samples) for seed in (1, 2)]
    fields = [spec.model_dump() for spec in specs]
    with tempfile.TemporaryDirectory() as folder:
        stores = [Store(Path(folder) / name) for name in ("killed", "undisturbed")]
        marks = [stores[0].unfinished(spec, "checkpoint") for spec in specs]
        command = [sys.executable, "-c", _KILLED, json.dumps(fields), str(stores[0].folder)]
        path = os.pathsep.join([str(paths.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}) as process:
            while process.poll() is None and not all(mark.exists() for mark in marks):
                time.sleep(0.01)
            process.kill()
        if process.returncode != -signal.SIGKILL or stores[0].missing(specs) != specs:
            raise training.CampaignError("the run that was to be killed ended by itself; give it more epochs.")
        for store in stores:
            together(fields, store.folder)
        return all(stores[0].read(spec).measured() == stores[1].read(spec).measured() for spec in specs)


@contextlib.contextmanager
def made_up() -> Iterator[None]:
    """In the place of the published images, noisy patterns of the same shape and number, the same every time."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 200, (10, 28, 28))

    def noisy(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(n) % 10
        return (patterns[labels] + rng.integers(0, 56, (n, 28, 28))).astype(np.uint8), labels.astype(np.uint8)

    images, published = sources.Images(*noisy(data.N_SET_ASIDE + 55_000), *noisy(10_000)), sources.load_images
    sources.load_images = lambda dataset: images
    try:
        yield
    finally:
        sources.load_images = published


def main(arguments: Sequence[str]) -> int:
    """Ask everything, print it as it comes, write it to a file, and return 1 if an answer is not what it must be.

    Parameters
    ----------
    arguments : sequence of str
        The file; optionally how many training images are used, for a try on a processor.
    """
    file, samples = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else None
    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:4.0f} s  {what}", flush=True)

    runtime.configure(threads=1)
    found: dict[str, Any] = {
        "device": runtime.device("jax"),
        "versions": runtime.versions("jax"),
        "precision": accelerator.precision(),
        "deterministic": accelerator.deterministic("jax"),
    }
    few = min(samples or 4_000, 4_000)
    # On a processor convolutions in a loop take many times as long.
    measured = [spec for spec in measured_networks(8 if samples is None else 4, samples) if spec.architecture != "cnn" or epochs.on_accelerator()]
    published = paths.user_data() is not None
    with contextlib.nullcontext() if published else made_up():
        found["images"] = "published" if published else "made up"
        say(f"{found['device']}; images: {found['images']}")
        steps: dict[str, Callable[[], Any]] = {
            "errors": errors,
            "bits": lambda: {spec.architecture.upper(): bits(spec.architecture, accelerator.WIDTH, few) for spec in measured},
            "resumed": lambda: resumed(few),
            "paces": lambda: paces(measured, (1, *WIDTHS), say),
            "tables": lambda: tables(4 if published else 1, 32 if samples is None else 1, 10 if samples is None else 1, samples),
        }
        for name, step in steps.items():
            found[name] = step()
            say(f"{name}: {found[name]}")
            file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")  # what is known, should time run out
    float32 = accelerator.precision() != "float32" or max(found["errors"]["product"], found["errors"]["convolution"]) < FLOAT32
    passed = {"float32": float32, "bits": all(found["bits"].values()), "resumed": found["resumed"]}
    say(", ".join(f"{name}: {'as it must be' if well else 'NOT as it must be'}" for name, well in passed.items()))
    return 0 if all(passed.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
