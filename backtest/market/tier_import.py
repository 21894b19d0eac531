"""Tier tables brought into the user's data folder, from an exchange or from a file."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ..errors import DataError, UsageError
from ..venues import load
from ..venues.draft import Draft
from .tiers import Outcome, keep, read_structures, read_table_file

TABLES = (".parquet", ".csv")


def import_tiers(
    venue: str,
    path: str | Path | None = None,
    *,
    symbols: Sequence[str] = (),
    date: datetime | None = None,
    source: str | None = None,
    mode: str = "",
) -> Outcome:
    """Import a venue's tier tables; nothing is kept if one of them is wrong.

    Without `path` ccxt asks the exchange. A path is a table (Parquet or CSV), a freqtrade JSON
    file, or a recorded answer or a folder of them. `date` is the day of a file that has none,
    `source` says where it is from, `mode` is isolated or cross where the tiers are for one only.
    Raises DataError or RulebookError.
    """
    file = None if path is None else Path(path)
    drafts = _drafts(venue, file, symbols, date, (source, mode))
    return keep(venue, venue if file is None else file.name, drafts, symbols)


def _drafts(
    venue: str,
    path: Path | None,
    symbols: Sequence[str],
    date: datetime | None,
    said: tuple[str | None, str],
) -> list[Draft]:
    source, mode = said
    if path is not None and not path.exists():
        raise DataError(f"{path} does not exist; check the path.")
    if path is not None and path.suffix.lower() in TABLES:
        if date is not None:
            raise UsageError("--date is for files without dates; a table has its own valid_from.")
        return read_table_file(path, source, mode)
    if path is not None and not _is_recorded(path):
        return read_structures(path, load(venue), source, date, mode)
    from .fetch import fetch_tiers

    if path is None and date is not None:
        raise UsageError("--date is for files; what an exchange answers is of today.")
    return fetch_tiers(venue, symbols, mode=mode, recorded=path, date=date)


def _is_recorded(path: Path) -> bool:
    """Whether a path holds recorded answers of an exchange."""
    if path.is_dir():
        return True
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(
            f"{path} is no table and no JSON ({error}); give a Parquet, CSV or JSON file."
        ) from error
    return isinstance(content, dict) and {"request", "response"} <= content.keys()
