"""Tier tables and imports as text of 80 columns, or as JSON."""

from dataclasses import asdict
from textwrap import fill
from typing import Any

import click

from .tables import echo_json
from .text import WIDTH, table
from .tierlook import Look, day, moment

TIERS = ("tier", "from", "up to", "maint.", "max lev", "deduction")


def print_outcome(outcome: Any, as_json: bool) -> None:
    """What an import did."""
    if as_json:
        content = {**asdict(outcome), "path": str(outcome.path)}
        echo_json(content | {name: day(content[name]) for name in ("first", "last")})
        return
    span = f"{day(outcome.first)} to {day(outcome.last)}"
    click.echo(f"{outcome.venue}, {span}")
    for text, count in (
        ("tables", outcome.tables),
        ("symbols", outcome.symbols),
        ("no longer listed at the end", outcome.delisted),
        ("in the place of earlier imports of the same date", outcome.replaced),
        ("ids of the venue taken as ccxt symbols", len(outcome.renamed)),
        ("not in the rulebook; lot, tick and smallest order assumed", len(outcome.assumed)),
    ):
        if count:
            click.echo(f"  {count:>6,}  {text}")
    click.echo(f"kept in {outcome.path}")


def print_look(look: Look, most: int, as_json: bool) -> None:
    """One table with its dates and its source."""
    if as_json:
        echo_json(look.to_dict())
        return
    facts = look.to_dict()
    click.echo(f"{look.book.id} {look.instrument.symbol}, {look.margin}, on {moment(look.ts)}")
    for line in _facts(look, facts):
        say(f"  {line}")
    shown = len(TIERS) if look.rule == "progressive" else len(TIERS) - 1
    rows = [_cells(i, row)[:shown] for i, row in enumerate(look.rows(), start=1)]
    click.echo("\n" + table(TIERS[:shown], rows[:most], "r" * shown))
    print_rest(len(rows) - most)
    if not look.table.complete:
        click.echo("more tiers exist; they are not known")


def _cells(number: int, row: dict[str, Any]) -> list[str]:
    """The cells of one tier, under TIERS."""
    bounds = [number_text(row["floor"]), number_text(row["up_to"])]
    leverage = f"{row['max_leverage']:.4g}x"
    return [str(number), *bounds, percent(row["rate"]), leverage, number_text(row["deduction"])]


def _facts(look: Look, facts: dict[str, Any]) -> list[str]:
    since = f"since {facts['valid_from']}"
    if facts["known_before"]:
        since += f" (another one was seen on {facts['known_before']})"
    if facts["seen_until"]:
        since += f", seen until {facts['seen_until']}"
    kind = "imported" if facts["imported"] else "rulebook"
    number = look.tables.index(look.table) + 1
    lines = [
        f"not listed: {look.ended}; its last tiers were" if look.ended else "",
        f"table {number} of {len(look.tables)}, {since}; {kind}, {facts['confidence']}",
        f"source: {facts['source']} ({facts['source_date']}); {facts['where']}",
        f"note: {facts['note']}" if facts["note"] else "",
        f"tiers by {look.unit}, {look.rule.replace('_', ' ')}",
        "lot, tick and smallest order are assumed" if _is_assumed(look) else "",
        "extrapolated: no table is known to hold on this date" if look.extrapolated else "",
    ]
    return [line for line in lines if line]


def _is_assumed(look: Look) -> bool:
    return look.instrument.confidence == "assumed"


def print_rest(left: int) -> None:
    """Say how many lines are left out."""
    if left > 0:
        click.echo(f"… and {left:,} more; --rows N shows more")


def number_text(value: float | None) -> str:
    """A bound or an amount; a venue's largest integer stands for no end."""
    if value is None or value >= 1e18:
        return "no end"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.8g}"


def percent(rate: Any) -> str:
    """A rate as a share of a hundred."""
    return f"{100 * rate:.6g}%"


def say(text: str) -> None:
    """Print a line wrapped to the width."""
    click.echo(fill(text, WIDTH, subsequent_indent="    ", break_long_words=False))
