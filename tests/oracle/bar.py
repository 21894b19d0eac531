"""An account played bar by bar: the order of events inside a bar (DESIGN section 5).

1. Open: margin at the mark open; new rules; funding; a refill; orders; margin again.
2. Inside: `walk`.
3. Close: funding settled inside the bar, then equity, and orders that keep targets.
"""

from math import inf, isnan, nan

from . import orders, resting, walk
from .account import Pool, Position
from .ledger import Ledger
from .liquidation import liquidate
from .margin import profit, sign
from .margin import unit as unit_of

OPEN, HIGH, LOW, CLOSE, MARK_OPEN, MARK_HIGH, MARK_LOW, MARK_CLOSE, AT_OPEN, INSIDE = range(10)
HAS_TRADE, HAS_MARK, IS_PROXY, IS_ASSUMED, ENDS = 1, 2, 4, 8, 16
IS_USD, UNPRICED = -1, -2


class Account(Ledger):
    """One account over bars: `market` has a tuple of fields per series and bar, `flags` flags."""

    INSIDE, MARK_CLOSE = INSIDE, MARK_CLOSE

    def __init__(self, plan, market, flags, times):
        super().__init__(plan.cross, plan.leverage)
        self.market, self.flags, self.times = market, flags, times
        for name, value in plan.settings.items():
            setattr(self, name, value)
        self.orders = list(plan.orders)
        self.events, self.wait_until, self.rules_until = 0, -inf, -inf
        self.before = -1
        self.next_sample, self.i = 0, 0
        self.cause, self.happened, self.certain = "price", set(), None
        self.pools = [Pool(number, cash) for number, cash in enumerate(plan.cash)]
        for number, (dated, pool, leg) in enumerate(plan.positions()):
            series = number % len(plan.dated)
            p = Position(number, series, self.pools[pool], dated, leg)
            p.r = p.today = dated.at(times[0])
            self.positions.append(p)
            p.pool.positions.append(p)
        if plan.legs:
            half = len(plan.dated)
            for p in self.positions:
                p.twin = self.positions[(p.number + half) % (2 * half)]
        for pool, by, usd in zip(self.pools, plan.priced_by, plan.start_usd, strict=True):
            pool.priced_by = self.positions[by] if by >= 0 else (None if by == IS_USD else False)
            pool.start_usd = usd
        for pool, reserve in zip(self.pools, plan.reserves, strict=True):
            pool.reserve = reserve

    # --- what a bar has -------------------------------------------------------------------------

    def bar(self, p):
        """The prices of a position's series in the bar that is played."""
        return self.market[p.series][self.i]

    def has(self, p, flag):
        """Whether a position's series has something in this bar."""
        return bool(self.flags[p.series][self.i] & flag)

    def trades(self, p):
        """Whether the bar has a trade candle to fill orders with."""
        return self.has(p, HAS_TRADE)

    def has_mark(self, p):
        """Whether the bar has prices to test margin with."""
        return self.has(p, HAS_MARK)

    def is_proxy(self, p):
        """Whether trade prices stand in for the mark."""
        return self.has(p, IS_PROXY)

    def candle(self, p):
        """Open, high, low, close of trades."""
        return self.bar(p)[OPEN : CLOSE + 1]

    def worst_trade(self, p):
        """The trade that hurts a position most; None without trades."""
        return self.bar(p)[LOW if p.size > 0.0 else HIGH] if self.trades(p) else None

    def extreme(self, p, falls):
        """The lowest or the highest mark that is left of the bar."""
        if not self.has(p, HAS_MARK):
            return p.mark
        bar = self.bar(p)
        return min(bar[MARK_LOW], p.mark) if falls else max(bar[MARK_HIGH], p.mark)

    def due(self):
        """Order events of this open that have not been looked at."""
        found = []
        for order in self.orders:
            if order.ts > self.ts:
                break
            found.append(order)
        return found

    def fill_resting(self, o, price, base, rate):
        """Trade what an order is for: at most the position, if it only reduces."""
        size = sign(o.size) * min(abs(o.size), abs(o.p.size)) if o.reduce_only else o.size
        reason = {"limit": "limit", "take_profit": "take_profit"}.get(o.type, "stop")
        self.order_id = o.id
        orders.trade(self, o.p, size, reason, price, rate, base)
        self.order_id = 0

    # --- a bar ----------------------------------------------------------------------------------

    def play(self):
        """Play all bars, and write the trades that are still open then."""
        for bar, ts in enumerate(self.times):
            self.i, self.ts = bar, ts
            self._open_bar()
            walk.inside(self)
            self._close_bar()
            self.before = ts
            if self.stopped:
                break
        for p in self.positions:
            if p.size:
                held = p.pnl
                p.pnl += p.gain()
                self.write_trade(p, p.mark, "end")
                p.pnl = held
        return self.records

    def _set_marks(self, field):
        for p in self.positions:
            if self.flags[p.series][self.i] & HAS_MARK:
                p.mark = self.market[p.series][self.i][field]

    def check(self, cause):
        """Liquidate every bucket that fails at the marks in the state.

        Pools do not touch each other; those of one position are written down first.
        """
        buckets = [p for p in self.positions if p.size]
        if self.cross:
            alone = [p.pool for p in buckets if len(p.pool.open()) == 1]
            buckets = [*alone, *(pool for pool in self.pools if len(pool.open()) > 1)]
        for bucket in buckets:
            if self.fails(bucket):
                liquidate(self, bucket, cause)

    def _open_bar(self):
        self._set_marks(MARK_OPEN)
        self.check("price")
        if self.ts >= self.rules_until:
            self._new_rules()
            self.check("tier_change")
            self._expire()
        if self._settle(AT_OPEN):
            self.check("funding")
        if self.stopped:
            return
        resting.expire(self)
        self._refill()
        if orders.fill_due(self):
            self.check("price")

    def _new_rules(self):
        """Put the rules of the day in force; a position may keep those of its opening."""
        self.rules_until = inf
        for p in self.positions:
            p.today = p.dated.at(self.ts)
            if not p.size or p.r.words["maintenance.change"] != "when_touched":
                p.r = p.today
            self.rules_until = min(self.rules_until, p.dated.until(self.ts))

    def _expire(self):
        """Settle contracts whose end has come since the last open at the mark."""
        for p in self.positions:
            if self.before < p.r.expires <= self.ts:
                self.drop(p, "expired")
                resting.end_all(self, p, "expired")
                if p.size:
                    fee = p.worth() * p.r.delivery
                    self.close(p, abs(p.size), p.mark, p.gain(), fee, "expiry")

    def _settle(self, field):
        """Funding: size·value·rate at the mark, from margin or wallet; whether any was paid."""
        paid = False
        for p in self.positions:
            rate = self.bar(p)[field]
            if isnan(rate):
                continue
            p.last_rate = rate
            done = field == INSIDE and p.funded == self.ts
            if p.size and self.has(p, HAS_MARK) and not done:
                self.pay(p, rate)
                paid = True
        return paid

    def pay(self, p, rate):
        """Take funding from where the venue takes it: a long pays a positive rate."""
        amount = sign(p.size) * p.worth() * rate
        wallet = amount
        if not self.cross:
            from_wallet = p.r.words["funding.from"] == "wallet"
            wallet = min(amount, max(p.pool.cash, 0.0)) if from_wallet else 0.0
        p.pool.cash -= wallet
        p.margin -= amount - wallet
        p.funding, p.pnl = p.funding + amount, p.pnl - amount
        self.records["funding"].append({
            "ts": self.ts, "symbol": p.number, "size": p.size, "price": p.mark,
            "funding_rate": rate, "amount": amount, "is_assumed": int(self.has(p, IS_ASSUMED)),
            "mark_is_proxy": int(self.is_proxy(p)), "usd_price": self.usd(p.pool),
        })  # fmt: skip

    def _refill(self):
        """Bring a pool back to its starting equity when less than the share of it is left."""
        if self.on_liquidation != "refill":
            return
        for pool in self.pools:
            equity = self.equity(pool)
            if equity >= self.refill_below * pool.start:
                continue
            price = self.usd(pool)
            if pool.start_usd > 0.0 and price > 0.0:
                pool.start = pool.start_usd / price
            missing = pool.start - equity
            if missing > 0.0:
                pool.equity += missing
                self.deposit(pool, missing, "refill")

    def _close_bar(self):
        for p in self.positions:
            bar = self.bar(p)
            if p.size and self.has(p, HAS_MARK):
                p.low, p.high = min(p.low, bar[MARK_LOW]), max(p.high, bar[MARK_HIGH])
            if self.trades(p):
                p.close = bar[CLOSE]
        self._set_marks(MARK_CLOSE)
        for p in self.positions:
            p.closing_mark = p.mark if p.mark > 0.0 else nan
        if self._settle(INSIDE):
            self.check("funding")
        for p in self.positions:
            if self.stopped or self.has(p, ENDS):
                self._end(p)
        for pool in self.pools:
            pool.equity = self.equity(pool)
            pool.lowest = min(pool.lowest, pool.equity)
        self._keep_targets()
        self._sample()
        self.resting = [o for o in self.resting if o.rests]

    def _end(self, p):
        """Close at the close: no data follow, or the account has stopped."""
        if p.size:
            price = p.close if self.trades(p) else p.mark
            fee = abs(p.size) * unit_of(p.r, price) * p.r.taker
            gain = profit(p.r, p.size, p.entry, price)
            self.close(p, abs(p.size), price, gain, fee, "end")
        reason = "cancelled" if self.stopped else "segment_ended"
        self.drop(p, reason)
        resting.end_all(self, p, reason)

    def _keep_targets(self):
        """Bring positions back to targets that are to be kept, or were lost in a liquidation."""
        if self.rebalance < 0.0 and not self.reenter:
            return
        for p in self.positions:
            trades = self.trades(p) and not self.has(p, ENDS)
            if not trades or isnan(p.target) or p.order is not None:
                continue
            lost = self.reenter and not p.size and p.target != 0.0
            drift = abs(self._exposure(p) - p.target)
            if not lost and (self.rebalance < 0.0 or drift <= self.rebalance):
                continue
            size = orders.size_for(p, p.target, p.close)
            opened = abs(size) - (abs(p.size) if size * p.size < 0.0 else 0.0)
            worth = abs(opened) * unit_of(p.today, p.close)
            small = opened < p.today.min_size or worth < p.today.min_notional
            if opened <= 0.0 or not small:
                orders.place(p, size)

    def _exposure(self, p):
        """Value at the last trade / equity, with the side's sign."""
        if not p.size or p.pool.equity <= 0.0:
            return 0.0
        return p.size * unit_of(p.r, p.close) / p.pool.equity

    def _sample(self):
        """Record each pool at the closes that are due."""
        end = self.ts + self.timeframe
        if end < self.next_sample and not self.stopped:
            return
        self.next_sample = (end // self.sample + 1) * self.sample
        for pool in self.pools:
            held = pool.open()
            need = self.state(pool)[1] if self.cross else sum(self.needs(p) for p in held)
            self.records["equity"].append((
                self.ts, pool.number, pool.equity, min(pool.lowest, pool.equity),
                pool.equity * self.usd(pool), pool.cash, sum(p.gain() for p in held),
                sum(p.worth() for p in held), sum(self.initial(p) for p in held), need,
            ))  # fmt: skip
            pool.lowest = inf
