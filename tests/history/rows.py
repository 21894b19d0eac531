"""Rows of the real history as plain Python values, read straight from the Parquet files."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl


@dataclass(frozen=True)
class Bar:
    """One hour: trade and mark prices, and the funding rate settled at its open, if any."""

    time: datetime
    open: float
    close: float
    mark_open: float
    mark_high: float
    mark_low: float
    mark_close: float
    funding_rate: float | None


def bars(market_data, symbol, since, until):
    """Bars of Binance's `symbol` with since <= open < until, texts like 2022-03-01."""
    folder = market_data / "binanceusdm" / symbol.replace("/", "_").replace(":", "_")
    inside = pl.col("ts").is_between(stamp(since), stamp(until), closed="left")
    trade = pl.read_parquet(folder / "trade" / "1h.parquet").filter(inside)
    mark = pl.read_parquet(folder / "mark" / "1h.parquet").filter(inside)
    funding = pl.read_parquet(folder / "funding" / "funding.parquet").filter(inside)
    rates = dict(zip(funding["ts"], funding["funding_rate"], strict=True))
    marks = {row["ts"]: row for row in mark.iter_rows(named=True)}
    return [
        Bar(
            row["ts"],
            row["open"],
            row["close"],
            *(marks[row["ts"]][name] for name in ("open", "high", "low", "close")),
            rates.get(row["ts"]),
        )
        for row in trade.sort("ts").iter_rows(named=True)
    ]


def stamp(text):
    """A UTC time from text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def only(frame):
    """The single row of a frame as a mapping."""
    assert frame.height == 1, frame
    return frame.row(0, named=True)
