"""A reading position in one series: the next rows, decoded batch by batch, in flat memory."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backtest.errors import DataError
from backtest.market.check import (
    Floats,
    Ints,
    Place,
    check_candles,
    check_funding,
    check_volume,
)
from backtest.market.layout import PRICE_COLUMNS, VALUE_COLUMNS, timeframe_ms
from backtest.market.series import (
    PARQUET_ERRORS,
    Segment,
    Series,
    group_spans,
    unreadable,
)

BATCH_ROWS = 65_536
READ_BYTES = 1 << 20
_NO_STAMPS: Ints = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of a series: stamps in ms and one array per value column.

    The arrays are read-only views of the decoder's memory.
    """

    ts: Ints
    values: tuple[Floats, ...]

    def __len__(self) -> int:
        return len(self.ts)

    def cut(self, start: int, stop: int) -> "Rows":
        """Rows start to stop, without copying."""
        return Rows(self.ts[start:stop], tuple(v[start:stop] for v in self.values))


@dataclass(frozen=True, slots=True)
class Span:
    """What to read: stamps since <= ts < until in ms, in batches of so many rows."""

    since: int
    until: int
    batch_rows: int = BATCH_ROWS
    volume: bool = False


def read_rows(series: Series, span: Span) -> Iterator[Rows]:
    """Checked rows of a series in time order, at most `span.batch_rows` at a time.

    Row groups that lie outside the span are not read. Raises DataError, naming file and row,
    when what it reads is broken.
    """
    for segment in series.segments:
        start, stop = max(segment.start, span.since), min(segment.stop, span.until)
        if start < stop:
            yield from _read_segment(
                series, segment, Span(start, stop, span.batch_rows, span.volume)
            )


def _read_segment(series: Series, segment: Segment, span: Span) -> Iterator[Rows]:
    columns = _columns(series.kind, span.volume)
    with _opened(segment.path) as file:
        groups = group_spans(file, segment.path)
        wanted = _overlapping(groups, span)
        row = sum(g[2] for g in groups[: wanted.start])
        previous: int | None = None
        batches = file.iter_batches(
            span.batch_rows, row_groups=list(wanted), columns=columns, use_threads=False
        )
        while (batch := _next_batch(batches, segment.path)) is not None:
            rows = _decode(batch, columns, Place(segment.path, row, previous))
            _check(series, rows, Place(segment.path, row, previous))
            row += len(rows)
            previous = int(rows.ts[-1]) if len(rows) else previous
            inside = _inside(rows, span)
            if len(inside):
                yield inside


def _overlapping(groups: list[tuple[int, int, int]], span: Span) -> range:
    """From the first row group that reaches into the span to the last: in order there are no
    others between, and out of order they must be seen to be refused."""
    found = [i for i, g in enumerate(groups) if g[1] >= span.since and g[0] < span.until]
    return range(found[0], found[-1] + 1) if found else range(0)


def _opened(path: Path) -> pq.ParquetFile:
    # The defaults read ahead as far as the file goes, and a whole column of a row group at once.
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=READ_BYTES)
    except PARQUET_ERRORS as error:
        raise unreadable(path, error) from error


def _next_batch(batches: Iterator[pa.RecordBatch], path: Path) -> pa.RecordBatch | None:
    try:
        return next(batches, None)
    except PARQUET_ERRORS as error:
        raise unreadable(path, error) from error


def _columns(kind: str, volume: bool) -> list[str]:
    if kind == "funding":
        return ["ts", *VALUE_COLUMNS[kind]]
    with_volume = volume and "volume" in VALUE_COLUMNS[kind]
    return ["ts", *PRICE_COLUMNS, *(["volume"] if with_volume else [])]


def _decode(batch: pa.RecordBatch, columns: list[str], place: Place) -> Rows:
    # The decoder returns columns in the order of the file, not in the order asked for.
    arrays = [batch.column(name) for name in columns]
    for name, array in zip(columns, arrays, strict=True):
        if array.null_count:
            row = place.row + int(np.argmax(array.is_null().to_numpy(zero_copy_only=False)))
            raise DataError(f"{place.path} row {row}: {name} is empty; mend or remove the row.")
    ts = arrays[0].view(pa.int64()).to_numpy()
    return Rows(ts, tuple(a.to_numpy() for a in arrays[1:]))


def _check(series: Series, rows: Rows, place: Place) -> None:
    if series.kind == "funding":
        check_funding(rows.ts, rows.values[0], place)
        return
    check_candles(rows.ts, rows.values[:4], timeframe_ms(series.timeframe), place)
    if len(rows.values) > 4:
        check_volume(rows.ts, rows.values[4], place)


def _inside(rows: Rows, span: Span) -> Rows:
    if len(rows) and rows.ts[0] >= span.since and rows.ts[-1] < span.until:
        return rows
    start, stop = np.searchsorted(rows.ts, [span.since, span.until])
    return rows.cut(int(start), int(stop))


class Cursor:
    """Looks ahead in a series and hands out rows in order; holds few batches at a time."""

    def __init__(self, series: Series | None, span: Span) -> None:
        self._source: Iterator[Rows] = iter(()) if series is None else read_rows(series, span)
        self._held: deque[Rows] = deque()
        self._count = 0

    def upcoming(self, n: int) -> Ints:
        """Stamps of the next n rows; fewer only where the series ends."""
        self._hold(n)
        parts: list[Ints] = []
        missing = n
        for rows in self._held:
            if missing <= 0:
                break
            parts.append(rows.ts[:missing])
            missing -= len(rows)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else _NO_STAMPS

    def next_stamp(self) -> int | None:
        """Stamp of the next row in ms, None at the end."""
        self._hold(1)
        return int(self._held[0].ts[0]) if self._held else None

    def take(self, n: int) -> Iterator[Rows]:
        """The next n rows, in the pieces they were decoded in; they are then behind."""
        while n > 0:
            rows = self._held.popleft()
            if len(rows) > n:
                self._held.appendleft(rows.cut(n, len(rows)))
                rows = rows.cut(0, n)
            self._count -= len(rows)
            n -= len(rows)
            yield rows

    def _hold(self, n: int) -> None:
        while self._count < n:
            rows = next(self._source, None)
            if rows is None:
                return
            self._held.append(rows)
            self._count += len(rows)
