"""One series brought from an exchange into a store: what is missing there, page by page."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from backtest.market.fetch.client import Client, Rows
from backtest.market.fetch.exchange import version
from backtest.market.fetch.paging import candle_pages, first_day, settlement_pages
from backtest.market.importers.outcome import on_the_hour
from backtest.market.intake import SeriesName, Written, intake
from backtest.market.layout import VALUE_COLUMNS, timeframe_ms
from backtest.market.series import check_layout
from backtest.market.spans import Spans, from_text, holes, joined, without
from backtest.market.store import Store
from backtest.values import UNITS

Tell = Callable[[int, int], None]
"""Told of bars that are done and of bars that are due, each as a difference."""
ROWS_HELD, SECONDS_HELD = 200_000, 30.0
"""What is fetched goes into the store after so many rows, or so long."""
MERGING = threading.Lock()
"""One series at a time is merged, so that memory holds one year of one."""
DAY = UNITS["d"]
FEW_PAGES = 3


@dataclass
class Download:
    """One series of one market (ccxt's) from `first` to `stop`, both on its grid."""

    root: Path
    client: Client
    market: Any
    of: SeriesName
    first: int
    stop: int
    tell: Tell
    written: list[Written] = field(default_factory=list)
    left_out: int = 0
    """Candles or settlements that had no price or rate."""
    _held: list[pl.DataFrame] = field(default_factory=list)
    _asked: Spans = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Fetch what is missing. What has come is in the store, also when this raises."""
        try:
            for first, stop, rows in self._pages():
                self._take(first, stop, rows)
        finally:
            self._save()

    def _pages(self) -> Iterator[tuple[int, int, Rows]]:
        if self.of.kind == "funding":
            for first, stop in without([(self.first, self.stop)], self._known()[1]):
                yield from settlement_pages(self.client, self.of.symbol, first, stop)
            return
        step = timeframe_ms(self.of.timeframe)
        spans = self._candles_due(step)
        self.tell(0, sum(b - a for a, b in spans) // step)
        for first, stop in spans:
            for start, end, rows in candle_pages(
                self.client, self.of.symbol, self.of.kind, self.of.timeframe, step, first, stop
            ):
                yield start, end, rows
                self.tell((end - start) // step, 0)

    def _candles_due(self, step: int) -> Spans:
        stamps, asked = self._known()
        due = without(holes(stamps, self.first, self.stop, step), asked)
        page = self.client.api.rows[self.of.kind] * step
        new = not len(stamps) or stamps[0] > self.first
        if due and new and due[0][0] == self.first and due[0][1] - self.first > FEW_PAGES * page:
            begin = first_day(self.client, self.of.symbol, self.of.kind, *due[0], DAY)
            self._asked.append((self.first, begin))
            due = without(due, self._asked)
        return due

    def _known(self) -> tuple[Any, Spans]:
        """Stamps that the store has, and spans of which the exchange was asked before."""
        if not self.root.is_dir():
            return np.empty(0, np.int64), []
        store = Store(self.root)
        if not store.has(*self.of):
            return np.empty(0, np.int64), []
        asked: Spans = []
        for path in store.paths(*self.of):
            notes = pq.read_metadata(path).metadata or {}
            check_layout({"layout": notes.get(b"layout", b"0").decode()}, path)
            asked += from_text(notes.get(b"asked", b"").decode())
        frame = store.series(*self.of).scan().select(pl.col("ts").cast(pl.Int64)).collect()
        return frame["ts"].to_numpy(), asked

    def _take(self, first: int, stop: int, rows: Rows) -> None:
        columns = VALUE_COLUMNS[self.of.kind]
        usable = ~np.isnan(rows[:, 1 : len(columns) + 1]).any(axis=1)
        self.left_out += int((~usable).sum())
        rows = rows[usable]
        if len(rows):
            self._held.append(self._frame(rows))
        recent = stop > self.client.pace.now() - DAY
        if recent:  # what is not there yet may come
            stop = int(rows[-1, 0]) + 1 if len(rows) else first
        self._asked.append((first, stop))
        held = sum(f.height for f in self._held)
        if held >= ROWS_HELD or time.monotonic() - self._since > SECONDS_HELD:
            self._save()

    def _frame(self, rows: Rows) -> pl.DataFrame:
        names = VALUE_COLUMNS[self.of.kind]
        frame = pl.DataFrame({n: rows[:, i] for i, n in enumerate(("ts", *names))}).with_columns(
            pl.col("ts").cast(pl.Int64)
        )
        if self.of.kind == "funding":
            return frame.with_columns(on_the_hour(pl.col("ts")))
        if self.of.kind == "trade" and self.client.api.volume == "contracts":
            return frame.with_columns(volume=self._in_coin())
        return frame

    def _in_coin(self) -> pl.Expr:
        """Volume in units of the base: a contract is so much of it, or of money at the close."""
        value = pl.col("volume") * float(self.market.get("contractSize") or 1.0)
        return value / pl.col("close") if self.market.get("inverse") else value

    def _save(self) -> None:
        if not self._held:
            return
        notes = {"source": f"{self.of.venue} through ccxt", "ccxt": version()}
        with MERGING, intake(self.root, notes) as store:
            store.asked(self.of, joined(self._asked))
            for frame in self._held:
                store.add(self.of, frame)
            self.written += store.finish()
        self._held.clear()
        self._asked = joined(self._asked)
        self._since = time.monotonic()
