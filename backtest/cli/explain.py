"""`backtest explain`: positions in a venue's numbers, words and sources."""

import json
from pathlib import Path
from typing import Any

import click

from backtest.errors import UsageError

from .options import pairs

NEEDED = ("symbol", "side", "entry")
OF_ONE = (*NEEDED, "size", "contracts", "leverage", "mark", "extra_margin", "funding_rate")
"""Flags that describe one position, which a file of positions says itself."""


def flag(name: str) -> str:
    """A setting as it is written on the command line."""
    return f"--{name.replace('_', '-')}"


@click.command("explain", short_help="Explain positions: prices, tier, formula, source.")
@click.option("--venue", required=True, help="Venue whose rules hold, like binanceusdm.")
@click.option("--symbol", help="Symbol, like BTC/USDT:USDT.")
@click.option("--side", help="long or short.")
@click.option("--entry", type=float, help="Entry price.")
@click.option("--size", type=float, help="Size in base units; of inverse contracts in USD.")
@click.option("--contracts", type=float, help="Size in contracts of the venue instead.")
@click.option("--leverage", type=float, help="The venue's leverage setting, where it has one.")
@click.option("--margin", help="isolated or cross [isolated].")
@click.option("--mark", type=float, help="Mark price now [the entry price].")
@click.option(
    "--cash",
    type=float,
    help="Wallet of a cross pool, in its settle asset [10,000; a coin's must be given].",
)
@click.option(
    "--extra-margin",
    type=float,
    help="Money added to an isolated position, or taken if negative [0].",
)
@click.option("--funding-rate", type=float, help="Funding rate settled last, like 0.0001 [0].")
@click.option(
    "--positions", type=click.Path(path_type=Path), help="Cross positions in a JSON file."
)
@click.option("--date", help="Rules of this date, like 2024-05-01 [the latest known].")
@click.option("--rule", "rules", multiple=True, help="Replace a rule, KEY=VALUE.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(positions: Path | None, as_json: bool, rules: tuple[str, ...], **flags: Any) -> None:
    """Say at which mark price positions are liquidated, and by which rules.

    Several cross positions that share a wallet are a JSON list, FILE, of objects with symbol,
    side, size or contracts, entry, mark and leverage.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    given["rules"] = pairs("rule", rules)
    result = _one(given) if positions is None else _several(positions, given)
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=1, default=str, allow_nan=False))
    else:
        click.echo(str(result))


def _one(given: dict[str, Any]) -> Any:
    from backtest.explanation import explain

    lacking = [flag(name) for name in NEEDED if name not in given]
    if lacking:
        raise UsageError(f"{', '.join(lacking)} missing; give one position, or --positions FILE.")
    return explain(**given)


def _several(path: Path, given: dict[str, Any]) -> Any:
    from backtest.explanation import explain_pool, read_positions

    unused = [flag(name) for name in OF_ONE if name in given]
    if unused:
        raise UsageError(f"{', '.join(unused)} given with --positions; write it into {path}.")
    if given.pop("margin", "cross") != "cross":
        raise UsageError("--positions are those of a cross pool; leave --margin out.")
    return explain_pool(given.pop("venue"), read_positions(path), **given)
