"""Where a pool fails when all its marks move by one ratio, and each price there."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan

from .numbers import Position, maintenance, parts

HALVINGS = 200
FARTHEST = 1e12
"""Ratio beyond which no price is looked for."""


def excess(positions: Sequence[Position], wallet: float, ratio: float, other: float) -> float:
    """Equity less requirement of a pool with every mark times a ratio."""
    moved = [replace(p, mark=p.mark * ratio) for p in positions]
    needs = sum(maintenance(p, sum(parts(p, nan))) for p in moved)
    return wallet + sum(p.pnl for p in moved) - needs - other


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
    for _ in range(HALVINGS):
        middle = 0.5 * (near + far)
        if excess(positions, wallet, middle, other) > 0.0:
            near = middle
        else:
            far = middle
    return far
