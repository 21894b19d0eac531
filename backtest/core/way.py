"""Moving marks on a way and liquidating where a bucket fails on it.

A way leads from a position's `mark` to its `reach`. An isolated position, or a pool with one
position, is tested against its liquidation level. All marks of a pool with several move in step,
by the value of their units, and the process starts where equity meets the requirement.
"""

# mypy: disable-error-code="no-any-return"

from math import inf, isnan, nan
from typing import Any

from .contracts import price_of, signed_units, unit_value
from .jit import jit
from .ledger import refresh_level
from .liquidation import liquidate
from .price import NUDGE, crosses, crosses_far, has_cliffs
from .risk import (
    ACCOUNT,
    bucket_equity,
    bucket_maintenance,
    bucket_of,
    is_cross,
    is_liquidated,
    pool_excess,
    pool_rules,
    position_pnl,
    rules_of,
    twin_size,
    weakest,
)
from .types import HAS_MARK, MARK_HIGH, MARK_LOW, Gains, word

_NO_ROUND = word(0)
_OWN = int(Gains.OWN)
ROOT_STEPS = 100
BESIDE = 1e-10
"""Share of the way that keeps clear of a jump on both sides."""
EXACT_ROUNDS, ROUNDS = 2000, 2048
"""Liquidations of one bucket on one way: these at its level, from then on a share of the rest of
the way further, so that so many reach the end.

A process that leaves a bucket at its trigger, or on the edge of a cliff, is met again a lot later
and would close a large position lot by lot. One that closes a share each time is done before.
"""


@jit
def pool_triggered(w: Any, pool: int) -> bool:
    """Whether a pool with open positions is liquidated at the marks in the state."""
    return is_liquidated(pool_rules(w, pool), pool_excess(w, pool, weakest(w, pool)), 0.0)


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
def meeting_mark(w: Any, s: int) -> float:
    """Mark at which a bucket of one position fails on its way; NaN if it does not.

    It is carried out at the level, also where only marks strictly beyond it liquidate.
    """
    p = w.positions[s]
    if p["size"] == 0.0 or p["still"] > 0:
        return nan
    if crosses(rules_of(w, s), p["size"], p["level"], p["reach"]):
        return min(p["level"], p["mark"]) if p["size"] > 0.0 else max(p["level"], p["mark"])
    if crosses_far(p["size"], p["far"], p["reach"]):
        return max(p["far"], p["mark"]) if p["size"] > 0.0 else min(p["far"], p["mark"])
    return nan


@jit
def run_alone(w: Any, i: int, s: int, cause: int) -> None:
    """Liquidate a bucket of one position as often as it fails on its way."""
    p, rounds = w.positions[s], _NO_ROUND
    if not w.flags[p["series"], i] & HAS_MARK:  # without a price nothing happens
        return
    while True:
        inside = meeting_mark(w, s)
        if isnan(inside):
            return
        p["mark"] = between(rules_of(w, s), inside, p["reach"], further(rounds))
        rounds += 1
        if not goes_on(w, i, s, cause, rounds):
            return


@jit
def mark_on_way(w: Any, s: int, share: float) -> float:
    """A position's mark a share of its way, by the value of its units."""
    p = w.positions[s]
    return between(rules_of(w, s), p["mark"], p["reach"], share)


@jit
def excess_at(w: Any, pool: int, share: float) -> float:
    """Equity − requirement of a pool a share of the way of all its marks."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["pool"] == pool and p["size"] != 0.0:
            p["begins"] = p["mark"]
            p["mark"] = mark_on_way(w, s, share)
    excess = pool_excess(w, pool, weakest(w, pool))
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["pool"] == pool and p["size"] != 0.0:
            p["mark"] = p["begins"]
    return excess


@jit
def span_of(w: Any, s: int) -> float:
    """Change of a unit's value along the whole way of a position's mark."""
    p, rules = w.positions[s], rules_of(w, s)
    return unit_value(rules, p["reach"]) - unit_value(rules, p["mark"])


@jit
def sooner(jump: tuple[float, float], other: tuple[float, float], share: float) -> Any:
    """Of two (share before, share after) the one that ends first beyond a share, or the first."""
    return other if share < other[1] < jump[1] else jump


@jit
def next_cliff(w: Any, s: int, share: float, jump: tuple[float, float]) -> Any:
    """(share before, share after) a cliff of a position's table, if it is sooner than a jump."""
    p, rules = w.positions[s], rules_of(w, s)
    span = span_of(w, s)
    if span == 0.0 or not has_cliffs(rules):
        return jump
    now, size = unit_value(rules, p["mark"]), abs(p["size"]) + twin_size(w, s)
    for row in range(1, rules["n_tiers"]):
        floor = rules["floor"][row] / size
        under, over = (floor - now) / span, (floor * NUDGE - now) / span
        jump = sooner(jump, (min(under, over), max(under, over)), share)
    return jump


@jit
def next_draw(w: Any, s: int, share: float, jump: tuple[float, float]) -> Any:
    """(share before, share after) a position has lost what another has, or nothing, if sooner.

    Where gains are not shared another one may be the first to fall from there on.
    """
    pool, gain = w.positions[s]["pool"], position_pnl(w, s)
    slope = span_of(w, s) * signed_units(rules_of(w, s), w.positions[s]["size"])
    for o in range(s + 1):
        p, its_gain, its_slope = w.positions[o], 0.0, 0.0
        if o < s:
            if p["pool"] != pool or p["size"] == 0.0:
                continue
            its_gain = position_pnl(w, o)
            its_slope = span_of(w, o) * signed_units(rules_of(w, o), p["size"])
        if slope != its_slope:
            at = (its_gain - gain) / (slope - its_slope)
            jump = sooner(jump, (at - BESIDE, at + BESIDE), share)
    return jump


@jit
def next_jump(w: Any, pool: int, share: float) -> Any:
    """Shares of the way just before and just after which a pool's requirement jumps; 1, 1 if not.

    Of the jumps that end beyond a share the first.
    """
    jump = (1.0, 1.0)
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["pool"] != pool or p["size"] == 0.0:
            continue
        jump = next_cliff(w, s, share, jump)
        if rules_of(w, s)["gains"] == _OWN:
            jump = next_draw(w, s, share, jump)
    return jump


@jit
def root_between(w: Any, pool: int, first: float, last: float) -> float:
    """Share between two at which a pool fails, where it survives the first and fails the last.

    False position; an end that stays counts half the next time (Illinois).
    """
    healthy, failing = first, last
    over, under = excess_at(w, pool, first), excess_at(w, pool, last)
    if over <= 0.0:
        return first
    for _ in range(ROOT_STEPS):
        share = healthy + (failing - healthy) * (over / (over - under))
        if not healthy < share < failing:
            share = 0.5 * (healthy + failing)
            if not healthy < share < failing:
                break
        excess = excess_at(w, pool, share)
        if excess > 0.0:
            healthy, over, under = share, excess, 0.5 * under
        else:
            failing, under, over = share, excess, 0.5 * over
        if excess == 0.0:
            break
    return failing


@jit
def failing_share(w: Any, pool: int) -> float:
    """Share of the way at which a pool fails; inf if it survives to the end.

    A requirement with jumps is looked through from one to the next: between two the way is
    smooth, and it may fail on either side of one.
    """
    rules, start = pool_rules(w, pool), 0.0
    while True:
        before, after = next_jump(w, pool, start)
        before = max(before, start)
        if is_liquidated(rules, excess_at(w, pool, before), 0.0):
            return root_between(w, pool, start, before)
        if before >= 1.0:
            return inf
        start = min(after, 1.0)
        if is_liquidated(rules, excess_at(w, pool, start), 0.0):
            return start


@jit
def run_pool(w: Any, i: int, pool: int, cause: int) -> None:
    """Liquidate a pool as often as it fails on the way of all its marks."""
    rounds = _NO_ROUND
    while w.pools[pool]["open"] > 1:
        share = failing_share(w, pool)
        if share == inf:
            return
        share += (1.0 - share) * further(rounds)
        rounds += 1
        for s in range(len(w.positions)):
            p = w.positions[s]
            if p["pool"] == pool and p["size"] != 0.0:
                p["mark"] = mark_on_way(w, s, share)
        if rounds > EXACT_ROUNDS and not pool_triggered(w, pool):
            if rounds > ROUNDS:
                return
            continue
        if not liquidate(w, i, ACCOUNT, pool, cause):
            return
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool:
            run_alone(w, i, s, cause)


@jit
def in_group(w: Any, s: int, group: int) -> bool:
    """Whether a position is walked with a group: a pool, or in isolated mode a symbol's legs."""
    p = w.positions[s]
    return p["pool"] == group if is_cross(w) else p["series"] == group


@jit
def extreme_mark(w: Any, i: int, s: int, direction: float) -> float:
    """Lowest (−1) or highest mark of the bar, and of where it is; its own where there is none."""
    p = w.positions[s]
    if not w.flags[p["series"], i] & HAS_MARK:
        return p["mark"]
    if direction < 0.0:
        return min(w.prices[MARK_LOW, p["series"], i], p["mark"])
    return max(w.prices[MARK_HIGH, p["series"], i], p["mark"])


@jit
def fails(w: Any, group: int) -> bool:
    """Whether a bucket of a group fails on the ways of its marks."""
    if is_cross(w) and w.pools[group]["open"] > 1:
        return failing_share(w, group) != inf
    for s in range(len(w.positions)):
        if in_group(w, s, group) and not isnan(meeting_mark(w, s)):
            return True
    return False


@jit
def advance(w: Any, i: int, group: int, cause: int) -> None:
    """Liquidate the buckets of a group as often as they fail on their ways.

    Marks move only as far as something fails.
    """
    if is_cross(w):
        run_pool(w, i, group, cause)
        return
    for s in range(len(w.positions)):
        if in_group(w, s, group):
            run_alone(w, i, s, cause)
