"""Everything that orders do at the open of a bar."""

from math import isnan
from typing import Any

from .fills import comes_later, fill_waiting, take_orders, was_cancelled
from .jit import jit
from .ledger import Fill, refresh_pool, reject
from .resting import (
    add_resting,
    end_reducers,
    is_marketable,
    reference_price,
    refusal,
    whole,
)
from .risk import rules_today
from .state import OrderKind, OrderType, Reason, Rejected
from .transfers import add_margin
from .triggered import size_of, trade
from .types import OPEN, word

_ADD_MARGIN = int(OrderKind.ADD_MARGIN)
_TRAILING = int(OrderType.TRAILING_STOP)
_NO_REASON = word(-1)
_BELOW_MINIMUM = word(Rejected.BELOW_MINIMUM)
_POST_ONLY = word(Rejected.POST_ONLY)
_LIMIT_FILL = word(Reason.LIMIT)


@jit
def take_at_once(w: Any, i: int, order: Any, size: float) -> None:
    """Fill a limit order that is met at the open already: there, and as a taker."""
    s = order["symbol"]
    rules, price = rules_today(w, s), w.prices[OPEN, w.positions[s]["series"], i]
    slipped = price * (1.0 + w.config[0]["slippage"] * (1.0 if size > 0.0 else -1.0))
    at = min(slipped, order["price"]) if size > 0.0 else max(slipped, order["price"])
    w.state[0]["order_id"] = order["id"]
    fill = Fill(w.ts[i], _LIMIT_FILL, at, 0.0, 0.0, 0.0)
    trade(w, s, size, fill, rules["taker_fee"], price)
    w.state[0]["order_id"] = 0
    end_reducers(w, w.ts[i], s)


@jit
def place_resting(w: Any, i: int, order: Any) -> None:
    """Let an order rest, fill it if it is marketable, or refuse it as the venue would."""
    s, ts, size = order["symbol"], w.ts[i], whole(w, order)
    reason, required, free = refusal(w, i, order)
    if size == 0.0:
        reason, required, free = _BELOW_MINIMUM, rules_today(w, s)["lot"], abs(order["value"])
    takes = reason == _NO_REASON and is_marketable(w, i, order)
    if takes and order["post_only"]:
        reason, required = _POST_ONLY, order["price"]
        free = w.prices[OPEN, w.positions[s]["series"], i]
    if reason != _NO_REASON:
        w.state[0]["order_id"] = order["id"]
        reject(w, ts, s, reason, order["value"], order["price"], (required, free))
        w.state[0]["order_id"] = 0
        return
    k = add_resting(w, order, size)
    if k < 0:
        return
    if takes:
        traded = size_of(w, w.resting[k])
        w.state[0]["resting"] -= 1
        take_at_once(w, i, order, traded)
    elif order["type"] == _TRAILING and isnan(order["price"]):
        w.resting[k]["best"] = reference_price(w, i, s, order["by"])


@jit
def take_later(w: Any, i: int, first: int) -> None:
    """Take the events due at this open, from number `first` on, that come after the fills."""
    for n in range(first, w.state[0]["order"]):
        order = w.orders[n]
        if not comes_later(order) or was_cancelled(w, i, order):
            continue
        if order["kind"] == _ADD_MARGIN:
            add_margin(w, w.ts[i], order)
        else:
            place_resting(w, i, order)


@jit
def fill_orders(w: Any, i: int) -> bool:
    """Everything orders do at the open of bar i; whether anything was tried."""
    state = w.state[0]
    first = state["order"]
    taken = take_orders(w, i)
    filled = fill_waiting(w, i)
    if filled and state["resting"] > 0:
        for s in range(len(w.positions)):
            end_reducers(w, w.ts[i], s)
    if state["order"] > first:
        take_later(w, i, first)
        taken = True
    if taken or filled:
        for pool in range(len(w.pools)):
            refresh_pool(w, pool)
    return taken or filled
