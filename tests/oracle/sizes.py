"""How much of a position a liquidation step closes."""

from math import ceil, inf

from .exits import cured, exit_price, fee_rate
from .margin import down_to_lots, profit, sign, tidy, up_to_lots
from .margin import unit as unit_of


def size_of(account, p, rule, b):
    """|size| that a step closes; 0 if it cannot be applied."""
    if rule.size == "all":
        return abs(p.size)
    if rule.size == "net_legs":
        both = p.twin is not None and account.cross
        return min(abs(p.size), abs(p.twin.size)) if both else 0.0
    if rule.size == "fraction":
        return _fraction(p, rule)
    after = After(account, p, rule, b)
    return _tiers_down(p, rule, after) if rule.size == "tiers_down" else _cure(p, rule, after)


def whole(closed, held, lot):
    """|size| to close: all that is held where less than half a lot would stay."""
    return held if held - closed < 0.5 * lot else closed


def _fraction(p, rule):
    """A share in lots; where a value limits it the rest of a lot is not closed."""
    held, lot = abs(p.size), p.today.lot
    if rule.at_most == inf and not rule.at_least:
        return whole(up_to_lots(held * rule.amount, lot), held, lot)
    worth = p.worth()
    wanted = min(max(worth * rule.amount, min(rule.at_least, worth)), rule.at_most)
    if wanted >= worth:
        return held
    return whole(max(down_to_lots(wanted / unit_of(p.r, p.mark), lot), lot), held, lot)


class After:
    """What closing a part at a step's price leaves of a bucket."""

    def __init__(self, account, p, rule, b):
        self.account, self.p, self.b = account, p, b
        self.price, self.rate = exit_price(account, p, rule, b), fee_rate(p, rule)
        self.now = self._legs()

    def _legs(self):
        """Requirement of the position, and of the leg it is margined with."""
        total = self.account.needs(self.p)
        return total + self.account.needs(self.p.twin) if self.account.beside(self.p) else total

    def __call__(self, closed):
        """(equity, requirement) after closing |size| `closed`."""
        p, r, side = self.p, self.p.r, sign(self.p.size)
        fee = closed * unit_of(r, self.price) * self.rate
        change = profit(r, side * closed, p.mark, self.price) - fee
        size, margin = p.size, p.margin
        p.size = size - side * closed
        if not self.account.cross:
            p.margin = margin + profit(r, side * closed, p.entry, self.price) - fee
        new = self._legs()
        p.size, p.margin = size, margin
        return self.b.equity + change, self.b.need - self.now + new

    def cures(self, closed, wanted):
        """Whether that brings MM / equity to `wanted`."""
        equity, need = self(closed)
        return cured(self.p, equity, need, wanted)

    def to_row(self, row):
        """|size| in lots to close so that the rest belongs to a lower row: one at least."""
        p = self.p
        kept = p.r.floors[row + 1]
        if p.r.key != "size":
            kept /= unit_of(p.r, p.entry if p.r.key == "notional_at_entry" else p.mark)
        held, lot = abs(p.size), p.today.lot
        return whole(max(up_to_lots(held - kept + self.account.beside(p), lot), lot), held, lot)


def _tiers_down(p, rule, after):
    """So many tiers down, or where the step must cure to the first lower one that does."""
    for row in range(after.account.row(p) - int(rule.amount), -1, -1):
        closed = after.to_row(row)
        if closed >= abs(p.size):
            return 0.0
        if not rule.must_cure or after.cures(closed, 1.0):
            return closed
    return 0.0


def _cure(p, rule, after):
    """The fewest lots that bring MM / equity to the step's amount; 0 if only all of it would.

    Looked for tier by tier: inside a tier what closing frees and what it costs are in proportion.
    """
    held, lot = abs(p.size), p.today.lot
    done = 0.0
    for row in range(after.account.row(p), -1, -1):
        edge = after.to_row(row - 1) if row else held
        if after.cures(edge, rule.amount):
            fewest = _fewest(after, rule.amount, (done, edge), lot)
            return fewest if fewest < held else 0.0
        done = edge
    return 0.0


def _fewest(after, wanted, between, lot):
    """Fewest lots that cure, over the first and up to the second size."""
    held = abs(after.p.size)
    low, high = round(between[0] / lot), ceil(between[1] / lot - 1e-6)
    while high - low > 1:
        middle = (low + high) // 2
        if after.cures(tidy(middle, lot), wanted):
            high = middle
        else:
            low = middle
    return whole(min(tidy(high, lot), held), held, lot)
