"""How fast it all is: what ``make bench`` measured, as the appendix shows it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict, Field

from reluclf import paths
from reluclf.showing import figures

#: What is asked of the machine at hand: campaign over the paper's own way, seconds of the book, seconds of the index of 10,000 records.
BARS = {"ratio": 1.8, "book": 60.0, "index": 1.0}

NOT_MEASURED = "not measured"

Times = tuple[float, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Machine(_Part):
    """Where it was measured; ``busy`` is the share of its cores that others' work had at the start."""

    processor: str
    cores: int
    memory: float
    system: str
    versions: dict[str, str]
    busy: float


class Training(_Part):
    """Wall times in seconds, from when the processes are up to the last record.

    Attributes
    ----------
    runs : tuple of str
        The specs that are trained the paper's own way; with w workers, each as often as ``copies[w]`` says, with other seeds.
    epochs : int
        Epochs of each run.
    fit : tuple of float
        The paper's own way, once in every repetition.
    campaign : dict of int to tuple of float
        The campaign, by the number of its workers, once in every repetition.
    """

    runs: tuple[str, ...]
    rows: int
    epochs: int
    fit: Times
    copies: dict[int, int]
    campaign: dict[int, Times]

    def rate(self, workers: int | None = None) -> list[float]:
        """Epochs a second in every repetition: of the paper's own way, or of the campaign with so many workers."""
        n = len(self.runs) * self.epochs * (1 if workers is None else self.copies[workers])
        return [n / seconds for seconds in (self.fit if workers is None else self.campaign[workers])]

    def ratio(self, workers: int) -> list[float]:
        """Throughput of the campaign over that of the paper's own way, in every repetition."""
        return [ours / theirs for ours, theirs in zip(self.rate(workers), self.rate(), strict=True)]


class Pace(_Part):
    """Seconds of an epoch once a run is under way, with the scoring of the held-out rows: without what a run begins and ends with.

    Attributes
    ----------
    fit : dict of str to tuple of float
        The paper's own way, by network, once in every repetition.
    campaign : dict of str to tuple of float
        In one of ``processes`` at once, by network, once in every repetition.
    """

    fit: dict[str, Times]
    campaign: dict[str, Times]
    processes: int

    def ratio(self) -> list[float]:
        """Throughput of the campaign's processes over that of the paper's own way, over an epoch of each network, in every repetition."""
        ways = (zip(*way.values(), strict=True) for way in (self.fit, self.campaign))
        return [self.processes * sum(theirs) / sum(ours) for theirs, ours in zip(*ways, strict=True)]


class Efficiency(_Part):
    """One thread at work on batches of 256.

    Attributes
    ----------
    peak : tuple of float
        Single-precision FLOP/s of a product of two large matrices, once in every repetition.
    flops : dict of str to float
        Floating-point operations of one training batch, by network.
    batch, call : dict of str to tuple of float
        Seconds a batch, by network, once in every repetition: one batch a call of the framework, and several.
    """

    peak: Times
    flops: dict[str, float]
    batch: dict[str, Times]
    call: dict[str, Times]

    def share(self, network: str, way: Literal["batch", "call"]) -> list[float]:
        """Achieved FLOP/s as a share of the peak, in every repetition."""
        return [self.flops[network] / seconds / peak for seconds, peak in zip(getattr(self, way)[network], self.peak, strict=True)]


class Cluster(_Part):
    """A campaign on a Dask cluster of local workers, against the same in local processes: how many of its records are the same."""

    workers: int
    records: int
    same: int
    seconds: float


class Book(_Part):
    """A clean build of the HTML book; ``memory`` is the peak of all its processes together, in GB; the rest is in seconds, by chapter."""

    seconds: float
    memory: float
    chapters: dict[str, float]
    first_table: dict[str, float]


class Reading(_Part):
    """The store: seconds to index so many made-up records, and to find and read those of one experiment; and to read all the real ones."""

    sizes: tuple[int, ...]
    index: Times
    query: Times
    committed: int
    read_all: float


class Accelerator(_Part):
    """Tables 3 to 8 once on an accelerator: all their runs, several at a time, and for comparison a few epochs in one process."""

    device: str
    backend: str
    processes: int
    epochs: int
    seconds: float
    alone_epochs: int
    alone_seconds: float


class Result(_Part):
    """All that ``make bench`` measured."""

    format: Literal[1] = 1
    started: datetime
    seconds: float
    machine: Machine
    training: Training
    pace: Pace
    efficiency: Efficiency
    cluster: Cluster
    book: Book
    store: Reading
    accelerator: Accelerator | None = Field(default=None)


def read(file: Path | None = None) -> Result | None:
    """The result in a file, by default the committed one; None if there is none."""
    file = file or paths.BENCH
    return Result.model_validate_json(file.read_bytes()) if file.is_file() else None


def operations(model: Any) -> tuple[float, float]:
    """Floating-point operations on one row, forward and in training, counted from a model's layers.

    A dense layer from m to n units takes 2 m n; a convolution with k x k kernels from c to d channels, whose output has h x w places, takes
    2 k² c d h w. Call the sum over the layers F. Training also needs the gradient with respect to every layer's weights, F again, and to every
    layer's input but the first's, F - F₁; so it takes 3 F - F₁. What is linear in the number of units (biases, activations, dropout, pooling) and
    the optimiser's step are not counted.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    (float, float)
    """
    counts = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Dense":
            counts.append(2 * int(np.prod(layer.kernel.shape)))
        elif kind == "Conv2D":
            counts.append(2 * int(np.prod(layer.kernel.shape)) * int(np.prod(layer.output.shape[1:3])))
    return float(sum(counts)), float(3 * sum(counts) - counts[0])


def spread(values: Sequence[float], digits: int = 2, scale: float = 1.0) -> str:
    """Repeated measurements as text: the median, the smallest and the largest, and how many."""
    low, middle, high = (f"{scale * value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} [{low}, {high}] (n = {len(values)})"


def table(result: Result | None) -> pd.DataFrame:
    """What was measured, row by row, as text, with the bar where there is one."""
    if result is None:
        return pd.DataFrame([{"what": "everything", "measured": NOT_MEASURED, "bar": ""}])
    training, efficiency, book, store = result.training, result.efficiency, result.book, result.store
    most = max(training.campaign)
    rows = [
        ("cores busy with other work at the start, %", f"{100 * result.machine.busy:.0f}", ""),
        ("epochs a second, the paper's own way", spread(training.rate()), ""),
        *((f"epochs a second, campaign, {_n(workers, 'worker')}", spread(training.rate(workers)), "") for workers in sorted(training.campaign)),
        (
            f"campaign with {_n(most, 'worker')} over the paper's own way",
            spread(training.ratio(most)),
            _bar(f"≥ {BARS['ratio']}", statistics.median(training.ratio(most)) >= BARS["ratio"]),
        ),
        ("the same once runs are under way, an epoch of each network", spread(result.pace.ratio()), ""),
        ("peak of one core, GFLOP/s", spread(efficiency.peak, 0, 1e-9), ""),
    ]
    for network in efficiency.flops:
        rows.append((f"{network}, share of the peak, %", spread(efficiency.share(network, "call"), 0, 100), ""))
        rows.append((f"{network}, the same with one batch a call, %", spread(efficiency.share(network, "batch"), 0, 100), ""))
    cluster = result.cluster
    rows += [
        (
            f"records of a Dask cluster of {cluster.workers} that are the same",
            f"{cluster.same} of {cluster.records}",
            _bar("all", cluster.same == cluster.records),
        ),
        ("clean build of the book, s", f"{book.seconds:.0f}", _bar(f"≤ {BARS['book']:.0f}", book.seconds <= BARS["book"])),
        ("its peak memory, GB", f"{book.memory:.1f}", ""),
        *(
            (f"chapter {name}: run in the build, and alone to its first table, s", f"{t:.1f}; {book.first_table[name]:.1f}", "")
            for name, t in book.chapters.items()
        ),
        (f"index of {store.sizes[-1]:,} records, s", f"{store.index[-1]:.2f}", _bar(f"≤ {BARS['index']:.0f}", store.index[-1] <= BARS["index"])),
        (f"the same for {store.sizes[0]:,}, s", f"{store.index[0]:.3f}", ""),
        (f"one experiment of {store.sizes[-1]:,} records found and read, s", f"{store.query[-1]:.2f}", ""),
        (f"the {store.committed:,} records committed then, read and checked, s", f"{store.read_all:.2f}", ""),
    ]
    accelerator = result.accelerator
    if accelerator is None:
        rows += [("Tables 3 to 8 on a GPU, minutes", NOT_MEASURED, ""), ("epochs a second on a GPU, over one process", NOT_MEASURED, "")]
    else:
        rate, alone = accelerator.epochs / accelerator.seconds, accelerator.alone_epochs / accelerator.alone_seconds
        where = f"{accelerator.device}, {accelerator.backend}, {_n(accelerator.processes, 'process', 'es')}"
        rows += [
            (f"Tables 3 to 8 on {where}, minutes", f"{accelerator.seconds / 60:.1f}", ""),
            ("epochs a second there, and over one process", f"{rate:.1f}; {rate / alone:.2f}", ""),
        ]
    return pd.DataFrame(rows, columns=["what", "measured", "bar"]).replace({"bar": {"": "–"}})


def _bar(asked: str, met: bool) -> str:
    return f"{asked}: {'met' if met else 'missed'}"


def facts(result: Result | None) -> dict[str, str]:
    """What the appendix's prose says of a result, by the names it is glued under."""
    if result is None:
        return {f"appendices_speed_{name}": f"({NOT_MEASURED})" for name in ("minutes", "machine", "rows", "epochs", "workers", "ratio", "pace")}
    training, machine = result.training, result.machine
    most = max(training.campaign)
    hardware = f"{machine.processor}, {_n(machine.cores, 'core')}, {machine.memory:.0f} GB"
    libraries = ", ".join(f"{name} {machine.versions[name]}" for name in ("tensorflow", "keras", "numpy") if name in machine.versions)
    return {
        "appendices_speed_minutes": f"{result.seconds / 60:.0f}",
        "appendices_speed_machine": f"{hardware} ({libraries}), on {result.started:%d %B %Y}",
        "appendices_speed_rows": f"{training.rows:,}",
        "appendices_speed_epochs": str(training.epochs),
        "appendices_speed_workers": str(most),
        "appendices_speed_ratio": spread(training.ratio(most)),
        "appendices_speed_pace": spread(result.pace.ratio()),
    }


def figure(result: Result | None) -> Figure:
    """Throughput against workers; each network's share of the peak; the store's growth."""
    drawn, (left, middle, right) = plt.subplots(1, 3, figsize=(figures.WIDTH, 2.6))
    if result is None:
        middle.set_title(NOT_MEASURED)
        return drawn
    training, efficiency, store = result.training, result.efficiency, result.store
    workers = sorted(training.campaign)
    ours = np.array([training.rate(n) for n in workers])
    theirs = training.rate()
    left.plot(workers, np.median(ours[0]) * np.array(workers), ":", color="#777777", label="in proportion")
    _ranges(left, workers, ours, figures.COLOURS["fresh"], "D-", "campaign")
    _ranges(left, [1], [theirs], figures.COLOURS["carried"], "s", "the paper's own way")
    left.set(xlabel="workers", ylabel="epochs a second", xticks=workers, ylim=(0, None))
    left.legend(fontsize=7)
    networks = list(efficiency.flops)
    for way, mark, colour, shift, label in (
        ("batch", "s", figures.COLOURS["carried"], -0.12, "one batch a call"),
        ("call", "D", figures.COLOURS["fresh"], 0.12, "several"),
    ):
        shares = 100 * np.array([efficiency.share(network, way) for network in networks])
        _ranges(middle, np.arange(len(networks)) + shift, shares, colour, mark, label)
    middle.set(xticks=range(len(networks)), xlim=(-0.5, len(networks) - 0.5), ylim=(0, 100), ylabel="share of the peak, %")
    middle.set_xticklabels(networks)
    middle.legend(fontsize=7, loc="lower right")
    for seconds, mark, colour, label in (
        (store.index, "D-", figures.COLOURS["fresh"], "index"),
        (store.query, "s--", figures.COLOURS["carried"], "query"),
    ):
        right.plot(store.sizes, seconds, mark, color=colour, markersize=4, label=label)
    right.set(xlabel="records", ylabel="seconds", xlim=(0, None), ylim=(0, None))
    right.legend(fontsize=7, loc="lower right")
    return drawn


def _ranges(axes: Any, x: Sequence[float], repetitions: Sequence[Sequence[float]], colour: str, mark: str, label: str) -> None:
    middle = np.median(repetitions, axis=1)
    errors = [middle - np.min(repetitions, axis=1), np.max(repetitions, axis=1) - middle]
    axes.errorbar(x, middle, yerr=errors, fmt=mark, color=colour, capsize=3, markersize=4, label=label)


def _n(n: int, what: str, plural: str = "s") -> str:
    return f"{n} {what}{plural if n != 1 else ''}"
