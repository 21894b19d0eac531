"""Looking through bars in which nothing can happen, without playing them.

Between events an account changes by its marks alone, so the result is the same, bit for bit, as
that of playing every bar.
"""

from math import inf, isnan
from typing import Any

from .jit import jit
from .state import OnLiquidation
from .types import (
    CLOSE,
    FUNDING,
    FUNDING_INSIDE,
    HAS_MARK,
    HAS_TRADE,
    MARK_CLOSE,
    MARK_HIGH,
    MARK_LOW,
    MARK_OPEN,
    SEGMENT_END,
)

_REFILL = int(OnLiquidation.REFILL)


@jit
def can_skip(w: Any) -> bool:
    """Whether one position alone, or none, decides what happens in the coming bars."""
    config = w.config[0]
    if len(w.positions) != 1 or w.state[0]["waiting"] > 0 or w.state[0]["stopped"]:
        return False
    if config["on_liquidation"] == _REFILL:
        pool = w.pools[0]
        if pool["equity"] < config["refill_below"] * pool["start"]:
            return False
    return config["rebalance"] < 0.0 and not config["reenter"]


@jit
def skip_quiet(w: Any, first: int, last: int) -> int:
    """Look through bars of one symbol in which nothing can happen; the first that needs more.

    With a refill policy the share is watched too, so that the deposit falls on the same open.
    """
    p, pool, state = w.positions[0], w.pools[0], w.state[0]
    until = state["rules_until"]
    if state["order"] < len(w.orders):
        until = min(until, w.orders[state["order"]]["ts"])
    until = min(until, state["next_sample"] - w.config[0]["timeframe_ms"])
    size, entry, level = p["size"], p["entry"], p["level"]
    cash, margin = pool["cash"], p["margin"]
    floor = -inf
    if w.config[0]["on_liquidation"] == _REFILL:
        floor = w.config[0]["refill_below"] * pool["start"]
    low, high, worst = p["low"], p["high"], pool["equity_low"]
    equity = pool["equity"]
    both = HAS_TRADE | HAS_MARK
    i = first
    while i < last and w.ts[i] < until:
        flags = w.flags[0, i]
        if flags & both != both or flags & SEGMENT_END:
            break
        if size != 0.0:
            bar_low, bar_high = w.prices[MARK_LOW, 0, i], w.prices[MARK_HIGH, 0, i]
            if bar_low <= level if size > 0.0 else bar_high >= level:
                break
            if not isnan(w.prices[FUNDING, 0, i]) or not isnan(w.prices[FUNDING_INSIDE, 0, i]):
                break
            if cash + (margin + size * (w.prices[MARK_OPEN, 0, i] - entry)) < floor:
                break
            low, high = min(low, bar_low), max(high, bar_high)
            equity = cash + (margin + size * (w.prices[MARK_CLOSE, 0, i] - entry))
            worst = min(worst, equity)
        i += 1
    if i > first:
        p["low"], p["high"], pool["equity_low"], pool["equity"] = low, high, worst, equity
        p["mark"], p["close"] = w.prices[MARK_CLOSE, 0, i - 1], w.prices[CLOSE, 0, i - 1]
        state["bars"] += i - first
    return i
