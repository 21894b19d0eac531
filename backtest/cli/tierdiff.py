"""Two tier tables side by side, as text of 80 columns or as JSON."""

from typing import Any

import click

from .tables import echo_json
from .text import table
from .tierlook import Look, moment
from .tierviews import number_text, percent, print_rest, say

HELD = ("rate", "max_leverage")


def print_diff(before: Look, after: Look, most: int, as_json: bool) -> None:
    """Two tables side by side at every floor of either."""
    lines = _steps(before, after)
    changed = [line for line in lines if line["changed"]]
    if as_json:
        sides = {"before": before.to_dict(), "after": after.to_dict()}
        echo_json({**sides, "same": not changed, "rows": lines})
        return
    click.echo(f"{after.book.id} {after.instrument.symbol}, {after.margin}")
    say(f"  before {_side(before)}")
    say(f"  after  {_side(after)}")
    if not changed:
        click.echo("the tiers are the same")
        return
    columns = ("from", "maint.", "→", "max lev", "→", "")
    unit = after.unit if after.unit == before.unit else f"{before.unit} → {after.unit}"
    click.echo(f"\nby {unit}; * differs\n")
    click.echo(table(columns, [_step(line) for line in lines[:most]], "rrrrrl"))
    print_rest(len(lines) - most)


def _side(side: Look) -> str:
    """The date of a side, and since when its table holds."""
    facts = side.to_dict()
    text = f"{moment(side.ts)}: since {facts['valid_from']}, "
    text += "imported" if facts["imported"] else "rulebook"
    if side.ts < side.table.valid_from:
        text += "; not yet in force, but the first one known"
    return text + (f"; not listed: {side.ended}" if side.ended else "")


def _steps(before: Look, after: Look) -> list[dict[str, Any]]:
    floors = sorted({*before.table.floors, *after.table.floors, *_caps(before, after)})
    lines = []
    for floor in floors:
        old, new = _at(before, floor), _at(after, floor)
        lines.append({"from": floor, "before": old, "after": new, "changed": old != new})
    return lines if lines[-1]["before"] or lines[-1]["after"] else lines[:-1]


def _caps(*looks: Look) -> set[float]:
    return {r["up_to"] for look in looks for r in look.rows()[-1:] if r["up_to"] is not None}


def _at(look: Look, key: float) -> dict[str, float | None] | None:
    """The tier that begins at or under a key; none beyond the table."""
    row = [r for r in look.rows() if (r["floor"] or 0.0) <= key][-1]
    if row["up_to"] is not None and key >= row["up_to"]:
        return None
    return {name: row[name] for name in HELD}


def _step(line: dict[str, Any]) -> list[str]:
    sides = (line["before"], line["after"])
    cells = [number_text(line["from"])]
    cells += ["–" if side is None else percent(side["rate"]) for side in sides]
    cells += ["–" if side is None else f"{side['max_leverage']:.4g}x" for side in sides]
    return [*cells, "*" if line["changed"] else ""]
