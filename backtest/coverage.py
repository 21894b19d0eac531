"""Whether the data of a run have a trade candle of every symbol in its span."""

from collections.abc import Sequence

import polars as pl

from .errors import DataError
from .market.cursor import Span, read_rows
from .market.series import Series
from .market.stream import SymbolData
from .values import format_time

FEW_ROWS = 64
"""Rows decoded to see whether there is one."""


def refuse_untraded(data: Sequence[SymbolData], since: int, until: int) -> None:
    """Raise DataError for a symbol that no trade candle of [since, until) ms could fill.

    Mark candles alone value a position that nothing could open.
    """
    for one in data:
        if next(read_rows(one.trade, Span(since, until, FEW_ROWS)), None) is None:
            raise _untraded(one, since, until)


def _untraded(data: SymbolData, since: int, until: int) -> DataError:
    trade = data.trade
    only = "" if data.mark is None else ", only mark candles,"
    near = " and ".join(_neighbours(trade, since, until))
    return DataError(
        f"there are no {trade.timeframe} trade candles of {trade.symbol} on {trade.venue}{only} "
        f"from {format_time(since)} to {format_time(until)} ({near}); change --since and --until, "
        "or run on the prices of a venue that has them with --prices."
    )


def _neighbours(trade: Series, since: int, until: int) -> list[str]:
    """The last candle before a span and the first one after it, in words."""
    stamps = trade.scan().select(pl.col("ts").cast(pl.Int64))
    before = stamps.filter(pl.col("ts") < since).max().collect().item()
    after = stamps.filter(pl.col("ts") >= until).min().collect().item()
    words = (("the last before opens at", before), ("the next at", after))
    return [f"{word} {format_time(ts)}" for word, ts in words if ts is not None]
