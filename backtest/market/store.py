"""A folder of market data: what is in it, and any series of it by name."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq

from backtest.errors import DataError, UnknownNameError
from backtest.market.layout import (
    CANDLE_KINDS,
    FUNDING_NAME,
    KINDS,
    folder_of,
    symbol_of,
    timeframe_ms,
    timeframe_of,
)
from backtest.market.series import PARQUET_ERRORS, Segment, Series, plan_segments, read_segment


class Store:
    """Market data under one root folder, laid out as `backtest.market.layout` says.

    Names that begin with `_` or `.` and loose files in the root are ignored. Any folder is a
    venue, whether or not there is a rulebook for it.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise DataError(
                f"there is no folder {str(self.root)!r} to read market data from; "
                "give one laid out as VENUE/SYMBOL/KIND/1h.parquet with --data."
            )

    def venues(self) -> list[str]:
        """Names of the venue folders, sorted."""
        return [p.name for p in _folders(self.root)]

    def symbols(self, venue: str) -> list[str]:
        """ccxt symbols of one venue, sorted. Raises UnknownNameError for an unknown venue."""
        return sorted(_symbol_in(p) for p in _folders(self._venue(venue)))

    def pairs(
        self, venues: Sequence[str] = (), symbols: Sequence[str] = ()
    ) -> list[tuple[str, str]]:
        """(venue, symbol) of all that is there, or of some venues and symbols, sorted.

        Raises UnknownNameError for a venue that is not there, or a symbol that none of them has.
        """
        places = [(v, s) for v in venues or self.venues() for s in self.symbols(v)]
        known = {symbol for _, symbol in places}
        for symbol in symbols:
            if symbol not in known:
                where = f"Looked in {str(self.root)!r}."
                raise UnknownNameError("symbol", symbol, known, where)
        return sorted(p for p in places if not symbols or p[1] in symbols)

    def timeframes(self, venue: str, symbol: str, kind: str) -> list[str]:
        """Timeframes that one kind of candle of a symbol exists in, shortest first.

        Empty when the symbol has no file of that kind. Funding has the one name `funding`.
        """
        folder = self._symbol(venue, symbol) / _known_kind(kind)
        names = {timeframe_of(p.stem, kind) for p in _files(folder)} - {None}
        return sorted((n for n in names if n), key=lambda n: timeframe_ms(n) if n != kind else 0)

    def has(self, venue: str, symbol: str, kind: str, timeframe: str = FUNDING_NAME) -> bool:
        """Whether the store holds that series; False also for an unknown venue or symbol."""
        known = venue in self._venue_names and (self.root / venue / folder_of(symbol)).is_dir()
        return known and timeframe in self.timeframes(venue, symbol, kind)

    def paths(
        self, venue: str, symbol: str, kind: str, timeframe: str = FUNDING_NAME
    ) -> list[Path]:
        """The files of a series, by name; none are opened."""
        folder = self._symbol(venue, symbol) / _known_kind(kind)
        return [p for p in _files(folder) if timeframe_of(p.stem, kind) == timeframe]

    def series(self, venue: str, symbol: str, kind: str, timeframe: str = FUNDING_NAME) -> Series:
        """One series, its files joined. Reads the footers of its files and nothing else.

        Raises UnknownNameError for a venue or symbol that is not there, DataError for a missing
        or empty series, a file with wrong columns or one that says it holds another symbol.
        """
        paths = self.paths(venue, symbol, kind, timeframe)
        found = [s for p in paths if (s := read_segment(p, kind)) is not None]
        if paths and not found:
            raise DataError(
                f"{', '.join(map(str, paths))} is empty: it has columns but no rows; "
                "write it again or remove it."
            )
        if not found:
            raise self._missing(venue, symbol, kind, timeframe)
        for segment in found:
            _check_symbol(segment, symbol)
        segments, skipped = plan_segments(found)
        return Series(venue, symbol, kind, timeframe, segments, skipped)

    def find(
        self, venue: str, symbol: str, kind: str, timeframe: str = FUNDING_NAME
    ) -> Series | None:
        """The series, or None where the store does not have it."""
        if not self.has(venue, symbol, kind, timeframe):
            return None
        return self.series(venue, symbol, kind, timeframe)

    def _missing(self, venue: str, symbol: str, kind: str, timeframe: str) -> DataError:
        folder = self._symbol(venue, symbol) / kind
        there = self.timeframes(venue, symbol, kind)
        what = "funding" if kind == "funding" else f"{timeframe} {kind} candles"
        has = f"it has {kind} in {', '.join(there)}" if there else self._other_kinds(venue, symbol)
        return DataError(
            f"no {what} of {symbol} on {venue} in {str(folder)!r}; {has}: "
            "choose one of these or add the file."
        )

    def _other_kinds(self, venue: str, symbol: str) -> str:
        lists = {k: self.timeframes(venue, symbol, k) for k in KINDS}
        texts = [f"{k} {'/'.join(v)}" if k in CANDLE_KINDS else k for k, v in lists.items() if v]
        return f"the symbol has only {', '.join(texts)}" if texts else "the symbol has no files"

    def _venue(self, venue: str) -> Path:
        if venue not in self._venue_names:
            raise UnknownNameError("venue", venue, self.venues(), f"Looked in {str(self.root)!r}.")
        return self.root / venue

    @cached_property
    def _venue_names(self) -> frozenset[str]:
        return frozenset(self.venues())

    def _symbol(self, venue: str, symbol: str) -> Path:
        folder = self._venue(venue) / folder_of(symbol)
        if folder_of(symbol) == symbol or not folder.is_dir():
            where = f"Looked in {str(self.root / venue)!r}."
            raise UnknownNameError("symbol", symbol, self.symbols(venue), where)
        return folder


def _check_symbol(segment: Segment, symbol: str) -> None:
    if segment.symbol is not None and segment.symbol != symbol:
        raise DataError(
            f"{segment.path} holds {segment.symbol} by its metadata (ccxt_symbol), not {symbol}; "
            "move it to a folder of its own or ask for that symbol."
        )


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise UnknownNameError("kind of series", kind, KINDS)
    return kind


def _folders(parent: Path) -> list[Path]:
    return sorted(p for p in parent.iterdir() if p.is_dir() and p.name[0] not in "_.")


def _files(folder: Path) -> list[Path]:
    found = folder.glob("*.parquet") if folder.is_dir() else ()
    return sorted(p for p in found if p.name[0] not in "_.")


def _symbol_in(folder: Path) -> str:
    """The symbol that the folder's own files name; a folder name alone can be ambiguous."""
    for path in (p for kind in KINDS for p in _files(folder / kind)[:1]):
        try:
            notes = pq.read_metadata(path).metadata or {}
        except PARQUET_ERRORS:
            continue
        named: str = notes.get(b"ccxt_symbol", b"").decode(errors="replace")
        if folder_of(named) == folder.name:
            return named
    return symbol_of(folder.name)
