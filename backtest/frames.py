"""The LazyFrames that a `targets` strategy works on."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from .errors import DataError
from .market.stream import SymbolData
from .plan import Span
from .strategy import Strategy


def lazy_frames(
    strategy: Strategy, data: Sequence[SymbolData], symbols: Sequence[str], span: Span
) -> dict[str, pl.LazyFrame]:
    """`bars` and what else the strategy names, cut to the span, each with a symbol column.

    Rows are sorted by symbol, in the order of the run, and then by ts. `symbol` is categorical:
    text would take more memory than a price.
    """
    return {
        name: pl.concat([_frame(name, one, s, span) for one, s in zip(data, symbols, strict=True)])
        for name in ("bars", *strategy.frames())
    }


def _frame(name: str, data: SymbolData, symbol: str, span: Span) -> pl.LazyFrame:
    series = data.trade if name == "bars" else getattr(data, name)
    if series is None:
        raise DataError(
            f"the strategy asks for {name}, but there is none of {symbol} on {data.trade.venue} "
            f"in {data.trade.timeframe}; add the file, or leave {name} out of its arguments."
        )
    frame = series.scan()
    if series.first < span.since or series.last >= span.until:
        frame = frame.filter(_inside(span))
    return frame.with_columns(symbol=pl.lit(symbol, dtype=pl.Categorical))


def _inside(span: Span) -> Any:
    since, until = (
        pl.lit(moment, dtype=pl.Int64).cast(pl.Datetime("ms", "UTC"))
        for moment in (span.since, span.until)
    )
    return pl.col("ts").is_between(since, until, closed="left")
