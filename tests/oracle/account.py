"""The state of an account, and what its buckets have and need at the marks in it.

A bucket is an isolated position, or a pool: the cross positions of one settle asset.
"""

from math import inf, nan

from .margin import by_row, fee_of_margin, fee_reserve, initial, profit, rate_at_open, row_of, sign
from .margin import unit as unit_of


class Position:
    """One position, or one leg of a hedged symbol, with the trade that is running."""

    def __init__(self, number, series, pool, dated, leg=0):
        self.number, self.series, self.pool, self.dated, self.leg = number, series, pool, dated, leg
        self.twin, self.r, self.today = None, None, None
        self.size = self.entry = self.margin = self.mark = self.last_rate = 0.0
        self.close = self.target = self.closing_mark = nan
        self.goal = self.reach = self.last = self.last_goal = self.lean = nan
        self.favoured = False
        self.order, self.cut_at, self.funded = None, None, None
        self.begin(0, 0, 0.0)

    def begin(self, ts, side, equity):
        """Start the trade of a position that opens."""
        self.opened, self.side, self.equity_at_entry = ts, side, equity
        self.low, self.high, self.peak = inf, 0.0, 0.0
        self.bought = self.bought_value = self.sold = self.sold_value = 0.0
        self.pnl = self.fees = self.funding = 0.0

    def gain(self):
        """Unrealised P&L at the mark."""
        return profit(self.r, self.size, self.entry, self.mark) if self.size else 0.0

    def worth(self):
        """Value at the mark."""
        return abs(self.size) * unit_of(self.r, self.mark)


class Pool:
    """The wallet of one settle asset and the positions that are paid in it."""

    def __init__(self, number, cash):
        self.number, self.cash, self.start, self.equity = number, cash, cash, cash
        self.lowest, self.start_usd, self.priced_by, self.reserve = inf, 0.0, None, 0.0
        self.positions = []

    def open(self):
        """The open positions."""
        return [p for p in self.positions if p.size]


class Book:
    """Positions and pools with what they have and need; `cross` says what stands behind a position.

    `leverage` is the venue's setting.
    """

    def __init__(self, cross, leverage):
        self.cross, self.leverage = cross, leverage
        self.positions, self.pools = [], []

    # --- one position ---------------------------------------------------------------------------

    def beside(self, p):
        """|size| of the other leg, where a cross pool margins both legs together."""
        if p.twin is None or not self.cross or p.r.words["legs"] == "separate":
            return 0.0
        return abs(p.twin.size)

    def carried(self, p):
        """Whether the other leg is the larger one and has the margin for both."""
        other = self.beside(p)
        if not other or p.r.words["legs"] != "larger_side":
            return False
        return abs(p.size) < other or (abs(p.size) == other and p.twin.number < p.number)

    def row(self, p):
        """Row of the tier table, from 0."""
        return row_of(p.r, abs(p.size) + self.beside(p), p.entry, p.mark)

    def reserve(self, p):
        """The closing fee in the requirement that does not move with the position's mark."""
        r, kind = p.r, p.r.words["maintenance.close_fee"]
        if kind not in ("at_bankruptcy", "cost_and_margin"):
            return 0.0
        if kind == "at_bankruptcy" and not self.cross:
            return fee_of_margin(r, p.size, p.entry, p.margin)
        if kind == "cost_and_margin" and self.cross and r.own_gains:
            return fee_of_margin(r, p.size, p.entry, self._free_for(p))
        rate = rate_at_open(r, abs(p.size), p.entry, p.entry, self.leverage)
        return fee_reserve(r, p.size, p.entry, rate)

    def _free_for(self, p):
        """What the wallet can still add to a position where others keep their margin and gains."""
        free = p.pool.cash
        for o in p.pool.positions:
            if o is not p and o.size:
                free += min(o.gain(), 0.0) - self.initial(o)
        return max(free, 0.0)

    def constant(self, p):
        """What a requirement has that does not move with the mark: a fee, the next funding."""
        if not p.r.constant:
            return 0.0
        part = self.reserve(p)
        if p.r.words["maintenance.next_funding"] == "last_rate":
            part += abs(p.size) * unit_of(p.r, p.entry) * max(0.0, sign(p.size) * p.last_rate)
        return part

    def needs(self, p, row=None):
        """Maintenance margin of a position at its mark, by its own row or by another."""
        if not p.size or (p.twin is not None and self.carried(p)):
            return 0.0
        size, other = abs(p.size), 0.0 if p.twin is None else self.beside(p)
        if row is None:
            row = row_of(p.r, size + other, p.entry, p.mark)
        need = by_row(p.r, row, size, size / (size + other), p.entry, p.mark)
        return need + self.constant(p) if p.r.constant else need

    def initial(self, p):
        """Initial margin of a position at its mark."""
        if not p.size or (p.twin is not None and self.carried(p)):
            return 0.0
        return initial(p.r, p.size, p.entry, p.mark, self.leverage)

    # --- buckets --------------------------------------------------------------------------------

    def weakest(self, positions):
        """The position that falls first where gains are not shared, else None: it lost most."""
        own = [p for p in positions if p.r.own_gains]
        return min(own, key=Position.gain) if own else None

    def binds(self, p, first):
        """What a position keeps for itself: beside the first to fall its initial margin too."""
        if first is None or p is first:
            return self.needs(p)
        return max(self.initial(p), self.needs(p))

    def backing(self, pool, positions):
        """Money behind the positions of a pool; gains that are not shared stay out."""
        return pool.cash + sum(min(p.gain(), 0.0) if p.r.own_gains else p.gain() for p in positions)

    def state(self, bucket):
        """(equity, requirement) of a bucket: a position, or a pool."""
        if isinstance(bucket, Position):
            return bucket.margin + bucket.gain(), self.needs(bucket)
        positions = bucket.open()
        if len(positions) == 1 and not positions[0].r.own_gains:
            return bucket.cash + positions[0].gain(), self.needs(positions[0])
        first = self.weakest(positions)
        return self.backing(bucket, positions), sum(self.binds(p, first) for p in positions)

    def spare(self, bucket):
        """Equity less requirement; the first to fall has its own gain, shared or not."""
        equity, need = self.state(bucket)
        if isinstance(bucket, Pool):
            first = self.weakest(bucket.open())
            equity += max(first.gain(), 0.0) if first else 0.0
        return equity - need

    def fails(self, bucket):
        """Whether a bucket is liquidated at the marks in the state."""
        spare = self.spare(bucket)
        if spare > 0.0:
            return False
        some = bucket if isinstance(bucket, Position) else bucket.open()[0]
        return spare < 0.0 or not some.r.below

    def equity(self, pool):
        """All money of a pool: wallet, isolated margins, unrealised P&L."""
        return pool.cash + sum(p.margin + p.gain() for p in pool.positions if p.size)

    def usd(self, pool):
        """USD per unit of a pool's asset, NaN if it is not known."""
        if pool.priced_by is None:
            return 1.0
        mark = pool.priced_by.mark if pool.priced_by else 0.0
        return mark if mark > 0.0 else nan
