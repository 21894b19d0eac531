"""A user's own list of orders, from Parquet or CSV, as order events for the core."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .core.state import ORDER, OrderKind
from .errors import UnknownNameError, UsageError
from .instructions import TERMS
from .legs import BOTH, POSITION_SIDES, SHORT, Positions, parse_side, refuse_side, refuse_sign
from .order_terms import set_terms, without_sizes_of_cancels
from .orders import indices
from .target_columns import TIME
from .values import format_time, parse_time

COLUMNS = ("ts", "symbol", "size", "exposure", "position_side", "type", *TERMS, "id")
OPTIONAL = ("position_side", "type", *TERMS, "id")
NUMBERS = ("size", "exposure", "price", "trigger_price", "callback", "id")
EARLIEST_MS = 100_000_000_000
"""1973 in milliseconds: a smaller number is a time in seconds, or no time at all."""


def read_orders(path: Path) -> pl.DataFrame:
    """A user's list: ts, symbol, size or exposure, and what `COLUMNS` has besides.

    Raises UsageError where it is wrong.
    """
    return _with_times(path, _checked_columns(path, _read(path)))


def order_events(
    path: Path, frame: pl.DataFrame, positions: Positions, exposure: float
) -> NDArray[Any]:
    """Order events of the rows of a list, whose symbols are written as the run names them.

    A row without a type fills at the first bar that opens at or after its time: at its own price if
    it has one and the bar traded there, else at the open. One with a type is an order as
    `instructions.Order` describes it; `cancel` takes back the one with its id. Rows of one time
    keep their order. In hedge mode `position_side` says which leg a row is for; an exposure of
    none is a signed target.
    """
    sized = "size" in frame.columns
    events = np.zeros(frame.height, ORDER)
    events["ts"] = frame["ts"].cast(pl.Int64).to_numpy()
    events["symbol"] = indices(frame, positions.symbols)
    events["kind"] = OrderKind.SIZE if sized else OrderKind.EXPOSURE
    values = frame["size" if sized else "exposure"].cast(pl.Float64).to_numpy()
    events["value"] = values if sized else values * exposure
    events["price"] = np.nan
    if "price" in frame.columns:
        events["price"] = frame["price"].cast(pl.Float64).to_numpy()
    if "type" in frame.columns:
        set_terms(path, frame, events)
    _check_events(path, events, sized)
    events = _on_legs(path, events, _sides(path, frame), positions, sized)
    return events[np.argsort(events["ts"], kind="stable")]


def _sides(path: Path, frame: pl.DataFrame) -> NDArray[Any]:
    """The side of each row: both where none is given."""
    if "position_side" not in frame.columns:
        return np.full(frame.height, BOTH)
    given = frame["position_side"].cast(pl.String)
    words = {side: parse_side(f"position_side in {path}", side or None) for side in given.unique()}
    return np.array([words[side] for side in given])


def _on_legs(
    path: Path, events: NDArray[Any], sides: NDArray[Any], positions: Positions, sized: bool
) -> NDArray[Any]:
    """The rows as events of the engine's positions, in the order of the file."""
    found, rows = [], []
    for side in POSITION_SIDES:
        mine = np.flatnonzero(sides == side)
        if len(mine) == 0:
            continue
        values = events["value"][mine]
        worst = mine[np.argmax(values if side == SHORT else -values)]
        refuse_side(UsageError, _place(path, events, mine[0]), side, positions.hedge, sized)
        if not sized:
            value = float(events["value"][worst])
            refuse_sign(UsageError, _place(path, events, worst), side, value)
        legs = positions.place(events[mine], side)
        found += legs
        rows += [mine] * len(legs)
    return np.concatenate(found)[np.argsort(np.concatenate(rows), kind="stable")]


def _read(path: Path) -> pl.DataFrame:
    try:
        if path.suffix.lower() == ".csv":
            return pl.read_csv(path, infer_schema_length=None)
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(
            f"cannot read orders from {path}: {reason}; give a Parquet or a .csv file."
        ) from error


def _checked_columns(path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    for name in frame.columns:
        if name not in COLUMNS:
            raise UnknownNameError(f"column in {path}", name, COLUMNS)
    for name in ("ts", "symbol"):
        if name not in frame.columns:
            raise UsageError(f"{path} has no column {name!r}; it needs ts, symbol and a size.")
    if ("size" in frame.columns) == ("exposure" in frame.columns):
        raise UsageError(f"{path} must have a column size or a column exposure, and only one.")
    if frame.is_empty():
        raise UsageError(f"{path} has no rows; give it a row for every order.")
    frame = without_sizes_of_cancels(frame)
    for name in COLUMNS:
        if name in frame.columns and name not in OPTIONAL and frame[name].null_count():
            row = frame[name].is_null().arg_max() or 0
            raise UsageError(f"{name} in {path} is empty in row {row + 1}; fill it in.")
    if "price" in frame.columns and frame["price"].null_count() == frame.height:
        frame = frame.drop("price")
    numbers = {name: _numbers(path, frame[name]) for name in NUMBERS if name in frame.columns}
    return frame.with_columns(pl.col("symbol").cast(pl.String), **numbers)


def _numbers(path: Path, column: pl.Series) -> pl.Series:
    """The column as numbers; text is read, as one wrong row makes a CSV's whole column text."""
    given = column.is_not_null()
    if column.dtype.is_numeric():
        return column
    if column.dtype == pl.String:
        read = column.str.strip_chars().cast(pl.Float64, strict=False)
        given &= read.is_null()
        if not given.any():
            return read
    row = given.arg_max() or 0
    raise UsageError(
        f"{column.name} in {path} is {column[row]!r} in row {row + 1}; "
        "every row needs a number there."
    )


def _with_times(path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with ts as milliseconds UTC, whatever it was written as."""
    stamps = frame["ts"]
    if stamps.dtype.base_type() is pl.Datetime:
        zone = getattr(stamps.dtype, "time_zone", None)
        fixed = stamps if zone else stamps.dt.replace_time_zone("UTC")
        return frame.with_columns(ts=fixed.dt.convert_time_zone("UTC").cast(TIME))
    if stamps.dtype == pl.Date:
        return frame.with_columns(ts=stamps.cast(pl.Datetime("ms")).dt.replace_time_zone("UTC"))
    if stamps.dtype == pl.String:
        return frame.with_columns(ts=_parsed(path, stamps))
    if stamps.dtype.is_integer():
        smallest = stamps.min()
        if isinstance(smallest, int) and smallest < EARLIEST_MS:
            raise UsageError(
                f"ts {smallest} in {path} is not a time in milliseconds; multiply seconds by 1000."
            )
        return frame.with_columns(ts=stamps.cast(pl.Int64).cast(TIME))
    raise UsageError(f"ts in {path} is {stamps.dtype}; use ISO times or milliseconds UTC.")


def _parsed(path: Path, stamps: pl.Series) -> pl.Series:
    try:
        return pl.Series([parse_time(written) for written in stamps], dtype=pl.Int64).cast(TIME)
    except UsageError as error:
        raise UsageError(f"ts in {path}: {error}") from error


def _check_events(path: Path, events: NDArray[Any], sized: bool) -> None:
    values, prices = events["value"], events["price"]
    all_of_it = np.isinf(values) & (events["reduce_only"] == 1)
    empty = (events["kind"] == OrderKind.SIZE) & (values == 0.0)
    bad = ~(np.isfinite(values) | all_of_it) | empty
    if bad.any():
        row = int(np.argmax(bad))
        name = "size" if sized else "exposure"
        raise UsageError(
            f"{_place(path, events, row)} has {name} {values[row]}; "
            f"give a finite one{' that is not 0' if sized else ''}."
        )
    wrong = (prices <= 0.0) | np.isinf(prices)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UsageError(
            f"{_place(path, events, row)} has price {prices[row]}; "
            "give a positive one, or leave it empty."
        )


def _place(path: Path, events: NDArray[Any], row: Any) -> str:
    return f"row {int(row) + 1} of {path}, the order at {format_time(int(events['ts'][row]))},"
