"""Numbers and columns as text that fits a terminal of 80 columns."""

from collections.abc import Sequence
from math import isnan

WIDTH, SHORT = 80, 6
THOUSAND, MILLION, BILLION = 1_000.0, 1_000_000.0, 1_000_000_000.0


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Columns under a rule, aligned as `align` says (`l` or `r` each).

    Where they are too wide together, the last column is cut.
    """
    widths = [max(len(str(r[i])) for r in (columns, *rows)) for i in range(len(columns))]
    room = WIDTH - sum(widths[:-1]) - 2 * (len(widths) - 1)
    widths[-1] = max(min(widths[-1], room), len(columns[-1]))
    lines = []
    for row in (columns, ["-" * width for width in widths], *rows):
        cells = [
            cell.ljust(width) if side == "l" else cell.rjust(width)
            for cell, width, side in zip(map(str, row), widths, align, strict=True)
        ]
        cells[-1] = shorten(cells[-1], widths[-1])
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


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


def shorten(text: str, width: int) -> str:
    """Text cut to a width."""
    return text if len(text) <= width else text[: width - 1] + "…"
