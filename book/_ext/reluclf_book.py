"""Sphinx extension of this book: lets the chapters' kernels import ``reluclf`` from the checkout, and keeps their logs quiet."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def setup(app):
    """Register the extension with Sphinx."""
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
