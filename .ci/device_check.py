"""What is asked of an accelerator in five minutes: precision, bits, a run that is killed, speed.

``make device-check`` calls it, and it needs no more than JAX and what :mod:`reluclf.campaign`
imports. Unless ``RELUCLF_DATA`` says where the images are, they are made up: speed does not depend
on them. Usage: device_check.py RESULT.json [number of training images, for a try on a processor]
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reluclf import Spec, data, epochs, first, networks, paths, scoring, sources
from reluclf.campaign import accelerator, lanes, pace, runtime, worker
from reluclf.store import Store

#: The largest relative error of a product that float32 may have; TF32 has a hundred times as much.
FLOAT32 = 1e-5

_SIDE = 2048


def network(architecture: str, seed: int = 1, **fields: Any) -> Spec:
    """Name a run of MNIST that something is asked of."""
    fields = {"folds": 1} | fields
    return Spec(
        dataset="mnist",
        architecture=architecture,
        head="relu",
        protocol="carried",
        seed=seed,
        **fields,
    )


def products() -> dict[str, float]:
    """Measure the relative errors of a product and a convolution, against float64."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, _SIDE, _SIDE)).astype(np.float32)
    images = rng.normal(size=(64, 16, 16, 32)).astype(np.float32)
    kernel = rng.normal(size=(3, 3, 32, 64)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(images.astype(float), (3, 3), axis=(1, 2))
    exact_product = a.astype(float) @ b
    exact_convolution = np.einsum("nhwckl,klcf->nhwf", windows, kernel, optimize=True)
    layout = ("NHWC", "HWIO", "NHWC")
    convolution = jax.lax.conv_general_dilated(
        images, kernel, (1, 1), "VALID", dimension_numbers=layout
    )
    return {
        "product": _error(jnp.matmul(a, b), exact_product),
        "convolution": _error(convolution, exact_convolution),
    }


def _error(found: Any, exact: np.ndarray) -> float:
    return float(np.abs(np.asarray(found) - exact).max() / np.abs(exact).max())


def losses() -> float:
    """Measure how far the losses of a few batches are from those that the processor computes."""
    import jax

    spec = network("ffnn")
    rng = np.random.default_rng(0)
    n = 8 * spec.batch_size
    x = rng.normal(size=(n, 256)).astype(np.float32)
    targets = scoring.one_hot(rng.integers(0, 10, n), 10)
    order = np.arange(n, dtype=np.int32)
    model = networks.build(spec, 1)
    program = networks.program(spec, model)
    train, _ = program.alone
    found = []
    for place in (jax.devices()[0], jax.devices("cpu")[0]):
        arguments = jax.device_put((program.state(model), x, targets, order), place)
        _, means = train(*arguments, spec.batch_size)
        found.append(np.asarray(means)[:, 0])
    return float(np.abs(found[0] / found[1] - 1).max())


def bits(architecture: str, samples: int) -> bool:
    """Try whether a run gives the same bits in another lane, in other company, and once more."""
    width = accelerator.WIDTH
    specs = [network(architecture, seed, epochs=2, samples=samples) for seed in first(width)]
    groups = (specs, specs, specs[::-1], specs[:1])
    return len({_measured(group, specs[0], width) for group in groups}) == 1


def _measured(group: Sequence[Spec], spec: Spec, width: int) -> str:
    """Train a group in lanes; return what one of its runs measured."""
    outcomes = dict(lanes.run(group, [None] * len(group), [None] * len(group), width))
    outcome = outcomes[group.index(spec)]
    return repr((outcome.folds[0].model_copy(update={"seconds": 0}), outcome.test))


def resumed(samples: int) -> bool:
    """Try whether seeds that are killed and taken up again have the records of others."""
    specs = [network("ffnn", seed, epochs=4, folds=6, samples=samples) for seed in first(2)]
    with tempfile.TemporaryDirectory() as folder:
        killed, undisturbed = Store(Path(folder) / "killed"), Store(Path(folder) / "undisturbed")
        fields = json.dumps([spec.model_dump() for spec in specs])
        command = [sys.executable, __file__, "--train", str(killed.folder), fields]
        with subprocess.Popen(command) as process:
            checkpoints = [killed.unfinished(spec, "checkpoint") for spec in specs]
            while process.poll() is None and not all(file.exists() for file in checkpoints):
                time.sleep(0.01)
            process.kill()
        if process.returncode != -signal.SIGKILL or killed.missing(specs) != specs:
            raise worker.CampaignError(
                "the run that was to be killed ended by itself; give it more epochs."
            )
        together(specs, killed)
        together(specs, undisturbed)
        pairs = [(killed.read(spec), undisturbed.read(spec)) for spec in specs]
        return all(one.measured() == other.measured() for one, other in pairs)


def together(specs: Sequence[Spec], store: Store) -> None:
    """Train these specs in one program, as a worker does."""
    for spec, _, failure in worker.train_together(specs, store, accelerator.WIDTH):
        if failure:
            raise worker.CampaignError(f"{spec} failed: {failure}")


@contextlib.contextmanager
def images() -> Iterator[str]:
    """Put noisy patterns in the place of the published images, where these are not to be had."""
    if paths.user_data():
        yield "published"
        return
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 200, (10, 28, 28))
    train, test = np.arange(data.N_SET_ASIDE + 55_000) % 10, np.arange(10_000) % 10
    noisy = [
        (patterns[labels] + rng.integers(0, 56, (len(labels), 28, 28))).astype(np.uint8)
        for labels in (train, test)
    ]
    made = sources.Images(noisy[0], train.astype(np.uint8), noisy[1], test.astype(np.uint8))
    published = sources.load_images
    sources.load_images = lambda dataset: made
    try:
        yield "made up"
    finally:
        sources.load_images = published


def main(file: Path, samples: int | None) -> int:
    """Ask everything, print and write it as it comes; return 1 if an answer is not as it must be.

    Parameters
    ----------
    file : Path
    samples : int or None
        How many training images are used, for a try on a processor; there a CNN is left out, for
        convolutions in a loop take many times as long.
    """
    began = time.perf_counter()
    found: dict[str, Any] = {}

    def note(name: str, answer: Any) -> None:
        found[name] = answer
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"{time.perf_counter() - began:4.0f} s  {name}: {json.dumps(answer)}", flush=True)

    few = min(samples or 4_000, 4_000)
    asked = pace.networks(8 if samples is None else 4, samples)
    if not epochs.on_accelerator():
        asked = [spec for spec in asked if spec.architecture != "cnn"]
    with images() as which:
        note("device", runtime.device("jax"))
        note("images", which)
        note("versions", runtime.versions("jax"))
        note("precision", accelerator.precision())
        note("deterministic", accelerator.deterministic("jax"))
        note("errors", products() | {"losses": losses()})
        note("bits", {spec.architecture: bits(spec.architecture, few) for spec in asked})
        note("resumed", resumed(few))
        note("paces", pace.paces(asked, (1, *pace.WIDTHS), print))
        if samples is None:
            note("tables", pace.tables(4 if which == "published" else 1))
        else:
            note("tables", pace.tables(1, epochs=1, folds=1, samples=samples))
    errors = found["errors"]
    precise = max(errors["product"], errors["convolution"]) < FLOAT32
    passed = {
        "precision": precise or accelerator.precision() != "float32",
        "bits": all(found["bits"].values()),
        "resumed": found["resumed"],
    }
    note("passed", passed)
    return 0 if all(passed.values()) else 1


if __name__ == "__main__":
    runtime.configure(threads=1)
    if sys.argv[1] == "--train":
        _, _, to, asked_for = sys.argv
        with images():
            together([Spec(**fields) for fields in json.loads(asked_for)], Store(Path(to)))
    else:
        sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None))
