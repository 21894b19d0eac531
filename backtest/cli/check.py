"""`backtest check`: what in a store of market data would silently ruin a run."""

from pathlib import Path
from typing import Any

import click

from .text import wrapped

NAMED = 3
"""Findings of one check and series that are listed one by one."""


@click.command("check", short_help="Look for faults in market data.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--venue", "venues", help="Only these venues, comma-separated.")
@click.option("--symbol", "symbols", help="Only these symbols, comma-separated.")
@click.option("--band", default=0.05, show_default=True, help="How far trade and mark may part.")
@click.option("--tolerance", default=1e-6, show_default=True, help="How far equal prices may.")
@click.option("--stale", default="3h", show_default=True, help="How long a price may stand still.")
@click.option("--allow", default="", help="Checks that do not fail, comma-separated: gap,stale.")
@click.option("--all", "every", is_flag=True, help="List every finding, notes too.")
@click.option("--output", type=click.Path(path_type=Path), help="Write all to a .csv or .parquet.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(
    data: Path, venues: str | None, symbols: str | None, band: float, tolerance: float, stale: str,
    allow: str, every: bool, output: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Look through DATA, a folder laid out as VENUE/SYMBOL/KIND/1h.parquet.

    Ends with exit code 1 where something would refuse or mislead a run.
    """
    from backtest.errors import BacktestError
    from backtest.market.layout import timeframe_ms
    from backtest.market.quality import Limits, allowed, check_store
    from backtest.market.store import Store

    limits = Limits(band=band, price=tolerance, stale_ms=timeframe_ms(stale))
    tolerated = allowed(names(allow))
    report = check_store(Store(data), venues=names(venues), symbols=names(symbols), limits=limits)
    if output is not None:
        _write(report, output)
    if as_json:
        _print_json(report)
    else:
        _print(report, tolerated, every)
    failed = [f for f in report.findings if f.level != "note" and f.check not in tolerated]
    if failed:
        kinds = ", ".join(sorted({f.check for f in failed}))
        raise BacktestError(
            f"{_times(len(failed), 'finding')} in {data} ({kinds}); mend or fetch the files again, "
            "or accept kinds of them with --allow."
        )


def names(text: str | None) -> list[str]:
    """The names of a list with commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _print(report: Any, tolerated: frozenset[str], every: bool) -> None:
    """Findings under the series they are of, those of one check together."""
    groups: dict[tuple[str, ...], list[Any]] = {}
    for one in report.findings:
        if every or (one.level != "note" and one.check not in tolerated):
            key = (one.venue, one.symbol, one.kind, one.timeframe)
            groups.setdefault(key, []).append(one)
    for (venue, symbol, kind, timeframe), found in groups.items():
        click.echo(f"{venue} {symbol} {kind}{'' if kind == timeframe else ' ' + timeframe}")
        for check in dict.fromkeys(one.check for one in found):
            _print_check([one for one in found if one.check == check], every)
    count = dict.fromkeys(("error", "warning", "note"), 0)
    for one in report.findings:
        count[one.level] += 1
    looked = f"{_times(report.files, 'file')}, {report.rows:,} rows, {report.series:,} series"
    click.echo(f"{looked}: " + ", ".join(_times(n, level) for level, n in count.items()))


def _print_check(found: list[Any], every: bool) -> None:
    first = found[0]
    named = found if every else sorted(found, key=_weight)[-NAMED:]
    for one in sorted(named, key=lambda one: one.start):
        line = f"  {one.level:<8} {one.check:<12} {_span(one)}, {one.detail}"
        click.echo(wrapped(line, " " * 24))
    rest = len(found) - len(named)
    if rest:
        bars = sum(one.count for one in found) - sum(one.count for one in named)
        click.echo(f"  {first.level:<8} {first.check:<12} and {rest:,} more, {bars:,} rows")


def _weight(one: Any) -> tuple[float, int]:
    return (one.worst or 0.0, one.count) if one.check == "mark" else (float(one.count), one.count)


def _span(one: Any) -> str:
    from backtest.market.quality import moment

    if one.start == one.stop == 0:
        return "all"
    text = moment(one.start)
    if one.stop != one.start:
        last = moment(one.stop)
        text += f" to {last[11:] if last[:10] == text[:10] else last}"
    return text if one.count == 1 else f"{text} ({one.count:,})"


def _write(report: Any, path: Path) -> None:
    """All findings as a table; the file is whole or not there."""
    from backtest.errors import UsageError
    from backtest.market.quality import frame_of

    writers = {".csv": "write_csv", ".parquet": "write_parquet"}
    if path.suffix not in writers:
        raise UsageError(f"--output {path} ends in neither .csv nor .parquet; give one of these.")
    part = path.with_name(path.name + ".part")
    try:
        getattr(frame_of(report.findings), writers[path.suffix])(part)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror or error}.") from error


def _print_json(report: Any) -> None:
    from backtest.market.quality import frame_of

    from .tables import echo_json

    rows = frame_of(report.findings).to_dicts()
    counts = {name: getattr(report, name) for name in ("files", "rows", "series")}
    echo_json({**counts, "findings": rows})


def _times(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
