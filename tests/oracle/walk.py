"""The inside of a bar without resting orders: where the marks go, and what fails on their way.

The one part that is replaceable. docs/intrabar.md says which ways there are: all marks at their
worst (in a pool all at once), at their best, at the close. Where funding falls inside, or a pool of
several fails with all marks adverse, there are two: the pessimist's, and the optimist's, for whom
one mark is adverse and all others are at their best. The pessimistic account takes the way that
leaves it with less.
"""

from math import isnan

from .levels import Way, first_failure
from .liquidation import liquidate
from .snapshot import Snapshot

MOST_ROUNDS = 2000
SAME = 1e-12


class TooManyError(Exception):
    """A process that closes next to nothing at a time: the engine has a rule of its own for it."""


def inside(account):
    """Everything that happens between the open and the close of a bar."""
    if account.cross:
        groups = [(pool, pool.positions) for pool in account.pools]
    else:
        series = range(len(account.market))
        groups = [(None, [p for p in account.positions if p.series == s]) for s in series]
    for pool, members in groups:
        if any(p.size for p in members):
            _Bar(account, pool, members).play()


def hurts(account, p):
    """Whether falling marks hurt a position; of two legs in a pool the side that is larger.

    Legs of one size cancel out: only the value that they are margined on can hurt.
    """
    net = p.size + (p.twin.size if p.twin is not None and account.cross else 0.0)
    return net > 0.0 if net else p.r.inverse


class _Bar:
    """The inside of a bar for a pool, or in isolated mode for the legs of one symbol."""

    def __init__(self, account, pool, members):
        self.account, self.pool, self.members = account, pool, members
        self.falls = {}

    def play(self):
        """Play the only way, or the worse of two."""
        if not (self._is_funded() or self._fails_with_all_adverse()):
            self._only_way()
            return
        before, ends = Snapshot(self.account), []
        for fearful in (True, False):
            steps = len(self.account.records["liquidations"])
            self.account.fallen = set()
            self._walk(fearful)
            steps = len(self.account.records["liquidations"]) - steps
            ends.append((self._money(), -steps, self.account.fallen))
            before.restore()
        (fearful, more, fell), (hopeful, fewer, also) = ends
        same = abs(fearful - hopeful) <= SAME * abs(hopeful)
        self.account.certain = fell & also
        self._walk(not (fewer < more if same else hopeful < fearful))
        self.account.certain = self.account.fallen = None

    def _money(self):
        pools = (
            [self.pool] if self.pool else list({id(p.pool): p.pool for p in self.members}.values())
        )
        return sum(self.account.equity(pool) for pool in pools)

    def _is_funded(self):
        inner = self.account.INSIDE
        return any(p.size and not isnan(self.account.bar(p)[inner]) for p in self.members)

    def _fails_with_all_adverse(self):
        if self.pool is None or len(self.pool.open()) < 2:
            return False
        goals = {p: self._extreme(p, hurts(self.account, p)) for p in self.pool.open()}
        return self._joint(goals, move=False)

    def _extreme(self, p, falls):
        return self.account.extreme(p, falls)

    def _only_way(self):
        several = self.pool is not None and len(self.pool.open()) > 1
        if several and not any(_may_turn(p) for p in self.pool.open()):
            return
        for worst in (False,) if several else (True, False):
            self._advance({
                p: self._extreme(p, hurts(self.account, p) == worst) for p in self.members if p.size
            })  # fmt: skip

    # --- one of two ways ------------------------------------------------------------------------

    def _walk(self, fearful):
        """Worst marks, best marks, the close; funding first where that is worse, or better."""
        account = self.account
        falls = {p: self._leans_down(p) for p in self.members}
        self._pay(lambda cost: cost == fearful)
        worst = {p: self._extreme(p, falls[p]) for p in self.members}
        self._stage(worst, fearful, falls)
        self._stage({p: self._extreme(p, not falls[p]) for p in self.members}, fearful)
        self._stage(self._closes(), fearful)
        if self._pay(lambda cost: True):
            account.cause = "funding"
            self._stage(self._closes(), fearful)
            account.cause = "price"

    def _leans_down(self, p):
        """Which way a symbol goes first: legs together, also where each has a margin of its own."""
        net = p.size + (p.twin.size if p.twin is not None else 0.0)
        if net:
            return net > 0.0
        return hurts(self.account, p) if p.size and self.account.cross else True

    def _closes(self):
        account = self.account
        return {
            p: account.bar(p)[account.MARK_CLOSE] if account.has_mark(p) else p.mark
            for p in self.members
        }

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

    def _stage(self, goals, fearful, falls=None):
        """Lead all marks to the goals; `falls` is given on the way to the worst marks."""
        spread = falls is not None and not fearful and self.pool is not None
        if not (spread and len(self.pool.open()) > 1):
            self._advance(goals)
        else:
            while len(self.pool.open()) > 1 and self._one_adverse(goals, falls):
                pass
            if len(self.pool.open()) > 1:
                return
            self._advance(goals)
        for p, goal in goals.items():
            p.mark = goal

    def _one_adverse(self, goals, falls):
        """Liquidate where one symbol's worst mark is too much with all others at their best."""
        for one in self.pool.open():
            aims = {
                p: goals[p] if p.series == one.series else self._extreme(p, not falls[p])
                for p in self.members
            }
            if self._joint(aims, move=False):
                self._advance(aims)
                return True
        return False

    # --- ways of marks --------------------------------------------------------------------------

    def _advance(self, goals):
        """Liquidate as often as something fails on the way to the goals; marks go no further."""
        if self.pool is None:
            for p in goals:
                self._lead(p, lambda p=p: [p] if p.size else [], goals)
            return
        for _ in range(MOST_ROUNDS):
            if len(self.pool.open()) < 2:
                break
            if not self._joint(goals):
                return
        else:
            raise TooManyError
        self._lead(self.pool, self.pool.open, goals)

    def _lead(self, bucket, moving, goals):
        for _ in range(MOST_ROUNDS):
            if not moving() or not self._meet(bucket, moving(), goals):
                return
        raise TooManyError

    def _joint(self, goals, move=True):
        return self._meet(self.pool, self.pool.open(), goals, move)

    def _meet(self, bucket, positions, goals, move=True):
        """Liquidate a bucket where it fails first; whether it does, and something was closed."""
        account, marks = self.account, [p.mark for p in positions]
        way = Way(positions, [goals[p] for p in positions])
        r = positions[0].r
        share = first_failure(way, way.jumps(account), lambda: account.spare(bucket), r.below)
        if share is not None and move:
            if account.fallen is not None:
                account.fallen.add(bucket)
            return liquidate(account, bucket, account.cause)
        for p, mark in zip(positions, marks, strict=True):
            p.mark = mark
        return share is not None


def _may_turn(p):
    """Whether favourable marks can hurt: of legs, or where a dearer tier or rate waits."""
    return p.twin is not None or p.r.cliffs or p.r.slope > 0.0 or p.r.own_gains
