"""The commands: what each of them does with what it is given, and its exit status."""

from __future__ import annotations

import argparse
import errno
import functools
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reluclf import paths
from reluclf.campaign import accelerator, checkout, runtime, surroundings, trust
from reluclf.campaign.training import CampaignError, NoRunError
from reluclf.judging.paper import PaperError
from reluclf.record import Record
from reluclf.showing import building, chapters
from reluclf.showing.parameters import ParameterError
from reluclf.sources import DataError
from reluclf.spec import SpecError
from reluclf.store import RecordError, Store

#: What is told in one sentence, without a traceback.
ERRORS = (
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

#: What the disk says where it is no fault of ours: it is full, or may not be written to, or a limit
#: of the user's is reached.
DISK = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EFBIG,
    errno.EMFILE,
)


#: The exit status where no run has a name as asked for.
_NO_RUN = 3


def told_error(message: str, status: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return status


def of_disk(what: str) -> str:
    return (
        f"a file cannot be read or written ({what}); make room or give access to it, "
        "and run the same command again: finished runs are kept."
    )


def _say(line: str) -> None:
    print(line, flush=True)


def build(make: Callable[[Path, Callable[[str], None]], Path], given: argparse.Namespace) -> int:
    _say(f"it is there: {make(Path(given.out).expanduser().resolve(), _say)}")
    return 0


def chapter(given: argparse.Namespace) -> int:
    words = [word for word in given.words if "=" not in word]
    name = given.chapter or (words.pop(0) if words else "")
    if words:
        raise ParameterError(f"{words[0]!r} is not of the form name=value.")
    pairs = [word.split("=", 1) for word in given.words if "=" in word] + given.p
    assignments = dict(pairs)
    for parameter in assignments:
        texts = [text for name, text in pairs if name == parameter]
        if len(texts) > 1:
            raise ParameterError(f"{parameter} is given twice, as {' and as '.join(texts)}.")
    values = chapters.parse(name, assignments)
    return _executed(lambda: chapters.rerun(name, values, keep=given.keep, afresh=given.afresh))


def train(given: argparse.Namespace) -> int:
    trainable = [name for name in chapters.names() if "train" in chapters.parameters(name)]
    names = [given.chapter] if given.chapter is not None else trainable
    if not set(names) <= set(trainable):
        raise ParameterError(
            f"{names[0]!r} is not a chapter that trains; those are {', '.join(trainable)}."
        )
    options = {"only": given.only, "workers": given.workers, "cluster": given.dask}
    texts = {name: text for name, text in options.items() if text is not None}
    values = {name: {"train": True, **chapters.parse(name, texts)} for name in names}
    # One that fails does not stop the others.
    ended = [_executed(functools.partial(_trained, name, values[name])) for name in names]
    failed = [status for status in ended if status != _NO_RUN]  # it may be another chapter's
    return max(failed, default=_NO_RUN)


def _trained(name: str, values: Mapping[str, Any]) -> Path:
    print(f"chapter {name}", file=sys.stderr, flush=True)
    return chapters.run(name, values, chapters.RERUNS / "experiments")


def _executed(run: Callable[[], Path]) -> int:
    """Execute a chapter, and say where it is, or in one sentence why it failed."""
    import nbclient.exceptions
    import papermill

    started = time.perf_counter()
    try:
        executed = run()
    except (papermill.PapermillExecutionError, nbclient.exceptions.CellExecutionError) as error:
        if getattr(error, "ename", "") == NoRunError.__name__:
            print(error.evalue, file=sys.stderr)
            return _NO_RUN
        if getattr(error, "ename", "") in {kind.__name__ for kind in ERRORS}:
            return told_error(error.evalue, 1)
        if re.match(rf"\[Errno ({'|'.join(map(str, DISK))})\]", str(error.evalue)):
            return told_error(of_disk(error.evalue), 1)
        print(error, file=sys.stderr)
        return 1
    except nbclient.exceptions.DeadKernelError:
        killed = "the chapter's process was killed, often for want of memory"
        return told_error(
            f"{killed}; finished runs are kept, run the same command again to go on.", 1
        )
    print(f"{executed} ({time.perf_counter() - started:.0f} s)")
    return 0


def check_records(given: argparse.Namespace) -> int:
    _, fine = _read_all()
    return 0 if fine else 1


def _read_all() -> tuple[list[Record], bool]:
    """Say what is wrong with the records; return those to be trusted, and whether all can be."""
    records, n, problems = trust.read_all()
    counted = f"{n} record{'s' * (n != 1)} can be trusted"
    print(*problems, f"{counted}, {len(problems)} problem{'s' * (len(problems) != 1)}", sep="\n")
    if checkout.sparse():
        print(checkout.sparse())
    elif not n:
        print(f"there is no record in {paths.RESULTS}; restore it with git, or train it anew.")
    return records, bool(n) and not problems


def verify(given: argparse.Namespace) -> int:
    from reluclf.campaign import verify

    records, fine = _read_all()
    if not records:
        return 1
    _say(f"a random sample of them is trained anew (SEED={given.seed})")
    verdicts = []
    for verdict in verify.run(records, given.seconds, given.workers or None, given.seed):
        _say(f"{verdict.verdict:10} {verdict.spec}: {verdict.why}")
        verdicts.append(verdict)
    counts = Counter(verdict.verdict for verdict in verdicts)
    listed = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    of = f"{len(verdicts)} of the book's {len(records)} records"
    print(f"{of} retrained (SEED={given.seed}): {listed}")
    return 0 if fine and not counts["differs"] else 1


def gpu(given: argparse.Namespace) -> int:
    chosen = runtime.backend()
    found = {name: accelerator.ask(name) for name in dict.fromkeys((chosen, "tensorflow", "jax"))}
    for name, answer in found.items():
        _say(f"{name}: {answer.device or f'no accelerator ({answer.reason})'}")
    if found[chosen].device is None:
        why = found[chosen].reason.rstrip(".")
        raise runtime.BackendError(f"Keras's backend {chosen} finds no accelerator: {why}.")
    return 0


def steps(given: argparse.Namespace) -> int:
    from reluclf.campaign import batchwise

    runtime.configure(threads=1)
    batchwise.measure_missing(functools.partial(print, file=sys.stderr, flush=True))
    print(paths.STEPS)
    return 0


def zero_rows(given: argparse.Namespace) -> int:
    from reluclf.showing import derivations

    asked = ", ".join(derivations.measure_zero_rows())
    print(f"asked {asked}; the answers are in {paths.ZERO_ROWS}")
    return 0


def simulate(given: argparse.Namespace) -> int:
    from reluclf.judging import simulation

    simulation.write()
    print(paths.SIMULATION)
    return 0


def picture(given: argparse.Namespace) -> int:
    from reluclf.showing import figures, first_page

    figures.style()
    file = paths.BOOK / "_static" / "networks.svg"
    records = Store(paths.RESULTS).select(samples=None, epochs=32)
    first_page.picture(records).savefig(file, metadata={"Date": None})
    print(file)
    return 0


def bench(given: argparse.Namespace) -> int:
    from reluclf.campaign import bench
    from reluclf.showing import speed

    started = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - started:4.0f} s  {what}", file=sys.stderr, flush=True)

    if given.gpu:
        result = bench.read()
        if result is None:
            raise ParameterError(
                "the accelerator's part goes into a result that is there already; "
                "run make bench without GPU first."
            )
        say(f"each network, and Tables 3 to 8, {given.gpu} runs at a time")
        result = result.model_copy(update={"accelerator": bench.accelerate(given.gpu)})
    else:
        result = bench.run(given.repeats, given.rows, given.epochs, say)
    bench.write(result)
    print(speed.table(result).to_string(index=False))
    print(f"{paths.BENCH} ({time.perf_counter() - started:.0f} s)")
    return 0


#: What goes on where it was interrupted; the other commands begin anew.
KEEPING = (chapter, train, steps)
