"""`backtest venues`: the policies of all venues side by side."""

from pathlib import Path
from textwrap import TextWrapper
from typing import Any

import click

from backtest.errors import UnknownNameError, UsageError

from .policies import write
from .text import WIDTH


@click.group(
    "venues", invoke_without_command=True, short_help="Compare the venues' liquidation policies."
)
@click.option("--venue", "names", help="These venues only, comma-separated.")
@click.option("--date", help="Rules of this date, like 2024-05-01 [the latest known].")
@click.option("--symbols", is_flag=True, help="List the symbols whose tiers are known.")
@click.option("--sources", is_flag=True, help="Say where every rule is from and how sure it is.")
@click.option(
    "--diff", nargs=2, metavar="A B", help="What differs between two, each VENUE or VENUE@DATE."
)
@click.option("--format", "how", help="table, json, markdown or parquet [table].")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file.")
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Print every decision of the rulebooks, yours included: who does what."""
    if ctx.invoked_subcommand is None:
        _compare(**flags)


@command.command("check", short_help="Look over a rulebook file of your own.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def check_command(file: Path, as_json: bool) -> None:
    """Check the rulebook FILE (with instruments/ and tiers/ beside it) and say what it holds."""
    from backtest.venues.examine import examine

    from .tables import echo_json
    from .venuecheck import facts_of, print_findings

    found = examine(file)
    if as_json:
        echo_json(facts_of(found))
    else:
        print_findings(found)


def _compare(names: str | None, date: str | None, **asked: Any) -> None:
    from .policies import show, show_differences
    from .venuedates import all_columns, column

    how, out = _format(asked["how"], asked["as_json"]), asked["out"]
    if asked["diff"]:
        if names or asked["sources"] or asked["symbols"]:
            raise UsageError("--diff names its two venues itself and prints their decisions only.")
        show_differences([column(one, date) for one in asked["diff"]], how, out)
        return
    named = [column(name.strip(), date) for name in names.split(",")] if names else []
    columns, note = (named, "") if named else all_columns(date)
    if asked["symbols"]:
        write("\n".join([*_symbols(columns), *_filled(note)]), out)
    elif asked["sources"] and how == "table":
        write("\n".join([*_sources(columns), *_filled(note)]), out)
    else:
        show(columns, how, out, sources=asked["sources"], note=note)


def _format(how: str | None, as_json: bool) -> str:
    from .policies import FORMATS

    if as_json and how not in (None, "json"):
        raise UsageError(f"--json and --format {how} ask for two formats; give one.")
    chosen = how or ("json" if as_json else "table")
    if chosen not in FORMATS:
        raise UnknownNameError("format", chosen, FORMATS)
    return chosen


def _sources(columns: list[Any]) -> list[str]:
    """Every value of every rulebook with its origin."""
    from backtest.config import format_time

    from .policies import since

    lines: list[str] = []
    for column in columns:
        book = column.book
        until = format_time(book.checked_until)[:10]
        lines += _filled(f"{book.name} ({book.id}), checked until {until}")
        for row in book.provenance(column.ts):
            value = row["value"] if not isinstance(row["value"], dict) else "see the file"
            text = (
                f"  {row['key']} = {value}  since {since(row['valid_from'])}, {row['confidence']}"
            )
            lines += _filled(text)
            lines += _filled(f"      {row['source']} ({row['date']}); {row['where']}")
            lines += _filled(f"      note: {row['note']}") if row["note"] else []
    return lines


def _symbols(columns: list[Any]) -> list[str]:
    """Every symbol with the dates of its tier tables."""
    from backtest.config import format_time
    from backtest.venues.listing import delisting
    from backtest.venues.model import FOREVER

    lines = []
    for book in (column.book for column in columns):
        lines.append(book.id)
        for symbol in book.symbols():
            listed = book.tiers[symbol][-1].listed
            tables = [t for t in book.tiers[symbol] if t.listed]
            since, last = (format_time(t.valid_from)[:10] for t in (tables[0], tables[-1]))
            text = f"{len(tables)} table{'s' if len(tables) > 1 else ''}, from {since}"
            if len(tables) > 1:
                text += f", last change {last}"
            if tables[-1].seen_until != FOREVER:
                text += f", seen until {format_time(tables[-1].seen_until)[:10]}"
            if not listed:
                text += f", {delisting(book.tiers[symbol][-1])}"
            if not tables[-1].complete:
                text += f", known up to {tables[-1].cap:,.0f}"
            lines += _filled(f"  {symbol:<22} {text}", indent=25)
    return lines


def _filled(text: str, indent: int = 6) -> list[str]:
    """A line wrapped to the width; addresses stay whole."""
    lines = TextWrapper(
        WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    return lines.wrap(text)
