"""Finding the nearest change that saves an account, by running it again and again."""

from collections.abc import Callable
from math import ceil, floor, log10
from typing import Literal, NamedTuple

Verdict = Literal["saved", "fell", "refused"]
Test = Callable[[float], Verdict]
Snap = Callable[[float], float]
DIGITS = 3
MOST_TRIALS = 60


class Edge(NamedTuple):
    """The last value that was run and saved, the nearest one that did not, and one that the
    venue refused; None: no value."""

    saves: float | None
    fails: float
    refused: float | None = None


def edge(test: Test, good: float, bad: float, snap: Snap) -> Edge:
    """The value nearest to `bad` that saves, between it and `good`, on the grid of `snap`.

    `bad` is known to fail. A value that is refused lies too far on the side of `good`.
    """
    found = refused = None
    for _ in range(MOST_TRIALS):
        middle = snap((good + bad) / 2.0)
        if middle in (good, bad) or not min(good, bad) < middle < max(good, bad):
            break
        verdict = test(middle)
        if verdict == "fell":
            bad = middle
            continue
        good = middle
        found, refused = (middle, refused) if verdict == "saved" else (found, middle)
    return Edge(found, bad, refused)


def edge_near(test: Test, good: float, near: float, bad: float) -> Edge:
    """As `edge` with three digits, where the end of what saves is thought to be at `near`."""
    unit = 10.0 ** (floor(log10(near)) + 1 - DIGITS)
    below = digits(unit * floor(near / unit))
    above = digits(below + unit)
    if test(below) != "saved":
        return edge(test, good, below, digits)
    if test(above) == "fell":
        return Edge(below, above)
    return _with(above, edge(test, above, bad, digits))


def _with(saves: float, found: Edge) -> Edge:
    """An end of a search whose start saved."""
    return found if found.saves is not None else found._replace(saves=saves)


def reach(test: Test, first: float, most: float) -> float | None:
    """The first of `first`, its double, and so on up to `most` that saves; None where none does."""
    value = first
    while value <= most:
        verdict = test(value)
        if verdict == "saved":
            return value
        if verdict == "refused":
            return None
        value *= 2.0
    return None


def digits(value: float) -> float:
    """A value with three significant digits, which people can type."""
    return float(f"{value:.{DIGITS}g}")


def whole(value: float) -> float:
    """A whole number."""
    return float(floor(value))


def ticks(tick: float, sign: float) -> Snap:
    """Prices on a grid of `tick`, or of five digits where that is finer than anybody looks.

    Rounded to the side that is met first by a price that moves against a position of `sign`.
    """

    def snap(price: float) -> float:
        unit = max(tick, 10.0 ** (floor(log10(price)) - 4))
        steps = price / unit
        return float(f"{unit * (ceil(steps) if sign > 0 else floor(steps)):.10g}")

    return snap
