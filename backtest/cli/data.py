"""`backtest data`: what is in a store of market data."""

from pathlib import Path
from typing import Any

import click

from .text import BILLION, MILLION, THOUSAND, shorten, table, wrapped

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
DATA = click.argument("data", type=click.Path(path_type=Path))
NAME_WIDTH = 20


@click.group("data", short_help="List market data.")
def command() -> None:
    """What a folder of market data holds."""


@command.command("ls", short_help="List the series of a store.")
@DATA
@click.option("--venue", "venues", help="Only these venues, comma-separated.")
@click.option("--symbol", "symbols", help="Only these symbols, comma-separated.")
@AS_JSON
def ls_command(data: Path, venues: str | None, symbols: str | None, as_json: bool) -> None:
    """List the series of DATA with their spans, rows and sizes."""
    from backtest.market.inventory import list_series
    from backtest.market.store import Store

    from .check import names
    from .tables import echo_json

    found = list(list_series(Store(data), names(venues), names(symbols)))
    if as_json:
        echo_json([_dated(one.to_dict()) for one in found])
        return
    for venue in dict.fromkeys(one.venue for one in found):
        click.echo(venue)
        click.echo(_table([one for one in found if one.venue == venue]) + "\n")
    size = sum(one.size for one in found)
    rows = sum(one.rows for one in found)
    click.echo(f"{len(found):,} series, {rows:,} rows, {_bytes(size)}")
    for one in found:
        if one.problem:
            click.echo(wrapped(f"broken: {one.problem}", "  "))


@command.command("info", short_help="Show the files of one symbol.")
@DATA
@click.argument("venue")
@click.argument("symbol")
@AS_JSON
def info_command(data: Path, venue: str, symbol: str, as_json: bool) -> None:
    """Show the files of SYMBOL on VENUE: spans, gaps, and what their metadata say."""
    from backtest.market.inventory import describe
    from backtest.market.layout import KINDS
    from backtest.market.quality import check_store
    from backtest.market.store import Store

    from .tables import echo_json

    store = Store(data)
    store.pairs([venue], [symbol])
    report = check_store(store, venues=[venue], symbols=[symbol])
    files = [
        (kind, timeframe, describe(path, kind))
        for kind in KINDS
        for timeframe in store.timeframes(venue, symbol, kind)
        for path in store.paths(venue, symbol, kind, timeframe)
    ]
    holes = [f for f in report.findings if f.check in ("gap", "split", "funding gap", "interval")]
    if as_json:
        shown = [
            _dated({"path": str(f.path), "kind": kind, "timeframe": timeframe, "first": f.first,
                    "last": f.last, "rows": f.rows, "size": f.size, "notes": f.notes})
            for kind, timeframe, f in files
        ]  # fmt: skip
        echo_json({"files": shown, "holes": [_dated(f.to_dict()) for f in holes]})
        return
    for kind, timeframe, one in files:
        click.echo(f"{one.path.relative_to(store.root)}")
        click.echo(f"  {_span(one.first, one.last)}, {one.rows:,} rows, {_bytes(one.size)}")
        for name, text in sorted(one.notes.items()):
            click.echo(wrapped(f"  {name}: {text}", "    "))
        for hole in holes:
            if (hole.kind, hole.timeframe) == (kind, timeframe) and _inside(hole, one):
                span = _span(hole.start, hole.stop)
                click.echo(
                    wrapped(f"  {hole.check}: {span} ({hole.count:,}), {hole.detail}", "    ")
                )


def _inside(hole: Any, one: Any) -> bool:
    return one.first is not None and one.first <= hole.start <= one.last


def _table(found: list[Any]) -> str:
    columns = ("symbol", "kind", "from", "until", "rows", "missing", "size")
    rows = [
        (
            shorten(one.symbol, NAME_WIDTH),
            one.kind if one.kind == one.timeframe else f"{one.kind} {one.timeframe}",
            _day(one.first),
            _day(one.last),
            f"{one.rows:,}",
            "" if one.missing is None else f"{one.missing:,}",
            "broken" if one.problem else _bytes(one.size),
        )
        for one in found
    ]
    return table(columns, rows, "llllrrr")


def _day(ms: int | None) -> str:
    from backtest.market.quality import moment

    return "–" if ms is None else moment(ms)[:10]


def _span(first: int | None, last: int | None) -> str:
    from backtest.market.quality import moment

    return "empty" if first is None or last is None else f"{moment(first)} to {moment(last)}"


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    """Stamps as ISO times."""
    from backtest.market.quality import moment

    stamps = {name: row[name] for name in ("first", "last", "start", "stop") if name in row}
    text: dict[str, Any] = {
        name: None if ms is None else moment(ms).replace(" ", "T") + "Z"
        for name, ms in stamps.items()
    }
    return {**row, **text}


def _bytes(size: int) -> str:
    for unit, letter in ((BILLION, "GB"), (MILLION, "MB"), (THOUSAND, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {letter}"
    return f"{size} B"
