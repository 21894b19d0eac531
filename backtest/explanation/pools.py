"""The positions of a cross pool together: what each needs beside the others.

The same arithmetic as `backtest.core.risk`, where a run decides, on positions outside a run. The
long and the short leg of one symbol are margined as the venue's `hedge.legs` says.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import nan

from ..core.risk import margin_ratio
from ..core.types import Gains, Legs
from .asked import Pair
from .numbers import Pool, Position, initial_margin, maintenance, parts


def twin_of(positions: Sequence[Position], which: int) -> float:
    """|size| of the other leg of a position's symbol where both share a tier; else 0."""
    own = positions[which]
    if own.rules["legs"] == Legs.SEPARATE:
        return 0.0
    return sum(
        abs(p.size) for i, p in enumerate(positions) if i != which and p.symbol == own.symbol
    )


def is_covered(positions: Sequence[Position], which: int) -> bool:
    """Whether the other leg is the larger one, whose margin is enough for both."""
    own, twin = positions[which], twin_of(positions, which)
    if twin == 0.0 or own.rules["legs"] != Legs.LARGER_SIDE:
        return False
    return abs(own.size) < twin or (abs(own.size) == twin and own.size < 0.0)


def maintenance_of(positions: Sequence[Position], which: int) -> float:
    """Maintenance margin of a position of the pool."""
    if is_covered(positions, which):
        return 0.0
    own = positions[which]
    return maintenance(own, sum(parts(own, nan)), twin_of(positions, which))


def initial_of(positions: Sequence[Position], which: int) -> float:
    """Initial margin of a position of the pool."""
    return 0.0 if is_covered(positions, which) else initial_margin(positions[which])


def weakest(positions: Sequence[Position]) -> int | None:
    """The position that falls first where gains are not shared; None where they are."""
    own = [i for i, p in enumerate(positions) if p.rules["gains"] == Gains.OWN]
    return min(own, key=lambda i: positions[i].pnl) if own else None


def binds_of(positions: Sequence[Position], which: int, first: int | None) -> float:
    """What a position takes of its pool: its maintenance margin.

    Where gains are not shared, every position but the `first` to fall keeps its initial margin.
    """
    needed = maintenance_of(positions, which)
    return needed if first in (None, which) else max(initial_of(positions, which), needed)


def backing_of(position: Position) -> float:
    """The unrealised P&L of a position that stands behind the whole pool."""
    own = position.rules["gains"] == Gains.OWN
    return min(position.pnl, 0.0) if own else position.pnl


def pool_around(
    positions: Sequence[Position], which: int, wallet: float, borrow_rate: float = 0.0
) -> Pool:
    """The pool that a position stands in, with the other positions at their marks."""
    around = pool_beside(positions, (which,), wallet, borrow_rate)
    return replace(around, twin=twin_of(positions, which), covered=is_covered(positions, which))


def pool_beside(
    positions: Sequence[Position], these: Sequence[int], wallet: float, borrow_rate: float = 0.0
) -> Pool:
    """What stands in a pool beside some of its positions, at the present marks."""
    others = [i for i in range(len(positions)) if i not in these]
    first = None if weakest(positions) is None else these[0]
    return Pool(
        wallet,
        sum(backing_of(positions[i]) for i in others),
        sum(binds_of(positions, i, first) for i in others),
        sum(initial_of(positions, i) for i in others),
        borrow_rate,
    )


def pair_of(positions: Sequence[Position], which: int, wallet: float) -> Pair | None:
    """The legs of a position's symbol, where both are in the pool."""
    own = positions[which]
    same = [i for i, p in enumerate(positions) if i != which and p.symbol == own.symbol]
    if not same:
        return None
    other = same[0]
    needs = (not is_covered(positions, which), not is_covered(positions, other))
    beside = pool_beside(positions, (which, other), wallet)
    return Pair((own, positions[other]), needs, beside)


def totals(positions: Sequence[Position], wallet: float) -> tuple[float, float, float]:
    """(money behind the pool, initial margin, what it must have) at the present marks."""
    every = range(len(positions))
    backing = wallet + sum(backing_of(p) for p in positions)
    initial = sum(initial_of(positions, i) for i in every)
    first = weakest(positions)
    return backing, initial, sum(binds_of(positions, i, first) for i in every)


def ratio_of(positions: Sequence[Position], wallet: float) -> float:
    """Margin ratio of the pool; infinite when nothing is left to stand behind a requirement."""
    backing, _, needed = totals(positions, wallet)
    return float(margin_ratio(backing, needed))
