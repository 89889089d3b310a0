"""The store of records: it reads what can be trusted, and writes each whole or not at all."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, NoReturn

from pydantic import ValidationError

from reluclf import paths
from reluclf.files import write_atomically
from reluclf.grids import allowed
from reluclf.record import FORMAT, Record, digest
from reluclf.spec import Spec, SpecError

#: The folder, in a store's, that holds the stores of :meth:`Store.of_backend`.
BACKENDS = "backends"

#: The folder, in the committed store's, of the records that ``make original`` makes with the
#: libraries of 2018.
ORIGINAL = "original"


_REMEDY = "restore it with git, or delete it and retrain it."


class RecordError(ValueError):
    """A record that cannot be trusted, or is not there; the message names file and remedy."""


class Store:
    """Records kept as files under the path that their spec names.

    Parameters
    ----------
    folder : Path, optional
        Where records are written and first looked for; by default ``$RELUCLF_RESULTS``, else
        ``results/``.
    fallback : Path, optional
        Where they are looked for next; by default ``results/``, so that a rerun into a scratch
        folder sees the committed records, unless ``$RELUCLF_AFRESH`` is set.

    Examples
    --------
    What the ReLU head gives on WDBC as run, from the records of the book:

    >>> from reluclf import paths
    >>> store = Store(paths.RESULTS)
    >>> as_run = dict(dataset="wdbc", protocol="carried", features="raw")
    >>> records = store.select(**as_run, head="relu", seed=1)
    >>> [str(record.spec) for record in records]
    ['wdbc/ffnn-relu/carried,features=raw/seed-1']
    >>> f"{records[0].cv_accuracy:.4f}"
    '0.8518'
    """

    def __init__(self, folder: Path | None = None, fallback: Path | None = None) -> None:
        self.folder = Path(folder) if folder is not None else paths.new_results()
        if folder is None and fallback is None and not os.environ.get("RELUCLF_AFRESH"):
            fallback = paths.RESULTS
        self._folders = [self.folder] + (
            [Path(fallback)] if fallback is not None and Path(fallback) != self.folder else []
        )

    @classmethod
    def of_backend(cls, name: str) -> Store:
        """Open the store of the runs that compare this backend of Keras's with others."""
        fallback = None if os.environ.get("RELUCLF_AFRESH") else paths.RESULTS / BACKENDS / name
        return cls(paths.new_results() / BACKENDS / name, fallback)

    def file(self, spec: Spec) -> Path | None:
        """Find the file that holds the record of a spec; None if there is none."""
        return next(
            (file for folder in self._folders if (file := folder / spec.path).is_file()), None
        )

    def unfinished(self, spec: Spec, kind: str) -> Path:
        """Name the file that an unfinished run leaves in the user's cache.

        Its kind is ``checkpoint``, ``epochs`` or ``trace``.
        """
        store = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[
            :12
        ]  # a rerun has the specs of a campaign, and its own folder
        return paths.user_cache() / "unfinished" / store / spec.path.with_suffix(f".{kind}")

    def __contains__(self, spec: Spec) -> bool:
        return self.file(spec) is not None

    def missing(self, specs: Iterable[Spec]) -> list[Spec]:
        """List those of the specs that have no record."""
        return [spec for spec in specs if spec not in self]

    def read(self, spec: Spec) -> Record:
        """Read the record of a spec.

        Raises
        ------
        RecordError
            If it is missing, or cannot be trusted.
        """
        file = self.file(spec)
        if file is None:
            raise RecordError(
                f"{spec} has no record in {self.folder}; "
                f"if a chapter names it, train it with: make experiments ONLY={spec}; "
                "else with: obtain([spec], train=True)."
            )
        return read_file(file)

    def read_present(self, specs: Iterable[Spec]) -> list[Record]:
        """Read the records of those specs that have one, in the specs' order."""
        return [self.read(spec) for spec in specs if spec in self]

    def files(self) -> Iterator[Path]:
        """Go through the records' files, the store's own before its fallback's, each spec once.

        Raises
        ------
        RecordError
            If a folder may not be read.
        """
        seen = set()
        for folder in self._folders:
            for file in sorted(_seeds(folder)):
                relative = file.relative_to(folder)
                if relative not in seen:
                    seen.add(relative)
                    yield file

    def specs(self, **fields: Any) -> list[Spec]:
        """List the specs that have a record and these values of their fields; no file is read.

        A list, range or other collection stands for any of its values.

        Raises
        ------
        RecordError
            If a file is not where a record of any spec is kept.
        SpecError
            If a spec has no such field, or the field no such value.
        """
        wanted = {name: allowed(name, value) for name, value in fields.items()}
        found = []
        for file in self.files():
            try:
                spec = Spec.from_path(PurePath(*file.parts[-4:]))
            except SpecError as error:
                raise RecordError(
                    f"{file} is not where a record of any run is kept; "
                    "delete or move it, as make check-records says."
                ) from error
            if all(getattr(spec, name) in values for name, values in wanted.items()):
                found.append(spec)
        return found

    def select(self, **fields: Any) -> list[Record]:
        """Read the records of the specs with these values of their fields, and no others."""
        return [self.read(spec) for spec in self.specs(**fields)]

    def read_all(self) -> list[Record]:
        """Read every record of the store."""
        return [read_file(file) for file in self.files()]

    def write(self, record: Record) -> Path:
        """Write a record, whole or not at all, and return its file."""
        file = self.folder / record.spec.path
        write_atomically(file, record.to_json().encode())
        return file


def _seeds(folder: Path) -> Iterator[Path]:
    """Find the files at the depth of a spec's path; what lies deeper is another store's."""
    if folder.is_dir():
        for at, inner, names in os.walk(folder, onerror=_refuse, followlinks=True):
            if len(Path(at).relative_to(folder).parts) == 3:
                inner.clear()
                yield from (Path(at, name) for name in fnmatch.filter(names, "seed-*.json"))


def _refuse(error: OSError) -> NoReturn:
    raise RecordError(
        f"{error.filename} cannot be read ({error.strerror}); let it be read, and try again."
    ) from error


def read_file(file: Path) -> Record:
    """Read and check one record file; raise :class:`RecordError` if it cannot be trusted."""
    try:
        content = json.loads(Path(file).read_bytes())
    except OSError as error:
        if file.is_symlink() and not file.exists():
            raise RecordError(
                f"{file} is a link to {os.readlink(file)}, which is not there; "
                "fetch that, or delete the link and retrain the run."
            ) from error
        _refuse(error)
    except ValueError as error:
        pointer = Path(file).read_bytes().startswith(b"version https://git-lfs")
        remedy = "it is a pointer of Git LFS, fetch it with: git lfs pull" if pointer else _REMEDY
        raise RecordError(f"{file} is not a whole JSON file ({error}); {remedy}") from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise RecordError(
            f"{file} has format {found!r}, this version of reluclf reads {FORMAT}; "
            "check out the version that wrote it."
        )
    stated = content.pop("digest", None)
    if stated != digest(content):
        raise RecordError(
            f"{file} was changed after it was written: its digest does not fit; {_REMEDY}"
        )
    try:
        record = Record.model_validate(content)
    except (ValidationError, ValueError) as error:
        reason = (
            "; ".join(map(_described, error.errors()))
            if isinstance(error, ValidationError)
            else error
        )
        raise RecordError(f"{file} cannot be trusted ({reason}); {_REMEDY}") from error
    if Path(*file.parts[-len(record.spec.path.parts) :]) != Path(record.spec.path):
        its_place = file.parents[3] / record.spec.path
        remedy = (
            f"there is one at {its_place}: compare the two, or delete this one."
            if its_place.exists()
            else f"move it to {its_place}."
        )
        raise RecordError(
            f"{file} holds the record of {record.spec}, which belongs elsewhere; {remedy}"
        )
    return record


def _described(problem: Mapping[str, Any]) -> str:
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"].removeprefix("Value error, ")


def copies(records: Iterable[Record]) -> list[tuple[Record, Record]]:
    """Find pairs of records of different runs with the very same measurements.

    One of each must be a copy of the other. Runs that diverged are left out: what is dead gives
    the same whatever its seed. So are runs of one network and seed: a setting may have no effect,
    as a bound has none for gradients that never reach it.
    """
    seen: dict[str, Record] = {}
    found = []
    for record in records:
        if record.diverged_at is None:
            original = seen.setdefault(record.measured(), record)
            if _network(original.spec) != _network(record.spec):
                found.append((original, record))
    return found


def _network(spec: Spec) -> tuple[Any, ...]:
    return spec.dataset, spec.architecture, spec.head, spec.protocol, spec.seed
