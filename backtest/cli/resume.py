"""`backtest resume`: a run that was killed goes on where it was."""

from pathlib import Path

import click


@click.command("resume", short_help="Go on with a run that was killed.")
@click.argument("result", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(result: Path | None, as_json: bool) -> None:
    """Go on with the run that was to write RESULT; without it with the last one in results/.

    It ends with the same files as a run that nobody disturbed. Strategy, data and rules must be as
    they were.
    """
    from backtest.run import resume

    from .progress import Progress
    from .tables import print_json, print_result

    with Progress() as progress:
        finished = resume(result, progress=progress)
    if as_json:
        print_json(finished)
    else:
        print_result(finished)
