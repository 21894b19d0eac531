"""From when to when a venue lists a symbol: tier tables that say "no longer"."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ..errors import RulebookError
from .model import FOREVER, TierTable, at


def unlisted(
    valid_from: int, source: str, confidence: str, known_before: int | None = None, mode: str = ""
) -> TierTable:
    """A table without tiers: from this date on the venue does not list the symbol."""
    return TierTable(
        valid_from=valid_from,
        source=source,
        confidence=confidence,
        floors=(0.0,),
        rates=(0.0,),
        deductions=(0.0,),
        max_leverages=(1.0,),
        cap=0.0,
        complete=True,
        unit="settle",
        mode=mode,
        known_before=known_before,
        listed=False,
    )


def listed_table(tables: tuple[TierTable, ...], ts_ms: int) -> TierTable:
    """The tiers in force at a date; after a delisting the last ones before it."""
    current = at(tables, ts_ms)
    if current.listed:
        return current
    before = [t for t in tables if t.listed and t.valid_from < current.valid_from]
    return before[-1]


def listed_until(tables: Sequence[TierTable], ts_ms: int) -> int:
    """When the listing that is or was last in force at a date ends (ms); FOREVER if it goes on."""
    ended = FOREVER
    for table in tables:
        if table.valid_from > ts_ms and ended < FOREVER:
            break
        if table.listed:
            ended = FOREVER
        elif ended == FOREVER:
            ended = table.valid_from
    return ended


def refuse_unlisted(
    venue: str, symbol: str, tables: tuple[TierTable, ...], ts_ms: int, until_ms: int
) -> None:
    """Refuse a span that begins after a symbol was delisted, unless it is listed again in it."""
    current = at(tables, ts_ms)
    if current.listed or any(t.listed and ts_ms < t.valid_from < until_ms for t in tables):
        return
    again = next((t for t in tables if t.listed and t.valid_from > ts_ms), None)
    later = f" or after {_day(again.valid_from)}" if again else ""
    raise RulebookError(
        f"{venue} does not list {symbol} on {_day(ts_ms)}: {delisting(current)}; "
        f"choose a date before{later}, or another symbol."
    )


def delisting(table: TierTable) -> str:
    """In words, when a symbol was delisted: a day, or the two looks it lies between."""
    if table.known_before is None:
        return f"delisted by {_day(table.valid_from)}"
    return f"delisted between {_day(table.known_before)} and {_day(table.valid_from)}"


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
