"""Policies as text: a block per decision, two columns, or a table of Markdown.

Twelve columns do not fit a terminal: each decision is a block, with the venues that share a value
on one line. Two venues side by side do fit.
"""

from collections.abc import Sequence
from textwrap import TextWrapper, wrap
from typing import Any

from .text import WIDTH


def blocks(facts: Sequence[Any], asked: Sequence[str], note: str = "") -> str:
    """A block per decision, a line per value with those who have it; the note near the end."""
    found: dict[str, dict[str, list[str]]] = {}
    for fact in facts:
        found.setdefault(fact.decision, {}).setdefault(fact.text, []).append(fact.who)
    everyone = len(asked)
    parts = ["\n".join([name, *_values(values, everyone)]) for name, values in found.items()]
    words = "A word after a venue's name: only such contracts, or only this margin mode."
    end = wrap(f"rules of: {', '.join(asked)}", WIDTH, break_on_hyphens=False)
    end += [*_filled(note, 0, 2), words]
    end.append("--sources says where each rule is from, --diff A B what differs between two")
    return "\n\n".join([*parts, "\n".join(end)])


def _values(values: dict[str, list[str]], everyone: int) -> list[str]:
    lines = []
    for text, who in values.items():
        names = "all" if len(who) == everyone > 2 and len(values) == 1 else ", ".join(who)
        if "\n" in text:
            lines += [*_filled(names, 2, 2), *(_step(line) for line in text.split("\n"))]
        else:
            lines += _filled(f"{text}: {names}", 2, 6)
    return lines


def _step(line: str) -> str:
    return "\n".join(_filled(line, 6, 9))


def _filled(text: str, first: int, rest: int) -> list[str]:
    wrapper = TextWrapper(
        WIDTH, initial_indent=" " * first, subsequent_indent=" " * rest, break_on_hyphens=False
    )
    return wrapper.wrap(text)


def side_by_side(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Three columns within the width, cells wrapped."""
    name = 20
    width = (WIDTH - name - 4) // 2
    lines = []
    for row in (columns, ["-" * name, "-" * width, "-" * width], *rows):
        cells = [_cell(text, w) for text, w in zip(row, (name, width, width), strict=True)]
        for i in range(max(map(len, cells))):
            parts = [c[i] if i < len(c) else "" for c in cells]
            lines.append(f"{parts[0]:<{name}}  {parts[1]:<{width}}  {parts[2]}".rstrip())
    return "\n".join(lines)


def _cell(text: str, width: int) -> list[str]:
    lines = []
    for line in text.split("\n"):
        lines += wrap(line, width, subsequent_indent=" ", break_on_hyphens=False) or [""]
    return lines


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown; line breaks and pipes in a cell are written as it wants them."""
    cells = [[one.replace("|", "\\|").replace("\n", "<br>") for one in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *cells)]
    return "\n".join(lines)
