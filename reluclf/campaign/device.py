"""What is asked of an accelerator in five minutes: bits, precision, speed, a run that is killed.

``.ci/device-check`` calls it on a machine that may have nothing but JAX; ``make bench GPU=n`` takes
its measuring part. Unless ``RELUCLF_DATA`` says where the images are, they are made up: speed does
not depend on them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reluclf import data, epochs, networks, paths, protocols, sources
from reluclf.campaign import accelerator, lanes, pace, runtime, training
from reluclf.campaign.pace import network
from reluclf.spec import Spec
from reluclf.store import Store

#: The largest relative error of a product that float32 may have; TF32 has a hundred times as much.
FLOAT32 = 1e-5

_SIDE = 2048


def bits(architecture: str, width: int, samples: int) -> bool:
    """Try whether a run gives the same bits in another lane, in other company, and once more."""
    specs = [network(architecture, seed, epochs=2, samples=samples) for seed in range(1, width + 1)]

    def measured(group: Sequence[Spec]) -> str:
        outcomes = dict(lanes.run(group, [None] * len(group), [None] * len(group), width))
        outcome = outcomes[group.index(specs[0])]
        return repr((outcome.folds[0].model_copy(update={"seconds": 0}), outcome.test))

    return len({measured(group) for group in (specs, specs, specs[::-1], specs[:1])}) == 1


def errors() -> dict[str, float]:
    """Measure relative errors.

    Of a product and a convolution on the device against float64, and of the losses of a few batches
    against the processor's.
    """
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(_SIDE, _SIDE)).astype(np.float32) for _ in range(2))
    image, kernel = (
        rng.normal(size=(64, 16, 16, 32)).astype(np.float32),
        rng.normal(size=(3, 3, 32, 64)).astype(np.float32),
    )
    patches = np.lib.stride_tricks.sliding_window_view(
        image.astype(np.float64), (3, 3), axis=(1, 2)
    )
    exact = {
        "product": a.astype(np.float64) @ b,
        "convolution": np.einsum("nhwckl,klcf->nhwf", patches, kernel, optimize=True),
    }
    convolve = jax.jit(
        lambda x, k: jax.lax.conv_general_dilated(
            x, k, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    )
    got = {"product": jax.jit(jnp.matmul)(a, b), "convolution": convolve(image, kernel)}
    found = {
        name: float(np.abs(np.asarray(got[name]) - exact[name]).max() / np.abs(exact[name]).max())
        for name in exact
    }
    spec = network("ffnn")
    n = 8 * spec.batch_size
    x, targets = (
        rng.normal(size=(n, 256)).astype(np.float32),
        protocols.one_hot(rng.integers(0, 10, n), 10),
    )
    model = networks.build(spec, 1)
    program = networks.program(spec, model)
    losses = []
    for place in (jax.devices()[0], jax.devices("cpu")[0]):
        arguments = jax.device_put(
            (program.state(model), x, targets, np.arange(n, dtype=np.int32)), place
        )
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
        for spec, _, failure in training.train_together(
            [Spec(**of) for of in fields], Store(folder), accelerator.WIDTH
        ):
            if failure:
                raise training.CampaignError(f"{spec} failed: {failure}")


def resumed(samples: int, epochs: int = 4) -> bool:
    """Try whether seeds that are killed and taken up again have the records of others."""
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
            raise training.CampaignError(
                "the run that was to be killed ended by itself; give it more epochs."
            )
        for store in stores:
            together(fields, store.folder)
        return all(
            stores[0].read(spec).measured() == stores[1].read(spec).measured() for spec in specs
        )


@contextlib.contextmanager
def made_up() -> Iterator[None]:
    """Put noisy patterns in the place of the published images, the same every time."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 200, (10, 28, 28))

    def noisy(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(n) % 10
        return (patterns[labels] + rng.integers(0, 56, (n, 28, 28))).astype(
            np.uint8
        ), labels.astype(np.uint8)

    images, published = (
        sources.Images(*noisy(data.N_SET_ASIDE + 55_000), *noisy(10_000)),
        sources.load_images,
    )
    sources.load_images = lambda dataset: images  # type: ignore[assignment]
    try:
        yield
    finally:
        sources.load_images = published


def main(arguments: Sequence[str]) -> int:
    """Ask everything, print and write it as it comes; return 1 if an answer is not as it must be.

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
    measured = [
        spec
        for spec in pace.networks(8 if samples is None else 4, samples)
        if spec.architecture != "cnn" or epochs.on_accelerator()
    ]
    published = paths.user_data() is not None
    with contextlib.nullcontext() if published else made_up():
        found["images"] = "published" if published else "made up"
        say(f"{found['device']}; images: {found['images']}")
        steps: dict[str, Callable[[], Any]] = {
            "errors": errors,
            "bits": lambda: {
                spec.architecture.upper(): bits(spec.architecture, accelerator.WIDTH, few)
                for spec in measured
            },
            "resumed": lambda: resumed(few),
            "paces": lambda: pace.paces(measured, (1, *pace.WIDTHS), say),
            "tables": lambda: pace.tables(
                4 if published else 1,
                32 if samples is None else 1,
                10 if samples is None else 1,
                samples,
            ),
        }
        for name, step in steps.items():
            found[name] = step()
            say(f"{name}: {found[name]}")
            file.write_text(
                json.dumps(found, indent=1) + "\n", encoding="utf-8"
            )  # what is known, should time run out
    float32 = (
        accelerator.precision() != "float32"
        or max(found["errors"]["product"], found["errors"]["convolution"]) < FLOAT32
    )
    passed = {"float32": float32, "bits": all(found["bits"].values()), "resumed": found["resumed"]}
    say(
        ", ".join(
            f"{name}: {'as it must be' if well else 'NOT as it must be'}"
            for name, well in passed.items()
        )
    )
    return 0 if all(passed.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
