"""What TensorFlow 1.4.1 and Keras 2.1.2 make of rows whose outputs are zero."""

import json
import os

import numpy as np

from original import networks, plan, records

#: The name of these libraries among the frameworks of ``results/zero-rows.json``.
BACKEND = "tensorflow1"

FILE = os.path.join(os.path.dirname(plan.STORE), "zero-rows.json")

K_CLASSES = 10

#: Rows of logits whose first class is the true one.
ROWS = (
    ("all outputs 0", [-1.0] * K_CLASSES),
    ("true class 0, others not", [-1.0] + [1.0] * (K_CLASSES - 1)),
)


def answers():
    """Measure loss and largest gradients of each row, with either loss, in a graph.

    Returns
    -------
    list of dict
        As ``results/zero-rows.json`` has them.
    """
    import keras
    import tensorflow as tf
    from keras import backend as K

    networks.start(seed=1)
    found = []
    targets = K.constant(np.eye(K_CLASSES)[[0]])
    for name, loss in (("guarded", networks.guarded), ("verbatim", K.categorical_crossentropy)):
        logits = K.placeholder(shape=(None, K_CLASSES))
        outputs = K.relu(logits)
        value = loss(targets, outputs)
        compiled = K.function([logits], [value, *K.gradients(value, [outputs, logits])])
        for row, numbers in ROWS:
            cost, of_outputs, of_logits = compiled([np.array([numbers], np.float32)])
            answer = {"backend": BACKEND, "version": tf.__version__, "keras": keras.__version__}
            answer.update(mode="graph", loss=name, row=row, value=said("{:.3f}", cost.max()))
            answer.update(outputs=largest(of_outputs), logits=largest(of_logits))
            found.append(answer)
    return found


def largest(gradient):
    """Write the largest absolute value of a gradient."""
    return said("{:.3g}", np.abs(gradient).max())


def said(form, value):
    """Write a number, or NaN as NaN."""
    return form.format(value).replace("nan", "NaN")


def measure(file=FILE):
    """Put the answers into the file, where those of other frameworks stay as they are."""
    with open(file, encoding="utf-8") as stream:
        kept = [line.rstrip(",") for line in stream.read().splitlines()[1:-1]]
    kept = [line for line in kept if json.loads(line)["backend"] != BACKEND]
    lines = kept + [" " + json.dumps(answer) for answer in answers()]
    records.write_atomically(file, "[\n" + ",\n".join(lines) + "\n]\n")
