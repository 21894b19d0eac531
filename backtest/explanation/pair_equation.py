"""The liquidation price that the two legs of one symbol share, as an equation with its numbers.

Money and the P&L of both legs equal what both need: one equation in the value of a unit of size.
"""

from math import nan

from ..core.contracts import unit_value
from ..core.requirement import terms
from ..core.tiers import tier_of
from .asked import Pair
from .figures import group, number, signed
from .numbers import Position, parts

SAME = 1e-9
"""Share by which an equation may miss the price that is looked for in halves."""


def pair_line(pair: Pair, level: float) -> str:
    """The equation of both legs; words alone where a tier begins or gains do not count."""
    rules, beside = pair.legs[0].rules, pair.beside
    money = beside.wallet + beside.other_pnl
    own = [_terms(pair, i, level) for i in (0, 1)]
    fixed = sum(t[0] for t in own) + beside.other_maintenance
    slope = sum(t[1] for t in own)
    size = sum(p.size for p in pair.legs)
    cost = sum(p.size * float(unit_value(rules, p.entry)) for p in pair.legs)
    if rules["inverse"]:
        above, under = size + slope, cost + money - fixed
        words = "(sizes + slopes) / (sizes/entries + money − fixed)"
        figures = [number(size) + signed(slope), number(cost) + signed(money) + signed(-fixed)]
    else:
        above, under = cost - money + fixed, size - slope
        words = "(sizes·entries − money + fixed) / (sizes − slopes)"
        figures = [number(cost) + signed(-money) + signed(fixed), number(size) + signed(-slope)]
    multiplier = float(rules["multiplier"])
    found = above / under / multiplier if under else nan
    if not abs(found - level) <= SAME * level:
        return f"at {number(level)} the pool no longer has what both legs need"
    shown = "" if multiplier == 1.0 else f" / {number(multiplier)}"
    return f"P = {words} of both legs = {_divided(figures)}{shown} = {number(level)}"


def _divided(figures: list[str]) -> str:
    return " / ".join(group(one) for one in figures)


def _terms(pair: Pair, which: int, level: float) -> tuple[float, float]:
    """(fixed, slope) of a leg's requirement at a mark, at the tier it shares or has."""
    own: Position = pair.legs[which]
    if not pair.needs[which]:
        return 0.0, 0.0
    other = pair.legs[1 - which] if own.rules["legs"] else None
    size = abs(own.size) + (abs(other.size) if other else 0.0)
    row = int(tier_of(own.rules, size, own.entry, level))
    fixed, slope, _ = terms(own.rules, row, own.size, own.entry)
    return float(fixed) + sum(parts(own, nan)), float(slope)
