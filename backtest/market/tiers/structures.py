"""Tiers in ccxt's form, a list of tiers per symbol: from ccxt itself or from a freqtrade file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...venues.check import Place
from ...venues.derive import kind_of
from ...venues.draft import Draft
from ...venues.model import Rulebook, Source
from .cells import moment
from .traps import TRAPS, Trap

Structures = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Look:
    """One look at a venue's tiers: when, where from, and for which margin mode ("": both)."""

    date: datetime
    origin: Source
    mode: str = ""
    markets: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)


def drafts_of(book: Rulebook, file: str, found: Structures, look: Look) -> list[Draft]:
    """Drafts of ccxt's structures, in the venue's own unit and order."""
    if book.id not in TRAPS:
        raise DataError(
            f"what the bounds of ccxt's tiers mean on {book.id} is not known; "
            "import a table with the column 'unit' instead."
        )
    return [_draft(book, Place(file, symbol), rows, look) for symbol, rows in found.items() if rows]


def _draft(book: Rulebook, place: Place, rows: Sequence[Mapping[str, Any]], look: Look) -> Draft:
    trap: Trap = TRAPS[book.id]
    symbol = place.key
    return Draft(
        symbol=symbol,
        valid_from=look.date,
        tiers=trap.rows(place, rows),
        origin=look.origin,
        unit=trap.unit(kind_of(place, book, symbol), rows),
        mode=look.mode or trap.mode,
        carried=look.markets.get(symbol, {}),
    )


def read_structures(
    path: Path, book: Rulebook, source: str | None, date: datetime | None, mode: str = ""
) -> list[Draft]:
    """The tiers of a freqtrade file: `*_leverage_tiers.json`, or a cached `leverage_tiers_*.json`.

    A cached file has its own date; `date` wins over it.
    """
    content = _parsed(path)
    cached = isinstance(content.get("data"), dict)
    place = Place(path.name)
    when = date or moment(place / "updated", content.get("updated") if cached else None)
    if when is None:
        place.lacks("date", "say of which day the file is with --date")
    if not (source or "").strip():
        place.lacks("source", "say where the file is from with --source")
    origin = Source(str(source), path.name, f"{when:%Y-%m-%d}")
    found = content["data"] if cached else content
    _check_form(place, found)
    return drafts_of(book, path.name, found, Look(when or datetime.min, origin, mode))


def _parsed(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path} cannot be read as JSON ({error}); check the file.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} is no file of leverage tiers; it must map symbols to lists.")
    return content


def _check_form(place: Place, found: Mapping[str, Any]) -> None:
    for symbol, rows in found.items():
        good = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
        if not good:
            (place / symbol).refuse(
                str(rows)[:40], "is not a list of tiers", "give a freqtrade file of leverage tiers"
            )
