"""`backtest explain`: one position in a venue's numbers, words and sources."""

import json
from typing import Any

import click

from .options import pairs


@click.command("explain", short_help="Explain one position: prices, tier, formula, source.")
@click.option("--venue", required=True, help="Venue whose rules hold, like binanceusdm.")
@click.option("--symbol", required=True, help="Symbol, like BTC/USDT:USDT.")
@click.option("--side", required=True, help="long or short.")
@click.option("--entry", required=True, type=float, help="Entry price.")
@click.option("--size", required=True, type=float, help="Size in base units.")
@click.option("--leverage", required=True, type=float, help="The venue's leverage setting.")
@click.option("--margin", default="isolated", show_default=True, help="isolated or cross.")
@click.option("--mark", type=float, help="Mark price now [the entry price].")
@click.option("--cash", default=10_000.0, show_default=True, help="Wallet behind a cross position.")
@click.option("--extra-margin", default=0.0, help="Money added to an isolated position [0].")
@click.option("--date", help="Rules of this date, like 2024-05-01 [the latest known].")
@click.option("--rule", "rules", multiple=True, help="Replace a rule, KEY=VALUE.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(as_json: bool, rules: tuple[str, ...], **flags: Any) -> None:
    """Say at which mark price a position is liquidated, and by which rules."""
    from backtest.explanation import explain

    result = explain(**flags, rules=pairs("rule", rules))
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=1, default=str, allow_nan=False))
    else:
        click.echo(str(result))
