"""Testing buckets at the marks of one moment: an open, a close, after funding or a rule change."""

from typing import Any

from .coarse import is_coarse
from .jit import jit
from .liquidation import liquidate
from .price import crosses, crosses_far, has_cliffs
from .risk import ACCOUNT, bucket_of, is_cross, rules_of
from .types import HAS_MARK
from .way import pool_triggered, survives


@jit
def set_marks(w: Any, i: int, field: int) -> None:
    """Move every symbol's mark to one price of the bar, where the bar has one."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if w.flags[p["series"], i] & HAS_MARK and not is_coarse(w, i, s):
            p["mark"] = w.prices[field, p["series"], i]


@jit
def alone(w: Any, s: int) -> bool:
    """Whether a position is open and is the only one in its bucket."""
    if w.positions[s]["size"] == 0.0:
        return False
    return not is_cross(w) or w.pools[w.positions[s]["pool"]]["open"] == 1


@jit
def is_reached(w: Any, s: int, mark: float) -> bool:
    """Whether a mark liquidates a position that is alone in its bucket."""
    p = w.positions[s]
    if crosses_far(p["size"], p["far"], mark):
        return True
    return crosses(rules_of(w, s), p["size"], p["level"], mark)


@jit
def is_known(w: Any, i: int, pool: int) -> bool:
    """Whether the marks of all open positions of a pool are known at this moment."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["pool"] == pool and p["size"] != 0.0 and is_coarse(w, i, s):
            return False
    return True


@jit
def check_marks(w: Any, i: int, cause: int) -> None:
    """Liquidate every bucket that fails at the marks in the state, where they are known."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if alone(w, s) and is_reached(w, s, p["mark"]) and not is_coarse(w, i, s):
            if has_cliffs(rules_of(w, s)) and survives(w, s):
                continue  # a gap over a stretch of failing marks, to a cheaper tier
            liquidate(w, i, bucket_of(w, s), p["pool"], cause)
    if not is_cross(w):
        return
    for pool in range(len(w.pools)):
        if w.pools[pool]["open"] > 1 and is_known(w, i, pool) and pool_triggered(w, pool):
            liquidate(w, i, ACCOUNT, pool, cause)
