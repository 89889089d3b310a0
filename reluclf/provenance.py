"""Where, when and with what a run was made, as its record has it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)


class Part(BaseModel):
    """What a record consists of."""

    # A run that diverged has NaN and infinite losses. They are results, and are written as the
    # strings "NaN", "Infinity".
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Provenance(Part):
    """Where, when and with what a run was made.

    Attributes
    ----------
    started : datetime, in UTC
    seconds : float
        Wall time of the run, without that of earlier attempts.
    commit : str or None
        The commit of the checkout; None outside git.
    modified : bool
        Whether the folder of the code, ``reluclf/`` or ``original/``, differed from that commit.
    code : str
        SHA-256 of the modules that decide a run's outcome.
    versions : dict
        Python and the libraries, by name.
    backend, device : str
    threads : int
        Threads the framework may use within one operation; 0 means all.
    data : dict
        SHA-256 of what the data set was read from.
    precision : {"float32", "tf32"} or None
        Of products on an accelerator; ``float32`` on a processor. None in records of before it was
        noted, as of all that follow.
    deterministic : bool or None
        Whether the accelerator was held to kernels that always add in the same order; None on a
        processor.
    width, lane : int or None
        How many seeds the program trained at once, and the place this one had, from 0; None if it
        was trained alone. Its ``seconds`` then are the wall time divided by the runs that shared
        it; those of its folds are the wall time.
    """

    started: datetime
    seconds: float
    commit: str | None
    modified: bool
    code: str
    versions: dict[str, str]
    backend: str
    device: str
    threads: int
    data: dict[str, str]
    precision: Literal["float32", "tf32"] | None = None
    deterministic: bool | None = None
    width: int | None = Field(default=None, ge=2)
    lane: int | None = Field(default=None, ge=0)

    @model_serializer(mode="wrap")
    def _without_what_was_not_noted(
        self, serialized: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        # An older record is written as it was read, so that its digest stays.
        new = ("precision", "deterministic", "width", "lane")
        return {
            name: value
            for name, value in serialized(self).items()
            if value is not None or name not in new
        }

    @model_validator(mode="after")
    def _has_its_lane(self) -> Provenance:
        alone = self.width is None and self.lane is None
        inside = self.width is not None and self.lane is not None and self.lane < self.width
        if not alone and not inside:
            raise ValueError(f"lane {self.lane} is none of a program of width {self.width}")
        return self
