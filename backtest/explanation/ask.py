"""`explain`: what a venue would do to one position, in numbers, words and sources."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from typing import Any

from ..config import format_time, parse_time
from ..errors import UsageError
from ..venues import Instrument, Rulebook, load, override, resolve
from .asked import Asked, leverage_counts
from .checks import check_amounts, check_leverage, check_size, check_words, size_of
from .display import display_of, exists
from .notes import notes, sources
from .numbers import Pool, Position, opening_margin, report
from .whole import shown_in_units
from .words import formula

CASH = 10_000.0
"""Wallet of a cross pool that settles in a currency, where none is given."""


@dataclass(frozen=True)
class Explanation:
    """A position in a venue's numbers. Prices are None where there is none; amounts in `settle`.

    `size` is in `size_unit`; `leverage` is None on a venue without such a setting; `shown` is what
    the venue's screen prints, `sources` the rules used with their origin.
    """

    venue: str
    symbol: str
    contract: str
    side: str
    size: float
    size_unit: str
    contracts: float
    entry: float
    mark: float
    leverage: float | None
    margin: str
    date: str
    settle: str
    notional: float
    unrealized_pnl: float
    equity: float
    initial_margin: float
    maintenance_margin: float
    margin_ratio: float
    liquidation_price: float | None
    bankruptcy_price: float | None
    shown_liquidation_price: float | None
    shown_maintenance_margin: float
    shown_margin_ratio: float
    tier: int
    formula: Sequence[str]
    notes: Sequence[str]
    sources: Sequence[Mapping[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them; None where a number is infinite."""
        return plain(asdict(self))

    def __str__(self) -> str:
        """The numbers, the formula in words and the sources, at most 80 columns wide."""
        from .text import render

        return render(self)


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with None where a number is infinite or none."""
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in values.items()
    }


def explain(
    venue: str,
    symbol: str,
    *,
    side: str,
    entry: float,
    size: float | None = None,
    contracts: float | None = None,
    leverage: float | None = None,
    margin: str = "isolated",
    mark: float | None = None,
    cash: float | None = None,
    extra_margin: float = 0.0,
    funding_rate: float = 0.0,
    date: Any = None,
    rules: Mapping[str, Any] | None = None,
) -> Explanation:
    """Explain a position from `entry`, at a mark (the entry by default).

    `size` is in base units, of inverse contracts in quote value (USD); `contracts` is the other
    way to give it. `leverage` is the venue's setting, and may be left out where the venue has
    none. `margin` is isolated or cross; `cash` is the wallet of a cross pool, `extra_margin` is
    added to an isolated position, both in the settle asset. `funding_rate` is the one settled
    last, for venues that require the next payment. `date` (text, a date or milliseconds) picks
    the rules, the latest by default. `rules` replaces values by dotted key. Raises UsageError
    or RulebookError.
    """
    check_words(side, margin)
    setting = inf if leverage is None else leverage
    now = entry if mark is None else mark
    check_amounts(entry=entry, mark=now, **({} if leverage is None else {"leverage": leverage}))
    book = override(load(venue), rules or {})
    instrument = book.instrument(book.match(symbol))
    ts = book.checked_until if date is None else parse_time(date)
    record = rules_of(book, instrument, (ts, margin, setting))
    amount = size_of(instrument, size, contracts)
    signed = amount if side == "long" else -amount
    p = Position(instrument.symbol, signed, entry, now, setting, record, None, funding_rate)
    check_leverage(book, p)
    check_size(book, instrument, p)
    if margin == "isolated":
        p = replace(p, margin=opening_margin(p) + extra_margin)
    pool = Pool(wallet_of(instrument, cash)) if margin == "cross" else None
    return explained(asked_about(book, instrument, (ts, margin), p, pool))


def rules_of(book: Rulebook, instrument: Instrument, how: tuple[int, str, float]) -> Any:
    """The RULES record of a contract at a date, in a margin mode, at a leverage (inf: none)."""
    ts, mode, leverage = how
    record = resolve(book, instrument.symbol, ts, ts + 1, mode=mode, leverage=leverage)[0]
    rule = book.at("maintenance.tier_rule", ts, instrument.contract, mode).value
    if rule == "over_leverage" and leverage == inf:
        raise UsageError(f"the maintenance rate of {book.id} depends on the leverage; give it.")
    return record


def wallet_of(instrument: Instrument, cash: float | None) -> float:
    """The money of a cross pool; of a coin the default would be a fortune, so none is assumed."""
    if cash is not None:
        check_amounts(cash=cash)
        return cash
    if instrument.contract != "linear":
        raise UsageError(
            f"a cross position in {instrument.symbol} stands on a wallet in {instrument.settle}; "
            "give its cash (--cash), in that coin."
        )
    return CASH


def asked_about(
    book: Rulebook,
    instrument: Instrument,
    how: tuple[int, str],
    p: Position,
    pool: Pool | None,
) -> Asked:
    """A position with its numbers and what the venue's screen shows."""
    ts, mode = how
    result = report(p, pool, display_of(book, mode, ts, instrument.contract))
    a = Asked(book, instrument, ts, mode, p, pool, result)
    result.shown.update(shown_in_units(a))
    return a


def explained(a: Asked) -> Explanation:
    """The answer to a question, in plain values."""
    r, instrument = a.report, a.instrument
    return Explanation(
        **_asked_for(a),
        settle=instrument.settle,
        notional=r.notional,
        unrealized_pnl=r.unrealized_pnl,
        equity=r.equity,
        initial_margin=r.initial_margin,
        maintenance_margin=r.maintenance_margin,
        margin_ratio=r.margin_ratio,
        liquidation_price=_or_none(r.liquidation_price),
        bankruptcy_price=_or_none(r.bankruptcy_price),
        shown_liquidation_price=_or_none(r.shown["liquidation_price"]),
        shown_maintenance_margin=r.shown["maintenance_margin"],
        shown_margin_ratio=r.shown["margin_ratio"],
        tier=r.tier,
        formula=formula(a),
        notes=notes(a),
        sources=sources(a),
    )


def _asked_for(a: Asked) -> dict[str, Any]:
    """What was asked for, with the size in both units."""
    p, size = a.position, abs(a.position.size)
    return {
        "venue": a.book.id,
        "symbol": p.symbol,
        "contract": a.instrument.contract,
        "side": "long" if p.size > 0 else "short",
        "size": size,
        "size_unit": a.unit,
        "contracts": size / a.instrument.contract_size,
        "entry": p.entry,
        "mark": p.mark,
        "leverage": None if p.leverage == inf or not leverage_counts(p.rules) else p.leverage,
        "margin": a.mode,
        "date": format_time(a.ts)[:10],
    }


def _or_none(price: float) -> float | None:
    return price if exists(price) else None
