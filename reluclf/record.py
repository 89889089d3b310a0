"""What one training run gave: the record, its schema, and what follows from its predictions.

A record is a small JSON file. It holds the whole spec, the loss and accuracy of every fold and
epoch, the true label and the prediction of every test sample, what follows from these, and where
the run took place. A record that contradicts itself is refused when it is read.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Literal

import numpy as np
from pydantic import (
    Field,
    model_validator,
)

from reluclf.metrics import confusion_matrix, from_digits, loses_a_class, scores, to_digits
from reluclf.provenance import Part, Provenance
from reluclf.spec import CLASSES, Spec

#: The version of the schema; a record of another version is refused. (A type checker wants it
#: written out in ``Record``.)
FORMAT = 1


class Curve(Part):
    """Loss and accuracy after every epoch; in training means over its batches, dropout on."""

    loss: tuple[float, ...]
    accuracy: tuple[float, ...]


class Score(Part):
    """Mean loss and accuracy on one set of samples."""

    loss: float
    accuracy: float


class Fold(Part):
    """One fold: rows trained on, rows held out, and the test set after its last epoch."""

    fold: int
    n_train: int
    n_validation: int
    train: Curve
    validation: Curve
    test: Score
    seconds: float


class Probe(Part):
    """What :mod:`reluclf.probes` measured after every epoch.

    Runs of before 25 November 2026 were not asked for ``dead_hidden``.
    """

    norm_head: tuple[float, ...]
    norm_first: tuple[float, ...]
    cosine: tuple[float, ...]
    no_gradient: tuple[float, ...]
    dead_units: tuple[float, ...]
    dead_true: tuple[float, ...]
    dead_hidden: tuple[float, ...] | None = None


class Final(Part):
    """The model that ``fresh`` trains once on the whole training set, tested after every epoch."""

    n_train: int
    train: Curve
    test: Curve
    probe: Probe | None = None
    seconds: float


class Test(Part):
    """The test of the run's last model.

    Attributes
    ----------
    labels, predictions : str
        One digit a test sample, in the order of the test set: its class, and the class of its
        largest output (the first of equals).
    confusion_matrix : tuple of tuples of int
        Rows are true classes, columns predictions.
    precision, recall, f1 : float
        Means over the classes, weighted by their support; 0/0 counts as 0, as in scikit-learn.
    """

    labels: str
    predictions: str
    loss: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    confusion_matrix: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, labels: np.ndarray, predictions: np.ndarray, loss: float, n_classes: int) -> Test:
        """Make it from int arrays of shape (n,).

        Examples
        --------
        >>> test = Test.of(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 0]), loss=0.5, n_classes=2)
        >>> test.confusion_matrix, test.accuracy, test.lost
        (((1, 0), (2, 1)), 0.5, True)
        """
        matrix = confusion_matrix(labels, predictions, n_classes)
        return cls(
            labels=to_digits(labels),
            predictions=to_digits(predictions),
            loss=loss,
            confusion_matrix=matrix.tolist(),
            **scores(matrix),
        )

    @property
    def correct(self) -> np.ndarray:
        """Whether each test sample was classified correctly: bool, shape (n,)."""
        return from_digits(self.labels) == from_digits(self.predictions)

    @property
    def lost(self) -> bool:
        """Whether a class is lost: less than half of it is classified correctly."""
        return loses_a_class(self.confusion_matrix)

    @model_validator(mode="after")
    def _agree(self) -> Test:
        if (
            len(self.labels) != len(self.predictions)
            or not (self.labels + self.predictions).isdigit()
        ):
            raise ValueError("labels and predictions are not one digit for each test sample")
        if max(map(int, {*self.labels, *self.predictions})) >= len(self.confusion_matrix):
            raise ValueError("a label or prediction is not the number of a class")
        matrix = confusion_matrix(
            from_digits(self.labels), from_digits(self.predictions), len(self.confusion_matrix)
        )
        if matrix.tolist() != [list(row) for row in self.confusion_matrix]:
            raise ValueError("the predictions do not give the stated confusion matrix")
        for name, value in scores(matrix).items():
            if not math.isclose(value, getattr(self, name), abs_tol=1e-9):
                raise ValueError(
                    f"the predictions give {name} {value:.6f}, "
                    f"not the stated {getattr(self, name):.6f}"
                )
        return self


class Record(Part):
    """The outcome of one spec.

    Attributes
    ----------
    diverged_at : int or None
        The batch, counted from 1 over the whole run, at which the loss first was not finite; None
        if it always was.
    """

    format: Literal[1] = 1
    spec: Spec
    folds: tuple[Fold, ...]
    final: Final | None = None
    diverged_at: int | None = Field(default=None, ge=1)
    test: Test
    provenance: Provenance

    @model_validator(mode="before")
    @classmethod
    def _refuse_a_file(cls, content: Any) -> Any:
        if isinstance(content, dict) and "digest" in content:
            raise ValueError(
                "this is the file of a record, with its digest; "
                "read it with reluclf.store.read_file, which checks that"
            )
        return content

    @property
    def fold_accuracy(self) -> np.ndarray:
        """Accuracy on each fold's validation rows after its last epoch: float64, shape (folds,)."""
        return np.array([fold.validation.accuracy[-1] for fold in self.folds])

    @property
    def cv_accuracy(self) -> float:
        """Mean of :attr:`fold_accuracy`, the paper's "training cross-validation" accuracy.

        NaN if no fold was run.
        """
        return float(self.fold_accuracy.mean()) if self.folds else math.nan

    @property
    def cv_std(self) -> float:
        """Population standard deviation of :attr:`fold_accuracy`, as in the paper; or NaN."""
        return float(self.fold_accuracy.std()) if self.folds else math.nan

    def measured(self) -> str:
        """Write all that the run measured as one text, equal for runs that came out the same."""
        return repr(
            self.model_dump(
                include={"folds", "final", "diverged_at", "test"},
                exclude={"folds": {"__all__": {"seconds"}}, "final": {"seconds"}},
            )
        )

    @model_validator(mode="after")
    def _fits_its_spec(self) -> Record:
        numbers = [fold.fold for fold in self.folds]
        if numbers != list(range(1, self.spec.folds + 1)):
            raise ValueError(
                f"the spec says folds 1 to {self.spec.folds}, the record has {numbers}"
            )
        classes, rows = len(CLASSES[self.spec.dataset]), len(self.test.confusion_matrix)
        if rows != classes:
            raise ValueError(
                f"{self.spec.dataset} has {classes} classes, the confusion matrix {rows}"
            )
        if (self.final is not None) != (self.spec.protocol == "fresh"):
            raise ValueError("a final model belongs to protocol fresh, and to no other")
        curves = [curve for fold in self.folds for curve in (fold.train, fold.validation)]
        curves += [self.final.train, self.final.test] if self.final else []
        if {len(values) for curve in curves for values in (curve.loss, curve.accuracy)} != {
            self.spec.epochs
        }:
            raise ValueError(f"a curve has not the {self.spec.epochs} epochs of the spec")
        last = self.final.test.accuracy[-1] if self.final else self.folds[-1].test.accuracy
        if not math.isclose(last, self.test.accuracy, abs_tol=1e-6):
            raise ValueError(
                f"the test accuracy after the last epoch is {last:.6f}, "
                f"but the predictions give {self.test.accuracy:.6f}"
            )
        return self

    def to_json(self) -> str:
        """Write the record as JSON: a field a line, a list of numbers on one; last the digest."""
        content = json.loads(self.model_dump_json())
        return _pretty(content | {"digest": digest(content)}) + "\n"


def digest(content: dict[str, Any]) -> str:
    """Digest a record's content, whatever its layout: SHA-256.

    It finds an edited digit, not a forger, whom only retraining finds.
    """
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _pretty(value: Any, indent: str = "") -> str:
    if isinstance(value, dict) and value:
        lines = [
            f"{indent}  {json.dumps(key)}: {_pretty(item, indent + '  ')}"
            for key, item in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return (
            "[\n"
            + ",\n".join(f"{indent}  {_pretty(item, indent + '  ')}" for item in value)
            + f"\n{indent}]"
        )
    return json.dumps(value)
