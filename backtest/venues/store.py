"""The file of imported tier tables: Parquet, a row per table, replaced as a whole."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from ..errors import DataError
from .derive import CARRIED
from .model import FOREVER, Source, TierTable
from .tables import deductions

TEXTS = ("symbol", "mode", "unit", "title", "where", "date", "confidence", "note", "id")
TIMES = ("valid_from", "known_before", "seen_until")
LISTS = ("floors", "rates", "max_leverages")


@dataclass(frozen=True)
class Imported:
    """A tier table of a symbol with its origin, and what the import said of the contract."""

    symbol: str
    table: TierTable
    origin: Source
    carried: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int]:
        """Symbol, mode and date: one table each."""
        return self.symbol, self.table.mode, self.table.valid_from


def read(path: Path) -> list[Imported]:
    """The tables of a file, sorted by symbol and date; none where there is no file."""
    if not path.is_file():
        return []
    import polars as pl

    try:
        frame = pl.read_parquet(path).with_columns(pl.col(*TIMES).dt.epoch("ms"))
        return [_table(row) for row in frame.iter_rows(named=True)]
    except (pl.exceptions.PolarsError, OSError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{path} is not a file of imported tiers ({reason}); delete it and import again."
        ) from error


def write(path: Path, tables: Sequence[Imported]) -> None:
    """Replace a file; it is whole at every moment."""
    import polars as pl

    columns: dict[str, Any] = dict.fromkeys(TEXTS, pl.String)
    columns |= dict.fromkeys(TIMES, pl.Int64) | dict.fromkeys(LISTS, pl.List(pl.Float64))
    columns |= dict.fromkeys(("cap", *CARRIED), pl.Float64) | {"listed": pl.Boolean}
    rows = [_row(one) for one in sorted(tables, key=lambda one: one.key)]
    frame = pl.DataFrame(rows, schema=columns)
    frame = frame.with_columns(pl.col(*TIMES).cast(pl.Datetime("ms", "UTC")))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(draft)
        draft.replace(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror}); BACKTEST_DATA_DIR names another folder."
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _row(one: Imported) -> dict[str, Any]:
    table, origin = one.table, one.origin
    return {
        "symbol": one.symbol,
        **{k: getattr(table, k) for k in ("mode", "unit", "confidence", "note", "listed")},
        **{k: getattr(table, k) for k in ("valid_from", "known_before")},
        **{k: list(getattr(table, k)) for k in LISTS},
        "seen_until": None if table.seen_until == FOREVER else table.seen_until,
        "cap": None if table.cap == inf else table.cap,
        "title": origin.title,
        "where": origin.where,
        "date": origin.date,
        **{name: one.carried.get(name) for name in ("id", *CARRIED)},
    }


def _table(row: Mapping[str, Any]) -> Imported:
    rates = tuple(row["rates"])
    table = TierTable(
        **{k: row[k] for k in ("valid_from", "known_before", "confidence", "unit", "mode")},
        source=row["title"],
        floors=tuple(row["floors"]),
        rates=rates,
        deductions=deductions(row["floors"], rates),
        max_leverages=tuple(row["max_leverages"]),
        cap=inf if row["cap"] is None else row["cap"],
        complete=True,
        seen_until=FOREVER if row["seen_until"] is None else row["seen_until"],
        note=row["note"],
        listed=row["listed"],
    )
    carried = {name: row[name] for name in ("id", *CARRIED) if row[name] is not None}
    origin = Source(row["title"], row["where"], row["date"])
    return Imported(row["symbol"], table, origin, carried)
