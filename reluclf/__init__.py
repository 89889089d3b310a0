"""Helpers of the book "ReLU at the Output": specs become records, records become chapters.

Importing this package imports no deep-learning framework; training does.
"""

from reluclf.grids import first, grid
from reluclf.spec import Spec, SpecError

__all__ = ["Spec", "SpecError", "first", "grid"]
__version__ = "0.1.0"
