"""Samples of equity and margin, written at closes."""

# mypy: disable-error-code="no-any-return"

from math import inf, nan
from typing import Any

from .contracts import notional, side
from .jit import jit
from .ledger import keeps_level, slot
from .legs import shared_level
from .resting import available
from .risk import (
    ACCOUNT,
    bucket_equity,
    bucket_maintenance,
    bucket_notional,
    bucket_of,
    is_cross,
    margin_ratio,
    pool_equity,
    position_initial,
    position_maintenance,
    position_pnl,
    position_row,
    rules_of,
    usd_price,
)
from .state import EQUITIES, MARGINS
from .types import MARK_IS_PROXY


@jit
def sample_pool(w: Any, i: int, pool: int) -> None:
    """Write a pool's equity and requirements."""
    n = slot(w, EQUITIES, len(w.equity))
    if n < 0:
        return
    r, state = w.equity[n], w.pools[pool]
    r["ts"], r["pool"], r["equity"] = w.ts[i], pool, state["equity"]
    r["equity_low"], r["cash"] = min(state["equity_low"], state["equity"]), state["cash"]
    r["unrealized_pnl"] = r["initial_margin"] = r["maintenance_margin"] = 0.0
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool and w.positions[s]["size"] != 0.0:
            r["unrealized_pnl"] += position_pnl(w, s)
            r["initial_margin"] += position_initial(w, s)
            r["maintenance_margin"] += position_maintenance(w, s)
    r["equity_usd"] = state["equity"] * usd_price(w, pool)
    r["notional"] = bucket_notional(w, ACCOUNT, pool)
    if is_cross(w):
        r["maintenance_margin"] = bucket_maintenance(w, ACCOUNT, pool)


@jit
def sample_position(w: Any, i: int, s: int) -> None:
    """Write an open position's margin."""
    n = slot(w, MARGINS, len(w.margin))
    if n < 0:
        return
    r, p, rules = w.margin[n], w.positions[s], rules_of(w, s)
    r["ts"], r["symbol"], r["size"], r["entry_price"] = w.ts[i], s, p["size"], p["entry"]
    r["mark_price"], r["unrealized_pnl"] = p["mark"], position_pnl(w, s)
    r["isolated_margin"], r["initial_margin"] = p["margin"], position_initial(w, s)
    r["maintenance_margin"] = position_maintenance(w, s)
    r["liquidation_price"] = p["level"] if keeps_level(w, s) else shared_level(w, s)
    r["tier"] = position_row(w, s) + 1
    r["mark_is_proxy"] = int((w.flags[p["series"], i] & MARK_IS_PROXY) != 0)
    r["rules_extrapolated"] = rules["extrapolated"]


@jit
def take_samples(w: Any, i: int) -> None:
    """Write the samples that are due at the close of bar i, and where a stopped account ended."""
    state, config = w.state[0], w.config[0]
    close_time = w.ts[i] + config["timeframe_ms"]
    if close_time < state["next_sample"] and not state["stopped"]:
        return
    state["next_sample"] = (close_time // config["sample_ms"] + 1) * config["sample_ms"]
    for pool in range(len(w.pools)):
        sample_pool(w, i, pool)
        w.pools[pool]["equity_low"] = inf
    for s in range(len(w.positions)):
        if w.positions[s]["size"] != 0.0:
            sample_position(w, i, s)


@jit
def look(w: Any, s: int) -> None:
    """Note a position's gain and liquidation price (NaN without one), the ratio and equity of its
    bucket, and what is free in its pool.
    """
    p = w.positions[s]
    bucket, pool = bucket_of(w, s), p["pool"]
    equity, needs = bucket_equity(w, bucket, pool), bucket_maintenance(w, bucket, pool)
    p["ratio"], p["backing"], p["gain"] = margin_ratio(equity, needs), equity, position_pnl(w, s)
    p["shown"], p["free"] = nan, available(w, pool)
    if p["size"] != 0.0:
        p["shown"] = p["level"] if keeps_level(w, s) else shared_level(w, s)


@jit
def close_equity(w: Any) -> None:
    """Take every pool's equity at the marks in the state as its close."""
    for pool in range(len(w.pools)):
        state = w.pools[pool]
        state["equity"] = pool_equity(w, pool)
        state["equity_low"] = min(state["equity_low"], state["equity"])


@jit
def exposure(w: Any, s: int) -> float:
    """Signed exposure of a position at the last close: value / equity; 0 without equity."""
    p = w.positions[s]
    equity = w.pools[p["pool"]]["equity"]
    if p["size"] == 0.0 or equity <= 0.0:
        return 0.0
    return side(p["size"]) * notional(rules_of(w, s), p["size"], p["close"]) / equity
