"""Sphinx extension of this book: gives the chapters' kernels the surroundings they need."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reluclf.chapters import kernel_environment  # noqa: E402

_folder = tempfile.TemporaryDirectory(prefix="reluclf-book-")
os.environ.update(kernel_environment(Path(_folder.name)))


def setup(app):
    """Register the extension with Sphinx."""
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
