"""Resting orders meeting the market: where they trigger on a walk, and their fills."""

# mypy: disable-error-code="no-any-return"

from math import inf, isnan
from typing import Any

from .contracts import notional, side, unrealized_pnl, without_dust
from .fills import close_part, open_part
from .jit import jit
from .ledger import Fill, refresh_pool, reject
from .resting import end_reducers, reduces
from .risk import rules_of, rules_today
from .state import Done, OrderType, Reason, Rejected, TriggerBy
from .types import (
    CLOSE,
    HAS_TRADE,
    HIGH,
    LOW,
    MARK_CLOSE,
    MARK_HIGH,
    MARK_IS_COARSE,
    MARK_IS_PROXY,
    MARK_LOW,
    MARK_OPEN,
    OPEN,
    word,
)
from .way import in_group

_LIMIT, _STOP = int(OrderType.LIMIT), int(OrderType.STOP)
_TRAILING, _TAKE_PROFIT = int(OrderType.TRAILING_STOP), int(OrderType.TAKE_PROFIT)
_BY_MARK = int(TriggerBy.MARK)
_RESTS, _FILLED = int(Done.RESTS), int(Done.FILLED)
_LIMIT_FILL, _STOP_FILL = word(Reason.LIMIT), word(Reason.STOP)
_TAKE_PROFIT_FILL = word(Reason.TAKE_PROFIT)
_WRONG_LEG = word(Rejected.WRONG_LEG)


@jit
def one_price(w: Any, i: int, s: int) -> bool:
    """Whether mark and trade are one price in a bar: a proxy, or the same candle."""
    series = w.positions[s]["series"]
    if w.flags[series, i] & MARK_IS_COARSE:
        return False
    if w.flags[series, i] & MARK_IS_PROXY:
        return True
    return (
        w.prices[MARK_LOW, series, i] == w.prices[LOW, series, i]
        and w.prices[MARK_HIGH, series, i] == w.prices[HIGH, series, i]
        and w.prices[MARK_OPEN, series, i] == w.prices[OPEN, series, i]
        and w.prices[MARK_CLOSE, series, i] == w.prices[CLOSE, series, i]
    )


@jit
def on_mark_path(w: Any, i: int, o: Any) -> bool:
    """Whether an order waits for a price on the way of the mark."""
    return o["by"] == _BY_MARK or one_price(w, i, o["symbol"])


@jit
def is_asleep(w: Any, o: Any) -> bool:
    """Whether an order that only reduces has nothing to reduce yet."""
    return o["reduce_only"] != 0 and not reduces(w, o["symbol"], o["size"])


@jit
def is_dormant(o: Any) -> bool:
    """Whether a trailing stop waits for its activation price."""
    return o["type"] == _TRAILING and isnan(o["best"])


@jit
def comes_falling(o: Any) -> bool:
    """Whether an order is met by a price that falls."""
    against = o["type"] == _STOP or (o["type"] == _TRAILING and not is_dormant(o))
    return (side(o["size"]) < 0.0) == against


@jit
def trigger_of(o: Any) -> float:
    """The price that an order waits for now."""
    if o["type"] == _TRAILING and not is_dormant(o):
        return o["best"] * (1.0 + side(o["size"]) * o["callback"])
    return o["price"]


@jit
def event_price(o: Any, now: float, goal: float) -> float:
    """Price at which an order is met on the way from `now` to a goal; infinite if it is not.

    An order whose price has been passed already is met where the way begins.
    """
    level = trigger_of(o)
    if isnan(level):  # a trailing stop without activation price is active from the start
        return now
    if comes_falling(o):
        return inf if min(now, goal) > level else min(now, level)
    return inf if max(now, goal) < level else max(now, level)


@jit
def met_at(w: Any, i: int, k: int) -> float:
    """Price at which a resting order is met on the present stage; infinite if it is not."""
    o = w.resting[k]
    p = w.positions[o["symbol"]]
    if o["done"] != _RESTS or is_asleep(w, o) or not w.flags[p["series"], i] & HAS_TRADE:
        return inf
    if o["by"] == _BY_MARK:
        return event_price(o, p["mark"], p["goal"])
    return event_price(o, p["last"], p["last_goal"])


@jit
def may_meet(w: Any, i: int, k: int) -> bool:
    """Whether some way of the bar may meet a resting order."""
    o = w.resting[k]
    series = w.positions[o["symbol"]]["series"]
    if o["done"] != _RESTS or not w.flags[series, i] & HAS_TRADE:
        return False
    low, high = w.prices[LOW, series, i], w.prices[HIGH, series, i]
    if o["by"] == _BY_MARK:
        low, high = w.prices[MARK_LOW, series, i], w.prices[MARK_HIGH, series, i]
    level = trigger_of(o)
    if isnan(level):
        return True
    if o["type"] == _TRAILING and not is_dormant(o):
        best = min(o["best"], low) if side(o["size"]) > 0.0 else max(o["best"], high)
        level = best * (1.0 + side(o["size"]) * o["callback"])
    return low <= level if comes_falling(o) else high >= level


@jit
def meets_orders(w: Any, i: int, group: int) -> bool:
    """Whether some way of the bar may meet one of a group's resting orders."""
    for k in range(w.state[0]["resting"]):
        if in_group(w, w.resting[k]["symbol"], group) and may_meet(w, i, k):
            return True
    return False


@jit
def follow(o: Any, price: float) -> None:
    """Let an active trailing stop follow a price."""
    if o["type"] == _TRAILING and not is_dormant(o):
        o["best"] = min(o["best"], price) if side(o["size"]) > 0.0 else max(o["best"], price)


@jit
def follow_all(w: Any, s: int) -> None:
    """Let the trailing stops of a symbol's positions follow its prices on the walk."""
    series = w.positions[s]["series"]
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        p = w.positions[o["symbol"]]
        if o["done"] == _RESTS and p["series"] == series:
            follow(o, p["mark"] if o["by"] == _BY_MARK else p["last"])


@jit
def follow_bar(w: Any, i: int, s: int) -> None:
    """Let trailing stops follow a bar in which none of them can be met."""
    series = w.positions[s]["series"]
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        if o["symbol"] != s or o["done"] != _RESTS or not w.flags[series, i] & HAS_TRADE:
            continue
        rises = side(o["size"]) < 0.0
        if o["by"] == _BY_MARK:
            follow(o, w.prices[MARK_HIGH if rises else MARK_LOW, series, i])
        else:
            follow(o, w.prices[HIGH if rises else LOW, series, i])


@jit
def market_at(w: Any, i: int, o: Any, at: float) -> float:
    """Trade price as a trigger goes off: that of the trigger, or of the mark's within the bar.

    Where the mark is beyond its trigger from the start, the trade price of that moment is known.
    """
    series = w.positions[o["symbol"]]["series"]
    if o["by"] != _BY_MARK:
        return at
    if at != trigger_of(o):
        return w.positions[o["symbol"]]["last"]
    return min(max(at, w.prices[LOW, series, i]), w.prices[HIGH, series, i])


@jit
def reason_of(o: Any) -> int:
    """Why the fill of an order happens."""
    if o["type"] == _LIMIT:
        return _LIMIT_FILL
    return _TAKE_PROFIT_FILL if o["type"] == _TAKE_PROFIT else _STOP_FILL


@jit
def size_of(w: Any, o: Any) -> float:
    """Signed size that an order trades: at most the position, if it only reduces."""
    held = w.positions[o["symbol"]]["size"]
    if o["reduce_only"] or abs(o["size"]) == inf:
        return side(o["size"]) * min(abs(o["size"]), abs(held))
    return o["size"]


@jit
def close_by(w: Any, s: int, size: float, fill: Fill, rate: float, base: float) -> float:
    """Close what an order reduces of a position; returns the signed size that is left of it."""
    p = w.positions[s]
    if size * p["size"] >= 0.0:
        return size
    rules, held = rules_of(w, s), p["size"]
    closed = without_dust(min(abs(size), abs(held)), abs(held), rules["lot"])
    fee = notional(rules, closed, fill.price) * rate
    pnl = unrealized_pnl(rules, side(held) * closed, p["entry"], fill.price)
    slippage = abs(unrealized_pnl(rules, closed, base, fill.price))
    close_part(w, s, closed, Fill(fill.ts, fill.reason, fill.price, fee, slippage, pnl))
    return size + side(held) * closed


@jit
def trade(w: Any, s: int, size: float, fill: Fill, rate: float, base: float) -> None:
    """Trade a signed size at a price: close what it reduces, open the rest as the venue allows.

    `fill` says when, why and at which price, `rate` is the fee's and `base` the price without
    slippage.
    """
    p = w.positions[s]
    rest = close_by(w, s, size, fill, rate, base)
    rules = rules_today(w, s)
    if abs(rest) < 0.5 * rules["lot"]:
        return
    if rest * p["leg"] < 0.0:
        reject(w, fill.ts, s, _WRONG_LEG, rest, fill.price, (abs(rest), 0.0))
        return
    fee = notional(rules, rest, fill.price) * rate
    slippage = abs(unrealized_pnl(rules, rest, base, fill.price))
    open_part(w, s, rest, Fill(fill.ts, fill.reason, fill.price, fee, slippage, 0.0))


@jit
def fill_resting(w: Any, i: int, k: int, at: float) -> None:
    """Fill a resting order that is met at a price; a dormant trailing stop becomes active."""
    o, state = w.resting[k], w.state[0]
    if is_dormant(o):
        o["best"] = at
        return
    s = o["symbol"]
    o["done"] = _FILLED
    state["order_id"], state["possible"] = o["id"], int(o["hits"] < state["trials"])
    rules = rules_today(w, s)
    if o["type"] == _LIMIT:
        fill = Fill(w.ts[i], reason_of(o), o["price"], 0.0, 0.0, 0.0)
        trade(w, s, size_of(w, o), fill, rules["maker_fee"], o["price"])
    else:
        base = market_at(w, i, o, at)
        price = base * (1.0 + w.config[0]["slippage"] * side(o["size"]))
        fill = Fill(w.ts[i], reason_of(o), price, 0.0, 0.0, 0.0)
        trade(w, s, size_of(w, o), fill, rules["taker_fee"], base)
    state["order_id"] = state["possible"] = 0
    refresh_pool(w, w.positions[s]["pool"])
    end_reducers(w, w.ts[i], s)
