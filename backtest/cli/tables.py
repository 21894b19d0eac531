"""A result as tables of at most 80 columns, and as JSON."""

import json
from collections.abc import Mapping
from math import isfinite, isnan
from textwrap import fill
from typing import Any

import click
import polars as pl

from backtest.result import Result
from backtest.summary import SYNTHETIC, lacks, orders, verdict
from backtest.venues.symbols import STABLE

from .text import WIDTH, amount, count, price, short, shorten, table

VENUE_WIDTH, SYMBOL_WIDTH, REASONS = 11, 13, 8
NAME_WIDTH, SETTLE_WIDTH = 13, 9


def print_result(result: Result, rows: int = 20) -> None:
    """Verdicts, where prices came from, the liquidations by time, and a row of money per venue."""
    summary = result.summary
    width = max(len(row["venue"]) for row in summary.iter_rows(named=True))
    for row in summary.iter_rows(named=True):
        click.echo(f"{row['venue']:<{width}}  {verdict(row)}")
    if result.manifest.get("synthetic"):
        click.echo(f"({SYNTHETIC})")
    click.echo(f"\n{_span_table(summary)}")
    click.echo("proxy: trade stood in for the mark; extrap.: rules outside their known dates")
    _print_lacks(result)
    click.echo(f"\n{_liquidation_table(result, rows)}")
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
    """Liquidations (events, full steps and partial ones), what they cost and what is left."""
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


def _symbols(names: str) -> str:
    first, *others = names.split(",")
    if not others:
        return shorten(first, SYMBOL_WIDTH)
    tail = f" +{len(others)}"
    return shorten(first.split(":")[0], SYMBOL_WIDTH - len(tail)) + tail


def _liquidation_table(result: Result, rows: int) -> str:
    """The first steps by time, so that all venues show; columns that say nothing are left out."""
    steps = result.liquidations.sort("ts", "venue", "event", "step", maintain_order=True)
    if steps.height == 0:
        return "no liquidations"
    accounts = result.manifest["accounts"]
    hidden = ["venue"] if len(accounts) == 1 else []
    hidden += ["symbol"] if all(len(a["symbols"]) == 1 for a in accounts) else []
    shown = [c for c in _COLUMNS if c not in hidden]
    lines = [
        [cells[c] for c in shown] for cells in map(_cells, steps.head(rows).iter_rows(named=True))
    ]
    text = table(shown, lines, "".join(_COLUMNS[c] for c in shown))
    if steps.head(rows)["tier_after"].max() != 0:
        text += "\n* closed in part"
    if steps.height > rows:
        text += f"\n… and {steps.height - rows:,} more; backtest show RESULT --rows N lists them"
    return text


_COLUMNS = {
    **dict.fromkeys(("time", "venue", "symbol"), "l"),
    **dict.fromkeys(("size", "mark", "lost", "left"), "r"),
    "step": "l",
}


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    """One step; the size is what was closed, signed like the position it was closed of."""
    sign = -1.0 if row["side"] == "short" else 1.0
    part = " " if row["tier_after"] == 0 else "*"
    usd = 1.0 if isnan(row["usd_price"]) else row["usd_price"]
    cause = "" if row["cause"] == "price" else f" ({row['cause']})"
    return {
        "time": f"{row['ts']:%Y-%m-%d %H:%M}",
        "venue": shorten(row["venue"], VENUE_WIDTH),
        "symbol": shorten(row["symbol"].split("/")[0], 8),
        "size": f"{sign * row['size_closed']:.4g}{part}",
        "mark": price(row["mark_price"]),
        "lost": amount((row["fee"] + row["forfeited"] + row["slippage"]) * usd),
        "left": amount(row["residual"] * usd),
        "step": f"{row['step_name']}{cause}",
    }


def _print_rejections(result: Result) -> None:
    counts = result.rejections.group_by("venue", "reason").len().sort("venue", "reason")
    if counts.height == 0:
        return
    click.echo("\norders rejected or dropped")
    for venue, reason, times in counts.head(REASONS).iter_rows():
        click.echo(f"  {venue}: {orders(times)}, {reason}")
    if counts.height > REASONS:
        click.echo(f"  … and {counts.height - REASONS} more reasons")


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
