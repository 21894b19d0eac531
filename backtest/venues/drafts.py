"""Drafts of tier tables, checked against the venue's rulebook."""

from typing import Any

from ..core.types import TierRule
from .check import Place, milliseconds
from .derive import kind_of
from .draft import Draft, Tier
from .model import Rulebook
from .screening import (
    check_date,
    check_edges,
    check_end,
    check_initial,
    check_origin,
    check_unit,
)
from .store import Imported
from .tables import read_table

HERE = "imported"
OVER_LEVERAGE = TierRule.OVER_LEVERAGE.name.lower()


def checked(book: Rulebook, file: str, draft: Draft) -> Imported:
    """A draft as a table to keep; refuses what is wrong with file, symbol, date and remedy."""
    place = Place(file, f"{draft.symbol} {draft.valid_from:%Y-%m-%d}", frozenset({HERE}))
    check_origin(place, draft)
    kind = kind_of(place / "symbol", book, draft.symbol)
    date = milliseconds(place / "valid_from", draft.valid_from)
    check_date(place / "valid_from", book, date)
    check_end(place / "valid_to", draft.seen_until)
    if draft.tiers:
        check_unit(place / "unit", book, kind, draft)
        check_edges(place, draft.tiers)
    rule = tier_rule(book, kind, draft.mode, date)
    table = read_table(place, _written(draft), lambda ts: rule)
    if rule != OVER_LEVERAGE:
        check_initial(place, table)
    return Imported(draft.symbol, table, draft.origin, draft.carried)


def tier_rule(book: Rulebook, kind: str, mode: str, ts: int) -> str:
    """The word of the tier rule of a kind of contract in a margin mode ("": any) at a date."""
    variants = (kind, mode) if mode else (kind,)
    return str(book.at("maintenance.tier_rule", ts, *variants).value)


def _written(draft: Draft) -> dict[str, Any]:
    """The draft in the form of a [[tiers]] table, without tiers that a venue gives no width."""
    table: dict[str, Any] = {
        "valid_from": draft.valid_from,
        "source": HERE,
        "confidence": draft.confidence,
        "listed": bool(draft.tiers),
        "unit": draft.unit,
        "note": draft.note,
        "rows": [_row(tier) for tier in draft.tiers if tier.cap != tier.floor],
    }
    if draft.tiers and draft.tiers[-1].cap is not None:
        table["cap"] = draft.tiers[-1].cap
    optional = {"known_before": draft.known_before, "seen_until": draft.seen_until}
    table |= {k: v for k, v in optional.items() if v is not None}
    return table | ({"mode": draft.mode} if draft.mode else {})


def _row(tier: Tier) -> list[Any]:
    row = [tier.floor, tier.rate, tier.max_leverage]
    return row if tier.deduction is None else [*row, tier.deduction]
