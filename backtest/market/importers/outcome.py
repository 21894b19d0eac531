"""What an import did, and what importers share."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from backtest.market.intake import Written
from backtest.values import HOUR

Progress = Callable[[int, int], None]
"""Told how many files are done, of how many."""
LATE = 60_000
"""How far from its hour, in ms, a settlement may be stamped."""


@dataclass(frozen=True)
class Imported:
    """What an import did: its files, those without a checksum where one is usual, its series."""

    files: int
    unchecked: int
    series: list[Written]


def on_the_hour(stamp: pl.Expr) -> pl.Expr:
    """Times of settlements in ms, on their hour where they are a little beside it."""
    whole = ((stamp + HOUR // 2) // HOUR) * HOUR
    return pl.when((stamp - whole).abs() <= LATE).then(whole).otherwise(stamp)
