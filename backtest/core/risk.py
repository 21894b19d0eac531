"""Equity and requirement of a bucket at the marks in the state.

A bucket is one isolated position (its symbol number) or a pool (`ACCOUNT`, all cross positions
of one settle asset).
"""

# mypy: disable-error-code="no-any-return"

from math import inf, nan
from typing import Any

from .contracts import notional, unrealized_pnl
from .jit import jit
from .price import liquidation_price
from .requirement import constant_close_fee, initial_margin, maintenance_margin
from .types import MarginMode, Trigger, word

ACCOUNT = word(-1)
_CROSS = int(MarginMode.CROSS)
_BELOW = int(Trigger.BELOW)


@jit
def rules_of(w: Any, s: int) -> Any:
    """Rules in force for a symbol."""
    return w.rules[w.positions[s]["rule"]]


@jit
def is_cross(w: Any) -> bool:
    """Whether positions share their pool's money."""
    return w.config[0]["mode"] == _CROSS


@jit
def position_pnl(w: Any, s: int) -> float:
    """Unrealised P&L of a position at its mark."""
    p = w.positions[s]
    return unrealized_pnl(p["size"], p["entry"], p["mark"]) if p["size"] != 0.0 else 0.0


@jit
def position_fee(w: Any, s: int) -> float:
    """Constant closing fee in a position's requirement."""
    p = w.positions[s]
    margin = nan if is_cross(w) else p["margin"]
    return constant_close_fee(
        rules_of(w, s), p["size"], p["entry"], w.config[0]["leverage"], margin
    )


@jit
def position_maintenance(w: Any, s: int) -> float:
    """Maintenance margin of a position at its mark."""
    p = w.positions[s]
    if p["size"] == 0.0:
        return 0.0
    return maintenance_margin(rules_of(w, s), p["size"], p["entry"], p["mark"], position_fee(w, s))


@jit
def position_initial(w: Any, s: int) -> float:
    """Initial margin of a position at its mark."""
    p, config = w.positions[s], w.config[0]
    if p["size"] == 0.0:
        return 0.0
    rules = rules_of(w, s)
    return initial_margin(
        rules, p["size"], p["entry"], p["mark"], config["leverage"], config["mode"]
    )


@jit
def pool_equity(w: Any, pool: int) -> float:
    """All money of a pool: cash, isolated margins and unrealised P&L."""
    total = w.pools[pool]["cash"]
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool and w.positions[s]["size"] != 0.0:
            total += w.positions[s]["margin"] + position_pnl(w, s)
    return total


@jit
def bucket_equity(w: Any, bucket: int, pool: int) -> float:
    """Money that stands behind a bucket, unrealised P&L included."""
    if bucket == ACCOUNT:
        return pool_equity(w, pool)
    return w.positions[bucket]["margin"] + position_pnl(w, bucket)


@jit
def bucket_maintenance(w: Any, bucket: int, pool: int) -> float:
    """Maintenance margin of a bucket."""
    if bucket != ACCOUNT:
        return position_maintenance(w, bucket)
    total = 0.0
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool:
            total += position_maintenance(w, s)
    return total


@jit
def bucket_notional(w: Any, bucket: int, pool: int) -> float:
    """Value of a bucket's positions at their marks."""
    total = 0.0
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["size"] != 0.0 and (s == bucket or (bucket == ACCOUNT and p["pool"] == pool)):
            total += notional(p["size"], p["mark"])
    return total


@jit
def is_liquidated(rules: Any, equity: float, maintenance: float) -> bool:
    """Whether equity at this requirement triggers liquidation."""
    return equity < maintenance or (rules["trigger"] != _BELOW and equity == maintenance)


@jit
def position_level(w: Any, s: int) -> float:
    """Liquidation price of a position with every other mark of its bucket frozen."""
    p = w.positions[s]
    if p["size"] == 0.0:
        return 0.0
    wallet = p["margin"] - position_fee(w, s)
    if is_cross(w):
        pool = p["pool"]
        wallet += pool_equity(w, pool) - position_pnl(w, s)
        for o in range(len(w.positions)):
            if o != s and w.positions[o]["pool"] == pool:
                wallet -= position_maintenance(w, o)
    return liquidation_price(rules_of(w, s), p["size"], p["entry"], wallet)


@jit
def margin_ratio(equity: float, maintenance: float) -> float:
    """MM / equity; infinite when nothing is left to stand behind a requirement."""
    if equity > 0.0:
        return maintenance / equity
    return inf if maintenance > 0.0 else 0.0
