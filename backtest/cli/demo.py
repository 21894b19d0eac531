"""`backtest demo`: the main job on the bundled sample."""

from pathlib import Path

import click

VENUES = ("binanceusdm", "bybit", "okx", "hyperliquid")


@click.command("demo", short_help="Run the bundled sample under four venues' rules.")
@click.option("--out", type=click.Path(path_type=Path), help="Result folder [results/…].")
@click.option("--force", is_flag=True, help="Replace an earlier result at --out.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(out: Path | None, force: bool, as_json: bool) -> None:
    """Trade a moving-average cross at 5x exposure on synthetic prices, under four rulebooks."""
    from backtest.config import RunConfig
    from backtest.run import execute
    from backtest.samples import sample_strategy

    from .progress import Progress
    from .tables import print_json, print_result

    config = RunConfig(
        strategy=str(sample_strategy()),
        venues=VENUES,
        prices="binanceusdm",
        exposure=5.0,
        leverage=20.0,
        on_liquidation="refill",
    )
    with Progress() as progress:
        result = execute(config, out, progress=progress, force=force)
    if as_json:
        print_json(result)
    else:
        print_result(result)
