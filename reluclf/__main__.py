"""The command line: ``python -m reluclf COMMAND [name=value ...]``; the Makefile's targets call it."""

from __future__ import annotations

import argparse
import functools
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reluclf import data, paths
from reluclf.campaign import runtime
from reluclf.campaign.training import CampaignError
from reluclf.judging.paper import PaperError
from reluclf.record import Record
from reluclf.showing import chapters
from reluclf.sources import DataError
from reluclf.spec import SpecError
from reluclf.store import BACKENDS, ORIGINAL, RecordError, Store, copies, read_file

_ERRORS = (CampaignError, runtime.BackendError, chapters.BusyError, chapters.ParameterError, DataError, PaperError, RecordError, SpecError)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m reluclf", description=__doc__)
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("assignments", nargs="*", metavar="name=value")
    parsed = parser.parse_args(arguments)
    try:
        assignments = dict(_assignment(text) for text in parsed.assignments)
        return _COMMANDS[parsed.command](assignments)
    except _ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # would report the interrupted cell with its traceback
        print("\ninterrupted; finished runs are kept, run the same command again to go on", file=sys.stderr)
        return 130


def _chapter(assignments: dict[str, str]) -> int:
    name = assignments.pop("CHAPTER", "")
    flags = {flag: _flag(flag, assignments.pop(flag, "0")) for flag in ("KEEP", "AFRESH")}
    values = chapters.parse(name, assignments)
    return _executed(lambda: chapters.rerun(name, values, keep=flags["KEEP"], afresh=flags["AFRESH"]))


def _experiments(assignments: dict[str, str]) -> int:
    trainable = [name for name in chapters.names() if "train" in chapters.parameters(name)]
    names = [assignments.pop("CHAPTER")] if "CHAPTER" in assignments else trainable
    options = {"ONLY": "only", "WORKERS": "workers", "DASK": "cluster"}
    _refuse_unknown("experiments", assignments, ["CHAPTER", *options])
    if not set(names) <= set(trainable):
        raise chapters.ParameterError(f"{names[0]!r} is not a chapter that trains; those are {', '.join(trainable)}.")
    given = {options[option]: text for option, text in assignments.items()}
    values = {name: {"train": True, **chapters.parse(name, given)} for name in names}
    return max([_executed(functools.partial(_trained, name, values[name])) for name in names])  # one that fails does not stop the others


def _trained(name: str, values: Mapping[str, Any]) -> Path:
    print(f"chapter {name}", file=sys.stderr, flush=True)
    return chapters.run(name, values, chapters.RERUNS / "experiments")


def _check_records(assignments: dict[str, str]) -> int:
    """Read every record and list all problems."""
    _refuse_unknown("check-records", assignments, [])
    return 1 if _read_all()[1] else 0


def _verify(assignments: dict[str, str]) -> int:
    """Retrain a random sample of the records and compare."""
    from reluclf.campaign import verify

    options = {"SECONDS": 600, "WORKERS": 0, "SEED": time.time_ns() % 2**31}
    _refuse_unknown("verify", assignments, options)
    for name, text in assignments.items():
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise chapters.ParameterError(f"{name}={text} is not allowed; {name} is a whole number of nine digits at the most.")
        options[name] = int(text)
    records, problems = _read_all()
    if not records:
        print("there is no record to verify")
        return 1
    print(f"a random sample of them is trained anew (SEED={options['SEED']})", flush=True)
    verdicts = verify.run(records, options["SECONDS"], options["WORKERS"] or None, options["SEED"])
    for verdict in verdicts:
        print(f"{verdict.verdict:10} {verdict.spec}: {verdict.why}")
    counts = Counter(verdict.verdict for verdict in verdicts)
    print(f"{len(verdicts)} of {len(records)} records retrained (SEED={options['SEED']}): " + ", ".join(f"{n} {v}" for v, n in counts.items()))
    return 1 if problems or counts["differs"] else 0


def _read_all() -> tuple[list[Record], int]:
    """The committed records that can be trusted, of the main store alone, and how many problems those of all stores have; these are printed."""
    found, problems = {}, []
    for folder in (paths.RESULTS, *(paths.RESULTS / BACKENDS / name for name in runtime.BACKENDS), paths.RESULTS / ORIGINAL):
        records = []
        for file in Store(folder).files():
            try:
                record = read_file(file)
            except RecordError as error:
                problems.append(str(error))
                continue
            if record.provenance.data == data.checksums(record.spec.dataset):
                records.append(record)
            else:
                problems.append(f"{file} was trained on other data than those whose checksums reluclf knows; delete it and retrain it.")
        for original, copy in copies(records):
            problems.append(f"{copy.spec} has the very measurements of {original.spec}: one is a copy; delete the wrong one and retrain it.")
        found[folder] = records
    print(*problems, f"{sum(map(len, found.values()))} records can be trusted, {len(problems)} problem{'s' * (len(problems) != 1)}", sep="\n")
    return found[paths.RESULTS], len(problems)


def _picture(assignments: dict[str, str]) -> int:
    """Draw the README's picture anew from the records."""
    from reluclf.showing import figures

    _refuse_unknown("picture", assignments, [])
    figures.style()
    file = paths.BOOK / "_static" / "finding.svg"
    figures.finding("mnist", Store(paths.RESULTS).select(dataset="mnist", samples=None, epochs=32)).savefig(file, metadata={"Date": None})
    print(file)
    return 0


def _gpu(assignments: dict[str, str]) -> int:
    """Look whether Keras's backend finds an accelerator."""
    _refuse_unknown("gpu", assignments, [])
    runtime.configure(threads=0)
    print(runtime.accelerator())
    return 0


def _steps(assignments: dict[str, str]) -> int:
    """Measure the CNN's first epochs batch by batch, as far as that is not done."""
    _refuse_unknown("steps", assignments, [])
    runtime.configure(threads=1)
    from reluclf.campaign import batchwise

    batchwise.measure_missing(lambda what: print(what, file=sys.stderr, flush=True))
    print(paths.STEPS)
    return 0


def _zero_rows(assignments: dict[str, str]) -> int:
    """Ask each framework that is installed what it makes of rows with zero outputs."""
    from reluclf.showing import derivations

    print(f"asked {', '.join(derivations.measure_zero_rows())}; the answers are in {paths.ZERO_ROWS}")
    return 0


def _bench(assignments: dict[str, str]) -> int:
    """Measure how fast it all is; with GPU=n, Tables 3 to 8 on an accelerator, n runs at a time."""
    from reluclf import bench
    from reluclf.showing import speed

    options = {"REPEATS": 2, "ROWS": 20_000, "EPOCHS": 8, "GPU": 0}
    _refuse_unknown("bench", assignments, options)
    for name, text in assignments.items():
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            raise chapters.ParameterError(f"{name}={text} is not allowed; {name} is a whole number of five digits at the most.")
        options[name] = int(text)
    started = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - started:4.0f} s  {what}", file=sys.stderr, flush=True)

    if options["GPU"]:
        result = speed.read()
        if result is None:
            raise chapters.ParameterError("the accelerator's part goes into a result that is there already; run make bench without GPU first.")
        result = result.model_copy(update={"accelerator": bench.accelerate(options["GPU"], epochs=32, folds=10, say=say)})
    else:
        result = bench.run(options["REPEATS"], options["ROWS"], options["EPOCHS"], say)
    bench.write(result)
    print(speed.table(result).to_string(index=False))
    print(f"{paths.BENCH} ({time.perf_counter() - started:.0f} s)")
    return 0


def _executed(run) -> int:
    import nbclient.exceptions
    import papermill

    started = time.perf_counter()
    try:
        executed: Path = run()
    except (papermill.PapermillExecutionError, nbclient.exceptions.CellExecutionError) as error:
        # Our own errors say it all in one sentence; of others the traceback is needed.
        known = {kind.__name__ for kind in _ERRORS}
        name = getattr(error, "ename", "")
        print(f"error: {error.evalue}" if name in known else str(error), file=sys.stderr)
        return 1
    except nbclient.exceptions.DeadKernelError:
        print(
            "error: the chapter's process was killed, often for want of memory; finished runs are kept, run the same command again to go on.",
            file=sys.stderr,
        )
        return 1
    print(f"{executed} ({time.perf_counter() - started:.0f} s)")
    return 0


def _assignment(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise chapters.ParameterError(f"{text!r} is not of the form name=value.")
    return name, value


def _refuse_unknown(command: str, assignments: dict[str, str], options: Iterable[str]) -> None:
    unknown = set(assignments) - set(options)
    if unknown:
        raise chapters.ParameterError(f"{', '.join(sorted(unknown))} is not an option of {command}; it has {', '.join(options) or 'none'}.")


def _flag(name: str, text: str) -> bool:
    if text.lower() not in ("0", "1", "true", "false"):
        raise chapters.ParameterError(f"{name}={text} is not allowed; {name} is 0 or 1.")
    return text.lower() in ("1", "true")


_COMMANDS = {
    "chapter": _chapter,
    "experiments": _experiments,
    "check-records": _check_records,
    "verify": _verify,
    "picture": _picture,
    "gpu": _gpu,
    "steps": _steps,
    "zero-rows": _zero_rows,
    "bench": _bench,
}

if __name__ == "__main__":
    sys.exit(main())
