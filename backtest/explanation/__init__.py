"""Positions explained in a venue's own arithmetic, with the sources of every rule used."""

from .answer import Explanation
from .ask import explain
from .pool import PoolExplanation, explain_pool
from .pool_prices import Joint
from .positions_file import read_positions

__all__ = [
    "Explanation",
    "Joint",
    "PoolExplanation",
    "explain",
    "explain_pool",
    "read_positions",
]
