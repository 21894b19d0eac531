"""The liquidation steps of a run as a table of at most 80 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from backtest.episodes import numbered
from backtest.market.layout import timeframe_ms
from backtest.paths import history, worst_path
from backtest.result import Result

from .labels import labels
from .text import THOUSAND, missing_room, price, short, shorten, table

VENUE_WIDTH, STEP_WIDTH = 11, 11
STEP = "step, cause"
COLUMNS = {
    "#": "r",
    **dict.fromkeys(("time", "venue", "symbol"), "l"),
    **dict.fromkeys(("size", "mark", "lost", "left"), "r"),
    STEP: "l",
}
SAME = ("venue", "number", "ts", "symbol", "position_side", "step_name", "cause", "certainty")
"""Steps that follow each other and agree in these share a line."""


def liquidation_table(result: Result, rows: int) -> str:
    """The first lines by time, so that all venues show; columns that say nothing are left out."""
    steps = _steps(result)
    if steps.height == 0:
        return "no liquidations"
    lines = steps.head(rows)
    accounts = result.manifest["accounts"]
    hidden = {"venue"} if len(accounts) == 1 else set()
    hidden |= {"symbol"} if all(len(a["symbols"]) == 1 for a in accounts) else set()
    shown = [column for column in COLUMNS if column not in hidden]
    names = {a["venue"]: labels(a["symbols"]) for a in accounts}
    cells = [_cells(row, names[row["venue"]]) for row in lines.iter_rows(named=True)]
    text = _table(shown, [[c[name] for name in shown] for c in cells])
    return "\n".join([text, *_notes(lines, steps)])


def _table(shown: Sequence[str], cells: list[list[str]]) -> str:
    """The table; where it is tight the hour stands under the date."""
    if missing_room(shown, cells, STEP_WIDTH):
        cells = [[row[0], row[1].replace(" ", "\n"), *row[2:]] for row in cells]
    return table(shown, cells, "".join(COLUMNS[column] for column in shown), fold=True)


def _notes(lines: pl.DataFrame, steps: pl.DataFrame) -> list[str]:
    notes = ["the cause is the price where no other is named"]
    if (lines["certainty"] != "certain").any():
        notes.append("possible: on some ways of its bar only; the others are certain")
    if lines["tier_after"].max() != 0:
        notes.append("* closed in part")
    if lines["steps"].max() != 1:
        notes.append("×n: so many steps within a bar; the mark is that of the first")
    if steps.height > lines.height:
        rest = sum(steps["steps"][lines.height :])
        notes.append(f"… and {rest:,} more steps; backtest show RESULT --rows N lists them")
    return notes


def _steps(result: Result) -> pl.DataFrame:
    """All steps by time; those of a bar that differ in nothing but numbers as one row."""
    bar_ms = timeframe_ms(result.manifest["config"]["timeframe"])
    worst = history(result.liquidations, worst_path(result.manifest["config"]))
    if worst.height == 0:
        return worst
    every = numbered(worst, bar_ms)
    usd = pl.col("usd_price").fill_nan(1.0)
    lost = (pl.col("fee") + pl.col("forfeited") + pl.col("slippage")) * usd
    every = every.with_columns(lost=lost, left=pl.col("residual") * usd, run=_runs())
    return every.group_by("run", maintain_order=True).agg(
        pl.first(*SAME, "side", "mark_price"),
        pl.sum("size_closed", "lost"),
        pl.last("left", "tier_after"),
        steps=pl.len(),
    )


def _runs() -> pl.Expr:
    """The number of each step's run: one ends where a step differs from the one before."""
    before = [pl.col(name).ne_missing(pl.col(name).shift(1)) for name in SAME]
    return pl.any_horizontal(before).cum_sum()


def _cells(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """One line; the size is what was closed, signed like the position it was closed of."""
    sign = -1.0 if row["side"] == "short" else 1.0
    part = " " if row["tier_after"] == 0 else "*"
    times = "" if row["steps"] == 1 else f" ×{row['steps']}"
    said = [row["cause"]] * (row["cause"] != "price") + ["possible"] * (
        row["certainty"] != "certain"
    )
    more = f" ({', '.join(said)})" if said else ""
    return {
        "#": f"{row['number']}",
        "time": f"{row['ts']:%Y-%m-%d %H:%M}",
        "venue": shorten(row["venue"], VENUE_WIDTH),
        "symbol": names[row["symbol"]],
        "size": f"{_size(sign * row['size_closed'])}{part}",
        "mark": price(row["mark_price"]),
        "lost": short(row["lost"]),
        "left": short(row["left"]),
        STEP: f"{row['step_name']}{times}{more}",
    }


def _size(value: float) -> str:
    """A size in at most seven characters and a sign, from ten thousand on rounded."""
    return f"{value:.4g}" if abs(value) < 10 * THOUSAND else short(value)
