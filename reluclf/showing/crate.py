"""The records as an RO-Crate: what each file is and which run made it, for machines.

Follows RO-Crate 1.2 and its Process Run Crate profile 0.5: one action a run, a run whose loss was
not finite among them, for it ended as its spec says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from reluclf import data
from reluclf.record import Record
from reluclf.spec import TITLES

_CRATE = "https://w3id.org/ro/crate/1.2"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_LICENSE = "https://creativecommons.org/licenses/by/4.0/"


def metadata(
    records: Mapping[Path, Record], contents: Mapping[Path, bytes], citation: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what stands in ``ro-crate-metadata.json``.

    Parameters
    ----------
    records : mapping of Path to Record
        By their files, whose paths are those within the crate's folder.
    contents : mapping of Path to bytes
        What is in these files.
    citation : mapping
        The content of ``CITATION.cff``.
    """
    programs: dict[str, dict[str, Any]] = {}
    actions, files = [], []
    for path, record in records.items():
        files.append(_file(path, contents[path]))
        program = _program(record, citation)
        programs[program["@id"]] = program
        actions.append(_action(path, record, program["@id"]))
    root = {
        "@id": "./",
        "@type": "Dataset",
        "conformsTo": {"@id": _PROFILE},
        "name": f"Records of {citation['title']}",
        "description": citation["abstract"],
        "datePublished": str(citation["date-released"]),
        "version": str(citation["version"]),
        "license": {"@id": _LICENSE},
        "isBasedOn": [{"@id": reference["url"]} for reference in citation["references"]],
        "hasPart": [{"@id": path.as_posix()} for path in records],
        "mentions": [{"@id": action["@id"]} for action in actions],
    }
    if citation.get("doi"):
        root["identifier"] = f"https://doi.org/{citation['doi']}"
    descriptor = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": _CRATE},
    }
    datasets = [
        entity
        for name, title in TITLES.items()
        if any(record.spec.dataset == name for record in records.values())
        for entity in _dataset(name, title)
    ]
    profile = {
        "@id": _PROFILE,
        "@type": ["CreativeWork", "Profile"],
        "name": "Process Run Crate",
        "version": "0.5",
    }
    licence = {"@id": _LICENSE, "@type": "CreativeWork", "name": "CC BY 4.0"}
    works = [
        {"@id": reference["url"], "@type": "ScholarlyArticle", "name": reference["title"]}
        for reference in citation["references"]
    ]
    named = [profile, licence, *works, *datasets, *programs.values()]
    return {
        "@context": f"{_CRATE}/context",
        "@graph": [descriptor, root, *named, *actions, *files],
    }


def _file(path: Path, content: bytes) -> dict[str, Any]:
    """Describe the file of a record."""
    return {
        "@id": path.as_posix(),
        "@type": "File",
        "name": f"Record {path.relative_to(path.parts[0]).as_posix()}",
        "encodingFormat": "application/json",
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _dataset(name: str, title: str) -> list[dict[str, Any]]:
    """Describe a data set and the checksums that identify it.

    A crate is flat, so each checksum is an entity of its own.
    """
    checksums = [
        {
            "@id": f"#{name}/{part}",
            "@type": "PropertyValue",
            "name": f"SHA-256 of {part}",
            "value": checksum,
        }
        for part, checksum in data.checksums(name).items()
    ]
    identifiers = [{"@id": checksum["@id"]} for checksum in checksums]
    return [
        {"@id": f"#{name}", "@type": "Dataset", "name": title, "identifier": identifiers},
        *checksums,
    ]


def _program(record: Record, citation: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the code that made a record: its libraries, and its address, if that is known."""
    made = record.provenance
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(made.versions.items()))
    program = {
        "@id": f"#reluclf-{made.code[:12]}-{hashlib.sha256(libraries.encode()).hexdigest()[:12]}",
        "@type": "SoftwareApplication",
        "name": "reluclf",
        "version": made.code,
        "softwareRequirements": libraries,
    }
    if citation.get("repository-code"):
        program["url"] = citation["repository-code"]
    return program


def _action(path: Path, record: Record, program: str) -> dict[str, Any]:
    """Describe the run that made a record."""
    made = record.provenance
    ended = made.started + timedelta(seconds=made.seconds)
    changes = " with changes" if made.modified else ""
    return {
        "@id": f"#run-{path.as_posix()}",
        "@type": "CreateAction",
        "name": str(record.spec),
        "description": f"on {made.device}, at commit {made.commit or 'none'}{changes}",
        "startTime": made.started.isoformat(timespec="milliseconds"),
        "endTime": ended.isoformat(timespec="milliseconds"),
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        "instrument": {"@id": program},
        "object": [{"@id": f"#{record.spec.dataset}"}],
        "result": [{"@id": path.as_posix()}],
    }
