"""Where on a way of marks a bucket fails first, and the liquidation price of a position.

A way moves the values of units in a straight line, all of its positions in step. Equity less
requirement is concave along it but for jumps: where a flat table keyed on the value at the mark
changes its row, and where another position becomes the first to fall. It is looked through from one
jump to the next; on a concave piece that begins healthy the root is sought from a failing end.
"""

from math import inf

from .margin import price_at, turned
from .margin import unit as unit_of

BESIDE = 1e-10
"""Share of a way that keeps clear of a jump on both sides."""
BESIDE_FLOOR = (1.0, 1.0 + 2e-12)
"""Values just under and over a tier's floor."""
ASIDE = 1e-9
"""Share of a mark by which it is moved to see on which side a position fails."""
FARTHEST = 1e12
SAME = 1e-12
"""Share of a value that rounding alone may make."""


class Way:
    """Positions that move from their marks to others, in step by the value of a unit."""

    def __init__(self, positions, ends):
        self.positions, self.ends = positions, ends
        self.units = [
            (unit_of(p.r, p.mark), unit_of(p.r, end))
            for p, end in zip(positions, ends, strict=True)
        ]

    def go(self, share):
        """Set the marks a share of the way along."""
        for p, (now, then), end in zip(self.positions, self.units, self.ends, strict=True):
            p.mark = end if share == 1.0 else price_at(p.r, now + share * (then - now))

    def jumps(self, book):
        """(share before, share after) where a requirement may jump on the way, in order."""
        found = set()
        for p, (now, then) in zip(self.positions, self.units, strict=True):
            if p.r.cliffs and then != now:
                size = abs(p.size) + book.beside(p)
                for floor in p.r.floors[1:]:
                    sides = [(floor / size * one - now) / (then - now) for one in BESIDE_FLOOR]
                    found.add((min(sides), max(sides)))
        if len(self.positions) > 1 and any(p.r.own_gains for p in self.positions):
            found |= {(share - BESIDE, share + BESIDE) for share in self._equal_losses()}
        return sorted(jump for jump in found if jump[1] > 0.0 and jump[0] < 1.0)

    def _equal_losses(self):
        """Shares at which two positions have lost the same, or one has lost nothing."""
        lines = []
        for p, (now, then) in zip(self.positions, self.units, strict=True):
            per_unit = turned(p.r, p.size) * abs(p.size)
            lines.append((p.gain(), per_unit * (then - now)))
        lines.append((0.0, 0.0))
        for k, (gain, slope) in enumerate(lines):
            for other, its_slope in lines[:k]:
                if slope != its_slope:
                    yield (other - gain) / (slope - its_slope)


def first_failure(way, jumps, spare, below=False):
    """Share of the way at which a bucket fails first, None if it survives; marks end where it is.

    `spare` is what the bucket has beyond its need at the marks, `below` whether nothing is enough.
    """
    start = 0.0
    for before, after in (*jumps, (1.0, 1.0)):
        end = max(before, start)
        way.go(end)
        if fails(spare(), below):
            return root(way, spare, start, end)
        if before < 1.0:
            start = min(max(after, start), 1.0)
            way.go(start)
            if fails(spare(), below):
                return start
    return None


def fails(spare, below):
    """Whether so much beyond the need is too little."""
    return spare < 0.0 or (spare == 0.0 and not below)


def root(way, spare, healthy, failing):
    """The share at which nothing is spare, between a healthy and a failing one, with the marks.

    False position, the weight of an end that stays halved (Illinois).
    """

    def at(share):
        way.go(share)
        return spare()

    a, b, fa, fb = healthy, failing, at(healthy), at(failing)
    if fa <= 0.0:
        way.go(healthy)
        return healthy
    for _ in range(200):
        middle = a + (b - a) * fa / (fa - fb) if fb < 0.0 else b
        if not min(a, b) < middle < max(a, b):
            middle = 0.5 * (a + b)
        if fb == 0.0 or a == b or middle in (a, b) or abs(b - a) < 1e-15:
            break
        value = at(middle)
        if value > 0.0:
            a, fa, fb = middle, value, 0.5 * fb
        else:
            b, fb, fa = middle, value, 0.5 * fa
    way.go(b)
    return b


def level(book, p):
    """Mark at which a position is at its trigger with the marks of all others as they are.

    On the side that hurts; one that fails already is followed back. Both legs of a symbol in a pool
    move together. Where there is none, 0 or infinity: what no mark gets to, or all are beyond. None
    for a position that is at its trigger wherever its mark is.
    """
    moving = [p, p.twin] if book.cross and p.twin is not None and p.twin.size else [p]
    net = sum(one.size for one in moving)
    falls = net > 0.0 if net else p.r.inverse
    spare = spare_of(book, p, len(moving) > 1)
    marks, found = [one.mark for one in moving], None
    healthy = spare() > 0.0
    if is_flat(p) and abs(spare()) < SAME * abs(p.size) * unit_of(p.r, p.mark):
        return None
    if not healthy and not p.r.cliffs:
        # at a level on the favourable side the adverse one is still to come
        for one in moving:
            one.mark *= 1.0 - ASIDE if falls else 1.0 + ASIDE
        healthy = spare() > 0.0
        if not healthy:
            for one, mark in zip(moving, marks, strict=True):
                one.mark = mark
    if not healthy and p.r.grows and p.r.inverse:
        climb(moving, spare)  # health lies between two failures, or nowhere
        healthy = spare() > 0.0
    factor, start = (0.5 if falls == healthy else 2.0), p.mark
    while found is None and start / FARTHEST < p.mark < start * FARTHEST:
        found = _flip(book, Way(moving, [p.mark * factor] * len(moving)), spare, healthy)
    if found is None and not healthy and p.r.cliffs:
        # what fails in a dear tier alone, on the favourable side, has no adverse level
        for one, mark in zip(moving, marks, strict=True):
            one.mark = mark
        other = Way(moving, [start / FARTHEST if falls else start * FARTHEST] * len(moving))
        healthy = _flip(book, other, spare, False) is not None
    for one, mark in zip(moving, marks, strict=True):
        one.mark = mark
    return (0.0 if falls == healthy else inf) if found is None else found


def is_flat(p):
    """Whether a position must have all behind it that it is worth, so that no mark changes much."""
    return p.r.grows and not p.r.inverse and p.r.rates[0] + p.r.slope * abs(p.size) >= p.r.rate_cap


def climb(moving, spare):
    """Move the one mark of positions to where something is spare, or most, concave in the value."""
    r, mark = moving[0].r, moving[0].mark
    now = unit_of(r, mark)

    def at(value):
        for one in moving:
            one.mark = price_at(r, value)
        return spare()

    factor = 2.0 if at(now * (1.0 + ASIDE)) > at(now) else 0.5
    low, high = now / factor, now * factor
    while at(high / factor) < at(high) <= 0.0 and 1.0 / FARTHEST < high / now < FARTHEST:
        low, high = low * factor, high * factor
    if at(high) > 0.0:
        return
    for _ in range(200):
        third = (high - low) / 3.0
        if at(low + third) > at(high - third):
            high -= third
        else:
            low += third
    at(0.5 * (low + high))


def spare_of(book, p, pair):
    """What a position's bucket has to spare; it falls first where gains are its own."""
    if not book.cross:
        return lambda: book.spare(p)
    if pair or not p.r.own_gains:
        return lambda: book.spare(p.pool)
    others = [o for o in p.pool.open() if o is not p]

    def spare():
        kept = sum(min(o.gain(), 0.0) - book.binds(o, p) for o in others)
        return p.pool.cash + p.gain() + kept - book.needs(p)

    return spare


def _flip(book, way, spare, healthy):
    """Mark of the first position of a way where its bucket stops to be healthy, or to fail."""
    below = way.positions[0].r.below
    if healthy:
        share = first_failure(way, way.jumps(book), spare, below)
        return None if share is None else way.positions[0].mark
    start = 0.0
    for jump in (*way.jumps(book), (1.0,)):
        for end in jump:
            way.go(end)
            if not fails(spare(), below):
                root(way, spare, end, start)
                return way.positions[0].mark
            start = end
    return None
