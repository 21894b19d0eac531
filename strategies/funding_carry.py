"""Short the symbol whose longs have paid the most funding and hold as much of the cheapest long.

The legs offset each other, so the account should not care where prices go. In cross mode it
mostly does not; in isolated mode either leg falls alone while the other one wins:

backtest run strategies/funding_carry.py --symbols BTC,ETH,SOL --margin cross --leverage 10
backtest run strategies/funding_carry.py --symbols BTC,ETH,SOL --margin isolated --leverage 10
"""

import polars as pl


def targets(
    bars: pl.LazyFrame, funding: pl.LazyFrame, *, size: float = 1.0, lookback: int = 21,
    every: str = "7d",
) -> pl.LazyFrame:  # fmt: skip
    """−size in the dearest symbol, +size in the cheapest, by the mean of `lookback` settlements.

    Looked at once per `every`, and no target until each symbol has so many settlements.
    """
    mean = pl.col("funding_rate").rolling_mean(lookback).over("symbol")
    known = funding.sort("symbol", "ts").select("ts", "symbol", carry=mean)
    text = pl.col("symbol").cast(pl.String)
    looks = bars.select("ts", symbol=text).filter(pl.col("ts") == pl.col("ts").dt.truncate(every))
    looks = looks.sort("ts").join_asof(
        known.with_columns(symbol=text).sort("ts"), on="ts", by="symbol", check_sortedness=False
    )
    carry = pl.col("carry")
    dearest, cheapest = carry.max().over("ts"), carry.min().over("ts")
    wanted = pl.when(carry == dearest).then(-size).when(carry == cheapest).then(size).otherwise(0.0)
    ready = carry.is_not_null().all().over("ts") & (dearest > cheapest)
    return looks.select("ts", "symbol", target=pl.when(ready).then(wanted)).sort("symbol", "ts")
