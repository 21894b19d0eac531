"""One series of a store: its files in time order, cut so that no stamp occurs twice."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from backtest.errors import DataError
from backtest.market.check import check_schema
from backtest.market.layout import LAYOUT, VALUE_COLUMNS, time_text

YEAR_2200_MS = 7_258_118_400_000
"""A stamp from here on, or before 1970, is one in another unit."""

PARQUET_ERRORS = (OSError, ValueError, pa.ArrowException)
"""What pyarrow raises for a broken or missing file."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The part of one file that a series uses: rows with start <= ts < stop, in ms."""

    path: Path
    start: int
    stop: int
    rows: int
    """Rows of the whole file, also those that an overlap cuts off."""
    symbol: str | None
    """The ccxt symbol the file names in its metadata."""
    synthetic: bool
    """The file says that its prices come from a generator."""


@dataclass(frozen=True)
class Series:
    """All files of one venue, symbol, kind and timeframe as one sequence of rows."""

    venue: str
    symbol: str
    kind: str
    timeframe: str
    segments: tuple[Segment, ...]
    skipped: tuple[Path, ...] = ()
    """Files that lie wholly inside the span of an earlier one and are therefore not read."""

    @property
    def first(self) -> int:
        """Stamp of the first row in ms."""
        return self.segments[0].start

    @property
    def last(self) -> int:
        """Stamp of the last row in ms."""
        return self.segments[-1].stop - 1

    @property
    def rows(self) -> int:
        """Rows of the files used; an upper bound where files overlap."""
        return sum(s.rows for s in self.segments)

    @property
    def files(self) -> list[Path]:
        """Paths of the files used, in time order."""
        return [s.path for s in self.segments]

    @property
    def synthetic(self) -> bool:
        """True when any of the files says that its prices are made up."""
        return any(s.synthetic for s in self.segments)

    def scan(self) -> pl.LazyFrame:
        """Lazy frame of `ts` and the value columns, cut and joined, sorted by `ts`."""
        columns = ["ts", *VALUE_COLUMNS[self.kind]]
        return pl.concat([_scan_segment(s, columns) for s in self.segments])


def _scan_segment(segment: Segment, columns: list[str]) -> pl.LazyFrame:
    ts_type = pl.Datetime("ms", "UTC")
    start = pl.lit(segment.start, dtype=pl.Int64).cast(ts_type)
    stop = pl.lit(segment.stop, dtype=pl.Int64).cast(ts_type)
    frame = pl.scan_parquet(segment.path, hive_partitioning=False).select(columns)
    return frame.filter((pl.col("ts") >= start) & (pl.col("ts") < stop))


def check_layout(notes: Mapping[str, str], path: Path) -> None:
    """Raise DataError for a file of a layout that is newer than this version."""
    said = notes.get("layout", "0")
    if said.isdigit() and int(said) > LAYOUT:
        raise DataError(
            f"{path} was written by a newer version (layout {said}; this one knows {LAYOUT}); "
            "install that version, or fetch into another folder."
        )


def file_hash(path: Path) -> str:
    """SHA-256 of a file in hex, by which two runs can be seen to have used the same one."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_segment(path: Path, kind: str) -> Segment | None:
    """The whole span of one file from its footer; None when it has no rows.

    Raises DataError when the file is not Parquet, its columns are wrong or it lacks stamps.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            check_schema(file.schema_arrow, kind, path)
            notes = file.metadata.metadata or {}  # the schema has not what polars writes
            symbol = notes.get(b"ccxt_symbol")
            check_layout({"layout": notes.get(b"layout", b"0").decode()}, path)
            groups = [g for g in group_spans(file, path) if g[2]]
    except PARQUET_ERRORS as error:
        raise unreadable(path, error) from error
    if not groups:
        return None
    start, last = min(g[0] for g in groups), max(g[1] for g in groups)
    if start < 0 or last >= YEAR_2200_MS:
        raise DataError(
            f"{path} has stamps from {time_text(start)} to {time_text(last)}; "
            "check that ts counts milliseconds since 1970 and write the file again."
        )
    return Segment(
        path=path,
        start=start,
        stop=last + 1,
        rows=sum(g[2] for g in groups),
        symbol=symbol.decode(errors="replace") if symbol else None,
        synthetic=notes.get(b"synthetic") == b"true",
    )


def unreadable(path: Path, error: Exception) -> DataError:
    """The error to raise for a file that pyarrow gives up on."""
    reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
    return DataError(f"{path} cannot be read as Parquet ({reason}); write or fetch it again.")


def group_spans(file: pq.ParquetFile, path: Path) -> list[tuple[int, int, int]]:
    """First stamp, last stamp and number of rows of every row group of an open file.

    Taken from the statistics in the footer; a file written without them has its stamps read.
    A group without rows is (0, -1, 0).
    """
    column = file.schema_arrow.names.index("ts")
    spans = []
    for i in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(i)
        if group.num_rows == 0:
            spans.append((0, -1, 0))
            continue
        statistics = group.column(column).statistics
        if statistics is not None and statistics.has_min_max:
            ends = (statistics.min_raw, statistics.max_raw)
        else:
            ends = _read_ends(file, i, path)
        spans.append((int(ends[0]), int(ends[1]), group.num_rows))
    return spans


def _read_ends(file: pq.ParquetFile, group: int, path: Path) -> tuple[int, int]:
    stamps = file.read_row_group(group, columns=["ts"], use_threads=False).column("ts")
    values = stamps.drop_null().to_numpy().astype("datetime64[ms]").astype(np.int64)
    if len(values) == 0:
        raise DataError(f"{path} row group {group}: every ts is empty; write the file again.")
    return int(values.min()), int(values.max())


def plan_segments(found: Iterable[Segment]) -> tuple[tuple[Segment, ...], tuple[Path, ...]]:
    """Cut files so that none begins before the one in front of it has ended.

    Files are taken by first stamp, the longest first, then by name. Where two overlap the
    earlier one keeps all its rows; a file that adds nothing at the end is skipped. So a file
    never fills a hole inside another one, and adding files cannot change rows already there
    unless they begin earlier.
    """
    used: list[Segment] = []
    skipped: list[Path] = []
    for item in sorted(found, key=lambda s: (s.start, -s.stop, s.path.name)):
        start = max(item.start, used[-1].stop) if used else item.start
        if start >= item.stop:
            skipped.append(item.path)
        else:
            used.append(replace(item, start=start))
    return tuple(used), tuple(skipped)
