"""Whether the rows of a file can be believed: schema, order of stamps, sane prices and rates.

Every check runs on whole batches while they stream by; nothing is read twice. The rows of a
broken batch are searched one check at a time, so that the message can name the first bad one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from backtest.errors import DataError
from backtest.market.layout import PRICE_COLUMNS, VALUE_COLUMNS, time_text

HOUR_MS = 3_600_000
TS_TYPE = pa.timestamp("ms", tz="UTC")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch comes from: its file, the row it starts at and the stamp before it."""

    path: Path
    row: int
    previous: int | None


def check_schema(schema: pa.Schema, kind: str, path: Path) -> None:
    """Raise DataError unless the file has `ts` and the value columns of its kind, well typed."""
    wanted = {"ts": TS_TYPE} | {name: pa.float64() for name in VALUE_COLUMNS[kind]}
    for name, expected in wanted.items():
        if name not in schema.names:
            raise DataError(
                f"{path} has no column {name!r} (it has {', '.join(schema.names)}); "
                f"a {kind} file needs {', '.join(wanted)}."
            )
        found = schema.field(name).type
        if found != expected:
            raise DataError(
                f"column {name!r} of {path} is {found}, expected {expected}; "
                "convert the column and write the file again."
            )


def check_candles(ts: Ints, prices: Sequence[Floats], timeframe_ms: int, place: Place) -> None:
    """Raise DataError at the first candle that is out of order or contradicts itself.

    `ts` holds bar opens in ms and `prices` open, high, low and close, all of one length.
    """
    _check_order(ts, place)
    _check_grid(ts, timeframe_ms, place)
    open_, high, low, close = prices
    # NaN fails every comparison, so these six also catch missing prices.
    sane = (low > 0.0) & (low <= open_) & (low <= close)
    sane &= (high >= open_) & (high >= close) & (high < np.inf)
    if not sane.all():
        _raise_bad_candle(ts, prices, int(np.argmin(sane)), place)


def check_volume(ts: Ints, volume: Floats, place: Place) -> None:
    """Raise DataError at the first volume that is negative or not a finite number."""
    sane = (volume >= 0.0) & (volume < np.inf)
    if not sane.all():
        i = int(np.argmin(sane))
        raise _bad_row(ts, i, place, f"volume {volume[i]} is not a finite number of at least 0")


def check_funding(ts: Ints, rates: Floats, place: Place) -> None:
    """Raise DataError at the first settlement out of order, off the hour or without a rate."""
    _check_order(ts, place)
    late = ts % HOUR_MS != 0
    if late.any():
        i = int(np.argmax(late))
        raise _bad_row(ts, i, place, "a settlement is not on a whole hour", "round it to the hour")
    sane = np.isfinite(rates)
    if not sane.all():
        i = int(np.argmin(sane))
        raise _bad_row(ts, i, place, f"funding_rate {rates[i]} is not a finite number")
    large = np.abs(rates) >= 1.0
    if large.any():
        i = int(np.argmax(large))
        what = f"funding_rate {rates[i]} is no fraction of the position's value"
        raise _bad_row(ts, i, place, what, "write 0.0001 for 0.01 %, per settlement")


def _check_order(ts: Ints, place: Place) -> None:
    if len(ts) == 0:
        return
    if place.previous is not None and ts[0] <= place.previous:
        raise _out_of_order(ts, 0, place.previous, place)
    rising = ts[1:] > ts[:-1]
    if not rising.all():
        i = int(np.argmin(rising)) + 1
        raise _out_of_order(ts, i, int(ts[i - 1]), place)


def _check_grid(ts: Ints, timeframe_ms: int, place: Place) -> None:
    span = int(ts[-1] - ts[0]) if len(ts) else 0
    regular = span == (len(ts) - 1) * timeframe_ms and bool((np.diff(ts) == timeframe_ms).all())
    probe = ts[:1] if regular else ts
    off = probe % timeframe_ms != 0
    if off.any():
        what = f"the bar's open is not a multiple of its timeframe ({timeframe_ms // 60_000} min)"
        raise _bad_row(ts, int(np.argmax(off)), place, what, "check the file's name and stamps")


def _raise_bad_candle(ts: Ints, prices: Sequence[Floats], i: int, place: Place) -> None:
    values = [float(p[i]) for p in prices]
    for name, value in zip(PRICE_COLUMNS, values, strict=True):
        if not (0.0 < value < np.inf):
            raise _bad_row(ts, i, place, f"{name} {value} is not a positive finite price")
    open_, high, low, close = values
    if high < low:
        raise _bad_row(ts, i, place, f"high {high} is below low {low}")
    name, value = ("open", open_) if not low <= open_ <= high else ("close", close)
    raise _bad_row(ts, i, place, f"{name} {value} lies outside low {low} to high {high}")


def _out_of_order(ts: Ints, i: int, before: int, place: Place) -> DataError:
    if int(ts[i]) == before:
        return _bad_row(ts, i, place, "the stamp occurs twice", "keep one row per stamp")
    what = f"the stamp comes after {time_text(before)}, so the file is not sorted"
    return _bad_row(ts, i, place, what, "sort the file by ts")


def _bad_row(
    ts: Ints, i: int, place: Place, what: str, remedy: str = "mend or remove the row"
) -> DataError:
    return DataError(
        f"{place.path} row {place.row + i} ({time_text(int(ts[i]))}): {what}; {remedy}."
    )
