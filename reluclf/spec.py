"""What one training run is: the experiment's specification.

A :class:`Spec` says everything that decides a run's outcome on a given machine. It names the file
its record is kept in, and refuses, before anything is trained, what cannot be run.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Dataset = Literal["mnist", "fashion_mnist", "wdbc"]
Architecture = Literal["ffnn", "cnn", "logistic"]
Head = Literal[
    "softmax",
    "relu",
    "leaky_relu",
    "softplus",
    "squared_relu",
    "elu_plus_one",
    "relu_softmax",
    "sparsemax",
]
Protocol = Literal["carried", "fresh"]
Loss = Literal["guarded", "verbatim"]
Features = Literal["paper", "raw", "pixels", "shuffled"]
Optimizer = Literal["adam"]
Hidden = Literal["relu", "leaky_relu"]

#: The data sets as a page names them.
TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "wdbc": "WDBC"}

#: Their classes, in the order of their numbers.
CLASSES = {
    "mnist": [str(digit) for digit in range(10)],
    "fashion_mnist": [
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ],
    "wdbc": ["malignant", "benign"],
}

#: Folds that the cross-validation splits into (paper, section 2.5); ``Spec.folds`` of them are run.
N_SPLITS = 10

#: Fewest training samples of a run on images: nine tenths of them span the 256 components.
FEWEST_IMAGES = 300


_NO_FIELD = "{} is not a field of a spec; the fields are {}"


class SpecError(ValueError):
    """A spec that cannot be run; the message names the field, the value and what is allowed."""


class Spec(BaseModel):
    """One training run.

    The fields with defaults have the values of the author's code, but for ``loss``, which is
    guarded, and for ``features`` on WDBC, where his code has ``raw``. Only the others, and those
    that differ from their default, enter the path of the record.

    Attributes
    ----------
    dataset : {"mnist", "fashion_mnist", "wdbc"}
    architecture : {"ffnn", "cnn", "logistic"}
        The FFNN of the paper's Table 2 (on WDBC the one of the author's code), the CNN of its Table
        1, or, for comparison on WDBC, logistic regression as scikit-learn has it, which is solved,
        not trained by epochs.
    head : {"softmax", "relu", ...}
        The activation of the output layer; the paper's two, and the variants in
        :data:`reluclf.heads.HEADS`.
    protocol : {"carried", "fresh"}
        ``carried``: one model through all folds, as the author's code did. ``fresh``: every fold
        from new weights, as we read the paper, and then one model on the whole training set.
    seed : int
        Sets weights, dropout, the order of the batches and, on WDBC, the split into training and
        test set.
    loss : {"guarded", "verbatim"}
        Cross-entropy with 0/0 := 0, or Keras's own.
    features : {"paper", "raw", "pixels", "shuffled"}
        What the network sees: as the paper's text has it, standardised measurements or principal
        components; WDBC's measurements in their own units, as the author's code had them; or, as
        controls, images averaged down to 16 x 16 standardised pixels, or the components in a random
        order.
    epochs : int
        Epochs in every fold.
    folds : int
        How many of the ten folds are run, the first ones; 0 (``fresh`` only) trains the final model
        alone.
    batch_size : int
    optimizer : {"adam"}
        The author's; a record names it.
    learning_rate : float or None
        None is the optimiser's default.
    clipnorm : float or None
        The norm that the gradient of each weight matrix and each bias vector is clipped to; None
        clips nothing.
    beta_2 : float
        How slowly Adam's second moment forgets: of one batch's squared gradient ``beta_2**n`` is
        left after n more.
    bias : float
        The initial bias of the output layer.
    floor : float
        Added to what the head puts out, before it is normalised.
    hidden : {"relu", "leaky_relu"}
        The activation of the hidden units.
    samples : int or None
        Use only the first so many training and test samples; for smoke tests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dataset: Dataset
    architecture: Architecture
    head: Head
    protocol: Protocol
    seed: int = Field(ge=0, lt=2**31)
    loss: Loss = "guarded"
    features: Features = "paper"
    epochs: int = Field(default=32, ge=1, le=10_000)
    folds: int = Field(default=N_SPLITS, ge=0, le=N_SPLITS)
    batch_size: int = Field(default=256, ge=1, le=60_000)
    optimizer: Optimizer = "adam"
    learning_rate: float | None = Field(default=None, gt=0, le=10)
    clipnorm: float | None = Field(default=None, gt=0, le=1e6)
    beta_2: float = Field(default=0.999, ge=0, lt=1)
    bias: float = Field(default=0.0, ge=-100, le=100)
    floor: float = Field(default=0.0, ge=0, le=100)
    hidden: Hidden = "relu"
    samples: int | None = Field(default=None, ge=100, le=60_000)

    def __init__(self, /, **fields: Any) -> None:
        # A number of NumPy's is as good as Python's.
        plain = {
            name: value.item() if getattr(value, "shape", None) == () else value
            for name, value in fields.items()
        }
        try:
            super().__init__(**plain)
        except ValidationError as error:
            raise SpecError(_in_one_sentence(error)) from None

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Spec:
        if self.architecture == "cnn" and self.dataset == "wdbc":
            raise ValueError(
                "architecture='cnn' needs images; "
                "with dataset='wdbc' 'ffnn' and 'logistic' are allowed"
            )
        solved = (self.dataset, self.head, self.protocol, self.epochs)
        if self.architecture == "logistic" and solved != ("wdbc", "softmax", "fresh", 1):
            raise ValueError(
                "architecture='logistic' is allowed with dataset='wdbc', head='softmax', "
                "protocol='fresh' and epochs=1 only"
            )
        if self.features != "paper" and (self.features == "raw") != (self.dataset == "wdbc"):
            images = "'paper', 'pixels' and 'shuffled'"
            allowed = "'paper' and 'raw'" if self.dataset == "wdbc" else images
            raise ValueError(
                f"features={self.features!r} does not fit dataset={self.dataset!r}; "
                f"{allowed} are allowed"
            )
        if self.loss == "verbatim" and self.head not in ("softmax", "relu"):
            raise ValueError(
                "loss='verbatim' is the author's, whose heads are 'softmax' and 'relu'; "
                f"with head={self.head!r} only 'guarded' is allowed"
            )
        if self.floor and self.head in ("relu_softmax", "sparsemax"):
            raise ValueError(
                f"floor={self.floor} needs a head whose outputs are divided by their sum; "
                f"with head={self.head!r} only 0.0 is allowed"
            )
        if self.folds == 0 and self.protocol == "carried":
            raise ValueError(
                "folds=0 leaves protocol='carried' nothing to train; 1 to 10 are allowed"
            )
        if self.samples is not None and self.samples < FEWEST_IMAGES and self.dataset != "wdbc":
            raise ValueError(
                f"samples={self.samples} is too few for 256 principal components; "
                f"{FEWEST_IMAGES} or more are allowed"
            )
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the spec with other values, which pydantic takes as they are.

        Raises
        ------
        SpecError
            If a name is that of no field, which pydantic would keep without a word.
        """
        for name in set(update or ()) - set(type(self).model_fields):
            raise SpecError(_NO_FIELD.format(name, ", ".join(type(self).model_fields)))
        return super().model_copy(update=update, deep=deep)

    @property
    def setting(self) -> dict[str, Any]:
        """The fields that differ from the author's code.

        How long, on how many folds and on how many samples is trained is not among them.
        """
        free = {"folds", "epochs", "samples"}
        return {name: value for name, value in self._departures().items() if name not in free}

    @property
    def path(self) -> PurePosixPath:
        """Where the record is kept in a store.

        ``<dataset>/<architecture>-<head>/<protocol>[,field=value...]/seed-<k>.json``
        """
        special = [f",{name}={value}" for name, value in self._departures().items()]
        return PurePosixPath(
            self.dataset,
            f"{self.architecture}-{self.head}",
            self.protocol + "".join(special),
            f"seed-{self.seed}.json",
        )

    @classmethod
    def from_path(cls, path: PurePath) -> Spec:
        """Find the spec whose record is kept at this path: the inverse of :attr:`path`.

        Raises
        ------
        SpecError
            If it is the path of no spec.

        Examples
        --------
        >>> spec = Spec.from_path(PurePosixPath("mnist/cnn-relu/fresh,clipnorm=1.0/seed-3.json"))
        >>> spec.dataset, spec.head, spec.clipnorm, spec.seed
        ('mnist', 'relu', 1.0, 3)
        """
        try:
            spec = cls(
                **_fields_of(path.parent.as_posix()), seed=int(path.stem.removeprefix("seed-"))
            )
        except (ValueError, TypeError, SyntaxError) as error:
            raise SpecError(f"{path} is the path of no spec: {error}") from None
        if str(spec.path) != path.as_posix():
            raise SpecError(f"{path} is the path of no spec, but nearly that of {spec}")
        return spec

    def _departures(self) -> dict[str, Any]:
        departures = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if not field.is_required() and value != field.default:
                departures[name] = value
        return departures

    def __str__(self) -> str:
        return str(self.path.with_suffix(""))


#: Fields with defaults whose values are texts, which a path has without quotes.
_TEXTS = ("loss", "features", "optimizer", "hidden")


@functools.cache  # a folder holds many seeds
def _fields_of(folder: str) -> dict[str, Any]:
    dataset, network, setting = folder.split("/")
    architecture, head = network.split("-")
    protocol, *departures = setting.split(",")
    fields = {"dataset": dataset, "architecture": architecture, "head": head, "protocol": protocol}
    for departure in departures:
        name, value = departure.split("=")
        fields[name] = value if name in _TEXTS else ast.literal_eval(value)
    return fields


def _in_one_sentence(error: ValidationError) -> str:
    problems = []
    for detail in error.errors():
        name = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            problems.append(_NO_FIELD.format(name, ", ".join(Spec.model_fields)))
        elif detail["type"] == "missing":
            problems.append(f"{name} is missing")
        elif detail["type"] == "value_error":
            problems.append(str(detail["ctx"]["error"]))
        else:
            problems.append(
                f"{name}={detail['input']!r} is not allowed: "
                f"{detail['msg'][0].lower()}{detail['msg'][1:]}"
            )
    return "; ".join(problems) + "."
