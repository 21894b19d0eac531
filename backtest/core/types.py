"""Records the compiled core reads and writes, and the small integers that name its mechanisms.

Everything here is data: numpy dtypes with aligned fields and enumerations whose values the
rulebooks spell as words (`TierRule.PROGRESSIVE` is `"progressive"` in a TOML file).
Sizes are signed (long > 0) in base units; amounts are in the settle asset; times are
milliseconds since 1970 UTC; rates are fractions.
"""

from enum import IntEnum

import numpy as np


def word(value: int) -> int:
    """An integer that compiled code passes on as a 64-bit variable.

    Passed a Python constant, the compiler would make one copy of a function for each value.
    """
    return np.int64(value)  # type: ignore[return-value]


TIER_WIDTH = 128
"""Rows reserved for a tier table; the longest known table has 99."""
STEP_WIDTH = 4
"""Steps reserved for a liquidation process of one margin mode."""

# --- one block of aligned bars: prices[field, symbol, bar] and flags[symbol, bar] -------------
OPEN, HIGH, LOW, CLOSE = 0, 1, 2, 3
MARK_OPEN, MARK_HIGH, MARK_LOW, MARK_CLOSE = 4, 5, 6, 7
FUNDING, FUNDING_INSIDE, VOLUME = 8, 9, 10
"""FUNDING is the rate settled at the bar's open, FUNDING_INSIDE the sum of rates settled
strictly inside the bar; NaN where there is none."""
N_FIELDS = 11

HAS_TRADE = 1
"""The bar has a trade candle: orders can fill."""
HAS_MARK = 2
"""The bar has prices to check margin with (real mark, or trade standing in)."""
MARK_IS_PROXY = 4
"""Trade prices stand in for the mark in this bar."""
FUNDING_IS_ASSUMED = 8
"""The venue's schedule has a settlement here that the data lack; the policy's rate is used."""
SEGMENT_END = 16
"""No data follow for longer than the permitted gap: the position ends at this close."""
MARK_IS_COARSE = 32
"""A bar inside a longer one, of whose mark only the longer bar's range is known: MARK_LOW and
MARK_HIGH are that range, MARK_OPEN and MARK_CLOSE a guess inside it."""


class MarginMode(IntEnum):
    """What money stands behind a position."""

    ISOLATED = 0
    CROSS = 1


class TierKey(IntEnum):
    """The quantity that picks the row of the tier table."""

    NOTIONAL_AT_MARK = 0
    NOTIONAL_AT_ENTRY = 1
    SIZE = 2


class TierRule(IntEnum):
    """How a row's rate applies.

    PROGRESSIVE: rate·N − deduction. FLAT: rate·N on the whole position. LINEAR_IN_SIZE:
    (rate + slope·coins)·N, at most the rate cap, where coins are the position in base coin.
    OVER_LEVERAGE: rate/leverage·N, a flat table once the leverage is known.
    """

    PROGRESSIVE = 0
    FLAT = 1
    LINEAR_IN_SIZE = 2
    OVER_LEVERAGE = 3


class ValuedAt(IntEnum):
    """The price that values a position for a margin requirement.

    MARK is the price that triggers: an oracle's on a venue that has no mark.
    """

    MARK = 0
    ENTRY = 1


class InitialRate(IntEnum):
    """The rate of the initial margin: 1/leverage, the table's, or the larger of the two."""

    LEVERAGE = 0
    TABLE = 1
    LARGER = 2


class CloseFee(IntEnum):
    """Closing fee counted inside the maintenance (and, where marked, initial) margin.

    AT_BANKRUPTCY is charged on the value at which the margin is used up, COST_AND_MARGIN on
    the value at entry plus the margin, whatever the side.
    """

    NONE = 0
    AT_MARK = 1
    AT_BANKRUPTCY = 2
    COST_AND_MARGIN = 3


class NextFunding(IntEnum):
    """Whether the requirement holds the next funding payment of a position that would pay it.

    LAST_RATE: at the rate settled last, on the value at entry.
    """

    NONE = 0
    LAST_RATE = 1


class IsolatedOpen(IntEnum):
    """Margin moved into an isolated position when it opens."""

    NOTIONAL_OVER_LEVERAGE = 0
    MINUS_OPENING_FEE = 1
    PLUS_CLOSING_FEE = 2


class FundingFrom(IntEnum):
    """The money that pays the funding of an isolated position."""

    MARGIN = 0
    WALLET = 1


class Trigger(IntEnum):
    """Whether equity that equals the requirement is already liquidated."""

    AT_OR_BELOW = 0
    BELOW = 1


class Gains(IntEnum):
    """Whether the unrealised gains of one cross position stand behind the others.

    OWN: they do not; losses are topped up from the wallet, every position keeps its initial margin,
    and the one that loses most is the first to be left without.
    """

    SHARED = 0
    OWN = 1


class Legs(IntEnum):
    """How the long and the short leg of one symbol are margined in a cross pool.

    SEPARATE: each by itself. JOINT_TIER: both at the tier of their sum. LARGER_SIDE: the
    larger leg only, at the tier of their sum.
    """

    SEPARATE = 0
    JOINT_TIER = 1
    LARGER_SIDE = 2


class LiquidationOrder(IntEnum):
    """Which position of a pool is worked on first."""

    LARGEST_MAINTENANCE = 0
    LARGEST_LOSS = 1


class StepSize(IntEnum):
    """How much of a position one liquidation step closes.

    NET_LEGS closes the long and the short leg of one symbol against each other.
    """

    ALL = 0
    CURE = 1
    TIERS_DOWN = 2
    FRACTION = 3
    NET_LEGS = 4


class StepExit(IntEnum):
    """The price a liquidation step leaves at.

    ZERO_EQUITY: the market, but never beyond the bankruptcy price, at which somebody takes the
    position over. FILLABLE: the market, but never beyond a limit that moves from the mark to
    a multiple of the maintenance margin away as equity falls to nothing.
    """

    MARKET = 0
    BANKRUPTCY = 1
    ZERO_EQUITY = 2
    FILLABLE = 3


class StepFee(IntEnum):
    """What a liquidation step charges on the notional it closes.

    EQUITY_SHARE: the clearance fee, at most the equity that belongs to the closed part; what
    that part lacks is paid by the fund.
    """

    NONE = 0
    TAKER = 1
    CLEARANCE = 2
    TAKER_AND_CLEARANCE = 3
    EQUITY_SHARE = 4


class OrderMargin(IntEnum):
    """What a resting order that would open or enlarge a position reserves.

    INITIAL: the initial margin at the order's own price. INITIAL_AND_OPENING_FEE: that and the
    fee of the fill. INITIAL_AND_FEES: that, the fee of the fill and the fee of closing again.
    """

    NONE = 0
    INITIAL = 1
    INITIAL_AND_FEES = 2
    INITIAL_AND_OPENING_FEE = 3


class CancelsOrders(IntEnum):
    """Which resting orders a liquidation cancels before its first step.

    BUCKET: those of the symbol for isolated margin, those of the pool for cross. ACCOUNT: all
    orders, also those of other buckets.
    """

    NONE = 0
    SYMBOL = 1
    BUCKET = 2
    ACCOUNT = 3


STEP = np.dtype(
    [
        ("size_kind", "i4"),
        ("exit", "i4"),
        ("fee", "i4"),
        ("fee_to_fund", "i4"),
        ("must_cure", "i4"),  # 1: skipped unless the bucket is healthy afterwards
        ("covers_first_tier", "i4"),  # 1: only while equity covers the first tier's rate
        ("min_tier", "i8"),  # first tier (counted from 1) the step applies to
        ("amount", "f8"),  # margin ratio to reach / tiers down / fraction, by size_kind
        ("at_least", "f8"),  # a fraction closes no less than this value ...
        ("at_most", "f8"),  # ... and no more than this; settle asset, inf if none
        ("min_notional", "f8"),  # applies to positions worth more than this
        ("min_margin_ratio", "f8"),  # applies from this margin ratio (MM / equity) on
        ("spread", "f8"),  # FILLABLE: margins away at equity 0
        ("wait_ms", "i8"),  # not again on this bucket within this time
    ],
    align=True,
)

RULES = np.dtype(
    [
        ("valid_from", "i8"),
        ("valid_to", "i8"),  # exclusive
        ("expires", "i8"),  # the contract settles then
        ("extrapolated", "i4"),  # 1: dates lie before the first or after the last known table
        ("inverse", "i4"),  # 1: a unit of size is worth 1/price
        ("tier_key", "i4"),
        ("tier_rule", "i4"),
        ("maintenance_at", "i4"),
        ("initial_at", "i4"),
        ("initial_rate", "i4"),
        ("close_fee", "i4"),
        ("next_funding", "i4"),
        ("isolated_open", "i4"),
        ("funding_from", "i4"),
        ("trigger", "i4"),
        ("gains", "i4"),
        ("legs", "i4"),
        ("order", "i4"),
        ("order_margin", "i4"),
        ("cancels_orders", "i4"),
        ("bankruptcy_fee", "i4"),  # 1: the closing fee is part of the bankruptcy price
        ("tiers_complete", "i4"),  # 0: known only up to `cap`
        ("frozen", "i4"),  # 1: a position keeps these rules until it changes
        ("max_open_orders", "i8"),  # resting orders the symbol may have
        ("trigger_band", "f8"),  # farthest price of an order from the last: a fraction, inf if none
        ("n_tiers", "i8"),
        ("n_steps", "i8"),
        ("multiplier", "f8"),  # value of a unit of size per unit of price (1 but for quanto)
        ("lot", "f8"),
        ("min_size", "f8"),
        ("min_notional", "f8"),
        ("tick", "f8"),
        ("maker_fee", "f8"),
        ("taker_fee", "f8"),
        ("close_fee_rate", "f8"),  # rate of the closing fee inside the requirement
        ("clearance_fee", "f8"),
        ("delivery_fee", "f8"),
        ("healthy_ratio", "f8"),  # steps go on until MM / equity is at or under this
        ("cap", "f8"),  # largest tier key value a position may reach; inf if none
        ("rate_slope", "f8"),  # LINEAR_IN_SIZE: added to the rate per base coin
        ("rate_cap", "f8"),
        ("initial_slope", "f8"),
        ("floor", "f8", (TIER_WIDTH,)),
        ("rate", "f8", (TIER_WIDTH,)),
        ("deduction", "f8", (TIER_WIDTH,)),
        ("max_leverage", "f8", (TIER_WIDTH,)),
        ("steps", STEP, (STEP_WIDTH,)),
    ],
    align=True,
)
"""One symbol's rules in one margin mode between two dates. Arrays `floor`, `rate`, `deduction`
and `max_leverage` hold `n_tiers` rows in the tier key's own unit: settle asset, or units of size.
Sizes are in base units for linear and quanto contracts and in quote value for inverse ones."""
