"""A story as text of at most 80 columns."""

from math import floor, isfinite, log10
from textwrap import fill
from typing import Any

import click
import polars as pl

from backtest.story import Story
from backtest.story import words as w
from backtest.story.pick import key_of
from backtest.story.state import asset_of
from backtest.venues.symbols import STABLE

from .text import WIDTH, short, table

MOST_STEPS, ENDS, LARGE = 12, 4, 10_000.0
STEP_COLUMNS = {
    **dict.fromkeys(("time", "of"), "l"),
    **dict.fromkeys(("closed", "mark", "exit", "fee", "forfeit", "left", "tier", "step"), "r"),
}
LEAST_PRICE, HIGH_PRICE, SAME_STOP = 0.01, 99_999.0, 0.001
TWO_STOPS = (
    "The stops differ as mark and last price part inside a bar: there the mark may liquidate "
    "before a stop by the last price fills."
)


def print_story(story: Story) -> None:
    """The headline, and a table for each chapter."""
    for line in w.headline(story).splitlines():
        click.echo(fill(line, WIDTH, break_on_hyphens=False))
    asset = asset_of(story.fall.key[0])
    click.echo(
        f"\nbars of {story.fall.key[0]}, UTC; ratio = maintenance margin / equity at the close"
    )
    click.echo(_bars(story))
    click.echo(f"\nwhat moved the margin ratio, in {asset}")
    click.echo(_parts(story, asset))
    click.echo(f"\nwhat each step did, in {asset}")
    click.echo(_steps(story, asset))
    for number, text in _legend(story):
        line = f"{number} {text}" if len(story.step_texts) > 1 else text
        click.echo(fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False))
    click.echo(f"\nwhat would have saved it, searched for in {story.runs} runs")
    click.echo(_remedies(story, asset))
    click.echo(_meaning(story))
    if _stops_differ(story):
        click.echo(fill(TWO_STOPS, WIDTH, break_on_hyphens=False))


def _bars(story: Story) -> str:
    columns = (" time", "open", "high", "low", "close", "mark\nlow", "\nhigh", "funding", "ratio")
    unit = _unit(story)
    rows = [_bar(row, unit) for row in story.bars.iter_rows(named=True)]
    text = table(columns, rows, "lrrrrrrrr")
    return text if unit == 1.0 else f"{text}\nprices in units of {unit:g}"


def _unit(story: Story) -> float:
    """What prices are counted in, so that those of a cheap coin fit."""
    highest = max((row or 0.0 for row in story.bars["mark_high"]), default=0.0)
    return 10.0 ** floor(log10(highest)) if 0.0 < highest < LEAST_PRICE else 1.0


def _bar(row: dict[str, Any], unit: float) -> list[str]:
    prices = [row[name] for name in ("open", "high", "low", "close", "mark_low", "mark_high")]
    funding, margin = row["funding_rate"], row["margin_ratio"]
    return [
        f"{'>' if row['steps'] else ' '}{row['ts']:%m-%d %H:%M}",
        *("" if one is None else _short_price(one / unit) for one in prices),
        "" if funding is None else f"{100 * funding:.3f}%",
        "" if margin is None else _ratio(margin),
    ]


def _short_price(value: float) -> str:
    """A price in at most six characters."""
    return f"{value:.5g}" if value < HIGH_PRICE else f"{value:.0f}"


def _ratio(value: float) -> str:
    return f"{value:.3f}" if isfinite(value) else "over"


def _parts(story: Story, asset: str) -> str:
    if story.start is None:
        return "it fell in the bar it was opened in: there is no earlier moment to start from"
    start, end = story.start, story.end
    rows = [_moment(f"when open, {w.when(start.ts)}", start, asset)]
    for part in story.parts:
        moved = (part.equity, part.maintenance)
        sums = [f"{w.money(one, asset)}" if one else "" for one in moved]
        rows.append([f"  {w.part_name(part)}", *sums, _ratio(part.ratio)])
    rows.append(_moment("when it was triggered", end, asset))
    return table(("", "equity", "maintenance", "ratio"), rows, "lrrr")


def _moment(name: str, state: Any, asset: str) -> list[str]:
    sums = [w.money(one, asset) for one in (state.equity, state.maintenance)]
    return [name, *sums, _ratio(state.ratio)]


def _steps(story: Story, asset: str) -> str:
    """The steps; a column in which all rows are the same is left out."""
    numbers = {name: str(n) for n, name in enumerate(story.step_texts, 1)}
    rows = [_step(row, asset) for row in story.steps.iter_rows(named=True)]
    for row in rows:
        row["step"] = numbers.get(row["step"], row["step"])
    same = {name for name in ("of", "step") if len({row[name] for row in rows}) == 1}
    shown = [name for name in STEP_COLUMNS if name not in same]
    cells = [[row[name] for name in shown] for row in rows]
    if len(cells) > MOST_STEPS:
        hidden = [f"… {len(rows) - 2 * ENDS} more", *[""] * (len(shown) - 1)]
        cells = [*cells[:ENDS], hidden, *cells[-ENDS:]]
    if len(rows) > 1:
        sums = _sums(story.steps, asset)
        cells.append([sums.get(name, "") for name in shown])
    return table(shown, cells, "".join(STEP_COLUMNS[name] for name in shown), fold=True)


def _legend(story: Story) -> list[tuple[str, str]]:
    """The number that stands for a step's name in the table, and what it does."""
    return [(str(n), text) for n, text in enumerate(story.step_texts.values(), 1)]


def _sums(steps: pl.DataFrame, asset: str) -> dict[str, str]:
    one = steps["symbol"].n_unique() == 1
    costs = {"fee": "fee", "forfeit": "forfeited"}
    sums = {name: _cell(steps[kind].sum(), asset) for name, kind in costs.items()}
    return {"time": "all", **({"closed": _size(steps["size_closed"].sum())} if one else {}), **sums}


def _stops_differ(story: Story) -> bool:
    """Whether a stop by the mark may wait longer than one by the last price."""
    prices = [one.value for one in story.remedies if one.kind == "stop"]
    if len(prices) < 2 or prices[1] is None:
        return False
    return prices[0] is None or abs(prices[0] / prices[1] - 1.0) > SAME_STOP


def _step(row: dict[str, Any], asset: str) -> dict[str, str]:
    money = {"fee": "fee", "forfeit": "forfeited", "left": "residual"}
    return {
        "time": f"{row['ts']:%m-%d %H:%M}",
        "of": w.position_label(key_of(row)),
        "closed": _size(row["size_closed"]),
        "mark": w.price(row["mark_price"]),
        "exit": w.price(row["exit_price"]),
        **{name: _cell(row[kind], asset) for name, kind in money.items()},
        "tier": f"{row['tier_before']}→{row['tier_after']}",
        "step": row["step_name"],
    }


def _size(value: Any) -> str:
    """A size in at most seven characters."""
    return f"{value:.4g}" if value < LARGE else short(value)


def _cell(value: Any, asset: str) -> str:
    """An amount in a narrow column: four digits of a coin."""
    return short(value) if asset in STABLE or value == 0.0 else f"{value:.4g}"


def _remedies(story: Story, asset: str) -> str:
    columns = ("change", "saves", "does not", "worth then")
    rows = [["nothing changed", "", "", w.money(story.worth, asset)]]
    for one in story.remedies:
        worth = "" if one.worth is None else w.money(one.worth, asset)
        fails = "" if one.reason in ("never", "same bar") else w.value(story, one, one.fails)
        rows.append([w.change(story, one), w.value(story, one, one.value), fails, worth])
    return "\n".join([table(columns, rows, "lrrr"), *_refusals(story)])


def _refusals(story: Story) -> list[str]:
    """Where no value saves that the venue takes."""
    return [
        f"{w.change(story, one)}: at {w.value(story, one, one.refused)} and below the position is "
        "not opened"
        for one in story.remedies
        if one.reason == "refused" and one.refused is not None
    ]


def _meaning(story: Story) -> str:
    whose = "the account" if story.fall.cross else "the position"
    until = w.when(story.horizon_end)
    text = (
        f"saves: run again with it, {whose} is not liquidated from {w.when(story.fall.since.ts)} "
        f"to {until} (--horizon); does not: the nearest value that was run and did not. worth "
        f"then: the account's {asset_of(story.fall.key[0])} at that end less what was paid in "
        "since; below zero, new money is lost too."
    )
    return fill(text, WIDTH, break_on_hyphens=False)
