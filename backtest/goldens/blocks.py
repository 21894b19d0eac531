"""Liquidations block by block: a case's order book and fund, put before the engine of a run."""

import numpy as np

from ..core.engine import Engine, Settings
from ..core.types import HAS_MARK, HAS_TRADE, N_FIELDS, RULES, MarginMode, StepExit
from .quanta import PPM, param
from .subject import Subject

HOUR = 3_600_000


def after_block(subject: Subject) -> tuple[float, float]:
    """(quote balance, signed size) after one block of the venue's process."""
    p, pool = subject.positions[0], subject.pool(0)
    settings = Settings(
        mode=int(MarginMode.CROSS), leverage=1.0, timeframe_ms=HOUR, sample_ms=HOUR,
        fund_per_block=float(param(subject, "max_insurance_lost_per_block")),
    )  # fmt: skip
    engine = Engine(settings, [_rules(subject)], [0], [pool.wallet])
    prices = np.full((N_FIELDS, 1, 1), p.mark)
    flags = np.full((1, 1), HAS_TRADE | HAS_MARK, np.uint8)
    engine.load(np.zeros(1, np.int64), prices, flags)
    engine.place(0, p.size, p.entry, p.mark)
    levels = [(float(price), float(size)) for price, size in param(subject, BOOK)]
    engine.set_book(levels, float(param(subject, "insurance_fund_before")))
    engine.liquidate_block()
    size = float(engine.positions["size"][0])
    return float(engine.pools["cash"][0]) - size * p.entry, size


BOOK = "maker_book_price_size"


def _rules(subject: Subject) -> np.ndarray:
    """The case's rules, with its parameters in place of the rulebook's in the forced order."""
    rules = np.zeros(1, RULES)
    rules[0] = subject.positions[0].rules
    rules["clearance_fee"] = int(param(subject, "max_liquidation_fee_ppm")) / PPM
    for step in rules[0]["steps"][: rules[0]["n_steps"]]:
        if step["exit"] == StepExit.FILLABLE:
            step["amount"] = int(param(subject, "max_position_portion_ppm")) / PPM
            step["at_least"] = param(subject, "min_position_notional")
            step["at_most"] = param(subject, "max_notional_per_block")
            step["spread"] = _spread(subject)
    return rules


def _spread(subject: Subject) -> float:
    """The spread that gives the limit price which the case states."""
    p, r = subject.positions[0], subject.report(0)
    used = min(max(1.0 - r.equity / r.maintenance_margin, 0.0), 1.0)
    away = abs(float(param(subject, "liquidation_limit_price")) - p.mark) * abs(p.size)
    return away / (used * r.maintenance_margin) if used > 0.0 else 0.0
