"""One position, isolated or in a cross pool, in the engine's numbers and in the venue's.

The same functions of the compiled core decide liquidations in a run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, nan
from typing import Any

from ..core import price, requirement, tiers
from ..core.contracts import notional, side, unrealized_pnl
from ..core.risk import margin_ratio
from ..core.types import CloseFee, MarginMode
from .display import Display, exists, shown_price, shown_ratio


@dataclass(frozen=True)
class Position:
    """A position to look at: signed size in base units, prices in quote.

    `margin` is the money in an isolated bucket without unrealised P&L; None computes what the
    venue moves there at the opening. `rules` is a RULES record.
    """

    symbol: str
    size: float
    entry: float
    mark: float
    leverage: float
    rules: Any
    margin: float | None = None


@dataclass(frozen=True)
class Pool:
    """A cross pool: wallet without unrealised P&L, and what stands beside the position.

    The `other_` amounts belong to the other positions at their present marks. `borrow_rate` is
    what a loss beyond the wallet adds to the requirement, where the venue lends.
    """

    wallet: float
    other_pnl: float = 0.0
    other_maintenance: float = 0.0
    other_initial: float = 0.0
    borrow_rate: float = 0.0


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
    fee = notional(position.size, position.entry) * float(position.rules["taker_fee"])
    kept, _ = requirement.isolated_cost(
        position.rules, position.size, position.entry, position.leverage, fee
    )
    return float(kept)


def report(position: Position, pool: Pool | None = None, display: Display | None = None) -> Report:
    """Everything about one position, isolated without a pool and cross with one."""
    p, rules, screen = position, position.rules, display or Display()
    margin = nan if pool else (p.margin if p.margin is not None else opening_margin(p))
    fee = requirement.constant_close_fee(rules, p.size, p.entry, p.leverage, margin)
    own_pnl = unrealized_pnl(p.size, p.entry, p.mark)
    beside = pool.wallet + pool.other_pnl if pool else margin
    others = pool.other_maintenance if pool else 0.0
    maintenance = requirement.maintenance_margin(rules, p.size, p.entry, p.mark, fee)
    level = price.liquidation_price(rules, p.size, p.entry, beside - others - fee)
    equity = beside + own_pnl
    initial = initial_margin(p, cross=pool is not None)
    needed = initial + (pool.other_initial if pool else 0.0)
    result = Report(
        notional=notional(p.size, p.mark),
        unrealized_pnl=own_pnl,
        margin=margin,
        equity=equity,
        initial_margin=initial,
        maintenance_margin=maintenance,
        closing_fee=closing_fee(p, fee),
        margin_ratio=margin_ratio(equity, maintenance + others),
        initial_ratio=margin_ratio(equity, needed),
        available=max(equity - needed, 0.0),
        liquidation_price=level,
        bankruptcy_price=requirement.bankruptcy_price(rules, p.size, p.mark, equity),
        tier=tiers.tier_of(rules, p.size, p.entry, p.mark) + 1,
        tier_at_liquidation=tier_at(p, level),
    )
    result.shown.update(_shown(p, pool, result, screen))
    return result


def initial_margin(position: Position, *, cross: bool) -> float:
    """Initial margin as the venue reports it for an open position."""
    p, mode = position, MarginMode.CROSS if cross else MarginMode.ISOLATED
    return float(
        requirement.initial_margin(p.rules, p.size, p.entry, p.mark, p.leverage, int(mode))
    )


def closing_fee(p: Position, constant: float) -> float:
    """The closing fee inside the maintenance margin, settle asset."""
    if p.rules["close_fee"] == CloseFee.AT_MARK:
        return notional(p.size, p.mark) * float(p.rules["taker_fee"])
    return constant


def tier_at(p: Position, mark: float) -> int:
    """Number of the tier (from 1) at a mark; 0 where there is no such price."""
    if not exists(mark):
        return 0
    return int(tiers.tier_of(p.rules, p.size, p.entry, mark)) + 1


def pool_for(wallet: float, others: Sequence[Position], borrow_rate: float = 0.0) -> Pool:
    """The pool around a position: the other positions' P&L and requirements at their marks."""
    pnl = needed = initial = 0.0
    for o in others:
        fee = requirement.constant_close_fee(o.rules, o.size, o.entry, o.leverage, nan)
        pnl += unrealized_pnl(o.size, o.entry, o.mark)
        needed += requirement.maintenance_margin(o.rules, o.size, o.entry, o.mark, fee)
        initial += initial_margin(o, cross=True)
    return Pool(wallet, pnl, needed, initial, borrow_rate)


def _shown(p: Position, pool: Pool | None, r: Report, display: Display) -> dict[str, float]:
    facing, tick = side(p.size), float(p.rules["tick"])
    level = r.liquidation_price
    if pool is not None and display.liquidation == "frozen_estimate":
        level = frozen_estimate(p, pool, r)
    bust = shown_price(r.bankruptcy_price, facing, tick, display.bankruptcy)
    return {
        "liquidation_price": shown_price(level, facing, tick, display.liquidation),
        "bankruptcy_price": bust,
        "maintenance_margin": _shown_maintenance(p, r, display.maintenance),
        "margin_ratio": shown_ratio(r.margin_ratio, display.ratio),
        "initial_margin": r.initial_margin,
    }


def _shown_maintenance(p: Position, r: Report, mechanism: str) -> float:
    if mechanism == "without_fee":
        return r.maintenance_margin - r.closing_fee
    if mechanism == "at_bankruptcy_price":
        fee = r.closing_fee
        at = requirement.maintenance_margin(
            p.rules, p.size, r.bankruptcy_price, r.bankruptcy_price, fee
        )
        return float(at)
    return r.maintenance_margin


def frozen_estimate(p: Position, pool: Pool, r: Report) -> float:
    """A liquidation price that keeps the requirement at its present value.

    mark − (equity − maintenance of all) / (size · (1 + borrow rate)).
    """
    excess = r.equity - r.maintenance_margin - pool.other_maintenance
    estimate = p.mark - excess / (p.size * (1.0 + pool.borrow_rate))
    return estimate if exists(estimate) else (0.0 if p.size > 0 else inf)
