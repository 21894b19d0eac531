"""One position, isolated or in a cross pool, in the engine's numbers and in the venue's.

The same functions of the compiled core decide liquidations in a run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isnan, nan
from typing import Any

from ..core import price, requirement, tiers
from ..core.contracts import (
    notional,
    price_of,
    side,
    signed_units,
    unit_value,
    unrealized_pnl,
)
from ..core.risk import margin_ratio
from ..core.types import CloseFee, Gains
from .display import Display, exists, shown_none, shown_price, shown_ratio


@dataclass(frozen=True)
class Position:
    """A position to look at: signed size in units of size, prices in quote.

    `margin` is the money in an isolated bucket without unrealised P&L; None computes what the
    venue moves there at the opening. `rules` is a RULES record. `funding_rate` is the last rate
    settled; `reserved` a closing fee set apart at the opening, where it is known.
    """

    symbol: str
    size: float
    entry: float
    mark: float
    leverage: float
    rules: Any
    margin: float | None = None
    funding_rate: float = 0.0
    reserved: float | None = None

    @property
    def pnl(self) -> float:
        """Unrealised P&L at the mark."""
        return float(unrealized_pnl(self.rules, self.size, self.entry, self.mark))

    @property
    def notional(self) -> float:
        """Value at the mark, settle asset."""
        return float(notional(self.rules, self.size, self.mark))


@dataclass(frozen=True)
class Pool:
    """A cross pool: wallet without unrealised P&L, and what stands beside the position.

    The `other_` amounts belong to the other positions at their present marks. `borrow_rate` is
    what a loss beyond the wallet adds to the requirement, where the venue lends. `twin` is the
    |size| of the other leg of the position's symbol where both are in one tier; `covered` says
    that the margin of that leg, the larger one, is enough for both.
    """

    wallet: float
    other_pnl: float = 0.0
    other_maintenance: float = 0.0
    other_initial: float = 0.0
    borrow_rate: float = 0.0
    twin: float = 0.0
    covered: bool = False


@dataclass(frozen=True)
class Report:
    """Numbers of one position; amounts in the settle asset. A price of 0 or inf: there is none.

    `shown` holds what the venue's screen prints under the same names.
    """

    notional: float
    unrealized_pnl: float
    margin: float
    equity: float
    initial_margin: float
    maintenance_margin: float
    closing_fee: float
    constant: float
    margin_ratio: float
    initial_ratio: float
    available: float
    liquidation_price: float
    bankruptcy_price: float
    tier: int
    tier_at_liquidation: int
    shown: dict[str, float] = field(default_factory=dict)


def opening_margin(position: Position) -> float:
    """Money the venue moves into an isolated position when it opens at its entry price."""
    p = position
    fee = notional(p.rules, p.size, p.entry) * float(p.rules["taker_fee"])
    rate = requirement.required_rate(p.rules, p.size, p.entry, p.entry, p.leverage)
    kept, _ = requirement.isolated_cost(p.rules, p.size, p.entry, rate, fee)
    return float(kept)


def parts(p: Position, margin: float) -> tuple[float, float]:
    """(closing fee set apart, next funding): what the requirement holds whatever the mark."""
    args = (p.rules, p.size, p.entry, p.leverage, margin)
    fee = float(requirement.fee_part(*args)) if p.reserved is None else p.reserved
    whole = float(requirement.constant_part(*args, p.funding_rate))
    return fee, whole - float(requirement.fee_part(*args))


def maintenance(p: Position, constant: float, twin: float = 0.0) -> float:
    """Maintenance margin at the mark; `twin` is the other leg's |size| where both share a tier.

    Of the tier's deduction a leg has the part of its size.
    """
    both = abs(p.size) + twin
    row = tiers.tier_of(p.rules, both, p.entry, p.mark)
    constant += float(p.rules["deduction"][row]) * twin / both
    return float(requirement.maintenance_in_tier(p.rules, row, p.size, p.entry, p.mark, constant))


def report(position: Position, pool: Pool | None = None, display: Display | None = None) -> Report:
    """Everything about one position, isolated without a pool and cross with one."""
    p, rules, screen = position, position.rules, display or Display()
    margin = nan if pool else (p.margin if p.margin is not None else opening_margin(p))
    # without a leverage to reserve it by, the closing fee falls due where the wallet is used up
    fee, funding = parts(p, pool.wallet if pool and isnan(p.leverage) else margin)
    constant = fee + funding
    beside = pool.wallet + pool.other_pnl if pool else margin
    others = pool.other_maintenance if pool else 0.0
    twin, covered = (pool.twin, pool.covered) if pool else (0.0, False)
    needs = 0.0 if covered else maintenance(p, constant, twin)
    level = price.liquidation_price(rules, p.size, p.entry, beside - others - constant, p.mark)
    equity = beside + p.pnl
    initial = 0.0 if covered else initial_margin(p)
    needed = initial + (pool.other_initial if pool else 0.0)
    result = Report(
        notional=p.notional,
        unrealized_pnl=p.pnl,
        margin=margin,
        equity=equity,
        initial_margin=initial,
        maintenance_margin=needs,
        closing_fee=closing_fee(p, fee),
        constant=constant,
        margin_ratio=margin_ratio(equity, needs + others),
        initial_ratio=margin_ratio(equity, needed),
        available=max(equity - needed, 0.0),
        liquidation_price=level,
        bankruptcy_price=requirement.takeover_of(rules, p.size, p.mark, equity, fee),
        tier=tiers.tier_of(rules, abs(p.size) + twin, p.entry, p.mark) + 1,
        tier_at_liquidation=tier_at(p, level),
    )
    result.shown.update(_shown(p, pool, result, screen))
    return result


def initial_margin(p: Position) -> float:
    """Initial margin as the venue reports it for an open position."""
    return float(requirement.initial_margin(p.rules, p.size, p.entry, p.mark, p.leverage))


def closing_fee(p: Position, constant: float) -> float:
    """The closing fee inside the maintenance margin, settle asset."""
    if p.rules["close_fee"] == CloseFee.AT_MARK:
        return p.notional * float(p.rules["close_fee_rate"])
    return constant


def far_level(p: Position, r: Report, pool: Pool | None) -> float:
    """The liquidation price on the side on which the position gains; 0 or inf: there is none."""
    others = pool.other_maintenance if pool else 0.0
    wallet = r.equity - r.unrealized_pnl - others - r.constant
    return float(price.liquidation_prices(p.rules, p.size, p.entry, wallet, p.mark)[1])


def tier_at(p: Position, mark: float) -> int:
    """Number of the tier (from 1) at a mark; 0 where there is no such price."""
    if not exists(mark):
        return 0
    return int(tiers.tier_of(p.rules, p.size, p.entry, mark)) + 1


def pool_for(wallet: float, others: Sequence[Position], borrow_rate: float = 0.0) -> Pool:
    """The pool around a position: the other positions' P&L and requirements at their marks."""
    needed = sum(maintenance(o, sum(parts(o, nan))) for o in others)
    gains = [min(o.pnl, 0.0) if o.rules["gains"] == Gains.OWN else o.pnl for o in others]
    initial = sum(initial_margin(o) for o in others)
    return Pool(wallet, sum(gains), needed, initial, borrow_rate)


def _shown(p: Position, pool: Pool | None, r: Report, display: Display) -> dict[str, float]:
    facing, tick = side(p.size), float(p.rules["tick"])
    level = r.liquidation_price
    if pool is not None and display.liquidation == "frozen_estimate":
        level = frozen_estimate(p, pool, r, display)
    level = shown_price(level, facing, tick, display.liquidation)
    return {
        "liquidation_price": shown_none(level, facing, display) if not exists(level) else level,
        "bankruptcy_price": shown_price(r.bankruptcy_price, facing, tick, display.bankruptcy),
        "maintenance_margin": _shown_maintenance(p, r, display.maintenance),
        "margin_ratio": shown_ratio(r.margin_ratio, display.ratio),
        "initial_margin": r.initial_margin,
    }


def _shown_maintenance(p: Position, r: Report, mechanism: str) -> float:
    if mechanism == "without_fee":
        return r.maintenance_margin - r.closing_fee
    if mechanism == "at_bankruptcy_price":
        bust = replace(p, entry=r.bankruptcy_price, mark=r.bankruptcy_price)
        return maintenance(bust, r.constant)
    return r.maintenance_margin


def frozen_estimate(p: Position, pool: Pool, r: Report, display: Display) -> float:
    """A liquidation price that keeps the requirement at its present value.

    mark − (equity − maintenance of all) / (units · (1 + borrow rate)), in unit values.
    """
    excess = r.equity - r.maintenance_margin - pool.other_maintenance
    units = signed_units(p.rules, p.size)
    value = unit_value(p.rules, p.mark) - excess / (units * (1.0 + pool.borrow_rate))
    if display.no_price != "unclipped":
        value = max(value, 0.0)
    return price_or_none(p, value)


def price_or_none(p: Position, value: float) -> float:
    """The price of a unit value; a negative one only a linear contract can have."""
    if value < 0.0 and not p.rules["inverse"]:
        return value / float(p.rules["multiplier"])
    return float(price_of(p.rules, max(value, 0.0)))
