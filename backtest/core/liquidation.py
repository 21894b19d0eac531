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
from .legs import shared_level
from .orders import cancel_orders
from .requirement import keeps_fee_apart, takeover_of
from .resting import end_orders, end_reducers
from .risk import (
    ACCOUNT,
    bucket_notional,
    is_cross,
    margin_ratio,
    position_fee,
    position_maintenance,
    position_pnl,
    position_row,
    rules_of,
    usd_price,
)
from .state import LIQUIDATIONS, MARKS, OnLiquidation, Reason, Rejected
from .steps import (
    Bucket,
    choose_step,
    exit_price,
    fee_rate,
    for_position,
    is_beyond,
    is_cured,
    limit_price,
    measure,
    next_position,
    share_of_equity,
)
from .types import MARK_IS_PROXY, CancelsOrders, StepExit, StepFee, StepSize, word

_BANKRUPTCY = int(StepExit.BANKRUPTCY)
_NET_LEGS = int(StepSize.NET_LEGS)
_TAKER = int(StepFee.TAKER)
_EQUITY_SHARE = int(StepFee.EQUITY_SHARE)
_CANCELLED = word(Rejected.CANCELLED_BY_LIQUIDATION)
_NONE, _BUCKET = int(CancelsOrders.NONE), int(CancelsOrders.BUCKET)
_ACCOUNT = int(CancelsOrders.ACCOUNT)
_LIQUIDATION = word(Reason.LIQUIDATION)
_FIRST_STEP, _FROM_THE_TOP = word(1), word(0)
_STOP = int(OnLiquidation.STOP)
STEPS = word(2000)
"""Steps of one process; a venue that closes little at a time passes the rest to its last step."""
DUST = 1e-12
"""Share of the closed notional under which a remainder is a rounding error."""


class Exit(NamedTuple):
    """One step as it is about to be booked.

    `lost` is what leaving costs against the mark, `covered` what the fund pays at once.
    """

    rule_step: int
    closed: float
    price: float
    fee: float
    lost: float
    covered: float
    taken_over: bool


@jit
def plan_exit(w: Any, s: int, b: Bucket, k: int, closed: float, price: float) -> Exit:
    """The fee and the cost of closing |size| `closed` at a price by step k."""
    p, rules = w.positions[s], rules_of(w, s)
    step = rules["steps"][k]
    lost = -unrealized_pnl(rules, side(p["size"]) * closed, p["mark"], price) + 0.0  # never −0
    taken_over = step["exit"] == _BANKRUPTCY
    fee, covered = notional(rules, closed, price) * fee_rate(w, s, step), 0.0
    if step["fee"] == _EQUITY_SHARE:
        left = share_of_equity(w, s, b) * closed / abs(p["size"]) - lost
        fee, covered = min(fee, max(left, 0.0)), max(-left, 0.0)
    elif taken_over and step["fee"] == _TAKER and keeps_fee_apart(rules):
        fee = position_fee(w, s) * closed / abs(p["size"])
    elif not (taken_over and rules["bankruptcy_fee"]):
        # a fee outside the bankruptcy price takes what is left, never more
        fee = min(fee, max(b.equity - lost, 0.0))
    return Exit(k, closed, price, fee, lost, covered, taken_over)


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
    r["liquidation_price"] = shared_level(w, s)
    r["bankruptcy_price"] = takeover_of(rules, p["size"], p["mark"], b.equity, position_fee(w, s))
    r["equity_before"], r["maintenance_margin"] = b.equity, b.maintenance
    r["margin_ratio"] = margin_ratio(b.equity, b.maintenance)
    r["leverage_effective"] = margin_ratio(b.equity, bucket_notional(w, b.bucket, b.pool))
    r["tier_before"] = position_row(w, s) + 1
    r["bars_held"] = (w.ts[i] - p["opened"]) // w.config[0]["timeframe_ms"]
    r["mark_is_proxy"] = int((w.flags[p["series"], i] & MARK_IS_PROXY) != 0)
    r["rules_extrapolated"], r["rule"] = rules["extrapolated"], p["rule"]
    r["usd_price"], r["certainty"] = usd_price(w, b.pool), w.state[0]["possible"]
    return n


@jit
def record_after(w: Any, n: int, s: int, b: Bucket, e: Exit, covered: float, to_fund: bool) -> None:
    """Complete the record of a step with where the money went."""
    if n < 0:
        return
    r, p, rules = w.liquidations[n], w.positions[s], rules_of(w, s)
    residual = b.equity - e.lost - e.fee + covered
    if abs(residual) <= DUST * notional(rules, e.closed, e.price):
        residual = 0.0
    r["exit_price"], r["fee"], r["residual"] = e.price, e.fee, residual
    r["slippage"] = 0.0 if e.taken_over else e.lost
    r["forfeited"] = max(e.lost, 0.0) if e.taken_over else 0.0
    r["shortfall"] = covered + (max(-e.lost, 0.0) if e.taken_over else 0.0)
    r["insurance"] = (e.fee if to_fund else 0.0) + r["forfeited"] - r["shortfall"]
    r["tier_after"] = position_row(w, s) + 1 if p["size"] != 0.0 else 0


@jit
def count_totals(w: Any, b: Bucket, e: Exit, pnl: float) -> None:
    """Add a step to the pool's totals; a takeover realises at the mark and forfeits the rest."""
    pool = w.pools[b.pool]
    pool["liquidation_fees"] += e.fee
    pool["realized"] += pnl
    pool["shortfall"] += e.covered
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
def book_exit(w: Any, i: int, s: int, b: Bucket, e: Exit, step: int, cause: int) -> None:
    """Carry out one exit of a position and write it down."""
    p, rules = w.positions[s], rules_of(w, s)
    n = record_before(w, i, s, b, e, step, cause)
    to_fund = rules["steps"][e.rule_step]["fee_to_fund"] != 0
    direction, dust = side(p["size"]), DUST * notional(rules, e.closed, e.price)
    p["low"], p["high"] = min(p["low"], p["mark"]), max(p["high"], p["mark"])
    w.state[0]["exits"] += 1
    pnl = unrealized_pnl(rules, direction * e.closed, p["entry"], e.price)
    fill = Fill(w.ts[i], _LIQUIDATION, e.price, e.fee, 0.0 if e.taken_over else e.lost, pnl)
    count_totals(w, b, e, pnl)
    cross, covered = is_cross(w), e.covered
    if cross:
        w.pools[b.pool]["cash"] += pnl - e.fee + e.covered
    else:
        p["margin"] += pnl - e.fee + e.covered
    shrink_position(w, s, e.closed, fill)
    if p["size"] == 0.0:
        p["target"] = p["target"] if w.config[0]["reenter"] else nan
        covered += release_pool(w, b.pool, dust) if cross else release_isolated(w, s, dust)
        if w.config[0]["on_liquidation"] == _STOP:
            w.state[0]["stopped"] = 1
    record_fill(w, s, -direction * e.closed, fill, covered)
    record_after(w, n, s, b, e, covered, to_fund)


@jit
def net_legs(w: Any, i: int, s: int, k: int, closed: float, at: tuple[int, int]) -> None:
    """Close both legs of a symbol against each other at the mark; `at` is (step, cause)."""
    pool, twin = w.positions[s]["pool"], w.positions[s]["twin"]
    b = for_position(w, s, measure(w, ACCOUNT, pool))
    book_exit(w, i, s, b, plan_exit(w, s, b, k, closed, w.positions[s]["mark"]), at[0], at[1])
    b = for_position(w, twin, measure(w, ACCOUNT, pool))
    mark = w.positions[twin]["mark"]
    book_exit(w, i, twin, b, plan_exit(w, twin, b, k, closed, mark), at[0], at[1])


@jit
def meet_book(w: Any, i: int, s: int, k: int, wanted: float, at: tuple[int, int, int]) -> float:
    """Fill a forced order from the orders in the book; returns the |size| that was filled.

    It stops at the order's limit, and where the venue's fund cannot or may not pay what a fill
    lacks. `at` is (bucket, step, cause).
    """
    left, paid, limit = wanted, 0.0, -1.0
    size = w.positions[s]["size"]
    for n in range(len(w.book)):
        price, amount = w.book[n]["price"], min(w.book[n]["size"], left)
        b = for_position(w, s, measure(w, at[0], w.positions[s]["pool"]))
        if limit < 0.0:
            limit = limit_price(w, s, rules_of(w, s)["steps"][k], b)
        e = plan_exit(w, s, b, k, amount, price)
        paid += e.covered
        unpaid = paid > w.config[0]["fund_per_block"] or e.covered > w.state[0]["fund"]
        if is_beyond(size, price, limit) or unpaid:
            break
        w.state[0]["fund"] += e.fee - e.covered
        book_exit(w, i, s, b, e, at[1], at[2])
        left -= amount
        if left <= 0.0:
            break
    return wanted - left


@jit
def take_step(w: Any, i: int, s: int, b: Bucket, step: int, cause: int) -> bool:
    """Carry out one step of the process on a position; whether anything could be closed.

    A forced order that nobody takes gives way to the next step, if nothing is left behind it.
    """
    first, count = _FROM_THE_TOP, rules_of(w, s)["n_steps"]
    if step > STEPS:
        first = count - 1
    while first < count:
        k, closed = choose_step(w, i, s, b, first)
        rule = rules_of(w, s)["steps"][k]
        if rule["wait_ms"] > 0:
            w.state[0]["wait_until"] = w.ts[i] + rule["wait_ms"]
        if rule["size_kind"] == _NET_LEGS:
            net_legs(w, i, s, k, closed, (step, cause))
            return True
        if len(w.book) == 0 or rule["exit"] == _BANKRUPTCY:
            price = exit_price(w, i, s, rule, b)
            book_exit(w, i, s, b, plan_exit(w, s, b, k, closed, price), step, cause)
            return True
        if meet_book(w, i, s, k, closed, (b.bucket, step, cause)) > 0.0:
            return True
        if b.equity >= 0.0:
            return False
        first = k + 1
    return False


@jit
def cancel_bucket_orders(w: Any, i: int, bucket: int, pool: int) -> None:
    """Cancel the orders of a bucket: of one symbol, or of all that share a pool.

    Of resting orders those that the venue cancels then.
    """
    for s in range(len(w.positions)):
        if s == bucket or (bucket == ACCOUNT and w.positions[s]["pool"] == pool):
            cancel_orders(w, i, s)
    if w.state[0]["resting"] == 0:
        return
    first = bucket if bucket != ACCOUNT else next_position(w, measure(w, bucket, pool))
    if first < 0:
        return
    scope = rules_of(w, first)["cancels_orders"]
    for s in range(len(w.positions)):
        same = w.positions[s]["series"] == w.positions[first]["series"]
        shares = bucket == ACCOUNT and w.positions[s]["pool"] == pool
        if scope == _ACCOUNT or (scope == _BUCKET and shares) or (scope != _NONE and same):
            end_orders(w, w.ts[i], s, _CANCELLED)


@jit
def next_block(w: Any, i: int, bucket: int, pool: int, step: int, cause: int) -> bool:
    """Carry out the next step of a process, unless the bucket is healthy, empty or stuck."""
    b = measure(w, bucket, pool)
    s = next_position(w, b)
    if s < 0:
        return False
    b = for_position(w, s, b)
    if step > 1 and is_cured(w, s, b.equity, b.maintenance, healthy_ratio(w, s)):
        return False
    return take_step(w, i, s, b, step, cause)


@jit
def healthy_ratio(w: Any, s: int) -> float:
    """MM / equity at which a process stops."""
    return rules_of(w, s)["healthy_ratio"]


@jit
def note_fall(w: Any, bucket: int, pool: int) -> int:
    """Note that a bucket is liquidated inside a bar; 1 if it is not on every way of the bar."""
    state, falls = w.state[0], 0
    if bucket == ACCOUNT:
        w.pools[pool]["fell"], falls = 1, w.pools[pool]["falls"]
    else:
        w.positions[bucket]["fell"], falls = 1, w.positions[bucket]["falls"]
    return int(falls < state["trials"])


@jit
def record_marks(w: Any, i: int, pool: int) -> None:
    """Write the marks of all open positions that the liquidation of a pool assumes."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["pool"] != pool or p["size"] == 0.0:
            continue
        n = slot(w, MARKS, len(w.marks))
        if n < 0:
            continue
        r = w.marks[n]
        r["ts"], r["event"], r["symbol"] = w.ts[i], w.state[0]["liquidations"], s
        r["size"], r["entry_price"], r["mark_price"] = p["size"], p["entry"], p["mark"]
        r["unrealized_pnl"], r["maintenance_margin"] = (
            position_pnl(w, s),
            position_maintenance(w, s),
        )


@jit
def liquidate(w: Any, i: int, bucket: int, pool: int, cause: int) -> bool:
    """Run the venue's process on a triggered bucket at the marks in the state.

    Returns whether anything was closed.
    """
    w.state[0]["liquidations"] += 1
    w.state[0]["possible"] = note_fall(w, bucket, pool)
    cancel_bucket_orders(w, i, bucket, pool)
    if bucket == ACCOUNT and w.pools[pool]["open"] > 1:
        record_marks(w, i, pool)
    step = _FIRST_STEP
    while next_block(w, i, bucket, pool, step, cause):
        step += 1
    w.state[0]["possible"] = 0
    refresh_pool(w, pool)
    if w.state[0]["resting"] > 0:
        for s in range(len(w.positions)):
            if w.positions[s]["pool"] == pool:
                end_reducers(w, w.ts[i], s)
    return step > 1
