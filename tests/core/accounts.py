"""Rules and prices for core tests, spelled out so that a reader can follow the arithmetic."""

import numpy as np

from backtest.core.engine import Engine, Settings
from backtest.core.state import KINDS, ORDER, OrderKind, OrderType, TriggerBy
from backtest.core.types import (
    FUNDING,
    FUNDING_INSIDE,
    HAS_MARK,
    HAS_TRADE,
    MARK_CLOSE,
    MARK_OPEN,
    N_FIELDS,
    RULES,
    STEP_WIDTH,
    CancelsOrders,
    CloseFee,
    FundingFrom,
    IsolatedOpen,
    MarginMode,
    OrderMargin,
    StepExit,
    StepFee,
    StepSize,
    TierKey,
    TierRule,
    Trigger,
    ValuedAt,
)

HOUR = 3_600_000
START = 1_640_995_200_000
FOREVER = 2**62
TIERS = ((0, 0.004, 125), (50_000, 0.005, 100), (250_000, 0.01, 50), (1_000_000, 0.025, 20))


def step(size, exit_, fee, **more):
    """One liquidation step as a mapping of STEP fields."""
    base = {
        "size_kind": StepSize[size],
        "exit": StepExit[exit_],
        "fee": StepFee[fee],
        "min_tier": 1,
        "at_most": np.inf,
    }
    return {**base, **more}


SMART = (
    step("CURE", "MARKET", "CLEARANCE", min_tier=2, amount=0.9, fee_to_fund=1),
    step("ALL", "MARKET", "CLEARANCE", fee_to_fund=1),
)
LADDER = (
    step("TIERS_DOWN", "MARKET", "TAKER", min_tier=2, amount=1, must_cure=1),
    step("ALL", "BANKRUPTCY", "TAKER"),
)
TWO_DOWN = (
    step("TIERS_DOWN", "BANKRUPTCY", "TAKER", min_tier=3, amount=2, covers_first_tier=1),
    step("ALL", "BANKRUPTCY", "TAKER"),
)
FIFTHS = (
    step("ALL", "BANKRUPTCY", "NONE", min_margin_ratio=1.5),
    step("FRACTION", "MARKET", "TAKER", amount=0.2, min_notional=100_000, wait_ms=30_000),
    step("ALL", "MARKET", "TAKER"),
)


def make_rules(steps=SMART, tiers=TIERS, **changes):
    """One RULES record valid for ever; `changes` replace its fields."""
    rules = np.zeros(1, RULES)
    r = rules[0]
    r["valid_from"], r["valid_to"] = -FOREVER, FOREVER
    r["tier_key"], r["tier_rule"] = TierKey.NOTIONAL_AT_MARK, TierRule.PROGRESSIVE
    r["maintenance_at"] = r["initial_at"] = ValuedAt.MARK
    r["close_fee"], r["isolated_open"] = CloseFee.NONE, IsolatedOpen.NOTIONAL_OVER_LEVERAGE
    r["funding_from"], r["trigger"] = FundingFrom.MARGIN, Trigger.AT_OR_BELOW
    r["lot"], r["min_size"], r["min_notional"], r["tick"] = 0.001, 0.001, 5.0, 0.1
    r["taker_fee"], r["clearance_fee"], r["healthy_ratio"] = 0.0005, 0.0125, 1.0
    r["cap"], r["tiers_complete"] = 10_000_000.0, 1
    r["cancels_orders"], r["order_margin"] = CancelsOrders.BUCKET, OrderMargin.INITIAL
    r["max_open_orders"], r["trigger_band"] = 200, np.inf
    r["multiplier"], r["expires"], r["rate_cap"] = 1.0, FOREVER, 1.0
    assert len(steps) <= STEP_WIDTH
    r["n_steps"] = len(steps)
    for k, one in enumerate(steps):
        for name, value in one.items():
            r["steps"][k][name] = value
    for name, value in changes.items():
        r[name] = value
    if "close_fee_rate" not in changes:
        r["close_fee_rate"] = r["taker_fee"]
    set_tiers(r, tiers)
    return rules


def set_tiers(r, tiers):
    """Write (floor, rate, max leverage) rows; deductions follow from continuity."""
    r["n_tiers"] = len(tiers)
    deduction = 0.0
    for k, (floor, rate, leverage) in enumerate(tiers):
        if k and r["tier_rule"] == TierRule.PROGRESSIVE:
            deduction += floor * (rate - tiers[k - 1][1])
        r["floor"][k], r["rate"][k], r["max_leverage"][k] = floor, rate, leverage
        r["deduction"][k] = deduction


def bars(*symbols, flags=HAS_TRADE | HAS_MARK, ts=None, timeframe=HOUR):
    """A block from per-symbol lists of (open, high, low, close), mark equal to trade."""
    count = len(symbols[0])
    prices = np.full((N_FIELDS, len(symbols), count), np.nan)
    for s, candles in enumerate(symbols):
        prices[0:4, s] = prices[4:8, s] = np.array(candles, float).T
    stamps = START + timeframe * np.arange(count) if ts is None else np.array(ts)
    return stamps.astype(np.int64), prices, np.full((len(symbols), count), flags, np.uint8)


def orders(*events):
    """ORDER events from (bar, symbol, kind, value), a price as fifth element, or ready ones."""
    array = np.zeros(len(events), ORDER)
    for k, event in enumerate(events):
        if isinstance(event, np.void):
            array[k] = event
            continue
        bar, symbol, kind, value, *price = event
        row = array[k]
        row["ts"], row["symbol"], row["kind"] = START + HOUR * bar, symbol, OrderKind[kind]
        row["value"], row["price"] = value, price[0] if price else np.nan
    return array


def order(bar, kind, size, price=np.nan, *, symbol=0, by="LAST", **more):
    """One resting ORDER event: `kind` an OrderType; `until` is the bar at whose open it ends."""
    row = orders((bar, symbol, "SIZE", size, price))[0]
    row["type"], row["by"] = OrderType[kind], TriggerBy[by]
    if "until" in more:
        more["until"] = START + HOUR * more["until"]
    for name, value in more.items():
        row[name] = value
    return row


def engine(
    rules, *, cash=10_000.0, mode="ISOLATED", leverage=10, pools=None, legs=False, **settings
):
    """An engine whose symbols settle in one pool, or in the pools named per symbol.

    With `legs` every symbol has a long leg, numbered as without, and a short one after all longs.
    """
    settings = {"sample_ms": HOUR, **settings}
    made = Settings(MarginMode[mode], leverage, HOUR, **settings)
    pools = pools or [0] * len(rules)
    return Engine(made, list(rules), pools, [cash] * (max(pools) + 1), legs)


def money_is_conserved(e, tolerance=1e-9):
    """deposits + P&L − costs + shortfall covered equals equity, relative to what was moved."""
    for number, p in enumerate(e.pools):
        own = e.positions[(e.positions["pool"] == number) & (e.positions["size"] != 0.0)]
        flows = (
            p["deposits"]
            + p["realized"]
            + unrealized(e, own)
            - p["fees"]
            - p["funding"]
            - p["liquidation_fees"]
            - p["forfeited"]
            + p["shortfall"]
        )
        moved = p["deposits"] + abs(p["realized"]) + p["forfeited"] + p["shortfall"]
        if abs(flows - p["equity"]) > tolerance * max(moved, 1.0):
            return False
    return True


def unrealized(e, held):
    """P&L of open positions at their marks, written as the venues' documents write it."""
    total = 0.0
    for p in held:
        r, size, entry, mark = e._rules[p["rule"]], p["size"], p["entry"], p["mark"]
        linear = size * (mark - entry) * r["multiplier"]
        total += size / entry - size / mark if r["inverse"] else linear
    return total


def steps_balance(records, tolerance=1e-9, *, inverse=False):
    """Every step: equity_before = slippage + fee + forfeited + residual − shortfall."""
    unit = 1.0 / records["mark_price"] if inverse else records["mark_price"]
    right = (
        records["slippage"]
        + records["fee"]
        + records["forfeited"]
        + records["residual"]
        - records["shortfall"]
    )
    scale = np.maximum(np.abs(records["equity_before"]), records["size_closed"] * unit)
    return bool(np.all(np.abs(records["equity_before"] - right) <= tolerance * scale))


def settle(block, bar, rate, *, symbol=0, inside=False):
    """The block with a funding settlement at the open of a bar, or strictly inside it."""
    block[1][FUNDING_INSIDE if inside else FUNDING, symbol, bar] = rate
    return block


def mark_candle(block, bar, candle, *, symbol=0):
    """The block with a mark candle that differs from the trade candle."""
    block[1][MARK_OPEN : MARK_CLOSE + 1, symbol, bar] = candle
    return block


def flag(block, bar, flags, *, symbol=0):
    """The block with other flags at a bar."""
    block[2][symbol, bar] = flags
    return block


def play(e, block, *events):
    """Give orders, run a block, take all records by kind; money must balance at its end."""
    e.give(orders(*events))
    e.feed(*block)
    records = {kind: e.take(kind) for kind in KINDS}
    assert money_is_conserved(e)
    inverse = bool(e._rules["inverse"].any())
    assert steps_balance(records["liquidations"], inverse=inverse)
    return records
