"""Finding out whether, and at which marks, buckets are liquidated in a bar.

An isolated position, or a pool with one position, is tested against its liquidation level.
A pool with several is tested with all marks at their adverse extremes at once (the pessimistic
reading of the bar): all marks move from where they are to those extremes in step, and the
process starts where equity meets the requirement on that way.
"""

# mypy: disable-error-code="no-any-return"

from math import inf
from typing import Any

from .jit import jit
from .liquidation import liquidate
from .price import crosses
from .requirement import slope_and_fixed
from .risk import (
    ACCOUNT,
    bucket_maintenance,
    is_cross,
    is_liquidated,
    pool_equity,
    position_maintenance,
    rules_of,
)
from .tiers import tier_of
from .types import HAS_MARK, MARK_HIGH, MARK_LOW

NEWTON_STEPS = 64


@jit
def set_marks(w: Any, i: int, field: int) -> None:
    """Move every symbol's mark to one price of the bar, where the bar has one."""
    for s in range(len(w.positions)):
        if w.flags[s, i] & HAS_MARK:
            w.positions[s]["mark"] = w.prices[field, s, i]


@jit
def bucket_of(w: Any, s: int) -> int:
    """The bucket a position belongs to: itself, or its pool's."""
    return ACCOUNT if is_cross(w) else s


@jit
def adverse_mark(w: Any, i: int, s: int) -> float:
    """Worst mark of the bar for a position; its own mark where the bar has none."""
    if not w.flags[s, i] & HAS_MARK:
        return w.positions[s]["mark"]
    if w.positions[s]["size"] > 0.0:
        return min(w.prices[MARK_LOW, s, i], w.positions[s]["mark"])
    return max(w.prices[MARK_HIGH, s, i], w.positions[s]["mark"])


@jit
def alone(w: Any, s: int) -> bool:
    """Whether a position is open and is the only one in its bucket."""
    if w.positions[s]["size"] == 0.0:
        return False
    return not is_cross(w) or w.pools[w.positions[s]["pool"]]["open"] == 1


@jit
def pool_rules(w: Any, pool: int) -> Any:
    """Rules of the first open position of a pool, for what is the same in all of a venue's."""
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool and w.positions[s]["size"] != 0.0:
            return rules_of(w, s)
    return w.rules[0]


@jit
def pool_triggered(w: Any, pool: int) -> bool:
    """Whether a pool with open positions is liquidated at the marks in the state."""
    maintenance = bucket_maintenance(w, ACCOUNT, pool)
    return is_liquidated(pool_rules(w, pool), pool_equity(w, pool), maintenance)


@jit
def check_marks(w: Any, i: int, cause: int) -> None:
    """Liquidate every bucket that fails at the marks in the state."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if alone(w, s) and crosses(rules_of(w, s), p["size"], p["level"], p["mark"]):
            liquidate(w, i, bucket_of(w, s), p["pool"], cause)
    if not is_cross(w):
        return
    for pool in range(len(w.pools)):
        if w.pools[pool]["open"] > 1 and pool_triggered(w, pool):
            liquidate(w, i, ACCOUNT, pool, cause)


@jit
def run_to_extreme(w: Any, i: int, s: int, cause: int) -> None:
    """Liquidate a bucket of one position as often as its level is met on the way to its worst mark.

    It is carried out at the level, also where only marks strictly beyond it liquidate.
    """
    p = w.positions[s]
    while p["size"] != 0.0:
        worst = adverse_mark(w, i, s)
        if not crosses(rules_of(w, s), p["size"], p["level"], worst):
            return
        inside = min(p["level"], p["mark"]) if p["size"] > 0.0 else max(p["level"], p["mark"])
        p["mark"] = inside
        liquidate(w, i, bucket_of(w, s), p["pool"], cause)


@jit
def move_towards(w: Any, i: int, pool: int, share: float) -> tuple[float, float]:
    """(equity − requirement, its change per unit of share) on the way to the adverse marks."""
    excess, slope = w.pools[pool]["cash"], 0.0
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["pool"] != pool or p["size"] == 0.0:
            continue
        span = adverse_mark(w, i, s) - p["mark"]
        saved = p["mark"]
        p["mark"] = saved + share * span
        excess += p["margin"] + p["size"] * (p["mark"] - p["entry"])
        excess -= position_maintenance(w, s)
        rules = rules_of(w, s)
        row = tier_of(rules, p["size"], p["entry"], p["mark"])
        slope += span * (p["size"] - slope_and_fixed(rules, row, p["size"], p["entry"])[0])
        p["mark"] = saved
    return excess, slope


@jit
def failing_share(w: Any, i: int, pool: int) -> float:
    """Share of the way to the adverse marks at which a pool fails; inf if it survives them.

    Equity less requirement is concave along the way, so Newton's steps from the far end come
    down to the root without passing it.
    """
    excess, slope = move_towards(w, i, pool, 1.0)
    if not is_liquidated(pool_rules(w, pool), excess, 0.0):
        return inf
    share = 1.0
    for _ in range(NEWTON_STEPS):
        if slope >= 0.0:
            break
        nearer = share - excess / slope
        if not nearer < share:
            break
        share = max(nearer, 0.0)
        if share == 0.0:
            break
        excess, slope = move_towards(w, i, pool, share)
    return share


@jit
def run_pool_to_extreme(w: Any, i: int, pool: int, cause: int) -> None:
    """Liquidate a pool as often as it fails on the way of all marks to their adverse extremes."""
    while w.pools[pool]["open"] > 1:
        share = failing_share(w, i, pool)
        if share == inf:
            return
        for s in range(len(w.positions)):
            p = w.positions[s]
            if p["pool"] == pool and p["size"] != 0.0:
                p["mark"] += share * (adverse_mark(w, i, s) - p["mark"])
        liquidate(w, i, ACCOUNT, pool, cause)
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool and w.positions[s]["size"] != 0.0:
            run_to_extreme(w, i, s, cause)


@jit
def check_inside(w: Any, i: int, cause: int) -> None:
    """Test every bucket against the marks inside the bar, starting from the marks in the state."""
    if is_cross(w):
        for pool in range(len(w.pools)):
            if w.pools[pool]["open"] > 0:
                run_pool_to_extreme(w, i, pool, cause)
        return
    for s in range(len(w.positions)):
        run_to_extreme(w, i, s, cause)
