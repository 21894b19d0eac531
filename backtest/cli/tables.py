"""Results as tables of at most 80 columns, and as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
import polars as pl

from backtest.result import Result
from backtest.summary import SYNTHETIC, verdict

WIDTH = 80


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Plain columns, the first `left` ones left-aligned, numbers right-aligned."""
    widths = [max(len(str(r[i])) for r in (columns, *rows)) for i in range(len(columns))]
    lines = []
    for row in (columns, *rows):
        cells = [
            str(cell).ljust(width) if i < left else str(cell).rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def print_result(result: Result, rows: int = 20) -> None:
    """Verdicts, a row per venue, and the liquidations."""
    summary = result.summary
    if result.manifest.get("synthetic"):
        click.echo(f"({SYNTHETIC})\n")
    for row in summary.iter_rows(named=True):
        click.echo(f"{row['venue']}: {verdict(row)}")
    click.echo()
    click.echo(_venue_table(summary))
    click.echo()
    click.echo(_span_table(summary))
    click.echo()
    click.echo(_liquidation_table(result.liquidations, rows))
    _print_rejections(result)
    click.echo(f"\nresult {result.path}  hash {result.hash[:16]}")


def _venue_table(summary: pl.DataFrame) -> str:
    columns = ("venue", "full", "partial", "lost", "fees", "funding", "paid in", "final", "max dd")
    rows = [
        (
            row["venue"],
            row["full"],
            row["partial"],
            amount(row["liquidation_loss"]),
            amount(row["fees"]),
            amount(row["funding"]),
            amount(row["deposits"]),
            amount(row["equity_final"]),
            f"{row['max_drawdown_pct']:.1f}%",
        )
        for row in summary.iter_rows(named=True)
    ]
    return table(columns, rows)


def _span_table(summary: pl.DataFrame) -> str:
    columns = ("venue", "rules of", "prices of", "from", "to", "proxy", "extrap.")
    rows = [
        (
            row["venue"],
            shorten(row["symbols"], 16),
            row["prices"],
            row["since"][:10],
            row["until"][:10],
            f"{row['proxy_share']:.1%}",
            f"{row['extrapolated_share']:.1%}",
        )
        for row in summary.iter_rows(named=True)
    ]
    return table(columns, rows, left=3)


def _liquidation_table(liquidations: pl.DataFrame, rows: int) -> str:
    if liquidations.height == 0:
        return "no liquidations"
    columns = ("time", "venue", "symbol", "side", "size", "mark", "equity", "left", "step")
    lines = [_liquidation_row(row) for row in liquidations.head(rows).iter_rows(named=True)]
    text = table(columns, lines, left=4)
    if liquidations.height > rows:
        text += f"\n… and {liquidations.height - rows} more; see --rows and --records liquidations"
    return text


def _liquidation_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    part = "" if row["tier_after"] == 0 else "part "
    cause = "" if row["cause"] == "price" else f" ({row['cause']})"
    return (
        f"{row['ts']:%Y-%m-%d %H:%M}",
        shorten(row["venue"], 11),
        shorten(row["symbol"].split(":")[0], 9),
        row["side"],
        f"{row['size_closed']:.5g}",
        price(row["mark_price"]),
        amount(row["equity_before"]),
        amount(row["residual"]),
        f"{part}{row['step']}{cause}",
    )


def _print_rejections(result: Result) -> None:
    rejected = result.rejections
    if rejected.height == 0:
        return
    counts = rejected.group_by("venue", "reason").len().sort("venue", "reason")
    click.echo("\norders rejected or dropped")
    for venue, reason, count in counts.iter_rows():
        click.echo(f"  {venue}: {reason}, {count} times")


def print_json(result: Result) -> None:
    """The summary and where the run lies, as JSON."""
    content = {
        "path": str(result.path),
        "result_hash": result.hash,
        "synthetic": bool(result.manifest.get("synthetic")),
        "venues": [
            {**row, "verdict": verdict(row)} for row in result.summary.iter_rows(named=True)
        ],
        "rows": result.manifest["rows"],
    }
    click.echo(json.dumps(content, indent=1, default=str))


def print_records(frame: pl.DataFrame, rows: int, as_json: bool) -> None:
    """One kind of record, as a wide table or as JSON rows."""
    head = frame.head(rows)
    if as_json:
        click.echo(json.dumps(head.to_dicts(), indent=1, default=str))
        return
    for number, row in enumerate(head.iter_rows(named=True), 1):
        click.echo(f"— {number} of {frame.height}")
        for name, value in row.items():
            click.echo(f"  {name:<24} {value}")


def amount(value: float) -> str:
    """Money with two decimals, thousands separated; large sums without decimals."""
    return f"{value:,.0f}" if abs(value) >= 100_000 else f"{value:,.2f}"


def price(value: float) -> str:
    """A price with at most seven significant digits."""
    return f"{value:.7g}"


def shorten(text: str, width: int) -> str:
    """Text cut to a width."""
    return text if len(text) <= width else text[: width - 1] + "…"
