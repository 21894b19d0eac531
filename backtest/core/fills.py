"""Orders: sizing, the venue's checks, and fills at the trade open.

An order that would turn a position around is a closing order and an opening one; closing is
never refused, opening is, when it breaks initial margin, a tier's leverage or a minimum.
"""

from math import isnan, nan
from typing import Any

import numpy as np

from .contracts import notional, round_down, side, unrealized_pnl
from .jit import jit
from .ledger import (
    Fill,
    cover_shortfall,
    grow_position,
    record_fill,
    refresh_pool,
    shrink_position,
    slot,
)
from .requirement import initial_margin, isolated_cost
from .risk import is_cross, pool_equity, position_initial, rules_of
from .state import REJECTIONS, OrderKind, Reason, Rejected
from .tiers import largest_key_at, tier_key
from .types import HAS_TRADE, HIGH, LOW, OPEN

_EXPOSURE = int(OrderKind.EXPOSURE)
_SIZE = int(OrderKind.SIZE)
_NONE = int(OrderKind.NONE)
_SIGNAL = np.int64(Reason.SIGNAL)
_BELOW_MINIMUM = np.int64(Rejected.BELOW_MINIMUM)
_INSUFFICIENT_MARGIN = np.int64(Rejected.INSUFFICIENT_MARGIN)
_MAX_LEVERAGE = np.int64(Rejected.MAX_LEVERAGE)
_POSITION_LIMIT = np.int64(Rejected.POSITION_LIMIT)
_TIERS_UNKNOWN = np.int64(Rejected.TIERS_UNKNOWN)
_PRICE_NOT_TRADED = np.int64(Rejected.PRICE_NOT_TRADED)
_CANCELLED = np.int64(Rejected.CANCELLED_BY_LIQUIDATION)
ROUNDING = 1e-12


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


@jit
def clear_order(w: Any, s: int) -> None:
    """Forget the waiting order of a symbol."""
    p = w.positions[s]
    if p["order_kind"] != _NONE:
        w.state[0]["waiting"] -= 1
    p["order_kind"], p["order_value"], p["order_price"] = _NONE, 0.0, nan


@jit
def cancel_order(w: Any, ts: int, s: int) -> None:
    """Drop the waiting order of a symbol because its bucket is being liquidated."""
    p = w.positions[s]
    if p["order_kind"] != _NONE:
        reject(w, ts, s, _CANCELLED, p["order_value"], p["order_price"], (0.0, 0.0))
        clear_order(w, s)


@jit
def size_for_exposure(w: Any, s: int, exposure: float, price: float) -> float:
    """Signed size to trade for a target exposure: exposure·equity/price, rounded down to lots."""
    p = w.positions[s]
    if exposure == 0.0 or price <= 0.0:
        return -p["size"]
    lot = rules_of(w, s)["lot"]
    equity = max(w.pools[p["pool"]]["equity"], 0.0)
    size = round_down(exposure * equity / price, lot) - p["size"]
    return size if abs(size) > 0.5 * lot else 0.0


@jit
def queue_size(w: Any, s: int, size: float, price: float) -> None:
    """Make a signed size wait for the next trade candle."""
    p = w.positions[s]
    if size == 0.0:
        return
    if p["order_kind"] == _NONE:
        w.state[0]["waiting"] += 1
    p["order_kind"], p["order_value"], p["order_price"] = _SIZE, size, price


@jit
def queue_order(w: Any, i: int, order: Any) -> None:
    """Turn an order event into a signed size to trade, judged by the last close's equity."""
    s = order["symbol"]
    p = w.positions[s]
    if order["kind"] == _EXPOSURE:
        p["target"] = order["value"]
        reference = order["price"] if not isnan(order["price"]) else p["close"]
        if isnan(reference):
            reference = w.prices[OPEN, s, i]
        clear_order(w, s)
        size = size_for_exposure(w, s, order["value"], reference)
        if size == 0.0 and order["value"] != 0.0 and p["size"] == 0.0:
            needs = (rules_of(w, s)["lot"], 0.0)
            reject(w, order["ts"], s, _BELOW_MINIMUM, 0.0, reference, needs)
        queue_size(w, s, size, order["price"])
        return
    size = round_down(order["value"], rules_of(w, s)["lot"])
    if size == 0.0:
        needs = (rules_of(w, s)["lot"], abs(order["value"]))
        reject(w, order["ts"], s, _BELOW_MINIMUM, order["value"], order["price"], needs)
    waiting = p["order_value"] if p["order_kind"] != _NONE else 0.0
    queue_size(w, s, size + waiting, order["price"])


@jit
def order_price(w: Any, i: int, s: int) -> float:
    """Price the waiting order fills at in this bar; NaN if its own price was not traded."""
    p = w.positions[s]
    own = p["order_price"]
    if isnan(own):
        worse = w.config[0]["slippage"] * side(p["order_value"])
        return w.prices[OPEN, s, i] * (1.0 + worse)
    if w.prices[LOW, s, i] <= own <= w.prices[HIGH, s, i]:
        return own
    return nan


@jit
def close_part(w: Any, s: int, closed: float, fill: Fill) -> None:
    """Close |size| `closed` by an order: margin is released in proportion, P&L goes to cash."""
    p = w.positions[s]
    before, pool = p["size"], p["pool"]
    released = p["margin"] * min(closed / abs(before), 1.0)
    p["margin"] -= released
    w.pools[pool]["cash"] += released + fill.pnl - fill.fee
    w.pools[pool]["realized"] += fill.pnl
    w.pools[pool]["fees"] += fill.fee
    shrink_position(w, s, closed, fill)
    record_fill(w, s, -side(before) * closed, fill, cover_shortfall(w, pool))


@jit
def closing_fill(w: Any, ts: int, s: int, closed: float, price: float, reason: int) -> Fill:
    """The fill that closes |size| `closed` at a price, taker fee included."""
    p = w.positions[s]
    signed = side(p["size"]) * closed
    fee = closed * price * rules_of(w, s)["taker_fee"]
    return Fill(ts, reason, price, fee, 0.0, unrealized_pnl(signed, p["entry"], price))


@jit
def size_limit_breach(w: Any, s: int, size: float, price: float) -> tuple[int, float, float]:
    """(reason, key, limit) if `size` more breaks the tier's leverage or the table; else −1."""
    p, rules = w.positions[s], rules_of(w, s)
    total = p["size"] + size
    entry = (abs(p["size"]) * p["entry"] + abs(size) * price) / abs(total)
    key = tier_key(rules, total, entry, p["mark"])
    limit = largest_key_at(rules, w.config[0]["leverage"])
    if key <= limit * (1.0 + ROUNDING):
        return -1, key, limit
    if limit < rules["cap"]:
        return _MAX_LEVERAGE, key, limit
    return (_POSITION_LIMIT if rules["tiers_complete"] else _TIERS_UNKNOWN), key, limit


@jit
def cross_needs(w: Any, s: int, size: float, fill: Fill) -> tuple[float, float]:
    """(initial margin of the whole pool after the fill, equity after it)."""
    p = w.positions[s]
    pool, total = p["pool"], p["size"] + size
    required = 0.0
    for o in range(len(w.positions)):
        if o != s and w.positions[o]["pool"] == pool:
            required += position_initial(w, o)
    entry = (abs(p["size"]) * p["entry"] + abs(size) * fill.price) / abs(total)
    required += initial_margin(rules_of(w, s), total, entry, p["mark"], w.config[0]["leverage"])
    return required, pool_equity(w, pool) - fill.fee + size * (p["mark"] - fill.price)


@jit
def open_part(w: Any, s: int, size: float, fill: Fill) -> None:
    """Open or add a signed size, or reject it as the venue would."""
    p, rules = w.positions[s], rules_of(w, s)
    value = notional(size, fill.price)
    if abs(size) < rules["min_size"] * (1.0 - ROUNDING) or value < rules["min_notional"]:
        needs = (max(rules["min_notional"], rules["min_size"] * fill.price), value)
        reject(w, fill.ts, s, _BELOW_MINIMUM, size, fill.price, needs)
        return
    reason, key, limit = size_limit_breach(w, s, size, fill.price)
    if reason >= 0:
        reject(w, fill.ts, s, reason, size, fill.price, (key, limit))
        return
    kept, cost = isolated_cost(rules, size, fill.price, w.config[0]["leverage"], fill.fee)
    needs = (cost, w.pools[p["pool"]]["cash"])
    if is_cross(w):
        kept, cost = 0.0, fill.fee
        needs = cross_needs(w, s, size, fill)
    if needs[0] > needs[1] * (1.0 + ROUNDING):
        reject(w, fill.ts, s, _INSUFFICIENT_MARGIN, size, fill.price, needs)
        return
    grow_position(w, s, size, fill)
    p["margin"] += kept
    w.pools[p["pool"]]["cash"] -= cost
    record_fill(w, s, size, fill, 0.0)


@jit
def fill_closing(w: Any, i: int, s: int) -> None:
    """Fill the part of the waiting order that reduces the position."""
    p = w.positions[s]
    price = order_price(w, i, s)
    if isnan(price):
        needs = (w.prices[LOW, s, i], w.prices[HIGH, s, i])
        reject(w, w.ts[i], s, _PRICE_NOT_TRADED, p["order_value"], p["order_price"], needs)
        clear_order(w, s)
        return
    if p["order_value"] * p["size"] >= 0.0:
        return
    closed = min(abs(p["order_value"]), abs(p["size"]))
    left = p["order_value"] + side(p["size"]) * closed
    paid = closed * abs(price - w.prices[OPEN, s, i]) if isnan(p["order_price"]) else 0.0
    fill = closing_fill(w, w.ts[i], s, closed, price, _SIGNAL)
    close_part(w, s, closed, Fill(fill.ts, fill.reason, price, fill.fee, paid, fill.pnl))
    p["order_value"] = left
    if abs(left) < 0.5 * rules_of(w, s)["lot"]:
        clear_order(w, s)


@jit
def fill_opening(w: Any, i: int, s: int) -> None:
    """Fill what is left of the waiting order."""
    p = w.positions[s]
    size, price = p["order_value"], order_price(w, i, s)
    fee = notional(size, price) * rules_of(w, s)["taker_fee"]
    paid = abs(size) * abs(price - w.prices[OPEN, s, i]) if isnan(p["order_price"]) else 0.0
    clear_order(w, s)
    open_part(w, s, size, Fill(w.ts[i], _SIGNAL, price, fee, paid, 0.0))


@jit
def can_fill(w: Any, i: int, s: int) -> bool:
    """Whether a symbol has an order waiting and a trade candle to fill it."""
    return w.positions[s]["order_kind"] != _NONE and (w.flags[s, i] & HAS_TRADE) != 0


@jit
def fill_waiting(w: Any, i: int) -> bool:
    """Fill all waiting orders at this open, reductions first; whether any symbol had one."""
    filled = False
    for s in range(len(w.positions)):
        if can_fill(w, i, s):
            filled = True
            fill_closing(w, i, s)
    for s in range(len(w.positions)):
        if can_fill(w, i, s):
            fill_opening(w, i, s)
    if filled:
        for pool in range(len(w.pools)):
            refresh_pool(w, pool)
    return filled


@jit
def take_orders(w: Any, i: int) -> None:
    """Queue every order event that is due at this bar's open."""
    state = w.state[0]
    while state["order"] < len(w.orders) and w.orders[state["order"]]["ts"] <= w.ts[i]:
        order = w.orders[state["order"]]
        state["order"] += 1
        s = order["symbol"]
        own_price = not isnan(order["price"]) or not isnan(w.positions[s]["order_price"])
        if own_price and can_fill(w, i, s):
            fill_closing(w, i, s)
            if can_fill(w, i, s):
                fill_opening(w, i, s)
        queue_order(w, i, order)
