"""Long while the fast moving average is over the slow one, short while it is under it."""

import polars as pl


def targets(bars: pl.LazyFrame, *, fast: int = 50, slow: int = 200) -> pl.LazyFrame:
    """+1 or −1 per symbol; no target until the slow average exists."""
    close = pl.col("close")
    fast_average = close.rolling_mean(fast).over("symbol")
    slow_average = close.rolling_mean(slow).over("symbol")
    direction = pl.when(fast_average > slow_average).then(1.0).otherwise(-1.0)
    return bars.select("ts", "symbol", target=pl.when(slow_average.is_not_null()).then(direction))
