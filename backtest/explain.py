"""One position, or a pool of them, in the venue's own numbers.

The engine's numbers decide liquidations; where a venue's screen prints something else (a price
moved by a tick, rounded, or estimated with other positions frozen), both are given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor, inf, isnan, nan
from typing import Any

from .core import price, requirement, tiers
from .core.contracts import notional, side, unrealized_pnl
from .core.types import CloseFee, IsolatedOpen


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
    """A cross pool: wallet without unrealised P&L, and what stands beside the target.

    `other_pnl` and `other_maintenance` belong to the other positions at their frozen marks.
    """

    wallet: float
    other_pnl: float = 0.0
    other_maintenance: float = 0.0
    borrow_rate: float = 0.0


@dataclass(frozen=True)
class Display:
    """How the venue's screen shows numbers: mechanisms named in the rulebook's [display]."""

    liquidation: str = "exact"
    bankruptcy: str = "exact"
    maintenance: str = "with_fee"
    ratio: str = "exact"
    isolated_initial: str = "mark"


@dataclass(frozen=True)
class Report:
    """Numbers of one position; amounts in the settle asset. 0 or inf: no such price."""

    notional: float
    unrealized_pnl: float
    margin: float
    equity: float
    initial_margin: float
    maintenance_margin: float
    closing_fee: float
    margin_ratio: float
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
    p, rules, shown_as = position, position.rules, display or Display()
    margin = nan if pool else (p.margin if p.margin is not None else opening_margin(p))
    fee = requirement.constant_close_fee(rules, p.size, p.entry, p.leverage, margin)
    own_pnl = unrealized_pnl(p.size, p.entry, p.mark)
    beside = pool.wallet + pool.other_pnl if pool else margin
    others = pool.other_maintenance if pool else 0.0
    maintenance = requirement.maintenance_margin(rules, p.size, p.entry, p.mark, fee)
    level = price.liquidation_price(rules, p.size, p.entry, beside - others - fee)
    equity = beside + own_pnl
    result = Report(
        notional=notional(p.size, p.mark),
        unrealized_pnl=own_pnl,
        margin=margin,
        equity=equity,
        initial_margin=initial_margin(
            p, cross=pool is not None, at_entry=shown_as.isolated_initial == "entry"
        ),
        maintenance_margin=maintenance,
        closing_fee=_closing_fee(p, fee),
        margin_ratio=(maintenance + others) / equity if equity > 0 else inf,
        liquidation_price=level,
        bankruptcy_price=requirement.bankruptcy_price(rules, p.size, p.mark, equity),
        tier=tiers.tier_of(rules, p.size, p.entry, p.mark) + 1,
        tier_at_liquidation=_tier_at(p, level),
    )
    result.shown.update(_shown(p, pool, result, shown_as))
    return result


def initial_margin(position: Position, *, cross: bool, at_entry: bool = False) -> float:
    """Initial margin as the venue reports it for an open position."""
    p = position
    if cross or not at_entry:
        return float(requirement.initial_margin(p.rules, p.size, p.entry, p.mark, p.leverage))
    base = notional(p.size, p.entry) / p.leverage
    if p.rules["isolated_open"] == IsolatedOpen.PLUS_CLOSING_FEE:
        base += requirement.leverage_bankruptcy_fee(p.rules, p.size, p.entry, p.leverage)
    return float(base)


def _closing_fee(p: Position, constant: float) -> float:
    if p.rules["close_fee"] == CloseFee.AT_MARK:
        return notional(p.size, p.mark) * float(p.rules["taker_fee"])
    return constant


def _tier_at(p: Position, level: float) -> int:
    if not 0.0 < level < inf:
        return 1
    return int(tiers.tier_of(p.rules, p.size, p.entry, level)) + 1


def _shown(p: Position, pool: Pool | None, r: Report, display: Display) -> dict[str, float]:
    maintenance = r.maintenance_margin
    if display.maintenance == "without_fee":
        maintenance -= r.closing_fee
    return {
        "liquidation_price": shown_liquidation_price(p, pool, r, display.liquidation),
        "bankruptcy_price": shown_price(p, r.bankruptcy_price, display.bankruptcy),
        "maintenance_margin": maintenance,
        "margin_ratio": shown_ratio(r.margin_ratio, display.ratio),
    }


def shown_price(p: Position, value: float, mechanism: str) -> float:
    """A price as the venue prints it.

    `tick_nearer` moves it one tick towards the market; `tick_rounded` rounds it towards the
    market, up for a long and down for a short.
    """
    tick = float(p.rules["tick"])
    if not 0.0 < value < inf or mechanism == "exact":
        return value
    if mechanism == "tick_nearer":
        return value + side(p.size) * tick
    if mechanism == "tick_rounded":
        return round_to_tick(value, tick, up=p.size > 0)
    raise ValueError(f"unknown display mechanism {mechanism!r}")


def round_to_tick(value: float, tick: float, *, up: bool) -> float:
    """The next tick above or below a price; a price on a tick stays there."""
    steps = value / tick
    nearest = round(steps)
    if abs(steps - nearest) < 1e-6:
        return float(nearest * tick)
    return float((ceil(steps) if up else floor(steps)) * tick)


def shown_liquidation_price(p: Position, pool: Pool | None, r: Report, mechanism: str) -> float:
    """The liquidation price on the venue's screen.

    `frozen_estimate` keeps the requirement at its present value:
    mark − side·(equity − maintenance)/(size·(1 + borrow rate)).
    """
    if mechanism != "frozen_estimate":
        return shown_price(p, r.liquidation_price, mechanism)
    if pool is None:
        return r.liquidation_price
    excess = r.equity - r.maintenance_margin - pool.other_maintenance
    return p.mark - excess / (p.size * (1.0 + pool.borrow_rate))


def shown_ratio(ratio: float, mechanism: str) -> float:
    """MM / equity as the venue prints it: itself, its inverse, or cut to four decimals."""
    if mechanism == "inverse":
        return 1.0 / ratio if ratio > 0 else inf
    if mechanism == "truncated" and ratio < inf:
        return floor(ratio * 10_000 + 1e-9) / 10_000
    return ratio


def pool_for(wallet: float, target: Position, others: Sequence[Position]) -> Pool:
    """The pool around a target: the other positions' P&L and requirement at their marks."""
    pnl = sum(unrealized_pnl(o.size, o.entry, o.mark) for o in others)
    needed = 0.0
    for o in others:
        fee = requirement.constant_close_fee(o.rules, o.size, o.entry, o.leverage, nan)
        needed += requirement.maintenance_margin(o.rules, o.size, o.entry, o.mark, fee)
    return Pool(wallet, pnl, needed)


def has_price(value: float) -> bool:
    """Whether a liquidation or bankruptcy price exists."""
    return not isnan(value) and 0.0 < value < inf
