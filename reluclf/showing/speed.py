"""How fast it all is, as the appendix tells it; :mod:`reluclf.campaign.bench` measures it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import pandas as pd

from reluclf.campaign.bench import Result
from reluclf.campaign.pace import Accelerator
from reluclf.showing import origins

#: What is asked of a machine: campaign over a plain Keras loop, and seconds of the book.
BARS = {"ratio": 1.8, "book": 60.0}

NOT_MEASURED = "not measured"


def spread(values: Sequence[float], digits: int = 2, scale: float = 1.0) -> str:
    """Write repeated measurements as the median, the smallest and the largest, and how many.

    Examples
    --------
    >>> spread([2.0, 9.0, 1.5])
    '2.00 [1.50, 9.00] (n = 3)'
    """
    ends = (statistics.median(values), min(values), max(values))
    middle, low, high = [f"{scale * value:.{digits}f}" for value in ends]
    return f"{middle} [{low}, {high}] (n = {len(values)})"


@origins.traced
def table(result: Result | None) -> pd.DataFrame:
    """Write what was measured, row by row, with the bar where there is one."""
    columns = ["what", "measured", "target"]
    if result is None:
        return pd.DataFrame([("everything", NOT_MEASURED, "–")], columns=columns)
    ratio = result.ratio()
    fast = "met" if statistics.median(ratio) >= BARS["ratio"] else "missed"
    built = "met" if result.book <= BARS["book"] else "missed"
    what = f"campaign on {result.workers} workers over a plain Keras loop"
    rows = [
        ("cores busy with other work at the start, %", f"{100 * result.busy:.0f}", "–"),
        (what, spread(ratio), f"≥ {BARS['ratio']}: {fast}"),
        ("peak of one core, GFLOP/s", spread(result.peak, 0, 1e-9), "–"),
    ]
    for network in result.flops:
        share = spread(result.share(network), 0, 100)
        rows.append((f"{network}, share of the peak, %", share, "–"))
    asked = f"≤ {BARS['book']:.0f}: {built}"
    rows.append(("clean build of the book, s", f"{result.book:.0f}", asked))
    rows += _accelerated(result.accelerator)
    return pd.DataFrame(rows, columns=columns)


def _accelerated(there: Accelerator | None) -> list[tuple[str, str, str]]:
    if there is None:
        return []
    order = "deterministic" if there.deterministic else "not deterministic"
    where = f"{there.device} ({there.backend}, {there.precision}, {order})"
    tables = f"Tables 3 to 8 on {where}, {there.processes} runs at a time, minutes"
    rows = [
        (tables, f"{there.seconds / 60:.1f}", "–"),
        ("epochs a second of them", f"{there.epochs / there.seconds:.1f}", "–"),
    ]
    for network, paces in there.paces.items():
        for width, rate in paces.items():
            how = "one seed" if width == 1 else f"{width} seeds in one program"
            rows.append((f"{network}, epochs a second there, {how}", f"{rate:.1f}", "–"))
    return rows


def facts(result: Result | None) -> dict[str, str]:
    """Say what the appendix's prose says of a result, by the names it is glued under."""
    if result is None:
        names = ("machine", "rows", "epochs", "workers", "ratio")
        return {f"appendices_speed_{name}": f"({NOT_MEASURED})" for name in names}
    where = f"{result.machine} (tensorflow {result.versions['tensorflow']})"
    return {
        "appendices_speed_machine": f"{where}, on {result.started:%d %B %Y}",
        "appendices_speed_rows": f"{result.rows:,}",
        "appendices_speed_epochs": str(result.epochs),
        "appendices_speed_workers": str(result.workers),
        "appendices_speed_ratio": spread(result.ratio()),
    }
