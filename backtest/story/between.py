"""The records of a bucket between two of its states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from .pick import Fall, Key
from .replay import Outcome
from .state import State, asset_of


@dataclass(frozen=True)
class Between:
    """The records of a bucket after one moment, up to another, and the rules at either."""

    old: State
    new: State
    fills: pl.DataFrame
    funding: pl.DataFrame
    deposits: pl.DataFrame
    rules: Mapping[Key, tuple[Any, Any]]
    cross: bool

    @property
    def kept(self) -> list[Key]:
        """Positions that were there at both moments."""
        return [key for key in self.new.positions if key in self.old.positions]


def readings(
    outcome: Outcome, fall: Fall, states: tuple[State, State], rules: Mapping[Key, tuple[Any, Any]]
) -> list[Between]:
    """The records between two states: with the money of the last bar, and without.

    What was paid at the time of the liquidation may have come before it or after it.
    """
    old, new = states
    fills = _in_bucket(outcome.frame("fills"), fall)
    keys = [*fall.opened, *fills.select("symbol", "position_side").unique().rows()]
    before = pl.concat([_before_the_fall(fills, key, new.ts) for key in dict.fromkeys(keys)])
    orders = _span(before, old.ts, new.ts)
    funding, paid = _in_bucket(outcome.frame("funding"), fall), _paid_in(outcome, fall)
    return [
        Between(
            old,
            new,
            orders,
            _span(funding, old.ts, last),
            _span(paid, old.ts, last),
            rules,
            fall.cross,
        )
        for last in (new.ts, new.ts - 1)
    ]


def _in_bucket(frame: pl.DataFrame, fall: Fall) -> pl.DataFrame:
    """The records of one position, or of all in a pool, also those that were closed meanwhile."""
    if fall.cross:
        asset = pl.col("symbol").str.extract(r":([^-]+)")
        return frame.filter(asset == asset_of(fall.key[0]))
    return frame.filter(pl.col("symbol") == fall.key[0], pl.col("position_side") == fall.key[1])


def _before_the_fall(fills: pl.DataFrame, key: Key, ts: int) -> pl.DataFrame:
    """A position's fills until the first that liquidates at `ts`."""
    own = fills.filter(pl.col("symbol") == key[0], pl.col("position_side") == key[1])
    fell = (pl.col("ts").cast(pl.Int64) == ts) & (pl.col("reason") == "liquidation")
    return own.filter(fell.cum_sum() == 0)


def _paid_in(outcome: Outcome, fall: Fall) -> pl.DataFrame:
    """Deposits into the pool of a liquidation; none into an isolated position."""
    deposits = outcome.frame("deposits")
    asset = asset_of(fall.key[0]) if fall.cross else None
    return deposits.filter(pl.col("asset") == pl.lit(asset, pl.String))


def _span(frame: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    stamps = pl.col("ts").cast(pl.Int64)
    return frame.filter((stamps > first) & (stamps <= last))


def rules_at(outcome: Outcome, symbols: Sequence[str], key: Key, ts: int) -> Any:
    """The RULES record in force for a position at a time."""
    periods = outcome.rules[symbols.index(key[0])]
    for period in periods:
        if period["valid_from"] <= ts < period["valid_to"]:
            return period
    return periods[0]
