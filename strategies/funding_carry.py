"""Short the symbol whose longs have paid the most funding and hold as much of the cheapest long.

The legs offset each other only as long as their prices go together. With isolated margin either
leg falls alone while the other one wins; with cross margin the account earns its funding until
one short runs away from the rest:

backtest run strategies/funding_carry.py --symbols BTC,ETH,SOL --margin cross
backtest run strategies/funding_carry.py --symbols BTC,ETH,SOL --margin isolated
"""

import polars as pl


def targets(
    bars: pl.LazyFrame, funding: pl.LazyFrame, *, size: float = 1.0, lookback: int = 21,
    every: str = "7d",
) -> pl.LazyFrame:  # fmt: skip
    """−size in the dearest symbol, +size in the cheapest, by the mean of `lookback` settlements.

    Looked at once per `every`, and no target until each symbol has so many settlements.
    """
    symbol = pl.col("symbol").cast(pl.String)
    mean = pl.col("funding_rate").rolling_mean(lookback).over("symbol")
    known = funding.sort("symbol", "ts").select("ts", symbol=symbol, carry=mean).sort("ts")
    looks = bars.filter(pl.col("ts") == pl.col("ts").dt.truncate(every))
    looks = looks.select("ts", symbol=symbol).sort("ts", "symbol")
    looks = looks.join_asof(known, on="ts", by="symbol", check_sortedness=False)
    carry, place = pl.col("carry"), pl.col("carry").rank("ordinal").over("ts")
    wanted = pl.when(place == 1).then(size).when(place == pl.len().over("ts")).then(-size)
    ready = carry.is_not_null().all().over("ts") & (pl.len().over("ts") > 1)
    targets = looks.with_columns(target=pl.when(ready).then(wanted.otherwise(0.0)))
    return targets.select("ts", "symbol", "target").sort("symbol", "ts")
