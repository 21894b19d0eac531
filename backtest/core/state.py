"""What the engine carries from bar to bar, and the records it writes.

State between two blocks is these arrays and nothing else: a run can be streamed, saved, resumed
and split. Every record kind is one dtype; `KINDS` names them in the order of their counters.
"""

from enum import IntEnum

import numpy as np

from .types import word

NO_TIME = 2**62
"""Later than every bar."""

IS_USD, UNPRICED = word(-1), word(-2)
"""Pools without a pricing position: money is worth 1 USD, or nothing says what it is worth."""


class OnLiquidation(IntEnum):
    """What happens to the account after a position was fully liquidated."""

    STOP = 0
    CONTINUE = 1
    REFILL = 2


class OrderKind(IntEnum):
    """What the value of an order means."""

    NONE = 0
    EXPOSURE = 1
    """target exposure: signed notional / equity"""
    SIZE = 2
    """signed size to trade, base units"""
    CANCEL = 3
    """identifier of a resting order to take back"""
    ADD_MARGIN = 4
    """money from the wallet into an isolated position's margin; negative: back"""
    TRANSFER = 5
    """money from the reserve outside the venue into the pool; negative: back"""


class OrderType(IntEnum):
    """How an order meets the market. All but MARKET rest until they fill or end."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    """a market order once the price has moved against it to its trigger"""
    TAKE_PROFIT = 3
    """a market order once the price has moved in its favour to its trigger"""
    TRAILING_STOP = 4
    """a stop that follows the best price since it is active at a distance"""


class TriggerBy(IntEnum):
    """The price that triggers an order."""

    LAST = 0
    MARK = 1


class Path(IntEnum):
    """Which of the ways a bar leaves open an account takes.

    BOTH: it has not met a bar yet whose ways lead to different ends.
    """

    BOTH = 0
    PESSIMISTIC = 1
    OPTIMISTIC = 2


class Done(IntEnum):
    """What has become of a resting order within the present bar."""

    RESTS = 0
    FILLED = 1
    ENDED = 2


class Stop(IntEnum):
    """Why a run stopped in a bar that it has to be told to go on with."""

    NONE = 0
    UNSURE = 1
    """its ways lead to different ends"""
    FILLED = 2
    """orders have filled at its open, and others may follow them"""


class Certainty(IntEnum):
    """Whether an event happens on every way that its bar leaves open, or on some."""

    CERTAIN = 0
    POSSIBLE = 1


class Cause(IntEnum):
    """What pushed a bucket over its requirement."""

    PRICE = 0
    FUNDING = 1
    TIER_CHANGE = 2


class Reason(IntEnum):
    """Why a fill happened."""

    SIGNAL = 0
    LIQUIDATION = 1
    END = 2
    EXPIRY = 3
    """a dated future was settled"""
    LIMIT = 4
    STOP = 5
    TAKE_PROFIT = 6


class Source(IntEnum):
    """Where money that is paid in comes from."""

    REFILL = 0
    """fresh money, after a loss (`OnLiquidation.REFILL`)"""
    RESERVE = 1
    """the trader's own beside the venue, or back to it"""


class Rejected(IntEnum):
    """Why an order was refused or dropped."""

    BELOW_MINIMUM = 0
    INSUFFICIENT_MARGIN = 1
    MAX_LEVERAGE = 2
    POSITION_LIMIT = 3
    TIERS_UNKNOWN = 4
    PRICE_NOT_TRADED = 5
    CANCELLED_BY_LIQUIDATION = 6
    SEGMENT_ENDED = 7
    OUTSIDE_SPAN = 8
    """due before the first bar of the run or after its last"""
    EXPIRED = 9
    """the contract has been settled"""
    WRONG_LEG = 10
    """would turn a leg of a hedged symbol to the other side"""
    WOULD_TRIGGER = 11
    """a stop or take-profit on the wrong side of the price: it would trigger at once"""
    REDUCE_ONLY = 12
    """there is no position to reduce, nor an order that would open one"""
    POST_ONLY = 13
    """would take from the book instead of resting in it"""
    TOO_MANY_ORDERS = 14
    PRICE_OUT_OF_BAND = 15
    """a price further from the market than the venue takes"""
    ORDER_EXPIRED = 16
    """its time ran out before it filled"""
    UNKNOWN_ORDER = 17
    """there is no order with this identifier to cancel"""
    POSITION_CLOSED = 18
    """an order that only reduces, after its position was closed"""
    RESERVE_EXCEEDED = 19
    """more than the reserve outside the venue holds"""
    NO_POSITION = 20
    """margin for a position that is not there, or not isolated"""


CONFIG = np.dtype(
    [
        ("mode", "i8"),  # MarginMode
        ("leverage", "f8"),
        ("slippage", "f8"),  # fraction of price, on ordinary fills
        ("liquidation_slippage", "f8"),  # fraction of price; negative: the bar's trade extreme
        ("on_liquidation", "i8"),
        ("refill_below", "f8"),  # share of the starting equity
        ("rebalance", "f8"),  # negative: only on change; else the band in exposure units
        ("reenter", "i8"),
        ("timeframe_ms", "i8"),
        ("sample_ms", "i8"),
        ("fund_per_block", "f8"),  # most that the venue's fund pays in one step
        ("path", "i8"),  # Path
        ("ask", "i8"),  # 1: stop at a bar whose ways lead to different ends, and be told
        ("pause", "i8"),  # 1: stop once orders have filled at an open, and be told
        ("fine", "i8"),  # 1: the bars are parts of a longer one, whose open was played
    ],
    align=True,
)

STATE = np.dtype(
    [
        ("order", "i8"),  # next order event to look at
        ("next_sample", "i8"),  # close time from which the next sample is due
        ("rules_until", "i8"),  # earliest end of a rule in force
        ("waiting", "i8"),  # orders waiting for a trade candle
        ("fund", "f8"),  # what the venue's fund has; infinite unless it is known
        ("wait_until", "i8"),  # steps with a waiting time rest until then, on every position
        ("stopped", "i8"),
        ("overflow", "i8"),  # a record or a resting order did not fit into its buffer
        ("crowded", "i8"),  # it was a resting order
        ("liquidations", "i8"),
        ("last_ts", "i8"),  # open time of the last bar that was run
        ("opened", "i8"),  # bar whose open has been played
        ("decided", "i8"),  # bar whose ways may part: the account takes its path
        ("parted", "i8"),  # bars in which a path was taken as their ways part
        ("parted_at", "i8"),  # the last of them
        ("unsure", "i8"),  # Stop: inside the bar `opened`, to be told how to go on
        ("following", "i8"),  # 1: what is taken now follows fills of this very open
        ("resting", "i8"),  # resting orders, done ones of this bar included
        ("exits", "i8"),  # liquidation steps so far
        ("trials", "i8"),  # ways of the present bar that were tried; 0: it leaves one only
        ("choice", "i8"),  # how events whose order is unknown are put in a row
        ("stage", "i8"),  # part of the bar that is being walked
        ("due", "i8"),  # 1: what a coarse mark has still to reach, it reaches in this bar
        ("order_id", "i8"),  # resting order that fills; 0: none
        ("possible", "i8"),  # 1: what happens now does not happen on every way
    ],
    align=True,
)

POOL = np.dtype(
    [
        ("cash", "f8"),  # wallet not bound in isolated positions, without unrealised P&L
        ("start", "f8"),  # equity that a refill restores
        ("start_usd", "f8"),  # the same in USD, where a refill of coin restores that; else 0
        ("equity", "f8"),  # at the last close
        ("equity_low", "f8"),  # lowest close since the last sample
        ("reserve", "f8"),  # the trader's money outside the venue
        ("open", "i8"),  # open positions
        ("fell", "i8"),  # 1: liquidated inside this bar
        ("falls", "i8"),  # ways of this bar on which it is liquidated
        ("priced_by", "i8"),  # position whose mark is the coin's USD price; or IS_USD, UNPRICED
        ("deposits", "f8"),
        ("realized", "f8"),
        ("fees", "f8"),
        ("funding", "f8"),  # paid; negative when received
        ("liquidation_fees", "f8"),
        ("forfeited", "f8"),
        ("shortfall", "f8"),
    ],
    align=True,
)

POSITION = np.dtype(
    [
        ("size", "f8"),
        ("entry", "f8"),
        ("margin", "f8"),  # isolated: money in the bucket without unrealised P&L; cross: 0
        ("level", "f8"),  # mark at which a bucket of this position alone is liquidated
        ("far", "f8"),  # the same on its favourable side, where a dearer tier begins
        ("mark", "f8"),
        ("close", "f8"),  # last trade close
        ("closing_mark", "f8"),  # mark at the last close
        ("last", "f8"),  # trade price on the walk through a bar
        ("goal", "f8"),  # mark that the present stage of the walk goes to
        ("last_goal", "f8"),  # trade price that it goes to
        ("reach", "f8"),  # mark on the way there up to which nothing but liquidation can come
        ("begins", "f8"),  # mark from which the way to its reach is looked through
        ("lean", "f8"),  # side whose adverse prices the bar is walked to
        ("favoured", "i8"),  # 1: the walk goes to its favourable price first
        ("fell", "i8"),  # 1: liquidated inside this bar
        ("falls", "i8"),  # ways of this bar on which it is liquidated
        ("funded", "i8"),  # bar whose inner funding is paid
        ("ratio", "f8"),  # of maintenance margin and equity of its bucket, when looked at
        ("shown", "f8"),  # its liquidation price then
        ("free", "f8"),  # money of its pool that nothing holds
        ("backing", "f8"),  # equity of its bucket
        ("gain", "f8"),  # its unrealised P&L
        ("still", "i8"),  # 1: the stage of the walk says nothing of the mark; −1: suspended
        ("owed_low", "f8"),  # lowest mark of the longer bar, until it has been reached; else NaN
        ("owed_high", "f8"),  # its highest mark
        ("coarse_to", "i8"),  # end of that longer bar
        ("rule", "i8"),  # index of the rules in force for the position
        ("current", "i8"),  # index of the rules in force for new positions
        ("pool", "i8"),
        ("series", "i8"),  # row of the block's arrays
        ("twin", "i8"),  # the other leg of the symbol, -1 in one-way mode
        ("leg", "i8"),  # 0: one-way, 1: long leg, -1: short leg
        ("funding_rate", "f8"),  # settled last; 0 before the first
        ("order_kind", "i8"),  # waiting order
        ("order_value", "f8"),  # size; an exposure while no price is known to size it at
        ("order_price", "f8"),
        ("target", "f8"),  # last target exposure; NaN when spent or never given
        ("liquidated_at", "i8"),  # bar of the last liquidation of its bucket
        ("side", "i8"),  # of the running trade
        ("opened", "i8"),
        ("low", "f8"),
        ("high", "f8"),
        ("peak_size", "f8"),
        ("equity_at_entry", "f8"),
        ("bought", "f8"),
        ("bought_value", "f8"),
        ("sold", "f8"),
        ("sold_value", "f8"),
        ("pnl", "f8"),
        ("fees", "f8"),
        ("funding", "f8"),
    ],
    align=True,
)
"""`bought` counts what opened the running trade, `sold` what closed it, whatever the side."""

SCRATCH = (
    *("ratio", "shown", "free", "backing", "gain"),
    *("last", "goal", "last_goal", "reach", "begins", "lean", "favoured", "fell", "falls"),
    *("funded", "still", "owed_low", "owed_high", "coarse_to"),
)
"""Fields of POSITION that mean something inside a bar only."""

ORDER = np.dtype(
    [
        ("ts", "i8"),  # first bar open at which it may fill
        ("symbol", "i8"),
        ("kind", "i8"),
        ("value", "f8"),  # by kind; a size may be infinite: all of the position
        ("price", "f8"),  # limit, trigger or activation; NaN: market, at the trade open
        ("type", "i8"),  # OrderType
        ("by", "i8"),  # TriggerBy
        ("reduce_only", "i8"),
        ("post_only", "i8"),
        ("callback", "f8"),  # trailing distance, fraction of the price
        ("until", "i8"),  # good till this time; 0: until cancelled
        ("id", "i8"),  # the caller's; 0: none
    ],
    align=True,
)

RESTING = np.dtype(
    [
        ("id", "i8"),
        ("symbol", "i8"),
        ("type", "i8"),
        ("by", "i8"),
        ("size", "f8"),  # signed; infinite: all of the position
        ("price", "f8"),  # limit or trigger; of a trailing stop its activation
        ("callback", "f8"),
        ("best", "f8"),  # of a trailing stop, once active; NaN before
        ("reduce_only", "i8"),
        ("until", "i8"),
        ("done", "i8"),  # Done; kept in its place until the bar is over
        ("hits", "i8"),  # ways of this bar on which it fills
    ],
    align=True,
)

LIQUIDATION = np.dtype(
    [
        ("ts", "i8"),
        ("symbol", "i8"),
        ("event", "i8"),  # steps of one liquidation share a number
        ("step", "i8"),
        ("scope", "i8"),
        ("cause", "i8"),
        ("rule_step", "i8"),
        ("side", "i8"),
        ("size_before", "f8"),
        ("size_closed", "f8"),
        ("entry_price", "f8"),
        ("mark_price", "f8"),
        ("liquidation_price", "f8"),
        ("bankruptcy_price", "f8"),
        ("exit_price", "f8"),
        ("equity_before", "f8"),
        ("maintenance_margin", "f8"),
        ("margin_ratio", "f8"),
        ("slippage", "f8"),
        ("fee", "f8"),
        ("forfeited", "f8"),
        ("residual", "f8"),
        ("shortfall", "f8"),
        ("insurance", "f8"),
        ("leverage_effective", "f8"),
        ("tier_before", "i8"),
        ("tier_after", "i8"),
        ("bars_held", "i8"),
        ("mark_is_proxy", "i8"),
        ("rules_extrapolated", "i8"),
        ("rule", "i8"),
        ("usd_price", "f8"),  # of the settle asset at the mark; NaN if not known
        ("certainty", "i8"),
    ],
    align=True,
)

FILL = np.dtype(
    [
        ("ts", "i8"),
        ("symbol", "i8"),
        ("reason", "i8"),
        ("size", "f8"),
        ("price", "f8"),
        ("fee", "f8"),
        ("slippage", "f8"),
        ("realized_pnl", "f8"),
        ("shortfall", "f8"),
        ("position_after", "f8"),
        ("margin_after", "f8"),
        ("cash_after", "f8"),
        ("usd_price", "f8"),
        ("order_id", "i8"),  # of a resting order; 0: none
        ("certainty", "i8"),
    ],
    align=True,
)

FUNDING_PAYMENT = np.dtype(
    [
        ("ts", "i8"),
        ("symbol", "i8"),
        ("size", "f8"),
        ("price", "f8"),
        ("funding_rate", "f8"),
        ("amount", "f8"),  # paid by the account; negative when received
        ("is_assumed", "i8"),
        ("mark_is_proxy", "i8"),
        ("usd_price", "f8"),
    ],
    align=True,
)

TRADE = np.dtype(
    [
        ("symbol", "i8"),
        ("side", "i8"),
        ("entry_time", "i8"),
        ("exit_time", "i8"),
        ("entry_price", "f8"),
        ("exit_price", "f8"),
        ("size", "f8"),
        ("exposure", "f8"),
        ("leverage", "f8"),
        ("pnl", "f8"),
        ("return_pct", "f8"),
        ("fees", "f8"),
        ("funding", "f8"),
        ("mae", "f8"),
        ("mfe", "f8"),
        ("bars_held", "i8"),
        ("exit_reason", "i8"),
        ("certainty", "i8"),  # of the exit
    ],
    align=True,
)

REJECTION = np.dtype(
    [
        ("ts", "i8"),
        ("symbol", "i8"),
        ("reason", "i8"),
        ("size", "f8"),
        ("price", "f8"),
        ("required", "f8"),
        ("available", "f8"),
        ("order_id", "i8"),
    ],
    align=True,
)

EQUITY = np.dtype(
    [
        ("ts", "i8"),
        ("pool", "i8"),
        ("equity", "f8"),
        ("equity_low", "f8"),
        ("equity_usd", "f8"),
        ("cash", "f8"),
        ("unrealized_pnl", "f8"),
        ("notional", "f8"),
        ("initial_margin", "f8"),
        ("maintenance_margin", "f8"),
    ],
    align=True,
)

MARGIN = np.dtype(
    [
        ("ts", "i8"),
        ("symbol", "i8"),
        ("size", "f8"),
        ("entry_price", "f8"),
        ("mark_price", "f8"),
        ("unrealized_pnl", "f8"),
        ("isolated_margin", "f8"),
        ("initial_margin", "f8"),
        ("maintenance_margin", "f8"),
        ("liquidation_price", "f8"),
        ("tier", "i8"),
        ("mark_is_proxy", "i8"),
        ("rules_extrapolated", "i8"),
    ],
    align=True,
)

DEPOSIT = np.dtype(
    [("ts", "i8"), ("pool", "i8"), ("source", "i8"), ("amount", "f8"), ("usd_price", "f8")],
    align=True,
)

MARK = np.dtype(
    [
        ("ts", "i8"),
        ("event", "i8"),
        ("symbol", "i8"),
        ("size", "f8"),
        ("entry_price", "f8"),
        ("mark_price", "f8"),
        ("unrealized_pnl", "f8"),
        ("maintenance_margin", "f8"),
    ],
    align=True,
)
"""Every open position of a pool as one of its liquidations began: the marks that it assumes."""

BOOK = np.dtype([("price", "f8"), ("size", "f8")], align=True)
"""Orders that forced exits meet, best first; without any, the market takes all at one price."""

KINDS = (
    "liquidations",
    "fills",
    "funding",
    "trades",
    "rejections",
    "equity",
    "margin",
    "deposits",
    "marks",
)
DTYPES = (
    LIQUIDATION,
    FILL,
    FUNDING_PAYMENT,
    TRADE,
    REJECTION,
    EQUITY,
    MARGIN,
    DEPOSIT,
    MARK,
)
(
    LIQUIDATIONS,
    FILLS,
    FUNDINGS,
    TRADES,
    REJECTIONS,
    EQUITIES,
    MARGINS,
    DEPOSITS,
    MARKS,
) = map(word, range(len(KINDS)))
"""Numbers of the kinds: where each has its counter."""
