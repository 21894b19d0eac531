"""All checks over a store, symbol by symbol, so that no more than two of them are in memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations

from backtest.errors import DataError
from backtest.market.layout import CANDLE_KINDS, FUNDING_NAME, KINDS, timeframe_ms
from backtest.market.quality.candles import (
    check_files,
    check_gaps,
    check_order,
    check_prices,
    check_stale,
    check_volume_jump,
)
from backtest.market.quality.finding import Finding, Limits, Series, found
from backtest.market.quality.funding import check_rates, check_schedule
from backtest.market.quality.pairs import check_band, check_copy, check_fine, check_spot
from backtest.market.quality.table import Table, joined, read_table
from backtest.market.store import Store

Progress = Callable[[str, str, int], None]
AT_ONCE = 2
"""Symbols looked at side by side."""
Read = dict[str, dict[str, Table]]
"""Whole series of a symbol by kind and timeframe."""


@dataclass
class Report:
    """What was looked at and what was found, by venue, symbol, kind and time."""

    files: int = 0
    rows: int = 0
    series: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Take in what was found elsewhere."""
        self.files += other.files
        self.rows += other.rows
        self.series += other.series
        self.findings += other.findings


def check_store(
    store: Store,
    *,
    venues: Sequence[str] = (),
    symbols: Sequence[str] = (),
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Report:
    """Look through a store, or through some venues and symbols of it.

    `progress` is told the venue, the symbol and the rows read so far. Raises UnknownNameError for
    a venue or symbol that no venue has; a broken file is a finding, not an error.
    """
    report, given = Report(), (_spot_places(store), limits or Limits())
    pairs = store.pairs(venues, symbols)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        looks = pool.map(lambda pair: _check_symbol(store, pair[0], pair[1], given), pairs)
        for (venue, symbol), look in zip(pairs, looks, strict=True):
            report.add(look)
            if progress is not None:
                progress(venue, symbol, report.rows)
    report.findings.sort(key=lambda f: (f.venue, f.symbol, f.kind, f.timeframe, f.check, f.start))
    return report


def _spot_places(store: Store) -> dict[str, list[tuple[str, str]]]:
    """(venue, timeframe) of the spot candles of each pair."""
    places: dict[str, list[tuple[str, str]]] = {}
    for venue in store.venues():
        for symbol in store.symbols(venue):
            for timeframe in store.timeframes(venue, symbol, "spot"):
                places.setdefault(symbol.partition(":")[0], []).append((venue, timeframe))
    return places


def _check_symbol(
    store: Store, venue: str, symbol: str,
    given: tuple[dict[str, list[tuple[str, str]]], Limits],
) -> Report:  # fmt: skip
    (spot, limits), report = given, Report()
    read: Read = {}
    for kind in KINDS:
        for timeframe in store.timeframes(venue, symbol, kind):
            of = Series(venue, symbol, kind, timeframe)
            tables = _read(store, of, report)
            report.series += 1
            if not tables:
                continue
            for table in tables:
                report.findings += _alone(of, table, limits)
            report.findings += check_files(of, tables, limits)
            read.setdefault(kind, {})[timeframe] = joined(tables)
    if FUNDING_NAME in read.get("funding", {}):
        of = Series(venue, symbol, "funding", FUNDING_NAME)
        report.findings += check_schedule(of, read["funding"][FUNDING_NAME])
    report.findings += _pairs(venue, symbol, read, limits)
    if symbol.count(":"):
        report.findings += _against_spot(store, venue, symbol, read, spot)
    return report


def _read(store: Store, of: Series, report: Report) -> list[Table]:
    tables = []
    for path in store.paths(of.venue, of.symbol, of.kind, of.timeframe):
        report.files += 1
        try:
            table = read_table(path, of.kind)
        except DataError as error:
            report.findings.append(found(of, "unreadable", (0, 0), 1, str(error)))
            continue
        report.rows += len(table)
        if len(table):
            tables.append(table)
    return tables


def _alone(of: Series, table: Table, limits: Limits) -> Iterator[Finding]:
    if table.symbol is not None and table.symbol != of.symbol:
        detail = f"{table.path.name} says {table.symbol}"
        yield found(of, "name", (int(table.ts[0]), int(table.ts[-1])), len(table), detail)
    if of.kind == "funding":
        yield from check_rates(of, table)
        return
    yield from check_order(of, table, timeframe_ms(of.timeframe))
    yield from check_prices(of, table)
    yield from check_gaps(of, table)
    yield from check_stale(of, table, limits)
    yield from check_volume_jump(of, table)


def _pairs(venue: str, symbol: str, read: Read, limits: Limits) -> Iterator[Finding]:
    for kind in CANDLE_KINDS:
        names = sorted(read.get(kind, {}), key=timeframe_ms)
        for fine, coarse in combinations(names, 2):
            if timeframe_ms(coarse) % timeframe_ms(fine) == 0:
                of, tables = Series(venue, symbol, kind, coarse), read[kind]
                yield from check_fine(of, tables[coarse], tables[fine], fine, limits)
    for timeframe, mark in read.get("mark", {}).items():
        trade = read.get("trade", {}).get(timeframe)
        if trade is not None:
            of = Series(venue, symbol, "mark", timeframe)
            yield from check_band(of, trade, mark, limits)
            yield from check_copy(of, trade, mark)


def _against_spot(
    store: Store, venue: str, symbol: str, read: Read, spot: dict[str, list[tuple[str, str]]]
) -> Iterator[Finding]:
    pair = symbol.partition(":")[0]
    for place, timeframe in spot.get(pair, []):
        trade = read.get("trade", {}).get(timeframe)
        if trade is None:
            continue
        of = Series(place, pair, "spot", timeframe)
        tables = _read(store, of, Report())
        if tables:
            mine = Series(venue, symbol, "trade", timeframe)
            yield from check_spot(mine, trade, joined(tables), f"spot {pair} on {place}")
