"""An explanation as plain text of at most 80 columns."""

from math import inf
from textwrap import wrap
from typing import Any

from .words import number, percent

WIDTH = 80


def render(e: Any) -> str:
    """Numbers first, then the rules in words, then where each of them is from."""
    head = (
        f"{e.venue}  {e.symbol}  {e.side} {number(e.size)} from {number(e.entry)}, "
        f"{e.leverage:g}x {e.margin}, rules of {e.date}"
    )
    blocks = [wrap(head, WIDTH), [f"{name:<22}{value}" for name, value in _numbers(e)]]
    blocks += [_list("how", e.formula)]
    if e.notes:
        blocks.append(_list("note", e.notes))
    blocks.append(_sources(e.sources))
    return "\n\n".join("\n".join(block) for block in blocks)


def _numbers(e: Any) -> list[tuple[str, str]]:
    level, screen = e.liquidation_price, e.shown_liquidation_price
    rows = [("liquidation price", _price(level))]
    if screen != level:
        rows.append(("  on the screen", _price(screen)))
    if level is not None:
        rows.append(("  distance from mark", percent(abs(level / e.mark - 1))))
    return [
        *rows,
        ("bankruptcy price", _price(e.bankruptcy_price)),
        ("value", f"{number(e.notional)} {e.settle} (tier {e.tier})"),
        ("equity behind it", f"{number(e.equity)} {e.settle}"),
        ("initial margin", f"{number(e.initial_margin)} {e.settle}"),
        ("maintenance margin", f"{number(e.maintenance_margin)} {e.settle}"),
        ("margin ratio", _ratio(e.margin_ratio)),
    ]


def _price(value: float | None) -> str:
    return "none" if value is None else number(value)


def _ratio(ratio: float) -> str:
    return "over 100 %: nothing is left" if ratio == inf else percent(ratio)


def _list(title: str, lines: Any) -> list[str]:
    texts = [part for line in lines for part in _bullet(line)]
    return [title, *texts]


def _bullet(line: str) -> list[str]:
    return wrap(line, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _sources(rows: Any) -> list[str]:
    """A bullet per source, with the rules it gives and how sure they are."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        value = f"{row['value']} rows" if str(row["key"]).startswith("tiers.") else row["value"]
        dated = f"{row['source']} ({row['date']})" if row["date"] else str(row["source"])
        groups.setdefault(dated, []).append(f"{row['key']} = {value} [{row['confidence']}]")
    lines = ["sources"]
    for source, found in groups.items():
        lines += _bullet(f"{source}: {'; '.join(found)}")
    return lines
