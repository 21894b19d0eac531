"""Checks of the candles of one file, and of the files of one series side by side."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from backtest.market.check import Floats, Ints
from backtest.market.layout import PRICE_COLUMNS, timeframe_ms
from backtest.market.quality.finding import (
    Bools,
    Finding,
    Limits,
    Series,
    apart,
    found,
    runs,
)
from backtest.market.quality.table import Table

STALE_BARS = 5
WINDOW = 48
"""Bars before and after a moment whose usual volumes are compared."""
JUMP = 50.0
"""Factor by which the usual volume changes where its unit does."""


def check_order(of: Series, table: Table, grid_ms: int) -> Iterator[Finding]:
    """Stamps that are out of order, twice there, or no multiple of `grid_ms`."""
    steps, name = np.diff(table.ts), table.path.name
    for check, bad in (("unsorted", steps < 0), ("duplicate", steps == 0)):
        yield from rows_found(of, check, table.ts[1:], bad, name)
    yield from rows_found(of, "off grid", table.ts, table.ts % grid_ms != 0, name)


def rows_found(of: Series, check: str, ts: Ints, bad: Bools, detail: str) -> Iterator[Finding]:
    """One finding for all rows of a file that fail a check."""
    if bad.any():
        where = ts[bad]
        yield found(of, check, (int(where.min()), int(where.max())), len(where), detail)


def check_prices(of: Series, table: Table) -> Iterator[Finding]:
    """Prices that cannot be, candles that contradict themselves, volumes that are none."""
    open_, high, low, close = (table.values[name] for name in PRICE_COLUMNS)
    # NaN fails every comparison
    real = (np.minimum(low, np.minimum(open_, close)) > 0.0) & (high > 0.0)
    real &= np.maximum(high, np.maximum(open_, close)) < np.inf
    name = table.path.name
    yield from rows_found(of, "price", table.ts, ~real, name)
    inside = (low <= np.minimum(open_, close)) & (high >= np.maximum(open_, close))
    yield from rows_found(of, "ohlc", table.ts, real & ~inside, name)
    if "volume" in table.values:
        volume = table.values["volume"]
        yield from rows_found(of, "volume", table.ts, ~((volume >= 0.0) & (volume < np.inf)), name)


def check_gaps(of: Series, table: Table) -> Iterator[Finding]:
    """Holes between the bars of a file."""
    length = timeframe_ms(of.timeframe)
    steps = np.diff(table.ts)
    for i in np.flatnonzero(steps > length).tolist():
        missing = int(steps[i]) // length - 1
        if missing > 0:
            span = (int(table.ts[i]) + length, int(table.ts[i + 1]) - length)
            yield found(of, "gap", span, missing, table.path.name)


def check_stale(of: Series, table: Table, limits: Limits) -> Iterator[Finding]:
    """Stretches in which the price stands still, and nothing is traded where that is known."""
    open_, high, low, close = (table.values[name] for name in PRICE_COLUMNS)
    still = (open_ == high) & (low == close) & (high == low)
    if "volume" in table.values:
        still &= table.values["volume"] == 0.0
    if not still.any():
        return
    still[1:] &= (close[1:] == close[:-1]) | ~still[:-1]
    least = max(STALE_BARS, limits.stale_ms // timeframe_ms(of.timeframe))
    for start, stop in runs(still):
        if stop - start >= least:
            span = (int(table.ts[start]), int(table.ts[stop - 1]))
            yield found(of, "stale", span, stop - start, f"at {close[start]:g}", close[start])


def check_volume_jump(of: Series, table: Table) -> Iterator[Finding]:
    """Moments at which the usual volume of a window is another one by far, and stays it."""
    volume = table.values.get("volume")
    if volume is None or len(volume) < 2 * WINDOW:
        return
    count = len(volume) // WINDOW
    usual = np.median(volume[: count * WINDOW].reshape(count, WINDOW), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = usual[1:] / usual[:-1]
    jumps = np.flatnonzero((usual[1:] > 0) & (usual[:-1] > 0)
                           & ((factor > JUMP) | (factor < 1.0 / JUMP)))  # fmt: skip
    for i in jumps.tolist():
        at = int(table.ts[(i + 1) * WINDOW])
        detail = f"from about {usual[i]:.4g} a bar to {usual[i + 1]:.4g}"
        yield found(of, "volume jump", (at, at), 1, detail, float(factor[i]))


def check_files(of: Series, tables: Sequence[Table], limits: Limits) -> Iterator[Finding]:
    """What lies between the files of a series, and where they contradict each other."""
    ordered = sorted((t for t in tables if len(t)), key=lambda t: int(t.ts.min()))
    if of.kind != "funding":
        length = timeframe_ms(of.timeframe)
        end = None
        for table in ordered:
            first, last = int(table.ts.min()), int(table.ts.max())
            if end is not None and first > end + length:
                span = (end + length, first - length)
                yield found(of, "split", span, (first - end) // length - 1, table.path.name)
            end = last if end is None else max(end, last)
    for one, other in pairwise(ordered):
        yield from _overlap(of, one, other, limits)


def _overlap(of: Series, one: Table, other: Table, limits: Limits) -> Iterator[Finding]:
    shared, mine, its = np.intersect1d(one.ts, other.ts, return_indices=True)
    if len(shared) == 0:
        return
    gone = np.zeros(len(shared))
    for name in one.values:
        if name != "volume":
            gone = np.maximum(gone, apart(one.values[name][mine], other.values[name][its]))
    yield from worst_found(
        of, "overlap", shared, gone, limits.price, f"{one.path.name} and {other.path.name}"
    )


def worst_found(
    of: Series, check: str, ts: Ints, measure: Floats, limit: float, where: str
) -> Iterator[Finding]:
    """One finding for all rows whose measure is over a limit, with the worst of them."""
    bad = ~(measure <= limit)
    if bad.any():
        worst = int(np.argmax(np.where(np.isnan(measure), np.inf, measure)))
        at = ts[bad]
        yield found(
            of, check, (int(at.min()), int(at.max())), len(at),
            f"{where}; worst {moment(int(ts[worst]))}", float(measure[worst]),
        )  # fmt: skip


def moment(ms: int) -> str:
    """A stamp to the minute."""
    return str(np.datetime64(ms, "ms").astype("datetime64[m]")).replace("T", " ")
