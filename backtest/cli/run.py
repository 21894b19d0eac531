"""`backtest run`: a strategy under one or more venues' rules."""

from pathlib import Path
from typing import Any

import click

from .options import build_config, run_flags


@click.command("run", short_help="Run a strategy under one or more venues' rules.")
@click.argument("strategy", required=False)
@run_flags
@click.option("--out", type=click.Path(path_type=Path), help="Result folder [results/…].")
@click.option("--force", is_flag=True, help="Replace an earlier result at --out.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    strategy: str | None, out: Path | None, force: bool, as_json: bool, **flags: Any
) -> None:
    """Run STRATEGY (a Python file) and show which liquidations it would have suffered."""
    config = build_config(strategy, flags)
    from backtest.run import execute

    from .progress import Progress
    from .tables import print_json, print_result

    with Progress() as progress:
        result = execute(config, out, progress=progress, force=force)
    if as_json:
        print_json(result)
    else:
        print_result(result)
