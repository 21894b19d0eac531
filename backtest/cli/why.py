"""`backtest why`: the story of one liquidation."""

import sys
import time
from pathlib import Path
from types import TracebackType

import click

PATIENCE = 1.0


@click.command("why", short_help="Tell the story of one liquidation of a run.")
@click.argument("result", type=click.Path(path_type=Path))
@click.argument("number", type=int)
@click.option(
    "--horizon", default="24h", show_default=True,
    help="How long after the last step a change must hold to have saved the account.",
)  # fmt: skip
@click.option(
    "--path", type=click.Choice(["pessimistic", "optimistic"]),
    help="Whose liquidations are numbered, where bars left several ways open [pessimistic].",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(result: Path, number: int, horizon: str, path: str | None, as_json: bool) -> None:
    """Tell why liquidation NUMBER of RESULT happened, and what would have prevented it.

    RESULT is the folder of a finished run, NUMBER the # of its table of liquidations. The run is
    played again with more margin, a stop, less leverage: the nearest value that saves is searched
    for, and what is printed was run. The strategy and the data must be those of the run.
    """
    from backtest.story import why

    from .storytext import print_story
    from .tables import echo_json

    with Counter() as counter:
        story = why(result, number, horizon=horizon, path=path, progress=counter)
    if as_json:
        echo_json(story.to_dict())
    else:
        print_story(story)


class Counter:
    """Counts runs on standard error, from a second on; silent off a terminal."""

    def __init__(self) -> None:
        self._start, self._shown = time.monotonic(), False

    def __enter__(self) -> "Counter":
        """Nothing is shown yet."""
        return self

    def __call__(self, runs: int) -> None:
        """Tell how many runs were begun."""
        if sys.stderr.isatty() and time.monotonic() - self._start > PATIENCE:
            print(f"\rrunning again: {runs} …", end="", file=sys.stderr, flush=True)
            self._shown = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
