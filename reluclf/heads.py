"""The heads: what becomes of a network's logits, and the loss that each is trained with.

The paper has two, softmax and ReLU. Keras is imported when an output is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reluclf.losses import guarded, softmax_cross_entropy, sparsemax_loss, verbatim
from reluclf.spec import Spec


@dataclass(frozen=True)
class Head:
    """How a head makes outputs of logits, and what its loss is.

    Attributes
    ----------
    activation : callable
        Keras operation from logits to outputs; ``sparsemax`` leaves them as they are, for its loss
        makes shares of them.
    loss : callable
        From one-hot targets and outputs to losses. :func:`~reluclf.losses.guarded` divides the
        outputs by their sum, as the author's code did.
    formula : str
        The outputs as a function of a logit z, for the page.
    source : str
        Key of the reference in ``book/references.bib``; empty if there is none.
    """

    activation: Callable[[Any], Any]
    loss: Callable[[Any, Any], Any]
    formula: str
    source: str = ""


def _keras(name: str) -> Callable[[Any], Any]:
    """Name an activation of Keras, which is imported when it is called."""

    def activation(logits: Any) -> Any:
        import keras

        return getattr(keras.activations, name)(logits)

    return activation


def leaky_relu(logits: Any) -> Any:
    """Compute max(0.01 z, z), of a head or a hidden layer."""
    from keras import ops

    return ops.leaky_relu(logits, negative_slope=0.01)


def _squared_relu(logits: Any) -> Any:
    from keras import ops

    return ops.square(ops.relu(logits))


def _elu_plus_one(logits: Any) -> Any:
    from keras import ops

    return ops.elu(logits) + 1


#: The heads: the paper's two, then the variants that answer its second proposal for future work.
HEADS = {
    "softmax": Head(_keras("softmax"), guarded, "exp(z)", "agarap2018"),
    "relu": Head(_keras("relu"), guarded, "max(0, z)", "agarap2018"),
    "leaky_relu": Head(leaky_relu, guarded, "max(0.01 z, z)", "maas2013"),
    "softplus": Head(_keras("softplus"), guarded, "log(1 + exp(z))", "glorot2011"),
    "squared_relu": Head(_squared_relu, guarded, "max(0, z)²", "debrebisson2016"),
    "elu_plus_one": Head(_elu_plus_one, guarded, "z + 1 if z > 0, else exp(z)", "clevert2016"),
    "relu_softmax": Head(_keras("relu"), softmax_cross_entropy, "max(0, z)", ""),
    "sparsemax": Head(
        _keras("linear"), sparsemax_loss, "max(0, z − τ), summing to 1", "martins2016"
    ),
}


def loss_function(spec: Spec) -> Callable[[Any, Any], Any]:
    """Return a spec's loss: a function of one-hot targets and outputs, both (n, k), to (n,)."""
    return verbatim if spec.loss == "verbatim" else HEADS[spec.head].loss


def activation(spec: Spec) -> Callable[[Any], Any]:
    """Return what the head of a spec does to its logits, its floor included."""
    head = HEADS[spec.head].activation
    return (lambda logits: head(logits) + spec.floor) if spec.floor else head
