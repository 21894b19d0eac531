"""Both accounts of a plan side by side: every record, field by field."""

from math import inf, isfinite, isnan

from .account import Pool
from .ledger import KINDS
from .walk import TooManyError

TOLERANCE = 1e-9
BEYOND_PRICES = 1e15
LAST_BITS, NUDGES = 3e-14, 12
REASONS = ("signal", "liquidation", "end", "expiry", "limit", "stop", "take_profit")
WORDS = {
    "cause": ("price", "funding", "tier_change"),
    "reason": REASONS,
    "source": ("refill", "reserve"),
    "exit_reason": REASONS,
    "rejected": (
        "below_minimum", "insufficient_margin", "max_leverage", "position_limit", "tiers_unknown",
        "price_not_traded", "cancelled", "segment_ended", "outside_span", "expired", "wrong_leg",
        "would_trigger", "reduce_only", "post_only", "too_many_orders", "price_out_of_band",
        "order_expired", "unknown_order", "position_closed", "reserve_exceeded", "no_position",
    ),
}  # fmt: skip
PRICES = {
    "liquidation_price",
    "bankruptcy_price",
    "exit_price",
    "entry_price",
    "mark_price",
    "price",
}
EQUITY = (
    "ts", "pool", "equity", "equity_low", "equity_usd", "cash", "unrealized_pnl", "notional",
    "initial_margin", "maintenance_margin",
)  # fmt: skip


def disagreements(plan, most=3):
    """(what differs between both accounts, as lines, the first `most`; bars of both).

    None instead of lines: not for the oracle. What differs by rounding alone does not count: how
    many lots cure a bucket, or whether a mark that equals a level reaches it, can hang on the last
    bit. Then the oracle agrees with the engine once the prices it sees are moved by less.
    """
    try:
        oracle = plan.oracle()
    except TooManyError:
        return None, 0
    _, records = plan.engine()
    found = _compare(plan, oracle, records)
    for seed in range(NUDGES if found else 0):
        if not _compare(plan, plan.nudged(seed, LAST_BITS).oracle(), records):
            plan.ties += 1
            found = []
            break
    return [line for _, line in found[:most]], len(oracle.records["equity"])


def _compare(plan, oracle, records):
    """(time, line) of the first difference of every kind of record, in order of time."""
    found = []
    for kind in KINDS:
        mine, its = oracle.records[kind], records[kind]
        if kind == "equity":
            mine = [dict(zip(EQUITY, one, strict=True)) for one in mine]
        if len(mine) != len(its):
            found.append(
                (_when(mine, its), f"{kind}: {len(mine)} in the oracle, {len(its)} in the engine")
            )
        for n, (one, other) in enumerate(zip(mine, its, strict=False)):
            wrong = _differing(kind, one, other, _scale(oracle, one))
            if wrong:
                ts = int(one["exit_time" if kind == "trades" else "ts"])
                found.append((ts, f"{kind} {n} at bar {_bar(plan, ts)}: {wrong}"))
                break
    return sorted(found)


def _bar(plan, ts):
    return (ts - int(plan.times[0])) // plan.settings["timeframe"]


def _when(mine, its):
    """Time of the first record that one of two lists of different length has alone."""
    count = min(len(mine), len(its))
    longer = mine if len(mine) > count else its
    name = (
        "exit_time"
        if "exit_time" in (longer[0] if longer is mine else longer.dtype.names)
        else "ts"
    )
    return int(longer[count][name])


def _scale(oracle, record):
    """The money that a record is about: rounding of a difference is relative to its parts."""
    if "notional" in record:
        start = oracle.pools[record["pool"]].start
        return max(start, record["notional"], abs(record["cash"]), abs(record["equity"]))
    number = record.get("symbol")
    pool = oracle.pools[record["pool"]] if number is None else oracle.positions[number].pool
    return (
        max(pool.start, abs(pool.cash), record.get("scale", 0.0)) if isinstance(pool, Pool) else 1.0
    )


def _differing(kind, mine, its, scale):
    """The first field that differs, with both values; "" if none does."""
    for name, value in mine.items():
        if name == "scale" or value is None:
            continue
        other = its[name].item()
        words = WORDS["rejected"] if kind == "rejections" and name == "reason" else WORDS.get(name)
        if isinstance(value, str):
            value = words.index(value)
        if name in ("margin_ratio", "leverage_effective"):
            # relative to an equity that is itself a difference
            least = abs(mine["equity_before"])
            width = scale / least if least else inf
            if abs(value - other) <= TOLERANCE * max(1.0, width) * max(abs(value), abs(other)):
                continue
        if not _same(name, value, other, scale):
            return f"{name} {value!r} in the oracle, {other!r} in the engine"
    return ""


def _same(name, a, b, scale):
    if a == b:
        return True
    if isinstance(a, int) and isinstance(b, int):
        return False
    if not (isfinite(a) and isfinite(b)):
        return isnan(a) and isnan(b)
    size = max(abs(a), abs(b))
    if name in PRICES and min(a, b) > BEYOND_PRICES:  # a coin's worth of nothing but rounding
        return True
    if name in PRICES or name in ("size", "mae", "mfe"):
        return abs(a - b) <= TOLERANCE * max(size, 1e-3 if name in ("mae", "mfe") else 0.0)
    return abs(a - b) <= TOLERANCE * max(size, scale)
