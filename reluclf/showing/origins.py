"""Where the records come from, and on which of them a table or figure rests."""

from __future__ import annotations

import functools
import inspect
import json
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, ParamSpec, TypeVar

import pandas as pd
from matplotlib.figure import Figure

from reluclf.judging.evidence import Evidence
from reluclf.record import Record
from reluclf.spec import N_SPLITS

Arguments = ParamSpec("Arguments")
Shown = TypeVar("Shown", pd.DataFrame, Figure)

#: What a page says of each group of records that a result rests on.
_SAID = ("runs", "seeds", "device", "commit")


def rests_on(result: Shown, by_folder: Mapping[str, Iterable[Record]] | None = None) -> Shown:
    """Write into a table or figure on which records it rests.

    Parameters
    ----------
    result : DataFrame or Figure
    by_folder : mapping of str to iterable of Record
        By the folder within ``results/`` that their store lies in; none where the result rests on
        no training run.
    """
    found: list[dict[str, str]] = []
    for folder, records in (by_folder or {}).items():
        once = {record.spec: record for record in records}.values()
        found += groups(once, folder).reindex(columns=list(_SAID)).to_dict("records")
    _notes(result)["rests_on"] = found
    return result


def traced(maker: Callable[Arguments, Shown]) -> Callable[Arguments, Shown]:
    """Have a maker of tables or figures write into each on which of its ``records`` it rests.

    These are the ones that it was handed out by the :class:`~reluclf.judging.evidence.Evidence`
    that it gets in their place; none if it has no such argument.
    """
    signature = inspect.signature(maker)

    @functools.wraps(maker)
    def make(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Shown:
        given = signature.bind(*args, **kwargs)
        evidence = Evidence(given.arguments.get("records", ()))
        if "records" in given.arguments:
            given.arguments["records"] = evidence
        return rests_on(maker(*given.args, **given.kwargs), {"": evidence.seen.values()})

    return make


def of(result: pd.DataFrame | Figure) -> list[dict[str, str]]:
    """Return on which records a table or figure rests: by group, their seeds, device and commit.

    Raises
    ------
    ValueError
        If its maker did not say so.
    """
    found = _notes(result).get("rests_on")
    if found is None:
        raise ValueError(
            "a table or figure does not say on which records it rests; "
            "mark its maker with @origins.traced, or call origins.rests_on."
        )
    return found


def _notes(result: pd.DataFrame | Figure) -> dict[Any, Any]:
    return vars(result) if isinstance(result, Figure) else result.attrs


def experiments(records: Sequence[Record]) -> pd.DataFrame:
    """Where each record comes from: a row for each group of runs that differ in their seed only, as text; ``on`` has :func:`totals`'s letters."""
    frame, letters = groups(records), _letters(records)
    if frame.empty:
        return rests_on(frame)
    by_group = groupby(
        sorted(records, key=lambda r: str(r.spec.path)), key=lambda r: str(r.spec.path.parent)
    )
    frame.insert(
        frame.columns.get_loc("device"),
        "on",
        [", ".join(sorted({letters[_where(r)] for r in members})) for _, members in by_group],
    )
    return rests_on(frame.drop(columns=["device", "backend"]), {"": records})


def one_by_one(records: Iterable[Record], folder: str = "") -> pd.DataFrame:
    """A row for each record: its file, whose store lies in this folder within ``results/``; its outcome; and all of its provenance."""
    rows = []
    for record in records:
        whole = len(record.folds) == N_SPLITS
        outcome = {
            "record": f"{folder}{record.spec.path}",
            "cv_accuracy": record.cv_accuracy if whole else None,
            "cv_std": record.cv_std if whole else None,
            "test_accuracy": record.test.accuracy,
            "diverged_at": record.diverged_at,
        }
        described = record.provenance.model_dump(mode="json")
        texts = {
            name: json.dumps(described.pop(name), sort_keys=True) for name in ("versions", "data")
        }
        rows.append(outcome | described | texts)
    return pd.DataFrame(rows)


def groups(records: Iterable[Record], folder: str = "") -> pd.DataFrame:
    """What :func:`experiments` shows of the records, whose store lies in this folder within ``results/``."""
    rows = []
    for group, members in groupby(
        sorted(records, key=lambda r: str(r.spec.path)), key=lambda r: str(r.spec.path.parent)
    ):
        members = list(members)
        where = [record.provenance for record in members]
        rows.append(
            {
                "runs": f"{folder}{group}",
                "seeds": ranges(record.spec.seed for record in members),
                **_effort(members),
                "device": "; ".join(sorted({_where(record)[0] for record in members})),
                "backend": ", ".join(sorted({_where(record)[1] for record in members})),
                "commit": ", ".join(
                    sorted({(p.commit or "none")[:7] + ("+" if p.modified else "") for p in where})
                ),
                "first started": min(p.started for p in where).strftime("%Y-%m-%d"),
            }
        )
    return pd.DataFrame(rows)


def totals(
    records: Sequence[Record], others: Mapping[str, Sequence[Record]] | None = None
) -> pd.DataFrame:
    """Runs, epochs and hours of computing, by device, libraries and threads, each with a letter, and all together, as text.

    ``others`` are records whose stores lie in other folders within ``results/``, by folder.
    """
    stores = {"": records, **(others or {})}
    everything = [record for found in stores.values() for record in found]
    rows, letters = [], _letters(records, everything)
    for where, letter in letters.items():
        members = [record for record in everything if _where(record) == where]
        threads = ", ".join(map(str, sorted({record.provenance.threads for record in members})))
        device, backend = where
        found = {
            name: sorted({r.provenance.versions.get(name, "") for r in members} - {""})
            for name in ("keras", "numpy", "scikit-learn", "python")
        }
        libraries = ", ".join(
            [
                backend,
                *(
                    f"{name} {' and '.join(versions)}"
                    for name, versions in found.items()
                    if versions
                ),
            ]
        )
        row = {
            "": letter,
            "device": device,
            "libraries": libraries,
            "threads": threads,
            "runs": f"{len(members):,}",
        }
        rows.append(row | _effort(members))
    if len(rows) > 1:
        rows.append(
            {
                "": "",
                "device": "all",
                "libraries": "",
                "threads": "",
                "runs": f"{len(everything):,}",
            }
            | _effort(everything)
        )
    return rests_on(pd.DataFrame(rows), stores)


def _letters(*records: Iterable[Record]) -> dict[tuple[str, str], str]:
    """A letter for each place, in order; those of the first records have the same letters whatever others there are."""
    places = dict.fromkeys(
        place for found in records for place in sorted({_where(record) for record in found})
    )
    return dict(zip(places, string.ascii_uppercase, strict=False))


def _where(record: Record) -> tuple[str, str]:
    """The device, and the backend's library with its version."""
    library = {"jax": "jaxlib"}.get(record.provenance.backend, record.provenance.backend)
    return (
        record.provenance.device,
        f"{library} {record.provenance.versions.get(library, '')}".strip(),
    )


def _effort(records: Sequence[Record]) -> dict[str, str]:
    epochs = sum(
        len(curve.loss)
        for record in records
        for curve in (
            *(fold.train for fold in record.folds),
            *([record.final.train] if record.final else []),
        )
    )
    return {
        "epochs": f"{epochs:,}",
        "hours": f"{sum(record.provenance.seconds for record in records) / 3600:.2f}",
    }


def ranges(seeds: Iterable[int]) -> str:
    """Seeds in brief, as ``1-5, 8``."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
