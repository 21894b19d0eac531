"""`explain_pool`: what a venue would do to several cross positions that share one wallet."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

from ..config import format_time, parse_time
from ..core.contracts import side
from ..core.tiers import tier_of
from ..errors import RulebookError, UsageError
from ..venues import Rulebook, load, override
from .ask import Explanation, asked_about, explained, plain, rules_of, wallet_of
from .asked import Asked, Pair
from .checks import check_leverage, check_size, size_of
from .display import UNMOVED, exists, shown_price
from .joint import common_ratio, failing_ratio, failing_ratios
from .numbers import Position
from .pools import pair_of, pool_around, ratio_of, totals, twin_of
from .positions_file import Held, held

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


@dataclass(frozen=True)
class PoolExplanation:
    """Cross positions of one wallet in a venue's numbers; amounts in `settle`.

    `equity` is what stands behind the pool. Each of `positions` has its own margins, and its
    prices with every other mark frozen; `joint` has those of marks that move together.
    """

    venue: str
    date: str
    settle: str
    cash: float
    unrealized_pnl: float
    equity: float
    initial_margin: float
    maintenance_margin: float
    available: float
    margin_ratio: float
    positions: Sequence[Explanation]
    joint: Sequence[Joint]
    notes: Sequence[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them; None where a number is infinite."""
        own = plain(asdict(self))
        return {**own, "positions": [one.to_dict() for one in self.positions]}

    def __str__(self) -> str:
        """The numbers of the pool and of each position, at most 80 columns wide."""
        from .pooltext import render

        return render(self)


def explain_pool(
    venue: str,
    positions: Sequence[Mapping[str, Any]],
    *,
    cash: float | None = None,
    date: Any = None,
    rules: Mapping[str, Any] | None = None,
) -> PoolExplanation:
    """Explain cross positions that share a wallet of `cash`, in their settle asset.

    Each position is a mapping with symbol, side, size or contracts, entry, mark, and where the
    venue has such a setting leverage; funding_rate is the one settled last. A long and a short
    position of one symbol are the legs of a hedge. `date` and `rules` are as in `explain`.
    Raises UsageError or RulebookError.
    """
    book = override(load(venue), rules or {})
    ts = book.checked_until if date is None else parse_time(date)
    asked = [_matched(book, one) for one in held(positions)]
    _check_together(book, asked)
    found = [_position(book, one, ts) for one in asked]
    for i, p in enumerate(found):
        check_size(book, book.instrument(p.symbol), p, twin_of(found, i))
    return _explained(book, found, wallet_of(book.instrument(found[0].symbol), cash), ts)


def _matched(book: Rulebook, one: Held) -> Held:
    return replace(one, symbol=book.match(one.symbol))


def _position(book: Rulebook, one: Held, ts: int) -> Position:
    instrument = book.instrument(one.symbol)
    setting = inf if one.leverage is None else one.leverage
    record = rules_of(book, instrument, (ts, "cross", setting))
    size = size_of(instrument, one.size, one.contracts)
    signed = size if one.side == "long" else -size
    p = Position(one.symbol, signed, one.entry, one.mark, setting, record, None, one.funding_rate)
    check_leverage(book, p)
    return p


def _check_together(book: Rulebook, asked: Sequence[Held]) -> None:
    """Refuse positions that cannot stand in one pool: two wallets, two marks, no hedge mode."""
    settles = sorted({book.instrument(one.symbol).settle for one in asked})
    if len(settles) > 1:
        raise UsageError(
            f"the positions settle in {' and '.join(settles)}, which are pools of their own; "
            "explain them one pool at a time."
        )
    first: dict[str, Held] = {}
    for one in asked:
        other = first.setdefault(one.symbol, one)
        if other.mark != one.mark:
            raise UsageError(
                f"{one.symbol} has two marks, {other.mark:g} and {one.mark:g}; give both legs one."
            )
        if other is not one and other.side == one.side:
            raise UsageError(f"two {one.side} positions are {one.symbol}; add them up.")
        if other is not one and "hedge.legs" not in book.decisions:
            raise RulebookError(
                f"{book.id} holds no long and short leg of one symbol at once; give the net "
                f"position of {one.symbol}."
            )


def _explained(
    book: Rulebook, found: Sequence[Position], wallet: float, ts: int
) -> PoolExplanation:
    backing, initial, needed = totals(found, wallet)
    ratio = ratio_of(found, wallet)
    return PoolExplanation(
        venue=book.id,
        date=format_time(ts)[:10],
        settle=book.instrument(found[0].symbol).settle,
        cash=wallet,
        unrealized_pnl=sum(p.pnl for p in found),
        equity=backing,
        initial_margin=initial,
        maintenance_margin=needed,
        available=max(backing - initial, 0.0),
        margin_ratio=ratio,
        positions=_each(book, found, wallet, ts),
        joint=_joint(book, found, wallet),
        notes=_notes(found, ratio),
    )


def _each(book: Rulebook, found: Sequence[Position], wallet: float, ts: int) -> list[Explanation]:
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


def _joint(book: Rulebook, found: Sequence[Position], wallet: float) -> list[Joint]:
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


def _notes(found: Sequence[Position], ratio: float) -> list[str]:
    notes = []
    if len({p.symbol for p in found}) > 1:
        notes.append("a liquidation price holds while the marks of other symbols stay as they are")
    if len({p.symbol for p in found}) < len(found):
        notes.append("the two legs of one symbol share their mark, and so their liquidation price")
    if ratio >= 1.0:
        notes.append("at these marks the pool is already liquidated")
    return notes
