"""Refusals: one sentence that names file, key, value and what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from math import inf
from typing import Any, NoReturn

from ..errors import RulebookError
from .schema import CONFIDENCES, Kind

DAY_MS = 86_400_000
EARLIEST = date(2011, 1, 1)
"""Years before the first rule of any venue: an earlier date is a mistyped one."""


@dataclass(frozen=True)
class Place:
    """A spot in a rulebook file: the file's name, the dotted key, and the sources declared."""

    file: str
    key: str = ""
    sources: frozenset[str] = frozenset()

    def __truediv__(self, key: object) -> "Place":
        return replace(self, key=f"{self.key}.{key}" if self.key else str(key))

    def refuse(self, value: object, problem: str, remedy: str) -> NoReturn:
        """Raise a RulebookError about the value at this spot."""
        end = "" if remedy.endswith("?") else "."
        raise RulebookError(f"{self.file}: {self.key} = {value!r} {problem}; {remedy}{end}")

    def lacks(self, key: str, remedy: str) -> NoReturn:
        """Raise a RulebookError about a key that is missing here."""
        raise RulebookError(f"{self.file}: {(self / key).key} is missing; {remedy}.")


def known_keys(place: Place, table: Any, known: Iterable[str]) -> None:
    """Refuse what is not a table, and a key that the table does not have."""
    if not isinstance(table, Mapping):
        place.refuse(table, "is not a table", f"write its keys: {', '.join(known)}")
    names = list(known)
    for key in table:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
            (place / key).refuse(table[key], "is not a known key", remedy)


def needed(place: Place, table: Mapping[str, Any], key: str) -> Any:
    """The value of a key that must be there."""
    if key not in table:
        place.lacks(key, "give it a value")
    return table[key]


def entries(place: Place, value: Any) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        place.refuse(value, "is not a list", "write [ … ]")
    return value


def milliseconds(place: Place, value: Any, *, end: bool = False) -> int:
    """A TOML date or date-time (UTC unless it names an offset) as milliseconds.

    `end` takes a date as the last millisecond of its day.
    """
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    elif isinstance(value, date):
        _refuse_early(place, value)
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
        return round(moment.timestamp() * 1000) + (DAY_MS - 1 if end else 0)
    else:
        place.refuse(value, "is not a date", "write it as 2025-10-15, without quotes")
    _refuse_early(place, moment.date())
    return round(moment.timestamp() * 1000)


def _refuse_early(place: Place, day: date) -> None:
    if day < EARLIEST:
        place.refuse(str(day), f"is before {EARLIEST}", "correct the year")


def day_text(ms: int) -> str:
    """The date (UTC) of a time."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def number(place: Place, value: Any, kind: Kind) -> float:
    """A number within the limits of its kind; what must be over 0 must have an end too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        place.refuse(value, "is not a number", "write a number without quotes")
    if value == inf and kind.low > 0.0:
        place.refuse(value, "is not finite", "give a number")
    if value > kind.high:
        place.refuse(value, f"is over {kind.high:g}", "write rates as fractions (0.5 % is 0.005)")
    if not value >= kind.low:
        place.refuse(value, f"is under {kind.low:g}", f"give {kind.low:g} or more")
    return float(value)


def word(place: Place, value: Any, known: Iterable[str]) -> str:
    """A word out of a list."""
    names = list(known)
    if value not in names:
        near = get_close_matches(str(value), names, n=1, cutoff=0.75)
        remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
        place.refuse(value, "is not a known word", remedy)
    return str(value)


def words_of(place: Place, value: Any, known: Iterable[str]) -> tuple[str, ...]:
    """A list of words, at least one, each out of a list."""
    found = entries(place, value)
    if not found:
        place.refuse(value, "names nothing", f"give at least one of {', '.join(known)}")
    return tuple(word(place / i, one, known) for i, one in enumerate(found))


def value_of(place: Place, value: Any, kind: Kind) -> str | float | bool:
    """A value of a kind: word, flag or number."""
    if kind.flag:
        if not isinstance(value, bool):
            place.refuse(value, "is neither true nor false", "write true or false")
        return value
    if kind.words == ("*",):
        return str(value)
    if kind.words:
        return word(place, value, kind.words)
    return number(place, value, kind)


def origin(place: Place, table: Mapping[str, Any]) -> tuple[str, str]:
    """Source and confidence of a value; both must be there and known."""
    if "source" not in table:
        place.lacks("source", "name one of the file's [sources]")
    source = table["source"]
    if not isinstance(source, str) or source not in place.sources:
        key = source if isinstance(source, str) else "KEY"
        (place / "source").refuse(
            source, "is not declared", f"add [sources.{key}] with title, where and date"
        )
    return source, word(place / "confidence", needed(place, table, "confidence"), CONFIDENCES)


def ascending(place: Place, dates: Iterable[int], written: Iterable[Any]) -> None:
    """Refuse dates that do not strictly ascend."""
    last = None
    for moment, text in zip(dates, written, strict=True):
        if last is not None and moment <= last:
            (place / "valid_from").refuse(
                str(text), "does not come after the one before it", "sort by date, each date once"
            )
        last = moment
