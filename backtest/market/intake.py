"""Rows that come into a store: merged with what is there, and written whole or not at all.

A series of candles is kept in a file per calendar year, so that new rows touch one small file and
no more than a year of one series is in memory; funding is one file.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from backtest.errors import DataError
from backtest.market.layout import FUNDING_NAME, LAYOUT, VALUE_COLUMNS, folder_of
from backtest.market.series import check_layout
from backtest.market.spans import from_text, joined, to_text

TIME = pl.Datetime("ms", "UTC")
SAME = 1e-9
"""Fraction by which a value may differ from the one that is there and still count as the same."""
STAGED, NEW = ".part", ".new"


class SeriesName(NamedTuple):
    """Where rows belong: a ccxt id, a ccxt symbol, a kind and a timeframe (or `funding`)."""

    venue: str
    symbol: str
    kind: str
    timeframe: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the rows of one series."""

    of: SeriesName
    added: int
    known: int
    """Rows whose stamp was there already."""
    differing: int
    """Of these, rows with other values; what was there is kept."""
    first: int
    last: int


@dataclass
class Intake:
    """Rows for a store under `root`; `notes` go into the metadata of the files.

    Use it in a `with` block of `intake`: what was added appears at its end.
    """

    root: Path
    notes: Mapping[str, str]
    _held: dict[tuple[SeriesName, str], list[pl.DataFrame]] = field(default_factory=dict)
    _staged: dict[tuple[SeriesName, str], Path] = field(default_factory=dict)
    _asked: dict[SeriesName, list[tuple[int, int]]] = field(default_factory=dict)

    def asked(self, of: SeriesName, spans: Sequence[tuple[int, int]]) -> None:
        """Note of which spans a source was asked, whatever it gave; kept beside the rows."""
        self._asked[of] = joined([*self._asked.get(of, []), *spans])

    def add(self, of: SeriesName, rows: pl.DataFrame) -> None:
        """Take rows of a series, `ts` and the columns of its kind, in any order."""
        rows = rows.select("ts", *VALUE_COLUMNS[of.kind]).with_columns(pl.col("ts").cast(TIME))
        for name, part in _by_file(of, rows):
            key = (of, name)
            if key not in self._held:
                self._stage()
            self._held.setdefault(key, []).append(part)

    def _stage(self) -> None:
        """Put what is held into files beside those that they will become."""
        for (of, name), parts in self._held.items():
            path = self._path(of, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            staged = self._staged.get((of, name))
            before = [] if staged is None else [pl.read_parquet(staged)]
            rows = _unique(pl.concat([*before, *parts]))
            target = path.with_name(path.name + STAGED)
            self._staged[of, name] = target
            rows.write_parquet(target)
        self._held.clear()

    def finish(self) -> list[Written]:
        """Merge with what is there and put all files in their places."""
        self._stage()
        ready, results = [], []
        for (of, name), staged in self._staged.items():
            path = self._path(of, name)
            rows = pl.read_parquet(staged)
            merged, written, notes = self._merged(of, path, rows)
            results.append(written)
            if written.added or of in self._asked:
                fresh = path.with_name(path.name + NEW)
                merged.write_parquet(fresh, metadata=notes)
                ready.append((fresh, path))
        for fresh, path in ready:
            fresh.replace(path)
        self.discard()
        return summed(results)

    def discard(self) -> None:
        """Take away what has not become a file of the store."""
        for (of, name), staged in self._staged.items():
            staged.unlink(missing_ok=True)
            path = self._path(of, name)
            path.with_name(path.name + NEW).unlink(missing_ok=True)
        self._staged.clear()
        self._held.clear()

    def _merged(
        self, of: SeriesName, path: Path, rows: pl.DataFrame
    ) -> tuple[pl.DataFrame, Written, dict[str, str]]:
        names, source = VALUE_COLUMNS[of.kind], self.notes.get("source", "")
        known = differing = 0
        merged, before = rows, dict[str, str]()
        if path.exists():
            before = pl.read_parquet_metadata(path)
            before.pop("ARROW:schema", None)
            check_layout(before, path)
            there = pl.read_parquet(path, columns=["ts", *names])
            both = there.join(rows, on="ts", how="inner", suffix="_new")
            known, differing = both.height, int(both.select(_differ(names).sum()).item())
            fresh = rows.join(there, on="ts", how="anti")
            merged = pl.concat([there, fresh]).sort("ts")
            source = _joined(before.get("source", ""), source)
        stamps = rows["ts"].cast(pl.Int64)
        written = Written(
            of, rows.height - known, known, differing, int(stamps[0]), int(stamps[-1])
        )
        notes = {
            **before, **self.notes, "venue": of.venue, "ccxt_symbol": of.symbol, "kind": of.kind,
            "timeframe": of.timeframe, "source": source, "sha256": content_hash(merged),
            "layout": str(LAYOUT),
        }  # fmt: skip
        asked = [*from_text(before.get("asked", "")), *self._asked.get(of, [])]
        if asked:
            notes["asked"] = to_text(joined(asked))
        return merged, written, notes

    def _path(self, of: SeriesName, name: str) -> Path:
        return self.root / of.venue / folder_of(of.symbol) / of.kind / f"{name}.parquet"


@contextmanager
def intake(root: Path, notes: Mapping[str, str]) -> Iterator[Intake]:
    """An Intake whose files appear when the block ends, and none of them if it raises.

    Call `finish` inside the block to have its account of what was written. Raises DataError where
    the store cannot be written.
    """
    stamped = {"fetched": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **notes}
    found = Intake(root, stamped)
    try:
        yield found
        found.finish()
    except OSError as error:
        place = error.filename or root
        raise DataError(f"cannot write {place}: {error.strerror or error}; free it.") from error
    finally:
        found.discard()


def content_hash(rows: pl.DataFrame) -> str:
    """SHA-256 of the values of a file, column by column, whatever the way they are written."""
    digest = hashlib.sha256()
    for name in rows.columns:
        digest.update(name.encode())
        digest.update(rows[name].to_physical().to_numpy().tobytes())
    return digest.hexdigest()


def _by_file(of: SeriesName, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    if rows.height == 0:
        return
    if of.kind == "funding":
        yield FUNDING_NAME, rows
        return
    years = rows["ts"].dt.year()
    for year in years.unique().sort().to_list():
        part = rows.filter(years == year)
        yield f"{of.timeframe}_{year}-01-01_{year + 1}-01-01", part


def _unique(rows: pl.DataFrame) -> pl.DataFrame:
    """Sorted rows, one per stamp: the first that came."""
    return rows.unique("ts", keep="first", maintain_order=True).sort("ts")


def _differ(names: tuple[str, ...]) -> pl.Expr:
    gone = pl.lit(False)
    for name in names:
        was, now = pl.col(name), pl.col(f"{name}_new")
        gone = gone | ((was - now).abs() > SAME * was.abs())
    return gone


def _joined(before: str, source: str) -> str:
    parts = [p for p in before.split("; ") if p]
    return "; ".join([*parts, source] if source and source not in parts else parts)


def summed(results: Sequence[Written]) -> list[Written]:
    """One account per series of what its files were given."""
    found: dict[SeriesName, Written] = {}
    for one in results:
        before = found.get(one.of)
        found[one.of] = one if before is None else Written(
            one.of, before.added + one.added, before.known + one.known,
            before.differing + one.differing, min(before.first, one.first),
            max(before.last, one.last),
        )  # fmt: skip
    return [found[key] for key in sorted(found)]
