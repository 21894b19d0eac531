"""`backtest import`: bulk archives and files of other programs, brought into a store."""

from pathlib import Path
from typing import Any

import click

from .text import shorten, table

DATA = click.option("--data", type=click.Path(path_type=Path), help="Folder of market data.")
PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
NAME_WIDTH = 20
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.group("import", short_help="Bring archives into a store.")
def command() -> None:
    """Bring bulk archives into a folder of market data.

    Rows are merged with what is there and files are replaced whole; where a stamp
    is there already, its values are kept.
    """


@command.command("binance-vision", short_help="Zips of data.binance.vision.")
@PATHS
@DATA
@click.option("--market", type=click.Choice(["um", "cm", "spot"]), help="Of files outside folders.")
@click.option("--kind", type=click.Choice(["trade", "mark", "index"]), help="The same.")
@click.option("--urls", is_flag=True, help="Print what to fetch for a span, import nothing.")
@click.option("--symbol", "symbols", help="With --urls: like BTC/USDT:USDT, comma-separated.")
@click.option("--kinds", default="trade,mark,funding", show_default=True, help="With --urls.")
@click.option("--timeframe", default="1m", show_default=True, help="With --urls.")
@click.option("--since", help="With --urls: first day, like 2020-01-01.")
@click.option("--until", help="With --urls: end, exclusive [now].")
@AS_JSON
def binance_vision_command(
    paths: tuple[Path, ...], data: Path | None, market: str | None, kind: str | None, urls: bool,
    as_json: bool, **span: Any,
) -> None:  # fmt: skip
    """Import zips, or all zips under folders, of Binance's public archive.

    Trade, mark and index candles and funding, monthly and daily, with and without
    header; a .CHECKSUM file beside a zip is held against it.
    """
    from backtest.errors import UsageError
    from backtest.market.importers import import_binance_vision

    if urls:
        for url in _urls(**span):
            click.echo(url)
        return
    if not paths or data is None:
        raise UsageError("give zips or folders of them, and --data DIR; --urls prints what to get.")
    found = import_binance_vision(paths, data, market=market, kind=kind)
    _print(found, as_json)
    if found.unchecked and not as_json:
        click.echo(f"{found.unchecked:,} of {found.files:,} zips had no .CHECKSUM beside them")


@command.command("freqtrade", short_help="The data folder of freqtrade.")
@PATHS
@DATA
@click.option("--venue", help="ccxt id, where the folder does not say it.")
@AS_JSON
def freqtrade_command(
    paths: tuple[Path, ...], data: Path | None, venue: str | None, as_json: bool
) -> None:
    """Import files, or all files under folders, that freqtrade has downloaded.

    Candles, marks and funding in feather, Parquet, JSON or json.gz.
    """
    from backtest.errors import UsageError
    from backtest.market.importers import import_freqtrade

    if not paths or data is None:
        raise UsageError("give freqtrade's data folder or files of it, and --data DIR.")
    _print(import_freqtrade(paths, data, venue=venue), as_json)


@command.command("hyperliquid-archive", short_help="Days of Hyperliquid's asset_ctxs.")
@PATHS
@DATA
@click.option("--symbol", "symbols", help="These only, comma-separated [all].")
@AS_JSON
def hyperliquid_command(
    paths: tuple[Path, ...], data: Path | None, symbols: str | None, as_json: bool
) -> None:
    """Import mark and oracle prices, by minute, of s3://hyperliquid-archive.

    Files like asset_ctxs/20251010.csv.lz4, or folders of them. Samples once a
    minute: what the mark did between two of them is not known.
    """
    from backtest.errors import UsageError
    from backtest.market.importers import import_hyperliquid

    from .check import names

    if not paths or data is None:
        raise UsageError("give days of asset_ctxs or folders of them, and --data DIR.")
    _print(import_hyperliquid(paths, data, symbols=names(symbols)), as_json)


@command.command("csv", short_help="CSV files of one series.")
@PATHS
@DATA
@click.option("--venue", required=True, help="ccxt id, like binanceusdm.")
@click.option("--symbol", required=True, help="Like BTC/USDT:USDT.")
@click.option("--kind", required=True, help="trade, mark, index, spot or funding.")
@click.option("--timeframe", help="Of candles, like 1m.")
@click.option("--column", "columns", multiple=True, help="OUR=THEIRS, like ts=open_time.")
@click.option("--time-unit", type=click.Choice(["s", "ms", "us", "ns"]), help="Of numbers.")
@click.option("--zone", help="Time zone of times that have none, like UTC.")
@click.option("--stamp", type=click.Choice(["open", "close"]), help="What a candle's time is of.")
@click.option("--volume-unit", type=click.Choice(["base", "quote"]), help="Coin or money.")
@click.option("--rate-unit", type=click.Choice(["fraction", "percent", "bps"]), help="Of funding.")
@AS_JSON
def csv_command(
    paths: tuple[Path, ...], data: Path | None, venue: str, symbol: str, kind: str,
    timeframe: str | None, columns: tuple[str, ...], as_json: bool, **units: Any,
) -> None:  # fmt: skip
    """Import CSV files of one series.

    Columns with plain names and times of any unit are understood; what could mean
    two things is asked for and not guessed.
    """
    from backtest.errors import UsageError
    from backtest.market.importers import Reading, import_csv
    from backtest.market.intake import SeriesName
    from backtest.market.layout import FUNDING_NAME

    from .options import pairs

    if not paths or data is None:
        raise UsageError("give CSV files and --data DIR.")
    if kind != "funding" and timeframe is None:
        raise UsageError(f"candles of {kind} need --timeframe, like 1m.")
    of = SeriesName(venue, symbol, kind, FUNDING_NAME if kind == "funding" else timeframe or "")
    reading = Reading(columns=pairs("--column", columns), **units)
    _print(import_csv(paths, data, of, reading), as_json)


def _urls(
    symbols: str | None, kinds: str, timeframe: str, since: str | None, until: str | None
) -> list[str]:
    from datetime import UTC, datetime

    from backtest.config import parse_time
    from backtest.errors import UsageError
    from backtest.market.importers import vision_urls
    from backtest.market.layout import timeframe_ms

    from .check import names

    if symbols is None or since is None:
        raise UsageError("--urls needs --symbol and --since, like BTC/USDT:USDT and 2020-01-01.")
    timeframe_ms(timeframe)
    first = parse_time(since)
    end = parse_time(until) if until else int(datetime.now(UTC).timestamp() * 1000)
    if end <= first:
        raise UsageError(f"--until {until} is not after --since {since}.")
    return [
        url for symbol in names(symbols)
        for url in vision_urls(symbol, names(kinds), timeframe, first, end)
    ]  # fmt: skip


def _print(found: Any, as_json: bool) -> None:
    from .tables import echo_json

    if as_json:
        series = series_rows(found.series)
        echo_json({"files": found.files, "unchecked": found.unchecked, "series": series})
        return
    echo_series(found.series)


def series_rows(series: list[Any]) -> list[dict[str, Any]]:
    """What became of the rows of each series, as plain values."""
    from backtest.market.quality import moment

    return [
        {**w.of._asdict(), "added": w.added, "known": w.known, "differing": w.differing,
         "first": moment(w.first), "last": moment(w.last)} for w in series
    ]  # fmt: skip


def echo_series(series: list[Any]) -> None:
    """The same as a table of each venue."""
    rows = [(w.of, w) for w in series]
    for venue in dict.fromkeys(of.venue for of, _ in rows):
        click.echo(venue)
        click.echo(_table([row for row in rows if row[0].venue == venue]))
    if any(w.differing for _, w in rows):
        click.echo("differ: rows that are there with other values, which were kept")


def _table(rows: list[Any]) -> str:
    from backtest.market.quality import moment

    columns = ("symbol", "kind", "from", "until", "added", "known", "differ")
    lines = [
        (
            shorten(of.symbol, NAME_WIDTH),
            of.kind if of.kind == of.timeframe else f"{of.kind} {of.timeframe}",
            moment(w.first)[:10], moment(w.last)[:10],
            *(f"{number:,}" for number in (w.added, w.known, w.differing)),
        )
        for of, w in rows
    ]  # fmt: skip
    return table(columns, lines, "llllrrr")
