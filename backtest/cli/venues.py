"""`backtest venues`: the policies of all venues side by side."""

import json
from pathlib import Path
from textwrap import TextWrapper
from typing import Any

import click

from .text import WIDTH

ABREAST = 4
"""Venues in one table of policies: more do not fit the width."""


@click.group(
    "venues", invoke_without_command=True, short_help="Compare the venues' liquidation policies."
)
@click.option("--venue", "names", help="These venues only, comma-separated.")
@click.option("--date", help="Rules of this date, like 2024-05-01 [the latest known].")
@click.option("--symbols", is_flag=True, help="List the symbols whose tiers are known.")
@click.option("--sources", is_flag=True, help="Say where every rule is from and how sure it is.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Print every decision of the rulebooks, yours included, a column per venue."""
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


def _compare(
    names: str | None, date: str | None, symbols: bool, sources: bool, as_json: bool
) -> None:
    from backtest import venues
    from backtest.config import parse_time

    chosen = names.split(",") if names else venues.known()
    books = [venues.load(name.strip()) for name in chosen]
    when = None if date is None else parse_time(date)
    if as_json:
        content = {b.id: b.provenance(_moment(b, when)) for b in books}
        click.echo(json.dumps(content, indent=1, default=str))
    elif symbols:
        _print_symbols(books)
    elif sources:
        _print_sources(books, when)
    else:
        _print_policies(books, when)


def _moment(book: Any, when: int | None) -> int:
    return int(book.checked_until) if when is None else when


def _print_policies(books: list[Any], when: int | None) -> None:
    """The decisions, a few venues side by side in each table."""
    for start in range(0, len(books), ABREAST):
        if start:
            click.echo()
        _print_table(books[start : start + ABREAST], when)
    click.echo("\n--sources says where each rule is from; --symbols lists the known tiers")


def _print_table(books: list[Any], when: int | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from backtest.venues.policy import policy

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("decision")
    columns = [policy(book, _moment(book, when)) for book in books]
    for book in books:
        table.add_column(book.id, overflow="fold")
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    Console(highlight=False).print(table)


def _print_sources(books: list[Any], when: int | None) -> None:
    from backtest.config import format_time

    for book in books:
        _say(f"{book.name} ({book.id}), checked until {format_time(book.checked_until)[:10]}")
        for row in book.provenance(_moment(book, when)):
            since = format_time(row["valid_from"])[:10] if row["valid_from"] > -(2**50) else "ever"
            value = row["value"] if not isinstance(row["value"], dict) else "see the file"
            _say(f"  {row['key']} = {value}  since {since}, {row['confidence']}")
            _say(f"      {row['source']} ({row['date']}); {row['where']}")
            if row["note"]:
                _say(f"      note: {row['note']}")


def _print_symbols(books: list[Any]) -> None:
    from backtest.config import format_time
    from backtest.venues.listing import delisting
    from backtest.venues.model import FOREVER

    for book in books:
        click.echo(book.id)
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
            _say(f"  {symbol:<22} {text}", indent=25)


def _say(text: str, indent: int = 6) -> None:
    """Print a line wrapped to the width; addresses stay whole."""
    lines = TextWrapper(
        WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    click.echo(lines.fill(text))
