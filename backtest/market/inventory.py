"""What is in a store, from the footers of its files: spans, rows, sizes, sources."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from backtest.errors import DataError
from backtest.market.layout import KINDS, timeframe_ms
from backtest.market.series import PARQUET_ERRORS, read_segment, unreadable
from backtest.market.store import Store

HIDDEN = "ARROW:schema"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: first and last stamp in ms (none where it is empty), rows, bytes, metadata."""

    path: Path
    first: int | None
    last: int | None
    rows: int
    size: int
    notes: dict[str, str]


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """One series: `missing` counts bars between its first and last that no file has.

    None for funding, whose interval changes. `problem` says what is wrong with its files where
    something is; then the numbers are of the others.
    """

    venue: str
    symbol: str
    kind: str
    timeframe: str
    files: int
    first: int | None
    last: int | None
    rows: int
    missing: int | None
    size: int
    source: str
    problem: str

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def list_series(
    store: Store, venues: Sequence[str] = (), symbols: Sequence[str] = ()
) -> Iterator[SeriesEntry]:
    """Every series of a store, or of some venues and symbols, in order of their names.

    Raises UnknownNameError for a venue, or a symbol that none of the venues has.
    """
    for venue, symbol in store.pairs(venues, symbols):
        for kind in KINDS:
            for timeframe in store.timeframes(venue, symbol, kind):
                yield _series(store, (venue, symbol, kind, timeframe))


def _series(store: Store, of: tuple[str, str, str, str]) -> SeriesEntry:
    files, problem = [], ""
    for path in store.paths(*of):
        try:
            files.append(describe(path, of[2]))
        except DataError as error:
            problem = str(error)
    whole = [f for f in files if f.first is not None and f.last is not None]
    first = min((f.first for f in whole if f.first is not None), default=None)
    last = max((f.last for f in whole if f.last is not None), default=None)
    rows, missing = sum(f.rows for f in whole), None
    if of[2] != "funding" and first is not None and last is not None:
        missing = max((last - first) // timeframe_ms(of[3]) + 1 - rows, 0)
    sources = dict.fromkeys(f.notes["source"] for f in files if f.notes.get("source"))
    size = sum(f.size for f in files)
    count = len(store.paths(*of))
    return SeriesEntry(*of, count, first, last, rows, missing, size, ", ".join(sources), problem)


def describe(path: Path, kind: str) -> FileEntry:
    """One file. Raises DataError where it cannot be read as one of its kind."""
    segment = read_segment(path, kind)
    try:
        found = pq.read_metadata(path).metadata or {}
        size = path.stat().st_size
    except PARQUET_ERRORS as error:
        raise unreadable(path, error) from error
    notes = {k.decode(errors="replace"): v.decode(errors="replace") for k, v in found.items()}
    notes.pop(HIDDEN, None)
    if segment is None:
        return FileEntry(path, None, None, 0, size, notes)
    return FileEntry(path, segment.start, segment.stop - 1, segment.rows, size, notes)
