"""The command line: names and help lines here, each command in a module loaded when called."""

import os
import signal
import sys
import traceback
from importlib import import_module
from io import TextIOWrapper
from types import FrameType

import click

from backtest.errors import BacktestError, UnknownNameError

COMMANDS = {
    "demo": "Run the bundled sample under four venues' rules and show the liquidations.",
    "run": "Run a strategy under one or more venues' rules.",
    "resume": "Go on with a run that was killed.",
    "fetch": "Fetch history from exchanges into a store of market data.",
    "import": "Bring bulk archives into a store of market data.",
    "data": "List what a store of market data holds.",
    "check": "Look for faults in market data.",
    "show": "Show a finished run.",
    "why": "Tell the story of one liquidation of a run, and what would have saved it.",
    "venues": "Compare the venues' liquidation policies.",
    "tiers": "Import, show and compare tier tables.",
    "explain": "Explain one position: liquidation price, tier, formula, source.",
    "verify": "Recompute golden cases and compare with the venue's own numbers.",
}
MODULES = {"import": "importing"}
"""Modules of commands whose name cannot be one."""
DEBUG = "--debug"
INTERRUPTED = 130


class LazyCommands(click.Group):
    """A group that imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order they are listed in."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, from its own module."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"backtest.cli.{MODULES.get(cmd_name, cmd_name)}").command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a hint for a mistyped name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UnknownNameError("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="liquidation-backtest", prog_name="backtest")
def cli() -> None:
    """Would this leveraged strategy have been liquidated?

    Streams market history through accounts that follow each exchange's own margin
    rules. Any command takes --debug to show where an error came from.
    """


def main() -> None:
    """Run the command line; errors are one sentence, exit code 2 for usage, 1 for failure."""
    debug = DEBUG in sys.argv
    argv = [arg for arg in sys.argv[1:] if arg != DEBUG] or ["--help"]
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a sign must not end a run
            stream.reconfigure(errors="replace")
    try:
        cli.main(args=argv, prog_name="backtest", standalone_mode=False)
        sys.stdout.flush()
    except BacktestError as error:
        _stop(error, str(error), error.exit_code, debug)
    except click.ClickException as error:
        _stop(error, error.format_message(), error.exit_code, debug)
    except (KeyboardInterrupt, click.Abort) as error:
        cause = error.__cause__ or error
        _stop(error, "; ".join(["interrupted", *map(str, cause.args)]) + ".", INTERRUPTED, debug)
    except BrokenPipeError:
        # The reader has gone, as in `backtest run … | head`: what is left to print is moot.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        text = next(iter(str(error).splitlines()), "")
        what = f"{type(error).__name__}: {text}".rstrip(": ")
        _stop(error, f"unexpected failure, {what}; --debug shows where.", 1, debug)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A request to end is handled like Ctrl-C, so that it leaves nothing half-written."""
    raise KeyboardInterrupt


def _stop(error: BaseException, message: str, code: int, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
    click.echo(f"error: {message}", err=True)
    sys.exit(code)
