"""What a release carries: PDF, site, records as an RO-Crate, citation, and checksums of all."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from reluclf import paths
from reluclf.campaign import checkout, trust
from reluclf.showing import building, crate

#: How the book is cited, the one place that has it.
CITATION = paths.ROOT / "CITATION.cff"


def citation() -> dict[str, Any]:
    """Return how the book is cited: ``CITATION.cff``, with what is known of this very build.

    The address of the repository is in ``RELUCLF_REPOSITORY``; see :func:`.building.repository`. A
    commit is its own identifier in the archive of Software Heritage, if nothing was changed since,
    and its date is the build's. A DOI comes into the file, as ``doi``, when a release has one.
    """
    cited = yaml.safe_load(CITATION.read_text(encoding="utf-8"))
    repository, commit = building.repository(), checkout.commit()
    if repository:
        cited.setdefault("repository-code", repository)
    if commit:
        cited["commit"] = commit
        # The file's own date is that of the version's number; records are later than that.
        moment = int(building.variables()["SOURCE_DATE_EPOCH"])
        cited["date-released"] = datetime.fromtimestamp(moment, UTC).date().isoformat()
        identifier = {
            "type": "swh",
            "value": f"swh:1:rev:{commit}",
            "description": "The commit, in Software Heritage",
        }
        if checkout.modified():  # no archive has it
            identifier = {"type": "other", "value": f"commit {commit} with changes"}
        cited["identifiers"] = [*cited.get("identifiers", []), identifier]
    return cited


def pack(out: Path, say: Callable[[str], None]) -> Path:
    """Pack what is built in ``_build/`` below a folder into ``_build/dist``, and return that.

    Raises
    ------
    BuildError
        If the book or its PDF is not built, or of another commit than is checked out, or a record
        cannot be trusted.
    """
    build = out / "_build"
    site, pdf = build / "html", build / "pdf" / building.PDF
    for made, command in ((site / "index.html", "book"), (pdf, "pdf")):
        if not made.is_file():
            raise building.BuildError(f"there is no {made}; build it first: reluclf {command}")
    ledger, commit = site / "ledger.json", pdf.parent / "commit"
    of_site = json.loads(ledger.read_text("utf-8"))["commit"] if ledger.is_file() else ""
    _refuse_another_commit("book", of_site)
    _refuse_another_commit("pdf", commit.read_text("utf-8") if commit.is_file() else "")
    if checkout.modified():
        say("there are changes that no commit has; the citation names the commit before them")
    cited = citation()
    dist = build / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    shutil.copy(pdf, dist)
    (dist / "CITATION.cff").write_text(
        yaml.safe_dump(cited, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    files = {
        path.relative_to(site): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }
    _tar(dist / "site.tar.gz", files)
    say(f"the site: {len(files)} files")
    records = _records(cited)
    _tar(dist / "records.tar.gz", records)
    say(f"the records: {len(records)} files")
    sums = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(dist.iterdir())
    ]
    (dist / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    return dist


def _refuse_another_commit(command: str, built: str) -> None:
    now = checkout.commit()
    if built != now:
        raise building.BuildError(
            f"what reluclf {command} has built is of commit {built[:7] or 'unknown'}, "
            f"and {now[:7] or 'none that is known'} is checked out; build it again: "
            f"reluclf {command}"
        )


def _records(cited: Mapping[str, Any]) -> dict[Path, bytes]:
    """Return all of ``results/``, its licence and its crate, by their paths in the archive."""
    records, problems = trust.by_file(paths.RESULTS)
    if problems:
        raise building.BuildError("\n".join(problems))
    contents = {
        path.relative_to(paths.RESULTS.parent): path.read_bytes()
        for path in sorted(paths.RESULTS.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    named = {file.relative_to(paths.RESULTS.parent): record for file, record in records.items()}
    described = crate.metadata(named, contents, cited)
    contents[Path("ro-crate-metadata.json")] = (json.dumps(described, indent=1) + "\n").encode()
    contents[Path("LICENSE")] = (paths.ROOT / "LICENSE-TEXT.md").read_bytes()
    return contents


def _tar(archive: Path, contents: Mapping[Path, bytes]) -> None:
    """Write an archive that is the same each time it is made of the same commit."""
    date = int(building.variables()["SOURCE_DATE_EPOCH"])
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=date) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path, content in contents.items():
            entry = tarfile.TarInfo(path.as_posix())
            entry.size, entry.mtime = len(content), date
            tar.addfile(entry, io.BytesIO(content))
