"""Resting orders: what the venue takes, what ends them, what they set aside, money that moves.

docs/intrabar.md, "At the open" and "Orders"; the words are those of the venue's `orders.*` rules.
"""

from dataclasses import dataclass
from math import inf, isnan, nan

from .margin import down_to_lots, rate_at_open, sign
from .margin import unit as unit_of

ROUNDING = 1e-12


@dataclass
class Resting:
    """An order that waits for a price: `best` is what a trailing stop that is active follows."""

    p: object
    id: int
    type: str
    by: str
    size: float
    price: float
    callback: float
    reduce_only: bool
    until: int
    best: float = nan
    state: str = "rests"

    @property
    def rests(self):
        """Whether it has neither filled nor ended."""
        return self.state == "rests"

    @property
    def dormant(self):
        """Whether a trailing stop waits for its activation price."""
        return self.type == "trailing_stop" and isnan(self.best)

    @property
    def falling(self):
        """Whether a price that falls meets it."""
        against = self.type == "stop" or (self.type == "trailing_stop" and not self.dormant)
        return (self.size < 0.0) == against

    @property
    def asleep(self):
        """Whether it only reduces, and there is nothing to reduce yet."""
        return self.reduce_only and not reduces(self.p, self.size)

    def trigger(self, best=None):
        """The price it waits for, with the best one that a trailing stop has seen."""
        if self.type == "trailing_stop" and not self.dormant:
            return (self.best if best is None else best) * (1.0 + sign(self.size) * self.callback)
        return self.price

    def better(self, price):
        """The best price a trailing stop has seen once it has seen this one."""
        return (min if self.size > 0.0 else max)(self.best, price)

    def follow(self, price):
        """Let an active trailing stop follow a price."""
        if self.rests and self.type == "trailing_stop" and not self.dormant:
            self.best = self.better(price)


def reduces(p, size):
    """Whether a size would make a position smaller."""
    return p.size * sign(size) < 0.0


def only_reduces(order):
    """Whether an order says that it never opens, or is for all of the position."""
    return bool(order.reduce_only) or abs(order.value) == inf


def opening(p, size):
    """The part of |size| that opens or enlarges."""
    return abs(size) if not reduces(p, size) else max(abs(size) - abs(p.size), 0.0)


def reserve(account, p, size, price):
    """What the venue sets aside for a limit order."""
    r, opens = p.today, opening(p, size)
    kind = r.words["orders.margin"]
    if kind == "none" or not opens:
        return 0.0
    fees = {"initial": 0, "initial_and_opening_fee": 1, "initial_and_fees": 2}[kind] * r.taker
    rate = rate_at_open(r, opens, price, price, account.leverage)
    return opens * unit_of(r, price) * (rate + fees)


def reserved(account, pool):
    """What all limit orders of a pool have set aside."""
    waits = [o for o in account.resting if o.rests and o.type == "limit" and not o.reduce_only]
    return sum(reserve(account, o.p, o.size, o.price) for o in waits if o.p.pool is pool)


def free(account, pool):
    """Money of a pool that neither positions nor orders hold."""
    money = pool.cash
    if account.cross:
        held = pool.open()
        money = account.backing(pool, held) - sum(account.initial(p) for p in held)
    return money - reserved(account, pool)


def end(account, o, reason):
    """End an order without a fill."""
    o.state = "ended"
    size = 0.0 if abs(o.size) == inf else o.size
    account.reject(o.p, reason, size, o.price, 0.0, 0.0, o.id)


def end_all(account, p, reason):
    """End all orders of a position."""
    for o in account.resting:
        if o.p is p and o.rests:
            end(account, o, reason)


def may_open(account, p, direction):
    """Whether an order that waits or rests would open a position of this side."""
    if p.order is not None and sign(p.order[1]) == direction:
        return True
    mine = [o for o in account.resting if o.p is p and o.rests and not o.reduce_only]
    return any(sign(o.size) == direction for o in mine)


def end_reducers(account, p):
    """End what only reduces a position that is gone and that nothing may open again."""
    for o in account.resting:
        if o.p is p and o.rests and o.asleep and not may_open(account, p, -sign(o.size)):
            end(account, o, "position_closed")


def expire(account):
    """End the orders whose time has come."""
    for o in account.resting:
        if o.rests and 0 < o.until <= account.ts:
            end(account, o, "order_expired")
            end_reducers(account, o.p)


def take_back(account, p, order):
    """Cancel the order that an event names."""
    for o in account.resting:
        if o.rests and o.id == order.value:
            o.state = "ended"
            end_reducers(account, o.p)
            return
    account.reject(p, "unknown_order", 0.0, nan, 0.0, 0.0, int(order.value))


def near(account, p, by):
    """The last close that a new order is held against; before the first, this open."""
    if by == "mark":
        return p.mark if isnan(p.closing_mark) else p.closing_mark
    return account.candle(p)[0] if isnan(p.close) else p.close


def refusal(account, p, order):
    """(reason, required, available) if the venue refuses a resting order."""
    r, size, price = p.today, order.value, order.price
    if r.expires <= account.ts:
        return "expired", 0.0, 0.0
    count = sum(o.p is p and o.rests for o in account.resting)
    if count >= r.max_open:
        return "too_many_orders", float(count + 1), float(r.max_open)
    if order.until and order.until <= account.ts:
        return "order_expired", float(account.ts), float(order.until)
    last = near(account, p, order.by)
    if not isnan(price) and not isnan(last):
        away = abs(price / last - 1.0)
        if away > r.band:
            return "price_out_of_band", away, r.band
        if _wrong_side(order, last):
            return "would_trigger", price, last
    if only_reduces(order):
        if reduces(p, size) or may_open(account, p, -sign(size)):
            return None
        return "reduce_only", abs(size), abs(p.size)
    return _too_small_or_dear(account, p, order, last if isnan(price) else price)


def _wrong_side(order, last):
    """Whether a stop is not beyond the price, or a take-profit or an activation not before it."""
    beyond = (order.price - last) * sign(order.value)
    if order.type == "stop":
        return beyond <= 0.0
    return order.type in ("take_profit", "trailing_stop") and beyond >= 0.0


def _too_small_or_dear(account, p, order, at):
    r, opens = p.today, opening(p, order.value)
    value = opens * unit_of(r, at)
    if opens and (opens < r.min_size * (1.0 - ROUNDING) or value < r.min_notional):
        return "below_minimum", max(r.min_notional, r.min_size * unit_of(r, at)), value
    if order.type == "limit":
        needs, has = reserve(account, p, order.value, order.price), free(account, p.pool)
        if needs > has * (1.0 + ROUNDING):
            return "insufficient_margin", needs, has
    return None


def place(account, p, order):
    """Let an order rest, fill a limit that the open has passed, or refuse it."""
    r, value, first = p.today, order.value, account.candle(p)[0]
    size = value if abs(value) == inf else down_to_lots(value, r.lot)
    no = refusal(account, p, order)
    if size == 0.0:
        no = "below_minimum", r.lot, abs(value)
    takes = order.type == "limit" and account.trades(p) and (order.price - first) * sign(value) >= 0
    takes = takes and not (only_reduces(order) and not reduces(p, value))
    if no is None and takes and order.post_only:
        no = "post_only", order.price, first
    if no is not None:
        reason, required, available = no
        account.reject(p, reason, value, order.price, required, available, order.id)
        return
    o = Resting(
        p, order.id, order.type, order.by, size, order.price, order.callback, only_reduces(order),
        order.until,
    )  # fmt: skip
    if takes:
        slipped = first * (1.0 + account.slippage * sign(size))
        at = min(slipped, order.price) if size > 0.0 else max(slipped, order.price)
        account.fill_resting(o, at, first, r.taker)
        end_reducers(account, p)
        return
    if order.type == "trailing_stop" and isnan(order.price):
        o.best = near(account, p, order.by)
    account.resting.append(o)


def move_margin(account, p, order):
    """Move money between wallet and an isolated margin; gains stay, losses are covered first."""
    amount, pool = order.value, p.pool
    if account.cross or not p.size:
        account.reject(p, "no_position", 0.0, order.price, amount, 0.0)
        return
    removable = p.margin + min(p.gain(), 0.0) - account.initial(p)
    has = free(account, pool) if amount > 0.0 else removable
    if abs(amount) > has:
        account.reject(p, "insufficient_margin", 0.0, order.price, abs(amount), has)
        return
    pool.cash -= amount
    p.margin += amount


def transfer(account, p, order):
    """Move money between the reserve outside and a pool."""
    amount, pool = order.value, p.pool
    if amount > pool.reserve:
        account.reject(p, "reserve_exceeded", 0.0, order.price, amount, pool.reserve)
        return
    has = free(account, pool)
    if amount < 0.0 and -amount > has:
        account.reject(p, "insufficient_margin", 0.0, order.price, -amount, has)
        return
    pool.reserve -= amount
    account.deposit(pool, amount, "reserve")
