"""Orders before they fill: sizing, waiting, and the records of those refused.

A symbol has at most one order waiting: sizes add up, a target replaces what waits. A target on a
symbol of which no price is known yet waits unsized.
"""

# mypy: disable-error-code="no-any-return"

from math import isnan, nan
from typing import Any

from .contracts import notional, round_down, side, size_worth
from .jit import jit
from .ledger import reject
from .resting import only_reduces
from .risk import rules_today
from .state import OrderKind, OrderType, Rejected
from .types import word

_EXPOSURE = word(OrderKind.EXPOSURE)
_SIZE = word(OrderKind.SIZE)
_NONE = word(OrderKind.NONE)
_MARKET = int(OrderType.MARKET)
_BELOW_MINIMUM = word(Rejected.BELOW_MINIMUM)
_REDUCE_ONLY = word(Rejected.REDUCE_ONLY)
_CANCELLED = word(Rejected.CANCELLED_BY_LIQUIDATION)


@jit
def has_order(w: Any, s: int) -> bool:
    """Whether an order of a symbol waits."""
    return w.positions[s]["order_kind"] != _NONE


@jit
def clear_order(w: Any, s: int) -> None:
    """Forget the waiting order of a symbol."""
    p = w.positions[s]
    if p["order_kind"] != _NONE:
        w.state[0]["waiting"] -= 1
    p["order_kind"], p["order_value"], p["order_price"] = _NONE, 0.0, nan


@jit
def drop_order(w: Any, ts: int, s: int, reason: int) -> None:
    """Refuse the waiting order of a symbol; a target that was never sized has size 0."""
    p = w.positions[s]
    if p["order_kind"] == _NONE:
        return
    size = p["order_value"] if p["order_kind"] == _SIZE else 0.0
    reject(w, ts, s, reason, size, p["order_price"], (0.0, 0.0))
    clear_order(w, s)


@jit
def place_order(w: Any, s: int, kind: int, value: float, price: float) -> None:
    """Make an order wait for the next trade candle, in place of the one that waits."""
    clear_order(w, s)
    if kind == _SIZE and value == 0.0:
        return
    w.state[0]["waiting"] += 1
    p = w.positions[s]
    p["order_kind"], p["order_value"], p["order_price"] = kind, value, price


@jit
def size_for_exposure(w: Any, s: int, exposure: float, price: float) -> float:
    """Signed size to trade for a target: exposure·equity/price rounded down to lots, less held.

    Without equity every target is flat.
    """
    p = w.positions[s]
    equity = w.pools[p["pool"]]["equity"]
    if exposure == 0.0 or equity <= 0.0:
        return -p["size"]
    rules = rules_today(w, s)
    lot = rules["lot"]
    size = round_down(size_worth(rules, exposure * equity, price), lot) - p["size"]
    return size if abs(size) > 0.5 * lot else 0.0


@jit
def place_target(w: Any, ts: int, s: int, exposure: float, prices: tuple[float, float]) -> None:
    """Make what brings a position to its target wait; `prices` is (to size at, to fill at)."""
    sized_at, fills_at = prices
    size = size_for_exposure(w, s, exposure, sized_at)
    if size == 0.0 and exposure != 0.0 and w.positions[s]["size"] == 0.0:
        rules, pool = rules_today(w, s), w.pools[w.positions[s]["pool"]]
        needs = (notional(rules, rules["lot"], sized_at), max(pool["equity"], 0.0))
        reject(w, ts, s, _BELOW_MINIMUM, 0.0, sized_at, needs)
    place_order(w, s, _SIZE, size, fills_at)


@jit
def reducing_part(w: Any, s: int, value: float) -> float:
    """The part of an order's size that reduces what is held, with what waits; 0 if none does."""
    p = w.positions[s]
    held = p["size"] + (p["order_value"] if p["order_kind"] == _SIZE else 0.0)
    if held * side(value) >= 0.0:
        return 0.0
    return side(value) * min(abs(value), abs(held))


@jit
def queue_order(w: Any, ts: int, order: Any) -> None:
    """Turn an order event into a size that waits, judged by the last close."""
    s, value, price = order["symbol"], order["value"], order["price"]
    p = w.positions[s]
    if order["kind"] == _EXPOSURE:
        p["target"] = value
        known = p["close"] if isnan(price) else price
        if isnan(known) and (value != 0.0 or p["size"] != 0.0):
            place_order(w, s, _EXPOSURE, value, price)
        else:
            place_target(w, ts, s, value, (known, price))
        return
    if only_reduces(order):
        value = reducing_part(w, s, value)
        if value == 0.0:
            reject(w, ts, s, _REDUCE_ONLY, order["value"], price, (abs(order["value"]), p["size"]))
            return
    lot = rules_today(w, s)["lot"]
    size = round_down(value, lot)
    if size == 0.0:
        reject(w, ts, s, _BELOW_MINIMUM, value, price, (lot, abs(value)))
        return
    waiting = p["order_value"] if p["order_kind"] == _SIZE else 0.0
    place_order(w, s, _SIZE, size + waiting, price)


@jit
def cancel_orders(w: Any, i: int, s: int) -> None:
    """Cancel a symbol's waiting orders and the sizes due at this bar: its bucket is liquidated.

    A size was meant for the position that is gone; a target due now says which position is
    wanted and stands. Due sizes are recorded here once and passed over (`liquidated_at`).
    """
    ts, p = w.ts[i], w.positions[s]
    drop_order(w, ts, s, _CANCELLED)
    if p["liquidated_at"] == ts:
        return
    p["liquidated_at"] = ts
    k = w.state[0]["order"]
    while k < len(w.orders) and w.orders[k]["ts"] <= ts:
        order = w.orders[k]
        if order["symbol"] == s and order["kind"] == _SIZE:
            if order["type"] == _MARKET:
                queue_order(w, ts, order)
                drop_order(w, ts, s, _CANCELLED)
            else:
                reject(w, ts, s, _CANCELLED, order["value"], order["price"], (0.0, 0.0))
        k += 1
