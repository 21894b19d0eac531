"""Fills at the trade open, and the order events that come due there.

An order that would turn a position around is a closing order and an opening one; closing is
never refused, opening is, when it breaks initial margin, a tier's leverage or a minimum.
"""

# mypy: disable-error-code="no-any-return"

from math import isnan, nan
from typing import Any

from .contracts import notional, side, unrealized_pnl, without_dust
from .jit import jit
from .ledger import (
    Fill,
    cover_shortfall,
    grow_position,
    record_fill,
    reject,
    shrink_position,
)
from .orders import clear_order, drop_order, has_order, place_target, queue_order
from .refusals import cross_needs, is_refused
from .requirement import isolated_cost, required_rate
from .resting import cancel_resting, reserved
from .risk import is_cross, rules_of, rules_today
from .state import OrderKind, OrderType, Reason, Rejected
from .transfers import transfer
from .types import HAS_TRADE, HIGH, LOW, OPEN, word

_EXPOSURE = int(OrderKind.EXPOSURE)
_SIZE = int(OrderKind.SIZE)
_MARKET = int(OrderType.MARKET)
_CANCEL, _TRANSFER = int(OrderKind.CANCEL), int(OrderKind.TRANSFER)
_ADD_MARGIN = int(OrderKind.ADD_MARGIN)
_SIGNAL = word(Reason.SIGNAL)
_EXPIRED = word(Rejected.EXPIRED)
_WRONG_LEG = word(Rejected.WRONG_LEG)
_PRICE_NOT_TRADED = word(Rejected.PRICE_NOT_TRADED)


@jit
def order_price(w: Any, i: int, s: int) -> float:
    """Price the waiting order fills at in this bar; NaN if its own price was not traded."""
    p = w.positions[s]
    own = p["order_price"]
    if isnan(own):
        worse = w.config[0]["slippage"] * side(p["order_value"])
        return w.prices[OPEN, p["series"], i] * (1.0 + worse)
    if w.prices[LOW, p["series"], i] <= own <= w.prices[HIGH, p["series"], i]:
        return own
    return nan


@jit
def slippage_paid(w: Any, i: int, s: int, size: float, price: float) -> float:
    """What a market order lost against the open; an order with its own price loses nothing."""
    p = w.positions[s]
    if isnan(p["order_price"]):
        return abs(unrealized_pnl(rules_of(w, s), size, w.prices[OPEN, p["series"], i], price))
    return 0.0


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
def closing_fill(
    w: Any, ts: int, s: int, closed: float, price: float, slippage: float, reason: int
) -> Fill:
    """The fill that closes |size| `closed` at a price, taker fee included."""
    p = w.positions[s]
    rules = rules_of(w, s)
    fee = notional(rules, closed, price) * rules["taker_fee"]
    pnl = unrealized_pnl(rules, side(p["size"]) * closed, p["entry"], price)
    return Fill(ts, reason, price, fee, slippage, pnl)


@jit
def open_part(w: Any, s: int, size: float, fill: Fill) -> None:
    """Open or add a signed size, or reject it as the venue would."""
    p, rules = w.positions[s], rules_today(w, s)
    pool = w.pools[p["pool"]]
    if is_cross(w):
        kept, cost = 0.0, fill.fee
        needs = cross_needs(w, s, size, fill)
        needs = (needs[0] + reserved(w, p["pool"]), needs[1])
    else:
        leverage = w.config[0]["leverage"]
        rate = required_rate(rules, p["size"] + size, fill.price, fill.price, leverage)
        kept, cost = isolated_cost(rules, size, fill.price, rate, fill.fee)
        needs = (cost, pool["cash"] - reserved(w, p["pool"]))
    if is_refused(w, s, size, fill, needs):
        return
    if not is_cross(w):
        # what rounding let pass comes out of the margin: a wallet is never under zero
        missing = max(cost - pool["cash"], 0.0)
        kept, cost = kept - missing, cost - missing
    grow_position(w, s, size, fill)
    p["margin"] += kept
    pool["cash"] -= cost
    record_fill(w, s, size, fill, 0.0)


@jit
def fill_closing(w: Any, i: int, s: int) -> None:
    """Fill the part of the waiting order that reduces the position."""
    p, ts = w.positions[s], w.ts[i]
    price = order_price(w, i, s)
    if isnan(price):
        needs = (w.prices[LOW, p["series"], i], w.prices[HIGH, p["series"], i])
        reject(w, ts, s, _PRICE_NOT_TRADED, p["order_value"], p["order_price"], needs)
        clear_order(w, s)
        return
    if p["order_value"] * p["size"] >= 0.0:
        return
    lot, direction = rules_of(w, s)["lot"], side(p["size"])
    closed = without_dust(min(abs(p["order_value"]), abs(p["size"])), abs(p["size"]), lot)
    slippage = slippage_paid(w, i, s, closed, price)
    close_part(w, s, closed, closing_fill(w, ts, s, closed, price, slippage, _SIGNAL))
    p["order_value"] += direction * closed
    if p["order_value"] * direction > -0.5 * lot:
        clear_order(w, s)


@jit
def fill_opening(w: Any, i: int, s: int) -> None:
    """Fill what is left of the waiting order."""
    size, price = w.positions[s]["order_value"], order_price(w, i, s)
    rules = rules_today(w, s)
    if rules["expires"] <= w.ts[i]:
        drop_order(w, w.ts[i], s, _EXPIRED)
        return
    fee = notional(rules, size, price) * rules["taker_fee"]
    slippage = slippage_paid(w, i, s, size, price)
    clear_order(w, s)
    if size * w.positions[s]["leg"] < 0.0:
        reject(w, w.ts[i], s, _WRONG_LEG, size, price, (abs(size), 0.0))
        return
    open_part(w, s, size, Fill(w.ts[i], _SIGNAL, price, fee, slippage, 0.0))


@jit
def can_fill(w: Any, i: int, s: int) -> bool:
    """Whether a symbol has an order waiting and a trade candle to fill it."""
    return has_order(w, s) and (w.flags[w.positions[s]["series"], i] & HAS_TRADE) != 0


@jit
def start_fill(w: Any, i: int, s: int) -> None:
    """Size a target that waited for a first price, and fill what reduces the position."""
    p = w.positions[s]
    if p["order_kind"] == _EXPOSURE:
        place_target(
            w, w.ts[i], s, p["order_value"], (w.prices[OPEN, p["series"], i], p["order_price"])
        )
    if has_order(w, s):
        fill_closing(w, i, s)


@jit
def fill_waiting(w: Any, i: int) -> bool:
    """Fill all waiting orders at this open, reductions first; whether any symbol had one."""
    filled = False
    for s in range(len(w.positions)):
        if can_fill(w, i, s):
            filled = True
            start_fill(w, i, s)
    for s in range(len(w.positions)):
        if can_fill(w, i, s):
            fill_opening(w, i, s)
    return filled


@jit
def can_join(w: Any, s: int, order: Any) -> bool:
    """Whether an order can be added to what waits: both at the open, or nothing waits."""
    return not has_order(w, s) or (isnan(order["price"]) and isnan(w.positions[s]["order_price"]))


@jit
def fill_now(w: Any, i: int, s: int) -> None:
    """Fill a waiting order before the next one of its symbol is looked at."""
    start_fill(w, i, s)
    if has_order(w, s):
        fill_opening(w, i, s)


@jit
def take_order(w: Any, i: int, order: Any) -> bool:
    """Queue an order event; whether the one that waited had to fill first.

    Of two that cannot join while nothing trades, the one with its own price is refused.
    """
    s, ts, filled = order["symbol"], w.ts[i], False
    if not can_join(w, s, order):
        if can_fill(w, i, s):
            fill_now(w, i, s)
            filled = True
        elif isnan(w.positions[s]["order_price"]):
            reject(w, ts, s, _PRICE_NOT_TRADED, order["value"], order["price"], (nan, nan))
            return False
        else:
            drop_order(w, ts, s, _PRICE_NOT_TRADED)
    queue_order(w, ts, order)
    return filled


@jit
def was_cancelled(w: Any, i: int, order: Any) -> bool:
    """Whether a due size was cancelled because its bucket was liquidated at this open."""
    p = w.positions[order["symbol"]]
    return order["kind"] == _SIZE and p["liquidated_at"] == w.ts[i]


@jit
def comes_later(order: Any) -> bool:
    """Whether an event has its turn after the market orders of its open."""
    return (order["kind"] == _SIZE and order["type"] != _MARKET) or order["kind"] == _ADD_MARGIN


@jit
def take_orders(w: Any, i: int) -> bool:
    """Take every event that is due at this bar's open, but for what comes after the fills.

    Returns whether some had to fill already or money has moved.
    """
    state, changed = w.state[0], False
    while state["order"] < len(w.orders) and w.orders[state["order"]]["ts"] <= w.ts[i]:
        order = w.orders[state["order"]]
        state["order"] += 1
        if was_cancelled(w, i, order) or comes_later(order):
            continue
        if order["kind"] == _CANCEL:
            cancel_resting(w, w.ts[i], order)
        elif order["kind"] == _TRANSFER:
            transfer(w, w.ts[i], order)
            changed = True
        elif take_order(w, i, order):
            changed = True
    return changed
