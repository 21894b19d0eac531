"""Hold a constant exposure in every symbol: the plainest test of a venue's margin rules."""

import polars as pl


def targets(bars: pl.LazyFrame, *, exposure: float = 1.0) -> pl.LazyFrame:
    """Target exposure from the first bar on; negative is short."""
    return bars.select("ts", "symbol", target=pl.lit(exposure))
