"""A pool's explanation as plain text of at most 80 columns."""

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from .figures import number, percent
from .text import WIDTH, bullets, price_text, ratio_text, size_text, source_list


def render(e: Any) -> str:
    """The pool first, then every position, then prices of marks that move together."""
    blocks = [wrap(f"{e.venue}  cross pool in {e.settle}, rules of {e.date}", WIDTH), _pool(e)]
    blocks += [_position(one) for one in e.positions]
    if e.joint:
        blocks.append(_joint(e.joint))
    notes = [*e.notes, *_own_notes(e.positions)]
    if notes:
        blocks.append(bullets("note", notes))
    blocks.append(_sources(e.positions))
    return "\n\n".join("\n".join(block) for block in blocks)


def _pool(e: Any) -> list[str]:
    rows = {
        "wallet": f"{number(e.cash)} {e.settle}",
        "unrealised P&L": f"{number(e.unrealized_pnl)} {e.settle}",
        "equity behind it": f"{number(e.equity)} {e.settle}",
        "initial margin": f"{number(e.initial_margin)} {e.settle}",
        "maintenance margin": f"{number(e.maintenance_margin)} {e.settle}",
        "margin ratio": ratio_text(e.margin_ratio),
    }
    return [f"{name:<22}{value}" for name, value in rows.items()]


def _position(e: Any) -> list[str]:
    setting = "" if e.leverage is None else f", {e.leverage:g}x"
    head = f"{e.symbol}  {e.side} {size_text(e)} from {number(e.entry)}{setting}"
    level, screen = price_text(e.liquidation_price), price_text(e.shown_liquidation_price)
    shown = "" if screen == level else f" (on the screen {screen})"
    rows = {
        "mark": f"{number(e.mark)}, P&L {number(e.unrealized_pnl)}, tier {e.tier}",
        "initial margin": number(e.initial_margin),
        "maintenance margin": number(e.maintenance_margin),
        "liquidation price": f"{level}{shown}",
    }
    equation = [line for line in e.formula if line.startswith(("P = ", "at "))]
    lines = [f"  {name:<20}{value}" for name, value in rows.items()]
    return [*wrap(head, WIDTH), *lines, *_wrapped(equation)]


def _wrapped(lines: list[str]) -> list[str]:
    return [
        part
        for line in lines
        for part in wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ")
    ]


def _joint(joint: Any) -> list[str]:
    lines = ["marks that move together by one ratio"]
    for one in joint:
        lines += _wrapped([f"{one.what}: {_side(one.lower, one.lower_ratio, 'fall')}"])
        lines += _wrapped([f"{one.what}: {_side(one.upper, one.upper_ratio, 'rise')}"])
    return lines


def _side(prices: Mapping[str, float] | None, ratio: float | None, word: str) -> str:
    if prices is None or ratio is None:
        return f"no {word} liquidates the pool"
    named = ", ".join(f"{symbol} {number(price)}" for symbol, price in prices.items())
    return f"a {word} of {percent(abs(ratio - 1.0))} liquidates the pool, at {named}"


def _own_notes(positions: Any) -> list[str]:
    """Notes of the positions, each once, with the symbols it is about."""
    found: dict[str, list[str]] = {}
    for one in positions:
        for note in one.notes:
            found.setdefault(note, []).append(f"{one.symbol} {one.side}")
    already = "at this mark the position is already liquidated"
    return [f"{', '.join(names)}: {note}" for note, names in found.items() if note != already]


def _sources(positions: Any) -> list[str]:
    rows: list[Any] = []
    for one in positions:
        rows += [row for row in one.sources if row not in rows]
    return source_list(rows)
