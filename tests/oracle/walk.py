"""The inside of a bar: its ways, which of them an account takes, what is certain of them.

docs/intrabar.md, "Ways of a bar": who goes to its favourable price first, each walked once as a
pessimist and once as an optimist (`stage`). A bar that cannot matter has one way.
"""

from math import isnan

from .levels import Way, first_failure
from .liquidation import liquidate
from .meeting import follow, follow_bar, may_meet
from .snapshot import Snapshot
from .stage import walk

MOST_ROUNDS = 2000
SAME = 1e-12


class TooManyError(Exception):
    """A process that closes next to nothing at a time: the engine has a rule of its own for it."""


def inside(account):
    """Everything that happens between the open and the close of a bar."""
    if account.cross:
        groups = [Group(account, pool, pool.positions) for pool in account.pools]
    else:
        series = range(len(account.market))
        groups = [
            Group(account, None, [p for p in account.positions if p.series == s]) for s in series
        ]
    for group in groups:
        group.play()


def hurts(account, p):
    """Whether falling marks hurt a position; of two legs in a pool the side that is larger.

    Legs of one size cancel out: only the value that they are margined on can hurt.
    """
    net = p.size + (p.twin.size if p.twin is not None and account.cross else 0.0)
    return net > 0.0 if net else p.r.inverse


class Group:
    """What is walked together: a pool, or in isolated mode the legs of one symbol."""

    def __init__(self, account, pool, members):
        self.account, self.pool, self.members = account, pool, members

    @property
    def several(self):
        """Whether it is a pool with several open positions."""
        return self.pool is not None and len(self.pool.open()) > 1

    def orders(self):
        """The resting orders of its positions."""
        return [o for o in self.account.resting if o.rests and o.p in self.members]

    def play(self):
        """Play the only way of the bar, or the worst or the best of several."""
        if not (self._meets() or self._is_funded() or self._fails_with_all_adverse()):
            self._only_way()
            return
        account = self.account
        self._set_out()
        before, ends, happened = Snapshot(account), [], []
        count = 2 if not self._meets() else 4 if self._symbols() == 1 else 8
        for way in range(count):
            account.happened = set()
            self._go(way)
            happened.append(account.happened)
            steps, fills = len(account.records["liquidations"]), len(account.records["fills"])
            ends.append((self._money(), steps, fills))
            before.restore()
        account.certain = set.intersection(*happened)
        self._go(_choice(ends, account.path == "optimistic"))
        account.certain = None

    def _meets(self):
        return any(may_meet(self.account, o) for o in self.orders())

    def _symbols(self):
        return len({p.series for p in self.members})

    def _is_funded(self):
        inner = self.account.INSIDE
        return any(p.size and not isnan(self.account.bar(p)[inner]) for p in self.members)

    def _fails_with_all_adverse(self):
        if not self.several:
            return False
        for p in self.members:
            p.reach = self.account.extreme(p, hurts(self.account, p))
        return self.fails(self.pool, self.pool.open())

    def _only_way(self):
        account, turns = self.account, any(_may_turn(p) for p in self.members if p.size)
        for worst in (False,) if self.several else (True, False):
            if self.several and not turns:
                break
            for p in self.members:
                p.reach = account.extreme(p, hurts(account, p) == worst)
            self.advance("price")
        for p in self.members:
            follow_bar(account, p)

    def _set_out(self):
        for p in self.members:
            p.last = self.account.candle(p)[0]
            p.lean = self._lean(p)
        for p in self.members:
            follow(self.account, p.series)

    def _lean(self, p):
        """The side that a symbol leans to: its position's, or that of what may open one."""
        both = p.size + (p.twin.size if p.twin is not None else 0.0)
        if both:
            return 1.0 if both > 0.0 else -1.0
        if p.size and self.account.cross:
            return 1.0 if hurts(self.account, p) else -1.0
        for o in self.account.resting:
            if o.rests and o.p.series == p.series and not o.reduce_only:
                return 1.0 if o.size > 0.0 else -1.0
        return 1.0

    def _go(self, way):
        """Walk one way; funding first where that is worse, or better, and else at the close."""
        fearful = way % 2 == 0
        for p in self.members:
            p.favoured = self._goes_first(p, way // 2)
        if self._pay(lambda cost: cost == fearful):
            for p in self.members:
                p.reach = p.mark
            self.advance("funding")
        for stage in ("prelude", "adverse", "favourable", "ending"):
            walk(self, stage, fearful, "price")
        if self._pay(lambda cost: True):
            walk(self, "ending", fearful, "funding")

    def _goes_first(self, p, route):
        """Whether a symbol's favourable price comes first: of none, of all, where it meets orders
        that open, or where it meets orders that reduce.
        """
        if route < 2:
            return route == 1
        for o in self.account.resting:
            if o.p.series == p.series and may_meet(self.account, o):
                favourable = o.falling == (p.lean < 0.0)
                opens = not o.p.size or (o.size > 0.0) == (o.p.size > 0.0)
                opens = opens and not (abs(o.size) == float("inf") and not o.p.size)
                if favourable and opens == (route == 2):
                    return True
        return False

    def _pay(self, wanted):
        """Settle inner funding of what wants it, at the mark's close; whether any was paid."""
        account, paid = self.account, False
        for p in self.members:
            rate = account.bar(p)[account.INSIDE]
            if isnan(rate) or not p.size or not account.has_mark(p) or p.funded == account.ts:
                continue
            if wanted(p.size * rate > 0.0):
                mark, p.funded, p.last_rate = p.mark, account.ts, rate
                p.mark = account.bar(p)[account.MARK_CLOSE]
                account.pay(p, rate)
                p.mark, paid = mark, True
        return paid

    def _money(self):
        pools = [self.pool] if self.pool else {id(p.pool): p.pool for p in self.members}.values()
        return sum(self.account.equity(pool) for pool in pools)

    # --- ways of marks --------------------------------------------------------------------------

    def advance(self, cause):
        """Liquidate as often as something fails on the marks' ways to their `reach`."""
        buckets = [(p, lambda p=p: [p] if p.size else []) for p in self.members]
        if self.pool is not None:
            self._lead(self.pool, lambda: self.pool.open() if self.several else [], cause)
            if self.several:
                return
            buckets = [(self.pool, self.pool.open)]
        for bucket, moving in buckets:
            self._lead(bucket, moving, cause)

    def _lead(self, bucket, moving, cause):
        held = moving()
        if len(held) == 1 and not self.account.has_mark(held[0]):
            return
        for _ in range(MOST_ROUNDS):
            if not moving() or not self.fails(bucket, moving(), stay=True):
                return
            if not liquidate(self.account, bucket, cause):
                return
        raise TooManyError

    def fails(self, bucket, positions, stay=False):
        """Whether a bucket fails on its way; with `stay` the marks stay where it fails first."""
        account, marks = self.account, [p.mark for p in positions]
        way = Way(positions, [p.reach for p in positions])
        below = positions[0].r.below
        share = first_failure(way, way.jumps(account), lambda: account.spare(bucket), below)
        if share is None or not stay:
            for p, mark in zip(positions, marks, strict=True):
                p.mark = mark
        return share is not None


def _choice(ends, hopeful):
    """The way that ends with the least equity, of equal ones that with more steps; or the best."""
    low = high = 0
    for way, (money, steps, _) in enumerate(ends):
        rounding = SAME * abs(money)
        least, most = ends[low][0], ends[high][0]
        if money < least - rounding or (money <= least + rounding and steps > ends[low][1]):
            low = way
        if money > most + rounding or (money >= most - rounding and steps < ends[high][1]):
            high = way
    least, most = ends[low][0], ends[high][0]
    parts = len({end[1:] for end in ends}) > 1 or most - least > SAME * max(abs(most), abs(least))
    return high if hopeful and parts else low


def _may_turn(p):
    """Whether favourable marks can hurt: of legs, or where a dearer tier or rate waits."""
    return p.twin is not None or p.r.cliffs or p.r.slope > 0.0 or p.r.own_gains
