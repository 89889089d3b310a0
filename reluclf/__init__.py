"""Helpers of the book "Rectified, at the output": specs are trained into records, records are read into chapters.

Importing this package imports no deep-learning framework; training does.
"""

from reluclf.specs import Spec, SpecError, grid, seeds

__all__ = ["Spec", "SpecError", "grid", "seeds"]
__version__ = "0.1.0"
