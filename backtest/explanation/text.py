"""An explanation as plain text of at most 80 columns."""

from math import inf
from textwrap import wrap
from typing import Any

from .figures import number, percent

WIDTH = 80


def render(e: Any) -> str:
    """Numbers first, then the rules in words, then where each of them is from."""
    blocks = [wrap(_head(e), WIDTH), [f"{name:<22}{value}" for name, value in _numbers(e)]]
    blocks += [bullets("how", e.formula)]
    if e.notes:
        blocks.append(bullets("note", e.notes))
    blocks.append(source_list(e.sources))
    return "\n\n".join("\n".join(block) for block in blocks)


def _head(e: Any) -> str:
    setting = "" if e.leverage is None else f"{e.leverage:g}x "
    return (
        f"{e.venue}  {e.symbol}  {e.side} {size_text(e)} from {number(e.entry)}, "
        f"{setting}{e.margin}, rules of {e.date}"
    )


def size_text(e: Any) -> str:
    """A size with its unit, and the contracts it is where that is another number."""
    if abs(e.contracts - e.size) <= 1e-9 * e.size and e.contract == "linear":
        return f"{number(e.size)} {e.size_unit}"
    return f"{number(e.size)} {e.size_unit} ({number(e.contracts)} contracts)"


def _numbers(e: Any) -> list[tuple[str, str]]:
    level = e.liquidation_price
    rows = _with_screen(
        "liquidation price", price_text(level), price_text(e.shown_liquidation_price)
    )
    if level is not None:
        away = "passed already" if e.margin_ratio >= 1.0 else percent(abs(level / e.mark - 1))
        rows.append(("  distance from mark", away))
    rows += [
        ("bankruptcy price", price_text(e.bankruptcy_price)),
        ("value", f"{number(e.notional)} {e.settle} (tier {e.tier})"),
        ("equity behind it", f"{number(e.equity)} {e.settle}"),
        ("initial margin", f"{number(e.initial_margin)} {e.settle}"),
    ]
    needed, screen = number(e.maintenance_margin), number(e.shown_maintenance_margin)
    rows += _with_screen("maintenance margin", *(f"{n} {e.settle}" for n in (needed, screen)))
    ratio, screen = ratio_text(e.margin_ratio), _screen_ratio(e)
    return [*rows, *_with_screen("margin ratio", ratio, screen)]


def _with_screen(name: str, own: str, screen: str) -> list[tuple[str, str]]:
    """A number, and what the venue prints where that is another one."""
    return [(name, own)] + ([("  on the screen", screen)] if screen != own else [])


def _screen_ratio(e: Any) -> str:
    """The screen's margin ratio, and that it is the other way round where it is."""
    turned = abs(e.margin_ratio * e.shown_margin_ratio - 1.0) < 1e-9 and e.margin_ratio != 1.0
    meaning = " (equity / maintenance margin)" if turned else ""
    return f"{ratio_text(e.shown_margin_ratio)}{meaning}"


def price_text(value: float | None) -> str:
    """A price, or that there is none."""
    return "none" if value is None else number(value)


def ratio_text(ratio: float) -> str:
    """A margin ratio in percent, or that nothing is left to divide by."""
    return "over 100 %: nothing is left" if ratio == inf else percent(ratio)


def bullets(title: str, lines: Any) -> list[str]:
    """A title and a bullet per line, wrapped."""
    return [title, *(part for line in lines for part in _bullet(line))]


def _bullet(line: str) -> list[str]:
    return wrap(
        line, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
    )


def source_list(rows: Any) -> list[str]:
    """A bullet per source, with the rules it gives and how sure they are."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        value = row["value"]
        if str(row["key"]).startswith("tiers."):
            value = "1 row" if value == 1 else f"{value} rows"
        dated = f"{row['source']} ({row['date']})" if row["date"] else str(row["source"])
        groups.setdefault(dated, []).append(f"{row['key']} = {value} [{row['confidence']}]")
    lines = ["sources"]
    for source, found in groups.items():
        lines += _bullet(f"{source}: {'; '.join(found)}")
    return lines
