"""Policies of venues, printed or written to a file in one of four formats."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from backtest.errors import UsageError

from .policytext import blocks, markdown, side_by_side


@dataclass(frozen=True)
class Column:
    """One venue's rules at one moment; the name says the date where it was asked for."""

    book: Any
    ts: int
    name: str

    @property
    def day(self) -> str:
        """The date of the rules."""
        from backtest.config import format_time

        return format_time(self.ts)[:10]

    @property
    def label(self) -> str:
        """The venue with the date of its rules."""
        return f"{self.book.id} {self.day}"


FORMATS = ("table", "json", "markdown", "parquet")
DATES = ("valid_from", "source", "where", "date", "confidence", "note")
"""What is said of a value's origin, in a row."""


def show(
    columns: Sequence[Column],
    how: str,
    out: Path | None,
    *,
    sources: bool = False,
    note: str = "",
) -> None:
    """Print the decisions of venues at their dates, or write them to a file.

    A text ends with the note; data has none.
    """
    from backtest.venues.policy import facts

    found = [fact for column in columns for fact in facts(column.book, column.ts)]
    if how == "parquet":
        days = {column.book.id: column.day for column in columns}
        write_parquet([{"as_of": days[row["venue"]], **row} for row in _rows(found)], out)
    elif how == "json":
        write(_json(_by_venue(columns, found)), out)
    elif how == "markdown":
        table = _with_sources(found) if sources else _matrix(found)
        write(markdown(*table) + (f"\n\n{note}" if note else ""), out)
    else:
        write(blocks(found, [column.label for column in columns], note), out)


def show_differences(columns: Sequence[Column], how: str, out: Path | None) -> None:
    """Print what differs between the policies of two columns."""
    from backtest.venues.policy import policy

    a, b = (policy(column.book, column.ts) for column in columns)
    first, second = (column.name for column in columns)
    rows = [[name, a[name], b[name]] for name in a if a[name] != b[name]]
    names = ["decision", first, second]
    if how == "parquet":
        write_parquet([dict(zip(names, row, strict=True)) for row in rows], out)
    elif how == "json":
        write(_json([dict(zip(names, row, strict=True)) for row in rows]), out)
    elif not rows:
        write(f"{first} and {second} do not differ in any decision", out)
    else:
        write(markdown(names, rows) if how == "markdown" else side_by_side(names, rows), out)


def _matrix(facts: Sequence[Any]) -> tuple[list[str], list[list[str]]]:
    """A row per decision, a column per venue; variants in the same cell."""
    venues = list(dict.fromkeys(fact.venue for fact in facts))
    cells: dict[str, dict[str, list[str]]] = {}
    for fact in facts:
        text = f"{fact.variant}: {fact.text}" if fact.variant else fact.text
        cells.setdefault(fact.decision, {}).setdefault(fact.venue, []).append(text)
    rows = [[name, *("\n".join(row[v]) for v in venues)] for name, row in cells.items()]
    return ["decision", *venues], rows


def _rows(facts: Sequence[Any]) -> list[dict[str, Any]]:
    """A row per fact; dates in milliseconds UTC, what is not stated null."""
    return [
        {
            "venue": fact.venue,
            "decision": fact.decision,
            "key": fact.key,
            "variant": fact.variant,
            "text": fact.text,
            **{name: (fact.origin or {}).get(name) for name in DATES},
        }
        for fact in facts
    ]


def _by_venue(columns: Sequence[Column], facts: Sequence[Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows with their values by venue, and after them every other value of the rulebook."""
    found: dict[str, list[dict[str, Any]]] = {column.book.id: [] for column in columns}
    for fact, row in zip(facts, _rows(facts), strict=True):
        value = fact.origin["value"] if fact.origin else None
        found[fact.venue].append({**row, "value": value})
    for column in columns:
        rows = found[column.book.id]
        named = {row["key"] for row in rows}
        rows += [row for row in column.book.provenance(column.ts) if row["key"] not in named]
    return found


def _with_sources(facts: Sequence[Any]) -> tuple[list[str], list[list[str]]]:
    """A row per decision and venue with the origin of the value."""
    columns = ["decision", "venue", "value", "since", "source", "where", "confidence", "note"]
    rows = []
    for fact in facts:
        origin = fact.origin or {}
        said = [str(origin.get(name) or "") for name in ("source", "where", "confidence", "note")]
        rows.append([fact.decision, fact.who, fact.text, since(origin.get("valid_from")), *said])
    return columns, rows


def since(ms: int | None) -> str:
    """The day a value holds from; nothing where it is not stated, "ever" before all dates."""
    from backtest.config import format_time

    if ms is None:
        return ""
    return format_time(ms)[:10] if ms > -(2**50) else "ever"


def _json(content: Any) -> str:
    from backtest.venues.provenance import finite

    return json.dumps(finite(content), indent=1, default=str, allow_nan=False)


def write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror or error}.") from None


def write_parquet(rows: list[dict[str, Any]], out: Path | None) -> None:
    import polars as pl

    if out is None:
        raise UsageError("--format parquet needs a file to write to: add --out FILE.")
    frame = pl.DataFrame(rows, infer_schema_length=None)
    if "valid_from" in frame.columns:
        frame = frame.with_columns(_moments(pl))
    try:
        frame.write_parquet(out)
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror or error}.") from None


def _moments(pl: Any) -> Any:
    """Dates as time stamps; "since ever" has none."""
    known = pl.col("valid_from") > -(2**61)
    moment = pl.when(known).then(pl.col("valid_from"))
    return moment.cast(pl.Datetime("ms", "UTC")).alias("valid_from")
