"""Numbers as people write them, in sentences and equations."""

from math import inf

HUGE = 1e18
"""From here on a number is written with a power of ten: nobody counts its digits."""


def number(value: float) -> str:
    """A number: thousands separated, at most ten significant digits."""
    if value in (inf, -inf):
        return "none"
    size = abs(value)
    if size >= HUGE:
        text = f"{size:.6g}"
    elif size == 0 or size >= 1e-4:
        text = f"{size:,.10g}"
        if "e" in text:
            text = f"{size:,.0f}"
    else:
        text = f"{size:.15f}".rstrip("0") if size >= 1e-9 else f"{size:.6g}"
    return f"−{text}" if value < 0 else text


def percent(rate: float) -> str:
    """A fraction as percent, without rounding noise."""
    text = f"{100 * rate:.6g}"
    if "e" in text or abs(rate) >= 100:
        text = number(float(f"{100 * rate:.7g}"))
    return f"{text} %".replace("-", "−")


def signed(value: float) -> str:
    """A term of a sum: its sign, then its size; nothing for 0."""
    if value == 0:
        return ""
    return f" {'−' if value < 0 else '+'} {number(abs(value))}"


def group(text: str) -> str:
    """A sum or a negative number in brackets."""
    return f"({text})" if " " in text or text.startswith("−") else text
