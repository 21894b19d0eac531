"""`backtest fetch`: history of exchanges, brought into a store through ccxt."""

from pathlib import Path
from typing import Any

import click

from .text import wrapped

KINDS = "trade,mark,funding"


@click.command("fetch", short_help="Fetch history from exchanges.")
@click.argument("venues", metavar="VENUE[,VENUE…]")
@click.argument("symbols", nargs=-1, metavar="SYMBOL…")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of market data.")
@click.option("--kinds", default=KINDS, show_default=True, help="Also: index.")
@click.option("--timeframe", default="1m", show_default=True, help="Length of candles.")
@click.option("--since", help="Beginning, like 2020-01-01 [all there is].")
@click.option("--until", help="End, exclusive [now].")
@click.option(
    "--retries", type=click.IntRange(0), default=5, show_default=True, help="Each request."
)
@click.option("--retry-wait", type=click.FloatRange(0), default=1.0, show_default=True,
              help="Seconds before the first; doubled each time.")  # fmt: skip
@click.option("--api-url", envvar="BACKTEST_API_URL", help="Server to ask instead, as URL/VENUE.")
@click.option("--no-rate-limit", is_flag=True, help="Ask such a server as fast as it answers.")
@click.option("--list", "listing", is_flag=True, help="List the contracts, fetch nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(
    venues: str, symbols: tuple[str, ...], data: Path | None, listing: bool, as_json: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Fetch candles of trade, mark and index, and funding, of SYMBOLs of VENUEs.

    Symbols are ccxt's, like BTC/USDT:USDT, or a coin. Only what the store lacks is
    asked for, so the same command goes on where it was stopped, and brings a store
    up to date. The last candle is one that is finished. No key is needed or sent.
    """
    from backtest.errors import BacktestError, UsageError
    from backtest.market.fetch import Wish, fetch_history

    from .check import names
    from .progress import Progress

    clients = [_client(venue, options) for venue in dict.fromkeys(names(venues))]
    if listing:
        _list(clients, as_json)
        return
    if not symbols or data is None:
        raise UsageError(
            "give symbols, like BTC/USDT:USDT, and --data DIR; --list shows what there is."
        )
    wish = Wish(symbols, names(options["kinds"]), options["timeframe"],
                _time(options["since"]), _time(options["until"]))  # fmt: skip
    with Progress(compiles=False) as progress:
        found = fetch_history(data, clients, wish, progress=progress)
    _print(found, as_json)
    if found.failures:
        more = f" {len(found.failures) - 1} more failed." if len(found.failures) > 1 else ""
        raise BacktestError(f"{found.failures[0]}{more} What came is in the store.")


def _client(venue: str, options: dict[str, Any]) -> Any:
    from backtest.errors import UsageError
    from backtest.market.fetch import Client, Patience

    url = options["api_url"] or ""
    if options["no_rate_limit"] and not url:
        raise UsageError("--no-rate-limit is for a server of --api-url; exchanges set limits.")
    if url and not url.startswith(("http://", "https://")):
        raise UsageError(f"--api-url {url!r} is not like http://127.0.0.1:8000.")
    patience = Patience(options["retries"] + 1, options["retry_wait"])
    return Client(venue, url, limited=not options["no_rate_limit"], patience=patience)


def _time(text: str | None) -> int | None:
    from backtest.config import parse_time

    return None if text is None else parse_time(text)


def _print(found: Any, as_json: bool) -> None:
    from .importing import echo_series, series_rows
    from .tables import echo_json

    if as_json:
        echo_json({
            "series": series_rows(found.series),
            "notes": found.notes,
            "failures": found.failures,
            "requests": found.requests,
        })  # fmt: skip
        return
    echo_series(found.series)
    for note in found.notes:
        click.echo(wrapped(f"note: {note}", "  "))
    for failure in found.failures[1:]:
        click.echo(wrapped(f"failed: {failure}", "  "), err=True)
    if not found.series and not found.failures:
        click.echo("the store has all of it; nothing was fetched")


def _list(clients: list[Any], as_json: bool) -> None:
    from .tables import echo_json
    from .text import table

    rows = []
    for client in clients:
        client.load()
        candles = ", ".join(client.api.rows)
        kinds = f"{candles}, funding"
        rows += [
            (client.venue, symbol, str(m["id"]), kinds if m.get("swap") else candles)
            for symbol, m in sorted(client.markets.items())
            if m.get("swap") or m.get("future")
        ]  # fmt: skip
    columns = ("venue", "symbol", "id", "kinds")
    if as_json:
        echo_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    click.echo(table(columns, rows, "llll"))
