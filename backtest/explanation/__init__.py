"""Positions explained in a venue's own arithmetic, with the sources of every rule used."""

from .ask import Explanation, explain
from .pool import Joint, PoolExplanation, explain_pool
from .positions_file import read_positions

__all__ = [
    "Explanation",
    "Joint",
    "PoolExplanation",
    "explain",
    "explain_pool",
    "read_positions",
]
