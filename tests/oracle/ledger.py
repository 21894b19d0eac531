"""Booking: money between wallet, margin and market, trades, and the records of what happened."""

from math import inf

from .account import Book, Position
from .margin import down_to_lots, nearest, price_at, sign
from .margin import unit as unit_of
from .resting import only_reduces

KINDS = ("liquidations", "fills", "funding", "trades", "rejections", "deposits", "equity")


class Ledger(Book):
    """A book that keeps records; `ts` is the time of the bar that is played."""

    def __init__(self, cross, leverage):
        super().__init__(cross, leverage)
        self.records = {kind: [] for kind in KINDS}
        self.ts, self.timeframe, self.stopped = 0, 0, False
        self.reenter, self.on_liquidation = False, "continue"
        self.order_id, self.possible, self.resting = 0, False, []

    def fill(self, p, reason, size, price, fee, slippage, gain, missing):
        """Record an execution as the account stands after it."""
        self.records["fills"].append({
            "ts": self.ts, "symbol": p.number, "reason": reason, "size": size, "price": price,
            "fee": fee, "slippage": slippage, "realized_pnl": gain, "shortfall": missing,
            "position_after": p.size, "margin_after": p.margin, "cash_after": p.pool.cash,
            "usd_price": self.usd(p.pool), "order_id": self.order_id,
            "certainty": int(self.possible),
        })  # fmt: skip

    def reject(self, p, reason, size, price, required, available, order_id=None):
        """Record a refused or dropped order."""
        self.records["rejections"].append({
            "ts": self.ts, "symbol": p.number, "reason": reason, "size": size, "price": price,
            "required": required, "available": available,
            "order_id": self.order_id if order_id is None else order_id,
        })  # fmt: skip

    def deposit(self, pool, amount, source):
        """Pay money into a pool; negative: take it out."""
        pool.cash += amount
        self.records["deposits"].append({
            "ts": self.ts, "pool": pool.number, "source": source, "amount": amount,
            "usd_price": self.usd(pool),
        })  # fmt: skip

    def grow(self, p, size, price, fee):
        """Add a size; the entry is the mean by the value of a unit."""
        if not p.size:
            p.begin(self.ts, int(sign(size)), self.equity(p.pool))
        p.r = r = p.today
        held, added = abs(p.size), abs(size)
        p.entry = mean_entry(r, held, p.entry, added, price)
        p.size = nearest(p.size + size, r.lot)
        p.bought += added
        p.bought_value += added * unit_of(r, price)
        p.fees, p.pnl = p.fees + fee, p.pnl - fee
        p.peak = max(p.peak, abs(p.size))

    def shrink(self, p, closed, price, gain, fee, reason):
        """Take a size away; the trade ends when nothing is left."""
        p.sold += closed
        p.sold_value += closed * unit_of(p.r, price)
        p.pnl, p.fees = p.pnl + gain - fee, p.fees + fee
        if closed < abs(p.size) * (1.0 - 1e-12):
            p.size = nearest(p.size - sign(p.size) * closed, p.r.lot)
        else:
            self.write_trade(p, price, reason)
            p.size = p.entry = 0.0
        p.r = p.today

    def write_trade(self, p, price, reason):
        """Record a round trip; what is still held counts as left at the price."""
        entry = price_at(p.r, p.bought_value / p.bought)
        left = (p.bought - p.sold) * unit_of(p.r, price)
        worst, best = (p.low, p.high) if p.side > 0 else (p.high, p.low)
        moved = [p.side * (one / entry - 1.0) if p.high > 0.0 else 0.0 for one in (worst, best)]
        self.records["trades"].append({
            "symbol": p.number, "side": p.side, "entry_time": p.opened, "exit_time": self.ts,
            "entry_price": entry, "exit_price": price_at(p.r, (p.sold_value + left) / p.bought),
            "size": p.peak, "exposure": (
                p.peak * unit_of(p.r, entry) / p.equity_at_entry if p.equity_at_entry else inf
            ),
            "leverage": self.leverage, "pnl": p.pnl, "return_pct": 100.0 * p.pnl / p.bought_value,
            "fees": p.fees, "funding": p.funding, "mae": min(moved[0], 0.0),
            "mfe": max(moved[1], 0.0), "exit_reason": reason,
            "bars_held": (self.ts - p.opened) // self.timeframe, "certainty": int(self.possible),
        })  # fmt: skip

    def close(self, p, closed, price, gain, fee, reason, slippage=0.0):
        """Close by an order or at an end: margin comes back in proportion, the wallet bears it."""
        back = p.margin * min(closed / abs(p.size), 1.0)
        side = sign(p.size)
        p.margin -= back
        p.pool.cash += back + gain - fee
        self.shrink(p, closed, price, gain, fee, reason)
        missing = self.cover(p.pool)
        self.fill(p, reason, -side * closed, price, fee, slippage, gain, missing)

    def cover(self, pool):
        """Fill up a wallet under zero, as the venue's fund does; what it lacked."""
        missing = max(-pool.cash, 0.0)
        if not missing or (self.cross and pool.open()):
            return 0.0
        pool.cash = 0.0
        return missing

    def book_forced(self, p, closed, price, gain, fee, fund_pays):
        """Book a liquidation step on the bucket's money."""
        p.low, p.high = min(p.low, p.mark), max(p.high, p.mark)
        if self.cross:
            p.pool.cash += gain - fee + fund_pays
        else:
            p.margin += gain - fee + fund_pays
        self.shrink(p, closed, price, gain, fee, "liquidation")

    def after_end(self, p, dust):
        """What follows when a liquidation has closed a position; returns what the bucket lacked."""
        if not self.reenter:
            p.target = float("nan")
        if self.on_liquidation == "stop":
            self.stopped = True
        pool = p.pool
        if self.cross:
            if not pool.open() and abs(pool.cash) <= dust:
                pool.cash = 0.0
            return self.cover(pool)
        left = 0.0 if abs(p.margin) <= dust else p.margin
        p.margin = 0.0
        pool.cash += max(left, 0.0)
        return max(-left, 0.0)

    def cancel(self, bucket):
        """Cancel the orders of a bucket that is liquidated, those due at this open with them.

        A size was meant for the position that goes; a target still says what is wanted.
        """
        for p in [bucket] if isinstance(bucket, Position) else bucket.positions:
            self.drop(p, "cancelled")
            if p.cut_at == self.ts:
                continue
            p.cut_at = self.ts
            for order in self.due():
                if order.symbol != p.number or order.kind != "size":
                    continue
                if order.type != "market":
                    self.reject(p, "cancelled", order.value, order.price, 0.0, 0.0)
                    continue
                order = self.shortened(p, order)
                if order is not None:
                    size = down_to_lots(order.value, p.today.lot)
                    if size == 0.0:
                        needs = (p.today.lot, abs(order.value))
                        self.reject(p, "below_minimum", order.value, order.price, *needs)
                    else:
                        self.reject(p, "cancelled", size, order.price, 0.0, 0.0)

    def shortened(self, p, order):
        """A market order cut to what it may reduce; None if it only reduces and nothing is held."""
        if not only_reduces(order):
            return order
        held = p.size + (p.order[1] if p.order is not None and p.order[0] == "size" else 0.0)
        if held * sign(order.value) >= 0.0:
            needs = (abs(order.value), p.size)
            self.reject(p, "reduce_only", order.value, order.price, *needs)
            return None
        return order._replace(value=sign(order.value) * min(abs(order.value), abs(held)))

    def drop(self, p, reason):
        """Refuse the order that waits; a target that was never sized has no size."""
        if p.order is not None:
            kind, value, price = p.order
            self.reject(p, reason, value if kind == "size" else 0.0, price, 0.0, 0.0)
            p.order = None


def mean_entry(r, held, entry, added, price):
    """Entry of a position that grows: (q1·E1 + q2·E2)/q, of inverse contracts by V/E."""
    if not held:
        return price
    if r.inverse:
        return (held + added) / (held / entry + added / price)
    return (held * entry + added * price) / (held + added)
