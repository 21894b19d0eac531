"""Resting orders: where they wait, what ends them, and what they reserve.

They keep their places in the list until the bar is over (`done` says what became of them), so
that the ways of a bar can be compared order by order.
"""

# mypy: disable-error-code="no-any-return"

from math import inf, isnan, nan
from typing import Any

from .contracts import notional, round_down, side
from .jit import jit
from .ledger import reject
from .requirement import required_rate
from .risk import is_cross, pool_backing, position_initial, rules_today
from .state import Done, OrderKind, OrderType, Rejected, TriggerBy
from .types import HAS_TRADE, OPEN, OrderMargin, word

_LIMIT, _STOP = int(OrderType.LIMIT), int(OrderType.STOP)
_TAKE_PROFIT, _TRAILING = int(OrderType.TAKE_PROFIT), int(OrderType.TRAILING_STOP)
_BY_MARK = int(TriggerBy.MARK)
_RESTS, _FILLED, _ENDED = int(Done.RESTS), int(Done.FILLED), int(Done.ENDED)
_NOTHING, _BOTH_FEES = int(OrderMargin.NONE), int(OrderMargin.INITIAL_AND_FEES)
_OPENING_FEE = int(OrderMargin.INITIAL_AND_OPENING_FEE)
_BELOW_MINIMUM = word(Rejected.BELOW_MINIMUM)
_INSUFFICIENT_MARGIN = word(Rejected.INSUFFICIENT_MARGIN)
_WOULD_TRIGGER = word(Rejected.WOULD_TRIGGER)
_REDUCE_ONLY = word(Rejected.REDUCE_ONLY)
_EXPIRED = word(Rejected.EXPIRED)
_TOO_MANY = word(Rejected.TOO_MANY_ORDERS)
_OUT_OF_BAND = word(Rejected.PRICE_OUT_OF_BAND)
_ORDER_EXPIRED = word(Rejected.ORDER_EXPIRED)
_UNKNOWN_ORDER = word(Rejected.UNKNOWN_ORDER)
_POSITION_CLOSED = word(Rejected.POSITION_CLOSED)
_NO_REASON = word(-1)
_NO_ORDER = int(OrderKind.NONE)


@jit
def reduces(w: Any, s: int, size: float) -> bool:
    """Whether an order of this size would shrink the position there is."""
    return w.positions[s]["size"] * side(size) < 0.0


@jit
def opening_part(w: Any, s: int, size: float) -> float:
    """The part of an order's |size| that would open or enlarge a position."""
    if not reduces(w, s, size):
        return abs(size)
    return max(abs(size) - abs(w.positions[s]["size"]), 0.0)


@jit
def reserve_of(w: Any, s: int, size: float, price: float) -> float:
    """What the venue sets aside for a resting limit order."""
    rules = rules_today(w, s)
    opens = opening_part(w, s, size)
    if rules["order_margin"] == _NOTHING or opens == 0.0:
        return 0.0
    fees = 0.0
    if rules["order_margin"] == _BOTH_FEES:
        fees = 2.0 * rules["taker_fee"]
    elif rules["order_margin"] == _OPENING_FEE:
        fees = rules["taker_fee"]
    rate = required_rate(rules, opens, price, price, w.config[0]["leverage"])
    return notional(rules, opens, price) * (rate + fees)


@jit
def reserved(w: Any, pool: int) -> float:
    """What a pool's resting limit orders have set aside."""
    total = 0.0
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        waits = o["done"] == _RESTS and o["type"] == _LIMIT and not o["reduce_only"]
        if waits and w.positions[o["symbol"]]["pool"] == pool:
            total += reserve_of(w, o["symbol"], o["size"], o["price"])
    return total


@jit
def end_order(w: Any, ts: int, k: int, reason: int) -> None:
    """End a resting order without a fill, and record why."""
    o = w.resting[k]
    o["done"] = _ENDED
    size = 0.0 if abs(o["size"]) == inf else o["size"]
    w.state[0]["order_id"] = o["id"]
    reject(w, ts, o["symbol"], reason, size, o["price"], (0.0, 0.0))
    w.state[0]["order_id"] = 0


@jit
def end_orders(w: Any, ts: int, s: int, reason: int) -> None:
    """End all resting orders of a position."""
    for k in range(w.state[0]["resting"]):
        if w.resting[k]["symbol"] == s and w.resting[k]["done"] == _RESTS:
            end_order(w, ts, k, reason)


@jit
def has_opener(w: Any, s: int, direction: float) -> bool:
    """Whether an order that rests, or waits for a trade candle, would open a position of a side."""
    p = w.positions[s]
    if p["order_kind"] != _NO_ORDER and side(p["order_value"]) == direction:
        return True
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        mine = o["symbol"] == s and o["done"] == _RESTS and not o["reduce_only"]
        if mine and side(o["size"]) == direction:
            return True
    return False


@jit
def end_reducers(w: Any, ts: int, s: int) -> None:
    """End orders that only reduce a position that is gone, unless one may come that they wait for.

    An order that waits for a position sleeps until it is there.
    """
    held = w.positions[s]["size"]
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        if o["symbol"] != s or o["done"] != _RESTS or not o["reduce_only"]:
            continue
        if held * side(o["size"]) >= 0.0 and not has_opener(w, s, -side(o["size"])):
            end_order(w, ts, k, _POSITION_CLOSED)


@jit
def expire_orders(w: Any, ts: int) -> None:
    """End the orders whose time has run out."""
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        if o["done"] == _RESTS and 0 < o["until"] <= ts:
            end_order(w, ts, k, _ORDER_EXPIRED)
            end_reducers(w, ts, o["symbol"])


@jit
def tidy(w: Any) -> None:
    """Forget the orders that are done."""
    state, kept = w.state[0], 0
    for k in range(state["resting"]):
        if w.resting[k]["done"] == _RESTS:
            if kept < k:
                w.resting[kept] = w.resting[k]
            kept += 1
    state["resting"] = kept


@jit
def cancel_resting(w: Any, ts: int, order: Any) -> None:
    """Take back the resting order with the identifier that the event names."""
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        if o["id"] == order["value"] and o["done"] == _RESTS:
            o["done"] = _ENDED
            end_reducers(w, ts, o["symbol"])
            return
    w.state[0]["order_id"] = int(order["value"])
    reject(w, ts, order["symbol"], _UNKNOWN_ORDER, 0.0, nan, (0.0, 0.0))
    w.state[0]["order_id"] = 0


@jit
def reference_price(w: Any, i: int, s: int, by: int) -> float:
    """The price that the venue holds a new order against: that of the last close.

    It is this open for what follows fills there, and before the first close.
    """
    p, now = w.positions[s], w.state[0]["following"]
    if by == _BY_MARK:
        return p["mark"] if now or isnan(p["closing_mark"]) else p["closing_mark"]
    return w.prices[OPEN, p["series"], i] if now or isnan(p["close"]) else p["close"]


@jit
def on_wrong_side(order: Any, price: float) -> bool:
    """Whether a trigger would be met at once."""
    direction = side(order["value"])
    if order["type"] == _STOP:
        return (order["price"] - price) * direction <= 0.0
    if order["type"] == _TAKE_PROFIT or (order["type"] == _TRAILING and not isnan(order["price"])):
        return (price - order["price"]) * direction <= 0.0
    return False


@jit
def only_reduces(order: Any) -> bool:
    """Whether an order never opens: it says so, or it is for all of the position."""
    return order["reduce_only"] != 0 or abs(order["value"]) == inf


@jit
def refusal(w: Any, i: int, order: Any) -> tuple[int, float, float]:
    """(reason, required, available) if the venue does not take a resting order; else −1."""
    s = order["symbol"]
    rules, size, price = rules_today(w, s), order["value"], order["price"]
    pool, count = w.positions[s]["pool"], 0
    if rules["expires"] <= w.ts[i]:
        return _EXPIRED, 0.0, 0.0
    for k in range(w.state[0]["resting"]):
        if w.resting[k]["symbol"] == s and w.resting[k]["done"] == _RESTS:
            count += 1
    if count >= rules["max_open_orders"]:
        return _TOO_MANY, float(count + 1), float(rules["max_open_orders"])
    if order["until"] != 0 and order["until"] <= w.ts[i]:
        return _ORDER_EXPIRED, float(w.ts[i]), float(order["until"])
    near = reference_price(w, i, s, order["by"])
    if not isnan(price) and not isnan(near):
        away = abs(price / near - 1.0)
        if away > rules["trigger_band"]:
            return _OUT_OF_BAND, away, rules["trigger_band"]
        if on_wrong_side(order, near):
            return _WOULD_TRIGGER, price, near
    if only_reduces(order):
        if not reduces(w, s, size) and not has_opener(w, s, -side(size)):
            return _REDUCE_ONLY, abs(size), abs(w.positions[s]["size"])
        return _NO_REASON, 0.0, 0.0
    opens, at = opening_part(w, s, size), near if isnan(price) else price
    value = notional(rules, opens, at)
    if opens > 0.0 and (opens < rules["min_size"] * (1.0 - 1e-12) or value < rules["min_notional"]):
        least = max(rules["min_notional"], notional(rules, rules["min_size"], at))
        return _BELOW_MINIMUM, least, value
    if order["type"] == _LIMIT:
        needs, free = reserve_of(w, s, size, price), available(w, pool)
        if needs > free * (1.0 + 1e-12):
            return _INSUFFICIENT_MARGIN, needs, free
    return _NO_REASON, 0.0, 0.0


@jit
def available(w: Any, pool: int) -> float:
    """Money of a pool that neither positions nor resting orders hold."""
    free = w.pools[pool]["cash"]
    if is_cross(w):
        free = pool_backing(w, pool)
        for s in range(len(w.positions)):
            if w.positions[s]["pool"] == pool:
                free -= position_initial(w, s)
    return free - reserved(w, pool)


@jit
def add_resting(w: Any, order: Any, size: float) -> int:
    """Put an order into the list; its place, or −1 if there is no room yet."""
    state = w.state[0]
    k = state["resting"]
    if k >= len(w.resting):
        state["overflow"] = state["crowded"] = 1
        return -1
    state["resting"] = k + 1
    o = w.resting[k]
    o["id"], o["symbol"], o["type"] = order["id"], order["symbol"], order["type"]
    o["by"], o["size"], o["price"] = order["by"], size, order["price"]
    o["callback"], o["reduce_only"] = order["callback"], int(only_reduces(order))
    o["until"] = order["until"]
    o["best"], o["done"], o["hits"] = nan, _RESTS, 0
    return k


@jit
def is_marketable(w: Any, i: int, order: Any) -> bool:
    """Whether a limit order would trade at this open instead of resting."""
    series = w.positions[order["symbol"]]["series"]
    if order["type"] != _LIMIT or not w.flags[series, i] & HAS_TRADE:
        return False
    if only_reduces(order) and not reduces(w, order["symbol"], order["value"]):
        return False
    return (order["price"] - w.prices[OPEN, series, i]) * side(order["value"]) >= 0.0


@jit
def whole(w: Any, order: Any) -> float:
    """An order's size in whole lots; infinite stays so."""
    if abs(order["value"]) == inf:
        return order["value"]
    return round_down(order["value"], rules_today(w, order["symbol"])["lot"])
