"""Settings as people write them, turned into plain values or into one sentence about why not."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from math import isfinite
from os import PathLike, fspath
from typing import Any

from .errors import UnknownNameError, UsageError

MINUTE = 60_000
UNITS = {"m": MINUTE, "h": 60 * MINUTE, "d": 1440 * MINUTE, "w": 10080 * MINUTE}
HOUR = UNITS["h"]
DATE_DIGITS = 8
LAST_TIME = 253_402_300_799_999
"""9999-12-31 in milliseconds; later times cannot be written as dates."""
TRUE_WORDS, FALSE_WORDS = ("true", "yes", "1"), ("false", "no", "0")


def number(name: str, value: Any, what: str = "a number") -> float:
    """A finite float, or a sentence that says what the setting takes."""
    try:
        if isinstance(value, bool):
            raise TypeError
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{name} is {value!r}; it takes {what}.") from None
    if not isfinite(result):
        raise UsageError(f"{name} is {value!r}; it takes {what}, and a finite one.")
    return result


def whole(name: str, value: Any) -> int:
    """A whole number; text is read, fractions and truth values are refused."""
    try:
        if isinstance(value, bool | float):
            raise TypeError
        return int(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} is {value!r}; it takes a whole number.") from None


def flag(name: str, value: Any) -> bool:
    """True or false, as a truth value or as one of a few words."""
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word not in (*TRUE_WORDS, *FALSE_WORDS):
        raise UsageError(f"{name} is {value!r}; it takes true or false.")
    return word in TRUE_WORDS


def text(name: str, value: Any) -> str:
    """Text that is not empty; a path is text too, and numbers keep their spelling."""
    if isinstance(value, PathLike):
        return str(fspath(value))
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise UsageError(f"{name} is {value!r}; it takes text.")
    return str(value)


def names(name: str, value: Any) -> tuple[str, ...]:
    """A list of names, or one text with commas; each name once, in the order given."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(p, str) for p in parts):
        raise UsageError(f"{name} is {value!r}; it takes names separated by commas, or a list.")
    found = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not found:
        raise UsageError(f"{name} is empty; name at least one.")
    return found


def several(name: str, value: Any, mark: str = ";") -> tuple[Any, ...]:
    """A list of values, or one; text with several is taken apart at a mark."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(mark) if part.strip())
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def table(name: str, value: Any) -> Mapping[str, Any]:
    """A mapping of names to values."""
    if not isinstance(value, Mapping):
        raise UsageError(f"{name} is {value!r}; it takes a table of names and values.")
    return value


def milliseconds(value: Any) -> int:
    """`15m`, `1h`, `24h`, `7d` as milliseconds."""
    written = str(value)
    unit, count = UNITS.get(written[-1:]), written[:-1]
    if unit is None or not count.isdecimal() or int(count) == 0:
        raise UsageError(f"{value!r} is not a length of time; write it like 15m, 1h, 24h or 7d.")
    return int(count) * unit


def parse_time(value: Any) -> int:
    """A date or time, `2022-05-01`, `20220501`, `2022-05-01 12:00`, or milliseconds, as ms UTC.

    A time without a zone is UTC; a number of eight digits is a date, a longer one milliseconds.
    """
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1000)
    written = value.isoformat() if isinstance(value, date) else str(value).strip()
    try:
        if written.isdecimal() and len(written) > DATE_DIGITS:
            return _in_range(int(written))
        return parse_time(datetime.fromisoformat(written))
    except ValueError:
        raise UsageError(
            f"{value!r} is not a time; write it like 2022-05-01, 20220501 or 2022-05-01T12:00."
        ) from None


def _in_range(ms: int) -> int:
    if ms > LAST_TIME:
        raise ValueError
    return ms


def format_time(ms: int) -> str:
    """`2022-05-01 12:00` for milliseconds UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def check(name: str, value: Any, good: bool, what: str) -> None:
    """Refuse a value out of its range."""
    if not good:
        raise UsageError(f"{name} is {value!r}; it must be {what}.")


def one_of(name: str, value: Any, known: list[str]) -> str:
    """One of a few words."""
    if value not in known:
        raise UnknownNameError(f"{name} setting", str(value), known)
    return str(value)
