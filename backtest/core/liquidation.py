"""Carrying out a liquidation: step by step until the bucket is healthy or empty.

Each step balances: equity_before = slippage + fee + forfeited + residual − shortfall, and
insurance = fee to the fund + forfeited − shortfall. `residual` is what is left in the bucket.
"""

# mypy: disable-error-code="no-any-return"

from math import nan
from typing import Any, NamedTuple

from .contracts import notional, side, unrealized_pnl
from .jit import jit
from .ledger import Fill, cover_shortfall, record_fill, refresh_pool, shrink_position, slot
from .orders import cancel_orders
from .requirement import bankruptcy_price
from .risk import (
    ACCOUNT,
    bucket_equity,
    bucket_notional,
    is_cross,
    margin_ratio,
    position_level,
    rules_of,
)
from .state import LIQUIDATIONS, OnLiquidation, Reason
from .steps import Bucket, choose_step, exit_price, fee_rate, is_cured, measure, next_position
from .tiers import tier_of
from .types import MARK_IS_PROXY, StepExit, word

_BANKRUPTCY = int(StepExit.BANKRUPTCY)
_LIQUIDATION = word(Reason.LIQUIDATION)
_STOP = int(OnLiquidation.STOP)
DUST = 1e-12
"""Share of the closed notional under which a remainder is a rounding error."""


class Exit(NamedTuple):
    """One step as it is about to be booked; `lost` is what leaving costs against the mark."""

    rule_step: int
    closed: float
    price: float
    fee: float
    lost: float
    taken_over: bool


@jit
def plan_exit(w: Any, i: int, s: int, b: Bucket) -> Exit:
    """Choose the step and work out its price, fee and cost."""
    p, rules = w.positions[s], rules_of(w, s)
    k, closed = choose_step(w, i, s, b)
    step = rules["steps"][w.config[0]["mode"], k]
    price = exit_price(w, i, s, step, b)
    lost = side(p["size"]) * closed * (p["mark"] - price) + 0.0  # never −0
    taken_over = step["exit"] == _BANKRUPTCY
    fee = closed * price * fee_rate(rules, step)
    if not (taken_over and rules["bankruptcy_fee"]):
        # a fee outside the bankruptcy price takes what is left, never more
        fee = min(fee, max(b.equity - lost, 0.0))
    return Exit(k, closed, price, fee, lost, taken_over)


@jit
def record_before(w: Any, i: int, s: int, b: Bucket, e: Exit, step: int, cause: int) -> int:
    """Write the state that a step meets; returns the record's number, −1 if the buffer is full."""
    n = slot(w, LIQUIDATIONS, len(w.liquidations))
    if n < 0:
        return n
    r, p, rules = w.liquidations[n], w.positions[s], rules_of(w, s)
    r["ts"], r["symbol"], r["event"] = w.ts[i], s, w.state[0]["liquidations"]
    r["rule_step"], r["step"], r["cause"] = e.rule_step, step, cause
    r["scope"], r["side"] = int(b.bucket == ACCOUNT), int(side(p["size"]))
    r["size_before"], r["size_closed"] = p["size"], e.closed
    r["entry_price"], r["mark_price"] = p["entry"], p["mark"]
    r["liquidation_price"] = position_level(w, s)
    r["bankruptcy_price"] = bankruptcy_price(rules, p["size"], p["mark"], b.equity)
    r["equity_before"], r["maintenance_margin"] = b.equity, b.maintenance
    r["margin_ratio"] = margin_ratio(b.equity, b.maintenance)
    r["leverage_effective"] = margin_ratio(b.equity, bucket_notional(w, b.bucket, b.pool))
    r["tier_before"] = tier_of(rules, p["size"], p["entry"], p["mark"]) + 1
    r["bars_held"] = (w.ts[i] - p["opened"]) // w.config[0]["timeframe_ms"]
    r["mark_is_proxy"] = int((w.flags[s, i] & MARK_IS_PROXY) != 0)
    r["rules_extrapolated"], r["rule"] = rules["extrapolated"], p["rule"]
    return n


@jit
def record_after(w: Any, n: int, s: int, b: Bucket, e: Exit, covered: float) -> None:
    """Complete the record of a step with where the money went."""
    if n < 0:
        return
    r, p, rules = w.liquidations[n], w.positions[s], rules_of(w, s)
    residual = b.equity - e.lost - e.fee + covered
    if abs(residual) <= DUST * notional(e.closed, e.price):
        residual = 0.0
    r["exit_price"], r["fee"], r["residual"] = e.price, e.fee, residual
    r["slippage"] = 0.0 if e.taken_over else e.lost
    r["forfeited"] = max(e.lost, 0.0) if e.taken_over else 0.0
    r["shortfall"] = covered + (max(-e.lost, 0.0) if e.taken_over else 0.0)
    step = rules["steps"][w.config[0]["mode"], e.rule_step]
    to_fund = e.fee if step["fee_to_fund"] else 0.0
    r["insurance"] = to_fund + r["forfeited"] - r["shortfall"]
    still_open = p["size"] != 0.0
    r["tier_after"] = tier_of(rules, p["size"], p["entry"], p["mark"]) + 1 if still_open else 0


@jit
def count_totals(w: Any, b: Bucket, e: Exit, pnl: float) -> None:
    """Add a step to the pool's totals; a takeover realises at the mark and forfeits the rest."""
    pool = w.pools[b.pool]
    pool["liquidation_fees"] += e.fee
    pool["realized"] += pnl
    if e.taken_over:
        pool["realized"] += e.lost
        pool["forfeited"] += max(e.lost, 0.0)
        pool["shortfall"] += max(-e.lost, 0.0)


@jit
def release_isolated(w: Any, s: int, dust: float) -> float:
    """Return what an emptied isolated bucket holds to the wallet; returns what it lacked.

    The wallet is never asked: an isolated bucket can lose no more than itself.
    """
    p = w.positions[s]
    left, pool = p["margin"], w.pools[p["pool"]]
    p["margin"] = 0.0
    if abs(left) <= dust:
        left = 0.0
    covered = max(-left, 0.0) + 0.0  # never −0
    pool["shortfall"] += covered
    pool["cash"] += left + covered
    return covered


@jit
def release_pool(w: Any, pool: int, dust: float) -> float:
    """Reset the wallet of an emptied pool if it is negative; returns what was missing."""
    if w.pools[pool]["open"] == 0 and abs(w.pools[pool]["cash"]) <= dust:
        w.pools[pool]["cash"] = 0.0
    return cover_shortfall(w, pool)


@jit
def take_step(w: Any, i: int, s: int, b: Bucket, step: int, cause: int) -> None:
    """Carry out one step of the process on a position."""
    p = w.positions[s]
    e = plan_exit(w, i, s, b)
    n = record_before(w, i, s, b, e, step, cause)
    direction, dust = side(p["size"]), DUST * notional(e.closed, e.price)
    p["low"], p["high"] = min(p["low"], p["mark"]), max(p["high"], p["mark"])
    pnl = unrealized_pnl(direction * e.closed, p["entry"], e.price)
    fill = Fill(w.ts[i], _LIQUIDATION, e.price, e.fee, 0.0 if e.taken_over else e.lost, pnl)
    count_totals(w, b, e, pnl)
    wait_ms = rules_of(w, s)["steps"][w.config[0]["mode"], e.rule_step]["wait_ms"]
    if wait_ms > 0:
        w.state[0]["wait_until"] = w.ts[i] + wait_ms
    cross, covered = is_cross(w), 0.0
    if cross:
        w.pools[b.pool]["cash"] += pnl - e.fee
    else:
        p["margin"] += pnl - e.fee
    shrink_position(w, s, e.closed, fill)
    if p["size"] == 0.0:
        p["target"] = p["target"] if w.config[0]["reenter"] else nan
        covered = release_pool(w, b.pool, dust) if cross else release_isolated(w, s, dust)
        if w.config[0]["on_liquidation"] == _STOP:
            w.state[0]["stopped"] = 1
    record_fill(w, s, -direction * e.closed, fill, covered)
    record_after(w, n, s, b, e, covered)


@jit
def cancel_bucket_orders(w: Any, i: int, bucket: int, pool: int) -> None:
    """Cancel the orders of a bucket: of one symbol, or of all that share a pool."""
    for s in range(len(w.positions)):
        if s == bucket or (bucket == ACCOUNT and w.positions[s]["pool"] == pool):
            cancel_orders(w, i, s)


@jit
def liquidate(w: Any, i: int, bucket: int, pool: int, cause: int) -> None:
    """Run the venue's process on a triggered bucket at the marks in the state."""
    w.state[0]["liquidations"] += 1
    cancel_bucket_orders(w, i, bucket, pool)
    step = 0
    while True:
        b = measure(w, bucket, pool, bucket_equity(w, bucket, pool))
        s = next_position(w, b)
        if s < 0:
            break
        ratio = rules_of(w, s)["healthy_ratio"][w.config[0]["mode"]]
        if step > 0 and is_cured(w, s, b.equity, b.maintenance, ratio):
            break
        step += 1
        take_step(w, i, s, b, step, cause)
    refresh_pool(w, pool)
