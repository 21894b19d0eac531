"""`explain`: what a venue would do to one position, in numbers, words and sources."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

from ..config import format_time, parse_time
from ..core.tiers import largest_key_at, tier_key, tier_of
from ..core.types import TierKey
from ..errors import UnknownNameError, UsageError
from ..venues import Rulebook, at, load, override, provenance, resolve, tier_provenance
from .display import display_of, exists
from .numbers import Pool, Position, Report, opening_margin, report
from .words import KEYS, formula, number

USED = ("maintenance", "initial", "trigger", "bankruptcy", "fees")
"""Tables of a rulebook that a liquidation price can depend on."""


@dataclass(frozen=True)
class Explanation:
    """A position in a venue's numbers. Prices are None where there is none; amounts in `settle`.

    `shown` is what the venue's screen prints, `sources` the rules used with their origin.
    """

    venue: str
    symbol: str
    side: str
    size: float
    entry: float
    mark: float
    leverage: float
    margin: str
    date: str
    settle: str
    notional: float
    equity: float
    initial_margin: float
    maintenance_margin: float
    margin_ratio: float
    liquidation_price: float | None
    bankruptcy_price: float | None
    shown_liquidation_price: float | None
    tier: int
    formula: Sequence[str]
    notes: Sequence[str]
    sources: Sequence[Mapping[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them; None where a number is infinite."""
        return {
            name: None if isinstance(value, float) and not isfinite(value) else value
            for name, value in asdict(self).items()
        }

    def __str__(self) -> str:
        """The numbers, the formula in words and the sources, at most 80 columns wide."""
        from .text import render

        return render(self)


def explain(
    venue: str,
    symbol: str,
    *,
    side: str,
    entry: float,
    size: float,
    leverage: float,
    margin: str = "isolated",
    mark: float | None = None,
    cash: float = 10_000.0,
    extra_margin: float = 0.0,
    date: Any = None,
    rules: Mapping[str, Any] | None = None,
) -> Explanation:
    """Explain a position of `size` base units from `entry`, at a mark (the entry by default).

    `margin` is isolated or cross; `cash` is the wallet of a cross pool, `extra_margin` is added
    to an isolated position, both in the settle asset. `date` (text, a date or milliseconds)
    picks the rules, the latest by default. `rules` replaces values by dotted key. Raises
    UsageError or RulebookError.
    """
    book = override(load(venue), rules or {})
    name = book.match(symbol)
    ts = book.checked_until if date is None else parse_time(date)
    now = entry if mark is None else mark
    _check(side, margin, entry=entry, size=size, leverage=leverage, mark=now, cash=cash)
    record = resolve(book, name, ts, ts + 1)[0]
    signed = size if side == "long" else -size
    p = Position(name, signed, entry, now, leverage, record)
    _check_size(book, p)
    if margin == "isolated":
        p = replace(p, margin=opening_margin(p) + extra_margin)
    pool = Pool(cash) if margin == "cross" else None
    result = report(p, pool, display_of(book, margin, ts))
    return _explanation(book, p, pool, result, (margin, ts))


def _check(side: str, margin: str, **amounts: float) -> None:
    if side not in ("long", "short"):
        raise UnknownNameError("side", side, ["long", "short"])
    if margin not in ("isolated", "cross"):
        raise UnknownNameError("margin mode", margin, ["isolated", "cross"])
    for name, value in amounts.items():
        if not 0 < value < float("inf"):
            raise UsageError(f"{name} is {value:g}; it must be a number greater than 0.")
    if amounts["leverage"] < 1:
        raise UsageError(f"leverage is {amounts['leverage']:g}; it must be 1 or more.")


def _check_size(book: Rulebook, p: Position) -> None:
    """Refuse what the venue would refuse: leverage over the tier's, or beyond the table."""
    highest = float(p.rules["max_leverage"][0])
    if p.leverage > highest + 1e-9:
        raise UsageError(
            f"leverage {p.leverage:g} is over the maximum of {highest:g} for {p.symbol} on "
            f"{book.id}; lower it."
        )
    key = tier_key(p.rules, p.size, p.entry, p.mark)
    limit = largest_key_at(p.rules, p.leverage)
    if key <= limit * (1 + 1e-12):
        return
    what, unit = _tier_key_words(book, p)
    if limit < p.rules["cap"]:
        allowed = float(p.rules["max_leverage"][tier_of(p.rules, p.size, p.entry, p.mark)])
        raise UsageError(
            f"{book.id} allows {p.leverage:g}x of {p.symbol} up to {number(limit)} {unit} of "
            f"{what}, this position has {number(key)}; lower the leverage (at most {allowed:g}x "
            "at this size) or the size."
        )
    known = "the venue's limit" if p.rules["tiers_complete"] else "the last tier that is known"
    raise UsageError(
        f"the position's {what} of {number(key)} {unit} is over {number(limit)}, {known} of "
        f"{p.symbol} on {book.id}; make it smaller or add the tiers."
    )


def _tier_key_words(book: Rulebook, p: Position) -> tuple[str, str]:
    """What a venue's tiers are keyed on, and the unit of it."""
    kind, instrument = TierKey(int(p.rules["tier_key"])), book.instrument(p.symbol)
    return KEYS[kind], instrument.base if kind == TierKey.SIZE else instrument.settle


def _explanation(
    book: Rulebook, p: Position, pool: Pool | None, r: Report, when: tuple[str, int]
) -> Explanation:
    mode, ts = when
    return Explanation(
        venue=book.id,
        symbol=p.symbol,
        side="long" if p.size > 0 else "short",
        size=abs(p.size),
        entry=p.entry,
        mark=p.mark,
        leverage=p.leverage,
        margin=mode,
        date=format_time(ts)[:10],
        settle=book.instrument(p.symbol).settle,
        notional=r.notional,
        equity=r.equity,
        initial_margin=r.initial_margin,
        maintenance_margin=r.maintenance_margin,
        margin_ratio=r.margin_ratio,
        liquidation_price=_or_none(r.liquidation_price),
        bankruptcy_price=_or_none(r.bankruptcy_price),
        shown_liquidation_price=_or_none(r.shown["liquidation_price"]),
        tier=r.tier,
        formula=formula(p, pool, r),
        notes=_notes(book, p, r, ts),
        sources=_sources(book, p.symbol, ts),
    )


def _or_none(price: float) -> float | None:
    return price if exists(price) else None


def _notes(book: Rulebook, p: Position, r: Report, ts: int) -> list[str]:
    notes = []
    if p.rules["extrapolated"]:
        table = at(book.tiers[p.symbol], ts)
        notes.append(
            "no tier table is known to hold on this date; the one of "
            f"{format_time(table.valid_from)[:10]} stands in (rules_extrapolated)"
        )
    if not p.rules["tiers_complete"]:
        notes.append(f"the table is known in part, up to {number(float(p.rules['cap']))}")
    if r.margin_ratio >= 1.0:
        notes.append("at this mark the position is already liquidated")
    return notes


def _sources(book: Rulebook, symbol: str, ts: int) -> list[dict[str, Any]]:
    rows = [r for r in provenance(book, ts) if str(r["key"]).split(".")[0] in USED]
    unused = ("fees.maker", "fees.clearance", "maintenance.share_of_initial")
    rows = [r for r in rows if r["key"] not in unused]
    return [*rows, tier_provenance(book, symbol, ts)]
