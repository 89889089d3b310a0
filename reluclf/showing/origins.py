"""Where the records come from, and on which of them a table or figure rests."""

from __future__ import annotations

import functools
import inspect
import json
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

import pandas as pd
from matplotlib.figure import Figure

from reluclf.formats import NONE
from reluclf.judging.evidence import Evidence
from reluclf.record import Provenance, Record
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


def known(result: pd.DataFrame | Figure) -> bool:
    """Whether it is said on which records a table or figure rests."""
    return "rests_on" in _notes(result)


def _notes(result: pd.DataFrame | Figure) -> dict[Any, Any]:
    return vars(result) if isinstance(result, Figure) else result.attrs


def experiments(records: Sequence[Record]) -> pd.DataFrame:
    """Show where the records come from: a row for each group that differs in its seeds only.

    What was measured where stands in column ``on``, as a letter of :func:`totals`.
    """
    letters = _letters(records)
    frame = groups(records)
    if frame.empty:
        return rests_on(frame)
    places = [
        sorted({letters[_place(run)] for run in runs}) for runs in _by_group(records).values()
    ]
    frame.insert(frame.columns.get_loc("device"), "on", [", ".join(place) for place in places])
    return rests_on(frame.drop(columns=["device", "backend"]), {"": records})


def one_by_one(records: Iterable[Record], folder: str = "") -> pd.DataFrame:
    """List each record with its file, its outcome and all of its provenance.

    ``folder`` is where the store lies within ``results/``.
    """
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
        provenance = record.provenance.model_dump(mode="json")
        for name in ("versions", "data"):
            provenance[name] = json.dumps(provenance.pop(name), sort_keys=True)
        rows.append(outcome | provenance)
    return pd.DataFrame(rows)


def groups(records: Iterable[Record], folder: str = "") -> pd.DataFrame:
    """Describe groups of records that differ in their seeds only, as text.

    ``folder`` is where their store lies within ``results/``.
    """
    rows = []
    for group, members in _by_group(records).items():
        places = [_place(record) for record in members]
        where = [record.provenance for record in members]
        row = {
            "runs": f"{folder}{group}",
            "seeds": ranges(record.spec.seed for record in members),
            **_effort(members),
            "device": "; ".join(sorted({place.device for place in places})),
            "backend": ", ".join(sorted({place.library for place in places})),
            "commit": ", ".join(sorted({_commit(made) for made in where})),
            "first started": f"{min(made.started for made in where):%Y-%m-%d}",
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _by_group(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Group records by the folder of their files."""
    found: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: str(record.spec.path)):
        found.setdefault(str(record.spec.path.parent), []).append(record)
    return found


def _commit(made: Provenance) -> str:
    return (made.commit or "none")[:7] + ("+" if made.modified else "")


def totals(
    records: Sequence[Record], others: Mapping[str, Sequence[Record]] | None = None
) -> pd.DataFrame:
    """Add up runs, epochs and hours by device and library, each with a letter, as text.

    ``others`` are records whose stores lie in other folders within ``results/``, by folder.
    """
    stores = {"": records, **(others or {})}
    everything = [record for found in stores.values() for record in found]
    rows = []
    for place, letter in _letters(records, everything).items():
        members = [record for record in everything if _place(record) == place]
        # JAX cannot be told, whatever its first records here say.
        told = {one.provenance.threads for one in members if one.provenance.backend != "jax"}
        row = {
            "": letter,
            "device": place.device,
            "libraries": ", ".join([place.library, *_libraries(members)]),
            "threads": ", ".join(map(str, sorted(told))) or NONE,
            "runs": f"{len(members):,}",
        }
        rows.append(row | _effort(members))
    if len(rows) > 1:
        row = {
            "": "",
            "device": "all",
            "libraries": "",
            "threads": "",
            "runs": f"{len(everything):,}",
        }
        rows.append(row | _effort(everything))
    return rests_on(pd.DataFrame(rows), stores)


def _libraries(records: Sequence[Record]) -> list[str]:
    """Name the other libraries with their versions."""
    told = []
    for name in ("keras", "numpy", "scikit-learn", "python"):
        versions = {record.provenance.versions.get(name, "") for record in records} - {""}
        if versions:
            told.append(f"{name} {' and '.join(sorted(versions))}")
    return told


class _Place(NamedTuple):
    """A device, and the backend's library with its version."""

    device: str
    library: str


def _place(record: Record) -> _Place:
    made = record.provenance
    library = {"jax": "jaxlib"}.get(made.backend, made.backend)
    return _Place(made.device, f"{library} {made.versions.get(library, '')}".strip())


def _letters(*records: Iterable[Record]) -> dict[_Place, str]:
    """Give each place a letter; those of the first records keep theirs, whatever is added."""
    places = dict.fromkeys(
        place for found in records for place in sorted({_place(record) for record in found})
    )
    return dict(zip(places, string.ascii_uppercase, strict=False))


def _effort(records: Sequence[Record]) -> dict[str, str]:
    epochs = sum(
        record.spec.epochs * (len(record.folds) + bool(record.final)) for record in records
    )
    hours = sum(record.provenance.seconds for record in records) / 3600
    return {"epochs": f"{epochs:,}", "hours": f"{hours:.2f}"}


def ranges(seeds: Iterable[int]) -> str:
    """Write seeds in brief, as ``1-5, 8``."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
