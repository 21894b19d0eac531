"""The targets of a strategy become order events for the core (dtype ORDER).

Targets are evaluated lazily and thinned to the bars where they change before anything is
collected, so a long history costs memory only for what changes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .core.state import ORDER, OrderKind
from .errors import StrategyError, UnknownNameError
from .legs import Positions, refuse_sign
from .strategy import Strategy
from .target_columns import SIDES, cannot_compute, checked_columns


def from_targets(
    strategy: Strategy,
    frames: Mapping[str, pl.LazyFrame],
    positions: Positions,
    exposure: float,
    timeframe_ms: int,
) -> NDArray[Any]:
    """Order events of a `targets` strategy, due at the bar after each change, in time order.

    `frames` holds `bars` and whatever else the strategy names; times are bar opens.
    """
    extra = {name: frames[name] for name in strategy.frames()}
    result = strategy.call(frames["bars"], **extra)
    lazy = checked_columns(strategy, result, positions)
    found = [np.zeros(0, ORDER)]
    for name in lazy.collect_schema().names()[2:]:
        one = lazy.select("ts", "symbol", target=pl.col(name))
        changes = _checked_changes(strategy, one, positions.symbols, name)
        found += _events(changes, positions, SIDES[name])
    events = np.concatenate(found)
    events["ts"] += timeframe_ms
    events["value"] *= exposure
    return sorted_events(events)


def _checked_changes(
    strategy: Strategy, lazy: pl.LazyFrame, symbols: Sequence[str], name: str
) -> pl.DataFrame:
    """The changes of one column of targets, which every column is evaluated anew for."""
    try:
        changes = _collected(_changes(lazy, len(symbols)))
    except (Exception, pl.exceptions.PanicException) as error:
        raise cannot_compute(strategy, error) from error
    _check_values(strategy, changes, symbols, name)
    return changes


def _events(changes: pl.DataFrame, positions: Positions, side: str) -> list[NDArray[Any]]:
    """The changes as targets of one leg, or of the positions that a signed target is for."""
    events = np.zeros(changes.height, ORDER)
    events["ts"] = changes["ts"].cast(pl.Int64).to_numpy()
    events["symbol"] = indices(changes, positions.symbols)
    events["kind"], events["price"] = OrderKind.EXPOSURE, np.nan
    events["value"] = changes["target"].to_numpy()
    return positions.place(events, side)


def _collected(lazy: pl.LazyFrame) -> pl.DataFrame:
    """The rows, by the engine that takes less memory: per bar of one symbol, 29 bytes streaming
    (53 otherwise), but 60 in memory (110 streaming) once something is evaluated over groups.
    """
    grouped = ".over(" in lazy.explain()
    return lazy.collect(engine="in-memory" if grouped else "streaming")


def _changes(lazy: pl.LazyFrame, symbols: int) -> pl.LazyFrame:
    """Rows whose target differs from the one before, and rows that are out of order."""
    given = lazy.filter(pl.col("target").is_not_null())
    before, stamp = pl.col("target").shift(1), pl.col("ts").diff()
    if symbols > 1:
        before, stamp = before.over("symbol"), stamp.over("symbol")
    disordered = (stamp <= pl.duration(milliseconds=0)).fill_null(False)
    changed = pl.col("target").ne_missing(before)
    kept = given.with_columns(disordered=disordered, changed=changed)
    kept = kept.filter(pl.col("changed") | pl.col("disordered")).drop("changed")
    return kept.with_columns(pl.col("symbol").cast(pl.String))


def _check_values(
    strategy: Strategy, changes: pl.DataFrame, symbols: Sequence[str], name: str
) -> None:
    unknown_symbols(changes, symbols, f"in the targets of {strategy.name}")
    bad = changes.filter(~pl.col("target").is_finite())
    if bad.height:
        raise StrategyError(
            f"targets of {strategy.name} is {bad['target'][0]} at {bad['ts'][0]:%Y-%m-%d %H:%M}; "
            "return a number, or null to keep the last target."
        )
    low, high = changes["target"].min(), changes["target"].max()
    for worst in (low, high):
        if isinstance(worst, float):
            refuse_sign(StrategyError, f"{name} of {strategy.name}", SIDES[name], worst)
    if changes["ts"].null_count():
        raise StrategyError(f"targets of {strategy.name} has rows without ts; keep the bars' ts.")
    if changes["disordered"].any():
        row = changes.filter("disordered").row(0, named=True)
        raise StrategyError(
            f"targets of {strategy.name} has rows out of order or twice at "
            f"{row['ts']:%Y-%m-%d %H:%M} for {row['symbol']}; keep the order of the bars."
        )


def unknown_symbols(frame: pl.DataFrame, symbols: Sequence[str], where: str) -> None:
    """Refuse a symbol that is not part of the run."""
    for name in frame["symbol"].unique().sort():
        if name not in symbols:
            raise UnknownNameError(f"symbol {where}", str(name), symbols, "Add it with --symbol.")


def indices(frame: pl.DataFrame, symbols: Sequence[str]) -> NDArray[Any]:
    """The number of each row's symbol."""
    numbers = pl.Series(range(len(symbols)), dtype=pl.Int64)
    names = pl.Series(symbols, dtype=pl.String)
    return frame["symbol"].replace_strict(names, numbers, return_dtype=pl.Int64).to_numpy()


def sorted_events(events: NDArray[Any]) -> NDArray[Any]:
    """Events in time order; those of one time in the order of symbols, then as given."""
    return events[np.lexsort((events["symbol"], events["ts"]))]
