"""Liquidation N of a result: its steps, and when the positions that fell with it were opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from ..episodes import numbered
from ..errors import UsageError
from ..market.layout import timeframe_ms
from ..paths import OPTIMISTIC, PESSIMISTIC, history, worst_path
from ..result import Result

Key = tuple[str, str]
"""A position: its symbol, as the venue writes it, and its position_side."""

AT_OPEN = "signal"
"""The reason of fills that happen at the open of a bar."""


@dataclass(frozen=True)
class Opening:
    """When a position was opened, and whether at the open of that bar or inside it."""

    ts: int
    at_open: bool


@dataclass(frozen=True)
class Fall:
    """One liquidation: all steps of an episode.

    `opened` says of every position that its bucket held when it was triggered when that was
    opened, the one of the first step first.
    """

    number: int
    count: int
    path: str
    steps: pl.DataFrame
    opened: Mapping[Key, Opening]

    @property
    def first(self) -> dict[str, Any]:
        """The first step."""
        return self.steps.row(0, named=True)

    @property
    def last(self) -> dict[str, Any]:
        """The last step."""
        return self.steps.row(-1, named=True)

    @property
    def key(self) -> Key:
        """The position of the first step."""
        return key_of(self.first)

    @property
    def cross(self) -> bool:
        """Whether a whole pool was liquidated."""
        return bool(self.first["scope"] == "account")

    @property
    def since(self) -> Opening:
        """When the bucket was complete: the last opening of one of its positions."""
        return max(self.opened.values(), key=lambda one: (one.ts, not one.at_open))


def key_of(row: Mapping[str, Any]) -> Key:
    """The position that a record is of."""
    return str(row["symbol"]), str(row["position_side"])


def ms(moment: datetime) -> int:
    """A time as milliseconds since 1970 UTC."""
    return round(moment.timestamp() * 1000)


def pick(result: Result, number: int, path: str | None) -> Fall:
    """Liquidation `number`, by time over all venues; of the optimistic account if `path` says so.

    Raises UsageError where there is none of that number.
    """
    path = _path(result, path)
    steps = numbered(history(result.liquidations, path), _bar_ms(result))
    count = steps["number"].n_unique()
    if count == 0:
        raise UsageError(f"the run at {result.path} has no liquidation to tell of{_whose(path)}.")
    if not 1 <= number <= count:
        raise UsageError(
            f"there is no liquidation {number} in {result.path}: it has {count:,}{_whose(path)}; "
            f"give a number from 1 to {count}, as `backtest show {result.path}` prints them."
        )
    own = steps.filter(pl.col("number") == number)
    return Fall(number, count, path, own, _opened(result, own, path))


def _bar_ms(result: Result) -> int:
    return timeframe_ms(result.manifest["config"]["timeframe"])


def _path(result: Result, path: str | None) -> str:
    """Which account is meant: that which a run is told by, unless the other is named."""
    config = result.manifest["config"]
    if path not in (None, PESSIMISTIC, OPTIMISTIC):
        raise UsageError(f"path is {path!r}; it takes {PESSIMISTIC} or {OPTIMISTIC}.")
    worst = worst_path(config)
    if config.get("path", "both") == "both":
        return path or worst
    if path not in (None, worst):
        raise UsageError(
            f"the run at {result.path} has the {worst} account only; leave out --path."
        )
    return worst


def _whose(path: str) -> str:
    return " on its optimistic path" if path == OPTIMISTIC else ""


def _opened(result: Result, steps: pl.DataFrame, path: str) -> dict[Key, Opening]:
    """When each position of the bucket was opened, by the fills before the first step."""
    first = steps.row(0, named=True)
    fills = history(result.fills, path).filter(
        pl.col("venue") == first["venue"], pl.col("ts") <= first["ts"]
    )
    keys = [key_of(first), *_beside(result, first, path)]
    found = {key: opening(fills, key, _sign(steps, key)) for key in dict.fromkeys(keys)}
    bars = first["bars_held"] * _bar_ms(result)
    own = Opening(ms(first["ts"]) - bars, _at_open(found[keys[0]]))
    return {keys[0]: own} | {k: o for k, o in found.items() if o is not None and k != keys[0]}


def _at_open(one: Opening | None) -> bool:
    return one is None or one.at_open


def _beside(result: Result, first: Mapping[str, Any], path: str) -> list[Key]:
    """The other positions of a pool as its liquidation began."""
    if first["scope"] != "account":
        return []
    marks = history(result.frame("marks"), path)
    same = marks.filter(
        pl.col("venue") == first["venue"],
        pl.col("ts") == first["ts"],
        pl.col("event") == first["event"],
    )
    return [key_of(row) for row in same.iter_rows(named=True)]


def _sign(steps: pl.DataFrame, key: Key) -> float:
    """The side of a position that was liquidated; 0 for one that was not."""
    own = steps.filter(pl.col("symbol") == key[0], pl.col("position_side") == key[1])
    return float(np.sign(own["size_before"][0])) if own.height else 0.0


def opening(fills: pl.DataFrame, key: Key, sign: float = 0.0) -> Opening | None:
    """The last fill that opened a position, on the side `sign` if that is not 0."""
    own = fills.filter(pl.col("symbol") == key[0], pl.col("position_side") == key[1])
    after = pl.col("position_after")
    before = after - pl.col("size")
    new = (after != 0.0) & (before * after <= 1e-9 * after.abs() * pl.col("size").abs())
    side = pl.lit(True) if sign == 0.0 else after.sign() == sign
    rows = own.filter(new & side)
    if rows.height == 0:
        return None
    row = rows.row(-1, named=True)
    return Opening(ms(row["ts"]), row["reason"] == AT_OPEN)
