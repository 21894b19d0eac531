"""The liquidation price as an equation with its numbers put in.

In one tier, money + P&L = fixed + slope·v + curve·v² for the value v of a unit of size: price ·
multiplier, of an inverse contract 1/price. Solved for the price P.
"""

from math import copysign, sqrt

from ..core.contracts import unit_value
from ..core.requirement import terms
from ..core.types import CloseFee, TierRule, ValuedAt
from .asked import Asked
from .display import exists
from .figures import group, number, percent, signed
from .numbers import far_level
from .pair_equation import pair_line

SAME = 1e-9
"""Share by which an equation may miss the price that the tier table gives."""


def lines(a: Asked) -> list[str]:
    """The equation of the liquidation price, after the parts it is made of."""
    level = a.report.liquidation_price
    if not exists(level):
        return [_no_price(a)]
    if a.pair is not None:
        return [pair_line(a.pair, level)]
    text, found = _solved(a)
    if abs(found - level) <= SAME * level:
        return [_fixed(a), _slope(a), f"P = {text} = {number(level)}"]
    return [_at_the_floor(a)]


def _no_price(a: Asked) -> str:
    """That no price on the adverse side liquidates: none at all, or none beyond the present one."""
    word, beyond = a.word("trigger.price"), "above 0"
    if a.pair is None and exists(far_level(a.position, a.report, a.pool)):
        beyond = f"{'below' if a.position.size > 0 else 'above'} this one"
    return f"no {word} price {beyond} liquidates this position"


def _row(a: Asked) -> int:
    return a.report.tier_at_liquidation - 1


def _solved(a: Asked) -> tuple[str, float]:
    """The equation solved for P, in symbols and numbers, and its value (nan without a root)."""
    p, r = a.position, a.report
    _, slope, curve = terms(p.rules, _row(a), p.size, p.entry)
    money, name = r.equity - r.unrealized_pnl, "margin" if a.pool is None else "money"
    fixed = fixed_part(a)
    if p.rules["inverse"]:
        cost = p.size / p.entry
        above, under = p.size + slope, cost + money - fixed
        if curve:
            return _curved(a, (above, under, curve), (cost, money, fixed, name))
        words = f"(size + slope) / (size/entry + {name} − fixed)"
        under_figures = group(f"{number(cost)}{signed(money)}{signed(-fixed)}")
        figures = f"{group(number(p.size) + signed(slope))} / {under_figures}"
        return f"{words} = {figures}", above / under
    m = float(p.rules["multiplier"])
    cost = p.size * float(unit_value(p.rules, p.entry))
    times, figure = ("", "") if m == 1.0 else (" / multiplier", f" / {number(m)}")
    priced = "" if m == 1.0 else "·multiplier"
    words = f"(size·entry{priced} − {name} + fixed) / (size − slope){times}"
    figures = f"{group(number(cost) + signed(-money) + signed(fixed))} / "
    figures += f"{group(number(p.size) + signed(-slope))}{figure}"
    return f"{words} = {figures}", (cost - money + fixed) / (p.size - slope) / m


def _curved(
    a: Asked, numbers: tuple[float, float, float], parts: tuple[float, float, float, str]
) -> tuple[str, float]:
    """The root where the requirement grows with the square of an inverse contract's value."""
    (b, under, curve), (cost, money, fixed, name) = numbers, parts
    inside = b * b + 4.0 * curve * under
    if inside < 0.0:
        return "", float("nan")
    sign = "+" if a.position.size > 0 else "−"
    words = f"(B {sign} √(B² + 4·curve·A)) / (2·A) with B = size + slope, "
    words += f"A = size/entry + {name} − fixed"
    below = group(f"{number(cost)}{signed(money)}{signed(-fixed)}")
    figures = (
        f"({number(b)} {sign} √({group(number(b))}² + 4·{number(curve)}·{below})) / (2·{below})"
    )
    return f"{words} = {figures}", (b + copysign(sqrt(inside), a.position.size)) / (2.0 * under)


def fixed_part(a: Asked) -> float:
    """The requirement that does not move with this price, other positions' included."""
    p = a.position
    own, _, _ = terms(p.rules, _row(a), p.size, p.entry)
    return float(own) + a.report.constant + (a.pool.other_maintenance if a.pool else 0.0)


def _fixed(a: Asked) -> str:
    """What `fixed` is the sum of."""
    p, row, r = a.position, _row(a), a.report
    own = -float(p.rules["deduction"][row])
    at_entry = float(terms(p.rules, row, p.size, p.entry)[0]) - own
    fee = r.closing_fee if p.rules["close_fee"] != CloseFee.AT_MARK else 0.0
    found = {
        "rate · value at entry": at_entry,
        "deduction": own,
        "closing fee": fee,
        "next funding": r.constant - fee,
        "other positions": a.pool.other_maintenance if a.pool else 0.0,
    }
    named = [(name, value) for name, value in found.items() if value]
    text = "".join(f" {'−' if v < 0 else '+'} {n} {number(abs(v))}" for n, v in named)
    text = text.removeprefix(" + ").strip()
    if len(named) < 2:
        return f"fixed = {text or '0'}, the part of the requirement that no price moves"
    return f"fixed = {text} = {number(fixed_part(a))}"


def _slope(a: Asked) -> str:
    """What the requirement grows by with the value of a unit of size."""
    p, row = a.position, _row(a)
    _, slope, curve = terms(p.rules, row, p.size, p.entry)
    rules, rates = p.rules, []
    if rules["tier_rule"] == TierRule.LINEAR_IN_SIZE and not rules["inverse"]:
        grown = float(rules["rate"][row]) + float(rules["rate_slope"]) * abs(p.size)
        rates.append(min(grown, float(rules["rate_cap"])))
    elif rules["maintenance_at"] != ValuedAt.ENTRY:
        rates.append(float(rules["rate"][row]))
    if rules["close_fee"] == CloseFee.AT_MARK:
        rates.append(float(rules["close_fee_rate"]))
    text = " + ".join(percent(rate) for rate in rates)
    text = f"({text})" if len(rates) > 1 else text
    shown = f"slope = |size| · {text} = {number(slope)}" if rates else "slope = 0"
    if not curve:
        return shown
    grows = percent(float(rules["rate_slope"]))
    return f"{shown}; curve = size² · {grows} = {number(curve)}"


def _at_the_floor(a: Asked) -> str:
    """A price that is no root: there the value enters a tier that the money cannot afford."""
    p, floor = a.position, float(a.rules["floor"][_row(a)])
    level, size = a.report.liquidation_price, abs(p.size)
    if abs(size * float(unit_value(p.rules, level)) - floor) > SAME * max(floor, 1e-12) * 10:
        return "at no price is there enough; P is where the equity comes nearest to what is needed"
    into = "there the position enters this dearer tier"
    if p.rules["inverse"]:
        figures = f"size / floor = {number(size)} / {number(floor)}"
        return f"P = {figures} = {number(level)}; {into}"
    m = float(p.rules["multiplier"])
    names, shown = ("", "") if m == 1.0 else ("/multiplier", f" / {number(m)}")
    figures = f"floor / size{names} = {number(floor)} / {number(size)}{shown}"
    return f"P = {figures} = {number(level)}; {into}"
