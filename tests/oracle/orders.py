"""Orders at the open: targets become sizes, sizes wait for a trade candle, the venue may refuse.

One order of a symbol waits at most: sizes add up, a target replaces what waits.
"""

from math import isnan, nan
from typing import NamedTuple

from . import resting
from .ledger import mean_entry
from .margin import down_to_lots, fee_reserve, profit, rate_at_open, sign
from .margin import unit as unit_of

ROUNDING = 1e-12
HALF_LOT = 0.5


class Order(NamedTuple):
    """An order event: due from a time on, a target exposure or a size, at the open or a price."""

    ts: int
    symbol: int
    kind: str
    value: float
    price: float
    type: str = "market"
    by: str = "last"
    reduce_only: bool = False
    post_only: bool = False
    callback: float = 0.0
    until: int = 0
    id: int = 0

    @property
    def later(self):
        """Whether its turn comes after the market orders of its open."""
        return (self.kind == "size" and self.type != "market") or self.kind == "add_margin"


def fill_due(account):
    """Everything orders do at this open; whether any was tried."""
    events = []
    while account.due():
        events.append(account.orders.pop(0))
        _come(account, events[-1])
    waiting = [p for p in account.positions if p.order is not None and account.trades(p)]
    for p in waiting:
        _begin(account, p)
    for p in waiting:
        if p.order is not None:
            _open(account, p)
    for p in account.positions if waiting else ():
        resting.end_reducers(account, p)
    for order in events:
        p = account.positions[order.symbol]
        if order.later and not _cancelled(account, p, order):
            what = resting.move_margin if order.kind == "add_margin" else resting.place
            what(account, p, order)
    return bool(events or waiting)


def _cancelled(account, p, order):
    """Whether a liquidation at this open has cancelled an order that is due."""
    return order.kind == "size" and p.cut_at == account.ts


def _come(account, order):
    """Take an event that has its turn before the fills."""
    p = account.positions[order.symbol]
    if order.later or _cancelled(account, p, order):
        return
    if order.kind == "cancel":
        resting.take_back(account, p, order)
    elif order.kind == "transfer":
        resting.transfer(account, p, order)
    else:
        _take(account, p, order)


def _take(account, p, order):
    """Let an order wait; the one before it may have to fill first."""
    joins = p.order is None or (isnan(order.price) and isnan(p.order[2]))
    if not joins and account.trades(p):
        _begin(account, p)
        if p.order is not None:
            _open(account, p)
    elif not joins and isnan(p.order[2]):
        account.reject(p, "price_not_traded", order.value, order.price, nan, nan)
        return
    elif not joins:
        account.drop(p, "price_not_traded")
    queue(account, p, order)


def queue(account, p, order):
    """Size an order event by the last close, or by its own price."""
    value, price = order.value, order.price
    if order.kind == "exposure":
        p.target = value
        known = p.close if isnan(price) else price
        if isnan(known) and (value or p.size):
            p.order = ("exposure", value, price)
        else:
            to_target(account, p, value, known, price)
        return
    order = account.shortened(p, order)
    if order is None:
        return
    value = order.value
    size = down_to_lots(value, p.today.lot)
    if size == 0.0:
        account.reject(p, "below_minimum", value, price, p.today.lot, abs(value))
        return
    waits = p.order[1] if p.order is not None and p.order[0] == "size" else 0.0
    place(p, size + waits, price)


def place(p, size, price=nan):
    """Let a size wait in place of what waits."""
    p.order = ("size", size, price) if size else None


def size_for(p, exposure, price):
    """What to trade for a target: exposure·equity at the last close in lots, less what is held."""
    equity = p.pool.equity
    if exposure == 0.0 or equity <= 0.0:
        return -p.size
    wanted = down_to_lots(exposure * equity / unit_of(p.today, price), p.today.lot)
    missing = wanted - p.size
    return missing if abs(missing) > HALF_LOT * p.today.lot else 0.0


def to_target(account, p, exposure, known, price):
    """Let wait what brings a position to its target."""
    size = size_for(p, exposure, known)
    if size == 0.0 and exposure and not p.size:
        least = p.today.lot * unit_of(p.today, known)
        account.reject(p, "below_minimum", 0.0, known, least, max(p.pool.equity, 0.0))
    place(p, size, price)


def fill_price(account, p):
    """The open made worse by slippage, or the order's own price if the bar traded it; else NaN."""
    _, value, own = p.order
    first, high, low, _ = account.candle(p)
    if isnan(own):
        return first * (1.0 + account.slippage * sign(value))
    return own if low <= own <= high else nan


def slipped(account, p, size, price):
    """What a market order lost against the open."""
    if not isnan(p.order[2]):
        return 0.0
    return abs(profit(p.r, size, account.candle(p)[0], price))


def _begin(account, p):
    """Size a target that waited for a first price, and fill what reduces the position."""
    if p.order[0] == "exposure":
        to_target(account, p, p.order[1], account.candle(p)[0], p.order[2])
    if p.order is not None:
        _reduce(account, p)


def _reduce(account, p):
    """The part of an order that closes; it is never refused."""
    _, value, own = p.order
    price = fill_price(account, p)
    if isnan(price):
        _, high, low, _ = account.candle(p)
        account.reject(p, "price_not_traded", value, own, low, high)
        p.order = None
    elif value * p.size < 0.0:
        side, held, lot = sign(p.size), abs(p.size), p.r.lot
        closed = min(abs(value), held)
        closed = held if held - closed < HALF_LOT * lot else closed
        lost = slipped(account, p, closed, price)
        fee = closed * unit_of(p.r, price) * p.r.taker
        gain = profit(p.r, side * closed, p.entry, price)
        account.close(p, closed, price, gain, fee, "signal", lost)
        rest = value + side * closed
        p.order = None if rest * side > -HALF_LOT * lot else ("size", rest, own)


def _open(account, p):
    """What is left of an order opens, or the venue refuses it."""
    r, (_, size, _), price = p.today, p.order, fill_price(account, p)
    if r.expires <= account.ts:
        account.drop(p, "expired")
        return
    fee = abs(size) * unit_of(r, price) * r.taker
    lost = slipped(account, p, size, price)
    p.order = None
    open_part(account, p, size, "signal", price, fee, lost)


def open_part(account, p, size, reason, price, fee, lost):
    """Open or add a size, unless the leg is the wrong one or the venue refuses."""
    if size * p.leg < 0.0:
        account.reject(p, "wrong_leg", size, price, abs(size), 0.0)
        return
    margin, cost, need, has = _money(account, p, size, price, fee)
    if refused(account, p, size, price, need, has):
        return
    if not account.cross:
        over = max(cost - p.pool.cash, 0.0)
        margin, cost = margin - over, cost - over
    account.grow(p, size, price, fee)
    p.margin += margin
    p.pool.cash -= cost
    account.fill(p, reason, size, price, fee, lost, 0.0, 0.0)


def trade(account, p, size, reason, price, rate, base):
    """Trade a size at a price: close what it reduces, open the rest; `base` is without slippage."""
    if size * p.size < 0.0:
        side, held = sign(p.size), abs(p.size)
        closed = min(abs(size), held)
        closed = held if held - closed < HALF_LOT * p.r.lot else closed
        fee, lost = closed * unit_of(p.r, price) * rate, abs(profit(p.r, closed, base, price))
        gain = profit(p.r, side * closed, p.entry, price)
        account.close(p, closed, price, gain, fee, reason, lost)
        size += side * closed
    r = p.today
    if abs(size) >= HALF_LOT * r.lot:
        fee, lost = abs(size) * unit_of(r, price) * rate, abs(profit(r, size, base, price))
        open_part(account, p, size, reason, price, fee, lost)


def _money(account, p, size, price, fee):
    """(margin kept, money that leaves the wallet, required, available) of an opening."""
    r, held = p.today, resting.reserved(account, p.pool)
    if account.cross:
        need, has = _pool_after(account, p, size, price, fee)
        return 0.0, fee, need + held, has
    rate = rate_at_open(r, abs(p.size + size), price, price, account.leverage)
    base = abs(size) * unit_of(r, price) * rate
    kind = r.words["initial.isolated_open"]
    if kind == "minus_opening_fee":
        return base - fee, base, base, p.pool.cash - held
    if kind == "plus_closing_fee":
        base += fee_reserve(r, size, price, rate)
    return base, base + fee, base + fee, p.pool.cash - held


def _pool_after(account, p, size, price, fee):
    """(initial margin of a whole pool, equity behind it) after a fill."""
    equity = account.backing(p.pool, p.pool.open()) - fee - profit(p.today, size, p.mark, price)
    before = p.size, p.entry, p.r
    p.entry = mean_entry(p.today, abs(p.size), p.entry, abs(size), price)
    p.size, p.r = p.size + size, p.today
    need = sum(account.initial(one) for one in p.pool.positions)
    p.size, p.entry, p.r = before
    return need, equity


def refused(account, p, size, price, need, has):
    """Whether the venue refuses to open: its minimum, the tier's limit, the initial margin."""
    r = p.today
    value, least = abs(size) * unit_of(r, price), r.min_size * (1.0 - ROUNDING)
    if abs(size) < least or value < r.min_notional:
        floor = max(r.min_notional, r.min_size * unit_of(r, price))
        account.reject(p, "below_minimum", size, price, floor, value)
        return True
    reason, key, limit = _beyond(account, p, size, price)
    if reason:
        account.reject(p, reason, size, price, key, limit)
        return True
    if need > has * (1.0 + ROUNDING):
        account.reject(p, "insufficient_margin", size, price, need, has)
        return True
    return False


def _beyond(account, p, size, price):
    """(reason, key, limit) where a size breaks the tier's leverage or the end of the table."""
    r = p.today
    total = abs(p.size + size) + account.beside(p)
    entry = mean_entry(r, abs(p.size), p.entry, abs(size), price)
    key = total
    if r.key != "size":
        key = total * unit_of(r, entry if r.key == "notional_at_entry" else p.mark)
    limit = largest(r, account.leverage, p.mark)
    if key <= limit * (1.0 + ROUNDING):
        return "", key, limit
    if limit < r.cap:
        return "max_leverage", key, limit
    return ("position_limit" if r.complete else "tiers_unknown"), key, limit


def largest(r, leverage, mark):
    """Largest key at a leverage: the end of the last tier that allows it, less where rates grow."""
    if r.words["initial.rate"] != "leverage":
        return r.cap
    ends, limit = [*r.floors[1:], r.cap], 0.0
    for end, most in zip(ends, r.leverages, strict=True):
        if most + 1e-9 < leverage:
            break
        limit = end
    if r.initial_slope > 0.0 and limit:
        coins = (1.0 / leverage - 1.0 / r.leverages[0]) / r.initial_slope
        limit = min(limit, coins * mark if r.inverse else coins)
    return limit
