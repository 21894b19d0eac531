"""Finding out whether, and at which marks, buckets are liquidated in a bar.

An isolated position, or a pool with one position, is tested against its liquidation level.
A pool with several is tested with all marks at their adverse extremes at once (the pessimistic
reading of the bar): the values of all positions move from where they are to those extremes in step,
and the process starts where equity meets the requirement on that way.
"""

# mypy: disable-error-code="no-any-return"

from math import inf
from typing import Any

from .contracts import price_of, signed_units, unit_value
from .jit import jit
from .ledger import refresh_level
from .legs import leading_side
from .liquidation import liquidate
from .price import crosses, crosses_far, has_cliffs
from .requirement import terms
from .risk import (
    ACCOUNT,
    bucket_equity,
    bucket_maintenance,
    is_cross,
    is_liquidated,
    is_smaller_leg,
    position_binds,
    position_pnl,
    position_row,
    rules_of,
    shared_pnl,
    twin_size,
    weakest,
)
from .types import HAS_MARK, MARK_HIGH, MARK_LOW, word

_NO_ROUND = word(0)
NEWTON_STEPS = 64
BESIDE = 1e-9
"""Share of the way that keeps clear of a cliff on both sides."""
EXACT_ROUNDS, ROUNDS = 2000, 2048
"""Liquidations of one bucket on one way: these at its level, from then on a share of the rest of
the way further, so that so many reach the end.

A process that leaves a bucket at its trigger, or on the edge of a cliff, is met again a lot later
and would close a large position lot by lot. One that closes a share each time is done before.
"""


@jit
def set_marks(w: Any, i: int, field: int) -> None:
    """Move every symbol's mark to one price of the bar, where the bar has one."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if w.flags[p["series"], i] & HAS_MARK:
            p["mark"] = w.prices[field, p["series"], i]


@jit
def bucket_of(w: Any, s: int) -> int:
    """The bucket a position belongs to: itself, or its pool's."""
    return ACCOUNT if is_cross(w) else s


@jit
def adverse_mark(w: Any, i: int, s: int, side: float) -> float:
    """Worst mark of the bar for a position of a side; its own mark where the bar has none."""
    p = w.positions[s]
    if not w.flags[p["series"], i] & HAS_MARK:
        return p["mark"]
    if side > 0.0:
        return min(w.prices[MARK_LOW, p["series"], i], p["mark"])
    return max(w.prices[MARK_HIGH, p["series"], i], p["mark"])


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
    equity = bucket_equity(w, ACCOUNT, pool)
    return is_liquidated(pool_rules(w, pool), equity, maintenance)


@jit
def is_reached(w: Any, s: int, mark: float) -> bool:
    """Whether a mark liquidates a position that is alone in its bucket."""
    p = w.positions[s]
    if crosses_far(p["size"], p["far"], mark):
        return True
    return crosses(rules_of(w, s), p["size"], p["level"], mark)


@jit
def check_marks(w: Any, i: int, cause: int) -> None:
    """Liquidate every bucket that fails at the marks in the state."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if alone(w, s) and is_reached(w, s, p["mark"]):
            liquidate(w, i, bucket_of(w, s), p["pool"], cause)
    if not is_cross(w):
        return
    for pool in range(len(w.pools)):
        if w.pools[pool]["open"] > 1 and pool_triggered(w, pool):
            liquidate(w, i, ACCOUNT, pool, cause)


@jit
def further(rounds: int) -> float:
    """Share of the rest of the way that a liquidation is carried out beyond its level."""
    return 0.0 if rounds < EXACT_ROUNDS else 1.0 / max(ROUNDS - rounds, 1)


@jit
def between(rules: Any, start: float, end: float, share: float) -> float:
    """The mark a share of the way from one to another, by the value of a unit."""
    if share == 1.0 or start == end:
        return end
    if share == 0.0:
        return start
    value = unit_value(rules, start)
    return price_of(rules, value + share * (unit_value(rules, end) - value))


@jit
def survives(w: Any, s: int) -> bool:
    """Whether a bucket of one position is healthy at its mark; its level is then sought anew."""
    bucket, pool = bucket_of(w, s), w.positions[s]["pool"]
    equity, needs = bucket_equity(w, bucket, pool), bucket_maintenance(w, bucket, pool)
    if is_liquidated(rules_of(w, s), equity, needs):
        return False
    refresh_level(w, s)
    return True


@jit
def goes_on(w: Any, i: int, s: int, cause: int, rounds: int) -> bool:
    """Liquidate a bucket of one position at its mark, if it still fails there; whether to go on."""
    if rounds > EXACT_ROUNDS and survives(w, s):
        return rounds <= ROUNDS
    return liquidate(w, i, bucket_of(w, s), w.positions[s]["pool"], cause)


@jit
def run_to_extreme(w: Any, i: int, s: int, cause: int) -> None:
    """Liquidate a bucket of one position as often as its level is met on the way to its worst mark.

    It is carried out at the level, also where only marks strictly beyond it liquidate.
    """
    p, rounds = w.positions[s], _NO_ROUND
    while p["size"] != 0.0:
        worst = adverse_mark(w, i, s, p["size"])
        if not crosses(rules_of(w, s), p["size"], p["level"], worst):
            return
        inside = min(p["level"], p["mark"]) if p["size"] > 0.0 else max(p["level"], p["mark"])
        p["mark"] = between(rules_of(w, s), inside, worst, further(rounds))
        rounds += 1
        if not goes_on(w, i, s, cause, rounds):
            return


@jit
def run_to_far(w: Any, i: int, s: int, cause: int) -> None:
    """Liquidate a bucket of one position where its best mark lifts it into a tier too dear."""
    p, rounds = w.positions[s], _NO_ROUND
    while p["size"] != 0.0:
        best = adverse_mark(w, i, s, -p["size"])
        if not crosses_far(p["size"], p["far"], best):
            return
        inside = max(p["far"], p["mark"]) if p["size"] > 0.0 else min(p["far"], p["mark"])
        p["mark"] = between(rules_of(w, s), inside, best, further(rounds))
        rounds += 1
        if not goes_on(w, i, s, cause, rounds):
            return


@jit
def mark_on_way(w: Any, i: int, s: int, share: float) -> float:
    """A position's mark a share of the way to its adverse extreme, by the value of its units."""
    p = w.positions[s]
    worst = adverse_mark(w, i, s, leading_side(w, s))
    return between(rules_of(w, s), p["mark"], worst, share)


@jit
def move_towards(w: Any, i: int, pool: int, share: float) -> tuple[float, float]:
    """(equity − requirement, its change per unit of share) on the way to the adverse marks."""
    excess, change, first = w.pools[pool]["cash"], 0.0, weakest(w, pool)
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["pool"] != pool or p["size"] == 0.0:
            continue
        rules, saved = rules_of(w, s), p["mark"]
        worst = unit_value(rules, adverse_mark(w, i, s, leading_side(w, s)))
        span = worst - unit_value(rules, saved)
        p["mark"] = mark_on_way(w, i, s, share)
        pnl = shared_pnl(w, s)
        excess += pnl - position_binds(w, s, first)
        if pnl == position_pnl(w, s):
            change += span * signed_units(rules, p["size"])
        if not is_smaller_leg(w, s):
            _, slope, curve = terms(rules, position_row(w, s), p["size"], p["entry"])
            change -= span * (slope + 2.0 * curve * unit_value(rules, p["mark"]))
        p["mark"] = saved
    return excess, change


@jit
def next_jump(w: Any, i: int, pool: int, share: float) -> float:
    """Share of the way at which a position next meets a cliff of its table; 1 if none."""
    nearest = 1.0
    for s in range(len(w.positions)):
        p, rules = w.positions[s], rules_of(w, s)
        if p["pool"] != pool or p["size"] == 0.0 or not has_cliffs(rules):
            continue
        now = unit_value(rules, p["mark"])
        span = unit_value(rules, adverse_mark(w, i, s, leading_side(w, s))) - now
        size = abs(p["size"]) + twin_size(w, s)
        for row in range(1, rules["n_tiers"]):
            at = (rules["floor"][row] / size - now) / span if span != 0.0 else 1.0
            if share + BESIDE < at < nearest:
                nearest = at
    return nearest


@jit
def root_between(w: Any, i: int, pool: int, first: float, last: float) -> float:
    """Share between two at which a pool fails, where it survives the first and fails the last.

    Equity less requirement is concave along the way, so Newton's steps from the far end come
    down to the root without passing it.
    """
    share = last
    excess, slope = move_towards(w, i, pool, last)
    for _ in range(NEWTON_STEPS):
        if slope >= 0.0:
            break
        nearer = share - excess / slope
        if not nearer < share:
            break
        share = max(nearer, first)
        if share == first:
            break
        excess, slope = move_towards(w, i, pool, share)
    return share


@jit
def failing_share(w: Any, i: int, pool: int) -> float:
    """Share of the way to the adverse marks at which a pool fails; inf if it survives them.

    A requirement with cliffs is looked through from one to the next: between two the way is
    smooth, and it may fail on either side of one.
    """
    rules, start = pool_rules(w, pool), 0.0
    while True:
        end = next_jump(w, i, pool, start)
        before = end if end == 1.0 else end - BESIDE
        if is_liquidated(rules, move_towards(w, i, pool, before)[0], 0.0):
            return root_between(w, i, pool, start, before)
        if end == 1.0:
            return inf
        start = min(end + BESIDE, 1.0)
        if is_liquidated(rules, move_towards(w, i, pool, start)[0], 0.0):
            return start


@jit
def run_pool_to_extreme(w: Any, i: int, pool: int, cause: int) -> None:
    """Liquidate a pool as often as it fails on the way of all marks to their adverse extremes."""
    rounds = _NO_ROUND
    while w.pools[pool]["open"] > 1:
        share = failing_share(w, i, pool)
        if share == inf:
            return
        share += (1.0 - share) * further(rounds)
        rounds += 1
        for s in range(len(w.positions)):
            p = w.positions[s]
            if p["pool"] == pool and p["size"] != 0.0:
                p["mark"] = mark_on_way(w, i, s, share)
        if rounds > EXACT_ROUNDS and not pool_triggered(w, pool):
            if rounds > ROUNDS:
                return
            continue
        if not liquidate(w, i, ACCOUNT, pool, cause):
            return
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool and w.positions[s]["size"] != 0.0:
            run_to_extreme(w, i, s, cause)
            run_to_far(w, i, s, cause)


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
        run_to_far(w, i, s, cause)
