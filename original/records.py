"""Records of the schema of ``reluclf``, written whole or not at all."""

import datetime
import hashlib
import json
import math
import os
import platform
import re
import subprocess
import uuid

import numpy as np

from original import data, networks, plan

#: The version of the schema.
FORMAT = 1

#: The modules that decide what a run gives.
DECISIVE = ("plan.py", "data.py", "networks.py", "training.py")


def make(spec, outcome, started, seconds):
    """Make the record of a run.

    Parameters
    ----------
    spec, outcome : dict
        See :mod:`original.plan` and :func:`original.training.run`.
    started : datetime.datetime
        UTC.
    seconds : float

    Returns
    -------
    dict
        As JSON has it: what is not finite is a string.
    """
    labels, predictions = outcome["labels"], outcome["predictions"]
    matrix = confusion_matrix(labels, predictions, networks.N_CLASSES[spec["dataset"]])
    test = {"labels": digits(labels), "predictions": digits(predictions), "loss": outcome["loss"]}
    test.update(scores(matrix), confusion_matrix=matrix.tolist())
    record = {
        "format": FORMAT,
        "spec": spec,
        "folds": outcome["folds"],
        "final": None,
        "diverged_at": outcome["diverged_at"],
        "test": test,
        "provenance": provenance(spec, started, seconds),
    }
    return finite_or_named(record)


def provenance(spec, started, seconds):
    """Tell when, where and with what a run was made."""
    import keras
    import scipy
    import sklearn
    import tensorflow as tf

    commit = git("rev-parse", "HEAD")
    return {
        "started": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(seconds, 2),
        "commit": commit,
        "modified": bool(commit and git("status", "--porcelain", "--", plan.HERE)),
        "code": code_digest(),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "scipy": scipy.__version__,
            "tensorflow": tf.__version__,
        },
        "backend": "tensorflow",
        "device": "CPU, " + processor(),
        "threads": 1,
        "data": data.checksums(spec["dataset"]),
    }


def code_digest():
    """Compute the SHA-256 over the modules that decide what a run gives."""
    digest = hashlib.sha256()
    for name in DECISIVE:
        with open(os.path.join(plan.HERE, name), "rb") as stream:
            digest.update(stream.read())
    return digest.hexdigest()


def git(*arguments):
    """Ask git about the folder of this program; None where there is no git, or no answer."""
    try:
        done = subprocess.run(
            ("git", *arguments),
            cwd=plan.HERE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode().strip() or None


def processor():
    """Name the processor, on Linux with its generation and instruction set, as other records do."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            lines = stream.read().strip().split("\n\n")[0].splitlines()
        told = dict(re.split(r"\s*:\s*", line, maxsplit=1) for line in lines if ":" in line)
        flags = told["flags"].split()
        sets = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX"))
        widest = next((name for flag, name in sets if flag in flags), "SSE")
        return "{} (family {}, model {}, {})".format(
            told["model name"], told["cpu family"], told["model"], widest
        )
    except (OSError, KeyError):
        return platform.processor() or platform.machine()


def confusion_matrix(labels, predictions, n_classes):
    """Count (true class, predicted class): ndarray of int, shape (n_classes, n_classes)."""
    counts = np.bincount(labels * n_classes + predictions, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


def scores(matrix):
    """Compute accuracy and the support-weighted precision, recall and F1; 0/0 counts as 0."""
    matrix = np.asarray(matrix, dtype=float)
    hits, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)

    def ratio(above, below):
        return np.divide(above, below, out=np.zeros_like(hits), where=below > 0)

    weights = support / support.sum()
    return {
        "accuracy": float(hits.sum() / support.sum()),
        "precision": float(weights.dot(ratio(hits, predicted))),
        "recall": float(weights.dot(ratio(hits, support))),
        "f1": float(weights.dot(ratio(2 * hits, support + predicted))),
    }


def digits(classes):
    """Write classes as one digit each."""
    return "".join(str(int(number)) for number in classes)


def finite_or_named(value):
    """Replace floats that are not finite by their names, since JSON has none."""
    if isinstance(value, dict):
        return type(value)((key, finite_or_named(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return [finite_or_named(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def digest(content):
    """Compute the SHA-256 of a record's content, whatever its layout."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def to_json(record):
    """Write a record as text: a field a line, numbers in a row; last the digest of all the rest."""
    return pretty(dict(record, digest=digest(record))) + "\n"


def pretty(value, indent=""):
    """Lay out JSON as the other records have it."""
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        lines = [
            "{}: {}".format(json.dumps(key), pretty(item, deeper)) for key, item in value.items()
        ]
        return "{\n" + ",\n".join(deeper + line for line in lines) + "\n" + indent + "}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        items = [deeper + pretty(item, deeper) for item in value]
        return "[\n" + ",\n".join(items) + "\n" + indent + "]"
    return json.dumps(value)


def write_atomically(file, text):
    """Write a file so that a kill at any moment leaves the old content or the new."""
    folder = os.path.dirname(file)
    os.makedirs(folder, exist_ok=True)
    scratch = os.path.join(folder, ".{}.{}".format(os.path.basename(file), uuid.uuid4().hex))
    try:
        with open(scratch, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(scratch, file)
    finally:
        if os.path.exists(scratch):
            os.remove(scratch)


def now():
    """Tell the time, UTC."""
    return datetime.datetime.utcnow()
