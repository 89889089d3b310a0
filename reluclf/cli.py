"""The command line: ``reluclf COMMAND``, or ``python -m reluclf COMMAND``; make calls it."""

from __future__ import annotations

import argparse
import functools
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from reluclf import __version__, commands, paths
from reluclf.campaign import checkout, surroundings
from reluclf.showing import building, release
from reluclf.showing.parameters import ParameterError

#: Options without a value, which make passes as ``KEEP=1``.
_FLAGS = ("KEEP", "AFRESH")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    if arguments is None:  # a program of its own, which a queue or a container may end
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    given = None
    try:
        given = _parsed(sys.argv[1:] if arguments is None else arguments)
        if not paths.PAPER.is_file():
            raise ParameterError(paths.NO_CHECKOUT)
        surroundings.refuse_another_checkout()
        if told := checkout.unfinished_merge():
            raise ParameterError(told)
        surroundings.have_a_home()
        return given.run(given)
    except commands.ERRORS as error:
        return commands.told_error(str(error), 2)
    except BrokenPipeError:
        # Who reads the output has seen enough, as ``| head`` has; nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a program has it that the signal ends
    except OSError as error:
        if error.errno not in commands.DISK:
            raise
        return commands.told_error(
            commands.of_disk(f"{error.strerror}: {error.filename or 'the disk'}"), 2
        )
    except KeyboardInterrupt:
        # It would report the interrupted cell with its traceback.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        kept = given is not None and given.run in commands.KEEPING
        told = "interrupted; run the same command again"
        print(f"\n{told}{': finished runs are kept' * kept}", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ParameterError(f"{message}; {' '.join(self.format_usage().split())}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="reluclf",
        description="Rebuilds, reruns and checks the book; it works on its own checkout.",
        epilog="reluclf COMMAND --help lists the options of one; "
        "each can be given as NAME=value, too, as make passes them.",
    )
    parser.add_argument("--version", action="version", version=f"reluclf {__version__}")
    added = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, make, told in (
        ("book", building.html, "build the HTML book strictly, from the records"),
        ("pdf", building.pdf, "build the PDF strictly, from the records; needs XeLaTeX"),
        ("links", building.links, "check the links to other sites"),
        ("dist", release.pack, "pack what a release carries, after book and pdf"),
    ):
        option = _add(added, name, functools.partial(commands.build, make), told).add_argument
        option("--out", default=str(paths.ROOT), metavar="FOLDER", help="build in its _build/")

    told = "rerun one chapter, by default training what has no record, into reruns/"
    option = _add(added, "chapter", commands.chapter, told).add_argument
    option("words", nargs="*", metavar="CHAPTER [name=value ...]", help="its name and parameters")
    pair: dict[str, Any] = {
        "nargs": 2,
        "metavar": ("NAME", "VALUE"),
        "action": "append",
        "default": [],
    }
    option("-p", **pair, help="a parameter, as papermill takes it")
    option("--chapter", default="", help=argparse.SUPPRESS)
    option("--keep", action="store_true", help="copy the records into results/")
    option("--afresh", action="store_true", help="ignore all records, delete earlier reruns'")

    told = "train what a chapter names and has no record, into results/"
    option = _add(added, "train", commands.train, told, aliases=["experiments"]).add_argument
    option("--chapter", help="only what this chapter names")
    option("--only", help="only runs whose name contains this")
    option("--workers", help="processes; by default one a core")
    option("--dask", metavar="ADDRESS", help="of a Dask scheduler to train on instead")

    told = "retrain a random sample of the records and compare"
    option = _add(added, "verify", commands.verify, told).add_argument
    option("--seconds", type=_whole, default=600, help="how long, roughly (%(default)s)")
    option("--workers", type=_whole, default=0, help="processes; by default one a core")
    another = time.time_ns() % 2**31
    option("--seed", type=_whole, default=another, help="of the sample; by default another one")

    told = "measure how fast it all is, and write results/bench.json"
    option = _add(added, "bench", commands.bench, told).add_argument
    option("--repeats", type=_some, default=2)
    option("--rows", type=_some, default=20_000)
    option("--epochs", type=_some, default=8)
    option("--gpu", type=_whole, default=0, help="measure a GPU instead, so many runs at a time")

    for name, run, told in (
        (
            "check-records",
            commands.check_records,
            "read every record in results/ (and in $RELUCLF_RESULTS) and list all problems",
        ),
        (
            "gpu",
            commands.gpu,
            "say which frameworks find an accelerator, and why the others do not",
        ),
        ("steps", commands.steps, "measure the CNN's first epochs, and write results/steps.jsonl"),
        (
            "zero-rows",
            commands.zero_rows,
            "measure 0/0 on each backend, and write results/zero-rows.json",
        ),
        (
            "simulate",
            commands.simulate,
            "ask the rules in made-up worlds, and write simulation.json",
        ),
        ("picture", commands.picture, "draw the README's picture anew from the records"),
    ):
        _add(added, name, run, told)
    return parser


def _add(
    to: Any, name: str, run: Callable[[Any], int], told: str, **settings: Any
) -> argparse.ArgumentParser:
    parser = to.add_parser(name, help=told, description=told, allow_abbrev=False, **settings)
    parser.set_defaults(run=run, parser=parser)
    return parser


def _parsed(arguments: Iterable[str]) -> argparse.Namespace:
    pairs = [(option, word) for word in arguments for option in _as_options(word)]
    parsed, rest = _parser().parse_known_args([option for option, _ in pairs])
    if "words" in parsed:  # they may stand between options, too
        parsed.words += [word for word in rest if not word.startswith("-")]
        rest = [word for word in rest if word.startswith("-")]
    if rest:
        words = dict(pairs)  # as they were typed, or as make passed them
        parsed.parser.error(
            f"{' '.join(words.get(option, option) for option in rest)} is not allowed"
        )
    return parsed


def _as_options(word: str) -> list[str]:
    """Turn what make passes, ``SECONDS=20`` or ``KEEP=1``, into an option; ``KEEP=0`` into none."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise ParameterError(
            f"{word!a} cannot be read as a text; if it is one, set PYTHONUTF8=1."
        ) from None
    given = re.fullmatch(r"([A-Z]+)=(.*)", word, re.DOTALL)
    if given is None:
        return [word]
    if given[1] not in _FLAGS:
        return [f"--{given[1].lower()}={given[2]}"]
    if given[2].lower() in ("1", "true"):
        return [f"--{given[1].lower()}"]
    if given[2].lower() in ("0", "false"):
        return []
    raise ParameterError(f"{word} is not allowed; {given[1]} is 0 or 1.")


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(
            f"{text} is not allowed; it is a whole number of nine digits at the most"
        )
    return int(text)


def _some(text: str) -> int:
    if not _whole(text):
        raise argparse.ArgumentTypeError(f"{text} is not allowed; it is 1 or more")
    return int(text)
