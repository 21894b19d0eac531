"""The checks by name: how grave each is, and what it finds."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from backtest.errors import UnknownNameError

Level = Literal["error", "warning", "note"]


class Check(NamedTuple):
    """`error`: numbers are wrong or a run refuses them; `warning`: they may mislead a run; `note`:
    worth knowing, no violation.
    """

    level: Level
    meaning: str


CHECKS = {
    "unreadable": Check("error", "the file cannot be read, or its columns are not those of a kind"),
    "name": Check("error", "the file names another symbol in its metadata than its folder does"),
    "unsorted": Check("error", "a stamp comes before the one above it"),
    "duplicate": Check("error", "a stamp occurs twice"),
    "off grid": Check(
        "error", "a stamp is no multiple of the timeframe, or of an hour for funding"
    ),
    "price": Check("error", "a price is zero, negative or not a number"),
    "ohlc": Check("error", "open or close lies outside low to high"),
    "volume": Check("error", "a volume is negative or not a number"),
    "rate": Check("error", "a funding rate is not a number, or no fraction of a position's value"),
    "overlap": Check("error", "two files have different values for one stamp"),
    "fine": Check("error", "finer candles do not make up the coarser ones"),
    "spot": Check("error", "candles of a perpetual are those of the spot market"),
    "copy": Check("error", "the mark is a copy of trade"),
    "gap": Check("warning", "bars are missing inside a file"),
    "stale": Check("warning", "the price stands still without volume"),
    "volume jump": Check("warning", "the volume changes as if its unit did"),
    "volume fine": Check("warning", "finer volumes do not add up to the coarser ones"),
    "mark": Check("warning", "trade and mark part by more than the band"),
    "funding gap": Check("warning", "settlements are missing"),
    "interval": Check("note", "the interval between settlements changes"),
    "split": Check("note", "bars are missing between two files of a series"),
}


def allowed(names: Iterable[str]) -> frozenset[str]:
    """Names of checks, known ones. Raises UnknownNameError for any other."""
    for name in names:
        if name not in CHECKS:
            raise UnknownNameError("check", name, CHECKS)
    return frozenset(names)
