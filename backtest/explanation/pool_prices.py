"""Prices in a pool: of each position, of two legs, and of marks that move together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..core.contracts import side
from ..core.tiers import tier_of
from ..venues import Rulebook
from .answer import Explanation, asked_about, explained
from .asked import Asked, Pair
from .display import UNMOVED, exists, shown_price
from .joint import common_ratio, failing_ratio, failing_ratios
from .numbers import Position
from .pools import pair_of, pool_around, totals

FARTHEST = 100.0
"""Times the present marks beyond which a joint price says nothing."""


@dataclass(frozen=True)
class Joint:
    """Where the pool fails if the marks of `symbols` move together, the others staying.

    `lower` and `upper` are the prices by symbol, the ratios those of all marks to the present
    ones; None where the pool fails at no price up to a hundred times the mark.
    """

    what: str
    symbols: Sequence[str]
    lower_ratio: float | None
    lower: Mapping[str, float] | None
    upper_ratio: float | None
    upper: Mapping[str, float] | None


def each_position(
    book: Rulebook, found: Sequence[Position], wallet: float, ts: int
) -> list[Explanation]:
    """Every position with the others frozen; a screen that moves all marks shows that price."""
    rows = []
    for i, p in enumerate(found):
        pool = pool_around(found, i, wallet)
        a = asked_about(book, book.instrument(p.symbol), (ts, "cross"), p, pool)
        a = _with_leg(a, pair_of(found, i, wallet))
        if a.word("display.cross") == "common_ratio":
            a.report.shown["liquidation_price"] = p.mark * failing_ratio(found, wallet)
        rows.append(explained(a))
    return rows


def _with_leg(a: Asked, pair: Pair | None) -> Asked:
    """A leg has the price that both share, in the place of one with the other's mark frozen."""
    if pair is None:
        return a
    p, beside = a.position, pair.beside
    money = beside.wallet + beside.other_pnl
    level = p.mark * common_ratio(pair.legs, money, beside.other_maintenance)
    word, tick = str(a.word("display.cross")), float(p.rules["tick"])
    net = sum(leg.size for leg in pair.legs)
    shown = level if word in UNMOVED else shown_price(level, side(net), tick, word)
    size = abs(p.size) + (a.pool.twin if a.pool else 0.0)
    row = int(tier_of(p.rules, size, p.entry, level)) + 1 if exists(level) else 0
    screen = {**a.report.shown, "liquidation_price": shown}
    report = replace(a.report, liquidation_price=level, tier_at_liquidation=row, shown=screen)
    return replace(a, report=report, pair=pair)


def joint_prices(book: Rulebook, found: Sequence[Position], wallet: float) -> list[Joint]:
    """The joint prices of each base coin with several positions, and of the whole pool."""
    groups: dict[str, list[Position]] = {}
    for p in found:
        groups.setdefault(book.instrument(p.symbol).base, []).append(p)
    rows = [_moved(f"all {coin}", g, found, wallet) for coin, g in groups.items() if len(g) > 1]
    if len(groups) > 1:
        rows.append(_moved("all marks", list(found), found, wallet))
    return rows


def _moved(what: str, group: Sequence[Position], found: Sequence[Position], wallet: float) -> Joint:
    still = [p for p in found if not any(p is one for one in group)]
    beside, _, other = totals(still, wallet)
    found_at = failing_ratios(group, beside, other)
    ratios = [r if exists(r) and r <= FARTHEST else None for r in found_at]
    symbols = {p.symbol: p.mark for p in group}
    prices = [None if r is None else {s: m * r for s, m in symbols.items()} for r in ratios]
    return Joint(what, list(symbols), ratios[0], prices[0], ratios[1], prices[1])
