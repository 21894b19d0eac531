"""Looking through bars in which nothing can happen, without playing them.

Between events an account changes by its marks alone, so the result is the same, bit for bit, as
that of playing every bar.
"""

from math import inf, isnan
from typing import Any

from .jit import jit
from .risk import is_cross
from .samples import take_samples
from .state import NO_TIME, OnLiquidation, OrderType, TriggerBy
from .triggered import comes_falling, is_asleep
from .types import (
    CLOSE,
    FUNDING,
    FUNDING_INSIDE,
    HAS_MARK,
    HAS_TRADE,
    HIGH,
    LOW,
    MARK_CLOSE,
    MARK_HIGH,
    MARK_LOW,
    MARK_OPEN,
    SEGMENT_END,
    word,
)

_REFILL = int(OnLiquidation.REFILL)
_TRAILING = int(OrderType.TRAILING_STOP)
_BY_LAST, _BY_MARK = word(TriggerBy.LAST), word(TriggerBy.MARK)


@jit
def nearest_orders(w: Any, by: int) -> tuple[float, float]:
    """Highest price under which, and lowest over which, a resting order may be met."""
    under, over = -inf, inf
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        if o["by"] != by or is_asleep(w, o):
            continue
        if comes_falling(o):
            under = max(under, o["price"])
        else:
            over = min(over, o["price"])
    return under, over


@jit
def first_expiry(w: Any) -> int:
    """Time at which the first resting order ends by itself."""
    first = NO_TIME
    for k in range(w.state[0]["resting"]):
        if w.resting[k]["until"] > 0:
            first = min(first, w.resting[k]["until"])
    return first


@jit
def can_skip(w: Any) -> bool:
    """Whether one position alone, or none, decides what happens in the coming bars."""
    config = w.config[0]
    if len(w.positions) != 1 or w.state[0]["waiting"] > 0 or w.state[0]["stopped"]:
        return False
    if config["fine"]:
        return False
    for k in range(w.state[0]["resting"]):
        if w.resting[k]["type"] == _TRAILING:  # it follows every bar
            return False
    if config["on_liquidation"] == _REFILL:
        pool = w.pools[0]
        if pool["equity"] < config["refill_below"] * pool["start"]:
            return False
    return config["rebalance"] < 0.0 and not config["reenter"]


@jit
def is_calm(w: Any, i: int) -> bool:
    """Whether nothing can happen inside a bar, as no order rests and no position meets a level."""
    if w.state[0]["resting"] > 0 or w.config[0]["fine"]:
        return False
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["size"] == 0.0:
            continue
        series, rising = p["series"], p["size"] > 0.0
        under, over = (p["level"], p["far"]) if rising else (p["far"], p["level"])
        if is_cross(w) and w.pools[p["pool"]]["open"] > 1:
            return False
        if w.prices[MARK_LOW, series, i] <= under or w.prices[MARK_HIGH, series, i] >= over:
            return False
        if not isnan(w.prices[FUNDING_INSIDE, series, i]):
            return False
    return True


@jit
def skip_quiet(w: Any, first: int, last: int) -> int:
    """Look through quiet bars and take the samples that are due at their closes.

    Returns the first bar that needs more.
    """
    i, state = first, w.state[0]
    while i < last:
        came, due = look_through(w, i, last), state["next_sample"]
        if came > i:
            take_samples(w, came - 1)
        i = came
        if state["next_sample"] == due:
            break
    return i


@jit
def look_through(w: Any, first: int, last: int) -> int:
    """Look through bars of one symbol in which nothing can happen; the first that needs more.

    It stops behind a bar at whose close a sample is due. With a refill policy the share is watched
    too, so that the deposit falls on the same open.
    """
    p, pool, state = w.positions[0], w.pools[0], w.state[0]
    until = state["rules_until"]
    if state["order"] < len(w.orders):
        until = min(until, w.orders[state["order"]]["ts"])
    sampled = state["next_sample"] - w.config[0]["timeframe_ms"]
    resting = state["resting"] > 0
    buys, sells, mark_buys, mark_sells = -inf, inf, -inf, inf
    if resting:
        until = min(until, first_expiry(w))
        buys, sells = nearest_orders(w, _BY_LAST)
        mark_buys, mark_sells = nearest_orders(w, _BY_MARK)
    rules, series = w.rules[p["rule"]], p["series"]
    inverse, multiplier = rules["inverse"] != 0, rules["multiplier"]
    size, entry = p["size"], p["entry"]
    under, over = (p["level"], p["far"]) if size > 0.0 else (p["far"], p["level"])
    cash, margin = pool["cash"], p["margin"]
    last_rate = p["funding_rate"]
    floor = -inf
    if w.config[0]["on_liquidation"] == _REFILL:
        floor = w.config[0]["refill_below"] * pool["start"]
    low, high, worst = p["low"], p["high"], pool["equity_low"]
    equity = pool["equity"]
    both = HAS_TRADE | HAS_MARK
    opens, closes = w.prices[MARK_OPEN, series], w.prices[MARK_CLOSE, series]
    lows, highs = w.prices[MARK_LOW, series], w.prices[MARK_HIGH, series]
    at_opens, insides = w.prices[FUNDING, series], w.prices[FUNDING_INSIDE, series]
    has, ts = w.flags[series], w.ts
    i = first
    while i < last and ts[i] < until:
        flags = has[i]
        if flags & both != both or flags & SEGMENT_END:
            break
        if resting and (
            w.prices[LOW, series, i] <= buys
            or w.prices[HIGH, series, i] >= sells
            or w.prices[MARK_LOW, series, i] <= mark_buys
            or w.prices[MARK_HIGH, series, i] >= mark_sells
        ):
            break
        if size != 0.0:
            bar_low, bar_high = lows[i], highs[i]
            if bar_low <= under or bar_high >= over:
                break
            if not isnan(at_opens[i]) or not isnan(insides[i]):
                break
            bar_open, bar_close = opens[i], closes[i]
            if inverse:
                at_open = size * (1.0 / entry - 1.0 / bar_open)
                at_close = size * (1.0 / entry - 1.0 / bar_close)
            else:
                at_open = size * (bar_open - entry) * multiplier
                at_close = size * (bar_close - entry) * multiplier
            if cash + (margin + at_open) < floor:
                break
            low, high = min(low, bar_low), max(high, bar_high)
            equity = cash + (margin + at_close)
            worst = min(worst, equity)
        else:
            rate = at_opens[i] if isnan(insides[i]) else insides[i]
            last_rate = last_rate if isnan(rate) else rate
        i += 1
        if ts[i - 1] >= sampled:
            break
    if i > first:
        worst = min(worst, equity)
        p["low"], p["high"], pool["equity_low"], pool["equity"] = low, high, worst, equity
        p["mark"], p["close"] = closes[i - 1], w.prices[CLOSE, series, i - 1]
        p["closing_mark"] = p["mark"]
        p["funding_rate"] = last_rate
    return i
