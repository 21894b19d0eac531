"""A result as tables of at most 80 columns, and as JSON."""

import json
import re
from collections.abc import Mapping
from math import isfinite, isnan
from textwrap import fill
from typing import Any

import click
import polars as pl

from backtest.rejected import FEE_HINT, lacks_fee
from backtest.result import Result
from backtest.venues.symbols import STABLE
from backtest.verdict import SYNTHETIC, inside, lacks, orders, verdict

from .labels import folded
from .steptable import VENUE_WIDTH, liquidation_table
from .text import WIDTH, count, short, shorten, table

TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d)")
SYMBOL_WIDTH = 13
NAME_WIDTH, SETTLE_WIDTH = 13, 9


def print_result(result: Result, rows: int = 20) -> None:
    """Verdicts, where prices came from, the liquidations by time, and a row of money per venue."""
    summary = result.summary
    width = max(len(row["venue"]) for row in summary.iter_rows(named=True))
    for row in summary.iter_rows(named=True):
        _fold(f"{row['venue']:<{width}}  {verdict(row)}", " " * (width + 2))
    if result.manifest.get("synthetic"):
        click.echo(f"({SYNTHETIC})")
    click.echo(f"\n{_span_table(summary)}")
    click.echo("proxy: trade stood in for the mark; extrap.: rules outside their known dates")
    _print_lacks(result)
    _print_inside(summary)
    click.echo(f"\n{liquidation_table(result, rows)}")
    _print_rejections(result)
    click.echo(f"\n{_money_table(summary)}")
    click.echo(f"\n{_venue_table(summary)}")
    if set(summary["settle"].str.split(",").explode()) - set(STABLE):
        click.echo("USD; what settles in coin at the mark of each record, the end at the last mark")
    _print_left_out(result)
    click.echo(f"\nresult {result.path}\nhash   {result.hash}")


def _money_table(summary: pl.DataFrame) -> str:
    """What was paid in and what became of it."""
    columns = ("venue", "settle", "trades", "paid in", "funding", "return", "max dd", "in settle")
    rows = [
        (
            shorten(row["venue"], NAME_WIDTH),
            shorten(row["settle"], SETTLE_WIDTH),
            row["trades"],
            short(row["deposits"]),
            short(row["funding"]),
            _percent(row["return_pct"]),
            _percent(row["max_drawdown_pct"]),
            "" if row["equity_settle"] is None else f"{row['equity_settle']:.6g}",
        )
        for row in summary.iter_rows(named=True)
    ]
    return table(columns, rows, "llrrrrrr")


def _percent(value: float) -> str:
    return "n/a" if isnan(value) else f"{value:.1f}%"


def _venue_table(summary: pl.DataFrame) -> str:
    """Liquidations (what fell, full steps and partial ones), their cost and what is left."""
    names = ("liquidation_loss", "liquidation_fees", "forfeited", "residual", "fees")
    columns = ("venue", "liq", "full", "part", "loss", "fee", "forfeit", "left", "fees", "final")
    rows = [
        (
            shorten(row["venue"], NAME_WIDTH),
            *(count(row[name]) for name in ("liquidations", "full", "partial")),
            *(short(row[name]) for name in (*names, "equity_final")),
        )
        for row in summary.iter_rows(named=True)
    ]
    return table(columns, rows, "lrrrrrrrrr")


def _print_left_out(result: Result) -> None:
    """Which venues could not take the run, and why."""
    for venue, reason in result.manifest.get("left_out", {}).items():
        click.echo(fill(f"left out: {venue}: {reason}", WIDTH, subsequent_indent="  "))


def _span_table(summary: pl.DataFrame) -> str:
    columns = ("venue", "rules of", "prices of", "from", "until", "proxy", "extrap.")
    rows = [
        (
            shorten(row["venue"], VENUE_WIDTH),
            _symbols(row["symbols"]),
            shorten(row["prices"], VENUE_WIDTH),
            row["since"][:10],
            row["until"][:10],
            f"{row['proxy_share']:.1%}",
            f"{row['extrapolated_share']:.1%}",
        )
        for row in summary.iter_rows(named=True)
    ]
    return table(columns, rows, "lllllrr")


def _print_lacks(result: Result) -> None:
    """What the data lacked, in a line per venue and kind."""
    policy = result.manifest["config"]["missing_funding"]
    for row in result.summary.iter_rows(named=True):
        for lack in lacks(row, policy):
            click.echo(f"{row['venue']}: {lack}")


def _print_inside(summary: pl.DataFrame) -> None:
    """What is known of the bars whose order of events mattered."""
    for row in summary.iter_rows(named=True):
        if lines := inside(row):
            _fold(f"{row['venue']}: {'; '.join(lines)}", "  ")


def _symbols(names: str) -> str:
    """The first symbol and how many more; the date of a dated future on a second line."""
    first, *others = names.split(",")
    if not others:
        return "\n".join(shorten(part, SYMBOL_WIDTH) for part in folded(first).splitlines())
    tail = f" +{len(others)}"
    family, _, date = first.partition("-")
    if date:
        return f"{shorten(family, SYMBOL_WIDTH)}\n-{date}{tail}"
    return shorten(first.split(":")[0], SYMBOL_WIDTH - len(tail)) + tail


def _print_rejections(result: Result) -> None:
    """Reasons with their counts, the commonest first, and how many only lacked the fee."""
    refused = result.rejections
    if refused.height == 0:
        return
    click.echo("\norders rejected or dropped")
    reasons = refused.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    for reason, times in reasons.iter_rows():
        same = refused.filter(pl.col("reason") == reason)
        _fold(f"  {reason}: {orders(times)}{_by_venue(same)}", "    ")
        fees = int(same.select(lacks_fee().sum()).item())
        if fees:
            _fold(f"    {fees:,} of them: {FEE_HINT}; lower --exposure, raise --leverage", "    ")
    click.echo("backtest show RESULT --records rejections --rows N lists them")


def _by_venue(refused: pl.DataFrame) -> str:
    """` (okx 3, bybit 1)`; nothing where they are of one venue."""
    counts = refused.group_by("venue").len().sort(["len", "venue"], descending=[True, False])
    parts = [f"{venue} {times:,}" for venue, times in counts.iter_rows()]
    return f" ({', '.join(parts)})" if len(parts) > 1 else ""


def _fold(text: str, indent: str) -> None:
    """Print a line, folded where it is too wide, but not inside a time."""
    whole = TIME.sub("\\1\u00a0\\2", text)
    folded_text = fill(whole, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    click.echo(folded_text.replace("\u00a0", " "))


def print_json(result: Result) -> None:
    """The summary and where the run lies, as JSON."""
    content = {
        "path": str(result.path),
        "result_hash": result.hash,
        "inputs_hash": result.manifest.get("inputs_hash"),
        "synthetic": bool(result.manifest.get("synthetic")),
        "venues": [
            {"verdict": verdict(row), **row} for row in result.summary.iter_rows(named=True)
        ],
        "left_out": result.manifest.get("left_out", {}),
        "rows": result.manifest["rows"],
    }
    echo_json(content)


def print_records(frame: pl.DataFrame, rows: int, as_json: bool) -> None:
    """One kind of record: name and value line by line, or as JSON rows."""
    head = frame.head(rows)
    if as_json:
        echo_json(head.to_dicts())
        return
    for number, row in enumerate(head.iter_rows(named=True), 1):
        click.echo(f"— {number} of {frame.height}")
        for name, value in row.items():
            shown = f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else value
            click.echo(f"  {name:<24} {shown}")
    if frame.height == 0:
        click.echo("no such records")


def echo_json(content: Any) -> None:
    """Print JSON that any reader takes: what is not a finite number is null, times are ISO."""
    click.echo(json.dumps(_valid(content), indent=1, allow_nan=False))


def _valid(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _valid(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_valid(inner) for inner in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else value
