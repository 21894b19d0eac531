"""`explain_pool`: what a venue would do to several cross positions that share one wallet."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

from ..config import format_time, parse_time
from ..errors import RulebookError, UsageError
from ..venues import Rulebook, load, override
from .answer import Explanation, plain
from .ask import assumed_wallet, check_position, rules_of, wallet_of
from .checks import check_size, size_of
from .numbers import Position
from .pool_prices import Joint, each_position, joint_prices
from .pools import ratio_of, totals, twin_of
from .positions_file import Held, held


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
    asked = [_matched(book, i, one) for i, one in enumerate(held(positions), 1)]
    ts = book.latest(one.symbol for one in asked) if date is None else parse_time(date)
    book.refuse_before(ts)
    _check_together(book, asked)
    found = [_position(book, one, ts) for one in asked]
    for i, p in enumerate(found):
        check_size(book, book.instrument(p.symbol), p, twin_of(found, i))
    first = book.instrument(found[0].symbol)
    result = _explained(book, found, wallet_of(first, cash), ts)
    return replace(result, notes=[*filter(None, [assumed_wallet(first, cash)]), *result.notes])


def _matched(book: Rulebook, which: int, one: Held) -> Held:
    """The position under the venue's symbol; a pool holds nothing that the venue does not list."""
    symbol = book.match(one.symbol)
    if symbol != one.symbol and ":" in one.symbol:
        raise RulebookError(
            f"position {which} is in {one.symbol}, which {book.id} does not list; write {symbol} "
            "if you hold that."
        )
    return replace(one, symbol=symbol)


def _position(book: Rulebook, one: Held, ts: int) -> Position:
    instrument = book.instrument(one.symbol)
    setting = inf if one.leverage is None else one.leverage
    record = rules_of(book, instrument, (ts, "cross", setting))
    size = size_of(instrument, one.size, one.contracts)
    signed = size if one.side == "long" else -size
    p = Position(one.symbol, signed, one.entry, one.mark, setting, record, None, one.funding_rate)
    check_position(book, instrument, p)
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
        positions=each_position(book, found, wallet, ts),
        joint=joint_prices(book, found, wallet),
        notes=_notes(found, ratio),
    )


def _notes(found: Sequence[Position], ratio: float) -> list[str]:
    notes = []
    if len({p.symbol for p in found}) > 1:
        notes.append("a liquidation price holds while the marks of other symbols stay as they are")
    if len({p.symbol for p in found}) < len(found):
        notes.append("the two legs of one symbol share their mark, and so their liquidation price")
    if ratio >= 1.0:
        notes.append("at these marks the pool is already liquidated")
    return notes
