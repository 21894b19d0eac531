"""The bars around a liquidation, as they are shown."""

import numpy as np
import polars as pl

from ..core.types import (
    CLOSE,
    FUNDING,
    FUNDING_INSIDE,
    HIGH,
    LOW,
    MARK_CLOSE,
    MARK_HIGH,
    MARK_LOW,
    MARK_OPEN,
    OPEN,
)
from .pick import Fall
from .replay import Outcome, Replay

BARS_BEFORE, BARS_AFTER = 5, 2
FIELDS = {
    "open": OPEN, "high": HIGH, "low": LOW, "close": CLOSE, "mark_open": MARK_OPEN,
    "mark_high": MARK_HIGH, "mark_low": MARK_LOW, "mark_close": MARK_CLOSE,
    "funding": FUNDING, "funding_inside": FUNDING_INSIDE,
}  # fmt: skip


def around(replay: Replay, base: Outcome, fall: Fall) -> pl.DataFrame:
    """Bars of the position that fell first: prices, funding rate, margin ratio at the close, steps.

    Null where there is none.
    """
    number = replay.group.accounts[0].symbols.index(fall.key[0])
    frame = _frame(replay, number)
    at = int(frame["ts"].search_sorted(fall.first["ts"]))
    first = max(at - BARS_BEFORE, 0)
    shown = frame.slice(first, at - first + 1 + BARS_AFTER).fill_nan(None)
    paid = pl.any_horizontal(pl.col("funding", "funding_inside").is_not_null())
    rate = pl.when(paid).then(pl.sum_horizontal("funding", "funding_inside"))
    ratios = base.frame("margin").filter(
        pl.col("symbol") == fall.key[0], pl.col("position_side") == fall.key[1]
    )
    steps = fall.steps.group_by("ts").agg(steps=pl.len())
    shown = shown.with_columns(funding_rate=rate).drop("funding", "funding_inside")
    for other in (ratios.select("ts", "margin_ratio"), steps):
        shown = shown.join(other, on="ts", how="left")
    return shown.sort("ts")


def _frame(replay: Replay, number: int) -> pl.DataFrame:
    """All bars of a symbol that are kept, with the last ones before the start."""
    start = replay.start
    blocks = [block for block in (start.before, *start.blocks) if block is not None]
    columns = {"ts": np.concatenate([block.ts for block in blocks])}
    for name, row in FIELDS.items():
        columns[name] = np.concatenate([block.prices[row, number] for block in blocks])
    return pl.DataFrame(columns).with_columns(pl.col("ts").cast(pl.Datetime("ms", "UTC")))
