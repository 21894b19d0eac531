"""Positions of a pool as plain values, from JSON or from Python, checked one by one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from ..errors import UnknownNameError, UsageError
from .checks import SIDES

NEEDED = ("symbol", "side", "entry", "mark")
AMOUNTS = ("size", "contracts", "entry", "mark", "leverage")
KEYS = ("symbol", "side", "size", "contracts", "entry", "mark", "leverage", "funding_rate")


@dataclass(frozen=True)
class Held:
    """One position as a reader gives it; exactly one of size and contracts."""

    symbol: str
    side: str
    entry: float
    mark: float
    size: float | None = None
    contracts: float | None = None
    leverage: float | None = None
    funding_rate: float = 0.0


def read_positions(path: Path) -> list[Any]:
    """The list in a JSON file; UsageError where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.") from None
    if not isinstance(content, list):
        raise UsageError(
            f'{path} holds no list; write [{{"symbol": …, "side": "long", "size": …, '
            '"entry": …, "mark": …}, …].'
        )
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a file; JSON would take the last of two values of one key, and say nothing."""
    found = dict(pairs)
    for key in found:
        if sum(name == key for name, _ in pairs) > 1:
            raise UsageError(f"the list names {key!r} twice in one position; keep one of them.")
    return found


def held(rows: Sequence[Any]) -> list[Held]:
    """The positions of a list, each checked; UsageError names the first that is wrong."""
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Sequence):
        raise UsageError("positions is no list; give a list of mappings, one per position.")
    if not rows:
        raise UsageError("the list of positions is empty; give at least one.")
    found = [_held(f"position {number}", row) for number, row in enumerate(rows, 1)]
    _refuse_twice(found)
    return found


def _held(where: str, row: Any) -> Held:
    if not isinstance(row, Mapping):
        raise UsageError(f"{where} is {row!r}; write it as an object with {', '.join(NEEDED)}.")
    for key in row:
        if key not in KEYS:
            raise UnknownNameError(f"key of {where}", str(key), KEYS)
    for key in NEEDED:
        if row.get(key) is None:
            raise UsageError(f"{where} has no {key}; every position needs {', '.join(NEEDED)}.")
    if (row.get("size") is None) == (row.get("contracts") is None):
        raise UsageError(f"{where} needs either size or contracts, exactly one of them.")
    if not isinstance(row["symbol"], str):
        raise UsageError(f"{where} has symbol {row['symbol']!r}; write it as text.")
    if row["side"] not in SIDES:
        raise UnknownNameError(f"side of {where}", str(row["side"]), SIDES)
    return Held(**{key: _value(where, key, value) for key, value in row.items()})


def _value(where: str, key: str, value: Any) -> Any:
    """A checked value; null stands for left out."""
    if key in ("symbol", "side"):
        return value
    if value is None:
        return 0.0 if key == "funding_rate" else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where} has {key} {value!r}; write it as a number.")
    value = _float(value)
    if key in AMOUNTS and not 0 < value < inf:
        raise UsageError(f"{where} has {key} {value:g}; it must be a number greater than 0.")
    if key == "leverage" and value < 1:
        raise UsageError(f"{where} has leverage {value:g}; it must be 1 or more.")
    if key == "funding_rate" and not -1 < value < 1:
        raise UsageError(f"{where} has {key} {value:g}; a rate is a fraction, like 0.0001.")
    return value


def _float(value: float) -> float:
    """A number as JSON has it; one of hundreds of digits is as good as infinite."""
    try:
        return float(value)
    except OverflowError:
        return inf


def _refuse_twice(found: Sequence[Held]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for number, one in enumerate(found, 1):
        first = seen.setdefault((one.symbol, one.side), number)
        if first != number:
            raise UsageError(
                f"positions {first} and {number} are both {one.side} {one.symbol}; a venue holds "
                "them as one: add the sizes up and take the mean entry."
            )
