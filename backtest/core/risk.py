"""Equity and requirement of a bucket at the marks in the state.

A bucket is one isolated position (its symbol number) or a pool (`ACCOUNT`, all cross positions
of one settle asset).
"""

# mypy: disable-error-code="no-any-return"

from math import inf, nan
from typing import Any

from .contracts import notional, unrealized_pnl
from .jit import jit
from .price import liquidation_prices
from .requirement import constant_part, fee_part, initial_margin, maintenance_in_tier
from .state import IS_USD
from .tiers import tier_of
from .types import CloseFee, Gains, Legs, MarginMode, Trigger, word

ACCOUNT = word(-1)
_CROSS = int(MarginMode.CROSS)
_BELOW = int(Trigger.BELOW)
_OWN = int(Gains.OWN)
_ON_COST = int(CloseFee.COST_AND_MARGIN)
_SEPARATE = int(Legs.SEPARATE)
_LARGER_SIDE = int(Legs.LARGER_SIDE)


@jit
def rules_of(w: Any, s: int) -> Any:
    """Rules in force for a symbol."""
    return w.rules[w.positions[s]["rule"]]


@jit
def rules_today(w: Any, s: int) -> Any:
    """Rules in force for what a symbol opens or adds now."""
    return w.rules[w.positions[s]["current"]]


@jit
def is_cross(w: Any) -> bool:
    """Whether positions share their pool's money."""
    return w.config[0]["mode"] == _CROSS


@jit
def position_pnl(w: Any, s: int) -> float:
    """Unrealised P&L of a position at its mark."""
    p = w.positions[s]
    if p["size"] == 0.0:
        return 0.0
    return unrealized_pnl(rules_of(w, s), p["size"], p["entry"], p["mark"])


@jit
def shared_pnl(w: Any, s: int) -> float:
    """The unrealised P&L of a position that stands behind its whole pool."""
    pnl = position_pnl(w, s)
    return min(pnl, 0.0) if rules_of(w, s)["gains"] == _OWN else pnl


@jit
def fee_inputs(w: Any, s: int) -> tuple[float, float]:
    """(leverage, margin) that a closing fee is reckoned on; NaN for the one that is not used.

    Isolated: both. Cross: the leverage, but where losses are topped up from the wallet and the fee
    is on cost and margin, the wallet that may still be added, less what other positions keep.
    """
    p, leverage = w.positions[s], w.config[0]["leverage"]
    if not is_cross(w):
        return leverage, p["margin"]
    rules = rules_of(w, s)
    if rules["gains"] != _OWN or rules["close_fee"] != _ON_COST:
        return leverage, nan
    margin = w.pools[p["pool"]]["cash"]
    for o in range(len(w.positions)):
        if o != s and w.positions[o]["pool"] == p["pool"] and w.positions[o]["size"] != 0.0:
            margin += min(position_pnl(w, o), 0.0) - position_initial(w, o)
    return nan, max(margin, 0.0)


@jit
def position_constant(w: Any, s: int) -> float:
    """The part of a position's requirement that does not move with the mark."""
    p = w.positions[s]
    leverage, margin = fee_inputs(w, s)
    return constant_part(rules_of(w, s), p["size"], p["entry"], leverage, margin, p["funding_rate"])


@jit
def position_fee(w: Any, s: int) -> float:
    """The closing fee in a position's requirement that does not move with the mark."""
    p = w.positions[s]
    leverage, margin = fee_inputs(w, s)
    return fee_part(rules_of(w, s), p["size"], p["entry"], leverage, margin)


@jit
def twin_size(w: Any, s: int) -> float:
    """|size| of the other leg of the symbol where a cross pool margins both together; else 0."""
    p = w.positions[s]
    if p["twin"] < 0 or not is_cross(w) or rules_of(w, s)["legs"] == _SEPARATE:
        return 0.0
    return abs(w.positions[p["twin"]]["size"])


@jit
def position_row(w: Any, s: int) -> int:
    """Row (from 0) of the tier table that a position is in."""
    p = w.positions[s]
    return tier_of(rules_of(w, s), abs(p["size"]) + twin_size(w, s), p["entry"], p["mark"])


@jit
def is_smaller_leg(w: Any, s: int) -> bool:
    """Whether the other leg is the larger one, whose margin is enough for both."""
    p, other = w.positions[s], twin_size(w, s)
    if other == 0.0 or rules_of(w, s)["legs"] != _LARGER_SIDE:
        return False
    return abs(p["size"]) < other or (abs(p["size"]) == other and p["twin"] < s)


@jit
def deduction_of_other(w: Any, s: int, row: int) -> float:
    """The part of a tier's deduction that belongs to the leg a position is margined with."""
    other = twin_size(w, s)
    if other == 0.0:
        return 0.0
    return rules_of(w, s)["deduction"][row] * other / (abs(w.positions[s]["size"]) + other)


@jit
def position_maintenance(w: Any, s: int) -> float:
    """Maintenance margin of a position at its mark."""
    p = w.positions[s]
    if p["size"] == 0.0 or is_smaller_leg(w, s):
        return 0.0
    rules, row = rules_of(w, s), position_row(w, s)
    constant = position_constant(w, s) + deduction_of_other(w, s, row)
    return maintenance_in_tier(rules, row, p["size"], p["entry"], p["mark"], constant)


@jit
def legs_maintenance(w: Any, s: int) -> float:
    """Maintenance margin of a position and of the leg it is margined with: each moves the other's.

    A leg that shrinks may leave the margin to the other one, or both in a lower tier.
    """
    total = position_maintenance(w, s)
    if twin_size(w, s) > 0.0:
        total += position_maintenance(w, w.positions[s]["twin"])
    return total


@jit
def position_initial(w: Any, s: int) -> float:
    """Initial margin of a position at its mark."""
    p = w.positions[s]
    if p["size"] == 0.0 or is_smaller_leg(w, s):
        return 0.0
    leverage = w.config[0]["leverage"]
    return initial_margin(rules_of(w, s), p["size"], p["entry"], p["mark"], leverage)


@jit
def usd_price(w: Any, pool: int) -> float:
    """Dollars per unit of a pool's settle asset at the marks in the state; NaN if not known."""
    coin = w.pools[pool]["priced_by"]
    if coin < 0:
        return 1.0 if coin == IS_USD else nan
    mark = w.positions[coin]["mark"]
    return mark if mark > 0.0 else nan


@jit
def pool_equity(w: Any, pool: int) -> float:
    """All money of a pool: cash, isolated margins and unrealised P&L."""
    total = w.pools[pool]["cash"]
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool and w.positions[s]["size"] != 0.0:
            total += w.positions[s]["margin"] + position_pnl(w, s)
    return total


@jit
def pool_backing(w: Any, pool: int) -> float:
    """The money that stands behind all positions of a cross pool together."""
    total = w.pools[pool]["cash"]
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool and w.positions[s]["size"] != 0.0:
            total += shared_pnl(w, s)
    return total


@jit
def bucket_equity(w: Any, bucket: int, pool: int) -> float:
    """Money that stands behind a bucket, unrealised P&L included."""
    if bucket == ACCOUNT:
        return pool_backing(w, pool)
    return w.positions[bucket]["margin"] + position_pnl(w, bucket)


@jit
def weakest(w: Any, pool: int) -> int:
    """The open position of a pool that falls first where gains are not shared; −1 where they are.

    Such a pool tops losses up out of its wallet, and the one that loses most is left without.
    """
    found, least = -1, inf
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["pool"] == pool and p["size"] != 0.0 and rules_of(w, s)["gains"] == _OWN:
            pnl = position_pnl(w, s)
            if pnl < least:
                found, least = s, pnl
    return found


@jit
def position_binds(w: Any, s: int, first: int) -> float:
    """What a position takes of its pool's equity: its maintenance margin.

    Where gains are not shared, every position but the `first` to fall keeps its initial margin.
    """
    if first < 0 or s == first:
        return position_maintenance(w, s)
    return max(position_initial(w, s), position_maintenance(w, s))


@jit
def bucket_maintenance(w: Any, bucket: int, pool: int) -> float:
    """What a bucket must have: its maintenance margin, and what its positions bind beside it."""
    if bucket != ACCOUNT:
        return position_maintenance(w, bucket)
    total, first = 0.0, weakest(w, pool)
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool:
            total += position_binds(w, s, first)
    return total


@jit
def pool_excess(w: Any, pool: int, first: int) -> float:
    """What a pool has beyond what it must have, if `first` is the position that falls first (−1:
    gains are shared); that one has its own gain as well.
    """
    excess = pool_backing(w, pool)
    if first >= 0:
        excess += max(position_pnl(w, first), 0.0)
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool:
            excess -= position_binds(w, s, first)
    return excess


@jit
def bucket_notional(w: Any, bucket: int, pool: int) -> float:
    """Value of a bucket's positions at their marks."""
    total = 0.0
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["size"] != 0.0 and (s == bucket or (bucket == ACCOUNT and p["pool"] == pool)):
            total += notional(rules_of(w, s), p["size"], p["mark"])
    return total


@jit
def bucket_of(w: Any, s: int) -> int:
    """The bucket a position belongs to: itself, or its pool's."""
    return ACCOUNT if is_cross(w) else s


@jit
def pool_rules(w: Any, pool: int) -> Any:
    """Rules of the first open position of a pool, for what is the same in all of a venue's."""
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool and w.positions[s]["size"] != 0.0:
            return rules_of(w, s)
    return w.rules[0]


@jit
def is_liquidated(rules: Any, equity: float, maintenance: float) -> bool:
    """Whether equity at this requirement triggers liquidation."""
    return equity < maintenance or (rules["trigger"] != _BELOW and equity == maintenance)


@jit
def position_levels(w: Any, s: int) -> tuple[float, float]:
    """Liquidation prices of a position with every other mark of its bucket frozen."""
    p = w.positions[s]
    if p["size"] == 0.0:
        return 0.0, 0.0
    wallet = p["margin"] - position_constant(w, s)
    if is_cross(w):
        pool = p["pool"]
        wallet += pool_backing(w, pool) - shared_pnl(w, s)
        first = s if weakest(w, pool) >= 0 else -1
        for o in range(len(w.positions)):
            if o != s and w.positions[o]["pool"] == pool:
                wallet -= position_binds(w, o, first)
    return liquidation_prices(rules_of(w, s), p["size"], p["entry"], wallet, p["mark"])


@jit
def position_level(w: Any, s: int) -> float:
    """Liquidation price of a position on its adverse side."""
    return position_levels(w, s)[0]


@jit
def margin_ratio(equity: float, maintenance: float) -> float:
    """MM / equity; infinite when nothing is left to stand behind a requirement."""
    if equity > 0.0:
        return maintenance / equity
    return inf if maintenance > 0.0 else 0.0
