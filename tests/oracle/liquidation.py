"""A venue's liquidation process: steps until the bucket is healthy or empty, each one a record.

Source: the sections on liquidation of the rulebooks; a step's words are those of the venue's file.
"""

from .account import Position
from .exits import Bucket, cured, exit_price, fee_rate, ratio, takeover
from .levels import level
from .margin import profit, sign
from .margin import unit as unit_of
from .resting import end_all, end_reducers
from .sizes import size_of

DUST = 1e-12
"""Share of a closed value under which a remainder is a rounding error."""
MOST_STEPS = 2000
"""Steps of a process before the last one takes the rest."""


def liquidate(account, bucket, cause):
    """Run the process on a bucket at the marks in the state; whether anything was closed."""
    account.events += 1
    account.happened.add(bucket)
    account.possible = account.certain is not None and bucket not in account.certain
    account.cancel(bucket)
    _cancel_resting(account, bucket)
    step = 1
    while _next(account, bucket, step, cause):
        step += 1
    account.possible = False
    for p in account.positions:
        if p.pool is (bucket.pool if isinstance(bucket, Position) else bucket):
            end_reducers(account, p)
    return step > 1


def _cancel_resting(account, bucket):
    """Cancel the resting orders that the venue cancels before the first step."""
    first = first_to_go(account, bucket)
    if first is None:
        return
    scope = first.r.words["orders.cancelled"]
    for p in account.positions:
        hit = p.series == first.series or (scope == "bucket" and p.pool is bucket)
        if scope == "account" or (scope != "none" and hit):
            end_all(account, p, "cancelled")


def _next(account, bucket, step, cause):
    p = first_to_go(account, bucket)
    if p is None:
        return False
    b = Bucket(account, bucket, p)
    if step > 1 and cured(p, b.equity, b.need, p.r.healthy_ratio):
        return False
    rule, closed = choose(account, p, b) if step <= MOST_STEPS else (p.r.steps[-1], abs(p.size))
    if rule.wait_seconds:
        account.wait_until = account.ts + round(rule.wait_seconds * 1000)
    if rule.size == "net_legs":
        for leg in (p, p.twin):
            book_step(
                account, leg, Bucket(account, bucket, leg), rule, (closed, leg.mark), step, cause
            )
        return True
    price = exit_price(account, p, rule, b)
    book_step(account, p, b, rule, (closed, price), step, cause)
    return True


def first_to_go(account, bucket):
    """The position that is worked on first, by the venue's order."""
    if isinstance(bucket, Position):
        return bucket if bucket.size else None
    positions = bucket.open()
    if not positions:
        return None
    weakest = account.weakest(positions)
    if weakest is not None:
        return weakest
    if positions[0].r.words["liquidation.order"] == "largest_loss":
        return min(positions, key=Position.gain)
    return max(positions, key=account.needs)


def choose(account, p, b):
    """(step, |size|): the first that applies and closes something; the last closes all."""
    for rule in p.r.steps:
        if applies(account, p, rule, b):
            closed = size_of(account, p, rule, b)
            if closed > 0.0:
                return rule, closed
    return p.r.steps[-1], abs(p.size)


def applies(account, p, rule, b):
    """Whether a step's conditions hold."""
    if account.row(p) + 1 < rule.min_tier or p.worth() <= rule.min_notional:
        return False
    if rule.min_margin_ratio and b.ratio() <= rule.min_margin_ratio:
        return False
    if rule.wait_seconds and account.ts < account.wait_until:
        return False
    if not rule.covers_first_tier:
        return True
    mine = b.bucket.open() if b.is_pool else [p]
    return b.equity >= sum(account.needs(one, row=0) for one in mine)


def book_step(account, p, b, rule, exit_, step, cause):
    """Carry out one step on a position and write it down.

    equity before = slippage + fee + forfeited + residual − shortfall; a takeover forfeits what lies
    between the mark and its price, a market exit loses it as slippage.
    """
    closed, price = exit_
    r, mark, side = p.r, p.mark, sign(p.size)
    lost = -profit(r, side * closed, mark, price)
    taken = rule.exit == "bankruptcy"
    value = closed * unit_of(r, price)
    fee, fund_pays = _fee(account, p, b, rule, exit_, lost)
    record = _before(account, p, b, rule, step, cause)
    gain = profit(r, side * closed, p.entry, price)
    account.book_forced(p, closed, price, gain, fee, fund_pays)
    missing = fund_pays
    if not p.size:
        missing += account.after_end(p, DUST * value)
    account.fill(
        p, "liquidation", -side * closed, price, fee, 0.0 if taken else lost, gain, missing
    )
    residual = b.equity - lost - fee + missing
    record |= {
        "size_closed": closed, "exit_price": price, "fee": fee,
        "residual": 0.0 if abs(residual) <= DUST * value else residual,
        "slippage": 0.0 if taken else lost,
        "forfeited": max(lost, 0.0) if taken else 0.0,
        "shortfall": missing + (max(-lost, 0.0) if taken else 0.0),
        "tier_after": account.row(p) + 1 if p.size else 0,
    }  # fmt: skip
    to_fund = fee if rule.fee_to_fund else 0.0
    record["insurance"] = to_fund + record["forfeited"] - record["shortfall"]
    account.records["liquidations"].append(record)


def _fee(account, p, b, rule, exit_, lost):
    """(fee, what the fund pays at once) of a step."""
    closed, price = exit_
    fee = closed * unit_of(p.r, price) * fee_rate(p, rule)
    if rule.fee == "equity_share":
        left = b.share(account, p) * closed / abs(p.size) - lost
        return min(fee, max(left, 0.0)), max(-left, 0.0)
    if rule.exit == "bankruptcy" and p.r.fee_inside:
        # the price leaves room for the fee; where it was put aside at the open, that is the fee
        if rule.fee == "taker" and p.r.fee_on_cost:
            fee = account.reserve(p) * closed / abs(p.size)
        return fee, 0.0
    return min(fee, max(b.equity - lost, 0.0)), 0.0


def _before(account, p, b, rule, step, cause):
    """The record of a step as far as it is what the step meets."""
    worth = sum(one.worth() for one in (b.bucket.open() if b.is_pool else [p]))
    return {
        "ts": account.ts, "symbol": p.number, "event": account.events, "step": step,
        "scope": int(b.is_pool), "cause": cause, "rule_step": p.r.steps.index(rule),
        "side": int(sign(p.size)), "size_before": p.size, "entry_price": p.entry,
        "mark_price": p.mark, "liquidation_price": level(account, p),
        "bankruptcy_price": takeover(account, p, b.equity), "equity_before": b.equity,
        "maintenance_margin": b.need, "margin_ratio": b.ratio(),
        "leverage_effective": ratio(b.equity, worth), "tier_before": account.row(p) + 1,
        "bars_held": (account.ts - p.opened) // account.timeframe,
        "mark_is_proxy": int(account.is_proxy(p)), "rules_extrapolated": int(p.r.guessed),
        "usd_price": account.usd(p.pool),
        "certainty": int(account.possible),
    }  # fmt: skip
