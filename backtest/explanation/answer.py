"""What `explain` answers: one position in a venue's numbers, words and sources."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import Any

from ..config import format_time
from ..venues import Instrument, Rulebook
from .asked import Asked, leverage_counts
from .display import display_of, exists
from .notes import notes, sources
from .numbers import Pool, Position, report
from .whole import shown_in_units
from .words import formula


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
