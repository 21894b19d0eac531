"""`backtest verify`: golden cases recomputed and compared."""

import json
from collections import Counter
from pathlib import Path
from textwrap import fill
from typing import Any

import click

from backtest.errors import BacktestError, UsageError

from .text import WIDTH

README_WIDTH = 98


@click.command("verify", short_help="Recompute golden cases and compare.")
@click.argument("cases", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--only", type=click.Choice(["ok", "off", "unsupported"]), help="Show these only.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.option("--accuracy", type=click.Path(path_type=Path), help="Write the score page there.")
@click.option("--readme", type=click.Path(path_type=Path), help="Write the totals into this file.")
def command(
    cases: tuple[Path, ...],
    only: str | None,
    as_json: bool,
    accuracy: Path | None,
    readme: Path | None,
) -> None:
    """Recompute every number in CASES (JSON files) that the rulebooks can.

    Exit code 1 when a number is off its tolerance.
    """
    from backtest.goldens.scoreboard import score

    scored = score(cases)
    _write(scored, accuracy, readme)
    rows = [row for one in scored for row in one.rows]
    shown = [row for row in rows if only is None or row.verdict == only]
    if as_json:
        click.echo(json.dumps([row.to_dict() for row in shown], indent=1))
    else:
        _print(shown)
        click.echo(_counts(rows))
    off = sum(row.verdict == "off" for row in rows)
    if off:
        raise BacktestError(f"{off} of {len(rows)} numbers are off; --only off lists them.")


def _write(scored: list[Any], accuracy: Path | None, readme: Path | None) -> None:
    """The score page, and its totals between the marks of a README."""
    from backtest.goldens.scoreboard import into, page, totals

    try:
        if accuracy is not None:
            accuracy.write_text(page(scored), "utf-8")
        if readme is not None:
            text = into(readme.read_text("utf-8"), fill(totals(scored), README_WIDTH))
            readme.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"{readme} takes no totals: {error}; add the two marks to it.") from error


def _print(rows: list[Any]) -> None:
    last = None
    for row in rows:
        if row.case != last:
            click.echo(fill(row.case, WIDTH))
            last = row.case
        click.echo(fill(_line(row), WIDTH, subsequent_indent=" " * 44))


def _line(row: Any) -> str:
    name = f"  {row.quantity[:25]:<26}"
    if row.verdict == "unsupported":
        return f"{name}{_value(row.expected):>14}  unsupported: {row.reason}"
    error = "" if row.rel_error is None else f"{row.rel_error:.1e}"
    values = f"{_value(row.expected):>14} {_value(row.computed):>14} {error:>9}"
    return f"{name}{values}  {row.verdict}"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    return str(value) if not isinstance(value, dict | list) else f"{len(value)} numbers"


def _counts(rows: list[Any]) -> str:
    count = Counter(row.verdict for row in rows)
    cases = len({row.case for row in rows})
    parts = [f"{count[verdict]} {verdict}" for verdict in ("ok", "off", "unsupported")]
    return f"{len(rows)} numbers of {cases} cases: {', '.join(parts)}"
