"""Hold a long leg and, below a moving average, a short leg against it: needs hedge mode.

backtest run strategies/both_legs.py --position-mode hedge -p slow=200
"""

import polars as pl


def targets(
    bars: pl.LazyFrame, *, slow: int = 200, long: float = 1.0, short: float = -0.5
) -> pl.LazyFrame:
    """Target exposure of each leg per bar."""
    average = pl.col("close").rolling_mean(slow).over("symbol")
    below = pl.col("close") < average
    return bars.select(
        "ts",
        "symbol",
        target_long=pl.when(average.is_not_null()).then(long),
        target_short=pl.when(average.is_not_null()).then(pl.when(below).then(short).otherwise(0.0)),
    )
