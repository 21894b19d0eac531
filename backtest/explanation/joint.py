"""Where a pool fails when all its marks move by one ratio, and each price there."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan

from .numbers import Position
from .pools import totals

HALVINGS = 60
"""Halvings of a factor of 1.05 or 2 that reach the last digit of a ratio."""
STEP = 1.05
"""Factor of the looks on one side: a failure between two looks that both pass is not seen."""
FARTHEST = 1e12
"""Ratio beyond which no price is looked for."""


def excess(positions: Sequence[Position], wallet: float, ratio: float, other: float) -> float:
    """Equity less requirement of a pool with every mark times a ratio."""
    moved = [replace(p, mark=p.mark * ratio) for p in positions]
    backing, _, needs = totals(moved, wallet)
    return backing - needs - other


def failing_ratios(
    positions: Sequence[Position], wallet: float, other: float = 0.0
) -> tuple[float, float]:
    """(lower, upper) ratio of all marks to their present ones at which the pool fails.

    0 and inf where there is none on a side; both nan where it fails at the present marks.
    `other` is a requirement that does not move.
    """
    if excess(positions, wallet, 1.0, other) <= 0.0:
        return nan, nan
    lower, upper = (_next(positions, wallet, other, factor) for factor in (1.0 / STEP, STEP))
    return lower, upper


def _next(positions: Sequence[Position], wallet: float, other: float, factor: float) -> float:
    """The first failing ratio away from 1 in steps of a factor, then halved to the last digit."""
    near, far = 1.0, factor
    while excess(positions, wallet, far, other) > 0.0:
        near, far = far, far * factor
        if not 1.0 / FARTHEST < far < FARTHEST:
            return inf if factor > 1.0 else 0.0
    return _halved(positions, wallet, other, (near, far))


def _halved(
    positions: Sequence[Position], wallet: float, other: float, between: tuple[float, float]
) -> float:
    near, far = between
    for _ in range(HALVINGS):
        middle = 0.5 * (near + far)
        if excess(positions, wallet, middle, other) > 0.0:
            near = middle
        else:
            far = middle
    return far


def common_ratio(legs: Sequence[Position], wallet: float, other: float = 0.0) -> float:
    """Ratio at which two legs of one symbol fail together; 0 or inf if there is none.

    It is looked for on the adverse side of their net size, as `backtest.core.legs` does, also
    where the pool fails already: then it is where it would recover.
    """
    net = sum(p.size for p in legs)
    falls = net > 0.0 or (net == 0.0 and bool(legs[0].rules["inverse"]))
    healthy = excess(legs, wallet, 1.0, other) > 0.0
    factor = 0.5 if falls == healthy else 2.0
    near, far = 1.0, factor
    while (excess(legs, wallet, far, other) > 0.0) == healthy:
        if not 1.0 / FARTHEST < far < FARTHEST:
            return 0.0 if falls else inf
        near, far = far, far * factor
    return _halved(legs, wallet, other, (near, far) if healthy else (far, near))


def failing_ratio(positions: Sequence[Position], wallet: float, other: float = 0.0) -> float:
    """Ratio of all marks to their present ones at which the pool fails; 0 or inf if none does.

    It is looked for on the side on which the pool loses, and where it loses on neither, on the
    upper one, where requirements grow. `other` is a requirement that does not move.
    """
    up = excess(positions, wallet, 1.0001, other) < excess(positions, wallet, 1.0, other)
    near, far = 1.0, 2.0 if up else 0.5
    while excess(positions, wallet, far, other) > 0.0:
        near, far = far, far * (2.0 if up else 0.5)
        if not 1.0 / FARTHEST < far < FARTHEST:
            return inf if up else 0.0
    if excess(positions, wallet, near, other) <= 0.0:
        near = 1.0 / FARTHEST if up else FARTHEST
        while excess(positions, wallet, near, other) <= 0.0 and near != far:
            near = near * 2.0 if up else near / 2.0
            if (near > far) == up:
                return nan
    return _halved(positions, wallet, other, (near, far))
