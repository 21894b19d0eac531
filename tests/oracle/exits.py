"""How a liquidation step leaves: at which price, for which fee, and what counts as cured."""

from math import inf

from .account import Pool
from .margin import bankruptcy, price_at, sign, turned
from .margin import unit as unit_of

SAME = 1e-12
"""Share by which equity and requirement may differ through rounding alone."""


class Bucket:
    """What is liquidated with its money at the marks; a position's own gain is its own."""

    def __init__(self, account, bucket, p=None):
        self.bucket, self.is_pool = bucket, isinstance(bucket, Pool)
        self.equity, self.need = account.state(bucket)
        if self.is_pool and p is not None and p.r.own_gains:
            self.equity += max(p.gain(), 0.0)

    def ratio(self):
        """MM / equity."""
        return ratio(self.equity, self.need)

    def share(self, account, p):
        """Equity that belongs to a position: by maintenance margin, or all that others leave."""
        own = account.needs(p)
        if self.is_pool and p.r.own_gains:
            return self.equity - (self.need - own)
        return self.equity * (own / self.need if self.need > 0.0 else 1.0)


def ratio(equity, need):
    """Requirement per equity; infinite where nothing stands behind it."""
    if equity > 0.0:
        return need / equity
    return inf if need > 0.0 else 0.0


def cured(p, equity, need, wanted):
    """Whether a bucket is healthy; rounding at the trigger is no health."""
    enough = need * (1.0 + SAME)
    if equity < enough or (equity == enough and not p.r.below):
        return False
    return need <= wanted * equity * (1.0 + SAME)


def fee_rate(p, rule):
    """What a step charges per closed value: the day's fee, or that inside a bankruptcy price."""
    if rule.fee == "taker":
        return p.r.closing if rule.exit == "bankruptcy" and p.r.fee_inside else p.today.taker
    clearance = p.today.clearance
    taker = p.today.taker + clearance
    return {"none": 0.0, "taker_and_clearance": taker}.get(rule.fee, clearance)


def market(account, p):
    """The mark made worse by slippage, or the worst trade of the bar."""
    slippage = account.liquidation_slippage
    if slippage >= 0.0:
        return p.mark * (1.0 - sign(p.size) * slippage)
    worst = account.worst_trade(p)
    if worst is None:
        return p.mark
    return min(p.mark, worst) if p.size > 0.0 else max(p.mark, worst)


def takeover(account, p, equity):
    """Bankruptcy price of a position with some equity behind it."""
    apart = p.r.fee_inside and p.r.fee_on_cost
    return bankruptcy(p.r, p.size, p.mark, equity, account.reserve(p) if apart else None)


def exit_price(account, p, rule, b):
    """The price a step leaves at."""
    if rule.exit == "bankruptcy":
        return takeover(account, p, b.share(account, p))
    price = market(account, p)
    if rule.exit == "market":
        return price
    if rule.exit == "zero_equity":
        limit = takeover(account, p, b.share(account, p))
    else:
        limit = fillable(account, p, rule, b)
    return max(price, limit) if p.size > 0.0 else min(price, limit)


def fillable(account, p, rule, b):
    """O·(1 − s·ABR·SMMR·MMF), ABR = 1 − NC/MM between 0 and 1: worse as equity goes."""
    used = min(max(1.0 - b.equity / b.need, 0.0), 1.0) if b.need > 0.0 else 1.0
    away = used * rule.spread * account.needs(p) / abs(p.size)
    return price_at(p.r, unit_of(p.r, p.mark) - turned(p.r, p.size) * away)
