"""Numbers and columns as text that fits a terminal of 80 columns."""

from collections.abc import Sequence
from itertools import zip_longest
from math import isnan
from textwrap import fill, wrap
from typing import Any

WIDTH, SHORT = 80, 6
THOUSAND, MILLION, BILLION = 1_000.0, 1_000_000.0, 1_000_000_000.0


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], align: str, *, fold: bool = False
) -> str:
    """Columns under a rule, aligned as `align` says (`l` or `r` each).

    Line breaks in a cell are kept. Where the columns are too wide together, the last one is
    cut, or with `fold` goes on in lines below.
    """
    texts = [[str(cell).splitlines() or [""] for cell in row] for row in (columns, *rows)]
    widths = _widths(texts)
    widths[-1] = max(min(widths[-1], _room(widths)), len(columns[-1]))
    for row in texts:
        row[-1] = [part for line in row[-1] for part in _fitted(line, widths[-1], fold)]
    texts.insert(1, [["-" * width] for width in widths])
    return "\n".join(line for row in texts for line in _lines(row, widths, align))


def missing_room(columns: Sequence[str], rows: Sequence[Sequence[Any]], least: int) -> bool:
    """Whether a table leaves its last column less than it has to say, and than `least`."""
    texts = [[str(cell).splitlines() or [""] for cell in row] for row in (columns, *rows)]
    widths = _widths(texts)
    return _room(widths) < min(widths[-1], least)


def _widths(texts: Sequence[Sequence[Sequence[str]]]) -> list[int]:
    return [max(len(line) for row in texts for line in row[i]) for i in range(len(texts[0]))]


def _room(widths: Sequence[int]) -> int:
    """What the other columns leave for the last one."""
    return WIDTH - sum(widths[:-1]) - 2 * (len(widths) - 1)


def _fitted(line: str, width: int, fold: bool) -> list[str]:
    return (wrap(line, width) or [""]) if fold else [shorten(line, width)]


def _lines(row: Sequence[Sequence[str]], widths: Sequence[int], align: str) -> list[str]:
    """The lines of a row, as many as its highest cell has."""
    lines = []
    for parts in zip_longest(*row, fillvalue=""):
        cells = [
            part.ljust(width) if side == "l" else part.rjust(width)
            for part, width, side in zip(parts, widths, align, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def amount(value: float) -> str:
    """Money in at most eight characters: cents under a thousand, then units, then millions."""
    size = abs(value)
    if size >= BILLION:
        return f"{value / BILLION:.4g}B"
    if size >= MILLION:
        return f"{value / MILLION:.4g}M"
    return f"{value:,.0f}" if size >= THOUSAND else f"{value:.2f}"


def short(value: float) -> str:
    """Money in at most six characters: cents, units, thousands or millions; `n/a` if not known."""
    if isnan(value):
        return "n/a"
    size = abs(value)
    forms = [f"{value:.2f}"] if size < THOUSAND else []
    forms += [f"{value:,.0f}"] if size < 100 * THOUSAND else []
    for unit, letter in ((THOUSAND, "k"), (MILLION, "M"), (BILLION, "B")):
        forms += [f"{value / unit:.{digits}f}{letter}" for digits in (1, 0)]
    return next((form for form in forms if len(form) <= SHORT), forms[-1])


def count(number: int) -> str:
    """A number of things in at most four characters."""
    if number < 10_000:
        return str(number)
    return f"{number / THOUSAND:.0f}k" if number < MILLION else f"{number / MILLION:.0f}M"


def price(value: float) -> str:
    """A price with at most six significant digits."""
    return f"{value:.6g}"


def wrapped(line: str, indent: str) -> str:
    """A line, folded where it is wider than the terminal, with what follows indented."""
    return fill(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def shorten(text: str, width: int) -> str:
    """Text cut to a width."""
    return text if len(text) <= width else text[: width - 1] + "…"
