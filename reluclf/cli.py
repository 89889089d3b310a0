"""The command line: ``reluclf COMMAND``, or ``python -m reluclf COMMAND`` where it is not installed; the Makefile's targets call it."""

from __future__ import annotations

import argparse
import errno
import functools
import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from reluclf import paths
from reluclf.campaign import accelerator, runtime, surroundings, trust
from reluclf.campaign.training import CampaignError
from reluclf.judging.paper import PaperError
from reluclf.record import Record
from reluclf.showing import building, chapters, release
from reluclf.showing.parameters import ParameterError
from reluclf.sources import DataError
from reluclf.spec import SpecError
from reluclf.store import RecordError, Store

_ERRORS = (
    accelerator.SettingError,
    building.BuildError,
    CampaignError,
    chapters.BusyError,
    DataError,
    PaperError,
    ParameterError,
    RecordError,
    runtime.BackendError,
    SpecError,
    surroundings.SurroundingsError,
)

#: What the disk says where it is no fault of ours: it is full, or may not be written to.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)

#: Options without a value, which make passes as ``KEEP=1``.
_FLAGS = ("KEEP", "AFRESH")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        parsed = _parsed(sys.argv[1:] if arguments is None else arguments)
        if not paths.PAPER.is_file():
            raise ParameterError(
                f"reluclf works on a checkout of the book, with its chapters and records, and there is none in {paths.ROOT}; "
                "clone its repository and, in it, run: pip install --editable ."
            )
        return parsed.run(parsed)
    except _ERRORS as error:
        return _told(str(error), 2)
    except OSError as error:
        if error.errno not in _DISK:
            raise
        return _told(_of_disk(f"{error.strerror}: {error.filename or 'the disk'}"), 2)
    except KeyboardInterrupt:
        logging.getLogger("asyncio").setLevel(
            logging.CRITICAL
        )  # would report the interrupted cell with its traceback
        print(
            "\ninterrupted; finished runs are kept, run the same command again to go on",
            file=sys.stderr,
        )
        return 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ParameterError(f"{message}; {' '.join(self.format_usage().split())}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="reluclf",
        description="Rebuilds, reruns and checks the book; run it anywhere, it works on its own checkout.",
        epilog="reluclf COMMAND --help lists the options of one; each can be given as NAME=value, too, as make passes them.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[Any], int], told: str, **settings: Any
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=told, description=told, allow_abbrev=False, **settings
        )
        added.set_defaults(run=run, parser=added)
        return added

    for name, build, told in (
        ("book", building.html, "build the HTML book strictly, from the records"),
        ("pdf", building.pdf, "build the PDF strictly, from the records; needs XeLaTeX"),
        ("links", building.links, "check the links to other sites"),
        ("dist", release.pack, "pack what a release carries, after book and pdf"),
    ):
        added = command(name, functools.partial(_build, build), told)
        added.add_argument(
            "--out",
            default=str(paths.ROOT),
            metavar="FOLDER",
            help="build in _build/ of this folder",
        )

    added = command(
        "chapter",
        _chapter,
        "rerun one chapter, by default training what has no record, into reruns/",
    )
    added.add_argument(
        "words",
        nargs="*",
        metavar="CHAPTER [name=value ...]",
        help="its name, and values for its parameters",
    )
    added.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a parameter, as papermill takes it",
    )
    added.add_argument("--chapter", default="", help=argparse.SUPPRESS)
    added.add_argument("--keep", action="store_true", help="copy the records into results/")
    added.add_argument(
        "--afresh",
        action="store_true",
        help="ignore all records that are there, delete those of earlier reruns",
    )

    added = command(
        "train",
        _train,
        "train what a chapter names and has no record, into results/",
        aliases=["experiments"],
    )
    added.add_argument("--chapter", help="only what this chapter names")
    added.add_argument("--only", help="only runs whose name contains this")
    added.add_argument("--workers", help="processes; by default one a core")
    added.add_argument("--dask", metavar="ADDRESS", help="of a Dask scheduler to train on instead")

    added = command("verify", _verify, "retrain a random sample of the records and compare")
    added.add_argument(
        "--seconds", type=_whole, default=600, help="how long, roughly (%(default)s)"
    )
    added.add_argument("--workers", type=_whole, default=0, help="processes; by default one a core")
    added.add_argument(
        "--seed",
        type=_whole,
        default=time.time_ns() % 2**31,
        help="of the sample; by default another each time",
    )

    added = command("bench", _bench, "measure how fast it all is, and write results/bench.json")
    added.add_argument("--repeats", type=_whole, default=2)
    added.add_argument("--rows", type=_whole, default=20_000)
    added.add_argument("--epochs", type=_whole, default=8)
    added.add_argument(
        "--gpu",
        type=_whole,
        default=0,
        help="measure an accelerator instead, with so many runs at a time",
    )

    command("check-records", _check_records, "read every record and list all problems")
    command("gpu", _gpu, "say which frameworks find an accelerator, and why the others do not")
    command(
        "steps",
        _steps,
        "measure the CNN's first epochs batch by batch, and write results/steps.jsonl",
    )
    command(
        "zero-rows",
        _zero_rows,
        "measure what the backends installed here make of 0/0, and write results/zero-rows.json",
    )
    command("picture", _picture, "draw the README's picture anew from the records")
    return parser


def _parsed(arguments: Iterable[str]) -> argparse.Namespace:
    parsed, rest = _parser().parse_known_args(_as_options(arguments))
    if "words" in parsed:  # they may stand between options, too
        parsed.words += [word for word in rest if not word.startswith("-")]
        rest = [word for word in rest if word.startswith("-")]
    if rest:
        parsed.parser.error(f"{' '.join(rest)} is not allowed")
    return parsed


def _as_options(arguments: Iterable[str]) -> list[str]:
    """Turn what make passes, ``SECONDS=20`` or ``KEEP=1``, into options."""
    options = []
    for argument in arguments:
        given = re.fullmatch(r"([A-Z]+)=(.*)", argument, re.DOTALL)
        if given is None:
            options.append(argument)
        elif given[1] not in _FLAGS:
            options.append(f"--{given[1].lower()}={given[2]}")
        elif given[2].lower() in ("1", "true"):
            options.append(f"--{given[1].lower()}")
        elif given[2].lower() not in ("0", "false"):
            raise ParameterError(f"{argument} is not allowed; {given[1]} is 0 or 1.")
    return options


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(
            f"{text} is not allowed; it is a whole number of nine digits at the most"
        )
    return int(text)


def _build(build: Callable[[Path, Callable[[str], None]], Path], given: argparse.Namespace) -> int:
    print(f"it is there: {build(Path(given.out).resolve(), lambda line: print(line, flush=True))}")
    return 0


def _chapter(given: argparse.Namespace) -> int:
    words = [word for word in given.words if "=" not in word]
    name = given.chapter or (words.pop(0) if words else "")
    if words:
        raise ParameterError(f"{words[0]!r} is not of the form name=value.")
    assignments = dict(word.split("=", 1) for word in given.words if "=" in word) | dict(given.p)
    values = chapters.parse(name, assignments)
    return _executed(lambda: chapters.rerun(name, values, keep=given.keep, afresh=given.afresh))


def _train(given: argparse.Namespace) -> int:
    trainable = [name for name in chapters.names() if "train" in chapters.parameters(name)]
    names = [given.chapter] if given.chapter is not None else trainable
    if not set(names) <= set(trainable):
        raise ParameterError(
            f"{names[0]!r} is not a chapter that trains; those are {', '.join(trainable)}."
        )
    options = {"only": given.only, "workers": given.workers, "cluster": given.dask}
    texts = {name: text for name, text in options.items() if text is not None}
    values = {name: {"train": True, **chapters.parse(name, texts)} for name in names}
    return max(
        [_executed(functools.partial(_trained, name, values[name])) for name in names]
    )  # one that fails does not stop the others


def _trained(name: str, values: Mapping[str, Any]) -> Path:
    print(f"chapter {name}", file=sys.stderr, flush=True)
    return chapters.run(name, values, chapters.RERUNS / "experiments")


def _check_records(given: argparse.Namespace) -> int:
    return 1 if _read_all()[1] else 0


def _read_all() -> tuple[list[Record], int]:
    """Say what is wrong with the records; return those that can be trusted, and the number of problems."""
    records, n, problems = trust.read_all()
    print(
        *problems,
        f"{n} records can be trusted, {len(problems)} problem{'s' * (len(problems) != 1)}",
        sep="\n",
    )
    return records, len(problems)


def _verify(given: argparse.Namespace) -> int:
    from reluclf.campaign import verify

    records, problems = _read_all()
    if not records:
        print("there is no record to verify")
        return 1
    print(f"a random sample of them is trained anew (SEED={given.seed})", flush=True)
    verdicts = verify.run(records, given.seconds, given.workers or None, given.seed)
    for verdict in verdicts:
        print(f"{verdict.verdict:10} {verdict.spec}: {verdict.why}")
    counts = Counter(verdict.verdict for verdict in verdicts)
    listed = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    print(f"{len(verdicts)} of {len(records)} records retrained (SEED={given.seed}): {listed}")
    return 1 if problems or counts["differs"] else 0


def _picture(given: argparse.Namespace) -> int:
    from reluclf.showing import figures, first_page

    figures.style()
    file = paths.BOOK / "_static" / "networks.svg"
    records = Store(paths.RESULTS).select(samples=None, epochs=32)
    first_page.picture(records).savefig(file, metadata={"Date": None})
    print(file)
    return 0


def _gpu(given: argparse.Namespace) -> int:
    chosen = runtime.backend()
    found = {name: accelerator.ask(name) for name in dict.fromkeys((chosen, "tensorflow", "jax"))}
    for name, answer in found.items():
        print(f"{name}: {answer.device or f'no accelerator ({answer.reason})'}", flush=True)
    if found[chosen].device is None:
        raise runtime.BackendError(
            f"Keras's backend {chosen} finds no accelerator: {found[chosen].reason.rstrip('.')}."
        )
    return 0


def _steps(given: argparse.Namespace) -> int:
    runtime.configure(threads=1)
    from reluclf.campaign import batchwise

    batchwise.measure_missing(lambda what: print(what, file=sys.stderr, flush=True))
    print(paths.STEPS)
    return 0


def _zero_rows(given: argparse.Namespace) -> int:
    from reluclf.showing import derivations

    print(
        f"asked {', '.join(derivations.measure_zero_rows())}; the answers are in {paths.ZERO_ROWS}"
    )
    return 0


def _bench(given: argparse.Namespace) -> int:
    from reluclf.campaign import bench
    from reluclf.showing import speed

    started = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - started:4.0f} s  {what}", file=sys.stderr, flush=True)

    if given.gpu:
        result = bench.read()
        if result is None:
            raise ParameterError(
                "the accelerator's part goes into a result that is there already; run make bench without GPU first."
            )
        say(f"each network, and Tables 3 to 8, {given.gpu} runs at a time")
        result = result.model_copy(update={"accelerator": bench.accelerate(given.gpu)})
    else:
        result = bench.run(given.repeats, given.rows, given.epochs, say)
    bench.write(result)
    print(speed.table(result).to_string(index=False))
    print(f"{paths.BENCH} ({time.perf_counter() - started:.0f} s)")
    return 0


def _executed(run: Callable[[], Path]) -> int:
    """Execute a chapter, and say where it is or, in one sentence if it is an error of ours, why it failed."""
    import nbclient.exceptions
    import papermill

    started = time.perf_counter()
    try:
        executed = run()
    except (papermill.PapermillExecutionError, nbclient.exceptions.CellExecutionError) as error:
        name = getattr(error, "ename", "")
        if name in {kind.__name__ for kind in _ERRORS}:
            return _told(error.evalue, 1)
        if re.match(rf"\[Errno ({'|'.join(map(str, _DISK))})\]", str(error.evalue)):
            return _told(_of_disk(error.evalue), 1)
        print(error, file=sys.stderr)
        return 1
    except nbclient.exceptions.DeadKernelError:
        return _told(
            "the chapter's process was killed, often for want of memory; finished runs are kept, run the same command again to go on.",
            1,
        )
    print(f"{executed} ({time.perf_counter() - started:.0f} s)")
    return 0


def _told(message: str, status: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return status


def _of_disk(what: str) -> str:
    return f"a file cannot be written ({what}); make room or let it be written to, and run the same command again: finished runs are kept."
