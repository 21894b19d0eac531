"""`backtest show`: a finished run as tables."""

from pathlib import Path

import click


@click.command("show", short_help="Show a finished run.")
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--records", help="Print one kind of record: liquidations, trades, fills, …")
@click.option(
    "--rows", type=click.IntRange(min=1), default=20, show_default=True, help="Rows at most."
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(result: Path, records: str | None, rows: int, as_json: bool) -> None:
    """Show RESULT, the folder of a finished run."""
    from backtest.result import open_result

    from .tables import print_json, print_records, print_result

    opened = open_result(result)
    if records is not None:
        print_records(opened.frame(records), rows, as_json)
    elif as_json:
        print_json(opened)
    else:
        print_result(opened, rows)
