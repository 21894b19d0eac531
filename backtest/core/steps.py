"""Which step of a venue's liquidation process applies, how much it closes, and at what price.

Steps are tried in the rulebook's order and the first that applies is taken. `bucket` is a
symbol number or ACCOUNT; equity and maintenance margin are the bucket's at the current marks.
"""

# mypy: disable-error-code="no-any-return"

from math import inf
from typing import Any, NamedTuple

from .contracts import (
    notional,
    round_down,
    round_up,
    side,
    size_worth,
    unrealized_pnl,
    without_dust,
)
from .jit import jit
from .requirement import fillable_limit, takeover_of
from .risk import (
    bucket_equity,
    bucket_maintenance,
    deduction_of_other,
    is_cross,
    is_liquidated,
    legs_maintenance,
    margin_ratio,
    position_fee,
    position_maintenance,
    position_pnl,
    position_row,
    rules_of,
    rules_today,
    shared_pnl,
    twin_size,
    weakest,
)
from .tiers import size_at_key
from .types import (
    HAS_TRADE,
    HIGH,
    LOW,
    Gains,
    LiquidationOrder,
    StepExit,
    StepFee,
    StepSize,
    ValuedAt,
)

_ALL = int(StepSize.ALL)
_OWN = int(Gains.OWN)
_CURE = int(StepSize.CURE)
_TIERS_DOWN = int(StepSize.TIERS_DOWN)
_NET_LEGS = int(StepSize.NET_LEGS)
_BANKRUPTCY = int(StepExit.BANKRUPTCY)
_ZERO_EQUITY = int(StepExit.ZERO_EQUITY)
_FILLABLE = int(StepExit.FILLABLE)
_TAKER_AND_CLEARANCE = int(StepFee.TAKER_AND_CLEARANCE)
_LARGEST_LOSS = int(LiquidationOrder.LARGEST_LOSS)
_TAKER = int(StepFee.TAKER)
_CLEARANCE = int(StepFee.CLEARANCE)
_AT_ENTRY = int(ValuedAt.ENTRY)
HALVINGS = 100
SAME_MONEY = 1e-12
"""Share by which equity and requirement differ through rounding alone."""


class Bucket(NamedTuple):
    """A bucket under liquidation: what it is, and its money at the current marks."""

    bucket: int
    pool: int
    equity: float
    maintenance: float


class Leaving(NamedTuple):
    """How a step leaves: at which price and for which fee rate."""

    price: float
    rate: float


@jit
def fee_rate(w: Any, s: int, step: Any) -> float:
    """Fee rate of a step on the notional it closes: the day's, or that in a bankruptcy price."""
    rules, today = rules_of(w, s), rules_today(w, s)
    if step["fee"] == _TAKER:
        inside = step["exit"] == _BANKRUPTCY and rules["bankruptcy_fee"]
        return rules["close_fee_rate"] if inside else today["taker_fee"]
    if step["fee"] == _TAKER_AND_CLEARANCE:
        return today["taker_fee"] + today["clearance_fee"]
    return today["clearance_fee"] if step["fee"] >= _CLEARANCE else 0.0


@jit
def market_price(w: Any, i: int, s: int) -> float:
    """Price of a forced market exit: the mark worsened by slippage, or the trade extreme."""
    p = w.positions[s]
    slippage, series = w.config[0]["liquidation_slippage"], p["series"]
    if slippage >= 0.0:
        return p["mark"] * (1.0 - side(p["size"]) * slippage)
    if not w.flags[series, i] & HAS_TRADE:
        return p["mark"]
    if p["size"] > 0.0:
        return min(p["mark"], w.prices[LOW, series, i])
    return max(p["mark"], w.prices[HIGH, series, i])


@jit
def share_of_equity(w: Any, s: int, b: Bucket) -> float:
    """Part of a bucket's equity that belongs to a position, by maintenance margin.

    Where gains are not shared, all but what the other positions keep for themselves.
    """
    own = position_maintenance(w, s)
    if b.bucket < 0 and rules_of(w, s)["gains"] == _OWN:
        return b.equity - (b.maintenance - own)
    return b.equity * (own / b.maintenance if b.maintenance > 0.0 else 1.0)


@jit
def takeover_price(w: Any, s: int, b: Bucket) -> float:
    """Bankruptcy price of one position of a bucket.

    A pool's equity is shared among its positions by their maintenance margins, so that taking
    all of them over leaves exactly nothing.
    """
    p, equity = w.positions[s], share_of_equity(w, s, b)
    return takeover_of(rules_of(w, s), p["size"], p["mark"], equity, position_fee(w, s))


@jit
def fillable_price(w: Any, s: int, step: Any, b: Bucket) -> float:
    """Limit of a forced order: `spread` maintenance margins off the mark as equity falls to 0."""
    p, rules = w.positions[s], rules_of(w, s)
    used = 1.0 - b.equity / b.maintenance if b.maintenance > 0.0 else 1.0
    away = step["spread"] * position_maintenance(w, s)
    return fillable_limit(rules, p["size"], p["mark"], used, away)


@jit
def limit_price(w: Any, s: int, step: Any, b: Bucket) -> float:
    """Price a step does not leave beyond; none is 0 for a long and infinite for a short."""
    if step["exit"] == _ZERO_EQUITY:
        return takeover_price(w, s, b)
    if step["exit"] == _FILLABLE:
        return fillable_price(w, s, step, b)
    return 0.0 if w.positions[s]["size"] > 0.0 else inf


@jit
def is_beyond(size: float, price: float, limit: float) -> bool:
    """Whether a price is worse for a position than a limit, rounding forgiven."""
    if size > 0.0:
        return price < limit * (1.0 - SAME_MONEY)
    return price > limit * (1.0 + SAME_MONEY)


@jit
def exit_price(w: Any, i: int, s: int, step: Any, b: Bucket) -> float:
    """Price at which a step leaves a market that takes all at one price."""
    if step["exit"] == _BANKRUPTCY:
        return takeover_price(w, s, b)
    if step["size_kind"] == _NET_LEGS:
        return w.positions[s]["mark"]
    price, limit = market_price(w, i, s), limit_price(w, s, step, b)
    return max(price, limit) if w.positions[s]["size"] > 0.0 else min(price, limit)


@jit
def after_closing(
    w: Any, s: int, closed: float, price: float, rate: float, b: Bucket
) -> tuple[float, float]:
    """(equity, maintenance) of a bucket if |size| `closed` of a position left at a price."""
    p, rules = w.positions[s], rules_of(w, s)
    signed, old = side(p["size"]) * closed, legs_maintenance(w, s)
    fee = notional(rules, closed, price) * rate
    change = unrealized_pnl(rules, signed, p["mark"], price) - fee
    size, margin = p["size"], p["margin"]
    p["size"] = size - signed
    if not is_cross(w):
        # the closing fee inside the requirement depends on the margin that is left
        p["margin"] = margin + unrealized_pnl(rules, signed, p["entry"], price) - fee
    new = legs_maintenance(w, s)
    p["size"], p["margin"] = size, margin
    return b.equity + change, b.maintenance - old + new


@jit
def is_cured(w: Any, s: int, equity: float, maintenance: float, ratio: float) -> bool:
    """Whether a bucket is healthy again; under 1, `ratio` asks for more than that.

    Taking over a share of a bucket at its trigger leaves the rest there but for rounding. That is
    no cure: what was liquidated was at its trigger or beyond it, and so is the rest.
    """
    if is_liquidated(rules_of(w, s), equity, maintenance * (1.0 + SAME_MONEY)):
        return False
    return maintenance <= ratio * equity * (1.0 + SAME_MONEY)


@jit
def size_to_tier(w: Any, s: int, row: int) -> float:
    """|size| in lots to close so that the rest fits into a lower row of the table."""
    p, rules = w.positions[s], rules_of(w, s)
    held, lot = abs(p["size"]), rules_today(w, s)["lot"]
    kept = size_at_key(rules, rules["floor"][row + 1], p["entry"], p["mark"]) - twin_size(w, s)
    return without_dust(max(round_up(held - kept, lot), lot), held, lot)


@jit
def cured_by(w: Any, s: int, step: Any, closed: float, b: Bucket, leaves: Leaving) -> bool:
    """Whether closing |size| `closed` brings MM / equity to the step's amount."""
    equity, maintenance = after_closing(w, s, closed, leaves.price, leaves.rate, b)
    return is_cured(w, s, equity, maintenance, step["amount"])


@jit
def size_to_cure(w: Any, i: int, s: int, step: Any, b: Bucket) -> float:
    """Smallest |size| in lots whose closing brings MM / equity to the step's amount, else 0.

    Also 0 where the position is there already, as in a process that goes on beyond its cure.
    Within a tier what closing frees and costs is linear in the size, and the fee may cost more
    than a lower tier frees: so tier edges are tried from the smallest closing on, and the first
    that cures holds the answer between it and the one before.
    """
    p = w.positions[s]
    held, lot = abs(p["size"]), rules_today(w, s)["lot"]
    leaves = Leaving(exit_price(w, i, s, step, b), fee_rate(w, s, step))
    if cured_by(w, s, step, 0.0, b, leaves):
        return 0.0
    low, row = 0.0, position_row(w, s)
    while row >= 0:
        high = size_to_tier(w, s, row - 1) if row > 0 else held
        if cured_by(w, s, step, high, b, leaves):
            break
        low, row = high, row - 1
    if row < 0:
        return 0.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if cured_by(w, s, step, middle, b, leaves):
            high = middle
        else:
            low = middle
    closed = without_dust(max(round_up(high, lot), lot), held, lot)
    return closed if closed < held else 0.0


@jit
def size_down_tiers(w: Any, i: int, s: int, step: Any, b: Bucket) -> float:
    """|size| to close to get `amount` tiers down, or to the first lower one that cures."""
    p = w.positions[s]
    row = position_row(w, s) - int(step["amount"])
    price, rate = exit_price(w, i, s, step, b), fee_rate(w, s, step)
    while row >= 0:
        closed = size_to_tier(w, s, row)
        if closed >= abs(p["size"]):
            return 0.0
        equity, maintenance = after_closing(w, s, closed, price, rate, b)
        if not step["must_cure"] or is_cured(w, s, equity, maintenance, 1.0):
            return closed
        row -= 1
    return 0.0


@jit
def size_of_fraction(w: Any, s: int, step: Any) -> float:
    """|size| of a fraction: rounded up to lots, or down where a value may not be passed."""
    p, rules = w.positions[s], rules_of(w, s)
    held, lot = abs(p["size"]), rules_today(w, s)["lot"]
    value = notional(rules, held, p["mark"])
    wanted = max(value * step["amount"], min(step["at_least"], value))
    if step["at_most"] == inf and step["at_least"] == 0.0:
        return without_dust(round_up(held * step["amount"], lot), held, lot)
    if min(wanted, step["at_most"]) >= value:
        return held
    size = size_worth(rules, min(wanted, step["at_most"]), p["mark"])
    return without_dust(max(round_down(size, lot), lot), held, lot)


@jit
def size_to_close(w: Any, i: int, s: int, step: Any, b: Bucket) -> float:
    """|size| a step closes; 0 if it cannot be applied."""
    p = w.positions[s]
    if step["size_kind"] == _ALL:
        return abs(p["size"])
    if step["size_kind"] == _CURE:
        return size_to_cure(w, i, s, step, b)
    if step["size_kind"] == _TIERS_DOWN:
        return size_down_tiers(w, i, s, step, b)
    if step["size_kind"] == _NET_LEGS:
        both = p["twin"] >= 0 and is_cross(w)
        return min(abs(p["size"]), abs(w.positions[p["twin"]]["size"])) if both else 0.0
    return size_of_fraction(w, s, step)


@jit
def first_tier_requirement(w: Any, b: Bucket) -> float:
    """What the bucket would need if every position had the first tier's rate."""
    total = 0.0
    for s in range(len(w.positions)):
        p = w.positions[s]
        mine = s == b.bucket or (b.bucket < 0 and p["pool"] == b.pool)
        if mine and p["size"] != 0.0:
            rules, row = rules_of(w, s), position_row(w, s)
            cheaper = rules["rate"][row] - rules["rate"][0]
            price = p["entry"] if rules["maintenance_at"] == _AT_ENTRY else p["mark"]
            total += position_maintenance(w, s) - cheaper * notional(rules, p["size"], price)
            total += rules["deduction"][row] - deduction_of_other(w, s, row)
    return total


@jit
def applies(w: Any, i: int, s: int, step: Any, b: Bucket) -> bool:
    """Whether the conditions of a step hold."""
    p = w.positions[s]
    if position_row(w, s) + 1 < step["min_tier"]:
        return False
    if notional(rules_of(w, s), p["size"], p["mark"]) <= step["min_notional"]:
        return False
    ratio = margin_ratio(b.equity, b.maintenance)
    if step["min_margin_ratio"] > 0.0 and ratio <= step["min_margin_ratio"]:
        return False
    if step["wait_ms"] > 0 and w.ts[i] < w.state[0]["wait_until"]:
        return False
    return not step["covers_first_tier"] or b.equity >= first_tier_requirement(w, b)


@jit
def choose_step(w: Any, i: int, s: int, b: Bucket, first: int) -> tuple[int, float]:
    """(number of the first step from `first` on that applies, |size| it closes).

    The last step closes all.
    """
    rules = rules_of(w, s)
    count = rules["n_steps"]
    for k in range(first, count):
        step = rules["steps"][k]
        if applies(w, i, s, step, b):
            closed = size_to_close(w, i, s, step, b)
            if closed > 0.0:
                return k, closed
    return count - 1, abs(w.positions[s]["size"])


@jit
def next_position(w: Any, b: Bucket) -> int:
    """Position of a bucket to work on, by the venue's order; −1 if none is open."""
    if b.bucket >= 0:
        return b.bucket if w.positions[b.bucket]["size"] != 0.0 else -1
    first = weakest(w, b.pool)
    if first >= 0:
        return first
    best, most = -1, -inf
    for s in range(len(w.positions)):
        if w.positions[s]["pool"] == b.pool and w.positions[s]["size"] != 0.0:
            by_loss = rules_of(w, s)["order"] == _LARGEST_LOSS
            own = -position_pnl(w, s) if by_loss else position_maintenance(w, s)
            if own > most:
                best, most = s, own
    return best


@jit
def measure(w: Any, bucket: int, pool: int) -> Bucket:
    """A bucket with its money and its requirement at the current marks."""
    equity = bucket_equity(w, bucket, pool)
    return Bucket(bucket, pool, equity, bucket_maintenance(w, bucket, pool))


@jit
def for_position(w: Any, s: int, b: Bucket) -> Bucket:
    """The bucket as one of its positions sees it: with its own gain, if that is not shared."""
    own = position_pnl(w, s) - shared_pnl(w, s) if b.bucket < 0 else 0.0
    return Bucket(b.bucket, b.pool, b.equity + own, b.maintenance)
