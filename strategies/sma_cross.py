"""Long while the fast moving average is over the slow one, short while it is under it."""

import polars as pl


def targets(bars: pl.LazyFrame, *, fast: int = 50, slow: int = 200) -> pl.LazyFrame:
    """+1 or −1 per symbol; no target until the slow average exists."""
    close, symbol = pl.col("close"), pl.col("symbol")
    direction = pl.when(close.rolling_mean(fast) > close.rolling_mean(slow)).then(1.0)
    # Rows come symbol by symbol, so a window is one symbol's own if its first row is.
    # `.over("symbol")` would say the same and take four times the memory.
    own = symbol == symbol.shift(max(fast, slow) - 1)
    return bars.select("ts", "symbol", target=pl.when(own).then(direction.otherwise(-1.0)))
