"""The ten networks of the paper, and the runs of ours that tables and figures show of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from reluclf.judging import evidence, paper
from reluclf.judging.design import Condition
from reluclf.record import Record
from reluclf.spec import N_SPLITS


class Network(NamedTuple):
    """A data set, an architecture and a head."""

    dataset: str
    architecture: str
    head: str

    @property
    def title(self) -> str:
        """Its name on the pages, as ``MNIST CNN-ReLU``."""
        return paper.title(*self)

    @property
    def short(self) -> str:
        """Its name where the data set is known, as ``CNN-ReLU``."""
        return f"{self.architecture.upper()}-{paper.HEAD_TITLES[self.head]}"

    @property
    def published(self) -> dict[str, float]:
        """What the paper gives for it: :data:`reluclf.judging.paper.MEASURES`."""
        return paper.result(*self)

    def under(self, records: Iterable[Record], condition: Condition) -> list[Record]:
        """Select its runs under a condition, all of one length.

        Raises
        ------
        ValueError
            If they are of several: a seed would count twice.
        """
        network = {"architecture": self.architecture, "head": self.head}
        found = evidence.under(records, condition, self.dataset, **network)
        lengths = sorted({run.spec.epochs for run in found})
        if len(lengths) > 1:
            listed = " and ".join(map(str, lengths))
            raise ValueError(
                f"{self.title}, {condition}: runs of {listed} epochs are not to be averaged; give "
                f"those of one length, as Store().select(epochs={lengths[0]}, ...) reads them."
            )
        return found

    def whole(self, records: Iterable[Record], condition: Condition) -> list[Record]:
        """Select those that have all ten folds."""
        return [run for run in self.under(records, condition) if len(run.folds) == N_SPLITS]

    def once(self, records: Iterable[Record], **setting: Any) -> list[Record]:
        """Select its models trained once on the whole training set, with this setting."""
        return evidence.of_setting(records, setting, protocol="fresh", **self._asdict())


def with_both_heads(dataset: str, architecture: str) -> list[Network]:
    """List the two networks that the paper compares, softmax first."""
    return [Network(dataset, architecture, head) for head in paper.HEADS]


def architectures(dataset: str) -> list[str]:
    """List the architectures that the paper has on a data set."""
    return [architecture for of, architecture in paper.RESULT_TABLES if of == dataset]


#: The data sets of images.
IMAGES = tuple(paper.FOLD_TABLES)

#: The paper's networks, and those of them on images.
NETWORKS = [network for pair in paper.RESULT_TABLES for network in with_both_heads(*pair)]
ON_IMAGES = [network for network in NETWORKS if network.dataset != "wdbc"]
