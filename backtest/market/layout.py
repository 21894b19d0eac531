"""Where a series lives in a store: VENUE/SYMBOL/KIND/NAME.parquet, and how its names are read.

VENUE is a ccxt id, SYMBOL a ccxt symbol with `/` and `:` written as `_`, KIND one of `KINDS`,
NAME a timeframe (`1h`) or a timeframe and a window (`1h_2024-01-01_2024-06-30`). The window is
a label for people: the span of a file is read from its rows.
"""

import re
from datetime import UTC, datetime

from backtest.errors import UsageError
from backtest.values import UNITS

CANDLE_KINDS = ("trade", "mark", "index", "spot")
KINDS = (*CANDLE_KINDS, "funding")
FUNDING_NAME = "funding"
"""What stands in the place of a timeframe in the name of a funding file."""

PRICE_COLUMNS = ("open", "high", "low", "close")
VALUE_COLUMNS = {
    "trade": (*PRICE_COLUMNS, "volume"),
    "spot": (*PRICE_COLUMNS, "volume"),
    "mark": PRICE_COLUMNS,
    "index": PRICE_COLUMNS,
    "funding": ("funding_rate",),
}
"""Columns next to `ts` that a file of each kind must have; others are ignored."""

LAYOUT = 1
"""Number of the layout that is written into each file; a higher one is of a newer version."""

_TIMEFRAME = re.compile(r"([1-9]\d*)([mhdw])")


def timeframe_ms(timeframe: str) -> int:
    """Length of a bar in milliseconds: `"15m"` is 900,000.

    Raises UsageError for anything but a whole number of minutes, hours, days or weeks.
    """
    found = _TIMEFRAME.fullmatch(timeframe)
    if found is None:
        raise UsageError(
            f"timeframe {timeframe!r} is not a number with a unit; write 1m, 5m, 15m, 1h, 4h or 1d."
        )
    return int(found[1]) * UNITS[found[2]]


def timeframe_of(stem: str, kind: str) -> str | None:
    """The timeframe a file's name begins with, or None where the name is not one of the layout."""
    head = stem.partition("_")[0]
    if kind == "funding":
        return head if head == FUNDING_NAME else None
    return head if _TIMEFRAME.fullmatch(head) else None


def folder_of(symbol: str) -> str:
    """Folder name of a ccxt symbol: `BTC/USDT:USDT` is kept in `BTC_USDT_USDT`."""
    return symbol.replace("/", "_").replace(":", "_")


def symbol_of(folder: str) -> str:
    """The ccxt symbol a folder most likely stands for: `A_B_C` is `A/B:C`, `A_B` is `A/B`."""
    parts = folder.rsplit("_", 2) if folder.count("_") > 1 else folder.split("_")
    return "/".join(parts[:2]) + "".join(f":{p}" for p in parts[2:])


def time_text(ms: int) -> str:
    """A time stamp as people write it: `2024-05-01 08:00 UTC`, with seconds only if there are."""
    try:
        moment = datetime.fromtimestamp(ms / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms, beyond any calendar"
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC" if ms % 60_000 else "%Y-%m-%d %H:%M UTC")
