"""Strategies and order files become order events for the core (dtype ORDER).

Targets are evaluated lazily and thinned to the bars where they change before anything is
collected, so a long history costs memory only for what changes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .config import format_time
from .core.state import ORDER, OrderKind
from .errors import StrategyError, UnknownNameError, UsageError
from .strategy import Strategy

TIME = pl.Datetime("ms", "UTC")


def from_targets(
    strategy: Strategy,
    frames: Mapping[str, pl.LazyFrame],
    symbols: Sequence[str],
    exposure: float,
    timeframe_ms: int,
) -> NDArray[Any]:
    """Order events of a `targets` strategy, due at the bar after each change.

    `frames` holds `bars` and whatever else the strategy names; times are bar opens.
    """
    extra = {name: frames[name] for name in strategy.frames()}
    lazy = _checked_columns(strategy, strategy.call(frames["bars"], **extra), symbols)
    try:
        changes = _changes(lazy, len(symbols)).collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise StrategyError(
            f"the targets of {strategy.name} cannot be computed: {error}"
        ) from error
    _check_values(strategy, changes, symbols)
    events = np.zeros(changes.height, ORDER)
    events["ts"] = changes["ts"].cast(pl.Int64).to_numpy() + timeframe_ms
    events["symbol"] = _indices(changes, symbols)
    events["kind"], events["price"] = OrderKind.EXPOSURE, np.nan
    events["value"] = changes["target"].to_numpy() * exposure
    return events


def _checked_columns(strategy: Strategy, result: Any, symbols: Sequence[str]) -> pl.LazyFrame:
    if isinstance(result, pl.DataFrame):
        result = result.lazy()
    if not isinstance(result, pl.LazyFrame):
        kind = type(result).__name__
        raise StrategyError(f"targets of {strategy.name} returned {kind}; return a LazyFrame.")
    try:
        schema = result.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise StrategyError(f"the targets of {strategy.name} are not valid: {error}") from error
    if "symbol" not in schema and len(symbols) == 1:
        result = result.with_columns(symbol=pl.lit(symbols[0]))
    for name in ("ts", "target", "symbol"):
        if name not in schema and not (name == "symbol" and len(symbols) == 1):
            raise StrategyError(
                f"targets of {strategy.name} has columns {', '.join(schema)}; "
                f"{name!r} is missing: return ts, symbol and target."
            )
    if not schema["target"].is_numeric() or schema["ts"].base_type() is not pl.Datetime:
        raise StrategyError(
            f"targets of {strategy.name} has ts of type {schema['ts']} and target of type "
            f"{schema['target']}; ts must be the bars' time and target a number."
        )
    return result.select(
        pl.col("ts").cast(TIME), pl.col("symbol").cast(pl.String), pl.col("target").cast(pl.Float64)
    )


def _changes(lazy: pl.LazyFrame, symbols: int) -> pl.LazyFrame:
    """Rows whose target differs from the one before, and rows that are out of order."""
    given = lazy.filter(pl.col("target").is_not_null())
    before, stamp = pl.col("target").shift(1), pl.col("ts").diff()
    if symbols > 1:
        before, stamp = before.over("symbol"), stamp.over("symbol")
    disordered = (stamp <= pl.duration(milliseconds=0)).fill_null(False)
    changed = pl.col("target").ne_missing(before)
    kept = given.with_columns(disordered=disordered, changed=changed)
    return kept.filter(pl.col("changed") | pl.col("disordered")).drop("changed")


def _check_values(strategy: Strategy, changes: pl.DataFrame, symbols: Sequence[str]) -> None:
    bad = changes.filter(~pl.col("target").is_finite())
    if bad.height:
        raise StrategyError(
            f"targets of {strategy.name} is {bad['target'][0]} at {bad['ts'][0]:%Y-%m-%d %H:%M}; "
            "return a number, or null to keep the last target."
        )
    if changes["disordered"].any():
        row = changes.filter("disordered").row(0, named=True)
        raise StrategyError(
            f"targets of {strategy.name} has rows out of order or twice at "
            f"{row['ts']:%Y-%m-%d %H:%M} for {row['symbol']}; keep the order of the bars."
        )
    for name in changes["symbol"].unique().sort():
        if name not in symbols:
            raise UnknownNameError("symbol in the targets", str(name), symbols)


def _indices(frame: pl.DataFrame, symbols: Sequence[str]) -> NDArray[Any]:
    numbers = {name: number for number, name in enumerate(symbols)}
    return np.array([numbers[name] for name in frame["symbol"]], np.int64)


def sorted_events(events: NDArray[Any]) -> NDArray[Any]:
    """Events in time order; those of one time in the order of symbols, then as given."""
    return events[np.lexsort((events["symbol"], events["ts"]))]


def from_file(path: Path, symbols: Sequence[str], exposure: float) -> NDArray[Any]:
    """Order events of a user's list: ts, symbol, size or exposure, optional price.

    A row fills at the first bar that opens at or after its time: at its own price if it has
    one and the bar traded there, else at the open.
    """
    frame = _read_orders(path)
    events = np.zeros(frame.height, ORDER)
    events["ts"] = frame["ts"].cast(TIME).cast(pl.Int64).to_numpy()
    for name in frame["symbol"].unique().sort():
        if name not in symbols:
            raise UnknownNameError(f"symbol in {path}", str(name), symbols)
    events["symbol"] = _indices(frame, symbols)
    sized = "size" in frame.columns
    values = frame["size" if sized else "exposure"].cast(pl.Float64).to_numpy()
    events["kind"] = OrderKind.SIZE if sized else OrderKind.EXPOSURE
    events["value"] = values if sized else values * exposure
    price = frame["price"].cast(pl.Float64).to_numpy() if "price" in frame.columns else np.nan
    events["price"] = price
    _check_events(path, events)
    return events[np.argsort(events["ts"], kind="stable")]


def _read_orders(path: Path) -> pl.DataFrame:
    try:
        if path.suffix == ".csv":
            frame = pl.read_csv(path, try_parse_dates=True)
        else:
            frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"cannot read orders from {path}: {error}".splitlines()[0]) from error
    _check_order_columns(path, frame)
    stamps = frame["ts"]
    if stamps.dtype.base_type() is pl.Datetime:
        zone = getattr(stamps.dtype, "time_zone", None)
        fixed = stamps if zone else stamps.dt.replace_time_zone("UTC")
        return frame.with_columns(fixed.dt.convert_time_zone("UTC").alias("ts"))
    if stamps.dtype == pl.Date:
        return frame.with_columns(stamps.cast(TIME))
    if stamps.dtype.is_integer():
        return frame.with_columns(stamps.cast(TIME))
    raise UsageError(f"ts in {path} is {stamps.dtype}; use ISO times or milliseconds UTC.")


def _check_order_columns(path: Path, frame: pl.DataFrame) -> None:
    known = {"ts", "symbol", "size", "exposure", "price"}
    for name in frame.columns:
        if name not in known:
            raise UnknownNameError(f"column in {path}", name, known)
    for name in ("ts", "symbol"):
        if name not in frame.columns:
            raise UsageError(f"{path} has no column {name!r}; it needs ts, symbol and a size.")
    if ("size" in frame.columns) == ("exposure" in frame.columns):
        raise UsageError(f"{path} must have a column size or a column exposure, and only one.")
    numbers = [n for n in ("size", "exposure", "price") if n in frame.columns]
    for name in numbers:
        if not frame[name].dtype.is_numeric() and frame[name].dtype != pl.Null:
            raise UsageError(f"{name} in {path} is {frame[name].dtype}; it must be a number.")
    for name in ("ts", "symbol", *[n for n in numbers if n != "price"]):
        if frame[name].null_count():
            row = frame[name].is_null().arg_max()
            raise UsageError(f"{name} in {path} is empty in row {(row or 0) + 1}; fill it in.")


def _check_events(path: Path, events: NDArray[Any]) -> None:
    for event in events:
        when = format_time(int(event["ts"]))
        if not np.isfinite(event["value"]) or (event["value"] == 0 and event["kind"] == 2):
            raise UsageError(f"the order at {when} in {path} has size {event['value']}; give one.")
        if event["price"] <= 0:
            raise UsageError(f"the order at {when} in {path} has price {event['price']}.")
