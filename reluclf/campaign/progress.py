"""How far a campaign is: the work that its runs are, and one progress bar for all."""

from __future__ import annotations

import contextlib
import sys
import threading
from contextlib import AbstractContextManager

from reluclf.spec import Spec
from reluclf.store import Store

#: Rough cost of training on one row once, relative to the FFNN's; only the order of the runs and
#: the estimate of the time left rest on it.
_COST = {"ffnn": 1.0, "cnn": 3.0, "logistic": 0.2}
_ROWS = {"mnist": 55_000, "fashion_mnist": 55_000, "wdbc": 398}

#: Seconds between two looks at how far the workers are.
LOOK = 1.0


def cost(spec: Spec) -> float:
    """Estimate how much work a run is, in epochs of the MNIST FFNN."""
    rows = min(spec.samples or _ROWS[spec.dataset], _ROWS[spec.dataset])
    return epochs(spec) * rows / _ROWS["mnist"] * _COST[spec.architecture]


def epochs(spec: Spec) -> int:
    """Count the epochs of a run: of its folds and, for ``fresh``, of its final model."""
    return spec.epochs * (spec.folds + (spec.protocol == "fresh"))


def say(text: str) -> None:
    """Tell the user something where the bar stands: on standard error, which no page shows."""
    print(text, file=sys.stderr, flush=True)


class Bar(AbstractContextManager):
    """One progress bar for all workers, in units of work.

    It looks at the files in which they say how many of their epochs are done.
    """

    def __init__(self, specs: list[Spec], store: Store) -> None:
        from tqdm import tqdm

        self._store = store
        self._running = {spec: 0.0 for spec in specs}
        self._finished = 0.0
        self._n = 0
        total = sum(cost(spec) for spec in specs)
        # Other machines' files may not be seen here; the bar then moves when a run ends.
        self._bar = tqdm(
            total=total,
            bar_format="{desc} {percentage:3.0f}%|{bar:30}| {elapsed}<{remaining}",
            miniters=0,  # the time decides: a log file's user can set TQDM_MININTERVAL
        )
        self._of = len(specs)
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Bar:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watch.join()
        self._bar.close()

    def finished(self, spec: Spec) -> None:
        self._running.pop(spec)
        self._finished += cost(spec)
        self._n += 1
        self._show()

    def _look(self) -> None:
        while not self._stop.wait(LOOK):
            for spec in list(self._running):
                with contextlib.suppress(OSError, ValueError):  # it may have ended meanwhile
                    done = int(self._store.unfinished(spec, "epochs").read_text() or 0)
                    if spec in self._running:
                        self._running[spec] = cost(spec) * done / epochs(spec)
            self._show()

    def _show(self) -> None:
        done = self._finished + sum(list(self._running.values()))
        self._bar.set_description_str(f"{self._n} of {self._of} runs", refresh=False)
        self._bar.update(max(0.0, min(done, self._bar.total) - self._bar.n))
