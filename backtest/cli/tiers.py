"""`backtest tiers`: import, show and compare tier tables."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
MARGIN = click.option("--margin", default="isolated", show_default=True, help="isolated or cross.")
ROWS = click.option("--rows", default=30, show_default=True, help="How many tiers to show.")


@click.group("tiers", short_help="Import, show and compare tier tables.")
def command() -> None:
    """Tier tables: which the rulebooks have, and which you bring along."""


@command.command("import", short_help="Import tier tables from an exchange or a file.")
@click.argument("venue")
@click.option("--from", "path", type=click.Path(path_type=Path), help="File or folder [live].")
@click.option("--symbol", "symbols", help="These only, comma-separated, like BTC/USDT:USDT [all].")
@click.option("--date", help="Day of a file that does not say it, like 2026-09-29.")
@click.option("--source", help="Where a file is from, if it does not say it.")
@click.option("--margin", help="The one margin mode that the tiers are for [both].")
@AS_JSON
def import_command(venue: str, path: Path | None, as_json: bool, **flags: Any) -> None:
    """Keep tier tables of VENUE in your data folder.

    --from takes a table (Parquet, CSV), a freqtrade *_leverage_tiers.json, or
    recorded answers of the exchange; without it ccxt asks the exchange. Nothing
    is kept if one table is wrong. On one day an imported table wins over a
    built-in one.
    """
    from backtest.config import parse_time
    from backtest.market.tier_import import import_tiers

    from .tierviews import print_outcome

    date, symbols = flags["date"], flags["symbols"]
    outcome = import_tiers(
        venue,
        path,
        symbols=[s.strip() for s in symbols.split(",")] if symbols else (),
        date=datetime.fromtimestamp(parse_time(date) / 1000, UTC) if date else None,
        source=flags["source"],
        mode=flags["margin"] or "",
    )
    print_outcome(outcome, as_json)


@command.command("show", short_help="Show a symbol's tiers on a date.")
@click.argument("venue")
@click.argument("symbol")
@click.option("--date", help="Tiers of this date, like 2024-05-01 [the latest known].")
@MARGIN
@ROWS
@AS_JSON
def show_command(
    venue: str, symbol: str, date: str | None, margin: str, rows: int, as_json: bool
) -> None:
    """Show the tier table of SYMBOL on VENUE, imported or built in, with its source."""
    from backtest.venues import load

    from .tierlook import look
    from .tierviews import print_look

    print_look(look(load(venue), symbol, _moment(date), margin), rows, as_json)


@command.command("diff", short_help="Compare a symbol's tiers on two dates.")
@click.argument("venue")
@click.argument("symbol")
@click.argument("dates", nargs=-1)
@click.option("--built-in", is_flag=True, help="Built-in against imported, on one date.")
@MARGIN
@ROWS
@AS_JSON
def diff_command(
    venue: str, symbol: str, dates: tuple[str, ...], built_in: bool, margin: str, **shown: Any
) -> None:
    """Compare the tiers of SYMBOL on two DATES; with --built-in both books on one.

    Where the tables differ, each floor of either has a line.
    """
    from backtest.errors import UsageError
    from backtest.venues import load

    from .tierdiff import print_diff
    from .tierlook import built_in_look, look

    if len(dates) != (1 if built_in else 2):
        raise UsageError("give two dates, or one date with --built-in.")
    book = load(venue)
    first, last = _moment(dates[0]), _moment(dates[-1])
    before = (built_in_look if built_in else look)(book, symbol, first, margin)
    print_diff(before, look(book, symbol, last, margin), shown["rows"], shown["as_json"])


def _moment(date: str | None) -> int | None:
    from backtest.config import parse_time

    return None if date is None else parse_time(date)
