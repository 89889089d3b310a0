"""The two conditions under which the paper's experiments are repeated, as run and as written, and what each means as fields of a spec."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from reluclf.judging import selection
from reluclf.record import Record


class Condition(StrEnum):
    """A condition, in the words of the pages.

    *As run* is what the author's code did: one model goes through all ten folds, and WDBC's measurements are in their own units. *As written* is what
    his text says: new weights in every fold, then a final model; and WDBC's measurements are standardised.
    """

    AS_RUN = "as run"
    AS_WRITTEN = "as written"

    @property
    def protocol(self) -> str:
        """The protocol of its specs."""
        return {Condition.AS_RUN: "carried", Condition.AS_WRITTEN: "fresh"}[self]

    def setting(self, dataset: str) -> dict[str, Any]:
        """The other fields in which its specs differ from the defaults."""
        return {"features": "raw"} if self is Condition.AS_RUN and dataset == "wdbc" else {}

    def runs(self, records: Iterable[Record], dataset: str, **network: str) -> list[Record]:
        """Those of the records that are of a network under this condition, as :func:`reluclf.judging.selection.of_setting` has them."""
        return selection.of_setting(
            records, self.setting(dataset), dataset=dataset, protocol=self.protocol, **network
        )

    def by_seed(self, records: Iterable[Record], dataset: str, **network: str) -> dict[int, Record]:
        """The same, by seed."""
        return {run.spec.seed: run for run in self.runs(records, dataset, **network)}
