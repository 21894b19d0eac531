"""Booking: how fills change a position and its trade, and the records they leave.

Money moves are made by the callers (fills, funding, liquidation); this file keeps sizes, trades
and records. A record past the end of its buffer is only counted: the engine grows the buffer
and replays the block.
"""

# mypy: disable-error-code="no-any-return"

from math import inf
from typing import Any, NamedTuple

from .contracts import notional, price_of, side, unit_value, whole_lots
from .jit import jit
from .risk import is_cross, pool_equity, position_levels, rules_of, usd_price
from .state import DEPOSITS, FILLS, REJECTIONS, TRADES

SAME_SIZE = 1e-12
"""Sizes that differ by less than this share are equal: sums of lots carry rounding errors."""


class Fill(NamedTuple):
    """One execution: when, why (Reason), price, fee, slippage paid and P&L realised by it."""

    ts: int
    reason: int
    price: float
    fee: float
    slippage: float
    pnl: float


@jit
def slot(w: Any, kind: int, capacity: int) -> int:
    """Number of the next record of a kind, or −1 past the end of the buffer."""
    n = w.counts[kind]
    w.counts[kind] = n + 1
    if n < capacity:
        return n
    w.state[0]["overflow"] = 1
    return -1


@jit
def reject(
    w: Any, ts: int, s: int, reason: int, size: float, price: float, needs: tuple[float, float]
) -> None:
    """Record a refused order; `needs` is (required, available)."""
    n = slot(w, REJECTIONS, len(w.rejections))
    if n >= 0:
        r = w.rejections[n]
        r["ts"], r["symbol"], r["reason"] = ts, s, reason
        r["size"], r["price"] = size, price
        r["required"], r["available"] = needs
        r["order_id"] = w.state[0]["order_id"]


@jit
def record_fill(w: Any, s: int, size: float, fill: Fill, shortfall: float) -> None:
    """Write a fill of signed size as it stands after booking."""
    n = slot(w, FILLS, len(w.fills))
    if n < 0:
        return
    r, p = w.fills[n], w.positions[s]
    r["ts"], r["symbol"], r["reason"] = fill.ts, s, fill.reason
    r["size"], r["price"], r["fee"] = size, fill.price, fill.fee
    r["slippage"], r["realized_pnl"], r["shortfall"] = fill.slippage, fill.pnl, shortfall
    r["position_after"], r["margin_after"] = p["size"], p["margin"]
    r["cash_after"] = w.pools[p["pool"]]["cash"]
    r["usd_price"] = usd_price(w, p["pool"])
    r["order_id"], r["certainty"] = w.state[0]["order_id"], w.state[0]["possible"]


@jit
def record_deposit(w: Any, ts: int, pool: int, amount: float, source: int) -> None:
    """Pay money from a Source into a pool and write it down; negative: take it out."""
    w.pools[pool]["cash"] += amount
    w.pools[pool]["deposits"] += amount
    n = slot(w, DEPOSITS, len(w.deposits))
    if n >= 0:
        r = w.deposits[n]
        r["ts"], r["pool"], r["source"], r["amount"] = ts, pool, source, amount
        r["usd_price"] = usd_price(w, pool)


@jit
def start_trade(w: Any, s: int, ts: int, direction: float) -> None:
    """Begin the trade of a position that is about to open."""
    p = w.positions[s]
    p["equity_at_entry"] = pool_equity(w, p["pool"])
    w.pools[p["pool"]]["open"] += 1
    p["side"], p["opened"] = int(direction), ts
    p["low"], p["high"] = inf, 0.0
    p["peak_size"] = p["bought"] = p["bought_value"] = 0.0
    p["sold"] = p["sold_value"] = p["pnl"] = p["fees"] = p["funding"] = 0.0


@jit
def touch(w: Any, s: int) -> Any:
    """Put the rules of the day in force for a position that is about to change."""
    p = w.positions[s]
    p["rule"] = p["current"]
    return rules_of(w, s)


@jit
def mean_price(rules: Any, held: float, entry: float, added: float, price: float) -> float:
    """Entry price of a position after more is added: the mean by the value of its units."""
    if held == 0.0:
        return price
    if rules["inverse"]:
        return (held + added) / (held / entry + added / price)
    return (held * entry + added * price) / (held + added)


@jit
def grow_position(w: Any, s: int, size: float, fill: Fill) -> None:
    """Add a signed size; the entry price becomes the weighted mean."""
    p = w.positions[s]
    if p["size"] == 0.0:
        start_trade(w, s, fill.ts, side(size))
    rules = touch(w, s)
    held, added = abs(p["size"]), abs(size)
    value = unit_value(rules, fill.price)
    p["entry"] = mean_price(rules, held, p["entry"], added, fill.price)
    p["size"] = whole_lots(p["size"] + size, rules["lot"])
    p["bought"] += added
    p["bought_value"] += added * value
    p["fees"] += fill.fee
    p["pnl"] -= fill.fee
    p["peak_size"] = max(p["peak_size"], abs(p["size"]))
    w.pools[p["pool"]]["fees"] += fill.fee


@jit
def shrink_position(w: Any, s: int, closed: float, fill: Fill) -> None:
    """Take |size| `closed` away; the trade is written when nothing is left."""
    p = w.positions[s]
    p["sold"] += closed
    p["sold_value"] += notional(rules_of(w, s), closed, fill.price)
    p["pnl"] += fill.pnl - fill.fee
    p["fees"] += fill.fee
    if closed < abs(p["size"]) * (1.0 - SAME_SIZE):
        left = p["size"] - side(p["size"]) * closed
        p["size"] = whole_lots(left, rules_of(w, s)["lot"])
        touch(w, s)
        return
    write_trade(w, s, fill)
    w.pools[p["pool"]]["open"] -= 1
    p["size"] = p["entry"] = p["level"] = p["far"] = 0.0
    touch(w, s)


@jit
def write_trade(w: Any, s: int, fill: Fill) -> None:
    """Write the round trip of a position; what is not sold yet leaves at the fill's price."""
    n = slot(w, TRADES, len(w.trades))
    if n < 0:
        return
    r, p = w.trades[n], w.positions[s]
    rules, rest = rules_of(w, s), p["bought"] - p["sold"]
    r["symbol"], r["side"] = s, p["side"]
    r["entry_time"], r["exit_time"] = p["opened"], fill.ts
    r["entry_price"] = entry = price_of(rules, p["bought_value"] / p["bought"])
    left = rest * unit_value(rules, fill.price)
    r["exit_price"] = price_of(rules, (p["sold_value"] + left) / p["bought"])
    r["size"], r["leverage"] = p["peak_size"], w.config[0]["leverage"]
    r["exposure"] = notional(rules, p["peak_size"], entry) / p["equity_at_entry"]
    r["pnl"], r["fees"], r["funding"] = p["pnl"], p["fees"], p["funding"]
    r["return_pct"] = 100.0 * p["pnl"] / p["bought_value"]
    worst = p["low"] if p["side"] > 0 else p["high"]
    best = p["high"] if p["side"] > 0 else p["low"]
    seen = p["high"] > 0.0
    r["mae"] = min(p["side"] * (worst / entry - 1.0), 0.0) if seen else 0.0
    r["mfe"] = max(p["side"] * (best / entry - 1.0), 0.0) if seen else 0.0
    r["bars_held"] = (fill.ts - p["opened"]) // w.config[0]["timeframe_ms"]
    r["exit_reason"], r["certainty"] = fill.reason, w.state[0]["possible"]


@jit
def cover_shortfall(w: Any, pool: int) -> float:
    """Reset a negative wallet to zero, as the venue's fund does; returns what was missing.

    A cross pool is left alone while positions are open: their P&L still belongs to it.
    """
    missing = -w.pools[pool]["cash"]
    if missing <= 0.0 or (is_cross(w) and w.pools[pool]["open"] > 0):
        return 0.0
    w.pools[pool]["cash"] = 0.0
    w.pools[pool]["shortfall"] += missing
    return missing


@jit
def keeps_level(w: Any, s: int) -> bool:
    """Whether the state holds a position's level: where it is the only one in its bucket."""
    p = w.positions[s]
    return p["size"] != 0.0 and (not is_cross(w) or w.pools[p["pool"]]["open"] == 1)


@jit
def refresh_level(w: Any, s: int) -> None:
    """Bring a position's liquidation level up to date after its bucket changed.

    In a pool with several positions the level of one moves with the others' marks; it is then
    solved where it is needed and not kept.
    """
    p = w.positions[s]
    if keeps_level(w, s):
        p["level"], p["far"] = position_levels(w, s)


@jit
def refresh_pool(w: Any, pool: int) -> None:
    """Refresh the levels of all positions of a pool."""
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == pool:
            refresh_level(w, s)
