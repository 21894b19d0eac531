"""What is to be shown of a symbol's tiers on a date."""

from dataclasses import dataclass
from math import inf
from typing import Any

from backtest.config import format_time
from backtest.errors import RulebookError, UnknownNameError
from backtest.venues import load_file
from backtest.venues.check import DAY_MS
from backtest.venues.folder import rulebook_file
from backtest.venues.listing import delisting, listed_table
from backtest.venues.model import ALWAYS, FOREVER, Instrument, Rulebook, TierTable, at
from backtest.venues.resolve import is_extrapolated


@dataclass(frozen=True)
class Look:
    """A symbol's tiers on a date: the table, whether it is in force, and what is known of it."""

    book: Rulebook
    instrument: Instrument
    tables: tuple[TierTable, ...]
    ts: int
    margin: str

    @property
    def table(self) -> TierTable:
        """The tiers; after a delisting the last ones."""
        return listed_table(self.tables, self.ts)

    @property
    def ended(self) -> str:
        """In words, when the symbol was delisted, if it is not listed on the date."""
        current = at(self.tables, self.ts)
        return "" if current.listed else delisting(current)

    @property
    def extrapolated(self) -> bool:
        """Whether no table is known to have held on the date."""
        return is_extrapolated(self.book, self.tables, self.ts)

    @property
    def unit(self) -> str:
        """What the floors count, in words."""
        one, unit = self.instrument, self.table.unit
        if unit == "settle":
            return f"value in {one.settle}"
        quote = one.symbol.partition("/")[2].partition(":")[0]
        counted = quote if one.contract == "inverse" else one.base
        if unit == "base":
            return f"size in {counted}"
        return f"contracts of {one.contract_size:g} {counted}"

    @property
    def rule(self) -> str:
        """The tier rule's word."""
        variants = (self.instrument.contract, self.margin)
        return str(self.book.at("maintenance.tier_rule", self.ts, *variants).value)

    def rows(self) -> list[dict[str, float | None]]:
        """The tiers from the smallest on; the last one's end is None if it has none."""
        t = self.table
        ends = [*t.floors[1:], None if t.cap == inf else t.cap]
        names = ("floor", "up_to", "rate", "max_leverage", "deduction")
        kept = t.deductions if self.rule == "progressive" else [None] * len(t.floors)
        columns = (t.floors, ends, t.rates, t.max_leverages, kept)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON holds it."""
        table, source = self.table, self.book.sources[self.table.source]
        return {
            "venue": self.book.id,
            "symbol": self.instrument.symbol,
            "margin": self.margin,
            "date": format_time(self.ts),
            "listed": not self.ended,
            "delisted": self.ended or None,
            "valid_from": moment(table.valid_from),
            "known_before": moment(table.known_before),
            "seen_until": moment(table.seen_until),
            "extrapolated": self.extrapolated,
            "imported": table.source.startswith("imported-"),
            "source": source.title,
            "where": source.where,
            "source_date": source.date,
            "confidence": table.confidence,
            "contract_confidence": self.instrument.confidence,
            "note": table.note,
            "unit": table.unit,
            "rule": self.rule,
            "complete": table.complete,
            "tiers": self.rows(),
        }


def look(book: Rulebook, symbol: str, ts: int | None, margin: str) -> Look:
    """A symbol's tiers at a time (ms), the latest known by default."""
    if margin not in ("isolated", "cross"):
        raise UnknownNameError("margin mode", margin, ["isolated", "cross"])
    instrument = book.instrument(book.match(symbol))
    tables = book.tables(instrument.family, margin)
    if not tables:
        raise RulebookError(f"{book.id} has no {margin} tiers of {symbol}; change --margin.")
    if ts is not None:
        book.refuse_before(ts)
    latest = max(book.checked_until, tables[-1].valid_from)
    return Look(book, instrument, tables, latest if ts is None else ts, margin)


def built_in_look(book: Rulebook, symbol: str, ts: int | None, margin: str) -> Look:
    """The same without what was imported; refuses a symbol that only an import has."""
    name = book.match(symbol)
    own = load_file(rulebook_file(book.id))
    if book.instrument(name).family not in own.tiers:
        raise RulebookError(
            f"the rulebook of {book.id} has no tiers of {name!r}, only your import has; compare "
            f"two dates, or see them with `backtest tiers show {book.id} {name}`."
        )
    return look(own, name, ts, margin)


def day(ms: int | None) -> str | None:
    """A date as text; none for no date and for the ends of time."""
    return None if ms is None or not ALWAYS < ms < FOREVER else format_time(ms)[:10]


def moment(ms: int | None) -> str | None:
    """A date as text, with the time of day but for the first and the last moment of a day."""
    date = day(ms)
    if ms is None or date is None or ms % DAY_MS in (0, DAY_MS - 1):
        return date
    return format_time(ms)
