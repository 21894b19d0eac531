"""The two legs of one symbol in a cross pool: which side leads, and the mark at which both fall.

The legs share their mark, so that neither has a liquidation price of its own.
"""

# mypy: disable-error-code="no-any-return"

from math import inf
from typing import Any

from .jit import jit
from .risk import is_cross, pool_excess, position_level, rules_of
from .types import Gains, word

_OWN, _SHARED = int(Gains.OWN), word(-1)

HALVINGS = 60
FARTHEST = 1e12
"""Ratio to the present mark beyond which no level is looked for."""
ASIDE = 1e-9
"""Share of a mark by which it is moved to see on which side of it a pool fails."""


@jit
def has_other_leg(w: Any, s: int) -> bool:
    """Whether the other leg of a position's symbol is open in the same bucket."""
    p = w.positions[s]
    return p["twin"] >= 0 and is_cross(w) and w.positions[p["twin"]]["size"] != 0.0


@jit
def leading_side(w: Any, s: int) -> float:
    """Side whose adverse marks a position's bucket is tested at: of its symbol's net size.

    Two legs of one symbol that cancel out can only be hurt by the value they are margined on.
    """
    p = w.positions[s]
    if p["twin"] < 0 or not is_cross(w):
        return p["size"]
    net = p["size"] + w.positions[p["twin"]]["size"]
    return net if net != 0.0 else (1.0 if rules_of(w, s)["inverse"] else -1.0)


@jit
def healthy_at(w: Any, s: int, mark: float) -> bool:
    """Whether the pool would be over its requirement with a symbol at a mark, legs together."""
    p = w.positions[s]
    other = w.positions[p["twin"] if p["twin"] >= 0 else s]
    pool, saved = p["pool"], p["mark"]
    p["mark"] = other["mark"] = mark
    first = s if rules_of(w, s)["gains"] == _OWN else _SHARED
    healthy = pool_excess(w, pool, first) > 0.0
    p["mark"] = other["mark"] = saved
    return healthy


@jit
def moves_others(w: Any, s: int) -> bool:
    """Whether what other positions need moves with a position's mark: legs, or shared losses."""
    if has_other_leg(w, s):
        return True
    own = is_cross(w) and rules_of(w, s)["gains"] == _OWN
    return own and w.pools[w.positions[s]["pool"]]["open"] > 1


@jit
def shared_level(w: Any, s: int) -> float:
    """Mark at which a position is liquidated with every other symbol's mark frozen.

    Two legs have one in common, on the adverse side of their net size. It is looked for from the
    present mark, also when that is beyond it already. 0 or infinity if there is none: what no mark
    gets to, or, where no mark is healthy, what all are beyond.
    """
    if not moves_others(w, s):
        return position_level(w, s)
    mark, falls = w.positions[s]["mark"], leading_side(w, s) > 0.0
    healthy, beside = healthy_at(w, s, mark), 1.0 - ASIDE if falls else 1.0 + ASIDE
    if not healthy and healthy_at(w, s, mark / beside):  # just reached
        return mark
    if not healthy and healthy_at(w, s, mark * beside):  # reached from the other side
        healthy, mark = not healthy, mark * beside
    factor = 0.5 if falls == healthy else 2.0
    near, far = mark, mark * factor
    while healthy_at(w, s, far) == healthy:
        if not mark / FARTHEST < far < mark * FARTHEST:
            return 0.0 if falls == healthy else inf
        near, far = far, far * factor
    for _ in range(HALVINGS):
        middle = 0.5 * (near + far)
        if healthy_at(w, s, middle) == healthy:
            near = middle
        else:
            far = middle
    return far if healthy else near
