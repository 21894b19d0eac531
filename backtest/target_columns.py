"""The columns that a `targets` strategy returns: what they must be, and whose target each is."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from .errors import StrategyError
from .legs import BOTH, LONG, SHORT, SWITCH, Positions
from .strategy import Strategy

TIME = pl.Datetime("ms", "UTC")
SIDES = {"target": BOTH, "target_long": LONG, "target_short": SHORT}
"""Columns of targets, and the side of the position each is of."""


def cannot_compute(strategy: Strategy, error: BaseException) -> StrategyError:
    """The error of a strategy whose columns cannot be evaluated."""
    reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
    return StrategyError(f"the targets of {strategy.name} cannot be computed: {reason}.")


def checked_columns(strategy: Strategy, result: Any, positions: Positions) -> pl.LazyFrame:
    """The strategy's answer as ts, symbol and its columns of targets."""
    if not isinstance(result, pl.LazyFrame | pl.DataFrame):
        kind = type(result).__name__
        raise StrategyError(
            f"targets of {strategy.name} returned {kind}; return a LazyFrame with ts, symbol "
            "and target."
        )
    lazy = result.lazy()
    try:
        schema = lazy.collect_schema()
    except (Exception, pl.exceptions.PanicException) as error:
        raise cannot_compute(strategy, error) from error
    symbols, names = positions.symbols, _target_columns(strategy, schema, positions)
    if "symbol" not in schema and len(symbols) == 1:
        lazy = lazy.with_columns(symbol=pl.lit(symbols[0]))
    for name in ("ts", names[0], "symbol"):
        if name not in schema and not (name == "symbol" and len(symbols) == 1):
            raise StrategyError(
                f"targets of {strategy.name} has columns {', '.join(schema)}; "
                f"{name!r} is missing: return ts, symbol and target."
            )
    _check_types(strategy, schema, names)
    numbers = [pl.col(name).cast(pl.Float64) for name in names]
    return lazy.select(pl.col("ts").cast(TIME), "symbol", *numbers)


def _target_columns(
    strategy: Strategy, schema: Mapping[str, Any], positions: Positions
) -> list[str]:
    """The columns of targets: `target`, or in hedge mode those of one or both legs."""
    legs = [name for name in SIDES if name in schema and name != "target"]
    if legs and "target" in schema:
        raise StrategyError(
            f"targets of {strategy.name} has target and {legs[0]}; return the one signed target, "
            "or a target of each leg."
        )
    if legs and not positions.hedge:
        raise StrategyError(
            f"targets of {strategy.name} has {legs[0]}, but the run is in one-way mode; {SWITCH}, "
            "or return target."
        )
    return legs or ["target"]


def _check_types(strategy: Strategy, schema: Mapping[str, Any], names: Sequence[str]) -> None:
    if schema["ts"].base_type() is not pl.Datetime:
        raise StrategyError(
            f"targets of {strategy.name} has ts of type {schema['ts']}; keep the ts of the bars."
        )
    for name in names:
        if not schema[name].is_numeric() and schema[name] != pl.Null:
            raise StrategyError(
                f"targets of {strategy.name} has {name} of type {schema[name]}; "
                "it must be a number, the exposure wanted."
            )
