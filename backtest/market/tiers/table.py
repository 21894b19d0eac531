"""Tiers from a table, Parquet or CSV, a row per tier.

Columns: symbol, valid_from, tier, min_notional, max_notional, maintenance_margin_rate,
max_leverage, source; where known also valid_to, known_before, maintenance_amount (the
deduction), unit, mode, confidence, id, contract_size, lot, tick, min_size and min_order (the
smallest notional).
Tier 0 without numbers: the symbol is listed no longer from that date on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...venues.check import Place, known_keys
from ...venues.draft import Draft, Tier
from ...venues.model import Source
from .cells import moment, numeric

NEEDED = (
    *("symbol", "valid_from", "tier", "min_notional", "max_notional"),
    *("maintenance_margin_rate", "max_leverage"),
)
ORDER = {"min_order": "min_notional"}
CARRIED = ("contract_size", "lot", "tick", "min_size", *ORDER)
OPTIONAL = (
    *("source", "valid_to", "known_before", "maintenance_amount"),
    *("unit", "mode", "confidence", "id", *CARRIED),
)
Row = Mapping[str, Any]


def read_table_file(path: Path, source: str | None = None, mode: str = "") -> list[Draft]:
    """The tables of a file; `source` and `mode` say what the file's own columns do not."""
    rows = _rows(path)
    place = Place(path.name)
    for name in NEEDED:
        if rows and name not in rows[0]:
            place.lacks(name, f"a table of tiers has the columns {', '.join(NEEDED)} and source")
    known_keys(place, rows[0] if rows else {}, (*NEEDED, *OPTIONAL))
    drafts = [d for group in _by_symbol(rows) for d in _drafts(place, group, source)]
    drafts = [replace(d, mode=d.mode or mode) for d in drafts] if mode else drafts
    if not drafts:
        raise DataError(f"{path} holds no tiers; give a table with a row per tier.")
    return drafts


def _rows(path: Path) -> list[Row]:
    import polars as pl

    try:
        if path.suffix.lower() == ".csv":
            frame = pl.read_csv(path, infer_schema=False)
        else:
            frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = next(iter(str(error).splitlines()), "")
        raise DataError(f"{path} cannot be read as a table ({reason}); check the file.") from error
    return list(frame.iter_rows(named=True))


def _by_symbol(rows: list[Row]) -> Iterator[list[list[Row]]]:
    """The rows of each symbol and mode, table by table, in the order they come in."""
    found: dict[tuple[Any, Any], list[Row]] = {}
    for row in rows:
        found.setdefault((row["symbol"], row.get("mode")), []).append(row)
    for group in found.values():
        yield [list(one) for _, one in groupby(group, key=lambda row: row["valid_from"])]


def _drafts(place: Place, tables: list[list[Row]], source: str | None) -> list[Draft]:
    drafts = [_draft(place, rows, source) for rows in tables]
    for low, high in pairwise(drafts):
        if high.valid_from <= low.valid_from:
            (place / f"{high.symbol}.valid_from").refuse(
                f"{high.valid_from:%Y-%m-%d %H:%M}",
                f"does not come after {low.valid_from:%Y-%m-%d %H:%M} of the table before it",
                "sort by date, each date once",
            )
    return [_ended(place, draft, rows[0], later) for draft, rows, later in zip(
        drafts, tables, [*drafts[1:], None], strict=True)]  # fmt: skip


def _ended(place: Place, draft: Draft, row: Row, later: Draft | None) -> Draft:
    """A draft with the end that its `valid_to` gives where no other table follows on it."""
    end = moment(place / f"{draft.symbol}.valid_to", row.get("valid_to"))
    if end is None or (later is not None and later.valid_from == end):
        return draft
    if end <= draft.valid_from or (later is not None and later.valid_from < end):
        (place / f"{draft.symbol} {draft.valid_from:%Y-%m-%d}.valid_to").refuse(
            f"{end:%Y-%m-%d}", "contradicts valid_from of this table or the next",
            "let a table end where the next begins",
        )  # fmt: skip
    return replace(draft, seen_until=end)


def _draft(place: Place, rows: list[Row], source: str | None) -> Draft:
    first = rows[0]
    start = moment(place / f"{first['symbol']}.valid_from", first["valid_from"])
    if start is None:
        place.lacks(f"{first['symbol']}.valid_from", "give every row its date")
    spot = place / f"{first['symbol']} {start:%Y-%m-%d}"
    title = str(source or first.get("source") or "")
    return Draft(
        symbol=str(first["symbol"]),
        valid_from=start or datetime.now(UTC),
        tiers=_tiers(spot, rows),
        origin=Source(title, place.file, f"{start:%Y-%m-%d}"),
        confidence=str(first.get("confidence") or "payload"),
        unit=str(first.get("unit") or "settle"),
        mode=str(first.get("mode") or ""),
        known_before=moment(spot / "known_before", first.get("known_before")),
        carried=_carried(spot, first),
    )


def _tiers(place: Place, rows: list[Row]) -> tuple[Tier, ...]:
    """The tiers of one table; none if its only row is tier 0."""
    numbers = [numeric(place / "tier", row["tier"]) for row in rows]
    if numbers == [0.0]:
        return ()
    if numbers != [float(i) for i in range(1, len(rows) + 1)]:
        (place / "tier").refuse(
            [f"{n:g}" for n in numbers if n is not None],
            "do not count from 1", "give each tier once, in order",
        )  # fmt: skip
    return tuple(_tier(place / f"tier {i}", row) for i, row in enumerate(rows, start=1))


def _tier(place: Place, row: Row) -> Tier:
    names = ("min_notional", "max_notional", "maintenance_margin_rate", "max_leverage")
    return Tier(*(numeric(place / n, row.get(n)) for n in (*names, "maintenance_amount")))


def _carried(place: Place, row: Row) -> dict[str, float | str]:
    values = {ORDER.get(n, n): numeric(place / n, row.get(n)) for n in CARRIED}
    known: dict[str, float | str] = {n: v for n, v in values.items() if v is not None}
    return known | ({"id": str(row["id"])} if row.get("id") else {})
